/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without OTA_ZSTD: encodings with that codec are unknown ones. */
#ifndef OTAI_ZSTD_H
#define OTAI_ZSTD_H

#include "ota/records.h"

#define OTAI_IF_ZSTD(...)

/* Window sizes that a signed description may have. */
static inline uint64_t otai_window_bits_min(enum ota_codec codec)
{
    (void)codec;
    return 9;
}

static inline uint64_t otai_window_bits_max(enum ota_codec codec)
{
    (void)codec;
    return 15;
}

#endif
