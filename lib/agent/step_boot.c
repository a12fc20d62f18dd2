/* SPDX-License-Identifier: Apache-2.0 */
/* ARM, REBOOT, TRIAL, CONFIRM, REVERT: the trial and its verdict. */
#include <string.h>

#include "agent.h"
#include OTAI_POLICY_HEADER

#include OTAI_RELATIONS_HEADER

/* Slots that the trial is about: the boot control's word where it has one, else the journal's. */
static void trial_slots(const struct ota *a, uint8_t slot[OTA_COMPONENTS_MAX])
{
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++) {
        const struct otai_progress *p = &a->j.progress[i];
        bool ours = i < a->cfg.component_count && p->wanted;

        slot[i] = a->view.trial || a->view.pending ? a->view.armed[i] : ours ? otai_trial_slot(p) : (uint8_t)OTA_SLOT_NONE;
    }
}

/* The trial failed. The cause goes into the journal with the state change, so that it outlives the restart. */
static ota_err condemn(struct ota *a, ota_err err, const char *where, int32_t port_code)
{
    (void)otai_fail_port(a, err, where, port_code);
    a->j.cause = a->fault;
    return err;
}

static ota_err fate(struct ota *a, enum otai_boot_fate *out)
{
    uint8_t slot[OTA_COMPONENTS_MAX];
    ota_err err = otai_look(a);

    if (err != OTA_OK)
        return err;
    trial_slots(a, slot);
    *out = otai_boot_fate(&a->view, slot, a->cfg.component_count);
    return OTA_OK;
}

static ota_err restart(struct ota *a)
{
    ota_err err = otai_policy_restart(a);

    if (err != OTA_OK)
        return err;
    err = a->restart_asked ? OTA_OK : otai_boot_restart(a->cfg.boot, &a->fault);

    if (err != OTA_OK)
        return err;
    if (!a->restart_asked)
        otai_note(a, OTA_EV_REBOOT, 0, 0);
    a->restart_asked = true;
    a->wait.ms = 1000;
    return OTA_REBOOT;
}

/* Not armed is not a trial that did not start: it does not count as one, however often the boot control fails. Where even
 * this cannot be written it does count: to try too rarely is safe. */
static ota_err not_armed(struct ota *a, ota_err err)
{
    struct ota_fault why = a->fault;

    a->j.arms--;
    if (otai_save(a) != OTA_OK)
        a->fault = why;
    return err;
}

/* ARM: only sealed images can be armed, and all of them at once. */
ota_err otai_step_arm(struct ota *a)
{
    struct ota_image set[OTA_COMPONENTS_MAX];
    struct ota_trial trial;
    size_t n = 0;

    for (size_t i = 0; i < a->cfg.component_count; i++)
        if (a->sealed[i])
            set[n++] = a->image[i];
    otai_relations_arm(a, &trial);
    ota_err err = otai_boot_arm(a->cfg.boot, a->cfg.component_count, set, n, a->cfg.tries, &trial, &a->fault);
    if (err != OTA_OK)
        return not_armed(a, err);
    otai_note(a, OTA_EV_ARMED, trial.tries, 0);
    return OTA_DONE;
}

/* REBOOT: what did the restart make of the trial? */
ota_err otai_step_reboot(struct ota *a)
{
    enum otai_boot_fate f;
    ota_err err = fate(a, &f);

    if (err != OTA_OK)
        return err;
    if (f == OTAI_BOOT_PENDING)
        return restart(a);
    if (f == OTAI_BOOT_ABSENT)
        return condemn(a, OTA_REJECT_TRIAL, "boot: no tries left", 0);
    a->app_word = OTAI_APP_SILENT;
    a->trial_began_ms = otai_now_ms(a);
    a->j.trial_starts++;
    return OTA_DONE;
}

/* An agent that dies and is started again within one boot would never reach the deadline. */
#define TRIAL_STARTS_MAX 32

