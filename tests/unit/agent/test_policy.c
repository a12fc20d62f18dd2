/* SPDX-License-Identifier: Apache-2.0 */
/* What may proceed: every combination of preconditions, windows by the minute, and whole days. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SUNDAY_S 259200   /* 1970-01-04 00:00 UTC */
#define HOUR 60
#define NIGHT { OTA_EVERY_DAY, 2 * HOUR, 4 * HOUR }

/* ---- every combination ---- */

/* A combination is a number per precondition; each has its own few values. */
enum { DEFERRED, WINDOW, FETCH_IN_WINDOW, CLOCK, CONSENT, AGREED, BATTERY_MIN, BATTERY, MAINS, METERED, LINK, WHOLE, BUDGET, AXES };
static const unsigned values[AXES] = {
    [DEFERRED] = 2, [WINDOW] = 3, [FETCH_IN_WINDOW] = 2, [CLOCK] = 2, [CONSENT] = 3, [AGREED] = 2, [BATTERY_MIN] = 2, [BATTERY] = 3,
    [MAINS] = 3, [METERED] = 3, [LINK] = 3, [WHOLE] = 2, [BUDGET] = 3,
};
enum { NO_WINDOW, OPEN, CLOSED };
enum { BATTERY_UNKNOWN, BATTERY_LOW, BATTERY_ENOUGH };
enum { NO_BUDGET, BUDGET_KEPT, BUDGET_EXCEEDED };

static void set_up(const unsigned v[AXES], struct ota_policy *p, struct otai_policy_facts *f)
{
    static const struct ota_window open = { OTA_EVERY_DAY, 12 * HOUR, 13 * HOUR }, closed = { OTA_EVERY_DAY, 13 * HOUR, 14 * HOUR };
    static const int8_t three[] = { OTA_NOT_KNOWN, 0, 1 }, levels[] = { OTA_NOT_KNOWN, 29, 30 };

    *p = (struct ota_policy){ .size = sizeof *p, .windows = v[WINDOW] == OPEN ? &open : &closed, .window_count = v[WINDOW] != NO_WINDOW,
                              .fetch_in_window = v[FETCH_IN_WINDOW] != 0, .consent = (enum ota_consent)v[CONSENT],
                              .battery_min = v[BATTERY_MIN] ? 30 : 0, .metered = (enum ota_metered)v[METERED],
                              .metered_bytes_max = v[BUDGET] == NO_BUDGET ? 0 : 1000 };
    *f = (struct otai_policy_facts){ .now_s = SUNDAY_S + 12 * 3600, .clock_known = v[CLOCK] != 0, .deferred_s = v[DEFERRED] ? 600 : 0,
                                     .consent = v[AGREED] != 0, .whole = v[WHOLE] != 0, .bytes = v[BUDGET] == BUDGET_EXCEEDED ? 1001 : 1000,
                                     .device = { .battery_percent = levels[v[BATTERY]], .on_mains = three[v[MAINS]], .metered = three[v[LINK]] } };
}

/* The rules again, as rows: which combination holds which steps back, why, and how soon to look again. */
#define F (1u << OTAI_FETCH)
#define I (1u << OTAI_INSTALL)
#define R (1u << OTAI_RESTART)
#define ANY_OF(value) (1u << (value))
#define EITHER(x, y) (ANY_OF(x) | ANY_OF(y))
struct rule {
    uint32_t hold;
    unsigned steps;
    uint32_t look_s;
    unsigned when[AXES];   /* a bit per value that it is for; 0 = all */
};

