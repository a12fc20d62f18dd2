/* SPDX-License-Identifier: Apache-2.0 */
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
    static struct ota_levels now; /* large */
    int n = 0;

    if (ota_levels(agent, &now) != OTA_OK)
        return -1;
    for (size_t i = 0; i < now.count; i++)
        out[n++] = now.level[i];
    return add_configured(c, out, n);
}
