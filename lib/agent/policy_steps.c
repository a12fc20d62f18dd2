/* SPDX-License-Identifier: Apache-2.0 */
/* Where policy meets the machine: before the first byte, during a download, before the trial is armed and before the
 * restart into it. */
#include <string.h>

#include "policy_on.h"

/* ---- facts ---- */

/* As POLL believes it, without a complaint. */
static bool clock_known(const struct ota *a, int64_t *now_s)
{
    int64_t passed = a->j.time_floor_s - OTAI_CLOCK_SLACK_S;

    return a->cfg.clock->ops->utc_s(a->cfg.clock, now_s) == OTA_OK && *now_s >= passed && *now_s >= a->cfg.times.utc_floor_s;
}

static uint32_t deferred_s(const struct ota *a)
{
    uint64_t now = otai_now_ms(a);

    return now < a->defer_until_ms && !otai_hb_forces(a) ? (uint32_t)((a->defer_until_ms - now + 999u) / 1000u) : 0;
}

static const struct ota_conditions_now nothing_known = { .battery_percent = OTA_NOT_KNOWN, .on_mains = OTA_NOT_KNOWN,
                                                         .metered = OTA_NOT_KNOWN };

static void ask_device(const struct ota *a, struct otai_policy_facts *f)
{
    struct ota_conditions *c = a->cfg.conditions;
    int32_t code = 0;

    f->device = nothing_known;
    if (!c)
        return;
    if (c->ops->read(c, &f->device, &code) != OTA_OK)
        f->device = nothing_known;
    f->consent = a->cfg.policy && a->cfg.policy->consent != OTA_CONSENT_NONE && c->ops->consent(c, a->j.seq, &code) == OTA_OK;
}

static void judge(const struct ota *a, struct otai_policy_word *out)
{
    struct otai_policy_facts f = { .deferred_s = deferred_s(a), .whole = a->policy.whole, .bytes = a->policy.bytes };

    f.clock_known = clock_known(a, &f.now_s);
    ask_device(a, &f);
    otai_policy_judge(a->cfg.policy, &f, out);
}

/* The report tells all that ever held the deployment back. Written with the next change of state. */
static void note(struct ota *a, uint32_t why)
{
    if ((a->j.held_by | why) != a->j.held_by) {
        a->j.held_by |= why;
        a->dirty = true;
        otai_note(a, OTA_EV_HELD, why, 0);
    }
}

static ota_err wait(struct ota *a, const struct otai_policy_word *w)
{
    return otai_again_in(a, (uint64_t)w->look_s * 1000u);
}

/* ---- fetching ---- */

static uint32_t lowest(uint32_t bits)
{
    return bits & (~bits + 1u);
}

static ota_err held_fetch(struct ota *a)
{
    struct otai_policy_word w;
    char where[OTA_FAULT_WHERE_MAX];
    struct otai_text t;

    judge(a, &w);
    a->policy.look_ms = otai_now_ms(a) + 1000u;
    if (w.against[OTAI_FETCH] == 0)
        return OTA_OK;
    note(a, w.against[OTAI_FETCH]);
    otai_text_init(&t, where, sizeof where);
    otai_text_add(&t, "policy: ");
    otai_text_add(&t, ota_hold_name(lowest(w.against[OTAI_FETCH])));
    return otai_fail(a, OTA_RETRY_HELD, where);
}

/* What the source at hand still has to give. */
static uint64_t bytes_to_come(const struct ota *a)
{
    uint64_t had = a->j.progress[a->plan.component].src_off;

    return had < a->plan.source.estimate ? a->plan.source.estimate - had : 0;
}

ota_err otai_policy_fetch(struct ota *a)
{
    if (a->plan.out_off == a->plan.length)
        return OTA_OK;
    a->policy.whole = a->plan.source.codec < OTA_CODEC_DELTA;
    a->policy.bytes = a->j.fetched + bytes_to_come(a);
    return held_fetch(a);
}

/* Once a second: a look may cost more than a block. */
ota_err otai_policy_carry_on(struct ota *a)
{
    return otai_now_ms(a) < a->policy.look_ms ? OTA_OK : held_fetch(a);
}

ota_err otai_policy_idle(struct ota *a, ota_err err)
{
    struct otai_policy_word w;

    if (err == OTA_DONE)
        a->policy.cycle_ms = otai_now_ms(a);
    if (err == OTA_DONE || a->result != OTA_RETRY_HELD)
        return err;
    judge(a, &w);
    if (w.against[OTAI_FETCH] == 0) {
        a->asked = true;
        return otai_again_in(a, 0);
    }
    return a->wait.ms / 1000u > w.look_s ? wait(a, &w) : err;
}