static const struct rule rules[] = {
    { OTA_HOLD_DEFERRED, I | R, 600, { [DEFERRED] = ANY_OF(1) } },
    { OTA_HOLD_WINDOW, I | R, 900, { [WINDOW] = ANY_OF(CLOSED), [CLOCK] = ANY_OF(1) } },
    { OTA_HOLD_WINDOW, F, 900, { [WINDOW] = ANY_OF(CLOSED), [CLOCK] = ANY_OF(1), [FETCH_IN_WINDOW] = ANY_OF(1) } },
    { OTA_HOLD_CLOCK, I | R, 60, { [WINDOW] = EITHER(OPEN, CLOSED), [CLOCK] = ANY_OF(0) } },
    { OTA_HOLD_CLOCK, F, 60, { [WINDOW] = EITHER(OPEN, CLOSED), [CLOCK] = ANY_OF(0), [FETCH_IN_WINDOW] = ANY_OF(1) } },
    { OTA_HOLD_CONSENT, I, 60, { [CONSENT] = EITHER(OTA_CONSENT_INSTALL, OTA_CONSENT_FETCH), [AGREED] = ANY_OF(0) } },
    { OTA_HOLD_CONSENT, F, 60, { [CONSENT] = ANY_OF(OTA_CONSENT_FETCH), [AGREED] = ANY_OF(0) } },
    { OTA_HOLD_BATTERY, F | I | R, 60, { [BATTERY_MIN] = ANY_OF(1), [BATTERY] = ANY_OF(BATTERY_LOW), [MAINS] = EITHER(0, 1) } },
    { OTA_HOLD_METERED, F, 60, { [LINK] = ANY_OF(2), [METERED] = ANY_OF(OTA_METERED_NOTHING) } },
    { OTA_HOLD_METERED, F, 60, { [LINK] = ANY_OF(2), [METERED] = ANY_OF(OTA_METERED_DIFFERENCES), [WHOLE] = ANY_OF(1) } },
    { OTA_HOLD_METERED, F, 60, { [LINK] = ANY_OF(2), [BUDGET] = ANY_OF(BUDGET_EXCEEDED) } },
};

static bool applies(const struct rule *rule, const unsigned v[AXES])
{
    for (size_t i = 0; i < AXES; i++)
        if (rule->when[i] && !(rule->when[i] >> v[i] & 1u))
            return false;
    return true;
}

static struct otai_policy_word expected(const unsigned v[AXES])
{
    struct otai_policy_word w = { .look_s = UINT32_MAX };

    for (size_t i = 0; i < COUNT(rules); i++) {
        if (!applies(&rules[i], v))
            continue;
        for (unsigned step = 0; step < OTAI_POLICY_STEPS; step++)
            if (rules[i].steps >> step & 1u)
                w.against[step] |= rules[i].hold;
        if (rules[i].look_s < w.look_s)
            w.look_s = rules[i].look_s;
    }
    return w;
}

static bool next(unsigned v[AXES])
{
    for (size_t i = 0; i < AXES; i++) {
        if (++v[i] < values[i])
            return true;
        v[i] = 0;
    }
    return false;
}

static void every_combination(void **state)
{
    unsigned v[AXES] = { 0 }, cases = 0, free[OTAI_POLICY_STEPS] = { 0 }, used[COUNT(rules)] = { 0 };

    (void)state;
    do {
        struct ota_policy p;
        struct otai_policy_facts f;
        struct otai_policy_word w, want = expected(v);

        set_up(v, &p, &f);
        otai_policy_judge(&p, &f, &w);
        if (memcmp(w.against, want.against, sizeof w.against) != 0 || w.look_s != want.look_s)
            fail_msg("case %u: fetch %x/%x install %x/%x restart %x/%x look %u/%u", cases, w.against[0], want.against[0], w.against[1],
                     want.against[1], w.against[2], want.against[2], w.look_s, want.look_s);
        for (unsigned step = 0; step < OTAI_POLICY_STEPS; step++)
            free[step] += w.against[step] == 0;
        for (size_t i = 0; i < COUNT(rules); i++)
            used[i] += applies(&rules[i], v);
        cases++;
    } while (next(v));
    assert_int_equal(cases, 139968);
    for (unsigned step = 0; step < OTAI_POLICY_STEPS; step++)
        assert_true(free[step] > 1000 && free[step] < cases);
    for (size_t i = 0; i < COUNT(rules); i++)
        assert_true(used[i] > 0);
}

static void without_settings_only_a_deferral_counts(void **state)
{
    struct otai_policy_facts f = { .whole = true, .bytes = UINT64_MAX, .device = { .battery_percent = 0, .on_mains = 0, .metered = 1 } };
    struct otai_policy_word w;

    (void)state;
    otai_policy_judge(NULL, &f, &w);
    assert_true(w.against[OTAI_FETCH] == 0 && w.against[OTAI_INSTALL] == 0 && w.against[OTAI_RESTART] == 0 && w.look_s == UINT32_MAX);
    f.deferred_s = 5;
    otai_policy_judge(NULL, &f, &w);
    assert_true(w.against[OTAI_FETCH] == 0 && w.against[OTAI_INSTALL] == OTA_HOLD_DEFERRED && w.look_s == 5);
}

