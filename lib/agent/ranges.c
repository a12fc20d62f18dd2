/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DOWNLOAD by index: what is on the device already is taken from there, the rest from the plain image, a range at a time.
 * One window of the index after the other: fetch it, look through the slot that runs and through the rest of the one that is
 * written, then fill the slot in order. All progress is how far the slot is filled: an interruption costs what lies behind
 * the last checkpoint, which is then found in its place wherever a unit of it is whole.
 */
#include <string.h>

#include "agent.h"

/* One request more costs about as much as this many bytes, or as a block of any size: smaller gaps are fetched along. */
#define GAP 1024u

enum phase { START, PAGES, LOOK_OLD, LOOK_SPARE, PLACE, FILL, BODY };

uint32_t otai_ranges_memory(const struct ota_limits *limits)
{
    return limits->delta_memory > 1 ? limits->delta_memory : 0;
}

size_t otai_ranges_len(const struct ota_limits *limits)
{
    size_t memory = otai_ranges_memory(limits);

    return memory == 0 ? 0 : OTAI_ALIGN_UP(sizeof(struct otai_ranges)) + OTAI_ALIGN_UP(memory);
}

static uint64_t pos_of(const struct otai_download *d)
{
    return otai_writer_pos(&d->writer);
}

/* The window's entry of the block that comes next. */
static uint32_t next_entry(const struct otai_download *d)
{
    const struct otai_index *x = &d->ranges->index;

    return (uint32_t)(pos_of(d) / x->block - x->first);
}

static void open_window(struct otai_download *d)
{
    struct otai_ranges *r = d->ranges;

    otai_index_window(&r->index, pos_of(d) / r->index.block);
    r->phase = PAGES;
}

ota_err otai_ranges_open(struct ota *a, struct otai_download *d, struct otai_arena *rest)
{
    const struct ota_source *s = &a->plan.source;
    const struct ota_component *c = &a->cfg.components[a->plan.component];
    size_t memory = otai_ranges_memory(&a->cfg.limits);
    struct otai_ranges *r = otai_arena_take(rest, sizeof *r);
    int32_t code = 0;

    memset(r, 0, sizeof *r);
    r->old = c->slot[a->plan.slot ^ 1u];
    r->spare = c->slot[a->plan.slot];
    ota_err err = r->old->ops->geometry(r->old, &r->geometry, &code);
    if (err != OTA_OK)
        return otai_fail_port(a, err, "slot.geometry", code);
    err = otai_index_open(&r->index, otai_arena_take(rest, memory), memory, a->plan.length, s->block, a->plan.sha256,
                          a->cfg.crypto);
    if (err != OTA_OK)
        return otai_fail(a, err, "index.block");
    if (s->length != otai_index_len(a->plan.length, s->block))
        return otai_fail(a, OTA_REJECT_LENGTH, "index.length");
    d->ranges = r;
    return OTA_OK;
}

/* The writer is there by now. */
static ota_err begin(struct otai_download *d)
{
    uint32_t write = d->writer.g.write_unit, erase = d->writer.g.erase_unit;

    d->ranges->unit = write > erase ? write : erase;
    d->open = true;
    open_window(d);
    return OTA_AGAIN;
}

/* ---- the network ---- */

/* Ask for [from, to) of a file with `exact` bytes. On a budget, never for more than is left of it. */
static ota_err ask(struct ota *a, const char *file, uint64_t from, uint64_t to, uint64_t exact, const char *etag)
{
    const struct otai_fetch_job job = { .base = otai_repo_of_plan(a)->targets_url, .file = file, .from = from, .last = to - 1u,
                                        .exact = exact, .if_range = etag };

    /* Less was fetched than is allowed: the planner saw to that, and so did this. */
    if (to - from > a->cfg.limits.bytes_max - a->j.fetched)
        return otai_fail(a, OTA_REJECT_LIMIT, "limits.bytes_max");
    return otai_get(a, &job, "download");
}

