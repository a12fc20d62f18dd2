/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DOWNLOAD by delta: the old image is read from the slot that runs. A saved state is a hint: whatever it says, the seal
 * reads the new slot back.
 *
 * Saved state of a delta: the store record "delta.<component>", integers little-endian:
 *
 *   0   4  magic "OTAC"
 *   4   1  version: 1. Another one is no state
 *   5   3  zero
 *   8   8  image bytes in the slot, durable before this record was written; a multiple of the slot's units
 *   16  8  patch byte from which to go on
 *   24  32 SHA-256 of the image
 *   56  32 SHA-256 of the patch
 *   88  n  state of the decoder, opaque
 *   88+n 4 CRC-32 of everything before it
 */
#include <string.h>

#include "agent.h"

#define MAGIC "OTAC"
#define VERSION 1
#define OUT_AT 8u
#define SRC_AT 16u
#define IMAGE_AT 24u
#define PATCH_AT 56u
#define HEAD_LEN 88u
#define CRC_LEN 4u
#define STATE_EXTRA 64u   /* more than a saved state is longer than the memory that it was */

static void record_name(const struct ota *a, char out[OTA_STORE_NAME_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTA_STORE_NAME_MAX);
    otai_text_add(&t, "delta.");
    otai_text_add(&t, a->cfg.components[a->plan.component].name);
}

uint32_t otai_delta_memory(const struct ota_limits *limits)
{
    return limits->delta_memory > 1 ? limits->delta_memory : 0;
}

size_t otai_patch_len(const struct ota_limits *limits)
{
    size_t memory = otai_delta_memory(limits);

    return memory == 0 ? 0 : OTAI_ALIGN_UP(memory) + OTAI_ALIGN_UP(HEAD_LEN + memory + STATE_EXTRA + CRC_LEN);
}

static ota_err read_base(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    struct otai_patch *p = (struct otai_patch *)self;

    return p->slot->ops->read(p->slot, off, buf, len, &p->port_code);
}

static const struct ota_delta_base_ops base_ops = { read_base };

static bool head_ok(const struct ota *a, const uint8_t *p, size_t len)
{
    return memcmp(p, MAGIC, 4) == 0 && p[4] == VERSION && otai_equal(p + IMAGE_AT, a->plan.sha256, OTA_SHA256_LEN) &&
           otai_equal(p + PATCH_AT, a->plan.source.sha256, OTA_SHA256_LEN) &&
           otai_crc32(0, p, len - CRC_LEN) == otai_get_le32(p + len - CRC_LEN);
}

/* Where a state of this length and head would go on; false: nowhere that the slot can. */
static bool place_ok(const struct ota *a, const struct ota_slot_geometry *g, uint64_t out, uint64_t src)
{
    uint64_t within = (g->erase_unit > g->write_unit ? g->erase_unit : g->write_unit) - 1u;

    return out > 0 && out < a->plan.length && (out & within) == 0 && src <= a->plan.source.length;
}

/* Go on from the saved state. false: there is none, or it is of no use. */
static bool resume(struct ota *a, struct otai_patch *p, const struct ota_delta_config *cfg, const struct ota_slot_geometry *g)
{
    struct ota_store *s = a->cfg.store;
    char name[OTA_STORE_NAME_MAX];
    uint64_t src = 0, out = 0;
    int32_t code = 0;
    size_t len = 0;

    record_name(a, name);
    ota_err err = s->ops->read(s, name, p->state, p->state_cap, &len, &code);
    if (err != OTA_OK || len < HEAD_LEN + CRC_LEN || len > p->state_cap || !head_ok(a, p->state, len))
        return false;
    if (!place_ok(a, g, otai_get_le64(p->state + OUT_AT), otai_get_le64(p->state + SRC_AT)))
        return false;
    err = ota_delta_resume(&p->delta, cfg, p->mem, a->plan.source.memory, p->state + HEAD_LEN, len - HEAD_LEN - CRC_LEN);
    if (err != OTA_OK)
        return false;
    ota_delta_position(p->delta, &src, &out);
    if (out != otai_get_le64(p->state + OUT_AT) || src != otai_get_le64(p->state + SRC_AT))
        return false;
    a->plan.out_off = out;
    a->plan.src_off = src;
    return true;
}

ota_err otai_patch_open(struct ota *a, struct otai_patch *p, struct otai_arena *rest, const struct ota_slot_geometry *g)
{
    const struct ota_source *s = &a->plan.source;
    const struct ota_component *c = &a->cfg.components[a->plan.component];
    const struct ota_delta_config cfg = { .size = sizeof cfg, .base = &p->base, .base_len = s->base_length,
        .base_sha256 = s->base, .out_len = a->plan.length, .out_sha256 = a->plan.sha256, .patch_len = s->length };

    p->base.ops = &base_ops;
    p->slot = c->slot[a->plan.slot ^ 1u];
    p->state_cap = HEAD_LEN + a->cfg.limits.delta_memory + STATE_EXTRA + CRC_LEN;
    p->mem = otai_arena_take(rest, a->cfg.limits.delta_memory);
    p->state = otai_arena_take(rest, p->state_cap);
    if (resume(a, p, &cfg, g))
        return OTA_OK;
    if (a->plan.out_off)
        otai_note(a, OTA_EV_STATE_LOST, a->plan.component, 0);
    a->plan.out_off = a->plan.src_off = 0;
    /* The least that any decoder needs is there, whatever the release says: this cannot fail. */
    return ota_delta_begin(&p->delta, &cfg, p->mem, s->memory < OTA_DELTA_MEMORY_MIN ? OTA_DELTA_MEMORY_MIN : s->memory);
}

