/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about images that somebody brings. */
#ifndef AGENT_CONFIG_OWNER_H
#define AGENT_CONFIG_OWNER_H

#include "ota/capability.h"
#include "schema.h"

struct agent_owner {
    const char *keys[OTA_CAPABILITY_KEYS_MAX + 1];   /* public keys in PEM; [0] NULL: nothing is ever taken */
    uint8_t threshold;                               /* once read: never 0 */
};

extern const struct schema agent_owner_schema;

/** Fill threshold. @return false: *fault says which key is wrong */
bool agent_owner_read(struct agent_owner *o, struct schema_fault *fault);

#endif
