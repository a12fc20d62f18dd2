/* SPDX-License-Identifier: Apache-2.0 */
#include "delta_reference_code.h"

#include <stdbool.h>
#include <stddef.h>

/* A field: stretches of bits, the highest first, and zeros below them. */
struct field {
    unsigned shift;
    bool is_signed;
    struct {
        uint8_t low, high;
    } bits[8];
};

/* Thumb words are h | k << 16. */
static const struct field fields[31] = {
    [6] = { 1, true, { { 10, 10 }, { 29, 29 }, { 27, 27 }, { 0, 9 }, { 16, 26 } } },
    [7] = { 1, true, { { 10, 10 }, { 27, 27 }, { 29, 29 }, { 0, 5 }, { 16, 26 } } },
    [8] = { 1, true, { { 0, 10 } } },
    [9] = { 1, true, { { 0, 7 } } },
    [10] = { 1, false, { { 9, 9 }, { 3, 7 } } },
    [11] = { 2, false, { { 0, 7 } } },
    [12] = { 0, false, { { 16, 27 } } },
    [13] = { 0, false, { { 0, 3 }, { 10, 10 }, { 28, 30 }, { 16, 23 } } },
    [14] = { 2, true, { { 0, 23 } } },
    [15] = { 0, false, { { 0, 11 } } },
    [17] = { 0, false, { { 16, 19 }, { 0, 11 } } },
    [18] = { 2, true, { { 0, 25 } } },
    [19] = { 2, true, { { 5, 23 } } },
    [20] = { 2, true, { { 5, 18 } } },
    [21] = { 0, true, { { 5, 23 }, { 29, 30 } } },
    [22] = { 0, false, { { 10, 21 } } },
    [23] = { 0, true, { { 5, 23 }, { 29, 30 } } },
    [24] = { 1, true, { { 31, 31 }, { 12, 19 }, { 20, 20 }, { 21, 30 } } },
    [25] = { 1, true, { { 31, 31 }, { 7, 7 }, { 25, 30 }, { 8, 11 } } },
    [26] = { 1, true, { { 12, 12 }, { 8, 8 }, { 9, 10 }, { 6, 6 }, { 7, 7 }, { 2, 2 }, { 11, 11 }, { 3, 5 } } },
    [27] = { 1, true, { { 12, 12 }, { 5, 6 }, { 2, 2 }, { 10, 11 }, { 3, 4 } } },
    [29] = { 0, true, { { 20, 31 } } },
};
static const struct field field_blx = { 1, true, { { 0, 23 }, { 24, 24 } } };     /* A32 */
static const struct field field_vector = { 2, false, { { 0, 7 } } };              /* A32 */
static const struct field field_store = { 0, true, { { 25, 31 }, { 7, 11 } } };   /* RISC-V */

static uint32_t width(const struct field *f)
{
    uint32_t n = f->shift;

    for (int i = 0; i < 8 && f->bits[i].high; i++)
        n += f->bits[i].high - f->bits[i].low + 1u;
    return n;
}

static uint32_t mask(uint32_t bits)
{
    return bits >= 32 ? 0xffffffff : (1u << bits) - 1;
}

static uint32_t signed_of(uint32_t v, uint32_t bits)
{
    v &= mask(bits);
    return v >> (bits - 1) ? v | ~mask(bits) : v;
}

static uint32_t gather(const struct field *f, uint32_t v)
{
    uint32_t d = 0;

    for (int i = 0; i < 8 && f->bits[i].high; i++) {
        uint32_t n = f->bits[i].high - f->bits[i].low + 1u;
        d = d << n | (v >> f->bits[i].low & mask(n));
    }
    d <<= f->shift;
    return f->is_signed ? signed_of(d, width(f)) : d;
}

static uint32_t scatter(const struct field *f, uint32_t v, uint32_t d)
{
    d >>= f->shift;
    for (int i = 7; i >= 0; i--) {
        if (!f->bits[i].high)
            continue;
        uint32_t n = f->bits[i].high - f->bits[i].low + 1u, m = mask(n) << f->bits[i].low;
        v = (v & ~m) | (d << f->bits[i].low & m);
        d >>= n;
    }
    return v;
}

