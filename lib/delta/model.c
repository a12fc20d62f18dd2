/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probabilities. A counter holds an adaptive probability that learns fast at first and slower with every use. Where
 * several contexts know something, their counters' probabilities are mixed in the logistic domain by weights that are
 * learned on the way (M. Mahoney, "Adaptive weighing of context models for lossless data compression", 2005). Short
 * contexts have a counter for each bit; long ones, which mostly know one byte only, a run: one entry instead of eight.
 * Integers only: both sides must compute the same bits on every machine.
 */
#include "delta_i.h"

#include <string.h>

/* The build chooses between a table and what computes its numbers. */
#ifndef OTAI_STRETCH_HEADER
#define OTAI_STRETCH_HEADER "stretch_small.h"
#endif
#include OTAI_STRETCH_HEADER

#define STRETCH_MAX 2047
#define WEIGHT_BEGIN (9 << 8) /* 13 bits of fraction */
#define WEIGHT_MAX 32767
#define LEARN_RATE 24
#define TRUST_BEGIN 3072u
#define COUNT_MAX 11u
#define FLAG_COUNT_MAX 160u

/* 65536 / (1 + exp(-x / 256)) for x = -2048, -1920, ... 2048. */
static const uint16_t squash_table[33] = { 22,    36,    60,    98,    162,   267,   439,   720,   1179,  1921,  3108,
                                           4971,  7812,  11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565,
                                           62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514 };

/* 65536 / (n + 1.5), at the end slower than that. */
static const uint16_t rate_table[COUNT_MAX + 1] = {
    43690, 26214, 18725, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5461, 4681
};

/* What a counter says weighs less before it was used often; 16 is its whole weight. */
static const uint8_t worth_table[COUNT_MAX + 1] = { 0, 6, 9, 11, 12, 13, 14, 15, 16, 16, 16, 17 };

static uint32_t squash(int32_t x)
{
    if (x > STRETCH_MAX)
        x = STRETCH_MAX;
    if (x < -STRETCH_MAX)
        x = -STRETCH_MAX;
    uint32_t at = (uint32_t)(x + 2048);
    uint32_t low = squash_table[at >> 7], high = squash_table[(at >> 7) + 1];
    return low + (((high - low) * (at & 127u)) >> 7);
}

static void learn_slot(uint16_t *slot, unsigned bit)
{
    uint32_t n = *slot & 15u;
    int32_t p = *slot >> 4;

    p += (((bit ? 4095 : 0) - p) * rate_table[n] + 32768) >> 16;
    p = p < 1 ? 1 : p > 4094 ? 4094 : p;
    *slot = (uint16_t)((uint32_t)p << 4 | (n < COUNT_MAX ? n + 1 : n));
}

static void fill(uint16_t *p, size_t n, uint16_t value)
{
    for (size_t i = 0; i < n; i++)
        p[i] = value;
}

static void fill_weights(int16_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w[i] = WEIGHT_BEGIN;
}

void otai_model_init(struct otai_model *m)
{
    fill(m->slot, (size_t)1 << m->slots_log2, 2048u << 4);
    fill(m->run, (size_t)1 << m->runs_log2, 0);
    fill(&m->trust[0][0][0], sizeof m->trust / sizeof m->trust[0][0][0], TRUST_BEGIN << 4);
    fill(m->number, sizeof m->number / sizeof m->number[0], 2048u << 4);
    for (size_t i = 0; i < OTAI_FLAGS; i++)
        m->flag[i] = (struct otai_flag){ .p = 32768 };
    fill_weights(&m->hit_weight[0][0], sizeof m->hit_weight / sizeof m->hit_weight[0][0]);
    fill_weights(&m->weight[0][0][0], sizeof m->weight / sizeof m->weight[0][0][0]);
}

unsigned otai_code_flag(struct otai_model *m, unsigned which, unsigned bit)
{
    struct otai_flag *f = &m->flag[which];

    bit = m->coder->bit(m->coder, f->p, bit);
    uint32_t step = f->n * 2u + 3u; /* 1 / (n + 1.5) */
    if (bit)
        f->p = (uint16_t)(f->p + (65535u - f->p) * 2u / step);
    else
        f->p = (uint16_t)(f->p - f->p * 2u / step);
    if (f->p < 16)
        f->p = 16;
    if (f->p > 65520)
        f->p = 65520;
    if (f->n < FLAG_COUNT_MAX)
        f->n++;
    return bit;
}

