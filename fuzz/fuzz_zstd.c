/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images in zstd frames. Bytes 0..3: window, log2 of block, output length / 64, piece; the rest are the frames. What decodes
 * must decode to the same bytes in other pieces, and from the marks that the decoder told.
 */
#include "packed.h"
#include "zstd_frames.h"

static _Alignas(16) uint8_t memory[1280 * 1024];

static ota_err begin(void *self, const struct ota_source *source, uint64_t length, uint64_t src, uint64_t out)
{
    return otai_zstd_init(self, memory, sizeof memory, source, length, src, out);
}

static ota_err push(void *self, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t cap, size_t *made)
{
    return otai_zstd_push(*(struct otai_zstd **)self, in, in_len, used, out, cap, made);
}

static void mark(void *self, uint64_t *src, uint64_t *out)
{
    otai_zstd_mark(*(struct otai_zstd **)self, src, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otai_zstd *z;

    packed_check(&(struct packed){ .self = &z, .begin = begin, .push = push, .mark = mark, .codec = OTA_CODEC_ZSTD, .bits = 19 },
                 data, size);
    return 0;
}
