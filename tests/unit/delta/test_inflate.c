/* SPDX-License-Identifier: Apache-2.0 */
/* The push decoder against streams that zlib made: every split, every restart, every damaged byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#define ZLIB_CONST
#include <zlib.h>

#include "inflate.h"

#define IMAGE_LEN 5000u
#define BLOCK 1024u
#define BITS 9

struct stream {
    uint8_t image[IMAGE_LEN], z[2 * IMAGE_LEN];
    size_t len, z_len, marks;
    uint64_t mark_src[32], mark_out[32];
    struct ota_source source;
};

static _Alignas(16) uint8_t memory[64 * 1024];

/* Compressible, but not only: words out of a small alphabet with noise between. */
static void make_image(struct stream *s, size_t len)
{
    uint32_t x = 1;

    s->len = len;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        s->image[i] = (uint8_t)((x >> 16) % 5 == 0 ? x >> 24 : i % 37);
    }
}

/* As SPEC.md says: a full flush after every block but the last, then finish. */
static void make_stream(struct stream *s, size_t len, int bits, uint32_t block, int level)
{
    z_stream d = { 0 };

    memset(s, 0, sizeof *s);
    make_image(s, len);
    assert_int_equal(deflateInit2(&d, level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    d.next_out = s->z;
    d.avail_out = sizeof s->z;
    for (size_t at = 0; at < len || at == 0; at += block) {
        bool last = block == 0 || len - at <= block;
        d.next_in = s->image + at;
        d.avail_in = (uInt)(last ? len - at : block);
        assert_int_equal(deflate(&d, last ? Z_FINISH : Z_FULL_FLUSH), last ? Z_STREAM_END : Z_OK);
        if (last)
            break;
        s->mark_src[s->marks] = d.total_out;
        s->mark_out[s->marks++] = d.total_in;
    }
    s->z_len = d.total_out;
    deflateEnd(&d);
    s->source = (struct ota_source){ .codec = OTA_CODEC_DEFLATE, .window_bits = (uint8_t)bits, .block = block, .length = s->z_len };
}

/* Push everything from src_off on in pieces; returns how it ended and the output in out. */
static ota_err decode(const struct stream *s, uint64_t src_off, uint64_t out_off, size_t in_piece, size_t out_piece,
                      uint8_t *out, uint64_t *out_end)
{
    struct otai_inflate *z;
    size_t in = (size_t)src_off;
    ota_err err = otai_inflate_init(&z, memory, sizeof memory, &s->source, s->len, src_off, out_off);

    *out_end = out_off;
    assert_int_equal(err, OTA_OK);
    for (unsigned rounds = 0; rounds < 200000; rounds++) {
        size_t used = 99, made = 99, left = (size_t)s->source.length - in;
        size_t n = left < in_piece ? left : in_piece;
        err = otai_inflate_push(z, s->z + in, n, &used, out + *out_end, out_piece, &made);
        assert_true(used <= n && made <= out_piece && *out_end + made <= s->len);
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
    static struct stream s;
    static uint8_t out[IMAGE_LEN + 4096];
    static const size_t pieces[] = { 1, 2, 3, 7, 64, 511, 4096, 20000 };
    uint64_t end;

    (void)state;
    for (int level = 0; level <= 9; level += 3) {
        make_stream(&s, IMAGE_LEN, BITS, BLOCK, level);
        for (size_t i = 0; i < 8; i++)
            for (size_t k = 0; k < 7; k++) {
                memset(out, 0xee, sizeof out);
                assert_int_equal(decode(&s, 0, 0, pieces[i], pieces[k], out, &end), OTA_DONE);
                assert_true(end == IMAGE_LEN);
                assert_memory_equal(out, s.image, IMAGE_LEN);
                assert_int_equal(out[IMAGE_LEN], 0xee);
            }
    }
}

static void every_single_cut_of_the_input(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];

    (void)state;
    make_stream(&s, IMAGE_LEN, BITS, BLOCK, 6);
    for (size_t cut = 0; cut <= s.z_len; cut++) {
        struct otai_inflate *z;
        size_t in = 0, made_all = 0, used, made;
        ota_err err = otai_inflate_init(&z, memory, sizeof memory, &s.source, s.len, 0, 0);

        while (err == OTA_OK && in < s.z_len) {
            size_t end = in < cut ? cut : s.z_len;
            err = otai_inflate_push(z, s.z + in, end - in, &used, out + made_all, sizeof out - made_all, &made);
            in += used;
            made_all += made;
        }
        assert_int_equal(err, OTA_DONE);
        assert_memory_equal(out, s.image, IMAGE_LEN);
    }
}

static void marks_are_met_exactly(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    struct otai_inflate *z;
    size_t in = 0, met = 0, used, made, done = 0;
    uint64_t src, pos, last = 0;
    ota_err err;

    (void)state;
    make_stream(&s, IMAGE_LEN, BITS, BLOCK, 6);
    assert_int_equal(s.marks, 4);
    assert_int_equal(otai_inflate_init(&z, memory, sizeof memory, &s.source, s.len, 0, 0), OTA_OK);
    do {
        err = otai_inflate_push(z, s.z + in, s.z_len - in, &used, out + done, sizeof out - done, &made);
        in += used;
        done += made;
        otai_inflate_mark(z, &src, &pos);
        if (pos == last)
            continue;
        assert_true(pos == s.mark_out[met] && pos == done);   /* it stops there: nothing beyond was given out */
        assert_true(src == in && src <= s.mark_src[met]);     /* before or after the empty block of the flush */
        last = pos;
        met++;
    } while (err == OTA_OK);
    assert_int_equal(err, OTA_DONE);
    assert_int_equal(met, s.marks);
}

static void every_mark_restarts(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    static const size_t lens[] = { IMAGE_LEN, 4 * BLOCK, 4 * BLOCK + 1, BLOCK + 1 };

    (void)state;
    for (size_t l = 0; l < 4; l++)
        for (int level = 0; level <= 9; level += 3) {
            make_stream(&s, lens[l], BITS, BLOCK, level);
            assert_true(s.marks > 0);
            for (size_t m = 0; m < s.marks; m++)
                for (size_t piece = 1; piece < 5000; piece = piece * 9 + 1) {
                    uint64_t end, from = s.mark_out[m];
                    memset(out, 0, sizeof out);
                    assert_int_equal(decode(&s, s.mark_src[m], from, piece, piece, out, &end), OTA_DONE);
                    assert_true(end == s.len);
                    assert_memory_equal(out + from, s.image + from, s.len - from);
                }
        }
}

/* The marks that the decoder itself told must restart too. */
static void told_marks_restart(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN], rest[IMAGE_LEN];
    static uint8_t other[64 * 1024];
    struct otai_inflate *z;
    size_t in = 0, used, made, done = 0;
    uint64_t src, pos, end, last = 0, restarts = 0;
    ota_err err;

    (void)state;
    make_stream(&s, IMAGE_LEN, BITS, BLOCK, 9);
    assert_int_equal(otai_inflate_init(&z, other, sizeof other, &s.source, s.len, 0, 0), OTA_OK);
    do {
        size_t n = s.z_len - in < 13 ? s.z_len - in : 13;
        err = otai_inflate_push(z, s.z + in, n, &used, out + done, sizeof out - done < 100 ? sizeof out - done : 100, &made);
        in += used;
        done += made;
        otai_inflate_mark(z, &src, &pos);
        if (pos != last) {
            assert_int_equal(decode(&s, src, pos, 50, 50, rest, &end), OTA_DONE);
            assert_memory_equal(rest + pos, s.image + pos, s.len - pos);
            last = pos;
            restarts++;
        }
    } while (err == OTA_OK);
    assert_int_equal(err, OTA_DONE);
    assert_int_equal(restarts, 4);
}

static void no_flipped_bit_passes(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    uint64_t end;
    unsigned tried = 0;

    (void)state;
    make_stream(&s, 1500, BITS, BLOCK, 6);
    for (size_t i = 0; i < s.z_len; i++)
        for (int bit = 0; bit < 8; bit++, tried++) {
            s.z[i] ^= (uint8_t)(1u << bit);
            ota_err err = decode(&s, 0, 0, 4096, 4096, out, &end);
            /* FLEVEL and the padding of a flush carry nothing: then the output must be whole. */
            if (err == OTA_DONE)
                assert_memory_equal(out, s.image, s.len);
            else
                assert_int_equal(err, OTA_REJECT_CORRUPT);
            s.z[i] ^= (uint8_t)(1u << bit);
        }
    assert_true(tried > 1000);
}

static void a_wrong_adler_is_seen_in_one_go_and_skipped_after_a_restart(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    uint64_t end;

    (void)state;
    make_stream(&s, IMAGE_LEN, BITS, BLOCK, 6);
    s.z[s.z_len - 1] ^= 1;
    assert_int_equal(decode(&s, 0, 0, 100, 100, out, &end), OTA_REJECT_CORRUPT);
    assert_int_equal(decode(&s, s.mark_src[1], s.mark_out[1], 100, 100, out, &end), OTA_DONE);
}

static void no_truncation_passes(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    uint64_t end;
    size_t whole;

    (void)state;
    make_stream(&s, IMAGE_LEN, BITS, BLOCK, 6);
    whole = s.z_len;
    for (size_t len = 1; len < whole; len++) {
        s.source.length = len;   /* the signed length itself is short */
        assert_int_equal(decode(&s, 0, 0, 4096, 512, out, &end), OTA_REJECT_CORRUPT);
        if (len > s.mark_src[3]) {
            assert_int_equal(decode(&s, s.mark_src[3], s.mark_out[3], 4096, 512, out, &end), OTA_REJECT_CORRUPT);
        }
    }
}

static void nothing_may_follow(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    static const size_t pieces[] = { 1, 7, 20000 };
    uint64_t end;

    (void)state;
    for (size_t extra = 1; extra < 6; extra++)
        for (size_t i = 0; i < 3; i++) {
            make_stream(&s, IMAGE_LEN, BITS, BLOCK, 6);
            s.source.length += extra;
            assert_int_equal(decode(&s, 0, 0, pieces[i], 4096, out, &end), OTA_REJECT_CORRUPT);
            assert_int_equal(decode(&s, s.mark_src[0], s.mark_out[0], pieces[i], 4096, out, &end), OTA_REJECT_CORRUPT);
        }
}

static void more_input_than_the_source_has(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    struct otai_inflate *z;
    size_t used, made;

    (void)state;
    make_stream(&s, IMAGE_LEN, BITS, 0, 6);
    assert_int_equal(otai_inflate_init(&z, memory, sizeof memory, &s.source, s.len, 0, 0), OTA_OK);
    assert_int_equal(otai_inflate_push(z, s.z, s.z_len + 1, &used, out, sizeof out, &made), OTA_REJECT_CORRUPT);
    assert_int_equal(otai_inflate_push(z, s.z, s.z_len, &used, out, sizeof out, &made), OTA_REJECT_CORRUPT);   /* latched */
    assert_int_equal(made, 0);
}

static void after_the_end_there_is_only_the_end(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    struct otai_inflate *z;
    size_t used, made;

    (void)state;
    make_stream(&s, 100, BITS, 0, 6);
    assert_int_equal(otai_inflate_init(&z, memory, sizeof memory, &s.source, s.len, 0, 0), OTA_OK);
    assert_int_equal(otai_inflate_push(z, s.z, s.z_len, &used, out, sizeof out, &made), OTA_DONE);
    assert_int_equal(used, s.z_len);
    assert_int_equal(made, 100);
    assert_int_equal(otai_inflate_push(z, s.z, 0, &used, out, sizeof out, &made), OTA_DONE);
    assert_int_equal(otai_inflate_push(z, s.z, 1, &used, out, sizeof out, &made), OTA_REJECT_CORRUPT);
}

static void the_output_is_bounded(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN + 16];
    uint64_t end;

    (void)state;
    for (int level = 0; level <= 9; level += 3)
        for (size_t piece = 1; piece < 6000; piece = piece * 5 + 1) {
            make_stream(&s, IMAGE_LEN, BITS, BLOCK, level);
            for (size_t less = 1; less < 3; less++) {
                s.len = IMAGE_LEN - less;   /* the stream holds more than was signed */
                memset(out, 0xee, sizeof out);
                assert_int_equal(decode(&s, 0, 0, piece, piece, out, &end), OTA_REJECT_CORRUPT);
                assert_int_equal(out[s.len], 0xee);
                assert_int_equal(decode(&s, s.mark_src[2], s.mark_out[2], piece, piece, out, &end), OTA_REJECT_CORRUPT);
                assert_int_equal(out[s.len], 0xee);
            }
            s.len = IMAGE_LEN + 1;          /* ... or less */
            assert_int_equal(decode(&s, 0, 0, piece, piece, out, &end), OTA_REJECT_CORRUPT);
        }
}

