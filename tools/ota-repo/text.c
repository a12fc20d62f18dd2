/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_LAST INT64_C(253402300799)   /* 9999-12-31T23:59:59Z: years have four digits */

static const char digits[] = "0123456789abcdef";
static const char base64_set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const uint8_t *p, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *text, uint8_t *out, size_t len)
{
    if (strlen(text) != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

bool digest_ok(const char *text)
{
    return strlen(text) == 64 && strspn(text, digits) == 64;
}

void base64_encode(const uint8_t *p, size_t len, char *out)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t n = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0);
        *out++ = base64_set[n >> 18];
        *out++ = base64_set[n >> 12 & 63];
        *out++ = have > 1 ? base64_set[n >> 6 & 63] : '=';
        *out++ = have > 2 ? base64_set[n & 63] : '=';
    }
    *out = '\0';
}

static int base64_digit(char c)
{
    const char *at = c == '\0' ? NULL : strchr(base64_set, c);

    return at == NULL ? -1 : (int)(at - base64_set);
}

/* Four characters to up to three bytes. @return bytes, 0 if wrong. `last` allows padding. */
static size_t base64_group(const char *c, bool last, uint8_t out[3])
{
    size_t pad = last && c[3] == '=' ? (c[2] == '=' ? 2u : 1u) : 0u;
    uint32_t n = 0;

    for (size_t i = 0; i < 4; i++) {
        int d = i < 4 - pad ? base64_digit(c[i]) : 0;
        if (d < 0)
            return 0;
        n = n << 6 | (uint32_t)d;
    }
    if ((pad == 2 && (n & 0xffff) != 0) || (pad == 1 && (n & 0xff) != 0))
        return 0;
    out[0] = (uint8_t)(n >> 16);
    out[1] = (uint8_t)(n >> 8);
    out[2] = (uint8_t)n;
    return 3 - pad;
}

size_t base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap)
{
    size_t made = 0;

    if (text_len % 4 != 0)
        return 0;
    for (size_t i = 0; i < text_len; i += 4) {
        uint8_t bytes[3];
        size_t got = base64_group(text + i, i + 4 == text_len, bytes);
        if (got == 0 || made + got > cap)
            return 0;
        memcpy(out + made, bytes, got);
        made += got;
    }
    return made;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years begin in March so that the leap day is last. */
static int64_t days_from_date(int64_t y, int64_t m, int64_t d)
{
    int64_t year = m <= 2 ? y - 1 : y;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool two(const char *p, int64_t min, int64_t max, int64_t *out)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return *out >= min && *out <= max;
}

static int64_t days_in_month(int64_t y, int64_t m)
{
    return m == 12 ? 31 : days_from_date(y, m + 1, 1) - days_from_date(y, m, 1);
}

bool time_parse(const char *text, int64_t *unix_s)
{
    int64_t century, year, month, day, hour, minute, second;

    if (strlen(text) != TIME_LEN - 1 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':' || text[19] != 'Z')
        return false;
    if (!two(text, 19, 99, &century) || !two(text + 2, 0, 99, &year) || !two(text + 5, 1, 12, &month) ||
        !two(text + 8, 1, 31, &day) || !two(text + 11, 0, 23, &hour) || !two(text + 14, 0, 59, &minute) ||
        !two(text + 17, 0, 59, &second))
        return false;
    year += century * 100;
    if (year < 1970 || day > days_in_month(year, month))
        return false;
    *unix_s = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

void time_print(int64_t unix_s, char out[TIME_LEN])
{
    int64_t capped = unix_s < TIME_LAST ? unix_s : TIME_LAST;
    int64_t days = capped / 86400, rest = capped % 86400;
    int year = 1970, month = 1;

    while (year < 9999 && days >= days_from_date(year + 1, 1, 1))
        year++;
    while (month < 12 && days >= days_from_date(year, month + 1, 1))
        month++;
    int day = (int)(days - days_from_date(year, month, 1)) + 1;
    /* The widths are exact for every time that time_parse accepts; the buffer is for what a compiler can prove. */
    char wide[64];
    (void)snprintf(wide, sizeof wide, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, (int)(rest / 3600),
                   (int)(rest / 60 % 60), (int)(rest % 60));
    memcpy(out, wide, TIME_LEN - 1);
    out[TIME_LEN - 1] = '\0';
}

static bool only(const char *text, const char *set, size_t max)
{
    size_t len = strlen(text);

    return len >= 1 && len <= max && strspn(text, set) == len;
}

bool name_ok(const char *text)
{
    return only(text, "abcdefghijklmnopqrstuvwxyz0123456789-", 31) && text[0] != '-';
}

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

bool version_ok(const char *text)
{
    return only(text, PLAIN "+~", 31) && strchr("._+~-", text[0]) == NULL;
}

bool file_name_ok(const char *text)
{
    return only(text, PLAIN, 95) && strchr("._-", text[0]) == NULL && strstr(text, "..") == NULL;
}

bool number_parse(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
    if (!only(text, "0123456789", 19) || (text[0] == '0' && text[1] != '\0'))
        return false;
    errno = 0;
    *out = strtoul(text, NULL, 10);
    return errno == 0 && *out >= min && *out <= max;
}

bool is_power_of_two(unsigned long n)
{
    return n != 0 && (n & (n - 1)) == 0;
}
