/* SPDX-License-Identifier: Apache-2.0 */
/* Built without OTA_MONITOR: a watch that nobody would keep is an error, not forgotten. */
#include "monitoring.h"

ota_err monitoring_open(struct monitoring *m, struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    (void)m, (void)d;
    if (!c->monitor.answer_name)
        return OTA_OK;
    (void)schema_fail(fault, "monitor", "this agent was built without it");
    return OTA_USAGE_CONFIG;
}

void monitoring_step(struct monitoring *m, struct ota_wait *wait)
{
    (void)m, (void)wait;
}

void monitoring_close(struct monitoring *m)
{
    (void)m;
}

bool monitoring_status(const struct monitoring *m, struct status_watched *out)
{
    (void)m, (void)out;
    return false;
}
