/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_DELTA_TABLES: what mix_small.h decides, faster. A decoder's range stays in registers for a byte; all inputs of a decision
 * are always there, silent ones as 0, so that there is nothing to branch on; and eight of them are handled at once. Part of
 * model.c. */
#ifndef OTAI_MIX_H
#define OTAI_MIX_H

#ifndef OTAI_LANES_HEADER
#define OTAI_LANES_HEADER "lanes_plain.h"
#endif
#include OTAI_LANES_HEADER

#define CHECK_MAX 31u
#define HASH_PLACE 0x9E3779B1u
#define HASH_PARTIAL (0x2F0B4C47u * HASH_PLACE)

/* What is always inlined is made for each of the ways in which it is called; loops of eight are written out. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define EACH_4(what) what(0) what(1) what(2) what(3)
#define EACH_8(what) EACH_4(what) what(4) what(5) what(6) what(7)

static inline bool decodes(const struct otai_model *m)
{
    return m->coder->bit == otai_unrange_bit;
}

/* otai_unrange_bit without a branch on the bit. */
ALWAYS_INLINE unsigned unrange(struct otai_unrange *r, uint32_t p1)
{
    uint32_t bound = (r->range >> 16) * p1, is_0 = r->code < bound ? 0 : 0xffffffffu;

    r->code -= bound & is_0;
    r->range = (bound & ~is_0) + ((r->range - bound) & is_0);
    while (r->range < 1u << 24) {
        r->over |= r->at >= r->len;
        r->code = r->code << 8 | (r->at < r->len ? r->p[r->at] : 0u);
        r->range <<= 8;
        r->at++;
    }
    return is_0 + 1u;
}

/* learn_slot without its bounds: what it makes of 1..4094 stays there, and counters begin there. */
static inline uint16_t learned(uint32_t slot, int32_t target)
{
    uint32_t n = slot & 15u;
    int32_t p = (int32_t)(slot >> 4);

    p += ((target - p) * rate_table[n] + 32768) >> 16;
    return (uint16_t)((uint32_t)p << 4 | (n + (n < COUNT_MAX)));
}

/* An opinion of 0 leaves its weight as it is. err is a 16th of the error. */
ALWAYS_INLINE lanes weights_learned(lanes w, lanes x, int32_t err)
{
    lanes e = lanes_all(err), x3 = lanes_low(x, lanes_all(LEARN_RATE / 8));

    return lanes_add_kept(w, lanes_add(lanes_high(x3, e), lanes_top_bit(lanes_low(x3, e))));
}

/* `learned` of eight counters, whose rates are in `rate`; up: those that learn a 1. */
ALWAYS_INLINE lanes counters_learned(lanes counter, lanes rate, lanes up)
{
    lanes down = lanes_xor(up, lanes_all(-1)), p = lanes_right4(counter), n = lanes_and(counter, lanes_all(15));
    lanes far = lanes_xor(p, lanes_and(up, lanes_all(4095))), low = lanes_low(far, rate);
    /* Half a step is rounded up, whichever way it leads. */
    lanes half = lanes_and(lanes_equal(low, lanes_all(-32768)), down);
    lanes step = lanes_add(lanes_high_unsigned(far, rate), lanes_add(lanes_top_bit(low), half));

    p = lanes_add(p, lanes_sub(lanes_xor(step, down), down));
    n = lanes_sub(n, lanes_less(n, lanes_all((int32_t)COUNT_MAX)));
    return lanes_or(lanes_left4(p), n);
}

static inline int16_t learn_weight(int32_t w, int32_t x, int32_t err)
{
    w += (x * err * LEARN_RATE + (1 << 18)) >> 19;
    return (int16_t)(w > WEIGHT_MAX ? WEIGHT_MAX : w < -WEIGHT_MAX ? -WEIGHT_MAX : w);
}

#define MOST (2047 * 8192)

static inline uint32_t probability(int32_t sum)
{
    return otai_squash_table[(sum < -MOST ? -2047 : sum > MOST ? 2047 : sum / 8192) + 2047];
}

unsigned otai_code_hit(struct otai_model *m, const uint32_t h[OTAI_HIT_INPUTS], unsigned set, unsigned bit)
{
    uint16_t *slot[OTAI_HIT_INPUTS];
    int32_t x[OTAI_HIT_INPUTS], sum = 0;
    int16_t *w = m->hit_weight[set];

    for (unsigned i = 0; i < OTAI_HIT_INPUTS; i++) {
        slot[i] = &m->slot[(h[i] * HASH_PLACE) >> (32 - m->slots_log2)];
        x[i] = otai_stretch(*slot[i] >> 4);
        sum += w[i] * x[i];
    }
    uint32_t p = probability(sum);
    bit = decodes(m) ? unrange((struct otai_unrange *)m->coder, p) : m->coder->bit(m->coder, p, bit);
    int32_t target = bit ? 4095 : 0, err = ((bit ? 65535 : 0) - (int32_t)p) / 16;
    for (unsigned i = 0; i < OTAI_HIT_INPUTS; i++) {
        w[i] = learn_weight(w[i], x[i], err);
        *slot[i] = learned(*slot[i], target);
    }
    return bit;
}

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

