/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Apply a patch: the new image from the old one and a small file. The engine stands alone: no I/O of its own, no
 * allocation, no crypto, no clock. Patch bytes are pushed in, image bytes come out, the old image is read through one
 * function. The format is in docs/patch-format.md.
 *
 *     ota_delta_begin(&d, &cfg, mem, len);
 *     while ((err = ota_delta_push(d, in, in_len, &used, out, out_cap, &made)) == OTA_OK)
 *         ...                                  // write out[0..made), bring more input
 *     // OTA_DONE: the whole image was given out; any REJECT_*: the patch is of no use
 *
 * Nothing here vouches for the result: whoever stores the image reads it back and compares its digest with a signed one.
 *
 * Between two pushes the state can be saved, and a decoder can go on from it after a restart of the device: the
 * output and the input continue exactly where they stood.
 */
#ifndef OTA_DELTA_H
#define OTA_DELTA_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_DELTA_DIGEST_LEN 16   /**< bytes of a SHA-256 that a patch names an image by: its first ones */
#define OTA_DELTA_HEADER_MAX 104  /**< longest header of a patch */

/** What a patch says about itself before its first frame. */
struct ota_delta_info {
    uint8_t version;                             /**< of the format: 2 */
    uint8_t base_digest[OTA_DELTA_DIGEST_LEN];   /**< begin of the old image's SHA-256 */
    uint8_t out_digest[OTA_DELTA_DIGEST_LEN];    /**< begin of the new image's SHA-256 */
    uint64_t base_len;                           /**< bytes of the old image, 0..2^63-1 */
    uint64_t out_len;                            /**< bytes of the new image, 0..2^63-1 */
    uint64_t patch_len;                          /**< bytes of the whole patch, this header included */
    uint32_t memory;                             /**< bytes that ota_delta_begin() must be given: all that the decoder needs */
    uint32_t state_len;                          /**< bytes that a saved state can have, at most */
    uint32_t frame;                              /**< patch bytes between two places where input can begin again */
    uint16_t header_len;                         /**< bytes of this header */
};

/**
 * Read a patch's header. Pure: to look at a patch before memory is set aside for it.
 * @param in  the first bytes of the patch; OTA_DELTA_HEADER_MAX of them, or all, are always enough
 * @return OTA_OK; OTA_AGAIN: more bytes are needed to tell; REJECT_SYNTAX: no patch; REJECT_SPEC: a version that this
 *         library does not know; REJECT_CORRUPT: the header's checksum is wrong; REJECT_VALUE: a field out of its bounds
 */
OTA_MUST_CHECK ota_err ota_delta_peek(struct ota_delta_info *info, const void *in, size_t len);

struct ota_delta_base;
struct ota_delta_base_ops {
    /**
     * Read [off, off + len) of the old image; always inside [0, base_len), len at most OTA_DELTA_READ_MAX. All of len
     * or an error, which ota_delta_push() returns unchanged. May block for the time of one read of the medium.
     */
    ota_err (*read)(struct ota_delta_base *self, uint64_t off, void *buf, size_t len);
};

/** Where the old image is. First member of the caller's own struct. */
struct ota_delta_base {
    const struct ota_delta_base_ops *ops;
};
#define OTA_DELTA_READ_MAX 512

/** Configuration. Copied; what it points to must stay valid. */
struct ota_delta_config {
    size_t size;                   /**< sizeof(struct ota_delta_config) */
    struct ota_delta_base *base;   /**< the old image */
    uint64_t base_len;             /**< its length; a patch for another length is REJECT_HASH */
    const uint8_t *base_sha256;    /**< its digest, OTA_SHA256_LEN bytes; a patch for another is REJECT_HASH. NULL = not compared */
    uint64_t out_len;              /**< length that the result must have; another is REJECT_LENGTH. 0 = not compared */
    const uint8_t *out_sha256;     /**< digest that the patch must promise; another is REJECT_HASH. NULL = not compared */
    uint64_t patch_len;            /**< length that the patch must have; another is REJECT_LENGTH. 0 = not compared */
};

struct ota_delta;

/** Memory that is enough until the header is read; a patch's own need is in its header. */
#define OTA_DELTA_MEMORY_MIN 8192u

/**
 * Make a decoder in the caller's memory (aligned for any type). It lives as long as the memory; nothing to free.
 * @param mem_len  at least OTA_DELTA_MEMORY_MIN. All of it may be used; a patch that needs more is refused by the push
 *                 that completes its header
 * @return OTA_OK, USAGE_ARGUMENT, USAGE_ABI, USAGE_MEMORY
 */
OTA_MUST_CHECK ota_err ota_delta_begin(struct ota_delta **out, const struct ota_delta_config *cfg, void *mem, size_t mem_len);

/**
 * Decode. Takes *used of in, gives *made of out; stops when the input is used up or the output is full. Any division
 * of the input and of the output gives the same bytes. Never writes beyond out_cap, never gives more than the header
 * promises. Bytes are given out only from frames whose checksum was right.
 * @return OTA_OK: go on (with in_len == 0 it may still give output while *made == out_cap). OTA_DONE: the patch and the
 *         image are complete. REJECT_LIMIT: the patch needs more memory than was given. REJECT_HASH: for another old
 *         image, or not for the expected new one. REJECT_LENGTH: other lengths than the configuration's. REJECT_SYNTAX,
 *         REJECT_SPEC, REJECT_VALUE: see ota_delta_peek(). REJECT_CORRUPT: damaged, or bytes after the end. What
 *         base->ops->read failed with. Every error is final: the next call returns it again
 */
OTA_MUST_CHECK ota_err ota_delta_push(struct ota_delta *d, const void *in, size_t in_len, size_t *used, void *out,
                                      size_t out_cap, size_t *made);

/** Is the patch complete? Call it when the input ended. @return OTA_DONE; REJECT_CORRUPT: it ended early; the final error */
OTA_MUST_CHECK ota_err ota_delta_end(struct ota_delta *d);

/** @return what the header says; NULL until it was read and accepted. */
const struct ota_delta_info *ota_delta_header(const struct ota_delta *d);

/** Where a saved state continues: patch bytes [src_off, ...) are to be pushed, image byte out_off comes first. */
void ota_delta_position(const struct ota_delta *d, uint64_t *src_off, uint64_t *out_off);

/**
 * Save the state: everything that ota_delta_resume() needs but the patch and the old image. Possible between any two
 * pushes once the header was accepted. Opaque, with a checksum; for the same library on the same kind of machine only.
 * @param cap   room; state_len of the header is always enough
 * @param len   out: bytes that were written
 * @return OTA_OK; USAGE_MEMORY: cap is too small; USAGE_STATE: no header yet, or an error was returned before
 */
OTA_MUST_CHECK ota_err ota_delta_checkpoint(const struct ota_delta *d, void *buf, size_t cap, size_t *len);

/**
 * Make a decoder that goes on from a saved state. The state is a hint: one that is damaged, of another version, or of
 * another configuration is refused, and the caller begins from the start.
 * @return OTA_OK: continue at ota_delta_position(); REJECT_CORRUPT: damaged; REJECT_SPEC: saved by another version or
 *         machine; REJECT_HASH, REJECT_LENGTH: does not fit cfg; REJECT_LIMIT: mem_len is too small; USAGE_*
 */
OTA_MUST_CHECK ota_err ota_delta_resume(struct ota_delta **out, const struct ota_delta_config *cfg, void *mem, size_t mem_len,
                                        const void *state, size_t state_len);

#ifdef __cplusplus
}
#endif
#endif
