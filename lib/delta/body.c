/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's syntax (docs/patch-format.md): parts, each with its map of copies, then its bytes. Every function that
 * codes something takes what an encoder wants to send and returns what both sides go on with.
 */
#include "patch.h"

#include <string.h>

#define PRIME_STEP 64u
#define NUMBER_MAX 0xfffffffeu

/* Flags. */
enum { F_WHOLE, F_PRIME, F_BASE, F_SAME_BASE, F_MINOR, F_MODE, F_MODE_BITS = 8 };

static unsigned flag(struct otai_body *b, unsigned which, unsigned bit)
{
    return otai_code_flag(&b->model, which, bit);
}

static uint32_t number(struct otai_body *b, enum otai_number kind, uint32_t v)
{
    return otai_code_number(&b->model, kind, v);
}

static uint64_t wide(struct otai_body *b, uint64_t v)
{
    uint64_t got = 0;

    for (unsigned i = 0; i < 64; i += 16)
        got |= (uint64_t)(number(b, OTAI_N_MISC, (uint32_t)(v >> i & 0xffff)) & 0xffff) << i;
    return got;
}

void otai_body_init(struct otai_body *b)
{
    otai_model_init(&b->model);
    for (size_t i = 0; i < (size_t)2 << b->scene.learned.log2; i++)
        b->scene.learned.entry[i] = 0;
    b->phase = b->out_len ? OTAI_P_PART : OTAI_P_END;
}

static void code_segment(struct otai_body *b, struct otai_segment *s, const struct otai_segment *like)
{
    s->off = like->off + (uint32_t)otai_code_signed(&b->model, OTAI_N_MISC, (int32_t)(s->off - like->off));
    s->addr = like->addr + (uint32_t)otai_code_signed(&b->model, OTAI_N_MISC, (int32_t)(s->addr - like->addr));
    s->len = like->len + (uint32_t)otai_code_signed(&b->model, OTAI_N_MISC, (int32_t)(s->len - like->len));
}

static bool code_base(struct otai_body *b, struct otai_layout *l, const struct otai_layout *like)
{
    if (flag(b, F_SAME_BASE, l->base == like->base ? 1u : 0u))
        l->base = like->base;
    else
        l->base = wide(b, l->base);
    uint32_t count = number(b, OTAI_N_MISC, l->count);
    if (count > OTAI_SPANS)
        return false;
    l->count = (uint8_t)count;
    return true;
}

static bool code_place(struct otai_body *b, struct otai_part *p)
{
    uint64_t left = b->out_len - b->out_off;

    p->whole = flag(b, F_WHOLE, p->whole) != 0;
    if (p->whole) {
        p->origin = 0;
        p->old_len = (uint32_t)b->base_len;
        p->out_len = (uint32_t)left;
        return b->base_len <= NUMBER_MAX && left <= NUMBER_MAX;
    }
    p->origin = wide(b, p->origin);
    p->old_len = number(b, OTAI_N_MISC, p->old_len);
    p->out_len = number(b, OTAI_N_MISC, p->out_len);
    return p->origin <= b->base_len && p->old_len <= b->base_len - p->origin && p->out_len > 0 && p->out_len <= left;
}

static bool code_prime(struct otai_body *b, struct otai_part *p)
{
    if (!flag(b, F_PRIME, p->prime_len > 0)) {
        p->prime_off = p->prime_len = 0;
        return true;
    }
    p->prime_off = number(b, OTAI_N_MISC, p->prime_off);
    p->prime_len = number(b, OTAI_N_MISC, p->prime_len);
    return p->prime_off <= p->old_len && p->prime_len <= p->old_len - p->prime_off;
}

static ota_err begin_part(struct otai_body *b)
{
    struct otai_part p = { 0 };

    if (b->script)
        p = *b->script->part;
    if (!code_place(b, &p) || !code_prime(b, &p))
        return OTA_REJECT_CORRUPT;
    p.was.len = p.old_len;
    p.now.len = p.out_len;
    b->part = p;
    b->scene.map.count = 0;
    b->scene.window.origin = p.origin;
    b->scene.window.limit = p.old_len;
    b->scene.window.len = 0;
    memset(&b->walk, 0, sizeof b->walk);
    b->index = b->at = b->gap_end = b->minor_len = b->unit_end = b->mode_block = b->minor_index = 0;
    b->layout_step = 0;
    b->phase = OTAI_P_LAYOUT;
    return OTA_OK;
}

static ota_err begin_map(struct otai_body *b)
{
    struct otai_part *p = &b->part;

    p->count = number(b, OTAI_N_MISC, p->count);
    p->minors = flag(b, F_MINOR, p->minors > 0);
    if (p->count > b->map_max)
        return OTA_REJECT_CORRUPT;
    b->scene.map.was = p->was;
    b->scene.map.now = p->now;
    b->phase = OTAI_P_MAP;
    return OTA_OK;
}

