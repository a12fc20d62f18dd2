/* SPDX-License-Identifier: Apache-2.0 */
/* What an image provides to others and requires of them: names with levels, which are only compared. */
#ifndef OTAI_LEVELS_H
#define OTAI_LEVELS_H

#include "ota/records.h"
#include "ota/tuf.h"

#define OTAI_LEVELS_MAX 4 /* of each kind in one image */

struct otai_level {
    char name[OTA_NAME_MAX];
    uint32_t level;
};

struct otai_levels {
    uint8_t provides_count, requires_count;
    struct otai_level provides[OTAI_LEVELS_MAX], requires[OTAI_LEVELS_MAX];
};

/* Read them from the custom data of an image's target, which otai_deploy_image() has accepted. Absent lists are empty.
 * OTA_OK; REJECT_TYPE, _VALUE, _LIMIT, _DUPLICATE with the member in fault. */
OTA_MUST_CHECK ota_err otai_deploy_levels(const struct ota_tuf_target *target, struct otai_levels *out, struct ota_fault *fault);

/* Is `name` among these at that level or a higher one? Pure. */
bool otai_levels_meet(const struct otai_level *provides, size_t count, const struct otai_level *requirement);

#endif
