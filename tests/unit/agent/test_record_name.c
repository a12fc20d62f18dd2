/* SPDX-License-Identifier: Apache-2.0 */
/* Role names come from metadata; what becomes of them must be a name that every store takes, and one per role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent.h"

static void plain_names_stay(void **state)
{
    char out[OTA_STORE_NAME_MAX];

    (void)state;
    assert_int_equal(otai_record_name("os", "azAZ09-_", out), OTA_OK);
    assert_string_equal(out, "os.azAZ09-_.json");
}

static void whatever_else_is_encoded(void **state)
{
    char out[OTA_STORE_NAME_MAX];

    (void)state;
    assert_int_equal(otai_record_name("os", "../a b", out), OTA_OK);
    assert_string_equal(out, "os.%2e%2e%2fa%20b.json");
    for (unsigned c = 1; c < 256; c++) {
        const char role[2] = { (char)c, '\0' };

        assert_int_equal(otai_record_name("os", role, out), OTA_OK);
        assert_true(ota_store_name_ok(out));
    }
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
    char out[OTA_STORE_NAME_MAX], role[OTA_STORE_NAME_MAX];

    (void)state;
    memset(role, 'r', sizeof role);
    for (size_t len = 0; len < sizeof role; len++) {
        role[len] = '\0';
        bool fits = strlen("os.") + len + strlen(".json") < OTA_STORE_NAME_MAX;

        assert_int_equal(otai_record_name("os", role, out), fits ? OTA_OK : OTA_REJECT_LIMIT);
        role[len] = 'r';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(plain_names_stay), cmocka_unit_test(whatever_else_is_encoded),
        cmocka_unit_test(a_name_that_does_not_fit_is_refused) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
