/* SPDX-License-Identifier: Apache-2.0 */
/* Trials: arm sealed images, recognise what a restart made of them, confirm, revert. */
#ifndef OTAI_BOOT_H
#define OTAI_BOOT_H

#include "ota/port_boot.h"

/* The build chooses whether a trial may take components out (OTA_RELATIONS). */
#ifndef OTAI_REMOVAL_HEADER
#define OTAI_REMOVAL_HEADER "removal_on.h"
#endif

/* Read the view and check it (slot numbers 0, 1 or NONE, armed also REMOVE; pending and trial exclude each other). DEVICE_BOOT. */
OTA_MUST_CHECK ota_err otai_boot_view(struct ota_boot *b, size_t components, struct ota_boot_view *out, struct ota_fault *fault);

/* Arm a trial of sealed images, all or none. A slot that runs now is refused (USAGE_ARGUMENT). trial->remove says which
 * components are taken out (builds with OTA_RELATIONS): those that run and have no new image. Fills the rest of *trial.
 * OTA_OK, DEVICE_BOOT. */
OTA_MUST_CHECK ota_err otai_boot_arm(struct ota_boot *b, size_t components, const struct ota_image *image, size_t count,
                                     uint8_t tries, struct ota_trial *trial, struct ota_fault *fault);

enum otai_boot_fate {
    OTAI_BOOT_ABSENT,      /* the boot control knows no trial and the old slots run: never armed, or rolled back */
    OTAI_BOOT_PENDING,     /* armed, not started */
    OTAI_BOOT_RUNNING,     /* started, on trial */
    OTAI_BOOT_PERMANENT    /* the wanted slots run and are confirmed */
};

/* What became of the wanted slots (OTA_SLOT_NONE = not part of it). Pure. */
enum otai_boot_fate otai_boot_fate(const struct ota_boot_view *view, const uint8_t *slot, size_t components);

OTA_MUST_CHECK ota_err otai_boot_confirm(struct ota_boot *b, struct ota_fault *fault);
OTA_MUST_CHECK ota_err otai_boot_revert(struct ota_boot *b, struct ota_fault *fault);
OTA_MUST_CHECK ota_err otai_boot_restart(struct ota_boot *b, struct ota_fault *fault);

#endif
