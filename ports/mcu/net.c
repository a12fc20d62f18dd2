/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP through a relay at the other end of a serial line. The device asks and the relay answers: one frame each, and a
 * frame that is not answered is sent again. Everything that is asked names an offset, so that doing it twice is doing it
 * once:
 *     H                 greet: the answer brings a number to count exchanges from, the time, and random bytes
 *     P number off data a piece of the request
 *     Q number off data its last piece: begin
 *     R number off      the answer from there on: status, header lines, and the body, in one stream
 * Answers have the kind in lower case, the same number and the same offset; 'x' says that the relay knows no such exchange. */
#include <string.h>

#include "net_frame.h"

#define RETRY_MS 400u
#define TRIES 12u
#define PAUSE_MS 10u
#define GREETING_LEN (4u + 8u + OTA_MCU_SEED_LEN)
#define TURN_LOWER 0x20u

enum phase { CLOSED, REQUEST, ANSWER };

static struct ota_mcu_net *self(struct ota_net *n)
{
    return (struct ota_mcu_net *)n;
}

static uint64_t now(const struct ota_mcu_net *n)
{
    return n->clock->now_ms();
}

static void finish(struct ota_mcu_net *n, ota_err end, int32_t code)
{
    n->waiting = false;
    n->end = end;
    n->end_code = code;
}

/* ---- ask ---- */

static size_t copy_request(const struct ota_mcu_net *n, size_t at, uint8_t *out, size_t cap)
{
    size_t done = 0;

    for (size_t i = 0; i < n->parts && done < cap; i++) {
        const struct ota_mcu_part *part = &n->part[i];
        size_t take;

        if (at >= part->len) {
            at -= part->len;
            continue;
        }
        take = part->len - at < cap - done ? part->len - at : cap - done;
        memcpy(out + done, part->p + at, take);
        done += take;
        at = 0;
    }
    return done;
}

static uint32_t read_offset(const struct ota_mcu_net *n)
{
    return n->at + (uint32_t)n->data_len;
}

/* The frame that the phase asks for; the same again as long as it is not answered. */
static void ask(struct ota_mcu_net *n)
{
    struct otaf_frame f = { .number = n->number, .data = n->data };

    if (n->base == 0) {
        f.kind = 'H';
        f.number = 0;
    } else if (n->phase == REQUEST) {
        f.len = copy_request(n, n->request_at, n->data, sizeof n->data);
        f.kind = n->request_at + f.len == n->request_len ? 'Q' : 'P';
        f.offset = (uint32_t)n->request_at;
    } else {
        f.kind = 'R';
        f.offset = read_offset(n);
    }
    n->sent++;
    n->again += n->attempt > 0;
    n->attempt++;
    n->waiting = true;
    n->sent_ms = now(n);
    otaf_frame_send(n->pipe, &f);
}

static bool wants(const struct ota_mcu_net *n)
{
    if (n->waiting)
        return now(n) - n->sent_ms >= n->retry_ms;
    if (n->base == 0)
        return true;
    if (n->phase == CLOSED || n->end != OTA_AGAIN || now(n) < n->pause_until_ms)
        return false;
    return n->phase != ANSWER || n->data_at == n->data_len;
}

/* ---- be answered ---- */

static void take_greeting(struct ota_mcu_net *n, const struct otaf_frame *f)
{
    if (f->len != GREETING_LEN || otaf_get_le(f->data, 4) == 0)
        return;
    n->base = n->number = otaf_get_le(f->data, 4);
    ota_mcu_clock_set(n->clock, (int64_t)((uint64_t)otaf_get_le(f->data + 8, 4) << 32 | otaf_get_le(f->data + 4, 4)));
    memcpy(n->seed, f->data + 12, sizeof n->seed);
    n->waiting = false;
    n->attempt = 0;
}

static void take_bytes(struct ota_mcu_net *n, const struct otaf_frame *f)
{
    n->at = f->offset;
    n->data_at = 0;
    n->data_len = f->len - 1u;
    memcpy(n->data, f->data + 1, n->data_len);
}

/* The first byte says what the others are: D data, L the last data, W nothing yet, E the end, T an early end, N no server. */
static void take_answer(struct ota_mcu_net *n, const struct otaf_frame *f)
{
    char what = f->len > 0 ? (char)f->data[0] : 'N';

    n->waiting = false;
    n->attempt = 0;
    if ((what == 'D' || what == 'L') && f->len > 1 && f->len - 1u <= sizeof n->data) {
        take_bytes(n, f);
        if (what == 'L')
            finish(n, OTA_DONE, 0);
    } else if (what == 'W') {
        n->pause_until_ms = now(n) + PAUSE_MS;
    } else if (what == 'E') {
        finish(n, OTA_DONE, 0);
    } else if (what == 'T') {
        finish(n, OTA_RETRY_TRUNCATED, OTA_MCU_SERVER);
    } else {
        finish(n, OTA_RETRY_NETWORK, OTA_MCU_SERVER);
    }
}

