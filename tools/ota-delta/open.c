/* SPDX-License-Identifier: Apache-2.0 */
#include "open.h"

#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "patch.h"

#define CONTENT_MIN 512u               /* smaller ones are not worth an entry */
#define VIEW_MAX (UINT32_C(1) << 30)
#define PAGED_MIN 65536u               /* contents that begin at a page: code addresses pages */
#define INNER_MEMORY 65536u            /* at least as much is left for the patch itself */

/* A deflate stream. */
struct stream {
    uint32_t at, packed;               /* in the image: where it begins, and its length, without head and checksum */
    uint32_t len;
    size_t content;                    /* in the list's contents */
    uint32_t sum;                      /* of the packed bytes */
    uint32_t way;                      /* of a new one; 0: stays as it is */
    bool zlib, twin;                   /* with head and checksum of RFC 1950; the other image has the same bytes */
};

struct streams {
    const uint8_t *image;
    uint32_t image_len;
    struct stream *p;
    size_t count, cap;
    struct bytes contents;
};

/* ---- finding ----------------------------------------------------------------------------------------------------------- */

static bool room_for(struct bytes *b, size_t more)
{
    if (b->cap - b->len >= more)
        return true;
    size_t cap = b->cap ? b->cap * 2 : 1u << 20;
    uint8_t *p = realloc(b->p, cap);
    if (!p)
        return false;
    b->p = p;
    b->cap = cap;
    return true;
}

/* Inflate what begins at `at`. 1: a whole stream; 0: none; -1: out of memory. The contents are behind the others. */
static int inflate_at(struct streams *s, z_stream *z, uint32_t at, struct stream *found)
{
    struct bytes *b = &s->contents;
    size_t begin = b->len;
    int rc = Z_OK;

    z->next_in = s->image + at;
    z->avail_in = s->image_len - at;
    while (rc == Z_OK) {
        if (!room_for(b, 1u << 16))
            return -1;
        z->next_out = b->p + b->len;
        z->avail_out = 1u << 16;
        rc = inflate(z, Z_NO_FLUSH);
        b->len += (1u << 16) - z->avail_out;
        if (b->len > VIEW_MAX)
            rc = Z_DATA_ERROR;
    }
    size_t len = b->len - begin;
    b->len = begin;
    if (rc != Z_STREAM_END || len < CONTENT_MIN)
        return 0;
    b->len = begin + len;
    found->content = begin;
    found->len = (uint32_t)len;
    found->packed = s->image_len - at - z->avail_in;
    return 1;
}

/* Bytes of a gzip member's head (RFC 1952, 2.3); 0: none begins here. */
static uint32_t gzip_head(const uint8_t *p, uint32_t len)
{
    uint32_t at = 10;

    if (len < 18 || p[0] != 0x1f || p[1] != 0x8b || p[2] != 8 || p[3] & 0xe0)
        return 0;
    if (p[3] & 4)
        at += 2u + p[10] + ((uint32_t)p[11] << 8);
    for (unsigned text = 8; text <= 16; text *= 2)
        if (p[3] & text) {
            while (at < len && p[at])
                at++;
            at++;
        }
    if (p[3] & 2)
        at += 2;
    return at < len ? at : 0;
}

static bool zlib_head(const uint8_t *p)
{
    return p[0] == 0x78 && (p[1] == 0x01 || p[1] == 0x5e || p[1] == 0x9c || p[1] == 0xda);
}

static bool add(struct streams *s, const struct stream *found)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        struct stream *p = realloc(s->p, cap * sizeof *p);

        if (!p)
            return false;
        s->p = p;
        s->cap = cap;
    }
    s->p[s->count++] = *found;
    return true;
}

/* Look at what may begin at `at`. -1: out of memory; else as inflate_at() */
static int look(struct streams *s, z_stream *raw, z_stream *wrapped, uint32_t at, struct stream *found)
{
    const uint8_t *p = s->image + at;
    uint32_t head = gzip_head(p, s->image_len - at);

    *found = (struct stream){ .at = at + head };
    if (head) {
        (void)inflateReset(raw);
        return inflate_at(s, raw, at + head, found);
    }
    if (!zlib_head(p))
        return 0;
    (void)inflateReset(wrapped);
    int got = inflate_at(s, wrapped, at, found);
    if (got == 1) {
        found->at += 2;                    /* head and checksum are known from the rest */
        found->packed -= 6;
        found->zlib = true;
    }
    return got;
}

