/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_DELTA_TABLES: mixed decisions with as little code as they take. Part of model.c. */
#ifndef OTAI_MIX_H
#define OTAI_MIX_H

#define STRETCH_MAX 2047

/* 65536 / (1 + exp(-x / 256)) for x = -2048, -1920, ... 2048. */
static const uint16_t squash_table[33] = { 22,    36,    60,    98,    162,   267,   439,   720,   1179,  1921,  3108,
                                           4971,  7812,  11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565,
                                           62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514 };

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

#endif
