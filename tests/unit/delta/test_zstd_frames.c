/* SPDX-License-Identifier: Apache-2.0 */
/* The push decoder of zstd frames against what libzstd made: every split, every restart, every damaged byte, every window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "zstd_frames.h"

#define IMAGE_LEN 5000u
#define BLOCK 1024u
#define BITS 10

struct stream {
    uint8_t image[IMAGE_LEN], z[2 * IMAGE_LEN];
    size_t len, z_len, marks;
    uint64_t mark_src[32], mark_out[32];
    struct ota_source source;
};

static _Alignas(16) uint8_t memory[600 * 1024];
static struct stream s;
static uint8_t out[IMAGE_LEN + 4096];

/* Compressible, but not only: words out of a small alphabet with noise between. */
static void make_image(size_t len)
{
    uint32_t x = 1;

    s.len = len;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        s.image[i] = (uint8_t)((x >> 16) % 5 == 0 ? x >> 24 : i % 37);
    }
}

static size_t add_frame(const uint8_t *in, size_t len, int bits, int with_length)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();

    assert_non_null(c);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, bits)));
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, with_length)));
    size_t n = ZSTD_compress2(c, s.z + s.z_len, sizeof s.z - s.z_len, in, len);
    assert_false(ZSTD_isError(n));
    ZSTD_freeCCtx(c);
    s.z_len += n;
    return n;
}

/* As SPEC.md says: a frame for every block. */
static void make_stream(size_t len, int bits, uint32_t block, int with_length)
{
    memset(&s, 0, sizeof s);
    make_image(len);
    for (size_t at = 0; at < len; at += block ? block : len) {
        if (at > 0) {
            s.mark_src[s.marks] = s.z_len;
            s.mark_out[s.marks++] = at;
        }
        add_frame(s.image + at, block && len - at > block ? block : len - at, bits, with_length);
    }
    s.source = (struct ota_source){ .codec = OTA_CODEC_ZSTD, .window_bits = (uint8_t)bits, .block = block, .length = s.z_len };
}

/* Push everything from src_off on in pieces; returns how it ended. Never beyond the image. */
static ota_err decode(uint64_t src_off, uint64_t out_off, size_t in_piece, size_t out_piece, uint64_t *out_end)
{
    struct otai_zstd *z;
    size_t in = (size_t)src_off;
    ota_err err = otai_zstd_init(&z, memory, sizeof memory, &s.source, s.len, src_off, out_off);

    *out_end = out_off;
    assert_int_equal(err, OTA_OK);
    for (unsigned rounds = 0; rounds < 200000; rounds++) {
        size_t used = 99, made = 99, left = (size_t)s.source.length - in, n = left < in_piece ? left : in_piece;
        err = otai_zstd_push(z, s.z + in, n, &used, out + *out_end, out_piece, &made);
        assert_true(used <= n && made <= out_piece && *out_end + made <= s.len);
        in += used;
        *out_end += made;
        if (err != OTA_OK)
            return err;
    }
    fail_msg("never ended");
    return err;
}

static void every_split_gives_the_same_bytes(void **state)
{
    static const size_t pieces[] = { 1, 2, 3, 7, 64, 511, 4096, 20000 };
    static const uint32_t blocks[] = { BLOCK, 2048, 0 };
    uint64_t end;

    (void)state;
    for (size_t b = 0; b < 3; b++)
        for (int with_length = 0; with_length < 2; with_length++) {
            make_stream(IMAGE_LEN, b == 0 ? BITS : 13, blocks[b], with_length);
            for (size_t i = 0; i < 8; i++)
                for (size_t k = 0; k < 7; k++) {
                    memset(out, 0xee, sizeof out);
                    assert_int_equal(decode(0, 0, pieces[i], pieces[k], &end), OTA_DONE);
                    assert_true(end == IMAGE_LEN);
                    assert_memory_equal(out, s.image, IMAGE_LEN);
                    assert_int_equal(out[IMAGE_LEN], 0xee);
                }
        }
}

