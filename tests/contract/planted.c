/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite must catch each planted fault: a check that cannot fail is a defect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "planted.h"

static void expect_all_caught(const char *port, unsigned (*run)(unsigned fault), unsigned faults)
{
    unsigned missed = 0;

    assert_int_equal(run(0), 0); /* without a fault the wrapped port passes: what is caught is the fault */
    for (unsigned i = 1; i < faults; i++)
        if (run(i) == 0) {
            print_error("%s: fault %u was not caught\n", port, i);
            missed++;
        }
    assert_int_equal(missed, 0);
    assert_true(faults > 5);
}

static void store_faults(void **state)
{
    (void)state;
    expect_all_caught("store", planted_store, planted_store_faults);
}

static void slot_faults(void **state)
{
    (void)state;
    expect_all_caught("slot", planted_slot, planted_slot_faults);
}

static void boot_faults(void **state)
{
    (void)state;
    expect_all_caught("boot", planted_boot, planted_boot_faults);
}

static void net_faults(void **state)
{
    (void)state;
    expect_all_caught("net", planted_net, planted_net_faults);
}

static void clock_faults(void **state)
{
    (void)state;
    expect_all_caught("clock", planted_clock, planted_clock_faults);
}

static void crypto_faults(void **state)
{
    (void)state;
    expect_all_caught("crypto", planted_crypto, planted_crypto_faults);
}

static void conditions_faults(void **state)
{
    (void)state;
    expect_all_caught("conditions", planted_conditions, planted_conditions_faults);
}

static void identity_faults(void **state)
{
    (void)state;
    expect_all_caught("identity", planted_identity, planted_identity_faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_faults), cmocka_unit_test(slot_faults), cmocka_unit_test(boot_faults),
        cmocka_unit_test(net_faults), cmocka_unit_test(clock_faults),
        cmocka_unit_test(crypto_faults), cmocka_unit_test(conditions_faults), cmocka_unit_test(identity_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