static void the_window_is_checked(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    uint64_t end;

    (void)state;
    for (int bits = 9; bits <= 15; bits++)
        for (int said = 9; said <= 15; said++) {
            make_stream(&s, IMAGE_LEN, bits, BLOCK, 6);
            s.source.window_bits = (uint8_t)said;
            assert_int_equal(decode(&s, 0, 0, 999, 999, out, &end), said >= bits ? OTA_DONE : OTA_REJECT_CORRUPT);
        }
}

static void a_preset_dictionary_is_refused(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];
    z_stream d = { 0 };
    uint64_t end;

    (void)state;
    make_stream(&s, 500, BITS, 0, 6);
    assert_int_equal(deflateInit2(&d, 6, Z_DEFLATED, BITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflateSetDictionary(&d, s.image, 100), Z_OK);
    d.next_in = s.image;
    d.avail_in = 500;
    d.next_out = s.z;
    d.avail_out = sizeof s.z;
    assert_int_equal(deflate(&d, Z_FINISH), Z_STREAM_END);
    s.source.length = d.total_out;
    deflateEnd(&d);
    assert_int_equal(decode(&s, 0, 0, 4096, 4096, out, &end), OTA_REJECT_CORRUPT);
}

static void memory_is_what_len_says(void **state)
{
    static struct stream s;
    static uint8_t out[IMAGE_LEN];

    (void)state;
    for (int bits = 9; bits <= 15; bits++) {
        struct otai_inflate *z;
        size_t len = otai_inflate_len((uint8_t)bits), used, made;

        make_stream(&s, IMAGE_LEN, bits, 0, 6);
        memset(memory, 0xee, sizeof memory);
        assert_true(len < sizeof memory && len <= 8192 + ((size_t)1 << bits));
        assert_int_equal(otai_inflate_init(&z, memory, len - 1, &s.source, s.len, 0, 0), OTA_USAGE_MEMORY);
        assert_null(z);
        assert_int_equal(otai_inflate_init(&z, memory, len, &s.source, s.len, 0, 0), OTA_OK);
        assert_int_equal(otai_inflate_push(z, s.z, s.z_len / 2, &used, out, sizeof out, &made), OTA_OK);
        assert_int_equal(otai_inflate_push(z, s.z + used, s.z_len - used, &used, out + made, sizeof out - made, &made), OTA_DONE);
        for (size_t i = len; i < sizeof memory; i++)
            assert_int_equal(memory[i], 0xee);
    }
}

