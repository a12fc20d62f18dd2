/* SPDX-License-Identifier: Apache-2.0 */
#include "delta_reference_predict.h"

#include <string.h>

#include "delta_reference_code.h"

/* ---- 4. addresses ------------------------------------------------------------------------------------------------------ */

static uint32_t address(const struct ref_layout *l, uint32_t o)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (o - l->segment[i].off < l->segment[i].len)
            return o - l->segment[i].off + l->segment[i].addr;
    return o;
}

static bool offset(const struct ref_layout *l, uint32_t x, uint32_t *o)
{
    *o = x;
    for (uint32_t i = 0; i < l->count; i++)
        if (x - l->segment[i].addr < l->segment[i].len) {
            *o = x - l->segment[i].addr + l->segment[i].off;
            return *o < l->size;
        }
    return l->count == 0 && x < l->size;
}

static uint32_t mapped(const struct ref_predictor *p, uint32_t x, uint32_t *basis)
{
    const struct ref_copy *c = NULL, *next = NULL, *first = NULL;
    uint32_t o;

    *basis = 0;
    if (!offset(&p->was, x, &o) || p->count == 0)
        return x;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct ref_copy *m = &p->map[i];

        if (!first || m->old < first->old)
            first = m;
        if (m->old <= o && (!c || m->old >= c->old))
            c = m;
        if (m->old > o && (!next || m->old < next->old))
            next = m;
    }
    *basis = c && o - c->old < c->len ? 3 : 2;
    if (*basis == 2 && c && next && next->old - o < o - (c->old + c->len))
        c = next;
    if (!c)
        c = first;
    return address(&p->now, c->new + (o - c->old));
}

static uint32_t *pair(const struct ref_predictor *p, uint32_t x)
{
    return p->learned + (size_t)2 * ((x * 0x9E3779B1u) >> (32 - p->log2));
}

static bool find(const struct ref_predictor *p, uint32_t x, uint32_t *v)
{
    *v = pair(p, x)[1];
    return pair(p, x)[0] == x + 1;
}

static void put(struct ref_predictor *p, uint32_t x, uint32_t v)
{
    uint32_t *e = pair(p, x);

    e[0] = x + 1;
    e[1] = v;
}

static uint32_t region(uint32_t x)
{
    return x >> 12 | 1u << 31;
}

static uint32_t follow(const struct ref_predictor *p, uint32_t x, uint32_t *basis)
{
    uint32_t o, v, by_map;

    if (find(p, x, &v)) {
        *basis = 5;
        return v;
    }
    if (offset(&p->was, x, &o) && o >= p->copy.old && o - p->copy.old < p->copy.len) {
        *basis = 4;
        return address(&p->now, p->copy.new + (o - p->copy.old));
    }
    by_map = mapped(p, x, basis);
    if (*basis != 3 && find(p, region(x), &v)) {
        *basis = 1;
        return x + v;
    }
    return by_map;
}

static void learn(struct ref_predictor *p, uint32_t x, uint32_t guess, uint32_t y)
{
    uint32_t basis;

    if (guess == y)
        return;
    put(p, x, y);
    (void)mapped(p, x, &basis);
    if (basis != 3)
        put(p, region(x), y - x);
}

/* ---- 5. what all rules have in common ---------------------------------------------------------------------------------- */

/* What a rule looks at. */
struct sight {
    struct ref_predictor *p;
    struct ref_group *g;
    const uint8_t *old;            /* at f */
    uint32_t f, n, P, N;
};

static uint32_t get(const uint8_t *b, uint32_t len)
{
    uint32_t v = 0;

    for (uint32_t i = 0; i < len && i < 4; i++)
        v |= (uint32_t)b[i] << (8 * i);
    return v;
}

static void predict(struct sight *s, uint32_t v, uint32_t at, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        s->g->bytes[at + i] = (uint8_t)(v >> (8 * i));
}

static void refer(struct sight *s, uint32_t kind, uint32_t x)
{
    s->g->kind = kind;
    s->g->x = x;
    s->g->g = follow(s->p, x, &s->g->basis);
}

/* ---- 5.1 words --------------------------------------------------------------------------------------------------------- */

