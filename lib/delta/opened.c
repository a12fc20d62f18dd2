/* SPDX-License-Identifier: Apache-2.0 */
/* The new view becomes the new image: streams are compressed again. */
#include "opened.h"

#include <string.h>

#define ADLER_BASE 65521u
#define WRAP_LEN 2u           /* head of RFC 1950 */
#define ADLER_LEN 4u

ota_err otai_opened_judge(const struct otai_opened_params *p, uint64_t base_len, uint64_t out_len)
{
    uint64_t most = UINT32_MAX - 1u;
    bool old = p->old_count > 0, new = p->new_count > 0;

    if (!(old || new) || base_len > most || out_len > most || p->old_len > most || p->new_len > most || p->old_len < base_len ||
        p->old_count > OTAI_OPENED_STREAMS_MAX || p->new_count > OTAI_OPENED_STREAMS_MAX)
        return OTA_REJECT_VALUE;
    if (old ? p->ring_log2 < OTAI_RING_LOG2_MIN || p->ring_log2 > OTAI_RING_LOG2_MAX : p->ring_log2 != 0 || p->old_len != base_len)
        return OTA_REJECT_VALUE;
    const struct otai_reflate_way largest = { OTAI_REFLATE_LEVEL_MAX, p->hash_log2, p->symbols_log2, false };
    if (new ? !otai_reflate_way_ok(&largest) : p->hash_log2 != 0 || p->symbols_log2 != 0)
        return OTA_REJECT_VALUE;
    return OTA_OK;
}

static size_t new_table_at(const struct otai_opened_params *p)
{
    return OTAI_ALIGN_UP(sizeof(struct otai_opened)) + OTAI_ALIGN_UP((size_t)p->old_count * OTAI_OLD_ENTRY);
}

static size_t reflate_at(const struct otai_opened_params *p)
{
    return new_table_at(p) + OTAI_ALIGN_UP((size_t)p->new_count * OTAI_NEW_ENTRY);
}

size_t otai_opened_saved(const struct otai_opened_params *p)
{
    return reflate_at(p) + (p->new_count ? OTAI_ALIGN_UP(otai_reflate_memory(p->hash_log2, p->symbols_log2)) : 0);
}

size_t otai_opened_memory(const struct otai_opened_params *p)
{
    return otai_opened_saved(p) + (p->old_count ? otai_reader_memory(p->ring_log2) : 0);
}

static const struct ota_delta_base_ops view_ops = { otai_opened_read };

struct ota_delta_base *otai_opened_attach(struct otai_opened *o, const struct otai_opened_params *p, struct ota_delta_base *image,
                                          uint64_t base_len)
{
    uint8_t *mem = (uint8_t *)o;

    o->params = *p;
    o->view.ops = &view_ops;
    o->image = image;
    o->base_len = base_len;
    o->old_table = mem + OTAI_ALIGN_UP(sizeof *o);
    o->new_table = mem + new_table_at(p);
    o->reader = NULL;
    if (p->new_count)
        otai_reflate_attach(&o->reflate, mem + reflate_at(p), p->hash_log2, p->symbols_log2);
    if (p->old_count) {
        memset(mem + otai_opened_saved(p), 0, otai_reader_memory(p->ring_log2));
        o->reader = (struct otai_reader *)(void *)(mem + otai_opened_saved(p));
    }
    return &o->view;
}

/* ---- the table --------------------------------------------------------------------------------------------------------- */

/* From differences to offsets; refuse what would not be in order or lie outside. */
static bool settle_old(struct otai_opened *o)
{
    uint64_t at = 0, view = 0;

    for (uint32_t i = 0; i < o->params.old_count; i++) {
        uint8_t *entry = o->old_table + (size_t)i * OTAI_OLD_ENTRY;
        uint32_t step = otai_get_le32(entry + 4);

        at += otai_get_le32(entry);
        view += step;
        if (at >= o->base_len || view < o->base_len || view >= o->params.old_len || (i > 0 && step == 0))
            return false;
        otai_put_le32(entry, (uint32_t)at);
        otai_put_le32(entry + 4, (uint32_t)view);
    }
    return true;
}

