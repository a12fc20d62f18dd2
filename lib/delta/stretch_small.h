/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_DELTA_TABLES: logarithms from 33 numbers, for devices with little flash. */
#ifndef OTAI_STRETCH_H
#define OTAI_STRETCH_H

#include <stdint.h>

/* 256 x ln(1 + i / 32). */
static const uint8_t otai_ln_table[33] = { 0,   8,   16,  23,  30,  37,  44,  51,  57,  63,  70,  76,  82,  87,  93,  98, 104,
                                           109, 114, 119, 124, 129, 134, 139, 143, 148, 152, 157, 161, 165, 169, 173, 177 };

/* 256 x ln(v), v in 1..4095. */
static inline int32_t otai_ln256(uint32_t v)
{
    uint32_t e = v >> 8 ? 8 : 0;

    e += v >> (e + 4) ? 4 : 0;
    e += v >> (e + 2) ? 2 : 0;
    e += v >> (e + 1) ? 1 : 0;
    uint32_t m = (v << (12 - e)) & 4095u; /* twelve bits after the first one */
    uint32_t low = otai_ln_table[m >> 7], high = otai_ln_table[(m >> 7) + 1];
    return (int32_t)(e * 177u + low + (((high - low) * (m & 127u)) >> 7));
}

/* 256 x ln(p / (4096 - p)), p in 1..4095. */
static inline int32_t otai_stretch(uint32_t p)
{
    int32_t x = otai_ln256(p) - otai_ln256(4096u - p);

    return x > 2047 ? 2047 : x < -2047 ? -2047 : x;
}

#endif
