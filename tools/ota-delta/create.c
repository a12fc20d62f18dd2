/* SPDX-License-Identifier: Apache-2.0 */
#include "create.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "plan.h"
#include "refine.h"
#include "stretch.h"

#define NO_MEMORY "out of memory"
#define WHOLE_MAX (UINT32_C(1) << 30) /* bytes of one image that are looked at at once */
#define PART_LEN (UINT32_C(1) << 28)  /* of what is larger: bytes of the new image in a part */
#define AMPLE (96u << 10)             /* memory that is not little */
#define MAP_WANTED 4096               /* entries for which a part leaves room before the counters take it */
#define PRIME_RUNS_LOG2 16u
#define WORTH_PRIMING 32u
#define TRIES_LEN (4u << 20) /* images up to this length are encoded in several ways, to keep the best */
#define TRIALS_MAX 10u
#define REFINED 2u

struct memory_base {
    struct ota_delta_base base;
    const uint8_t *p;
};

static ota_err read_memory(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    memcpy(buf, ((struct memory_base *)self)->p + off, len);
    return OTA_OK;
}

static const struct ota_delta_base_ops memory_ops = { read_memory };

/* What all steps need. */
struct maker {
    const struct create_job *job, *outer; /* what is encoded; what was asked for */
    struct create_job inner;
    struct memory_base base;
    struct opened opened;
    bool closed; /* no streams are looked for */
    struct study study;
    struct plan plan[TRIALS_MAX]; /* to each taste */
    struct plan refined[REFINED];
    struct otai_patch_params params;
    struct bytes payload;
    bool encoded;            /* there is a payload */
    uint32_t copies, minors; /* in the map, outside of it */
    unsigned division;       /* of the memory, and whether the old image is learnt from */
    bool learns;
};

/* ---- memory ----------------------------------------------------------------------------------------------------------- */

/* A power of two that fits `memory`, from the budget's fixed share. */
static struct otai_patch_params frugal(uint32_t memory)
{
    struct otai_patch_params p = { .frame_log2 = 10, .learned_log2 = 6, .slots_log2 = 10, .runs_log2 = 10 };

    if (memory >= 24u << 10)
        p.frame_log2 = 11, p.learned_log2 = 8;
    if (memory >= 96u << 10)
        p.frame_log2 = 13, p.learned_log2 = 11;
    if (memory >= 768u << 10)
        p.learned_log2 = 13;
    return p;
}

/* The way of dividing memory between counters and runs that is n steps below the largest one. */
#define DIVISIONS 18u
static struct otai_patch_params division(struct otai_patch_params p, unsigned n)
{
    p.slots_log2 = (uint8_t)(18 - n / 2);
    p.runs_log2 = (uint8_t)(19 - (n + 1) / 2);
    return p;
}

/* As many entries of the map as fit beside counters and runs, up to what is wanted; -1 when even none does not fit. */
static int64_t map_room(struct otai_patch_params p, uint32_t memory, size_t wanted)
{
    p.map_max = 0;
    size_t without = otai_patch_memory(&p);
    if (without > memory)
        return -1;
    int64_t room = (int64_t)((memory - without) / 14);
    if (room > 0)
        room--; /* for alignment */
    if (room > (int64_t)OTAI_MAP_MAX)
        room = OTAI_MAP_MAX;
    return room < (int64_t)wanted ? room : (int64_t)wanted;
}

/* ---- encoding --------------------------------------------------------------------------------------------------------- */

static void report(void *who, uint64_t done)
{
    const struct create_job *job = ((struct maker *)who)->job;

    job->progress(job->who, "encoding", (unsigned)(done * 100 / job->new_len));
}

/* One way to encode: a plan, a division of the memory, and whether to learn from the old image beforehand. */
struct trial {
    const struct plan *plan;
    unsigned division;
    bool learns;
    /* What came of it. Not encoded: the memory is too small, or it was given up. */
    bool encoded;
    struct otai_patch_params params;
    struct bytes payload;
    uint32_t copies, minors;
    const char *wrong;
};

/* Trials that run side by side. One that is longer than another that is complete is given up: which one wins does not depend
 * on when that is. */
struct contest {
    struct maker *m;
    struct trial trial[TRIALS_MAX];
    unsigned count;
    atomic_size_t least;
};