static struct otai_reflate_way way_of(uint32_t v)
{
    return (struct otai_reflate_way){ (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (v & OTAI_WAY_EARLY) != 0 };
}

static bool new_ok(const struct otai_opened *o)
{
    for (uint32_t i = 0; i < o->params.new_count; i++) {
        uint32_t v = otai_get_le32(o->new_table + (size_t)i * OTAI_NEW_ENTRY + 8);
        struct otai_reflate_way w = way_of(v);

        if (!otai_reflate_way_ok(&w) || w.hash_log2 > o->params.hash_log2 || w.symbols_log2 > o->params.symbols_log2 || v >> 27)
            return false;
    }
    return true;
}

static ota_err put_table(struct otai_opened *o, struct otai_span *in)
{
    uint32_t old_len = o->params.old_count * OTAI_OLD_ENTRY, len = old_len + o->params.new_count * OTAI_NEW_ENTRY;

    for (; in->len > 0 && o->at < len; in->p++, in->len--, o->at++)
        *(o->at < old_len ? o->old_table + o->at : o->new_table + (o->at - old_len)) = *in->p;
    if (o->at < len)
        return OTA_AGAIN;
    o->table_ok = settle_old(o);
    if (!o->table_ok || !new_ok(o) || len > o->params.new_len)
        return OTA_REJECT_CORRUPT;
    o->phase = OTAI_O_RAW;
    o->left = o->params.new_len - len;
    if (o->params.new_count > 0)
        o->left = otai_get_le32(o->new_table);
    return OTA_OK;
}

/* ---- the streams ------------------------------------------------------------------------------------------------------- */

static const uint8_t *entry_of(const struct otai_opened *o)
{
    return o->new_table + (size_t)o->index * OTAI_NEW_ENTRY;
}

static uint8_t level_mark(uint8_t level)
{
    return level < 6 ? 0x5e : level == 6 ? 0x9c : 0xda;
}

/* Bytes that a phase makes by itself: the last `left` ones of v, most significant first. */
static ota_err make_bytes(struct otai_opened *o, uint32_t v, uint8_t *out, size_t cap, size_t *made)
{
    for (; o->left > 0; o->left--) {
        if (*made == cap)
            return OTA_AGAIN;
        out[(*made)++] = (uint8_t)(v >> (8 * (o->left - 1)));
    }
    return OTA_OK;
}

static void begin_content(struct otai_opened *o)
{
    uint32_t v = otai_get_le32(entry_of(o) + 8);
    const struct otai_reflate_way way = way_of(v);

    o->left = otai_get_le32(entry_of(o) + 4);
    o->adler = 1;
    o->phase = OTAI_O_CONTENT;
    otai_reflate_begin(&o->reflate, &way, o->left);
}

static void add_adler(struct otai_opened *o, const uint8_t *p, size_t len)
{
    uint32_t a = o->adler & 0xffff, b = o->adler >> 16;

    for (size_t i = 0; i < len; i++) {
        a += p[i];
        a -= a >= ADLER_BASE ? ADLER_BASE : 0;
        b += a;
        b -= b >= ADLER_BASE ? ADLER_BASE : 0;
    }
    o->adler = b << 16 | a;
}

/* After a stream: the bytes up to the next one, or to the end. */
static void next_stream(struct otai_opened *o)
{
    o->index++;
    o->phase = OTAI_O_RAW;
    o->left = o->index < o->params.new_count ? otai_get_le32(entry_of(o)) : o->params.new_len - o->at;
}

/* Not more than there is of the view. */
static void take(struct otai_opened *o, struct otai_span *in, size_t n)
{
    in->p += n;
    in->len -= n;
    o->at += (uint32_t)n;
}

static ota_err put_raw(struct otai_opened *o, struct otai_span *in, uint8_t *out, size_t cap, size_t *made)
{
    size_t n = in->len < o->left ? in->len : o->left;

    if (n > cap - *made)
        n = cap - *made;
    if (n)
        memcpy(out + *made, in->p, n);
    *made += n;
    o->left -= (uint32_t)n;
    take(o, in, n);
    if (o->left > 0)
        return OTA_AGAIN;
    o->phase = OTAI_O_END;
    if (o->index < o->params.new_count) {
        o->way_flags = (uint8_t)(otai_get_le32(entry_of(o) + 8) >> 24);
        o->left = o->way_flags & OTAI_WAY_PAGE >> 24 ? (OTAI_OPENED_PAGE - o->at % OTAI_OPENED_PAGE) % OTAI_OPENED_PAGE : 0;
        o->phase = OTAI_O_PAD;
    }
    return OTA_OK;
}

static ota_err put_pad(struct otai_opened *o, struct otai_span *in)
{
    size_t n = in->len < o->left ? in->len : o->left;

    o->left -= (uint32_t)n;
    take(o, in, n);
    if (o->left > 0)
        return OTA_AGAIN;
    o->phase = OTAI_O_HEAD;
    o->left = o->way_flags & OTAI_WAY_ZLIB >> 24 ? WRAP_LEN : 0;
    return OTA_OK;
}

static ota_err put_content(struct otai_opened *o, struct otai_span *in, uint8_t *out, size_t cap, size_t *made)
{
    size_t used, got, n = in->len < o->left ? in->len : o->left;
    ota_err err = otai_reflate_push(&o->reflate, in->p, n, &used, out + *made, cap - *made, &got);

    if (o->way_flags & OTAI_WAY_ZLIB >> 24)
        add_adler(o, in->p, used);
    take(o, in, used);
    o->left -= (uint32_t)used;
    *made += got;
    if (err != OTA_DONE)
        return used || got ? OTA_OK : OTA_AGAIN;
    o->phase = OTAI_O_TAIL;
    o->left = o->way_flags & OTAI_WAY_ZLIB >> 24 ? ADLER_LEN : 0;
    return OTA_OK;
}

static ota_err step(struct otai_opened *o, struct otai_span *in, uint8_t *out, size_t cap, size_t *made)
{
    ota_err err;

    switch ((enum otai_opened_phase)o->phase) {
    case OTAI_O_TABLE:
        return put_table(o, in);
    case OTAI_O_RAW:
        return put_raw(o, in, out, cap, made);
    case OTAI_O_PAD:
        return put_pad(o, in);
    case OTAI_O_HEAD:
        err = make_bytes(o, 0x7800u | level_mark(entry_of(o)[8]), out, cap, made);
        if (err == OTA_OK)
            begin_content(o);
        return err;
    case OTAI_O_CONTENT:
        return put_content(o, in, out, cap, made);
    case OTAI_O_TAIL:
        err = make_bytes(o, o->adler, out, cap, made);
        if (err == OTA_OK)
            next_stream(o);
        return err;
    default:
        return o->at == o->params.new_len && in->len == 0 ? OTA_DONE : OTA_REJECT_CORRUPT;
    }
}

ota_err otai_opened_put(struct otai_opened *o, struct otai_span *in, uint8_t *out, size_t cap, size_t *made)
{
    ota_err err;

    *made = 0;
    do {
        err = step(o, in, out, cap, made);
    } while (err == OTA_OK);
    return err == OTA_AGAIN ? OTA_OK : err;
}
