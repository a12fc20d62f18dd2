/* SPDX-License-Identifier: Apache-2.0 */
/* Section 6 of docs/patch-format.md, with whole images in memory: zlib inflates, zlib or gzip itself compresses. */
#include "delta_reference_opened.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_RULE = 1 << 24, ZLIB_HEAD = 1 << 25, AT_PAGE = 1 << 26, PAGE = 4096 };

const char ref_not_judged[] = "not judged";

static uint32_t word(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool within(unsigned v, unsigned low, unsigned high)
{
    return v >= low && v <= high;
}

const char *ref_opened_judge(const struct ref_opened *o, uint64_t old_view, uint64_t new_view)
{
    const uint64_t most = 0xfffffffe;

    if (o->old_image > most || o->new_image > most || old_view > most || new_view > most)
        return "an image or a view is too long";
    if (old_view < o->old_image)
        return "the old view is shorter than the old image";
    if (o->old_count > 65535 || o->new_count > 65535 || o->old_count + o->new_count == 0)
        return "so many streams cannot be";
    if (o->old_count == 0 ? o->R != 0 || old_view != o->old_image : !within(o->R, 15, 20))
        return "the ring is out of its bounds";
    if (o->new_count == 0 ? o->H != 0 || o->T != 0 : !within(o->H, 15, 16) || !within(o->T, 14, 15))
        return "the compressor's memory is out of its bounds";
    return NULL;
}

uint64_t ref_opened_table(const struct ref_opened *o)
{
    return 8 * o->old_count + 12 * o->new_count;
}

/* `room` bytes of a stream's contents, or all of them. */
static bool inflate_into(const uint8_t *in, uint64_t in_len, uint8_t *out, uint64_t room)
{
    z_stream z = { 0 };

    if (inflateInit2(&z, -15) != Z_OK)
        abort();
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)in_len;
    z.next_out = out;
    z.avail_out = (uInt)room;
    int rc = inflate(&z, Z_SYNC_FLUSH);
    bool whole = rc == Z_STREAM_END || (z.avail_out == 0 && (rc == Z_OK || rc == Z_BUF_ERROR));
    (void)inflateEnd(&z);
    return whole;
}

const char *ref_opened_contents(const struct ref_opened *o, const uint8_t *table, uint8_t *view, uint64_t view_len)
{
    uint64_t src = 0, at = 0, *begin = calloc(o->old_count + 1, sizeof *begin), *from = calloc(o->old_count + 1, sizeof *from);
    const char *why = NULL;

    if (!begin || !from)
        abort();
    for (uint64_t i = 0; i < o->old_count; i++) {
        uint32_t step = word(table + 8 * i + 4);

        from[i] = src += word(table + 8 * i);
        begin[i] = at += step;
        if (src >= o->old_image || at < o->old_image || at >= view_len || (i > 0 && step == 0))
            why = "the table of old streams leads outside";
    }
    begin[o->old_count] = view_len;
    for (uint64_t i = 0; i < o->old_count && !why; i++)
        if (!inflate_into(view + from[i], o->old_image - from[i], view + begin[i], begin[i + 1] - begin[i]))
            why = ref_not_judged;
    free(begin);
    free(from);
    return why;
}

/* ---- the new image ------------------------------------------------------------------------------------------------------ */

struct making {
    uint8_t *p;
    uint64_t len, most;
};

static bool put(struct making *m, const uint8_t *p, uint64_t len)
{
    if (len > m->most - m->len)
        return false;
    memcpy(m->p + m->len, p, len);
    m->len += len;
    return true;
}

static bool way_ok(const struct ref_opened *o, uint32_t way)
{
    return within(way & 0xff, 4, 9) && within(way >> 8 & 0xff, 15, o->H) && within(way >> 16 & 0xff, 14, o->T) && way >> 27 == 0;
}

/* What zlib or gzip make of the contents. *len is 0 where nothing can be said. */
static uint8_t *compress_as(uint32_t way, const uint8_t *p, uint64_t n, reference_gzip gzip, size_t *len)
{
    unsigned level = way & 0xff, hash = way >> 8 & 0xff, symbols = way >> 16 & 0xff;
    size_t cap = n + n / 1000 + 4096;
    uint8_t *out = malloc(cap);
    z_stream z = { 0 };

    *len = 0;
    if (!out)
        abort();
    if (way & GZIP_RULE) {
        if (gzip && hash == 15 && symbols == 15)
            *len = gzip(level, p, n, out, cap);
        return out;
    }
    if (hash != symbols + 1)
        return out;
    if (deflateInit2(&z, (int)level, Z_DEFLATED, -15, (int)symbols - 6, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    if (deflate(&z, Z_FINISH) == Z_STREAM_END)
        *len = z.total_out;
    (void)deflateEnd(&z);
    return out;
}

static const char *close_stream(struct making *m, uint32_t way, const uint8_t *p, uint64_t n, reference_gzip gzip)
{
    unsigned level = way & 0xff;
    const uint8_t head[2] = { 0x78, level < 6 ? 0x5e : level == 6 ? 0x9c : 0xda };
    uint32_t sum = (uint32_t)adler32(1, p, (uInt)n);
    const uint8_t tail[4] = { (uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8), (uint8_t)sum };
    size_t len;
    uint8_t *made = compress_as(way, p, n, gzip, &len);
    bool fits = len && (!(way & ZLIB_HEAD) || put(m, head, 2)) && put(m, made, len) && (!(way & ZLIB_HEAD) || put(m, tail, 4));

    free(made);
    return len == 0 ? ref_not_judged : fits ? NULL : "the streams are longer than the image";
}

static const char *close_all(const struct ref_opened *o, const uint8_t *view, uint64_t view_len, reference_gzip gzip, struct making *m)
{
    uint64_t at = ref_opened_table(o);
    const uint8_t *entry = view + 8 * o->old_count;

    for (uint64_t i = 0; i < o->new_count; i++)
        if (!way_ok(o, word(entry + 12 * i + 8)))
            return "a stream was compressed in an unknown way";
    for (uint64_t i = 0; i < o->new_count; i++, entry += 12) {
        uint32_t raw = word(entry), len = word(entry + 4), way = word(entry + 8);

        if (raw > view_len - at)
            return "a stream begins behind the view";
        if (!put(m, view + at, raw))
            return "longer than the image";
        at += raw;
        if (way & AT_PAGE)
            at = (at + PAGE - 1) / PAGE * PAGE;
        if (at > view_len || len > view_len - at)
            return "a stream ends behind the view";
        const char *why = close_stream(m, way, view + at, len, gzip);
        if (why)
            return why;
        at += len;
    }
    if (!put(m, view + at, view_len - at))
        return "longer than the image";
    return m->len == o->new_image ? NULL : "shorter than the image";
}

const char *ref_opened_close(const struct ref_opened *o, const uint8_t *view, uint64_t view_len, reference_gzip gzip, uint8_t **out)
{
    struct making m = { .p = malloc(o->new_image + 1), .most = o->new_image };

    if (!m.p)
        abort();
    const char *why = ref_opened_table(o) > view_len ? "the view has no table" : close_all(o, view, view_len, gzip, &m);
    *out = why ? NULL : m.p;
    if (why)
        free(m.p);
    return why;
}
