/* SPDX-License-Identifier: Apache-2.0 */
/* Push decoder for deflated images: zlib streams (RFC 1950) with a full flush every `block` bytes of output, so that
 * decoding can begin again at any of those marks with nothing but two offsets. */
#ifndef OTAI_INFLATE_H
#define OTAI_INFLATE_H

#include "ota/records.h"

struct otai_inflate;

/* Bytes of memory for a window of 2^window_bits (9..15): zlib's state, the window and this module's own. */
size_t otai_inflate_len(uint8_t window_bits);

/* Begin at a mark: (0, 0) or a pair that an earlier run got from otai_inflate_mark. `length` is the output's whole
 * length. OTA_OK, USAGE_MEMORY, REJECT_CODEC (window, block, or a pair that cannot be a mark). */
OTA_MUST_CHECK ota_err otai_inflate_init(struct otai_inflate **out, void *mem, size_t mem_len, const struct ota_source *source,
                                         uint64_t length, uint64_t src_off, uint64_t out_off);

/* Decode. Takes *used of in, gives *made of out; stops early at every mark so that the owner can checkpoint exactly
 * there. OTA_OK: go on. OTA_DONE: the stream ended with exactly `length` bytes. REJECT_CORRUPT: damaged, too long, too
 * short, or trailing bytes. Never writes beyond out_cap. With in_len == 0 it may still give buffered output. */
OTA_MUST_CHECK ota_err otai_inflate_push(struct otai_inflate *z, const uint8_t *in, size_t in_len, size_t *used,
                                         uint8_t *out, size_t out_cap, size_t *made);

/* The last mark passed: source and output offset. */
void otai_inflate_mark(const struct otai_inflate *z, uint64_t *src_off, uint64_t *out_off);

#endif