/* A base address or one segment a step: both layouts at once could take more than OTAI_STEP_MAX. */
static ota_err step_layout(struct otai_body *b)
{
    static const struct otai_layout none;
    bool old = b->layout_step < OTAI_LAYOUT_STEPS;
    uint32_t i = b->layout_step % OTAI_LAYOUT_STEPS;
    struct otai_layout *l = old ? &b->part.was : &b->part.now;
    const struct otai_layout *like = old ? &none : &b->part.was;

    if (i > 0)
        code_segment(b, &l->segment[i - 1], i <= like->count ? &like->segment[i - 1] : &none.segment[0]);
    else if (!code_base(b, l, like))
        return OTA_REJECT_CORRUPT;
    if (i == l->count && !old)
        return begin_map(b);
    b->layout_step = (uint8_t)(i == l->count ? OTAI_LAYOUT_STEPS : b->layout_step + 1u);
    return OTA_OK;
}

/* One copy of the map: how far behind the last one it begins, its length, and by how much its source moved. */
static ota_err code_entry(struct otai_body *b)
{
    struct otai_map *m = &b->scene.map;
    uint32_t i = m->count;
    uint32_t end = i ? m->to[i - 1] + m->len[i - 1] : 0, from = i ? m->from[i - 1] + m->len[i - 1] : 0;
    struct otai_copy c = { .len = 1 };

    if (b->script)
        c = b->script->map[i];
    uint32_t gap = number(b, OTAI_N_GAP, c.to - end);
    uint32_t len = number(b, OTAI_N_LEN, c.len - 1);
    from += gap + (uint32_t)otai_code_signed(&b->model, OTAI_N_OLD, (int32_t)(c.from - (from + gap)));
    if (gap >= b->part.out_len - end || len >= b->part.out_len - end - gap || from >= b->part.old_len ||
        len >= b->part.old_len - from)
        return OTA_REJECT_CORRUPT;
    m->to[i] = end + gap;
    m->len[i] = len + 1;
    m->from[i] = from;
    m->count = i + 1;
    return OTA_OK;
}

static ota_err step_map(struct otai_body *b)
{
    if (b->scene.map.count < b->part.count)
        return code_entry(b);
    otai_map_sort(&b->scene.map);
    b->phase = OTAI_P_PRIME;
    return OTA_OK;
}

/* ---- literals ------------------------------------------------------------------------------------------------------- */

static uint32_t hash(uint32_t salt, uint64_t v)
{
    uint64_t x = (v + salt) * 0x9E3779B97F4A7C15u;

    return (uint32_t)(x >> 32);
}

/* Which of the bytes before the one at `place` choose its runs; of the last two also whether the place is even. */
static void literal_runs(uint64_t seen, uint32_t place, uint32_t run[OTAI_RUNS])
{
    static const uint64_t mask[OTAI_RUNS] = { 0xffff, 0xffffff, 0xffffffff, 0xffffffffffff, 0xffff00, 0xff00ff00 };

    for (unsigned i = 0; i < OTAI_RUNS; i++)
        run[i] = hash(0x300 + 0x100 * i + (i < 4 ? 0 : place & 1), seen & mask[i]);
}

static void literal_context(const struct otai_body *b, uint32_t place, struct otai_context *c)
{
    c->slot[0] = hash(0x100 + (place & 3), 0);
    c->slot[1] = hash(0x200 + (place & 1), b->seen & 0xff);
    c->slots = 2;
    c->kind = place & 3;
    literal_runs(b->seen, place, c->run);
}

static uint8_t code_literal(struct otai_body *b, uint32_t place, uint8_t byte)
{
    struct otai_context c;

    literal_context(b, place, &c);
    byte = otai_code_byte(&b->model, &c, byte);
    b->seen = b->seen << 8 | byte;
    return byte;
}

static ota_err step_prime(struct otai_body *b)
{
    size_t len;
    ota_err err = OTA_OK;
    uint32_t left = b->part.prime_len - b->at;

    if (left == 0) {
        b->phase = OTAI_P_RUN;
        b->at = 0;
        b->seen = 0;
        return OTA_OK;
    }
    const uint8_t *p = otai_window_at(&b->scene.window, b->part.prime_off + b->at, left < PRIME_STEP ? left : PRIME_STEP, &len, &err);
    if (!p || len == 0)
        return p ? OTA_REJECT_CORRUPT : err;
    for (size_t i = 0; i < len; i++) {
        uint32_t run[OTAI_RUNS];

        literal_runs(b->seen, b->part.prime_off + b->at + (uint32_t)i, run);
        otai_teach_runs(&b->model, run, p[i]);
        b->seen = b->seen << 8 | p[i];
    }
    b->at += (uint32_t)len;
    return OTA_OK;
}