static void every_mark_restarts(void **state)
{
    static const size_t lens[] = { IMAGE_LEN, 4 * BLOCK, 4 * BLOCK + 1, BLOCK + 1 };
    uint64_t end;

    (void)state;
    for (size_t l = 0; l < 4; l++) {
        make_stream(lens[l], BITS, BLOCK, 1);
        assert_true(s.marks > 0);
        for (size_t m = 0; m < s.marks; m++)
            for (size_t piece = 1; piece < 5000; piece = piece * 9 + 1) {
                uint64_t from = s.mark_out[m];
                memset(out, 0, sizeof out);
                assert_int_equal(decode(s.mark_src[m], from, piece, piece, &end), OTA_DONE);
                assert_true(end == s.len);
                assert_memory_equal(out + from, s.image + from, s.len - from);
            }
    }
}

static void marks_are_met_exactly(void **state)
{
    struct otai_zstd *z;
    size_t in = 0, met = 0, used, made, done = 0;
    uint64_t src, pos, last = 0;
    ota_err err;

    (void)state;
    make_stream(IMAGE_LEN, BITS, BLOCK, 1);
    assert_int_equal(s.marks, 4);
    assert_int_equal(otai_zstd_init(&z, memory, sizeof memory, &s.source, s.len, 0, 0), OTA_OK);
    do {
        err = otai_zstd_push(z, s.z + in, s.z_len - in, &used, out + done, sizeof out - done, &made);
        in += used;
        done += made;
        otai_zstd_mark(z, &src, &pos);
        if (pos == last)
            continue;
        assert_true(pos == s.mark_out[met] && pos == done && src == in && src == s.mark_src[met]);
        last = pos;
        met++;
    } while (err == OTA_OK);
    assert_int_equal(err, OTA_DONE);
    assert_int_equal(met, s.marks);
}

static void no_flipped_bit_passes(void **state)
{
    uint64_t end;
    unsigned tried = 0, whole = 0;

    (void)state;
    make_stream(1500, BITS, BLOCK, 1);
    for (size_t i = 0; i < s.z_len; i++)
        for (int bit = 0; bit < 8; bit++, tried++) {
            s.z[i] ^= (uint8_t)(1u << bit);
            ota_err err = decode(0, 0, 4096, 4096, &end);
            /* A bit of the head that carries nothing: then the output must be whole. */
            if (err == OTA_DONE) {
                assert_memory_equal(out, s.image, s.len);
                whole++;
            } else {
                assert_int_equal(err, OTA_REJECT_CORRUPT);
            }
            assert_int_equal(decode(0, 0, 7, 11, &end), err); /* however it comes */
            s.z[i] ^= (uint8_t)(1u << bit);
        }
    assert_true(tried > 1000 && whole < tried / 20);
}

static void no_truncation_passes(void **state)
{
    uint64_t end;

    (void)state;
    make_stream(IMAGE_LEN, BITS, BLOCK, 1);
    for (size_t len = 1; len < s.z_len; len++) {
        s.source.length = len; /* the signed length itself is short */
        assert_int_equal(decode(0, 0, 4096, 512, &end), OTA_REJECT_CORRUPT);
        if (len > s.mark_src[3])
            assert_int_equal(decode(s.mark_src[3], s.mark_out[3], 4096, 512, &end), OTA_REJECT_CORRUPT);
    }
}

static void nothing_may_follow(void **state)
{
    static const size_t pieces[] = { 1, 7, 20000 };
    uint64_t end;

    (void)state;
    for (size_t extra = 1; extra < 6; extra++)
        for (size_t i = 0; i < 3; i++) {
            make_stream(IMAGE_LEN, BITS, BLOCK, 1);
            s.source.length += extra;
            assert_int_equal(decode(0, 0, pieces[i], 4096, &end), OTA_REJECT_CORRUPT);
            assert_int_equal(decode(s.mark_src[0], s.mark_out[0], pieces[i], 4096, &end), OTA_REJECT_CORRUPT);
        }
}

static void the_output_is_bounded(void **state)
{
    uint64_t end;

    (void)state;
    for (size_t piece = 1; piece < 6000; piece = piece * 5 + 1) {
        make_stream(IMAGE_LEN, BITS, BLOCK, 1);
        for (size_t less = 1; less < 3; less++) {
            s.len = IMAGE_LEN - less; /* the frames hold more than was signed */
            memset(out, 0xee, sizeof out);
            assert_int_equal(decode(0, 0, piece, piece, &end), OTA_REJECT_CORRUPT);
            assert_int_equal(out[s.len], 0xee);
        }
        s.len = IMAGE_LEN + 1; /* ... or less */
        assert_int_equal(decode(0, 0, piece, piece, &end), OTA_REJECT_CORRUPT);
    }
}

