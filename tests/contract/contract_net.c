/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"

#define GUARD 0xa5
#define POLL_MS 20u
#define POLLS_MAX 500

struct suite {
    struct ota_net *n;
    const struct ota_contract_server *server;
    struct ota_contract_report *r;
};

/* What an exchange brought. */
struct result {
    ota_err begun, head, end;   /* end: what the last read said */
    struct ota_net_head h;
    uint64_t len;
    bool bytes_ok;              /* body is the pattern from `from` on, and no read wrote too much */
};

static struct ota_net_request get(const char *url)
{
    return (struct ota_net_request){ .method = OTA_NET_GET, .url = url, .connect_ms = 5000 };
}

static ota_err poll_head(const struct suite *t, struct ota_net_head *h)
{
    ota_err err = OTA_AGAIN;
    int32_t code = 0;

    for (int i = 0; i < POLLS_MAX && err == OTA_AGAIN; i++) {
        err = t->n->ops->head(t->n, h, &code);
        if (err == OTA_AGAIN)
            t->n->ops->wait(t->n, POLL_MS);
    }
    return err;
}

/* One read with a guard behind the buffer. */
static ota_err read_some(const struct suite *t, uint8_t *buf, size_t len, size_t *got, struct result *res)
{
    int32_t code = 0;
    ota_err err;

    memset(buf, GUARD, len + 1);
    err = t->n->ops->read(t->n, buf, len, got, &code);
    if (*got > len || buf[len] != GUARD || (err == OTA_OK) != (*got > 0))
        res->bytes_ok = false;
    return err;
}

static void read_body(const struct suite *t, size_t chunk, uint32_t from, struct result *res)
{
    uint8_t buf[5000];
    int idle = 0;

    res->end = OTA_AGAIN;
    while (idle < POLLS_MAX && (res->end == OTA_OK || res->end == OTA_AGAIN)) {
        size_t got = 0;

        res->end = read_some(t, buf, chunk, &got, res);
        res->bytes_ok = res->bytes_ok && contract_is_filled(buf, got <= chunk ? got : 0, from + (uint32_t)res->len);
        res->len += got;
        idle = got > 0 ? 0 : idle + 1;
        if (res->end == OTA_AGAIN)
            t->n->ops->wait(t->n, POLL_MS);
        if (res->len > OTA_CONTRACT_FILE_LEN)
            return; /* endless */
    }
}

static struct result exchange(const struct suite *t, const struct ota_net_request *req, size_t chunk)
{
    struct result res = { .head = OTA_AGAIN, .end = OTA_AGAIN, .bytes_ok = true };

    res.begun = t->n->ops->begin(t->n, req);
    if (res.begun == OTA_OK)
        res.head = poll_head(t, &res.h);
    if (res.head == OTA_OK)
        read_body(t, chunk, res.h.status == 206 ? (uint32_t)req->range_from : 0, &res);
    t->n->ops->end(t->n);
    return res;
}

static bool is_whole(const struct result *res)
{
    return res->head == OTA_OK && res->h.status == 200 && !res->h.malformed && !res->h.encoded && res->end == OTA_DONE &&
           res->len == OTA_CONTRACT_FILE_LEN && res->bytes_ok && (!res->h.has_length || res->h.length == res->len);
}

static void check_whole(const struct suite *t)
{
    static const size_t chunks[] = { 5000 - 1, 4096, 512, 61 };
    struct ota_net_request req = get(t->server->file_url);
    struct result res = { 0 };
    bool ok = true;

    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        res = exchange(t, &req, chunks[i]);
        ok = ok && is_whole(&res);
    }
    contract_check(t->r, "net: a file comes whole and unchanged, in reads of any size", ok);
    contract_check(t->r, "net: its length is told", res.h.has_length);
    req.url = t->server->empty_url;
    res = exchange(t, &req, 100);
    contract_check(t->r, "net: an empty file ends at once", res.h.status == 200 && res.end == OTA_DONE && res.len == 0);
    req.url = t->server->absent_url;
    res = exchange(t, &req, 100);
    contract_check(t->r, "net: what is not there is a 404, not a failure", res.head == OTA_OK && res.h.status == 404);
}

static bool is_range(const struct result *res, uint64_t from)
{
    return res->head == OTA_OK && res->h.status == 206 && res->h.has_range && res->h.range_from == from &&
           res->h.range_to == OTA_CONTRACT_FILE_LEN - 1u && res->h.range_total == OTA_CONTRACT_FILE_LEN &&
           res->end == OTA_DONE && res->len == OTA_CONTRACT_FILE_LEN - from && res->bytes_ok;
}

static void check_ranges(const struct suite *t)
{
    static const uint32_t froms[] = { 1, 4096, 65537, OTA_CONTRACT_FILE_LEN - 1u };
    struct ota_net_request req = get(t->server->file_url);
    struct result res;
    bool ok = true;

    for (size_t i = 0; i < sizeof froms / sizeof froms[0]; i++) {
        req.range_from = froms[i];
        res = exchange(t, &req, 4096);
        ok = ok && is_range(&res, froms[i]);
    }
    contract_check(t->r, "net: a range is answered with a 206 that says which", ok);
    req.range_from = OTA_CONTRACT_FILE_LEN;
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: a range behind the end is a 416", res.head == OTA_OK && res.h.status == 416);
    req.range_from = 0;
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: a request without a range asks for none", is_whole(&res));
}

