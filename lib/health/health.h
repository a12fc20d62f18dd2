/* SPDX-License-Identifier: Apache-2.0 */
/* Judge a trial: the health port's and the application's word, a grace time, a deadline. Silence is sick. */
#ifndef OTAI_HEALTH_H
#define OTAI_HEALTH_H

#include "ota/port_health.h"

enum otai_app_word { OTAI_APP_SILENT = 0, OTAI_APP_CONFIRMS = 1, OTAI_APP_REJECTS = 2 };

struct otai_health_rules {
    uint32_t grace_s;      /* a sick answer of the port before this age is not final */
    uint32_t deadline_s;   /* no healthy verdict by then: sick */
};

/* One look. h may be NULL (the application alone judges). The application's word beats the port's; its rejection is
 * final at once. OTA_AGAIN: no verdict yet. OTA_DONE: *out is the verdict, with cause REJECT_HEALTH (port), REJECT_APP
 * (application, port_code = its reason) or REJECT_SILENT (deadline). */
OTA_MUST_CHECK ota_err otai_health_look(struct ota_health *h, const struct otai_health_rules *rules, enum otai_app_word app,
                                        int32_t app_reason, uint64_t age_ms, struct ota_verdict *out);

#endif
