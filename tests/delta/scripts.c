/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts.h"

#include <stdlib.h>
#include <string.h>

#define COPIES_MAX 64u
#define PART_MAX 8192u

/* Instructions with references: fixed bits, and those that are random. Thumb words are two halfwords, the first one low. */
struct pattern {
    uint8_t mode;
    uint32_t is, random;
};
static const struct pattern patterns[] = {
    { OTAI_M_THUMB, 0xf800f000, 0x07ff0003 }, { OTAI_M_THUMB, 0xd000f000, 0x2fff07ff }, { OTAI_M_THUMB, 0xe800f000, 0x07fe0001 },
    { OTAI_M_THUMB, 0x8000f000, 0x07ff01c1 }, { OTAI_M_THUMB, 0x0000f240, 0x71ff0001 }, { OTAI_M_THUMB, 0x0000f2c0, 0x01030000 },
    { OTAI_M_THUMB, 0x0000f85f, 0x30ff0080 }, { OTAI_M_THUMB, 0x44784800, 0x0001001f }, { OTAI_M_THUMB, 0xe000d000, 0x01ff0fff },
    { OTAI_M_THUMB, 0xb900a000, 0x02ff073f }, { OTAI_M_THUMB, 0x46c04800, 0x0000033f },
    { OTAI_M_THUMB, 0xb3c0b3c0, 0x08380838 }, { OTAI_M_THUMB, 0x48f848f8, 0x07070707 }, { OTAI_M_ARM, 0xe59f0fe3, 0x0000701c },
    { OTAI_M_ARM, 0xed9f0ae0, 0x0000f01f }, { OTAI_M_ARM, 0xeb000000, 0x100003ff }, { OTAI_M_ARM, 0xfa000000, 0x010007ff }, { OTAI_M_ARM, 0xe51f0000, 0x008031ff },
    { OTAI_M_ARM, 0xed1f0a00, 0x0080f03f }, { OTAI_M_ARM, 0xe28f0000, 0x0000f7ff }, { OTAI_M_ARM, 0xe24f0000, 0x0000ff3f },
    { OTAI_M_ARM, 0xe3000000, 0x00001fff }, { OTAI_M_ARM, 0xe3400000, 0x00001003 }, { OTAI_M_ARM, 0xe08f0000, 0x0000f003 },
    { OTAI_M_ARM, 0xe79f0000, 0x0000f003 }, { OTAI_M_ARM, 0xebfffc00, 0x000003ff },
    { OTAI_M_A64, 0x94000000, 0x000003ff }, { OTAI_M_A64, 0x97fffc00, 0x000003ff }, { OTAI_M_A64, 0x54000000, 0x00003fef },
    { OTAI_M_A64, 0x34000000, 0x01003fff }, { OTAI_M_A64, 0x18000000, 0xc0003fff }, { OTAI_M_A64, 0x36000000, 0x01f83fff },
    { OTAI_M_A64, 0x10000000, 0x6000ffff }, { OTAI_M_A64, 0x90000000, 0x20000021 }, { OTAI_M_A64, 0x91000000, 0x003ffc21 },
    { OTAI_M_A64, 0x39400000, 0xc43ffc21 }, { OTAI_M_A64, 0x3dc00000, 0x003ffc21 },
    { OTAI_M_RISCV, 0x000000ef, 0x7ff00000 }, { OTAI_M_RISCV, 0x00000063, 0x7ff07f80 }, { OTAI_M_RISCV, 0xc001a001, 0x1ffc1ffc },
    { OTAI_M_RISCV, 0x00000097, 0x00001080 }, { OTAI_M_RISCV, 0x00008013, 0xfff00080 }, { OTAI_M_RISCV, 0x0000a003, 0xfff00080 },
    { OTAI_M_RISCV, 0x0000a023, 0xfe000f80 }, { OTAI_M_RISCV, 0xe001a001, 0x07fc07fc }, { OTAI_M_RISCV, 0xffdff0ef, 0x00e00000 },
};
#define PATTERNS (sizeof patterns / sizeof patterns[0])

struct work {
    uint32_t seed;
    struct pair *pair;
    struct otai_part part;
    struct otai_copy map[COPIES_MAX], minor[COPIES_MAX];
    uint8_t mode[PART_MAX >> 10];
};

static uint32_t random32(struct work *w)
{
    uint32_t high = patches_random(&w->seed);

    return high << 16 ^ patches_random(&w->seed);
}

static uint32_t below(struct work *w, uint32_t n)
{
    return patches_random(&w->seed) % n;
}

