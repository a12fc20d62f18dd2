/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is a table. Answers are built as header lines and read by the same strict parser as real ones. */
#include <string.h>

#include "ota/ram.h"

#define CODE_DROPPED 1

static struct ota_ram_net *self(struct ota_net *n)
{
    return (struct ota_ram_net *)n;
}

/* ---- header lines without stdio ---- */

struct line {
    char text[160];
    size_t len;
};

static void add_bytes(struct line *l, const char *s, size_t len)
{
    for (size_t i = 0; i < len && l->len < sizeof l->text; i++)
        l->text[l->len++] = s[i];
}

static void add(struct line *l, const char *s)
{
    add_bytes(l, s, strlen(s));
}

static void add_number(struct line *l, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + v % 10u);
        v /= 10u;
    } while (v > 0);
    add_bytes(l, digits + at, sizeof digits - at);
}

static void say(struct ota_ram_net *n, const struct line *l)
{
    (void)ota_net_head_line(&n->answer, l->text, l->len);
}

static void say_status(struct ota_ram_net *n, unsigned status)
{
    struct line l = { .len = 0 };

    add(&l, "HTTP/1.1 ");
    add_number(&l, status);
    add(&l, " -");
    say(n, &l);
}

static void say_number(struct ota_ram_net *n, const char *name, uint64_t v)
{
    struct line l = { .len = 0 };

    add(&l, name);
    add_number(&l, v);
    say(n, &l);
}

static void say_range(struct ota_ram_net *n, uint64_t from, uint64_t to, uint64_t total)
{
    struct line l = { .len = 0 };

    add(&l, "Content-Range: bytes ");
    add_number(&l, from);
    add(&l, "-");
    add_number(&l, to);
    add(&l, "/");
    add_number(&l, total);
    say(n, &l);
}

static void say_text(struct ota_ram_net *n, const char *name, const char *text, size_t len)
{
    struct line l = { .len = 0 };

    add(&l, name);
    add_bytes(&l, text, len);
    say(n, &l);
}

static void say_fields(struct ota_ram_net *n, const char *fields)
{
    while (fields && *fields) {
        size_t len = strcspn(fields, "\n");

        say_text(n, "", fields, len);
        fields += len + (fields[len] == '\n');
    }
}

/* ---- answers ---- */

static void answer_empty(struct ota_ram_net *n, unsigned status)
{
    say_status(n, status);
    if (n->file) {
        say_fields(n, n->file->fields);
        if (n->file->etag)
            say_text(n, "ETag: ", n->file->etag, strlen(n->file->etag));
    }
    if (status != 304 && status != 204)
        say_number(n, "Content-Length: ", 0);
    say_text(n, "", "", 0);
}

/* to: behind the last byte */
static void answer_body(struct ota_ram_net *n, unsigned status, uint64_t from, uint64_t to)
{
    struct ota_ram_file *f = n->file;

    n->next = (const uint8_t *)f->body + from;
    n->left = (size_t)(to - from);
    say_status(n, status);
    if (status == 206)
        say_range(n, from + f->wrong_range, to - 1u + f->wrong_range, f->len + f->wrong_range);
    if (!f->no_length)
        say_number(n, "Content-Length: ", n->left);
    if (f->etag)
        say_text(n, "ETag: ", f->etag, strlen(f->etag));
    say_fields(n, f->fields);
    say_text(n, "", "", 0);
}

static bool same_tag(const char *asked, const char *has)
{
    return asked && has && strcmp(asked, has) == 0;
}

static void answer_get(struct ota_ram_net *n, const struct ota_net_request *req)
{
    const struct ota_ram_file *f = n->file;
    uint64_t to = req->range_to;
    bool ranged;

    if (!f) {
        answer_empty(n, 404);
        return;
    }
    if (f->status != 0 && (f->status < 200 || f->status > 299)) {
        answer_empty(n, f->status);
        return;
    }
    if (same_tag(req->if_none_match, f->etag)) {
        answer_empty(n, 304);
        return;
    }
    ranged = (req->range_from > 0 || to > 0) && (to == 0 || to >= req->range_from) && !f->ignore_range &&
             (!req->if_range || same_tag(req->if_range, f->etag));
    if (ranged && req->range_from >= f->len) {
        answer_empty(n, 416);
        return;
    }
    answer_body(n, f->status ? f->status : ranged ? 206 : 200, ranged ? req->range_from : 0,
                ranged && to > 0 && to < f->len ? to + 1u : f->len);
}

