/* SPDX-License-Identifier: Apache-2.0 */
/* The patch decoder: header, frames, memory, saved states. What a frame holds is the body's affair. */
#include "ota/delta.h"

#include <string.h>

#include "patch.h"
#include OTAI_REPACK_HEADER

/* Where each part of the memory begins. The struct comes first. */
struct places {
    size_t slot, run, map, learned, buffer, end;
};

static struct places lay_out(const struct otai_patch_params *p)
{
    struct places at;

    at.slot = OTAI_DELTA_FIXED;
    at.run = at.slot + ((size_t)2 << p->slots_log2);
    at.map = at.run + ((size_t)2 << p->runs_log2);
    at.learned = at.map + OTAI_ALIGN_UP((size_t)14 * p->map_max);
    at.buffer = at.learned + ((size_t)8 << p->learned_log2);
    at.end = OTAI_ALIGN_UP(at.buffer + OTAI_STEP_MAX + ((size_t)1 << p->frame_log2));
    return at;
}

bool otai_patch_opened(const struct otai_patch_params *p)
{
    return OTAI_REPACK && p->opened.old_count + p->opened.new_count > 0;
}

size_t otai_patch_inner(const struct otai_patch_params *p)
{
    return lay_out(p).end;
}

size_t otai_patch_memory(const struct otai_patch_params *p)
{
    return otai_patch_inner(p) + (otai_patch_opened(p) ? otai_opened_memory(&p->opened) : 0);
}

/* The decoder's struct is at the begin of its memory. */
struct ota_delta {
    struct otai_body body;
    struct otai_unrange in;
    struct ota_delta_config cfg;
    struct ota_delta_info info;
    struct otai_patch_params params;
    struct otai_opened *opened;        /* behind all else; NULL: the images are patched as they are */
    uint64_t taken;                    /* patch bytes */
    uint64_t payload_left;             /* bytes that are not yet in the buffer */
    uint64_t made;                     /* image bytes given out */
    size_t mem_len;
    uint8_t *buffer;
    uint32_t frame_len, frame_want;    /* of the frame that is being collected, behind the unread payload */
    uint8_t header[OTA_DELTA_HEADER_MAX];
    uint8_t header_len;
    uint8_t made_at;                   /* bytes of body.made that were given out */
    bool begun;                        /* the header was accepted */
    bool full, drained;                /* streams that are compressed again: there was no more room; nothing is left of them */
    ota_err err;                       /* final result */
};

_Static_assert(sizeof(struct ota_delta) <= OTAI_DELTA_FIXED, "OTAI_DELTA_FIXED is too small");
_Static_assert(OTAI_DELTA_FIXED % OTAI_ALIGN == 0 && OTA_DELTA_MEMORY_MIN >= OTAI_DELTA_FIXED, "memory");

static bool config_ok(const struct ota_delta_config *cfg)
{
    return cfg->base && cfg->base->ops;
}

static ota_err prepare(struct ota_delta **out, const struct ota_delta_config *cfg, void *mem, size_t mem_len)
{
    if (!out)
        return OTA_USAGE_ARGUMENT;
    *out = NULL;
    if (!cfg || !mem || (uintptr_t)mem % _Alignof(struct ota_delta))
        return OTA_USAGE_ARGUMENT;
    if (cfg->size != sizeof *cfg)
        return OTA_USAGE_ABI;
    if (!config_ok(cfg))
        return OTA_USAGE_ARGUMENT;
    return mem_len < OTA_DELTA_MEMORY_MIN ? OTA_USAGE_MEMORY : OTA_OK;
}

ota_err ota_delta_begin(struct ota_delta **out, const struct ota_delta_config *cfg, void *mem, size_t mem_len)
{
    ota_err err = prepare(out, cfg, mem, mem_len);

    if (err != OTA_OK)
        return err;
    struct ota_delta *d = mem;
    memset(d, 0, sizeof *d);
    d->cfg = *cfg;
    d->mem_len = mem_len;
    *out = d;
    return OTA_OK;
}

static bool is_opened(const struct ota_delta *d)
{
    return OTAI_REPACK && d->opened;
}

