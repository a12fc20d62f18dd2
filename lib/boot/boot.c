/* SPDX-License-Identifier: Apache-2.0 */
/* Trials, over the boot control port. */
#include "boot.h"

#include <string.h>

#include OTAI_REMOVAL_HEADER

/* Whatever a port answers, a failed operation is a failed boot control. */
static ota_err failed(struct ota_fault *fault, const char *where, int32_t code)
{
    return ota_fault_set(fault, OTA_DEVICE_BOOT, where, code);
}

static bool slot_ok(uint8_t slot)
{
    return slot <= 1 || slot == OTA_SLOT_NONE;
}

ota_err otai_boot_view(struct ota_boot *b, size_t components, struct ota_boot_view *out, struct ota_fault *fault)
{
    int32_t code = 0;

    memset(out, 0, sizeof *out);
    memset(out->running, OTA_SLOT_NONE, sizeof out->running);
    memset(out->armed, OTA_SLOT_NONE, sizeof out->armed);
    if (b->ops->view(b, out, &code) != OTA_OK)
        return failed(fault, "boot.view", code);
    if (out->trial && out->pending)
        return failed(fault, "boot.view.trial", 0);
    for (size_t i = 0; i < components; i++)
        if (!slot_ok(out->running[i]) || !otai_boot_armed_ok(out->armed[i]))
            return failed(fault, "boot.view.slot", 0);
    return OTA_OK;
}

/* Put one proof into the set. The running slot, an unknown component or a second image of one are refused. */
static bool enlist(const struct ota_boot_view *view, size_t components, const struct ota_image *image, uint8_t *slot)
{
    if (image->component >= components || image->slot > 1 || slot[image->component] != OTA_SLOT_NONE ||
        image->slot == view->running[image->component])
        return false;
    slot[image->component] = image->slot;
    return true;
}

ota_err otai_boot_arm(struct ota_boot *b, size_t components, const struct ota_image *image, size_t count, uint8_t tries,
                      struct ota_trial *trial, struct ota_fault *fault)
{
    struct ota_boot_view view;
    int32_t code = 0;
    ota_err err = otai_boot_view(b, components, &view, fault);

    if (err != OTA_OK)
        return err;
    *trial = (struct ota_trial){ .tries = tries, .remove = otai_boot_removals(trial) };
    memset(trial->slot, OTA_SLOT_NONE, sizeof trial->slot);
    bool good = (count != 0 || otai_boot_removals(trial)) && tries != 0;
    for (size_t i = 0; good && i < count; i++)
        good = enlist(&view, components, &image[i], trial->slot);
    if (!good || !otai_boot_take_out(&view, components, trial))
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.arm", 0);
    if (b->ops->arm(b, trial->slot, components, tries, &code) != OTA_OK)
        return failed(fault, "boot.arm", code);
    return OTA_OK;
}

/* Every wanted slot runs, and at least one is wanted. */
static bool runs(const struct ota_boot_view *view, const uint8_t *slot, size_t components)
{
    bool any = false;

    for (size_t i = 0; i < components; i++) {
        if (slot[i] != OTA_SLOT_NONE && otai_boot_becomes(slot[i]) != view->running[i])
            return false;
        any |= slot[i] != OTA_SLOT_NONE;
    }
    return any;
}

enum otai_boot_fate otai_boot_fate(const struct ota_boot_view *view, const uint8_t *slot, size_t components)
{
    bool armed = memcmp(view->armed, slot, components) == 0;

    if (view->pending && armed)
        return OTAI_BOOT_PENDING;
    if (!runs(view, slot, components))
        return OTAI_BOOT_ABSENT;
    if (!view->trial)
        return OTAI_BOOT_PERMANENT;
    return armed ? OTAI_BOOT_RUNNING : OTAI_BOOT_ABSENT;
}

ota_err otai_boot_confirm(struct ota_boot *b, struct ota_fault *fault)
{
    int32_t code = 0;

    return b->ops->confirm(b, &code) == OTA_OK ? OTA_OK : failed(fault, "boot.confirm", code);
}

ota_err otai_boot_revert(struct ota_boot *b, struct ota_fault *fault)
{
    int32_t code = 0;

    return b->ops->revert(b, &code) == OTA_OK ? OTA_OK : failed(fault, "boot.revert", code);
}

ota_err otai_boot_restart(struct ota_boot *b, struct ota_fault *fault)
{
    int32_t code = 0;

    return b->ops->reboot(b, &code) == OTA_OK ? OTA_OK : failed(fault, "boot.reboot", code);
}