/* ---- windows ---- */

#define AT(day, h, m) (SUNDAY_S + ((day) * 24 + (h)) * 3600 + (m) * 60)
enum { SUN, MON, TUE, WED, THU, FRI, SAT };
#define ON(day) (1u << (day))

static void windows_open_by_the_minute(void **state)
{
    static const struct { struct ota_window w; int64_t local_s; uint32_t opens_in_s; } rows[] = {
        { NIGHT, AT(SUN, 1, 59), 60 },
        { NIGHT, AT(SUN, 2, 0) - 1, 1 },
        { NIGHT, AT(SUN, 2, 0), 0 },
        { NIGHT, AT(SUN, 4, 0) - 1, 0 },
        { NIGHT, AT(SUN, 4, 0), 22 * 3600 },
        { NIGHT, AT(SAT, 23, 0), 3 * 3600 },
        { { OTA_EVERY_DAY, 0, 1440 }, AT(WED, 13, 13), 0 },
        { { ON(MON), 0, 1440 }, AT(SUN, 23, 59), 60 },
        { { ON(MON), 0, 1440 }, AT(MON, 23, 59), 0 },
        { { ON(MON), 0, 1440 }, AT(TUE, 0, 0), 6 * 86400 },
        { { ON(SAT), 22 * HOUR, 2 * HOUR }, AT(SAT, 21, 59), 60 },   /* over midnight, and over the end of the week */
        { { ON(SAT), 22 * HOUR, 2 * HOUR }, AT(SAT, 23, 59), 0 },
        { { ON(SAT), 22 * HOUR, 2 * HOUR }, AT(SUN, 1, 59), 0 },
        { { ON(SAT), 22 * HOUR, 2 * HOUR }, AT(SUN, 2, 0), (6 * 24 + 20) * 3600 },
        { { ON(SAT), 22 * HOUR, 2 * HOUR }, AT(SAT, 1, 0), 21 * 3600 },   /* the night before is not meant */
        { { ON(FRI) | ON(MON), 23 * HOUR, 1 * HOUR }, AT(SAT, 0, 30), 0 },
        { { ON(FRI) | ON(MON), 23 * HOUR, 1 * HOUR }, AT(SUN, 0, 30), 46 * 3600 + 1800 },
        { { ON(SUN), 0, 1 }, AT(SUN, 0, 0) + 59, 0 },
        { { ON(SUN), 0, 1 }, AT(SUN, 0, 1), 7 * 86400 - 60 },
        { { ON(SUN), 1439, 1440 }, AT(SUN, 23, 59), 0 },
        { { ON(THU), 0, 60 }, 0, 0 },                /* 1970-01-01 was a Thursday */
        { { ON(WED), 1439, 1440 }, -1, 0 },          /* and before it came a Wednesday */
        { { ON(WED), 1439, 1440 }, -61, 1 },
        { NIGHT, AT(SUN, 1, 0) - 4 * 7 * 86400, 3600 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct ota_policy p = { .windows = &rows[i].w, .window_count = 1 };
        uint32_t got = otai_policy_opens_in_s(&p, rows[i].local_s);

        if (got != rows[i].opens_in_s)
            fail_msg("row %zu: opens in %u s, not %u", i, got, rows[i].opens_in_s);
    }
}

static void the_first_of_several_windows_counts(void **state)
{
    static const struct ota_window w[] = { { ON(TUE), 600, 660 }, { ON(MON), 600, 660 }, { ON(WED), 0, 1440 } };
    const struct ota_policy p = { .windows = w, .window_count = 3 }, none = { .windows = NULL };

    (void)state;
    assert_int_equal(otai_policy_opens_in_s(&p, AT(MON, 9, 0)), 3600);
    assert_int_equal(otai_policy_opens_in_s(&p, AT(MON, 11, 0)), 23 * 3600);
    assert_int_equal(otai_policy_opens_in_s(&p, AT(TUE, 11, 0)), 13 * 3600);
    assert_int_equal(otai_policy_opens_in_s(&p, AT(WED, 5, 0)), 0);
    assert_int_equal(otai_policy_opens_in_s(&none, AT(WED, 5, 0)), 0);
}

static uint32_t held_at(int64_t utc_s, bool known, int32_t offset_s, int16_t configured_min)
{
    static const struct ota_window night = NIGHT;
    const struct ota_policy p = { .windows = &night, .window_count = 1, .utc_offset_min = configured_min };
    const struct otai_policy_facts f = { .now_s = utc_s, .clock_known = true,
        .device = { .battery_percent = -1, .on_mains = -1, .metered = -1, .offset_known = known, .utc_offset_s = offset_s } };
    struct otai_policy_word w;

    otai_policy_judge(&p, &f, &w);
    return w.against[OTAI_INSTALL];
}

static void local_time_comes_from_the_device_or_from_the_settings(void **state)
{
    (void)state;
    assert_int_equal(held_at(AT(MON, 3, 0), false, 0, 0), 0);
    assert_int_equal(held_at(AT(MON, 3, 0), false, 0, 120), OTA_HOLD_WINDOW);
    assert_int_equal(held_at(AT(MON, 1, 0), false, 0, 120), 0);
    assert_int_equal(held_at(AT(MON, 1, 0), true, 0, 120), OTA_HOLD_WINDOW);
    assert_int_equal(held_at(AT(MON, 1, 0), true, 7200, 0), 0);      /* summer, */
    assert_int_equal(held_at(AT(MON, 1, 0), true, 3600, 0), 0);
    assert_int_equal(held_at(AT(MON, 0, 30), true, 3600, 0), OTA_HOLD_WINDOW);   /* and winter */
    assert_int_equal(held_at(AT(SUN, 0, 0), true, -43200, 0), OTA_HOLD_WINDOW);
    assert_int_equal(held_at(AT(SUN, 15, 0), true, -43200, 0), 0);
    assert_int_equal(held_at(AT(SUN, 13, 0), true, 50400, 0), 0);
}

/* ---- whole days ---- */

#define NEVER 9999
struct span {
    int from, to;   /* minutes of the day, to is outside */
};

/* An update becomes known at a minute of a Sunday; fetching it takes so many minutes of its own. */
struct day {
    const char *what;
    struct ota_policy policy;
    int known, takes;
    bool delta;
    uint64_t bytes;
    struct span metered, low, mains, agreed;
    int deferred_at, deferred_min;
    int fetched, installed;   /* minutes at which it must be so */
};

static bool within(struct span s, int minute)
{
    return minute >= s.from && minute < s.to;
}

static struct otai_policy_word judge_minute(const struct day *d, int minute, bool fetched)
{
    int left = d->deferred_min ? d->deferred_at + d->deferred_min - minute : 0;
    const struct otai_policy_facts f = { .now_s = AT(SUN, 0, minute), .clock_known = true,
        .deferred_s = minute >= d->deferred_at && left > 0 ? (uint32_t)left * 60u : 0, .consent = within(d->agreed, minute),
        .whole = !d->delta && !fetched, .bytes = d->bytes,
        .device = { .battery_percent = within(d->low, minute) ? 10 : 80, .on_mains = within(d->mains, minute), .metered = within(d->metered, minute) } };
    struct otai_policy_word w;

    otai_policy_judge(&d->policy, &f, &w);
    return w;
}

/* Nobody looks sooner than the last word told: whoever sleeps that long misses nothing. */
static void live_through(const struct day *d, int *fetched, int *installed)
{
    int done = 0;

    *fetched = *installed = NEVER;
    for (int minute = d->known; minute < 1440 && *installed == NEVER;) {
        struct otai_policy_word w = judge_minute(d, minute, *fetched != NEVER);
        enum otai_policy_step step = *fetched == NEVER ? OTAI_FETCH : OTAI_INSTALL;

        if (w.against[step]) {
            assert_true(w.look_s > 0 && w.look_s < UINT32_MAX);
            minute += w.look_s < 60 ? 1 : (int)(w.look_s / 60u);
            continue;
        }
        if (step == OTAI_INSTALL)
            *installed = minute;
        else if (++done > d->takes)
            *fetched = minute;
        else
            minute++;
    }
}

static const struct ota_window night = NIGHT, late = { OTA_EVERY_DAY, 23 * HOUR, 1 * HOUR }, weekdays = { 0x3e, 0, 1440 },
                               noons[] = { { OTA_EVERY_DAY, 720, 730 }, { OTA_EVERY_DAY, 780, 800 } };

static const struct day days[] = {
    { .what = "nothing asked", .known = 100, .takes = 30, .fetched = 130, .installed = 130 },
    { .what = "window still to come", .policy = { .windows = &night, .window_count = 1 }, .known = 30, .takes = 30, .fetched = 60, .installed = 120 },
    { .what = "window over", .policy = { .windows = &night, .window_count = 1 }, .known = 300, .takes = 30, .fetched = 330, .installed = NEVER },
    { .what = "window over before all is there", .policy = { .windows = &night, .window_count = 1 }, .known = 230, .takes = 30, .fetched = 260, .installed = NEVER },
    { .what = "window over midnight, late part", .policy = { .windows = &late, .window_count = 1 }, .known = 600, .takes = 30, .fetched = 630, .installed = 1380 },
    { .what = "window over midnight, early part", .policy = { .windows = &late, .window_count = 1 }, .known = 10, .takes = 30, .fetched = 40, .installed = 40 },
    { .what = "not on this day", .policy = { .windows = &weekdays, .window_count = 1 }, .known = 10, .takes = 30, .fetched = 40, .installed = NEVER },
    { .what = "fetched in the window only", .policy = { .windows = &night, .window_count = 1, .fetch_in_window = true }, .known = 30, .takes = 30,
      .fetched = 150, .installed = 150 },
    { .what = "window closes during the download, another goes on", .policy = { .windows = noons, .window_count = 2, .fetch_in_window = true },
      .known = 600, .takes = 15, .fetched = 785, .installed = 785 },
    { .what = "consent at noon", .policy = { .consent = OTA_CONSENT_INSTALL }, .known = 60, .takes = 30, .agreed = { 720, 1440 }, .fetched = 90, .installed = 720 },
    { .what = "consent before the first byte", .policy = { .consent = OTA_CONSENT_FETCH }, .known = 60, .takes = 30, .agreed = { 720, 1440 },
      .fetched = 750, .installed = 750 },
    { .what = "consent taken back", .policy = { .consent = OTA_CONSENT_FETCH }, .known = 60, .takes = 30, .agreed = { 720, 740 }, .fetched = NEVER, .installed = NEVER },
    { .what = "battery low until it is charged", .policy = { .battery_min = 30 }, .known = 60, .takes = 30, .low = { 0, 600 }, .fetched = 630, .installed = 630 },
    { .what = "battery low, on mains", .policy = { .battery_min = 30 }, .known = 60, .takes = 30, .low = { 0, 600 }, .mains = { 90, 1440 }, .fetched = 120, .installed = 120 },
    { .what = "battery runs low during the download", .policy = { .battery_min = 30 }, .known = 60, .takes = 30, .low = { 70, 300 }, .fetched = 320, .installed = 320 },
    { .what = "battery runs low before it is installed", .policy = { .battery_min = 30, .windows = &night, .window_count = 1 }, .known = 30, .takes = 30,
      .low = { 100, 200 }, .fetched = 60, .installed = 200 },
    { .what = "whole image on a metered link", .policy = { .metered = OTA_METERED_DIFFERENCES }, .known = 60, .takes = 30, .metered = { 0, 900 }, .fetched = 930, .installed = 930 },
    { .what = "whole image, never off the metered link", .policy = { .metered = OTA_METERED_DIFFERENCES }, .known = 60, .takes = 30, .metered = { 0, 1440 },
      .fetched = NEVER, .installed = NEVER },
    { .what = "difference on a metered link", .policy = { .metered = OTA_METERED_DIFFERENCES }, .known = 60, .takes = 30, .delta = true, .metered = { 0, 1440 },
      .fetched = 90, .installed = 90 },
    { .what = "difference, nothing on a metered link", .policy = { .metered = OTA_METERED_NOTHING }, .known = 60, .takes = 30, .delta = true, .metered = { 0, 900 },
      .fetched = 930, .installed = 930 },
    { .what = "difference above the budget", .policy = { .metered = OTA_METERED_DIFFERENCES, .metered_bytes_max = 1000 }, .bytes = 1001, .known = 60, .takes = 30,
      .delta = true, .metered = { 0, 900 }, .fetched = 930, .installed = 930 },
    { .what = "link becomes metered during the download", .policy = { .metered = OTA_METERED_NOTHING }, .known = 60, .takes = 30, .metered = { 70, 300 },
      .fetched = 320, .installed = 320 },
    { .what = "all there, then metered: installed", .policy = { .metered = OTA_METERED_NOTHING, .windows = &night, .window_count = 1 }, .known = 30, .takes = 30,
      .metered = { 70, 1440 }, .fetched = 60, .installed = 120 },
    { .what = "deferred by an hour", .known = 60, .takes = 30, .deferred_at = 70, .deferred_min = 60, .fetched = 90, .installed = 130 },
    { .what = "deferred past its window", .policy = { .windows = &night, .window_count = 1 }, .known = 60, .takes = 30, .deferred_at = 100, .deferred_min = 180,
      .fetched = 90, .installed = NEVER },
    { .what = "deferred, and in its window", .policy = { .windows = &night, .window_count = 1 }, .known = 60, .takes = 30, .deferred_at = 100, .deferred_min = 80,
      .fetched = 90, .installed = 180 },
    { .what = "everything asked", .policy = { .windows = &late, .window_count = 1, .consent = OTA_CONSENT_INSTALL, .battery_min = 30,
      .metered = OTA_METERED_DIFFERENCES }, .known = 60, .takes = 30, .metered = { 0, 480 }, .low = { 500, 600 }, .agreed = { 1100, 1440 },
      .deferred_at = 1150, .deferred_min = 270, .fetched = 610, .installed = 1420 },
};

static void a_day_for_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(days); i++) {
        int fetched, installed;

        live_through(&days[i], &fetched, &installed);
        if (fetched != days[i].fetched || installed != days[i].installed)
            fail_msg("%s: there at minute %d, not %d; installed at %d, not %d", days[i].what, fetched, days[i].fetched, installed, days[i].installed);
    }
    assert_true(COUNT(days) >= 25);
}