/* Point into the memory behind the struct. */
static void attach(struct ota_delta *d)
{
    struct places at = lay_out(&d->params);
    uint8_t *mem = (uint8_t *)d;
    struct otai_map *m = &d->body.scene.map;
    size_t n = d->params.map_max;

    d->body.model.slot = (uint16_t *)(void *)(mem + at.slot);
    d->body.model.slots_log2 = d->params.slots_log2;
    d->body.model.run = (uint16_t *)(void *)(mem + at.run);
    d->body.model.runs_log2 = d->params.runs_log2;
    d->body.model.coder = &d->in.coder;
    m->from = (uint32_t *)(void *)(mem + at.map);
    m->to = m->from + n;
    m->len = m->to + n;
    m->order = (uint16_t *)(void *)(m->len + n);
    d->body.scene.learned.entry = (uint32_t *)(void *)(mem + at.learned);
    d->body.scene.learned.log2 = d->params.learned_log2;
    d->body.scene.window.base = d->cfg.base;
    d->body.script = NULL;
    d->body.map_max = d->params.map_max;
    d->buffer = mem + at.buffer;
    d->in.coder.bit = otai_unrange_bit;
    d->in.p = d->buffer;
    if (!otai_patch_opened(&d->params))
        return;
    d->opened = (struct otai_opened *)(void *)(mem + at.end);
    d->body.scene.window.base = otai_opened_attach(d->opened, &d->params.opened, d->cfg.base, d->info.base_len);
}

/* The lengths of what the body works on. */
static void set_lengths(struct ota_delta *d)
{
    d->body.base_len = is_opened(d) ? d->params.opened.old_len : d->info.base_len;
    d->body.out_len = is_opened(d) ? d->params.opened.new_len : d->info.out_len;
}

/* Is this the patch that the caller expects? */
static ota_err judge(const struct ota_delta_config *cfg, const struct ota_delta_info *info, size_t mem_len)
{
    if ((cfg->patch_len && cfg->patch_len != info->patch_len) || (cfg->out_len && cfg->out_len != info->out_len))
        return OTA_REJECT_LENGTH;
    if (cfg->base_len != info->base_len ||
        (cfg->base_sha256 && !otai_equal(cfg->base_sha256, info->base_digest, OTA_DELTA_DIGEST_LEN)) ||
        (cfg->out_sha256 && !otai_equal(cfg->out_sha256, info->out_digest, OTA_DELTA_DIGEST_LEN)))
        return OTA_REJECT_HASH;
    return info->memory > mem_len ? OTA_REJECT_LIMIT : OTA_OK;
}

/* The range decoder's first bytes: in the first frame, whatever its size. Behind a short payload there are zeros. */
static void begin_range(struct otai_unrange *r)
{
    r->range = 0xffffffffu;
    r->code = 0;
    for (unsigned i = 0; i < OTAI_UNRANGE_BEGIN; i++, r->at++)
        r->code = r->code << 8 | (r->at < r->len ? r->p[r->at] : 0u);
}

static ota_err take_header(struct ota_delta *d, struct otai_span *in)
{
    while (in->len > 0 && d->header_len < OTA_DELTA_HEADER_MAX) {
        d->header[d->header_len++] = *in->p++;
        in->len--;
        ota_err err = otai_patch_header(&d->info, &d->params, d->header, d->header_len);
        if (err == OTA_AGAIN)
            continue;
        if (err == OTA_OK)
            err = judge(&d->cfg, &d->info, d->mem_len);
        if (err != OTA_OK)
            return err;
        if (otai_patch_opened(&d->params))
            memset((uint8_t *)d + otai_patch_inner(&d->params), 0, sizeof *d->opened);
        attach(d);
        set_lengths(d);
        d->payload_left = d->params.payload_len;
        d->begun = true;
        otai_body_init(&d->body);
        if (d->payload_left == 0)
            begin_range(&d->in);
        return OTA_OK;
    }
    return OTA_AGAIN;
}

/* Payload bytes of the next frame. */
static uint32_t frame_payload(const struct ota_delta *d)
{
    uint32_t most = d->info.frame - OTAI_FRAME_CRC_LEN;

    return d->payload_left < most ? (uint32_t)d->payload_left : most;
}

/* Collect a frame behind what is unread. AGAIN until all of it is there. */
static ota_err take_frame(struct ota_delta *d, struct otai_span *in)
{
    struct otai_unrange *r = &d->in;

    if (d->frame_want == 0) {
        memmove(d->buffer, d->buffer + r->at, r->len - r->at);
        r->len -= r->at;
        r->at = 0;
        d->frame_want = frame_payload(d) + OTAI_FRAME_CRC_LEN;
        d->frame_len = 0;
    }
    uint32_t n = d->frame_want - d->frame_len;
    if (n > in->len)
        n = (uint32_t)in->len;
    if (n) {
        memcpy(d->buffer + r->len + d->frame_len, in->p, n);
        in->p += n;
        in->len -= n;
        d->frame_len += n;
    }
    if (d->frame_len < d->frame_want)
        return OTA_AGAIN;
    uint32_t payload = d->frame_want - OTAI_FRAME_CRC_LEN;
    const uint8_t *p = d->buffer + r->len;
    if (otai_crc32(0, p, payload) != otai_get_le32(p + payload))
        return OTA_REJECT_CORRUPT;
    r->len += payload;
    d->frame_want = d->frame_len = 0;
    d->payload_left -= payload;
    if (r->range == 0)
        begin_range(r);
    return OTA_OK;
}

