/* SPDX-License-Identifier: Apache-2.0 */
/* What must not work: damaged, cut, extended and hostile patches, other images, states that were changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "patches.h"

static struct pair pair;
static uint8_t out[IMAGE_MAX + 16];

static ota_err decode(const uint8_t *patch, size_t len, size_t *made)
{
    return patches_decode(&pair, patch, len, &(struct feed){ .in = 4096 }, out, sizeof out, made);
}

static void make(enum flavour flavour, uint32_t memory)
{
    patches_images(&pair, flavour, 70, 31);
    patches_make(&pair, memory);
}

static void no_changed_byte_passes(void **state)
{
    size_t made;

    (void)state;
    for (unsigned flavour = 0; flavour < FLAVOURS; flavour++) {
        make(flavour, 16384);
        for (size_t i = 0; i < pair.patch.len; i++)
            for (unsigned change = 1; change < 256; change = change * 3 + 2) {
                pair.patch.p[i] ^= (uint8_t)change;
                ota_err err = decode(pair.patch.p, pair.patch.len, &made);
                pair.patch.p[i] ^= (uint8_t)change;
                assert_int_equal(ota_err_class(err), OTA_CLASS_REJECT);
                assert_true(made <= pair.new_len);
                assert_memory_equal(out, pair.new, made);
            }
        patches_free(&pair);
    }
}

static void no_cut_patch_passes(void **state)
{
    size_t made;

    (void)state;
    make(THUMB_CODE, 16384);
    for (size_t len = 0; len < pair.patch.len; len++)
        assert_int_equal(decode(pair.patch.p, len, &made), OTA_REJECT_CORRUPT);
    patches_free(&pair);
}

static void nothing_may_follow(void **state)
{
    static const size_t pieces[] = { 1, 64, 0 };
    size_t made;

    (void)state;
    make(ARM_CODE, 16384);
    uint8_t *longer = calloc(1, pair.patch.len + 5);
    assert_non_null(longer);
    memcpy(longer, pair.patch.p, pair.patch.len);
    for (size_t extra = 1; extra <= 5; extra++)
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(patches_decode(&pair, longer, pair.patch.len + extra, &(struct feed){ .in = pieces[k] }, out, sizeof out,
                                            &made), OTA_REJECT_CORRUPT);
    free(longer);
    patches_free(&pair);
}

static void memory_is_checked_before_the_first_frame(void **state)
{
    struct ota_delta_info info;
    size_t made;

    (void)state;
    make(THUMB_CODE, 32768);
    assert_int_equal(ota_delta_peek(&info, pair.patch.p, pair.patch.len), OTA_OK);
    assert_int_equal(patches_decode(&pair, pair.patch.p, pair.patch.len, &(struct feed){ .memory = info.memory - 1 }, out, sizeof out,
                                    &made), OTA_REJECT_LIMIT);
    assert_int_equal(made, 0);
    assert_int_equal(patches_decode(&pair, pair.patch.p, pair.patch.len, &(struct feed){ .memory = info.memory }, out, sizeof out,
                                    &made), OTA_DONE);
    patches_free(&pair);
}

static void the_header_names_what_is_wrong(void **state)
{
    struct ota_delta_info info;
    uint8_t h[OTA_DELTA_HEADER_MAX];

    (void)state;
    make(THUMB_CODE, 16384);
    memcpy(h, pair.patch.p, sizeof h);
    for (size_t n = 0; n < 41; n++)
        assert_int_equal(ota_delta_peek(&info, h, n), OTA_AGAIN);
    h[0] = 'X';
    assert_int_equal(ota_delta_peek(&info, h, sizeof h), OTA_REJECT_SYNTAX);
    h[0] = 'O';
    h[4] = 1;
    assert_int_equal(ota_delta_peek(&info, h, sizeof h), OTA_REJECT_SPEC);
    h[4] = 2;
    h[20] ^= 1;
    assert_int_equal(ota_delta_peek(&info, h, sizeof h), OTA_REJECT_CORRUPT);
    patches_free(&pair);
}

/* Each parameter beyond its bounds, with a right CRC. */
static void no_parameter_is_believed(void **state)
{
    static const struct { uint8_t frame, slots, runs, learned; uint32_t map; uint64_t payload; } rows[] = {
        { 8, 10, 10, 6, 1, 1 }, { 17, 10, 10, 6, 1, 1 }, { 255, 10, 10, 6, 1, 1 }, { 10, 7, 10, 6, 1, 1 }, { 10, 21, 10, 6, 1, 1 },
        { 10, 255, 10, 6, 1, 1 }, { 10, 10, 7, 6, 1, 1 }, { 10, 10, 21, 6, 1, 1 }, { 10, 10, 255, 6, 1, 1 }, { 10, 10, 10, 0, 1, 1 },
        { 10, 10, 10, 17, 1, 1 }, { 10, 10, 10, 255, 1, 1 }, { 10, 10, 10, 6, 65536, 1 }, { 10, 10, 10, 6, UINT32_MAX, 1 },
        { 10, 10, 10, 6, 1, UINT64_C(1) << 62 },
    };
    struct ota_delta_info info = { .base_len = 5, .out_len = 5 };
    uint8_t h[OTA_DELTA_HEADER_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct otai_patch_params p = { .frame_log2 = rows[i].frame, .slots_log2 = rows[i].slots, .runs_log2 = rows[i].runs,
                                       .learned_log2 = rows[i].learned, .map_max = rows[i].map, .payload_len = rows[i].payload };
        size_t len = otai_patch_put_header(h, &info, &p);
        struct ota_delta_info got;

        if (ota_delta_peek(&got, h, len) != OTA_REJECT_VALUE)
            fail_msg("row %zu", i);
    }
}

