/* SPDX-License-Identifier: Apache-2.0 */
/* PLAN, DOWNLOAD, SEAL, READY: from a release to sealed images. */
#include <string.h>

#include "agent.h"
#include OTAI_POLICY_HEADER
#include OTAI_RELATIONS_HEADER

static struct ota_slot *slot_of(const struct ota *a, uint8_t component, uint8_t slot)
{
    return a->cfg.components[component].slot[slot];
}

/* The slot that may be written: the one that does not run. */
static uint8_t spare_slot(const struct ota *a, size_t component)
{
    return a->view.running[component] == 0 ? 1 : 0;
}

static ota_err gather(struct ota *a, struct otai_plan_facts facts[OTA_COMPONENTS_MAX])
{
    memset(facts, 0, sizeof *facts * OTA_COMPONENTS_MAX);
    for (size_t k = 0; k < a->release.count; k++) {
        uint8_t i = a->release.image[k].component;
        struct otai_progress *p = &a->j.progress[i];
        struct otai_plan_facts *f = &facts[i];
        int32_t code = 0;

        f->sealed = a->sealed[i];
        f->wrong_base = a->wrong_base[i];
        f->failed = p->failed;
        f->spare = spare_slot(a, i);
        struct ota_slot *s = slot_of(a, i, f->spare);
        ota_err err = s->ops->geometry(s, &f->geometry, &code);
        if (err != OTA_OK) {
            a->fault.component = i;
            return otai_fail_port(a, err, "slot.geometry", code);
        }
        if (p->slot != f->spare)
            continue;
        f->out_off = p->out_off;
        f->src_off = p->src_off;
        otai_digest_copy(f->sha256, p->sha256);
        otai_digest_copy(f->src_sha256, p->src_sha256);
    }
    return OTA_OK;
}

/* PLAN: the next component that is not sealed yet; SAME when all are. */
ota_err otai_step_plan(struct ota *a)
{
    struct otai_plan_facts facts[OTA_COMPONENTS_MAX];
    const struct ota_limits *l = &a->cfg.limits;
    const struct otai_plan_limits limits = {
        .most = { [OTA_CODEC_DEFLATE] = l->window_bits, [OTA_CODEC_DELTA] = otai_delta_memory(l), [OTA_CODEC_INDEX] = otai_ranges_memory(l),
                  [OTA_CODEC_ZSTD] = otai_unpack_zstd_bits(l) },
        .bytes_left = l->bytes_max > a->j.fetched ? l->bytes_max - a->j.fetched : 0 };
    ota_err err = otai_relations_still(a);

    if (err == OTA_OK)
        err = gather(a, facts);
    if (err != OTA_OK)
        return err;
    err = otai_plan_next(&a->release, facts, &limits, &a->plan, &a->fault);
    if (err != OTA_DONE)
        return err;
    struct otai_progress *p = &a->j.progress[a->plan.component];
    if (a->plan.out_off == 0)
        p->etag[0] = '\0';
    p->slot = a->plan.slot;
    p->out_off = a->plan.out_off;
    p->src_off = a->plan.src_off;
    p->codec = (uint8_t)a->plan.source.codec;
    p->why = (uint8_t)a->plan.why;
    otai_digest_copy(p->src_sha256, a->plan.source.sha256);
    err = otai_policy_fetch(a);
    if (err != OTA_OK)
        return err;
    otai_note(a, OTA_EV_CHOSEN, a->plan.component, a->plan.source.codec);
    otai_event(a, OTA_EV_DOWNLOAD_START, a->plan.component, (int64_t)a->plan.out_off);
    return OTA_DONE;
}

const struct ota_repo *otai_repo_of_plan(const struct ota *a)
{
    return &a->cfg.repos[otai_image_of(a, a->plan.component)->repo];
}

