/* SPDX-License-Identifier: Apache-2.0 */
/* Choose what to do next. Pure: a release and facts in, a plan out. */
#include "plan.h"

#include <string.h>

#include "bytes.h"

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

/* What keeps this device from a source; CHEAPEST: nothing. */
static enum ota_why against(const struct ota_release_image *image, size_t i, const struct otai_plan_facts *f,
                            const struct otai_plan_limits *limits)
{
    const struct ota_source *s = &image->source[i];

    if (f->failed & (1u << s->codec))
        return OTA_WHY_FAILED;
    if (f->wrong_base & (1u << i))
        return OTA_WHY_BASE;
    return (s->window_bits ? s->window_bits : s->memory) <= limits->most[s->codec] ? OTA_WHY_CHEAPEST
                                                                                                 : OTA_WHY_MEMORY;
}

/* Can decoding of this source go on at the progress that f tells? */
static bool resumable(const struct ota_source *s, const struct ota_release_image *image, const struct otai_plan_facts *f)
{
    uint32_t misfit = (uint32_t)f->out_off & within(slot_unit(&f->geometry));

    if (f->out_off == 0 || f->out_off > image->length || !otai_equal(f->src_sha256, s->sha256, OTA_SHA256_LEN) ||
        !otai_equal(f->sha256, image->sha256, OTA_SHA256_LEN))
        return false;
    if (s->codec == OTA_CODEC_PLAIN)
        return f->src_off == f->out_off;
    /* The state of a delta may hold the last bytes of its source: then nothing is left to fetch. */
    if (f->out_off == image->length || f->src_off == 0 || f->src_off > s->length ||
        (f->src_off == s->length && s->codec != OTA_CODEC_DELTA))
        return false;
    /* Only where an erase may begin; deflate and zstd only at a mark, a delta where its state was saved. */
    return misfit == 0 && (s->codec == OTA_CODEC_DELTA || (s->block != 0 && ((uint32_t)f->out_off & within(s->block)) == 0));
}

/* Why it is not cheaper: what stands against the cheapest of all, unless that is the one that was chosen. */
static enum ota_why reason(const struct ota_release_image *image, const struct otai_plan_facts *f,
                           const struct otai_plan_limits *limits, const struct ota_source *chosen)
{
    size_t cheapest = (size_t)(chosen - image->source);

    for (size_t i = 0; i < image->source_count; i++)
        if (image->source[i].estimate < image->source[cheapest].estimate)
            cheapest = i;
    if (&image->source[cheapest] != chosen)
        return against(image, cheapest, f, limits);
    return image->other_base && chosen->codec != OTA_CODEC_DELTA ? OTA_WHY_BASE : OTA_WHY_CHEAPEST;
}

/* The source that progress was made with, or the cheapest that can be used. NULL: none can. */
static const struct ota_source *choose(const struct ota_release_image *image, const struct otai_plan_facts *f,
                                       const struct otai_plan_limits *limits, enum ota_why *why)
{
    const struct ota_source *best = NULL;

    for (size_t i = 0; i < image->source_count; i++) {
        const struct ota_source *s = &image->source[i];
        if (against(image, i, f, limits) != OTA_WHY_CHEAPEST)
            continue;
        if (resumable(s, image, f)) {
            *why = OTA_WHY_RESUMED;
            return s;
        }
        if (!best || s->estimate < best->estimate)
            best = s;
    }
    *why = best ? reason(image, f, limits, best) : OTA_WHY_NONE;
    return best;
}

/* Everything arrived earlier, from whatever source: nothing is fetched, the seal judges what is there. */
static bool complete(const struct ota_release_image *image, const struct otai_plan_facts *f)
{
    return f->out_off == image->length && otai_equal(f->sha256, image->sha256, OTA_SHA256_LEN);
}

/* Where to go on in the source that was chosen. */
static void set_offsets(const struct ota_release_image *image, const struct otai_plan_facts *f, struct ota_plan *out)
{
    if (complete(image, f)) {
        out->out_off = image->length;
        out->src_off = out->source.length;
        return;
    }
    if (out->why != OTA_WHY_RESUMED)
        return;
    out->out_off = f->out_off;
    out->src_off = f->src_off;
    if (out->source.codec == OTA_CODEC_PLAIN)
        out->src_off = out->out_off &= ~(uint64_t)within(slot_unit(&f->geometry));
}

static ota_err fill(const struct ota_release_image *image, const struct otai_plan_facts *f,
                    const struct otai_plan_limits *limits, struct ota_plan *out)
{
    enum ota_why why;
    const struct ota_source *source = choose(image, f, limits, &why);

    if (!source)
        return OTA_REJECT_CODEC;
    memset(out, 0, sizeof *out);
    out->component = image->component;
    out->slot = f->spare;
    out->length = image->length;
    out->source = *source;
    out->why = why;
    memcpy(out->sha256, image->sha256, sizeof out->sha256);
    set_offsets(image, f, out);
    uint64_t left = out->src_off ? out->source.length - out->src_off : out->source.estimate;
    return left > limits->bytes_left ? OTA_REJECT_LIMIT : OTA_DONE;
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
    if (err == OTA_DONE)
        return err;
    return refuse(fault, err, err == OTA_REJECT_LIMIT ? "limits.bytes_max" : "image.encodings", next->component);
}

uint32_t otai_plan_checkpoint(uint32_t block, const struct ota_slot_geometry *g, const struct ota_source *source)
{
    uint32_t unit = larger(block, slot_unit(g));

    return larger(unit, source->block);
}
