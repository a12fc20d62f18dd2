/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the server and the server: static files with HTTP's rules for conditional and range requests, a place for
 * reports, and everything that can go wrong there. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "sim.h"
#include "sim_must.h"

#define PORT_CODE 7

void sim_net_fault(struct sim *dev, struct sim_fault fault)
{
    struct sim_net *n = &dev->net;

    for (size_t i = 0; i < SIM_FAULTS_MAX; i++) {
        if (n->fault[i].kind)
            continue;
        n->fault[i] = fault;
        n->fault[i].seen = 0;
        return;
    }
    FAIL_SIM("room for a fault");
}

void sim_net_heal(struct sim *dev)
{
    memset(dev->net.fault, 0, sizeof dev->net.fault);
    dev->net.down = false;
}

/* Is this request one that goes wrong? Every fault that matches counts it. */
static const struct sim_fault *due(struct sim_net *n, const char *url)
{
    const struct sim_fault *bad = NULL;

    for (size_t i = 0; i < SIM_FAULTS_MAX; i++) {
        struct sim_fault *f = &n->fault[i];

        if (!f->kind || !strstr(url, f->match))
            continue;
        f->seen++;
        if (f->seen > f->skip && (f->times == 0 || f->seen <= f->skip + f->times))
            bad = f;
    }
    return bad;
}

static bool is(const struct sim_net *n, enum sim_net_fault kind)
{
    return n->bad && n->bad->kind == kind;
}

static size_t len_or_0(const char *s)
{
    return s ? strlen(s) : 0;
}

/* Bytes of the request as HTTP/1.1 would put it. */
static size_t request_len(const struct ota_net_request *req)
{
    size_t n = strlen("GET  HTTP/1.1\r\nHost: \r\n\r\n") + strlen(req->url) + req->body_len;

    if (req->range_from)
        n += strlen("Range: bytes=18446744073709551615-\r\n");
    if (req->range_to)
        n += strlen("18446744073709551615");
    if (req->if_range)
        n += strlen("If-Range: \r\n") + strlen(req->if_range);
    if (req->if_none_match)
        n += strlen("If-None-Match: \r\n") + strlen(req->if_none_match);
    return n + len_or_0(req->extra) + (req->extra ? 2 : 0);
}

static ota_err net_ready(struct ota_net *port)
{
    return ((struct sim_net *)port)->down ? OTA_RETRY_NETWORK : OTA_OK;
}

static ota_err net_begin(struct ota_net *port, const struct ota_net_request *req)
{
    struct sim_net *n = (struct sim_net *)port;

    if (n->open)
        sim_break(n->dev, "one exchange at a time");
    if (n->dev->off || n->down)
        return OTA_RETRY_NETWORK;
    n->open = true;
    n->answered = false;
    n->req = *req;
    n->bad = due(n, req->url);
    n->reads = 0;
    n->file = NULL;
    n->at = n->end = 0;
    n->requests++;
    n->conditional += req->if_none_match != NULL;
    n->sent += request_len(req);
    return OTA_OK;
}

/* ---- answers ---- */

static void say(struct sim_net *n, struct ota_net_head *h, const char *line)
{
    n->received += strlen(line) + 2;
    MUST(ota_net_head_line(h, line, strlen(line)));
}

static void say_status(struct sim_net *n, struct ota_net_head *h, unsigned status)
{
    char line[64];

    (void)snprintf(line, sizeof line, "HTTP/1.1 %u Said", status);
    say(n, h, line);
    say(n, h, "Server: sim");
}

static ota_err say_empty(struct sim_net *n, struct ota_net_head *h, unsigned status, const char *field)
{
    say_status(n, h, status);
    if (field)
        say(n, h, field);
    if (status != 204 && status != 304)
        say(n, h, "Content-Length: 0");
    say(n, h, "");
    return OTA_OK;
}

/* The length that the server pretends. */
static uint64_t pretended(const struct sim_net *n)
{
    uint64_t len = n->file->len;

    if (is(n, SIM_NET_LONGER) || is(n, SIM_NET_LONGER_UNSAID))
        return len + (uint64_t)n->bad->arg;
    if (is(n, SIM_NET_SHORTER) || is(n, SIM_NET_SHORTER_UNSAID))
        return len - (uint64_t)n->bad->arg;
    return len;
}

