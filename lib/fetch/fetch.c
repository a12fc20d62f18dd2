/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange. The port moves bytes; everything that needs judgement is here: what a status means, whether a
 * range is the one that was asked for, how many bytes a file may have, how long to wait.
 */
#include <string.h>

#include "bytes.h"
#include "fetch.h"

/* Reads of dropped bytes in one poll: bounds a step without a wait after each. */
#define SKIP_READS 16

static uint64_t now_ms(const struct otai_fetch *f)
{
    return f->clock->ops->monotonic_ms(f->clock);
}

static const char *or_null(const char *s)
{
    return s && s[0] ? s : NULL;
}

void otai_fetch_end(struct otai_fetch *f)
{
    if (f->open)
        f->net->ops->end(f->net);
    f->open = f->whole = false;
}

/* The exchange is over: with a failure, or with an outcome (where is NULL then). */
static ota_err over(struct otai_fetch *f, ota_err err, const char *where, int32_t code)
{
    otai_fetch_end(f);
    return where ? ota_fault_set(&f->fault, err, where, code) : err;
}

void otai_fetch_init(struct otai_fetch *f, struct ota_net *net, struct ota_clock *clock, const struct otai_fetch_limits *limits)
{
    memset(f, 0, sizeof *f);
    f->net = net;
    f->clock = clock;
    f->limits = *limits;
    f->retry_after_s = -1;
}

/* A port that fails with a code that is no failure has failed nevertheless. */
static ota_err port_failed(struct otai_fetch *f, ota_err err, const char *where, int32_t code)
{
    return over(f, ota_err_class(err) == OTA_CLASS_OUTCOME ? OTA_RETRY_PROTOCOL : err, where, code);
}

/* Send f->req to f->url. */
static ota_err send(struct otai_fetch *f)
{
    ota_net_head_reset(&f->head);
    f->have_head = false;
    f->began_ms = now_ms(f);
    ota_err err = f->net->ops->begin(f->net, &f->req);
    f->open = err == OTA_OK;
    return f->open ? OTA_OK : port_failed(f, err, "net.begin", 0);
}

static uint64_t file_max(const struct otai_fetch *f)
{
    return f->job.exact ? f->job.exact : f->job.max;
}

static bool make_url(struct otai_fetch *f)
{
    struct otai_text t;

    otai_text_init(&t, f->url, sizeof f->url);
    otai_text_add(&t, f->job.base);
    otai_text_add(&t, f->job.file);
    return !t.full && otai_url_allowed(f->url, f->limits.plain_http);
}

ota_err otai_fetch_begin(struct otai_fetch *f, const struct otai_fetch_job *job)
{
    otai_fetch_end(f);
    f->job = *job;
    f->hops = 0;
    f->skip = f->skipped = f->seen = 0;
    f->pos = job->from;
    f->retry_after_s = -1;
    memset(&f->fault, 0, sizeof f->fault);
    if (!make_url(f))
        return ota_fault_set(&f->fault, OTA_USAGE_CONFIG, "url", 0);
    if (job->from > file_max(f))
        return ota_fault_set(&f->fault, OTA_USAGE_ARGUMENT, "fetch.from", 0);
    f->whole = job->exact && job->from == job->exact;
    if (f->whole)
        return OTA_OK;
    f->req = (struct ota_net_request){
        .method = job->method, .url = f->url, .range_from = job->from,
        .range_to = job->last, .if_range = job->from ? or_null(job->if_range) : NULL, .if_none_match = or_null(job->if_none_match),
        .extra = job->extra, .body = job->body, .body_len = job->body_len, .connect_ms = f->limits.connect_ms,
    };
    return send(f);
}

/* Retry-After as seconds from now. A date is compared with the server's own clock, which cannot be wrong by itself. */
static int64_t retry_after(const struct otai_fetch *f)
{
    const struct ota_net_head *h = &f->head;
    int64_t now = h->date_s;

    if (h->retry_at_s == 0)
        return h->retry_after_s;
    if (now == 0 && f->clock->ops->utc_s(f->clock, &now) != OTA_OK)
        return -1;
    return h->retry_at_s > now ? h->retry_at_s - now : 0;
}

static ota_err status_class(uint16_t status)
{
    if (status == 404 || status == 410)
        return OTA_RETRY_NOT_FOUND;
    if (status == 429 || status == 503)
        return OTA_RETRY_BUSY;
    if (status >= 400 && status <= 499)
        return OTA_RETRY_REFUSED;
    return status >= 500 && status <= 599 ? OTA_RETRY_SERVER : OTA_RETRY_PROTOCOL;
}

