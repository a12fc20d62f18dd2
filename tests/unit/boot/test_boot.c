/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "boot.h"

#define N OTA_SLOT_NONE
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fake {
    struct ota_boot boot;
    struct ota_boot_view view;
    ota_err says;
    unsigned arms, confirms, reverts, reboots;
    uint8_t slot[OTA_COMPONENTS_MAX], tries;
    size_t count;
};

static struct fake *of(struct ota_boot *b)
{
    return (struct fake *)(void *)b;
}

static ota_err answer(struct ota_boot *b, int32_t *code)
{
    *code = of(b)->says == OTA_OK ? 0 : 13;
    return of(b)->says;
}

static ota_err view(struct ota_boot *b, struct ota_boot_view *out, int32_t *code)
{
    *out = of(b)->view;
    return answer(b, code);
}

static ota_err arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    of(b)->arms++;
    memcpy(of(b)->slot, slot, count);
    of(b)->count = count;
    of(b)->tries = tries;
    of(b)->says = of(b)->tries == 9 ? OTA_DEVICE_BOOT : OTA_OK;
    return answer(b, code);
}

static ota_err confirm(struct ota_boot *b, int32_t *code)
{
    of(b)->confirms++;
    return answer(b, code);
}

static ota_err revert(struct ota_boot *b, int32_t *code)
{
    of(b)->reverts++;
    return answer(b, code);
}

static ota_err reboot(struct ota_boot *b, int32_t *code)
{
    of(b)->reboots++;
    return answer(b, code);
}

static const struct ota_boot_ops ops = { view, arm, confirm, revert, reboot };
static struct fake fake;
static struct ota_fault fault;

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    memset(&fault, 0, sizeof fault);
    fake.boot.ops = &ops;
    fake.view = (struct ota_boot_view){ .running = { 0, 1, N, N }, .armed = { N, N, N, N } };
    return 0;
}

static void fates(void **state)
{
    static const struct { uint8_t running[2], armed[2]; bool trial, pending; uint8_t wanted[2]; enum otai_boot_fate fate; } rows[] = {
        { { 0, 0 }, { 1, N }, false, true, { 1, N }, OTAI_BOOT_PENDING },
        { { 0, 0 }, { 1, 1 }, false, true, { 1, 1 }, OTAI_BOOT_PENDING },
        { { 0, 0 }, { 1, 1 }, false, true, { 1, N }, OTAI_BOOT_ABSENT },      /* another trial is armed */
        { { 0, 0 }, { N, 1 }, false, true, { 1, N }, OTAI_BOOT_ABSENT },
        { { 1, 0 }, { 1, N }, true, false, { 1, N }, OTAI_BOOT_RUNNING },
        { { 1, 1 }, { 1, 1 }, true, false, { 1, 1 }, OTAI_BOOT_RUNNING },
        { { 1, 1 }, { 1, 1 }, true, false, { 1, N }, OTAI_BOOT_ABSENT },      /* another trial runs */
        { { 0, 0 }, { 1, N }, true, false, { 1, N }, OTAI_BOOT_ABSENT },      /* a view that contradicts itself */
        { { 1, 0 }, { N, N }, false, false, { 1, N }, OTAI_BOOT_PERMANENT },
        { { 1, 1 }, { N, N }, false, false, { 1, 1 }, OTAI_BOOT_PERMANENT },
        { { 1, 0 }, { N, N }, false, false, { 1, 1 }, OTAI_BOOT_ABSENT },     /* half of it is no success */
        { { 0, 0 }, { N, N }, false, false, { 1, N }, OTAI_BOOT_ABSENT },     /* never armed, or rolled back */
        { { 0, 0 }, { N, N }, false, false, { 1, 1 }, OTAI_BOOT_ABSENT },
        { { N, N }, { N, N }, false, false, { 0, N }, OTAI_BOOT_ABSENT },
        { { 1, 0 }, { 0, N }, false, true, { 1, N }, OTAI_BOOT_PERMANENT },   /* it runs; the next one waits */
        { { 0, 0 }, { N, N }, false, false, { N, N }, OTAI_BOOT_ABSENT },     /* nothing was wanted */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ota_boot_view v = { .trial = rows[i].trial, .pending = rows[i].pending };
        memcpy(v.running, rows[i].running, 2);
        memcpy(v.armed, rows[i].armed, 2);
        enum otai_boot_fate fate = otai_boot_fate(&v, rows[i].wanted, 2);
        if (fate != rows[i].fate)
            fail_msg("row %zu: %d", i, fate);
    }
}

