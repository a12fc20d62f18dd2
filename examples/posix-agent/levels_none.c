/* SPDX-License-Identifier: Apache-2.0 */
/* Built without OTA_RELATIONS: nothing is known of what components provide. */
#include "levels.h"

#include <stdio.h>

static int add_configured(const struct agent_config *c, struct ota_level *out, int n)
{
    for (size_t i = 0; i < c->provides_count; i++, n++) {
        (void)snprintf(out[n].name, sizeof out[n].name, "%s", c->provides[i].name);
        out[n].level = c->provides[i].level;
    }
    return n;
}

int levels_of(struct ota *agent, const struct agent_config *c, struct ota_level out[LEVELS_MAX])
{
    (void)agent;
    return add_configured(c, out, 0);
}
