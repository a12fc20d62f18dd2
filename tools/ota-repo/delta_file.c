/* SPDX-License-Identifier: Apache-2.0 */
#include "delta_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "create.h"
#include "crew.h"
#include "file.h"
#include "ota/delta.h"

#define OUT_LEN 65536

#define SIDE_BY_SIDE                                                                                                             \
    (32u << 20) /* bytes of images of which several patches are made at once: each takes 10 times that in memory */

struct work {
    struct patch_order *orders;
    const struct file_map *old, *new; /* of each order */
    unsigned threads;                 /* for one order */
};

static void make_one(void *who, unsigned i)
{
    const struct work *w = who;
    struct patch_order *o = &w->orders[i];
    struct create_job job = { .old = w->old[i].p,
                              .old_len = w->old[i].len,
                              .new = w->new[i].p,
                              .new_len = w->new[i].len,
                              .memory = o->memory,
                              .threads = w->threads };
    struct bytes patch = { 0 };
    struct ota_delta_info info;

    digest_bytes(o->pair.old_sha256, job.old_sha256);
    digest_bytes(o->pair.new_sha256, job.new_sha256);
    o->wrong = create_patch(&job, &patch);
    o->patch = patch.p;
    o->len = patch.len;
    if (o->wrong == NULL && ota_delta_peek(&info, patch.p, patch.len) == OTA_OK)
        o->needs = info.memory;
}

static void make_all(struct work *w, size_t count)
{
    unsigned processors = crew_processors(), at_once = processors < count ? processors : (unsigned)count;

    for (size_t i = 0; i < count; i++)
        if (w->old[i].len > SIDE_BY_SIDE || w->new[i].len > SIDE_BY_SIDE)
            at_once = 1;
    w->threads = at_once ? processors / at_once : 1;
    crew_run(at_once, (unsigned)count, make_one, w);
}

int patches_make(struct tool *t, struct patch_order *orders, size_t count)
{
    struct file_map *old = tool_alloc(t, (count + 1) * sizeof *old), *new = tool_alloc(t, (count + 1) * sizeof *new);
    struct work w = { .orders = orders, .old = old, .new = new };
    int rc = TOOL_OK;
    size_t mapped = 0;

    for (; rc == TOOL_OK && mapped < count; mapped++) {
        new[mapped] = (struct file_map){ 0 };
        rc = file_map(t, orders[mapped].pair.old_file, &old[mapped]);
        if (rc == TOOL_OK)
            rc = file_map(t, orders[mapped].pair.new_file, &new[mapped]);
    }
    if (rc == TOOL_OK)
        make_all(&w, count);
    for (size_t i = 0; i < mapped; i++) {
        file_unmap(&old[i]);
        file_unmap(&new[i]);
    }
    return rc;
}

int patch_write(struct tool *t, const struct patch_order *o, const char *to, uint64_t *len, char sha256[DIGEST_HEX])
{
    int rc = file_make(t, to, o->patch, o->len);

    return rc == TOOL_OK ? file_digest(t, to, len, sha256) : rc;
}

void patches_free(struct patch_order *orders, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(orders[i].patch);
}

/* ---- the devices' decoder ---- */

struct apply {
    struct ota_delta_base base; /* first: the decoder hands it back */
    struct file_map old, new, patch;
};

static ota_err read_old(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    memcpy(buf, ((struct apply *)self)->old.p + off, len);
    return OTA_OK;
}

static const struct ota_delta_base_ops old_ops = { read_old };

/* What the decoder makes must be the new image, byte for byte. NULL: it is. */
static const char *compare(struct apply *a, struct ota_delta *d, uint8_t *out)
{
    size_t in = 0, done = 0, used, made;
    ota_err err = OTA_OK;

    while (err == OTA_OK) {
        err = ota_delta_push(d, a->patch.p + in, a->patch.len - in, &used, out, OUT_LEN, &made);
        if (made > a->new.len - done || memcmp(a->new.p + done, out, made) != 0)
            return "makes other bytes than the image's";
        in += used;
        done += made;
        if (err == OTA_OK && used == 0 && made == 0)
            err = ota_delta_end(d);
    }
    if (err != OTA_DONE)
        return ota_err_text(err);
    return done == a->new.len ? NULL : "makes less than the image";
}

static const char *apply(struct tool *t, struct apply *a, const struct patch_pair *pair, uint32_t memory)
{
    uint8_t old_sha256[OTA_SHA256_LEN], new_sha256[OTA_SHA256_LEN];
    const struct ota_delta_config cfg = { .size = sizeof cfg,
                                          .base = &a->base,
                                          .base_len = a->old.len,
                                          .base_sha256 = old_sha256,
                                          .out_len = a->new.len,
                                          .out_sha256 = new_sha256,
                                          .patch_len = a->patch.len };
    size_t room = memory < OTA_DELTA_MEMORY_MIN ? OTA_DELTA_MEMORY_MIN : memory;
    struct ota_delta *d;

    a->base.ops = &old_ops;
    digest_bytes(pair->old_sha256, old_sha256);
    digest_bytes(pair->new_sha256, new_sha256);
    ota_err err = ota_delta_begin(&d, &cfg, tool_alloc(t, room), room);
    return err == OTA_OK ? compare(a, d, tool_alloc(t, OUT_LEN)) : ota_err_text(err);
}

int patch_check(struct tool *t, const struct patch_pair *pair, const char *patch, uint32_t memory, const char **why)
{
    struct apply a = { 0 };
    int rc = file_map(t, pair->old_file, &a.old);

    if (rc == TOOL_OK)
        rc = file_map(t, pair->new_file, &a.new);
    if (rc == TOOL_OK)
        rc = file_map(t, patch, &a.patch);
    *why = rc == TOOL_OK ? apply(t, &a, pair, memory) : t->error;
    file_unmap(&a.old);
    file_unmap(&a.new);
    file_unmap(&a.patch);
    return *why == NULL ? TOOL_OK : TOOL_FAILED;
}

int patch_check_header(struct tool *t, const struct patch_pair *pair, const char *patch, uint32_t memory, const char **why)
{
    uint8_t old_sha256[OTA_SHA256_LEN], new_sha256[OTA_SHA256_LEN];
    struct ota_delta_info info;
    struct file_map m;
    int rc = file_map(t, patch, &m);

    *why = t->error;
    if (rc != TOOL_OK)
        return rc;
    digest_bytes(pair->old_sha256, old_sha256);
    digest_bytes(pair->new_sha256, new_sha256);
    ota_err err = ota_delta_peek(&info, m.p, m.len);
    *why = err != OTA_OK                                                        ? ota_err_text(err)
           : memcmp(info.base_digest, old_sha256, sizeof info.base_digest) != 0 ? "is for another base"
           : memcmp(info.out_digest, new_sha256, sizeof info.out_digest) != 0   ? "is for another image"
           : info.patch_len != m.len                                            ? "has another length than its header says"
           : info.memory > memory                                               ? "needs more memory than is said"
                                                                                : NULL;
    file_unmap(&m);
    return *why == NULL ? TOOL_OK : TOOL_FAILED;
}