static ota_err lay_out_decoder(struct ota *a, struct otai_download *d, struct otai_arena *rest,
                               const struct ota_slot_geometry *g)
{
    if (a->plan.source.codec == OTA_CODEC_DELTA)
        return otai_patch_open(a, &d->patch, rest, g);
    if (a->plan.source.codec == OTA_CODEC_INDEX)
        return otai_ranges_open(a, d, rest);
    size_t len = otai_unpack_len(&a->plan.source);
    ota_err err = otai_unpack_init(&d->unpack, otai_arena_take(rest, len), len, &a->plan.source, a->plan.length,
                                    a->plan.src_off, a->plan.out_off);
    return err == OTA_OK ? OTA_OK : otai_fail(a, err, "decoder");
}

/* Lay out DOWNLOAD's memory: decoder and its buffers, or, for a plain image, one input buffer as large as there is room. */
static ota_err lay_out(struct ota *a, struct otai_download *d, struct otai_arena *rest)
{
    size_t io = a->cfg.limits.io;
    uint8_t *buf = otai_arena_take(rest, io);
    struct ota_slot *s = slot_of(a, a->plan.component, a->plan.slot);
    struct ota_slot_geometry g;
    int32_t code = 0;
    ota_err err = s->ops->geometry(s, &g, &code);

    if (err != OTA_OK)
        return otai_fail_port(a, err, "slot.geometry", code);
    if (a->plan.source.codec != OTA_CODEC_PLAIN) {
        err = lay_out_decoder(a, d, rest, &g);
        if (err != OTA_OK)
            return err;
        d->out_cap = io;
        d->out = otai_arena_take(rest, io);
        d->in_cap = io;
    } else {
        d->in_cap = otai_power_of_two_below(rest->cap - rest->used);
        if (d->in_cap > a->cfg.limits.block)
            d->in_cap = a->cfg.limits.block;
    }
    d->in = otai_arena_take(rest, d->in_cap);
    return otai_writer_open(&d->writer, s, buf, io, a->plan.length, a->plan.out_off, &a->fault);
}

static ota_err begin_fetch(struct ota *a)
{
    const struct otai_fetch_job job = { .base = otai_repo_of_plan(a)->targets_url, .file = a->plan.source.file,
        .from = a->plan.src_off, .exact = a->plan.source.length, .if_range = a->j.progress[a->plan.component].etag };

    a->m.download->open = true;
    a->m.download->body_done = a->plan.src_off == a->plan.source.length;   /* a delta's state holds its last bytes */
    return a->m.download->body_done ? OTA_AGAIN : otai_get(a, &job, "download");
}

static ota_err open_download(struct ota *a)
{
    struct otai_arena rest;
    struct otai_progress *p = &a->j.progress[a->plan.component];
    struct otai_download *d = a->m.download = otai_region(a, sizeof *d, &rest);
    ota_err err = lay_out(a, d, &rest);
    if (err != OTA_OK)
        return err;
    d->unit = otai_plan_checkpoint(a->cfg.limits.block, &d->writer.g, &a->plan.source);
    p->out_off = a->plan.out_off;   /* a delta's saved state knows better */
    p->src_off = a->plan.src_off;
    if (d->ranges)
        return OTA_AGAIN;
    err = d->patch.delta && a->plan.out_off == 0 ? otai_patch_begin_check(a, d) : OTA_DONE;
    return err == OTA_DONE ? begin_fetch(a) : err;
}

/* Order: write, sync, then journal. The journal may lag the slot, never lead it. */
ota_err otai_checkpoint(struct ota *a, uint64_t src_off)
{
    struct otai_download *d = a->m.download;
    struct otai_progress *p = &a->j.progress[a->plan.component];
    ota_err err = otai_writer_sync(&d->writer);

    if (err == OTA_OK && d->patch.delta && otai_writer_pos(&d->writer) < a->plan.length)
        err = otai_patch_save(a, &d->patch);
    if (err != OTA_OK)
        return err;
    p->out_off = otai_writer_pos(&d->writer);
    p->src_off = src_off;
    (void)otai_copy(p->etag, sizeof p->etag, a->fetch.head.etag);
    return otai_save(a);
}

