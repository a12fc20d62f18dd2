/* SPDX-License-Identifier: Apache-2.0 */
/* Thumb and Thumb-2 (Arm Architecture Reference Manual ARMv7-M, chapters A5 and A7). */
#include "delta_i.h"

#define LOOK_INSTRUCTIONS 6u

static uint32_t half(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static void put_half(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static bool is_wide(uint32_t h)
{
    return h >> 11 >= 0x1d;
}

static uint32_t extend(uint32_t v, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);

    return (v ^ sign) - sign;
}

static bool fits(uint32_t v, unsigned bits)
{
    return extend(v & ((1u << bits) - 1), bits) == v;
}

static enum otai_kind kind_narrow(uint32_t h)
{
    if (h >> 11 == 0x1c)
        return OTAI_K_T_B;
    if (h >> 12 == 0xd && (h >> 9 & 7) != 7)
        return OTAI_K_T_BCC;
    if ((h & 0xf500) == 0xb100)
        return OTAI_K_T_CBZ;
    return h >> 11 == 9 || h >> 11 == 0x14 ? OTAI_K_T_LDR : OTAI_K_NONE;
}

static enum otai_kind kind_wide(uint32_t h, uint32_t k)
{
    if (h >> 11 == 0x1e && k >> 15) {
        if (k >> 14 == 3 || (k >> 12 & 5) == 1)
            return OTAI_K_T_BL;                         /* BL, BLX, B.W */
        return (k >> 12 & 5) == 0 && (h >> 7 & 7) != 7 ? OTAI_K_T_BW : OTAI_K_NONE;
    }
    if ((h & 0xfbf0) == 0xf240 || (h & 0xfbf0) == 0xf2c0)
        return k >> 15 ? OTAI_K_NONE : OTAI_K_T_MOV;
    if ((h & 0xff7f) == 0xf85f || (h & 0xff1f) == 0xf81f)
        return OTAI_K_T_LDRW;
    return OTAI_K_NONE;
}

static enum otai_kind kind_of(const uint8_t *p)
{
    uint32_t h = half(p);

    return is_wide(h) ? kind_wide(h, half(p + 2)) : kind_narrow(h);
}

/* 25 bits of BL: S:I1:I2:imm10:imm11:0. */
static uint32_t far_field(uint32_t h, uint32_t k)
{
    uint32_t s = h >> 10 & 1, i1 = ~(k >> 13 ^ s) & 1, i2 = ~(k >> 11 ^ s) & 1;

    return extend(s << 24 | i1 << 23 | i2 << 22 | (h & 0x3ff) << 12 | (k & 0x7ff) << 1, 25);
}

static uint32_t near_field(uint32_t h, uint32_t k)
{
    return extend((h >> 10 & 1) << 20 | (k >> 11 & 1) << 19 | (k >> 13 & 1) << 18 | (h & 0x3f) << 12 | (k & 0x7ff) << 1, 21);
}

static bool is_blx(uint32_t k)
{
    return k >> 14 == 3 && !(k >> 12 & 1);
}

static uint32_t target_of(enum otai_kind kind, const uint8_t *p, uint32_t pc)
{
    uint32_t h = half(p), k = is_wide(h) ? half(p + 2) : 0, at = pc + 4;

    switch (kind) {
    case OTAI_K_T_BL:
        return (is_blx(k) ? at & ~3u : at) + far_field(h, k);
    case OTAI_K_T_BW:
        return at + near_field(h, k);
    case OTAI_K_T_B:
        return at + (extend(h & 0x7ff, 11) << 1);
    case OTAI_K_T_BCC:
        return at + (extend(h & 0xff, 8) << 1);
    case OTAI_K_T_CBZ:
        return at + (h >> 9 & 1) * 64 + (h >> 3 & 31) * 2;
    case OTAI_K_T_LDR:
        return (at & ~3u) + (h & 0xff) * 4;
    default:
        return h & 0x80 ? (at & ~3u) + (k & 0xfff) : (at & ~3u) - (k & 0xfff);
    }
}

static bool put_far(uint8_t *p, uint32_t pc, uint32_t target)
{
    uint32_t h = half(p), k = half(p + 2), d = target - (is_blx(k) ? (pc + 4) & ~3u : pc + 4);

    if (!fits(d, 25) || d & 1 || (is_blx(k) && d & 2))
        return false;
    uint32_t s = d >> 24 & 1, j1 = ~(d >> 23 ^ s) & 1, j2 = ~(d >> 22 ^ s) & 1;
    put_half(p, (h & 0xf800) | s << 10 | (d >> 12 & 0x3ff));
    put_half(p + 2, (k & 0xd000) | j1 << 13 | j2 << 11 | (d >> 1 & 0x7ff));
    return true;
}

static bool put_near(uint8_t *p, uint32_t d)
{
    uint32_t h = half(p), k = half(p + 2);

    if (!fits(d, 21) || d & 1)
        return false;
    put_half(p, (h & 0xfbc0) | (d >> 20 & 1) << 10 | (d >> 12 & 0x3f));
    put_half(p + 2, (k & 0xd000) | (d >> 19 & 1) << 11 | (d >> 18 & 1) << 13 | (d >> 1 & 0x7ff));
    return true;
}

static bool put_load(uint8_t *p, uint32_t d)
{
    uint32_t h = half(p), up = d < 0x80000000u, size = up ? d : 0 - d;

    if (size > 0xfff)
        return false;
    put_half(p, (h & ~0x80u) | up << 7);
    put_half(p + 2, (half(p + 2) & 0xf000) | size);
    return true;
}

/* Change the field for a new target; false, and nothing changed, when it cannot be reached. */
static bool put(enum otai_kind kind, uint8_t *p, uint32_t pc, uint32_t target)
{
    uint32_t h = half(p), d = target - (pc + 4), aligned = target - ((pc + 4) & ~3u);

    switch (kind) {
    case OTAI_K_T_BL:
        return put_far(p, pc, target);
    case OTAI_K_T_BW:
        return put_near(p, d);
    case OTAI_K_T_LDRW:
        return put_load(p, aligned);
    case OTAI_K_T_B:
        if (!fits(d, 12) || d & 1)
            return false;
        put_half(p, (h & 0xf800) | (d >> 1 & 0x7ff));
        return true;
    case OTAI_K_T_BCC:
        if (!fits(d, 9) || d & 1)
            return false;
        put_half(p, (h & 0xff00) | (d >> 1 & 0xff));
        return true;
    case OTAI_K_T_CBZ:
        if (d > 126 || d & 1)
            return false;
        put_half(p, (h & 0xfd07) | (d >> 6 & 1) << 9 | (d >> 1 & 31) << 3);
        return true;
    default:
        if (aligned > 1020 || aligned & 3)
            return false;
        put_half(p, (h & 0xff00) | aligned >> 2);
        return true;
    }
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

/* ADD Rd, PC makes the literal that Rd was loaded with a distance. */
static void note_relative(struct otai_walk *w, const struct otai_sight *at, uint8_t reg)
{
    for (unsigned i = 1; i <= OTAI_POOLS; i++) {
        struct otai_pool *p = &w->pool[(w->pool_next + OTAI_POOLS - i) % OTAI_POOLS];

        if (!p->off || p->reg != reg)
            continue;
        if (!p->old_pc) {
            p->old_pc = at->old_pc + 4;
            p->new_pc = at->new_pc + 4;
        }
        return;
    }
}

static uint32_t half_of(const uint8_t *p)
{
    uint32_t h = half(p), k = half(p + 2);

    return (h & 15) << 12 | (h >> 10 & 1) << 11 | (k >> 12 & 7) << 8 | (k & 0xff);
}

static void put_half_of(uint8_t *p, uint32_t v)
{
    put_half(p, (half(p) & 0xfbf0) | (v >> 12 & 15) | (v >> 11 & 1) << 10);
    put_half(p + 2, (half(p + 2) & 0x8f00) | (v >> 8 & 7) << 12 | (v & 0xff));
}

/* The MOVT that follows a MOVW of the same register; NULL when there is none near. */
static const uint8_t *find_top(const struct otai_sight *at, uint32_t reg)
{
    size_t i = 4;

    for (unsigned k = 0; k < LOOK_INSTRUCTIONS && i + 4 <= at->n; k++) {
        uint32_t h = half(at->p + i);

        if ((h & 0xfbf0) == 0xf2c0 && (at->p[i + 3] & 15u) == reg)
            return at->p + i;
        i += is_wide(h) ? 4 : 2;
    }
    return NULL;
}

static void move(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    uint8_t reg = at->p[3] & 15u;
    struct otai_reg *r = &w->reg[reg];
    bool top = (half(at->p) & 0x80) != 0;

    if (!top) {
        const uint8_t *other = find_top(at, reg);
        if (!other)
            return;
        r->set_at = w->from + 1;
        r->target = (half_of(at->p) | half_of(other) << 16) - (uint32_t)s->map.was.base;
        r->guess = otai_predict(w, s, r->target, &g->source);
    } else if (!r->set_at || w->from - (r->set_at - 1) > OTAI_LOOKAHEAD) {
        return;
    }
    g->kind = OTAI_K_T_MOV;
    g->arg = (uint8_t)(reg | (top ? 16u : 0u));
    g->target = r->target;
    g->guess = r->guess;
    uint32_t v = r->guess + (uint32_t)s->map.now.base;
    put_half_of(g->pred, top ? v >> 16 : v & 0xffff);
    if (top)
        r->pc = (uint32_t)s->map.now.base;
}

void otai_thumb_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;

    if (w->from & 1 || at->n < 4)
        return;
    uint32_t h = half(at->p);
    enum otai_kind kind = kind_of(at->p);
    g->len = is_wide(h) ? 4 : 2;
    if (kind == OTAI_K_T_MOV) {
        move(w, s, at);
        return;
    }
    if ((h & 0xff78) == 0x4478)
        note_relative(w, at, (uint8_t)((h & 7) | (h >> 4 & 8)));
    if (kind == OTAI_K_NONE)
        return;
    g->target = target_of(kind, at->p, at->old_pc);
    g->guess = otai_predict(w, s, g->target, &g->source);
    g->kind = (uint8_t)kind;
    if (h >> 11 == 9)
        note_pool(w, s, g->target, h >> 8 & 7);
    if (kind == OTAI_K_T_LDRW)
        note_pool(w, s, g->target, at->p[3] >> 4);
    (void)put(kind, g->pred, at->new_pc, g->guess);
}

bool otai_thumb_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    struct otai_group *g = &w->group;
    struct otai_reg *r = &w->reg[g->arg & 15];

    if (kind_of(p) != (enum otai_kind)g->kind)
        return false;
    if (g->kind != OTAI_K_T_MOV) {
        *target = target_of(g->kind, p, pc);
        return g->kind == OTAI_K_T_BL || g->kind == OTAI_K_T_BW || g->kind == OTAI_K_T_B;
    }
    if (!(g->arg & 16)) {
        r->new_part = half_of(p);
        return false;
    }
    *target = (r->new_part | half_of(p) << 16) - r->pc;
    return true;
}
