/* SPDX-License-Identifier: Apache-2.0 */
/* Eight numbers of 16 bits at once, on x86-64. lanes_plain.h says what each function makes. */
#ifndef OTAI_LANES_H
#define OTAI_LANES_H

#include <emmintrin.h>
#include <stdint.h>

typedef __m128i lanes;

/* what(0), what(1), ... */
#define LANES_OF(what)                                                                                                           \
    _mm_set_epi16((int16_t)what(7), (int16_t)what(6), (int16_t)what(5), (int16_t)what(4), (int16_t)what(3), (int16_t)what(2),    \
                  (int16_t)what(1), (int16_t)what(0))
#define LANES_OF_4(what) _mm_set_epi16(0, 0, 0, 0, (int16_t)what(3), (int16_t)what(2), (int16_t)what(1), (int16_t)what(0))

static inline lanes lanes_all(int32_t x)
{
    return _mm_set1_epi16((int16_t)x);
}

static inline lanes lanes_load(const int16_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void lanes_store(int16_t *p, lanes v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}

static inline lanes lanes_load4(const int16_t *p)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)p);
}

static inline void lanes_store4(int16_t *p, lanes v)
{
    _mm_storel_epi64((__m128i *)(void *)p, v);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm_add_epi16(a, b);
}

static inline lanes lanes_add_kept(lanes a, lanes b)
{
    return _mm_max_epi16(_mm_adds_epi16(a, b), _mm_set1_epi16(-32767));
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm_sub_epi16(a, b);
}

static inline lanes lanes_and(lanes a, lanes b)
{
    return _mm_and_si128(a, b);
}

static inline lanes lanes_or(lanes a, lanes b)
{
    return _mm_or_si128(a, b);
}

static inline lanes lanes_xor(lanes a, lanes b)
{
    return _mm_xor_si128(a, b);
}

static inline lanes lanes_equal(lanes a, lanes b)
{
    return _mm_cmpeq_epi16(a, b);
}

static inline lanes lanes_less(lanes a, lanes b)
{
    return _mm_cmpgt_epi16(b, a);
}

static inline lanes lanes_left4(lanes a)
{
    return _mm_slli_epi16(a, 4);
}

static inline lanes lanes_right4(lanes a)
{
    return _mm_srli_epi16(a, 4);
}

static inline lanes lanes_top_bit(lanes a)
{
    return _mm_srli_epi16(a, 15);
}

static inline lanes lanes_sign(lanes a)
{
    return _mm_srai_epi16(a, 15);
}

static inline lanes lanes_low(lanes a, lanes b)
{
    return _mm_mullo_epi16(a, b);
}

static inline lanes lanes_high(lanes a, lanes b)
{
    return _mm_mulhi_epi16(a, b);
}

static inline lanes lanes_high_unsigned(lanes a, lanes b)
{
    return _mm_mulhi_epu16(a, b);
}

static inline int32_t lanes_dot(lanes a, lanes b, lanes c, lanes d)
{
    __m128i s = _mm_add_epi32(_mm_madd_epi16(a, b), _mm_madd_epi16(c, d));

    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

#endif