static unsigned code_slot(struct otai_model *m, uint16_t *slot, unsigned bit)
{
    uint32_t p = *slot >> 4;

    bit = m->coder->bit(m->coder, p << 4, bit);
    learn_slot(slot, bit);
    return bit;
}

/* What is mixed for one bit: the counter of each context that says anything, what it says, and which weight is its own. */
struct mix {
    uint16_t *slot[OTAI_MIX_INPUTS];
    int32_t x[OTAI_MIX_INPUTS];
    uint8_t own[OTAI_MIX_INPUTS];
    int16_t *weight;
    unsigned n;
    uint32_t opposite; /* inputs whose counter learns the opposite of the bit */
};

static int16_t learn_weight(int32_t w, int32_t x, int32_t err)
{
    w += (x * err * LEARN_RATE + (1 << 18)) >> 19;
    return (int16_t)(w > WEIGHT_MAX ? WEIGHT_MAX : w < -WEIGHT_MAX ? -WEIGHT_MAX : w);
}

static unsigned code_mix(struct otai_model *m, const struct mix *in, unsigned bit)
{
    int32_t sum = 0;

    for (unsigned i = 0; i < in->n; i++)
        sum += in->weight[in->own[i]] * in->x[i];
    uint32_t p = squash(sum / 8192);
    bit = m->coder->bit(m->coder, p, bit);
    int32_t err = ((bit ? 65535 : 0) - (int32_t)p) / 16;
    for (unsigned i = 0; i < in->n; i++) {
        int16_t *w = &in->weight[in->own[i]];

        *w = learn_weight(*w, in->x[i], err);
        learn_slot(in->slot[i], bit ^ (in->opposite >> i & 1u));
    }
    return bit;
}

static uint16_t *slot_of(struct otai_model *m, uint32_t h)
{
    return &m->slot[(h * 0x9E3779B1u) >> (32 - m->slots_log2)];
}

unsigned otai_code_hit(struct otai_model *m, const uint32_t h[OTAI_HIT_INPUTS], unsigned set, unsigned bit)
{
    struct mix in;

    in.n = OTAI_HIT_INPUTS;
    in.weight = m->hit_weight[set];
    in.opposite = 0;
    for (unsigned i = 0; i < OTAI_HIT_INPUTS; i++) {
        in.slot[i] = slot_of(m, h[i]);
        in.own[i] = (uint8_t)i;
        in.x[i] = otai_stretch(*in.slot[i] >> 4);
    }
    return code_mix(m, &in, bit);
}

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

#define CHECK_MAX 31u

static uint16_t *run_of(struct otai_model *m, uint32_t h, uint32_t *check)
{
    uint32_t place = h * 0x9E3779B1u;

    *check = place & CHECK_MAX;
    return &m->run[place >> (32 - m->runs_log2)];
}

/* A run that another context holds gives way only when it was wasted often enough. */
void otai_teach_runs(struct otai_model *m, const uint32_t h[OTAI_RUNS], uint8_t byte)
{
    for (unsigned i = 0; i < OTAI_RUNS; i++) {
        uint32_t check, n;
        uint16_t *run = run_of(m, h[i], &check);

        n = *run & OTAI_RUN_MAX;
        if (*run >> 3 == ((uint32_t)byte << 5 | check))
            *run = (uint16_t)(n < OTAI_RUN_MAX ? *run + 1u : *run);
        else if ((*run >> 3 & CHECK_MAX) == check || n <= 1)
            *run = (uint16_t)((uint32_t)byte << 8 | check << 3 | 1u);
        else
            *run = (uint16_t)(*run - 1u);
    }
}

/* What the runs of a byte's contexts say, as far as they say anything. */
struct runs {
    uint32_t byte[OTAI_RUNS]; /* with a 1 before its highest bit */
    uint16_t (*trust[OTAI_RUNS])[8];
    uint8_t which[OTAI_RUNS];
    unsigned n;
};