static void go_on(struct ota_mcu_net *n)
{
    size_t left = n->request_len - n->request_at;

    n->waiting = false;
    n->attempt = 0;
    n->request_at += left < sizeof n->data ? left : sizeof n->data;
    if (n->request_at < n->request_len)
        return;
    n->phase = ANSWER;
    n->at = 0;
    n->data_at = n->data_len = 0;
}

static bool is_last_piece(const struct ota_mcu_net *n)
{
    return n->request_len - n->request_at <= sizeof n->data;
}

/* Anything that was not asked for just now is an old answer that comes twice. */
static void take_frame(struct ota_mcu_net *n, const struct otaf_frame *f)
{
    if (!n->waiting)
        return;
    if (n->base == 0) {
        if (f->kind == 'h')
            take_greeting(n, f);
        return;
    }
    if (n->phase == CLOSED || f->number != n->number)
        return;
    if (f->kind == 'x')
        finish(n, OTA_RETRY_NETWORK, OTA_MCU_LOST);
    else if (n->phase == ANSWER && f->kind == 'r' && f->offset == read_offset(n))
        take_answer(n, f);
    else if (n->phase == REQUEST && f->kind == (is_last_piece(n) ? 'q' : 'p') && f->offset == n->request_at)
        go_on(n);
}

static void pump(struct ota_mcu_net *n)
{
    uint8_t bytes[64];
    size_t got;

    while ((got = n->pipe->ops->read(n->pipe, bytes, sizeof bytes)) > 0)
        for (size_t i = 0; i < got; i++) {
            struct otaf_frame f;

            if (otaf_frame_take(n, bytes[i], &f))
                take_frame(n, &f);
        }
    if (!wants(n))
        return;
    if (n->attempt >= n->tries && n->base != 0)
        finish(n, OTA_RETRY_NETWORK, OTA_MCU_SILENT);
    else
        ask(n);
}

/* ---- begin ---- */

static bool add(struct ota_mcu_net *n, const char *text, size_t len)
{
    if (n->parts == sizeof n->part / sizeof n->part[0])
        return false;
    n->part[n->parts++] = (struct ota_mcu_part){ text, len };
    n->request_len += len;
    return true;
}

static bool add_text(struct ota_mcu_net *n, const char *text)
{
    return add(n, text, strlen(text));
}

static bool add_field(struct ota_mcu_net *n, const char *name, const char *value)
{
    return !value || (add_text(n, name) && add_text(n, value) && add_text(n, "\n"));
}

/* "before", digits, "after" into out, which has room for them. */
static void write_number(char *out, const char *before, uint64_t v, const char *after)
{
    char digits[20];
    size_t at = sizeof digits, len = strlen(before);

    do {
        digits[--at] = (char)('0' + v % 10u);
        v /= 10u;
    } while (v > 0);
    memcpy(out, before, len);
    memcpy(out + len, digits + at, sizeof digits - at);
    memcpy(out + len + sizeof digits - at, after, strlen(after) + 1u);
}

static bool url_ok(const char *url)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return false;
    for (; *url; url++)
        if (*url <= ' ' || *url > '~')
            return false;
    return true;
}

static bool write_request(struct ota_mcu_net *n, const struct ota_net_request *req)
{
    bool put = req->method == OTA_NET_PUT;

    if (req->method == OTA_NET_POST)
        return false;
    n->parts = n->request_len = n->request_at = 0;
    write_number(n->connect, " ", req->connect_ms, "\n");
    write_number(n->range, "Range: bytes=", req->range_from, req->range_to > 0 ? "-" : "-\n");
    if (req->range_to > 0)
        write_number(n->range + strlen(n->range), "", req->range_to, "\n");
    return add_text(n, put ? "PUT " : "GET ") && add_text(n, req->url) && add_text(n, n->connect) &&
           ((req->range_from == 0 && req->range_to == 0) || add_text(n, n->range)) &&
           add_field(n, "If-Range: ", req->range_from > 0 ? req->if_range : NULL) &&
           add_field(n, "If-None-Match: ", req->if_none_match) && add_field(n, "", req->extra) &&
           (!put || add_text(n, "Content-Type: application/json\n")) && add_text(n, "\n") &&
           (!put || add(n, req->body, req->body_len));
}

