/* SPDX-License-Identifier: Apache-2.0 */
/* Trials that take components out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "boot.h"

#include OTAI_REMOVAL_HEADER

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define N OTA_SLOT_NONE
#define OUT OTA_SLOT_REMOVE

static struct ota_boot_view shown;
static uint8_t armed[OTA_COMPONENTS_MAX];
static unsigned arms;

static ota_err view(struct ota_boot *b, struct ota_boot_view *out, int32_t *code)
{
    (void)b, (void)code;
    *out = shown;
    return OTA_OK;
}

static ota_err arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    (void)b, (void)tries, (void)code;
    memset(armed, N, sizeof armed);
    memcpy(armed, slot, count);
    arms++;
    return OTA_OK;
}

static const struct ota_boot_ops ops = { .view = view, .arm = arm };
static struct ota_boot boot = { &ops };
static struct ota_fault fault;

static int setup(void **state)
{
    (void)state;
    shown = (struct ota_boot_view){ .running = { 0, 1, N, N }, .armed = { N, N, N, N } };
    arms = 0;
    return 0;
}

static void a_view_may_show_a_removal_as_armed_only(void **state)
{
    struct ota_boot_view v;

    (void)state;
    shown.armed[1] = OUT;
    assert_int_equal(otai_boot_view(&boot, 2, &v, &fault), OTA_OK);
    assert_int_equal(v.armed[1], OUT);
    shown.armed[1] = OUT - 1;
    assert_int_equal(otai_boot_view(&boot, 2, &v, &fault), OTA_DEVICE_BOOT);
    shown.armed[1] = N;
    shown.running[1] = OUT;
    assert_int_equal(otai_boot_view(&boot, 2, &v, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.view.slot");
}

static void a_removal_is_armed_alone_or_with_images(void **state)
{
    const struct ota_image os = { .component = 0, .slot = 1 };
    const uint8_t both[] = { 1, OUT, N, N }, alone[] = { N, OUT, N, N };
    struct ota_trial trial = { .remove = 1u << 1 };

    (void)state;
    assert_int_equal(otai_boot_arm(&boot, 3, &os, 1, 3, &trial, &fault), OTA_OK);
    assert_memory_equal(armed, both, 4);
    assert_memory_equal(trial.slot, both, 4);
    assert_int_equal(trial.remove, 1u << 1);
    assert_int_equal(otai_boot_arm(&boot, 3, NULL, 0, 3, &trial, &fault), OTA_OK);
    assert_memory_equal(armed, alone, 4);
}

static void what_cannot_be_taken_out(void **state)
{
    static const struct {
        struct ota_image image;
        size_t count;
        uint8_t remove, tries;
    } rows[] = {
        { { .component = 1, .slot = 0 }, 1, 1u << 1, 3 }, /* it has a new image */
        { { .component = 0, .slot = 1 }, 1, 1u << 2, 3 }, /* it is not there */
        { { .component = 0, .slot = 1 }, 1, 1u << 3, 3 }, /* there is no such component */
        { { .component = 0, .slot = 0 }, 1, 1u << 1, 3 }, /* what runs is not to be written */
        { { .component = 0, .slot = OUT }, 1, 0, 3 },     /* a removal is no image */
        { { .component = 0, .slot = 1 }, 0, 1u << 1, 0 }, { { .component = 0, .slot = 1 }, 0, 0, 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ota_trial trial = { .remove = rows[i].remove };
        ota_err err = otai_boot_arm(&boot, 3, &rows[i].image, rows[i].count, rows[i].tries, &trial, &fault);
        if (err != OTA_USAGE_ARGUMENT || strcmp(fault.where, "boot.arm") != 0)
            fail_msg("row %zu: %s", i, ota_err_name(err));
    }
    assert_int_equal(arms, 0);
}

static void fates(void **state)
{
    static const struct {
        uint8_t running[2], armed[2];
        bool trial, pending;
        uint8_t wanted[2];
        enum otai_boot_fate fate;
    } rows[] = {
        { { 0, 0 }, { N, OUT }, false, true, { N, OUT }, OTAI_BOOT_PENDING },
        { { 0, N }, { N, OUT }, true, false, { N, OUT }, OTAI_BOOT_RUNNING },
        { { 1, N }, { 1, OUT }, true, false, { 1, OUT }, OTAI_BOOT_RUNNING },
        { { 1, N }, { N, N }, false, false, { 1, OUT }, OTAI_BOOT_PERMANENT },
        { { 0, N }, { N, N }, false, false, { N, OUT }, OTAI_BOOT_PERMANENT },
        { { 0, 0 }, { N, N }, false, false, { N, OUT }, OTAI_BOOT_ABSENT }, /* it came back */
        { { 1, 0 }, { N, N }, false, false, { 1, OUT }, OTAI_BOOT_ABSENT }, /* half of it is no success */
        { { 0, N }, { N, N }, false, false, { 1, OUT }, OTAI_BOOT_ABSENT },
        { { 0, N }, { N, 0 }, true, false, { N, OUT }, OTAI_BOOT_ABSENT }, /* another trial runs */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_view_may_show_a_removal_as_armed_only, setup),
        cmocka_unit_test_setup(a_removal_is_armed_alone_or_with_images, setup),
        cmocka_unit_test_setup(what_cannot_be_taken_out, setup),
        cmocka_unit_test_setup(fates, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
