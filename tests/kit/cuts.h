/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUTS_H
#define CUTS_H

#include "ota_cuts.h"

/* One use of a port, from an empty flash on. Each returns the rule that does not hold, or NULL. */
struct cuts_use {
    /* Use it until the power goes or all is done. Remembers in the use's own state how far it came. */
    const char *(*use)(struct ota_cut_rig *rig);
    /* The device has started again: is everything as it must be, and does the port work? A second cut may come. */
    const char *(*look)(struct ota_cut_rig *rig);
};

/* Every op, every shape, and every second cut while the device looks. */
unsigned cuts_everywhere(struct ota_cut_rig *rig, const struct cuts_use *use);
/* The power is back. */
void cuts_power_on(struct ota_cut_flash *f);

#endif
