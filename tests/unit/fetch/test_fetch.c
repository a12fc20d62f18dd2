/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges against a scripted network port and a clock that moves when it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fetch.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One answer. */
struct answer {
    const char *head;          /* lines separated by "\n"; NULL = never comes */
    const char *body;
    ota_err end;               /* what read gives after the body: OTA_OK stands for OTA_DONE */
    ota_err begin, head_err;   /* failures of those operations */
};

struct fake {
    struct ota_net net;
    struct ota_clock clock;
    const struct answer *answer;
    size_t answers, at, off;
    size_t piece;              /* most bytes of one read; 0 = no limit */
    unsigned begins, ends, read_calls, stutter;
    bool open;
    uint64_t now_ms, tick_ms;  /* time passes at each look at the clock */
    int64_t utc_s;
    char urls[4][OTA_URL_MAX];
    struct ota_net_request req[4];
};

static struct fake *of(struct ota_net *net)
{
    return (struct fake *)(void *)net;
}

static ota_err fake_begin(struct ota_net *net, const struct ota_net_request *req)
{
    struct fake *f = of(net);

    assert_false(f->open);
    assert_true(f->begins < f->answers);
    f->req[f->begins] = *req;
    strcpy(f->urls[f->begins], req->url);
    f->at = f->begins++;
    f->off = 0;
    f->open = f->answer[f->at].begin == OTA_OK;
    return f->answer[f->at].begin;
}

static ota_err fake_head(struct ota_net *net, struct ota_net_head *h, int32_t *code)
{
    struct fake *f = of(net);
    const char *p = f->answer[f->at].head;

    assert_true(f->open);
    if (f->answer[f->at].head_err != OTA_OK) {
        *code = 77;
        return f->answer[f->at].head_err;
    }
    if (!p || f->stutter++ % 2 == 0)
        return OTA_AGAIN;
    ota_net_head_reset(h);
    while (*p) {
        size_t len = strcspn(p, "\n");
        len += p[len] == '\n';
        assert_true(ota_net_head_line(h, p, len));
        p += len;
    }
    return OTA_OK;
}

static ota_err fake_read(struct ota_net *net, void *buf, size_t len, size_t *got, int32_t *code)
{
    struct fake *f = of(net);
    const struct answer *a = &f->answer[f->at];
    size_t left = strlen(a->body) - f->off;

    assert_true(f->open && len > 0);
    *got = 0;
    if (f->read_calls++ % 2 == 0)
        return OTA_AGAIN;
    if (left == 0) {
        *code = 88;
        return a->end == OTA_OK ? OTA_DONE : a->end;
    }
    *got = left < len ? left : len;
    if (f->piece && *got > f->piece)
        *got = f->piece;
    memcpy(buf, a->body + f->off, *got);
    f->off += *got;
    return OTA_OK;
}

static void fake_end(struct ota_net *net)
{
    of(net)->ends++;
    of(net)->open = false;
}

static uint64_t fake_ms(struct ota_clock *c)
{
    struct fake *f = (struct fake *)(void *)((char *)c - offsetof(struct fake, clock));

    return f->now_ms += f->tick_ms;
}

static ota_err fake_utc(struct ota_clock *c, int64_t *out)
{
    struct fake *f = (struct fake *)(void *)((char *)c - offsetof(struct fake, clock));

    *out = f->utc_s;
    return f->utc_s ? OTA_OK : OTA_RETRY_CLOCK;
}

static const struct ota_net_ops net_ops = { .begin = fake_begin, .head = fake_head, .read = fake_read, .end = fake_end };
static const struct ota_clock_ops clock_ops = { .monotonic_ms = fake_ms, .utc_s = fake_utc };
static const struct otai_fetch_limits limits = {
    .connect_ms = 1000, .head_ms = 5000, .low_speed_bps = 10, .low_speed_s = 2, .redirects = 2, .plain_http = true,
};

struct run {
    struct fake fake;
    struct otai_fetch f;
    char out[256];
    size_t len;
    ota_err err;
};

static void start(struct run *r, const struct answer *answers, size_t count, const struct otai_fetch_job *job)
{
    memset(r, 0, sizeof *r);
    r->fake.net.ops = &net_ops;
    r->fake.clock.ops = &clock_ops;
    r->fake.answer = answers;
    r->fake.answers = count;
    r->fake.tick_ms = 1;
    otai_fetch_init(&r->f, &r->fake.net, &r->fake.clock, &limits);
    r->err = otai_fetch_begin(&r->f, job);
}

/* Poll to the end; every byte delivered must be announced by pos. */
static ota_err finish(struct run *r, size_t cap)
{
    char buf[64];

    assert_true(cap <= sizeof buf);
    for (int i = 0; i < 100000; i++) {
        size_t got = 99;
        uint64_t pos = r->f.pos;
        r->err = otai_fetch_poll(&r->f, buf, cap, &got);
        if (r->err == OTA_OK) {
            assert_true(got > 0 && got <= cap && r->len + got < sizeof r->out);
            memcpy(r->out + r->len, buf, got);
            r->len += got;
            assert_true(r->f.pos == pos + got);
            continue;
        }
        assert_int_equal(got, 0);
        if (r->err != OTA_AGAIN) {
            assert_false(r->fake.open);
            assert_int_equal(r->fake.begins, r->fake.ends + (r->fake.answer[r->fake.at].begin != OTA_OK));
            return r->err;
        }
    }
    fail_msg("never ended");
    return OTA_AGAIN;
}

static ota_err go(struct run *r, const struct answer *answer, const struct otai_fetch_job *job)
{
    start(r, answer, 1, job);
    return r->err == OTA_OK ? finish(r, 64) : r->err;
}

#define JOB .base = "http://host/dir/", .file = "file"

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
        cmocka_unit_test(a_range_is_appended_only_when_it_is_the_right_one),
        cmocka_unit_test(an_unasked_range_is_refused),
        cmocka_unit_test(a_200_to_a_range_is_skipped_never_appended),
        cmocka_unit_test(lengths),
        cmocka_unit_test(ranges_at_the_ends_of_integers),
        cmocka_unit_test(nothing_is_asked_for_when_nothing_is_missing),
        cmocka_unit_test(a_first_byte_beyond_the_file_is_a_mistake_of_the_caller),
        cmocka_unit_test(redirects_are_followed),
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
