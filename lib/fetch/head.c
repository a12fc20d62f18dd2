/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP answer, line by line: the one strict parser behind every network port.
 *
 *   status line     "HTTP/" DIGIT ["." DIGIT] SP 3DIGIT [SP reason]      RFC 9112 section 4; major 1, 2 or 3
 *   field line      token ":" OWS value OWS                               RFC 9112 section 5; no folding
 *   Content-Length  1*DIGIT, at most 2^63-1; a repetition must agree      RFC 9110 section 8.6
 *   Content-Range   "bytes" SP (from "-" to "/" (total | "*") | "*" "/" total)      section 14.4
 *   ETag            DQUOTE printable ASCII DQUOTE; weak ones are ignored            section 8.8.3
 *   Date            IMF-fixdate only: "Sun, 06 Nov 1994 08:49:37 GMT"               section 5.6.7
 *   Retry-After     1*DIGIT (cut to 2^31-1) or IMF-fixdate                          section 10.2.3
 *   Location        printable ASCII without spaces                                  section 10.2.2
 *   Content-Encoding  anything but "identity" counts as encoded                     section 8.4
 *
 * Transfer-Encoding is the port's business; all other fields are skipped.
 */
#include <string.h>

#include "date.h"
#include "ota/port_net.h"

#define NUMBER_MAX ((uint64_t)INT64_MAX)
#define RETRY_MAX 2147483647 /* RFC 9111 section 1.2.2: larger delta-seconds count as this */

/* What is left of a line. */
struct cursor {
    const char *p, *end;
};

