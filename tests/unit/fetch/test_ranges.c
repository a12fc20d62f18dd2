/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of files, and lengths, against a scripted network port. */
#include "scripted.h"

static void a_range_is_appended_only_when_it_is_the_right_one(void **state)
{
    static const struct { const char *fields, *body; ota_err err; size_t len; } rows[] = {
        { "Content-Range: bytes 4-9/10\nContent-Length: 6", "456789", OTA_DONE, 6 },
        { "Content-Range: bytes 4-9/10", "456789", OTA_DONE, 6 },
        { "Content-Range: bytes 4-9/*", "456789", OTA_DONE, 6 },
        { "Content-Range: bytes 4-6/10\nContent-Length: 3", "456", OTA_RETRY_TRUNCATED, 3 },   /* the beginning: go on there */
        { "Content-Range: bytes 4-9/10\nContent-Length: 6", "4567", OTA_RETRY_TRUNCATED, 4 },
        { "Content-Range: bytes 3-9/10", "3456789", OTA_RETRY_PROTOCOL, 0 },
        { "Content-Range: bytes 5-9/10", "56789", OTA_RETRY_PROTOCOL, 0 },
        { "Content-Range: bytes 0-9/10", "0123456789", OTA_RETRY_PROTOCOL, 0 },
        { "Content-Range: bytes 4-9/10\nContent-Length: 7", "4567890", OTA_RETRY_PROTOCOL, 0 },
        { "Content-Range: bytes 4-9/10\nContent-Length: 10", "0123456789", OTA_RETRY_PROTOCOL, 0 },
        { "Content-Range: bytes 4-9/10", "4567890", OTA_RETRY_PROTOCOL, 6 },                   /* a byte too many */
        { "Content-Range: bytes 4-6/10", "4567", OTA_RETRY_PROTOCOL, 3 },
        { "Content-Range: bytes 4-10/11", "4567890", OTA_REJECT_LENGTH, 0 },
        { "Content-Range: bytes 4-8/9", "45678", OTA_REJECT_LENGTH, 0 },
        { "Content-Range: bytes 4-10/*", "4567890", OTA_REJECT_LENGTH, 0 },
        { "Content-Range: bytes 4-9/11", "456789", OTA_REJECT_LENGTH, 0 },
        { "Content-Range: bytes 4-4294967305/4294967306", "456789", OTA_REJECT_LENGTH, 0 },
        { "Content-Type: multipart/byteranges; boundary=x", "--x", OTA_RETRY_PROTOCOL, 0 },
        { "Content-Range: bytes */10", "", OTA_RETRY_PROTOCOL, 0 },
        { "Content-Range: bytes 4-9/10\nContent-Encoding: gzip", "456789", OTA_RETRY_PROTOCOL, 0 },
    };
    const struct otai_fetch_job job = { JOB, .from = 4, .exact = 10, .if_range = "\"x\"" };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char head[128] = "HTTP/1.1 206 x\n";
        const struct answer a = { .head = strcat(head, rows[i].fields), .body = rows[i].body };
        if (go(&r, &a, &job) != rows[i].err || r.len != rows[i].len || memcmp(r.out, "456789", r.len) != 0)
            fail_msg("%s: %s, %zu bytes", rows[i].fields, ota_err_name(r.err), r.len);
    }
    assert_true(r.fake.req[0].range_from == 4);
    assert_string_equal(r.fake.req[0].if_range, "\"x\"");
}

