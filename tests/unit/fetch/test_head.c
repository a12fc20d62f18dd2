/* SPDX-License-Identifier: Apache-2.0 */
/* The strict head parser: what is taken, what is ignored, what is malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ota/port_net.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Feed a head whose lines are separated by "\n". */
static struct ota_net_head parse(const char *lines)
{
    struct ota_net_head h;

    ota_net_head_reset(&h);
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        len += lines[len] == '\n';
        assert_true(ota_net_head_line(&h, lines, len));
        lines += len;
    }
    return h;
}

static struct ota_net_head with(const char *field)
{
    char text[1024];

    strcpy(text, "HTTP/1.1 200 OK\r\n");
    assert_true(strlen(field) + strlen(text) < sizeof text);
    return parse(strcat(text, field));
}

static void a_reset_head_says_nothing(void **state)
{
    struct ota_net_head h;

    (void)state;
    memset(&h, 0xa5, sizeof h);
    ota_net_head_reset(&h);
    assert_int_equal(h.status, 0);
    assert_int_equal(h.retry_after_s, -1);
    assert_int_equal(h.bytes, 0);
    assert_false(h.malformed || h.has_length || h.has_range || h.encoded);
    assert_string_equal(h.etag, "");
    assert_string_equal(h.location, "");
}

static void a_whole_head_is_read(void **state)
{
    struct ota_net_head h = parse("HTTP/1.1 206 Partial Content\r\nServer: nginx\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                  "content-LENGTH:5\r\nContent-Range: bytes 10-14/100\r\nETag: \"abc\"  \r\n"
                                  "Location:\t/x?y=1\r\nRetry-After: 120\r\nContent-Encoding: Identity\r\n\r\n");

    (void)state;
    assert_int_equal(h.status, 206);
    assert_false(h.malformed || h.encoded);
    assert_true(h.has_length && h.length == 5);
    assert_true(h.has_range && h.range_from == 10 && h.range_to == 14 && h.range_total == 100);
    assert_string_equal(h.etag, "\"abc\"");
    assert_string_equal(h.location, "/x?y=1");
    assert_int_equal(h.date_s, 784111777);
    assert_int_equal(h.retry_after_s, 120);
    assert_int_equal(h.retry_at_s, 0);
}

