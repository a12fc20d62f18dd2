/* SPDX-License-Identifier: Apache-2.0 */
#include "delta_reference_decide.h"

#include <stddef.h>

static uint32_t next_byte(struct ref_coder *d)
{
    uint64_t i = d->used++;

    if (d->used > d->payload_len + 4)
        d->why = d->why ? d->why : "the payload ends early";
    return i < d->payload_len ? d->payload[i] : 0;
}

void ref_begin(struct ref_coder *d)
{
    d->range = 0xffffffff;
    for (int i = 0; i < 4; i++)
        d->code = d->code << 8 | next_byte(d);
    for (int i = 0; i < 104; i++)
        d->flag[i].p = 32768;
    for (int i = 0; i < REF_CLASSES * 136; i++)
        d->number[i / 136][i % 136].p = 2048;
    for (int i = 0; i < REF_RUNS * 64; i++)
        d->trust[i / 64][i / 8 % 8][i % 8].p = 3072;
    for (int i = 0; i < 32 * 5; i++)
        d->hit_weight[i / 5][i % 5] = 2304;
    for (int i = 0; i < 9 * (REF_RUNS + 1) * 12; i++)
        d->byte_weight[i / 12 / (REF_RUNS + 1)][i / 12 % (REF_RUNS + 1)][i % 12] = 2304;
    for (size_t i = 0; i < (size_t)1 << d->S; i++)
        d->mixed[i] = (struct ref_counter){ 2048, 0 };
}

static uint32_t decide(struct ref_coder *d, uint32_t p)
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

uint32_t ref_flag(struct ref_coder *d, uint32_t which)
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

static void learn_bit(struct ref_counter *c, uint32_t bit)
{
    static const int32_t rate[12] = { 43690, 26214, 18725, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5461, 4681 };

    c->p += shifted(((bit ? 4095 : 0) - c->p) * rate[c->n] + 32768, 16);
    c->p = c->p < 1 ? 1 : c->p > 4094 ? 4094 : c->p;
    c->n += c->n < 11;
}

static uint32_t alone(struct ref_coder *d, struct ref_counter *c)
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

static int32_t stretched(const struct ref_counter *c)
{
    return clamp(ln256(c->p) - ln256(4096 - c->p), 2047);
}

static struct ref_counter *counter_of(struct ref_coder *d, uint32_t h)
{
    return &d->mixed[(h * 0x9E3779B1u) >> (32 - d->S)];
}

/* One opinion for a mixed decision: nothing if there is no counter. */
struct opinion {
    struct ref_counter *c;
    int32_t x;
    bool opposite;
};

static uint32_t mixed(struct ref_coder *d, const struct opinion *o, unsigned n, int32_t *w)
{
    int32_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += w[i] * o[i].x;
    int32_t p = squash(sum / 8192);
    uint32_t bit = decide(d, (uint32_t)p);
    int32_t e = ((bit ? 65535 : 0) - p) / 16;
    for (unsigned i = 0; i < n; i++)
        if (o[i].c) {
            w[i] = clamp(w[i] + shifted(o[i].x * e * 24 + (1 << 18), 19), 32767);
            learn_bit(o[i].c, o[i].opposite ? !bit : bit);
        }
    return bit;
}

uint32_t ref_hit(struct ref_coder *d, const uint32_t *h, unsigned set)
{
    struct opinion o[5];

    for (unsigned i = 0; i < 5; i++) {
        struct ref_counter *c = counter_of(d, h[i]);
        o[i] = (struct opinion){ c, stretched(c), false };
    }
    return mixed(d, o, 5, d->hit_weight[set]);
}

static struct ref_run *run_of(struct ref_coder *d, uint32_t h, uint8_t *check)
{
    *check = h * 0x9E3779B1u & 31;
    return &d->run[(h * 0x9E3779B1u) >> (32 - d->R)];
}

void ref_learn_runs(struct ref_coder *d, const uint32_t *h, uint8_t byte)
{
    for (int i = 0; i < REF_RUNS; i++) {
        uint8_t check;
        struct ref_run *r = run_of(d, h[i], &check);

        if (r->check == check && r->byte == byte)
            r->length = (uint8_t)(r->length + (r->length < 7));
        else if (r->check == check || r->length < 2)
            *r = (struct ref_run){ byte, check, 1 };
        else
            r->length--;
    }
}

/* What run r says about bit b, given the bits above it. */
static struct opinion ask_run(struct ref_coder *d, int i, struct ref_run r, uint32_t t, int b)
{
    if (r.length == 0 || (r.byte | 256u) >> (b + 1) != t)
        return (struct opinion){ NULL, 0, false };
    struct ref_counter *c = &d->trust[i][r.length][b];
    bool zero = !(r.byte >> b & 1);
    return (struct opinion){ c, zero ? -stretched(c) : stretched(c), zero };
}

uint8_t ref_byte(struct ref_coder *d, const struct ref_contexts *x)
{
    static const int32_t worth[12] = { 0, 6, 9, 11, 12, 13, 14, 15, 16, 16, 16, 17 };
    struct ref_run r[REF_RUNS];
    uint32_t t = 1;

    for (int i = 0; i < REF_RUNS; i++) {
        uint8_t check;
        r[i] = *run_of(d, x->run[i], &check);
        if (r[i].check != check)
            r[i].length = 0;
    }
    for (int b = 7; b >= 0; b--) {
        struct opinion o[6 + REF_RUNS];
        int last = 0;

        for (unsigned i = 0; i < x->k; i++) {
            struct ref_counter *c = counter_of(d, x->counter[i] + t * 0x2F0B4C47u);
            o[i] = (struct opinion){ c, stretched(c) * worth[c->n] / 16, false };
        }
        for (int i = 0; i < REF_RUNS; i++) {
            o[x->k + (unsigned)i] = ask_run(d, i, r[i], t, b);
            last = o[x->k + (unsigned)i].c ? i + 1 : last;
        }
        t = t << 1 | mixed(d, o, x->k + REF_RUNS, d->byte_weight[x->kind][last]);
    }
    ref_learn_runs(d, x->run, (uint8_t)t);
    return (uint8_t)t;
}

uint32_t ref_hash(uint32_t salt, uint64_t v)
{
    return (uint32_t)((v + salt) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

uint32_t ref_number(struct ref_coder *d, unsigned class)
{
    struct ref_counter *c = d->number[class];
    uint32_t e = 1, r = 1, q = 0, l = 1;

    for (int i = 0; i < 5; i++)
        e = e << 1 | alone(d, &c[e]);
    e &= 31;
    for (uint32_t i = 0; i < e; i++) {
        bool low = q >= 3 && e - i <= 3;
        uint32_t bit = q < 3 ? alone(d, &c[32 + 3 * e + q]) : low ? alone(d, &c[128 + l]) : decide(d, 32768);

        l = low ? 2 * l + bit : l;
        q = q < 3 ? 2 * q + 1 + bit : q;
        r = r << 1 | bit;
    }
    return r - 1;
}

uint32_t ref_signed(struct ref_coder *d, unsigned class)
{
    uint32_t v = ref_number(d, class);

    return v % 2 ? 0u - (v / 2 + 1) : v / 2;
}

uint64_t ref_wide(struct ref_coder *d)
{
    uint64_t v = 0;

    for (int i = 0; i < 64; i += 16)
        v |= (uint64_t)(ref_number(d, 0) & 0xffff) << i;
    return v;
}
