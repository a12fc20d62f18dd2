/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_ZSTD: one decoder for whatever an image is packed with, deflate or zstd. Each call is as inflate.h says. */
#ifndef OTAI_UNPACK_H
#define OTAI_UNPACK_H

#include "ota/config.h"

struct otai_unpack;

/* Bytes of memory for this source. */
size_t otai_unpack_len(const struct ota_source *source);

/* Bytes of memory for any source that these limits allow. */
size_t otai_unpack_most(const struct ota_limits *limits);

/* log2 of the largest zstd window that these limits allow; 0 = no zstd. Are the limits for zstd possible ones? */
uint32_t otai_unpack_zstd_bits(const struct ota_limits *limits);
bool otai_unpack_limits_ok(const struct ota_limits *limits);

OTA_MUST_CHECK ota_err otai_unpack_init(struct otai_unpack **out, void *mem, size_t mem_len, const struct ota_source *source,
                                        uint64_t length, uint64_t src_off, uint64_t out_off);
OTA_MUST_CHECK ota_err otai_unpack_push(struct otai_unpack *u, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out,
                                        size_t out_cap, size_t *made);
void otai_unpack_mark(const struct otai_unpack *u, uint64_t *src_off, uint64_t *out_off);

#endif
