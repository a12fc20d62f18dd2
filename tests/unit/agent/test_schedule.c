/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule of a fleet as functions: a table of instants, and that nobody's place is anybody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_on.h"
#include "schedule.h"

#define HALF 0x80000000u
#define LAST 0xffffffffu
#define MIN 60000u
#define HOUR (60u * MIN)

/* Once an hour, at its middle. */
static const struct otai_pace hourly = { .poll_s = 3600, .retry_base_s = 10, .retry_cap_s = 3600, .start_s = 300, .phase = HALF };

static void instants(void **state)
{
    enum what { START, POLL, RETRY };
    static const struct {
        enum what what;
        uint32_t now_ms, failures, after_s, random;
        uint64_t wait_ms;
    } rows[] = {
        /* a start: the rest of five minutes */
        { START, 0, 0, 0, 0, 0 },
        { START, 0, 0, 0, HALF, 150000 },
        { START, 0, 0, 0, LAST, 299999 },
        { START, 200000, 0, 0, HALF, 50000 },
        { START, 299999, 0, 0, LAST, 0 },
        { START, 300000, 0, 0, LAST, 0 },
        /* success: the middle of an hour, at least half an hour away, and up to six minutes */
        { POLL, 0, 0, 0, 0, 30 * MIN },
        { POLL, 1, 0, 0, 0, 90 * MIN - 1 },
        { POLL, 30 * MIN, 0, 0, 0, HOUR },
        { POLL, 35 * MIN, 0, 0, 0, 55 * MIN },
        { POLL, 59 * MIN, 0, 0, 0, 31 * MIN },
        { POLL, HOUR, 0, 0, 0, 30 * MIN },
        { POLL, 30 * MIN, 0, 0, HALF, 63 * MIN },
        { POLL, 30 * MIN, 0, 0, LAST, 66 * MIN - 1 },
        /* failure: full jitter below 10, 40, 160 s ... */
        { RETRY, 0, 0, 0, 0, 1 },
        { RETRY, 0, 0, 0, HALF, 5001 },
        { RETRY, 0, 0, 0, LAST, 10000 },
        { RETRY, 0, 3, 0, LAST, 640000 },
        { RETRY, 0, 4, 0, LAST, 2560000 },
        /* ... and from the cap on the middle of the hour, and up to six minutes */
        { RETRY, 0, 5, 0, 0, 30 * MIN },
        { RETRY, 0, 5, 0, LAST, 36 * MIN - 1 },
        { RETRY, 29 * MIN, 5, 0, 0, MIN },
        { RETRY, 30 * MIN, 255, 0, 0, HOUR },
        { RETRY, 30 * MIN - 1, 255, 0, 0, 1 },
        { RETRY, 31 * MIN, 255, 0, 0, 59 * MIN },
        /* Retry-After: the middle of the hour behind it */
        { RETRY, 0, 0, 600, 0, 30 * MIN },
        { RETRY, 20 * MIN, 0, 599, 0, 10 * MIN },
        { RETRY, 20 * MIN, 0, 600, 0, 70 * MIN },
        { RETRY, 30 * MIN, 9, 1, 0, HOUR },
        { RETRY, 0, 0, LAST, 0, 90 * MIN }, /* no more than an hour of it counts */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t wait = rows[i].what == START ? otai_start_wait_ms(&hourly, rows[i].now_ms, rows[i].random)
                        : rows[i].what == POLL
                            ? otai_poll_wait_ms(&hourly, rows[i].now_ms, rows[i].random)
                            : otai_retry_wait_ms(&hourly, rows[i].now_ms, rows[i].failures, rows[i].after_s, rows[i].random);

        if (wait != rows[i].wait_ms)
            fail_msg("row %zu: %llu, not %llu", i, (unsigned long long)wait, (unsigned long long)rows[i].wait_ms);
    }
}

static void nothing_overflows(void **state)
{
    const struct otai_pace p = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, LAST };
    const uint64_t longest = (uint64_t)UINT32_MAX * 1000u, late = UINT64_C(1) << 60;

    (void)state;
    assert_in_range(otai_start_wait_ms(&p, 0, LAST), longest - longest / 1000000u, longest);
    assert_in_range(otai_poll_wait_ms(&p, late, LAST), longest / 2, longest * 8 / 5);
    assert_in_range(otai_retry_wait_ms(&p, late, 255, UINT32_MAX, LAST), longest, 2 * longest + longest / 10);
    /* A cap of a second and an interval of one: still at most a second and a tenth. */
    const struct otai_pace quick = { 1, 1, 1, 1, LAST };
    for (uint32_t n = 0; n < 40; n++)
        assert_in_range(otai_retry_wait_ms(&quick, late + n * 77, n, 0, LAST), 1, 1100);
}