bool otai_at_checkpoint(const struct ota *a, uint64_t pos)
{
    const struct otai_download *d = a->m.download;

    return pos == a->plan.length || (((uint32_t)pos & (d->unit - 1)) == 0 && pos > a->j.progress[a->plan.component].out_off);
}

/* Plain bytes go into the slot as they come; never across a checkpoint, so that each lies exactly on its multiple. */
static ota_err take_plain(struct ota *a)
{
    struct otai_download *d = a->m.download;
    ota_err err = otai_writer_add(&d->writer, d->in, d->in_len);

    d->in_len = 0;
    if (err != OTA_OK)
        return err;
    uint64_t pos = otai_writer_pos(&d->writer);
    return otai_at_checkpoint(a, pos) ? otai_checkpoint(a, pos) : OTA_OK;
}

/* Packed bytes: one push at a time; the decoder stops at every mark, where a checkpoint can lie. It knows how long its
 * source is: bytes that are missing at the end, or that follow it, are its failures. */
static ota_err take_packed(struct ota *a)
{
    struct otai_download *d = a->m.download;
    uint64_t src, out;
    size_t used = 0, made = 0;
    ota_err err = otai_unpack_push(d->unpack, d->in + d->in_off, d->in_len - d->in_off, &used, d->out, d->out_cap, &made);

    if (err != OTA_OK && err != OTA_DONE)
        return otai_fail(a, err, "image data");
    d->stream_done = err == OTA_DONE;
    d->in_off += used;
    if (d->in_off == d->in_len && (made < d->out_cap || d->stream_done))
        d->in_off = d->in_len = 0;
    err = otai_writer_add(&d->writer, d->out, made);
    if (err != OTA_OK)
        return err;
    otai_unpack_mark(d->unpack, &src, &out);
    uint64_t pos = otai_writer_pos(&d->writer);
    if (d->stream_done)
        return otai_checkpoint(a, a->plan.source.length);
    return out == pos && otai_at_checkpoint(a, pos) ? otai_checkpoint(a, src) : OTA_OK;
}

/* Bytes to the next checkpoint, or as many as fit. */
static size_t before_checkpoint(const struct otai_download *d, size_t cap)
{
    uint32_t left = d->unit - ((uint32_t)otai_writer_pos(&d->writer) & (d->unit - 1));

    return left < cap ? left : cap;
}

/* A delta's bytes: the state can be saved anywhere, so the output ends exactly at each checkpoint. */
static ota_err take_delta(struct ota *a)
{
    struct otai_download *d = a->m.download;
    size_t made = 0, cap = before_checkpoint(d, d->out_cap);
    ota_err err = otai_patch_push(a, d, cap, &made);

    if (err == OTA_OK)
        err = otai_writer_add(&d->writer, d->out, made);
    if (err != OTA_OK)
        return err;
    uint64_t pos = otai_writer_pos(&d->writer);
    if (!made || !otai_at_checkpoint(a, pos))
        return OTA_OK;
    return otai_checkpoint(a, pos == a->plan.length ? a->plan.source.length : otai_patch_src(&d->patch));
}

static size_t room(const struct ota *a)
{
    const struct otai_download *d = a->m.download;

    return d->out_cap ? d->in_cap : before_checkpoint(d, d->in_cap);
}

static ota_err receive(struct ota *a)
{
    struct otai_download *d = a->m.download;
    size_t got = 0;
    ota_err err = otai_receive(a, d->in, room(a), &got, "download");

    d->body_done = err == OTA_DONE;
    if (err != OTA_OK)
        return d->body_done ? OTA_OK : err;
    if (a->fetch.skip && !d->told) {
        d->told = true;
        a->j.fetched += a->fetch.skipped;
        otai_event(a, OTA_EV_RANGE_IGNORED, a->plan.component, (int64_t)a->fetch.skipped);
    }
    d->in_len = got;
    d->in_off = 0;
    a->j.fetched += got;
    return OTA_OK;
}

