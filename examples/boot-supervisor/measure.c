/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAX 2048u

bool measure_option(struct measure *m, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;

    if (len == 0 || len >= sizeof m->name || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len || !equals[1])
        return false;
    memcpy(m->name, text, len);
    m->name[len] = '\0';
    m->file = equals + 1;
    return true;
}

void measure_forget(const struct measure *m)
{
    if (m->file)
        (void)unlink(m->file);
}

static ota_err hash(struct ota_crypto *c, struct ota_hash *h, int fd, uint64_t length, int32_t *code)
{
    static uint8_t buf[65536];
    uint64_t at = 0;

    while (at < length) {
        size_t want = length - at < sizeof buf ? (size_t)(length - at) : sizeof buf;
        ssize_t n = pread(fd, buf, want, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            *code = n < 0 ? errno : ENODATA;
            return OTA_DEVICE_SLOT;
        }
        ota_err err = c->ops->hash_add(c, h, buf, (size_t)n);
        if (err != OTA_OK)
            return err;
        at += (uint64_t)n;
    }
    return OTA_OK;
}

static ota_err digest(struct ota_crypto *c, int fd, uint64_t length, uint8_t out[OTA_SHA256_LEN], int32_t *code)
{
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256), end;

    if (err != OTA_OK)
        return err;
    err = hash(c, &h, fd, length, code);
    end = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? end : err;
}

static ota_err sha256(struct ota_crypto *c, const void *p, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256), end;

    if (err != OTA_OK)
        return err;
    err = c->ops->hash_add(c, &h, p, len);
    end = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? end : err;
}

static ota_err measure_self(struct ota_crypto *c, struct ota_attest_log *log, int32_t *code)
{
    struct ota_measurement m = { .kind = OTA_MEASURED_BOOT, .name = "supervisor" };
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ota_err err = OTA_DEVICE_SLOT;

    if (fd >= 0 && fstat(fd, &st) == 0)
        err = digest(c, fd, (uint64_t)st.st_size, m.digest, code);
    else
        *code = errno;
    if (fd >= 0)
        (void)close(fd);
    return err == OTA_OK ? ota_attest_extend(log, c, &m) : err;
}

/* Whoever reads it finds the old log, none, or this one. */
static ota_err store(const struct measure *m, const struct ota_attest_log *log, int32_t *code)
{
    char text[LOG_MAX], temp[PATH_MAX];
    size_t len = 0;
    ota_err err = ota_attest_log_write(log, text, sizeof text, &len);
    FILE *f = NULL;

    if (err != OTA_OK)
        return err;
    if (snprintf(temp, sizeof temp, "%s.new", m->file) < (int)sizeof temp)
        f = fopen(temp, "w");
    bool ok = f && fwrite(text, 1, len, f) == len && fflush(f) == 0;
    if (f)
        ok = fclose(f) == 0 && ok;
    if (ok && rename(temp, m->file) == 0)
        return OTA_OK;
    *code = errno;
    return OTA_DEVICE_STORE;
}

/* ---- the register ---- */

struct reg {
    struct ota_identity *identity;
    uint32_t number;
    uint8_t holds[OTA_SHA256_LEN];
    int32_t code;
};

static ota_err read_register(struct reg *r)
{
    size_t len = 0;

    return r->identity->ops->get(r->identity, OTA_IDENTITY_REGISTER + r->number, r->holds, sizeof r->holds, &len, &r->code);
}

/* An answer that was lost does not say whether the register was extended, only the register does. It is never tried again: what
 * was extended twice could not be told from a lie. */
static ota_err extend_once(struct reg *r, const uint8_t digest[OTA_SHA256_LEN], const uint8_t after[OTA_SHA256_LEN])
{
    ota_err err = r->identity->ops->extend(r->identity, r->number, digest, &r->code);

    if (err == OTA_OK)
        return OTA_OK;
    struct reg now = *r;
    return read_register(&now) == OTA_OK && memcmp(now.holds, after, OTA_SHA256_LEN) == 0 ? OTA_OK : err;
}

static ota_err extend_all(struct reg *r, struct ota_crypto *c, const struct ota_attest_log *log)
{
    uint8_t both[2][OTA_SHA256_LEN], after[OTA_SHA256_LEN];
    ota_err err = OTA_OK;

    for (size_t i = 0; i < log->count && err == OTA_OK; i++) {
        memcpy(both[0], r->holds, sizeof both[0]);
        err = ota_attest_digest(c, &log->entry[i], both[1]);
        if (err == OTA_OK)
            err = sha256(c, both, sizeof both, after);
        if (err == OTA_OK)
            err = extend_once(r, both[1], after);
        memcpy(r->holds, after, sizeof after);
    }
    return err;
}

/* At the device's start the register is zero. Where it is not, something was started before: this log alone does not make what it
 * holds then, and nobody may hide that. */
static ota_err extend(struct measure *m, struct ota_crypto *c, struct ota_identity *identity, const struct ota_attest_log *log,
                      struct ota_fault *fault)
{
    struct reg r = { .identity = identity, .number = m->reg };
    ota_err err = read_register(&r);

    if (err == OTA_OK && memcmp(r.holds, log->chain, sizeof r.holds) == 0)
        return OTA_OK;
    if (err == OTA_OK)
        err = extend_all(&r, c, log);
    if (err == OTA_OK)
        err = read_register(&r);
    m->more = err == OTA_OK && memcmp(r.holds, log->chain, sizeof r.holds) != 0;
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "measure.register", r.code);
}

/* ---- one start ---- */

static ota_err measure(const struct measure *m, struct ota_crypto *c, int image, uint64_t length, const uint8_t *key, size_t key_len,
                       struct ota_attest_log *log, int32_t *code)
{
    struct ota_measurement package = { .kind = OTA_MEASURED_IMAGE };
    ota_err err = measure_self(c, log, code);

    memcpy(package.name, m->name, sizeof package.name);
    if (err == OTA_OK)
        err = digest(c, image, length, package.digest, code);
    if (err == OTA_OK)
        err = sha256(c, key, key_len, package.signer);
    return err == OTA_OK ? ota_attest_extend(log, c, &package) : err;
}

ota_err measure_image(struct measure *m, struct ota_crypto *c, struct ota_identity *identity, int image, uint64_t length,
                      const uint8_t *key, size_t key_len, struct ota_fault *fault)
{
    struct ota_attest_log log = { 0 };
    int32_t code = 0;

    m->more = false;
    if (!m->file)
        return OTA_OK;
    ota_err err = measure(m, c, image, length, key, key_len, &log, &code);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "measure", code);
    err = identity ? extend(m, c, identity, &log, fault) : OTA_OK;
    if (err != OTA_OK)
        return err;
    err = store(m, &log, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "measure.log", code);
}
