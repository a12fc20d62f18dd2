/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges of whole files against a scripted network port. */
#include "scripted.h"

static void a_whole_file(void **state)
{
    const struct answer a = { .head = "HTTP/1.1 200 OK\nContent-Length: 10\n\n", .body = "0123456789" };
    const struct otai_fetch_job job = { JOB, .exact = 10, .if_range = "\"x\"", .if_none_match = "", .extra = "A: b" };
    struct run r;

    (void)state;
    for (size_t cap = 1; cap <= 12; cap++) {
        start(&r, &a, 1, &job);
        assert_int_equal(finish(&r, cap), OTA_DONE);
        assert_int_equal(r.len, 10);
        assert_memory_equal(r.out, "0123456789", 10);
    }
    assert_string_equal(r.fake.urls[0], "http://host/dir/file");
    assert_true(r.fake.req[0].range_from == 0);
    assert_null(r.fake.req[0].if_range);       /* no Range, no If-Range */
    assert_null(r.fake.req[0].if_none_match);  /* "" is none */
    assert_string_equal(r.fake.req[0].extra, "A: b");
    assert_int_equal(r.fake.req[0].connect_ms, 1000);
    assert_int_equal(r.f.head.status, 200);
    assert_int_equal(r.f.fault.err, OTA_OK);
}

static void statuses(void **state)
{
    static const struct { const char *line; ota_err err; } rows[] = {
        { "404 x", OTA_RETRY_NOT_FOUND }, { "410 x", OTA_RETRY_NOT_FOUND }, { "400 x", OTA_RETRY_REFUSED }, { "401 x", OTA_RETRY_REFUSED },
        { "403 x", OTA_RETRY_REFUSED }, { "408 x", OTA_RETRY_REFUSED }, { "416 x", OTA_RETRY_REFUSED }, { "499 x", OTA_RETRY_REFUSED },
        { "429 x", OTA_RETRY_BUSY }, { "503 x", OTA_RETRY_BUSY }, { "500 x", OTA_RETRY_SERVER }, { "502 x", OTA_RETRY_SERVER },
        { "504 x", OTA_RETRY_SERVER }, { "599 x", OTA_RETRY_SERVER }, { "600 x", OTA_RETRY_PROTOCOL }, { "999 x", OTA_RETRY_PROTOCOL },
        { "100 x", OTA_RETRY_PROTOCOL }, { "101 x", OTA_RETRY_PROTOCOL }, { "201 x", OTA_RETRY_PROTOCOL }, { "204 x", OTA_RETRY_PROTOCOL },
        { "206 x", OTA_RETRY_PROTOCOL }, { "300 x", OTA_RETRY_PROTOCOL }, { "304 x", OTA_RETRY_PROTOCOL }, { "305 x", OTA_RETRY_PROTOCOL },
        { "301 x", OTA_RETRY_REDIRECT }, { "bad", OTA_RETRY_PROTOCOL },
    };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char head[64] = "HTTP/1.1 ";
        const struct answer a = { .head = strcat(head, rows[i].line), .body = "body" };
        if (go(&r, &a, &job) != rows[i].err || r.len != 0 || r.f.fault.err != rows[i].err)
            fail_msg("%s: %s", rows[i].line, ota_err_name(r.err));
    }
    assert_string_equal(r.f.fault.where, "http.head");
    const struct answer a = { .head = "HTTP/1.1 503 x", .body = "" };
    assert_int_equal(go(&r, &a, &job), OTA_RETRY_BUSY);
    assert_string_equal(r.f.fault.where, "http.status");
    assert_int_equal(r.f.fault.port_code, 503);
    assert_int_equal(r.f.retry_after_s, -1);
}

static void conditional_requests(void **state)
{
    const struct answer same = { .head = "HTTP/1.1 304 x\nETag: \"x\"", .body = "" };
    const struct otai_fetch_job job = { JOB, .max = 100, .if_none_match = "\"x\"" };
    struct run r;

    (void)state;
    assert_int_equal(go(&r, &same, &job), OTA_SAME);
    assert_string_equal(r.fake.req[0].if_none_match, "\"x\"");
    assert_string_equal(r.f.head.etag, "\"x\"");
    const struct answer fresh = { .head = "HTTP/1.1 200 x\nETag: \"y\"\nContent-Length: 3", .body = "new" };
    assert_int_equal(go(&r, &fresh, &job), OTA_DONE);
    assert_int_equal(r.len, 3);
    assert_string_equal(r.f.head.etag, "\"y\"");
}

