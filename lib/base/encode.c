/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <string.h>

static int hex_digit(uint8_t c, enum otai_hex_case letters)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F' && letters == OTAI_HEX_ANY)
        return c - 'A' + 10;
    return -1;
}

bool otai_hex_decode(struct otai_span text, uint8_t *out, enum otai_hex_case letters)
{
    if (text.len % 2)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.p[i], letters), low = hex_digit(text.p[i + 1], letters);

        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void otai_base64_init(struct otai_base64 *b, uint8_t *out, size_t cap)
{
    memset(b, 0, sizeof *b);
    b->out = out;
    b->cap = cap;
}

static int base64_digit(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (int)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (int)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (int)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void otai_base64_add(struct otai_base64 *b, uint32_t c)
{
    int digit = base64_digit(c);

    b->quad = (uint8_t)((b->quad + 1) & 3);
    if (c == '=') {
        b->bad |= ++b->padding > 2;
        return;
    }
    if (digit < 0 || b->padding) {
        b->bad = true;
        return;
    }
    b->bits = b->bits << 6 | (uint32_t)digit;
    b->pending = (uint8_t)(b->pending + 6);
    if (b->pending < 8)
        return;
    b->pending = (uint8_t)(b->pending - 8);
    if (b->len < b->cap)
        b->out[b->len++] = (uint8_t)(b->bits >> b->pending);
    else
        b->bad = true;
    b->bits &= (1u << b->pending) - 1;
}

bool otai_base64_end(const struct otai_base64 *b)
{
    /* Two bits are left of three digits, four of two; padding makes up for the missing digits. */
    return !b->bad && b->quad == 0 && b->bits == 0 && b->pending == 2 * b->padding;
}

/* n digits at *p as a number within min..max, followed by the character `after`. */
static bool field(const char **p, int n, int min, int max, char after, int *out)
{
    int v = 0;

    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        v = v * 10 + (**p - '0');
    }
    if (v < min || v > max || *(*p)++ != after)
        return false;
    *out = v;
    return true;
}

static int month_days(int year, int month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days from 1970-01-01. Years are counted from March, so that a leap day is the last day of its year. */
static int64_t days_since_epoch(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1;
    int from_march = month > 2 ? month - 3 : month + 9;

    return (int64_t)365 * y + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 719469;
}

bool otai_time_parse(const char *text, int64_t *utc_s)
{
    int year, month, day, hour, minute, second;

    if (!field(&text, 4, 1, 9999, '-', &year) || !field(&text, 2, 1, 12, '-', &month) ||
        !field(&text, 2, 1, 31, 'T', &day) || day > month_days(year, month) || !field(&text, 2, 0, 23, ':', &hour) ||
        !field(&text, 2, 0, 59, ':', &minute) || !field(&text, 2, 0, 59, 'Z', &second) || *text != '\0')
        return false;
    *utc_s = days_since_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