static void words(struct sight *s)
{
    uint32_t size = s->p->mode == 5 ? 8 : 4, v = get(s->old, s->n), high = s->n >= 8 ? get(s->old + 4, 4) : 0;
    uint64_t u = ((uint64_t)high << 32 | v) - s->p->was.base;

    s->g->len = s->f % size ? size - s->f % size : size;
    if (s->g->len > s->n)
        s->g->len = s->n;
    if (s->g->len < size)
        return;
    if (s->p->mode == 4) {
        refer(s, 3, v - (uint32_t)s->p->was.base);
        predict(s, s->g->g + (uint32_t)s->p->now.base, 0, 4);
    }
    if (s->p->mode == 5 && u >> 32 == 0) {
        refer(s, 4, (uint32_t)u);
        u = s->g->g + s->p->now.base;
        predict(s, (uint32_t)u, 0, 4);
        predict(s, (uint32_t)(u >> 32), 4, 4);
    }
    if (s->p->mode == 6) {
        refer(s, 5, v + s->P);
        predict(s, s->g->g - s->N, 0, 4);
    }
}

/* ---- 5.2 pool ---------------------------------------------------------------------------------------------------------- */

static bool pool_word(struct sight *s)
{
    for (uint32_t i = 0; i < 32 && s->f % 4 == 0 && s->n >= 4; i++) {
        const struct ref_pool *e = &s->p->pool[i];

        if (!e->used || e->off != s->f)
            continue;
        s->g->len = 4;
        s->g->detail = i;
        if (e->old_pc) {
            refer(s, 2, get(s->old, 4) + e->old_pc);
            predict(s, s->g->g - e->new_pc, 0, 4);
        } else {
            refer(s, 1, get(s->old, 4) - (uint32_t)s->p->was.base);
            predict(s, s->g->g + (uint32_t)s->p->now.base, 0, 4);
        }
        return true;
    }
    return false;
}

static void note(struct sight *s, uint32_t x, uint32_t r)
{
    struct ref_predictor *p = s->p;
    uint32_t o;

    if (x % 4 || !offset(&p->was, x, &o))
        return;
    for (int i = 0; i < 32; i++)
        if (p->pool[i].used && p->pool[i].off == o) {
            p->pool[i].reg = r;
            return;
        }
    p->pool[p->pool_next] = (struct ref_pool){ true, o, r, 0, 0 };
    p->pool_next = (p->pool_next + 1) % 32;
}

static void relative(struct sight *s, uint32_t r, uint32_t k)
{
    for (unsigned i = 0; i < 32; i++) {
        struct ref_pool *e = &s->p->pool[(s->p->pool_next + 31 - i) % 32];

        if (!e->used || e->reg != r)
            continue;
        if (e->old_pc == 0) {
            e->old_pc = s->P + k;
            e->new_pc = s->N + k;
        }
        return;
    }
}

/* ---- 5.3 to 5.6 instructions -------------------------------------------------------------------------------------------- */

static bool fresh(const struct sight *s, const struct ref_register *r, uint32_t bytes)
{
    return r->is_set && s->f - r->set <= bytes;
}

static void pool_of_thumb(struct sight *s, uint32_t v)
{
    uint32_t h = v & 0xffff;

    if ((h & 0xff78) == 0x4478)
        relative(s, (h & 7) + 8 * (h >> 7 & 1), 4);
    if (h >> 11 == 9)
        note(s, code_target(11, v, s->P), h >> 8 & 7);
    if (code_kind(1, v) == 12)
        note(s, code_target(12, v, s->P), v >> 28);
}

static void pool_of_arm(struct sight *s, uint32_t v)
{
    if ((v & 0x0fff0ff0) == 0x008f0000 || (v & 0x0fff0ff0) == 0x079f0000)
        relative(s, v & 15, 8);
    if (code_kind(2, v) == 15 && (v >> 25 & 7) != 6)
        note(s, code_target(15, v, s->P), v >> 12 & 15);
}

/* The first instruction behind this one that completes what it begins in register r. */
static bool partner(const struct sight *s, uint32_t kind, uint32_t r, uint32_t *found)
{
    uint32_t i = 4, most = kind == 13 ? 6 : kind == 21 ? 11 : 8;

    for (uint32_t k = 0; k < most && i + 4 <= s->n; k++) {
        uint32_t v = get(s->old + i, 4), is = code_kind(s->p->mode, v);

        *found = v;
        if (kind == 13 && (v & 0xfbf0) == 0xf2c0 && (v >> 24 & 15) == r)
            return true;
        if (kind == 17 && (v & 0x0ff00000) == 0x03400000 && (v >> 12 & 15) == r)
            return true;
        if ((kind == 21 && is == 22 && code_register(22, v) == r) || (kind == 28 && is == 29 && code_register(29, v) == r))
            return true;
        if (kind == 21 && is == 21 && code_register(21, v) == r)
            return false;
        i += code_len(s->p->mode, v);
    }
    return false;
}

