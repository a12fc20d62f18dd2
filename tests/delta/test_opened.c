/* SPDX-License-Identifier: Apache-2.0 */
/* Images that hold deflate streams: opened, patched, and compressed again to the same bytes; a second decoder and gzip itself say
 * the same. `delta_opened --make` writes the kept images and their patch anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "delta_reference.h"
#include "patches.h"
#include "reflate.h"

#define CONTENT_MAX 300000u

static uint8_t content[CONTENT_MAX], wanted[CONTENT_MAX + 4096], got[CONTENT_MAX + 4096];
static struct pair pair, inner;

/* ---- the compressor against zlib's ------------------------------------------------------------------------------------ */

enum kind { TEXT, NOISE, ZEROS, CODE, MIXED, KINDS };

static void fill(enum kind kind, size_t len, uint32_t seed)
{
    static const char *const words[] = { "slot ", "the journal ", "trial, ", "confirm\n", "digest ", "of ", "rollback " };
    size_t at = 0;

    patches_images(&inner, A64_CODE, 200, seed);
    while (at < len) {
        uint32_t r = patches_random(&seed);
        unsigned now = kind == MIXED ? (at >> 15) % 4 : kind;
        const char *word = words[r % 7];

        for (size_t i = 0; now == TEXT && word[i] && at < len; i++)
            content[at++] = (uint8_t)word[i];
        if (now == NOISE && at < len)
            content[at++] = (uint8_t)(r >> 3);
        for (unsigned i = 0; now == ZEROS && i < 1000 && at < len; i++)
            content[at++] = 0;
        for (unsigned i = 0; now == CODE && i < 64 && at < len; i++, at++)
            content[at] = inner.new[at % inner.new_len];
    }
}

static size_t deflated(uint8_t *out, size_t cap, const uint8_t *p, size_t len, int level, int bits, int memory)
{
    z_stream z = { 0 };

    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, bits, memory, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&z);
    return z.total_out;
}

/* Compress len bytes of `content` into `got`. @return bytes */
static size_t compressed_again(const struct otai_reflate_way *way, size_t len, size_t in_piece, size_t out_piece)
{
    static struct otai_reflate r;
    static uint16_t memory[1u << 18];
    size_t at = 0, made_at = 0, used, made;
    ota_err err;

    assert_true(otai_reflate_way_ok(way) && otai_reflate_memory(16, 15) <= sizeof memory);
    otai_reflate_attach(&r, (uint8_t *)memory, 16, 15);
    otai_reflate_begin(&r, way, len);
    do {
        size_t in = len - at < in_piece ? len - at : in_piece,
               room = sizeof got - made_at < out_piece ? sizeof got - made_at : out_piece;

        err = otai_reflate_push(&r, content + at, in, &used, got + made_at, room, &made);
        at += used;
        made_at += made;
        assert_true(err == OTA_DONE || used || made);
        assert_true(otai_reflate_plausible(&r));
    } while (err == OTA_OK);
    assert_int_equal(err, OTA_DONE);
    return made_at;
}

static void expect_same(int kind, size_t len, int level, bool large, size_t in_piece, size_t out_piece)
{
    const struct otai_reflate_way way = { (uint8_t)level, large ? 16 : 15, large ? 15 : 14, false };
    size_t n = deflated(wanted, sizeof wanted, content, len, level, -15, large ? 9 : 8);

    if (compressed_again(&way, len, in_piece, out_piece) != n || memcmp(got, wanted, n) != 0)
        fail_msg("%zu bytes of kind %d, level %d, memory %d: not as zlib's", len, kind, level, large ? 9 : 8);
}

static void compresses_as_zlib_does(void **state)
{
    static const size_t lens[] = { 0, 1, 2, 3, 4, 261, 262, 263, 5000, 65274, 65536, 70001, CONTENT_MAX };
    unsigned compared = 0;

    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned n = 0; n < sizeof lens / sizeof lens[0]; n++) {
            fill(kind, lens[n], 5 + kind);
            for (int level = 4; level <= 9; level++)
                for (int large = 0; large <= 1; large++, compared++)
                    expect_same((int)kind, lens[n], level, large != 0, n & 1 ? 333 : SIZE_MAX, n & 2 ? 77 : SIZE_MAX);
        }
    assert_int_equal(compared, 5 * 13 * 12);
}

#define GZIP_HEAD 10u
#define GZIP_END 8u