static const char *encode(struct maker *m, struct trial *t, const struct course *c, const atomic_size_t *least, bool tells)
{
    struct encode_job e = { .base = &m->base.base,
                            .base_len = m->job->old_len,
                            .out_len = m->job->new_len,
                            .params = &t->params,
                            .most = least,
                            .progress = tells && m->job->progress ? report : NULL,
                            .who = m };
    struct otai_script s = { .part = &c->part, .map = c->map.p, .minor = c->minor.p, .mode = t->plan->mode, .out = m->job->new };
    struct encoder *enc = encode_begin(&e);

    if (!enc)
        return NO_MEMORY;
    bool ok = encode_part(enc, &s);
    if (!encode_end(enc, &t->payload))
        return NO_MEMORY;
    if (t->payload.len > atomic_load(least)) {
        free(t->payload.p);
        t->payload = (struct bytes){ 0 };
        return NULL;
    }
    t->encoded = ok;
    return ok ? NULL : "cannot be encoded";
}

static void lower(atomic_size_t *least, size_t len)
{
    size_t was = atomic_load(least);

    while (len < was && !atomic_compare_exchange_weak(least, &was, len))
        continue;
}

static void try_one(void *who, unsigned i)
{
    struct contest *c = who;
    struct trial *t = &c->trial[i];
    struct maker *m = c->m;
    struct course course;

    t->params = division(m->params, t->division);
    int64_t room = map_room(t->params, m->job->memory, t->plan->copies.len);
    if (room < 0)
        return;
    if (course_make(&course, t->plan, (uint32_t)room)) {
        t->params.map_max = t->copies = course.part.count;
        t->minors = course.part.minors;
        course.part.whole = true;
        course.part.prime_len = t->learns ? (uint32_t)m->job->old_len : 0;
        t->wrong = encode(m, t, &course, &c->least, i == 0);
    } else {
        t->wrong = NO_MEMORY;
    }
    course_free(&course);
    if (t->encoded)
        lower(&c->least, t->payload.len);
}

/* Hold the contest; the first of the shortest becomes the payload if it is shorter than that. @return NULL, or what is wrong */
static const char *hold(struct contest *c, const struct plan **best)
{
    struct maker *m = c->m;
    const char *wrong = NULL;

    atomic_init(&c->least, m->encoded ? m->payload.len : SIZE_MAX);
    crew_run(m->job->threads, c->count, try_one, c);
    for (unsigned i = 0; i < c->count; i++) {
        struct trial *t = &c->trial[i];

        wrong = wrong ? wrong : t->wrong;
        if (!t->encoded || (m->encoded && t->payload.len >= m->payload.len)) {
            free(t->payload.p);
            continue;
        }
        free(m->payload.p);
        m->payload = t->payload;
        m->encoded = true;
        m->copies = t->copies;
        m->minors = t->minors;
        m->params = t->params;
        m->division = t->division;
        m->learns = t->learns;
        *best = t->plan;
    }
    return wrong;
}

/* Is the old image worth learning from? Only as many bytes as leave a trace. Little memory had better learn from new bytes
 * only, and opened images cannot be read before the first new bytes have told what was opened. A patch that is small beside
 * the old image would save less than the device's time to read all of it. */
static bool worth_learning(const struct maker *m, unsigned runs_log2)
{
    return !m->inner.old && m->payload.len >= m->job->old_len / WORTH_PRIMING && runs_log2 >= PRIME_RUNS_LOG2 &&
           m->job->old_len <= (uint64_t)8 << runs_log2;
}

/* The largest counters and runs that leave room for the map; with little memory, for some of it. */
static unsigned first_division(const struct maker *m, const struct otai_patch_params *p, const struct plan *plan)
{
    int64_t wanted = m->job->memory >= AMPLE ? (int64_t)plan->copies.len : 16;
    unsigned n = 0;

    while (n < DIVISIONS - 1 && map_room(division(*p, n), m->job->memory, OTAI_MAP_MAX) < wanted)
        n++;
    return n;
}

/* A plan with many short copies has most to choose from. */
static const uint8_t choosy[REFINED - 1] = { 4 };

struct refining {
    struct maker *m;
    const struct plan *best;
    bool ok[REFINED];
};

static void refine_one(void *who, unsigned i)
{
    struct refining *r = who;
    struct maker *m = r->m;
    const struct plan *p = i == 0 ? r->best : &m->plan[choosy[i - 1]];
    struct refine_job job = { .base = &m->base.base, .new = m->job->new, .old_len = m->job->old_len, .new_len = m->job->new_len,
                              .params = m->params, .learns = m->learns };
    int64_t room = map_room(job.params, m->job->memory, p->copies.len);

    job.params.map_max = room > 0 ? (uint32_t)room : 0;
    r->ok[i] = refine(&job, p, &m->refined[i]);
}

