/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image in zstd frames: frames (RFC 8878) one after the other, made with
 *
 *   window     no frame needs more than 2^window bytes of what it gave before, 10..23
 *   block      every frame gives `block` bytes of the image, the last one what is left; 0: there is one frame
 *
 * A mark is the byte position after a frame: nothing after it refers back across it. Frames without contents, those that
 * readers skip, and dictionaries are not allowed. Frames may have checksums; they are checked.
 */
#include "zstd_frames.h"

/* Decoding in the caller's memory is a part of zstd's interface that is exported, but not promised to stay as it is. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "bytes.h"

struct otai_zstd {
    ZSTD_DStream *s;
    uint64_t length, src_length; /* of the whole output and the whole source */
    uint64_t src, out;           /* offsets reached */
    uint64_t mark_src, mark_out;
    uint32_t block;
    bool ended, failed;
};

size_t otai_zstd_len(uint8_t window_bits)
{
    return OTAI_ALIGN_UP(sizeof(struct otai_zstd)) + OTAI_ALIGN_UP(ZSTD_estimateDStreamSize((size_t)1 << window_bits));
}

/* Can decoding of this source begin at (src_off, out_off)? */
static bool can_begin(const struct ota_source *source, uint64_t length, uint64_t src_off, uint64_t out_off)
{
    if (source->codec != OTA_CODEC_ZSTD || source->window_bits < OTA_ZSTD_WINDOW_BITS_MIN ||
        source->window_bits > OTA_ZSTD_WINDOW_BITS_MAX || (source->block & (source->block - 1)))
        return false;
    if (src_off == 0 && out_off == 0)
        return true;
    return source->block != 0 && src_off != 0 && out_off != 0 && out_off % source->block == 0 && out_off < length &&
           src_off < source->length;
}

/* libzstd refuses frames with a larger window by itself, and could not hold them: it has no memory but this. */
static bool start(struct otai_zstd *z, struct otai_arena *arena, uint8_t window_bits)
{
    size_t len = ZSTD_estimateDStreamSize((size_t)1 << window_bits);
    void *mem = otai_arena_take(arena, len);

    z->s = mem ? ZSTD_initStaticDStream(mem, len) : NULL;
    return z->s && !ZSTD_isError(ZSTD_DCtx_setParameter(z->s, ZSTD_d_windowLogMax, window_bits));
}

ota_err otai_zstd_init(struct otai_zstd **out, void *mem, size_t mem_len, const struct ota_source *source, uint64_t length,
                       uint64_t src_off, uint64_t out_off)
{
    struct otai_arena arena;

    *out = NULL;
    if (!can_begin(source, length, src_off, out_off))
        return OTA_REJECT_CODEC;
    if (mem_len < otai_zstd_len(source->window_bits))
        return OTA_USAGE_MEMORY;
    otai_arena_init(&arena, mem, mem_len);
    struct otai_zstd *z = otai_arena_take(&arena, sizeof *z);
    if (!z)
        return OTA_USAGE_MEMORY;
    *z = (struct otai_zstd){ .length = length,
                             .src_length = source->length,
                             .src = src_off,
                             .out = out_off,
                             .mark_src = src_off,
                             .mark_out = out_off,
                             .block = source->block };
    if (!start(z, &arena, source->window_bits))
        return OTA_USAGE_MEMORY;
    *out = z;
    return OTA_OK;
}

/* Where the output of the frame under way must end. */
static uint64_t frame_end(const struct otai_zstd *z)
{
    return z->block && z->length - z->mark_out > z->block ? z->mark_out + z->block : z->length;
}

/* A frame ended: with what it had to give, and not before the source does when it is the last one? */
static ota_err close_frame(struct otai_zstd *z)
{
    if (z->out != frame_end(z))
        return OTA_REJECT_CORRUPT;
    z->ended = z->out == z->length;
    if (z->ended)
        return z->src == z->src_length ? OTA_DONE : OTA_REJECT_CORRUPT;
    z->mark_src = z->src;
    z->mark_out = z->out;
    return OTA_OK;
}

/* How much the frame may still give. Never all of it at once: a frame that fits as a whole is decoded without a window, and
 * then nobody would look whether its window is the signed one. */
static uint64_t room_left(const struct otai_zstd *z)
{
    uint64_t left = frame_end(z) - z->out;

    return z->out == z->mark_out && left > 1 ? left - 1 : left;
}

ota_err otai_zstd_push(struct otai_zstd *z, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t out_cap,
                       size_t *made)
{
    uint64_t left = room_left(z);
    ZSTD_inBuffer from = { in, in_len, 0 };
    ZSTD_outBuffer to = { out, out_cap < left ? out_cap : (size_t)left, 0 };

    *used = *made = 0;
    if (z->failed || in_len > z->src_length - z->src) {
        z->failed = true;
        return OTA_REJECT_CORRUPT;
    }
    if (z->ended)
        return OTA_DONE;
    size_t rc = ZSTD_decompressStream(z->s, &to, &from);
    *used = from.pos;
    *made = to.pos;
    z->src += from.pos;
    z->out += to.pos;
    ota_err err = OTA_OK;
    if (ZSTD_isError(rc))
        err = OTA_REJECT_CORRUPT;
    else if (rc == 0)
        err = close_frame(z);
    else if (z->out == frame_end(z) ? from.pos < in_len || z->src == z->src_length : z->src == z->src_length && to.pos < to.size)
        err = OTA_REJECT_CORRUPT; /* more than the frame may give; or the source ended within it */
    z->failed = ota_err_class(err) != OTA_CLASS_OUTCOME;
    return err;
}

void otai_zstd_mark(const struct otai_zstd *z, uint64_t *src_off, uint64_t *out_off)
{
    *src_off = z->mark_src;
    *out_off = z->mark_out;
}