/* What gzip itself makes. From a file, for it looks at how much it gets at once. */
static size_t gzip_itself(unsigned level, const uint8_t *p, size_t len, uint8_t *out, size_t cap)
{
    char name[] = "/tmp/ota-opened-XXXXXX", command[80];
    int fd = mkstemp(name);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(command, sizeof command, "gzip -%unc %s", level, name);
    f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, cap, f);
    assert_int_equal(pclose(f), 0);
    (void)unlink(name);
    assert_true(n > GZIP_HEAD + GZIP_END && n < cap);
    memmove(out, out + GZIP_HEAD, n - GZIP_HEAD - GZIP_END);
    return n - GZIP_HEAD - GZIP_END;
}

/* gzip compares beyond the end of its input, with what its window held before. Contents that end where code has zeros, or
 * where the window begins to repeat itself, are then compressed otherwise than zlib would. */
static void compresses_as_gzip_does(void **state)
{
    static const size_t lens[] = { 0,     1,     2,     3,     4,     261,   262,   263,   5000,  40000, 65274,
                                   65275, 65534, 65535, 65536, 65537, 70001, 98042, 98043, 98304, 150000 };
    unsigned compared = 0;

    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned n = 0; n < sizeof lens / sizeof lens[0]; n++) {
            int level = 4 + (int)((kind + n) % 6);
            const struct otai_reflate_way way = { (uint8_t)level, 15, 15, true };

            fill(kind, lens[n], 7 + kind);
            size_t want = gzip_itself((unsigned)level, content, lens[n], wanted, sizeof wanted);
            size_t made = compressed_again(&way, lens[n], n & 1 ? 333 : SIZE_MAX, n & 2 ? 77 : SIZE_MAX);
            if (made != want || memcmp(got, wanted, made) != 0)
                fail_msg("%zu bytes of kind %u, level %d: not as gzip's", lens[n], kind, level);
            compared++;
        }
    assert_int_equal(compared, 5 * 21);
}

/* ---- whole images ------------------------------------------------------------------------------------------------------- */

static uint8_t put_gzip_head(uint8_t *p)
{
    static const uint8_t head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3 };

    memcpy(p, head, sizeof head);
    return sizeof head;
}

/* A head, two zlib streams one behind the other, an odd gap, a gzip member, and an end. */
static uint32_t wrap(uint8_t *image, const uint8_t *a, uint32_t a_len, const uint8_t *b, uint32_t b_len, uint8_t version)
{
    uint32_t at = 100;

    memset(image, version, at);
    at += (uint32_t)deflated(image + at, IMAGE_MAX - at, a, a_len, 9, 15, 8);
    at += (uint32_t)deflated(image + at, IMAGE_MAX - at, b, b_len, 6, 15, 8);
    memset(image + at, 0x33, 77);
    at += 77;
    at += put_gzip_head(image + at);
    at += (uint32_t)deflated(image + at, IMAGE_MAX - at, b, b_len / 2, 9, -15, 9);
    memset(image + at, version, 8);
    return at + 8;
}

static void make_images(void)
{
    static struct pair thumb, arm;

    patches_images(&thumb, THUMB_CODE, 100, 31);
    patches_images(&arm, ARM_CODE, 90, 41);
    pair.old_len = wrap(pair.old, thumb.old, thumb.old_len, arm.old, arm.old_len, 1);
    pair.new_len = wrap(pair.new, thumb.new, thumb.new_len, arm.new, arm.new_len, 2);
}

static void expect_new(const struct feed *f)
{
    static uint8_t out[IMAGE_MAX + 16];
    size_t made;

    memset(out, 0xee, sizeof out);
    assert_int_equal(patches_decode(&pair, pair.patch.p, pair.patch.len, f, out, sizeof out, &made), OTA_DONE);
    assert_int_equal(made, pair.new_len);
    assert_memory_equal(out, pair.new, pair.new_len);
    assert_int_equal(out[made], 0xee);
}

/* Streams that are opened cost what their contents differ by; a device with little memory takes the whole difference. */
static void opens_what_the_memory_allows(void **state)
{
    struct ota_delta_info info;
    size_t closed;

    (void)state;
    make_images();
    patches_make(&pair, 131072);
    closed = pair.patch.len;
    assert_int_equal(ota_delta_peek(&info, pair.patch.p, pair.patch.len), OTA_OK);
    assert_true(info.memory <= 131072 && pair.patch.p[4] < 0x80);
    expect_new(&(struct feed){ 0 });
    patches_free(&pair);
    patches_make(&pair, 1 << 20);
    assert_int_equal(ota_delta_peek(&info, pair.patch.p, pair.patch.len), OTA_OK);
    assert_true(info.memory <= 1 << 20 && info.state_len < info.memory && pair.patch.p[4] >= 0x80);
    assert_true(info.base_len == pair.old_len && info.out_len == pair.new_len && info.patch_len == pair.patch.len);
    if (pair.patch.len > closed / 3)
        fail_msg("opened %zu bytes, closed %zu", pair.patch.len, closed);
    expect_new(&(struct feed){ 0 });
    patches_free(&pair);
}

