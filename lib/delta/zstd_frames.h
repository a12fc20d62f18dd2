/* SPDX-License-Identifier: Apache-2.0 */
/* Push decoder for images in zstd frames (RFC 8878), one for every `block` bytes of output: decoding can begin again
 * at any of them with nothing but two offsets. The same calls as inflate.h. */
#ifndef OTAI_ZSTD_FRAMES_H
#define OTAI_ZSTD_FRAMES_H

#include "ota/records.h"

struct otai_zstd;

/* Bytes of memory for windows of 2^window_bits: this module's own and all that libzstd takes. It has no other. */
size_t otai_zstd_len(uint8_t window_bits);

/* Begin at a mark: (0, 0) or a pair that an earlier run got from otai_zstd_mark. `length` is the output's whole length.
 * OTA_OK, USAGE_MEMORY, REJECT_CODEC (window, block, or a pair that cannot be a mark). */
OTA_MUST_CHECK ota_err otai_zstd_init(struct otai_zstd **out, void *mem, size_t mem_len, const struct ota_source *source,
                                      uint64_t length, uint64_t src_off, uint64_t out_off);

/* Decode. Takes *used of in, gives *made of out; stops at the end of every frame. OTA_OK: go on. OTA_DONE: the last frame
 * ended with exactly `length` bytes and no byte of the source is left. REJECT_CORRUPT: damaged, a frame with more or fewer
 * bytes than a block, one that wants a dictionary or a larger window than was signed, trailing or missing bytes. */
OTA_MUST_CHECK ota_err otai_zstd_push(struct otai_zstd *z, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out,
                                      size_t out_cap, size_t *made);

/* The last mark passed: source and output offset. */
void otai_zstd_mark(const struct otai_zstd *z, uint64_t *src_off, uint64_t *out_off);

#endif
