/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct ota_release release;
static struct otai_plan_facts facts[OTA_COMPONENTS_MAX];
static struct otai_plan_limits limits;
static struct ota_plan plan;
static struct ota_fault fault;

static void set_image(uint8_t index, uint8_t component, uint64_t length, uint64_t deflated)
{
    struct ota_release_image *image = &release.image[index];

    image->component = component;
    image->length = length;
    image->source_count = 2;
    memset(image->sha256, 0x10 + component, 32);
    image->source[0] = (struct ota_source){ .codec = OTA_CODEC_PLAIN, .length = length, .estimate = length, .file = "plain" };
    memset(image->source[0].sha256, 0x10 + component, 32);
    image->source[1] = (struct ota_source){ .codec = OTA_CODEC_DEFLATE, .window_bits = 12, .block = 65536, .length = deflated,
                                             .estimate = deflated, .file = "deflate" };
    memset(image->source[1].sha256, 0x20 + component, 32);
}

/* Two components: 1 (wanted first) and 0. */
static int setup(void **state)
{
    (void)state;
    memset(&release, 0, sizeof release);
    memset(facts, 0, sizeof facts);
    memset(&plan, 0, sizeof plan);
    memset(&fault, 0, sizeof fault);
    release.count = 2;
    set_image(0, 1, 300000, 200000);
    set_image(1, 0, 100000, 90000);
    for (uint8_t i = 0; i < OTA_COMPONENTS_MAX; i++) {
        facts[i].spare = i & 1 ? 0 : 1;
        facts[i].geometry = (struct ota_slot_geometry){ 1u << 20, 16, 4096 };
    }
    limits = (struct otai_plan_limits){ .most = { [OTA_CODEC_DEFLATE] = 15, [OTA_CODEC_DELTA] = 32768, [OTA_CODEC_INDEX] = 20000 },
                                        .bytes_left = UINT64_MAX };
    return 0;
}

static void progress(uint8_t component, uint64_t out, uint64_t src, uint8_t image_byte, uint8_t source_byte)
{
    facts[component].out_off = out;
    facts[component].src_off = src;
    memset(facts[component].sha256, image_byte, 32);
    memset(facts[component].src_sha256, source_byte, 32);
}

static ota_err next(void)
{
    return otai_plan_next(&release, facts, &limits, &plan, &fault);
}

static void the_first_component_that_is_not_sealed(void **state)
{
    (void)state;
    assert_int_equal(next(), OTA_DONE);
    assert_int_equal(plan.component, 1);
    assert_int_equal(plan.slot, 0);
    assert_true(plan.length == 300000 && plan.out_off == 0 && plan.src_off == 0);
    assert_memory_equal(plan.sha256, release.image[0].sha256, 32);
    facts[1].sealed = true;
    assert_int_equal(next(), OTA_DONE);
    assert_int_equal(plan.component, 0);
    assert_int_equal(plan.slot, 1);
    facts[0].sealed = true;
    assert_int_equal(next(), OTA_SAME);
    release.count = 0;
    assert_int_equal(next(), OTA_SAME);
}