static bool wants_range(const struct sim_net *n, const char *etag)
{
    if ((n->req.range_from == 0 && n->req.range_to == 0) || is(n, SIM_NET_WHOLE))
        return false;
    return !n->req.if_range || strcmp(n->req.if_range, etag) == 0;
}

static void say_etag(struct sim_net *n, struct ota_net_head *h, const char *etag)
{
    char line[64];

    (void)snprintf(line, sizeof line, "ETag: %s", etag);
    say(n, h, line);
}

static ota_err say_whole(struct sim_net *n, struct ota_net_head *h, const char *etag, uint64_t len)
{
    char line[64];

    n->at = 0;
    n->end = len;
    say_status(n, h, 200);
    say_etag(n, h, etag);
    (void)snprintf(line, sizeof line, "Content-Length: %" PRIu64, len);
    if (!is(n, SIM_NET_LONGER_UNSAID) && !is(n, SIM_NET_SHORTER_UNSAID))
        say(n, h, line);
    say(n, h, "");
    return OTA_OK;
}

static ota_err say_part(struct sim_net *n, struct ota_net_head *h, const char *etag, uint64_t len)
{
    uint64_t from = n->req.range_from, off = is(n, SIM_NET_RANGE_OFF) ? 1 : 0;
    uint64_t end = n->req.range_to && n->req.range_to < len && !is(n, SIM_NET_RANGE_OPEN) ? n->req.range_to + 1u : len;
    char line[96];

    if (from >= len)
        return say_empty(n, h, 416, NULL);
    n->at = from;
    n->end = is(n, SIM_NET_RANGE_SHORT) && end - from > 100 ? from + 100 : end;
    end = n->end;
    n->ranges++;
    say_status(n, h, 206);
    say_etag(n, h, etag);
    (void)snprintf(line, sizeof line, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from + off, end - 1,
                   len + (is(n, SIM_NET_RANGE_TOTAL) ? 1 : 0));
    say(n, h, line);
    (void)snprintf(line, sizeof line, "Content-Length: %" PRIu64, end - from - off);
    say(n, h, line);
    say(n, h, "");
    return OTA_OK;
}

static ota_err answer_get(struct sim_net *n, struct ota_net_head *h)
{
    n->file = sim_web_get(sim_site(n->dev), n->req.url);
    if (!n->file)
        return say_empty(n, h, 404, NULL);
    const char *etag = is(n, SIM_NET_NEW_ETAG) ? "\"another\"" : n->file->etag;
    if (n->req.if_none_match && strcmp(n->req.if_none_match, etag) == 0)
        return say_empty(n, h, 304, NULL);
    uint64_t len = pretended(n);
    return wants_range(n, etag) ? say_part(n, h, etag, len) : say_whole(n, h, etag, len);
}

/* ---- reports ---- */

static struct sim_report *report_of(struct sim *dev, uint32_t id)
{
    for (size_t i = 0; i < dev->report_count; i++)
        if (dev->report[i].id == id)
            return &dev->report[i];
    MUST(dev->report_count < SIM_REPORTS_MAX);
    struct sim_report *r = &dev->report[dev->report_count++];
    *r = (struct sim_report){ .id = id };
    return r;
}

/* All that a report says before the time at which it was made. */
static size_t substance(const char *body, size_t len)
{
    const char *time = strstr(body, "\"time\":");

    return time ? (size_t)(time - body) : len;
}

static void take_report(struct sim_net *n)
{
    struct sim *dev = n->dev;
    const char *name = strrchr(n->req.url, '/');
    const char *id = strrchr(name, '-'); /* "<boot>-<id>.json" */
    struct sim_report *r = report_of(dev, (uint32_t)strtoul(id ? id + 1 : name + 1, NULL, 10));

    MUST(n->req.body_len < sizeof r->body);
    if (r->puts && strncmp(r->body, n->req.body, substance(r->body, r->len)) != 0)
        sim_break(dev, "one report id has one content");
    r->puts++;
    r->len = n->req.body_len;
    memcpy(r->body, n->req.body, r->len);
    r->body[r->len] = '\0';
    if (sim_report_has(r, "outcome", "\"confirmed\"") && dev->boot.record.state != OTA_BOOT_TRIAL_NONE)
        sim_break(dev, "success is reported after it is confirmed");
}

