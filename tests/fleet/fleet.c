/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet of virtual devices, each of which waits as the library says (lib/agent/schedule.c, the same object code), and a
 * server that counts. Time is simulated: a second is a list of the devices that are due in it.
 *
 *   fleet [--devices N] [--series FILE] [--plant jitter|phase]
 *
 * Ends with "N passed, N failed" and status 1 when a bound is exceeded. --series writes requests in each ten seconds, for
 * plot.py. --plant takes the dice or the places away: then bounds must be exceeded.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

#define HOUR 3600u
#define HOURS_MAX 10u
#define SECONDS (HOURS_MAX * HOUR)
#define BIN 10u
#define BINS (SECONDS / BIN)
#define NOBODY UINT32_MAX
#define PEAK_MAX 1.5       /* of the mean over the window */
#define RESONANCE_MAX 0.05 /* amplitude of the strongest period, of the mean */
#define POLL_S 3600u
#define HALF_MS (POLL_S * UINT64_C(500))
#define START_S 300u
#define UPDATE_S 120u /* from the check-in that finds the release to the start of the new image */

struct device {
    uint64_t due_ms, boot_ms; /* since the beginning; when its own clock was zero */
    uint32_t next, phase;
    uint8_t failures;
    bool updated, reached;
};

/* What the server does at a time. */
struct server {
    uint32_t away_from, away_to; /* s: no answer, or "come back later" */
    uint32_t after_s;            /* Retry-After; 0 = it is not there at all */
    uint32_t at_s;               /* Retry-After as a date */
    uint32_t release_s;          /* 0 = no release */
};

static struct {
    uint32_t count;
    struct device *device;
    uint32_t head[SECONDS + 1];
    uint32_t tries[BINS], served[BINS]; /* requests; those that were answered */
    uint32_t reached, updated;          /* devices that were answered since the server is back; that took the release */
    uint32_t reached_at[SECONDS], updated_at[SECONDS];
    uint64_t dice;
    bool no_dice, no_places;
    unsigned passed, failed;
    FILE *series;
} fleet;

