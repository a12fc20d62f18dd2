/* SPDX-License-Identifier: Apache-2.0 */
#include "apply.h"

#include <stdlib.h>
#include <string.h>

#include "ota/posix.h"

struct mapped_base {
    struct ota_delta_base base;
    const uint8_t *p;
};

static ota_err read_mapped(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    memcpy(buf, ((struct mapped_base *)self)->p + off, len);
    return OTA_OK;
}

static const struct ota_delta_base_ops mapped_ops = { read_mapped };

bool digest_of(const uint8_t *p, size_t len, uint8_t sha256[OTA_SHA256_LEN])
{
    struct ota_posix_crypto c;
    struct ota_hash h;

    if (ota_posix_crypto_open(&c, NULL, NULL) != OTA_OK || c.port.ops->hash_start(&c.port, &h, OTA_SHA256) != OTA_OK)
        return false;
    ota_err err = c.port.ops->hash_add(&c.port, &h, p, len);
    ota_err end = c.port.ops->hash_end(&c.port, &h, err == OTA_OK ? sha256 : NULL);
    return err == OTA_OK && end == OTA_OK;
}

static bool complain(const char *name, ota_err err)
{
    (void)fprintf(stderr, "ota-delta: %s: %s (%s)\n", name, ota_err_text(err), ota_err_name(err));
    return false;
}

/* One application, from the mapped files to a draft and a running digest. */
struct job {
    struct mapped old, patch;
    const char *old_name, *patch_name;
    struct draft *out;                 /* NULL: check only */
    struct ota_posix_crypto crypto;
    struct ota_hash hash;
    struct ota_delta_info info;
};

static ota_err decode(struct job *j, struct ota_delta *d)
{
    uint8_t out[16384];
    size_t at = 0, used, made;
    ota_err err;

    do {
        err = ota_delta_push(d, j->patch.p + at, j->patch.len - at, &used, out, sizeof out, &made);
        at += used;
        if (j->crypto.port.ops->hash_add(&j->crypto.port, &j->hash, out, made) != OTA_OK)
            return OTA_DEVICE_CRYPTO;
        if (j->out && !files_add(j->out, out, made))
            return OTA_DEVICE_FULL;
    } while (err == OTA_OK && (used || made));
    return err == OTA_OK ? ota_delta_end(d) : err;
}

static bool check_digest(const struct job *j, const char *name, const uint8_t *sha256, const uint8_t *wanted, const char *what)
{
    (void)j;
    if (memcmp(sha256, wanted, OTA_DELTA_DIGEST_LEN) == 0)
        return true;
    (void)fprintf(stderr, "ota-delta: %s: %s (%s)\n", name, what, ota_err_name(OTA_REJECT_HASH));
    return false;
}

static bool run(struct job *j)
{
    struct mapped_base base = { { &mapped_ops }, j->old.p };
    struct ota_delta_config cfg = { .size = sizeof cfg, .base = &base.base, .base_len = j->old.len, .patch_len = j->patch.len };
    struct ota_delta *d;
    uint8_t sha256[OTA_SHA256_LEN];
    ota_err err = ota_delta_peek(&j->info, j->patch.p, j->patch.len);

    if (err != OTA_OK)
        return complain(j->patch_name, err == OTA_AGAIN ? OTA_REJECT_CORRUPT : err);
    if (!digest_of(j->old.p, j->old.len, sha256))
        return complain(j->old_name, OTA_DEVICE_CRYPTO);
    if (!check_digest(j, j->old_name, sha256, j->info.base_digest, "not the image that the patch was made from"))
        return false;
    size_t len = j->info.memory < OTA_DELTA_MEMORY_MIN ? OTA_DELTA_MEMORY_MIN : j->info.memory;
    void *mem = malloc(len);
    if (!mem)
        return complain(j->patch_name, OTA_USAGE_MEMORY);
    err = ota_delta_begin(&d, &cfg, mem, len);
    if (err == OTA_OK)
        err = decode(j, d);
    free(mem);
    if (err != OTA_DONE)
        return complain(j->patch_name, err);
    if (j->crypto.port.ops->hash_end(&j->crypto.port, &j->hash, sha256) != OTA_OK)
        return complain(j->patch_name, OTA_DEVICE_CRYPTO);
    return check_digest(j, j->patch_name, sha256, j->info.out_digest, "makes another image than it promises");
}

bool apply_patch(const char *old_name, const char *patch_name, const char *out_name)
{
    struct job j = { .old_name = old_name, .patch_name = patch_name };
    struct draft draft;
    bool ok = files_map(&j.old, old_name) && files_map(&j.patch, patch_name);

    if (ok && (ota_posix_crypto_open(&j.crypto, NULL, NULL) != OTA_OK ||
               j.crypto.port.ops->hash_start(&j.crypto.port, &j.hash, OTA_SHA256) != OTA_OK))
        ok = complain(patch_name, OTA_DEVICE_CRYPTO);
    if (ok && out_name) {
        ok = files_begin(&draft, out_name);
        j.out = ok ? &draft : NULL;
    }
    ok = ok && run(&j);
    if (j.out && ok)
        ok = files_keep(&draft);
    else if (j.out)
        files_drop(&draft);
    files_unmap(&j.old);
    files_unmap(&j.patch);
    return ok;
}

static void print_digest(const char *label, const uint8_t *digest)
{
    (void)printf("%s", label);
    for (unsigned i = 0; i < OTA_DELTA_DIGEST_LEN; i++)
        (void)printf("%02x", digest[i]);
    (void)printf("\n");
}

bool show_patch(const char *patch_name)
{
    struct mapped m;
    struct ota_delta_info i;

    if (!files_map(&m, patch_name))
        return false;
    ota_err err = ota_delta_peek(&i, m.p, m.len);
    if (err == OTA_OK && i.patch_len != m.len)
        err = OTA_REJECT_LENGTH;
    files_unmap(&m);
    if (err != OTA_OK)
        return complain(patch_name, err == OTA_AGAIN ? OTA_REJECT_CORRUPT : err);
    (void)printf("version %u\nold-length %llu\nnew-length %llu\npatch-length %llu\nmemory %lu\nframe %lu\n", i.version,
                 (unsigned long long)i.base_len, (unsigned long long)i.out_len, (unsigned long long)i.patch_len,
                 (unsigned long)i.memory, (unsigned long)i.frame);
    print_digest("old-sha256-begin ", i.base_digest);
    print_digest("new-sha256-begin ", i.out_digest);
    return true;
}