/* Streams at equal distances, of contents that look like the table that lists them. */
static uint32_t wrap_tables(uint8_t *image, uint8_t version)
{
    enum { STREAMS = 80, DISTANCE = 128, CONTENT = 600 };
    static uint8_t entries[CONTENT];

    for (size_t i = 0; i < CONTENT; i += 8) {
        otai_put_le32(entries + i, DISTANCE);
        otai_put_le32(entries + i + 4, CONTENT);
    }
    entries[CONTENT - 1] = version; /* equal streams stay closed */
    memset(image, version, (size_t)STREAMS * DISTANCE);
    for (size_t i = 0; i < STREAMS; i++)
        assert_true(deflated(image + i * DISTANCE, DISTANCE, entries, CONTENT, 9, 15, 8) < DISTANCE);
    return STREAMS * DISTANCE;
}

/* The table is the begin of the new view, and no device can read old contents before it has it. */
static void no_copy_makes_the_table(void **state)
{
    (void)state;
    pair.old_len = wrap_tables(pair.old, 1);
    pair.new_len = wrap_tables(pair.new, 2);
    patches_make(&pair, 1 << 20);
    assert_true(pair.patch.p[4] >= 0x80);
    expect_new(&(struct feed){ 0 });
    expect_new(&(struct feed){ .in = 1, .out = 61, .save_every = 100 });
    patches_free(&pair);
}

static void any_pieces_and_restarts(void **state)
{
    (void)state;
    make_images();
    patches_make(&pair, 1 << 20);
    expect_new(&(struct feed){ .in = 1, .out = 1 });
    expect_new(&(struct feed){ .in = 7, .out = 4096 });
    expect_new(&(struct feed){ .in = 100, .out = 61, .save_every = 500 });
    expect_new(&(struct feed){ .out = 997, .save_every = 1 });
    patches_free(&pair);
}

/* Whatever is damaged is refused, and never more given out than promised. */
static void damage_is_refused(void **state)
{
    static uint8_t out[IMAGE_MAX + 16];
    size_t made, refused = 0;

    (void)state;
    make_images();
    patches_make(&pair, 1 << 20);
    for (size_t at = 0; at < pair.patch.len; at += at < 100 ? 1 : 97) {
        pair.patch.p[at] ^= 0x10;
        ota_err err = patches_decode(&pair, pair.patch.p, pair.patch.len, &(struct feed){ .memory = 1 << 20 }, out, sizeof out,
                                     &made);
        refused += ota_err_class(err) == OTA_CLASS_REJECT;
        /* The digests are only compared when the caller gives them: they may be wrong here. */
        assert_true(ota_err_class(err) == OTA_CLASS_REJECT || (at >= 9 && at < 41));
        pair.patch.p[at] ^= 0x10;
    }
    for (size_t len = 0; len < pair.patch.len; len += 61)
        assert_int_not_equal(
            patches_decode(&pair, pair.patch.p, len, &(struct feed){ .memory = 1 << 20 }, out, sizeof out, &made), OTA_DONE);
    assert_true(refused > 50);
    patches_free(&pair);
}

/* Other streams than those that the patch was made from: the old image is not what it should be. */
static void another_old_image_is_refused(void **state)
{
    static uint8_t out[IMAGE_MAX + 16];
    size_t made;

    (void)state;
    make_images();
    patches_make(&pair, 1 << 20);
    memset(pair.old + 100, 0xff, 64);
    ota_err err = patches_decode(&pair, pair.patch.p, pair.patch.len, &(struct feed){ 0 }, out, sizeof out, &made);
    assert_true(err == OTA_REJECT_CORRUPT);
    patches_free(&pair);
}

/* ---- a second decoder ----------------------------------------------------------------------------------------------------- */

/* The reference makes the same image. */
static void expect_reference(const uint8_t *patch, size_t len)
{
    struct reference_result r = reference_decode(pair.old, pair.old_len, patch, len, IMAGE_MAX, gzip_itself);

    if (r.why)
        fail_msg("the reference: %s", r.why);
    assert_int_equal(r.made, pair.new_len);
    assert_memory_equal(r.out, pair.new, pair.new_len);
    free(r.out);
}

