/* SPDX-License-Identifier: Apache-2.0 */
/* A32, "ARM mode" (Arm Architecture Reference Manual ARMv7-A and ARMv7-R, chapters A5 and A8). */
#include "delta_i.h"

#define LOOK_INSTRUCTIONS 8u

static enum otai_kind kind_of(uint32_t v)
{
    if ((v >> 25 & 7) == 5)
        return OTAI_K_A_B;                                 /* B, BL; BLX with condition 15 */
    if (v >> 28 == 15)
        return OTAI_K_NONE;
    if ((v & 0x0f7f0000) == 0x051f0000 || (v & 0x0f3f0e00) == 0x0d1f0a00)
        return OTAI_K_A_LDR;                               /* LDR, VLDR literal */
    if ((v & 0x0fff0000) == 0x028f0000 || (v & 0x0fff0000) == 0x024f0000)
        return OTAI_K_A_ADR;
    return (v & 0x0fb00000) == 0x03000000 ? OTAI_K_A_MOV : OTAI_K_NONE;
}

static bool is_vector(uint32_t v)
{
    return (v >> 25 & 7) == 6;
}

static uint32_t rotated(uint32_t v)
{
    uint32_t by = (v >> 8 & 15) * 2, byte = v & 0xff;

    return by ? byte >> by | byte << (32 - by) : byte;
}

static uint32_t target_of(enum otai_kind kind, uint32_t v, uint32_t pc)
{
    uint32_t at = pc + 8, size;

    if (kind == OTAI_K_A_B) {
        uint32_t d = ((v & 0xffffff) ^ 0x800000) - 0x800000;
        return at + (d << 2) + (v >> 28 == 15 ? v >> 23 & 2 : 0);
    }
    if (kind == OTAI_K_A_ADR)
        return v >> 23 & 1 ? at + rotated(v) : at - rotated(v);
    size = is_vector(v) ? (v & 0xff) * 4 : v & 0xfff;
    return v >> 23 & 1 ? at + size : at - size;
}

static uint32_t put_rotated(uint32_t v, uint32_t d)
{
    bool up = d < 0x80000000u;
    uint32_t size = up ? d : 0 - d;

    for (uint32_t r = 0; r < 16; r++) {
        uint32_t byte = r ? size << (2 * r) | size >> (32 - 2 * r) : size;

        if (byte < 256)
            return (v & 0xff3ff000) | (up ? 0x800000u : 0x400000u) | r << 8 | byte;
    }
    return v;
}

static uint32_t put_load(uint32_t v, uint32_t d)
{
    bool up = d < 0x80000000u;
    uint32_t size = up ? d : 0 - d;

    if (is_vector(v))
        return size <= 1020 && !(size & 3) ? (v & 0xff7fff00) | (up ? 0x800000u : 0) | size / 4 : v;
    return size <= 0xfff ? (v & 0xff7ff000) | (up ? 0x800000u : 0) | size : v;
}

/* v with the field for a new target, or v itself when it cannot be reached. */
static uint32_t put(enum otai_kind kind, uint32_t v, uint32_t pc, uint32_t target)
{
    uint32_t d = target - (pc + 8);

    if (kind == OTAI_K_A_ADR)
        return put_rotated(v, d);
    if (kind == OTAI_K_A_LDR)
        return put_load(v, d);
    if ((d + 0x2000000u) >> 26 || d & 1 || (v >> 28 != 15 && d & 2))
        return v;
    if (v >> 28 == 15)
        v = (v & 0xfeffffff) | (d >> 1 & 1) << 24;
    return (v & 0xff000000) | (d >> 2 & 0xffffff);
}

static void note_pool(struct otai_walk *w, const struct otai_scene *s, uint32_t addr, uint8_t reg)
{
    uint32_t off;

    if (addr & 3 || !otai_addr_to_offset(&s->map.was, addr, &off))
        return;
    for (unsigned i = 0; i < OTAI_POOLS; i++)
        if (w->pool[i].off == off + 1) {
            w->pool[i].reg = reg;
            return;
        }
    w->pool[w->pool_next] = (struct otai_pool){ .off = off + 1, .reg = reg };
    w->pool_next = (uint8_t)((w->pool_next + 1) % OTAI_POOLS);
}