static void a_view_is_checked(void **state)
{
    struct ota_boot_view v;

    (void)state;
    assert_int_equal(otai_boot_view(&fake.boot, 2, &v, &fault), OTA_OK);
    assert_memory_equal(v.running, fake.view.running, 2);
    fake.view.running[1] = 2;
    assert_int_equal(otai_boot_view(&fake.boot, 2, &v, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.view.slot");
    assert_int_equal(otai_boot_view(&fake.boot, 1, &v, &fault), OTA_OK);   /* not ours to judge */
    setup(NULL);
    fake.view.armed[0] = 0xfd;
    assert_int_equal(otai_boot_view(&fake.boot, 2, &v, &fault), OTA_DEVICE_BOOT);
    setup(NULL);
    fake.view.trial = fake.view.pending = true;
    assert_int_equal(otai_boot_view(&fake.boot, 2, &v, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.view.trial");
    setup(NULL);
    fake.says = OTA_DONE;
    assert_int_equal(otai_boot_view(&fake.boot, 2, &v, &fault), OTA_DEVICE_BOOT);
    assert_int_equal(fault.port_code, 13);
}

static void a_trial_is_armed_as_one(void **state)
{
    const struct ota_image images[] = { { .component = 1, .slot = 0 }, { .component = 0, .slot = 1 } };
    const uint8_t want[] = { 1, 0, N }, whole[] = { 1, 0, N, N };
    struct ota_trial trial = { .remove = 0 };

    (void)state;
    assert_int_equal(otai_boot_arm(&fake.boot, 3, images, 2, 3, &trial, &fault), OTA_OK);
    assert_int_equal(fake.arms, 1);
    assert_int_equal(fake.count, 3);
    assert_memory_equal(fake.slot, want, 3);
    assert_int_equal(fake.tries, 3);
    assert_int_equal(trial.tries, 3);
    assert_memory_equal(trial.slot, whole, 4);
}

static void what_arm_refuses(void **state)
{
    static const struct { struct ota_image image[2]; size_t count; uint8_t tries; } rows[] = {
        { { { .component = 0, .slot = 0 } }, 1, 3 },                                     /* runs now */
        { { { .component = 0, .slot = 1 }, { .component = 1, .slot = 1 } }, 2, 3 },      /* the second runs now */
        { { { .component = 0, .slot = 2 } }, 1, 3 }, { { { .component = 0, .slot = N } }, 1, 3 }, { { { .component = 3, .slot = 0 } }, 1, 3 },
        { { { .component = 0, .slot = 1 }, { .component = 0, .slot = 1 } }, 2, 3 }, { { { .component = 0, .slot = 1 } }, 0, 3 },
        { { { .component = 0, .slot = 1 } }, 1, 0 },
    };
    struct ota_trial trial = { .remove = 0 };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(otai_boot_arm(&fake.boot, 3, rows[i].image, rows[i].count, rows[i].tries, &trial, &fault), OTA_USAGE_ARGUMENT);
        assert_string_equal(fault.where, "boot.arm");
    }
    assert_int_equal(fake.arms, 0);
}

static void failures_are_told(void **state)
{
    const struct ota_image image = { .component = 0, .slot = 1 };
    struct ota_trial trial = { .remove = 0 };

    (void)state;
    assert_int_equal(otai_boot_arm(&fake.boot, 2, &image, 1, 9, &trial, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.arm");
    assert_int_equal(fault.port_code, 13);
    assert_int_equal(otai_boot_arm(&fake.boot, 2, &image, 1, 3, &trial, &fault), OTA_DEVICE_BOOT);   /* the view fails now */
    assert_string_equal(fault.where, "boot.view");
    assert_int_equal(otai_boot_confirm(&fake.boot, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.confirm");
    assert_int_equal(otai_boot_revert(&fake.boot, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.revert");
    assert_int_equal(otai_boot_restart(&fake.boot, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.reboot");
    fake.says = OTA_OK;
    assert_int_equal(otai_boot_confirm(&fake.boot, &fault), OTA_OK);
    assert_int_equal(otai_boot_revert(&fake.boot, &fault), OTA_OK);
    assert_int_equal(otai_boot_restart(&fake.boot, &fault), OTA_OK);
    assert_true(fake.confirms == 2 && fake.reverts == 2 && fake.reboots == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fates, setup),
        cmocka_unit_test_setup(a_view_is_checked, setup),
        cmocka_unit_test_setup(a_trial_is_armed_as_one, setup),
        cmocka_unit_test_setup(what_arm_refuses, setup),
        cmocka_unit_test_setup(failures_are_told, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
