/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a push decoder of packed images, whatever they are packed with. */
#ifndef FUZZ_PACKED_H
#define FUZZ_PACKED_H

#include <string.h>

#include "ota/records.h"
#include "require.h"

#define PACKED_OUT_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct packed {
    void *self;
    ota_err (*begin)(void *self, const struct ota_source *source, uint64_t length, uint64_t src, uint64_t out);
    ota_err (*push)(void *self, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out, size_t cap, size_t *made);
    void (*mark)(void *self, uint64_t *src, uint64_t *out);
    enum ota_codec codec;
    unsigned bits; /* windows of 0 to this many bits are tried */
};

struct packed_end {
    ota_err err;
    size_t out;
    uint64_t mark_src, mark_out;
};

static inline struct packed_end packed_decode(const struct packed *p, const struct ota_source *s, const uint8_t *in,
                                              uint64_t length, uint64_t src, uint64_t out, size_t piece, uint8_t *to)
{
    struct packed_end e = { .err = p->begin(p->self, s, length, src, out), .out = (size_t)out };

    for (unsigned idle = 0; e.err == OTA_OK && idle < 4;) {
        size_t left = (size_t)(s->length - src), used = 0, made = 0, room = (size_t)length - e.out;
        e.err = p->push(p->self, in + src, left < piece ? left : piece, &used, to + e.out, room < piece ? room : piece, &made);
        src += used;
        e.out += made;
        idle = used || made ? 0 : idle + 1;
        require(src <= s->length && e.out <= length);
        p->mark(p->self, &e.mark_src, &e.mark_out);
        require(e.mark_src <= src && e.mark_out <= e.out);
    }
    require(e.err == OTA_DONE || e.err == OTA_REJECT_CORRUPT || e.err == OTA_REJECT_CODEC);
    require(e.err != OTA_DONE || (e.out == length && src == s->length));
    return e;
}

/* Bytes 0..3 say how: window, log2 of block, output length / 64, piece. */
static inline void packed_check(const struct packed *p, const uint8_t *data, size_t size)
{
    static uint8_t first[PACKED_OUT_MAX], second[PACKED_OUT_MAX];

    if (size < 5)
        return;
    uint64_t length = (uint64_t)data[2] * 64 + 1;
    size_t piece = (size_t)data[3] + 1;
    const struct ota_source s = { .codec = p->codec,
                                  .window_bits = (uint8_t)(data[0] % (p->bits + 1)),
                                  .length = size - 4,
                                  .block = data[1] % 16 ? 1u << data[1] % 16 : 0 };

    struct packed_end a = packed_decode(p, &s, data + 4, length, 0, 0, piece, first);
    struct packed_end b = packed_decode(p, &s, data + 4, length, 0, 0, PACKED_OUT_MAX, second);
    require(a.err == b.err);
    if (a.err == OTA_DONE)
        require(memcmp(first, second, (size_t)length) == 0);
    if (a.err != OTA_DONE || a.mark_out == 0)
        return;
    struct packed_end c = packed_decode(p, &s, data + 4, length, a.mark_src, a.mark_out, piece, second);
    require(c.err == OTA_REJECT_CORRUPT || c.err == OTA_DONE);
}

#endif