/* A step is only taken when all input that it may want is there. */
static bool hungry(const struct ota_delta *d)
{
    return d->payload_left > 0 && (d->in.range == 0 || d->in.len - d->in.at < OTAI_STEP_MAX);
}

static ota_err finish(const struct ota_delta *d, const struct otai_span *in)
{
    if (is_opened(d) && d->full)
        return OTA_AGAIN;
    if (d->made < d->info.out_len || (is_opened(d) && !d->drained))
        return OTA_REJECT_CORRUPT;
    return d->payload_left || d->in.at < d->in.len || in->len ? OTA_REJECT_CORRUPT : OTA_DONE;
}

/* One thing after the other. AGAIN: more input, or room for output, is needed. */
static ota_err advance(struct ota_delta *d, struct otai_span *in)
{
    if (!d->begun)
        return take_header(d, in);
    if (hungry(d))
        return take_frame(d, in);
    ota_err err = otai_body_step(&d->body);
    if (err == OTA_DONE)
        return finish(d, in);
    if (err == OTA_OK && d->in.at > d->in.len + (d->payload_left ? 0 : OTAI_UNRANGE_BEGIN))
        return OTA_REJECT_CORRUPT;
    d->made_at = 0;
    return err;
}

/* What was made, through the streams that are to be compressed again. */
static ota_err close_streams(struct ota_delta *d, uint8_t *out, size_t cap, size_t *n)
{
    struct otai_span in = { d->body.made + d->made_at, (size_t)d->body.made_len - d->made_at };
    uint64_t left = d->info.out_len - d->made;
    ota_err err = otai_opened_put(d->opened, &in, out, cap < left ? cap : (size_t)left, n);

    d->made_at = (uint8_t)(d->body.made_len - in.len);
    d->drained = err == OTA_DONE;
    d->full = !d->drained && *n == cap;
    if (err != OTA_OK && err != OTA_DONE)
        return err;
    return in.len && !d->full ? OTA_REJECT_CORRUPT : OTA_OK;
}

static ota_err give(struct ota_delta *d, uint8_t *out, size_t cap, size_t *n)
{
    ota_err err = OTA_OK;

    if (is_opened(d)) {
        err = close_streams(d, out, cap, n);
    } else {
        *n = (size_t)d->body.made_len - d->made_at;
        if (*n > cap)
            *n = cap;
        if (*n)
            memcpy(out, d->body.made + d->made_at, *n);
        d->made_at = (uint8_t)(d->made_at + *n);
    }
    d->made += *n;
    return err;
}

ota_err ota_delta_push(struct ota_delta *d, const void *in, size_t in_len, size_t *used, void *out, size_t out_cap, size_t *made)
{
    struct otai_span left = { in, in_len };
    ota_err err = d->err;

    *used = *made = 0;
    if (err == OTA_DONE && in_len)
        d->err = err = OTA_REJECT_CORRUPT;
    while (err == OTA_OK) {
        size_t n = 0;

        err = give(d, (uint8_t *)out + *made, out_cap - *made, &n);
        *made += n;
        if (err == OTA_OK && d->made_at < d->body.made_len)
            break;
        if (err == OTA_OK)
            err = advance(d, &left);
        if (err != OTA_OK && err != OTA_AGAIN)
            d->err = err;
    }
    *used = in_len - left.len;
    d->taken += *used;
    return err == OTA_AGAIN ? OTA_OK : err;
}

ota_err ota_delta_end(struct ota_delta *d)
{
    size_t used, made;
    uint8_t none;
    ota_err err = ota_delta_push(d, NULL, 0, &used, &none, 0, &made);

    if (err == OTA_OK)
        err = d->err = OTA_REJECT_CORRUPT;
    return err;
}

const struct ota_delta_info *ota_delta_header(const struct ota_delta *d)
{
    return d->begun ? &d->info : NULL;
}