/* The same with better copies, encoded as what was best. Streams that are opened when they are read have copies in an order that
 * had better stay. */
static const char *encode_refined(struct maker *m, const struct plan *best)
{
    struct refining r = { .m = m, .best = best };
    struct contest c = { .m = m, .count = REFINED };
    struct otai_patch_params won = m->params;
    size_t before = m->payload.len;

    if (m->inner.old)
        return NULL;
    crew_run(m->job->threads, REFINED, refine_one, &r);
    for (unsigned i = 0; i < REFINED; i++) {
        if (!r.ok[i])
            return NO_MEMORY;
        c.trial[i] = (struct trial){ .plan = &m->refined[i], .division = m->division, .learns = m->learns };
    }
    const char *wrong = hold(&c, &best);
    if (m->payload.len == before)
        m->params = won;
    return wrong;
}

/* Each plan once; then the best one in other ways, if the image is small enough to afford it. */
static const char *encode_best(struct maker *m, unsigned plans)
{
    struct otai_patch_params p = frugal(m->job->memory);
    struct contest c = { .m = m, .count = plans };
    const struct plan *best = NULL;

    p.opened = m->opened.params;
    m->params = p;
    for (unsigned i = 0; i < plans; i++)
        c.trial[i] = (struct trial){ .plan = &m->plan[i], .division = first_division(m, &p, &m->plan[i]) };
    const char *wrong = hold(&c, &best);
    if (wrong || !best || plans == 1)
        return wrong;
    unsigned first = first_division(m, &p, best), tries = m->job->memory >= AMPLE ? 2 : 4;
    struct otai_patch_params won = m->params;
    c = (struct contest){ .m = m };
    for (unsigned i = 0; i < tries && first + i < DIVISIONS; i++) {
        bool learns = worth_learning(m, division(p, first + i).runs_log2);

        if (i > 0 || learns)
            c.trial[c.count++] = (struct trial){ .plan = best, .division = first + i, .learns = learns };
    }
    m->params = p;
    size_t before = m->payload.len;
    wrong = hold(&c, &best);
    if (m->payload.len == before)
        m->params = won;
    return wrong ? wrong : encode_refined(m, best);
}

/* ---- planning ----------------------------------------------------------------------------------------------------------- */

/* The first is for all images; then for new code, and at last for images where little but addresses changed. */
static const struct plan_taste tastes[] = { { { 8, 2 }, 12 },  { { 5, 2 }, 8 },  { { 4, 2 }, 8 }, { { 6, 2 }, 10 },
                                            { { 4, 2 }, 6 },   { { 8, 1 }, 12 }, { { 3, 2 }, 8 }, { { 12, 2 }, 16 },
                                            { { 16, 3 }, 24 }, { { 16, 3 }, 40 } };
#define TASTES (sizeof tastes / sizeof tastes[0])

struct planning {
    struct maker *m;
    unsigned threads; /* for one plan */
    bool ok[TRIALS_MAX];
};

static void plan_one(void *who, unsigned i)
{
    struct planning *p = who;

    p->ok[i] = plan_make(&p->m->plan[i], &p->m->study, &p->m->base.base, &tastes[i], p->threads);
}

/* Plans to the first `count` tastes. */
static bool make_plans(struct maker *m, unsigned count)
{
    struct planning p = { .m = m, .threads = count == 1 ? m->job->threads : 1 };
    bool ok = study_make(&m->study);

    if (ok)
        crew_run(m->job->threads, count, plan_one, &p);
    for (unsigned i = 0; ok && i < count; i++)
        ok = p.ok[i];
    if (ok && m->job->explain)
        plan_explain(&m->plan[0], &m->study);
    study_free(&m->study);
    return ok;
}

static void free_plans(struct maker *m)
{
    for (unsigned i = 0; i < TRIALS_MAX; i++)
        plan_free(&m->plan[i]);
    for (unsigned i = 0; i < REFINED; i++)
        plan_free(&m->refined[i]);
    study_free(&m->study);
}

/* Plan and encode to one taste or more; small images can afford more than one. */
static const char *plan_and_encode(struct maker *m)
{
    unsigned count = m->job->new_len <= TRIES_LEN ? TASTES : 1;

    m->study = (struct study){ .old = { .p = m->job->old, .len = (uint32_t)m->job->old_len },
                               .new = { .p = m->job->new, .len = (uint32_t)m->job->new_len },
                               .opened = m->inner.old ? &m->opened : NULL };
    if (!make_plans(m, count))
        return NO_MEMORY;
    const char *wrong = encode_best(m, count);
    return wrong ? wrong : m->encoded ? NULL : "the memory is too small";
}

