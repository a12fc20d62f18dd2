/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health.h"

struct fake {
    struct ota_health health;
    ota_err says;
};

static ota_err check(struct ota_health *h, int32_t *code)
{
    *code = 42;
    return ((struct fake *)(void *)h)->says;
}

static const struct ota_health_ops ops = { check };

enum { NO_PORT = 0xffff };

/* Grace 10 s, deadline 100 s. */
static void the_table(void **state)
{
    static const struct otai_health_rules rules = { .grace_s = 10, .deadline_s = 100 };
    static const struct { unsigned port; enum otai_app_word app; uint64_t age_ms; ota_err err; enum ota_verdict_kind kind; ota_err cause; int32_t code; } rows[] = {
        /* the application's word beats everything, at once */
        { OTA_REJECT_HEALTH, OTAI_APP_CONFIRMS, 0, OTA_DONE, OTA_VERDICT_HEALTHY, OTA_OK, 0 },
        { OTA_REJECT_HEALTH, OTAI_APP_CONFIRMS, 999999, OTA_DONE, OTA_VERDICT_HEALTHY, OTA_OK, 0 },
        { OTA_OK, OTAI_APP_REJECTS, 0, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_APP, -3 },
        { NO_PORT, OTAI_APP_REJECTS, 0, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_APP, -3 },
        { NO_PORT, OTAI_APP_CONFIRMS, 99999, OTA_DONE, OTA_VERDICT_HEALTHY, OTA_OK, 0 },
        /* the port */
        { OTA_OK, OTAI_APP_SILENT, 0, OTA_DONE, OTA_VERDICT_HEALTHY, OTA_OK, 0 },
        { OTA_OK, OTAI_APP_SILENT, 100000, OTA_DONE, OTA_VERDICT_HEALTHY, OTA_OK, 0 },
        { OTA_REJECT_HEALTH, OTAI_APP_SILENT, 9999, OTA_AGAIN, OTA_VERDICT_NONE, OTA_OK, 0 },
        { OTA_REJECT_HEALTH, OTAI_APP_SILENT, 10000, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_HEALTH, 42 },
        { OTA_REJECT_HEALTH, OTAI_APP_SILENT, 200000, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_HEALTH, 42 },
        /* silence is sick */
        { OTA_AGAIN, OTAI_APP_SILENT, 99999, OTA_AGAIN, OTA_VERDICT_NONE, OTA_OK, 0 },
        { OTA_AGAIN, OTAI_APP_SILENT, 100000, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_SILENT, 42 },
        { OTA_DEVICE_HEALTH, OTAI_APP_SILENT, 99999, OTA_AGAIN, OTA_VERDICT_NONE, OTA_OK, 0 },
        { OTA_DEVICE_HEALTH, OTAI_APP_SILENT, 100000, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_SILENT, 42 },
        { OTA_DONE, OTAI_APP_SILENT, 0, OTA_AGAIN, OTA_VERDICT_NONE, OTA_OK, 0 },   /* a port that misspeaks is silent */
        { NO_PORT, OTAI_APP_SILENT, 99999, OTA_AGAIN, OTA_VERDICT_NONE, OTA_OK, 0 },
        { NO_PORT, OTAI_APP_SILENT, 100000, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_SILENT, 0 },
        { NO_PORT, OTAI_APP_SILENT, UINT64_MAX, OTA_DONE, OTA_VERDICT_SICK, OTA_REJECT_SILENT, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake fake = { .health = { &ops }, .says = (ota_err)rows[i].port };
        struct ota_verdict v = { .kind = OTA_VERDICT_NONE };
        ota_err err = otai_health_look(rows[i].port == NO_PORT ? NULL : &fake.health, &rules, rows[i].app, -3, rows[i].age_ms, &v);
        if (err != rows[i].err || v.kind != rows[i].kind || v.cause.err != rows[i].cause || v.cause.port_code != rows[i].code)
            fail_msg("row %zu: %s, kind %d, cause %s", i, ota_err_name(err), v.kind, ota_err_name(v.cause.err));
        assert_true(err == OTA_AGAIN || v.cause.component == OTA_COMPONENT_NONE);
        assert_true((v.kind == OTA_VERDICT_SICK) == (v.cause.where[0] != '\0'));
    }
}

static void long_times_do_not_wrap(void **state)
{
    static const struct otai_health_rules rules = { .grace_s = UINT32_MAX, .deadline_s = UINT32_MAX };
    struct fake fake = { .health = { &ops }, .says = OTA_REJECT_HEALTH };
    struct ota_verdict v;

    (void)state;
    assert_int_equal(otai_health_look(&fake.health, &rules, OTAI_APP_SILENT, 0, UINT32_MAX * 1000ull - 1, &v), OTA_AGAIN);
    assert_int_equal(otai_health_look(&fake.health, &rules, OTAI_APP_SILENT, 0, UINT32_MAX * 1000ull, &v), OTA_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(long_times_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
