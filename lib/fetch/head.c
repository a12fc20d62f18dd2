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

#include "bytes.h"
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

/* Take text (given in lower case) whatever its case. */
static bool take(struct cursor *c, const char *text)
{
    const char *p = c->p;

    for (; *text; text++, p++)
        if (p == c->end || lower(*p) != *text)
            return false;
    c->p = p;
    return true;
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
        v = v > (NUMBER_MAX - digit) / 10 ? UINT64_MAX : v * 10 + digit;
    }
    *out = v;
    return c->p != begin;
}

static bool take_offset(struct cursor *c, uint64_t *out)
{
    return take_number(c, out) && *out <= NUMBER_MAX;
}

/* Exactly `count` digits. */
static bool take_digits(struct cursor *c, int count, uint32_t *out)
{
    uint32_t v = 0;

    for (; count > 0; count--, c->p++) {
        if (at_end(c) || !is_digit(*c->p))
            return false;
        v = v * 10 + (uint32_t)(*c->p - '0');
    }
    *out = v;
    return true;
}

/* 1..12, or 0. */
static uint32_t take_month(struct cursor *c)
{
    static const char names[] = "jan\0feb\0mar\0apr\0may\0jun\0jul\0aug\0sep\0oct\0nov\0dec";

    for (uint32_t m = 0; m < 12; m++)
        if (take(c, names + (size_t)4 * m))
            return m + 1;
    return 0;
}

static bool take_weekday(struct cursor *c)
{
    static const char names[] = "sun\0mon\0tue\0wed\0thu\0fri\0sat";

    for (size_t d = 0; d < 7; d++)
        if (take(c, names + 4 * d))
            return true;
    return false;
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (month == 2)
        return leap ? 29 : 28;
    return 30 + ((month + month / 8) & 1);
}

/* Days from 1970-01-01 in the Gregorian calendar; years count from March, so that a leap day is a year's last. */
static int64_t days_from_epoch(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = month > 2 ? year : year - 1;
    uint32_t m = month > 2 ? month - 3 : month + 9;

    return (int64_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1) - 719468;
}

/* IMF-fixdate, years 1970..9999. false leaves *out alone. */
static bool parse_date(struct cursor c, int64_t *out)
{
    uint32_t day, month, year, hour, min, sec;

    if (!take_weekday(&c) || !take(&c, ", ") || !take_digits(&c, 2, &day) || !take(&c, " "))
        return false;
    month = take_month(&c);
    if (month == 0 || !take(&c, " ") || !take_digits(&c, 4, &year) || !take(&c, " "))
        return false;
    if (!take_digits(&c, 2, &hour) || !take(&c, ":") || !take_digits(&c, 2, &min) || !take(&c, ":") ||
        !take_digits(&c, 2, &sec) || !take(&c, " gmt") || !at_end(&c))
        return false;
    if (year < 1970 || day < 1 || day > days_in_month(year, month) || hour > 23 || min > 59 || sec > 60)
        return false;
    *out = days_from_epoch(year, month, day) * 86400 + (int64_t)(hour * 3600 + min * 60 + sec);
    return true;
}

static bool content_length(struct ota_net_head *h, struct cursor c)
{
    uint64_t v;

    if (!take_offset(&c, &v) || !at_end(&c) || (h->has_length && h->length != v))
        return false;
    h->has_length = true;
    h->length = v;
    return true;
}

static bool content_range(struct ota_net_head *h, struct cursor c)
{
    uint64_t from, to, total = 0;

    if (h->has_range || !take(&c, "bytes "))
        return false;
    if (take(&c, "*/"))   /* the answer to a range that cannot be satisfied: no bytes */
        return take_offset(&c, &total) && at_end(&c);
    if (!take_offset(&c, &from) || !take(&c, "-") || !take_offset(&c, &to) || !take(&c, "/") || from > to)
        return false;
    if (!take(&c, "*") && (!take_offset(&c, &total) || total <= to))
        return false;
    h->has_range = true;
    h->range_from = from;
    h->range_to = to;
    h->range_total = total;
    return at_end(&c);
}

/* A tag that cannot be used as a validator is as good as none; two different ones are a contradiction. */
static bool etag(struct ota_net_head *h, struct cursor c)
{
    size_t len = (size_t)(c.end - c.p);

    if (len < 2 || len >= sizeof h->etag || c.p[0] != '"' || c.p[len - 1] != '"')
        return true;
    for (size_t i = 1; i < len - 1; i++)
        if (c.p[i] < 0x21 || c.p[i] > 0x7e || c.p[i] == '"')
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
    if (take_number(&c, &v) && at_end(&c))
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
    for (size_t i = 0; i < len; i++)
        if (c.p[i] < 0x21 || c.p[i] > 0x7e)
            return false;
    memcpy(h->location, c.p, len);
    return true;
}

static bool is(struct cursor c, const char *text)
{
    return take(&c, text) && at_end(&c);
}

static bool field(struct ota_net_head *h, struct cursor name, struct cursor value)
{
    if (is(name, "content-length"))
        return content_length(h, value);
    if (is(name, "content-range"))
        return content_range(h, value);
    if (is(name, "etag"))
        return etag(h, value);
    if (is(name, "retry-after"))
        return retry_after(h, value);
    if (is(name, "location"))
        return location(h, value);
    if (is(name, "content-encoding"))
        h->encoded |= !is(value, "identity");
    if (is(name, "date"))
        (void)parse_date(value, &h->date_s);
    return true;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct cursor c)
{
    bool any = !at_end(&c);

    for (; !at_end(&c); c.p++)
        if (*c.p <= 0x20 || *c.p >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", *c.p))
            return false;
    return any;
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
    uint32_t major, minor, status, bytes = h->bytes;

    ota_net_head_reset(h);
    h->bytes = bytes;
    c.p += 5;
    if (!take_digits(&c, 1, &major) || major < 1 || major > 3)
        return false;
    if (take(&c, ".") && !take_digits(&c, 1, &minor))
        return false;
    if (!take(&c, " ") || !take_digits(&c, 3, &status) || status < 100 || (!at_end(&c) && *c.p != ' '))
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