/* ---- images that are too large to be looked at at once ------------------------------------------------------------------ */

static bool in_parts(const struct create_job *job)
{
    uint64_t most = job->part_len ? job->part_len : WHOLE_MAX;

    return job->old_len > most || job->new_len > most;
}

static uint64_t part_len(const struct create_job *job)
{
    return job->part_len ? job->part_len : PART_LEN;
}

/* One part: a piece of the new image, from twice as many bytes of the old one. */
static const char *encode_piece(struct maker *m, struct encoder *enc, const struct stretches *s, uint64_t at)
{
    uint64_t most = part_len(m->job), len = m->job->new_len - at < most ? m->job->new_len - at : most;
    uint64_t old_len = m->job->old_len < 2 * most ? m->job->old_len : 2 * most;
    uint64_t origin = stretches_find(s, m->job->new + at, at, len, old_len);
    struct course course = { 0 };
    const char *wrong = NO_MEMORY;

    m->study = (struct study){ .old = { .p = m->job->old + origin, .len = (uint32_t)old_len },
                               .new = { .p = m->job->new + at, .len = (uint32_t)len },
                               .origin = origin };
    if (make_plans(m, 1) && course_make(&course, &m->plan[0], m->params.map_max)) {
        struct otai_script script = {
            .part = &course.part, .map = course.map.p, .minor = course.minor.p, .mode = m->plan[0].mode, .out = m->job->new + at
        };

        wrong = encode_part(enc, &script) ? NULL : "cannot be encoded";
        m->copies = course.part.count;
        m->minors = course.part.minors;
    }
    course_free(&course);
    free_plans(m);
    return wrong;
}

/* Counters and runs get what MAP_WANTED entries leave of the memory; the map gets what they leave. */
static bool divide_memory(struct maker *m)
{
    struct otai_patch_params p = frugal(m->job->memory);
    unsigned n = 0;

    while (n < DIVISIONS - 1 && map_room(division(p, n), m->job->memory, OTAI_MAP_MAX) < MAP_WANTED)
        n++;
    m->params = division(p, n);
    int64_t room = map_room(m->params, m->job->memory, OTAI_MAP_MAX);
    m->params.map_max = room > 0 ? (uint32_t)room : 0;
    return room >= 0;
}

static const char *encode_in_parts(struct maker *m)
{
    struct encode_job e = { .base = &m->base.base,
                            .base_len = m->job->old_len,
                            .out_len = m->job->new_len,
                            .params = &m->params,
                            .progress = m->job->progress ? report : NULL,
                            .who = m };
    const char *wrong = NULL;

    if (!divide_memory(m))
        return "the memory is too small";
    struct stretches *s = stretches_begin(m->job->old, m->job->old_len);
    struct encoder *enc = s ? encode_begin(&e) : NULL;
    if (!enc) {
        stretches_end(s);
        return NO_MEMORY;
    }
    for (uint64_t at = 0; at < m->job->new_len && !wrong; at += part_len(m->job))
        wrong = encode_piece(m, enc, s, at);
    stretches_end(s);
    return encode_end(enc, &m->payload) || wrong ? wrong : NO_MEMORY;
}

/* ---- the file --------------------------------------------------------------------------------------------------------- */

static bool put_frames(struct maker *m, struct bytes *out)
{
    const struct otai_patch_params *p = &m->params;
    size_t most = (1u << p->frame_log2) - OTAI_FRAME_CRC_LEN;
    struct ota_delta_info info = { .base_len = m->outer->old_len, .out_len = m->outer->new_len };

    memcpy(info.base_digest, m->job->old_sha256, OTA_DELTA_DIGEST_LEN);
    memcpy(info.out_digest, m->job->new_sha256, OTA_DELTA_DIGEST_LEN);
    out->cap = OTA_DELTA_HEADER_MAX + m->payload.len + (m->payload.len / most + 1) * OTAI_FRAME_CRC_LEN;
    out->p = malloc(out->cap);
    if (!out->p)
        return false;
    out->len = otai_patch_put_header(out->p, &info, p);
    for (size_t at = 0; at < m->payload.len; at += most) {
        size_t n = m->payload.len - at < most ? m->payload.len - at : most;

        memcpy(out->p + out->len, m->payload.p + at, n);
        otai_put_le32(out->p + out->len + n, otai_crc32(0, m->payload.p + at, n));
        out->len += n + OTAI_FRAME_CRC_LEN;
    }
    return true;
}

