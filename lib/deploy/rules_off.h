/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_POLICY: these members are skipped like any that is not known. */
#ifndef OTAI_RULES_H
#define OTAI_RULES_H

#include "deploy.h"
#include "json.h"

#define OTAI_RULES_MEMBERS

static inline void otai_rules_init(struct otai_rules *r)
{
    (void)r;
}

static inline void otai_rules_take(struct otai_json *j, size_t member, struct otai_rules *r)
{
    (void)member;
    (void)r;
    otai_json_skip(j);
}

#endif
