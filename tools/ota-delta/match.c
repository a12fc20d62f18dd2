/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies from a suffix array of the old image. An alignment (new offset minus old offset) is followed as long as no
 * match elsewhere beats it clearly; then the two alignments are extended towards each other to where they meet best
 * (the idea of C. Percival, "Naive differences of executable code", 2003).
 */
#include "match.h"

#include <divsufsort.h>
#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS 32      /* equally long matches that are looked at */

struct matcher {
    const uint8_t *old, *new;
    int64_t old_len, new_len;
    int32_t *suffix;
    int better_by, hit_weight;
};

struct found {
    int64_t len, pos;
};

static int64_t common(const struct matcher *m, int64_t pos, int64_t at, int64_t from)
{
    int64_t most = m->old_len - pos < m->new_len - at ? m->old_len - pos : m->new_len - at, n = from;

    while (n < most && m->old[pos + n] == m->new[at + n])
        n++;
    return n;
}

/* Among the neighbours of suffix i, all as long a match: the one nearest to the alignment. */
static int64_t nearest(const struct matcher *m, int64_t i, int64_t at, int64_t len, int64_t wanted)
{
    int64_t best = m->suffix[i];

    for (int side = -1; side <= 1; side += 2)
        for (int64_t k = 1; k <= NEIGHBOURS; k++) {
            int64_t j = i + side * k;

            if (j < 0 || j >= m->old_len || common(m, m->suffix[j], at, 0) < len)
                break;
            if (llabs(m->suffix[j] - wanted) < llabs(best - wanted))
                best = m->suffix[j];
        }
    return best;
}

/* The longest match of what begins at `at`. */
static struct found longest(const struct matcher *m, int64_t at, int64_t wanted)
{
    int64_t low = 0, high = m->old_len, low_len = 0, high_len = 0;
    struct found f = { 0, 0 };
    int64_t best = 0;

    while (low < high) {
        int64_t middle = low + (high - low) / 2, pos = m->suffix[middle];
        int64_t n = common(m, pos, at, low_len < high_len ? low_len : high_len);

        if (n > f.len) {
            f.len = n;
            best = middle;
        }
        if (at + n == m->new_len)
            break;
        if (pos + n == m->old_len || m->old[pos + n] < m->new[at + n]) {
            low = middle + 1;
            low_len = n;
        } else {
            high = middle;
            high_len = n;
        }
    }
    if (f.len > 0)
        f.pos = nearest(m, best, at, f.len, wanted);
    return f;
}

static bool same(const struct matcher *m, int64_t pos, int64_t at)
{
    return pos >= 0 && pos < m->old_len && m->old[pos] == m->new[at];
}

static bool emit(struct copies *c, int64_t from, int64_t to, int64_t len)
{
    if (len <= 0)
        return true;
    if (c->len == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 1024;
        struct otai_copy *p = realloc(c->p, cap * sizeof *p);

        if (!p)
            return false;
        c->p = p;
        c->cap = cap;
    }
    c->p[c->len++] = (struct otai_copy){ .from = (uint32_t)from, .to = (uint32_t)to, .len = (uint32_t)len };
    return true;
}

/* How far an alignment reaches from (pos, at) in direction `step` before it has more misses than hits. */
static int64_t reach(const struct matcher *m, int64_t pos, int64_t at, int64_t most, int step)
{
    int64_t score = 0, best = 0, len = 0;

    for (int64_t i = 0; i < most; i++) {
        int64_t o = step > 0 ? pos + i : pos - 1 - i, n = step > 0 ? at + i : at - 1 - i;

        if (o < 0 || o >= m->old_len)
            break;
        score += m->old[o] == m->new[n] ? m->hit_weight : -1;
        if (score > best) {
            best = score;
            len = i + 1;
        }
    }
    return len;
}

/* Two stretches that overlap in the new image: where should the first end? */
static int64_t divide(const struct matcher *m, int64_t first, int64_t second, int64_t begin, int64_t overlap)
{
    int64_t score = 0, best = 0, cut = 0;

    for (int64_t i = 0; i < overlap; i++) {
        score += same(m, first + i, begin + i);
        score -= same(m, second + i, begin + i);
        if (score > best) {
            best = score;
            cut = i + 1;
        }
    }
    return cut;
}

/* Where the scan stands: the alignment that is followed began at (pos, begin). */
struct scan {
    int64_t begin, pos, at;
};

/* Find the next place where another alignment is better. false: none, the image ended. */
static bool next_alignment(const struct matcher *m, struct scan *s, struct found *f)
{
    int64_t shift = s->pos - s->begin, counted = s->at, score = 0;

    while (s->at < m->new_len) {
        *f = longest(m, s->at, s->at + shift);
        for (; counted < s->at + f->len; counted++)
            score += same(m, counted + shift, counted);
        if (f->len > 0 && f->len == score) {
            s->at += f->len;                /* the same alignment, or as good as it */
            counted = s->at;
            score = 0;
            continue;
        }
        if (f->len > score + m->better_by)
            return true;
        score -= same(m, s->at + shift, s->at);
        s->at++;
        if (counted < s->at)
            counted = s->at;
    }
    return false;
}

static bool scan_all(const struct matcher *m, struct copies *out)
{
    struct scan s = { 0, 0, 0 };
    bool more = true;

    while (more) {
        struct found f = { 0, 0 };
        more = next_alignment(m, &s, &f);
        int64_t ahead = reach(m, s.pos, s.begin, s.at - s.begin, 1);
        int64_t back = more ? reach(m, f.pos, s.at, s.at - s.begin, -1) : 0;
        int64_t overlap = s.begin + ahead - (s.at - back);
        if (overlap > 0) {
            int64_t cut = divide(m, s.pos + ahead - overlap, f.pos - back, s.begin + ahead - overlap, overlap);

            ahead += cut - overlap;
            back -= cut;
        }
        if (!emit(out, s.pos, s.begin, ahead))
            return false;
        if (!more)
            break;
        s.begin = s.at - back;
        s.pos = f.pos - back;
        s.at += f.len;
    }
    return true;
}

bool match_images(const uint8_t *old, uint32_t old_len, const uint8_t *new, uint32_t new_len, int better_by, int hit_weight,
                  struct copies *out)
{
    struct matcher m = { .better_by = better_by, .hit_weight = hit_weight, .old = old, .new = new, .old_len = old_len, .new_len = new_len };

    if (old_len == 0 || new_len == 0)
        return true;
    m.suffix = malloc((size_t)old_len * sizeof *m.suffix);
    bool ok = m.suffix && divsufsort(old, m.suffix, (int32_t)old_len) == 0 && scan_all(&m, out);
    free(m.suffix);
    return ok;
}