/* ---- copies --------------------------------------------------------------------------------------------------------- */

#define UNIT 64u
#define F_UNIT 32u          /* 16 modes x 8 histories */
#define MODE_BITS 4

static void code_mode(struct otai_body *b)
{
    uint32_t block = b->at >> 10;
    unsigned want = b->script ? b->script->mode[block] : 0, mode = 1;

    if (b->mode_block == block + 1)
        return;
    b->mode_block = block + 1;
    if (flag(b, F_MODE, want == b->walk.mode))
        return;
    for (int k = MODE_BITS - 1; k >= 0; k--)
        mode = mode << 1 | flag(b, F_MODE_BITS + mode, want >> k & 1u);
    mode &= 15u;
    b->walk.mode = (uint8_t)(mode < OTAI_M_COUNT ? mode : OTAI_M_RAW);
}

/* An encoder's look ahead: will all groups that begin in this unit be predicted right? */
static bool unit_is_good(struct otai_body *b)
{
    struct otai_walk w = b->walk;

    while (w.left > 0 && w.to < b->unit_end) {
        if (otai_walk_next(&w, &b->scene) != OTA_OK || memcmp(w.group.pred, b->script->out + w.to, w.group.len) != 0)
            return false;
        otai_walk_took(&w, &b->scene, w.group.pred);
    }
    return true;
}

static void code_unit(struct otai_body *b)
{
    if (b->at < b->unit_end)
        return;
    b->unit_end = (b->at | (UNIT - 1)) + 1;
    unsigned want = b->script && unit_is_good(b) ? 1u : 0u;
    b->unit_good = flag(b, F_UNIT + b->walk.mode * 8u + (b->unit_history & 7u), want) != 0;
    b->unit_history = (uint8_t)((unsigned)b->unit_history << 1 | (b->unit_good ? 0u : 1u));
    b->unit_misses = 0;
}

static unsigned code_hit(struct otai_body *b, unsigned i, unsigned want)
{
    const struct otai_group *g = &b->walk.group;
    uint32_t place = g->kind * 8u + i, left = b->unit_misses ? 16u : (b->unit_end - b->at) / 8u;
    uint32_t misses = b->group_misses < 3 ? b->group_misses : 3;
    uint32_t h[OTAI_HIT_INPUTS] = {
        hash(0x1000, place << 5 | (uint32_t)g->source << 2 | misses),
        hash(0x1100, (uint32_t)b->hit_history << 8 | left),
        hash(0x1200, (uint64_t)place << 16 | (uint64_t)g->pred[i] << 8 | (b->seen & 0xff)),
        hash(0x1300, (uint64_t)place << 8 | g->pred[i]),
        hash(0x1400, (uint64_t)(b->hit_history & 15) << 16 | place << 2 | misses),
    };

    return otai_code_hit(&b->model, h, g->kind, want);
}

/* A byte that was not as predicted: what literals know, and what the prediction tells. */
static uint8_t code_miss(struct otai_body *b, unsigned i, uint8_t want)
{
    const struct otai_group *g = &b->walk.group;
    uint32_t place = g->kind * 8u + i;
    uint8_t pred = g->pred[i], likely = (uint8_t)(pred + b->last_diff[g->kind]);
    struct otai_context c;

    literal_context(b, b->at + i, &c);
    c.slot[2] = hash(0x2000 + place, pred);
    c.slot[3] = hash(0x2100 + place, likely);
    c.slot[4] = hash(0x2200, (uint64_t)pred << 8 | (b->seen & 0xff));
    c.slot[5] = hash(0x2300, place);
    c.slots = 6;
    c.kind = 4 + (g->kind ? i & 3u : 4u);
    return otai_code_byte(&b->model, &c, want);
}

static uint8_t code_copied(struct otai_body *b, unsigned i)
{
    const struct otai_group *g = &b->walk.group;
    uint8_t byte = b->script ? b->script->out[b->at + i] : 0;
    unsigned hit = code_hit(b, i, byte == g->pred[i] ? 1u : 0u);

    if (hit) {
        byte = g->pred[i];
    } else {
        byte = code_miss(b, i, byte);
        b->last_diff[g->kind] = (uint8_t)(byte - g->pred[i]);
        b->group_misses++;
        b->unit_misses = 1;
    }
    b->hit_history = (uint8_t)((unsigned)b->hit_history << 1 | (hit ? 0u : 1u));
    return byte;
}

