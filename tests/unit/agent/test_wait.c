/* SPDX-License-Identifier: Apache-2.0 */
/* Back-off and poll jitter as functions: their bounds, and that the jitter uses all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent.h"

static uint32_t dice(uint32_t *x)
{
    *x = *x * 1664525u + 1013904223u;
    return *x;
}

static void back_off_stays_below_its_doubling_top(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (uint32_t n = 0; n < 300; n++) {
        uint64_t top = n < 20 ? (uint64_t)10u << n : 3600;

        top = top < 3600 ? top : 3600;
        for (int i = 0; i < 50; i++)
            assert_in_range(otai_backoff_s(10, 3600, n, dice(&x)), 1, top);
        assert_in_range(otai_backoff_s(10, 3600, n, 0), 1, top);
        assert_in_range(otai_backoff_s(10, 3600, n, UINT32_MAX), 1, top);
    }
}

static void back_off_never_overflows(void **state)
{
    (void)state;
    assert_in_range(otai_backoff_s(UINT32_MAX, UINT32_MAX, 255, UINT32_MAX), 1, UINT32_MAX);
    assert_int_equal(otai_backoff_s(0, 0, 0, 12345), 1);
    assert_int_equal(otai_backoff_s(1, 1, 9, 12345), 1);
}

/* Full jitter: short waits come as often as long ones. */
static void jitter_reaches_both_ends(void **state)
{
    uint32_t x = 7, low = 0, high = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint32_t s = otai_backoff_s(10, 3600, 5, dice(&x) >> 8);

        low += s <= 80;
        high += s > 240;
    }
    assert_in_range(low, 400, 600);
    assert_in_range(high, 400, 600);
}

static void poll_adds_at_most_a_tenth(void **state)
{
    uint32_t x = 3, least = UINT32_MAX, most = 0;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        uint32_t s = otai_poll_s(3600, dice(&x) >> 8);

        least = s < least ? s : least;
        most = s > most ? s : most;
    }
    assert_in_range(least, 3600, 3605);
    assert_in_range(most, 3955, 3960);
    assert_int_equal(otai_poll_s(9, UINT32_MAX), 9);
    assert_int_equal(otai_poll_s(0, UINT32_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(back_off_stays_below_its_doubling_top),
        cmocka_unit_test(back_off_never_overflows),
        cmocka_unit_test(jitter_reaches_both_ends),
        cmocka_unit_test(poll_adds_at_most_a_tenth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
