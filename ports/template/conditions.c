/* SPDX-License-Identifier: Apache-2.0 */
/* Optional: leave it out, or leave what your device cannot tell "not known". */
#include "my_ports.h"

static ota_err read(struct ota_conditions *c, struct ota_conditions_now *now, int32_t *port_code)
{
    (void)c;
    (void)now;
    *port_code = MY_NOT_WRITTEN;
    return OTA_DEVICE_CONDITIONS; /* TODO: fill in what is known of battery, mains, link and local time; the rest stays as it is */
}

static ota_err consent(struct ota_conditions *c, uint64_t seq, int32_t *port_code)
{
    (void)c;
    (void)seq;
    *port_code = MY_NOT_WRITTEN;
    return OTA_DEVICE_CONDITIONS; /* TODO: has somebody agreed to this deployment? Without anybody to ask: NULL in ops */
}

static const struct ota_conditions_ops ops = { read, consent };

void my_conditions_init(struct my_conditions *c)
{
    *c = (struct my_conditions){ .port = { &ops } };
}