/* Exactly what was asked for, or, by a port that knows no ends, what follows as well. */
static bool is_bounded(const struct result *res, uint64_t from, uint64_t to)
{
    uint64_t end = res->h.range_to + 1u;

    return res->head == OTA_OK && res->h.status == 206 && res->h.has_range && res->h.range_from == from &&
           (end == to + 1u || end == OTA_CONTRACT_FILE_LEN) && res->h.range_total == OTA_CONTRACT_FILE_LEN &&
           res->end == OTA_DONE && res->len == end - from && res->bytes_ok;
}

static void check_ends(const struct suite *t)
{
    static const struct { uint64_t from, to; } rows[] = { { 1, 1 }, { 4096, 8191 }, { 65537, 65600 }, { 7, OTA_CONTRACT_FILE_LEN - 1u } };
    struct ota_net_request req = get(t->server->file_url);
    struct result res;
    bool ok = true;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        req.range_from = rows[i].from;
        req.range_to = rows[i].to;
        res = exchange(t, &req, 1000);
        ok = ok && is_bounded(&res, rows[i].from, rows[i].to);
    }
    contract_check(t->r, "net: a range with an end begins where it shall, and ends there or with the file", ok);
    req.range_from = 0;
    req.range_to = 99;
    res = exchange(t, &req, 1000);
    contract_check(t->r, "net: so does the file's beginning", is_whole(&res) || is_bounded(&res, 0, 99));
    req.range_to = 0;
    res = exchange(t, &req, 1000);
    contract_check(t->r, "net: an end does not stay", is_whole(&res));
}

static void check_validators(const struct suite *t)
{
    struct ota_net_request req = get(t->server->file_url);
    struct result first = exchange(t, &req, 4096), res;

    if (!contract_check(t->r, "net: an entity tag is told", first.h.etag[0] == '"'))
        return;
    req.if_none_match = first.h.etag;
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: an unchanged file is a 304 without a body",
                   res.head == OTA_OK && res.h.status == 304 && res.end == OTA_DONE && res.len == 0);
    req.if_none_match = "\"other\"";
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: another entity tag brings the file", is_whole(&res));
    req.if_none_match = NULL;
    req.range_from = 1000;
    req.if_range = first.h.etag;
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: a range of an unchanged file", is_range(&res, 1000));
    req.if_range = "\"other\"";
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: a range of a changed file brings the whole file", is_whole(&res));
}

static void check_order(const struct suite *t)
{
    struct ota_net_request req = get(t->server->file_url);
    struct ota_net_head a, b;
    struct result res;
    uint8_t buf[101];
    size_t got = 0;
    int32_t code = 0;
    bool ok;

    t->n->ops->end(t->n);
    t->n->ops->end(t->n);
    ok = t->n->ops->begin(t->n, &req) == OTA_OK && poll_head(t, &a) == OTA_OK && poll_head(t, &b) == OTA_OK;
    contract_check(t->r, "net: ending what is not open is harmless", ok);
    contract_check(t->r, "net: the head can be asked for twice", ok && a.status == b.status && strcmp(a.etag, b.etag) == 0);
    (void)t->n->ops->read(t->n, buf, 100, &got, &code);
    t->n->ops->end(t->n);
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: an exchange given up in its middle spoils nothing", is_whole(&res));
    ok = t->n->ops->begin(t->n, &req) == OTA_OK;
    t->n->ops->end(t->n);
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: nor does one given up at once", ok && is_whole(&res));
    req.url = "nonsense";
    contract_check(t->r, "net: a URL without a scheme is refused", t->n->ops->begin(t->n, &req) == OTA_USAGE_ARGUMENT);
    req.url = "gopher://127.0.0.1/";
    contract_check(t->r, "net: a scheme that is not spoken is refused or not found",
                   exchange(t, &req, 100).h.status != 200);
    t->n->ops->end(t->n);
}

static void check_put(const struct suite *t)
{
    static const char body[] = "{\"contract\":1}";
    struct ota_net_request req = { .method = OTA_NET_PUT, .url = t->server->put_url, .body = body,
                                   .body_len = sizeof body - 1, .connect_ms = 5000 };
    struct result res;

    if (!req.url)
        return;
    res = exchange(t, &req, 100);
    contract_check(t->r, "net: a PUT is acknowledged", res.head == OTA_OK && res.h.status / 100 == 2 && res.end == OTA_DONE);
    req = get(t->server->file_url);
    res = exchange(t, &req, 4096);
    contract_check(t->r, "net: a GET after a PUT is a GET", is_whole(&res));
}

static void check_dead(const struct suite *t)
{
    struct ota_net_request req = get(t->server->dead_url);
    struct result res;

    if (!req.url)
        return;
    res = exchange(t, &req, 100);
    contract_check(t->r, "net: a server that is not there is RETRY_NETWORK",
                   res.begun == OTA_RETRY_NETWORK || (res.begun == OTA_OK && res.head == OTA_RETRY_NETWORK));
}

unsigned ota_contract_net(struct ota_net *n, const struct ota_contract_server *server, struct ota_contract_report *r)
{
    const struct suite t = { n, server, r };
    unsigned before = r->failures;

    contract_check(r, "net: the network is up", !n->ops->ready || n->ops->ready(n) == OTA_OK);
    check_whole(&t);
    check_ranges(&t);
    check_ends(&t);
    check_validators(&t);
    check_order(&t);
    check_put(&t);
    check_dead(&t);
    return r->failures - before;
}