static void the_cheapest_readable_encoding(void **state)
{
    static const struct { uint64_t deflated; uint8_t window, limit, count; const char *file; } rows[] = {
        { 200000, 12, 15, 2, "deflate" }, { 200000, 12, 12, 2, "deflate" }, { 200000, 12, 11, 2, "plain" }, { 200000, 15, 15, 2, "deflate" },
        { 200000, 9, 9, 2, "deflate" }, { 200000, 9, 8, 2, "plain" },
        { 300000, 12, 15, 2, "plain" }, { 300001, 12, 15, 2, "plain" }, { 299999, 12, 15, 2, "deflate" },
        { 200000, 12, 15, 1, "plain" }, { 200000, 12, 0, 2, "plain" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_image(0, 1, 300000, rows[i].deflated);
        release.image[0].source[1].window_bits = rows[i].window;
        release.image[0].source_count = rows[i].count;
        limits.most[OTA_CODEC_DEFLATE] = rows[i].limit;
        assert_int_equal(next(), OTA_DONE);
        if (strcmp(plan.source.file, rows[i].file) != 0)
            fail_msg("row %zu: %s", i, plan.source.file);
    }
}

/* A delta of 5,000 bytes from what runs, beside the 300,000 of the image and its 200,000 deflated. */
static struct ota_source *add_delta(void)
{
    struct ota_source *s = &release.image[0].source[release.image[0].source_count++];

    *s = (struct ota_source){ .codec = OTA_CODEC_DELTA, .memory = 16384, .length = 5000, .estimate = 5000, .base_length = 290000,
                              .file = "delta" };
    memset(s->sha256, 0x31, 32);
    return s;
}

static void the_choice_has_a_reason(void **state)
{
    static const struct {
        bool delta, other_base; uint32_t memory; uint8_t window, failed, wrong_base; uint64_t length; const char *file; enum ota_why why;
    } rows[] = {
        { true, false, 32768, 15, 0, 0, 5000, "delta", OTA_WHY_CHEAPEST }, { true, true, 32768, 15, 0, 0, 5000, "delta", OTA_WHY_CHEAPEST },
        { true, false, 16384, 15, 0, 0, 5000, "delta", OTA_WHY_CHEAPEST }, { true, false, 16383, 15, 0, 0, 5000, "deflate", OTA_WHY_MEMORY },
        { true, false, 0, 15, 0, 0, 5000, "deflate", OTA_WHY_MEMORY }, { true, false, 32768, 15, 4, 0, 5000, "deflate", OTA_WHY_FAILED },
        { true, false, 32768, 15, 0, 4, 5000, "deflate", OTA_WHY_BASE }, { true, false, 32768, 15, 6, 0, 5000, "plain", OTA_WHY_FAILED },
        { true, false, 32768, 15, 4, 4, 5000, "deflate", OTA_WHY_FAILED }, { true, false, 32768, 15, 0, 0, 200001, "deflate", OTA_WHY_CHEAPEST },
        { true, false, 0, 11, 0, 0, 5000, "plain", OTA_WHY_MEMORY }, { false, true, 32768, 15, 0, 0, 0, "deflate", OTA_WHY_BASE },
        { false, false, 32768, 15, 0, 0, 0, "deflate", OTA_WHY_CHEAPEST }, { false, false, 32768, 11, 0, 0, 0, "plain", OTA_WHY_MEMORY },
        { false, true, 32768, 11, 0, 0, 0, "plain", OTA_WHY_MEMORY },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        struct ota_source *source = rows[i].delta ? add_delta() : NULL;
        if (source)
            source->length = source->estimate = rows[i].length;
        release.image[0].other_base = rows[i].other_base;
        limits.most[OTA_CODEC_DELTA] = rows[i].memory;
        limits.most[OTA_CODEC_DEFLATE] = rows[i].window;
        facts[1].failed = rows[i].failed;
        facts[1].wrong_base = rows[i].wrong_base;
        assert_int_equal(next(), OTA_DONE);
        if (strcmp(plan.source.file, rows[i].file) != 0 || plan.why != rows[i].why)
            fail_msg("row %zu: %s, %s", i, plan.source.file, ota_why_name(plan.why));
    }
}

/* An index of 7,000 bytes that is expected to cost 30,000, beside the 200,000 of the deflated image. */
static struct ota_source *add_index(void)
{
    struct ota_source *s = &release.image[0].source[release.image[0].source_count++];

    *s = (struct ota_source){ .codec = OTA_CODEC_INDEX, .block = 4096, .memory = 10000, .length = 7000, .estimate = 30000, .file = "index" };
    memset(s->sha256, 0x41, 32);
    return s;
}

static void an_index_is_judged_by_its_estimate(void **state)
{
    static const struct {
        bool delta, other_base; uint32_t memory; uint64_t estimate; uint8_t failed, wrong_base; const char *file; enum ota_why why;
    } rows[] = {
        { false, false, 10000, 30000, 0, 0, "index", OTA_WHY_CHEAPEST }, { false, true, 10000, 30000, 0, 0, "index", OTA_WHY_BASE },
        { false, false, 9999, 30000, 0, 0, "deflate", OTA_WHY_MEMORY }, { false, false, 0, 30000, 0, 0, "deflate", OTA_WHY_MEMORY },
        { false, false, 10000, 200001, 0, 0, "deflate", OTA_WHY_CHEAPEST }, { false, false, 10000, 30000, 8, 0, "deflate", OTA_WHY_FAILED },
        { false, false, 10000, 30000, 0, 4, "deflate", OTA_WHY_BASE }, { true, false, 10000, 30000, 0, 0, "delta", OTA_WHY_CHEAPEST },
        { true, false, 10000, 30000, 0, 8, "index", OTA_WHY_BASE }, { true, false, 10000, 4999, 0, 0, "index", OTA_WHY_CHEAPEST },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        add_index()->estimate = rows[i].estimate;
        if (rows[i].delta)
            (void)add_delta();
        release.image[0].other_base = rows[i].other_base;
        limits.most[OTA_CODEC_INDEX] = rows[i].memory;
        facts[1].failed = rows[i].failed;
        facts[1].wrong_base = rows[i].wrong_base;
        assert_int_equal(next(), OTA_DONE);
        if (strcmp(plan.source.file, rows[i].file) != 0 || plan.why != rows[i].why)
            fail_msg("row %zu: %s, %s", i, plan.source.file, ota_why_name(plan.why));
    }
}

/* It goes on at any block that an erase may begin with; the budget counts the estimate, and then what is left of the index. */
/* In zstd frames: judged by their window, resumed at the end of a frame. */
static void zstd_frames(void **state)
{
    static const struct {
        uint8_t window, limit, failed;
        uint64_t length;
        const char *file;
        enum ota_why why;
    } rows[] = {
        { 18, 18, 0, 150000, "zstd", OTA_WHY_CHEAPEST },    { 18, 17, 0, 150000, "deflate", OTA_WHY_MEMORY },
        { 18, 0, 0, 150000, "deflate", OTA_WHY_MEMORY },    { 18, 18, 16, 150000, "deflate", OTA_WHY_FAILED },
        { 18, 18, 0, 200001, "deflate", OTA_WHY_CHEAPEST },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_image(0, 1, 300000, 200000);
        struct ota_source *s = &release.image[0].source[release.image[0].source_count++];
        *s = (struct ota_source){ .codec = OTA_CODEC_ZSTD,
                                  .window_bits = rows[i].window,
                                  .block = 65536,
                                  .length = rows[i].length,
                                  .estimate = rows[i].length,
                                  .file = "zstd" };
        memset(s->sha256, 0x31, 32);
        limits.most[OTA_CODEC_ZSTD] = rows[i].limit;
        facts[1].failed = rows[i].failed;
        assert_int_equal(next(), OTA_DONE);
        if (strcmp(plan.source.file, rows[i].file) != 0 || plan.why != rows[i].why)
            fail_msg("row %zu: %s, %s", i, plan.source.file, ota_why_name(plan.why));
    }
    limits.most[OTA_CODEC_ZSTD] = 18;
    facts[1].failed = 0;
    memcpy(facts[1].sha256, release.image[0].sha256, 32);
    memset(facts[1].src_sha256, 0x31, 32);
    facts[1].src_off = 40000;
    facts[1].out_off = 65536;
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.why == OTA_WHY_RESUMED && plan.out_off == 65536 && plan.src_off == 40000);
    facts[1].out_off = 65536 + 4096;
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.why != OTA_WHY_RESUMED && plan.out_off == 0);
    assert_string_equal(ota_codec_name(OTA_CODEC_ZSTD), "zstd");
}

