/* SPDX-License-Identifier: Apache-2.0 */
/* A64 (Arm Architecture Reference Manual for A-profile, chapter C4). */
#include "delta_i.h"

#define LOOK_INSTRUCTIONS 11u
#define VALID_FOR 64u              /* bytes after an ADRP in which its register is believed to hold the page */

static uint32_t extend(uint32_t v, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);

    return ((v & (sign * 2 - 1)) ^ sign) - sign;
}

static enum otai_kind kind_of(uint32_t v)
{
    if ((v & 0x7c000000) == 0x14000000)
        return OTAI_K_B26;
    if ((v & 0xff000010) == 0x54000000 || (v & 0x7e000000) == 0x34000000 || (v & 0x3b000000) == 0x18000000)
        return OTAI_K_B19;                                  /* B.cond, CBZ, CBNZ, literal loads */
    if ((v & 0x7e000000) == 0x36000000)
        return OTAI_K_B14;
    if ((v & 0x1f000000) == 0x10000000)
        return v >> 31 ? OTAI_K_ADRP : OTAI_K_ADR;
    return OTAI_K_NONE;
}

/* ADD, or a load or store with an unsigned offset: the low twelve bits, in units of 1 << *scale. */
static bool is_low12(uint32_t v, unsigned *scale)
{
    if ((v & 0x7fc00000) == 0x11000000) {
        *scale = 0;
        return true;
    }
    if ((v & 0x3b000000) != 0x39000000)
        return false;
    *scale = v >> 30;
    if ((v & 0x04800000) == 0x04800000 && *scale == 0)
        *scale = 4;
    return true;
}

static uint32_t adr_field(uint32_t v)
{
    return extend((v >> 5 & 0x7ffff) << 2 | (v >> 29 & 3), 21);
}

static uint32_t target_of(enum otai_kind kind, uint32_t v, uint32_t pc)
{
    switch (kind) {
    case OTAI_K_B26:
        return pc + (extend(v, 26) << 2);
    case OTAI_K_B19:
        return pc + (extend(v >> 5, 19) << 2);
    case OTAI_K_B14:
        return pc + (extend(v >> 5, 14) << 2);
    case OTAI_K_ADR:
        return pc + adr_field(v);
    default:
        return (pc & ~0xfffu) + (adr_field(v) << 12);
    }
}

static uint32_t put_adr(uint32_t v, uint32_t d)
{
    return extend(d, 21) == d ? (v & 0x9f00001f) | (d & 3) << 29 | (d >> 2 & 0x7ffff) << 5 : v;
}

/* v with the field for a new target, or v itself when it cannot be reached. */
static uint32_t put(enum otai_kind kind, uint32_t v, uint32_t pc, uint32_t target)
{
    uint32_t d = target - pc, words = d & 3 ? 0x40000000u : extend(d >> 2, 30);

    switch (kind) {
    case OTAI_K_B26:
        return extend(words, 26) == words ? (v & 0xfc000000) | (words & 0x3ffffff) : v;
    case OTAI_K_B19:
        return extend(words, 19) == words ? (v & 0xff00001f) | (words & 0x7ffff) << 5 : v;
    case OTAI_K_B14:
        return extend(words, 14) == words ? (v & 0xfff8001f) | (words & 0x3fff) << 5 : v;
    case OTAI_K_ADR:
        return put_adr(v, d);
    default:
        return put_adr(v, extend(((target & ~0xfffu) - (pc & ~0xfffu)) >> 12, 20));
    }
}

static uint32_t low12(uint32_t v, unsigned scale)
{
    return (v >> 10 & 0xfff) << scale;
}

/* What the register of an ADRP is used for next: the whole address, or the page when nothing is found. */
static uint32_t whole_target(const struct otai_sight *at, uint32_t page, uint32_t reg)
{
    unsigned scale;

    for (size_t i = 4; i + 4 <= at->n && i <= 4u * LOOK_INSTRUCTIONS; i += 4) {
        uint32_t v = otai_get_le32(at->p + i);

        if ((v >> 5 & 31) == reg && is_low12(v, &scale))
            return page + low12(v, scale);
        if ((v & 0x9f00001f) == (0x90000000u | reg))
            break;
    }
    return page;
}

static void page(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at, uint32_t v)
{
    struct otai_group *g = &w->group;
    struct otai_reg *r = &w->reg[v & 31];

    r->set_at = w->from + 1;
    r->old_part = target_of(OTAI_K_ADRP, v, at->old_pc);
    r->target = g->target = whole_target(at, r->old_part, v & 31);
    r->guess = g->guess = otai_predict(w, s, g->target, &g->source);
    g->kind = OTAI_K_ADRP;
    g->arg = v & 31;
    otai_put_le32(g->pred, put(OTAI_K_ADRP, v, at->new_pc, g->guess));
    r->new_part = g->guess & ~0xfffu;
}

static void low(struct otai_walk *w, const struct otai_scene *s, uint32_t v, unsigned scale)
{
    struct otai_group *g = &w->group;
    struct otai_reg *r = &w->reg[v >> 5 & 31];

    if (!r->set_at || w->from - (r->set_at - 1) > VALID_FOR)
        return;
    uint32_t target = r->old_part + low12(v, scale);
    g->kind = OTAI_K_LOW12;
    g->arg = v >> 5 & 31;
    g->target = target;
    g->guess = otai_predict(w, s, target, &g->source);
    if ((g->guess & ((1u << scale) - 1)) == 0)
        otai_put_le32(g->pred, (v & 0xffc003ff) | ((g->guess & 0xfff) >> scale) << 10);
}

void otai_a64_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    unsigned scale;

    if (w->from & 3 || at->n < 4)
        return;
    uint32_t v = otai_get_le32(at->p);
    enum otai_kind kind = kind_of(v);
    g->len = 4;
    if (kind == OTAI_K_ADRP) {
        page(w, s, at, v);
        return;
    }
    if (kind == OTAI_K_NONE) {
        if (is_low12(v, &scale))
            low(w, s, v, scale);
        return;
    }
    g->kind = (uint8_t)kind;
    g->target = target_of(kind, v, at->old_pc);
    g->guess = otai_predict(w, s, g->target, &g->source);
    otai_put_le32(g->pred, put(kind, v, at->new_pc, g->guess));
}

bool otai_a64_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    const struct otai_group *g = &w->group;
    uint32_t v = otai_get_le32(p);
    struct otai_reg *r = &w->reg[g->arg & 31];
    unsigned scale;

    if (g->kind == OTAI_K_LOW12) {
        if (!is_low12(v, &scale) || (v >> 5 & 31) != g->arg)
            return false;
        *target = r->new_part + low12(v, scale);
        if ((v & 0x7fc00000) == 0x11000000 && (v & 31) == g->arg)
            r->set_at = 0;
        return true;
    }
    if (kind_of(v) != (enum otai_kind)g->kind)
        return false;
    *target = target_of(g->kind, v, pc);
    if (g->kind == OTAI_K_ADRP) {
        r->new_part = *target;
        return false;
    }
    return g->kind == OTAI_K_B26 || g->kind == OTAI_K_ADR;
}
