/* SPDX-License-Identifier: Apache-2.0 */
/* Walk over the old bytes of a copy and predict what they become: references follow their targets. */
#include "delta_i.h"

#include <string.h>

#define REGION_SHIFT 12
#define REGION_MARK 0x80000000u    /* beyond what offsets and addresses of one image reach */

const uint8_t *otai_window_at(struct otai_window *w, uint32_t off, size_t want, size_t *len, ota_err *err)
{
    if (off >= w->limit) {
        *len = 0;
        return w->bytes;
    }
    if (want > w->limit - off)
        want = w->limit - off;
    if (off < w->off || off - w->off > w->len || w->len - (off - w->off) < want) {
        uint32_t n = w->limit - off < sizeof w->bytes ? w->limit - off : (uint32_t)sizeof w->bytes;

        w->len = 0;
        *err = w->base->ops->read(w->base, w->origin + off, w->bytes, n);
        if (*err != OTA_OK)
            return NULL;
        w->off = off;
        w->len = n;
    }
    *len = want;
    return w->bytes + (off - w->off);
}

void otai_walk_copy(struct otai_walk *w, uint32_t from, uint32_t to, uint32_t len)
{
    if (from != w->from)
        memset(w->reg, 0, sizeof w->reg);
    w->from = w->copy_from = from;
    w->to = w->copy_to = to;
    w->left = w->copy_len = len;
}

static uint32_t region(uint32_t target)
{
    return target >> REGION_SHIFT | REGION_MARK;
}

uint32_t otai_predict(const struct otai_walk *w, const struct otai_scene *s, uint32_t target, uint8_t *source)
{
    uint32_t to, off;

    if (otai_learned_find(&s->learned, target, &to)) {
        *source = OTAI_FROM_EXACT;
        return to;
    }
    if (otai_addr_to_offset(&s->map.was, target, &off) && off - w->copy_from < w->copy_len) {
        *source = OTAI_FROM_COPY;
        return otai_offset_to_addr(&s->map.now, w->copy_to + (off - w->copy_from));
    }
    *source = (uint8_t)otai_map_addr(&s->map, target, &to);
    uint32_t delta;
    if (*source < OTAI_FROM_MAP && otai_learned_find(&s->learned, region(target), &delta)) {
        *source = OTAI_FROM_REGION;
        return target + delta;
    }
    return to;
}

void otai_learn(struct otai_scene *s, uint32_t target, uint32_t guess, uint32_t actual)
{
    uint32_t mapped;

    if (guess == actual)
        return;
    otai_learned_put(&s->learned, target, actual);
    if (otai_map_addr(&s->map, target, &mapped) < OTAI_FROM_MAP)
        otai_learned_put(&s->learned, region(target), actual - target);
}

static struct otai_pool *pool_at(struct otai_walk *w, uint32_t off)
{
    for (unsigned i = 0; i < OTAI_POOLS; i++)
        if (w->pool[i].off == off + 1)
            return &w->pool[i];
    return NULL;
}

/* A word that code refers to is data, whatever it looks like. */
static bool is_pool(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;

    if ((w->mode != OTAI_M_THUMB && w->mode != OTAI_M_ARM) || w->from % 4 || at->n < 4)
        return false;
    struct otai_pool *p = pool_at(w, w->from);
    if (!p)
        return false;
    uint32_t v = otai_get_le32(at->p);
    g->len = 4;
    g->arg = (uint8_t)(p - w->pool);
    g->kind = p->old_pc ? OTAI_K_POOL_REL : OTAI_K_POOL;
    g->target = p->old_pc ? v + p->old_pc : v - (uint32_t)s->map.was.base;
    g->guess = otai_predict(w, s, g->target, &g->source);
    otai_put_le32(g->pred, p->old_pc ? g->guess - p->new_pc : g->guess + (uint32_t)s->map.now.base);
    return true;
}

static void recognise(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    switch (w->mode) {
    case OTAI_M_THUMB:
        otai_thumb_next(w, s, at);
        return;
    case OTAI_M_ARM:
        otai_arm_next(w, s, at);
        return;
    case OTAI_M_A64:
        otai_a64_next(w, s, at);
        return;
    case OTAI_M_RISCV:
        otai_riscv_next(w, s, at);
        return;
    case OTAI_M_X86:
        otai_x86_next(w, s, at);
        return;
    default:
        otai_words_next(w, s, at);
    }
}

ota_err otai_walk_next(struct otai_walk *w, struct otai_scene *s)
{
    struct otai_group *g = &w->group;
    ota_err err = OTA_OK;
    struct otai_sight at = { 0 };

    at.p = otai_window_at(&s->window, w->from, OTAI_LOOKAHEAD, &at.n, &err);
    if (!at.p)
        return err;
    if (at.n == 0)
        return OTA_REJECT_CORRUPT;
    at.old_pc = otai_offset_to_addr(&s->map.was, w->from);
    at.new_pc = otai_offset_to_addr(&s->map.now, w->to);
    memcpy(g->pred, at.p, at.n < OTAI_GROUP_MAX ? at.n : OTAI_GROUP_MAX);
    g->len = 1;
    g->kind = OTAI_K_NONE;
    g->source = OTAI_FROM_NOTHING;
    g->arg = 0;
    if (!is_pool(w, s, &at))
        recognise(w, s, &at);
    if (g->len <= w->left)
        return OTA_OK;
    memcpy(g->pred, at.p, w->left);
    g->len = (uint8_t)w->left;
    g->kind = OTAI_K_NONE;
    g->source = OTAI_FROM_NOTHING;
    return OTA_OK;
}

static bool took(struct otai_walk *w, struct otai_scene *s, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    switch (w->group.kind) {
    case OTAI_K_POOL:
    case OTAI_K_POOL_REL:
    case OTAI_K_PTR32:
    case OTAI_K_PTR64:
    case OTAI_K_REL32:
        return otai_words_took(w, s, p, pc, target);
    default:
        break;
    }
    switch (w->mode) {
    case OTAI_M_THUMB:
        return otai_thumb_took(w, p, pc, target);
    case OTAI_M_ARM:
        return otai_arm_took(w, p, pc, target);
    case OTAI_M_A64:
        return otai_a64_took(w, p, pc, target);
    case OTAI_M_RISCV:
        return otai_riscv_took(w, p, pc, target);
    default:
        return otai_x86_took(w, p, pc, target);
    }
}

void otai_walk_took(struct otai_walk *w, struct otai_scene *s, const uint8_t *actual)
{
    const struct otai_group *g = &w->group;
    uint32_t target;

    /* Nothing is learned from what was right: an encoder must be able to look ahead without leaving a trace. */
    if (g->kind != OTAI_K_NONE && took(w, s, actual, otai_offset_to_addr(&s->map.now, w->to), &target) &&
        memcmp(actual, g->pred, g->len) != 0)
        otai_learn(s, g->target, g->guess, target);
    w->from += g->len;
    w->to += g->len;
    w->left -= g->len;
}
