/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of the Gregorian calendar, read strictly by a pattern. */
#ifndef OTAI_DATE_H
#define OTAI_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IMF-fixdate, RFC 9110 section 5.6.7: "Thu, 29 Feb 2024 12:00:00 GMT". */
#define OTAI_DATE_HTTP "@@@, 22 ### 0000 33:44:55 gmt"

/* Does text have the form of the pattern, and does the date exist? Then *utc_s is its Unix time. A pattern's digit
 * stands for a digit of year, month, day, hour, minute, second; @@@ for a weekday's name and ### for a month's, in any
 * case; a lower-case letter for itself in any case; everything else for itself. Years 1..9999; second 60 is taken. */
bool otai_date_parse(const char *pattern, const char *text, size_t len, int64_t *utc_s);

#endif
