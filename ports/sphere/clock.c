/* SPDX-License-Identifier: Apache-2.0 */
/* The POSIX clock, but for the wall clock before the platform has set it. */
#include <applibs/networking.h>

#include "ota/sphere.h"

static struct ota_clock *inner(struct ota_clock *c)
{
    return &((struct ota_sphere_clock *)c)->posix.port;
}

static uint64_t monotonic_ms(struct ota_clock *c)
{
    return inner(c)->ops->monotonic_ms(inner(c));
}

/* There is no battery: before the platform says that the network is ready, which it does after it synchronised, the time is none. */
static ota_err utc_s(struct ota_clock *c, int64_t *out)
{
    bool ready = false;

    if (Networking_IsNetworkingReady(&ready) != 0 || !ready)
        return OTA_RETRY_CLOCK;
    return inner(c)->ops->utc_s(inner(c), out);
}

static void sleep_ms(struct ota_clock *c, uint32_t ms)
{
    inner(c)->ops->sleep_ms(inner(c), ms);
}

static const struct ota_clock_ops ops = { monotonic_ms, utc_s, sleep_ms };

ota_err ota_sphere_clock_open(struct ota_sphere_clock *c, struct ota_fault *fault)
{
    const struct ota_posix_clock_config cfg = { 0 };

    c->port.ops = &ops;
    return ota_posix_clock_open(&c->posix, &cfg, fault);
}