static bool find_streams(struct streams *s)
{
    z_stream raw = { 0 }, wrapped = { 0 };
    bool ok = inflateInit2(&raw, -15) == Z_OK && inflateInit2(&wrapped, 15) == Z_OK;
    struct stream found;

    for (uint32_t at = 0; ok && at + 18 < s->image_len && s->count < OTAI_OPENED_STREAMS_MAX; at++) {
        int got = look(s, &raw, &wrapped, at, &found);

        if (got == 0)
            continue;
        found.sum = got > 0 ? otai_crc32(0, s->image + found.at, found.packed) : 0;
        ok = got > 0 && add(s, &found);
        at = found.at + found.packed - 1 + (found.zlib ? 4 : 0);
    }
    (void)inflateEnd(&raw);
    (void)inflateEnd(&wrapped);
    return ok;
}

/* ---- which of them ------------------------------------------------------------------------------------------------------ */

/* Is that how this stream was compressed? */
static bool rebuilds(const struct streams *s, const struct stream *t, const struct otai_reflate_way *way, struct otai_reflate *r)
{
    const uint8_t *in = s->contents.p + t->content, *packed = s->image + t->at;
    size_t at = 0, made_at = 0, used, made;
    uint8_t out[4096];
    ota_err err;

    otai_reflate_begin(r, way, t->len);
    do {
        err = otai_reflate_push(r, in + at, t->len - at, &used, out, sizeof out, &made);
        at += used;
        if (made > t->packed - made_at || memcmp(out, packed + made_at, made) != 0)
            return false;
        made_at += made;
    } while (err == OTA_OK);
    return made_at == t->packed;
}

static bool head_fits(const struct streams *s, const struct stream *t, unsigned level)
{
    uint8_t mark = s->image[t->at - 1];

    return !t->zlib || mark == (level < 6 ? 0x5e : level == 6 ? 0x9c : 0xda);
}

static uint32_t as_number(const struct otai_reflate_way *w)
{
    return w->level | (uint32_t)w->hash_log2 << 8 | (uint32_t)w->symbols_log2 << 16 | (w->early ? OTAI_WAY_EARLY : 0);
}

/* zlib with its usual and its largest memory, and gzip; first what the last stream was made with. */
static void find_way(const struct streams *s, struct stream *t, struct otai_reflate_way *last, struct otai_reflate *r)
{
    static const struct otai_reflate_way makers[] = { { 0, 15, 14, false }, { 0, 15, 15, true }, { 0, 16, 15, false } };

    if (last->level && head_fits(s, t, last->level) && rebuilds(s, t, last, r)) {
        t->way = as_number(last);
        return;
    }
    for (unsigned k = 0; k < sizeof makers / sizeof makers[0]; k++)
        for (unsigned level = OTAI_REFLATE_LEVEL_MAX; level >= OTAI_REFLATE_LEVEL_MIN; level--) {
            struct otai_reflate_way way = makers[k];

            way.level = (uint8_t)level;
            if (!head_fits(s, t, level) || !rebuilds(s, t, &way, r))
                continue;
            *last = way;
            t->way = as_number(&way);
            return;
        }
}

