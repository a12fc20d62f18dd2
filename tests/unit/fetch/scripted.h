/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted network port, a clock that moves when it is told to, and a whole exchange against them. */
#ifndef SCRIPTED_H
#define SCRIPTED_H

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

#endif
