/* SPDX-License-Identifier: Apache-2.0 */
/* When to check in next, without OTA_FLEET: intervals with a tenth of jitter, full jitter after failures. */
#include "wait.h"

/* Full jitter: a random wait in 1 .. min(cap, base * 2^failures), so that a fleet that failed together comes back
 * spread out. `failures` counts from 0. */
uint32_t otai_backoff_s(uint32_t base_s, uint32_t cap_s, uint32_t failures, uint32_t random)
{
    uint64_t top = (uint64_t)base_s << (failures < 20 ? failures : 20);

    if (top > cap_s)
        top = cap_s;
    return top ? 1u + random % (uint32_t)top : 1u;
}

/* The regular interval plus up to a tenth, so that devices started together drift apart. */
uint32_t otai_poll_s(uint32_t poll_s, uint32_t random)
{
    uint32_t tenth = poll_s / 10u;

    return poll_s + (tenth ? random % (tenth + 1u) : 0);
}

/* What the server asked for, within our cap; the jittered wait comes on top so that it does not wake everybody at once. */
static uint32_t server_wish(const struct ota *a)
{
    if (a->retry_after_s <= 0)
        return 0;
    uint32_t cap = a->cfg.times.retry_cap_s;
    return a->retry_after_s > (int64_t)cap ? cap : (uint32_t)a->retry_after_s;
}

void otai_schedule(struct ota *a, ota_err cycle)
{
    const struct ota_times *t = &a->cfg.times;
    uint32_t wait_s = otai_poll_s(otai_hb_poll_every(a, t->poll_s), otai_dice(a));

    a->backing_off = otai_cycle_failed(cycle);
    if (a->backing_off || otai_owes_report(a)) {
        uint32_t back_s = otai_backoff_s(t->retry_base_s, t->retry_cap_s, a->failures, otai_dice(a)) + server_wish(a);

        wait_s = a->backing_off || back_s < wait_s ? back_s : wait_s;
        if (a->failures < UINT8_MAX)
            a->failures++;
        otai_note(a, OTA_EV_BACKOFF, wait_s, a->failures);
    } else {
        a->failures = 0;
        if (ota_err_class(cycle) == OTA_CLASS_OUTCOME)
            otai_fault_clear(&a->fault);
    }
    a->retry_after_s = -1;
    a->due_ms = otai_now_ms(a) + (uint64_t)wait_s * 1000u;
    a->result = cycle;
    a->cycle = OTA_SAME;
}
