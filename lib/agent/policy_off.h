/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_POLICY nothing is asked. */
#ifndef OTAI_POLICY_STEPS_H
#define OTAI_POLICY_STEPS_H

#include "agent.h"

static inline ota_err otai_policy_pointer(struct ota *a)
{
    return otai_trust_go_on(a);
}

#endif
