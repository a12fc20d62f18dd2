/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

static ota_err check(struct ota_health *h, int32_t *port_code)
{
    (void)h;
    *port_code = MY_NOT_WRITTEN;
    return OTA_DEVICE_HEALTH; /* TODO: does the device do its job? OTA_OK, OTA_AGAIN (not yet known) or OTA_REJECT_HEALTH */
}

static const struct ota_health_ops ops = { check };

void my_health_init(struct my_health *h)
{
    *h = (struct my_health){ .port = { &ops } };
}
