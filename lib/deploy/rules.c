/* SPDX-License-Identifier: Apache-2.0 */
/* What a pointer asks of the group's devices: how often to check in, how long applications may defer, who takes part. */
#include "rules_on.h"
#include "text.h"

enum { POLL_S, DEFER_MIN, ROLLOUT };

enum { SYSTEM = OTAI_CLASS_SYSTEM, APPLICATION = OTAI_CLASS_APPLICATION };
static const char *const defer_members[] = { "system", "application", NULL };

enum { SALT, PER_MILLE, ROLLOUT_REQUIRED };
static const char *const rollout_members[] = { "salt", "per_mille", NULL };

void otai_rules_init(struct otai_rules *r)
{
    r->defer_min[SYSTEM] = OTAI_DEFER_SYSTEM_MIN;
    r->defer_min[APPLICATION] = OTAI_DEFER_APPLICATION_MIN;
}

static void take_defer(struct otai_json *j, struct otai_rules *r)
{
    for (otai_json_object(j); otai_json_member(j);) {
        size_t member = otai_member_index(j, defer_members);

        if (member <= APPLICATION)
            r->defer_min[member] = (uint32_t)otai_json_u64(j, 0, OTAI_DEFER_MAX_MIN);
        else
            otai_json_skip(j);
    }
}

static void take_rollout(struct otai_json *j, struct otai_rules *r)
{
    uint32_t seen = 0;

    r->staged = true;
    for (otai_json_object(j); otai_json_member(j);) {
        size_t member = otai_member_index(j, rollout_members);

        switch (member) {
        case SALT: otai_json_hex(j, r->salt, sizeof r->salt); break;
        case PER_MILLE: r->per_mille = (uint16_t)otai_json_u64(j, 0, 1000); break;
        default: otai_json_skip(j);
        }
        seen |= 1u << member;
    }
    otai_need_members(j, seen, rollout_members, ROLLOUT_REQUIRED);
}

void otai_rules_take(struct otai_json *j, size_t member, struct otai_rules *r)
{
    switch (member) {
    case POLL_S: r->poll_s = (uint32_t)otai_json_u64(j, OTAI_POLL_MIN_S, OTAI_POLL_MAX_S); break;
    case DEFER_MIN: take_defer(j, r); break;
    case ROLLOUT: take_rollout(j, r); break;
    default: otai_json_skip(j);
    }
}
