/* SPDX-License-Identifier: Apache-2.0 */
/* Sections 1 to 3 of docs/patch-format.md. */
#include "delta_reference.h"

#include <stdlib.h>
#include <string.h>

#include "delta_reference_predict.h"

enum { MISC, GAP, LEN, OLD, LIT, COPY, FROM, CLASSES };
enum { F_WHOLE = 0, F_PRIME = 1, F_SAME_BASE = 3, F_MINOR = 4, F_MODE = 5, F_MODE_BITS = 8, F_UNIT = 32 };

struct counter {
    int32_t p, n;
};

struct decoder {
    const char *why;
    unsigned F, S, L;
    uint64_t M;
    const uint8_t *old;
    uint64_t old_len, new_len, made;
    uint8_t *out;
    uint8_t *payload;
    uint64_t payload_len, used;
    uint32_t range, code;
    struct {
        uint32_t p, n;
    } flag[256];
    struct counter number[CLASSES][128];
    struct counter *mixed;
    int32_t weight[64][8];
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
    if (!d->why)
        d->why = why;
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

static size_t header(struct decoder *d, const uint8_t *in, size_t len)
{
    size_t at = 40;

    if (len < at || memcmp(in, "OTAD\1", 5) != 0) {
        refuse(d, "no patch of version 1");
        return 0;
    }
    d->F = in[5];
    d->S = in[6];
    d->L = in[7];
    if (varint(d, in, len, &at) != d->old_len)
        refuse(d, "for another old image");
    d->new_len = varint(d, in, len, &at);
    d->payload_len = varint(d, in, len, &at);
    d->M = varint(d, in, len, &at);
    if (d->why || len - at < 4 || crc32_of(in, at) != word_at(in + at))
        refuse(d, "the header is damaged");
    if (d->F < 9 || d->F > 16 || d->S < 8 || d->S > 20 || d->L < 1 || d->L > 16 || d->M > 65535 || d->payload_len >> 61)
        refuse(d, "a field of the header is out of its bounds");
    return at + 4;
}

static void unframe(struct decoder *d, const uint8_t *in, size_t len)
{
    uint64_t done = 0;

    if (d->payload_len > len) {
        refuse(d, "the patch is too short");
        return;
    }
    d->payload = malloc((size_t)d->payload_len + 1);
    while (d->payload && done < d->payload_len) {
        uint64_t piece = (UINT64_C(1) << d->F) - 4;

        if (piece > d->payload_len - done)
            piece = d->payload_len - done;
        if (len < piece + 4 || crc32_of(in, (size_t)piece) != word_at(in + piece)) {
            refuse(d, "a frame is damaged");
            return;
        }
        memcpy(d->payload + done, in, (size_t)piece);
        done += piece;
        in += piece + 4;
        len -= (size_t)piece + 4;
    }
    if (len || !d->payload)
        refuse(d, "bytes after the last frame");
}

/* ---- 2. decisions ----------------------------------------------------------------------------------------------------- */

static uint32_t next_byte(struct decoder *d)
{
    uint64_t i = d->used++;

    if (d->used > d->payload_len + 4)
        refuse(d, "the payload ends early");
    return i < d->payload_len ? d->payload[i] : 0;
}

static void begin(struct decoder *d)
{
    d->range = 0xffffffff;
    for (int i = 0; i < 4; i++)
        d->code = d->code << 8 | next_byte(d);
    for (int i = 0; i < 256; i++)
        d->flag[i].p = 32768;
    for (int i = 0; i < CLASSES * 128; i++)
        d->number[i / 128][i % 128].p = 2048;
    for (int i = 0; i < 64 * 8; i++)
        d->weight[i / 8][i % 8] = 24576;
    for (size_t i = 0; i < (size_t)1 << d->S; i++)
        d->mixed[i] = (struct counter){ 2048, 0 };
}

static uint32_t decide(struct decoder *d, uint32_t p)
{
    uint32_t bound = (d->range >> 16) * p, bit = d->code < bound;

    d->code -= bit ? 0 : bound;
    d->range = bit ? bound : d->range - bound;
    while (d->range < 1u << 24) {
        d->code = d->code << 8 | next_byte(d);
        d->range <<= 8;
    }
    return bit;
}

static uint32_t flag(struct decoder *d, uint32_t which)
{
    uint32_t p = d->flag[which].p, n = d->flag[which].n, bit = decide(d, p);

    p = bit ? p + (65535 - p) * 2 / (2 * n + 3) : p - p * 2 / (2 * n + 3);
    d->flag[which].p = p < 16 ? 16 : p > 65520 ? 65520 : p;
    d->flag[which].n = n < 160 ? n + 1 : n;
    return bit;
}

/* Rounds down; what >> does to a negative number is the compiler's choice. */
static int32_t shifted(int32_t v, unsigned by)
{
    int32_t unit = (int32_t)(1u << by);

    return v >= 0 ? v / unit : -((-v + unit - 1) / unit);
}

static void learn_bit(struct counter *c, uint32_t bit)
{
    static const int32_t rate[16] = { 43690, 26214, 18725, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5461, 4681, 4096, 3640,
                                      3276, 2978 };

    c->p += shifted(((bit ? 4095 : 0) - c->p) * rate[c->n] + 32768, 16);
    c->p = c->p < 1 ? 1 : c->p > 4094 ? 4094 : c->p;
    c->n += c->n < 15;
}

static uint32_t alone(struct decoder *d, struct counter *c)
{
    uint32_t bit = decide(d, (uint32_t)c->p * 16);

    learn_bit(c, bit);
    return bit;
}

static int32_t clamp(int32_t v, int32_t most)
{
    return v > most ? most : v < -most ? -most : v;
}

static int32_t ln256(int32_t v)
{
    static const int32_t ln[33] = { 0, 8, 16, 23, 30, 37, 44, 51, 57, 63, 70, 76, 82, 87, 93, 98, 104, 109, 114, 119, 124, 129, 134,
                                    139, 143, 148, 152, 157, 161, 165, 169, 173, 177 };
    int32_t e = 0;

    while (v >= 2 << e)
        e++;
    int32_t m = (v * (4096 >> e)) % 4096, i = m / 128;
    return 177 * e + ln[i] + (ln[i + 1] - ln[i]) * (m % 128) / 128;
}

static int32_t squash(int32_t x)
{
    static const int32_t sq[33] = { 22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768,
                                    40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476,
                                    65500, 65514 };
    int32_t a = clamp(x, 2047) + 2048, i = a / 128;

    return sq[i] + (sq[i + 1] - sq[i]) * (a % 128) / 128;
}

/* `given` is -1, or the bit that is taught. */
static uint32_t mixed(struct decoder *d, const uint32_t *h, unsigned k, unsigned set, int given)
{
    struct counter *c[8];
    int32_t x[8], sum = 0, *w = d->weight[set];

    for (unsigned i = 0; i < k; i++) {
        c[i] = &d->mixed[(h[i] * 0x9E3779B1u) >> (32 - d->S)];
        x[i] = clamp(ln256(c[i]->p) - ln256(4096 - c[i]->p), 2047);
        sum += shifted(w[i], 2) * x[i] / 16384;
    }
    int32_t p = squash(sum);
    uint32_t bit = given < 0 ? decide(d, (uint32_t)p) : (uint32_t)given;
    int32_t e = ((bit ? 65535 : 0) - p) / 16;
    for (unsigned i = 0; i < k; i++) {
        w[i] = clamp(w[i] + shifted(x[i] * e * 16 + 32768, 16), 1 << 18);
        learn_bit(c[i], bit);
    }
    return bit;
}

static uint8_t byte(struct decoder *d, const uint32_t *h, unsigned k, unsigned set, int given)
{
    uint32_t t = 1, key[8];

    for (int b = 7; b >= 0; b--) {
        for (unsigned i = 0; i < k; i++)
            key[i] = h[i] + t * 0x2F0B4C47u;
        t = t << 1 | mixed(d, key, k, set, given < 0 ? -1 : given >> b & 1);
    }
    return (uint8_t)t;
}

static uint32_t hash(uint32_t salt, uint64_t v)
{
    return (uint32_t)((v + salt) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

static uint32_t number(struct decoder *d, unsigned class)
{
    struct counter *c = d->number[class];
    uint32_t e = 1, r = 1, q = 0;

    for (int i = 0; i < 5; i++)
        e = e << 1 | alone(d, &c[e]);
    e &= 31;
    for (uint32_t i = 0; i < e; i++) {
        uint32_t bit = q < 3 ? alone(d, &c[32 + 3 * e + q]) : decide(d, 32768);

        q = q < 3 ? 2 * q + 1 + bit : q;
        r = r << 1 | bit;
    }
    return r - 1;
}

static uint32_t signed_number(struct decoder *d, unsigned class)
{
    uint32_t v = number(d, class);

    return v % 2 ? 0u - (v / 2 + 1) : v / 2;
}

static uint64_t wide_number(struct decoder *d)
{
    uint64_t v = 0;

    for (int i = 0; i < 64; i += 16)
        v |= (uint64_t)(number(d, MISC) & 0xffff) << i;
    return v;
}

/* ---- 3.2 literals ------------------------------------------------------------------------------------------------------ */

static unsigned contexts(const struct decoder *d)
{
    return d->S <= 14 ? 3 : 7;
}

static uint8_t literal(struct decoder *d, uint32_t o, int given)
{
    uint64_t s = d->seen;
    uint32_t h[7] = { hash(0x100 + (o & 3), 0), hash(0x200 + (o & 1), s & 0xff), hash(0x300, s & 0xffff), hash(0x400, s & 0xffffff),
                      hash(0x500, s & 0xffffffff), hash(0x600 + (o & 3), s & 0xff00ff00), hash(0x700, s & 0xffffffffffff) };
    uint8_t b = byte(d, h, contexts(d), 40 + (o & 3), given);

    d->seen = s << 8 | b;
    return b;
}

/* ---- 3.3 copies -------------------------------------------------------------------------------------------------------- */

static void mode_and_unit(struct decoder *d, bool first)
{
    uint32_t a = d->at, t = 1;

    if (!d->mode_known || d->mode_kib != a >> 10) {
        d->mode_known = true;
        d->mode_kib = a >> 10;
        if (!flag(d, F_MODE)) {
            for (int i = 0; i < 4; i++)
                t = t << 1 | flag(d, F_MODE_BITS + t);
            d->p.mode = (t & 15) < 9 ? t & 15 : 0;
        }
    }
    if (first || a >= d->end) {
        d->end = (a | 63) + 1;
        d->good = flag(d, F_UNIT + 8 * d->p.mode + (d->units & 7));
        d->units = d->units << 1 | !d->good;
        d->missed = false;
    }
}

static uint8_t copied_byte(struct decoder *d, const struct ref_group *g, uint32_t i, uint32_t *misses)
{
    uint32_t K = g->kind, q = g->bytes[i], place = 8 * K + i, few = *misses < 3 ? *misses : 3;
    uint32_t near = d->missed ? 16 : (d->end - d->at) / 8;
    uint64_t s = d->seen;
    uint32_t hit[5] = { hash(0x1000, place << 5 | g->basis << 2 | few), hash(0x1100, d->hits << 8 | near),
                        hash(0x1200, place << 16 | q << 8 | (s & 0xff)), hash(0x1300, place << 8 | q),
                        hash(0x1400, (d->hits & 15) << 16 | place << 2 | few) };
    uint32_t miss[7] = { hash(0x2000 + place, q), hash(0x2100 + place, (q + d->diff[K]) & 0xff), hash(0x2200 + place, s & 0xff),
                         hash(0x2300, s & 0xffff), hash(0x2400, s & 0xffffff), hash(0x2500, q << 8 | (s & 0xff)),
                         hash(0x2600, place) };
    uint32_t was_hit = mixed(d, hit, 5, K, -1);
    uint8_t b = (uint8_t)q;

    if (!was_hit) {
        b = byte(d, miss, contexts(d), K ? 44 + (i & 3) : 48, -1);
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
    for (uint32_t done = 0; done < len && !d->why; done += g.len, d->at += g.len) {
        uint32_t misses = 0;

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

    if (!flag(d, F_WHOLE)) {
        origin = wide_number(d);
        old_len = number(d, MISC);
        new_len = number(d, MISC);
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
    if (!flag(d, F_SAME_BASE))
        l->base = wide_number(d);
    l->count = number(d, MISC);
    if (l->count > 8) {
        refuse(d, "too many segments");
        l->count = 0;
    }
    for (uint32_t i = 0; i < l->count; i++) {
        struct ref_segment s = { 0 };

        if (before && i < before->count)
            s = before->segment[i];
        s.off += signed_number(d, MISC);
        s.addr += signed_number(d, MISC);
        s.len += signed_number(d, MISC);
        l->segment[i] = s;
    }
}

static void read_map(struct decoder *d)
{
    uint64_t end = 0;
    uint32_t source = 0;

    for (uint32_t i = 0; i < d->p.count && !d->why; i++) {
        uint64_t gap = number(d, GAP), len = number(d, LEN) + UINT64_C(1);
        uint32_t from = source + (uint32_t)gap + signed_number(d, OLD);

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
    for (; d->at < end && !d->why; d->at++)
        d->part_out[d->at] = literal(d, d->at, -1);
}

static void minor_copy(struct decoder *d, uint32_t next)
{
    uint64_t lit = number(d, LIT), len = number(d, COPY) + UINT64_C(1);
    uint32_t from = d->after + (uint32_t)lit + signed_number(d, FROM);

    if (lit + len > next - d->at || !inside(from, len, d->p.was.size)) {
        refuse(d, "a copy outside of the map is outside of the images");
        return;
    }
    literals(d, d->at + (uint32_t)lit);
    if (!d->why)
        make_copy(d, from, (uint32_t)len);
}

static void new_bytes(struct decoder *d)
{
    uint32_t i = 0;

    while (d->at < d->p.now.size && !d->why) {
        uint32_t next = i < d->p.count ? d->p.map[i].new : d->p.now.size;

        if (d->at == next) {
            make_copy(d, d->p.map[i].old, d->p.map[i].len);
            i++;
        } else if (d->minors && flag(d, F_MINOR)) {
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
    if (flag(d, F_PRIME)) {
        off = number(d, MISC);
        len = number(d, MISC);
    }
    if (!inside(off, len, d->p.was.size))
        refuse(d, "the stretch to train from is outside");
    layout(d, &d->p.was, NULL);
    layout(d, &d->p.now, &d->p.was);
    d->p.count = number(d, MISC);
    d->minors = flag(d, F_MINOR);
    if (d->p.count > d->M)
        refuse(d, "the map is too large");
    read_map(d);
    for (uint32_t i = 0; i < len && !d->why; i++)
        (void)literal(d, off + i, d->p.old[off + i]);
    d->seen = 0;
    d->mode_known = false;
    d->p.mode = d->p.pool_next = d->at = d->after = 0;
    memset(d->p.reg, 0, sizeof d->p.reg);
    memset(d->p.pool, 0, sizeof d->p.pool);
    if (!d->why)
        new_bytes(d);
    d->made += d->at;
}

static void decode(struct decoder *d, const uint8_t *patch, size_t len, uint64_t most)
{
    size_t at = header(d, patch, len);

    if (!d->why)
        unframe(d, patch + at, len - at);
    if (d->new_len > most)
        refuse(d, "the new image is too long");
    if (d->why)
        return;
    d->out = malloc((size_t)d->new_len + 1);
    d->mixed = calloc((size_t)1 << d->S, sizeof *d->mixed);
    d->p.log2 = d->L;
    d->p.learned = calloc((size_t)2 << d->L, sizeof *d->p.learned);
    d->p.map = calloc((size_t)d->M + 1, sizeof *d->p.map);
    if (!d->out || !d->mixed || !d->p.learned || !d->p.map)
        abort();
    begin(d);
    while (d->made < d->new_len && !d->why)
        part(d);
    if (d->used < d->payload_len)
        refuse(d, "payload that is not used");
}

struct reference_result reference_decode(const uint8_t *old, uint64_t old_len, const uint8_t *patch, size_t len, uint64_t most)
{
    struct decoder *d = calloc(1, sizeof *d);

    if (!d)
        abort();
    d->old = old;
    d->old_len = old_len;
    decode(d, patch, len, most);
    struct reference_result r = { d->why, d->out, d->made };
    free(d->payload);
    free(d->mixed);
    free(d->p.learned);
    free(d->p.map);
    free(d);
    return r;
}
