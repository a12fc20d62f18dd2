/* SPDX-License-Identifier: Apache-2.0 */
/* Health, asked on behind the trial. One bad look is none: only several in a row are a finding. */
#include "monitor_i.h"

#define POLL_MS 200u /* a check that runs is looked at so often */

static void verdict(struct ota_monitor *m, uint64_t now, ota_err err, int32_t code)
{
    m->asking = false;
    m->health_due_ms = now + m->cfg.health_every_ms;
    if (err == OTA_OK) {
        m->sick = 0;
        m->pending_sick = false;
        m->status.health = OTA_MONITOR_FINE;
        m->held[OTAI_MON_HEALTH] = OTA_MONITOR_FINE;
        return;
    }
    if (m->sick < UINT8_MAX)
        m->sick++;
    if (m->sick < m->cfg.health_times)
        return;
    m->status.health = OTA_MONITOR_SICK;
    if (m->held[OTAI_MON_HEALTH] == OTA_MONITOR_SICK)
        return;
    m->held[OTAI_MON_HEALTH] = OTA_MONITOR_SICK;
    m->pending_sick = true;
    m->sick_cause = (struct ota_fault){ .component = OTA_COMPONENT_NONE };
    (void)ota_fault_set(&m->sick_cause, err, "health", code);
    otai_mon_note(m, OTA_EV_MONITOR_SICK, m->sick, code, &m->sick_cause);
}

static void ask(struct ota_monitor *m, uint64_t now)
{
    int32_t code = 0;
    ota_err err = m->cfg.health->ops->check(m->cfg.health, &code);

    if (err == OTA_OK || ota_err_class(err) == OTA_CLASS_REJECT)
        verdict(m, now, err, code);
    else if (now - m->asked_ms >= m->cfg.health_deadline_ms)
        verdict(m, now, OTA_REJECT_SILENT, code); /* silence is sick, as in a trial */
}

void otai_mon_health(struct ota_monitor *m, uint64_t now, bool busy)
{
    if (!m->cfg.health)
        return;
    if (busy) { /* a trial asks for itself, and decides about what runs */
        m->asking = m->pending_sick = false;
        m->sick = 0;
        m->health_due_ms = now + m->cfg.health_every_ms;
        return;
    }
    if (!m->asking && now >= m->health_due_ms) {
        m->asking = true;
        m->asked_ms = now;
    }
    if (m->asking)
        ask(m, now);
}

uint64_t otai_mon_health_due(const struct ota_monitor *m, uint64_t now)
{
    if (!m->cfg.health)
        return UINT64_MAX;
    if (m->asking)
        return POLL_MS;
    return m->health_due_ms - now; /* what was due is asked, or was put off */
}
