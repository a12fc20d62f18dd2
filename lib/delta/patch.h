/* SPDX-License-Identifier: Apache-2.0 */
/* A patch's header and the decoder's memory, which follows from the header alone. */
#ifndef OTAI_PATCH_H
#define OTAI_PATCH_H

#include "delta_i.h"
#include "opened.h"

/* The build chooses whether patches of opened images are applied. */
#ifndef OTAI_REPACK_HEADER
#define OTAI_REPACK_HEADER "repack_off.h"
#endif

#define OTAI_PATCH_VERSION 2u
#define OTAI_PATCH_OPENED 0x80u          /* added to the version: streams of the images were opened */
#define OTAI_FRAME_CRC_LEN 4u
#define OTAI_DELTA_FIXED 8192u         /* memory for everything whose size does not depend on the patch */
#define OTAI_STATE_EXTRA 16u           /* of a saved state, beyond the memory */
#define OTAI_DELTA_STATE_VERSION 3u

#define OTAI_FRAME_LOG2_MIN 9u
#define OTAI_FRAME_LOG2_MAX 16u
#define OTAI_SLOTS_LOG2_MIN 8u
#define OTAI_SLOTS_LOG2_MAX 20u
#define OTAI_RUNS_LOG2_MIN 8u
#define OTAI_RUNS_LOG2_MAX 20u
#define OTAI_LEARNED_LOG2_MIN 1u
#define OTAI_LEARNED_LOG2_MAX 16u
#define OTAI_MAP_MAX 65535u

struct otai_patch_params {
    uint64_t payload_len;
    uint32_t map_max;
    uint8_t frame_log2, slots_log2, runs_log2, learned_log2;
    struct otai_opened_params opened;
    uint32_t zero;                     /* no byte is left unset: two are compared as they lie */
};

/* ota_delta_peek() and the parameters of the memory. AGAIN: longer than len. */
OTA_MUST_CHECK ota_err otai_patch_header(struct ota_delta_info *info, struct otai_patch_params *p, const uint8_t *in, size_t len);
size_t otai_patch_memory(const struct otai_patch_params *p);
/* The memory without what opens streams. */
size_t otai_patch_inner(const struct otai_patch_params *p);
/* Were streams opened? */
bool otai_patch_opened(const struct otai_patch_params *p);
/* Write a header: bytes written, at most OTA_DELTA_HEADER_MAX. Used by encoders. */
size_t otai_patch_put_header(uint8_t *out, const struct ota_delta_info *info, const struct otai_patch_params *p);

/* No index in a body that was read from a saved state points outside of its array. */
bool otai_body_plausible(const struct otai_body *b);

#endif