/* SplitMix64: each run is the same run. */
static uint32_t throw_dice(void)
{
    uint64_t z = fleet.dice += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

static uint32_t jitter(void)
{
    return fleet.no_dice ? 0 : throw_dice();
}

static struct otai_pace pace_of(const struct device *d)
{
    return (struct otai_pace){ .poll_s = POLL_S, .retry_base_s = 10, .retry_cap_s = 3600, .start_s = START_S, .phase = d->phase };
}

static void enqueue(uint32_t i, uint64_t due_ms)
{
    uint64_t s = due_ms / 1000u;

    fleet.device[i].due_ms = due_ms;
    if (s >= SECONDS)
        s = SECONDS;
    fleet.device[i].next = fleet.head[s];
    fleet.head[s] = i;
}

/* A device that took the release starts again: its clock, and with it its place, begins anew. What came of it is told then,
 * in one request that is not counted here, and the next check-in is the regular one. */
static uint64_t take_release(struct device *d, uint64_t now_ms)
{
    const struct otai_pace p = pace_of(d);

    d->updated = true;
    d->boot_ms = now_ms + UPDATE_S * 1000u;
    fleet.updated++;
    return d->boot_ms + otai_poll_wait_ms(&p, 0, jitter());
}

static uint64_t answered(const struct server *s, struct device *d, uint64_t now_ms)
{
    const struct otai_pace p = pace_of(d);

    d->failures = 0;
    if (now_ms >= s->away_to * UINT64_C(1000) && !d->reached) {
        d->reached = true;
        fleet.reached++;
    }
    if (s->release_s && now_ms >= s->release_s * UINT64_C(1000) && !d->updated)
        return take_release(d, now_ms);
    return now_ms + otai_poll_wait_ms(&p, now_ms - d->boot_ms, jitter());
}

static uint64_t left_alone(const struct server *s, struct device *d, uint64_t now_ms)
{
    const struct otai_pace p = pace_of(d);
    uint32_t now_s = (uint32_t)(now_ms / 1000u), failures = d->failures;

    d->failures = failures < 255 ? (uint8_t)(failures + 1) : d->failures;
    return now_ms +
           otai_retry_wait_ms(&p, now_ms - d->boot_ms, failures, s->at_s > now_s ? s->at_s - now_s : s->after_s, jitter());
}

static void check_in(const struct server *s, uint32_t i)
{
    struct device *d = &fleet.device[i];
    uint64_t now_ms = d->due_ms;
    uint32_t bin = (uint32_t)(now_ms / 1000u / BIN);
    bool away = now_ms >= s->away_from * UINT64_C(1000) && now_ms < s->away_to * UINT64_C(1000);

    fleet.tries[bin]++;
    fleet.served[bin] += !away;
    enqueue(i, away ? left_alone(s, d, now_ms) : answered(s, d, now_ms));
}

static void run(const struct server *s, uint32_t hours)
{
    for (uint32_t t = 0; t < hours * HOUR; t++) {
        uint32_t i = fleet.head[t];

        /* What becomes due in this very second is pushed in front, and found again. */
        while (i != NOBODY) {
            fleet.head[t] = fleet.device[i].next;
            check_in(s, i);
            i = fleet.head[t];
        }
        fleet.reached_at[t] = fleet.reached;
        fleet.updated_at[t] = fleet.updated;
    }
}

/* A fleet whose devices were switched on at any time, long ago; or all at once, now. */
static void begin(const char *name, bool together)
{
    char id[24];

    (void)printf("%s: %" PRIu32 " devices\n", name, fleet.count);
    memset(fleet.head, 0xff, sizeof fleet.head);
    memset(fleet.tries, 0, sizeof fleet.tries);
    memset(fleet.served, 0, sizeof fleet.served);
    fleet.reached = fleet.updated = 0;
    for (uint32_t i = 0; i < fleet.count; i++) {
        struct device *d = &fleet.device[i];

        (void)snprintf(id, sizeof id, "dev-%07" PRIu32, i);
        *d = (struct device){ .phase = fleet.no_places ? 0 : otai_phase(id) };
        const struct otai_pace p = pace_of(d);
        enqueue(i, together ? otai_start_wait_ms(&p, 0, jitter()) : otai_poll_wait_ms(&p, HALF_MS, jitter()) - HALF_MS);
    }
}

/* ---- judging ---- */

static void judge(const char *what, double value, double bound)
{
    bool good = value <= bound;

    fleet.passed += good;
    fleet.failed += !good;
    (void)printf("  %-56s %9.3f  <= %9.3f  %s\n", what, value, bound, good ? "ok" : "EXCEEDED");
}

static double mean_of(const uint32_t *bins, uint32_t from_s, uint32_t to_s)
{
    double sum = 0;

    for (uint32_t b = from_s / BIN; b < to_s / BIN; b++)
        sum += bins[b];
    return sum / ((to_s - from_s) / BIN);
}

static double peak_of(const uint32_t *bins, uint32_t from_s, uint32_t to_s)
{
    uint32_t peak = 0;

    for (uint32_t b = from_s / BIN; b < to_s / BIN; b++)
        peak = bins[b] > peak ? bins[b] : peak;
    return peak;
}

/* Amplitude of one period in a window, with a window function that lets no step at its ends look like a period. */
static double amplitude(const uint32_t *bins, uint32_t from_s, uint32_t to_s, double mean, double cycles)
{
    const double turn = 6.283185307179586;
    uint32_t n = (to_s - from_s) / BIN;
    double re = 0, im = 0;

    for (uint32_t k = 0; k < n; k++) {
        double x = (bins[from_s / BIN + k] - mean) * (0.5 - 0.5 * cos(turn * k / n));

        re += x * cos(turn * cycles * k / n);
        im += x * sin(turn * cycles * k / n);
    }
    return 4 * sqrt(re * re + im * im) / n;
}

/* The strongest period between twenty seconds and a third of the window. */
static double resonance(const uint32_t *bins, uint32_t from_s, uint32_t to_s)
{
    double mean = mean_of(bins, from_s, to_s), strongest = 0;

    for (uint32_t cycles = 3; cycles <= (to_s - from_s) / BIN / 2; cycles++) {
        double a = amplitude(bins, from_s, to_s, mean, cycles);

        strongest = a > strongest ? a : strongest;
    }
    return mean > 0 ? strongest / mean : 1;
}

static void judge_window(const char *what, uint32_t from_s, uint32_t to_s)
{
    char text[96];
    double mean = mean_of(fleet.tries, from_s, to_s);

    (void)snprintf(text, sizeof text, "%s: peak over mean", what);
    judge(text, mean > 0 ? peak_of(fleet.tries, from_s, to_s) / mean : 1e9, PEAK_MAX);
}

static void judge_resonance(const char *what, uint32_t from_s, uint32_t to_s)
{
    char text[96];

    (void)snprintf(text, sizeof text, "%s: strongest period over mean", what);
    judge(text, resonance(fleet.tries, from_s, to_s), RESONANCE_MAX);
}

/* Seconds after `from_s` by which 99 of 100 devices are there. */
static double time_of_99(const uint32_t *at, uint32_t from_s)
{
    for (uint32_t t = from_s; t < SECONDS; t++)
        if (at[t] >= fleet.count - fleet.count / 100u)
            return t + 1 - from_s;
    return SECONDS;
}

static void write_series(const char *name, uint32_t hours)
{
    if (!fleet.series)
        return;
    (void)fprintf(fleet.series, "%s", name);
    for (uint32_t b = 0; b < hours * HOUR / BIN; b++)
        (void)fprintf(fleet.series, " %" PRIu32, fleet.tries[b]);
    (void)fputc('\n', fleet.series);
}

/* ---- what happens to fleets ---- */

static void all_power_on_at_once(void)
{
    const struct server s = { .away_to = 0 };

    begin("power-on", true);
    run(&s, 6);
    write_series("power-on", 6);
    judge_window("the five minutes of the first check-ins", 0, START_S);
    judge("99 % have checked in after s", time_of_99(fleet.reached_at, 0), START_S);
    judge_window("from the second hour on", 2 * HOUR, 6 * HOUR);
    judge_resonance("from the second hour on", 2 * HOUR, 6 * HOUR);
}

static void server_away_for_two_hours(void)
{
    const struct server s = { .away_from = HOUR, .away_to = 3 * HOUR };

    begin("outage", false);
    run(&s, 8);
    write_series("outage", 8);
    judge_window("the hour behind the outage", 3 * HOUR, 4 * HOUR);
    judge_window("the five hours behind the outage", 3 * HOUR, 8 * HOUR);
    judge_resonance("the five hours behind the outage", 3 * HOUR, 8 * HOUR);
    judge("99 % are back after s", time_of_99(fleet.reached_at, 3 * HOUR), POLL_S * 1.1);
    judge("tries while it is away: peak over the usual mean",
          peak_of(fleet.tries, HOUR, 3 * HOUR) / mean_of(fleet.tries, 600, HOUR), 7);
}

static void everybody_is_told_to_come_later(const char *name, uint32_t after_s, uint32_t at_s)
{
    const struct server s = { .away_from = HOUR, .away_to = HOUR + 1800, .after_s = after_s, .at_s = at_s };

    begin(name, false);
    run(&s, 8);
    write_series(name, 8);
    judge_window("the three hours behind the first refusal", HOUR, 4 * HOUR);
    judge_resonance("the five hours behind it", 3 * HOUR, 8 * HOUR);
    judge("99 % were served after s", time_of_99(fleet.reached_at, HOUR + 1800), POLL_S * 2.0);
}

static void a_release_appears(void)
{
    const struct server s = { .release_s = HOUR };

    begin("release", false);
    run(&s, 8);
    write_series("release", 8);
    judge_window("the hour in which it is taken", HOUR, 2 * HOUR);
    judge_window("the seven hours behind it", HOUR, 8 * HOUR);
    judge_resonance("the seven hours behind it", HOUR, 8 * HOUR);
    judge("99 % have taken it after s", time_of_99(fleet.updated_at, HOUR), POLL_S * 1.1);
}

static bool options(int argc, char **argv)
{
    fleet.count = 1000000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--devices") == 0)
            fleet.count = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--series") == 0)
            fleet.series = fopen(argv[i + 1], "w");
        else if (strcmp(argv[i], "--plant") == 0 && strcmp(argv[i + 1], "jitter") == 0)
            fleet.no_dice = true;
        else if (strcmp(argv[i], "--plant") == 0 && strcmp(argv[i + 1], "phase") == 0)
            fleet.no_places = true;
        else
            return false;
        if (strcmp(argv[i], "--series") == 0 && !fleet.series)
            return false;
    }
    return argc % 2 == 1 && fleet.count >= 50000 && fleet.count <= 10000000;
}

int main(int argc, char **argv)
{
    if (!options(argc, argv)) {
        (void)fputs("usage: fleet [--devices 50000..10000000] [--series FILE] [--plant jitter|phase]\n", stderr);
        return 2;
    }
    fleet.device = calloc(fleet.count, sizeof *fleet.device);
    if (!fleet.device)
        return 2;
    all_power_on_at_once();
    server_away_for_two_hours();
    everybody_is_told_to_come_later("retry-after", 600, 0);
    everybody_is_told_to_come_later("retry-after-date", 0, 2 * HOUR);
    a_release_appears();
    bool written = !fleet.series || fclose(fleet.series) == 0;
    free(fleet.device);
    (void)printf("%u passed, %u failed\n", fleet.passed, fleet.failed);
    return fleet.failed == 0 && written ? 0 : 1;
}
