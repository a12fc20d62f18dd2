/* SPDX-License-Identifier: Apache-2.0 */
/* What both ways of waiting share: wait_fleet.c, and wait.c in builds without OTA_FLEET. Inline: a call costs flash. */
#ifndef OTAI_WAIT_H
#define OTAI_WAIT_H

#include "agent.h"
#include OTAI_POLICY_HEADER

static inline uint32_t otai_dice(struct ota *a)
{
    uint32_t r;

    /* Without entropy the wait loses its jitter, nothing else: the clock's low bits stand in. */
    if (a->cfg.crypto->ops->random(a->cfg.crypto, &r, sizeof r) != OTA_OK)
        r = (uint32_t)otai_now_ms(a) * 2654435761u;
    return r;
}

static inline bool otai_cycle_failed(ota_err cycle)
{
    return ota_err_class(cycle) != OTA_CLASS_OUTCOME && cycle != OTA_RETRY_CANCELLED && !otai_policy_held(cycle);
}

/* Undelivered reports come sooner than the regular interval. */
static inline bool otai_owes_report(const struct ota *a)
{
    return (a->reports_kept > 0 && a->cfg.report_url) || otai_hb_owes(a);
}

#endif