void ota_delta_position(const struct ota_delta *d, uint64_t *src_off, uint64_t *out_off)
{
    *src_off = d->taken;
    *out_off = d->made;
}

/* ---- saved states: a head, the memory as it is, a CRC ------------------------------------------------------------------ */

struct head {
    uint32_t magic;        /* in the machine's own byte order */
    uint32_t build;        /* of the code and the machine */
    uint32_t len;          /* of the memory that follows */
};
#define STATE_MAGIC 0x5341544fu
#define STATE_CRC_LEN 4u
_Static_assert(sizeof(struct head) + STATE_CRC_LEN == OTAI_STATE_EXTRA, "OTAI_STATE_EXTRA");

static uint32_t build(void)
{
    return OTAI_DELTA_STATE_VERSION << 24 | (uint32_t)sizeof(void *) << 16 | (uint32_t)sizeof(struct ota_delta);
}

ota_err ota_delta_checkpoint(const struct ota_delta *d, void *buf, size_t cap, size_t *len)
{
    *len = 0;
    if (!d->begun || d->err != OTA_OK)
        return OTA_USAGE_STATE;
    struct head h = { STATE_MAGIC, build(), d->info.state_len - OTAI_STATE_EXTRA };
    size_t body = sizeof h + h.len;
    if (cap < body + STATE_CRC_LEN)
        return OTA_USAGE_MEMORY;
    uint8_t *p = buf;
    memcpy(p, &h, sizeof h);
    memcpy(p + sizeof h, d, h.len);
    otai_put_le32(p + body, otai_crc32(0, p, body));
    *len = body + STATE_CRC_LEN;
    return OTA_OK;
}

static ota_err check_state(const uint8_t *p, size_t len, size_t mem_len)
{
    struct head h;

    if (len < sizeof h + sizeof(struct ota_delta) + STATE_CRC_LEN)
        return OTA_REJECT_CORRUPT;
    memcpy(&h, p, sizeof h);
    if (h.magic != STATE_MAGIC || h.build != build())
        return OTA_REJECT_SPEC;
    if (h.len != len - OTAI_STATE_EXTRA || otai_crc32(0, p, len - STATE_CRC_LEN) != otai_get_le32(p + len - STATE_CRC_LEN))
        return OTA_REJECT_CORRUPT;
    return h.len > mem_len ? OTA_REJECT_LIMIT : OTA_OK;
}

/* A state is the library's own, but memory must not be written outside even if it is not. */
static bool plausible(const struct ota_delta *d, size_t len)
{
    const struct otai_body *b = &d->body;
    struct ota_delta_info info;
    struct otai_patch_params p;

    if (!d->begun || d->err != OTA_OK || d->header_len > sizeof d->header ||
        otai_patch_header(&info, &p, d->header, d->header_len) != OTA_OK || memcmp(&p, &d->params, sizeof p) != 0 ||
        info.state_len - OTAI_STATE_EXTRA != len)
        return false;
    if (otai_patch_opened(&p) && !otai_opened_plausible((const struct otai_opened *)(const void *)((const uint8_t *)d + otai_patch_inner(&p))))
        return false;
    size_t cap = OTAI_STEP_MAX + ((size_t)1 << p.frame_log2), end = d->in.len + d->frame_want;
    return d->in.len <= cap && d->in.at <= d->in.len + OTAI_UNRANGE_BEGIN && d->frame_want <= cap && end <= cap &&
           d->frame_len <= d->frame_want && d->made_at <= b->made_len && otai_body_plausible(b);
}

ota_err ota_delta_resume(struct ota_delta **out, const struct ota_delta_config *cfg, void *mem, size_t mem_len, const void *state,
                         size_t state_len)
{
    ota_err err = prepare(out, cfg, mem, mem_len);

    if (err == OTA_OK)
        err = state ? check_state(state, state_len, mem_len) : OTA_USAGE_ARGUMENT;
    if (err != OTA_OK)
        return err;
    struct ota_delta *d = mem;
    size_t len = state_len - OTAI_STATE_EXTRA;
    memcpy(d, (const uint8_t *)state + sizeof(struct head), len);
    d->cfg = *cfg;
    d->mem_len = mem_len;
    if (len < OTAI_DELTA_FIXED || !plausible(d, len))
        return OTA_REJECT_CORRUPT;
    err = judge(cfg, &d->info, mem_len);
    if (err != OTA_OK)
        return err;
    d->opened = NULL;
    attach(d);
    otai_map_sort(&d->body.scene.map);
    *out = d;
    return OTA_OK;
}
