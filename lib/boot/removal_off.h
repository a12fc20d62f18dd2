/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without OTA_RELATIONS: no trial takes a component out, and nothing of this costs a byte. */
#ifndef OTAI_REMOVAL_H
#define OTAI_REMOVAL_H

#include "ota/port_boot.h"

static inline bool otai_boot_armed_ok(uint8_t slot)
{
    return slot <= 1 || slot == OTA_SLOT_NONE;
}

static inline uint8_t otai_boot_becomes(uint8_t slot)
{
    return slot;
}

static inline uint8_t otai_boot_removals(const struct ota_trial *t)
{
    (void)t;
    return 0;
}

static inline bool otai_boot_take_out(const struct ota_boot_view *view, size_t components, struct ota_trial *t)
{
    (void)view, (void)components, (void)t;
    return true;
}

#endif
