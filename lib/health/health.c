/* SPDX-License-Identifier: Apache-2.0 */
/* Judge a trial. */
#include "health.h"

#include <string.h>

static ota_err verdict(struct ota_verdict *out, ota_err cause, const char *where, int32_t code)
{
    memset(out, 0, sizeof *out);
    out->kind = cause == OTA_OK ? OTA_VERDICT_HEALTHY : OTA_VERDICT_SICK;
    out->cause.component = OTA_COMPONENT_NONE;
    (void)ota_fault_set(&out->cause, cause, where, code);
    return OTA_DONE;
}

ota_err otai_health_look(struct ota_health *h, const struct otai_health_rules *rules, enum otai_app_word app,
                         int32_t app_reason, uint64_t age_ms, struct ota_verdict *out)
{
    int32_t code = 0;

    if (app == OTAI_APP_REJECTS)
        return verdict(out, OTA_REJECT_APP, "health.application", app_reason);
    if (app == OTAI_APP_CONFIRMS)
        return verdict(out, OTA_OK, "", 0);
    ota_err err = h ? h->ops->check(h, &code) : OTA_AGAIN;
    if (err == OTA_OK)
        return verdict(out, OTA_OK, "", 0);
    if (err == OTA_REJECT_HEALTH && age_ms >= (uint64_t)rules->grace_s * 1000)
        return verdict(out, OTA_REJECT_HEALTH, "health.check", code);
    /* A check that cannot be run says nothing: its number explains the silence. */
    if (age_ms >= (uint64_t)rules->deadline_s * 1000)
        return verdict(out, OTA_REJECT_SILENT, "health.deadline", code);
    return OTA_AGAIN;
}
