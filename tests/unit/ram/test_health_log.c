/* SPDX-License-Identifier: Apache-2.0 */
/* The two small RAM ports that need no contract of their own: scripted health and the kept log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ota/ram.h"

static ota_err look(struct ota_ram_health *h, int32_t *code)
{
    *code = 0;
    return h->port.ops->check(&h->port, code);
}

static void health_without_a_script_is_healthy(void **state)
{
    struct ota_ram_health h;
    int32_t code;

    (void)state;
    ota_ram_health_init(&h, NULL, 0);
    assert_int_equal(look(&h, &code), OTA_OK);
    assert_int_equal(look(&h, &code), OTA_OK);
}

static void health_follows_its_script_and_stays_at_the_end(void **state)
{
    static const ota_err script[] = { OTA_AGAIN, OTA_OK, OTA_REJECT_HEALTH };
    struct ota_ram_health h;
    int32_t code;

    (void)state;
    ota_ram_health_init(&h, script, 3);
    h.port_code = 7;
    assert_int_equal(look(&h, &code), OTA_AGAIN);
    assert_int_equal(code, 0);
    assert_int_equal(look(&h, &code), OTA_OK);
    assert_int_equal(code, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(look(&h, &code), OTA_REJECT_HEALTH);
        assert_int_equal(code, 7);
    }
}

static void log_keeps_the_last_events_with_their_faults(void **state)
{
    static struct ota_ram_log l;
    const struct ota_fault fault = { .err = OTA_REJECT_HASH, .where = "image" };

    (void)state;
    ota_ram_log_init(&l);
    assert_int_equal(ota_ram_log_seen(&l, OTA_EV_STATE), 0);
    l.port.ops->event(&l.port, OTA_EV_FAULT, 1, 2, &fault);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.entry[0].a, 1);
    assert_int_equal(l.entry[0].b, 2);
    assert_int_equal(l.entry[0].fault.err, OTA_REJECT_HASH);
    assert_string_equal(l.entry[0].fault.where, "image");
    for (uint32_t i = 0; i < OTA_RAM_LOG_LEN; i++)
        l.port.ops->event(&l.port, OTA_EV_STATE, i, 0, NULL);
    assert_int_equal(l.count, OTA_RAM_LOG_LEN + 1);
    assert_int_equal(ota_ram_log_seen(&l, OTA_EV_STATE), OTA_RAM_LOG_LEN);
    assert_int_equal(ota_ram_log_seen(&l, OTA_EV_FAULT), 0); /* the oldest gave way */
    assert_int_equal(l.entry[0].a, OTA_RAM_LOG_LEN - 1);
    assert_int_equal(l.entry[0].fault.err, OTA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_without_a_script_is_healthy),
        cmocka_unit_test(health_follows_its_script_and_stays_at_the_end),
        cmocka_unit_test(log_keeps_the_last_events_with_their_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
