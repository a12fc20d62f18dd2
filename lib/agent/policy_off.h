/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_POLICY nothing is asked but whether the application has deferred. What each function is for: policy_on.h. */
#ifndef OTAI_POLICY_STEPS_H
#define OTAI_POLICY_STEPS_H

#include "agent.h"

#define OTAI_POLICY_DEFER_CAP_S 86400
#define OTAI_POLICY_HOLD_NAMES

static inline const char *otai_policy_bad(const struct ota_config *cfg)
{
    (void)cfg;
    return NULL;
}

static inline ota_err otai_policy_pointer(struct ota *a)
{
    return otai_trust_go_on(a);
}

static inline bool otai_policy_pins(struct ota *a)
{
    (void)a;
    return false;
}

static inline ota_err otai_policy_pinned(struct ota *a)
{
    (void)a;
    return OTA_SAME;
}

static inline void otai_policy_begin(struct ota *a)
{
    (void)a;
}

static inline void otai_policy_begun(struct ota *a)
{
    (void)a;
}

static inline ota_err otai_policy_idle(struct ota *a, ota_err err)
{
    (void)a;
    return err;
}

static inline ota_err otai_policy_fetch(struct ota *a)
{
    (void)a;
    return OTA_OK;
}

static inline ota_err otai_policy_carry_on(struct ota *a)
{
    (void)a;
    return OTA_OK;
}

static inline ota_err otai_policy_ready(struct ota *a)
{
    uint64_t now = otai_now_ms(a);

    return now < a->defer_until_ms && !otai_hb_forces(a) ? otai_again_in(a, a->defer_until_ms - now) : OTA_OK;
}

static inline ota_err otai_policy_restart(struct ota *a)
{
    (void)a;
    return OTA_OK;
}

static inline bool otai_policy_waits(const struct ota *a)
{
    (void)a;
    return false;
}

static inline uint32_t otai_policy_defer_left(const struct ota *a)
{
    uint32_t cap = a->cfg.times.defer_cap_s, had = a->j.deferred_s;

    return cap > had ? cap - had : 0; /* the cap may have been lowered since */
}

static inline ota_err otai_policy_deferred(struct ota *a, uint32_t seconds)
{
    (void)a;
    (void)seconds;
    return OTA_OK;
}

static inline uint32_t otai_policy_holds(const struct ota *a)
{
    (void)a;
    return 0;
}

static inline ota_err otai_policy_report(const struct ota *a, const struct ota_report *r, char body[OTAI_REPORT_BODY_MAX])
{
    (void)a;
    (void)r;
    (void)body;
    return OTA_OK;
}

static inline bool otai_policy_held(ota_err err)
{
    (void)err;
    return false;
}

#endif