static ota_err answer_put(struct sim_net *n, struct ota_net_head *h, int32_t *code)
{
    take_report(n);
    if (!is(n, SIM_NET_NO_ACK))
        return say_empty(n, h, 204, NULL);
    *code = PORT_CODE;
    return OTA_RETRY_NETWORK;
}

static ota_err answer_badly(struct sim_net *n, struct ota_net_head *h)
{
    char line[SIM_URL_MAX];

    switch (n->bad->kind) {
    case SIM_NET_STATUS:
        return say_empty(n, h, (unsigned)n->bad->arg, NULL);
    case SIM_NET_BUSY:
        (void)snprintf(line, sizeof line, "Retry-After: %" PRId64, n->bad->arg);
        return say_empty(n, h, 429, line);
    case SIM_NET_REDIRECT:
        (void)snprintf(line, sizeof line, "Location: %s", n->bad->text);
        return say_empty(n, h, 302, line);
    case SIM_NET_UNREACHABLE:
        return OTA_RETRY_NETWORK;
    default:
        return OTA_DONE;
    }
}

static ota_err net_head(struct ota_net *port, struct ota_net_head *h, int32_t *code)
{
    struct sim_net *n = (struct sim_net *)port;

    *code = PORT_CODE;
    if (n->dev->off || n->down)
        return OTA_RETRY_NETWORK;
    if (is(n, SIM_NET_STALL))
        return OTA_AGAIN;
    ota_net_head_reset(h);
    if (n->bad) {
        ota_err err = answer_badly(n, h);

        if (err != OTA_DONE)
            return err;
    }
    return n->req.method == OTA_NET_PUT ? answer_put(n, h, code) : answer_get(n, h);
}

static uint8_t byte_at(const struct sim_net *n, uint64_t at)
{
    uint8_t b = at < n->file->len ? n->file->data[at] : (uint8_t)'x';

    return is(n, SIM_NET_FLIP) && at == (uint64_t)n->bad->arg ? b ^ 1u : b;
}

static void give(struct sim_net *n, uint8_t *out, size_t len)
{
    if (n->bad) {
        for (size_t i = 0; i < len; i++)
            out[i] = byte_at(n, n->at + i);
    } else {
        memcpy(out, n->file->data + n->at, len);
    }
    n->at += len;
    n->received += len;
    if (strstr(n->req.url, "/targets/os/img/") || strstr(n->req.url, "/targets/app/")) {
        n->image_bytes += len;
        n->image_reads++;
    }
}

static ota_err net_read(struct ota_net *port, void *buf, size_t len, size_t *got, int32_t *code)
{
    struct sim_net *n = (struct sim_net *)port;
    uint64_t left = n->end - n->at;

    *got = 0;
    *code = PORT_CODE;
    if (n->dev->off || n->down)
        return OTA_RETRY_NETWORK;
    n->reads++;
    if (is(n, SIM_NET_DROP) && n->reads == (uint32_t)n->bad->arg)
        return OTA_RETRY_TRUNCATED;
    if (left == 0)
        return OTA_DONE;
    size_t take = len < n->chunk ? len : n->chunk;
    *got = left < take ? (size_t)left : take;
    give(n, buf, *got);
    return OTA_OK;
}

static void net_end(struct ota_net *port)
{
    ((struct sim_net *)port)->open = false;
}

static void net_wait(struct ota_net *port, uint32_t ms)
{
    ((struct sim_net *)port)->dev->clock.ms += ms;
}

static const struct ota_net_ops ops = { net_ready, net_begin, net_head, net_read, net_end, net_wait };

void sim_net_open(struct sim *dev)
{
    dev->net.port.ops = &ops;
    dev->net.dev = dev;
    dev->net.chunk = 700;
}
