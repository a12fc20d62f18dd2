/* SPDX-License-Identifier: Apache-2.0 */
#include "date.h"

#include <string.h>

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FIELDS };

static bool same_letter(char text, char lower)
{
    return lower >= 'a' && (text | 0x20) == lower;
}

/* Which of the three-letter names does text begin with? Counted from 1; 0 = none. */
static uint32_t name_at(const char *text, const char *names)
{
    for (uint32_t n = 1; *names; n++, names += 3)
        if (same_letter(text[0], names[0]) && same_letter(text[1], names[1]) && same_letter(text[2], names[2]))
            return n;
    return 0;
}

static bool match(const char *pattern, const char *text, uint32_t v[FIELDS])
{
    for (; *pattern; pattern++, text++) {
        uint32_t field = (uint32_t)*pattern - '0', digit = (uint32_t)*text - '0';

        if (field < FIELDS && digit <= 9) {
            v[field] = v[field] * 10 + digit;
        } else if (*pattern == '#' || *pattern == '@') {
            uint32_t n = name_at(text, *pattern == '@' ? "sunmontuewedthufrisat" : "janfebmaraprmayjunjulaugsepoctnovdec");
            if (n == 0)
                return false;
            v[MONTH] = n; /* a weekday comes before the month and leaves no trace */
            pattern += 2;
            text += 2;
        } else if (field < FIELDS || (*text != *pattern && !same_letter(*text, *pattern))) {
            return false;
        }
    }
    return true;
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    if (month == 2)
        return leap ? 29 : 28;
    return 30 + ((month + month / 8) & 1);
}

/* Days from 1970-01-01. Years are counted from March, so that a leap day is the last day of its year. */
static int32_t days_from_epoch(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = month > 2 ? year : year - 1;
    uint32_t m = month > 2 ? month - 3 : month + 9;

    return (int32_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day) - 719469;
}

bool otai_date_parse(const char *pattern, const char *text, size_t len, int64_t *utc_s)
{
    uint32_t v[FIELDS] = { 0 };

    if (len != strlen(pattern) || !match(pattern, text, v))
        return false;
    if (v[YEAR] < 1 || v[MONTH] - 1 > 11 || v[DAY] - 1 >= days_in_month(v[YEAR], v[MONTH]) || v[HOUR] > 23 ||
        v[MINUTE] > 59 || v[SECOND] > 60)
        return false;
    *utc_s = (int64_t)days_from_epoch(v[YEAR], v[MONTH], v[DAY]) * 86400 + (int32_t)(v[HOUR] * 3600 + v[MINUTE] * 60 + v[SECOND]);
    return true;
}
