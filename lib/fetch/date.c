/* SPDX-License-Identifier: Apache-2.0 */
#include "date.h"
#include "encode.h"

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

bool otai_date_parse(const char *pattern, const char *text, size_t len, int64_t *utc_s)
{
    uint32_t v[FIELDS] = { 0 };

    /* RFC 9110 section 5.6.7: a leap second may stand there */
    return len == strlen(pattern) && match(pattern, text, v) && otai_time_make(v, 60, utc_s);
}
