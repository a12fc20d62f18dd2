/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include <applibs/networking.h>

#include "ota/sphere.h"

static uint64_t monotonic_ms(struct ota_clock *c)
{
    struct timespec t = { 0 };

    (void)c;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* There is no battery: before the platform says that the network is ready, which it does after it synchronised, the time is none. */
static ota_err utc_s(struct ota_clock *c, int64_t *out)
{
    struct timespec t;
    bool ready = false;

    (void)c;
    if (Networking_IsNetworkingReady(&ready) != 0 || !ready || clock_gettime(CLOCK_REALTIME, &t) != 0)
        return OTA_RETRY_CLOCK;
    *out = (int64_t)t.tv_sec;
    return OTA_OK;
}

static void sleep_ms(struct ota_clock *c, uint32_t ms)
{
    struct timespec t = { .tv_sec = (time_t)(ms / 1000u), .tv_nsec = (long)(ms % 1000u) * 1000000L };

    (void)c;
    (void)nanosleep(&t, NULL);
}

static const struct ota_clock_ops ops = { monotonic_ms, utc_s, sleep_ms };

void ota_sphere_clock_open(struct ota_sphere_clock *c)
{
    c->port.ops = &ops;
}
