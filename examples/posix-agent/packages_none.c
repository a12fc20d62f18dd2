/* SPDX-License-Identifier: Apache-2.0 */
/* Built without OTA_IMAGE: a demand that nobody would meet is an error, not forgotten. */
#include "packages.h"

ota_err packages_demand(struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    (void)d;
    for (size_t i = 0; i < c->component_count; i++)
        if (c->component[i].package.key) {
            (void)schema_fail(fault, "components.package", "this agent was built without image packages");
            return OTA_USAGE_CONFIG;
        }
    return OTA_OK;
}
