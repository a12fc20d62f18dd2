/* SPDX-License-Identifier: Apache-2.0 */
/* Choose what to do next: which component, which slot, which encoding, from which byte. Pure. */
#ifndef OTAI_PLAN_H
#define OTAI_PLAN_H

#include "ota/port_slot.h"
#include "ota/records.h"

/* What the planner knows of one component, indexed as in the configuration. */
struct otai_plan_facts {
    bool sealed;                            /* its new image is verified in the slot */
    uint8_t spare;                          /* slot that may be written: never the running one */
    struct ota_slot_geometry geometry;      /* of the spare slot */
    uint64_t out_off, src_off;              /* durable progress of an earlier run ... */
    uint8_t sha256[OTA_SHA256_LEN];         /* ... towards this image */
    uint8_t src_sha256[OTA_SHA256_LEN];     /* ... from this source */
    uint8_t failed;                         /* a bit per codec (1 << codec) that was tried on this image and failed */
    uint8_t wrong_base;                     /* a bit per source: what runs was looked at, and is not the base of this delta */
};

struct otai_plan_limits {
    /* By codec: log2 of the largest window there is memory for, 0 or 1 = none (deflate, zstd); the most memory that a delta's
     * decoder may need, or the search of an index, 0 = none of them. */
    uint32_t most[OTA_CODEC_COUNT];
    uint64_t bytes_left;     /* image bytes that may still be fetched; UINT64_MAX = no limit */
};

/* OTA_DONE: *out is the plan of the first component that is not sealed. OTA_SAME: all are. REJECT_TOO_BIG: an image of
 * the release (any, also a sealed one's peer) does not fit its slot: found before the first byte is fetched.
 * The cheapest readable encoding wins; progress counts only if image and source digest are the same, and then its
 * source is kept. out->out_off is a multiple of the slot's erase unit, or all of the length. */
OTA_MUST_CHECK ota_err otai_plan_next(const struct ota_release *release, const struct otai_plan_facts facts[OTA_COMPONENTS_MAX],
                                      const struct otai_plan_limits *limits, struct ota_plan *out, struct ota_fault *fault);

/* Bytes between two durable checkpoints for this slot and source: the largest of block, erase unit, flush distance or index's block
 * (all powers of two). */
uint32_t otai_plan_checkpoint(uint32_t block, const struct ota_slot_geometry *g, const struct ota_source *source);

#endif
