/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/mcu.h"

static struct ota_mcu_clock *self(struct ota_clock *c)
{
    return (struct ota_mcu_clock *)c;
}

static uint64_t monotonic_ms(struct ota_clock *port)
{
    return self(port)->now_ms();
}

static ota_err utc_s(struct ota_clock *port, int64_t *out)
{
    const struct ota_mcu_clock *c = self(port);

    if (!c->known)
        return OTA_RETRY_CLOCK;
    *out = c->utc_s + (int64_t)((c->now_ms() - c->at_ms) / 1000u);
    return OTA_OK;
}

static void sleep_ms(struct ota_clock *port, uint32_t ms)
{
    const struct ota_mcu_clock *c = self(port);
    uint64_t end = c->now_ms() + ms;

    while (c->now_ms() < end)
        if (c->idle)
            c->idle();
}

static const struct ota_clock_ops ops = { monotonic_ms, utc_s, sleep_ms };

void ota_mcu_clock_open(struct ota_mcu_clock *c, uint64_t (*now_ms)(void), void (*idle)(void))
{
    *c = (struct ota_mcu_clock){ .port = { &ops }, .now_ms = now_ms, .idle = idle };
}

void ota_mcu_clock_set(struct ota_mcu_clock *c, int64_t utc)
{
    c->known = true;
    c->utc_s = utc;
    c->at_ms = c->now_ms();
}
