/* SPDX-License-Identifier: Apache-2.0 */
/* RISC-V (The RISC-V Instruction Set Manual, volume I: chapters 2, 5 and 16). */
#include "delta_i.h"

#define LOOK_INSTRUCTIONS 8u
#define VALID_FOR 64u              /* bytes after an AUIPC in which its register is believed to hold the upper part */

static uint32_t half(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t extend(uint32_t v, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);

    return ((v & (sign * 2 - 1)) ^ sign) - sign;
}

static bool is_wide(uint32_t h)
{
    return (h & 3) == 3;
}

static enum otai_kind kind_of(const uint8_t *p)
{
    uint32_t h = half(p);

    if (!is_wide(h)) {
        uint32_t op = h & 0xe003;
        return op == 0xa001 ? OTAI_K_R_CJ : op == 0xc001 || op == 0xe001 ? OTAI_K_R_CB : OTAI_K_NONE;
    }
    switch (h & 0x7f) {
    case 0x6f:
        return OTAI_K_R_JAL;
    case 0x63:
        return OTAI_K_R_B;
    case 0x17:
        return OTAI_K_R_HIGH;
    default:
        return OTAI_K_NONE;
    }
}

/* Loads, additions of an immediate, indirect jumps: I-type. Stores: S-type. */
static bool is_low(uint32_t v, bool *store)
{
    uint32_t op = v & 0x7f;

    *store = op == 0x23 || op == 0x27;
    return *store || op == 0x03 || op == 0x07 || op == 0x67 || (op == 0x13 && (v >> 12 & 7) == 0) || (op == 0x1b && (v >> 12 & 7) == 0);
}

static uint32_t low_field(uint32_t v, bool store)
{
    return extend(store ? (v >> 25) << 5 | (v >> 7 & 31) : v >> 20, 12);
}

static uint32_t put_low(uint32_t v, bool store, uint32_t d)
{
    if (store)
        return (v & 0x01fff07f) | (d >> 5 & 0x7f) << 25 | (d & 31) << 7;
    return (v & 0x000fffff) | (d & 0xfff) << 20;
}

static uint32_t jump_field(uint32_t v)
{
    return extend((v >> 31) << 20 | (v >> 12 & 0xff) << 12 | (v >> 20 & 1) << 11 | (v >> 21 & 0x3ff) << 1, 21);
}

static uint32_t branch_field(uint32_t v)
{
    return extend((v >> 31) << 12 | (v >> 7 & 1) << 11 | (v >> 25 & 0x3f) << 5 | (v >> 8 & 15) << 1, 13);
}

static uint32_t short_jump_field(uint32_t h)
{
    return extend((h >> 12 & 1) << 11 | (h >> 8 & 1) << 10 | (h >> 9 & 3) << 8 | (h >> 6 & 1) << 7 | (h >> 7 & 1) << 6 |
                  (h >> 2 & 1) << 5 | (h >> 11 & 1) << 4 | (h >> 3 & 7) << 1, 12);
}

static uint32_t short_branch_field(uint32_t h)
{
    return extend((h >> 12 & 1) << 8 | (h >> 5 & 3) << 6 | (h >> 2 & 1) << 5 | (h >> 10 & 3) << 3 | (h >> 3 & 3) << 1, 9);
}

static uint32_t target_of(enum otai_kind kind, const uint8_t *p, uint32_t pc)
{
    uint32_t h = half(p);

    switch (kind) {
    case OTAI_K_R_JAL:
        return pc + jump_field(otai_get_le32(p));
    case OTAI_K_R_B:
        return pc + branch_field(otai_get_le32(p));
    case OTAI_K_R_CJ:
        return pc + short_jump_field(h);
    default:
        return pc + short_branch_field(h);
    }
}

