/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without OTA_ZSTD: what an image is packed with is deflate. See unpack_zstd.h. */
#ifndef OTAI_UNPACK_H
#define OTAI_UNPACK_H

#include "inflate.h"
#include "ota/config.h"

#define otai_unpack otai_inflate
#define otai_unpack_init otai_inflate_init
#define otai_unpack_push otai_inflate_push
#define otai_unpack_mark otai_inflate_mark

static inline size_t otai_unpack_len(const struct ota_source *source)
{
    return otai_inflate_len(source->window_bits);
}

static inline size_t otai_unpack_most(const struct ota_limits *limits)
{
    return limits->window_bits < 9 ? 0 : otai_inflate_len(limits->window_bits);
}

static inline uint32_t otai_unpack_zstd_bits(const struct ota_limits *limits)
{
    (void)limits;
    return 0;
}

static inline bool otai_unpack_limits_ok(const struct ota_limits *limits)
{
    (void)limits;
    return true;
}

#endif