/* ADD Rd, PC, Rm and loads [PC, Rm] make the literal in Rm a distance. */
static void note_relative(struct otai_walk *w, const struct otai_sight *at, uint32_t v)
{
    uint8_t reg = v & 15u;
    bool add = (v & 0x0fff0ff0) == 0x008f0000, load = (v & 0x0fff0ff0) == 0x079f0000;

    if (!add && !load)
        return;
    for (unsigned i = 1; i <= OTAI_POOLS; i++) {
        struct otai_pool *p = &w->pool[(w->pool_next + OTAI_POOLS - i) % OTAI_POOLS];

        if (!p->off || p->reg != reg)
            continue;
        if (!p->old_pc) {
            p->old_pc = at->old_pc + 8;
            p->new_pc = at->new_pc + 8;
        }
        return;
    }
}

static uint32_t half_of(uint32_t v)
{
    return (v >> 4 & 0xf000) | (v & 0xfff);
}

/* The MOVT that follows a MOVW of the same register; 0 when there is none near. */
static uint32_t find_top(const struct otai_sight *at, uint32_t reg)
{
    for (size_t i = 4; i + 4 <= at->n && i <= 4u * LOOK_INSTRUCTIONS; i += 4) {
        uint32_t v = otai_get_le32(at->p + i);

        if ((v & 0x0ff00000) == 0x03400000 && (v >> 12 & 15) == reg)
            return v;
    }
    return 0;
}

static void move(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at, uint32_t v)
{
    struct otai_group *g = &w->group;
    uint32_t reg = v >> 12 & 15;
    struct otai_reg *r = &w->reg[reg];
    bool top = v >> 22 & 1;

    if (!top) {
        uint32_t other = find_top(at, reg);
        if (!other)
            return;
        r->set_at = w->from + 1;
        r->target = (half_of(v) | half_of(other) << 16) - (uint32_t)s->map.was.base;
        r->guess = otai_predict(w, s, r->target, &g->source);
    } else if (!r->set_at || w->from - (r->set_at - 1) > OTAI_LOOKAHEAD) {
        return;
    }
    g->kind = OTAI_K_A_MOV;
    g->arg = (uint8_t)(reg | (top ? 16u : 0u));
    g->target = r->target;
    g->guess = r->guess;
    uint32_t whole = r->guess + (uint32_t)s->map.now.base, part = top ? whole >> 16 : whole & 0xffff;
    otai_put_le32(g->pred, (v & 0xfff0f000) | (part & 0xf000) << 4 | (part & 0xfff));
    if (top)
        r->pc = (uint32_t)s->map.now.base;
}

void otai_arm_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;

    if (w->from & 3 || at->n < 4)
        return;
    uint32_t v = otai_get_le32(at->p);
    enum otai_kind kind = kind_of(v);
    g->len = 4;
    if (kind == OTAI_K_A_MOV) {
        move(w, s, at, v);
        return;
    }
    note_relative(w, at, v);
    if (kind == OTAI_K_NONE)
        return;
    g->target = target_of(kind, v, at->old_pc);
    g->guess = otai_predict(w, s, g->target, &g->source);
    g->kind = (uint8_t)kind;
    if (kind == OTAI_K_A_LDR && !is_vector(v))
        note_pool(w, s, g->target, v >> 12 & 15);
    otai_put_le32(g->pred, put(kind, v, at->new_pc, g->guess));
}

bool otai_arm_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    const struct otai_group *g = &w->group;
    uint32_t v = otai_get_le32(p);
    struct otai_reg *r = &w->reg[g->arg & 15];

    if (kind_of(v) != (enum otai_kind)g->kind)
        return false;
    if (g->kind != OTAI_K_A_MOV) {
        *target = target_of(g->kind, v, pc);
        return g->kind == OTAI_K_A_B;
    }
    if (!(g->arg & 16)) {
        r->new_part = half_of(v);
        return false;
    }
    *target = (r->new_part | half_of(v) << 16) - r->pc;
    return true;
}