/* ---- the rest ---- */

static void rollouts_end_where_they_should(void **state)
{
    static const struct { uint64_t number; uint16_t per_mille; bool in; } rows[] = {
        { 0, 0, false }, { 0, 1, true }, { 999, 999, false }, { 999, 1000, true }, { 1000, 1, true }, { 249, 250, true }, { 250, 250, false },
        { UINT64_MAX, 615, false }, { UINT64_MAX, 616, true },   /* 2^64-1 modulo 1000 is 615 */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t digest[OTA_SHA256_LEN];

        memset(digest, 0xa5, sizeof digest);
        for (int k = 0; k < 8; k++)
            digest[k] = (uint8_t)(rows[i].number >> (56 - 8 * k));
        assert_int_equal(otai_policy_in_rollout(digest, rows[i].per_mille), rows[i].in);
    }
}

static void caps_by_class(void **state)
{
    (void)state;
    assert_int_equal(otai_policy_defer_cap_s(1440, 10020, true, 0), 86400);
    assert_int_equal(otai_policy_defer_cap_s(1440, 10020, false, 0), 601200);
    assert_int_equal(otai_policy_defer_cap_s(44640, 0, true, 0), 2678400);
    assert_int_equal(otai_policy_defer_cap_s(44640, 0, false, 0), 0);
    assert_int_equal(otai_policy_defer_cap_s(1440, 10020, true, 3600), 3600);
    assert_int_equal(otai_policy_defer_cap_s(30, 10020, true, 3600), 1800);
    assert_int_equal(otai_policy_defer_cap_s(30, 10020, false, UINT32_MAX), 601200);
}