static void an_index_is_resumed(void **state)
{
    (void)state;
    (void)add_index();
    progress(1, 8192, 32, 0x11, 0x41);
    limits.bytes_left = 7000;
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.why == OTA_WHY_RESUMED && plan.out_off == 8192 && plan.src_off == 32);
    progress(1, 9000, 32, 0x11, 0x41);
    assert_int_equal(next(), OTA_REJECT_LIMIT);
    limits.bytes_left = 29999;
    assert_int_equal(next(), OTA_REJECT_LIMIT);
    limits.bytes_left = 30000;
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.why == OTA_WHY_CHEAPEST && plan.out_off == 0 && plan.src_off == 0);
}

/* A delta goes on wherever its state was saved; one that failed does not, and what it brought does not count. */
static void a_delta_is_resumed(void **state)
{
    (void)state;
    add_delta();
    progress(1, 20480, 1000, 0x11, 0x31);
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.out_off == 20480 && plan.src_off == 1000 && plan.why == OTA_WHY_RESUMED && plan.source.codec == OTA_CODEC_DELTA);
    facts[1].failed = 1u << OTA_CODEC_DELTA;
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.out_off == 0 && plan.src_off == 0 && plan.why == OTA_WHY_FAILED && plan.source.codec == OTA_CODEC_DEFLATE);
    facts[1].failed = 0;
    progress(1, 20480 + 16, 1000, 0x11, 0x31);   /* inside an erase unit */
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.out_off == 0 && plan.src_off == 0 && plan.source.codec == OTA_CODEC_DELTA);
    progress(1, 20480, 5001, 0x11, 0x31);
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.out_off == 0 && plan.src_off == 0);
    progress(1, 20480, 5000, 0x11, 0x31);        /* its last bytes are in the state */
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.out_off == 20480 && plan.src_off == 5000 && plan.why == OTA_WHY_RESUMED);
}

