/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"

#define MERGE_GAP 16u /* bytes between two stretches of one copy that cost less than two copies */

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

static void usable_modes(const struct study *p, bool usable[OTAI_M_COUNT])
{
    static const enum otai_mode of[ISA_COUNT] = { OTAI_M_RAW, OTAI_M_THUMB, OTAI_M_ARM, OTAI_M_A64, OTAI_M_RISCV, OTAI_M_X86 };

    memset(usable, 0, OTAI_M_COUNT);
    usable[OTAI_M_RAW] = usable[OTAI_M_PTR32] = usable[OTAI_M_REL32] = true;
    usable[OTAI_M_PTR64] = p->old.wide;
    usable[of[p->old.isa]] = true;
    usable[OTAI_M_ARM] |= p->old.isa == ISA_THUMB; /* old cores switch between the two */
    usable[OTAI_M_THUMB] |= p->old.isa == ISA_ARM;
}

void plan_explain(const struct plan *p, const struct study *s)
{
    static const char *const names[OTAI_M_COUNT] = { "raw", "thumb", "arm", "a64", "ptr32", "ptr64", "rel32", "riscv", "x86" };
    uint32_t blocks = (s->new.len >> 10) + 1, n[OTAI_M_COUNT] = { 0 };

    for (uint32_t i = 0; i < blocks; i++)
        n[p->mode[i]]++;
    (void)fprintf(stderr, "code %s, %s pointers, base address %#llx -> %#llx, %u segments, %zu copies\nKiB by mode:",
                  isa_name(s->old.isa), s->old.wide ? "64-bit" : "32-bit", (unsigned long long)s->old.layout.base,
                  (unsigned long long)s->new.layout.base, s->old.layout.count, p->copies.len);
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

static void detect(struct study *s)
{
    struct image old, new;

    if (s->opened) {
        detect_part(&s->old, &old, NULL, s->opened->old_focus);
        detect_part(&s->new, &new, &old, s->opened->new_focus);
    } else {
        image_detect(&s->old, NULL);
        image_detect(&s->new, &s->old);
    }
    s->new.isa = s->old.isa;
    s->new.wide = s->old.wide;
}

bool study_make(struct study *s)
{
    detect(s);
    s->plain_old = malloc(s->old.len + 1u);
    s->plain_new = malloc(s->new.len + 1u);
    if (!s->plain_old || !s->plain_new)
        return false;
    image_normalise(&s->old, s->plain_old);
    image_normalise(&s->new, s->plain_new);
    s->sorted = match_sort(s->plain_old, s->old.len);
    return s->sorted != NULL;
}

void study_free(struct study *s)
{
    match_free(s->sorted);
    free(s->plain_old);
    free(s->plain_new);
    memset(s, 0, sizeof *s);
}

bool plan_make(struct plan *p, const struct study *s, struct ota_delta_base *base, const struct plan_taste *taste,
               unsigned threads)
{
    bool usable[OTAI_M_COUNT];

    p->mode = calloc(1, (s->new.len >> 10) + 1u);
    if (!p->mode || !match_images(s->sorted, s->plain_new, s->new.len, &taste->match, threads, &p->copies))
        return false;
    tidy(&p->copies, taste->keep_len);
    if (s->opened && !open_afford(s->opened, &p->copies))
        return false;
    p->part = (struct otai_part){ .origin = s->origin,
                                  .old_len = s->old.len,
                                  .out_len = s->new.len,
                                  .was = s->old.layout,
                                  .now = s->new.layout,
                                  .count = (uint32_t)p->copies.len };
    usable_modes(s, usable);
    return modes_choose(&p->part, p->copies.p, base, s->new.p, usable, threads, p->mode);
}

void plan_free(struct plan *p)
{
    free(p->copies.p);
    free(p->mode);
    memset(p, 0, sizeof *p);
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

bool course_make(struct course *c, const struct plan *p, uint32_t most)
{
    uint32_t limit;

    *c = (struct course){ .part = p->part };
    c->map.p = malloc((p->copies.len + 1) * sizeof *c->map.p);
    c->minor.p = malloc((p->copies.len + 1) * sizeof *c->minor.p);
    if (!c->map.p || !c->minor.p || !limit_of(p, most, &limit))
        return false;
    for (size_t i = 0; i < p->copies.len; i++) {
        struct copies *to = p->copies.p[i].len >= limit ? &c->map : &c->minor;

        to->p[to->len++] = p->copies.p[i];
    }
    c->part.count = (uint32_t)c->map.len;
    c->part.minors = (uint32_t)c->minor.len;
    return true;
}

void course_free(struct course *c)
{
    free(c->map.p);
    free(c->minor.p);
    memset(c, 0, sizeof *c);
}
