/* SPDX-License-Identifier: Apache-2.0 */
#include "index_file.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "file.h"
#include "index.h"

#define MEMORY_LEN (4u << 20)      /* of the search: a window of 65,504 blocks */
#define SMALL (64u << 20)          /* up to this length of an image, sizes of blocks are tried out */
#define LARGE_BLOCK 4096u
#define GAP 1024u                  /* as devices do: lib/agent/ranges.c */

static const unsigned blocks[] = { 512, 1024, 2048, 4096, 8192 };

/* ---- the devices' engine asks for hashes through a port ---- */

static psa_hash_operation_t *op_of(struct ota_hash *h)
{
    _Static_assert(sizeof(psa_hash_operation_t) <= sizeof h->opaque, "a hash fits");
    return (psa_hash_operation_t *)(void *)&h->opaque;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    (void)alg;
    *op_of(h) = psa_hash_operation_init();
    return psa_hash_setup(op_of(h), PSA_ALG_SHA_256) == PSA_SUCCESS ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return psa_hash_update(op_of(h), data, len) == PSA_SUCCESS ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    size_t len;

    (void)c;
    return psa_hash_finish(op_of(h), out, OTA_SHA256_LEN, &len) == PSA_SUCCESS ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static const struct ota_crypto_ops hash_ops = { .hash_start = hash_start, .hash_add = hash_add, .hash_end = hash_end };

/* ---- the file ---- */

struct index_bytes {
    uint8_t *p;
    size_t len;
};

static int build(struct tool *t, const struct file_map *image, const char *sha256, unsigned block, struct index_bytes *out)
{
    struct ota_crypto crypto = { &hash_ops };
    uint8_t digest[OTA_SHA256_LEN];
    size_t n = 0;

    out->len = (size_t)otai_index_len(image->len, block);
    out->p = tool_alloc(t, out->len);
    digest_bytes(sha256, digest);
    otai_index_head(out->p, image->len, block, digest);
    uint8_t *p = out->p + OTAI_INDEX_HEAD, *page = p;
    for (size_t off = 0; off < image->len; off += block) {
        size_t len = image->len - off < block ? image->len - off : block;
        otai_put_le32(p, otai_index_weak(image->p + off, len));
        if (otai_index_strong(&crypto, image->p + off, len, p + 4) != OTA_OK)
            return tool_failed(t, "index: the crypto service failed");
        p += OTAI_INDEX_ENTRY;
        if (++n % OTAI_INDEX_PAGE != 0 && off + len < image->len)
            continue;
        otai_put_le32(p, otai_crc32(0, page, (size_t)(p - page)));
        page = p += 4;
    }
    return TOOL_OK;
}

/* ---- what a device would fetch ---- */

static ota_err look(struct otai_index *x, const struct file_map *old)
{
    ota_err err = OTA_OK;
    size_t cap;

    otai_index_look(x, 0, 0);
    for (size_t off = 0; off < old->len && x->unfound && err == OTA_OK;) {
        uint8_t *to = otai_index_room(x, &cap);
        size_t n = old->len - off < cap ? old->len - off : cap;
        memcpy(to, old->p + off, n);
        err = otai_index_looked(x, n);
        off += n;
    }
    return err;
}

/* Bytes of the runs in this window. */
static uint64_t runs(const struct otai_index *x)
{
    uint32_t gap = x->block > GAP ? x->block : GAP;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < x->count; i++) {
        if (x->entry[i].from != OTAI_INDEX_MISSING)
            continue;
        uint32_t end = otai_index_run(x, i, gap);
        for (; i < end; i++)
            bytes += otai_index_block_len(x, i);
    }
    return bytes;
}

/* Of a device that has the old image in the slot that runs, and nothing in the other. */
static int measure(struct tool *t, const struct file_map *image, const struct index_bytes *index, unsigned block,
                   const char *old_file, uint64_t *cost)
{
    struct ota_crypto crypto = { &hash_ops };
    struct file_map old;
    struct otai_index x;
    uint8_t digest[OTA_SHA256_LEN];
    const char *where;
    int rc = file_map(t, old_file, &old);

    if (rc != TOOL_OK)
        return rc;
    memcpy(digest, index->p + 16, 12); /* the head holds no more of it */
    *cost = index->len;
    void *mem = tool_alloc(t, MEMORY_LEN);
    ota_err err = otai_index_open(&x, mem, MEMORY_LEN, image->len, block, digest, &crypto);
    for (uint64_t n = 0; err == OTA_OK && n * block < image->len; n = x.first + x.count) {
        otai_index_window(&x, n);
        err = otai_index_add(&x, index->p + x.src, (size_t)(x.src_end - x.src), &where);
        err = err == OTA_DONE ? look(&x, &old) : err;
        *cost += runs(&x);
    }
    file_unmap(&old);
    return err == OTA_OK ? TOOL_OK : tool_failed(t, "index: %s", ota_err_name(err));
}

/* Make it with blocks of this size; *best is replaced if a device fetches less. */
static int try_block(struct tool *t, const struct index_job *job, const struct file_map *image, unsigned block,
                     struct index_bytes *best, struct index_made *made)
{
    struct index_bytes here;
    uint64_t worst = 0, cost = 0;
    int rc = build(t, image, job->sha256, block, &here);

    for (size_t i = 0; rc == TOOL_OK && i < job->olds; i++) {
        rc = measure(t, image, &here, block, job->old[i], &cost);
        worst = cost > worst ? cost : worst;
    }
    if (rc != TOOL_OK || (best->p != NULL && worst >= made->estimate))
        return rc;
    *best = here;
    made->block = block;
    made->estimate = worst;
    return TOOL_OK;
}

static int choose(struct tool *t, const struct index_job *job, const struct file_map *image, struct index_bytes *best,
                  struct index_made *made)
{
    int rc = TOOL_OK;

    if (job->block != 0 || image->len > SMALL)
        return try_block(t, job, image, job->block != 0 ? job->block : LARGE_BLOCK, best, made);
    for (size_t i = 0; rc == TOOL_OK && i < sizeof blocks / sizeof blocks[0]; i++)
        rc = try_block(t, job, image, blocks[i], best, made);
    return rc;
}

int index_make(struct tool *t, const struct index_job *job, const char *to, struct index_made *made)
{
    struct index_bytes best = { 0 };
    struct file_map image;
    int rc = file_map(t, job->file, &image);

    memset(made, 0, sizeof *made);
    if (rc == TOOL_OK)
        rc = choose(t, job, &image, &best, made);
    file_unmap(&image);
    if (rc == TOOL_OK)
        rc = file_make(t, to, best.p, best.len);
    made->memory = (uint32_t)otai_index_memory(made->block);
    return rc == TOOL_OK ? file_digest(t, to, &made->length, made->sha256) : rc;
}

int index_check(struct tool *t, const struct index_job *job, const char *index, const char **why)
{
    struct index_bytes want = { 0 };
    struct file_map image, have = { 0 };
    int rc = file_map(t, job->file, &image);

    if (rc == TOOL_OK)
        rc = file_map(t, index, &have);
    if (rc == TOOL_OK)
        rc = build(t, &image, job->sha256, job->block, &want);
    *why = rc != TOOL_OK ? t->error
           : have.len == want.len && memcmp(have.p, want.p, have.len) == 0 ? NULL : "is not the index of the image";
    file_unmap(&image);
    file_unmap(&have);
    return *why == NULL ? TOOL_OK : TOOL_FAILED;
}
