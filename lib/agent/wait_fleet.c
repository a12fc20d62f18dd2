/* SPDX-License-Identifier: Apache-2.0 */
/* When to check in next, in a fleet: schedule.c says how long, from this device's clock, dice and times. */
#include "wait.h"
#include "fleet_on.h"
#include "schedule.h"

static struct otai_pace pace_of(const struct ota *a)
{
    const struct ota_times *t = &a->cfg.times;
    uint32_t poll_s = otai_interval_s(t->poll_s, a->j.poll_s, t->poll_min_s, t->poll_max_s);

    return (struct otai_pace){ .poll_s = otai_hb_poll_every(a, poll_s),
                               .retry_base_s = t->retry_base_s,
                               .retry_cap_s = t->retry_cap_s,
                               .start_s = t->start_s,
                               .phase = otai_phase(a->cfg.device_id) };
}

/* Only the first start in the life of this agent: behind a fault lies a back-off already. A start into a trial ends with a
 * report, and everything else was looked at before it. */
uint64_t otai_first_due_ms(struct ota *a, uint64_t now_ms)
{
    const struct otai_pace p = pace_of(a);

    if (a->failures)
        return now_ms;
    if (a->view.trial)
        return now_ms + otai_poll_wait_ms(&p, now_ms, otai_dice(a));
    return now_ms + otai_start_wait_ms(&p, now_ms, otai_dice(a));
}

static uint64_t back_off_ms(struct ota *a, const struct otai_pace *p, uint64_t now)
{
    int64_t after_s = a->retry_after_s <= 0 ? 0 : a->retry_after_s;

    return otai_retry_wait_ms(p, now, a->failures, after_s > UINT32_MAX ? UINT32_MAX : (uint32_t)after_s, otai_dice(a));
}

void otai_schedule(struct ota *a, ota_err cycle)
{
    const struct otai_pace p = pace_of(a);
    uint64_t now = otai_now_ms(a), wait = otai_poll_wait_ms(&p, now, otai_dice(a));

    a->backing_off = otai_cycle_failed(cycle);
    if (a->backing_off || otai_owes_report(a)) {
        uint64_t back = back_off_ms(a, &p, now);

        wait = a->backing_off || back < wait ? back : wait;
        if (a->failures < UINT8_MAX)
            a->failures++;
        otai_note(a, OTA_EV_BACKOFF, (uint32_t)((wait + 999u) / 1000u), a->failures);
    } else {
        a->failures = 0;
        if (ota_err_class(cycle) == OTA_CLASS_OUTCOME)
            otai_fault_clear(&a->fault);
    }
    a->retry_after_s = -1;
    a->due_ms = now + wait;
    a->result = cycle;
    a->cycle = OTA_SAME;
}