static ota_err receive(struct ota *a, uint8_t *p, size_t cap, size_t *got)
{
    ota_err err = otai_receive(a, p, cap, got, "download");

    if (a->fetch.skip) { /* a server that knows no ranges, or another file: the whole image comes in one piece then */
        a->j.fetched += a->fetch.skipped;
        otai_event(a, OTA_EV_RANGE_IGNORED, a->plan.component, (int64_t)a->fetch.skipped);
        return otai_fail(a, OTA_REJECT_CODEC, "http.range");
    }
    a->j.fetched += *got;
    return err;
}

/* Everything that was asked for is there: let the exchange end, so that its connection can serve the next one. A server
 * that sends more is cut off. */
static ota_err finish(struct ota *a, struct otai_download *d)
{
    size_t got = 0;
    ota_err err = OTA_DONE;

    if (a->fetch.end == a->fetch.pos)
        err = receive(a, d->in, 1, &got);
    if (err == OTA_DONE)
        otai_fetch_end(&a->fetch);
    return err;
}

static ota_err step_pages(struct ota *a, struct otai_download *d)
{
    struct otai_index *x = &d->ranges->index;
    const char *where = NULL;
    size_t got = 0;

    if (x->src == x->src_end)
        return finish(a, d);
    if (!a->fetch.open)
        return ask(a, a->plan.source.file, x->src, x->src_end, a->plan.source.length, NULL);
    ota_err err = receive(a, d->in, x->src_end - x->src < d->in_cap ? (size_t)(x->src_end - x->src) : d->in_cap, &got);
    if (err != OTA_OK)
        return err == OTA_DONE ? OTA_AGAIN : err;
    err = otai_index_add(x, d->in, got, &where);
    return err == OTA_OK || err == OTA_DONE ? OTA_AGAIN : otai_fail(a, err, where);
}

/* ---- what is there already ---- */

static void look(struct otai_download *d, enum phase phase, uint64_t from, uint64_t size)
{
    struct otai_ranges *r = d->ranges;

    r->phase = (uint8_t)phase;
    r->end = otai_index_reach(&r->index, size, &from);
    r->at = from;
    otai_index_look(&r->index, from, phase == LOOK_SPARE ? r->unit : 0);
}

static ota_err read_slot(struct ota *a, struct ota_slot *s, uint64_t off, uint8_t *p, size_t len)
{
    int32_t code = 0;
    ota_err err = s->ops->read(s, off, p, len, &code);

    return err == OTA_OK ? OTA_OK : otai_fail_port(a, err, "slot.read", code);
}

/* OTA_DONE: there is no more to look at, or nothing more to look for. */
static ota_err step_look(struct ota *a, struct otai_ranges *r, struct ota_slot *s)
{
    size_t cap;
    uint8_t *p = otai_index_room(&r->index, &cap);

    if (r->at >= r->end || r->index.unfound == 0)
        return OTA_DONE;
    if (r->end - r->at < cap)
        cap = (size_t)(r->end - r->at);
    ota_err err = read_slot(a, s, r->at, p, cap);
    if (err != OTA_OK)
        return err;
    r->at += cap;
    err = otai_index_looked(&r->index, cap);
    return err == OTA_OK ? OTA_AGAIN : otai_fail(a, err, "crypto.hash");
}

/* The least that the image costs without this index. */
static uint64_t otherwise(const struct ota *a)
{
    const struct ota_release_image *image = otai_image_of(a, a->plan.component);
    uint64_t least = a->plan.length;

    for (size_t i = 0; i < image->source_count; i++)
        if (image->source[i].codec == OTA_CODEC_DEFLATE && image->source[i].window_bits <= a->cfg.limits.window_bits &&
            image->source[i].length < least)
            least = image->source[i].length;
    return least;
}

