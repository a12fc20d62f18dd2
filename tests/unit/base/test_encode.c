/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "encode.h"

static struct otai_span span(const char *s)
{
    return (struct otai_span){ (const uint8_t *)s, strlen(s) };
}

static void hexadecimal_is_read(void **state)
{
    uint8_t out[4];

    (void)state;
    assert_true(otai_hex_decode(span("00fFA9"), out, OTAI_HEX_ANY));
    assert_memory_equal(out, "\x00\xff\xa9", 3);
    assert_true(otai_hex_decode(span(""), out, OTAI_HEX_LOWER));
    assert_true(otai_hex_decode(span("af09"), out, OTAI_HEX_LOWER));
    assert_false(otai_hex_decode(span("aF"), out, OTAI_HEX_LOWER));
    assert_false(otai_hex_decode(span("a"), out, OTAI_HEX_ANY));
    assert_false(otai_hex_decode(span("0g"), out, OTAI_HEX_ANY));
    assert_false(otai_hex_decode(span("g0"), out, OTAI_HEX_ANY));
    assert_false(otai_hex_decode(span("0x"), out, OTAI_HEX_ANY));
    assert_false(otai_hex_decode(span(" 0"), out, OTAI_HEX_ANY));
    assert_false(otai_hex_decode(span("0/"), out, OTAI_HEX_ANY));
    assert_false(otai_hex_decode(span("0:"), out, OTAI_HEX_ANY));
}

static bool base64(const char *text, const char *want, size_t cap)
{
    struct otai_base64 b;
    uint8_t out[32];

    otai_base64_init(&b, out, cap);
    for (; *text; text++)
        otai_base64_add(&b, (uint8_t)*text);
    return otai_base64_end(&b) && b.len == strlen(want) && memcmp(out, want, b.len) == 0;
}

static void base64_is_read_strictly(void **state)
{
    static const char *const bad[] = { "Z",        "Zg",   "Zg=",   "Zm8",   "Zh==",  "Zm9=", "====", "Z===",
                                       "Zg==Zg==", "Zg=a", "Zm9v!", "Zm 9v", "Zm9vY", "=Zm9", "Zm9-", "Zm9_" };

    (void)state;
    assert_true(base64("", "", 32));
    assert_true(base64("Zg==", "f", 32));
    assert_true(base64("Zm8=", "fo", 32));
    assert_true(base64("Zm9v", "foo", 32));
    assert_true(base64("Zm9vYg==", "foob", 32));
    assert_true(base64("Zm9vYmFy", "foobar", 6));
    assert_true(base64("+/+/", "\xfb\xff\xbf", 32));
    assert_false(base64("Zm9vYmFy", "foobar", 5));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct otai_base64 b;
        uint8_t out[32];

        otai_base64_init(&b, out, sizeof out);
        for (const char *c = bad[i]; *c; c++)
            otai_base64_add(&b, (uint8_t)*c);
        if (otai_base64_end(&b))
            fail_msg("taken: %s", bad[i]);
    }
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } good[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-12-31T23:59:59Z", -1 },
        { "2000-02-29T12:34:56Z", 951827696 },
        { "2001-09-09T01:46:40Z", 1000000000 },
        { "2038-01-19T03:14:08Z", 2147483648 },
        { "2100-02-28T23:59:59Z", 4107542399 },
        { "2100-03-01T00:00:00Z", 4107542400 },
        { "2106-02-07T06:28:16Z", 4294967296 },
        { "9999-12-31T23:59:59Z", 253402300799 },
        { "0001-01-01T00:00:00Z", -62135596800 },
        { "1600-02-29T00:00:00Z", -11670998400 },
    };
    int64_t s;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        s = 7;
        assert_true(otai_time_parse(good[i].text, &s));
        if (s != good[i].s)
            fail_msg("%s: %lld", good[i].text, (long long)s);
    }
}

/* Every day from 1970 to 2100 is one day after the day before: no table of the year's lengths is trusted. */
static void days_follow_one_another(void **state)
{
    char text[] = "1970-01-01T00:00:00Z";
    int64_t expected = 0, s;

    (void)state;
    for (int y = 1970; y <= 2100; y++) {
        for (int m = 1; m <= 12; m++) {
            for (int d = 1; d <= 31; d++) {
                text[0] = (char)('0' + y / 1000);
                text[1] = (char)('0' + y / 100 % 10);
                text[2] = (char)('0' + y / 10 % 10);
                text[3] = (char)('0' + y % 10);
                text[5] = (char)('0' + m / 10);
                text[6] = (char)('0' + m % 10);
                text[8] = (char)('0' + d / 10);
                text[9] = (char)('0' + d % 10);
                if (!otai_time_parse(text, &s)) {
                    assert_true(d > 28);
                    continue;
                }
                assert_true(s == expected);
                expected += 86400;
            }
        }
    }
    assert_true(expected == INT64_C(4133980800)); /* 2101-01-01 */
}

static void other_times_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2030",
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-01-01T00:00:00z",
        "2030-01-01t00:00:00Z",
        "2030-01-01 00:00:00Z",
        "2030-01-01T00:00:00.0Z",
        "2030-01-01T00:00:00+00:00",
        "2030-01-01T00:00:00ZZ",
        "2030-01-01T00:00:00Z ",
        " 2030-01-01T00:00:00Z",
        "2030-1-1T00:00:00Z",
        "30-01-01T00:00:00Z",
        "12030-01-01T00:00:00Z",
        "2030-00-01T00:00:00Z",
        "2030-13-01T00:00:00Z",
        "2030-01-00T00:00:00Z",
        "2030-01-32T00:00:00Z",
        "2030-04-31T00:00:00Z",
        "2030-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:60:00Z",
        "2030-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "-030-01-01T00:00:00Z",
        "2030-01-01T+1:00:00Z",
        "2030/01/01T00:00:00Z",
        "2030-01-01T00-00-00Z",
        "20x0-01-01T00:00:00Z",
    };
    int64_t s;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (otai_time_parse(bad[i], &s))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_is_read),     cmocka_unit_test(base64_is_read_strictly), cmocka_unit_test(times_are_read),
        cmocka_unit_test(days_follow_one_another), cmocka_unit_test(other_times_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
