/* SPDX-License-Identifier: Apache-2.0 */
/* The end of TRUST: compare a verified release with what the device runs. */
#include <string.h>

#include "agent.h"
#include "assign.h"
#include OTAI_POLICY_HEADER

#include OTAI_RELATIONS_HEADER

/* A component whose version nobody recorded (fresh from the factory, or the journal was lost) may already hold what is
 * wanted: its running slot is hashed before anything is fetched. */
static struct ota_release_image *unidentified(struct ota *a)
{
    for (size_t k = 0; k < a->release.count; k++) {
        struct ota_release_image *r = &a->release.image[k];

        if (!a->j.installed[r->component].known && !(a->m.trust->probed & (1u << r->component)) &&
            a->view.running[r->component] != OTA_SLOT_NONE)
            return r;
    }
    return NULL;
}

/* Hash the slot that runs. TUF has said all that it had to say, and its memory serves as the buffer. */
static ota_err begin_hash(struct ota *a, struct ota_slot *slot, const struct ota_plan *probe)
{
    struct otai_trust *t = a->m.trust;
    size_t cap = otai_power_of_two_below(t->tuf_len);

    t->tuf = NULL;
    t->phase = OTAI_TRUST_IDENTIFY;
    ota_err err = otai_seal_begin(&t->seal, slot, a->cfg.crypto, t->tuf_mem, cap, probe, &a->fault);
    return err == OTA_OK ? OTA_AGAIN : err;
}

static ota_err open_identify(struct ota *a, const struct ota_release_image *r)
{
    struct otai_trust *t = a->m.trust;
    uint8_t index = a->view.running[r->component];
    struct ota_slot *slot = a->cfg.components[r->component].slot[index];
    struct ota_plan probe = { .component = r->component, .slot = index, .length = r->length };
    struct ota_slot_geometry g;
    int32_t code = 0;

    otai_digest_copy(probe.sha256, r->sha256);
    t->image = r->component;
    t->probed |= (uint8_t)(1u << r->component);
    ota_err err = slot->ops->geometry(slot, &g, &code);
    if (err != OTA_OK)
        return otai_fail_port(a, err, "slot.geometry", code);
    return r->length > g.size ? otai_trust_go_on(a) /* it cannot be what runs */ : begin_hash(a, slot, &probe);
}

ota_err otai_trust_identify(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    struct ota_image image;
    ota_err err = otai_seal_step(&t->seal, &image);

    if (err == OTA_AGAIN)
        return OTA_AGAIN;
    if (ota_err_class(err) == OTA_CLASS_REJECT) {
        otai_fault_clear(&a->fault); /* other bytes run: no failure, and not to be shown as one */
        return otai_trust_go_on(a);
    }
    if (err != OTA_DONE)
        return err;
    const struct ota_release_image *r = otai_image_of(a, t->image);
    otai_installed_set(&a->j.installed[t->image], r->sha256, r->version);
    a->dirty = true;
    return otai_trust_go_on(a);
}

static bool installed(const struct ota *a, const struct ota_release_image *r)
{
    const struct otai_installed *now = &a->j.installed[r->component];

    return now->known && otai_equal(now->sha256, r->sha256, sizeof now->sha256);
}

/* Keep what has to change, in the order of the configuration. */
static void drop_installed(struct ota *a)
{
    struct ota_release *rel = &a->release;
    struct ota_release_image x;
    size_t n = 0;

    for (size_t k = 0; k < rel->count; k++) {
        size_t i = n;

        if (installed(a, &rel->image[k])) {
            OTAI_MONITOR_SEE(a, &rel->image[k]);
            continue;
        }
        x = rel->image[k];
        for (; i > 0 && rel->image[i - 1].component > x.component; i--)
            rel->image[i] = rel->image[i - 1];
        rel->image[i] = x;
        n++;
    }
    rel->count = (uint8_t)n;
}

static void note_fresh(struct ota *a)
{
    const struct otai_trust *t = a->m.trust;
    struct otai_journal *j = &a->j;
    /* A feed or a director lives in another repository: then one conditional request cannot speak for both. */
    const char *etag = t->have_feed || otai_assign_elsewhere(a) || otai_hb_on(a) ? "" : t->etag;

    if (strcmp(j->etag, etag) != 0 || j->fresh_until_s != t->fresh_until_s ||
        t->now_s - j->full_utc_s >= (int64_t)a->cfg.times.full_s || t->now_s < j->full_utc_s) {
        (void)otai_copy(j->etag, sizeof j->etag, etag);
        j->fresh_until_s = t->fresh_until_s;
        j->full_utc_s = t->now_s;
        a->dirty = true;
    }
}