static void redirects_are_followed(void **state)
{
    const struct answer a[] = {
        { .head = "HTTP/1.1 302 x\nLocation: http://other/a\n\n", .body = "" },
        { .head = "HTTP/1.1 308 x\nLocation: /b?c\n\n", .body = "" },
        { .head = "HTTP/1.1 206 x\nContent-Range: bytes 1-3/4", .body = "123" },
    };
    const struct otai_fetch_job job = { JOB, .from = 1, .exact = 4, .if_range = "\"t\"" };
    struct run r;

    (void)state;
    start(&r, a, 3, &job);
    assert_int_equal(finish(&r, 8), OTA_DONE);
    assert_string_equal(r.fake.urls[1], "http://other/a");
    assert_string_equal(r.fake.urls[2], "http://other/b?c");
    assert_true(r.fake.req[2].range_from == 1);
    assert_string_equal(r.fake.req[2].if_range, "\"t\"");
    assert_int_equal(r.len, 3);
}

/* Found by tests/badnet: the device's facts and certificate went along to wherever a redirect led. */
static void another_origin_is_told_nothing(void **state)
{
    const struct answer away[] = {
        { .head = "HTTP/1.1 302 x\nLocation: http://host/b\n\n", .body = "" },
        { .head = "HTTP/1.1 302 x\nLocation: http://host.evil/c\n\n", .body = "" },
        { .head = "HTTP/1.1 200 x\n\n", .body = "1234" },
    };
    const struct otai_fetch_job job = { JOB, .exact = 4, .extra = "A: b" };
    struct run r;

    (void)state;
    start(&r, away, 3, &job);
    assert_int_equal(finish(&r, 8), OTA_DONE);
    for (int i = 0; i < 2; i++) {
        assert_false(r.fake.req[i].other_origin);
        assert_string_equal(r.fake.req[i].extra, "A: b");
    }
    assert_true(r.fake.req[2].other_origin);
    assert_null(r.fake.req[2].extra);
    start(&r, away + 2, 1, &job);
    assert_int_equal(finish(&r, 8), OTA_DONE);
    assert_false(r.fake.req[0].other_origin);
}

static void redirects_are_limited_and_keep_their_scheme(void **state)
{
    static const struct { const char *location; const char *where; } rows[] = {
        { "https://host/", "http.location" }, { "ftp://host/", "http.location" }, { "file:///etc/passwd", "http.location" },
        { "//host/", "http.location" }, { "relative", "http.location" }, { "", "http.location" },
    };
    const struct answer loop[] = {
        { .head = "HTTP/1.1 301 x\nLocation: /1", .body = "" }, { .head = "HTTP/1.1 307 x\nLocation: /2", .body = "" },
        { .head = "HTTP/1.1 303 x\nLocation: /3", .body = "" },
    };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char head[64] = "HTTP/1.1 301 x\nLocation: ";
        const struct answer a = { .head = strcat(head, rows[i].location), .body = "" };
        assert_int_equal(go(&r, &a, &job), OTA_RETRY_REDIRECT);
        assert_string_equal(r.f.fault.where, rows[i].where);
    }
    start(&r, loop, 3, &job);
    assert_int_equal(finish(&r, 8), OTA_RETRY_REDIRECT);
    assert_string_equal(r.f.fault.where, "http.redirects");
    assert_int_equal(r.fake.begins, 3);
}