static bool holds(const struct field *f, uint32_t d)
{
    uint32_t n = width(f);

    return (d & mask(f->shift)) == 0 && (f->is_signed ? signed_of(d, n) == d : (d & mask(n)) == d);
}

/* ---- what an instruction is --------------------------------------------------------------------------------------------- */

static uint32_t bits(uint32_t v, unsigned low, unsigned high)
{
    return v >> low & mask(high - low + 1);
}

uint32_t code_len(unsigned mode, uint32_t v)
{
    if (mode == 1)
        return bits(v, 0, 15) >= 0xe800 ? 4 : 2;
    return mode == 7 && bits(v, 0, 1) != 3 ? 2 : 4;
}

static uint32_t kind_thumb(uint32_t v)
{
    uint32_t h = bits(v, 0, 15), k = v >> 16;

    if (h < 0xe800) {
        if (h >> 11 == 0x1c)
            return 8;
        if (h >> 12 == 0xd && bits(h, 9, 11) != 7)
            return 9;
        if ((h & 0xf500) == 0xb100)
            return 10;
        return h >> 11 == 9 || h >> 11 == 0x14 ? 11 : 0;
    }
    if (h >> 11 == 0x1e && k >> 15) {
        if (k >> 14 == 3 || (bits(k, 12, 12) == 1 && bits(k, 14, 14) == 0))
            return 6;
        return bits(k, 12, 12) == 0 && bits(k, 14, 14) == 0 && bits(h, 7, 9) != 7 ? 7 : 0;
    }
    if (((h & 0xfbf0) == 0xf240 || (h & 0xfbf0) == 0xf2c0) && k >> 15 == 0)
        return 13;
    return (h & 0xff7f) == 0xf85f || (h & 0xff1f) == 0xf81f ? 12 : 0;
}

static uint32_t kind_arm(uint32_t v)
{
    if (bits(v, 25, 27) == 5)
        return 14;
    if (v >> 28 == 15)
        return 0;
    if ((v & 0x0f7f0000) == 0x051f0000 || (v & 0x0f3f0e00) == 0x0d1f0a00)
        return 15;
    if ((v & 0x0fff0000) == 0x028f0000 || (v & 0x0fff0000) == 0x024f0000)
        return 16;
    return (v & 0x0fb00000) == 0x03000000 ? 17 : 0;
}

