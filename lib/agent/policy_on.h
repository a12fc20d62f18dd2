/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_POLICY: where the steps ask policy. */
#ifndef OTAI_POLICY_STEPS_H
#define OTAI_POLICY_STEPS_H

#include "agent.h"
#include "policy.h"

/* times.defer_cap_s where the configuration has none: no bound of the device's own. */
#define OTAI_POLICY_DEFER_CAP_S 0

/* Names of the bits behind OTA_HOLD_RESTART. */
#define OTAI_POLICY_HOLD_NAMES , "window", "consent", "battery", "metered", "rollout", "pinned", "os-only"

/* ---- policy_trust.c ---- */

/* TRUST has read the group's pointer: remember what it asks of this device. Go on, or SAME: it is not for this device. */
OTA_MUST_CHECK ota_err otai_policy_pointer(struct ota *a);
/* What has to change is known: leave out what is pinned. true: something was. */
bool otai_policy_pins(struct ota *a);
/* And nothing is left. SAME */
ota_err otai_policy_pinned(struct ota *a);
/* An update begins, or goes on after a check-in. Around what forgets the one before. */
void otai_policy_begin(struct ota *a);
void otai_policy_begun(struct ota *a);

/* ---- policy_steps.c ---- */

/* IDLE came to err: look again sooner where an update is held back. */
OTA_MUST_CHECK ota_err otai_policy_idle(struct ota *a, ota_err err);
/* A source was chosen: OK, or RETRY_HELD. */
OTA_MUST_CHECK ota_err otai_policy_fetch(struct ota *a);
/* The same while it is fetched. */
OTA_MUST_CHECK ota_err otai_policy_carry_on(struct ota *a);
/* Everything is verified: OK, AGAIN, or SAME: time for a check-in. */
OTA_MUST_CHECK ota_err otai_policy_ready(struct ota *a);
/* The trial is armed: OK, or AGAIN. */
OTA_MUST_CHECK ota_err otai_policy_restart(struct ota *a);
/* Only the outside can move the agent on. */
bool otai_policy_waits(const struct ota *a);
/* Seconds that the deployment under way may still be deferred. */
uint32_t otai_policy_defer_left(const struct ota *a);
/* So many were granted: OK, or the journal could not be written, and they are not. */
OTA_MUST_CHECK ota_err otai_policy_deferred(struct ota *a, uint32_t seconds);
/* What holds back, for ota_status(). */
uint32_t otai_policy_holds(const struct ota *a);

/* ---- policy_report.c ---- */

/* Add what a report says of holds: OK, or REJECT_LIMIT. */
OTA_MUST_CHECK ota_err otai_policy_report(const struct ota *a, const struct ota_report *r, char body[OTAI_REPORT_BODY_MAX]);

static inline bool otai_policy_held(ota_err err)
{
    return err == OTA_RETRY_HELD;
}

#endif
