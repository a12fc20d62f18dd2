/* SPDX-License-Identifier: Apache-2.0 */
/* Sections 1 and 3 of docs/patch-format.md. */
#include "delta_reference.h"

#include <stdlib.h>
#include <string.h>

#include "delta_reference_decide.h"
#include "delta_reference_opened.h"
#include "delta_reference_predict.h"

enum { MISC, GAP, LEN, OLD, LIT, COPY, FROM };
enum { F_WHOLE = 0, F_PRIME = 1, F_SAME_BASE = 3, F_MINOR = 4, F_MODE = 5, F_MODE_BITS = 8, F_UNIT = 32 };

enum { VIEWS = 16 };                   /* a view is at most so many times as long as an image may be here */

struct decoder {
    struct ref_coder c;
    unsigned F, L;
    uint64_t M;
    const uint8_t *old;
    uint64_t old_len, new_len, made;
    uint8_t *out;
    struct ref_opened o;
    uint8_t *view;                     /* the old one */
    bool view_whole;
    uint64_t seen;
    uint32_t units, hits, mode_kib, end;
    bool mode_known, good, missed;
    uint8_t diff[31];
    /* of the part */
    struct ref_predictor p;
    uint32_t at, after;
    uint8_t *part_out;
    bool minors;
};

static void refuse(struct decoder *d, const char *why)
{
    if (!d->c.why)
        d->c.why = why;
}

/* ---- 1. file ---------------------------------------------------------------------------------------------------------- */

static uint32_t crc32_of(const uint8_t *p, size_t len)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static uint32_t word_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t varint(struct decoder *d, const uint8_t *in, size_t len, size_t *at)
{
    uint64_t v = 0;
    int n = 0;
    uint8_t c;

    do {
        if (*at == len || n == 9) {
            refuse(d, "a varint does not end");
            return 0;
        }
        c = in[(*at)++];
        v |= (uint64_t)(c & 127) << (7 * n++);
    } while (c & 128);
    if (c == 0 && n > 1)
        refuse(d, "a varint is longer than needed");
    return v;
}

/* What follows M in the header of a patch of opened images. From then on the lengths are the views'. */
static void header_opened(struct decoder *d, const uint8_t *in, size_t len, size_t *at)
{
    uint64_t v[4];

    for (int i = 0; i < 4; i++) {
        v[i] = varint(d, in, len, at);
        if (v[i] >> 32)
            refuse(d, "a length or a number of the views is too large");
    }
    if (d->c.why || len - *at < 3) {
        refuse(d, "the header is too short");
        return;
    }
    d->o = (struct ref_opened){ true, d->old_len, d->new_len, v[2], v[3], in[*at], in[*at + 1], in[*at + 2] };
    *at += 3;
    d->old_len = v[0];
    d->new_len = v[1];
}

static size_t header(struct decoder *d, const uint8_t *in, size_t len)
{
    size_t at = 41;

    if (len < at || memcmp(in, "OTAD", 4) != 0 || (in[4] & 0x7f) != 2) {
        refuse(d, "no patch of version 2");
        return 0;
    }
    d->F = in[5];
    d->c.S = in[6];
    d->c.R = in[7];
    d->L = in[8];
    if (varint(d, in, len, &at) != d->old_len)
        refuse(d, "for another old image");
    d->new_len = varint(d, in, len, &at);
    d->c.payload_len = varint(d, in, len, &at);
    d->M = varint(d, in, len, &at);
    if (!d->c.why && in[4] & 0x80)
        header_opened(d, in, len, &at);
    if (d->c.why || len - at < 4 || crc32_of(in, at) != word_at(in + at))
        refuse(d, "the header is damaged");
    if (d->F < 9 || d->F > 16 || d->c.S < 8 || d->c.S > 20 || d->c.R < 8 || d->c.R > 20 || d->L < 1 || d->L > 16 ||
        d->M > 65535 || d->c.payload_len >> 61)
        refuse(d, "a field of the header is out of its bounds");
    const char *why = d->o.on ? ref_opened_judge(&d->o, d->old_len, d->new_len) : NULL;
    if (why)
        refuse(d, why);
    return at + 4;
}

static void unframe(struct decoder *d, const uint8_t *in, size_t len)
{
    uint64_t done = 0;

    if (d->c.payload_len > len) {
        refuse(d, "the patch is too short");
        return;
    }
    d->c.payload = malloc((size_t)d->c.payload_len + 1);
    while (d->c.payload && done < d->c.payload_len) {
        uint64_t piece = (UINT64_C(1) << d->F) - 4;

        if (piece > d->c.payload_len - done)
            piece = d->c.payload_len - done;
        if (len < piece + 4 || crc32_of(in, (size_t)piece) != word_at(in + piece)) {
            refuse(d, "a frame is damaged");
            return;
        }
        memcpy(d->c.payload + done, in, (size_t)piece);
        done += piece;
        in += piece + 4;
        len -= (size_t)piece + 4;
    }
    if (len || !d->c.payload)
        refuse(d, "bytes after the last frame");
}

