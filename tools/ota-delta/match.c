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

#include "crew.h"

#define NEIGHBOURS 32      /* equally long matches that are looked at */
#define STRETCH (1u << 20) /* bytes of the new image that are looked at by themselves */
#define PAIRS 65536u

struct sorted {
    const uint8_t *old;
    int64_t len;
    int32_t *suffix;
    uint32_t first[PAIRS + 1]; /* suffix that begins with two bytes or is behind those that do */
};

struct matcher {
    const struct sorted *sorted;
    const uint8_t *old, *new;
    int64_t old_len, new_len;
    int better_by, hit_weight;
};

struct found {
    int64_t len, index; /* in the order of suffixes */
};

static int64_t common(const struct matcher *m, int64_t pos, int64_t at, int64_t from)
{
    int64_t most = m->old_len - pos < m->new_len - at ? m->old_len - pos : m->new_len - at, n = from;

    while (n + 8 <= most && memcmp(m->old + pos + n, m->new + at + n, 8) == 0)
        n += 8;
    while (n < most && m->old[pos + n] == m->new[at + n])
        n++;
    return n;
}

/* Of matches as long as the one found: the one nearest to where the alignment would lead. */
static int64_t nearest(const struct matcher *m, const struct found *f, int64_t at, int64_t wanted)
{
    const int32_t *suffix = m->sorted->suffix;
    int64_t best = suffix[f->index];

    for (int side = -1; side <= 1; side += 2)
        for (int64_t k = 1; k <= NEIGHBOURS; k++) {
            int64_t j = f->index + side * k;

            if (j < 0 || j >= m->old_len || common(m, suffix[j], at, 0) < f->len)
                break;
            if (llabs(suffix[j] - wanted) < llabs(best - wanted))
                best = suffix[j];
        }
    return best;
}

/* The longest match of what begins at `at`. */
static struct found longest(const struct matcher *m, int64_t at)
{
    const uint32_t *first = m->sorted->first;
    bool last = at + 1 == m->new_len;
    uint32_t pair = (uint32_t)m->new[at] << 8 | (last ? 0u : m->new[at + 1]);
    int64_t low = first[pair], high = first[last ? pair + 256 : pair + 1], low_len = 0, high_len = 0;
    struct found f = { 0, 0 };

    if (low == high)
        f.len = first[pair & 0xff00u] < first[(pair & 0xff00u) + 256];
    while (low < high) {
        int64_t middle = low + (high - low) / 2, pos = m->sorted->suffix[middle];
        int64_t n = common(m, pos, at, low_len < high_len ? low_len : high_len);

        if (n > f.len) {
            f.len = n;
            f.index = middle;
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
        *f = longest(m, s->at);
        for (; counted < s->at + f->len; counted++)
            score += same(m, counted + shift, counted);
        if (f->len > 0 && f->len == score) {
            s->at += f->len; /* the same alignment, or as good as it */
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

static bool scan_stretch(const struct matcher *m, int64_t begin, struct copies *out)
{
    struct scan s = { begin, begin, begin };
    bool more = true;

    while (more) {
        struct found f = { 0, 0 };
        more = next_alignment(m, &s, &f);
        int64_t pos = more ? nearest(m, &f, s.at, s.at + s.pos - s.begin) : 0;
        int64_t ahead = reach(m, s.pos, s.begin, s.at - s.begin, 1);
        int64_t back = more ? reach(m, pos, s.at, s.at - s.begin, -1) : 0;
        int64_t overlap = s.begin + ahead - (s.at - back);
        if (overlap > 0) {
            int64_t cut = divide(m, s.pos + ahead - overlap, pos - back, s.begin + ahead - overlap, overlap);

            ahead += cut - overlap;
            back -= cut;
        }
        if (!emit(out, s.pos, s.begin, ahead))
            return false;
        if (!more)
            break;
        s.begin = s.at - back;
        s.pos = pos - back;
        s.at += f.len;
    }
    return true;
}

/* ---- sorting ------------------------------------------------------------------------------------------------------------ */

/* How many suffixes are less than each pair of bytes; the last one of all has one byte, and is less than its pairs. */
static void count_pairs(struct sorted *s)
{
    uint32_t before = 0;

    memset(s->first, 0, sizeof s->first);
    for (int64_t i = 0; i + 1 < s->len; i++)
        s->first[(uint32_t)s->old[i] << 8 | s->old[i + 1]]++;
    for (uint32_t pair = 0; pair <= PAIRS; pair++) {
        uint32_t n = pair < PAIRS ? s->first[pair] : 0;

        before += pair == (uint32_t)s->old[s->len - 1] << 8;
        s->first[pair] = before;
        before += n;
    }
}

struct sorted *match_sort(const uint8_t *old, uint32_t old_len)
{
    struct sorted *s = malloc(sizeof *s);

    if (!s)
        return NULL;
    s->old = old;
    s->len = old_len;
    s->suffix = malloc(((size_t)old_len + 1) * sizeof *s->suffix);
    if (!s->suffix || (old_len > 0 && divsufsort(old, s->suffix, (int32_t)old_len) != 0)) {
        match_free(s);
        return NULL;
    }
    if (old_len > 0)
        count_pairs(s);
    return s;
}

void match_free(struct sorted *s)
{
    if (s)
        free(s->suffix);
    free(s);
}

/* ---- stretches of the new image ------------------------------------------------------------------------------------------- */

struct stretches {
    struct matcher matcher;
    struct copies *found; /* of each stretch */
    bool *ok;
};

static void scan_one(void *who, unsigned i)
{
    struct stretches *all = who;
    struct matcher m = all->matcher;
    int64_t begin = (int64_t)i * STRETCH;

    if (m.new_len - begin > STRETCH)
        m.new_len = begin + STRETCH;
    all->ok[i] = scan_stretch(&m, begin, &all->found[i]);
}

static bool append(struct copies *out, const struct copies *from)
{
    for (size_t i = 0; i < from->len; i++)
        if (!emit(out, from->p[i].from, from->p[i].to, from->p[i].len))
            return false;
    return true;
}

bool match_images(const struct sorted *sorted, const uint8_t *new, uint32_t new_len, const struct match_taste *taste,
                  unsigned threads, struct copies *out)
{
    unsigned count = (unsigned)(((uint64_t)new_len + STRETCH - 1) / STRETCH);
    struct stretches all = { .matcher = { .sorted = sorted,
                                          .old = sorted->old,
                                          .old_len = sorted->len,
                                          .new = new,
                                          .new_len = new_len,
                                          .better_by = taste->better_by,
                                          .hit_weight = taste->hit_weight },
                             .found = calloc(count + 1, sizeof *all.found),
                             .ok = calloc(count + 1, sizeof *all.ok) };
    bool ok = all.found && all.ok;

    if (ok && sorted->len > 0)
        crew_run(threads, count, scan_one, &all);
    for (unsigned i = 0; ok && i < count && sorted->len > 0; i++)
        ok = all.ok[i] && append(out, &all.found[i]);
    for (unsigned i = 0; all.found && i < count; i++)
        free(all.found[i].p);
    free(all.found);
    free(all.ok);
    return ok;
}
