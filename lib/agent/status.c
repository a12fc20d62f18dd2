/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on, and everything that holds an update back, by name. */
#include <string.h>

#include "agent.h"
#include OTAI_POLICY_HEADER

#include OTAI_RELATIONS_HEADER

static uint32_t holds(const struct ota *a)
{
    uint32_t h = 0;
    bool idle = a->state == OTA_ST_IDLE;

    if (idle && a->backing_off)
        h |= OTA_HOLD_BACKOFF;
    if (idle && a->result == OTA_RETRY_CLOCK)
        h |= OTA_HOLD_CLOCK;
    if (idle && (a->result == OTA_RETRY_NETWORK || !otai_net_ready(a)))
        h |= OTA_HOLD_NETWORK;
    if (a->defer_until_ms > otai_now_ms(a) && !otai_hb_forces(a))
        h |= OTA_HOLD_DEFERRED;
    if (a->state == OTA_ST_TRIAL || (a->state == OTA_ST_REBOOT && a->view.trial))
        h |= OTA_HOLD_TRIAL;
    if (a->j.outcome == OTA_OUTCOME_ROLLED_BACK)
        h |= OTA_HOLD_BLOCKED;
    /* What an earlier run left behind: nobody has restarted the device since. */
    if (a->restart_asked || (a->state == OTA_ST_REBOOT && a->view.pending) || (a->state == OTA_ST_REVERT && a->view.trial))
        h |= OTA_HOLD_RESTART;
    return h | otai_policy_holds(a) | otai_hb_holds(a);
}

static void one(const struct ota *a, size_t i, struct ota_component_status *out)
{
    const struct otai_progress *p = &a->j.progress[i];
    bool on_trial = a->view.trial && p->wanted && p->slot == a->view.running[i];

    (void)otai_copy(out->running, sizeof out->running, on_trial ? p->version : otai_running(a, i));
    out->slot = a->view.running[i];
    out->codec = (enum ota_codec)p->codec;
    out->why = (enum ota_why)p->why;
    if (!p->wanted || a->j.outcome != OTA_OUTCOME_NONE)
        return;
    otai_tell_removal(p, out);
    (void)otai_copy(out->wanted, sizeof out->wanted, p->version);
    out->length = p->length;
    out->done = p->out_off;
    if (a->state == OTA_ST_DOWNLOAD && a->busy && a->m.download->open && a->plan.component == i)
        out->done = otai_writer_pos(&a->m.download->writer);
}

void ota_status(const struct ota *a, struct ota_status *out)
{
    uint64_t now = otai_now_ms(a);

    memset(out, 0, sizeof *out);
    out->state = a->state;
    out->holds = holds(a);
    if (a->state == OTA_ST_IDLE && !a->asked && a->due_ms > now)
        out->next_check_s = (uint32_t)((a->due_ms - now + 999u) / 1000u);
    out->seq = a->j.seq_floor;
    out->fetched = a->j.fetched;
    out->reports_kept = a->reports_kept;
    out->last_outcome = (enum ota_outcome)a->j.outcome;
    out->last_fault = a->fault.err == OTA_OK ? a->j.cause : a->fault;
    out->component_count = a->cfg.component_count;
    for (size_t i = 0; i < a->cfg.component_count; i++)
        one(a, i, &out->component[i]);
}
