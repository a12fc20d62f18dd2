/* SPDX-License-Identifier: Apache-2.0 */
/* A device with an owner who asks something of updates, and the days that it lives through. */
#ifndef FLOW_OWNER_H
#define FLOW_OWNER_H

#include "agent.h"
#include "flow.h"

static inline void deploy(const struct sim_image *image, const char *more)
{
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { image }, .more = more });
    flow_serve();
}

#define MINUTE_MS 60000u
#define HOUR_S 3600

static struct ota_policy policy;
static struct owner {
    struct ota_conditions port;
    struct ota_conditions_now now;
    ota_err fails;                 /* OTA_OK: it does not */
    bool agrees;
    uint32_t reads, questions;
    uint64_t asked_for;            /* sequence number */
} owner;

static inline ota_err owner_read(struct ota_conditions *c, struct ota_conditions_now *now, int32_t *port_code)
{
    (void)c;
    (void)port_code;
    owner.reads++;
    *now = owner.now;
    return owner.fails;
}

static inline ota_err owner_consent(struct ota_conditions *c, uint64_t seq, int32_t *port_code)
{
    (void)c;
    (void)port_code;
    owner.questions++;
    owner.asked_for = seq;
    return owner.agrees ? OTA_OK : OTA_AGAIN;
}

static const struct ota_conditions_ops owner_ops = { owner_read, owner_consent };

/* Nothing is asked and nothing known; the clock stands at the midnight that follows. */
static inline void own(void)
{
    policy = (struct ota_policy){ .size = sizeof policy };
    owner = (struct owner){ .port = { &owner_ops }, .now = { .battery_percent = OTA_NOT_KNOWN, .on_mains = OTA_NOT_KNOWN, .metered = OTA_NOT_KNOWN } };
    dev->cfg.policy = &policy;
    dev->cfg.conditions = &owner.port;
    dev->cfg.times.defer_cap_s = 0;
    dev->clock.utc_s = SIM_NOW_S - SIM_NOW_S % 86400 + 86400;
}

static const struct ota_window night = { OTA_EVERY_DAY, 120, 240 };

static inline void at_night(void)
{
    policy.windows = &night;
    policy.window_count = 1;
}

static inline int64_t minute_of_day(void)
{
    return (dev->clock.utc_s + (int64_t)dev->clock.ms / 1000) % 86400 / 60;
}

/* One step, and the sleep after it, which something may end sooner. */
static inline void live_a_step(uint64_t end_ms)
{
    struct ota_wait wait = { 0 };

    assert_true(sim_start(dev));
    if (dev->on_step)
        dev->on_step(dev);
    if (!dev->agent)
        return;
    ota_err err = ota_step(dev->agent, &wait);
    if (err == OTA_REBOOT)
        sim_power_cycle(dev);
    else
        assert_int_equal(err, OTA_OK);
    dev->clock.ms += wait.ms;
    if (wait.ms && dev->clock.ms > end_ms)
        dev->clock.ms = end_ms;
}

/* The agent as a program drives it: it sleeps as long as it is told. Until a minute of this day or of the next has come. */
static inline void live_until(int minute)
{
    uint64_t end = dev->clock.ms + (uint64_t)((minute - minute_of_day() + 1440) % 1440) * MINUTE_MS;

    while (dev->clock.ms < end)
        live_a_step(end);
    assert_null(dev->broken);
}

static inline uint32_t holds(void)
{
    return sim_status(dev).holds;
}

#define assert_holds(want) assert_int_equal(holds(), want)

#endif
