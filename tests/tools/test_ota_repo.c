/* SPDX-License-Identifier: Apache-2.0 */
/* ota-repo's small parts: text, both JSON forms, path patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "canon.h"
#include "check.h"
#include "crypto.h"
#include "fleet.h"
#include "status.h"
#include "text.h"

static void time_survives_a_round_trip(void **state)
{
    static const char *const times[] = { "1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-12-31T12:00:00Z",
                                         "2100-03-01T00:00:00Z", "9999-12-31T23:59:59Z" };
    char again[TIME_LEN];
    int64_t s;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(time_parse(times[i], &s));
        time_print(s, again);
        assert_string_equal(times[i], again);
    }
    assert_true(time_parse("2009-02-13T23:31:30Z", &s));
    assert_int_equal(s, 1234567890);
    time_print(INT64_C(253402300800), again);
    assert_string_equal(again, "9999-12-31T23:59:59Z");
}

static void wrong_times_are_refused(void **state)
{
    static const char *const times[] = { "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01 00:00:00Z",
                                         "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
                                         "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
                                         "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z", "2026-01-01T00:00:00.5Z" };
    int64_t s;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_false(time_parse(times[i], &s));
}

/* RFC 4648 section 10. */
static void base64_is_strict(void **state)
{
    static const char *const good[][2] = { { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" } };
    static const char *const bad[] = { "Zg=", "Zg", "Zh==", "Zm9=", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-v", "=m9v" };
    uint8_t bytes[16];
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t len = strlen(good[i][0]);
        base64_encode((const uint8_t *)good[i][0], len, text);
        assert_string_equal(text, good[i][1]);
        assert_int_equal(base64_decode(text, strlen(text), bytes, sizeof bytes), len);
        assert_memory_equal(bytes, good[i][0], len);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(base64_decode(bad[i], strlen(bad[i]), bytes, sizeof bytes), 0);
    assert_int_equal(base64_decode("Zm9vYmFy", 8, bytes, 5), 0);
}

static void canonical_form_escapes_two_characters(void **state)
{
    static const char text[] = "{\"b\":[1,9007199254740992,{}],\"a\":\"\\\"\\\\\\n\\u0001/\\u00e9\",\"B\":null,\"c\":[true,false,[]]}";
    struct tool t;
    cJSON *tree;

    (void)state;
    tool_begin(&t);
    assert_int_equal(json_parse(&t, "text", text, strlen(text), &tree), TOOL_OK);
    assert_string_equal(json_print(&t, tree, JSON_CANONICAL, NULL),
                        "{\"B\":null,\"a\":\"\\\"\\\\\n\001/\303\251\",\"b\":[1,9007199254740992,{}],\"c\":[true,false,[]]}");
    assert_string_equal(json_print(&t, tree, JSON_FILE, NULL),
                        "{\"B\":null,\"a\":\"\\\"\\\\\\n\\u0001/\303\251\",\"b\":[1,9007199254740992,{}],\"c\":[true,false,[]]}");
    tool_end(&t);
}

static void doubtful_json_is_refused(void **state)
{
    static const char *const texts[] = { "", "{", "{\"a\":1,\"a\":1}", "[{\"x\":{\"a\":1,\"\\u0061\":2}}]", "1.5", "-1", "-0.5", "1e400",
                                         "9007199254740993000", "{} {}", "{}x", "\"\\u0000\"" };
    static const char *const not_own[] = { " {}", "{}\n", "{\"b\":1,\"a\":1}", "01", "1e2", "1.0", "-0", "\"\\/\"", "\"\\u0061\"" };
    struct tool t;
    cJSON *tree;

    (void)state;
    tool_begin(&t);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(json_parse(&t, "text", texts[i], strlen(texts[i]), &tree), TOOL_FAILED);
    for (size_t i = 0; i < sizeof not_own / sizeof not_own[0]; i++)
        assert_int_equal(json_parse_own(&t, "text", not_own[i], strlen(not_own[i]), &tree), TOOL_FAILED);
    assert_int_equal(json_parse_own(&t, "text", "{\"a\":1}", 7, &tree), TOOL_OK);
    tool_end(&t);
}

/* TUF 1.0.34 section 4.5: a wildcard never crosses '/'. */
static void patterns_keep_to_one_part(void **state)
{
    static const struct { const char *pattern, *path; bool match; } row[] = {
        { "app/radio/*", "app/radio/a.img", true },        { "app/radio/*", "app/radio/b/a.img", false },
        { "app/radio/*", "app/radio2/a.img", false },      { "app/radio/*", "app/radio", false },
        { "app/radio/*", "app/radio/", true },             { "group/*/deploy.json", "group/beta/deploy.json", true },
        { "group/*/deploy.json", "group/a/b/deploy.json", false }, { "group/*/deploy.json", "group/beta/deploy.jsom", false },
        { "*", "a/b", false },                             { "a?c", "abc", true },
        { "a?c", "a/c", false },                           { "a?c", "ac", false },
        { "*a*b*", "xxaxxbxx", true },                     { "*a*b*", "xxbxxaxx", false },
        { "[a]", "a", false },                             { "[a]", "[a]", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        cJSON *patterns = cJSON_CreateStringArray(&row[i].pattern, 1);
        assert_int_equal(path_matches(patterns, row[i].path), row[i].match);
        cJSON_Delete(patterns);
    }
}

static void signatures_are_strict_der(void **state)
{
    uint8_t scalar[SCALAR_LEN], point[POINT_LEN], digest[DIGEST_LEN] = { 7 }, der[SIG_DER_MAX + 1];
    struct tool t;
    size_t len = 0;

    (void)state;
    tool_begin(&t);
    assert_int_equal(crypto_begin(&t), TOOL_OK);
    assert_int_equal(ecdsa_generate(&t, scalar, point), TOOL_OK);
    /* Many, because leading zeros of r and s come by chance. */
    for (unsigned i = 0; i < 64; i++) {
        digest[1] = (uint8_t)i;
        assert_int_equal(ecdsa_sign(&t, scalar, digest, der, &len), TOOL_OK);
        assert_true(ecdsa_verify(point, digest, der, len));
    }
    assert_false(ecdsa_verify(point, digest, der, len - 1));
    der[len] = 0;
    assert_false(ecdsa_verify(point, digest, der, len + 1));
    for (size_t i = 0; i < len; i++) {
        der[i] ^= 1;
        assert_false(ecdsa_verify(point, digest, der, len));
        der[i] ^= 1;
    }
    digest[0] ^= 1;
    assert_false(ecdsa_verify(point, digest, der, len));
    tool_end(&t);
}

/* The vectors of tests/unit/posix/test_rollout.c: publisher and device must count the same devices in. */
static void rollouts_choose_whom_devices_think(void **state)
{
    struct tool t;
    char line[256], salt[64], id[160];
    unsigned expected, number, count = 0;
    FILE *f = fopen(OTA_SOURCE_DIR "/tests/vectors/rollout.txt", "r");

    (void)state;
    assert_non_null(f);
    tool_begin(&t);
    assert_int_equal(crypto_begin(&t), TOOL_OK);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%63s %159s %u", salt, id, &expected), 3);
        assert_int_equal(rollout_number(&t, salt, id, strlen(id), &number), TOOL_OK);
        assert_int_equal(number, expected);
        count++;
    }
    (void)fclose(f);
    assert_true(count >= 36);
    memset(id, 'x', 128);
    assert_int_equal(rollout_number(&t, salt, id, 128, &number), TOOL_FAILED);
    assert_int_equal(rollout_number(&t, "00", id, 1, &number), TOOL_FAILED);
    tool_end(&t);
}

static void shares_round_up(void **state)
{
    const struct status_share all = { 100, true }, half = { 50, true }, two = { 2, false }, none = { 0, false };

    (void)state;
    assert_true(status_reaches(all, 3, 3) && !status_reaches(all, 2, 3) && !status_reaches(all, 0, 0));
    assert_true(status_reaches(half, 2, 3) && !status_reaches(half, 1, 3) && status_reaches(half, 1, 2));
    assert_true(status_reaches(two, 2, 9) && !status_reaches(two, 1, 9));
    assert_true(status_exceeds(none, 1, 9) && !status_exceeds(none, 0, 9));
    assert_true(status_exceeds(half, 2, 3) && !status_exceeds(half, 1, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_survives_a_round_trip),       cmocka_unit_test(wrong_times_are_refused),
        cmocka_unit_test(base64_is_strict),                 cmocka_unit_test(canonical_form_escapes_two_characters),
        cmocka_unit_test(doubtful_json_is_refused),         cmocka_unit_test(patterns_keep_to_one_part),
        cmocka_unit_test(signatures_are_strict_der),        cmocka_unit_test(rollouts_choose_whom_devices_think),
        cmocka_unit_test(shares_round_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
