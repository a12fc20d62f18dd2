/* SPDX-License-Identifier: Apache-2.0 */
/* Trials that take components out. */
#include "boot.h"

#include OTAI_REMOVAL_HEADER

bool otai_boot_take_out(const struct ota_boot_view *view, size_t components, struct ota_trial *t)
{
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++) {
        if (!(t->remove & (1u << i)))
            continue;
        if (i >= components || view->running[i] == OTA_SLOT_NONE || t->slot[i] != OTA_SLOT_NONE)
            return false;
        t->slot[i] = OTA_SLOT_REMOVE;
    }
    return true;
}
