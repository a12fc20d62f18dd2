/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "ota/error.h"

static void crc_matches_the_check_value(void **state)
{
    (void)state;
    assert_int_equal(otai_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(otai_crc32(otai_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
}

static void integers_are_little_endian(void **state)
{
    uint8_t b[8];

    (void)state;
    otai_put_le64(b, 0x0102030405060708u);
    assert_int_equal(b[0], 8);
    assert_int_equal(b[7], 1);
    assert_true(otai_get_le64(b) == 0x0102030405060708u);
    assert_int_equal(otai_get_le32(b), 0x05060708);
}

static void text_latches_when_full(void **state)
{
    char buf[8];
    struct otai_text t;

    (void)state;
    otai_text_init(&t, buf, sizeof buf);
    otai_text_add(&t, "1234567");
    assert_false(t.full);
    assert_string_equal(buf, "1234567");
    otai_text_add(&t, "8");
    assert_true(t.full);
    otai_text_add(&t, "");
    assert_true(t.full);
    assert_string_equal(buf, "1234567");
}

static void text_formats_extremes(void **state)
{
    char buf[64];
    struct otai_text t;

    (void)state;
    otai_text_init(&t, buf, sizeof buf);
    otai_text_u64(&t, UINT64_MAX);
    otai_text_add(&t, " ");
    otai_text_i64(&t, INT64_MIN);
    assert_string_equal(buf, "18446744073709551615 -9223372036854775808");
}

static void json_strings_are_escaped(void **state)
{
    char buf[64];
    struct otai_text t;

    (void)state;
    otai_text_init(&t, buf, sizeof buf);
    otai_text_json(&t, "a\"b\\c\n\xc3");
    assert_string_equal(buf, "\"a\\\"b\\\\c\\u000a\\u00c3\"");
}

static void arena_refuses_more_than_it_has(void **state)
{
    static _Alignas(16) uint8_t mem[64];
    struct otai_arena a;

    (void)state;
    otai_arena_init(&a, mem, sizeof mem);
    assert_non_null(otai_arena_take(&a, 1));
    assert_ptr_equal(otai_arena_take(&a, 16), mem + 16);
    assert_null(otai_arena_take(&a, 33));
    assert_null(otai_arena_take(&a, SIZE_MAX));
    assert_non_null(otai_arena_take(&a, 32));
    assert_null(otai_arena_take(&a, 1));
}

static void fault_text_is_cut_and_printable(void **state)
{
    struct ota_fault f;
    char longer[200];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = '\n';
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(ota_fault_set(&f, OTA_REJECT_HASH, longer, 7), OTA_REJECT_HASH);
    assert_int_equal(strlen(f.where), OTA_FAULT_WHERE_MAX - 1);
    assert_int_equal(f.where[0], '?');
    assert_int_equal(ota_fault_set(NULL, OTA_DONE, NULL, 0), OTA_DONE);
}

static void every_error_has_its_class(void **state)
{
    (void)state;
#define CHECK(name, number, text)                                                \
    assert_int_equal(ota_err_class(OTA_##name), (number) >> 8);                  \
    assert_string_equal(ota_err_name(OTA_##name), #name);                        \
    assert_string_equal(ota_err_text(OTA_##name), text);
    OTA_ERR_LIST(CHECK)
#undef CHECK
    assert_int_equal(ota_err_class((ota_err)0x7ff), OTA_CLASS_USAGE);
    assert_string_equal(ota_err_name((ota_err)0x7ff), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_matches_the_check_value),   cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(text_latches_when_full),        cmocka_unit_test(text_formats_extremes),
        cmocka_unit_test(json_strings_are_escaped),      cmocka_unit_test(arena_refuses_more_than_it_has),
        cmocka_unit_test(fault_text_is_cut_and_printable), cmocka_unit_test(every_error_has_its_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