static int by_sum(const void *a, const void *b)
{
    const struct stream *x = *(const struct stream *const *)a, *y = *(const struct stream *const *)b;

    return x->sum != y->sum ? (x->sum < y->sum ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

/* Streams that both images have stay as they are: a copy costs the device nothing. */
static bool mark_twins(struct streams *old, struct streams *new)
{
    struct stream **sorted = malloc((old->count + 1) * sizeof *sorted);

    if (!sorted)
        return false;
    for (size_t i = 0; i < old->count; i++)
        sorted[i] = &old->p[i];
    qsort(sorted, old->count, sizeof *sorted, by_sum);
    for (size_t i = 0; i < new->count; i++) {
        struct stream *t = &new->p[i];
        size_t low = 0, high = old->count;

        while (low < high) {
            size_t middle = low + (high - low) / 2;

            if (sorted[middle]->sum < t->sum)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < old->count && sorted[low]->sum == t->sum; low++)
            if (sorted[low]->packed == t->packed && memcmp(old->image + sorted[low]->at, new->image + t->at, t->packed) == 0)
                sorted[low]->twin = t->twin = true;
    }
    free(sorted);
    return true;
}

/* @return false: out of memory */
static bool find_ways(struct streams *new)
{
    struct otai_reflate_way last = { 0 };
    struct otai_reflate *r = calloc(1, sizeof *r);
    uint8_t *mem = malloc(otai_reflate_memory(OTAI_REFLATE_HASH_MAX, OTAI_REFLATE_SYMBOLS_MAX));
    bool ok = r && mem;

    if (ok)
        otai_reflate_attach(r, mem, OTAI_REFLATE_HASH_MAX, OTAI_REFLATE_SYMBOLS_MAX);
    for (size_t i = 0; ok && i < new->count; i++)
        if (!new->p[i].twin)
            find_way(new, &new->p[i], &last, r);
    free(r);
    free(mem);
    return ok;
}

/* ---- the views ---------------------------------------------------------------------------------------------------------- */

static uint64_t page_up(uint64_t at, uint32_t len)
{
    return len >= PAGED_MIN ? (at + OTAI_OPENED_PAGE - 1) / OTAI_OPENED_PAGE * OTAI_OPENED_PAGE : at;
}

/* The old image, and the contents of what is not in the new one as it is. */
static bool build_old(struct opened *o, const struct streams *s)
{
    uint64_t len = s->image_len;

    o->begin = malloc((s->count + 1) * sizeof *o->begin);
    for (size_t i = 0; i < s->count; i++)
        len = s->p[i].twin ? len : page_up(len, s->p[i].len) + s->p[i].len;
    o->old = len <= VIEW_MAX ? calloc(1, (size_t)len + 1) : NULL;
    if (!o->old || !o->begin)
        return false;
    memcpy(o->old, s->image, s->image_len);
    len = s->image_len;
    for (size_t i = 0; i < s->count; i++) {
        if (s->p[i].twin)
            continue;
        len = page_up(len, s->p[i].len);
        memcpy(o->old + len, s->contents.p + s->p[i].content, s->p[i].len);
        o->begin[o->params.old_count++] = (uint32_t)len;
        len += s->p[i].len;
    }
    o->params.old_len = (uint32_t)len;
    return true;
}

static void put_old_table(const struct opened *o, const struct streams *s, uint8_t *to)
{
    uint32_t at = 0, view = 0, n = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (s->p[i].twin)
            continue;
        otai_put_le32(to, s->p[i].at - at);
        otai_put_le32(to + 4, o->begin[n] - view);
        at = s->p[i].at;
        view = o->begin[n++];
        to += OTAI_OLD_ENTRY;
    }
}

/* Head and checksum belong to a zlib stream; all else between two streams stays as it is. */
static uint32_t raw_end(const struct stream *t)
{
    return t->at - (t->zlib ? 2 : 0);
}

static uint32_t raw_begin(const struct stream *t)
{
    return t->at + t->packed + (t->zlib ? 4 : 0);
}

static bool build_new(struct opened *o, const struct streams *s, uint32_t table)
{
    uint64_t most = (uint64_t)table + s->image_len + s->contents.len + (uint64_t)s->count * OTAI_OPENED_PAGE;
    uint32_t raw = 0;
    uint8_t *entry;

    o->new = most <= VIEW_MAX ? calloc(1, (size_t)most + 1) : NULL;
    if (!o->new)
        return false;
    uint64_t at = table;
    entry = o->new + (size_t)o->params.old_count * OTAI_OLD_ENTRY;
    for (size_t i = 0; i < s->count; i++) {
        const struct stream *t = &s->p[i];

        if (!t->way)
            continue;
        memcpy(o->new + at, s->image + raw, raw_end(t) - raw);
        at += raw_end(t) - raw;
        otai_put_le32(entry, raw_end(t) - raw);
        otai_put_le32(entry + 4, t->len);
        otai_put_le32(entry + 8, t->way | (t->zlib ? OTAI_WAY_ZLIB : 0) | (t->len >= PAGED_MIN ? OTAI_WAY_PAGE : 0));
        entry += OTAI_NEW_ENTRY;
        at = page_up(at, t->len);
        memcpy(o->new + at, s->contents.p + t->content, t->len);
        at += t->len;
        raw = raw_begin(t);
    }
    memcpy(o->new + at, s->image + raw, s->image_len - raw);
    o->params.new_len = (uint32_t)(at + s->image_len - raw);
    return true;
}

/* The longest opened content, if it is most of all: its code and addresses are those of the whole. */
static struct image_part focus(const struct streams *s, const uint8_t *view, uint32_t from, uint32_t len, bool old)
{
    const struct stream *most = NULL;
    size_t all = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct stream *t = &s->p[i];

        if (old ? t->twin : !t->way)
            continue;
        all += t->len;
        if (!most || t->len > most->len)
            most = t;
    }
    if (!most || most->len < all / 2)
        return (struct image_part){ from, len - from };
    for (uint32_t at = from; at + most->len <= len; at++) {
        if (len - at == most->len || memcmp(view + at, s->contents.p + most->content, most->len) == 0)
            return (struct image_part){ at, most->len };
        if (at % OTAI_OPENED_PAGE == 0 && most->len >= PAGED_MIN)
            at += OTAI_OPENED_PAGE - 1;
    }
    return (struct image_part){ from, len - from };
}

