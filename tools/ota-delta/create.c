/* SPDX-License-Identifier: Apache-2.0 */
#include "create.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "stretch.h"

#define NO_MEMORY "out of memory"
#define WHOLE_MAX (UINT32_C(1) << 30)     /* bytes of one image that are looked at at once */
#define PART_LEN (UINT32_C(1) << 28)      /* of what is larger: bytes of the new image in a part */
#define MAP_WANTED 4096                   /* entries for which a part leaves room before the counters take it */
#define PRIME_RUNS_LOG2 16u
#define WORTH_PRIMING 32u
#define TRIES_LEN (4u << 20)              /* images up to this length are encoded in several ways, to keep the best */

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
    const struct create_job *job, *outer;   /* what is encoded; what was asked for */
    struct create_job inner;
    struct memory_base base;
    struct opened opened;
    bool closed;                            /* no streams are looked for */
    struct plan plan;
    struct otai_patch_params params;
    struct bytes payload;
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
        room--;                            /* for alignment */
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

/* Encode with the parameters as they are. NULL, or what is wrong */
static const char *encode(struct maker *m, struct bytes *payload)
{
    struct encode_job e = { .base = &m->base.base, .base_len = m->job->old_len, .out_len = m->job->new_len, .params = &m->params,
                            .progress = m->job->progress ? report : NULL, .who = m };
    struct otai_script s = { .part = &m->plan.part, .map = m->plan.map.p, .minor = m->plan.minor.p, .mode = m->plan.mode,
                             .out = m->job->new };
    struct encoder *enc = encode_begin(&e);

    if (!enc)
        return NO_MEMORY;
    bool ok = encode_part(enc, &s);
    return encode_end(enc, payload) && ok ? NULL : "cannot be encoded";
}

/* Bytes of the old image to learn from: as many as leave a trace. Little memory had better learn from new bytes only, and
 * opened images cannot be read before the first new bytes have told what was opened. A patch that is small beside the old
 * image, as the first try tells, would save less than the device's time to read all of it. */
static uint32_t worth_learning(const struct maker *m)
{
    if (m->inner.old || m->payload.len < m->job->old_len / WORTH_PRIMING || m->params.runs_log2 < PRIME_RUNS_LOG2 || m->job->old_len > (uint64_t)8 << m->params.runs_log2)
        return 0;
    return (uint32_t)m->job->old_len;
}

/* Try one division of the memory between counters, runs and map; keep it when it is better than what there is. */
static const char *try_division(struct maker *m, struct otai_patch_params p, struct otai_patch_params *best)
{
    struct bytes payload = { 0 };
    int64_t room = map_room(p, m->job->memory, m->plan.copies.len);

    if (room < 0)
        return NULL;
    if (!plan_limit_map(&m->plan, (uint32_t)room))
        return NO_MEMORY;
    m->params = p;
    m->params.map_max = m->plan.part.count;
    m->plan.part.prime_len = worth_learning(m);
    const char *wrong = encode(m, &payload);
    if (wrong)
        return wrong;
    if (m->payload.p && payload.len >= m->payload.len) {
        free(payload.p);
        return NULL;
    }
    free(m->payload.p);
    m->payload = payload;
    *best = m->params;
    best->payload_len = payload.len;
    return NULL;
}

/* Counters and runs get what the map leaves; with little memory more than one division is tried. */
static const char *encode_best(struct maker *m, struct otai_patch_params *best)
{
    bool ample = m->job->memory >= 96u << 10;
    const char *wrong = NULL;
    unsigned first = 0, tries = m->job->new_len <= TRIES_LEN ? ample ? 2 : 4 : 1;

    m->params = frugal(m->job->memory);
    m->params.opened = m->opened.params;
    while (first < DIVISIONS - 1 &&
           map_room(division(m->params, first), m->job->memory, 65536) < (int64_t)(ample ? m->plan.copies.len : 16))
        first++;
    for (unsigned i = first; i < first + tries && i < DIVISIONS && !wrong; i++)
        wrong = try_division(m, division(m->params, i), best);
    return wrong;
}

/* Plan and encode with one taste after the other; small images can afford more than one. */
static const char *plan_and_encode(struct maker *m)
{
    static const struct plan_taste tastes[] = { { 8, 2, 12 }, { 5, 2, 8 }, { 4, 2, 8 }, { 4, 2, 6 }, { 8, 1, 12 }, { 3, 2, 8 } };
    struct otai_patch_params best = { 0 };
    unsigned count = m->job->new_len <= TRIES_LEN ? sizeof tastes / sizeof tastes[0] : 1;
    const char *wrong = NULL;

    for (unsigned i = 0; i < count && !wrong; i++) {
        plan_free(&m->plan);
        m->plan.old = (struct image){ .p = m->job->old, .len = (uint32_t)m->job->old_len };
        m->plan.new = (struct image){ .p = m->job->new, .len = (uint32_t)m->job->new_len };
        m->plan.part.whole = true;
        m->plan.opened = m->inner.old ? &m->opened : NULL;
        if (!plan_make(&m->plan, &m->base.base, &tastes[i], m->job->explain))
            return NO_MEMORY;
        wrong = encode_best(m, &best);
    }
    m->params = best;
    return wrong ? wrong : best.slots_log2 ? NULL : "the memory is too small";
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
    static const struct plan_taste taste = { 8, 2, 12 };
    uint64_t most = part_len(m->job), len = m->job->new_len - at < most ? m->job->new_len - at : most;
    uint64_t old_len = m->job->old_len < 2 * most ? m->job->old_len : 2 * most;
    uint64_t origin = stretches_find(s, m->job->new + at, at, len, old_len);

    plan_free(&m->plan);
    m->plan.old = (struct image){ .p = m->job->old + origin, .len = (uint32_t)old_len };
    m->plan.new = (struct image){ .p = m->job->new + at, .len = (uint32_t)len };
    m->plan.part.origin = origin;
    if (!plan_make(&m->plan, &m->base.base, &taste, m->job->explain) || !plan_limit_map(&m->plan, m->params.map_max))
        return NO_MEMORY;
    struct otai_script script = { .part = &m->plan.part, .map = m->plan.map.p, .minor = m->plan.minor.p, .mode = m->plan.mode,
                                  .out = m->job->new + at };
    return encode_part(enc, &script) ? NULL : "cannot be encoded";
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
    struct encode_job e = { .base = &m->base.base, .base_len = m->job->old_len, .out_len = m->job->new_len, .params = &m->params,
                            .progress = m->job->progress ? report : NULL, .who = m };
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
    plan_free(&m->plan);
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
        (void)fprintf(stderr, "copies in the map %u, others %u, counters 2^%u, runs 2^%u, decoder's memory %zu\n", m.plan.part.count,
                      m.plan.part.minors, m.params.slots_log2, m.params.runs_log2, otai_patch_memory(&m.params));
    free(m.payload.p);
    open_free(&m.opened);
    plan_free(&m.plan);
    return wrong;
}