static void halves(struct sight *s, uint32_t kind, uint32_t v)
{
    struct ref_register *r = &s->p->reg[code_register(kind, v)];
    bool top = kind == 13 ? v >> 7 & 1 : v >> 22 & 1;
    uint32_t other = 0;

    if (top) {
        if (!fresh(s, r, 48))
            return;
        s->g->kind = kind;
        s->g->x = r->target;
        s->g->g = r->guess;
    } else {
        if (!partner(s, kind, code_register(kind, v), &other))
            return;
        refer(s, kind, (code_value(kind, v) + (code_value(kind, other) << 16)) - (uint32_t)s->p->was.base);
        r->is_set = true;
        r->set = s->f;
        r->target = s->g->x;
        r->guess = s->g->g;
    }
    uint32_t whole = s->g->g + (uint32_t)s->p->now.base;
    predict(s, code_with_value(kind, v, top ? whole >> 16 : whole & 0xffff), 0, 4);
}

/* ADRP and AUIPC. */
static void upper(struct sight *s, uint32_t kind, uint32_t v)
{
    struct ref_register *r = &s->p->reg[code_register(kind, v)];
    uint32_t other, x;

    r->is_set = true;
    r->set = s->f;
    x = r->old = code_target(kind, v, s->P);
    if (partner(s, kind, code_register(kind, v), &other))
        x += code_value(kind + 1, other);
    refer(s, kind, x);
    if (kind == 21) {
        r->target = x;
        r->guess = s->g->g;
        r->new = s->g->g & ~4095u;
        predict(s, code_with_value(21, v, (r->new - (s->N & ~4095u)) >> 12), 0, 4);
    } else {
        uint32_t u = (s->g->g - s->N + 0x800) & 0xfffff000;
        r->new = s->N + u;
        predict(s, (v & 0xfff) | u, 0, 4);
    }
}

static void lower(struct sight *s, uint32_t kind, uint32_t v)
{
    struct ref_register *r = &s->p->reg[code_register(kind, v)];

    if (!fresh(s, r, 64))
        return;
    refer(s, kind, r->old + code_value(kind, v));
    if (kind == 29)
        predict(s, code_with_value(29, v, s->g->g - r->new), 0, 4);
    else if (s->g->g % (1u << code_scale(v)) == 0)
        predict(s, code_with_value(22, v, s->g->g & 4095), 0, 4);
}

static void instruction(struct sight *s)
{
    unsigned mode = s->p->mode;
    uint32_t v = get(s->old, s->n);

    if (s->n < 4 || s->f % (mode == 1 || mode == 7 ? 2 : 4))
        return;
    s->g->len = code_len(mode, v);
    uint32_t kind = code_kind(mode, v);
    if (kind)
        s->g->detail = code_register(kind, v);
    if (kind == 13 || kind == 17) {
        halves(s, kind, v);
        return;
    }
    if (kind == 21 || kind == 28) {
        upper(s, kind, v);
        return;
    }
    if (kind == 22 || kind == 29) {
        lower(s, kind, v);
        return;
    }
    if (kind) {
        refer(s, kind, code_target(kind, v, s->P));
        predict(s, code_with_target(kind, v, s->N, s->g->g), 0, s->g->len);
    }
    if (mode == 1)
        pool_of_thumb(s, v);
    if (mode == 2)
        pool_of_arm(s, v);
}

/* ---- 5.7 x86-64 --------------------------------------------------------------------------------------------------------- */

static void x86(struct sight *s)
{
    static const uint8_t plain[18] = { 0x01, 0x03, 0x0b, 0x23, 0x2b, 0x33, 0x38, 0x39, 0x3a, 0x3b, 0x63, 0x85, 0x88, 0x89, 0x8a, 0x8b,
                                       0x8d, 0xff };
    const uint8_t *b = s->old;
    uint32_t j = 0, o;

    if (s->n < 8)
        return;
    uint32_t q = b[0] >= 0x40 && b[0] <= 0x4f;
    for (int i = 0; i < 18; i++)
        if (b[q] == plain[i] && (b[q + 1] & 0xc7) == 5)
            j = q + 2;
    if (b[0] == 0x0f && b[1] >= 0x80 && b[1] <= 0x8f)
        j = 2;
    if (b[0] == 0xe8 || b[0] == 0xe9)
        j = 1;
    if (j == 0 || !offset(&s->p->was, get(b + j, 4) + s->P + j + 4, &o))
        return;
    refer(s, 30, get(b + j, 4) + s->P + j + 4);
    s->g->len = j + 4;
    s->g->detail = j;
    predict(s, s->g->g - s->N - (j + 4), j, 4);
}

