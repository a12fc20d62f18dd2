/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says of holds: the last member of its JSON object. */
#include <string.h>

#include "policy_on.h"

ota_err otai_policy_report(const struct ota *a, const struct ota_report *r, char body[OTAI_REPORT_BODY_MAX])
{
    uint32_t held = otai_equal(r->deployment, a->j.deployment, OTA_SHA256_LEN) ? a->j.held_by : 0;
    size_t end = strlen(body) - 1u;   /* the closing bracket makes way */
    const char *between = "";
    struct otai_text t;

    otai_text_init(&t, body + end, OTAI_REPORT_BODY_MAX - end);
    otai_text_add(&t, ",\"holds\":[");
    for (uint32_t bit = 1; ota_hold_name(bit); bit <<= 1) {
        if (!(held & bit))
            continue;
        otai_text_add(&t, between);
        otai_text_json(&t, ota_hold_name(bit));
        between = ",";
    }
    otai_text_add(&t, "]}");
    return t.full ? OTA_REJECT_LIMIT : OTA_OK;
}
