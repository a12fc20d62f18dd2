/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/ram.h"

static struct ota_ram_clock *self(struct ota_clock *c)
{
    return (struct ota_ram_clock *)c;
}

static uint64_t monotonic_ms(struct ota_clock *c)
{
    return self(c)->now_ms;
}

static ota_err utc_s(struct ota_clock *c, int64_t *out)
{
    if (self(c)->utc_s < 0)
        return OTA_RETRY_CLOCK;
    *out = self(c)->utc_s;
    return OTA_OK;
}

/* Whole seconds of the wall clock pass whenever the monotonic clock passes one. */
static void sleep_ms(struct ota_clock *port, uint32_t ms)
{
    struct ota_ram_clock *c = self(port);
    uint64_t before = c->now_ms;

    c->now_ms += ms;
    if (c->utc_s >= 0)
        c->utc_s += (int64_t)(c->now_ms / 1000u - before / 1000u);
}

static const struct ota_clock_ops ops = { monotonic_ms, utc_s, sleep_ms };

void ota_ram_clock_init(struct ota_ram_clock *c, int64_t utc)
{
    *c = (struct ota_ram_clock){ .port = { &ops }, .utc_s = utc };
}