/* ---- settings ---- */

static struct ota_policy settings;
static struct ota_window windows[OTA_WINDOWS_MAX + 1];
static struct ota_config config;
static struct ota_conditions_ops conditions_ops;
static struct ota_conditions conditions;

static ota_err read_nothing(struct ota_conditions *c, struct ota_conditions_now *now, int32_t *port_code)
{
    (void)c;
    (void)now;
    (void)port_code;
    return OTA_OK;
}

static ota_err agree(struct ota_conditions *c, uint64_t seq, int32_t *port_code)
{
    (void)c;
    (void)seq;
    (void)port_code;
    return OTA_OK;
}

static int good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(windows); i++)
        windows[i] = (struct ota_window)NIGHT;
    conditions_ops = (struct ota_conditions_ops){ read_nothing, agree };
    conditions = (struct ota_conditions){ &conditions_ops };
    settings = (struct ota_policy){ .size = sizeof settings, .windows = windows, .window_count = 2, .utc_offset_min = 60, .consent = OTA_CONSENT_FETCH,
                                    .battery_min = 20, .metered = OTA_METERED_NOTHING, .metered_bytes_max = 1, .pin = { "1.0.0", "2.0.0" } };
    config = (struct ota_config){ .component_count = 2, .conditions = &conditions, .policy = &settings };
    return 0;
}

