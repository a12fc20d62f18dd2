/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deflated image: ONE zlib stream (RFC 1950) of the image, made with
 *
 *   window     2^window bytes, 9..15; the zlib header (CINFO) may say less, never more
 *   Z_FULL_FLUSH after every `block` bytes of output but the last, Z_FINISH at the end
 *
 * A mark is the byte position after a full flush: everything before it is byte-aligned and nothing after it refers
 * back across it. Decoding can begin there as raw deflate (RFC 1951) knowing (source offset, output offset) alone.
 * The Adler-32 at the end is checked when the whole stream was decoded in one go; after a restart it is skipped,
 * because the digest of the whole slot is checked in any case.
 */
#include "inflate.h"

#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

#include "bytes.h"

#define WINDOW_BITS_MIN 9
#define WINDOW_BITS_MAX 15
#define ADLER_LEN 4u
/* zlib's struct inflate_state is not public: about 7 KiB in every version (7160 bytes on 64-bit in 1.2.13). */
#define STATE_MAX 7680u

/* z_stream.data_type after Z_BLOCK (zlib.h, inflate()). */
#define BITS_UNUSED 0x3f
#define LAST_BLOCK 64
#define AT_BOUNDARY 128

struct otai_inflate {
    z_stream s;
    struct otai_arena arena;
    uint64_t length, src_length;    /* of the whole output and the whole source */
    uint64_t src, out;              /* offsets reached */
    uint64_t mark_src, mark_out;
    uint32_t block;
    uint8_t tail;                   /* bytes after the deflate stream that zlib does not read: the Adler-32 of a restart */
    bool ended, failed;
};

size_t otai_inflate_len(uint8_t window_bits)
{
    return OTAI_ALIGN_UP(sizeof(struct otai_inflate)) + OTAI_ALIGN_UP(STATE_MAX) + ((size_t)1 << window_bits);
}

static voidpf take(voidpf arena, uInt items, uInt size)
{
    if (size && items > SIZE_MAX / size)
        return NULL;
    return otai_arena_take(arena, (size_t)items * size);
}

/* The memory is the caller's; nothing is given back one by one. */
static void drop(voidpf arena, voidpf p)
{
    (void)arena;
    (void)p;
}

/* Can decoding of this source begin at (src_off, out_off)? */
static bool can_begin(const struct ota_source *source, uint64_t length, uint64_t src_off, uint64_t out_off)
{
    if (source->codec != OTA_CODEC_DEFLATE || source->window_bits < WINDOW_BITS_MIN ||
        source->window_bits > WINDOW_BITS_MAX || (source->block & (source->block - 1)))
        return false;
    if (src_off == 0 && out_off == 0)
        return true;
    return source->block != 0 && src_off != 0 && out_off != 0 && out_off % source->block == 0 && out_off < length &&
           src_off < source->length;
}

ota_err otai_inflate_init(struct otai_inflate **out, void *mem, size_t mem_len, const struct ota_source *source,
                          uint64_t length, uint64_t src_off, uint64_t out_off)
{
    struct otai_arena arena;

    *out = NULL;
    if (!can_begin(source, length, src_off, out_off))
        return OTA_REJECT_CODEC;
    if (mem_len < otai_inflate_len(source->window_bits))
        return OTA_USAGE_MEMORY;
    otai_arena_init(&arena, mem, mem_len);
    struct otai_inflate *z = otai_arena_take(&arena, sizeof *z);
    if (!z)
        return OTA_USAGE_MEMORY;
    *z = (struct otai_inflate){ .arena = arena, .length = length, .src_length = source->length, .src = src_off,
                                .out = out_off, .mark_src = src_off, .mark_out = out_off, .block = source->block };
    z->s.zalloc = take;
    z->s.zfree = drop;
    z->s.opaque = &z->arena;
    z->tail = src_off ? ADLER_LEN : 0;
    if (inflateInit2(&z->s, src_off ? -source->window_bits : source->window_bits) != Z_OK)
        return OTA_USAGE_MEMORY;
    *out = z;
    return OTA_OK;
}

/* How much to offer zlib: no more than there is of the source and of the output. */
static uInt bounded(size_t len, uint64_t left)
{
    uint64_t most = left < UINT_MAX ? left : UINT_MAX;

    return (uInt)(len < most ? len : most);
}

static bool at_mark(const struct otai_inflate *z)
{
    return z->block && z->out > z->mark_out && z->out % z->block == 0 && z->out < z->length &&
           (z->s.data_type & (AT_BOUNDARY | LAST_BLOCK | BITS_UNUSED)) == AT_BOUNDARY;
}

/* One call of zlib, with the offsets kept. */
static int advance(struct otai_inflate *z)
{
    uInt in = z->s.avail_in, room = z->s.avail_out;
    int rc = inflate(&z->s, Z_BLOCK);

    z->src += in - z->s.avail_in;
    z->out += room - z->s.avail_out;
    return rc;
}

/* Go on to the next mark, to the end, or until zlib is stuck for want of input or room. */
static ota_err run(struct otai_inflate *z)
{
    int rc;

    while ((rc = advance(z)) == Z_OK)
        if (at_mark(z)) {
            z->mark_src = z->src;
            z->mark_out = z->out;
            return OTA_OK;
        }
    z->ended = rc == Z_STREAM_END;
    if (z->ended)
        return OTA_OK;
    if (rc != Z_BUF_ERROR)
        return rc == Z_MEM_ERROR ? OTA_USAGE_MEMORY : OTA_REJECT_CORRUPT;
    if (z->s.avail_out == 0 && z->out < z->length)
        return OTA_OK;   /* the owner's buffer is full */
    return z->s.avail_in == 0 && z->src < z->src_length ? OTA_OK : OTA_REJECT_CORRUPT;
}

/* After the last deflate block: skip what zlib left, then nothing may follow and nothing may be missing. */
static ota_err end(struct otai_inflate *z)
{
    uInt skip = z->s.avail_in < z->tail ? z->s.avail_in : z->tail;

    z->s.avail_in -= skip;
    z->src += skip;
    z->tail = (uint8_t)(z->tail - skip);
    if (z->tail && z->src < z->src_length)
        return OTA_OK;
    return z->tail == 0 && z->out == z->length && z->src == z->src_length ? OTA_DONE : OTA_REJECT_CORRUPT;
}

ota_err otai_inflate_push(struct otai_inflate *z, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t out_cap,
                          size_t *made)
{
    uint64_t src = z->src, before = z->out;

    *used = *made = 0;
    if (z->failed || in_len > z->src_length - z->src) {
        z->failed = true;
        return OTA_REJECT_CORRUPT;
    }
    z->s.next_in = in;
    z->s.avail_in = bounded(in_len, z->src_length - z->src);
    z->s.next_out = out;
    z->s.avail_out = bounded(out_cap, z->length - z->out);
    ota_err err = z->ended ? OTA_OK : run(z);
    if (err == OTA_OK && z->ended)
        err = end(z);
    *used = (size_t)(z->src - src);
    *made = (size_t)(z->out - before);
    z->failed = ota_err_class(err) != OTA_CLASS_OUTCOME;
    return err;
}

void otai_inflate_mark(const struct otai_inflate *z, uint64_t *src_off, uint64_t *out_off)
{
    *src_off = z->mark_src;
    *out_off = z->mark_out;
}