/* One group: its bytes go behind those that were made in this step. */
static ota_err make_group(struct otai_body *b)
{
    const struct otai_group *g = &b->walk.group;
    uint8_t *made = b->made + b->made_len;
    ota_err err = otai_walk_next(&b->walk, &b->scene);

    if (err != OTA_OK)
        return err;
    b->group_misses = 0;
    for (unsigned i = 0; i < g->len; i++) {
        made[i] = b->unit_good ? g->pred[i] : code_copied(b, i);
        b->seen = b->seen << 8 | made[i];
    }
    b->made_len = (uint8_t)(b->made_len + g->len);
    b->at += g->len;
    otai_walk_took(&b->walk, &b->scene, made);
    return OTA_OK;
}

/* One group where anything must be decided; else as many as belong to the unit. */
static ota_err step_copy(struct otai_body *b)
{
    ota_err err;

    code_mode(b);
    code_unit(b);
    do
        err = make_group(b);
    while (err == OTA_OK && b->unit_good && b->walk.left > 0 && b->at < b->unit_end && b->made_len <= sizeof b->made - OTAI_GROUP_MAX);
    return err;
}

static void begin_copy(struct otai_body *b, uint32_t from, uint32_t len)
{
    otai_walk_copy(&b->walk, from, b->at, len);
    b->unit_end = b->at;
    b->gap_end = b->at;
}

/* A copy that is not in the map, somewhere between here and the next one that is. */
static ota_err code_minor(struct otai_body *b, uint32_t end)
{
    struct otai_copy c = { .len = 1 };

    if (b->script)
        c = b->script->minor[b->minor_index++];
    uint32_t lit = number(b, OTAI_N_LIT, c.to - b->at);
    uint32_t len = number(b, OTAI_N_COPY, c.len - 1);
    uint32_t from = b->walk.from + lit;
    from += (uint32_t)otai_code_signed(&b->model, OTAI_N_FROM, (int32_t)(c.from - from));
    if (lit >= end - b->at || len >= end - b->at - lit || from >= b->part.old_len || len >= b->part.old_len - from)
        return OTA_REJECT_CORRUPT;
    b->gap_end = b->at + lit;
    b->minor_from = from;
    b->minor_len = len + 1;
    return OTA_OK;
}

/* Between two copies: what comes next? */
static ota_err step_gap(struct otai_body *b)
{
    const struct otai_map *m = &b->scene.map;
    bool more = b->index < m->count;
    uint32_t end = more ? m->to[b->index] : b->part.out_len;

    if (b->minor_len) {
        begin_copy(b, b->minor_from, b->minor_len);
        b->minor_len = 0;
        return OTA_OK;
    }
    if (more && end == b->at) {
        begin_copy(b, m->from[b->index], m->len[b->index]);
        b->index++;
        return OTA_OK;
    }
    bool wanted = b->script && b->minor_index < b->script->part->minors && b->script->minor[b->minor_index].to < end;
    if (b->part.minors && flag(b, F_MINOR, wanted))
        return code_minor(b, end);
    b->gap_end = end;
    return OTA_OK;
}

static ota_err step_run(struct otai_body *b)
{
    if (b->walk.left > 0)
        return step_copy(b);
    if (b->at == b->part.out_len) {
        b->out_off += b->part.out_len;
        b->phase = b->out_off == b->out_len ? OTAI_P_END : OTAI_P_PART;
        return OTA_OK;
    }
    if (b->at >= b->gap_end)
        return step_gap(b);
    b->made[0] = code_literal(b, b->at, b->script ? b->script->out[b->at] : 0);
    b->made_len = 1;
    b->at++;
    return OTA_OK;
}

ota_err otai_body_step(struct otai_body *b)
{
    b->made_len = 0;
    switch ((enum otai_phase)b->phase) {
    case OTAI_P_PART:
        return begin_part(b);
    case OTAI_P_LAYOUT:
        return step_layout(b);
    case OTAI_P_MAP:
        return step_map(b);
    case OTAI_P_PRIME:
        return step_prime(b);
    case OTAI_P_RUN:
        return step_run(b);
    default:
        return OTA_DONE;
    }
}

bool otai_body_plausible(const struct otai_body *b)
{
    const struct otai_map *m = &b->scene.map;
    const struct otai_walk *w = &b->walk;

    return b->phase <= OTAI_P_END && m->count <= b->map_max && b->part.count <= b->map_max && b->index <= m->count &&
           b->made_len <= sizeof b->made && m->was.count <= OTAI_SPANS && m->now.count <= OTAI_SPANS &&
           w->mode < OTAI_M_COUNT && w->pool_next < OTAI_POOLS && b->scene.window.len <= sizeof b->scene.window.bytes &&
           b->at <= b->part.out_len && b->layout_step < 2 * OTAI_LAYOUT_STEPS && b->part.was.count <= OTAI_SPANS &&
           b->part.now.count <= OTAI_SPANS;
}
