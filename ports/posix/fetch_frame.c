/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch_frame.h"

#include <string.h>

#define HEAD_FIXED 64u
#define REQUEST_FIXED 36u
#define ABSENT 0xffffu /* length of a text that is not there */
#define NUMBER_MAX INT64_MAX
#define DATE_MAX INT64_C(253402300799) /* the end of year 9999 */

enum { FLAG_MALFORMED = 1, FLAG_LENGTH = 2, FLAG_RANGE = 4, FLAG_ENCODED = 8, FLAGS_ALL = 15 };

static void put(uint8_t *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

void otap_frame_seal(uint8_t *frame, enum otap_frame_type type, uint32_t exchange, size_t len)
{
    put(frame, OTAP_FRAME_VERSION, 2);
    put(frame + 2, type, 2);
    put(frame + 4, exchange, 4);
    put(frame + 8, len, 4);
    put(frame + 12, 0, 4);
}

static bool is_type(uint64_t type)
{
    return type == OTAP_BEGIN || type == OTAP_END || (type >= OTAP_HELLO && type <= OTAP_ENDED);
}

int32_t otap_frame_open(struct otap_frame *f, const uint8_t *packet, size_t len)
{
    if (len < OTAP_FRAME_HEADER || len > OTA_POSIX_FETCHER_FRAME)
        return OTA_POSIX_FETCHER_LENGTH;
    if (get(packet, 2) != OTAP_FRAME_VERSION || get(packet + 12, 4) != 0)
        return OTA_POSIX_FETCHER_VERSION;
    if (!is_type(get(packet + 2, 2)))
        return OTA_POSIX_FETCHER_TYPE;
    if (get(packet + 8, 4) != len - OTAP_FRAME_HEADER)
        return OTA_POSIX_FETCHER_LENGTH;
    *f = (struct otap_frame){ (enum otap_frame_type)get(packet + 2, 2), (uint32_t)get(packet + 4, 4), packet + OTAP_FRAME_HEADER,
                              len - OTAP_FRAME_HEADER };
    return 0;
}

/* ---- requests ---- */

struct texts {
    const char *text[4];
    size_t len[4];
};

static bool measure(struct texts *t, const struct ota_net_request *req)
{
    *t = (struct texts){ .text = { req->url, req->if_range, req->if_none_match, req->extra } };
    for (size_t i = 0; i < 4; i++) {
        t->len[i] = t->text[i] ? strlen(t->text[i]) : 0;
        if (t->len[i] >= ABSENT)
            return false;
    }
    return t->text[0] != NULL;
}

/* Each text ends with a NUL, also here: the reader makes use of the bytes where they are. */
size_t otap_put_request(uint8_t *body, size_t cap, const struct ota_net_request *req)
{
    struct texts t;
    size_t at = REQUEST_FIXED;

    if (!measure(&t, req) || cap < REQUEST_FIXED || req->body_len > cap || (req->body_len > 0 && !req->body))
        return 0;
    put(body, req->method, 1);
    put(body + 1, req->other_origin, 1);
    put(body + 2, 0, 2);
    put(body + 4, req->connect_ms, 4);
    put(body + 8, req->range_from, 8);
    put(body + 16, req->range_to, 8);
    put(body + 24, req->body_len, 4);
    for (size_t i = 0; i < 4; i++) {
        put(body + 28 + 2 * i, t.text[i] ? t.len[i] : ABSENT, 2);
        if (!t.text[i])
            continue;
        if (t.len[i] + 1 > cap - at)
            return 0;
        memcpy(body + at, t.text[i], t.len[i] + 1);
        at += t.len[i] + 1;
    }
    if (req->body_len > cap - at)
        return 0;
    if (req->body_len > 0)
        memcpy(body + at, req->body, req->body_len);
    return at + req->body_len;
}

/* The next text of `len` bytes and its NUL; NULL with *ok as it was for one that is absent. */
static const char *take_text(uint8_t *body, size_t end, size_t *at, uint64_t len, bool *ok)
{
    const char *text = (const char *)body + *at;

    if (len == ABSENT)
        return NULL;
    if (len >= end - *at || memchr(text, 0, (size_t)len) || text[len] != '\0') {
        *ok = false;
        return NULL;
    }
    *at += (size_t)len + 1;
    return text;
}

bool otap_get_request(uint8_t *body, size_t len, struct ota_net_request *req)
{
    size_t at = REQUEST_FIXED;
    bool ok = len >= REQUEST_FIXED && body[0] <= OTA_NET_POST && body[1] <= 1 && get(body + 2, 2) == 0;

    if (!ok)
        return false;
    *req = (struct ota_net_request){ .method = (enum ota_net_method)body[0], .other_origin = body[1] == 1,
                                     .connect_ms = (uint32_t)get(body + 4, 4), .range_from = get(body + 8, 8),
                                     .range_to = get(body + 16, 8), .body_len = (size_t)get(body + 24, 4) };
    req->url = take_text(body, len, &at, get(body + 28, 2), &ok);
    req->if_range = take_text(body, len, &at, get(body + 30, 2), &ok);
    req->if_none_match = take_text(body, len, &at, get(body + 32, 2), &ok);
    req->extra = take_text(body, len, &at, get(body + 34, 2), &ok);
    if (!ok || !req->url || req->body_len != len - at)
        return false;
    req->body = req->body_len > 0 ? body + at : NULL;
    return true;
}

/* ---- heads ---- */

size_t otap_put_head(uint8_t *body, size_t cap, const struct ota_net_head *h)
{
    size_t etag = strlen(h->etag), location = strlen(h->location);

    if (HEAD_FIXED + etag + location > cap)
        return 0;
    put(body, h->status, 2);
    put(body + 2, (h->malformed ? FLAG_MALFORMED : 0u) | (h->has_length ? FLAG_LENGTH : 0u) | (h->has_range ? FLAG_RANGE : 0u) |
        (h->encoded ? FLAG_ENCODED : 0u), 2);
    put(body + 4, h->bytes, 4);
    put(body + 8, h->length, 8);
    put(body + 16, h->range_from, 8);
    put(body + 24, h->range_to, 8);
    put(body + 32, h->range_total, 8);
    put(body + 40, (uint64_t)h->date_s, 8);
    put(body + 48, (uint64_t)h->retry_after_s, 4);
    put(body + 52, (uint64_t)h->retry_at_s, 8);
    put(body + 60, etag, 2);
    put(body + 62, location, 2);
    memcpy(body + HEAD_FIXED, h->etag, etag);
    memcpy(body + HEAD_FIXED + etag, h->location, location);
    return HEAD_FIXED + etag + location;
}

/* RFC 9110 section 8.8.3: etagc between quotes; "" for none. */
static bool is_etag(const uint8_t *p, size_t len)
{
    if (len == 0)
        return true;
    if (len < 2 || len >= OTA_ETAG_MAX || p[0] != '"' || p[len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < len; i++)
        if (p[i] < 0x21 || p[i] == '"' || p[i] > 0x7e)
            return false;
    return true;
}

static bool is_location(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] <= 0x20 || p[i] >= 0x7f)
            return false;
    return len < OTA_URL_MAX;
}