#define REFUSED(change, where)                                 \
    do {                                                       \
        (void)good(NULL);                                      \
        assert_null(otai_policy_bad(&config));                 \
        change;                                                \
        const char *bad_ = otai_policy_bad(&config);           \
        if (!bad_ || strcmp(bad_, where) != 0)                 \
            fail_msg("%s: %s", #change, bad_ ? bad_ : "good"); \
    } while (0)

#define ACCEPTED(change)                       \
    do {                                       \
        (void)good(NULL);                      \
        change;                                \
        assert_null(otai_policy_bad(&config)); \
    } while (0)

static void settings_out_of_range_are_named(void **state)
{
    (void)state;
    REFUSED(conditions.ops = NULL, "conditions");
    REFUSED(conditions_ops.read = NULL, "conditions");
    REFUSED(settings.size--, "policy.size");
    REFUSED(settings.window_count = OTA_WINDOWS_MAX + 1, "policy.windows");
    REFUSED(settings.windows = NULL, "policy.windows");
    REFUSED(windows[1].days = 0, "policy.windows");
    REFUSED(windows[1].days = 128, "policy.windows");
    REFUSED(windows[0].from_min = 1440, "policy.windows");
    REFUSED(windows[0].to_min = 0, "policy.windows");
    REFUSED(windows[0].to_min = 1441, "policy.windows");
    REFUSED(windows[0].to_min = windows[0].from_min, "policy.windows");
    REFUSED(settings.utc_offset_min = -721, "policy.utc_offset_min");
    REFUSED(settings.utc_offset_min = 841, "policy.utc_offset_min");
    REFUSED(settings.consent = (enum ota_consent)3, "policy.consent");
    REFUSED(settings.battery_min = 101, "policy.battery_min");
    REFUSED(settings.metered = (enum ota_metered)3, "policy.metered");
    REFUSED(settings.pin[2] = "1.0.0", "policy.pin");   /* of no component */
    REFUSED(settings.pin[0] = "", "policy.pin");
    REFUSED(settings.pin[1] = "12345678901234567890123456789012", "policy.pin");
}

static void what_nobody_could_ever_meet_is_refused(void **state)
{
    (void)state;
    REFUSED(conditions_ops.consent = NULL, "policy.consent");
    REFUSED(config.conditions = NULL, "policy.consent");
    REFUSED((config.conditions = NULL, settings.consent = OTA_CONSENT_NONE), "policy.battery_min");
    REFUSED((config.conditions = NULL, settings.consent = OTA_CONSENT_NONE, settings.battery_min = 0), "policy.metered");
    REFUSED((config.conditions = NULL, settings.consent = OTA_CONSENT_NONE, settings.battery_min = 0, settings.metered = OTA_METERED_ANY),
            "policy.metered_bytes_max");
}

static void what_is_in_range_is_taken(void **state)
{
    (void)state;
    ACCEPTED(config.policy = NULL);
    ACCEPTED((config.policy = NULL, config.conditions = NULL));
    ACCEPTED((settings.windows = NULL, settings.window_count = 0));
    ACCEPTED(settings.window_count = OTA_WINDOWS_MAX);
    ACCEPTED((windows[0].from_min = 1439, windows[0].to_min = 1440));
    ACCEPTED(settings.utc_offset_min = -720);
    ACCEPTED(settings.utc_offset_min = 840);
    ACCEPTED(settings.battery_min = 100);
    ACCEPTED(settings.pin[1] = "1234567890123456789012345678901");
    ACCEPTED((conditions_ops.consent = NULL, settings.consent = OTA_CONSENT_NONE));
    ACCEPTED((config.conditions = NULL, settings = (struct ota_policy){ .size = sizeof settings, .windows = windows, .window_count = 1 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination),
        cmocka_unit_test(without_settings_only_a_deferral_counts),
        cmocka_unit_test(windows_open_by_the_minute),
        cmocka_unit_test(the_first_of_several_windows_counts),
        cmocka_unit_test(local_time_comes_from_the_device_or_from_the_settings),
        cmocka_unit_test(a_day_for_each),
        cmocka_unit_test(rollouts_end_where_they_should),
        cmocka_unit_test(caps_by_class),
        cmocka_unit_test(settings_out_of_range_are_named),
        cmocka_unit_test(what_nobody_could_ever_meet_is_refused),
        cmocka_unit_test(what_is_in_range_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