/* Would the image cost more this way than without it, if the rest is like this window? */
static bool too_dear(const struct ota *a, const struct otai_index *x, uint64_t pos)
{
    uint64_t end = (x->first + x->count) * x->block, left = a->plan.length - pos;
    uint64_t missing = otai_index_missing(x, (uint32_t)(pos / x->block - x->first));

    if (end > a->plan.length)
        end = a->plan.length;
    /* of KiB, so that no product overflows */
    return (missing >> 10) * (left >> 10) > (otherwise(a) >> 10) * ((end - pos) >> 10);
}

/* ---- filling ---- */

/* The next unit of the slot may hold what it shall hold: from an earlier download, whatever way it came. */
static void next_block(struct otai_download *d)
{
    struct otai_ranges *r = d->ranges;
    const struct otai_index *x = &r->index;
    uint64_t pos = pos_of(d), end = pos + d->unit;
    bool whole = (pos & (d->unit - 1u)) == 0 && end <= d->writer.length && end <= (x->first + x->count) * x->block;

    if (next_entry(d) == x->count) {
        open_window(d);
        return;
    }
    r->phase = whole ? PLACE : FILL;
    r->at = pos;
    r->have = 0;
}

/* Behind each block: durable now and then. DONE when it was the last. */
static ota_err passed(struct ota *a, struct otai_download *d)
{
    const struct otai_index *x = &d->ranges->index;
    uint64_t pos = pos_of(d), page = pos / x->block / OTAI_INDEX_PAGE;
    uint64_t src = OTAI_INDEX_HEAD + page * (OTAI_INDEX_PAGE * OTAI_INDEX_ENTRY + 4u);
    ota_err err = OTA_OK;

    if (otai_at_checkpoint(a, pos))
        err = otai_checkpoint(a, pos == a->plan.length ? a->plan.source.length : src);
    if (err != OTA_OK)
        return err;
    if (pos == a->plan.length) {
        otai_event(a, OTA_EV_REUSED, a->plan.component, (int64_t)d->ranges->reused);
        otai_event(a, OTA_EV_DOWNLOAD_DONE, a->plan.component, (int64_t)pos);
        return OTA_DONE;
    }
    return OTA_AGAIN;
}

static ota_err go_on(struct ota *a, struct otai_download *d)
{
    ota_err err = passed(a, d);

    if (err == OTA_AGAIN)
        next_block(d);
    return err;
}

/* Look whether the unit is there, a block at a time; if it is, the writer begins behind it. */
static ota_err step_place(struct ota *a, struct otai_download *d)
{
    struct otai_ranges *r = d->ranges;
    struct otai_index *x = &r->index;
    struct otai_writer *w = &d->writer;
    ota_err err = read_slot(a, r->spare, r->at, x->buf, x->block);

    if (err != OTA_OK)
        return err;
    err = otai_index_check(x, (uint32_t)(r->at / x->block - x->first), x->buf);
    if (err == OTA_REJECT_HASH) {
        r->phase = FILL;
        return OTA_AGAIN;
    }
    if (err != OTA_OK)
        return otai_fail(a, err, "crypto.hash");
    r->at += x->block;
    if (r->at < pos_of(d) + d->unit)
        return OTA_AGAIN;
    err = otai_writer_sync(w);
    if (err == OTA_OK)
        err = otai_writer_open(w, r->spare, w->buf, w->cap, a->plan.length, r->at, &a->fault);
    if (err != OTA_OK)
        return err;
    r->reused += d->unit;
    return go_on(a, d);
}

static ota_err add_block(struct ota *a, struct otai_download *d, size_t len)
{
    ota_err err = otai_writer_add(&d->writer, d->ranges->index.buf, len);

    return err == OTA_OK ? go_on(a, d) : err;
}