/* A plain body is done when it has its signed length; a decoder is when it has made all. */
static bool complete(const struct otai_download *d)
{
    return d->body_done && (!d->out_cap || d->stream_done);
}

static ota_err take(struct ota *a)
{
    struct otai_download *d = a->m.download;

    if (!d->out_cap)
        return d->in_len > 0 ? take_plain(a) : OTA_OK;
    if (d->stream_done)
        return OTA_OK;
    return d->unpack ? take_packed(a) : take_delta(a);
}

static ota_err go_on(struct ota *a)
{
    struct otai_download *d = a->m.download;
    ota_err err = OTA_OK;

    if (d->ranges)
        return otai_ranges_step(a);
    if (d->checking) {
        err = otai_patch_check(a, d);
        return err == OTA_DONE ? begin_fetch(a) : err;
    }
    if (d->in_len == 0 && !d->body_done)
        err = receive(a);
    if (err == OTA_OK)
        err = take(a);
    if (err != OTA_OK)
        return err;
    if (!complete(d))
        return OTA_AGAIN;
    if (d->patch.delta)
        otai_patch_forget(a);
    otai_event(a, OTA_EV_DOWNLOAD_DONE, a->plan.component, (int64_t)a->plan.length);
    return OTA_DONE;
}

/* DOWNLOAD: one piece from the network into the spare slot. */
ota_err otai_step_download(struct ota *a)
{
    if (a->busy) {
        ota_err err = otai_policy_carry_on(a);

        return err == OTA_OK ? otai_source_result(a, go_on(a)) : err;
    }
    if (a->plan.out_off == a->plan.length)
        return OTA_DONE; /* an earlier run brought all of it; the seal judges it */
    return otai_source_result(a, open_download(a));
}

static ota_err open_seal(struct ota *a)
{
    struct otai_arena rest;
    struct ota_slot *s = slot_of(a, a->plan.component, a->plan.slot);

    a->m.seal = otai_region(a, sizeof *a->m.seal, &rest);
    ota_err err = otai_package_begin(a, &rest);
    if (err != OTA_OK)
        return err;
    size_t cap = otai_power_of_two_below(rest.cap - rest.used);
    err = otai_seal_begin(a->m.seal, s, a->cfg.crypto, otai_arena_take(&rest, cap), cap, &a->plan, &a->fault);
    return err == OTA_OK ? OTA_AGAIN : err;
}

/* SEAL: what the slot really holds is read back; only this makes an image. */
ota_err otai_step_seal(struct ota *a)
{
    uint8_t c = a->plan.component;

    if (!a->busy)
        return open_seal(a);
    uint64_t before = a->m.seal->off;
    ota_err err = otai_package_seal(a, before, otai_seal_step(a->m.seal, &a->image[c]));
    if (err != OTA_DONE)
        return err == OTA_AGAIN ? OTA_AGAIN : otai_source_result(a, err);
    a->sealed[c] = true;
    otai_note(a, OTA_EV_SEALED, c, a->plan.slot);
    return OTA_DONE;
}

/* READY: everything is verified and waits for leave to be installed. */
ota_err otai_step_ready(struct ota *a)
{
    ota_err err = otai_policy_ready(a);

    if (err == OTA_OK)
        err = otai_hb_ready(a);
    if (err == OTA_OK)
        err = otai_relations_ready(a);
    if (err != OTA_OK)
        return err;
    /* A trial of before (its journal was lost) must not count against the one that ARM is about to announce. */
    err = a->view.spent ? otai_boot_revert(a->cfg.boot, &a->fault) : OTA_OK;
    if (err != OTA_OK)
        return err;
    a->view.spent = false;
    otai_note(a, OTA_EV_READY, 0, 0);
    a->j.arms++;
    return OTA_DONE;
}