static bool is_redirect(uint16_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static ota_err redirect(struct otai_fetch *f)
{
    if (f->job.method != OTA_NET_GET || f->hops >= f->limits.redirects)
        return over(f, OTA_RETRY_REDIRECT, "http.redirects", f->head.status);
    f->req.other_origin |= otai_url_leaves(f->url, f->head.location);
    if (otai_url_redirect(f->url, f->head.location, f->url, sizeof f->url) != OTA_OK)
        return over(f, OTA_RETRY_REDIRECT, "http.location", f->head.status);
    if (f->req.other_origin)
        f->req.extra = NULL; /* facts about the device are for the server that its owner chose */
    f->hops++;
    otai_fetch_end(f);
    ota_err err = send(f);
    return err == OTA_OK ? OTA_AGAIN : err;
}

/* Is a whole file of this many bytes the one we want? */
static bool size_fits(const struct otai_fetch *f, uint64_t size)
{
    return f->job.exact ? size == f->job.exact : size <= f->job.max;
}

/* 200: the whole file, also in answer to a range (RFC 9110 section 14.2). */
static ota_err take_whole(struct otai_fetch *f)
{
    f->end = f->head.has_length ? f->head.length : file_max(f);
    if (f->head.has_length && !size_fits(f, f->end))
        return over(f, OTA_REJECT_LENGTH, "http.content-length", 0);
    f->skip = f->job.from;
    return OTA_OK;
}

/* 206: exactly the range that was asked for, or its beginning (RFC 9110 section 15.3.7). */
static ota_err take_part(struct otai_fetch *f)
{
    const struct ota_net_head *h = &f->head;

    f->end = h->range_to + 1;
    if ((f->pos == 0 && !f->job.last) || !h->has_range || h->range_from != f->pos || (h->has_length && h->length != f->end - f->pos))
        return over(f, OTA_RETRY_PROTOCOL, "http.content-range", 0);
    if ((h->range_total && !size_fits(f, h->range_total)) || f->end > file_max(f))
        return over(f, OTA_REJECT_LENGTH, "http.content-range", 0);
    return OTA_OK;
}

/* OTA_OK: a body follows. Anything else ends the poll; only a redirect keeps the exchange open. */
static ota_err judge_head(struct otai_fetch *f)
{
    const struct ota_net_head *h = &f->head;

    if (h->malformed)
        return over(f, OTA_RETRY_PROTOCOL, "http.head", h->status);
    if (h->status == 304 && f->req.if_none_match)
        return over(f, OTA_SAME, NULL, 0);
    if (is_redirect(h->status))
        return redirect(f);
    if (f->job.method != OTA_NET_GET && h->status >= 200 && h->status <= 299)
        return over(f, OTA_DONE, NULL, 0);
    if (h->status != 200 && h->status != 206) {
        f->retry_after_s = retry_after(f);
        return over(f, status_class(h->status), "http.status", h->status);
    }
    if (h->encoded)
        return over(f, OTA_RETRY_PROTOCOL, "http.content-encoding", 0);
    return h->status == 200 ? take_whole(f) : take_part(f);
}

/* OTA_OK once the head is there and promises a body that we want. */
static ota_err poll_head(struct otai_fetch *f)
{
    int32_t code = 0;
    ota_err err = f->net->ops->head(f->net, &f->head, &code);

    if (err == OTA_AGAIN)
        return now_ms(f) - f->began_ms < f->limits.head_ms ? OTA_AGAIN : over(f, OTA_RETRY_TIMEOUT, "http.head", 0);
    if (err != OTA_OK)
        return port_failed(f, err, "net.head", code);
    err = judge_head(f);
    f->have_head = err == OTA_OK;
    f->mark_ms = now_ms(f);
    f->mark_bytes = f->seen;
    return err;
}

static ota_err body_done(struct otai_fetch *f)
{
    bool sized = f->job.exact || f->head.status == 206 || f->head.has_length;
    uint64_t end = f->job.exact && !f->job.last ? f->job.exact : f->end;
    /* A shorter range than asked for is legal and leaves a rest; an answer without a length may have been cut. */
    bool whole = f->skipped == f->skip && (!sized || f->pos == end);

    return whole ? over(f, OTA_DONE, NULL, 0) : over(f, OTA_RETRY_TRUNCATED, "http.body", 0);
}

/* A window of low_speed_s seconds must bring low_speed_bps bytes for each of them. */
static bool too_slow(struct otai_fetch *f)
{
    uint64_t now = now_ms(f), window = (uint64_t)f->limits.low_speed_s * 1000;

    if (now - f->mark_ms < window)
        return false;
    if (f->seen - f->mark_bytes < (uint64_t)f->limits.low_speed_bps * f->limits.low_speed_s)
        return true;
    f->mark_ms = now;
    f->mark_bytes = f->seen;
    return false;
}

/* One read of the port. OTA_OK: *got bytes, of which none lies beyond the end that we know. */
static ota_err read_port(struct otai_fetch *f, void *buf, size_t cap, size_t *got)
{
    uint64_t room = f->skip - f->skipped;
    int32_t code = 0;

    if (room == 0)
        room = f->end - f->pos;
    /* At the end one more byte is asked for: if it exists, the file is too long. */
    ota_err err = f->net->ops->read(f->net, buf, room == 0 ? 1 : room < cap ? (size_t)room : cap, got, &code);
    if (err == OTA_DONE)
        return body_done(f);
    if (err != OTA_OK && err != OTA_AGAIN)
        return port_failed(f, err, "net.read", code);
    if (err == OTA_AGAIN || *got == 0)
        return too_slow(f) ? over(f, OTA_RETRY_SLOW, "http.body", 0) : OTA_AGAIN;
    if (room == 0)
        return over(f, f->head.status == 206 ? OTA_RETRY_PROTOCOL : OTA_REJECT_LENGTH, "http.body", 0);
    f->seen += *got;
    return OTA_OK;
}

ota_err otai_fetch_poll(struct otai_fetch *f, void *buf, size_t cap, size_t *got)
{
    ota_err err;

    *got = 0;
    if (f->whole) {
        f->whole = false;
        return OTA_DONE;
    }
    if (!f->open || cap == 0)
        return ota_fault_set(&f->fault, OTA_USAGE_STATE, "fetch", 0);
    if (!f->have_head && (err = poll_head(f)) != OTA_OK)
        return err;
    for (int i = 0; i < SKIP_READS; i++) {
        bool dropping = f->skipped < f->skip;

        err = read_port(f, buf, cap, got);
        if (err != OTA_OK || !dropping) {
            *got = err == OTA_OK ? *got : 0;
            f->pos += *got;
            return err;
        }
        f->skipped += *got;
    }
    *got = 0;
    return OTA_AGAIN;
}