static void count_ways(struct opened *o, const struct streams *new)
{
    struct otai_opened_params *p = &o->params;

    for (size_t i = 0; i < new->count; i++) {
        uint32_t way = new->p[i].way;

        if (!way)
            continue;
        p->new_count++;
        p->hash_log2 = (uint8_t)((way >> 8 & 31) > p->hash_log2 ? way >> 8 & 31 : p->hash_log2);
        p->symbols_log2 = (uint8_t)((way >> 16 & 31) > p->symbols_log2 ? way >> 16 & 31 : p->symbols_log2);
    }
}

static bool build(const struct create_job *job, struct opened *o, const struct streams *old, const struct streams *new)
{
    uint64_t contents = 0;

    count_ways(o, new);
    for (size_t i = 0; i < old->count; i++)
        contents += old->p[i].twin ? 0 : old->p[i].len + OTAI_OPENED_PAGE;
    if (o->params.new_count == 0 || contents + job->old_len > VIEW_MAX ||
        new->image_len + new->contents.len + new->count * (OTAI_OPENED_PAGE + OTAI_NEW_ENTRY) + old->count * OTAI_OLD_ENTRY > VIEW_MAX) {
        o->params = (struct otai_opened_params){ 0 };
        return true;
    }
    if (!build_old(o, old))
        return false;
    o->params.ring_log2 = o->params.old_count ? 17 : 0;
    while (o->params.ring_log2 > OTAI_RING_LOG2_MIN && otai_opened_memory(&o->params) + INNER_MEMORY * 4 > job->memory)
        o->params.ring_log2--;
    if (otai_opened_judge(&o->params, job->old_len, job->new_len) != OTA_OK || otai_opened_memory(&o->params) + INNER_MEMORY > job->memory) {
        o->params = (struct otai_opened_params){ 0 };
        return true;
    }
    uint32_t table = o->params.old_count * OTAI_OLD_ENTRY + o->params.new_count * OTAI_NEW_ENTRY;
    if (!build_new(o, new, table))
        return false;
    put_old_table(o, old, o->new);
    o->old_focus = focus(old, o->old, o->params.old_count ? o->begin[0] : 0, o->params.old_len, true);
    o->new_focus = focus(new, o->new, table, o->params.new_len, false);
    return true;
}

bool open_images(const struct create_job *job, struct opened *o)
{
    struct streams old = { .image = job->old, .image_len = (uint32_t)job->old_len };
    struct streams new = { .image = job->new, .image_len = (uint32_t)job->new_len };

    *o = (struct opened){ 0 };
    bool ok = find_streams(&new);
    if (ok && new.count > 0)
        ok = find_streams(&old) && mark_twins(&old, &new) && find_ways(&new) && build(job, o, &old, &new);
    free(old.p);
    free(new.p);
    free(old.contents.p);
    free(new.contents.p);
    return ok;
}

void open_free(struct opened *o)
{
    free(o->old);
    free(o->new);
    free(o->begin);
    *o = (struct opened){ 0 };
}