/* ---- 6. the old view ---------------------------------------------------------------------------------------------------- */

/* Old bytes of the part are about to be read, with `made` bytes of the new view there. Contents are there once the table is; what
 * comes too early is refused by who reads beyond the old image, and how far one looks ahead is not said. */
static void sight(struct decoder *d, uint64_t made, uint64_t from, uint64_t len)
{
    uint64_t origin = (uint64_t)(d->p.old - d->old);

    if (!d->o.on || d->view_whole || d->c.why)
        return;
    if (made >= ref_opened_table(&d->o)) {
        const char *why = ref_opened_contents(&d->o, d->out, d->view, d->old_len);

        d->view_whole = true;
        if (why)
            refuse(d, why);
    } else if (origin + from + len + 4096 > d->o.old_image) {
        refuse(d, ref_not_judged);
    }
}

/* ---- 3.2 literals ------------------------------------------------------------------------------------------------------ */

static void literal_runs(const struct decoder *d, uint32_t o, uint32_t *run)
{
    uint64_t s = d->seen;

    run[0] = ref_hash(0x300, s & 0xffff);
    run[1] = ref_hash(0x400, s & 0xffffff);
    run[2] = ref_hash(0x500, s & 0xffffffff);
    run[3] = ref_hash(0x600, s & 0xffffffffffff);
    run[4] = ref_hash(0x700 + (o & 1), s & 0xffff00);
    run[5] = ref_hash(0x800 + (o & 1), s & 0xff00ff00);
}

static struct ref_contexts literal_contexts(const struct decoder *d, uint32_t o)
{
    struct ref_contexts x = { .k = 2, .kind = o & 3 };

    x.counter[0] = ref_hash(0x100 + (o & 3), 0);
    x.counter[1] = ref_hash(0x200 + (o & 1), d->seen & 0xff);
    literal_runs(d, o, x.run);
    return x;
}

static uint8_t literal(struct decoder *d, uint32_t o)
{
    struct ref_contexts x = literal_contexts(d, o);
    uint8_t b = ref_byte(&d->c, &x);

    d->seen = d->seen << 8 | b;
    return b;
}

static void prime(struct decoder *d, uint32_t o, uint8_t old)
{
    uint32_t run[REF_RUNS];

    literal_runs(d, o, run);
    ref_learn_runs(&d->c, run, old);
    d->seen = d->seen << 8 | old;
}

/* ---- 3.3 copies -------------------------------------------------------------------------------------------------------- */

static void mode_and_unit(struct decoder *d, bool first)
{
    uint32_t a = d->at, t = 1;

    if (!d->mode_known || d->mode_kib != a >> 10) {
        d->mode_known = true;
        d->mode_kib = a >> 10;
        if (!ref_flag(&d->c, F_MODE)) {
            for (int i = 0; i < 4; i++)
                t = t << 1 | ref_flag(&d->c, F_MODE_BITS + t);
            d->p.mode = (t & 15) < 9 ? t & 15 : 0;
        }
    }
    if (first || a >= d->end) {
        d->end = (a | 63) + 1;
        d->good = ref_flag(&d->c, F_UNIT + 8 * d->p.mode + (d->units & 7));
        d->units = d->units << 1 | !d->good;
        d->missed = false;
    }
}

static uint8_t copied_byte(struct decoder *d, const struct ref_group *g, uint32_t i, uint32_t *misses)
{
    uint32_t K = g->kind, q = g->bytes[i], place = 8 * K + i, few = *misses < 3 ? *misses : 3;
    uint32_t near = d->missed ? 16 : (d->end - d->at) / 8;
    uint64_t s = d->seen;
    uint32_t hit[5] = { ref_hash(0x1000, place << 5 | g->basis << 2 | few), ref_hash(0x1100, d->hits << 8 | near),
                        ref_hash(0x1200, place << 16 | q << 8 | (s & 0xff)), ref_hash(0x1300, place << 8 | q),
                        ref_hash(0x1400, (d->hits & 15) << 16 | place << 2 | few) };
    struct ref_contexts miss = literal_contexts(d, d->at + i);

    miss.counter[2] = ref_hash(0x2000 + place, q);
    miss.counter[3] = ref_hash(0x2100 + place, (q + d->diff[K]) & 0xff);
    miss.counter[4] = ref_hash(0x2200, q << 8 | (s & 0xff));
    miss.counter[5] = ref_hash(0x2300, place);
    miss.k = 6;
    miss.kind = K ? 4 + (i & 3) : 8;
    uint32_t was_hit = ref_hit(&d->c, hit, K);
    uint8_t b = (uint8_t)q;

    if (!was_hit) {
        b = ref_byte(&d->c, &miss);
        d->diff[K] = (uint8_t)(b - q);
        ++*misses;
        d->missed = true;
    }
    d->hits = (d->hits << 1 | !was_hit) & 0xff;
    return b;
}

