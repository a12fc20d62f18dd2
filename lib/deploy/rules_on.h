/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_POLICY: what a pointer asks of the group's devices is read. */
#ifndef OTAI_RULES_H
#define OTAI_RULES_H

#include "deploy.h"
#include "json.h"

/* They stand in every pointer's list, behind its other members. */
#define OTAI_RULES_MEMBERS "poll_s", "defer_min", "rollout",

/* What holds where the pointer says nothing. */
void otai_rules_init(struct otai_rules *r);

/* Take the value of the member with this place among them; one beyond is skipped. */
void otai_rules_take(struct otai_json *j, size_t member, struct otai_rules *r);

#endif
