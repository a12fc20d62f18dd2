/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in metadata, against a calendar that counts day by day. The input is a text that must be read alike by both;
 * one of eight bytes is a number of seconds, which must survive being written and read.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY 86400
#define YEARS 9999

static bool leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    if (month == 2)
        return leap(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Days from 0001-01-01 to the first of January of each year. */
static const int64_t *year_starts(void)
{
    static int64_t start[YEARS + 2];

    if (!start[2])
        for (int y = 1; y <= YEARS; y++)
            start[y + 1] = start[y] + (leap(y) ? 366 : 365);
    return start;
}

static int64_t day_of(int year, int month, int day)
{
    int64_t days = year_starts()[year];

    for (int m = 1; m < month; m++)
        days += month_days(year, m);
    return days + day - 1;
}

/* The number of two or four digits at text. */
static bool digits(const char *text, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

static bool read_slowly(const char *text, int64_t *seconds)
{
    int y, mo, d, h, mi, s;

    if (strlen(text) != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        text[19] != 'Z')
        return false;
    if (!digits(text, 4, &y) || !digits(text + 5, 2, &mo) || !digits(text + 8, 2, &d) || !digits(text + 11, 2, &h) ||
        !digits(text + 14, 2, &mi) || !digits(text + 17, 2, &s))
        return false;
    if (y < 1 || mo < 1 || mo > 12 || d < 1 || d > month_days(y, mo) || h > 23 || mi > 59 || s > 59)
        return false;
    *seconds = (day_of(y, mo, d) - day_of(1970, 1, 1)) * DAY + h * 3600 + mi * 60 + s;
    return true;
}

static void write_slowly(int64_t seconds, char *out, size_t cap)
{
    int64_t days = seconds / DAY - (seconds % DAY < 0), rest = seconds - days * DAY;
    int year = 1, month = 1;

    days += day_of(1970, 1, 1);
    while (year_starts()[year + 1] <= days)
        year++;
    days -= year_starts()[year];
    while (days >= month_days(year, month))
        days -= month_days(year, month++);
    (void)snprintf(out, cap, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, (int)days + 1, (int)(rest / 3600),
                   (int)(rest / 60 % 60), (int)(rest % 60));
}

static void same_text(const uint8_t *data, size_t size)
{
    char text[64];
    int64_t ours = 0, theirs = 0;

    size = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    bool good = otai_time_parse(text, &ours);
    if (good != read_slowly(text, &theirs) || (good && ours != theirs))
        abort();
}

static void there_and_back(const uint8_t *data)
{
    char text[80]; /* whatever integers could be */
    uint64_t n;
    int64_t back;

    memcpy(&n, data, sizeof n);
    int64_t first = -day_of(1970, 1, 1) * DAY, count = year_starts()[YEARS + 1] * DAY;
    int64_t seconds = first + (int64_t)(n % (uint64_t)count);
    write_slowly(seconds, text, sizeof text);
    if (!otai_time_parse(text, &back) || back != seconds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 8)
        there_and_back(data);
    else if (size)
        same_text(data, size);
    return 0;
}