/* CVE-2014-9765 (xdelta3): a header whose lengths overflow. Here: numbers that never end, or are longer than needed. */
static void cve_2014_9765_endless_header_numbers(void **state)
{
    struct ota_delta_info info;
    uint8_t h[OTA_DELTA_HEADER_MAX];

    (void)state;
    make(THUMB_CODE, 16384);
    memcpy(h, pair.patch.p, 41);
    memset(h + 41, 0xff, sizeof h - 41);
    assert_int_equal(ota_delta_peek(&info, h, sizeof h), OTA_REJECT_VALUE);
    memset(h + 41, 0x80, sizeof h - 41);
    assert_int_equal(ota_delta_peek(&info, h, sizeof h), OTA_REJECT_VALUE);
    h[42] = 0;
    assert_int_equal(ota_delta_peek(&info, h, sizeof h), OTA_REJECT_VALUE);
    patches_free(&pair);
}

/* Encode a script that no maker would write, and frame it properly: the checksums are right, the content is not. */
static ota_err decode_script(const struct otai_script *s, size_t *made)
{
    struct checked { struct ota_delta_base base; };
    struct otai_patch_params p = { .frame_log2 = 12, .slots_log2 = 10, .runs_log2 = 10, .learned_log2 = 6, .map_max = 16 };
    struct ota_delta_info info = { .base_len = pair.old_len, .out_len = pair.new_len };
    const struct encode_job job = { .base_len = pair.old_len, .out_len = pair.new_len, .params = &p };
    struct bytes payload;
    uint8_t patch[8192];

    struct encoder *e = encode_begin(&job);
    assert_non_null(e);
    (void)encode_part(e, s);    /* it stops where a decoder will */
    assert_true(encode_end(e, &payload));
    assert_true(payload.len < 4000);
    p.payload_len = payload.len;
    size_t n = otai_patch_put_header(patch, &info, &p);
    if (payload.len)
        memcpy(patch + n, payload.p, payload.len);
    otai_put_le32(patch + n + payload.len, otai_crc32(0, payload.p, payload.len));
    ota_err err = decode(patch, n + payload.len + 4, made);
    free(payload.p);
    return err;
}

/*
 * CVE-2014-9862 and CVE-2020-14315 (bspatch): control values that are negative, or that overflow a sum, lead to reads
 * and writes outside. Here: copies from outside of the old image or beyond the end of the new one, in the map.
 */
static void cve_2014_9862_cve_2020_14315_copies_from_outside(void **state)
{
    static const struct otai_copy rows[][2] = {
        { { 0, 0, 0x7fffffff } }, { { 0x7fffffff, 0, 16 } }, { { 0xfffffff0, 0, 16 } }, { { 0xfffffff0, 0, 64 } },
        { { 0, 0x7fffffff, 16 } }, { { 0, 0xfffffff0, 16 } }, { { 0, 0, 16 }, { 0, 0xfffffff8, 16 } },
        { { 100, 0, 16 }, { 0xffffff80u, 16, 16 } }, { { 100, 0, 16 }, { 100, 8, 16 } }, { { 0, 0, 0xffffffff } },
    };
    size_t made;

    (void)state;
    make(PLAIN_DATA, 16384);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct otai_part part = { .old_len = pair.old_len, .out_len = pair.new_len, .count = 2, .whole = true };
        const struct otai_script s = { .part = &part, .map = rows[i] };

        ota_err err = decode_script(&s, &made);
        if (err != OTA_REJECT_CORRUPT || made)
            fail_msg("row %zu: %s, %zu bytes", i, ota_err_name(err), made);
    }
    patches_free(&pair);
}

