/* SPDX-License-Identifier: Apache-2.0 */
/* Where policy meets the machine: what the group's pointer asks for is remembered. */
#include "policy_on.h"

/* Kept across restarts: most check-ins end with "nothing changed" and read no pointer. */
static void remember(struct ota *a, const struct otai_rules *r)
{
    struct otai_journal *j = &a->j;
    uint32_t system = r->defer_min[OTAI_CLASS_SYSTEM], application = r->defer_min[OTAI_CLASS_APPLICATION];

    if (j->ruled && j->poll_s == r->poll_s && j->defer_system_min == system && j->defer_application_min == application)
        return;
    j->ruled = true;
    j->poll_s = r->poll_s;
    j->defer_system_min = system;
    j->defer_application_min = application;
    a->dirty = true;
}

ota_err otai_policy_pointer(struct ota *a)
{
    remember(a, &a->m.trust->pointer.rules);
    return otai_trust_go_on(a);
}
