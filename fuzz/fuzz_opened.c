/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of opened images. Bytes 0 and 1: old and new streams, modulo 4; 2..3: length of the old image; 4..5: of what the old
 * view has more; then the old image, then the new view, table first. However the view comes in, and also when the state is
 * moved to other memory after each piece, the same image comes out; however the old view is read, it holds the same bytes, and
 * the old image is never read outside.
 */
#include <stdlib.h>
#include <string.h>

#include "checked_base.h"
#include "delta_reference_opened.h"
#include "opened.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 6u
#define OUT_MAX 65536u
#define MEMORY_MAX (1u << 19)

static _Alignas(16) uint8_t memory[2][MEMORY_MAX];
static uint8_t first[OUT_MAX], second[OUT_MAX], whole[1u << 17];

struct end {
    ota_err err;
    size_t made;
};

/* Put the view in pieces; with `move` the part that a saved state has goes to other memory after each. */
static struct end put_all(const struct otai_opened_params *p, struct checked_base *b, struct otai_span view, size_t piece, bool move,
                          uint8_t *out, struct ota_delta_base **old)
{
    struct otai_opened *o = (struct otai_opened *)(void *)memory[0];
    struct end e = { OTA_OK, 0 };
    unsigned side = 0;
    size_t n;

    memset(o, 0, sizeof *o);
    *old = otai_opened_attach(o, p, &b->base, b->len);
    do {
        struct otai_span in = { view.p, view.len < piece ? view.len : piece };
        size_t before = in.len, room = OUT_MAX - e.made < piece ? OUT_MAX - e.made : piece;

        e.err = otai_opened_put(o, &in, out + e.made, room, &n);
        require(n <= room && in.len <= before);
        view.p += before - in.len;
        view.len -= before - in.len;
        e.made += n;
        if (n == 0 && before == in.len && e.err == OTA_OK)
            break;
        if (move) {
            require(otai_opened_plausible(o));
            memcpy(memory[side ^ 1u], memory[side], otai_opened_saved(p));
            memset(memory[side], 0xa5, otai_opened_memory(p));
            side ^= 1u;
            o = (struct otai_opened *)(void *)memory[side];
            *old = otai_opened_attach(o, p, &b->base, b->len);
        }
    } while (e.err == OTA_OK);
    return e;
}

/* Any way to read the view gives the same, or an error where the streams are no streams. */
static void read_old(struct ota_delta_base *old, uint32_t len)
{
    uint8_t piece[OTA_DELTA_READ_MAX];
    uint32_t good = 0, seed = len;

    for (; good < len; good += (uint32_t)sizeof piece) {
        size_t n = len - good < sizeof piece ? len - good : sizeof piece;

        if (old->ops->read(old, good, whole + good, n) != OTA_OK)
            break;
    }
    good = good < len ? good : len;
    for (unsigned i = 0; i < 20 && good > 0; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t off = (seed >> 8) % good, n = good - off < sizeof piece ? good - off : (uint32_t)sizeof piece;

        require(old->ops->read(old, off, piece, n) == OTA_OK && memcmp(piece, whole + off, n) == 0);
    }
}

/* A second implementation, with zlib's own compressor, makes the same image. What gzip made it does not judge. */
static void compare(const struct otai_opened_params *p, const struct checked_base *b, struct otai_span view, struct end made)
{
    const struct ref_opened o = { true, b->len, made.made, p->old_count, p->new_count, p->ring_log2, p->hash_log2, p->symbols_log2 };
    uint8_t *image;
    const char *why = ref_opened_close(&o, view.p, view.len, NULL, &image);

    if (made.err != OTA_DONE || why == ref_not_judged)
        return;
    require(!why && memcmp(image, first, made.made) == 0);
    free(image);
    if (p->old_count == 0)
        return;
    uint8_t *contents = calloc(p->old_len + 1u, 1);
    require(contents != NULL);
    memcpy(contents, b->p, b->len);
    why = ref_opened_contents(&o, view.p, contents, p->old_len);
    require(!why || why == ref_not_judged);
    if (!why)
        require(memcmp(contents, whole, p->old_len) == 0);
    free(contents);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ota_delta_base *old;

    if (size < HEAD || size > 1u << 16)
        return 0;
    size_t base_len = (data[2] | (size_t)data[3] << 8) % (size - HEAD + 1);
    struct checked_base b = { { &checked_ops }, data + HEAD, base_len };
    struct otai_span view = { data + HEAD + base_len, size - HEAD - base_len };
    struct otai_opened_params p = { .old_count = data[0] % 4u, .new_count = data[1] % 4u, .new_len = (uint32_t)view.len };

    p.old_len = (uint32_t)base_len + (p.old_count ? data[4] | (uint32_t)data[5] << 8 : 0);
    p.ring_log2 = p.old_count ? 15 : 0;
    p.hash_log2 = p.new_count ? 16 : 0;
    p.symbols_log2 = p.new_count ? 15 : 0;
    if (otai_opened_judge(&p, base_len, OUT_MAX) != OTA_OK)
        return 0;
    require(otai_opened_memory(&p) <= MEMORY_MAX && otai_opened_saved(&p) <= otai_opened_memory(&p));
    struct end a = put_all(&p, &b, view, OUT_MAX, false, first, &old);
    read_old(old, p.old_len);
    compare(&p, &b, view, a);
    struct end c = put_all(&p, &b, view, 61, true, second, &old);
    require(a.made == c.made && memcmp(first, second, a.made) == 0 && a.err == c.err);
    return 0;
}
