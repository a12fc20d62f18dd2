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

#define WEIGHT_BEGIN (9 << 8) /* 13 bits of fraction */
#define WEIGHT_MAX 32767
#define LEARN_RATE 24
#define TRUST_BEGIN 3072u
#define COUNT_MAX 11u
#define FLAG_COUNT_MAX 160u

/* 65536 / (n + 1.5), at the end slower than that. */
static const uint16_t rate_table[COUNT_MAX + 1] = {
    43690, 26214, 18725, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5461, 4681
};

/* What a counter says weighs less before it was used often; 16 is its whole weight. */
static const uint8_t worth_table[COUNT_MAX + 1] = { 0, 6, 9, 11, 12, 13, 14, 15, 16, 16, 16, 17 };

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

/* The build chooses between what is small and what is fast: they decide the same. */
#ifndef OTAI_MIX_HEADER
#define OTAI_MIX_HEADER "mix_small.h"
#endif
#include OTAI_MIX_HEADER

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
