/* SPDX-License-Identifier: Apache-2.0 */
/* What only builds with OTA_FLEET have: defaults and bounds of its settings, and the download's rate limit. */
#include "fleet_on.h"

#define DEFAULT_START_S 300u
#define DEFAULT_POLL_MIN_S 60u
#define DEFAULT_POLL_MAX_S 604800u

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
    return given ? given : otherwise;
}

void otai_fleet_fill(struct ota_config *c)
{
    c->times.start_s = or_default(c->times.start_s, DEFAULT_START_S);
    c->times.poll_min_s = or_default(c->times.poll_min_s, DEFAULT_POLL_MIN_S);
    c->times.poll_max_s = or_default(c->times.poll_max_s, DEFAULT_POLL_MAX_S);
}

const char *otai_fleet_bad(const struct ota_config *c)
{
    if (c->times.poll_min_s > c->times.poll_max_s)
        return "times.poll_min_s";
    /* Else the limit itself would look like a server that is too slow. */
    return c->limits.rate_bps && c->limits.rate_bps / 2u < c->limits.low_speed_bps ? "limits.rate_bps" : NULL;
}

/* Each byte books its time; nothing is read before the time that was booked has passed. No credit is saved up: a burst after
 * a pause is what the limit is there to prevent. */
uint64_t otai_rate_pause_ms(struct ota *a)
{
    uint64_t now_us = otai_now_ms(a) * 1000u;

    return a->rate_free_us > now_us ? (a->rate_free_us - now_us + 999u) / 1000u : 0;
}

void otai_rate_spend(struct ota *a, size_t bytes)
{
    uint64_t now_us = otai_now_ms(a) * 1000u;

    if (a->cfg.limits.rate_bps == 0)
        return;
    if (a->rate_free_us < now_us)
        a->rate_free_us = now_us;
    a->rate_free_us += bytes * UINT64_C(1000000) / a->cfg.limits.rate_bps;
}
