/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "file_io.h"
#include "ota/posix.h"

static uint64_t monotonic_ms(struct ota_clock *c)
{
    (void)c;
    return otap_now_ms();
}

/* A device without a battery wakes up in 1970: before the floor the wall clock is not a clock. */
static ota_err utc_s(struct ota_clock *c, int64_t *out)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0 || (int64_t)t.tv_sec < ((struct ota_posix_clock *)c)->utc_floor_s)
        return OTA_RETRY_CLOCK;
    *out = (int64_t)t.tv_sec;
    return OTA_OK;
}

/* A signal ends it early, so that an ota_cancel() from its handler is seen at once. */
static void sleep_ms(struct ota_clock *c, uint32_t ms)
{
    struct timespec t = { .tv_sec = (time_t)(ms / 1000u), .tv_nsec = (long)(ms % 1000u) * 1000000L };

    (void)c;
    (void)nanosleep(&t, NULL);
}

static const struct ota_clock_ops ops = { monotonic_ms, utc_s, sleep_ms };

ota_err ota_posix_clock_open(struct ota_posix_clock *c, const struct ota_posix_clock_config *cfg, struct ota_fault *fault)
{
    if (!c || !cfg || cfg->utc_floor_s < 0)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "clock.utc_floor_s", 0);
    *c = (struct ota_posix_clock){ .port = { &ops }, .utc_floor_s = cfg->utc_floor_s };
    return OTA_OK;
}

void ota_posix_clock_close(struct ota_posix_clock *c)
{
    (void)c; /* holds nothing; here for symmetry */
}
