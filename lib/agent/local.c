/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that are on the device already, put on trial outside of any deployment: the way back that a monitor asks for, and what
 * somebody brought to the device. The journal learns of it first, then the boot control; then the agent begins as if it had
 * been started anew, and from there on this is a trial as any other.
 */
#include "agent.h"

#include OTAI_RELATIONS_HEADER

static ota_err bad(struct ota *a, ota_err err, const char *where, uint8_t component)
{
    a->fault.component = component;
    return otai_fail(a, err, where);
}

static ota_err check_one(struct ota *a, const struct ota_local *l, uint32_t *named)
{
    const struct ota_image *i = &l->image;

    if (i->component >= a->cfg.component_count || i->slot + a->view.running[i->component] != 1 || i->length == 0 ||
        (*named & (1u << i->component)))
        return bad(a, OTA_USAGE_ARGUMENT, "local.image", i->component);
    *named |= 1u << i->component;
    if (l->security < a->j.installed[i->component].security_floor)
        return bad(a, OTA_REJECT_SECURITY, "local.security", i->component);
    return OTA_OK;
}

static ota_err check(struct ota *a, const struct ota_local *set, size_t count)
{
    uint32_t named = 0;

    for (size_t k = 0; k < count; k++) {
        ota_err err = check_one(a, &set[k], &named);

        if (err != OTA_OK)
            return err;
    }
    return otai_relations_local(a, set, count);
}

/* Without a deployment there is no outcome to report; the next check-in looks at everything. */
static void describe(struct ota *a, const struct ota_local *set, size_t count, bool block)
{
    struct otai_journal *j = &a->j;

    if (block && !otai_is_zero(j->confirmed, sizeof j->confirmed))
        otai_digest_copy(j->blocked, j->confirmed);
    memset(j->deployment, 0, sizeof j->deployment);
    memset(j->progress, 0, sizeof j->progress);
    j->seq = j->fetched = 0;
    j->outcome = OTA_OUTCOME_NONE;
    j->trial_starts = j->arms = 0;
    j->etag[0] = '\0';
    otai_fault_clear(&j->cause);
    for (size_t k = 0; k < count; k++) {
        struct otai_progress *p = &j->progress[set[k].image.component];

        p->wanted = true;
        p->slot = set[k].image.slot;
        p->security = set[k].security;
        p->length = p->out_off = set[k].image.length;
        otai_digest_copy(p->sha256, set[k].image.sha256);
        (void)otai_copy(p->version, sizeof p->version, set[k].version);
    }
}

static ota_err arm(struct ota *a, const struct ota_local *set, size_t count)
{
    struct ota_image image[OTA_COMPONENTS_MAX];
    struct ota_trial trial = { .remove = 0 };

    for (size_t k = 0; k < count; k++)
        image[k] = set[k].image;
    ota_err err = otai_save(a);
    if (err == OTA_OK)
        err = otai_boot_arm(a->cfg.boot, a->cfg.component_count, image, count, a->cfg.tries, &trial, &a->fault);
    if (err == OTA_OK)
        otai_note(a, OTA_EV_ARMED, trial.tries, 0);
    return err;
}

static ota_err at_rest(struct ota *a)
{
    if (a->state != OTA_ST_IDLE || a->restart_asked)
        return OTA_USAGE_STATE;
    ota_err err = otai_look(a);
    if (err == OTA_OK && (a->view.trial || a->view.pending))
        return OTA_USAGE_STATE;
    return err;
}

static ota_err try_local(struct ota *a, const struct ota_local *set, size_t count, bool block)
{
    ota_err err = at_rest(a);

    if (err == OTA_OK)
        err = check(a, set, count);
    if (err != OTA_OK)
        return err;
    describe(a, set, count, block);
    err = arm(a, set, count);
    /* Whatever came of it, the journal and the boot control say so. */
    ota_err entered = otai_enter(a, OTA_ST_START);
    return err == OTA_OK ? entered : err;
}

ota_err ota_try_local(struct ota *a, const struct ota_local *set, size_t count, bool block, struct ota_fault *fault)
{
    if (!a || !set || count == 0 || count > OTA_COMPONENTS_MAX)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "ota_try_local", 0);
    struct ota_fault before = a->fault;
    ota_err err = try_local(a, set, count, block);
    if (err == OTA_OK)
        return OTA_OK;
    if (err == OTA_USAGE_STATE)
        (void)ota_fault_set(&a->fault, err, "ota_try_local", 0);
    if (fault)
        *fault = a->fault;
    a->fault = before; /* told to the caller: no failure of an update */
    return err;
}