/* TRIAL: silence is sick. */
ota_err otai_step_trial(struct ota *a)
{
    const struct otai_health_rules rules = { a->cfg.times.health_grace_s, a->cfg.times.health_deadline_s };
    struct ota_verdict verdict;
    enum otai_boot_fate f;
    ota_err err = fate(a, &f);

    if (err != OTA_OK)
        return err;
    if (f == OTAI_BOOT_PERMANENT)
        return OTA_DONE;
    if (f != OTAI_BOOT_RUNNING)
        return condemn(a, OTA_REJECT_TRIAL, "boot: trial is gone", 0);
    if (a->j.trial_starts > TRIAL_STARTS_MAX)
        return condemn(a, OTA_REJECT_SILENT, "agent died too often", 0);
    err = otai_health_look(a->cfg.health, &rules, a->app_word, a->app_reason, otai_now_ms(a) - a->trial_began_ms, &verdict);
    if (err != OTA_DONE)
        return otai_again_in(a, 200);
    if (verdict.kind != OTA_VERDICT_HEALTHY)
        return condemn(a, verdict.cause.err, verdict.cause.where, verdict.cause.port_code);
    otai_note(a, OTA_EV_HEALTHY, 0, 0);
    return OTA_DONE;
}

static bool deployment_known(const struct ota *a)
{
    return !otai_is_zero(a->j.deployment, sizeof a->j.deployment);
}

static void now_installed(struct ota *a)
{
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        struct otai_progress *p = &a->j.progress[i];
        struct otai_installed *now = &a->j.installed[i];

        if (!p->wanted || otai_relations_gone(a, i))
            continue;
        otai_installed_set(now, p->sha256, p->version);
        if (p->security > now->security_floor)
            now->security_floor = p->security;
    }
}

static void settle(struct ota *a, enum ota_outcome outcome)
{
    a->asked = false; /* the verdict is the answer: ota_run() ends with it */
    a->j.outcome = (uint8_t)outcome;
    a->j.trial_starts = 0;
    a->j.arms = 0;
    if (deployment_known(a))
        a->j.report_id = ++a->j.report_last;
    a->dirty = true;
}

/* CONFIRM: the boot control first, then floors and versions, then the report: success is told last. */
ota_err otai_step_confirm(struct ota *a)
{
    enum otai_boot_fate f;
    ota_err err = fate(a, &f);

    if (err != OTA_OK)
        return err;
    if (f != OTAI_BOOT_RUNNING && f != OTAI_BOOT_PERMANENT)
        return condemn(a, OTA_REJECT_TRIAL, "boot: trial is gone", 0);
    if (f == OTAI_BOOT_RUNNING) {
        err = otai_boot_confirm(a->cfg.boot, &a->fault);
        if (err == OTA_OK)
            err = otai_look(a);
        if (err != OTA_OK)
            return err;
        /* A trial that was given up before cannot be confirmed any more. */
        if (a->view.trial)
            return condemn(a, OTA_REJECT_TRIAL, "boot: given up", 0);
    }
    now_installed(a);
    otai_unblock(&a->j);
    otai_deployment_confirmed(a);
    settle(a, OTA_OUTCOME_CONFIRMED);
    a->cycle = OTA_DONE;
    otai_event(a, OTA_EV_CONFIRMED, (int64_t)a->j.seq, 0);
    return OTA_DONE;
}

/* REVERT: take the trial back; where its slots still run, a restart leads to the old ones. */
ota_err otai_step_revert(struct ota *a)
{
    enum otai_boot_fate f;
    ota_err err = fate(a, &f);

    if (err != OTA_OK)
        return err;
    /* Do the condemned slots still run? A boot control that forgot the trial at once shows them as permanent. */
    bool running = a->view.trial || f == OTAI_BOOT_PERMANENT || a->restart_asked;
    if (a->view.trial || a->view.pending || a->view.spent) {
        err = otai_boot_revert(a->cfg.boot, &a->fault);
        if (err != OTA_OK)
            return err;
    }
    if (running)
        return restart(a);
    otai_digest_copy(a->j.blocked, a->j.deployment);
    settle(a, OTA_OUTCOME_ROLLED_BACK);
    if (ota_err_class(a->cycle) == OTA_CLASS_OUTCOME && a->j.cause.err != OTA_OK)
        a->cycle = a->j.cause.err;
    otai_event(a, OTA_EV_REVERTED, (int64_t)a->j.seq, a->j.cause.err);
    return OTA_DONE;
}
