/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_MAX (8u << 20)

static uint32_t half(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

const char *isa_name(enum isa isa)
{
    static const char *const names[] = { "none", "Thumb", "ARM", "ARM64", "RISC-V", "x86" };

    return names[isa];
}

/* ---- ELF ------------------------------------------------------------------------------------------------------------ */

static uint64_t get(const uint8_t *p, unsigned size)
{
    return size == 2 ? half(p) : size == 4 ? otai_get_le32(p) : otai_get_le64(p);
}

static void add_segment(struct image *i, uint64_t off, uint64_t addr, uint64_t len)
{
    struct otai_layout *l = &i->layout;

    if (l->count == OTAI_SPANS || off >= i->len || len == 0 || addr >> 32)
        return;
    if (len > i->len - off)
        len = i->len - off;
    l->segment[l->count++] = (struct otai_segment){ (uint32_t)off, (uint32_t)addr, (uint32_t)len };
}

/* What ELF's e_machine says. Calls and jumps of i386 are those of x86-64. */
static enum isa isa_of(uint32_t machine)
{
    enum { EM_386 = 3, EM_ARM = 40, EM_X86_64 = 62, EM_AARCH64 = 183, EM_RISCV = 243 };

    switch (machine) {
    case EM_ARM:
        return ISA_ARM;
    case EM_AARCH64:
        return ISA_A64;
    case EM_RISCV:
        return ISA_RISCV;
    case EM_386:
    case EM_X86_64:
        return ISA_X86;
    default:
        return ISA_NONE;
    }
}

static bool detect_elf(struct image *i)
{
    const uint8_t *p = i->p;

    if (i->len < 64 || memcmp(p, "\177ELF", 4) != 0 || p[5] != 1 || (p[4] != 1 && p[4] != 2))
        return false;
    bool wide = p[4] == 2;
    unsigned word = wide ? 8 : 4;
    uint64_t table = get(p + (wide ? 32 : 28), word), size = half(p + (wide ? 54 : 42)), count = half(p + (wide ? 56 : 44));
    uint32_t machine = half(p + 18);
    i->wide = wide;
    i->isa = isa_of(machine);
    if (size < (wide ? 56u : 32u) || table > i->len)
        return true;
    for (uint64_t k = 0; k < count && table + (k + 1) * size <= i->len; k++) {
        const uint8_t *h = p + table + k * size;

        if (otai_get_le32(h) == 1)
            add_segment(i, get(h + (wide ? 8 : 4), word), get(h + (wide ? 16 : 8), word), get(h + (wide ? 32 : 16), word));
    }
    return true;
}

/* ---- instruction set: how many calls lead into the image ------------------------------------------------------------- */

static bool is_call(enum isa isa, const uint8_t *p, uint32_t *distance)
{
    uint32_t h = half(p), k = half(p + 2), v = h | k << 16;

    switch (isa) {
    case ISA_THUMB:
        if (h >> 11 != 0x1e || (k & 0xd000) != 0xd000)
            return false;
        *distance = ((h >> 10 & 1) ? 0xff000000u : 0) | (~(k >> 13 ^ h >> 10) & 1) << 23 | (~(k >> 11 ^ h >> 10) & 1) << 22 |
                    (h & 0x3ff) << 12 | (k & 0x7ff) << 1;
        return true;
    case ISA_ARM:
        *distance = (((v & 0xffffff) ^ 0x800000) - 0x800000) << 2;
        return v >> 24 == 0xeb;
    case ISA_A64:
        *distance = (((v & 0x3ffffff) ^ 0x2000000) - 0x2000000) << 2;
        return v >> 26 == 0x25;
    case ISA_RISCV:
        *distance = (v & 0xff000) | (v >> 9 & 0x800) | (v >> 20 & 0x7fe) | (v >> 31 ? 0xfff00000u : 0);
        return (v & 0xfff) == 0xef;
    default:
        *distance = otai_get_le32(p + 1) + 5;
        return p[0] == 0xe8;
    }
}

/* What would happen by chance is taken off: the share of all distances that lead into the image. */
static int64_t score_of(const struct image *i, enum isa isa)
{
    static const uint8_t step[ISA_COUNT] = { 1, 2, 4, 4, 2, 1 }, bits[ISA_COUNT] = { 0, 25, 26, 28, 21, 32 };
    uint32_t len = i->len < SAMPLE_MAX ? i->len : SAMPLE_MAX;
    int64_t calls = 0, good = 0;

    for (uint32_t at = 0; at + 8 <= len; at += step[isa]) {
        uint32_t distance;

        if (!is_call(isa, i->p + at, &distance))
            continue;
        calls++;
        good += at + (int64_t)(int32_t)distance >= 0 && at + (int64_t)(int32_t)distance < (int64_t)i->len;
    }
    double chance = (double)i->len / (double)(UINT64_C(1) << bits[isa]);
    return good - (int64_t)((double)calls * (chance > 1 ? 1 : chance)) ;
}

static void detect_isa(struct image *i)
{
    int64_t best = i->len / 2048;

    for (enum isa isa = ISA_THUMB; isa < ISA_COUNT; isa++) {
        int64_t score = score_of(i, isa);

        if (score > best) {
            best = score;
            i->isa = isa;
        }
    }
}

/* ---- base address: where pointers lead to begins of functions and texts ------------------------------------------------ */

#define VOTES_LOG2 20
#define CANDIDATES 512u
#define FIT_WORDS (1u << 18)
#define BASE_UNIT 0x100u
#define BASE_IMAGE_MIN 1024u

/* NOP (room for tracing), BTI c, PACIASP, STP x29, x30. */
static bool is_a64_begin(uint32_t v)
{
    return v == 0xd503201f || v == 0xd503245f || v == 0xd503233f || (v & 0xffc07fff) == 0xa9807bfd;
}

static bool is_begin(const struct image *i, uint32_t at)
{
    const uint8_t *p = i->p + at;

    if (at > 0 && p[-1] == 0 && p[0] >= 32 && p[0] < 127 && at + 3 < i->len && p[1] >= 32 && p[1] < 127 && p[2] >= 32 && p[2] < 127)
        return true;
    switch (i->isa) {
    case ISA_THUMB:
        return at % 2 == 0 && (p[1] == 0xb5 || (p[0] == 0x2d && p[1] == 0xe9));
    case ISA_ARM:
        return at % 4 == 0 && at + 4 <= i->len && p[2] == 0x2d && p[3] == 0xe9;
    case ISA_A64:
        return at % 4 == 0 && at + 4 <= i->len && is_a64_begin(otai_get_le32(p));
    case ISA_RISCV:
        return at % 2 == 0 && p[1] == 0x11 + 0x60 && (p[0] & 0x7f) == 0x39;
    default:
        return false;
    }
}

/* What cannot be an address: 0 tells so. */
static uint64_t canonical(uint64_t v)
{
    uint64_t top = v >> 48;

    return top == 0 || top == 0xffff ? v : 0;
}

static uint64_t pointer_at(const struct image *i, uint32_t at)
{
    uint64_t v = get(i->p + at, i->wide ? 8 : 4);

    return i->isa == ISA_THUMB ? v & ~UINT64_C(1) : canonical(v);
}

/* Which values were met before: a value counts once, however often an instruction or a constant repeats it. */
#define SEEN_LOG2 22

static bool seen_before(uint8_t *seen, uint64_t v)
{
    uint64_t h = v * 0x9E3779B97F4A7C15u >> (64 - SEEN_LOG2);
    uint8_t bit = (uint8_t)(1u << (h & 7));
    bool was = (seen[h >> 3] & bit) != 0;

    seen[h >> 3] |= bit;
    return was;
}

/* Tables have rows of two, three or four words: a sample must not see one column only. */
static uint32_t odd_stride(uint32_t n)
{
    n |= 1u;
    return n > 1 && n % 3 == 0 ? n + 2 : n;
}

/* How well pointers fit when the image lies at base: many of those that lead into it must lead to a begin. */
static uint64_t fit(const struct image *i, uint64_t base, uint8_t *seen)
{
    uint64_t good = 0, all = 8;
    uint32_t word = i->wide ? 8 : 4, stride = word * odd_stride(i->len / word / FIT_WORDS);

    memset(seen, 0, 1u << (SEEN_LOG2 - 3));
    for (uint32_t at = 0; at + word <= i->len; at += stride) {
        uint64_t v = pointer_at(i, at) - base;

        if (v < 64 || v >= i->len || seen_before(seen, v))
            continue;
        all++;
        good += is_begin(i, (uint32_t)v);
    }
    return good * good / all;
}

struct vote {
    uint64_t base;
    uint32_t count;
};

static int by_count(const void *a, const void *b)
{
    const struct vote *x = a, *y = b;

    return x->count != y->count ? (x->count < y->count ? 1 : -1) : x->base < y->base ? -1 : x->base > y->base;
}

/* Texts and functions that pointers may mean, spread over the image. */
static uint32_t pick_begins(const struct image *i, uint32_t *begins, uint32_t most)
{
    uint32_t n = 0, step = i->len / most + 1;

    for (uint32_t from = 64; from + 16 < i->len && n < most; from += step)
        for (uint32_t at = from; at < from + step && at + 16 < i->len; at++)
            if (is_begin(i, at)) {
                begins[n++] = at;
                break;
            }
    return n;
}

/* Wide pointers share their upper half: the commonest one that is not 0, or 0 when there are few such words. */
static uint64_t common_top(const struct image *i)
{
    uint64_t top = 0;
    int64_t count = 0, all = 0;

    for (unsigned pass = 0; i->wide && pass < 2; pass++)
        for (uint32_t at = 0; at + 8 <= i->len; at += 8) {
            uint64_t v = pointer_at(i, at) >> 32;

            if (v == 0)
                continue;
            if (pass)
                all += v == top;
            else if (count == 0 || v == top)
                top = v, count++;
            else
                count--;
        }
    return all > i->len / 8192 ? top : 0;
}

static void cast_votes(const struct image *i, struct vote *votes, uint8_t *seen)
{
    enum { MOST = 2048 };
    uint32_t begins[MOST], n = pick_begins(i, begins, MOST), word = i->wide ? 8 : 4;
    uint32_t stride = odd_stride(i->len / (1u << 22));
    uint64_t top = common_top(i);

    for (uint32_t at = 0; at + word <= i->len; at += word * stride) {
        uint64_t v = pointer_at(i, at);

        if (v < 64 || v >> 32 != top || seen_before(seen, v))
            continue;
        for (uint32_t k = 0; k < n; k++) {
            uint64_t base = v - begins[k];
            struct vote *vote = &votes[base * 0x9E3779B97F4A7C15u >> (64 - VOTES_LOG2)];

            if (base % BASE_UNIT || base > v)
                continue;
            if (vote->base == base || vote->count == 0) {
                vote->base = base;
                vote->count++;
            } else {
                vote->count--;
            }
        }
    }
}

static uint64_t find_base(const struct image *i)
{
    struct vote *votes = calloc((size_t)1 << VOTES_LOG2, sizeof *votes);
    uint8_t *seen = calloc(1, (size_t)1 << (SEEN_LOG2 - 3));
    uint64_t best = 0;

    if (votes && seen) {
        cast_votes(i, votes, seen);
        size_t n = 0;
        for (size_t k = 0; k < (size_t)1 << VOTES_LOG2; k++)
            if (votes[k].count > 1)
                votes[n++] = votes[k];
        qsort(votes, n, sizeof *votes, by_count);
        uint64_t most = fit(i, 0, seen);
        for (unsigned k = 0; k < CANDIDATES && k < n; k++) {
            uint64_t f = fit(i, votes[k].base, seen);

            if (f > most + most / 4 + 2) {
                most = f;
                best = votes[k].base;
            }
        }
    }
    free(votes);
    free(seen);
    return best;
}

void image_detect(struct image *i, const struct image *like)
{
    i->layout = (struct otai_layout){ .len = i->len };
    if (detect_elf(i)) {
        struct image copy = *i;

        if (i->isa == ISA_ARM && score_of(&copy, ISA_THUMB) > score_of(&copy, ISA_ARM))
            i->isa = ISA_THUMB;
        return;
    }
    if (like) {
        i->layout.base = like->layout.base;
        return;
    }
    detect_isa(i);
    i->wide = i->isa == ISA_A64 || i->isa == ISA_X86 || i->isa == ISA_RISCV;
    if (i->len >= BASE_IMAGE_MIN)
        i->layout.base = find_base(i);
}

/* ---- normalised images -------------------------------------------------------------------------------------------------- */

static void blank_pointers(const struct image *i, uint8_t *out)
{
    const struct otai_layout *l = &i->layout;
    uint32_t word = i->wide ? 8 : 4, off;

    for (uint32_t at = 0; at + word <= i->len; at += word) {
        uint64_t v = get(i->p + at, word) - l->base;

        if (v >= 0x40 && v >> 32 == 0 && otai_addr_to_offset(l, (uint32_t)v, &off))
            memset(out + at, 0xee, word == 8 ? 4 : 3);
    }
}

static void blank_thumb(const struct image *i, uint8_t *out)
{
    for (uint32_t at = 0; at + 4 <= i->len; at += 2) {
        uint32_t h = half(i->p + at), k = half(i->p + at + 2);

        if (h >> 11 == 9)
            out[at] = 0;
        if (h >> 11 < 0x1d)
            continue;
        if (h >> 11 == 0x1e && k >> 15 && (k >> 14 == 3 || (k & 0x1000) || (h >> 7 & 7) != 7)) {
            out[at] = 0;
            out[at + 1] = 0xf0;
            out[at + 2] = 0;
            out[at + 3] = (uint8_t)(k >> 8 & 0xd0);
        } else if ((h & 0xfb70) == 0xf240) {
            out[at] &= 0xf0;
            out[at + 1] &= 0xfb;
            out[at + 2] = 0;
            out[at + 3] &= 0x8f;
        }
        at += 2;
    }
}

static void blank_arm(const struct image *i, uint8_t *out)
{
    for (uint32_t at = 0; at + 4 <= i->len; at += 4) {
        uint32_t v = otai_get_le32(i->p + at);

        if ((v >> 25 & 7) == 5)
            v &= 0xff000000;
        else if ((v & 0x0f7f0000) == 0x051f0000 && v >> 28 != 15)
            v &= 0xfffff000;
        else if ((v & 0x0fb00000) == 0x03000000 && v >> 28 == 14)
            v &= 0xfff0f000;
        else
            continue;
        otai_put_le32(out + at, v);
    }
}

static bool after_adrp(const struct image *i, uint32_t at, uint32_t reg)
{
    for (uint32_t k = 4; k <= 44 && k <= at; k += 4)
        if ((otai_get_le32(i->p + at - k) & 0x9f00001f) == (0x90000000u | reg))
            return true;
    return false;
}

static void blank_a64(const struct image *i, uint8_t *out)
{
    for (uint32_t at = 0; at + 4 <= i->len; at += 4) {
        uint32_t v = otai_get_le32(i->p + at);

        if ((v & 0x7c000000) == 0x14000000)
            v &= 0xfc000000;
        else if ((v & 0x1f000000) == 0x10000000)
            v &= 0x9f00001f;
        else if (((v & 0x7fc00000) == 0x11000000 || (v & 0x3b000000) == 0x39000000) && after_adrp(i, at, v >> 5 & 31))
            v &= 0xffc003ff;
        else
            continue;
        otai_put_le32(out + at, v);
    }
}

/* Instructions of the base set have four bytes when their low two bits are set, else two. */
static void blank_riscv(const struct image *i, uint8_t *out)
{
    uint32_t set_at[32] = { 0 };

    for (uint32_t at = 0; at + 4 <= i->len; at += (i->p[at] & 3) == 3 ? 4 : 2) {
        uint32_t v = otai_get_le32(i->p + at), op = v & 0x7f, reg = v >> 15 & 31;
        bool near = set_at[reg] && at + 1 - set_at[reg] <= 64;

        if ((v & 3) != 3)
            continue;
        if (op == 0x17)
            set_at[v >> 7 & 31] = at + 1;
        if (op == 0x17 || op == 0x6f)
            otai_put_le32(out + at, v & 0xfff);
        else if (near && (op == 0x23 || op == 0x27))
            otai_put_le32(out + at, v & 0x01fff07f);
        else if (near && (op == 0x13 || op == 0x03 || op == 0x67 || op == 0x07))
            otai_put_le32(out + at, v & 0x000fffff);
    }
}

/* As the decoder recognises them: calls, jumps and operands relative to the instruction's end. */
static void blank_x86(const struct image *i, uint8_t *out)
{
    for (uint32_t at = 0; at + 8 <= i->len; at++) {
        const uint8_t *p = i->p + at;
        uint32_t rex = p[0] >> 4 == 4, field = 0, off;

        if (p[0] == 0xe8 || p[0] == 0xe9)
            field = 1;
        else if (p[0] == 0x0f && p[1] >> 4 == 8)
            field = 2;
        else if ((p[rex + 1] & 0xc7) == 5 && (p[rex] == 0x8b || p[rex] == 0x89 || p[rex] == 0x8d))
            field = rex + 2;
        if (!field ||
            !otai_addr_to_offset(&i->layout, otai_get_le32(p + field) + otai_offset_to_addr(&i->layout, at) + field + 4, &off))
            continue;
        memset(out + at + field, 0, 4);
        at += field + 3;
    }
}

void image_normalise(const struct image *i, uint8_t *out)
{
    memcpy(out, i->p, i->len);
    blank_pointers(i, out);
    if (i->isa == ISA_THUMB)
        blank_thumb(i, out);
    if (i->isa == ISA_ARM)
        blank_arm(i, out);
    if (i->isa == ISA_A64)
        blank_a64(i, out);
    if (i->isa == ISA_RISCV)
        blank_riscv(i, out);
    if (i->isa == ISA_X86)
        blank_x86(i, out);
}
