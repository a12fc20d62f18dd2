/* SPDX-License-Identifier: Apache-2.0 */
/* The validity of a certificate: RFC 5280 section 4.1, as far as the two times. No signature is checked here: the servers do that. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "doctor.h"

#define PEM_MAX 16384u
#define BEGIN "-----BEGIN CERTIFICATE-----"

enum { INTEGER = 0x02, UTC_TIME = 0x17, GENERALIZED_TIME = 0x18, SEQUENCE = 0x30, VERSION = 0xa0 };

struct bytes {
    const unsigned char *p, *end;
};

/* Take one element with this tag; its content is *in. X.690 section 8.1, lengths of up to four bytes. */
static bool take(struct bytes *from, unsigned char tag, struct bytes *in)
{
    size_t len;

    if (from->end - from->p < 2 || from->p[0] != tag)
        return false;
    len = from->p[1];
    from->p += 2;
    if (len & 0x80) {
        size_t n = len & 0x7f;

        if (n == 0 || n > 4 || (size_t)(from->end - from->p) < n)
            return false;
        for (len = 0; n > 0; n--)
            len = len << 8 | *from->p++;
    }
    if (len > (size_t)(from->end - from->p))
        return false;
    *in = (struct bytes){ from->p, from->p + len };
    from->p += len;
    return true;
}

static bool is_leap(int y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

int64_t doctor_days(int y, int m, int d)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t days = before[m - 1] + d - 1 + (m > 2 && is_leap(y));

    for (int i = 1970; i < y; i++)
        days += is_leap(i) ? 366 : 365;
    return days;
}

/* YYMMDDHHMMSSZ below 2050, else YYYYMMDDHHMMSSZ. */
static bool take_time(struct bytes *from, int64_t *out_s)
{
    bool utc = from->end > from->p && from->p[0] == UTC_TIME;
    struct bytes in;
    char text[16] = "";
    struct tm t = { 0 };
    int year, end = 0;

    if (!take(from, utc ? UTC_TIME : GENERALIZED_TIME, &in) || in.end - in.p != (utc ? 13 : 15))
        return false;
    memcpy(text, in.p, (size_t)(in.end - in.p));
    if (sscanf(text, utc ? "%2d%2d%2d%2d%2d%2dZ%n" : "%4d%2d%2d%2d%2d%2dZ%n", &year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec, &end) != 6 ||
        end != (utc ? 13 : 15) || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31)
        return false;
    year += utc ? (year < 50 ? 2000 : 1900) : 0;
    if (year < 1970)
        return false;
    *out_s = doctor_days(year, t.tm_mon, t.tm_mday) * 86400 + t.tm_hour * 3600 + t.tm_min * 60 + t.tm_sec;
    return true;
}

static bool validity(struct bytes der, int64_t *begin_s, int64_t *end_s)
{
    struct bytes certificate, tbs, part;

    if (!take(&der, SEQUENCE, &certificate) || !take(&certificate, SEQUENCE, &tbs))
        return false;
    (void)take(&tbs, VERSION, &part);
    if (!take(&tbs, INTEGER, &part) || !take(&tbs, SEQUENCE, &part) || !take(&tbs, SEQUENCE, &part) || !take(&tbs, SEQUENCE, &part))
        return false;
    return take_time(&part, begin_s) && take_time(&part, end_s);
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(digits, c) : NULL;

    return p ? (int)(p - digits) : -1;
}

static size_t decode(const char *text, unsigned char *out)
{
    unsigned held = 0, bits = 0;
    size_t n = 0;

    for (; *text && *text != '-' && *text != '='; text++) {
        int v = base64_digit(*text);

        if (v < 0)
            continue;
        held = held << 6 | (unsigned)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (unsigned char)(held >> bits);
        }
    }
    return n;
}

bool doctor_certificate_end(const char *path, int64_t *end_s, int64_t *life_s)
{
    static char text[PEM_MAX + 1];
    static unsigned char der[PEM_MAX];
    FILE *f = fopen(path, "rb");
    int64_t begin_s = 0;

    if (!f)
        return false;
    text[fread(text, 1, PEM_MAX, f)] = '\0';
    (void)fclose(f);
    const char *begin = strstr(text, BEGIN);
    size_t len = begin ? decode(begin + strlen(BEGIN), der) : 0;
    errno = EBADMSG;
    if (!validity((struct bytes){ der, der + len }, &begin_s, end_s) || *end_s < begin_s)
        return false;
    *life_s = *end_s - begin_s;
    return true;
}
