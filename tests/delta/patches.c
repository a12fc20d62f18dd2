/* SPDX-License-Identifier: Apache-2.0 */
#include "patches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t patches_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* ---- images ----------------------------------------------------------------------------------------------------------- */

#define FUNCTIONS_MAX 256u

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v), v >> 16);
}

/* A call from `at` to `to`, as the instruction set says it. */
static uint8_t *call(uint8_t *p, enum flavour f, uint32_t at, uint32_t to)
{
    uint32_t d = to - at, t = d - 4, s = t >> 24 & 1;

    switch (f) {
    case THUMB_CODE:
        p = put16(p, 0xf000 | s << 10 | (t >> 12 & 0x3ff));
        return put16(p, 0xd000 | (~(t >> 23 ^ s) & 1) << 13 | (~(t >> 22 ^ s) & 1) << 11 | (t >> 1 & 0x7ff));
    case ARM_CODE:
        return put32(p, 0xeb000000 | ((d - 8) >> 2 & 0xffffff));
    case A64_CODE:
        return put32(p, 0x94000000 | (d >> 2 & 0x3ffffff));
    case RISCV_CODE:
        return put32(p, 0xef | (d >> 20 & 1) << 31 | (d >> 1 & 0x3ff) << 21 | (d >> 11 & 1) << 20 | (d >> 12 & 0xff) << 12);
    case X86_CODE:
        *p++ = 0xe8;
        return put32(p, d - 5);
    default:
        return put32(p, to);
    }
}

static uint32_t call_len(enum flavour f)
{
    return f == X86_CODE ? 5 : 4;
}

/* One function: its size depends on nothing but its seed, so both images agree where it was not changed. */
struct function {
    uint32_t seed, words, at;
};

static uint32_t size_of(const struct function *f, enum flavour flavour)
{
    return 8 + f->words * (4 + call_len(flavour)) + 4;
}

static void write_function(uint8_t *image, const struct function *f, enum flavour flavour, const struct function *all, uint32_t count)
{
    uint8_t *p = image + f->at;
    uint32_t seed = f->seed;

    p = put32(p, flavour == THUMB_CODE ? 0xaf00b580 : flavour == ARM_CODE ? 0xe92d4010 : 0xa9bf7bfd);
    p = put32(p, 0x46c046c0);
    for (uint32_t i = 0; i < f->words; i++) {
        uint32_t ordinary = patches_random(&seed) % 24;

        p = put32(p, flavour == THUMB_CODE ? 0x20004600 + ordinary * 0x10001 : 0xe3a00000 + ordinary * 0x1001);
        p = call(p, flavour, (uint32_t)(p - image), all[patches_random(&seed) % count].at);
    }
    put32(p, flavour == THUMB_CODE ? 0xbf00bd80 : 0xe8bd8010);
}

static uint32_t write_image(uint8_t *image, struct function *all, uint32_t count, uint32_t callees, enum flavour flavour)
{
    uint32_t at = 64;

    memset(image, 0xff, IMAGE_MAX);
    for (uint32_t i = 0; i < count; i++) {
        all[i].at = at;
        at = (at + size_of(&all[i], flavour) + 3) & ~3u;
    }
    for (uint32_t i = 0; i < count; i++)
        write_function(image, &all[i], flavour, all, callees);
    for (uint32_t i = 0; i < count && at + 4 < IMAGE_MAX; i++, at += 4)
        put32(image + at, 0x8000000 + all[i].at + (flavour == THUMB_CODE));
    return at;
}

void patches_images(struct pair *p, enum flavour flavour, uint32_t functions, uint32_t seed)
{
    struct function all[FUNCTIONS_MAX + 4];

    memset(all, 0, sizeof all);
    if (functions > FUNCTIONS_MAX)
        functions = FUNCTIONS_MAX;
    for (uint32_t i = 0; i < functions; i++)
        all[i] = (struct function){ .seed = patches_random(&seed), .words = patches_random(&seed) % 20 };
    p->old_len = write_image(p->old, all, functions, functions, flavour);
    all[functions / 3].words += 3;
    all[functions / 2].seed ^= 0x55;
    all[functions] = (struct function){ .seed = seed, .words = 12 };
    p->new_len = write_image(p->new, all, functions + 1, functions, flavour);
}

void patches_make(struct pair *p, uint32_t memory)
{
    struct create_job job = { .old = p->old, .new = p->new, .old_len = p->old_len, .new_len = p->new_len, .memory = memory };
    memset(job.old_sha256, 0x11, sizeof job.old_sha256);
    memset(job.new_sha256, 0x22, sizeof job.new_sha256);
    const char *wrong = create_patch(&job, &p->patch);

    if (wrong) {
        (void)fprintf(stderr, "create_patch: %s\n", wrong);
        abort();
    }
}