/* A part that the owner bounds: the beginning of the file, too; a server may bring less of it, or more. */
static void a_bounded_range(void **state)
{
    static const struct { uint64_t from, last; const char *head, *body; ota_err err; size_t len; } rows[] = {
        { 0, 3, "206 x\nContent-Range: bytes 0-3/10\nContent-Length: 4", "0123", OTA_DONE, 4 },
        { 4, 6, "206 x\nContent-Range: bytes 4-6/10", "456", OTA_DONE, 3 },
        { 4, 6, "206 x\nContent-Range: bytes 4-5/10", "45", OTA_DONE, 2 },
        { 4, 6, "206 x\nContent-Range: bytes 4-9/10", "456789", OTA_DONE, 6 },
        { 4, 6, "206 x\nContent-Range: bytes 4-6/10", "45", OTA_RETRY_TRUNCATED, 2 },
        { 4, 6, "206 x\nContent-Range: bytes 5-6/10", "56", OTA_RETRY_PROTOCOL, 0 },
        { 4, 6, "206 x\nContent-Range: bytes 4-6/11", "456", OTA_REJECT_LENGTH, 0 },
        { 0, 3, "200 x\nContent-Length: 10", "0123456789", OTA_DONE, 10 },
        { 4, 6, "200 x\nContent-Length: 10", "0123456789", OTA_DONE, 6 },
    };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char head[128] = "HTTP/1.1 ";
        const struct answer a = { .head = strcat(head, rows[i].head), .body = rows[i].body };
        const struct otai_fetch_job job = { JOB, .from = rows[i].from, .last = rows[i].last, .exact = 10 };
        if (go(&r, &a, &job) != rows[i].err || r.len != rows[i].len)
            fail_msg("row %zu: %s, %zu bytes", i, ota_err_name(r.err), r.len);
        assert_true(r.fake.req[0].range_from == rows[i].from && r.fake.req[0].range_to == rows[i].last);
    }
}

static void an_unasked_range_is_refused(void **state)
{
    const struct answer a = { .head = "HTTP/1.1 206 x\nContent-Range: bytes 0-3/4", .body = "0123" };
    const struct otai_fetch_job job = { JOB, .exact = 4 };
    struct run r;

    (void)state;
    assert_int_equal(go(&r, &a, &job), OTA_RETRY_PROTOCOL);
    assert_string_equal(r.f.fault.where, "http.content-range");
}

static void a_200_to_a_range_is_skipped_never_appended(void **state)
{
    static const char body[] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";
    const struct answer a = { .head = "HTTP/1.1 200 x\nContent-Length: 72", .body = body };
    const struct answer cut = { .head = "HTTP/1.1 200 x\nContent-Length: 72", .body = "0123", .end = OTA_RETRY_TRUNCATED };
    const struct answer small = { .head = "HTTP/1.1 200 x", .body = "0123" };
    struct run r;

    (void)state;
    for (uint64_t from = 1; from < 72; from++)
        for (size_t piece = 1; piece < 40; piece += 19) {
            const struct otai_fetch_job job = { JOB, .from = from, .exact = 72 };
            start(&r, &a, 1, &job);
            r.fake.piece = piece;
            assert_int_equal(finish(&r, 16), OTA_DONE);
            assert_int_equal(r.len, 72 - from);
            assert_memory_equal(r.out, body + from, r.len);
            assert_true(r.f.skip == from && r.f.skipped == from);
        }
    const struct otai_fetch_job job = { JOB, .from = 5, .exact = 72 };
    assert_int_equal(go(&r, &cut, &job), OTA_RETRY_TRUNCATED);
    assert_int_equal(r.len, 0);
    assert_int_equal(go(&r, &small, &job), OTA_RETRY_TRUNCATED);
    assert_int_equal(r.len, 0);
}

static void lengths(void **state)
{
    static const struct { const char *fields, *body; uint64_t exact, max; ota_err err; size_t len; } rows[] = {
        { "Content-Length: 5", "01234", 4, 0, OTA_REJECT_LENGTH, 0 },
        { "Content-Length: 3", "012", 4, 0, OTA_REJECT_LENGTH, 0 },
        { "Content-Length: 9223372036854775807", "0123", 4, 0, OTA_REJECT_LENGTH, 0 },
        { "Content-Length: 9223372036854775808", "0123", 4, 0, OTA_RETRY_PROTOCOL, 0 },
        { "Content-Length: 4294967300", "0123", 4, 0, OTA_REJECT_LENGTH, 0 },
        { "Content-Length: 4", "0123", 4, 0, OTA_DONE, 4 },
        { "Content-Length: 4", "012", 4, 0, OTA_RETRY_TRUNCATED, 3 },
        { "", "0123", 4, 0, OTA_DONE, 4 },
        { "", "01234", 4, 0, OTA_REJECT_LENGTH, 4 },     /* without a length: found at the byte too many */
        { "", "012", 4, 0, OTA_RETRY_TRUNCATED, 3 },
        { "Content-Length: 4", "0123", 0, 4, OTA_DONE, 4 },
        { "Content-Length: 0", "", 0, 4, OTA_DONE, 0 },
        { "Content-Length: 5", "01234", 0, 4, OTA_REJECT_LENGTH, 0 },
        { "Content-Length: 3", "0123", 0, 4, OTA_REJECT_LENGTH, 3 },
        { "", "01", 0, 4, OTA_DONE, 2 },
        { "", "01234", 0, 4, OTA_REJECT_LENGTH, 4 },
        { "", "", 0, 0, OTA_DONE, 0 },
        { "Content-Encoding: gzip", "0123", 4, 0, OTA_RETRY_PROTOCOL, 0 },
        { "Content-Length: 4\nContent-Length: 5", "0123", 4, 0, OTA_RETRY_PROTOCOL, 0 },
    };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char head[128] = "HTTP/1.1 200 x\n";
        const struct answer a = { .head = strcat(head, rows[i].fields), .body = rows[i].body };
        const struct otai_fetch_job job = { JOB, .exact = rows[i].exact, .max = rows[i].max };
        if (go(&r, &a, &job) != rows[i].err || r.len != rows[i].len)
            fail_msg("row %zu (%s): %s, %zu bytes", i, rows[i].fields, ota_err_name(r.err), r.len);
    }
}