static void a_put_is_acknowledged_or_not(void **state)
{
    static const struct { const char *line; ota_err err; } rows[] = {
        { "HTTP/1.1 200 x", OTA_DONE }, { "HTTP/1.1 201 x", OTA_DONE }, { "HTTP/1.1 204 x", OTA_DONE },
        { "HTTP/1.1 299 x\nContent-Length: 99", OTA_DONE }, { "HTTP/1.1 301 x\nLocation: /y", OTA_RETRY_REDIRECT },
        { "HTTP/1.1 404 x", OTA_RETRY_NOT_FOUND }, { "HTTP/1.1 500 x", OTA_RETRY_SERVER }, { "HTTP/1.1 405 x", OTA_RETRY_REFUSED },
    };
    const struct otai_fetch_job job = { JOB, .method = OTA_NET_PUT, .body = "{}", .body_len = 2 };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct answer a = { .head = rows[i].line, .body = "ignored" };
        assert_int_equal(go(&r, &a, &job), rows[i].err);
        assert_int_equal(r.fake.req[0].method, OTA_NET_PUT);
        assert_int_equal(r.fake.req[0].body_len, 2);
        assert_int_equal(r.len, 0);
    }
}

static void retry_after(void **state)
{
    static const struct { const char *fields; int64_t utc_s, want; } rows[] = {
        { "Retry-After: 120", 0, 120 }, { "Retry-After: 0", 0, 0 }, { "Retry-After: 1000000000000", 0, INT32_MAX },
        { "Retry-After: garbage", 0, -1 }, { "", 0, -1 },
        { "Date: Sun, 06 Nov 1994 08:49:37 GMT\nRetry-After: Sun, 06 Nov 1994 08:51:37 GMT", 5, 120 },   /* server's own clock */
        { "Date: Sun, 06 Nov 1994 08:49:37 GMT\nRetry-After: Sun, 06 Nov 1994 08:00:00 GMT", 0, 0 },
        { "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", 784111770, 7 }, { "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", 0, -1 },
        { "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", 784111777, 0 },
    };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char head[256] = "HTTP/1.1 503 x\n";
        const struct answer a = { .head = strcat(head, rows[i].fields), .body = "" };
        start(&r, &a, 1, &job);
        r.fake.utc_s = rows[i].utc_s;
        assert_int_equal(finish(&r, 8), OTA_RETRY_BUSY);
        assert_int_equal(r.f.retry_after_s, rows[i].want);
    }
    const struct answer ok = { .head = "HTTP/1.1 200 x", .body = "0123" };
    r.fake.answer = &ok;
    r.fake.answers = 2;
    r.fake.begins = r.fake.ends = 0;
    assert_int_equal(otai_fetch_begin(&r.f, &job), OTA_OK);
    assert_int_equal(r.f.retry_after_s, -1);   /* forgotten with the next exchange */
    otai_fetch_end(&r.f);
}

static void no_head_in_time(void **state)
{
    const struct answer a = { .head = NULL };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;
    char buf[8];
    size_t got;

    (void)state;
    start(&r, &a, 1, &job);
    r.fake.tick_ms = 0;
    r.fake.now_ms = r.f.began_ms + limits.head_ms - 1;
    assert_int_equal(otai_fetch_poll(&r.f, buf, 8, &got), OTA_AGAIN);
    r.fake.now_ms++;
    assert_int_equal(otai_fetch_poll(&r.f, buf, 8, &got), OTA_RETRY_TIMEOUT);
    assert_int_equal(r.fake.ends, 1);
}

static void a_slow_body_is_given_up(void **state)
{
    const struct answer a = { .head = "HTTP/1.1 200 x\nContent-Length: 60", .body = "012345678901234567890123456789012345678901234567890123456789" };
    const struct otai_fetch_job job = { JOB, .exact = 60 };
    struct run r;

    (void)state;
    start(&r, &a, 1, &job);   /* one byte per two polls, each of which looks at the clock at most twice */
    r.fake.piece = 1;
    r.fake.tick_ms = 75;
    assert_int_equal(finish(&r, 8), OTA_DONE);
    start(&r, &a, 1, &job);
    r.fake.piece = 1;
    r.fake.tick_ms = 150;   /* half as fast: below 10 bytes a second */
    assert_int_equal(finish(&r, 8), OTA_RETRY_SLOW);
    assert_true(r.len > 0 && r.len < 20);
    assert_string_equal(r.f.fault.where, "http.body");
}

