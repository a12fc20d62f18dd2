/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/ram.h"

static ota_err answer(struct ota_ram_conditions *c, ota_err err, int32_t *port_code)
{
    if (c->fails)
        *port_code = OTA_RAM_CODE;
    return c->fails ? OTA_DEVICE_CONDITIONS : err;
}

static ota_err read(struct ota_conditions *port, struct ota_conditions_now *now, int32_t *port_code)
{
    struct ota_ram_conditions *c = (struct ota_ram_conditions *)port;

    c->reads++;
    *now = c->now;
    return answer(c, OTA_OK, port_code);
}

static ota_err consent(struct ota_conditions *port, uint64_t seq, int32_t *port_code)
{
    struct ota_ram_conditions *c = (struct ota_ram_conditions *)port;

    c->questions++;
    c->seq = seq;
    return answer(c, c->agrees ? OTA_OK : OTA_AGAIN, port_code);
}

static const struct ota_conditions_ops ops = { read, consent };

void ota_ram_conditions_init(struct ota_ram_conditions *c)
{
    *c = (struct ota_ram_conditions){ .port = { &ops }, .now = { .battery_percent = OTA_NOT_KNOWN, .on_mains = OTA_NOT_KNOWN, .metered = OTA_NOT_KNOWN } };
}