/* A frame must hold a block, no more, no less, whatever it holds in all. */
static void frames_are_blocks(void **state)
{
    static const size_t first[] = { BLOCK - 1, BLOCK + 1, 1, 2 * BLOCK };
    uint64_t end;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t piece = 1; piece < 6000; piece = piece * 5 + 1) {
            make_stream(2 * BLOCK, BITS, BLOCK, 1);
            s.z_len = 0;
            add_frame(s.image, first[i], 12, 1);
            if (first[i] < s.len)
                add_frame(s.image + first[i], s.len - first[i], 12, 1);
            s.source.length = s.z_len;
            s.source.window_bits = 12;
            assert_int_equal(decode(0, 0, piece, piece, &end), OTA_REJECT_CORRUPT);
        }
}

/* Frames that readers of zstd skip, and frames of nothing. */
static void frames_without_contents_are_refused(void **state)
{
    static const uint8_t skipped[] = { 0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3 };
    uint64_t end;

    (void)state;
    for (size_t piece = 1; piece < 6000; piece = piece * 5 + 1) {
        make_stream(2 * BLOCK, BITS, BLOCK, 1);
        memmove(s.z + sizeof skipped, s.z, s.z_len);
        memcpy(s.z, skipped, sizeof skipped);
        s.source.length = s.z_len + sizeof skipped;
        assert_int_equal(decode(0, 0, piece, piece, &end), OTA_REJECT_CORRUPT);
        make_stream(2 * BLOCK, BITS, BLOCK, 1);
        s.z_len = 0;
        add_frame(s.image, 0, BITS, 1);
        add_frame(s.image, BLOCK, BITS, 1);
        add_frame(s.image + BLOCK, BLOCK, BITS, 1);
        s.source.length = s.z_len;
        assert_int_equal(decode(0, 0, piece, piece, &end), OTA_REJECT_CORRUPT);
    }
}

static void the_window_is_checked(void **state)
{
    uint64_t end;

    (void)state;
    for (int bits = 10; bits <= 13; bits++)
        for (int said = 10; said <= 13; said++)
            for (size_t piece = 9; piece < 9000; piece *= 10)
                for (int with_length = 0; with_length < 2; with_length++) {
                    make_stream(IMAGE_LEN, bits, 0, with_length);
                    s.source.window_bits = (uint8_t)said;
                    assert_int_equal(decode(0, 0, piece, piece, &end), said >= bits ? OTA_DONE : OTA_REJECT_CORRUPT);
                }
}

/* By hand (RFC 8878 3.1.1): five raw bytes, with and without the number of a dictionary. */
static void a_dictionary_is_refused(void **state)
{
    static const uint8_t without[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, 'a', 'b', 'c', 'd', 'e' };
    static const uint8_t with[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 5, 0x29, 0, 0, 'a', 'b', 'c', 'd', 'e' };
    uint64_t end;

    (void)state;
    for (size_t piece = 1; piece < 9000; piece = piece * 5 + 1) {
        make_stream(5, BITS, 0, 1);
        memcpy(s.z, without, sizeof without);
        s.source.length = sizeof without;
        assert_int_equal(decode(0, 0, piece, piece, &end), OTA_DONE);
        assert_memory_equal(out, "abcde", 5);
        memcpy(s.z, with, sizeof with);
        s.source.length = sizeof with;
        assert_int_equal(decode(0, 0, piece, piece, &end), OTA_REJECT_CORRUPT);
    }
}

static void more_input_than_the_source_has(void **state)
{
    struct otai_zstd *z;
    size_t used, made;

    (void)state;
    make_stream(IMAGE_LEN, 13, 0, 1);
    assert_int_equal(otai_zstd_init(&z, memory, sizeof memory, &s.source, s.len, 0, 0), OTA_OK);
    assert_int_equal(otai_zstd_push(z, s.z, s.z_len + 1, &used, out, sizeof out, &made), OTA_REJECT_CORRUPT);
    assert_int_equal(otai_zstd_push(z, s.z, s.z_len, &used, out, sizeof out, &made), OTA_REJECT_CORRUPT); /* latched */
    assert_int_equal(made, 0);
}