static inline uint16_t *run_of(struct otai_model *m, uint32_t h, uint32_t *check)
{
    uint32_t place = h * HASH_PLACE;

    *check = place & CHECK_MAX;
    return &m->run[place >> (32 - m->runs_log2)];
}

/* A run that another context holds gives way only when it was wasted often enough. What is chosen cannot be foretold: no branches. */
static inline uint16_t taught(uint32_t run, uint32_t check, uint32_t byte)
{
    uint32_t n = run & OTAI_RUN_MAX, known = 0u - (((run >> 3 ^ check) & CHECK_MAX) == 0),
             same = known & (0u - (run >> 8 == byte));
    uint32_t again = run + (n < OTAI_RUN_MAX), fresh = byte << 8 | check << 3 | 1u;
    uint32_t gives_way = known | (0u - (n <= 1));

    run = (fresh & gives_way) | ((run - 1u) & ~gives_way);
    return (uint16_t)((again & same) | (run & ~same));
}

void otai_teach_runs(struct otai_model *m, const uint32_t h[OTAI_RUNS], uint8_t byte)
{
    for (unsigned i = 0; i < OTAI_RUNS; i++) {
        uint32_t check;
        uint16_t *run = run_of(m, h[i], &check);

        *run = taught(*run, check, byte);
    }
}

/* What the runs of a byte's contexts say; a silent one has counters that are nobody's. */
struct runs {
    uint64_t bytes; /* of run j: bits 8j.. */
    uint32_t live;  /* bit j: run j agrees with the bits so far */
    uint32_t check[OTAI_RUNS];
    uint16_t *run[OTAI_RUNS], *trust[OTAI_RUNS], none[8];
};

static inline void look_up(struct otai_model *m, const struct otai_context *c, struct runs *r)
{
    r->bytes = r->live = 0;
    memset(r->none, 0, sizeof r->none);
    for (unsigned i = 0; i < OTAI_RUNS; i++) {
        r->run[i] = run_of(m, c->run[i], &r->check[i]);
        uint32_t run = *r->run[i], n = run & OTAI_RUN_MAX;
        bool speaks = (run >> 3 & CHECK_MAX) == r->check[i] && n > 0;

        r->bytes |= (uint64_t)(run >> 8) << (8 * i);
        r->live |= (speaks ? 1u : 0u) << i;
        r->trust[i] = speaks ? m->trust[i][n - 1] : r->none;
    }
}

/* Bit k of each run's byte. */
static inline uint32_t ones(const struct runs *r, unsigned k)
{
    return (uint32_t)((r->bytes >> k & 0x0101010101010101u) * 0x0102040810204080u >> 56);
}

/* Eight inputs of a decision, or four: where their counters are. The first `slots` of a byte are counters of slots, then come
 * the runs. */
struct inputs {
    uint16_t *at[8];
    lanes counter, rate, x, speak, up;
};

/* A run's lane has its bit of a mask, that of a slot 0: it always speaks, and for itself. */
#define RUN_BIT(i) (1u << (i) >> slots)
#define SPEAKER(mask, bits) lanes_equal(lanes_and(lanes_all((int32_t)(mask)), bits), bits)

#define COUNTER(i) *in->at[i]
#define RATE(i) rate_table[*in->at[i] & 15u]
#define OPINION(i) otai_stretch_table[*in->at[i] >> 4]
#define WORTH(i) (uint16_t)(i < slots ? worth_table[*in->at[i] & 15u] : 16u)

/* x = worth * opinion / 16, towards 0, with the sign that a run gives it. */
ALWAYS_INLINE void weigh(struct inputs *in, lanes worth, lanes says_1)
{
    lanes s = lanes_sign(in->x), far = lanes_sub(lanes_xor(in->x, s), s);

    far = lanes_right4(lanes_low(far, worth));
    s = lanes_xor(s, lanes_xor(says_1, lanes_all(-1)));
    in->x = lanes_and(lanes_sub(lanes_xor(far, s), s), in->speak);
}

ALWAYS_INLINE void take_8(struct inputs *in, const unsigned slots, uint32_t live, uint32_t one)
{
    const lanes bits = LANES_OF(RUN_BIT);

    in->counter = LANES_OF(COUNTER);
    in->rate = LANES_OF(RATE);
    in->x = LANES_OF(OPINION);
    in->speak = SPEAKER(live, bits);
    in->up = SPEAKER(one, bits);
    weigh(in, LANES_OF(WORTH), in->up);
}