static void begin_update(struct ota *a)
{
    struct otai_journal *j = &a->j;

    otai_policy_begin(a);
    if (!otai_equal(j->deployment, a->release.deployment, OTA_SHA256_LEN)) {
        j->fetched = 0;
        j->deferred_s = 0;
        j->arms = 0;
        otai_fault_clear(&j->cause);
    }
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++) {
        const struct ota_release_image *r = otai_image_of(a, i);
        struct otai_progress *p = &j->progress[i];

        if (!r || !otai_equal(p->sha256, r->sha256, OTA_SHA256_LEN))
            memset(p, 0, sizeof *p);
        if (!r)
            continue;
        p->wanted = true;
        p->security = r->security;
        p->length = r->length;
        otai_digest_copy(p->sha256, r->sha256);
        (void)otai_copy(p->version, sizeof p->version, r->version);
    }
    otai_relations_want(a);
    otai_digest_copy(j->deployment, a->release.deployment);
    j->seq = a->release.seq;
    j->outcome = OTA_OUTCOME_NONE;
    memset(a->sealed, 0, sizeof a->sealed);
    memset(a->wrong_base, 0, sizeof a->wrong_base);
    a->dirty = true;
    otai_policy_begun(a);
    otai_hb_begun(a);
}

/* Nothing to change: the deployment counts as installed, whatever update was under way is dropped. */
static ota_err up_to_date(struct ota *a)
{
    struct otai_journal *j = &a->j;

    otai_event(a, OTA_EV_UP_TO_DATE, (int64_t)a->release.seq, 0);
    if (!otai_equal(j->confirmed, a->release.deployment, OTA_SHA256_LEN) || otai_unfinished(a)) {
        otai_digest_copy(j->deployment, a->release.deployment);
        memset(j->progress, 0, sizeof j->progress);
        j->seq = a->release.seq;
        otai_deployment_confirmed(a);
        a->dirty = true;
    }
    return otai_hb_settled(a, OTA_OUTCOME_CONFIRMED);
}

/* This deployment was rolled back here: another one has to come. */
static ota_err still_blocked(struct ota *a)
{
    if (a->j.outcome != OTA_OUTCOME_ROLLED_BACK) {
        a->j.outcome = OTA_OUTCOME_ROLLED_BACK;
        a->dirty = true;
    }
    return otai_hb_settled(a, OTA_OUTCOME_ROLLED_BACK);
}

/* Every image of the deployment is verified: what has to change? */
ota_err otai_trust_settle(struct ota *a)
{
    const struct ota_release_image *r = unidentified(a);

    if (r)
        return open_identify(a, r);
    note_fresh(a);
    ota_err err = otai_hb_compare(a);
    if (err != OTA_OK)
        return err;
    drop_installed(a);
    bool pinned = otai_policy_pins(a);
    if (!otai_relations_remove(a) && a->release.count == 0)
        return pinned ? otai_policy_pinned(a) : up_to_date(a);
    if (otai_equal(a->j.blocked, a->release.deployment, OTA_SHA256_LEN)) {
        otai_event(a, OTA_EV_BLOCKED, (int64_t)a->release.seq, 0);
        return still_blocked(a);
    }
    err = otai_relations_check(a);
    if (err != OTA_OK)
        return err;
    otai_event(a, OTA_EV_RELEASE, (int64_t)a->release.seq, a->release.count);
    begin_update(a);
    return OTA_DONE;
}

/* Nothing is there for this device, or not any more: no reason to complain, nor to go on with an update. */
ota_err otai_trust_nothing(struct ota *a)
{
    struct otai_journal *j = &a->j;

    note_fresh(a);
    if (otai_unfinished(a)) {
        memset(j->progress, 0, sizeof j->progress);
        j->outcome = OTA_OUTCOME_NONE;
        j->cause = (struct ota_fault){ .component = OTA_COMPONENT_NONE };
        a->dirty = true;
    }
    return otai_hb_settled(a, OTA_OUTCOME_NONE);
}