static void a_byte_budget_is_kept(void **state)
{
    static const struct { uint64_t left, out, src; ota_err err; } rows[] = {
        { 5000, 0, 0, OTA_DONE }, { 4999, 0, 0, OTA_REJECT_LIMIT }, { 0, 0, 0, OTA_REJECT_LIMIT }, { 4000, 20480, 1000, OTA_DONE },
        { 3999, 20480, 1000, OTA_REJECT_LIMIT }, { 0, 300000, 5000, OTA_DONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        add_delta();
        progress(1, rows[i].out, rows[i].src, 0x11, 0x31);
        limits.bytes_left = rows[i].left;
        if (next() != rows[i].err)
            fail_msg("row %zu", i);
        assert_true(rows[i].err == OTA_DONE || strcmp(fault.where, "limits.bytes_max") == 0);
    }
    setup(NULL);
    add_delta();
    limits.bytes_left = 199999;
    facts[1].failed = 1u << OTA_CODEC_DELTA;   /* never the whole image instead */
    assert_int_equal(next(), OTA_REJECT_LIMIT);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(ota_codec_name(OTA_CODEC_DELTA), "delta");
    assert_string_equal(ota_codec_name(OTA_CODEC_INDEX), "index");
    assert_string_equal(ota_codec_name((enum ota_codec)200), "none");
    assert_string_equal(ota_why_name(OTA_WHY_RESUMED), "resumed");
    assert_string_equal(ota_why_name((enum ota_why)200), "none");
}

static void no_readable_encoding(void **state)
{
    (void)state;
    facts[1].failed = 1u << OTA_CODEC_PLAIN;
    limits.most[OTA_CODEC_DEFLATE] = 0;
    assert_int_equal(next(), OTA_REJECT_CODEC);
    assert_int_equal(fault.component, 1);
    assert_string_equal(fault.where, "image.encodings");
}

static void progress_counts_only_towards_the_same_bytes(void **state)
{
    static const struct { uint64_t out, src; uint8_t image, source; uint32_t erase; uint64_t plan_out, plan_src; const char *file; } rows[] = {
        /* plain: 0x11; deflate: 0x21 */
        { 131072, 131072, 0x11, 0x11, 4096, 131072, 131072, "plain" },     /* its source is kept, though dearer */
        { 131072, 90000, 0x11, 0x21, 4096, 131072, 90000, "deflate" },
        { 131072, 131072, 0x12, 0x11, 4096, 0, 0, "deflate" },             /* another image */
        { 131072, 131072, 0x11, 0x12, 4096, 0, 0, "deflate" },             /* another source */
        { 131072, 131071, 0x11, 0x11, 4096, 0, 0, "deflate" },             /* plain offsets differ */
        { 0, 0, 0x11, 0x11, 4096, 0, 0, "deflate" },
        { 0, 50, 0x11, 0x21, 4096, 0, 0, "deflate" },
        { 131073, 90000, 0x11, 0x21, 4096, 0, 0, "deflate" },              /* no flush mark */
        { 131072, 0, 0x11, 0x21, 4096, 0, 0, "deflate" },
        { 131072, 200000, 0x11, 0x21, 4096, 0, 0, "deflate" },             /* beyond the source */
        { 131072, UINT64_MAX, 0x11, 0x21, 4096, 0, 0, "deflate" },
        { 1048576, 90000, 0x11, 0x21, 4096, 0, 0, "deflate" },             /* beyond the image */
        { 300001, 300001, 0x11, 0x11, 4096, 0, 0, "deflate" },
        { 65536, 30000, 0x11, 0x21, 131072, 0, 0, "deflate" },             /* a mark inside an erase unit */
        { 100000, 100000, 0x11, 0x11, 4096, 98304, 98304, "plain" },       /* rounded down to an erase unit */
        { 100001, 100001, 0x11, 0x11, 0, 100000, 100000, "plain" },        /* ... or to a write unit */
        { 3000, 3000, 0x11, 0x11, 4096, 0, 0, "plain" },
        { 300000, 300000, 0x11, 0x11, 0, 300000, 300000, "plain" },        /* complete: nothing left but the seal */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        progress(1, rows[i].out, rows[i].src, rows[i].image, rows[i].source);
        facts[1].geometry.erase_unit = rows[i].erase;
        assert_int_equal(next(), OTA_DONE);
        if (plan.out_off != rows[i].plan_out || plan.src_off != rows[i].plan_src || strcmp(plan.source.file, rows[i].file) != 0)
            fail_msg("row %zu: out %llu src %llu %s", i, (unsigned long long)plan.out_off, (unsigned long long)plan.src_off, plan.source.file);
    }
}

static void a_stream_without_marks_starts_over(void **state)
{
    (void)state;
    release.image[0].source[1].block = 0;
    progress(1, 131072, 90000, 0x11, 0x21);
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.out_off == 0 && plan.src_off == 0);
    assert_string_equal(plan.source.file, "deflate");
}

