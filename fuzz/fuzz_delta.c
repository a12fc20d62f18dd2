/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patches. Bytes 0..3: log2 of the counters, entries of the map, output length / 16, old length / 16; the rest is the
 * payload, which is framed here with right checksums so that the decoder's inside is reached. Every way of feeding it must
 * end in the same way with the same bytes, also when the state is saved and resumed between any two pushes, and the old
 * image is never read outside. A decoder that was written from the specification alone must give the same bytes or refuse
 * as well. A second try hands the input over as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "checked_base.h"
#include "delta_reference.h"
#include "patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX 4096u
#define PATCH_MAX 8192u
#define MEMORY_MAX 32768u

static _Alignas(16) uint8_t memory[2][MEMORY_MAX], saved[MEMORY_MAX + 64];
static uint8_t old[OUT_MAX], patch[PATCH_MAX], first[OUT_MAX], second[OUT_MAX];

struct end {
    ota_err err;
    size_t made;
};

/* Decode in pieces; with `restart` the state moves to other memory after each push. */
static struct end decode(const struct ota_delta_config *cfg, size_t len, size_t piece, bool restart, uint8_t *out)
{
    struct ota_delta *d;
    struct end e = { OTA_OK, 0 };
    size_t at = 0, used, made, n;
    unsigned side = 0;

    require(ota_delta_begin(&d, cfg, memory[0], MEMORY_MAX) == OTA_OK);
    do {
        size_t in = len - at < piece ? len - at : piece, room = OUT_MAX - e.made < piece ? OUT_MAX - e.made : piece;

        e.err = ota_delta_push(d, patch + at, in, &used, out + e.made, room, &made);
        at += used;
        e.made += made;
        if (e.err == OTA_OK && restart && ota_delta_header(d)) {
            require(ota_delta_checkpoint(d, saved, sizeof saved, &n) == OTA_OK);
            side ^= 1;
            require(ota_delta_resume(&d, cfg, memory[side], MEMORY_MAX, saved, n) == OTA_OK);
        }
    } while (e.err == OTA_OK && (used || made));
    if (e.err == OTA_OK)
        e.err = ota_delta_end(d);
    require(e.err == OTA_DONE || ota_err_class(e.err) == OTA_CLASS_REJECT);
    return e;
}

static void compare(const struct checked_base *b, size_t len, struct end a)
{
    struct reference_result r = reference_decode(b->p, b->len, patch, len, OUT_MAX, NULL);

    bool opened = len > 4 && patch[4] & 0x80;

    if (a.err != OTA_REJECT_LIMIT && r.judged) {
        require((a.err == OTA_DONE) == (r.why == NULL));
        require((opened && r.why) || (r.why ? a.made <= r.made : a.made == r.made));
        require((opened && r.why) || a.made == 0 || memcmp(first, r.out, a.made) == 0);
    }
    free(r.out);
}

static void try_all(struct checked_base *b, size_t len)
{
    const struct ota_delta_config cfg = { .size = sizeof cfg, .base = &b->base, .base_len = b->len };
    struct ota_delta_info info;

    if (ota_delta_peek(&info, patch, len) == OTA_OK && info.out_len > OUT_MAX)
        return;
    struct end a = decode(&cfg, len, PATCH_MAX, false, first);
    compare(b, len, a);
    struct end c = decode(&cfg, len, 7, false, second);
    require(a.err == c.err && a.made == c.made && memcmp(first, second, a.made) == 0);
    c = decode(&cfg, len, 61, true, second);
    require(a.err == c.err && a.made == c.made && memcmp(first, second, a.made) == 0);
}

static size_t frame(const uint8_t *payload, size_t size, const uint8_t *params, uint64_t base_len)
{
    struct otai_patch_params p = { .frame_log2 = 12, .slots_log2 = (uint8_t)(8 + params[0] % 4), .runs_log2 = (uint8_t)(8 + params[0] / 4 % 4),
                                   .learned_log2 = 4, .map_max = params[1], .payload_len = size };
    struct ota_delta_info info = { .base_len = base_len, .out_len = params[2] * 16u };
    size_t n = otai_patch_put_header(patch, &info, &p);

    memcpy(patch + n, payload, size);
    otai_put_le32(patch + n + size, otai_crc32(0, payload, size));
    return size ? n + size + 4 : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || size > 4000)
        return 0;
    for (size_t i = 0; i < sizeof old; i++)
        old[i] = (uint8_t)(i * 2654435761u >> 13 ^ (i & 2 ? 0xf0 : 0));
    struct checked_base b = { { &checked_ops }, old, data[3] * 16u };
    try_all(&b, frame(data + 4, size - 4, data, b.len));
    memcpy(patch, data, size);
    try_all(&b, size);
    return 0;
}
