/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The old view: the old image, and behind it the contents of its streams, which are inflated when they are read. A ring
 * holds the last of them; what lies before it costs to begin its stream again, what lies ahead to inflate up to there.
 * Encoders know this, and avoid what would be too dear.
 */
#include <limits.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "opened.h"

#define IN_LEN OTA_DELTA_READ_MAX
#define ZLIB_MEMORY (7680u + 32768u + 64u)     /* zlib's state (see inflate.c) and its window */

struct otai_reader {
    z_stream s;
    struct otai_arena arena;
    uint8_t *ring;
    uint64_t src;                  /* next byte of the old image */
    uint32_t low, high;            /* bytes of the view that the ring holds */
    uint32_t stream;               /* that `high` is in or behind */
    bool open, ended;              /* zlib has its memory; the stream is over */
    uint8_t in[IN_LEN];
};

static size_t ring_at(void)
{
    return OTAI_ALIGN_UP(sizeof(struct otai_reader)) + OTAI_ALIGN_UP(ZLIB_MEMORY);
}

size_t otai_reader_memory(unsigned ring_log2)
{
    return ring_at() + ((size_t)1 << ring_log2);
}

static voidpf grant(voidpf arena, uInt items, uInt size)
{
    return otai_arena_take(arena, (size_t)items * size);
}

/* The memory is the caller's; nothing is given back one by one. */
static void keep(voidpf arena, voidpf p)
{
    (void)arena;
    (void)p;
}

static uint32_t begin_of(const struct otai_opened *o, uint32_t stream)
{
    return otai_get_le32(o->old_table + (size_t)stream * OTAI_OLD_ENTRY + 4);
}

/* Where the next stream's contents begin, or the view ends. */
static uint32_t end_of(const struct otai_opened *o, uint32_t stream)
{
    return stream + 1 < o->params.old_count ? begin_of(o, stream + 1) : o->params.old_len;
}