static ota_err step_fill(struct ota *a, struct otai_download *d)
{
    struct otai_ranges *r = d->ranges;
    struct otai_index *x = &r->index;
    uint32_t i = next_entry(d);
    uint64_t from = x->entry[i].from, end;

    if (from == OTAI_INDEX_MISSING) {
        end = (x->first + otai_index_run(x, i, x->block > GAP ? x->block : GAP)) * x->block;
        r->end = end < a->plan.length ? end : a->plan.length;
        r->have = 0;
        r->phase = BODY;
        return OTA_AGAIN;
    }
    ota_err err = read_slot(a, from & OTAI_INDEX_SPARE ? r->spare : r->old, from & ~OTAI_INDEX_SPARE, x->buf, x->block);
    if (err != OTA_OK)
        return err;
    err = otai_index_check(x, i, x->buf);
    if (err == OTA_REJECT_HASH) { /* a running system wrote there meanwhile */
        otai_index_lost(x, i);
        return OTA_AGAIN;
    }
    if (err != OTA_OK)
        return otai_fail(a, err, "crypto.hash");
    r->reused += x->block;
    return add_block(a, d, x->block);
}

/* A block of the run is there. One that came wrong is fetched once more. */
static ota_err take_block(struct ota *a, struct otai_download *d, uint32_t i)
{
    struct otai_ranges *r = d->ranges;
    size_t len = r->have;
    ota_err err = otai_index_check(&r->index, i, r->index.buf);

    r->have = 0;
    if (err == OTA_REJECT_HASH && !r->again) {
        r->again = true;
        otai_fetch_end(&a->fetch);
        return OTA_AGAIN;
    }
    if (err != OTA_OK)
        return otai_fail(a, err, "image block");
    r->again = false;
    err = otai_writer_add(&d->writer, r->index.buf, len);
    return err == OTA_OK ? passed(a, d) : err;
}

static ota_err end_run(struct ota *a, struct otai_download *d)
{
    ota_err err = finish(a, d);

    if (err != OTA_DONE)
        return err;
    next_block(d);
    return OTA_AGAIN;
}

static ota_err step_body(struct ota *a, struct otai_download *d)
{
    struct otai_ranges *r = d->ranges;
    uint64_t pos = pos_of(d);
    uint32_t i = next_entry(d);
    size_t got = 0;

    if (pos == r->end)
        return end_run(a, d);
    if (!a->fetch.open)
        return ask(a, otai_image_of(a, a->plan.component)->source[0].file, pos + r->have, r->end, a->plan.length, r->etag);
    size_t room = otai_index_block_len(&r->index, i) - r->have;
    ota_err err = receive(a, r->index.buf + r->have, room, &got);
    if (err != OTA_OK)
        return err == OTA_DONE ? OTA_AGAIN : err; /* a shorter range than was asked for: ask for the rest */
    (void)otai_copy(r->etag, sizeof r->etag, a->fetch.head.etag);
    r->have += got;
    return got == room ? take_block(a, d, i) : OTA_AGAIN;
}

ota_err otai_ranges_step(struct ota *a)
{
    struct otai_download *d = a->m.download;
    struct otai_ranges *r = d->ranges;
    ota_err err;

    switch ((enum phase)r->phase) {
    case START:
        return begin(d);
    case PAGES:
        err = step_pages(a, d);
        if (err == OTA_DONE)
            look(d, LOOK_OLD, 0, r->geometry.size);
        break;
    case LOOK_OLD:
        err = step_look(a, r, r->old);
        if (err == OTA_DONE)
            look(d, LOOK_SPARE, pos_of(d), d->writer.g.size);
        break;
    case LOOK_SPARE:
        err = step_look(a, r, r->spare);
        if (err != OTA_DONE)
            break;
        if (too_dear(a, &r->index, pos_of(d)))
            return otai_leave_source(a);
        next_block(d);
        break;
    case PLACE:
        return step_place(a, d);
    case FILL:
        return step_fill(a, d);
    default:
        return step_body(a, d);
    }
    return err == OTA_DONE ? OTA_AGAIN : err;
}