static void make_copy(struct decoder *d, uint32_t from, uint32_t len)
{
    struct ref_group g;

    if (from != d->after)
        memset(d->p.reg, 0, sizeof d->p.reg);
    d->p.copy = (struct ref_copy){ from, d->at, len };
    for (uint32_t done = 0; done < len && !d->c.why; done += g.len, d->at += g.len) {
        uint32_t misses = 0;

        sight(d, d->made + d->at, from, len);
        mode_and_unit(d, done == 0);
        ref_predict(&d->p, from + done, d->at, len - done, &g);
        for (uint32_t i = 0; i < g.len; i++) {
            uint8_t b = d->good ? g.bytes[i] : copied_byte(d, &g, i, &misses);

            d->seen = d->seen << 8 | b;
            d->part_out[d->at + i] = b;
        }
        ref_became(&d->p, d->at, &g, d->part_out + d->at);
    }
    d->after = from + len;
}

/* ---- 3.1 parts --------------------------------------------------------------------------------------------------------- */

static bool inside(uint64_t off, uint64_t len, uint64_t whole)
{
    return off <= whole && len <= whole - off;
}

static void place_part(struct decoder *d)
{
    uint64_t left = d->new_len - d->made, origin = 0, old_len = d->old_len, new_len = left;

    if (!ref_flag(&d->c, F_WHOLE)) {
        origin = ref_wide(&d->c);
        old_len = ref_number(&d->c, MISC);
        new_len = ref_number(&d->c, MISC);
    }
    if (!inside(origin, old_len, d->old_len) || new_len == 0 || new_len > left || old_len > 0xfffffffe || new_len > 0xfffffffe) {
        refuse(d, "a part is outside of the images");
        origin = old_len = new_len = 0;
    }
    d->p.old = d->old + origin;
    d->p.was.size = (uint32_t)old_len;
    d->p.now.size = (uint32_t)new_len;
    d->part_out = d->out + d->made;
}

static void layout(struct decoder *d, struct ref_layout *l, const struct ref_layout *before)
{
    l->base = before ? before->base : 0;
    if (!ref_flag(&d->c, F_SAME_BASE))
        l->base = ref_wide(&d->c);
    l->count = ref_number(&d->c, MISC);
    if (l->count > 8) {
        refuse(d, "too many segments");
        l->count = 0;
    }
    for (uint32_t i = 0; i < l->count; i++) {
        struct ref_segment s = { 0 };

        if (before && i < before->count)
            s = before->segment[i];
        s.off += ref_signed(&d->c, MISC);
        s.addr += ref_signed(&d->c, MISC);
        s.len += ref_signed(&d->c, MISC);
        l->segment[i] = s;
    }
}

static void read_map(struct decoder *d)
{
    uint64_t end = 0;
    uint32_t source = 0;

    for (uint32_t i = 0; i < d->p.count && !d->c.why; i++) {
        uint64_t gap = ref_number(&d->c, GAP), len = ref_number(&d->c, LEN) + UINT64_C(1);
        uint32_t from = source + (uint32_t)gap + ref_signed(&d->c, OLD);

        if (!inside(from, len, d->p.was.size) || !inside(end + gap, len, d->p.now.size)) {
            refuse(d, "a copy is outside of the images");
            return;
        }
        d->p.map[i] = (struct ref_copy){ from, (uint32_t)(end + gap), (uint32_t)len };
        end += gap + len;
        source = from + (uint32_t)len;
    }
}

static void literals(struct decoder *d, uint32_t end)
{
    for (; d->at < end && !d->c.why; d->at++)
        d->part_out[d->at] = literal(d, d->at);
}

