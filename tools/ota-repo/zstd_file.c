/* SPDX-License-Identifier: Apache-2.0 */
#include "zstd_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "file.h"
#include "zstd_frames.h"

#define LEVEL 19
#define PIECE 65536

struct packing {
    struct tool *t;
    const char *from, *to;
    FILE *in, *out;
    ZSTD_CCtx *ctx;
    size_t block_len, room;
    char *block, *made;
};

static int packing_failed(struct packing *p, const char *path, const char *verb)
{
    return tool_failed(p->t, "%s: cannot %s: %s", path, verb, strerror(errno));
}

/* A frame knows its length, so its window is no larger than that; its checksum finds damage before the whole is hashed. */
static bool set_up(ZSTD_CCtx *ctx, unsigned window)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, (int)window)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1));
}

static int all_frames(struct packing *p)
{
    size_t n;

    while ((n = fread(p->block, 1, p->block_len, p->in)) > 0) {
        size_t len = ZSTD_compress2(p->ctx, p->made, p->room, p->block, n);
        if (ZSTD_isError(len))
            return tool_failed(p->t, "%s: zstd failed: %s", p->from, ZSTD_getErrorName(len));
        if (fwrite(p->made, 1, len, p->out) != len)
            return packing_failed(p, p->to, "write");
    }
    return ferror(p->in) ? packing_failed(p, p->from, "read") : TOOL_OK;
}

static int pack_files(struct packing *p)
{
    p->in = fopen(p->from, "rb");
    if (p->in == NULL)
        return packing_failed(p, p->from, "open");
    file_discard(p->to);
    p->out = fopen(p->to, "wbx");
    if (p->out == NULL) {
        (void)fclose(p->in);
        return packing_failed(p, p->to, "create");
    }
    int rc = all_frames(p);
    if (rc == TOOL_OK && (fflush(p->out) != 0 || !file_finish(fileno(p->out))))
        rc = packing_failed(p, p->to, "write");
    (void)fclose(p->in);
    if (fclose(p->out) != 0 && rc == TOOL_OK)
        rc = packing_failed(p, p->to, "close");
    return rc;
}

bool zstd_file_here(void)
{
    return true;
}

int zstd_file(struct tool *t, const char *from, const char *to, unsigned window, uint64_t *len, char hex[DIGEST_HEX])
{
    struct packing p = { .t = t, .from = from, .to = to, .block_len = (size_t)1 << window, .ctx = ZSTD_createCCtx() };

    p.room = ZSTD_compressBound(p.block_len);
    p.block = tool_alloc(t, p.block_len);
    p.made = tool_alloc(t, p.room);
    int rc = p.ctx != NULL && set_up(p.ctx, window) ? pack_files(&p) : tool_failed(t, "%s: zstd does not start", from);
    (void)ZSTD_freeCCtx(p.ctx);
    if (rc == TOOL_OK)
        rc = file_digest(t, to, len, hex);
    if (rc != TOOL_OK)
        file_discard(to);
    return rc;
}

struct unpacking {
    FILE *image, *packed;
    struct otai_zstd *z;
    uint8_t in[PIECE], out[PIECE], want[PIECE];
    size_t in_len, in_off;
};

/* One push; DONE at the end of both. NULL: go on, or done; else what is wrong. */
static const char *unpack_more(struct unpacking *u, bool *done)
{
    size_t used, made;

    if (u->in_off == u->in_len) {
        u->in_off = 0;
        u->in_len = fread(u->in, 1, PIECE, u->packed);
    }
    ota_err err = otai_zstd_push(u->z, u->in + u->in_off, u->in_len - u->in_off, &used, u->out, PIECE, &made);
    if (err != OTA_OK && err != OTA_DONE)
        return "cannot be unpacked";
    u->in_off += used;
    *done = err == OTA_DONE;
    return fread(u->want, 1, made, u->image) != made || memcmp(u->want, u->out, made) != 0
               ? "unpacks to other bytes than the image's"
               : NULL;
}

static const char *unpack_all(struct unpacking *u, void *mem, const struct ota_source *source, uint64_t length)
{
    bool done = false;
    const char *why = NULL;

    if (otai_zstd_init(&u->z, mem, otai_zstd_len(source->window_bits), source, length, 0, 0) != OTA_OK)
        return "has an impossible window or block";
    while (!done && why == NULL)
        why = unpack_more(u, &done);
    return why;
}

int zstd_file_check(struct tool *t, const char *image, const char *packed, unsigned window, uint32_t block, const char **why)
{
    struct unpacking *u = tool_alloc(t, sizeof *u);
    struct ota_source source = { .codec = OTA_CODEC_ZSTD, .window_bits = (uint8_t)window, .block = block };
    char hex[DIGEST_HEX];
    uint64_t length;
    int rc = file_digest(t, image, &length, hex);

    if (rc == TOOL_OK)
        rc = file_digest(t, packed, &source.length, hex);
    if (rc != TOOL_OK)
        return TOOL_FAILED;
    u->image = fopen(image, "rb");
    u->packed = fopen(packed, "rb");
    *why = u->image == NULL || u->packed == NULL ? "cannot be read"
                                                 : unpack_all(u, tool_alloc(t, otai_zstd_len((uint8_t)window)), &source, length);
    if (u->image != NULL)
        (void)fclose(u->image);
    if (u->packed != NULL)
        (void)fclose(u->packed);
    return *why == NULL ? TOOL_OK : TOOL_FAILED;
}
