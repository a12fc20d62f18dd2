/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of pointers, and of distances from the word itself. */
#include "delta_i.h"

static void pointer32(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    uint32_t v = otai_get_le32(at->p);

    g->kind = OTAI_K_PTR32;
    g->target = v - (uint32_t)s->map.was.base;
    g->guess = otai_predict(w, s, g->target, &g->source);
    otai_put_le32(g->pred, g->guess + (uint32_t)s->map.now.base);
}

/* Only what lies within 4 GiB of the base address is taken for a pointer. */
static void pointer64(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    uint64_t v = otai_get_le64(at->p) - s->map.was.base;

    if (v >> 32)
        return;
    g->kind = OTAI_K_PTR64;
    g->target = (uint32_t)v;
    g->guess = otai_predict(w, s, g->target, &g->source);
    otai_put_le64(g->pred, g->guess + s->map.now.base);
}

static void distance(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;

    g->kind = OTAI_K_REL32;
    g->target = otai_get_le32(at->p) + at->old_pc;
    g->guess = otai_predict(w, s, g->target, &g->source);
    otai_put_le32(g->pred, g->guess - at->new_pc);
}

void otai_words_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    uint8_t size = w->mode == OTAI_M_PTR64 ? 8 : 4;

    if (w->from % size) {
        g->len = (uint8_t)(size - w->from % size);
        if (g->len > at->n)
            g->len = (uint8_t)at->n;
        return;
    }
    if (at->n < size) {
        g->len = (uint8_t)at->n;
        return;
    }
    g->len = size;
    if (w->mode == OTAI_M_PTR32)
        pointer32(w, s, at);
    if (w->mode == OTAI_M_PTR64)
        pointer64(w, s, at);
    if (w->mode == OTAI_M_REL32)
        distance(w, s, at);
}

bool otai_words_took(const struct otai_walk *w, const struct otai_scene *s, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    const struct otai_pool *pool = &w->pool[w->group.arg % OTAI_POOLS];
    uint64_t v;

    switch (w->group.kind) {
    case OTAI_K_REL32:
        *target = otai_get_le32(p) + pc;
        return true;
    case OTAI_K_POOL_REL:
        *target = otai_get_le32(p) + pool->new_pc;
        return true;
    case OTAI_K_PTR64:
        v = otai_get_le64(p) - s->map.now.base;
        *target = (uint32_t)v;
        return v >> 32 == 0;
    default:
        *target = otai_get_le32(p) - (uint32_t)s->map.now.base;
        return true;
    }
}