static void what_cannot_be_a_mark(void **state)
{
    static const struct { uint8_t bits; uint32_t block; uint64_t src, out; ota_err err; } rows[] = {
        { 9, 1024, 0, 0, OTA_OK }, { 15, 0, 0, 0, OTA_OK }, { 9, 1024, 1, 1024, OTA_OK }, { 9, 1024, 899, 4096, OTA_OK },
        { 8, 1024, 0, 0, OTA_REJECT_CODEC }, { 16, 1024, 0, 0, OTA_REJECT_CODEC }, { 0, 1024, 0, 0, OTA_REJECT_CODEC },
        { 9, 1000, 0, 0, OTA_REJECT_CODEC }, { 9, 1024, 0, 1024, OTA_REJECT_CODEC }, { 9, 1024, 100, 0, OTA_REJECT_CODEC },
        { 9, 1024, 100, 1023, OTA_REJECT_CODEC }, { 9, 1024, 100, 5120, OTA_REJECT_CODEC }, { 9, 1024, 900, 1024, OTA_REJECT_CODEC },
        { 9, 0, 100, 1024, OTA_REJECT_CODEC }, { 9, 1024, UINT64_MAX, 1024, OTA_REJECT_CODEC }, { 9, 1, 1, 5000, OTA_REJECT_CODEC },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ota_source source = { .codec = OTA_CODEC_DEFLATE, .window_bits = rows[i].bits, .block = rows[i].block, .length = 900 };
        struct otai_inflate *z;
        ota_err err = otai_inflate_init(&z, memory, sizeof memory, &source, 5000, rows[i].src, rows[i].out);
        if (err != rows[i].err || (z == NULL) != (err != OTA_OK))
            fail_msg("row %zu: %s", i, ota_err_name(err));
        source.codec = OTA_CODEC_PLAIN;
        assert_int_equal(otai_inflate_init(&z, memory, sizeof memory, &source, 5000, rows[i].src, rows[i].out), OTA_REJECT_CODEC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_bytes),
        cmocka_unit_test(every_single_cut_of_the_input),
        cmocka_unit_test(marks_are_met_exactly),
        cmocka_unit_test(every_mark_restarts),
        cmocka_unit_test(told_marks_restart),
        cmocka_unit_test(no_flipped_bit_passes),
        cmocka_unit_test(a_wrong_adler_is_seen_in_one_go_and_skipped_after_a_restart),
        cmocka_unit_test(no_truncation_passes),
        cmocka_unit_test(nothing_may_follow),
        cmocka_unit_test(more_input_than_the_source_has),
        cmocka_unit_test(after_the_end_there_is_only_the_end),
        cmocka_unit_test(the_output_is_bounded),
        cmocka_unit_test(the_window_is_checked),
        cmocka_unit_test(a_preset_dictionary_is_refused),
        cmocka_unit_test(memory_is_what_len_says),
        cmocka_unit_test(what_cannot_be_a_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