static void parts_outside_of_the_images(void **state)
{
    size_t made;

    (void)state;
    make(PLAIN_DATA, 16384);
    const struct otai_part rows[] = {
        { .origin = pair.old_len + 1ull, .old_len = 0, .out_len = 5 }, { .origin = 1, .old_len = pair.old_len, .out_len = 5 },
        { .origin = UINT64_MAX, .old_len = 2, .out_len = 5 }, { .old_len = 5, .out_len = 0 }, { .old_len = 5, .out_len = pair.new_len + 1 },
        { .old_len = 5, .out_len = 5, .prime_off = 4, .prime_len = 2 }, { .old_len = 5, .out_len = 5, .prime_off = 6, .prime_len = 1 },
        { .old_len = 5, .out_len = 5, .count = 17 }, { .old_len = 5, .out_len = 5, .was.count = 9 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct otai_script s = { .part = &rows[i] };

        ota_err err = decode_script(&s, &made);
        if (err != OTA_REJECT_CORRUPT || made)
            fail_msg("row %zu: %s, %zu bytes", i, ota_err_name(err), made);
    }
    patches_free(&pair);
}

static ota_err none_read(struct ota_delta_base *self, uint64_t off, void *buf, size_t len)
{
    (void)self;
    (void)off;
    (void)buf;
    (void)len;
    return OTA_DEVICE_SLOT;
}

static void other_images_are_refused(void **state)
{
    static const struct ota_delta_base_ops ops = { none_read };
    static _Alignas(16) uint8_t mem[16384];
    struct ota_delta_base base = { &ops };
    uint8_t right_old[OTA_SHA256_LEN], right_new[OTA_SHA256_LEN], wrong[OTA_SHA256_LEN] = { 0 };
    size_t used, made;

    (void)state;
    make(THUMB_CODE, 16384);
    memset(right_old, 0x11, sizeof right_old);
    memset(right_new, 0x22, sizeof right_new);
    const struct ota_delta_config good = { .size = sizeof good, .base = &base, .base_len = pair.old_len, .base_sha256 = right_old,
        .out_sha256 = right_new, .out_len = pair.new_len, .patch_len = pair.patch.len };
    struct { struct ota_delta_config cfg; ota_err err; } rows[] = {
        { good, OTA_DEVICE_SLOT }, { good, OTA_REJECT_HASH }, { good, OTA_REJECT_HASH }, { good, OTA_REJECT_HASH },
        { good, OTA_REJECT_LENGTH }, { good, OTA_REJECT_LENGTH },
    };
    rows[1].cfg.base_len++;
    rows[2].cfg.base_sha256 = wrong;
    rows[3].cfg.out_sha256 = wrong;
    rows[4].cfg.out_len--;
    rows[5].cfg.patch_len++;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ota_delta *d;

        assert_int_equal(ota_delta_begin(&d, &rows[i].cfg, mem, sizeof mem), OTA_OK);
        for (unsigned again = 0; again < 2; again++) {
            ota_err err = ota_delta_push(d, pair.patch.p, again ? 0 : pair.patch.len, &used, out, sizeof out, &made);
            if (err != rows[i].err || made)
                fail_msg("row %zu: %s", i, ota_err_name(err));
        }
    }
    patches_free(&pair);
}

static void changed_states_are_refused(void **state)
{
    static const struct ota_delta_base_ops ops = { none_read };
    static _Alignas(16) uint8_t mem[16384], mem2[16384], saved[16384 + 64];
    struct ota_delta_base base = { &ops };
    size_t used, made, len;
    struct ota_delta *d, *e;

    (void)state;
    make(THUMB_CODE, 16384);
    struct ota_delta_config cfg = { .size = sizeof cfg, .base = &base, .base_len = pair.old_len };
    assert_int_equal(ota_delta_begin(&d, &cfg, mem, sizeof mem), OTA_OK);
    assert_int_equal(ota_delta_checkpoint(d, saved, sizeof saved, &len), OTA_USAGE_STATE);
    assert_int_equal(ota_delta_push(d, pair.patch.p, 100, &used, out, 0, &made), OTA_OK);
    assert_int_equal(ota_delta_checkpoint(d, saved, ota_delta_header(d)->state_len - 1, &len), OTA_USAGE_MEMORY);
    assert_int_equal(ota_delta_checkpoint(d, saved, sizeof saved, &len), OTA_OK);
    assert_int_equal(ota_delta_resume(&e, &cfg, mem2, sizeof mem2, saved, len), OTA_OK);
    for (size_t i = 0; i < len; i += i < 512 ? 1 : 37) {
        saved[i] ^= 0x10;
        ota_err err = ota_delta_resume(&e, &cfg, mem2, sizeof mem2, saved, len);
        assert_true(err == OTA_REJECT_CORRUPT || err == OTA_REJECT_SPEC);
        assert_null(e);
        saved[i] ^= 0x10;
    }
    for (size_t n = 0; n < len; n += 251)
        assert_int_equal(ota_delta_resume(&e, &cfg, mem2, sizeof mem2, saved, n), OTA_REJECT_CORRUPT);
    cfg.base_len++;
    assert_int_equal(ota_delta_resume(&e, &cfg, mem2, sizeof mem2, saved, len), OTA_REJECT_HASH);
    patches_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_changed_byte_passes),
        cmocka_unit_test(no_cut_patch_passes),
        cmocka_unit_test(nothing_may_follow),
        cmocka_unit_test(memory_is_checked_before_the_first_frame),
        cmocka_unit_test(the_header_names_what_is_wrong),
        cmocka_unit_test(no_parameter_is_believed),
        cmocka_unit_test(cve_2014_9765_endless_header_numbers),
        cmocka_unit_test(cve_2014_9862_cve_2020_14315_copies_from_outside),
        cmocka_unit_test(parts_outside_of_the_images),
        cmocka_unit_test(other_images_are_refused),
        cmocka_unit_test(changed_states_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
