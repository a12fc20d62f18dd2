/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

bool contract_check(struct ota_contract_report *r, const char *name, bool passed)
{
    r->checks++;
    r->failures += !passed;
    if (r->check)
        r->check(r, name, passed);
    return passed;
}

/* A mixing of all bits of i: neighbours, and places a power of two apart, have unrelated bytes. */
uint8_t ota_contract_byte(uint32_t i)
{
    i ^= i >> 15;
    i *= 0x2c1b3c6du;
    i ^= i >> 12;
    i *= 0x297a2d39u;
    return (uint8_t)(i >> 24);
}

void contract_fill(uint8_t *p, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++)
        p[i] = ota_contract_byte(seed + (uint32_t)i);
}

bool contract_is_filled(const uint8_t *p, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != ota_contract_byte(seed + (uint32_t)i))
            return false;
    return true;
}

bool contract_is_all(const uint8_t *p, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != value)
            return false;
    return true;
}