static uint32_t kind_a64(uint32_t v)
{
    static const struct { uint32_t mask, is, kind; } rows[] = {
        { 0x7c000000, 0x14000000, 18 }, { 0xff000010, 0x54000000, 19 }, { 0x7e000000, 0x34000000, 19 }, { 0x3b000000, 0x18000000, 19 },
        { 0x7e000000, 0x36000000, 20 }, { 0x9f000000, 0x10000000, 23 }, { 0x9f000000, 0x90000000, 21 }, { 0x7fc00000, 0x11000000, 22 },
        { 0x3b000000, 0x39000000, 22 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((v & rows[i].mask) == rows[i].is)
            return rows[i].kind;
    return 0;
}

static uint32_t kind_riscv(uint32_t v)
{
    uint32_t op = bits(v, 0, 6), h = v & 0xe003;

    if (bits(v, 0, 1) != 3)
        return h == 0xa001 ? 26 : h == 0xc001 || h == 0xe001 ? 27 : 0;
    if (op == 0x6f)
        return 24;
    if (op == 0x63)
        return 25;
    if (op == 0x17)
        return 28;
    if (op == 3 || op == 7 || op == 0x67 || op == 0x23 || op == 0x27)
        return 29;
    return (op == 0x13 || op == 0x1b) && bits(v, 12, 14) == 0 ? 29 : 0;
}

uint32_t code_kind(unsigned mode, uint32_t v)
{
    return mode == 1 ? kind_thumb(v) : mode == 2 ? kind_arm(v) : mode == 3 ? kind_a64(v) : mode == 7 ? kind_riscv(v) : 0;
}

uint32_t code_register(uint32_t kind, uint32_t v)
{
    switch (kind) {
    case 13:
        return bits(v, 24, 27);
    case 17:
        return bits(v, 12, 15);
    case 21:
        return bits(v, 0, 4);
    case 22:
        return bits(v, 5, 9);
    case 28:
        return bits(v, 7, 11);
    case 29:
        return bits(v, 15, 19);
    default:
        return 0;
    }
}

/* ---- where it leads ------------------------------------------------------------------------------------------------------ */

static bool thumb_blx(uint32_t v)
{
    return bits(v, 30, 31) == 3 && bits(v, 28, 28) == 0;
}

/* What the distance is added to. */
static uint32_t origin(uint32_t kind, uint32_t v, uint32_t P)
{
    if (kind == 11 || kind == 12 || (kind == 6 && thumb_blx(v)))
        return (P + 4) & ~3u;
    return kind < 13 ? P + 4 : kind < 18 ? P + 8 : P;
}

static const struct field *field_of(uint32_t kind, uint32_t v)
{
    if (kind == 14 && v >> 28 == 15)
        return &field_blx;
    if (kind == 15 && bits(v, 25, 27) == 6)
        return &field_vector;
    if (kind == 29 && (bits(v, 0, 6) == 0x23 || bits(v, 0, 6) == 0x27))
        return &field_store;
    return &fields[kind];
}

/* J1, J2 of BL are I1, I2 when S is 1, else their opposite. */
static uint32_t bl_bits(uint32_t d)
{
    return bits(d, 24, 24) ? d : d ^ 3u << 22;
}

static uint32_t rotate_right(uint32_t v, uint32_t by)
{
    return by ? v >> by | v << (32 - by) : v;
}

uint32_t code_target(uint32_t kind, uint32_t v, uint32_t P)
{
    uint32_t at = origin(kind, v, P), d;

    if (kind == 28)
        return P + (v & 0xfffff000);
    if (kind == 16)
        d = rotate_right(bits(v, 0, 7), 2 * bits(v, 8, 11));
    else
        d = gather(field_of(kind, v), v);
    switch (kind) {
    case 6:
        return at + bl_bits(d);
    case 12:
        return bits(v, 7, 7) ? at + d : at - d;
    case 15:
    case 16:
        return bits(v, 23, 23) ? at + d : at - d;
    case 21:
        return (at & ~4095u) + d * 4096;
    default:
        return at + d;
    }
}

/* A32 ADR. */
static uint32_t with_rotated(uint32_t v, uint32_t size, bool up)
{
    for (uint32_t r = 0; r < 16; r++) {
        uint32_t byte = rotate_right(size, (32 - 2 * r) % 32);

        if (byte < 256)
            return (v & 0xff3ff000) | (up ? 2u : 1u) << 22 | r << 8 | byte;
    }
    return v;
}

uint32_t code_with_target(uint32_t kind, uint32_t v, uint32_t P, uint32_t x)
{
    uint32_t d = x - origin(kind, v, P), size = d >> 31 ? 0 - d : d, sign = kind == 12 ? 1u << 7 : 1u << 23;
    const struct field *f = field_of(kind, v);

    if (kind == 16)
        return with_rotated(v, size, d >> 31 == 0);
    if (kind == 12 || kind == 15)
        return holds(f, size) ? scatter(f, d >> 31 ? v & ~sign : v | sign, size) : v;
    if (!holds(f, d) || (kind == 6 && thumb_blx(v) && d & 2))
        return v;
    return scatter(f, v, kind == 6 ? bl_bits(d) : d);
}

/* ---- parts of addresses ---------------------------------------------------------------------------------------------------- */

unsigned code_scale(uint32_t v)
{
    if ((v & 0x7fc00000) == 0x11000000)
        return 0;
    return v >> 30 ? v >> 30 : (v & 0x04800000) == 0x04800000 ? 4 : 0;
}

uint32_t code_value(uint32_t kind, uint32_t v)
{
    uint32_t d = gather(field_of(kind, v), v);

    return kind == 22 ? d << code_scale(v) : d;
}

uint32_t code_with_value(uint32_t kind, uint32_t v, uint32_t value)
{
    return scatter(field_of(kind, v), v, kind == 22 ? value >> code_scale(v) : kind == 21 ? signed_of(value, 20) : value);
}
