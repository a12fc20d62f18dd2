/* SPDX-License-Identifier: Apache-2.0 */
/* Root files (section 4.3): who may sign what. */
#include "json_members.h"
#include "tuf_i.h"

/* Take one role's keys and threshold. A threshold that its keys cannot meet is no error here: then nothing that the
 * role signs is trusted, and a later root can mend it. */
static void take_signers(struct ota_tuf *t, struct otai_json *j, struct tuf_signers *out)
{
    static const struct otai_member members[] = {
        { "keyids", 0, OTAI_OWN, true },
        { "threshold", offsetof(struct tuf_signers, threshold), OTAI_JSON_NUMBER, true },
    };
    uint32_t left = OTAI_ALL(members);

    otai_json_object(j);
    while (otai_json_take(j, members, out, &left) >= 0)
        otai_tuf_keyids(t, j, &t->u.root.ring, &out->keys);
}

void otai_tuf_root_roles(struct ota_tuf *t, struct otai_json *j)
{
    struct tuf_signers *signers = t->u.root.signers;
    char name[OTA_TUF_ROLE_MAX];

    for (otai_json_object(j); otai_json_member(j);) {
        (void)otai_json_name(j, name, sizeof name);
        size_t role = otai_tuf_top_role(name);

        if (role < TUF_TOP_ROLES)
            take_signers(t, j, &signers[role]);
        else
            otai_json_skip(j);
    }
    for (size_t role = 0; role < TUF_TOP_ROLES; role++)
        otai_json_need(j, signers[role].threshold, otai_tuf_role_name[role]);
}