static void memory_is_what_len_says(void **state)
{
    (void)state;
    for (int bits = 10; bits <= 16; bits++) {
        struct otai_zstd *z;
        size_t len = otai_zstd_len((uint8_t)bits), used, made, in = 0, at = 0;
        ota_err err;

        make_stream(IMAGE_LEN, bits, 0, 0);
        memset(memory, 0xee, sizeof memory);
        assert_true(len < sizeof memory);
        assert_int_equal(otai_zstd_init(&z, memory, len - 1, &s.source, s.len, 0, 0), OTA_USAGE_MEMORY);
        assert_null(z);
        assert_int_equal(otai_zstd_init(&z, memory, len, &s.source, s.len, 0, 0), OTA_OK);
        do {
            err = otai_zstd_push(z, s.z + in, s.z_len - in < 700 ? s.z_len - in : 700, &used, out + at, sizeof out - at, &made);
            in += used;
            at += made;
        } while (err == OTA_OK);
        assert_int_equal(err, OTA_DONE);
        for (size_t i = len; i < sizeof memory; i++)
            assert_int_equal(memory[i], 0xee);
    }
}

static void what_cannot_be_a_mark(void **state)
{
    static const struct {
        uint8_t bits;
        uint32_t block;
        uint64_t src, out;
        ota_err err;
    } rows[] = {
        { 10, 1024, 0, 0, OTA_OK },
        { 15, 0, 0, 0, OTA_OK },
        { 10, 1024, 1, 1024, OTA_OK },
        { 10, 1024, 899, 4096, OTA_OK },
        { 9, 1024, 0, 0, OTA_REJECT_CODEC },
        { 24, 1024, 0, 0, OTA_REJECT_CODEC },
        { 0, 1024, 0, 0, OTA_REJECT_CODEC },
        { 10, 1000, 0, 0, OTA_REJECT_CODEC },
        { 10, 1024, 0, 1024, OTA_REJECT_CODEC },
        { 10, 1024, 100, 0, OTA_REJECT_CODEC },
        { 10, 1024, 100, 1023, OTA_REJECT_CODEC },
        { 10, 1024, 100, 5120, OTA_REJECT_CODEC },
        { 10, 1024, 900, 1024, OTA_REJECT_CODEC },
        { 10, 0, 100, 1024, OTA_REJECT_CODEC },
        { 10, 1024, UINT64_MAX, 1024, OTA_REJECT_CODEC },
        { 23, 1024, 0, 0, OTA_USAGE_MEMORY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ota_source source = {
            .codec = OTA_CODEC_ZSTD, .window_bits = rows[i].bits, .block = rows[i].block, .length = 900
        };
        struct otai_zstd *z;
        ota_err err = otai_zstd_init(&z, memory, sizeof memory, &source, 5000, rows[i].src, rows[i].out);
        if (err != rows[i].err || (z == NULL) != (err != OTA_OK))
            fail_msg("row %zu: %s", i, ota_err_name(err));
        source.codec = OTA_CODEC_DEFLATE;
        assert_int_equal(otai_zstd_init(&z, memory, sizeof memory, &source, 5000, rows[i].src, rows[i].out), OTA_REJECT_CODEC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_bytes),
        cmocka_unit_test(every_mark_restarts),
        cmocka_unit_test(marks_are_met_exactly),
        cmocka_unit_test(no_flipped_bit_passes),
        cmocka_unit_test(no_truncation_passes),
        cmocka_unit_test(nothing_may_follow),
        cmocka_unit_test(the_output_is_bounded),
        cmocka_unit_test(frames_are_blocks),
        cmocka_unit_test(frames_without_contents_are_refused),
        cmocka_unit_test(the_window_is_checked),
        cmocka_unit_test(a_dictionary_is_refused),
        cmocka_unit_test(more_input_than_the_source_has),
        cmocka_unit_test(memory_is_what_len_says),
        cmocka_unit_test(what_cannot_be_a_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
