/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_ZSTD: encodings in zstd frames are understood. */
#ifndef OTAI_ZSTD_H
#define OTAI_ZSTD_H

#include "ota/records.h"

#define OTAI_IF_ZSTD(...) __VA_ARGS__,

/* Window sizes that a signed description may have. zstd's least is 1 KiB (RFC 8878 3.1.1.1.2). */
static inline uint64_t otai_window_bits_min(enum ota_codec codec)
{
    return codec == OTA_CODEC_ZSTD ? OTA_ZSTD_WINDOW_BITS_MIN : 9;
}

static inline uint64_t otai_window_bits_max(enum ota_codec codec)
{
    return codec == OTA_CODEC_ZSTD ? OTA_ZSTD_WINDOW_BITS_MAX : 15;
}

#endif
