/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <stdlib.h>
#include <string.h>

struct ranger {
    struct otai_coder coder;
    struct bytes out;
    uint64_t low;
    uint32_t range;
    bool failed, counts;
    uint32_t cost; /* of what was coded since it was noted, if it counts */
};

struct encoder {
    struct otai_body body;
    struct ranger out;
    struct encode_job job;
    void *memory[5];
};

static void add(struct ranger *r, uint8_t byte)
{
    struct bytes *b = &r->out;

    if (b->len == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 65536;
        uint8_t *p = realloc(b->p, cap);

        if (!p) {
            r->failed = true;
            return;
        }
        b->p = p;
        b->cap = cap;
    }
    b->p[b->len++] = byte;
}

static void carry(struct ranger *r)
{
    size_t i = r->out.len;

    if (r->low >> 32 == 0)
        return;
    while (i-- > 0 && ++r->out.p[i] == 0)
        continue;
    r->low &= 0xffffffffu;
}

/* -log2(p / 65536), without floating-point numbers, which not every machine rounds alike. */
static uint32_t cost_of(uint32_t p)
{
    uint32_t cost = 16 * COST_BIT, unit = COST_BIT;
    uint64_t x = p;

    for (; x >= 2; x >>= 1)
        cost -= unit;
    x = (uint64_t)p << 31;
    while (x >> 32)
        x >>= 1;
    while (unit /= 2) {
        x = x * x >> 31;
        if (x >> 32) {
            x >>= 1;
            cost -= unit;
        }
    }
    return cost;
}

static unsigned put_bit(struct otai_coder *c, uint32_t p1, unsigned bit)
{
    struct ranger *r = (struct ranger *)c;
    uint32_t bound = (r->range >> 16) * p1;

    if (r->counts)
        r->cost += cost_of(bit ? p1 : 65536u - p1);

    if (bit) {
        r->range = bound;
    } else {
        r->low += bound;
        r->range -= bound;
        carry(r);
    }
    while (r->range < 1u << 24) {
        add(r, (uint8_t)(r->low >> 24));
        r->low = r->low << 8 & 0xffffffffu;
        r->range <<= 8;
    }
    return bit;
}

/* The shortest number inside the range; what follows reads as zeros, so zeros at the end need not be sent. */
static void flush(struct ranger *r)
{
    uint64_t end = r->low + r->range;
    size_t begin = r->out.len;

    for (unsigned n = 0; n <= 4; n++) {
        uint64_t mask = (UINT64_C(1) << (32 - 8 * n)) - 1, v = (r->low + mask) & ~mask;

        if (v >= end)
            continue;
        r->low = v;
        carry(r);
        for (unsigned i = 0; i < n; i++)
            add(r, (uint8_t)(r->low >> (24 - 8 * i)));
        break;
    }
    while (r->out.len > begin && r->out.p[r->out.len - 1] == 0)
        r->out.len--;
}

static void *zeroed(struct encoder *e, unsigned i, size_t len)
{
    e->memory[i] = calloc(1, len ? len : 1);
    return e->memory[i];
}

static void drop(struct encoder *e)
{
    for (unsigned i = 0; i < 5; i++)
        free(e->memory[i]);
    free(e);
}

struct encoder *encode_begin(const struct encode_job *job)
{
    struct encoder *e = calloc(1, sizeof *e);
    const struct otai_patch_params *p = job->params;

    if (!e)
        return NULL;
    struct otai_map *m = &e->body.scene.map;
    size_t n = p->map_max + 1u;
    e->job = *job;
    e->body.model.slot = zeroed(e, 0, (size_t)2 << p->slots_log2);
    e->body.model.run = zeroed(e, 4, (size_t)2 << p->runs_log2);
    e->body.scene.learned.entry = zeroed(e, 1, (size_t)8 << p->learned_log2);
    m->from = zeroed(e, 2, n * 3 * sizeof *m->from);
    m->order = zeroed(e, 3, n * sizeof *m->order);
    if (!e->memory[0] || !e->memory[1] || !e->memory[4] || !m->from || !m->order) {
        drop(e);
        return NULL;
    }
    m->to = m->from + n;
    m->len = m->to + n;
    e->out.coder.bit = put_bit;
    e->out.range = 0xffffffffu;
    e->out.counts = job->byte_cost != NULL;
    e->body.model.coder = &e->out.coder;
    e->body.model.slots_log2 = p->slots_log2;
    e->body.model.runs_log2 = p->runs_log2;
    e->body.scene.learned.log2 = p->learned_log2;
    e->body.scene.window.base = job->base;
    e->body.base_len = job->base_len;
    e->body.out_len = job->out_len;
    e->body.map_max = p->map_max;
    otai_body_init(&e->body);
    return e;
}

/* What a step from there cost: the bytes that it made, or the copy that it announced. */
static void note_cost(struct encoder *e, uint8_t phase, uint32_t at, uint32_t minors)
{
    const struct otai_body *b = &e->body;
    uint32_t cost = e->out.cost;

    e->out.cost = 0;
    if (phase == OTAI_P_MAP && b->phase == OTAI_P_MAP)
        e->job.head_cost[b->scene.map.to[b->scene.map.count - 1]] = cost;
    else if (b->minor_index > minors)
        e->job.head_cost[b->gap_end] = cost;
    for (uint32_t i = 0; phase == OTAI_P_RUN && i < b->made_len; i++)
        e->job.byte_cost[at + i] = cost / b->made_len;
}

bool encode_part(struct encoder *e, const struct otai_script *script)
{
    uint64_t end = e->body.out_off + script->part->out_len;
    uint32_t steps = 0;

    e->body.script = script;
    while (e->body.out_off < end && !e->out.failed) {
        uint8_t phase = e->body.phase;
        uint32_t at = e->body.at, minors = e->body.minor_index;

        if (otai_body_step(&e->body) != OTA_OK)
            return false;
        if (e->out.counts)
            note_cost(e, phase, at, minors);
        if ((++steps & 0xfff) != 0)
            continue;
        if (e->job.most && e->out.out.len > atomic_load(e->job.most))
            return false;
        if (e->job.progress)
            e->job.progress(e->job.who, e->body.out_off + (e->body.phase == OTAI_P_RUN ? e->body.at : 0));
    }
    return !e->out.failed;
}

bool encode_end(struct encoder *e, struct bytes *out)
{
    flush(&e->out);
    bool ok = !e->out.failed;
    *out = e->out.out;
    if (!ok)
        free(out->p);
    drop(e);
    return ok;
}
