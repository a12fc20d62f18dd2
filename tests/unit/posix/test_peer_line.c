/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the local socket: what is read, and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ota/posix_peer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"

static struct ota_posix_line line;

static ota_err parse(const char *text)
{
    memset(&line, 0xa5, sizeof line);
    return ota_posix_line_parse(&line, text, strlen(text));
}

static void what_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("{}"), OTA_OK);
    assert_int_equal(line.count, 0);
    assert_int_equal(parse(" { \"do\" : \"defer\" , \"seconds\":600,\"text\":true,\"a_b\":-999999999999999,\"f\":false } "), OTA_OK);
    assert_int_equal(line.count, 5);
    assert_string_equal(ota_posix_line_find(&line, "do", OTA_POSIX_TEXT)->text, "defer");
    assert_int_equal(ota_posix_line_find(&line, "seconds", OTA_POSIX_NUMBER)->number, 600);
    assert_int_equal(ota_posix_line_find(&line, "text", OTA_POSIX_BOOL)->number, 1);
    assert_int_equal(ota_posix_line_find(&line, "f", OTA_POSIX_BOOL)->number, 0);
    assert_int_equal(ota_posix_line_find(&line, "a_b", OTA_POSIX_NUMBER)->number, -999999999999999);
    assert_null(ota_posix_line_find(&line, "seconds", OTA_POSIX_TEXT));
    assert_null(ota_posix_line_find(&line, "second", OTA_POSIX_NUMBER));
    assert_int_equal(parse("{\"a\":\" b {}[]:, \",\"b\":\"" T63 "\",\"c\":\"\",\"d\":0}"), OTA_OK);
    assert_string_equal(line.member[0].text, " b {}[]:, ");
    assert_string_equal(line.member[1].text, T63);
    assert_string_equal(line.member[2].text, "");
}

static void what_is_refused(void **state)
{
    static const struct { const char *text; ota_err err; } rows[] = {
        { "", OTA_REJECT_SYNTAX }, { " ", OTA_REJECT_SYNTAX }, { "{", OTA_REJECT_SYNTAX }, { "}", OTA_REJECT_SYNTAX },
        { "{}x", OTA_REJECT_SYNTAX }, { "{}{}", OTA_REJECT_SYNTAX }, { "[]", OTA_REJECT_SYNTAX }, { "null", OTA_REJECT_SYNTAX },
        { "{\"a\"}", OTA_REJECT_SYNTAX }, { "{\"a\":}", OTA_REJECT_SYNTAX }, { "{\"a\":1,}", OTA_REJECT_SYNTAX },
        { "{,\"a\":1}", OTA_REJECT_SYNTAX }, { "{\"a\":1 \"b\":1}", OTA_REJECT_SYNTAX }, { "{a:1}", OTA_REJECT_SYNTAX },
        { "{\"a\":01}", OTA_REJECT_SYNTAX }, { "{\"a\":-0}", OTA_REJECT_SYNTAX }, { "{\"a\":-}", OTA_REJECT_SYNTAX },
        { "{\"a\":1.5}", OTA_REJECT_SYNTAX }, { "{\"a\":1e3}", OTA_REJECT_SYNTAX }, { "{\"a\":+1}", OTA_REJECT_SYNTAX },
        { "{\"a\":null}", OTA_REJECT_SYNTAX }, { "{\"a\":tru}", OTA_REJECT_SYNTAX }, { "{\"a\":truex}", OTA_REJECT_SYNTAX },
        { "{\"a\":{}}", OTA_REJECT_SYNTAX }, { "{\"a\":[1]}", OTA_REJECT_SYNTAX },
        { "{\"a\":\"\\n\"}", OTA_REJECT_SYNTAX }, { "{\"a\":\"b}", OTA_REJECT_SYNTAX }, { "{\"a\":\"\t\"}", OTA_REJECT_SYNTAX },
        { "{\"a\":\"\xc3\xa4\"}", OTA_REJECT_SYNTAX }, { "{\"a\":\"\x7f\"}", OTA_REJECT_SYNTAX }, { "{\"a\":1\t}", OTA_REJECT_SYNTAX },
        { "{\"\":1}", OTA_REJECT_SYNTAX }, { "{\"A\":1}", OTA_REJECT_SYNTAX }, { "{\"a-b\":1}", OTA_REJECT_SYNTAX },
        { "{\"a\":1,\"a\":2}", OTA_REJECT_DUPLICATE }, { "{\"a\":1,\"b\":2,\"a\":\"x\"}", OTA_REJECT_DUPLICATE },
        { "{\"abcdefghijklmnop\":1}", OTA_REJECT_LIMIT }, { "{\"a\":\"" T63 "x\"}", OTA_REJECT_LIMIT },
        { "{\"a\":1000000000000000}", OTA_REJECT_LIMIT },
        { "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1}", OTA_REJECT_LIMIT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ota_err err = parse(rows[i].text);
        if (err != rows[i].err || line.count != 0)
            fail_msg("%s: %s", rows[i].text, ota_err_name(err));
    }
}

static void lengths(void **state)
{
    char text[OTA_POSIX_LINE_MAX + 2];

    (void)state;
    memset(text, ' ', sizeof text);
    text[0] = '{', text[OTA_POSIX_LINE_MAX - 1] = '}';
    assert_int_equal(ota_posix_line_parse(&line, text, OTA_POSIX_LINE_MAX), OTA_OK);
    text[OTA_POSIX_LINE_MAX - 1] = ' ', text[OTA_POSIX_LINE_MAX] = '}';
    assert_int_equal(ota_posix_line_parse(&line, text, OTA_POSIX_LINE_MAX + 1), OTA_REJECT_LIMIT);
    assert_int_equal(ota_posix_line_parse(&line, "{\"a\":1}", 6), OTA_REJECT_SYNTAX);
    assert_int_equal(ota_posix_line_parse(&line, "{\"a\0\":1}", 8), OTA_REJECT_SYNTAX);
}

static void which_states_need_a_turn(void **state)
{
    (void)state;
    for (int s = 0; s < OTA_ST_COUNT; s++) {
        bool needs = ota_posix_needs_turn((enum ota_state)s), keeps = ota_posix_keeps_turn((enum ota_state)s);

        assert_true(keeps || !needs);
        assert_true(keeps == (s >= OTA_ST_PLAN && s <= OTA_ST_REVERT && s != OTA_ST_READY));
    }
    assert_true(ota_posix_needs_turn(OTA_ST_ARM) && !ota_posix_needs_turn(OTA_ST_REBOOT) && !ota_posix_needs_turn(OTA_ST_TRIAL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(lengths),
        cmocka_unit_test(which_states_need_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