/* What the one parser of heads can have made of some answer, and nothing else. */
static bool is_possible(const struct ota_net_head *h)
{
    if (h->status < 200 || h->status > 999 || h->bytes > OTA_NET_HEAD_MAX || h->retry_after_s < -1)
        return false;
    if (h->date_s < 0 || h->date_s > DATE_MAX || h->retry_at_s < 0 || h->retry_at_s > DATE_MAX)
        return false;
    if (h->length > NUMBER_MAX || h->range_to > NUMBER_MAX || h->range_total > NUMBER_MAX)
        return false;
    if (!h->has_range || h->malformed)
        return true;
    return h->range_from <= h->range_to && (h->range_total == 0 || h->range_to < h->range_total);
}

bool otap_get_head(const uint8_t *body, size_t len, struct ota_net_head *h)
{
    if (len < HEAD_FIXED)
        return false;
    uint64_t flags = get(body + 2, 2);
    size_t etag = (size_t)get(body + 60, 2), location = (size_t)get(body + 62, 2);

    if (flags > FLAGS_ALL || len != HEAD_FIXED + etag + location || !is_etag(body + HEAD_FIXED, etag) ||
        !is_location(body + HEAD_FIXED + etag, location))
        return false;
    *h = (struct ota_net_head){ .status = (uint16_t)get(body, 2),
                                .malformed = (flags & FLAG_MALFORMED) != 0,
                                .has_length = (flags & FLAG_LENGTH) != 0,
                                .has_range = (flags & FLAG_RANGE) != 0,
                                .encoded = (flags & FLAG_ENCODED) != 0,
                                .bytes = (uint32_t)get(body + 4, 4),
                                .length = get(body + 8, 8),
                                .range_from = get(body + 16, 8),
                                .range_to = get(body + 24, 8),
                                .range_total = get(body + 32, 8),
                                .date_s = (int64_t)get(body + 40, 8),
                                .retry_after_s = (int32_t)(uint32_t)get(body + 48, 4),
                                .retry_at_s = (int64_t)get(body + 52, 8) };
    memcpy(h->etag, body + HEAD_FIXED, etag);
    memcpy(h->location, body + HEAD_FIXED + etag, location);
    return is_possible(h);
}

/* ---- results ---- */

size_t otap_put_result(uint8_t *body, ota_err err, int32_t code)
{
    put(body, (uint32_t)err, 4);
    put(body + 4, (uint32_t)code, 4);
    return 8;
}

bool otap_get_result(const uint8_t *body, size_t len, ota_err *err, int32_t *code)
{
    if (len != 8)
        return false;
    *err = (ota_err)(int32_t)(uint32_t)get(body, 4);
    *code = (int32_t)(uint32_t)get(body + 4, 4);
    return true;
}

size_t otap_put_hello(uint8_t *body, const struct ota_posix_sandbox_state *s, ota_err err, int32_t code)
{
    (void)otap_put_result(body, err, code);
    put(body + 8, s->has, 1);
    put(body + 9, s->landlock_abi, 1);
    put(body + 10, s->loose, 1);
    put(body + 11, 0, 1);
    return 12;
}

bool otap_get_hello(const uint8_t *body, size_t len, struct ota_posix_sandbox_state *s, ota_err *err, int32_t *code)
{
    if (len != 12 || !otap_get_result(body, 8, err, code) || (body[8] & ~OTA_POSIX_SANDBOX_ALL) != 0 || body[10] > 1 || body[11] != 0)
        return false;
    *s = (struct ota_posix_sandbox_state){ body[8], body[9], body[10] == 1 };
    return true;
}
