/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deflated images. Bytes 0..3: window, log2 of block, output length / 64, piece; the rest is the stream. What decodes
 * must decode to the same bytes in other pieces, and from the marks that the decoder told, or be refused there.
 */
#include <stdlib.h>
#include <string.h>

#include "inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX 16384u

static _Alignas(16) uint8_t memory[48 * 1024];
static uint8_t first[OUT_MAX], second[OUT_MAX];

static void require(bool good)
{
    if (!good)
        abort();
}

struct end {
    ota_err err;
    size_t out;
    uint64_t mark_src, mark_out;
};

static struct end decode(const struct ota_source *s, const uint8_t *in, uint64_t length, uint64_t src, uint64_t out, size_t piece, uint8_t *to)
{
    struct otai_inflate *z;
    struct end e = { .out = (size_t)out };

    e.err = otai_inflate_init(&z, memory, sizeof memory, s, length, src, out);
    for (unsigned idle = 0; e.err == OTA_OK && idle < 4;) {
        size_t left = (size_t)(s->length - src), used = 0, made = 0, room = (size_t)length - e.out;
        e.err = otai_inflate_push(z, in + src, left < piece ? left : piece, &used, to + e.out, room < piece ? room : piece, &made);
        src += used;
        e.out += made;
        idle = used || made ? 0 : idle + 1;
        require(src <= s->length && e.out <= length);
        otai_inflate_mark(z, &e.mark_src, &e.mark_out);
        require(e.mark_src <= src && e.mark_out <= e.out);
    }
    require(e.err == OTA_DONE || e.err == OTA_REJECT_CORRUPT || e.err == OTA_REJECT_CODEC);
    require(e.err != OTA_DONE || (e.out == length && src == s->length));
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    uint64_t length = (uint64_t)data[2] * 64 + 1;
    size_t piece = (size_t)data[3] + 1;
    const struct ota_source s = { .codec = OTA_CODEC_DEFLATE, .window_bits = data[0] % 20, .length = size - 4,
                                  .block = data[1] % 16 ? 1u << data[1] % 16 : 0 };

    struct end a = decode(&s, data + 4, length, 0, 0, piece, first);
    struct end b = decode(&s, data + 4, length, 0, 0, OUT_MAX, second);
    require(a.err == b.err);
    if (a.err == OTA_DONE)
        require(memcmp(first, second, (size_t)length) == 0);
    if (a.err != OTA_DONE || a.mark_out == 0)
        return 0;
    struct end c = decode(&s, data + 4, length, a.mark_src, a.mark_out, piece, second);
    require(c.err == OTA_REJECT_CORRUPT || c.err == OTA_DONE);
    return 0;
}