static ota_err failed(struct ota *a, const struct otai_patch *p, ota_err err)
{
    return ota_err_class(err) == OTA_CLASS_DEVICE ? otai_fail_port(a, err, "slot.read", p->port_code)
                                                  : otai_fail(a, err, "delta");
}

ota_err otai_patch_push(struct ota *a, struct otai_download *d, size_t cap, size_t *made)
{
    size_t used = 0;
    ota_err err = ota_delta_push(d->patch.delta, d->in + d->in_off, d->in_len - d->in_off, &used, d->out, cap, made);

    if (err == OTA_OK && d->body_done && used + *made == 0)
        err = ota_delta_end(d->patch.delta);
    if (err != OTA_OK && err != OTA_DONE)
        return failed(a, &d->patch, err);
    d->stream_done = err == OTA_DONE;
    d->in_off += used;
    if (d->in_off == d->in_len && (*made < cap || d->stream_done))
        d->in_off = d->in_len = 0;
    return OTA_OK;
}

uint64_t otai_patch_src(const struct otai_patch *p)
{
    uint64_t src, out;

    ota_delta_position(p->delta, &src, &out);
    return src;
}

/* A store that is full costs the hint and nothing else. */
ota_err otai_patch_save(struct ota *a, struct otai_patch *p)
{
    struct ota_store *s = a->cfg.store;
    char name[OTA_STORE_NAME_MAX];
    uint64_t src, out;
    int32_t code = 0;
    size_t len = 0;
    ota_err err = ota_delta_checkpoint(p->delta, p->state + HEAD_LEN, p->state_cap - HEAD_LEN - CRC_LEN, &len);

    if (err != OTA_OK)
        return otai_fail(a, OTA_REJECT_LIMIT, "delta state");
    ota_delta_position(p->delta, &src, &out);
    memset(p->state, 0, OUT_AT);
    memcpy(p->state, MAGIC, 4);
    p->state[4] = VERSION;
    otai_put_le64(p->state + OUT_AT, out);
    otai_put_le64(p->state + SRC_AT, src);
    otai_digest_copy(p->state + IMAGE_AT, a->plan.sha256);
    otai_digest_copy(p->state + PATCH_AT, a->plan.source.sha256);
    len += HEAD_LEN;
    otai_put_le32(p->state + len, otai_crc32(0, p->state, len));
    record_name(a, name);
    err = s->ops->write(s, name, p->state, len + CRC_LEN, &code);
    return err == OTA_OK || err == OTA_DEVICE_FULL ? OTA_OK : otai_fail_port(a, err, name, code);
}

/* Nobody needs it any more. One that cannot be removed is only in the way. */
void otai_patch_forget(struct ota *a)
{
    struct ota_store *s = a->cfg.store;
    char name[OTA_STORE_NAME_MAX];
    int32_t code;

    record_name(a, name);
    (void)s->ops->remove(s, name, &code);
}

/* Before the first byte of a delta is fetched: does the slot that runs hold what it begins from? Devices whose running
 * system writes into its own slot never do. */
ota_err otai_patch_begin_check(struct ota *a, struct otai_download *d)
{
    struct ota_plan base = { .component = a->plan.component, .slot = a->plan.slot ^ 1u, .length = a->plan.source.base_length };
    struct ota_slot_geometry g;
    int32_t code = 0;
    ota_err err = d->patch.slot->ops->geometry(d->patch.slot, &g, &code);

    if (err != OTA_OK)
        return otai_fail_port(a, err, "slot.geometry", code);
    if (base.length > g.size)
        return otai_leave_source(a);
    otai_digest_copy(base.sha256, a->plan.source.base);
    d->checking = true;
    err = otai_seal_begin(&d->base, d->patch.slot, a->cfg.crypto, d->in, d->in_cap, &base, &a->fault);
    return err == OTA_OK ? OTA_AGAIN : err;
}

ota_err otai_patch_check(struct ota *a, struct otai_download *d)
{
    struct ota_image image;
    ota_err err = otai_seal_step(&d->base, &image);

    if (err == OTA_AGAIN)
        return OTA_AGAIN;
    d->checking = false;
    if (ota_err_class(err) != OTA_CLASS_REJECT)
        return err;
    otai_fault_clear(&a->fault); /* other bytes run: no failure, and not to be shown as one */
    return otai_leave_source(a);
}