static void the_reference_agrees(void **state)
{
    (void)state;
    make_images();
    patches_make(&pair, 1 << 20);
    assert_true(pair.patch.p[4] >= 0x80);
    expect_reference(pair.patch.p, pair.patch.len);
    for (size_t at = 41; at < pair.patch.len; at += 211) {
        pair.patch.p[at] ^= 0x10;
        struct reference_result r = reference_decode(pair.old, pair.old_len, pair.patch.p, pair.patch.len, IMAGE_MAX, gzip_itself);
        assert_non_null(r.why);
        free(r.out);
        pair.patch.p[at] ^= 0x10;
    }
    patches_free(&pair);
}

/* One zlib stream whose contents begin at a page, and one member that gzip made. */
static uint32_t wrap_kept(uint8_t *image, uint8_t version)
{
    enum { CODE_LEN = 70000, MIXED_LEN = 42000 };
    uint32_t at = 50;

    memset(image, version, at);
    fill(CODE, CODE_LEN, 9);
    for (size_t i = version; i < CODE_LEN; i += 9001)
        content[i] ^= 0x21;
    at += (uint32_t)deflated(image + at, IMAGE_MAX - at, content, CODE_LEN, 6, 15, 8);
    memset(image + at, 0x33, 7);
    at += 7;
    at += put_gzip_head(image + at);
    fill(MIXED, MIXED_LEN, 4);
    memset(content + 20000 + 300 * version, version, 500);
    at += (uint32_t)gzip_itself(9, content, MIXED_LEN, image + at, IMAGE_MAX - at);
    memset(image + at, version, GZIP_END);
    return at + GZIP_END;
}

static const char *const kept_names[] = { "opened-old.hex", "opened-new.hex", "patch-2-opened.hex" };

static size_t read_kept(unsigned which, uint8_t *out, size_t cap)
{
    char name[4096];
    size_t n = 0;
    unsigned byte;

    (void)snprintf(name, sizeof name, "%s/%s", GOLDEN_DIR, kept_names[which]);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    while (n < cap && fscanf(f, "%2x", &byte) == 1)
        out[n++] = (uint8_t)byte;
    (void)fclose(f);
    return n;
}

/* The images are kept, too: another zlib would pack them otherwise. Both ways to compress again are needed. */
static void a_kept_patch_is_read(void **state)
{
    static uint8_t patch[IMAGE_MAX];
    size_t len = read_kept(2, patch, sizeof patch);

    (void)state;
    pair.old_len = (uint32_t)read_kept(0, pair.old, IMAGE_MAX);
    pair.new_len = (uint32_t)read_kept(1, pair.new, IMAGE_MAX);
    assert_true(len > 100 && patch[4] == 0x82);
    pair.patch = (struct bytes){ .p = patch, .len = len };
    expect_new(&(struct feed){ .in = 33 });
    expect_new(&(struct feed){ .out = 999, .save_every = 1 });
    expect_reference(patch, len);
    struct reference_result r = reference_decode(pair.old, pair.old_len, patch, len, IMAGE_MAX, NULL);
    assert_false(r.judged);   /* there is a stream that gzip made */
    free(r.out);
    pair.patch = (struct bytes){ 0 };
}

static int write_kept(unsigned which, const uint8_t *p, size_t len)
{
    char name[4096];

    (void)snprintf(name, sizeof name, "%s/%s", GOLDEN_DIR, kept_names[which]);
    FILE *f = fopen(name, "w");
    if (!f)
        return 1;
    for (size_t i = 0; i < len; i++)
        (void)fprintf(f, "%02x%s", p[i], i % 32 == 31 || i + 1 == len ? "\n" : "");
    return fclose(f) == 0 ? 0 : 1;
}

static int make(void)
{
    pair.old_len = wrap_kept(pair.old, 1);
    pair.new_len = wrap_kept(pair.new, 2);
    patches_make(&pair, 1 << 20);
    return write_kept(0, pair.old, pair.old_len) | write_kept(1, pair.new, pair.new_len) | write_kept(2, pair.patch.p, pair.patch.len);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compresses_as_zlib_does),      cmocka_unit_test(compresses_as_gzip_does),
        cmocka_unit_test(opens_what_the_memory_allows), cmocka_unit_test(no_copy_makes_the_table),
        cmocka_unit_test(any_pieces_and_restarts),      cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(another_old_image_is_refused),
        cmocka_unit_test(the_reference_agrees),
        cmocka_unit_test(a_kept_patch_is_read),
    };

    if (argc == 2 && strcmp(argv[1], "--make") == 0)
        return make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
