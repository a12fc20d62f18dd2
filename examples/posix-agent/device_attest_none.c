/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_ATTEST: a configuration that asks for it is refused. */
#include "device.h"

ota_err device_attest_open(struct device *d, const struct agent_config *c, struct sandbox *held, struct schema_fault *fault)
{
    (void)d, (void)held;
    if (!c->attest.url)
        return OTA_OK;
    (void)schema_fail(fault, "attest", "this program was built without OTA_ATTEST");
    return OTA_USAGE_CONFIG;
}

void device_attest_close(struct device *d)
{
    (void)d;
}

bool device_attest_step(struct device *d, struct ota_wait *wait)
{
    (void)d, (void)wait;
    return false;
}

void device_attest_settle(struct device *d, bool (*stopped)(void))
{
    (void)d, (void)stopped;
}