static void look_up(struct otai_model *m, const struct otai_context *c, struct runs *r)
{
    r->n = 0;
    for (unsigned i = 0; i < OTAI_RUNS; i++) {
        uint32_t check, run = *run_of(m, c->run[i], &check);

        if ((run >> 3 & CHECK_MAX) != check || (run & OTAI_RUN_MAX) == 0)
            continue;
        r->byte[r->n] = run >> 8 | 256u;
        r->trust[r->n] = &m->trust[i][(run & OTAI_RUN_MAX) - 1];
        r->which[r->n++] = (uint8_t)i;
    }
}

/* The runs that agree with the bits so far, as inputs behind the others; those that do not are dropped. Returns the last
 * one's number from 1, or 0. */
static unsigned add_runs(struct runs *r, uint32_t partial, unsigned k, unsigned first, struct mix *in)
{
    unsigned kept = 0, last = 0;

    for (unsigned i = 0; i < r->n; i++) {
        unsigned at = in->n, says_0 = ~r->byte[i] >> k & 1u;

        if (r->byte[i] >> (k + 1) != partial)
            continue;
        r->byte[kept] = r->byte[i];
        r->trust[kept] = r->trust[i];
        r->which[kept++] = r->which[i];
        in->slot[at] = &(*r->trust[i])[k];
        in->x[at] = otai_stretch(*in->slot[at] >> 4);
        if (says_0)
            in->x[at] = -in->x[at];
        in->own[at] = (uint8_t)(first + r->which[i]);
        in->opposite |= says_0 << at;
        in->n = at + 1;
        last = r->which[i] + 1u;
    }
    r->n = kept;
    return last;
}

uint8_t otai_code_byte(struct otai_model *m, const struct otai_context *c, uint8_t byte)
{
    struct runs r;
    struct mix in;
    uint32_t partial = 1;

    look_up(m, c, &r);
    for (unsigned i = 0; i < c->slots; i++)
        in.own[i] = (uint8_t)i;
    for (unsigned k = 8; k-- > 0;) {
        in.n = c->slots;
        in.opposite = 0;
        for (unsigned i = 0; i < c->slots; i++) {
            in.slot[i] = slot_of(m, c->slot[i] + partial * 0x2F0B4C47u);
            in.x[i] = otai_stretch(*in.slot[i] >> 4) * worth_table[*in.slot[i] & 15u] / 16;
        }
        unsigned last = add_runs(&r, partial, k, c->slots, &in);
        in.weight = m->weight[c->kind][last];
        partial = partial << 1 | code_mix(m, &in, byte >> k & 1u);
    }
    otai_teach_runs(m, c->run, (uint8_t)partial);
    return (uint8_t)partial;
}

/* ---- numbers --------------------------------------------------------------------------------------------------------- */

static uint32_t length_of(uint32_t v)
{
    uint32_t e = 0;

    while (e < 31 && v >> (e + 1))
        e++;
    return e;
}

#define FIRST_BITS 32u /* counters of the first two bits, three for each length; before them the length's */
#define LAST_BITS 128u /* of the last three */

/* v + 1 as its length in bits, in a tree of decisions, then the bits after the first one. Two are modelled because numbers
 * differ in size, and the last three because code is aligned. */
uint32_t otai_code_number(struct otai_model *m, enum otai_number kind, uint32_t v)
{
    uint16_t *slot = m->number + (size_t)kind * OTAI_NUMBER_SLOTS;
    uint32_t value = v + 1, want = length_of(value), e = 1;

    for (int k = 4; k >= 0; k--)
        e = e << 1 | code_slot(m, &slot[e], want >> k & 1u);
    e &= 31u;
    uint32_t got = 1, node = 0, last = 1;
    for (uint32_t k = e; k-- > 0;) {
        unsigned bit = value >> k & 1u;

        if (node < 3) {
            bit = code_slot(m, &slot[FIRST_BITS + e * 3 + node], bit);
            node = node * 2 + 1 + bit;
        } else if (k < 3) {
            bit = code_slot(m, &slot[LAST_BITS + last], bit);
            last = last * 2 + bit;
        } else {
            bit = m->coder->bit(m->coder, 32768, bit);
        }
        got = got << 1 | bit;
    }
    return got - 1;
}

int32_t otai_code_signed(struct otai_model *m, enum otai_number kind, int32_t v)
{
    uint32_t folded = (uint32_t)v << 1 ^ (v < 0 ? 0xffffffffu : 0);

    folded = otai_code_number(m, kind, folded);
    return (int32_t)(folded >> 1 ^ (0u - (folded & 1u)));
}