static void minor_copy(struct decoder *d, uint32_t next)
{
    uint64_t lit = ref_number(&d->c, LIT), len = ref_number(&d->c, COPY) + UINT64_C(1);
    uint32_t from = d->after + (uint32_t)lit + ref_signed(&d->c, FROM);

    if (lit + len > next - d->at || !inside(from, len, d->p.was.size)) {
        refuse(d, "a copy outside of the map is outside of the images");
        return;
    }
    literals(d, d->at + (uint32_t)lit);
    if (!d->c.why)
        make_copy(d, from, (uint32_t)len);
}

static void new_bytes(struct decoder *d)
{
    uint32_t i = 0;

    while (d->at < d->p.now.size && !d->c.why) {
        uint32_t next = i < d->p.count ? d->p.map[i].new : d->p.now.size;

        if (d->at == next) {
            make_copy(d, d->p.map[i].old, d->p.map[i].len);
            i++;
        } else if (d->minors && ref_flag(&d->c, F_MINOR)) {
            minor_copy(d, next);
        } else {
            literals(d, next);
        }
    }
}

static void part(struct decoder *d)
{
    uint32_t off = 0, len = 0;

    place_part(d);
    if (ref_flag(&d->c, F_PRIME)) {
        off = ref_number(&d->c, MISC);
        len = ref_number(&d->c, MISC);
    }
    if (!inside(off, len, d->p.was.size))
        refuse(d, "the stretch to train from is outside");
    layout(d, &d->p.was, NULL);
    layout(d, &d->p.now, &d->p.was);
    d->p.count = ref_number(&d->c, MISC);
    d->minors = ref_flag(&d->c, F_MINOR);
    if (d->p.count > d->M)
        refuse(d, "the map is too large");
    read_map(d);
    if (len)
        sight(d, d->made, off, len);
    for (uint32_t i = 0; i < len && !d->c.why; i++)
        prime(d, off + i, d->p.old[off + i]);
    d->seen = 0;
    d->mode_known = false;
    d->p.mode = d->p.pool_next = d->at = d->after = 0;
    memset(d->p.reg, 0, sizeof d->p.reg);
    memset(d->p.pool, 0, sizeof d->p.pool);
    if (!d->c.why)
        new_bytes(d);
    d->made += d->at;
}

static void decode(struct decoder *d, const uint8_t *patch, size_t len, uint64_t most)
{
    size_t at = header(d, patch, len);

    if (!d->c.why)
        unframe(d, patch + at, len - at);
    if ((d->o.on ? d->o.new_image : d->new_len) > most)
        refuse(d, "the new image is too long");
    if (d->o.on && (d->new_len > VIEWS * most || d->old_len > VIEWS * most))
        refuse(d, ref_not_judged);
    if (d->c.why)
        return;
    if (d->o.on) {
        d->view = calloc((size_t)d->old_len + 1, 1);
        if (!d->view)
            abort();
        memcpy(d->view, d->old, (size_t)d->o.old_image);
        d->old = d->view;
    }
    d->out = malloc((size_t)d->new_len + 1);
    d->c.mixed = calloc((size_t)1 << d->c.S, sizeof *d->c.mixed);
    d->c.run = calloc((size_t)1 << d->c.R, sizeof *d->c.run);
    d->p.log2 = d->L;
    d->p.learned = calloc((size_t)2 << d->L, sizeof *d->p.learned);
    d->p.map = calloc((size_t)d->M + 1, sizeof *d->p.map);
    if (!d->out || !d->c.mixed || !d->c.run || !d->p.learned || !d->p.map)
        abort();
    ref_begin(&d->c);
    while (d->made < d->new_len && !d->c.why)
        part(d);
    if (d->c.used < d->c.payload_len)
        refuse(d, "payload that is not used");
}

/* The new view is there as a whole, or nothing is. */
static void close_streams(struct decoder *d, reference_gzip gzip)
{
    uint8_t *view = d->out;
    uint64_t len = d->made;

    d->out = NULL;
    d->made = 0;
    if (!d->c.why)
        d->c.why = ref_opened_close(&d->o, view, len, gzip, &d->out);
    if (!d->c.why)
        d->made = d->o.new_image;
    free(view);
}

struct reference_result reference_decode(const uint8_t *old, uint64_t old_len, const uint8_t *patch, size_t len, uint64_t most,
                                         reference_gzip gzip)
{
    struct decoder *d = calloc(1, sizeof *d);

    if (!d)
        abort();
    d->old = old;
    d->old_len = old_len;
    decode(d, patch, len, most);
    if (d->o.on)
        close_streams(d, gzip);
    struct reference_result r = { d->c.why, d->c.why != ref_not_judged, d->out, d->made };
    free(d->view);
    free(d->c.payload);
    free(d->c.mixed);
    free(d->c.run);
    free(d->p.learned);
    free(d->p.map);
    free(d);
    return r;
}
