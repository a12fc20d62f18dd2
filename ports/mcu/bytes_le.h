/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTAF_BYTES_LE_H
#define OTAF_BYTES_LE_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t otaf_get_le(const uint8_t *p, size_t len)
{
    uint32_t v = 0;

    for (size_t i = 0; i < len; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static inline void otaf_put_le(uint8_t *p, uint32_t v, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

#endif
