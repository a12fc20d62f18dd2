/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of streams are inflated when they are read: which copies are worth it? */
#include <stdlib.h>

#include "open.h"

#define WASTE_PER_BYTE 64u             /* bytes that may be inflated in vain for each that is copied */

static uint32_t begin_of(const struct opened *o, uint32_t at)
{
    uint32_t low = 0, high = o->params.old_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (o->begin[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return o->begin[low];
}

/* The heaviest chain of copies whose sources are in order: a device reads them all without going back. */
struct chain {
    const struct opened *o;
    const struct copies *c;
    uint64_t *weight;              /* a tree of prefix maxima over the ranks of the sources: heaviest chain ... */
    size_t *last;                  /* ... and its last copy, + 1 */
    size_t *rank, *before;         /* of each copy; the copy before it in its chain, + 1 */
    uint32_t *next;                /* result: source of the next copy in the chain, UINT32_MAX behind the last */
    bool *in;                      /* result */
};

struct place {
    uint32_t from;
    size_t index;
};

static int by_source(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->from != y->from ? (x->from < y->from ? -1 : 1) : x->index > y->index ? -1 : 1;
}

/* Equal sources are in descending order of the copies, so that no two of them come into one chain. */
static bool rank_sources(struct chain *h)
{
    struct place *p = malloc((h->c->len + 1) * sizeof *p);

    if (!p)
        return false;
    for (size_t i = 0; i < h->c->len; i++)
        p[i] = (struct place){ h->c->p[i].from, i };
    qsort(p, h->c->len, sizeof *p, by_source);
    for (size_t i = 0; i < h->c->len; i++)
        h->rank[p[i].index] = i + 1;
    free(p);
    return true;
}

static bool is_opened(const struct chain *h, size_t i)
{
    return h->c->p[i].from >= h->o->begin[0];
}

static size_t find_chain(struct chain *h)
{
    uint64_t most = 0;
    size_t end = 0;

    for (size_t i = 0; i < h->c->len; i++) {
        uint64_t weight = 0;

        if (!is_opened(h, i))
            continue;
        h->before[i] = 0;
        for (size_t k = h->rank[i] - 1; k > 0; k &= k - 1)
            if (h->weight[k] > weight) {
                weight = h->weight[k];
                h->before[i] = h->last[k];
            }
        weight += h->c->p[i].len;
        for (size_t k = h->rank[i]; k <= h->c->len; k += k & -k)
            if (weight > h->weight[k]) {
                h->weight[k] = weight;
                h->last[k] = i + 1;
            }
        if (weight > most) {
            most = weight;
            end = i + 1;
        }
    }
    return end;
}

static void mark_chain(struct chain *h)
{
    uint32_t next = UINT32_MAX;

    for (size_t i = find_chain(h); i > 0; i = h->before[i - 1])
        h->in[i - 1] = true;
    for (size_t i = h->c->len; i-- > 0;) {
        h->next[i] = next;
        if (h->in[i])
            next = h->c->p[i].from;
    }
}

/* The ring of the device, as far as it matters here. */
struct ring {
    uint32_t low, high, size;
};

static void read_through(const struct opened *o, struct ring *r, uint32_t from, uint32_t end)
{
    uint32_t begin = begin_of(o, from);

    if (r->high == 0 || from < r->low || begin > r->high)
        r->low = r->high = begin;
    r->high = end > r->high ? end : r->high;
    if (r->high - r->low > r->size)
        r->low = r->high - r->size;
}

/* A copy outside of the chain: is it in the ring, and stays the chain's next one there? Else it must be worth the way. */
static bool affordable(const struct opened *o, const struct ring *r, const struct otai_copy *x, uint32_t next)
{
    uint32_t end = x->from + x->len;

    if (r->high > 0 && x->from >= r->low && (uint64_t)end + OTA_DELTA_READ_MAX * 2 <= (uint64_t)next + r->size &&
        (x->from <= r->high || begin_of(o, x->from) <= r->high))
        return true;
    uint64_t there = x->from - begin_of(o, x->from), back = next == UINT32_MAX ? 0 : next - begin_of(o, next);
    return there + back <= (uint64_t)WASTE_PER_BYTE * x->len;
}

static void drop_dear(const struct chain *h, struct copies *c)
{
    struct ring r = { 0, 0, UINT32_C(1) << h->o->params.ring_log2 };
    size_t n = 0;

    for (size_t i = 0; i < c->len; i++) {
        struct otai_copy x = c->p[i];
        bool opened = is_opened(h, i);

        if (opened && !h->in[i] && !affordable(h->o, &r, &x, h->next[i]))
            continue;
        if (opened)
            read_through(h->o, &r, x.from, x.from + x.len);
        c->p[n++] = x;
    }
    c->len = n;
}

/* The table of the streams stands first in the new view, and until it is complete a device cannot read the old one. */
static void spare_table(const struct opened *o, struct copies *c)
{
    uint32_t table = o->params.old_count * OTAI_OLD_ENTRY + o->params.new_count * OTAI_NEW_ENTRY;
    size_t n = 0;

    for (size_t i = 0; i < c->len; i++) {
        struct otai_copy x = c->p[i];
        uint32_t cut = x.to < table ? table - x.to : 0;

        if (cut >= x.len)
            continue;
        c->p[n++] = (struct otai_copy){ x.from + cut, x.to + cut, x.len - cut };
    }
    c->len = n;
}

bool open_afford(const struct opened *o, struct copies *c)
{
    spare_table(o, c);
    size_t n = c->len + 1;
    struct chain h = { .o = o, .c = c, .weight = calloc(n, sizeof *h.weight), .last = calloc(n, sizeof *h.last),
                       .rank = calloc(n, sizeof *h.rank), .before = calloc(n, sizeof *h.before),
                       .next = calloc(n, sizeof *h.next), .in = calloc(n, sizeof *h.in) };
    bool ok = h.weight && h.last && h.rank && h.before && h.next && h.in;

    if (ok && o->params.old_count > 0)
        ok = rank_sources(&h);
    if (ok && o->params.old_count > 0) {
        mark_chain(&h);
        drop_dear(&h, c);
    }
    free(h.weight);
    free(h.last);
    free(h.rank);
    free(h.before);
    free(h.next);
    free(h.in);
    return ok;
}
