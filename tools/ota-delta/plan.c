/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"

#define MERGE_GAP 16u          /* bytes between two stretches of one copy that cost less than two copies */

static bool find_copies(struct plan *p, const struct plan_taste *taste)
{
    uint8_t *a = malloc(p->old.len + 1u), *b = malloc(p->new.len + 1u);
    bool ok = a && b;

    if (ok) {
        image_normalise(&p->old, a);
        image_normalise(&p->new, b);
        ok = match_images(a, p->old.len, b, p->new.len, taste->better_by, taste->hit_weight, &p->copies);
    }
    free(a);
    free(b);
    return ok;
}

static void tidy(struct copies *c, uint32_t keep_len)
{
    size_t n = 0;

    for (size_t i = 0; i < c->len; i++) {
        struct otai_copy *last = n ? &c->p[n - 1] : NULL, x = c->p[i];

        if (last && x.to - x.from == last->to - last->from && x.to - (last->to + last->len) <= MERGE_GAP)
            last->len = x.to + x.len - last->to;
        else if (x.len >= keep_len)
            c->p[n++] = x;
    }
    c->len = n;
}

static void usable_modes(const struct plan *p, bool usable[OTAI_M_COUNT])
{
    static const enum otai_mode of[ISA_COUNT] = { OTAI_M_RAW, OTAI_M_THUMB, OTAI_M_ARM, OTAI_M_A64, OTAI_M_RISCV, OTAI_M_X86 };

    memset(usable, 0, OTAI_M_COUNT);
    usable[OTAI_M_RAW] = usable[OTAI_M_PTR32] = usable[OTAI_M_REL32] = true;
    usable[OTAI_M_PTR64] = p->old.wide;
    usable[of[p->old.isa]] = true;
    usable[OTAI_M_ARM] |= p->old.isa == ISA_THUMB;     /* old cores switch between the two */
    usable[OTAI_M_THUMB] |= p->old.isa == ISA_ARM;
}

static void explain(const struct plan *p)
{
    static const char *const names[OTAI_M_COUNT] = { "raw", "thumb", "arm", "a64", "ptr32", "ptr64", "rel32", "riscv", "x86" };
    uint32_t blocks = (p->new.len >> 10) + 1, n[OTAI_M_COUNT] = { 0 };

    for (uint32_t i = 0; i < blocks; i++)
        n[p->mode[i]]++;
    (void)fprintf(stderr, "code %s, %s pointers, base address %#llx -> %#llx, %u segments, %zu copies\nKiB by mode:",
                  isa_name(p->old.isa), p->old.wide ? "64-bit" : "32-bit", (unsigned long long)p->old.layout.base,
                  (unsigned long long)p->new.layout.base, p->old.layout.count, p->copies.len);
    for (unsigned k = 0; k < OTAI_M_COUNT; k++)
        if (n[k])
            (void)fprintf(stderr, " %s %u", names[k], n[k]);
    (void)fprintf(stderr, "\n");
}

/* Find out about the part of an opened image that matters. Its addresses are those of the whole. */
static void detect_part(struct image *whole, struct image *part, const struct image *like, struct image_part where)
{
    struct otai_layout *l = &whole->layout;

    *part = (struct image){ .p = whole->p + where.off, .len = where.len };
    image_detect(part, like);
    whole->isa = part->isa;
    whole->wide = part->wide;
    *l = part->layout;
    l->len = whole->len;
    for (unsigned i = 0; i < l->count; i++)
        l->segment[i].off += where.off;
    if (l->count == 0)
        l->segment[l->count++] = (struct otai_segment){ where.off, 0, where.len };
}

static void detect(struct plan *p)
{
    struct image old, new;

    if (p->opened) {
        detect_part(&p->old, &old, NULL, p->opened->old_focus);
        detect_part(&p->new, &new, &old, p->opened->new_focus);
    } else {
        image_detect(&p->old, NULL);
        image_detect(&p->new, &p->old);
    }
    p->new.isa = p->old.isa;
    p->new.wide = p->old.wide;
}

bool plan_make(struct plan *p, struct ota_delta_base *base, const struct plan_taste *taste, bool tell)
{
    bool usable[OTAI_M_COUNT];

    detect(p);
    p->mode = calloc(1, (p->new.len >> 10) + 1u);
    if (!p->mode || !find_copies(p, taste))
        return false;
    tidy(&p->copies, taste->keep_len);
    if (p->opened && !open_afford(p->opened, &p->copies))
        return false;
    p->part.old_len = p->old.len;
    p->part.out_len = p->new.len;
    p->part.was = p->old.layout;
    p->part.now = p->new.layout;
    p->part.count = (uint32_t)p->copies.len;
    usable_modes(p, usable);
    if (!modes_choose(&p->part, p->copies.p, base, p->new.p, usable, p->mode))
        return false;
    if (tell)
        explain(p);
    return true;
}

static int longest_first(const void *a, const void *b)
{
    const struct otai_copy *x = a, *y = b;

    return x->len != y->len ? (x->len < y->len ? 1 : -1) : x->to < y->to ? -1 : x->to > y->to;
}

/* The length from which on copies belong to the map, so that at most `most` do. */
static bool limit_of(const struct plan *p, uint32_t most, uint32_t *limit)
{
    size_t len = p->copies.len * sizeof *p->copies.p;

    *limit = 0;
    if (p->copies.len <= most)
        return true;
    struct otai_copy *sorted = malloc(len);
    if (!sorted)
        return false;
    memcpy(sorted, p->copies.p, len);
    qsort(sorted, p->copies.len, sizeof *sorted, longest_first);
    *limit = sorted[most].len + 1;
    free(sorted);
    return true;
}

bool plan_limit_map(struct plan *p, uint32_t most)
{
    struct copies *map = &p->map, *minor = &p->minor;
    uint32_t limit;

    if (!limit_of(p, most, &limit))
        return false;
    free(map->p);
    free(minor->p);
    *map = *minor = (struct copies){ 0 };
    map->p = malloc((p->copies.len + 1) * sizeof *map->p);
    minor->p = malloc((p->copies.len + 1) * sizeof *minor->p);
    if (!map->p || !minor->p)
        return false;
    for (size_t i = 0; i < p->copies.len; i++) {
        struct copies *c = p->copies.p[i].len >= limit ? map : minor;

        c->p[c->len++] = p->copies.p[i];
    }
    p->part.count = (uint32_t)map->len;
    p->part.minors = (uint32_t)minor->len;
    return true;
}

void plan_free(struct plan *p)
{
    free(p->copies.p);
    free(p->map.p);
    free(p->minor.p);
    free(p->mode);
    memset(p, 0, sizeof *p);
}