/* The last stream that begins at or before `at`; there is one. */
static uint32_t stream_of(const struct otai_opened *o, uint32_t at)
{
    uint32_t low = 0, high = o->params.old_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (begin_of(o, middle) <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static ota_err begin_stream(struct otai_opened *o, uint32_t stream)
{
    struct otai_reader *r = o->reader;

    if (!r->open) {
        otai_arena_init(&r->arena, (uint8_t *)r + OTAI_ALIGN_UP(sizeof *r), OTAI_ALIGN_UP(ZLIB_MEMORY));
        r->ring = (uint8_t *)r + ring_at();
        r->s.zalloc = grant;
        r->s.zfree = keep;
        r->s.opaque = &r->arena;
        if (inflateInit2(&r->s, -15) != Z_OK)
            return OTA_USAGE_MEMORY;
        r->open = true;
    } else if (inflateReset(&r->s) != Z_OK) {
        return OTA_USAGE_MEMORY;
    }
    r->s.avail_in = 0;
    r->src = otai_get_le32(o->old_table + (size_t)stream * OTAI_OLD_ENTRY);
    r->stream = stream;
    r->ended = false;
    return OTA_OK;
}

static ota_err more_input(struct otai_opened *o)
{
    struct otai_reader *r = o->reader;
    uint64_t left = o->base_len - r->src;
    size_t n = left < IN_LEN ? (size_t)left : IN_LEN;

    if (n == 0)
        return OTA_REJECT_CORRUPT;
    ota_err err = o->image->ops->read(o->image, r->src, r->in, n);
    r->s.next_in = r->in;
    r->s.avail_in = (uInt)n;
    r->src += n;
    return err;
}

/* Inflate n bytes into the ring, in one piece of it; behind a stream's end there are zeros. */
static ota_err inflate_piece(struct otai_opened *o, uint8_t *to, uint32_t n)
{
    struct otai_reader *r = o->reader;
    ota_err err = OTA_OK;

    r->s.next_out = to;
    r->s.avail_out = n;
    while (r->s.avail_out > 0 && !r->ended && err == OTA_OK) {
        if (r->s.avail_in == 0)
            err = more_input(o);
        if (err != OTA_OK)
            return err;
        int rc = inflate(&r->s, Z_NO_FLUSH);
        r->ended = rc == Z_STREAM_END;
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return OTA_REJECT_CORRUPT;
    }
    if (r->s.avail_out)
        memset(to + n - r->s.avail_out, 0, r->s.avail_out);
    return OTA_OK;
}

/* Let the ring hold the view up to `end`. */
static ota_err advance(struct otai_opened *o, uint32_t end)
{
    struct otai_reader *r = o->reader;
    uint32_t size = UINT32_C(1) << o->params.ring_log2;

    while (r->high < end) {
        uint32_t border = end_of(o, r->stream), place = r->high & (size - 1);
        ota_err err = OTA_OK;

        if (r->high == border) {
            err = begin_stream(o, r->stream + 1);
        } else {
            uint32_t n = (border < end ? border : end) - r->high;

            n = n < size - place ? n : size - place;
            err = inflate_piece(o, r->ring + place, n);
            r->high += n;
        }
        if (err != OTA_OK) {
            r->low = r->high = 0;
            return err;
        }
        if (r->high - r->low > size)
            r->low = r->high - size;
    }
    return OTA_OK;
}

/* Go to where `at` can be reached: on from here if it is in the ring or no stream begins in between. */
static ota_err reach(struct otai_opened *o, uint32_t at)
{
    struct otai_reader *r = o->reader;
    uint32_t stream = stream_of(o, at);

    if (r->high > 0 && at >= r->low && (at <= r->high || stream == r->stream))
        return OTA_OK;
    r->low = r->high = begin_of(o, stream);
    return begin_stream(o, stream);
}

static ota_err read_contents(struct otai_opened *o, uint32_t at, uint8_t *buf, size_t len)
{
    struct otai_reader *r = o->reader;
    uint32_t mask = (UINT32_C(1) << o->params.ring_log2) - 1;
    ota_err err = reach(o, at);

    if (err == OTA_OK)
        err = advance(o, at + (uint32_t)len);
    for (size_t i = 0; i < len && err == OTA_OK; i++)
        buf[i] = r->ring[(at + i) & mask];
    return err;
}

ota_err otai_opened_read(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    struct otai_opened *o = (struct otai_opened *)self;
    uint8_t *p = buf;
    uint32_t contents;

    if (off < o->base_len) {
        size_t n = len < o->base_len - off ? len : (size_t)(o->base_len - off);
        ota_err err = o->image->ops->read(o->image, off, p, n);

        if (err != OTA_OK || n == len)
            return err;
        p += n;
        off += n;
        len -= n;
    }
    if (!o->table_ok || !o->reader)
        return OTA_REJECT_CORRUPT;
    for (contents = begin_of(o, 0); len > 0 && off < contents; len--, off++)
        *p++ = 0;
    return len ? read_contents(o, (uint32_t)off, p, len) : OTA_OK;
}

bool otai_opened_plausible(const struct otai_opened *o)
{
    const struct otai_reflate *r = &o->reflate;
    struct otai_opened_params p = o->params;
    uint32_t table = p.old_count * OTAI_OLD_ENTRY + p.new_count * OTAI_NEW_ENTRY;

    if (o->phase > OTAI_O_END || o->at > p.new_len || (o->phase == OTAI_O_TABLE ? o->at > table : o->index > p.new_count))
        return false;
    if (o->phase < OTAI_O_PAD || o->phase > OTAI_O_TAIL)
        return true;
    if (o->index >= p.new_count || o->phase != OTAI_O_CONTENT)
        return o->index < p.new_count;
    return r->way.hash_log2 <= p.hash_log2 && r->way.symbols_log2 <= p.symbols_log2 && otai_reflate_plausible(r);
}