static uint32_t one_word(struct work *w, unsigned mode, uint32_t at)
{
    const struct pattern *p;

    if (below(w, 4) == 0)
        return random32(w) & 0x0fff1fff;
    switch (mode) {
    case OTAI_M_PTR32:
        return below(w, 5000) * 4 + 0x8000;
    case OTAI_M_PTR64:
        return at % 8 ? 0 : below(w, 5000) + 0x8000;
    case OTAI_M_REL32:
        return below(w, 4000) - at;
    case OTAI_M_X86:
        return below(w, 2) ? 0x8b48e8e9 + below(w, 3) * 0x01000000 : (uint32_t[]){ 0x00000005, 0x0000840f, 0x0005ff48, 0 }[below(w, 4)];
    case OTAI_M_RAW:
        return random32(w);
    default:
        break;
    }
    do
        p = &patterns[below(w, PATTERNS)];
    while (p->mode != mode);
    return p->is | (random32(w) & p->random);
}

static void put_old(struct work *w, unsigned mode)
{
    w->pair->old_len = 600 + below(w, 6000);
    for (uint32_t i = 0; i + 4 <= IMAGE_MAX; i += 4)
        otai_put_le32(w->pair->old + i, one_word(w, mode, i));
}

/* Segments that make sense, and some that do not. */
static void put_layout(struct work *w, struct otai_layout *l, uint32_t len, uint64_t base)
{
    uint32_t at = 0, count = below(w, 3) ? below(w, OTAI_SPANS + 1) : 0;

    *l = (struct otai_layout){ .base = base, .count = (uint8_t)count };
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = 1 + below(w, len / 2 + 1);

        l->segment[i] = (struct otai_segment){ at, at + below(w, 8) * 256, n };
        if (below(w, 12) == 0)
            l->segment[i] = (struct otai_segment){ random32(w), random32(w), random32(w) };
        at += n - (n > 4 ? below(w, 4) : 0);
    }
}

static void put_place(struct work *w, uint32_t made, bool last)
{
    struct otai_part *p = &w->part;
    uint64_t base = below(w, 2) ? 0x8000 : (uint64_t)random32(w) << below(w, 20);

    *p = (struct otai_part){ .origin = below(w, 400), .whole = last && below(w, 2) };
    p->old_len = w->pair->old_len - (uint32_t)p->origin - below(w, 100);
    if (p->whole) {
        p->origin = 0;
        p->old_len = w->pair->old_len;
    }
    p->out_len = 1 + below(w, PART_MAX - 1);
    if (last)
        p->out_len = w->pair->new_len - made;
    if (below(w, 2)) {
        p->prime_off = below(w, p->old_len);
        p->prime_len = below(w, p->old_len - p->prime_off);
    }
    put_layout(w, &p->was, p->old_len, base);
    p->now = p->was;
    if (below(w, 2))
        put_layout(w, &p->now, p->out_len, below(w, 2) ? base : base + 0x1230);
}

static void change(struct work *w, uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i += 1 + below(w, 60)) {
        if (below(w, 3))
            p[i] = (uint8_t)(p[i] + 4);
        else
            p[i] = (uint8_t)random32(w);
    }
}

/* Where the next copy comes from: where the last one went on, a few words behind that, or anywhere. */
static uint32_t pick_source(struct work *w, uint32_t next)
{
    switch (below(w, 3)) {
    case 0:
        return next;
    case 1:
        return next + below(w, 5) * 4;
    default:
        return below(w, w->part.old_len / 4) * 4;
    }
}

/* Copies with literals between them; some in the map, some outside of it. */
static void put_copies(struct work *w, uint8_t *out)
{
    struct otai_part *p = &w->part;
    const uint8_t *old = w->pair->old + p->origin;
    uint32_t at = 0, after = 0;

    for (uint32_t i = 0; i < p->out_len; i++)
        out[i] = (uint8_t)below(w, 7);
    while (p->count < COPIES_MAX && p->minors < COPIES_MAX) {
        uint32_t gap = below(w, 3) ? 0 : below(w, 40), from = pick_source(w, after + gap);
        uint32_t len = 1 + (below(w, 3) ? below(w, 30) * 4 : below(w, 900));

        at += gap;
        if (from >= p->old_len || len > p->old_len - from || at >= p->out_len || len > p->out_len - at)
            return;
        memcpy(out + at, old + from, len);
        if (below(w, 4))
            change(w, out + at, len);
        if (below(w, 3))
            w->map[p->count++] = (struct otai_copy){ from, at, len };
        else
            w->minor[p->minors++] = (struct otai_copy){ from, at, len };
        at += len;
        after = from + len;
    }
}

static ota_err read_old(struct ota_delta_base *self, uint64_t off, void *buf, size_t len);
struct old_base {
    struct ota_delta_base base;
    const struct pair *pair;
};
static const struct ota_delta_base_ops old_ops = { read_old };

static ota_err read_old(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    memcpy(buf, ((const struct old_base *)self)->pair->old + off, len);
    return OTA_OK;
}