/* Does the patch make the new image? */
static const char *prove(struct maker *m, const struct bytes *patch)
{
    struct memory_base base = { { &memory_ops }, m->outer->old };
    struct ota_delta_config cfg = { .size = sizeof cfg, .base = &base.base, .base_len = m->outer->old_len };
    size_t mem_len = otai_patch_memory(&m->params), in = 0, used, made;
    void *mem = malloc(mem_len);
    uint64_t at = 0;
    struct ota_delta *d;
    uint8_t out[4096];
    ota_err err = mem ? ota_delta_begin(&d, &cfg, mem, mem_len) : OTA_USAGE_MEMORY;

    while (err == OTA_OK) {
        err = ota_delta_push(d, patch->p + in, patch->len - in, &used, out, sizeof out, &made);
        in += used;
        if (made > m->outer->new_len - at || memcmp(out, m->outer->new + at, made) != 0 || (err == OTA_OK && !used && !made))
            err = OTA_REJECT_CORRUPT;
        at += made;
    }
    free(mem);
    if (err == OTA_USAGE_MEMORY)
        return NO_MEMORY;
    return err == OTA_DONE && at == m->outer->new_len ? NULL : "the patch does not make the new image: please report this";
}

/* Work on the images with their streams opened, if there are any. */
static bool open_streams(struct maker *m)
{
    if (!open_images(m->outer, &m->opened))
        return false;
    if (m->opened.params.new_count == 0)
        return true;
    m->inner = *m->outer;
    m->inner.old = m->opened.old;
    m->inner.old_len = m->opened.params.old_len;
    m->inner.new = m->opened.new;
    m->inner.new_len = m->opened.params.new_len;
    m->job = &m->inner;
    m->base.p = m->opened.old;
    return true;
}

static const char *make(struct maker *m, struct bytes *out)
{
    const struct create_job *job = m->job;
    const char *wrong = NULL;

    if (job->new_len > INT64_MAX || job->old_len > INT64_MAX)
        return "images from 2^63 bytes on are not supported";
    if (job->progress)
        job->progress(job->who, "matching", 0);
    m->params = frugal(job->memory);
    if (in_parts(job))
        wrong = encode_in_parts(m);
    else if (!m->closed && !open_streams(m))
        return NO_MEMORY;
    else if (job->new_len)
        wrong = plan_and_encode(m);
    if (wrong)
        return wrong;
    m->params.payload_len = m->payload.len;
    if (job->progress)
        job->progress(job->who, "done", 100);
    return put_frames(m, out) ? prove(m, out) : NO_MEMORY;
}

/* Images whose opened streams do not come out right are patched as they are. */
static const char *make_closed(struct maker *m, struct bytes *out)
{
    const struct create_job *job = m->outer;

    free(out->p);
    *out = (struct bytes){ 0 };
    free(m->payload.p);
    free_plans(m);
    open_free(&m->opened);
    *m = (struct maker){ .job = job, .outer = job, .closed = true, .base = { { &memory_ops }, job->old } };
    return make(m, out);
}

const char *create_patch(const struct create_job *job, struct bytes *out)
{
    struct maker m = { .job = job, .outer = job, .base = { { &memory_ops }, job->old } };

    *out = (struct bytes){ 0 };
    const char *wrong = job->memory < CREATE_MEMORY_MIN ? "the memory is too small" : make(&m, out);
    if (wrong && m.inner.old)
        wrong = make_closed(&m, out);
    if (wrong) {
        free(out->p);
        *out = (struct bytes){ 0 };
    }
    if (job->explain && !wrong && m.inner.old)
        (void)fprintf(stderr, "streams opened: %u of the old image, %u of the new one; %zu bytes of memory for them\n",
                      m.opened.params.old_count, m.opened.params.new_count, otai_opened_memory(&m.opened.params));
    if (job->explain && !wrong)
        (void)fprintf(stderr, "copies in the map %u, others %u, counters 2^%u, runs 2^%u, decoder's memory %zu\n", m.copies,
                      m.minors, m.params.slots_log2, m.params.runs_log2, otai_patch_memory(&m.params));
    free(m.payload.p);
    open_free(&m.opened);
    free_plans(&m);
    return wrong;
}
