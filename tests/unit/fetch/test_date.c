/* SPDX-License-Identifier: Apache-2.0 */
/* Dates by pattern: what exists, what does not, and that nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "date.h"

static bool parse(const char *text, int64_t *utc_s)
{
    return otai_date_parse(OTAI_DATE_HTTP, text, strlen(text), utc_s);
}

static void dates_that_exist(void **state)
{
    static const struct {
        const char *text;
        int64_t utc_s;
    } rows[] = {
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
        { "sun, 06 nOV 1994 08:49:37 gMt", 784111777 },   /* names in any case */
        { "Tue, 29 Feb 2000 23:59:59 GMT", 951868799 },   /* leap: a multiple of 400 */
        { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
        { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },  /* a leap second */
        { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
        { "Mon, 01 Jan 0001 00:00:00 GMT", -62135596800 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t utc_s = 7;

        assert_true(parse(rows[i].text, &utc_s));
        assert_true(utc_s == rows[i].utc_s);
    }
}

static void dates_that_do_not(void **state)
{
    static const char *const rows[] = {
        "Thu, 29 Feb 2023 00:00:00 GMT", "Mon, 29 Feb 1900 00:00:00 GMT", "Sun, 31 Apr 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Jan 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nop 1994 08:49:37 GMT", "Sum, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Sun 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GM",  "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6  Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 19/4 08:49:37 GMT",
        "Sun, 06 Nov 199: 08:49:37 GMT", "",
    };
    int64_t utc_s = 7;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_false(parse(rows[i], &utc_s));
    assert_true(utc_s == 7);
}

/* Whatever one character of a good date becomes: only digits, letters in the other case, and names change nothing else. */
static void only_its_own_characters(void **state)
{
    static const char good[] = "Sun, 06 Nov 1994 08:49:37 GMT", fixed[] = ",  : ";
    char text[sizeof good];
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof good; i++) {
        for (int c = 0; c < 256; c++) {
            int64_t utc_s;

            memcpy(text, good, sizeof good);
            text[i] = (char)c;
            bool taken = otai_date_parse(OTAI_DATE_HTTP, text, sizeof good - 1, &utc_s);
            if (strchr(fixed, good[i]))
                assert_true(taken == (text[i] == good[i]));
            refused += !taken;
        }
    }
    assert_true(refused > 29 * 240);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_that_exist),
        cmocka_unit_test(dates_that_do_not),
        cmocka_unit_test(only_its_own_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