static void require(bool good)
{
    if (!good)
        abort();
}

static size_t put_frames(uint8_t *patch, size_t at, const uint8_t *payload, size_t len, unsigned frame_log2)
{
    size_t most = ((size_t)1 << frame_log2) - 4;

    for (size_t done = 0, n; done < len; done += n, at += n + 4) {
        n = len - done < most ? len - done : most;
        memmove(patch + at, payload + done, n);
        otai_put_le32(patch + at + n, otai_crc32(0, patch + at, n));
    }
    return at;
}

static size_t finish(struct encoder *e, const struct pair *pair, struct otai_patch_params *p, uint8_t *patch, size_t cap)
{
    struct ota_delta_info info = { .base_len = pair->old_len, .out_len = pair->new_len };
    struct bytes payload;

    require(encode_end(e, &payload));
    p->payload_len = payload.len;
    require(payload.len + payload.len / 64 + OTA_DELTA_HEADER_MAX < cap);
    size_t n = otai_patch_put_header(patch, &info, p);
    n = put_frames(patch, n, payload.p, payload.len, p->frame_log2);
    free(payload.p);
    return n;
}

static void put_part(struct work *w, unsigned mode, uint32_t made, bool last, struct encoder *e)
{
    const struct otai_script s = { .part = &w->part, .map = w->map, .minor = w->minor, .mode = w->mode, .out = w->pair->new + made };

    for (unsigned i = 0; i < sizeof w->mode; i++)
        w->mode[i] = (uint8_t)(below(w, 5) ? mode : below(w, OTAI_M_COUNT));
    put_place(w, made, last);
    put_copies(w, w->pair->new + made);
    require(encode_part(e, &s));
}

size_t scripts_make(struct pair *pair, uint32_t seed, uint8_t *patch, size_t cap)
{
    static struct work w;
    unsigned mode = seed % OTAI_M_COUNT;
    w = (struct work){ .seed = seed * 7919, .pair = pair };
    struct otai_patch_params p = { .frame_log2 = (uint8_t)(9 + below(&w, 4)), .slots_log2 = (uint8_t)(8 + below(&w, 10)),
                                   .runs_log2 = (uint8_t)(8 + below(&w, 10)), .learned_log2 = (uint8_t)(1 + below(&w, 8)), .map_max = COPIES_MAX };
    struct old_base base = { { &old_ops }, pair };
    uint32_t made = 0, most = 1 + below(&w, PART_MAX - 1);

    put_old(&w, mode);
    pair->new_len = 3 * most;
    const struct encode_job job = { .base = &base.base, .base_len = pair->old_len, .out_len = pair->new_len, .params = &p };
    struct encoder *e = encode_begin(&job);
    require(e != NULL);
    while (made < pair->new_len) {
        put_part(&w, mode, made, pair->new_len - made <= PART_MAX, e);
        made += w.part.out_len;
    }
    return finish(e, pair, &p, patch, cap);
}

void scripts_damage(uint8_t *patch, size_t len, uint32_t seed)
{
    struct ota_delta_info info;

    require(ota_delta_peek(&info, patch, len) == OTA_OK);
    for (unsigned i = 0; i < 1 + seed % 3; i++)
        patch[info.header_len + patches_random(&seed) % (len - info.header_len)] ^= (uint8_t)(1u << patches_random(&seed) % 8);
    for (size_t at = info.header_len, n; at < len; at += n) {
        n = len - at < info.frame ? len - at : info.frame;
        otai_put_le32(patch + at + n - 4, otai_crc32(0, patch + at, n - 4));
    }
}

size_t scripts_long_heads(struct pair *pair, uint8_t *patch, size_t cap)
{
    struct otai_patch_params p = { .frame_log2 = 9, .slots_log2 = 8, .runs_log2 = 8, .learned_log2 = 1 };
    struct work w = { .seed = 5, .pair = pair };

    pair->old_len = 0;
    pair->new_len = 40;
    const struct encode_job job = { .out_len = pair->new_len, .params = &p };
    struct encoder *e = encode_begin(&job);
    require(e != NULL);
    for (uint32_t made = 0; made < pair->new_len; made++) {
        struct otai_part part = { .out_len = 1, .was = { .base = random32(&w), .count = OTAI_SPANS }, .now.count = OTAI_SPANS };
        const struct otai_script s = { .part = &part, .out = pair->new + made };

        for (unsigned i = 0; i < OTAI_SPANS; i++) {
            part.was.segment[i] = (struct otai_segment){ random32(&w), random32(&w), random32(&w) };
            part.now.segment[i] = (struct otai_segment){ random32(&w), random32(&w), random32(&w) };
        }
        pair->new[made] = (uint8_t)made;
        require(encode_part(e, &s));
    }
    return finish(e, pair, &p, patch, cap);
}
