/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/posix.h"

static ota_err check(struct ota_health *h, int32_t *port_code)
{
    (void)h;
    (void)port_code;
    return OTA_OK;
}

static const struct ota_health_ops none_ops = { check };

ota_err ota_posix_health_none_open(struct ota_posix_health *h, struct ota_fault *fault)
{
    if (!h)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "health", 0);
    *h = (struct ota_posix_health){ .port = { &none_ops } };
    return OTA_OK;
}