static void progress_with_an_encoding_that_is_no_longer_readable(void **state)
{
    (void)state;
    limits.most[OTA_CODEC_DEFLATE] = 9;
    progress(1, 131072, 90000, 0x11, 0x21);
    assert_int_equal(next(), OTA_DONE);
    assert_true(plan.out_off == 0);
    assert_string_equal(plan.source.file, "plain");
}

static void every_image_must_fit_before_the_first_byte(void **state)
{
    static const struct { uint64_t size, length; uint32_t write, erase; ota_err err; } rows[] = {
        { 300000, 300000, 1, 0, OTA_DONE }, { 299999, 300000, 1, 0, OTA_REJECT_TOO_BIG }, { 300000, 299999, 16, 0, OTA_DONE },
        { 1000, 1000, 16, 0, OTA_REJECT_TOO_BIG }, { 5000, 4097, 1, 4096, OTA_REJECT_TOO_BIG }, { 5000, 4096, 1, 4096, OTA_DONE },
        { 1u << 20, UINT64_MAX, 16, 4096, OTA_REJECT_TOO_BIG }, { 1u << 20, (1ull << 32) + 1, 1, 0, OTA_REJECT_TOO_BIG },
        { 1ull << 33, (1ull << 32) + 1, 1, 4096, OTA_DONE }, { 0, 1, 0, 0, OTA_REJECT_TOO_BIG }, { UINT64_MAX, UINT64_MAX, 1, 0, OTA_DONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        release.image[1].length = rows[i].length;   /* the second: found although the first is planned */
        facts[0].geometry = (struct ota_slot_geometry){ rows[i].size, rows[i].write, rows[i].erase };
        if (next() != rows[i].err)
            fail_msg("row %zu", i);
    }
    release.image[1].length = 1;
    facts[1].geometry.size = 1;
    facts[1].sealed = true;                         /* a sealed one's peer, too */
    assert_int_equal(next(), OTA_REJECT_TOO_BIG);
    assert_int_equal(fault.component, 1);
    assert_string_equal(fault.where, "image.length");
}

static void checkpoints(void **state)
{
    static const struct { uint32_t block, write, erase, flush; enum ota_codec codec; uint64_t want; } rows[] = {
        { 65536, 1, 0, 0, OTA_CODEC_PLAIN, 65536 }, { 65536, 1, 131072, 0, OTA_CODEC_PLAIN, 131072 },
        { 65536, 1, 4096, 0, OTA_CODEC_PLAIN, 65536 }, { 65536, 1, 4096, 1u << 20, OTA_CODEC_DEFLATE, 1u << 20 },
        { 65536, 1, 4096, 4096, OTA_CODEC_DEFLATE, 65536 }, { 1024, 1, 0, 8192, OTA_CODEC_INDEX, 8192 }, { 512, 4096, 0, 0, OTA_CODEC_PLAIN, 4096 },
        { 65536, 1, 0x80000000u, 0, OTA_CODEC_PLAIN, 0x80000000u }, { 65536, 1, 0, 0, OTA_CODEC_DEFLATE, 65536 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ota_slot_geometry g = { 1u << 20, rows[i].write, rows[i].erase };
        struct ota_source s = { .codec = rows[i].codec, .block = rows[i].flush };
        assert_true(otai_plan_checkpoint(rows[i].block, &g, &s) == rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_component_that_is_not_sealed, setup),
        cmocka_unit_test_setup(the_cheapest_readable_encoding, setup),
        cmocka_unit_test_setup(the_choice_has_a_reason, setup),
        cmocka_unit_test_setup(an_index_is_judged_by_its_estimate, setup),
        cmocka_unit_test_setup(zstd_frames, setup),
        cmocka_unit_test_setup(an_index_is_resumed, setup),
        cmocka_unit_test_setup(a_delta_is_resumed, setup),
        cmocka_unit_test_setup(a_byte_budget_is_kept, setup),
        cmocka_unit_test_setup(names, setup),
        cmocka_unit_test_setup(no_readable_encoding, setup),
        cmocka_unit_test_setup(progress_counts_only_towards_the_same_bytes, setup),
        cmocka_unit_test_setup(a_stream_without_marks_starts_over, setup),
        cmocka_unit_test_setup(progress_with_an_encoding_that_is_no_longer_readable, setup),
        cmocka_unit_test_setup(every_image_must_fit_before_the_first_byte, setup),
        cmocka_unit_test_setup(checkpoints, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
