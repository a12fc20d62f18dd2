/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's member "policy": its texts become settings of the library. */
#include "config_policy.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Two digits, or -1. */
static int two_digits(const char *p)
{
    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? 10 * (p[0] - '0') + p[1] - '0' : -1;
}

/* "HH:MM" in minutes, or -1. Texts are at least that long. */
static int minutes(const char *text)
{
    int h = two_digits(text), m = h < 0 || text[2] != ':' ? -1 : two_digits(text + 3);

    return m < 0 || m > 59 || text[5] ? -1 : 60 * h + m;
}

static bool fail_in_window(struct schema_fault *fault, size_t i, const char *key, const char *what)
{
    char where[64];

    (void)snprintf(where, sizeof where, "policy.windows[%zu].%s", i, key);
    return schema_fail(fault, where, what);
}

static bool read_days(const struct agent_window *w, size_t i, struct ota_window *out, struct schema_fault *fault)
{
    static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

    out->days = w->days[0] ? 0 : OTA_EVERY_DAY;
    for (size_t k = 0; w->days[k]; k++) {
        size_t day = 0;
        char key[24];

        while (day < COUNT(names) && strcmp(w->days[k], names[day]) != 0)
            day++;
        (void)snprintf(key, sizeof key, "days[%zu]", k);
        if (day == COUNT(names))
            return fail_in_window(fault, i, key, "must be one of mon, tue, wed, thu, fri, sat, sun");
        if (out->days >> day & 1)
            return fail_in_window(fault, i, key, "appears twice");
        out->days |= (uint8_t)(1u << day);
    }
    return true;
}

static bool read_window(const struct agent_window *w, size_t i, struct ota_window *out, struct schema_fault *fault)
{
    int from = minutes(w->from), to = minutes(w->to);

    if (from < 0 || from > 1439)
        return fail_in_window(fault, i, "from", "must be a time of day, 00:00 to 23:59");
    if (to < 1 || to > 1440)
        return fail_in_window(fault, i, "to", "must be a time of day, 00:01 to 24:00");
    if (from == to)
        return fail_in_window(fault, i, "to", "must not be the time at which the window begins");
    out->from_min = (uint16_t)from;
    out->to_min = (uint16_t)to;
    return read_days(w, i, out, fault);
}

static bool read_offset(const char *text, int16_t *out, struct schema_fault *fault)
{
    int m = text[0] == '+' || text[0] == '-' ? minutes(text + 1) : -1;

    if (m < 0 || m > (text[0] == '-' ? 720 : 840))
        return schema_fail(fault, "policy.utc_offset", "must be -12:00 to +14:00, with its sign");
    *out = (int16_t)(text[0] == '-' ? -m : m);
    return true;
}

/* The place of a text in a list of three, or -1. Absent: the first. */
static int choice(const char *text, const char *const names[3])
{
    int n = 0;

    while (text && n < 3 && strcmp(text, names[n]) != 0)
        n++;
    return n < 3 ? n : -1;
}

static bool read_consent(const struct agent_policy *p, struct ota_policy *out, struct schema_fault *fault)
{
    static const char *const names[3] = { "none", "install", "fetch" };
    int n = choice(p->consent, names);

    if (n < 0)
        return schema_fail(fault, "policy.consent", "must be one of none, install, fetch");
    out->consent = (enum ota_consent)n;
    if (n > 0 && !p->consent_file)
        return schema_fail(fault, "policy.consent_file", "is missing: nobody could ever agree");
    return true;
}

static bool read_metered(const struct agent_policy *p, struct ota_policy *out, struct schema_fault *fault)
{
    static const char *const names[3] = { "any", "differences", "nothing" };
    int n = choice(p->metered, names);

    if (n < 0)
        return schema_fail(fault, "policy.metered", "must be one of any, differences, nothing");
    out->metered = (enum ota_metered)n;
    out->metered_bytes_max = p->metered_bytes_max;
    if ((n > 0 || p->metered_bytes_max) && !p->metered_command[0])
        return schema_fail(fault, "policy.metered_command", "is missing: no link would ever count as metered");
    return true;
}

bool agent_policy_read(struct agent_policy *p, struct schema_fault *fault)
{
    struct ota_policy *s = &p->settings;

    s->size = sizeof *s;
    s->window_count = p->window_count;
    s->fetch_in_window = p->fetch_in_window;
    s->battery_min = p->battery_min;
    for (size_t i = 0; i < p->window_count; i++)
        if (!read_window(&p->window[i], i, &p->windows[i], fault))
            return false;
    if (p->utc_offset && !read_offset(p->utc_offset, &s->utc_offset_min, fault))
        return false;
    return read_consent(p, s, fault) && read_metered(p, s, fault);
}