static void ranges_at_the_ends_of_integers(void **state)
{
    static const uint64_t totals[] = { 1ull << 31, 1ull << 32, (1ull << 32) + 3, INT64_MAX };
    static const char *const heads[] = {
        "HTTP/1.1 206 x\nContent-Range: bytes 2147483645-2147483647/2147483648",
        "HTTP/1.1 206 x\nContent-Range: bytes 4294967293-4294967295/4294967296",
        "HTTP/1.1 206 x\nContent-Range: bytes 4294967296-4294967298/4294967299",
        "HTTP/1.1 206 x\nContent-Range: bytes 9223372036854775804-9223372036854775806/9223372036854775807",
    };
    struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT(totals); i++)
        for (size_t k = 0; k < COUNT(totals); k++) {
            const struct answer a = { .head = heads[i], .body = "xyz" };
            const struct otai_fetch_job job = { JOB, .from = totals[k] - 3, .exact = totals[k] };
            ota_err want = i == k ? OTA_DONE : OTA_RETRY_PROTOCOL;
            assert_int_equal(go(&r, &a, &job), want);
            assert_true(r.f.pos == totals[k] - (i == k ? 0 : 3));
        }
}

static void nothing_is_asked_for_when_nothing_is_missing(void **state)
{
    const struct otai_fetch_job job = { JOB, .from = 4, .exact = 4 };
    struct run r;
    char buf[8];
    size_t got;

    (void)state;
    start(&r, NULL, 0, &job);
    assert_int_equal(r.err, OTA_OK);
    assert_int_equal(otai_fetch_poll(&r.f, buf, 8, &got), OTA_DONE);
    assert_true(got == 0 && r.f.pos == 4);
    assert_int_equal(otai_fetch_poll(&r.f, buf, 8, &got), OTA_USAGE_STATE);
    assert_int_equal(otai_fetch_begin(&r.f, &job), OTA_OK);
    otai_fetch_end(&r.f);
    assert_int_equal(otai_fetch_poll(&r.f, buf, 8, &got), OTA_USAGE_STATE);
    assert_int_equal(r.fake.begins, 0);
}

static void a_first_byte_beyond_the_file_is_a_mistake_of_the_caller(void **state)
{
    const struct otai_fetch_job exact = { JOB, .from = 5, .exact = 4 }, max = { JOB, .from = 5, .max = 4 };
    struct run r;

    (void)state;
    assert_int_equal(go(&r, NULL, &exact), OTA_USAGE_ARGUMENT);
    assert_int_equal(go(&r, NULL, &max), OTA_USAGE_ARGUMENT);
    assert_string_equal(r.f.fault.where, "fetch.from");
    assert_int_equal(r.fake.begins, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_appended_only_when_it_is_the_right_one),
        cmocka_unit_test(a_bounded_range),
        cmocka_unit_test(an_unasked_range_is_refused),
        cmocka_unit_test(a_200_to_a_range_is_skipped_never_appended),
        cmocka_unit_test(lengths),
        cmocka_unit_test(ranges_at_the_ends_of_integers),
        cmocka_unit_test(nothing_is_asked_for_when_nothing_is_missing),
        cmocka_unit_test(a_first_byte_beyond_the_file_is_a_mistake_of_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