void ota_net_head_reset(struct ota_net_head *h)
{
    memset(h, 0, sizeof *h);
    h->retry_after_s = -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool at_end(const struct cursor *c)
{
    return c->p == c->end;
}

/* 1*DIGIT. A number above NUMBER_MAX is taken as a whole and reported as UINT64_MAX. */
static bool take_number(struct cursor *c, uint64_t *out)
{
    uint64_t v = 0;
    const char *begin = c->p;

    for (; !at_end(c) && is_digit(*c->p); c->p++) {
        uint64_t digit = (uint64_t)(*c->p - '0');
        v = v >> 60 ? UINT64_MAX : v * 10 + digit; /* from 2^60 on, ten times v is more than NUMBER_MAX */
    }
    *out = v > NUMBER_MAX ? UINT64_MAX : v;
    return c->p != begin;
}

/* Does c read as the form, from its beginning to its end? There '#' stands for a number, which goes into the next of v;
 * everything else for itself, letters (in lower case) in any case. */
static bool reads(struct cursor c, const char *form, uint64_t *v)
{
    for (; *form; form++) {
        if (*form == '#' ? !take_number(&c, v++) : at_end(&c) || lower(*c.p++) != *form)
            return false;
    }
    return at_end(&c);
}

/* Years 1970..9999. false leaves *out alone. */
static bool parse_date(struct cursor c, int64_t *out)
{
    int64_t utc_s;

    if (!otai_date_parse(OTAI_DATE_HTTP, c.p, (size_t)(c.end - c.p), &utc_s) || utc_s < 0)
        return false;
    *out = utc_s;
    return true;
}

static bool content_length(struct ota_net_head *h, struct cursor c)
{
    uint64_t v;

    if (!reads(c, "#", &v) || v > NUMBER_MAX || (h->has_length && h->length != v))
        return false;
    h->has_length = true;
    h->length = v;
    return true;
}

static bool content_range(struct ota_net_head *h, struct cursor c)
{
    uint64_t v[3] = { 0 };   /* from, to, total */

    if (h->has_range)
        return false;
    if (reads(c, "bytes */#", v))   /* the answer to a range that cannot be satisfied: no bytes */
        return v[0] <= NUMBER_MAX;
    if (reads(c, "bytes #-#/#", v) ? v[2] > NUMBER_MAX || v[2] <= v[1] : !reads(c, "bytes #-#/*", v))
        return false;
    if (v[0] > v[1] || v[1] > NUMBER_MAX)
        return false;
    h->has_range = true;
    h->range_from = v[0];
    h->range_to = v[1];
    h->range_total = v[2];
    return true;
}

/* Printable ASCII without spaces and without the characters of `but`. */
static bool is_visible(struct cursor c, const char *but)
{
    for (; !at_end(&c); c.p++)
        if (*c.p < 0x21 || *c.p > 0x7e || strchr(but, *c.p))
            return false;
    return true;
}

/* A tag that cannot be used as a validator is as good as none; two different ones are a contradiction. */
static bool etag(struct ota_net_head *h, struct cursor c)
{
    size_t len = (size_t)(c.end - c.p);

    if (len < 2 || len >= sizeof h->etag || c.p[0] != '"' || c.end[-1] != '"' ||
        !is_visible((struct cursor){ c.p + 1, c.end - 1 }, "\""))
        return true;
    if (h->etag[0])
        return strlen(h->etag) == len && memcmp(h->etag, c.p, len) == 0;
    memcpy(h->etag, c.p, len);
    return true;
}

static bool retry_after(struct ota_net_head *h, struct cursor c)
{
    uint64_t v;

    if (parse_date(c, &h->retry_at_s))
        return true;
    if (reads(c, "#", &v))
        h->retry_after_s = v > RETRY_MAX ? RETRY_MAX : (int64_t)v;
    return true;
}

static bool location(struct ota_net_head *h, struct cursor c)
{
    size_t len = (size_t)(c.end - c.p);

    if (h->location[0])
        return false;
    if (len >= sizeof h->location)
        return true;
    if (!is_visible(c, ""))
        return false;
    memcpy(h->location, c.p, len);
    return true;
}

static bool field(struct ota_net_head *h, struct cursor name, struct cursor value)
{
    if (reads(name, "content-length", NULL))
        return content_length(h, value);
    if (reads(name, "content-range", NULL))
        return content_range(h, value);
    if (reads(name, "etag", NULL))
        return etag(h, value);
    if (reads(name, "retry-after", NULL))
        return retry_after(h, value);
    if (reads(name, "location", NULL))
        return location(h, value);
    if (reads(name, "content-encoding", NULL))
        h->encoded |= !reads(value, "identity", NULL);
    if (reads(name, "date", NULL))
        (void)parse_date(value, &h->date_s);
    return true;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct cursor c)
{
    return !at_end(&c) && is_visible(c, "\"(),/:;<=>?@[\\]{}");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool field_line(struct ota_net_head *h, struct cursor c)
{
    const char *colon = memchr(c.p, ':', (size_t)(c.end - c.p));

    if (!colon)
        return false;
    struct cursor name = { c.p, colon }, value = { colon + 1, c.end };
    while (!at_end(&value) && is_blank(*value.p))
        value.p++;
    while (!at_end(&value) && is_blank(value.end[-1]))
        value.end--;
    return h->status != 0 && is_token(name) && field(h, name, value);
}

/* The name is case-sensitive, and no field's name can begin so. */
static bool is_status(struct cursor c)
{
    return c.end - c.p >= 5 && memcmp(c.p, "HTTP/", 5) == 0;
}

/* Starts over, but for the byte count: a flood of interim answers is still bounded. */
static bool status_line(struct ota_net_head *h, struct cursor c)
{
    uint32_t bytes = h->bytes;
    size_t len = (size_t)(c.end - c.p);
    bool minor = len > 6 && c.p[6] == '.';
    size_t fixed = minor ? 12 : 10;   /* with one digit for each part of the version and three for the status */
    uint64_t v[3];

    ota_net_head_reset(h);
    h->bytes = bytes;
    if (len < fixed || (len > fixed && c.p[fixed] != ' '))
        return false;
    c.end = c.p + fixed;
    if (!reads(c, minor ? "http/#.# #" : "http/# #", v))
        return false;
    uint32_t status = (uint32_t)v[minor ? 2 : 1];
    if (v[0] < 1 || v[0] > 3 || status < 100)
        return false;
    h->status = (uint16_t)status;
    return true;
}

/* No control characters but TAB: RFC 9110 section 5.5. */
static bool is_clean(struct cursor c)
{
    for (; !at_end(&c); c.p++)
        if (((unsigned char)*c.p < 0x20 && *c.p != '\t') || *c.p == 0x7f)
            return false;
    return true;
}

bool ota_net_head_line(struct ota_net_head *h, const char *line, size_t len)
{
    struct cursor c = { line, line + len };

    if (len > OTA_NET_HEAD_MAX - h->bytes)
        return false;
    h->bytes += (uint32_t)len;
    if (!at_end(&c) && c.end[-1] == '\n')
        c.end--;
    if (!at_end(&c) && c.end[-1] == '\r')
        c.end--;
    if (at_end(&c))
        return true;
    bool clean = is_clean(c);
    bool good = is_status(c) ? status_line(h, c) : field_line(h, c);
    h->malformed |= !good || !clean;
    return true;
}
