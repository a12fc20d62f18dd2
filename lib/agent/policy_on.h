/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_POLICY: where the steps ask policy. */
#ifndef OTAI_POLICY_STEPS_H
#define OTAI_POLICY_STEPS_H

#include "agent.h"

/* TRUST has read the group's pointer: remember what it asks of this device, and go on. */
OTA_MUST_CHECK ota_err otai_policy_pointer(struct ota *a);

#endif
