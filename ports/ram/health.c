/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/ram.h"

static ota_err check(struct ota_health *port, int32_t *port_code)
{
    struct ota_ram_health *h = (struct ota_ram_health *)port;
    ota_err err = h->count > 0 ? h->answers[h->at] : OTA_OK;

    if (h->at + 1 < h->count)
        h->at++;
    if (err != OTA_OK && err != OTA_AGAIN)
        *port_code = h->port_code;
    return err;
}

static const struct ota_health_ops ops = { check };

void ota_ram_health_init(struct ota_ram_health *h, const ota_err *answers, size_t count)
{
    *h = (struct ota_ram_health){ .port = { &ops }, .answers = answers, .count = count };
}