/* The last four of twelve, runs all of them. */
ALWAYS_INLINE void take_4(struct inputs *in, uint32_t live, uint32_t one)
{
    const unsigned slots = 0;
    const lanes bits = LANES_OF_4(RUN_BIT);

    in->counter = LANES_OF_4(COUNTER);
    in->rate = LANES_OF_4(RATE);
    in->x = LANES_OF_4(OPINION);
    in->speak = SPEAKER(live, bits);
    in->up = SPEAKER(one, bits);
    weigh(in, lanes_all(16), in->up);
}

/* Counters of slots may be one and the same: then it learns as often. */
ALWAYS_INLINE void put(struct inputs *in, unsigned slots, unsigned n, uint32_t bit)
{
    const lanes up = lanes_xor(in->up, lanes_all(bit ? 0 : -1));
    lanes now = counters_learned(in->counter, in->rate, up);
    uint16_t was[8], is[8];

    now = lanes_xor(in->counter, lanes_and(lanes_xor(now, in->counter), in->speak));
    lanes_store((int16_t *)(void *)was, in->counter);
    lanes_store((int16_t *)(void *)is, now);
#define PUT(i)                                                                                                                   \
    if (i < slots)                                                                                                               \
        *in->at[i] = *in->at[i] == was[i] ? is[i] : learned(*in->at[i], bit ? 4095 : 0);                                         \
    else if (i < n)                                                                                                              \
        *in->at[i] = is[i];
    EACH_8(PUT)
#undef PUT
}

ALWAYS_INLINE unsigned highest(uint32_t live)
{
    return live ? 32u - (unsigned)__builtin_clz(live) : 0;
}

/* Two slots and six runs are eight inputs; six slots and six runs eight and four. */
ALWAYS_INLINE uint8_t code_byte(struct otai_model *m, const struct otai_context *c, const unsigned slots,
                                struct otai_unrange *range, uint8_t byte)
{
    struct runs r;
    struct inputs a, b;
    uint32_t place[OTAI_SLOTS_MAX], partial = 1;
    const unsigned shift = 32u - m->slots_log2;
    const bool two = slots + OTAI_RUNS > 8;

    for (unsigned i = 0; i < slots; i++)
        place[i] = c->slot[i] * HASH_PLACE;
    look_up(m, c, &r);
    for (unsigned k = 8; k-- > 0;) {
        const uint32_t one = ones(&r, k);

#define FIND(i)                                                                                                                  \
    a.at[i] = i < slots ? &m->slot[(place[i % OTAI_SLOTS_MAX] + partial * HASH_PARTIAL) >> shift]                                \
                        : r.trust[i < slots ? 0 : i - slots] + k;
        EACH_8(FIND)
#undef FIND
        take_8(&a, slots, r.live, one);
        int16_t *w = m->weight[c->kind][highest(r.live)];
        lanes wa = lanes_load(w), wb = wa;
        if (two) {
#define FIND(i) b.at[i] = r.trust[(i + 8 - slots) % OTAI_RUNS] + k;
            EACH_4(FIND)
#undef FIND
            take_4(&b, r.live >> (8 - slots), one >> (8 - slots));
            wb = lanes_load4(w + 8);
        } else {
            b.x = lanes_all(0);
        }
        uint32_t p = probability(lanes_dot(wa, a.x, wb, b.x));
        uint32_t bit = range ? unrange(range, p) : m->coder->bit(m->coder, p, byte >> k & 1u);
        int32_t err = ((int32_t)(0u - bit) & 65535) - (int32_t)p;

        err /= 16;
        lanes_store(w, weights_learned(wa, a.x, err));
        put(&a, slots, 8, bit);
        if (two) {
            lanes_store4(w + 8, weights_learned(wb, b.x, err));
            put(&b, 0, 4, bit);
        }
        r.live &= one ^ (bit - 1u);
        partial = partial << 1 | bit;
    }
    for (unsigned i = 0; i < OTAI_RUNS; i++)
        *r.run[i] = taught(*r.run[i], r.check[i], partial & 255u);
    return (uint8_t)partial;
}

/* A decoder's range stays in registers for a byte. */
ALWAYS_INLINE uint8_t decode_byte(struct otai_model *m, const struct otai_context *c, const unsigned slots)
{
    struct otai_unrange *r = (struct otai_unrange *)m->coder, in = *r;
    uint8_t byte = code_byte(m, c, slots, &in, 0);

    *r = in;
    return byte;
}

uint8_t otai_code_byte(struct otai_model *m, const struct otai_context *c, uint8_t byte)
{
    if (decodes(m))
        return c->slots == 2 ? decode_byte(m, c, 2) : decode_byte(m, c, OTAI_SLOTS_MAX);
    return c->slots == 2 ? code_byte(m, c, 2, NULL, byte) : code_byte(m, c, OTAI_SLOTS_MAX, NULL, byte);
}

#endif
