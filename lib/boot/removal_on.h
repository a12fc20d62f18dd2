/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_RELATIONS: a trial may take components out (OTA_SLOT_REMOVE). */
#ifndef OTAI_REMOVAL_H
#define OTAI_REMOVAL_H

#include "ota/port_boot.h"

/* May a trial name this? */
static inline bool otai_boot_armed_ok(uint8_t slot)
{
    return slot <= 1 || slot >= OTA_SLOT_REMOVE;
}

/* What runs where a trial names this. */
static inline uint8_t otai_boot_becomes(uint8_t slot)
{
    return slot == OTA_SLOT_REMOVE ? (uint8_t)OTA_SLOT_NONE : slot;
}

static inline uint8_t otai_boot_removals(const struct ota_trial *t)
{
    return t->remove;
}

/* lib/boot/removal.c: put the components that t takes out into t->slot. false: one is not there, or has a new image as well. */
bool otai_boot_take_out(const struct ota_boot_view *view, size_t components, struct ota_trial *t);

#endif
