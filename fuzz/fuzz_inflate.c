/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deflated images. Bytes 0..3: window, log2 of block, output length / 64, piece; the rest is the stream. What decodes
 * must decode to the same bytes in other pieces, and from the marks that the decoder told, or be refused there.
 */
#include "inflate.h"
#include "packed.h"

static _Alignas(16) uint8_t memory[48 * 1024];

static ota_err begin(void *self, const struct ota_source *source, uint64_t length, uint64_t src, uint64_t out)
{
    return otai_inflate_init(self, memory, sizeof memory, source, length, src, out);
}

static ota_err push(void *self, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t cap, size_t *made)
{
    return otai_inflate_push(*(struct otai_inflate **)self, in, in_len, used, out, cap, made);
}

static void mark(void *self, uint64_t *src, uint64_t *out)
{
    otai_inflate_mark(*(struct otai_inflate **)self, src, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otai_inflate *z;

    packed_check(
        &(struct packed){ .self = &z, .begin = begin, .push = push, .mark = mark, .codec = OTA_CODEC_DEFLATE, .bits = 19 }, data,
        size);
    return 0;
}
