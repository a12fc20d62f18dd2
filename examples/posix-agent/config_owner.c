/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's member "sideload". */
#include "config_owner.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct schema_field fields[] = {
    { "owners", SCHEMA_TEXTS, true, 1, OTA_CAPABILITY_KEYS_MAX, offsetof(struct agent_owner, keys), 0, 0, NULL },
    { "threshold", SCHEMA_UINT, false, 1, OTA_CAPABILITY_KEYS_MAX, offsetof(struct agent_owner, threshold), 1, 0, NULL },
};
const struct schema agent_owner_schema = { fields, COUNT(fields) };

/* Without a word about it, all owners must agree. */
bool agent_owner_read(struct agent_owner *o, struct schema_fault *fault)
{
    size_t count = 0;

    while (o->keys[count])
        count++;
    if (o->threshold > count)
        return schema_fail(fault, "sideload.threshold", "is more than there are owners");
    if (o->threshold == 0)
        o->threshold = (uint8_t)count;
    return true;
}