/* ---- both sides of a group ---------------------------------------------------------------------------------------------- */

static void begin_group(struct sight *s, uint32_t len)
{
    *s->g = (struct ref_group){ .len = len };
    for (uint32_t i = 0; i < 8 && i < s->n; i++)
        s->g->bytes[i] = s->old[i];
}

void ref_predict(struct ref_predictor *p, uint32_t f, uint32_t a, uint32_t left, struct ref_group *g)
{
    struct sight s = { p, g, p->old + f, f, p->was.size - f, address(&p->was, f), address(&p->now, a) };

    if (s.n > 48)
        s.n = 48;
    begin_group(&s, 1);
    bool in_pool = (p->mode == 1 || p->mode == 2) && pool_word(&s);
    if (!in_pool) {
        switch (p->mode) {
        case 1:
        case 2:
        case 3:
        case 7:
            instruction(&s);
            break;
        case 8:
            x86(&s);
            break;
        default:
            words(&s);
        }
    }
    if (g->len > left)
        begin_group(&s, left);
}

/* Where the new bytes' low part leads; ADD, ADDI of the register to itself end what is known of it. */
static bool low_became(struct ref_predictor *p, const struct ref_group *g, uint32_t v, uint32_t *y)
{
    struct ref_register *r = &p->reg[g->detail];

    if (code_kind(g->kind == 22 ? 3 : 7, v) != g->kind || code_register(g->kind, v) != g->detail)
        return false;
    *y = r->new + code_value(g->kind, v);
    if (g->kind == 22 ? (v & 0x7fc00000) == 0x11000000 && (v & 31) == g->detail : (v & 0x7f) == 0x13 && (v >> 7 & 31) == g->detail)
        r->is_set = false;
    return true;
}

static bool halves_became(struct ref_predictor *p, const struct ref_group *g, uint32_t v, uint32_t *y)
{
    struct ref_register *r = &p->reg[g->detail];
    uint32_t was = get(g->bytes, 4);
    bool top = g->kind == 13 ? was >> 7 & 1 : was >> 22 & 1;

    if (!top) {
        r->new = code_value(g->kind, v);
        return false;
    }
    *y = (r->new | code_value(g->kind, v) << 16) - (uint32_t)p->now.base;
    return true;
}

static bool code_became(struct ref_predictor *p, const struct ref_group *g, uint32_t v, uint32_t N, uint32_t *y)
{
    if (g->kind == 22 || g->kind == 29)
        return low_became(p, g, v, y);
    if (code_kind(p->mode, v) != g->kind)
        return false;
    if (g->kind == 13 || g->kind == 17)
        return halves_became(p, g, v, y);
    *y = code_target(g->kind, v, N);
    if (g->kind == 21 || g->kind == 28)
        p->reg[g->detail].new = *y;
    return true;
}

/* Where the new bytes lead to. */
static bool became(struct ref_predictor *p, const struct ref_group *g, const uint8_t *b, uint32_t N, uint32_t *y)
{
    uint32_t v = get(b, g->len), C = (uint32_t)p->now.base;
    uint64_t u;

    switch (g->kind) {
    case 1:
    case 3:
        *y = v - C;
        return true;
    case 2:
        *y = v + p->pool[g->detail].new_pc;
        return true;
    case 4:
        u = ((uint64_t)get(b + 4, 4) << 32 | v) - p->now.base;
        *y = (uint32_t)u;
        return u >> 32 == 0;
    case 5:
        *y = v + N;
        return true;
    case 30:
        *y = get(b + g->detail, 4) + N + g->detail + 4;
        return memcmp(b, g->bytes, g->detail) == 0;
    default:
        return code_became(p, g, v, N, y);
    }
}

static bool is_learned(uint32_t kind)
{
    static const uint8_t kinds[] = { 1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 17, 18, 22, 23, 24, 29, 30 };

    return memchr(kinds, (int)kind, sizeof kinds) != NULL;
}

void ref_became(struct ref_predictor *p, uint32_t a, const struct ref_group *g, const uint8_t *bytes)
{
    uint32_t y;

    if (g->kind && became(p, g, bytes, address(&p->now, a), &y) && memcmp(bytes, g->bytes, g->len) != 0 && is_learned(g->kind))
        learn(p, g->x, g->g, y);
}
