/* SPDX-License-Identifier: Apache-2.0 */
/* Root files (section 4.3). */
#include "tuf_i.h"

#include <string.h>

/* Take one role's keys and threshold. A threshold that its keys cannot meet is no error here: then nothing that the
 * role signs is trusted, and a later root can mend it. */
static void take_signers(struct ota_tuf *t, struct otai_json *j, struct otai_span keys, struct tuf_ring *ring,
                         struct tuf_signers *out)
{
    bool listed = false;

    out->threshold = 0;
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "keyids")) {
            otai_tuf_keyids(t, j, keys, ring, &out->keys);
            listed = true;
        } else if (otai_json_name_is(j, "threshold")) {
            out->threshold = (uint32_t)otai_json_u64(j, 1, UINT32_MAX);
        } else {
            otai_json_skip(j);
        }
    }
    otai_json_need(j, listed, "keyids");
    otai_json_need(j, out->threshold, "threshold");
}

static void take_roles(struct ota_tuf *t, struct otai_json *j, struct otai_span keys, struct tuf_root *out)
{
    for (otai_json_object(j); otai_json_member(j);) {
        size_t role = 0;

        while (role < TUF_TOP_ROLES && !otai_json_name_is(j, otai_tuf_role_name[role]))
            role++;
        if (role < TUF_TOP_ROLES)
            take_signers(t, j, keys, &out->ring, &out->signers[role]);
        else
            otai_json_skip(j);
    }
    for (size_t role = 0; role < TUF_TOP_ROLES; role++)
        otai_json_need(j, out->signers[role].threshold, otai_tuf_role_name[role]);
}

/* Text of the member `keys` of the object that j is in; j itself stays where it is. */
static struct otai_span find_keys(struct otai_json j)
{
    while (otai_json_member(&j)) {
        if (otai_json_name_is(&j, "keys") && otai_json_peek(&j) == OTAI_JSON_OBJECT)
            return otai_json_value(&j);
        otai_json_skip(&j);
    }
    return (struct otai_span){ NULL, 0 };
}

ota_err otai_tuf_root_parse(struct ota_tuf *t, struct otai_span file, struct tuf_root *out)
{
    struct tuf_head head = { 0, 0, 0 };
    bool keys_seen = false, roles_seen = false;
    struct otai_json j;

    memset(out, 0, sizeof *out);
    otai_tuf_open_signed(&j, file);
    struct otai_span keys = find_keys(j);
    while (otai_json_member(&j)) {
        if (otai_tuf_head_member(t, &j, &head, TUF_ROOT))
            continue;
        if (otai_json_name_is(&j, "roles")) {
            take_roles(t, &j, keys, out);
            roles_seen = true;
        } else if (otai_json_name_is(&j, "consistent_snapshot")) {
            out->consistent = otai_json_bool(&j);
        } else if (otai_json_name_is(&j, "keys")) {
            if (!keys.p)
                otai_json_fail(&j, OTA_REJECT_TYPE, NULL);
            otai_json_skip(&j);
            keys_seen = true;
        } else {
            otai_json_skip(&j);
        }
    }
    otai_tuf_head_need(t, &j, &head, TUF_ROOT);
    otai_json_need(&j, keys_seen, "keys");
    otai_json_need(&j, roles_seen, "roles");
    out->version = head.version;
    out->expires_s = head.expires_s;
    return otai_tuf_close_signed(t, &j);
}
