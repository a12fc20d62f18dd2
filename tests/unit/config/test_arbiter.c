/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is: the rule, case by case, and its bounds when nobody behaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arbiter.h"

#define S 3600000u
#define A 900000u
#define SYSTEM ARBITER_SYSTEM
#define NOBODY ARBITER_NOBODY

static struct arbiter a;

static int setup(void **state)
{
    (void)state;
    arbiter_init(&a, S, A);
    return 0;
}

static void one_alone_has_it_at_once(void **state)
{
    (void)state;
    assert_int_equal(arbiter_look(&a, 0), NOBODY);
    arbiter_ask(&a, 3);
    assert_int_equal(arbiter_look(&a, 0), 3);
    arbiter_ask(&a, 3);   /* again: nothing changes */
    assert_int_equal(arbiter_look(&a, 100 * A), 3);   /* nobody waits */
    arbiter_leave(&a, 3);
    assert_int_equal(arbiter_look(&a, 0), NOBODY);
    arbiter_leave(&a, 3);
    arbiter_ask(&a, SYSTEM);
    assert_int_equal(arbiter_look(&a, 0), SYSTEM);
}

static void the_system_comes_first_where_both_wait(void **state)
{
    (void)state;
    arbiter_ask(&a, 0);
    assert_int_equal(arbiter_look(&a, 0), 0);
    arbiter_ask(&a, 1);
    arbiter_ask(&a, SYSTEM);
    assert_int_equal(arbiter_look(&a, 1), 0);
    arbiter_leave(&a, 0);
    assert_int_equal(arbiter_look(&a, 2), SYSTEM);
}

static void the_system_does_not_come_twice_in_a_row(void **state)
{
    (void)state;
    arbiter_ask(&a, SYSTEM);
    assert_int_equal(arbiter_look(&a, 0), SYSTEM);
    arbiter_ask(&a, 1);
    arbiter_leave(&a, SYSTEM);
    arbiter_ask(&a, SYSTEM);
    assert_int_equal(arbiter_look(&a, 1), 1);
    arbiter_ask(&a, 2);
    arbiter_leave(&a, 1);
    assert_int_equal(arbiter_look(&a, 2), SYSTEM);
    arbiter_leave(&a, SYSTEM);
    arbiter_leave(&a, 2);
    arbiter_ask(&a, SYSTEM);   /* unless nobody else waits */
    assert_int_equal(arbiter_look(&a, 3), SYSTEM);
}

static void applications_come_in_their_order(void **state)
{
    static const int order[] = { 7, 2, 15, 0 };

    (void)state;
    for (int i = 0; i < 4; i++)
        arbiter_ask(&a, order[i]);
    arbiter_ask(&a, 7);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(arbiter_look(&a, 0), order[i]);
        arbiter_leave(&a, order[i]);
        arbiter_ask(&a, order[i]);   /* to the end */
    }
    assert_int_equal(arbiter_look(&a, 0), 7);
}

static void a_turn_ends_when_somebody_waits(void **state)
{
    (void)state;
    arbiter_ask(&a, 4);
    assert_int_equal(arbiter_look(&a, 10), 4);
    arbiter_ask(&a, SYSTEM);
    assert_int_equal(arbiter_look(&a, 10 + A - 1), 4);
    assert_false(a.overstayed);
    assert_int_equal(arbiter_look(&a, 10 + A), SYSTEM);
    assert_true(a.overstayed);
    assert_false(arbiter_is_long(&a, 10 + A + S));   /* nobody waits */
    arbiter_ask(&a, 4);
    assert_false(arbiter_is_long(&a, 10 + A + S - 1));
    assert_true(arbiter_is_long(&a, 10 + A + S));
    arbiter_yield(&a);
    assert_int_equal(arbiter_look(&a, 10 + A + S), 4);
    assert_false(a.overstayed);
    assert_false(arbiter_is_long(&a, 100 * S));
    arbiter_leave(&a, 4);
    assert_int_equal(arbiter_look(&a, 100 * S), SYSTEM);
}

/* A monotonic clock does neither; if one did, a turn would end at once, or later, and nothing else. */
static void clocks_that_jump(void **state)
{
    (void)state;
    arbiter_ask(&a, 0);
    assert_int_equal(arbiter_look(&a, 1000000), 0);
    arbiter_ask(&a, 1);
    assert_int_equal(arbiter_look(&a, 5), 0);   /* back */
    assert_int_equal(arbiter_look(&a, UINT64_MAX), 1);   /* far ahead */
    arbiter_ask(&a, SYSTEM);
    assert_int_equal(arbiter_look(&a, 0), 1);
    arbiter_leave(&a, 1);
    assert_int_equal(arbiter_look(&a, 0), SYSTEM);
    assert_false(arbiter_is_long(&a, 0));
}

static uint32_t dice(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* The documented bounds, with askers that never give anything back: an application waits at most (k + 1) S + k A, k being
 * those that were ahead of it; the system at most A. */
static void nobody_waits_longer_than_documented(void **state)
{
    uint32_t seed = 1, waits = 0;

    (void)state;
    for (int run = 0; run < 200; run++) {
        uint64_t asked[ARBITER_APPS + 1] = { 0 }, bound[ARBITER_APPS + 1] = { 0 }, now = 1;
        uint64_t s = 1 + dice(&seed, 1000), t = 1 + dice(&seed, 1000);
        int before = NOBODY;

        arbiter_init(&a, s, t);
        for (int i = 0; i < 3000; i++, now++) {
            int who = (int)dice(&seed, ARBITER_APPS + 1);

            if (dice(&seed, 4) == 0 && a.ticket[who] == 0 && a.holder != who) {
                uint64_t ahead = a.holder >= 0 && a.holder < ARBITER_APPS;
                for (int k = 0; k < ARBITER_APPS; k++)
                    ahead += a.ticket[k] != 0;
                asked[who] = now;
                bound[who] = who == SYSTEM ? t : (ahead + 1) * s + ahead * t;
                arbiter_ask(&a, who);
            }
            if (dice(&seed, 50) == 0 && a.holder != NOBODY)
                arbiter_leave(&a, a.holder);
            if (arbiter_is_long(&a, now))
                arbiter_yield(&a), asked[SYSTEM] = now, bound[SYSTEM] = t;
            int holder = arbiter_look(&a, now);
            if (holder != NOBODY && holder != before && asked[holder]) {
                if (now - asked[holder] > bound[holder] + 2 * (ARBITER_APPS + 1))   /* time is looked at in steps */
                    fail_msg("run %d: %d waited %u of %u", run, holder, (unsigned)(now - asked[holder]), (unsigned)bound[holder]);
                waits++;
            }
            before = holder;
        }
        for (int k = 0; k <= ARBITER_APPS; k++)
            if (a.ticket[k] && now - asked[k] > bound[k] + 2 * (ARBITER_APPS + 1))
                fail_msg("run %d: %d still waits", run, k);
    }
    assert_true(waits > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_alone_has_it_at_once, setup),
        cmocka_unit_test_setup(the_system_comes_first_where_both_wait, setup),
        cmocka_unit_test_setup(the_system_does_not_come_twice_in_a_row, setup),
        cmocka_unit_test_setup(applications_come_in_their_order, setup),
        cmocka_unit_test_setup(a_turn_ends_when_somebody_waits, setup),
        cmocka_unit_test_setup(clocks_that_jump, setup),
        cmocka_unit_test(nobody_waits_longer_than_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
