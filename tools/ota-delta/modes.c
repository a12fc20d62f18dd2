/* SPDX-License-Identifier: Apache-2.0 */
#include "modes.h"

#include <stdlib.h>
#include <string.h>

#include "crew.h"

#define SWITCH_COST 3u /* in mispredicted bytes */

/* A scene with the map of all copies and an empty memory of what was learned. */
static bool set_scene(struct otai_scene *s, const struct otai_part *part, const struct otai_copy *copies,
                      struct ota_delta_base *base)
{
    struct otai_map *m = &s->map;
    size_t n = part->count + 1u;

    m->from = malloc(n * 3 * sizeof *m->from);
    m->order = malloc(n * sizeof *m->order);
    s->learned.log2 = 10;
    s->learned.entry = calloc((size_t)2 << 10, sizeof *s->learned.entry);
    s->window.base = base;
    s->window.origin = part->origin;
    s->window.limit = part->old_len;
    if (!m->from || !m->order || !s->learned.entry)
        return false;
    m->to = m->from + n;
    m->len = m->to + n;
    for (uint32_t i = 0; i < part->count; i++) {
        m->from[i] = copies[i].from;
        m->to[i] = copies[i].to;
        m->len[i] = copies[i].len;
    }
    m->count = part->count;
    m->was = part->was;
    m->now = part->now;
    otai_map_sort(m);
    return true;
}

static void free_scene(struct otai_scene *s)
{
    free(s->map.from);
    free(s->map.order);
    free(s->learned.entry);
}

/* Mispredicted bytes in each block when everything is read in one mode. */
static bool count_misses(struct otai_scene *s, const struct otai_part *part, const struct otai_copy *copies, const uint8_t *new,
                         unsigned mode, uint16_t *misses)
{
    struct otai_walk w;

    memset(&w, 0, sizeof w);
    memset(s->learned.entry, 0, (size_t)8 << s->learned.log2);
    w.mode = (uint8_t)mode;
    for (uint32_t i = 0; i < part->count; i++) {
        otai_walk_copy(&w, copies[i].from, copies[i].to, copies[i].len);
        while (w.left > 0) {
            if (otai_walk_next(&w, s) != OTA_OK)
                return false;
            for (unsigned k = 0; k < w.group.len; k++)
                misses[w.to >> 10] = (uint16_t)(misses[w.to >> 10] + (w.group.pred[k] != new[w.to + k]));
            otai_walk_took(&w, s, new + w.to);
        }
    }
    return true;
}

/* The cheapest sequence of modes (A. Viterbi, 1967). */
static bool best_path(const uint16_t *misses, size_t blocks, const bool usable[OTAI_M_COUNT], uint8_t *mode)
{
    uint8_t(*came)[OTAI_M_COUNT] = malloc(blocks * sizeof *came);
    uint64_t cost[OTAI_M_COUNT] = { 0 };

    if (!came)
        return false;
    for (unsigned k = 0; k < OTAI_M_COUNT; k++)
        cost[k] = usable[k] ? (k ? SWITCH_COST : 0) : UINT64_MAX / 2;
    for (size_t i = 0; i < blocks; i++) {
        unsigned best = 0;

        for (unsigned k = 1; k < OTAI_M_COUNT; k++)
            if (cost[k] < cost[best])
                best = k;
        uint64_t change = cost[best] + SWITCH_COST;
        for (unsigned k = 0; k < OTAI_M_COUNT; k++) {
            came[i][k] = (uint8_t)(cost[k] <= change ? k : best);
            cost[k] = (cost[k] <= change ? cost[k] : change) + (usable[k] ? misses[k * blocks + i] : UINT32_MAX);
        }
    }
    unsigned k = 0;
    for (unsigned j = 1; j < OTAI_M_COUNT; j++)
        if (cost[j] < cost[k])
            k = j;
    for (size_t i = blocks; i-- > 0; k = came[i][k])
        mode[i] = (uint8_t)k;
    free(came);
    return true;
}

/* What is counted: each mode by itself. */
struct count {
    const struct otai_part *part;
    const struct otai_copy *copies;
    struct ota_delta_base *base;
    const uint8_t *new;
    const bool *usable;
    uint16_t *misses;
    size_t blocks;
    bool ok[OTAI_M_COUNT];
};

static void count_one(void *who, unsigned mode)
{
    struct count *c = who;
    struct otai_scene s;

    if (!c->usable[mode])
        return;
    memset(&s, 0, sizeof s);
    c->ok[mode] = set_scene(&s, c->part, c->copies, c->base) &&
                  count_misses(&s, c->part, c->copies, c->new, mode, c->misses + mode * c->blocks);
    free_scene(&s);
}

bool modes_choose(const struct otai_part *part, const struct otai_copy *copies, struct ota_delta_base *base, const uint8_t *new,
                  const bool usable[OTAI_M_COUNT], unsigned threads, uint8_t *mode)
{
    size_t blocks = (part->out_len >> 10) + 1;
    struct count c = { .part = part,
                       .copies = copies,
                       .base = base,
                       .new = new,
                       .usable = usable,
                       .blocks = blocks,
                       .misses = calloc(blocks * OTAI_M_COUNT, sizeof *c.misses) };
    bool ok = c.misses != NULL;

    if (ok)
        crew_run(threads, OTAI_M_COUNT, count_one, &c);
    for (unsigned k = 0; ok && k < OTAI_M_COUNT; k++)
        ok = !usable[k] || c.ok[k];
    ok = ok && best_path(c.misses, blocks, usable, mode);
    free(c.misses);
    return ok;
}
