/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

static uint64_t monotonic_ms(struct ota_clock *c)
{
    (void)c;
    return 0; /* TODO: milliseconds since boot, 64 bits wide: a 32-bit tick counter must be extended */
}

static ota_err utc_s(struct ota_clock *c, int64_t *out)
{
    (void)c;
    (void)out;
    return OTA_RETRY_CLOCK; /* TODO: Unix seconds once the time is known; before that, exactly this */
}

static void sleep_ms(struct ota_clock *c, uint32_t ms)
{
    (void)c;
    (void)ms; /* TODO: let others run; waking up early is fine */
}

static const struct ota_clock_ops ops = { monotonic_ms, utc_s, sleep_ms };

void my_clock_init(struct my_clock *c)
{
    *c = (struct my_clock){ .port = { &ops } };
}
