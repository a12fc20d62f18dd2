/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

/* FNV-1a, whose last step is followed by one that lets every bit reach every other (MurmurHash3's finish). */
uint32_t otai_phase(const char *device_id)
{
    uint32_t h = 2166136261u;

    for (; *device_id; device_id++)
        h = (h ^ (uint8_t)*device_id) * 16777619u;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

uint32_t otai_interval_s(uint32_t own_s, uint32_t group_s, uint32_t min_s, uint32_t max_s)
{
    if (group_s == 0)
        return own_s;
    if (group_s < min_s)
        return min_s;
    return group_s > max_s ? max_s : group_s;
}

/* span * random / 2^32, for a span below 2^48. */
static uint64_t part(uint64_t span, uint32_t random)
{
    return ((span >> 16) * random + ((span & 0xffffu) * random >> 16)) >> 16;
}

static uint64_t ms(uint32_t s)
{
    return (uint64_t)s * 1000u;
}

/* The first instant of the device's own, once in `period`, that is not before `from`. */
static uint64_t own_instant(const struct otai_pace *p, uint64_t period, uint64_t from)
{
    period += period == 0; /* the configuration has none of 0 */
    uint64_t place = part(period, p->phase), since = from % period;

    return from - since + place + (since > place ? period : 0);
}

uint64_t otai_start_wait_ms(const struct otai_pace *p, uint64_t now_ms, uint32_t random)
{
    return p->start_s > 1 && now_ms < ms(p->start_s) ? part(ms(p->start_s) - now_ms, random) : 0;
}

uint64_t otai_poll_wait_ms(const struct otai_pace *p, uint64_t now_ms, uint32_t random)
{
    uint64_t period = ms(p->poll_s);

    return own_instant(p, period, now_ms + period / 2u) - now_ms + part(period / 10u, random);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* base * 4^n, at most the cap. */
static uint64_t top_ms(const struct otai_pace *p, uint32_t failures)
{
    return least(ms(p->retry_base_s) << (failures < 10 ? 2u * failures : 20u), ms(p->retry_cap_s));
}

uint64_t otai_retry_wait_ms(const struct otai_pace *p, uint64_t now_ms, uint32_t failures, uint32_t after_s, uint32_t random)
{
    uint64_t period = least(ms(p->poll_s), ms(p->retry_cap_s)), top = top_ms(p, failures);
    uint64_t after = least(ms(after_s), ms(p->retry_cap_s));

    if (after == 0 && top < period)
        return 1u + part(top, random);
    return own_instant(p, period, now_ms + after + 1u) - now_ms + part(period / 10u, random);
}