static void what_the_port_says_is_passed_on(void **state)
{
    static const struct { struct answer a; ota_err err; const char *where; int32_t code; } rows[] = {
        { { .begin = OTA_RETRY_NETWORK }, OTA_RETRY_NETWORK, "net.begin", 0 },
        { { .begin = OTA_USAGE_ARGUMENT }, OTA_USAGE_ARGUMENT, "net.begin", 0 },
        { { .head_err = OTA_RETRY_TLS }, OTA_RETRY_TLS, "net.head", 77 },
        { { .head_err = OTA_DONE }, OTA_RETRY_PROTOCOL, "net.head", 77 },      /* a port that misspeaks is no success */
        { { .head = "HTTP/1.1 200 x", .body = "01", .end = OTA_RETRY_TRUNCATED }, OTA_RETRY_TRUNCATED, "net.read", 88 },
        { { .head = "HTTP/1.1 200 x", .body = "01", .end = OTA_RETRY_NETWORK }, OTA_RETRY_NETWORK, "net.read", 88 },
        { { .head = "HTTP/1.1 200 x", .body = "01", .end = OTA_SAME }, OTA_RETRY_PROTOCOL, "net.read", 88 },
    };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(go(&r, &rows[i].a, &job), rows[i].err);
        assert_string_equal(r.f.fault.where, rows[i].where);
        assert_int_equal(r.f.fault.port_code, rows[i].code);
    }
}

static void urls_that_cannot_be(void **state)
{
    char longer[OTA_URL_MAX];
    struct otai_fetch_job job = { .base = "ftp://host/", .file = "x", .exact = 4 };
    struct run r;

    (void)state;
    assert_int_equal(go(&r, NULL, &job), OTA_USAGE_CONFIG);
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1 - 12] = '\0';
    job.base = "http://host/";
    job.file = longer;
    const struct answer a = { .head = "HTTP/1.1 200 x", .body = "0123" };
    assert_int_equal(go(&r, &a, &job), OTA_DONE);
    longer[sizeof longer - 1 - 12] = 'a';
    longer[sizeof longer - 12] = '\0';
    assert_int_equal(go(&r, &a, &job), OTA_USAGE_CONFIG);
    assert_string_equal(r.f.fault.where, "url");
}

static void end_is_safe_at_any_time(void **state)
{
    const struct answer a[] = { { .head = NULL }, { .head = "HTTP/1.1 200 x", .body = "0123" } };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;
    char buf[8];
    size_t got;

    (void)state;
    start(&r, a, 2, &job);
    otai_fetch_end(&r.f);
    otai_fetch_end(&r.f);
    assert_int_equal(r.fake.ends, 1);
    assert_int_equal(otai_fetch_poll(&r.f, buf, 8, &got), OTA_USAGE_STATE);
    assert_int_equal(otai_fetch_begin(&r.f, &job), OTA_OK);
    assert_int_equal(finish(&r, 8), OTA_DONE);
    assert_int_equal(otai_fetch_poll(&r.f, buf, 8, &got), OTA_USAGE_STATE);
}

static void a_new_begin_ends_the_old_exchange(void **state)
{
    const struct answer a[] = { { .head = NULL }, { .head = "HTTP/1.1 200 x", .body = "0123" } };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;

    (void)state;
    start(&r, a, 2, &job);
    assert_int_equal(otai_fetch_begin(&r.f, &job), OTA_OK);   /* the fake refuses a second open exchange */
    assert_int_equal(finish(&r, 8), OTA_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file),
        cmocka_unit_test(statuses),
        cmocka_unit_test(conditional_requests),
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(another_origin_is_told_nothing),
        cmocka_unit_test(redirects_are_limited_and_keep_their_scheme),
        cmocka_unit_test(a_put_is_acknowledged_or_not),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(no_head_in_time),
        cmocka_unit_test(a_slow_body_is_given_up),
        cmocka_unit_test(what_the_port_says_is_passed_on),
        cmocka_unit_test(urls_that_cannot_be),
        cmocka_unit_test(end_is_safe_at_any_time),
        cmocka_unit_test(a_new_begin_ends_the_old_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