static void put_half(uint8_t *p, uint32_t h)
{
    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

/* Change the field for a new target; nothing is changed when it cannot be reached. */
static void put(enum otai_kind kind, uint8_t *p, uint32_t d)
{
    static const uint8_t bits[] = { 21, 13, 12, 9 };
    uint32_t h = half(p), v;

    if (d & 1 || extend(d, bits[kind - OTAI_K_R_JAL]) != d)
        return;
    switch (kind) {
    case OTAI_K_R_JAL:
        v = otai_get_le32(p) & 0xfff;
        otai_put_le32(p, v | (d >> 20 & 1) << 31 | (d >> 1 & 0x3ff) << 21 | (d >> 11 & 1) << 20 | (d >> 12 & 0xff) << 12);
        return;
    case OTAI_K_R_B:
        v = otai_get_le32(p) & 0x01fff07f;
        otai_put_le32(p, v | (d >> 12 & 1) << 31 | (d >> 5 & 0x3f) << 25 | (d >> 1 & 15) << 8 | (d >> 11 & 1) << 7);
        return;
    case OTAI_K_R_CJ:
        put_half(p, (h & 0xe003) | (d >> 11 & 1) << 12 | (d >> 10 & 1) << 8 | (d >> 8 & 3) << 9 | (d >> 7 & 1) << 6 |
                 (d >> 6 & 1) << 7 | (d >> 5 & 1) << 2 | (d >> 4 & 1) << 11 | (d >> 1 & 7) << 3);
        return;
    default:
        put_half(p, (h & 0xe383) | (d >> 8 & 1) << 12 | (d >> 6 & 3) << 5 | (d >> 5 & 1) << 2 | (d >> 3 & 3) << 10 | (d >> 1 & 3) << 3);
    }
}

/* What the register of an AUIPC is used with next: the whole distance, or the upper part when nothing is found. */
static uint32_t whole_distance(const struct otai_sight *at, uint32_t high, uint32_t reg)
{
    size_t i = 4;
    bool store;

    for (unsigned k = 0; k < LOOK_INSTRUCTIONS && i + 4 <= at->n; k++) {
        uint32_t v = otai_get_le32(at->p + i);

        if (is_wide(v) && is_low(v, &store) && (v >> 15 & 31) == reg)
            return high + low_field(v, store);
        i += is_wide(v) ? 4 : 2;
    }
    return high;
}

static void upper(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    uint32_t v = otai_get_le32(at->p);
    struct otai_reg *r = &w->reg[v >> 7 & 31];

    r->set_at = w->from + 1;
    r->pc = at->new_pc;
    r->old_part = at->old_pc + (v & 0xfffff000);
    g->target = whole_distance(at, r->old_part, v >> 7 & 31);
    g->guess = otai_predict(w, s, g->target, &g->source);
    g->kind = OTAI_K_R_HIGH;
    g->arg = v >> 7 & 31;
    uint32_t d = g->guess - at->new_pc;
    r->new_part = at->new_pc + ((d + 0x800) & 0xfffff000);
    otai_put_le32(g->pred, (v & 0xfff) | ((d + 0x800) & 0xfffff000));
}

static void lower(struct otai_walk *w, const struct otai_scene *s, uint32_t v, bool store)
{
    struct otai_group *g = &w->group;
    struct otai_reg *r = &w->reg[v >> 15 & 31];

    if (!r->set_at || w->from - (r->set_at - 1) > VALID_FOR)
        return;
    g->kind = OTAI_K_R_LOW;
    g->arg = v >> 15 & 31;
    g->target = r->old_part + low_field(v, store);
    g->guess = otai_predict(w, s, g->target, &g->source);
    otai_put_le32(g->pred, put_low(v, store, g->guess - r->new_part));
}

void otai_riscv_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    bool store;

    if (w->from & 1 || at->n < 4)
        return;
    uint32_t v = otai_get_le32(at->p);
    enum otai_kind kind = kind_of(at->p);
    g->len = is_wide(v) ? 4 : 2;
    if (kind == OTAI_K_R_HIGH) {
        upper(w, s, at);
        return;
    }
    if (kind == OTAI_K_NONE) {
        if (is_wide(v) && is_low(v, &store))
            lower(w, s, v, store);
        return;
    }
    g->kind = (uint8_t)kind;
    g->target = target_of(kind, at->p, at->old_pc);
    g->guess = otai_predict(w, s, g->target, &g->source);
    put(kind, g->pred, g->guess - at->new_pc);
}

bool otai_riscv_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    const struct otai_group *g = &w->group;
    struct otai_reg *r = &w->reg[g->arg & 31];
    uint32_t v = g->len == 4 ? otai_get_le32(p) : half(p);
    bool store;

    if (g->kind == OTAI_K_R_LOW) {
        if (!is_wide(v) || !is_low(v, &store) || (v >> 15 & 31) != g->arg)
            return false;
        *target = r->new_part + low_field(v, store);
        if ((v & 0x7f) == 0x13 && (v >> 7 & 31) == g->arg)
            r->set_at = 0;
        return true;
    }
    if (is_wide(v) != (g->len == 4) || kind_of(p) != (enum otai_kind)g->kind)
        return false;
    if (g->kind == OTAI_K_R_HIGH) {
        r->new_part = pc + (v & 0xfffff000);
        return false;
    }
    *target = target_of(g->kind, p, pc);
    return g->kind == OTAI_K_R_JAL;
}
