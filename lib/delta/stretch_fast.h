/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_DELTA_TABLES: logarithms from a table of 8 KiB, a third of the decoder's time. */
#ifndef OTAI_STRETCH_H
#define OTAI_STRETCH_H

#include <stdint.h>

extern const int16_t otai_stretch_table[4096];
extern const uint16_t otai_squash_table[4095];

/* 256 x ln(p / (4096 - p)), p in 0..4095: as far above 0 as that of 4096 - p is below. */
static inline int32_t otai_stretch(uint32_t p)
{
    return otai_stretch_table[p];
}

#endif