static void answer_put(struct ota_ram_net *n, const struct ota_net_request *req)
{
    size_t len = req->body_len < n->put_cap ? req->body_len : n->put_cap;

    if (n->put_body && len > 0)
        memcpy(n->put_body, req->body, len);
    n->put_len = req->body_len;
    n->puts++;
    answer_empty(n, n->put_status ? n->put_status : 204);
}

/* ---- the port ---- */

static struct ota_ram_file *find(struct ota_ram_net *n, const char *url)
{
    for (size_t i = 0; i < n->file_count; i++)
        if (strcmp(n->files[i].url, url) == 0)
            return &n->files[i];
    return NULL;
}

static void note(struct ota_ram_net *n, const struct ota_net_request *req)
{
    size_t len = strlen(req->url);

    if (len >= sizeof n->last_url)
        len = sizeof n->last_url - 1;
    memcpy(n->last_url, req->url, len);
    n->last_url[len] = '\0';
    n->last_from = req->range_from;
    n->requests++;
    if (n->file)
        n->file->requests++;
}

static size_t bytes_until_drop(struct ota_ram_file *f)
{
    if (!f || f->drop_times == 0)
        return SIZE_MAX;
    f->drop_times--;
    return f->drop_after;
}

static ota_err ready(struct ota_net *port)
{
    return self(port)->down ? OTA_RETRY_NETWORK : OTA_OK;
}

static ota_err begin(struct ota_net *port, const struct ota_net_request *req)
{
    struct ota_ram_net *n = self(port);

    if (n->open)
        return OTA_USAGE_STATE;
    if (!req->url || !strstr(req->url, "://"))
        return OTA_USAGE_ARGUMENT;
    if (n->down)
        return OTA_RETRY_NETWORK;
    n->open = true;
    n->left = 0;
    n->file = req->method == OTA_NET_GET ? find(n, req->url) : NULL;
    n->stalled = n->file && n->file->stall;
    n->pause = n->file && n->file->per_poll > 0;
    note(n, req);
    n->until_drop = bytes_until_drop(n->file);
    ota_net_head_reset(&n->answer);
    if (req->method != OTA_NET_GET)
        answer_put(n, req);
    else
        answer_get(n, req);
    return OTA_OK;
}

static ota_err head(struct ota_net *port, struct ota_net_head *h, int32_t *port_code)
{
    struct ota_ram_net *n = self(port);

    (void)port_code;
    if (!n->open)
        return OTA_USAGE_STATE;
    if (n->stalled)
        return OTA_AGAIN;
    *h = n->answer;
    return OTA_OK;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ota_err deliver(struct ota_ram_net *n, void *buf, size_t len, size_t *got)
{
    len = least(least(len, n->left), n->until_drop);
    if (n->file->per_poll > 0) {
        n->pause = !n->pause;
        if (!n->pause)
            return OTA_AGAIN;
        len = least(len, n->file->per_poll);
    }
    memcpy(buf, n->next, len);
    n->next += len;
    n->left -= len;
    if (n->until_drop != SIZE_MAX)
        n->until_drop -= len;
    n->bytes += len;
    n->file->bytes += len;
    *got = len;
    return len > 0 ? OTA_OK : OTA_AGAIN;
}

static ota_err read(struct ota_net *port, void *buf, size_t len, size_t *got, int32_t *port_code)
{
    struct ota_ram_net *n = self(port);

    *got = 0;
    if (!n->open)
        return OTA_USAGE_STATE;
    if (n->stalled)
        return OTA_AGAIN;
    if (n->left == 0)
        return OTA_DONE;
    if (n->until_drop == 0) {
        *port_code = CODE_DROPPED;
        return OTA_RETRY_TRUNCATED;
    }
    return deliver(n, buf, len, got);
}

static void end(struct ota_net *port)
{
    self(port)->open = false;
}

/* Only a stalled server makes one wait: everybody else has news at once. */
static void wait(struct ota_net *port, uint32_t ms)
{
    struct ota_ram_net *n = self(port);

    if (n->clock && (n->stalled || !n->open))
        n->clock->port.ops->sleep_ms(&n->clock->port, ms);
}

static const struct ota_net_ops ops = { ready, begin, head, read, end, wait };

void ota_ram_net_init(struct ota_ram_net *n, struct ota_ram_file *files, size_t count)
{
    memset(n, 0, sizeof *n);
    n->port.ops = &ops;
    n->files = files;
    n->file_count = count;
}