static void status_lines(void **state)
{
    static const struct { const char *line; int status; } rows[] = {
        { "HTTP/1.1 200 OK", 200 }, { "HTTP/1.0 404", 404 }, { "HTTP/1.1 599 ", 599 }, { "HTTP/2 304", 304 },
        { "HTTP/1.1 100 Continue", 100 }, { "HTTP/3 200 ", 200 }, { "HTTP/1.1 200 OK\r\n", 200 }, { "HTTP/1.1 200 OK\n", 200 },
        { "HTTP/1.1 99 x", 0 }, { "HTTP/1.1 2000 x", 0 }, { "HTTP/1.1  200", 0 }, { "HTTP/1.1 20", 0 }, { "HTTP/1. 200", 0 },
        { "HTTP/4.0 200", 0 }, { "HTTP/0.9 200", 0 }, { "HTTP/11.1 200", 0 }, { "http/1.1 200 OK", 0 }, { "HTTP/1.1 200OK", 0 },
        { "HTTP/1.1 -20", 0 }, { "HTTP/1.1 099 x", 0 }, { "HTTP/", 0 }, { "HTTP/1.1", 0 }, { "ICY 200 OK", 0 }, { " HTTP/1.1 200", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ota_net_head h = parse(rows[i].line);
        if (h.status != rows[i].status || h.malformed != (rows[i].status == 0))
            fail_msg("%s: status %u malformed %d", rows[i].line, h.status, h.malformed);
    }
}

static void a_new_status_line_starts_over_but_the_size_counts_on(void **state)
{
    struct ota_net_head h = parse("HTTP/1.1 100 Continue\r\nContent-Length: x\r\nETag: \"a\"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");

    (void)state;
    assert_int_equal(h.status, 200);
    assert_false(h.malformed);
    assert_string_equal(h.etag, "");
    assert_int_equal(h.bytes, 23 + 19 + 11 + 2 + 17 + 2);
}

static void fields_before_a_status_are_malformed(void **state)
{
    (void)state;
    assert_true(parse("Server: x\r\n").malformed);
    assert_true(parse("HTTP/9 200\r\nServer: x\r\n").malformed);
}

static void malformed_fields(void **state)
{
    static const char *const rows[] = {
        "no colon here", ": no name", "Content-Length : 5", "Bad Name: 1", "X\x01: 1", "X: a\x01z", "X: a\rb", " folded: line",
        "Content-Length: -1", "Content-Length: +1", "Content-Length: 1 2", "Content-Length: 0x10", "Content-Length:",
        "Content-Length: 9223372036854775808", "Content-Length: 18446744073709551616", "Content-Length: 99999999999999999999999999",
        "Content-Length: 5, 5", "Content-Length: 5\nContent-Length: 6",
        "Content-Range: bytes 0-0/0", "Content-Range: bytes 5-4/10", "Content-Range: bytes 0-10/10", "Content-Range: bytes 0-9",
        "Content-Range: bytes=0-9/10", "Content-Range: lines 0-9/10", "Content-Range: bytes 0-9/10 ,", "Content-Range: bytes -9/10",
        "Content-Range: bytes 0-9223372036854775808/*", "Content-Range: bytes */x", "Content-Range: bytes 0--1/*",
        "Content-Range: bytes 0-9/10\nContent-Range: bytes 0-9/10", "ETag: \"a\"\nETag: \"b\"", "ETag: \"a\"\nETag: \"ab\"",
        "Location: /a\nLocation: /a", "Location: /a b", "Location: /\xc3\xa4",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (!with(rows[i]).malformed)
            fail_msg("taken: %s", rows[i]);
}

static void a_nul_byte_is_malformed(void **state)
{
    struct ota_net_head h = parse("HTTP/1.1 200 OK");

    (void)state;
    assert_true(ota_net_head_line(&h, "X: a\0b", 6));
    assert_true(h.malformed);
}

static void odd_but_harmless_fields(void **state)
{
    static const char *const rows[] = {
        "X:", "X: \xc3\xa4", "Content-Length: 5\nContent-Length: 5", "Content-Range: bytes */100", "ETag: W/\"a\"", "ETag: a",
        "ETag: \"a", "ETag: \"a\"b\"", "ETag: \"a b\"", "ETag: \"", "ETag:", "ETag: \"a\"\nETag: \"a\"", "Date: yesterday",
        "Retry-After: soon", "Retry-After: -5", "Transfer-Encoding: gzip, chunked", "Content-Length-X: 5", "XContent-Length: -1",
        "ETagDate: Sun, 06 Nov 1994 08:49:37 GMT", "\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ota_net_head h = with(rows[i]);
        if (h.malformed || h.date_s || h.retry_after_s != -1 || h.has_range)
            fail_msg("not ignored: %s", rows[i]);
    }
}

static void numbers_at_their_ends(void **state)
{
    struct ota_net_head h = with("Content-Length: 9223372036854775807");

    (void)state;
    assert_true(h.has_length && h.length == INT64_MAX && !h.malformed);
    h = with("Content-Length: 00000000000000000000000000000007");
    assert_true(h.has_length && h.length == 7 && !h.malformed);
    h = with("Content-Range: BYTES 4294967296-9223372036854775806/9223372036854775807");
    assert_true(h.has_range && h.range_from == 1ull << 32 && h.range_to == INT64_MAX - 1 && h.range_total == INT64_MAX);
    h = with("Content-Range: bytes 2147483647-2147483648/*");
    assert_true(h.has_range && h.range_from == INT32_MAX && h.range_to == 1ull << 31 && h.range_total == 0);
    h = with("Content-Range: bytes 0-0/1");
    assert_true(h.has_range && h.range_to == 0 && h.range_total == 1);
}

static void entity_tags_that_are_kept(void **state)
{
    char line[OTA_ETAG_MAX + 16] = "ETag: \"";

    (void)state;
    assert_string_equal(with("ETag: \"\"").etag, "\"\"");
    assert_string_equal(with("ETag: \"!#~\"").etag, "\"!#~\"");
    assert_string_equal(with("ETag: W/\"a\"").etag, "");
    memset(line + 7, 'a', OTA_ETAG_MAX - 3);
    strcpy(line + 7 + OTA_ETAG_MAX - 3, "\"");
    assert_int_equal(strlen(with(line).etag), OTA_ETAG_MAX - 1);
    strcpy(line + 7 + OTA_ETAG_MAX - 3, "a\"");
    assert_string_equal(with(line).etag, "");
}

static void dates(void **state)
{
    static const struct { const char *text; int64_t s; } rows[] = {
        { "Date: Thu, 01 Jan 1970 00:00:00 GMT", 0 }, { "Date: Thu, 01 Jan 1970 00:00:01 GMT", 1 },
        { "Date: Tue, 29 Feb 2000 23:59:60 GMT", 951868800 }, { "Date: Wed, 29 Feb 2096 00:00:00 GMT", 3981312000 },
        { "Date: Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 }, { "Date: Tue, 19 Jan 2038 03:14:08 GMT", 2147483648 },
        { "Date: Mon, 31 Aug 2026 12:30:00 GMT", 1788179400 },
        { "Date: Mon, 29 Feb 2100 00:00:00 GMT", 0 }, { "Date: Wed, 31 Dec 1969 23:59:59 GMT", 0 },
        { "Date: Thu, 32 Jan 2026 00:00:00 GMT", 0 }, { "Date: Thu, 00 Jan 2026 00:00:00 GMT", 0 },
        { "Date: Thu, 31 Apr 2026 00:00:00 GMT", 0 }, { "Date: Thu, 01 Foo 2026 00:00:00 GMT", 0 },
        { "Date: Thu, 01 Jan 2026 24:00:00 GMT", 0 }, { "Date: Thu, 01 Jan 2026 00:60:00 GMT", 0 },
        { "Date: Thu, 01 Jan 2026 00:00:61 GMT", 0 }, { "Date: Thu, 01 Jan 2026 00:00:00 CET", 0 },
        { "Date: Thu, 01 Jan 2026 00:00:00 GMT+1", 0 }, { "Date: Thursday, 01-Jan-26 00:00:00 GMT", 0 },
        { "Date: Thu Jan  1 00:00:00 2026", 0 }, { "Date: Xyz, 01 Jan 2026 00:00:00 GMT", 0 }, { "Date: Thu, 1 Jan 2026 00:00:00 GMT", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ota_net_head h = with(rows[i].text);
        if (h.date_s != rows[i].s || h.malformed)
            fail_msg("%s: %lld", rows[i].text, (long long)h.date_s);
    }
}

static void retry_after_forms(void **state)
{
    (void)state;
    assert_int_equal(with("Retry-After: 0").retry_after_s, 0);
    assert_int_equal(with("Retry-After: 2147483647").retry_after_s, INT32_MAX);
    assert_int_equal(with("Retry-After: 2147483648").retry_after_s, INT32_MAX);
    assert_int_equal(with("Retry-After: 99999999999999999999999").retry_after_s, INT32_MAX);
    assert_int_equal(with("Retry-After: 1.5").retry_after_s, -1);
    struct ota_net_head h = with("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(h.retry_after_s, -1);
    assert_int_equal(h.retry_at_s, 784111777);
}

static void encodings(void **state)
{
    (void)state;
    assert_false(with("Content-Encoding: identity").encoded);
    assert_true(with("Content-Encoding: gzip").encoded);
    assert_true(with("Content-Encoding: identity, br").encoded);
    assert_true(with("Content-Encoding: gzip\nContent-Encoding: identity").encoded);
}

static void nothing_of_a_malformed_location_is_kept(void **state)
{
    static const char *const rows[] = { "Location: /a b", "Location: /x\r+", "Location: /\xc3\xa4" };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(with(rows[i]).location, "");
}

static void a_location_that_is_too_long_is_dropped(void **state)
{
    char line[OTA_URL_MAX + 32] = "Location: /";

    (void)state;
    memset(line + 11, 'a', OTA_URL_MAX - 2);
    struct ota_net_head h = with(line);
    assert_int_equal(strlen(h.location), OTA_URL_MAX - 1);
    line[11 + OTA_URL_MAX - 2] = 'a';
    h = with(line);
    assert_string_equal(h.location, "");
    assert_false(h.malformed);
}

static void the_head_is_bounded(void **state)
{
    static char big[OTA_NET_HEAD_MAX + 1];
    struct ota_net_head h;

    (void)state;
    memset(big, 'a', sizeof big);
    memcpy(big, "X: ", 3);
    h = parse("HTTP/1.1 200 OK\r\n");
    assert_true(ota_net_head_line(&h, big, OTA_NET_HEAD_MAX - 17));
    assert_int_equal(h.bytes, OTA_NET_HEAD_MAX);
    assert_true(ota_net_head_line(&h, "", 0));
    assert_false(ota_net_head_line(&h, "\n", 1));
    ota_net_head_reset(&h);
    assert_false(ota_net_head_line(&h, big, OTA_NET_HEAD_MAX + 1));
}

static void a_flood_of_interim_answers_is_bounded(void **state)
{
    struct ota_net_head h;
    unsigned n = 0;

    (void)state;
    ota_net_head_reset(&h);
    while (ota_net_head_line(&h, "HTTP/1.1 100 Continue\r\n", 23))
        n++;
    assert_int_equal(n, OTA_NET_HEAD_MAX / 23);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_head_says_nothing),
        cmocka_unit_test(a_whole_head_is_read),
        cmocka_unit_test(status_lines),
        cmocka_unit_test(a_new_status_line_starts_over_but_the_size_counts_on),
        cmocka_unit_test(fields_before_a_status_are_malformed),
        cmocka_unit_test(malformed_fields),
        cmocka_unit_test(a_nul_byte_is_malformed),
        cmocka_unit_test(odd_but_harmless_fields),
        cmocka_unit_test(numbers_at_their_ends),
        cmocka_unit_test(entity_tags_that_are_kept),
        cmocka_unit_test(dates),
        cmocka_unit_test(retry_after_forms),
        cmocka_unit_test(encodings),
        cmocka_unit_test(nothing_of_a_malformed_location_is_kept),
        cmocka_unit_test(a_location_that_is_too_long_is_dropped),
        cmocka_unit_test(the_head_is_bounded),
        cmocka_unit_test(a_flood_of_interim_answers_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
