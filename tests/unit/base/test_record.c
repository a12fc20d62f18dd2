/* SPDX-License-Identifier: Apache-2.0 */
/* Records from tables, and the names that logs and reports use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ota/port_crypto.h"
#include "ota/port_log.h"
#include "record.h"

struct sample {
    uint8_t small, slot;
    bool yes;
    uint32_t word;
    int64_t wide;
    ota_err err;
    enum ota_outcome outcome;
    uint8_t raw[3];
    char text[4];
};

#define FIELD(member, kind, arg, name) { (uint16_t)offsetof(struct sample, member), OTAI_F_##kind, arg, name }
static const struct otai_field rows[] = {
    FIELD(small, U8, 9, "small"), FIELD(slot, SLOT, 0, "slot"), FIELD(yes, U8, 1, "yes"), FIELD(word, U32, 0, NULL),
    FIELD(wide, U64, 0, NULL), FIELD(err, ERR, 0, "err"), FIELD(outcome, OUTCOME, 0, "outcome"), FIELD(raw, BYTES, 3, NULL),
    FIELD(text, TEXT, 4, "text"),
};
static const struct otai_table table = { rows, sizeof rows / sizeof rows[0] };
static const struct sample sample = { 9, OTA_SLOT_NONE, true, 0x01020304, -2, OTA_REJECT_HASH, OTA_OUTCOME_REFUSED, { 0, 255, 7 }, "abc" };
static const uint8_t image[] = { 9, 255, 1, 4, 3, 2, 1, 0xfe, 255, 255, 255, 255, 255, 255, 255, 0x0e, 2, 0, 0, 3, 0, 255, 7, 'a', 'b', 'c', 0 };

static const char *get(const uint8_t *p, size_t len, struct sample *s)
{
    struct otai_record_in in = { p, len, NULL };

    memset(s, 0, sizeof *s);
    otai_record_get(&in, table, s);
    return in.why;
}

static void a_struct_becomes_bytes_and_comes_back(void **state)
{
    uint8_t out[sizeof image + 1] = { 0 };
    struct sample s;

    (void)state;
    assert_int_equal(otai_record_len(table), sizeof image);
    assert_ptr_equal(otai_record_put(out, table, &sample), out + sizeof image);
    assert_memory_equal(out, image, sizeof image);
    assert_null(get(image, sizeof image, &s));
    assert_true(s.small == 9 && s.slot == OTA_SLOT_NONE && s.yes && s.word == 0x01020304 && s.wide == -2);
    assert_true(s.err == OTA_REJECT_HASH && s.outcome == OTA_OUTCOME_REFUSED);
    assert_memory_equal(s.raw, sample.raw, 3);
    assert_string_equal(s.text, "abc");
}

static void bytes_may_end_between_fields_only(void **state)
{
    static const size_t ends[] = { 0, 1, 2, 3, 7, 15, 19, 20, 23, 27 };
    struct sample s;
    size_t at = 0;

    (void)state;
    for (size_t len = 0; len <= sizeof image; len++) {
        bool between = at < sizeof ends / sizeof ends[0] && ends[at] == len;
        const char *why = get(image, len, &s);
        assert_true((why == NULL) == between);
        assert_true(between || strcmp(why, "body") == 0);
        at += between;
    }
    assert_int_equal(at, sizeof ends / sizeof ends[0]);
    assert_null(get(image, 7, &s));
    assert_true(s.word == 0x01020304 && s.wide == 0 && s.text[0] == '\0');
}

static void bad_values_are_named(void **state)
{
    static const struct { size_t at; uint8_t value; const char *why; } bad[] = {
        { 0, 10, "small" }, { 1, 2, "slot" }, { 2, 2, "yes" }, { 17, 1, "err" }, { 18, 0x80, "err" }, { 19, 4, "outcome" },
        { 23, 0x1f, "text" }, { 24, 0x7f, "text" }, { 26, 'd', "text" }, { 24, 0, "text" },
    };
    struct sample s;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t copy[sizeof image];
        memcpy(copy, image, sizeof copy);
        copy[bad[i].at] = bad[i].value;
        const char *why = get(copy, sizeof copy, &s);
        if (!why || strcmp(why, bad[i].why) != 0)
            fail_msg("row %zu: %s", i, why ? why : "taken");
    }
}

static void text_is_made_readable(void **state)
{
    struct sample s = sample, back;
    uint8_t out[sizeof image];

    (void)state;
    memcpy(s.text, "\n\xff" "xy", 4);   /* not terminated */
    (void)otai_record_put(out, table, &s);
    assert_null(get(out, sizeof out, &back));
    assert_string_equal(back.text, "??x");
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(ota_outcome_name(OTA_OUTCOME_CONFIRMED), "confirmed");
    assert_string_equal(ota_outcome_name(OTA_OUTCOME_ROLLED_BACK), "rolled_back");
    assert_string_equal(ota_outcome_name(OTA_OUTCOME_REFUSED), "refused");
    assert_string_equal(ota_outcome_name(OTA_OUTCOME_NONE), "none");
    assert_string_equal(ota_outcome_name((enum ota_outcome)77), "none");
    assert_string_equal(ota_event_text(OTA_EV_STATE), "state %a -> %b");
    assert_string_equal(ota_event_text((enum ota_event)9999), "event that this version does not know");
    assert_int_equal(ota_hash_len(OTA_SHA256), 32);
    assert_int_equal(ota_hash_len(OTA_SHA384), 48);
    assert_int_equal(ota_hash_len(OTA_SHA512), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_struct_becomes_bytes_and_comes_back),
        cmocka_unit_test(bytes_may_end_between_fields_only),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(text_is_made_readable),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