static void a_groups_interval_keeps_to_the_devices_bounds(void **state)
{
    (void)state;
    assert_int_equal(otai_interval_s(3600, 0, 60, 604800), 3600);
    assert_int_equal(otai_interval_s(3600, 59, 60, 604800), 60);
    assert_int_equal(otai_interval_s(3600, 60, 60, 604800), 60);
    assert_int_equal(otai_interval_s(3600, 7200, 60, 604800), 7200);
    assert_int_equal(otai_interval_s(3600, 604801, 60, 604800), 604800);
}

/* Ids that are counted up fill every hundredth of the interval alike; the same id has the same place each time. */
static void places_are_spread(void **state)
{
    static uint32_t in[100];
    char id[32];

    (void)state;
    memset(in, 0, sizeof in);
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(id, sizeof id, "dev-%07u", i);
        in[(uint64_t)otai_phase(id) * 100u >> 32]++;
    }
    for (size_t i = 0; i < 100; i++)
        assert_in_range(in[i], 1000 - 160, 1000 + 160); /* five standard deviations */
    assert_int_equal(otai_phase("dev-1"), otai_phase("dev-1"));
    assert_int_not_equal(otai_phase("dev-1"), otai_phase("dev-2"));
}

/* ---- settings, and the rate ---- */

static uint64_t now_ms;

static uint64_t monotonic(struct ota_clock *c)
{
    (void)c;
    return now_ms;
}

static void settings_have_defaults_and_bounds(void **state)
{
    struct ota_config c = { .size = sizeof c };

    (void)state;
    otai_fleet_fill(&c);
    assert_int_equal(c.times.start_s, 300);
    assert_int_equal(c.times.poll_min_s, 60);
    assert_int_equal(c.times.poll_max_s, 604800);
    c.times.start_s = 1;
    c.times.poll_min_s = c.times.poll_max_s = 77;
    otai_fleet_fill(&c);
    assert_int_equal(c.times.start_s, 1);
    assert_int_equal(c.times.poll_min_s, 77);
    assert_null(otai_fleet_bad(&c));
    c.times.poll_min_s = 78;
    assert_string_equal(otai_fleet_bad(&c), "times.poll_min_s");
    c.times.poll_min_s = 77;
    c.limits.low_speed_bps = 64;
    c.limits.rate_bps = 127;
    assert_string_equal(otai_fleet_bad(&c), "limits.rate_bps");
    c.limits.rate_bps = 128;
    assert_null(otai_fleet_bad(&c));
}

static void the_rate_holds_over_any_time_and_any_size_of_reads(void **state)
{
    static const struct ota_clock_ops ops = { .monotonic_ms = monotonic };
    static struct ota a;
    struct ota_clock ticker = { &ops };

    (void)state;
    for (uint32_t rate = 1000; rate <= 100000000u; rate *= 10) {
        for (size_t chunk = 1; chunk <= 65536; chunk *= 16) {
            memset(&a, 0, sizeof a);
            a.cfg.clock = &ticker;
            a.cfg.limits.rate_bps = rate;
            now_ms = 5000;
            uint64_t bytes = 0;
            for (int i = 0; i < 2000; i++) {
                now_ms += otai_rate_pause_ms(&a);
                assert_int_equal(otai_rate_pause_ms(&a), 0);
                otai_rate_spend(&a, chunk);
                bytes += chunk;
            }
            uint64_t took_us = (now_ms - 5000) * 1000u + 1000u, due_us = (bytes - chunk) * 1000000u / rate;
            assert_true(took_us + 2000u >= due_us);                           /* not faster: a byte's rounding each time */
            assert_true(took_us <= due_us + 1000u + due_us / 10u + 2001000u); /* and not much slower */
        }
    }
    now_ms += 100000; /* a pause earns no credit */
    otai_rate_spend(&a, 1000000000);
    assert_in_range(otai_rate_pause_ms(&a), 9990, 10010);
    a.cfg.limits.rate_bps = 0;
    a.rate_free_us = 0;
    otai_rate_spend(&a, 1000000000);
    assert_int_equal(otai_rate_pause_ms(&a), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(a_groups_interval_keeps_to_the_devices_bounds),
        cmocka_unit_test(places_are_spread),
        cmocka_unit_test(settings_have_defaults_and_bounds),
        cmocka_unit_test(the_rate_holds_over_any_time_and_any_size_of_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
