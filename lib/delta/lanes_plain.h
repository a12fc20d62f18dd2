/* SPDX-License-Identifier: Apache-2.0 */
/* Eight numbers of 16 bits at once, for any machine: loops that compilers know. What is true is 0xffff. */
#ifndef OTAI_LANES_H
#define OTAI_LANES_H

#include <stdint.h>

typedef struct {
    uint16_t n[8];
} lanes;

#define LANES_EACH(made, what)                                                                                                   \
    lanes made;                                                                                                                  \
    for (unsigned i = 0; i < 8; i++)                                                                                             \
    (made).n[i] = (uint16_t)(what)

/* what(0), what(1), ... */
#define LANES_OF(what)                                                                                                           \
    ((lanes){ { (uint16_t)what(0), (uint16_t)what(1), (uint16_t)what(2), (uint16_t)what(3), (uint16_t)what(4),                   \
                (uint16_t)what(5), (uint16_t)what(6), (uint16_t)what(7) } })
#define LANES_OF_4(what) ((lanes){ { (uint16_t)what(0), (uint16_t)what(1), (uint16_t)what(2), (uint16_t)what(3) } })

static inline lanes lanes_all(int32_t x)
{
    LANES_EACH(r, x);
    return r;
}

static inline lanes lanes_load(const int16_t *p)
{
    LANES_EACH(r, p[i]);
    return r;
}

static inline void lanes_store(int16_t *p, lanes v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (int16_t)v.n[i];
}

/* Four of them; the other ones are 0. */
static inline lanes lanes_load4(const int16_t *p)
{
    LANES_EACH(r, i < 4 ? p[i] : 0);
    return r;
}

static inline void lanes_store4(int16_t *p, lanes v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (int16_t)v.n[i];
}

static inline lanes lanes_add(lanes a, lanes b)
{
    LANES_EACH(r, a.n[i] + b.n[i]);
    return r;
}

/* Signed sums, kept in -32767..32767. */
static inline lanes lanes_add_kept(lanes a, lanes b)
{
    lanes r;

    for (unsigned i = 0; i < 8; i++) {
        int32_t s = (int16_t)a.n[i] + (int16_t)b.n[i];

        r.n[i] = (uint16_t)(s > 32767 ? 32767 : s < -32767 ? -32767 : s);
    }
    return r;
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    LANES_EACH(r, a.n[i] - b.n[i]);
    return r;
}

static inline lanes lanes_and(lanes a, lanes b)
{
    LANES_EACH(r, a.n[i] & b.n[i]);
    return r;
}

static inline lanes lanes_or(lanes a, lanes b)
{
    LANES_EACH(r, a.n[i] | b.n[i]);
    return r;
}

static inline lanes lanes_xor(lanes a, lanes b)
{
    LANES_EACH(r, a.n[i] ^ b.n[i]);
    return r;
}

static inline lanes lanes_equal(lanes a, lanes b)
{
    LANES_EACH(r, a.n[i] == b.n[i] ? 0xffff : 0);
    return r;
}

/* Signed. */
static inline lanes lanes_less(lanes a, lanes b)
{
    LANES_EACH(r, (int16_t)a.n[i] < (int16_t)b.n[i] ? 0xffff : 0);
    return r;
}

static inline lanes lanes_left4(lanes a)
{
    LANES_EACH(r, a.n[i] << 4);
    return r;
}

static inline lanes lanes_right4(lanes a)
{
    LANES_EACH(r, a.n[i] >> 4);
    return r;
}

static inline lanes lanes_top_bit(lanes a)
{
    LANES_EACH(r, a.n[i] >> 15);
    return r;
}

/* 0xffff of what is negative. */
static inline lanes lanes_sign(lanes a)
{
    LANES_EACH(r, 0 - (a.n[i] >> 15));
    return r;
}

/* The low half of a product. */
static inline lanes lanes_low(lanes a, lanes b)
{
    LANES_EACH(r, (uint32_t)a.n[i] * b.n[i]);
    return r;
}

/* The high half of a signed one, and of an unsigned one. */
static inline lanes lanes_high(lanes a, lanes b)
{
    LANES_EACH(r, ((int16_t)a.n[i] * (int16_t)b.n[i]) >> 16);
    return r;
}

static inline lanes lanes_high_unsigned(lanes a, lanes b)
{
    LANES_EACH(r, ((uint32_t)a.n[i] * b.n[i]) >> 16);
    return r;
}

/* a * b + c * d as signed vectors. */
static inline int32_t lanes_dot(lanes a, lanes b, lanes c, lanes d)
{
    int32_t s = 0;

    for (unsigned i = 0; i < 8; i++)
        s += (int16_t)a.n[i] * (int16_t)b.n[i] + (int16_t)c.n[i] * (int16_t)d.n[i];
    return s;
}

#endif
