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

/* Days from 1970-01-01 to the first of a month, 1..13. Years are counted from March, so that a leap day is the last day of
 * its year. */
static uint32_t days_before(uint32_t year, uint32_t month)
{
    if (month < 3) {
        year--;
        month += 12;
    }
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month - 457) / 5 - 719468;
}

bool otai_time_make(const uint32_t v[6], uint32_t second_max, int64_t *utc_s)
{
    uint32_t days = days_before(v[0], v[1]), next = days_before(v[0], v[1] + 1);

    if (v[0] < 1 || v[1] - 1 > 11 || v[2] - 1 >= next - days || v[3] > 23 || v[4] > 59 || v[5] > second_max)
        return false;
    *utc_s = (int64_t)(int32_t)(days + v[2] - 1) * 86400 + (int32_t)((v[3] * 60 + v[4]) * 60 + v[5]);
    return true;
}

bool otai_time_parse(const char *text, int64_t *utc_s)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    uint32_t v[6] = { 0 }, *field = v;

    for (const char *f = form; *f; f++, text++) {
        uint32_t digit = (uint32_t)*text - '0';

        if (*f == '0' ? digit > 9 : *text != *f)
            return false;
        if (*f == '0')
            *field = *field * 10 + digit;
        else if (*f != 'Z')
            field++;
    }
    return *text == '\0' && otai_time_make(v, 59, utc_s);
}
