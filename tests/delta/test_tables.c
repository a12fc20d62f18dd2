/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's table holds what devices without it compute: a patch means the same to both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "stretch_small.h"

extern const int16_t otai_stretch_table[4096];

static void table_is_what_is_computed(void **state)
{
    (void)state;
    for (uint32_t p = 0; p < 4096; p++) {
        if (p > 0)
            assert_int_equal(otai_stretch_table[p], otai_stretch(p));
        assert_in_range(otai_stretch_table[p] + 2047, 0, 4094);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table_is_what_is_computed) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
