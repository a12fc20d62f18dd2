/* SPDX-License-Identifier: Apache-2.0 */
/* What an image is packed with decides which decoder works. */
#include "unpack_zstd.h"

#include "bytes.h"
#include "inflate.h"
#include "zstd_frames.h"

struct otai_unpack {
    struct otai_inflate *inflate;
    struct otai_zstd *zstd; /* NULL: it is the other one */
};

#define OWN OTAI_ALIGN_UP(sizeof(struct otai_unpack))

size_t otai_unpack_len(const struct ota_source *source)
{
    return OWN + (source->codec == OTA_CODEC_ZSTD ? otai_zstd_len(source->window_bits) : otai_inflate_len(source->window_bits));
}

size_t otai_unpack_most(const struct ota_limits *limits)
{
    size_t inflate = limits->window_bits < 9 ? 0 : OWN + otai_inflate_len(limits->window_bits);
    size_t zstd = limits->zstd_window_bits ? OWN + otai_zstd_len(limits->zstd_window_bits) : 0;

    return inflate > zstd ? inflate : zstd;
}

uint32_t otai_unpack_zstd_bits(const struct ota_limits *limits)
{
    return limits->zstd_window_bits;
}

bool otai_unpack_limits_ok(const struct ota_limits *limits)
{
    return !limits->zstd_window_bits ||
           (limits->zstd_window_bits >= OTA_ZSTD_WINDOW_BITS_MIN && limits->zstd_window_bits <= OTA_ZSTD_WINDOW_BITS_MAX);
}

ota_err otai_unpack_init(struct otai_unpack **out, void *mem, size_t mem_len, const struct ota_source *source, uint64_t length,
                         uint64_t src_off, uint64_t out_off)
{
    struct otai_arena arena;

    *out = NULL;
    if (mem_len < OWN)
        return OTA_USAGE_MEMORY;
    otai_arena_init(&arena, mem, mem_len);
    struct otai_unpack *u = otai_arena_take(&arena, sizeof *u);
    if (!u)
        return OTA_USAGE_MEMORY;
    *u = (struct otai_unpack){ NULL, NULL };
    void *rest = (uint8_t *)mem + OWN;
    ota_err err = source->codec == OTA_CODEC_ZSTD
                      ? otai_zstd_init(&u->zstd, rest, mem_len - OWN, source, length, src_off, out_off)
                      : otai_inflate_init(&u->inflate, rest, mem_len - OWN, source, length, src_off, out_off);
    *out = err == OTA_OK ? u : NULL;
    return err;
}

ota_err otai_unpack_push(struct otai_unpack *u, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t out_cap,
                         size_t *made)
{
    return u->zstd ? otai_zstd_push(u->zstd, in, in_len, used, out, out_cap, made)
                   : otai_inflate_push(u->inflate, in, in_len, used, out, out_cap, made);
}

void otai_unpack_mark(const struct otai_unpack *u, uint64_t *src_off, uint64_t *out_off)
{
    if (u->zstd)
        otai_zstd_mark(u->zstd, src_off, out_off);
    else
        otai_inflate_mark(u->inflate, src_off, out_off);
}