void patches_free(struct pair *p)
{
    free(p->patch.p);
    p->patch = (struct bytes){ 0 };
}

/* ---- decoding ----------------------------------------------------------------------------------------------------------- */

struct checked_base {
    struct ota_delta_base base;
    const uint8_t *p;
    uint64_t len;
};

/* A read outside of the image is what must never happen, whatever the patch holds. */
static ota_err read_checked(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    const struct checked_base *b = (const struct checked_base *)self;

    if (off > b->len || len > b->len - off || len > OTA_DELTA_READ_MAX)
        abort();
    memcpy(buf, b->p + off, len);
    return OTA_OK;
}

static const struct ota_delta_base_ops checked_ops = { read_checked };

/* Save into fresh memory and go on from there, as after a restart. The old memory is overwritten. */
static struct ota_delta *restart(struct ota_delta *d, const struct ota_delta_config *cfg, uint8_t **mem, size_t mem_len)
{
    size_t cap = ota_delta_header(d)->state_len, len = 0;
    uint8_t *state = malloc(cap), *fresh = malloc(mem_len);

    if (!state || !fresh || ota_delta_checkpoint(d, state, cap, &len) != OTA_OK || len > cap)
        abort();
    memset(*mem, 0xa5, mem_len);
    memset(fresh, 0x5a, mem_len);
    free(*mem);
    *mem = fresh;
    ota_err err = ota_delta_resume(&d, cfg, fresh, mem_len, state, len);
    free(state);
    if (err != OTA_OK) {
        (void)fprintf(stderr, "resume: %s\n", ota_err_name(err));
        abort();
    }
    return d;
}

static size_t piece(size_t left, size_t most)
{
    return most && most < left ? most : left;
}

static ota_err run(struct ota_delta *d, const struct ota_delta_config *cfg, const uint8_t *patch, size_t len, const struct feed *f,
                   uint8_t **mem, size_t mem_len, uint8_t *out, size_t cap, size_t *made)
{
    size_t at = 0, saved = 0, used, n;
    ota_err err;

    do {
        err = ota_delta_push(d, patch + at, piece(len - at, f->in), &used, out + *made, piece(cap - *made, f->out), &n);
        at += used;
        *made += n;
        if (err == OTA_OK && f->save_every && *made - saved >= f->save_every && ota_delta_header(d)) {
            uint64_t src, to;

            d = restart(d, cfg, mem, mem_len);
            ota_delta_position(d, &src, &to);
            if (src != at || to != *made)
                abort();
            saved = *made;
        }
    } while (err == OTA_OK && (used || n));
    if (err == OTA_DONE && at < len)
        err = ota_delta_push(d, patch + at, 1, &used, out + *made, 0, &n);
    return err == OTA_OK ? ota_delta_end(d) : err;
}

ota_err patches_decode(const struct pair *p, const uint8_t *patch, size_t len, const struct feed *f, uint8_t *out, size_t cap, size_t *made)
{
    struct checked_base base = { { &checked_ops }, p->old, p->old_len };
    struct ota_delta_config cfg = { .size = sizeof cfg, .base = &base.base, .base_len = p->old_len };
    struct ota_delta_info info;
    size_t mem_len = f->memory ? f->memory : 1u << 20;

    if (!f->memory && ota_delta_peek(&info, patch, len) == OTA_OK && info.memory < 8u << 20)
        mem_len = info.memory;
    uint8_t *mem = malloc(mem_len);
    struct ota_delta *d;
    *made = 0;
    ota_err err = mem ? ota_delta_begin(&d, &cfg, mem, mem_len) : OTA_USAGE_MEMORY;
    if (err == OTA_OK)
        err = run(d, &cfg, patch, len, f, &mem, mem_len, out, cap, made);
    free(mem);
    return err;
}

/* ---- patches that are kept ---------------------------------------------------------------------------------------------- */

const char *const patches_kept[FLAVOURS] = {
    "patch-2-data.hex", "patch-2-thumb.hex", "patch-2-arm.hex", "patch-2-a64.hex", "patch-2-riscv.hex", "patch-2-x86.hex"
};

size_t patches_read(const char *dir, enum flavour flavour, uint8_t *out, size_t cap)
{
    char name[4096];
    size_t n = 0;
    unsigned byte;

    (void)snprintf(name, sizeof name, "%s/%s", dir, patches_kept[flavour]);
    FILE *f = fopen(name, "r");
    if (!f)
        return 0;
    while (n < cap && fscanf(f, "%2x", &byte) == 1)
        out[n++] = (uint8_t)byte;
    (void)fclose(f);
    return n;
}
