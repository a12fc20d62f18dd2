/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probabilities. A counter holds an adaptive probability that learns fast at first and slower with every use. Where
 * several contexts know something, their counters' probabilities are mixed in the logistic domain by weights that are
 * learned on the way (M. Mahoney, "Adaptive weighing of context models for lossless data compression", 2005).
 * Integers only: both sides must compute the same bits on every machine.
 */
#include "delta_i.h"

#include <string.h>

#define STRETCH_MAX 2047
#define WEIGHT_BEGIN (3 << 13)     /* 16 bits of fraction */
#define LEARN_RATE 16
#define FLAG_COUNT_MAX 160u

/* 65536 / (1 + exp(-x / 256)) for x = -2048, -1920, ... 2048. */
static const uint16_t squash_table[33] = {
    22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581,
    57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514
};

/* 256 x ln(1 + i / 32). */
static const uint8_t ln_table[33] = {
    0, 8, 16, 23, 30, 37, 44, 51, 57, 63, 70, 76, 82, 87, 93, 98, 104, 109, 114, 119, 124, 129, 134, 139, 143, 148, 152, 157,
    161, 165, 169, 173, 177
};

/* 65536 / (n + 1.5), at the end slower than that. */
static const uint16_t rate_table[16] = {
    43690, 26214, 18725, 14563, 11915, 10082, 8738, 7710, 6898, 6241, 5461, 4681, 4096, 3640, 3276, 2978
};

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

/* 256 x ln(v), v in 1..4095. */
static int32_t ln256(uint32_t v)
{
    uint32_t e = 0;

    while (v >> (e + 1))
        e++;
    uint32_t m = (v << (12 - e)) & 4095u;       /* twelve bits after the first one */
    uint32_t low = ln_table[m >> 7], high = ln_table[(m >> 7) + 1];
    return (int32_t)(e * 177u + low + (((high - low) * (m & 127u)) >> 7));
}

static int32_t stretch(uint32_t p)
{
    int32_t x = ln256(p) - ln256(4096u - p);

    return x > STRETCH_MAX ? STRETCH_MAX : x < -STRETCH_MAX ? -STRETCH_MAX : x;
}

static void learn_slot(uint16_t *slot, unsigned bit)
{
    uint32_t n = *slot & 15u;
    int32_t p = *slot >> 4;

    p += (((bit ? 4095 : 0) - p) * rate_table[n] + 32768) >> 16;
    p = p < 1 ? 1 : p > 4094 ? 4094 : p;
    *slot = (uint16_t)((uint32_t)p << 4 | (n < 15 ? n + 1 : n));
}

void otai_model_init(struct otai_model *m)
{
    for (size_t i = 0; i < (size_t)1 << m->slots_log2; i++)
        m->slot[i] = 2048u << 4;
    for (size_t i = 0; i < sizeof m->number / sizeof m->number[0]; i++)
        m->number[i] = 2048u << 4;
    for (size_t i = 0; i < OTAI_FLAGS; i++)
        m->flag[i] = (struct otai_flag){ .p = 32768 };
    for (size_t i = 0; i < OTAI_MIX_SETS; i++)
        for (size_t k = 0; k < OTAI_MIX_INPUTS; k++)
            m->weight[i][k] = WEIGHT_BEGIN;
}

unsigned otai_code_flag(struct otai_model *m, unsigned which, unsigned bit)
{
    struct otai_flag *f = &m->flag[which];

    bit = m->coder->bit(m->coder, f->p, bit);
    uint32_t step = f->n * 2u + 3u;               /* 1 / (n + 1.5) */
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

unsigned otai_code_mixed(struct otai_model *m, const uint32_t *h, unsigned n, unsigned set, unsigned bit)
{
    uint16_t *slot[OTAI_MIX_INPUTS];
    int32_t x[OTAI_MIX_INPUTS], *w = m->weight[set], sum = 0;

    for (unsigned i = 0; i < n; i++) {
        slot[i] = &m->slot[(h[i] * 0x9E3779B1u) >> (32 - m->slots_log2)];
        x[i] = stretch(*slot[i] >> 4);
        sum += (w[i] >> 2) * x[i] / 16384;
    }
    uint32_t p = squash(sum);
    bit = m->coder->bit(m->coder, p, bit);
    int32_t err = ((bit ? 65535 : 0) - (int32_t)p) / 16;
    for (unsigned i = 0; i < n; i++) {
        w[i] += (x[i] * err * LEARN_RATE + 32768) >> 16;
        if (w[i] > 1 << 18)
            w[i] = 1 << 18;
        if (w[i] < -(1 << 18))
            w[i] = -(1 << 18);
        learn_slot(slot[i], bit);
    }
    return bit;
}

uint8_t otai_code_byte(struct otai_model *m, const uint32_t *h, unsigned n, unsigned set, uint8_t byte)
{
    uint32_t key[OTAI_MIX_INPUTS], partial = 1;

    for (int k = 7; k >= 0; k--) {
        for (unsigned i = 0; i < n; i++)
            key[i] = h[i] + partial * 0x2F0B4C47u;
        partial = partial << 1 | otai_code_mixed(m, key, n, set, byte >> k & 1u);
    }
    return (uint8_t)partial;
}

static uint32_t length_of(uint32_t v)
{
    uint32_t e = 0;

    while (e < 31 && v >> (e + 1))
        e++;
    return e;
}

/* v + 1 as its length in bits, in a tree of decisions, then the bits after the first one; the first two are modelled. */
uint32_t otai_code_number(struct otai_model *m, enum otai_number kind, uint32_t v)
{
    uint16_t *slot = m->number + (size_t)kind * OTAI_NUMBER_SLOTS;
    uint32_t value = v + 1, want = length_of(value), e = 1;

    for (int k = 4; k >= 0; k--)
        e = e << 1 | code_slot(m, &slot[e], want >> k & 1u);
    e &= 31u;
    uint32_t got = 1, node = 0;
    for (uint32_t k = e; k-- > 0;) {
        unsigned bit = value >> k & 1u;

        if (node < 3) {
            bit = code_slot(m, &slot[32 + e * 3 + node], bit);
            node = node * 2 + 1 + bit;
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
