/* SPDX-License-Identifier: Apache-2.0 */
#include "refine.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 3u
#define ANOTHER_PIECE (16 * COST_BIT) /* what one more piece of the same copy costs to announce */

/* What everything costs: of each new byte; of a copy's announcement, at its first byte. */
struct costs {
    uint32_t *literal, *copied, *head;
};

static bool costs_make(struct costs *c, uint64_t len)
{
    c->literal = calloc(len + 1, sizeof *c->literal);
    c->copied = calloc(len + 1, sizeof *c->copied);
    c->head = calloc(len + 1, sizeof *c->head);
    return c->literal && c->copied && c->head;
}

static void costs_free(struct costs *c)
{
    free(c->literal);
    free(c->copied);
    free(c->head);
}

static bool measure(const struct refine_job *job, const struct plan *p, uint32_t *byte, uint32_t *head)
{
    struct encode_job e = { .base = job->base, .base_len = job->old_len, .out_len = job->new_len, .params = &job->params,
                            .byte_cost = byte, .head_cost = head };
    struct course c;
    struct bytes payload = { 0 };
    bool ok = course_make(&c, p, job->params.map_max);
    struct otai_script s = { .part = &c.part, .map = c.map.p, .minor = c.minor.p, .mode = p->mode, .out = job->new };

    c.part.whole = true;
    c.part.prime_len = job->learns ? (uint32_t)job->old_len : 0;
    struct encoder *enc = ok ? encode_begin(&e) : NULL;
    ok = enc && encode_part(enc, &s);
    if (enc && encode_end(enc, &payload))
        free(payload.p);
    else
        ok = false;
    course_free(&c);
    return ok;
}

/* A copy may be cut between instructions or words only: of any other place its mode would make something else. */
static uint32_t unit_of(uint8_t mode)
{
    switch ((enum otai_mode)mode) {
    case OTAI_M_THUMB:
    case OTAI_M_RISCV:
        return 2;
    case OTAI_M_ARM:
    case OTAI_M_A64:
    case OTAI_M_PTR32:
    case OTAI_M_REL32:
        return 4;
    case OTAI_M_PTR64:
        return 8;
    default:
        return 1;
    }
}

static bool add_copy(struct copies *c, struct otai_copy x)
{
    if (c->len == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 1024;
        struct otai_copy *p = realloc(c->p, cap * sizeof *p);

        if (!p)
            return false;
        c->p = p;
        c->cap = cap;
    }
    c->p[c->len++] = x;
    return true;
}

enum { BEGINS = 1, ENDS = 2 };

/*
 * What is saved most up to a byte, if the last byte is outside of every piece, or inside of one. Of each byte it is marked
 * whether the piece that it is inside of had better begin with it, and whether the best pieces so far end with it.
 */
static void weigh(const struct costs *c, const struct plan *p, const struct otai_copy *x, uint8_t *mark)
{
    int64_t outside = 0, inside = INT64_MIN / 2;

    for (uint32_t i = 0; i < x->len; i++) {
        uint32_t at = x->to + i, unit = unit_of(p->mode[at >> 10]);
        int64_t enter = outside - (outside == 0 ? (int64_t)c->head[x->to] : (int64_t)ANOTHER_PIECE);

        if (enter > inside && (i == 0 || (x->from + i) % unit == 0)) {
            mark[i] |= BEGINS;
            inside = enter;
        }
        inside += (int64_t)c->literal[at] - (int64_t)c->copied[at];
        if (inside > outside && (i + 1 == x->len || (x->from + i + 1) % unit == 0)) {
            mark[i] |= ENDS;
            outside = inside;
        }
    }
}

static void turn(struct otai_copy *p, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct otai_copy x = p[i];

        p[i] = p[n - 1 - i];
        p[n - 1 - i] = x;
    }
}

/* Add the pieces that save most, found from the last to the first. */
static bool add_pieces(const struct otai_copy *x, const uint8_t *mark, struct copies *out)
{
    size_t before = out->len;
    uint32_t end = 0; /* of the piece that i is in; 0: in none */

    for (uint32_t i = x->len; i-- > 0;) {
        if (!end && mark[i] & ENDS)
            end = i + 1;
        if (!end || !(mark[i] & BEGINS))
            continue;
        if (!add_copy(out, (struct otai_copy){ x->from + i, x->to + i, end - i }))
            return false;
        end = 0;
    }
    if (out->len > before)
        turn(out->p + before, out->len - before);
    return true;
}

static bool cut_one(const struct costs *c, const struct plan *p, const struct otai_copy *x, struct copies *out)
{
    uint8_t *mark = calloc(1, x->len);

    if (!mark)
        return false;
    weigh(c, p, x, mark);
    bool ok = add_pieces(x, mark, out);
    free(mark);
    return ok;
}

static bool cut_all(const struct costs *c, struct plan *p)
{
    struct copies out = { 0 };
    bool ok = true;

    for (size_t i = 0; ok && i < p->copies.len; i++)
        ok = cut_one(c, p, &p->copies.p[i], &out);
    free(p->copies.p);
    p->copies = out;
    p->part.count = (uint32_t)out.len;
    return ok;
}

static bool plan_copy(struct plan *out, const struct plan *p, uint64_t new_len)
{
    *out = (struct plan){ .part = p->part, .mode = malloc((new_len >> 10) + 1) };
    if (!out->mode)
        return false;
    memcpy(out->mode, p->mode, (new_len >> 10) + 1);
    for (size_t i = 0; i < p->copies.len; i++)
        if (!add_copy(&out->copies, p->copies.p[i]))
            return false;
    return true;
}

bool refine(const struct refine_job *job, const struct plan *p, struct plan *out)
{
    struct plan none = { .part = p->part, .mode = p->mode };
    struct costs c;
    bool ok = costs_make(&c, job->new_len);

    none.part.count = 0;
    ok = ok && plan_copy(out, p, job->new_len) && measure(job, &none, c.literal, c.head);
    for (unsigned i = 0; ok && i < ROUNDS; i++)
        ok = measure(job, out, c.copied, c.head) && cut_all(&c, out);
    costs_free(&c);
    return ok;
}
