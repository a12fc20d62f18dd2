/* SPDX-License-Identifier: Apache-2.0 */
/* Choose what to do next. Pure: a release and facts in, a plan out. */
#include "plan.h"

#include <string.h>

#include "bytes.h"

#define WINDOW_BITS_MIN 9
#define WINDOW_BITS_MAX 15

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The bits of an offset that lie within a unit: a power of two, or 0 for none. */
static uint32_t within(uint32_t unit)
{
    return unit ? unit - 1 : 0;
}

static uint32_t slot_unit(const struct ota_slot_geometry *g)
{
    return larger(g->write_unit, g->erase_unit);
}

/* The writer needs whole write units and whole erase units. */
static bool fits(uint64_t length, const struct ota_slot_geometry *g)
{
    return length <= (g->size & ~(uint64_t)within(slot_unit(g)));
}

static bool readable(const struct ota_source *s, const struct otai_plan_limits *limits)
{
    if (s->codec == OTA_CODEC_PLAIN)
        return true;
    return s->codec == OTA_CODEC_DEFLATE && s->window_bits >= WINDOW_BITS_MIN && s->window_bits <= WINDOW_BITS_MAX &&
           s->window_bits <= limits->window_bits;
}

/* Can decoding of this source go on at the progress that f tells? */
static bool resumable(const struct ota_source *s, const struct ota_release_image *image, const struct otai_plan_facts *f)
{
    if (f->out_off == 0 || f->out_off > image->length || !otai_equal(f->src_sha256, s->sha256, OTA_SHA256_LEN))
        return false;
    if (s->codec == OTA_CODEC_PLAIN)
        return f->src_off == f->out_off;
    /* Only at a flush mark, and the mark's slot offset must be one at which an erase may begin. */
    return s->block != 0 && ((uint32_t)f->out_off & (within(s->block) | within(f->geometry.erase_unit))) == 0 &&
           f->out_off < image->length && f->src_off > 0 && f->src_off < s->length;
}

/* The source that progress was made with, or the cheapest. NULL: none is readable. */
static const struct ota_source *choose(const struct ota_release_image *image, const struct otai_plan_facts *f,
                                       const struct otai_plan_limits *limits, bool *resume)
{
    const struct ota_source *best = NULL;
    bool towards = otai_equal(f->sha256, image->sha256, OTA_SHA256_LEN);

    for (size_t i = 0; i < image->source_count; i++) {
        const struct ota_source *s = &image->source[i];
        if (!readable(s, limits))
            continue;
        *resume = towards && resumable(s, image, f);
        if (*resume)
            return s;
        if (!best || s->length < best->length)
            best = s;
    }
    return best;
}

/* Everything arrived earlier, from whatever source: nothing is fetched, the seal judges what is there. */
static bool complete(const struct ota_release_image *image, const struct otai_plan_facts *f)
{
    return f->out_off == image->length && otai_equal(f->sha256, image->sha256, OTA_SHA256_LEN);
}

static ota_err fill(const struct ota_release_image *image, const struct otai_plan_facts *f,
                    const struct otai_plan_limits *limits, struct ota_plan *out)
{
    bool resume = false;
    const struct ota_source *source = choose(image, f, limits, &resume);

    if (!source)
        return OTA_REJECT_CODEC;
    memset(out, 0, sizeof *out);
    out->component = image->component;
    out->slot = f->spare;
    out->length = image->length;
    out->source = *source;
    memcpy(out->sha256, image->sha256, sizeof out->sha256);
    if (complete(image, f)) {
        out->out_off = image->length;
        out->src_off = source->length;
        return OTA_DONE;
    }
    if (!resume)
        return OTA_DONE;
    out->out_off = f->out_off;
    out->src_off = f->src_off;
    if (source->codec == OTA_CODEC_PLAIN)
        out->src_off = out->out_off &= ~(uint64_t)within(slot_unit(&f->geometry));
    return OTA_DONE;
}

static ota_err refuse(struct ota_fault *fault, ota_err err, const char *where, uint8_t component)
{
    if (fault)
        fault->component = component;
    return ota_fault_set(fault, err, where, 0);
}

ota_err otai_plan_next(const struct ota_release *release, const struct otai_plan_facts facts[OTA_COMPONENTS_MAX],
                       const struct otai_plan_limits *limits, struct ota_plan *out, struct ota_fault *fault)
{
    const struct ota_release_image *next = NULL;

    for (size_t i = 0; i < release->count; i++) {
        const struct ota_release_image *image = &release->image[i];
        if (!fits(image->length, &facts[image->component].geometry))
            return refuse(fault, OTA_REJECT_TOO_BIG, "image.length", image->component);
        if (!next && !facts[image->component].sealed)
            next = image;
    }
    if (!next)
        return OTA_SAME;
    ota_err err = fill(next, &facts[next->component], limits, out);
    return err == OTA_DONE ? err : refuse(fault, err, "image.encodings", next->component);
}

uint32_t otai_plan_checkpoint(uint32_t block, const struct ota_slot_geometry *g, const struct ota_source *source)
{
    uint32_t unit = larger(block, slot_unit(g));

    return source->codec == OTA_CODEC_DEFLATE ? larger(unit, source->block) : unit;
}