static void net_end(struct ota_net *port)
{
    struct ota_mcu_net *n = self(port);

    n->phase = CLOSED;
    if (n->base != 0)
        n->waiting = false;
    n->attempt = 0;
}

static ota_err begin(struct ota_net *port, const struct ota_net_request *req)
{
    struct ota_mcu_net *n = self(port);

    net_end(port);
    if (!url_ok(req->url) || !write_request(n, req))
        return OTA_USAGE_ARGUMENT;
    n->number++;
    n->phase = REQUEST;
    n->end = OTA_AGAIN;
    n->end_code = 0;
    n->data_at = n->data_len = 0;
    n->pause_until_ms = 0;
    n->line_len = n->head_bytes = 0;
    n->have_head = false;
    ota_net_head_reset(&n->answer);
    pump(n);
    return OTA_OK;
}

/* ---- read ---- */

/* A line that is too long for the buffer is none that we need: it only counts. */
static bool take_line(struct ota_mcu_net *n)
{
    bool empty = n->line_len == 0 || (n->line_len == 1 && n->line[0] == '\r');
    bool fits = n->line_len <= sizeof n->line;

    if (fits && !ota_net_head_line(&n->answer, n->line, n->line_len))
        return false;
    n->line_len = 0;
    n->have_head = fits && empty && n->answer.status >= 200;
    return true;
}

static bool take_head(struct ota_mcu_net *n)
{
    while (n->data_at < n->data_len && !n->have_head) {
        char c = (char)n->data[n->data_at++];

        if (++n->head_bytes > OTA_NET_HEAD_MAX || (c == '\n' && !take_line(n)))
            return false;
        if (c == '\n')
            continue;
        if (n->line_len < sizeof n->line)
            n->line[n->line_len] = c;
        n->line_len++;
    }
    return true;
}

static ota_err head(struct ota_net *port, struct ota_net_head *h, int32_t *port_code)
{
    struct ota_mcu_net *n = self(port);

    if (!n->have_head) {
        pump(n);
        if (n->phase == ANSWER && !take_head(n))
            finish(n, OTA_RETRY_PROTOCOL, OTA_MCU_BAD_HEAD);
    }
    if (n->have_head) {
        *h = n->answer;
        return OTA_OK;
    }
    if (n->end == OTA_AGAIN)
        return OTA_AGAIN;
    *port_code = n->end_code;
    return n->end == OTA_DONE || n->end == OTA_RETRY_TRUNCATED ? OTA_RETRY_PROTOCOL : n->end;
}

static ota_err net_read(struct ota_net *port, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    struct ota_mcu_net *n = self(port);

    if (n->data_at == n->data_len)
        pump(n);
    *got = n->phase != ANSWER ? 0 : n->data_len - n->data_at < len ? n->data_len - n->data_at : len;
    if (*got > 0) {
        memcpy(buf, n->data + n->data_at, *got);
        n->data_at += *got;
        return OTA_OK;
    }
    if (n->end == OTA_DONE || n->end == OTA_AGAIN)
        return n->end;
    *port_code = n->end_code;
    return n->end;
}

static ota_err ready(struct ota_net *port)
{
    struct ota_mcu_net *n = self(port);

    if (n->base == 0)
        pump(n);
    return n->base != 0 ? OTA_OK : OTA_RETRY_NETWORK;
}

/* Looks at the line once a millisecond. */
static void wait(struct ota_net *port, uint32_t ms)
{
    struct ota_mcu_net *n = self(port);
    uint64_t until = now(n) + ms;

    do {
        pump(n);
        if (n->end != OTA_AGAIN || (n->phase == ANSWER && n->data_at < n->data_len))
            return;
        n->clock->port.ops->sleep_ms(&n->clock->port, 1);
    } while (now(n) < until);
}

static const struct ota_net_ops ops = { ready, begin, head, net_read, net_end, wait };

void ota_mcu_net_open(struct ota_mcu_net *n, struct ota_mcu_pipe *pipe, struct ota_mcu_clock *clock)
{
    *n = (struct ota_mcu_net){ .port = { &ops }, .pipe = pipe, .clock = clock, .retry_ms = RETRY_MS, .tries = TRIES };
}

ota_err ota_mcu_net_greet(struct ota_mcu_net *n, uint32_t ms)
{
    uint64_t until = now(n) + ms;

    while (ready(&n->port) != OTA_OK && now(n) < until)
        n->clock->port.ops->sleep_ms(&n->clock->port, 1);
    return ready(&n->port);
}
