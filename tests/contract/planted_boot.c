/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include "ota/ram.h"
#include "report.h"

enum boot_fault {
    BOOT_GOOD,
    BOOT_ARM_DOES_NOTHING,
    BOOT_ARM_SWITCHES_AT_ONCE,
    BOOT_ARM_IS_LOST_BY_RESTART,
    BOOT_ARM_MOVES_ALL,
    BOOT_CONFIRM_DOES_NOTHING,
    BOOT_CONFIRM_TAKES_ARMED,
    BOOT_CONFIRM_NEEDS_TRIAL,
    BOOT_REVERT_DOES_NOTHING,
    BOOT_REVERT_CONFIRMS,
    BOOT_TRIES_FOR_EVER,
    BOOT_ONE_TRY_LESS,
    BOOT_HIDES_TRIAL,
    BOOT_PENDING_AND_TRIAL,
    BOOT_LOOKING_TAKES_A_TRY,
    BOOT_REBOOT_FAILS,
    BOOT_STAYS_SPENT,
    BOOT_GIVES_MORE_TRIES_THAN_IT_SAYS,
    BOOT_FAULTS
};

struct bad_boot {
    struct ota_contract_device device;
    struct ota_boot port;
    struct ota_ram_boot good;
    enum boot_fault fault;
    bool was_spent;
};

static struct bad_boot bad_boot;

static ota_err bad_view(struct ota_boot *s, struct ota_boot_view *out, int32_t *code)
{
    struct bad_boot *b = &bad_boot;
    ota_err err = b->good.port.ops->view(&b->good.port, out, code);

    (void)s;
    b->was_spent |= out->spent;
    if (b->fault == BOOT_STAYS_SPENT)
        out->spent = b->was_spent;
    if (b->fault == BOOT_HIDES_TRIAL)
        out->trial = false;
    if (b->fault == BOOT_PENDING_AND_TRIAL && out->trial)
        out->pending = true;
    if (b->fault == BOOT_LOOKING_TAKES_A_TRY && b->good.record.tries > 0)
        b->good.record.tries--;
    return err;
}

static ota_err bad_arm(struct ota_boot *s, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    struct bad_boot *b = &bad_boot;
    uint8_t all[OTA_COMPONENTS_MAX];
    ota_err err;

    (void)s;
    if (b->fault == BOOT_ARM_DOES_NOTHING)
        return OTA_OK;
    for (size_t i = 0; i < count; i++)
        all[i] = (uint8_t)(b->fault == BOOT_ARM_MOVES_ALL ? 1 - b->good.record.confirmed[i] : slot[i]);
    err = b->good.port.ops->arm(&b->good.port, all, count, (uint8_t)(tries - (b->fault == BOOT_ONE_TRY_LESS)), code);
    if (b->fault == BOOT_ARM_SWITCHES_AT_ONCE)
        (void)ota_ram_boot_start(&b->good);
    return err;
}

static ota_err bad_confirm(struct ota_boot *s, int32_t *code)
{
    struct bad_boot *b = &bad_boot;

    (void)s;
    if (b->fault == BOOT_CONFIRM_DOES_NOTHING)
        return OTA_OK;
    if (b->fault == BOOT_CONFIRM_NEEDS_TRIAL && b->good.record.state == OTA_BOOT_TRIAL_NONE)
        return OTA_DEVICE_BOOT;
    if (b->fault == BOOT_CONFIRM_TAKES_ARMED && b->good.record.state == OTA_BOOT_TRIAL_ARMED)
        (void)ota_ram_boot_start(&b->good);
    return b->good.port.ops->confirm(&b->good.port, code);
}

static ota_err bad_revert(struct ota_boot *s, int32_t *code)
{
    struct bad_boot *b = &bad_boot;

    (void)s;
    if (b->fault == BOOT_REVERT_DOES_NOTHING)
        return OTA_OK;
    if (b->fault == BOOT_REVERT_CONFIRMS)
        return b->good.port.ops->confirm(&b->good.port, code);
    return b->good.port.ops->revert(&b->good.port, code);
}

static ota_err bad_reboot(struct ota_boot *s, int32_t *code)
{
    (void)s;
    return bad_boot.fault == BOOT_REBOOT_FAILS ? OTA_DEVICE_BOOT : bad_boot.good.port.ops->reboot(&bad_boot.good.port, code);
}

static bool bad_restart(struct ota_contract_device *d)
{
    struct bad_boot *b = (struct bad_boot *)d;
    int32_t code = 0;

    if (b->fault == BOOT_ARM_IS_LOST_BY_RESTART && b->good.record.state == OTA_BOOT_TRIAL_ARMED)
        (void)b->good.port.ops->revert(&b->good.port, &code);
    if (b->fault == BOOT_TRIES_FOR_EVER && b->good.record.state == OTA_BOOT_TRIAL_STARTED)
        b->good.record.tries = 2;
    (void)ota_ram_boot_start(&b->good);
    return true;
}

unsigned planted_boot(unsigned fault)
{
    static const struct ota_boot_ops ops = { bad_view, bad_arm, bad_confirm, bad_revert, bad_reboot };
    struct ota_contract_report r = quiet_report();

    bad_boot.port.ops = &ops;
    bad_boot.fault = (enum boot_fault)fault;
    bad_boot.was_spent = false;
    bad_boot.device = (struct ota_contract_device){ &bad_boot.port, 2, bad_restart,
        bad_boot.fault == BOOT_GIVES_MORE_TRIES_THAN_IT_SAYS };
    ota_ram_boot_init(&bad_boot.good, (const uint8_t[]){ 0, 1 }, 2);
    return ota_contract_boot(&bad_boot.device, &r);
}

const unsigned planted_boot_faults = BOOT_FAULTS;