/* ---- installing ---- */

static uint32_t to_next_check_in_s(const struct ota *a)
{
    uint32_t poll_s = otai_hb_poll_every(a, a->j.poll_s ? a->j.poll_s : a->cfg.times.poll_s);
    uint64_t since_s = (otai_now_ms(a) - a->policy.cycle_ms) / 1000u;

    return since_s < poll_s ? (uint32_t)(poll_s - since_s) : 0;
}

/* However long an update waits, a newer deployment or a withdrawal must be noticed. What is sealed stays so. */
static ota_err leave_for_check_in(struct ota *a)
{
    for (size_t i = 0; i < a->cfg.component_count; i++)
        a->policy.sealed[i] = a->sealed[i];
    a->asked = true;
    return OTA_SAME;
}

ota_err otai_policy_ready(struct ota *a)
{
    struct otai_policy_word w;

    judge(a, &w);
    if (w.against[OTAI_INSTALL] == 0)
        return OTA_OK;
    note(a, w.against[OTAI_INSTALL]);
    uint32_t s = to_next_check_in_s(a);
    if ((a->asked || s == 0) && otai_net_ready(a))
        return leave_for_check_in(a);
    /* Without a network the update can be installed all the same, as soon as it may be. */
    if (s && s < w.look_s)
        w.look_s = s;
    return wait(a, &w);
}

ota_err otai_policy_restart(struct ota *a)
{
    struct otai_policy_word w;

    a->policy.waits = false;   /* whatever it was in an earlier look */
    if (a->restart_asked)
        return OTA_OK;
    judge(a, &w);
    if (w.against[OTAI_RESTART] == 0)
        return OTA_OK;
    a->policy.waits = true;
    note(a, w.against[OTAI_RESTART]);
    return wait(a, &w);
}

bool otai_policy_waits(const struct ota *a)
{
    return a->policy.waits;
}

/* ---- what is asked and shown ---- */

/* Before a deployment is known, the class with the shorter time is assumed. */
static bool may_change_os(const struct ota *a)
{
    bool any = false;

    for (size_t i = 0; i < a->cfg.component_count; i++) {
        if (!a->j.progress[i].wanted)
            continue;
        any = true;
        if (strcmp(a->cfg.components[i].name, "os") == 0)
            return true;
    }
    return !any;
}

uint32_t otai_policy_defer_left(const struct ota *a)
{
    const struct otai_journal *j = &a->j;
    uint32_t system = j->ruled ? j->defer_system_min : OTAI_DEFER_SYSTEM_MIN;
    uint32_t application = j->ruled ? j->defer_application_min : OTAI_DEFER_APPLICATION_MIN;
    uint32_t cap_s = otai_policy_defer_cap_s(system, application, may_change_os(a), a->cfg.times.defer_cap_s);

    return cap_s > j->deferred_s ? cap_s - j->deferred_s : 0;
}

/* Journaled at once: an application that restarts its agent does not get its time anew. */
ota_err otai_policy_deferred(struct ota *a, uint32_t seconds)
{
    if (a->state == OTA_ST_START) {
        a->policy.early_s = seconds;   /* the journal was not read yet */
        return OTA_OK;
    }
    ota_err err = otai_save(a);
    if (err == OTA_OK)
        return OTA_OK;
    a->j.deferred_s -= seconds;
    a->defer_until_ms = 0;
    return err;
}

/* Which step comes next for the update under way? */
static enum otai_policy_step next_step(const struct ota *a)
{
    if (a->state == OTA_ST_REBOOT)
        return OTAI_RESTART;
    for (size_t i = 0; i < a->cfg.component_count; i++)
        if (a->j.progress[i].wanted && a->j.progress[i].out_off < a->j.progress[i].length)
            return OTAI_FETCH;
    return OTAI_INSTALL;
}

uint32_t otai_policy_holds(const struct ota *a)
{
    struct otai_policy_word w;
    bool before_trial = a->state <= OTA_ST_READY || (a->state == OTA_ST_REBOOT && a->view.pending);

    if (a->j.outcome != OTA_OUTCOME_NONE || !otai_unfinished(a) || !before_trial)
        return a->j.kept_from;
    judge(a, &w);
    return a->j.kept_from | w.against[next_step(a)];
}
