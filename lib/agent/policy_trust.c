/* SPDX-License-Identifier: Apache-2.0 */
/* What a deployment and the device's owner say about which images are for this device. */
#include <string.h>

#include "policy_on.h"
#include OTAI_RELATIONS_HEADER

/* Kept across restarts: most check-ins end with "nothing changed" and read no pointer. */
static void remember(struct ota *a, const struct otai_rules *r)
{
    struct otai_journal *j = &a->j;
    uint32_t system = r->defer_min[OTAI_CLASS_SYSTEM], application = r->defer_min[OTAI_CLASS_APPLICATION];

    if (j->ruled && j->poll_s == r->poll_s && j->defer_system_min == system && j->defer_application_min == application)
        return;
    j->ruled = true;
    j->poll_s = r->poll_s;
    j->defer_system_min = system;
    j->defer_application_min = application;
    a->dirty = true;
}

/* What this check-in found replaces what the one before did. */
static void keep_from(struct ota *a, uint32_t why)
{
    if (a->j.kept_from == why)
        return;
    a->j.kept_from = why;
    a->dirty = true;
    if (why)
        otai_event(a, OTA_EV_KEPT_FROM, (int64_t)a->release.seq, why);
}

static bool runs(const struct ota *a, const struct otai_pointer_image *image, size_t component)
{
    const struct otai_installed *now = &a->j.installed[component];

    return now->known && otai_equal(now->sha256, image->sha256, OTA_SHA256_LEN);
}

/* Does the pointer name an image of one of our components that does not run here? os: also of the component "os"? */
static bool names_news(const struct ota *a, bool os)
{
    const struct otai_pointer *p = &a->m.trust->pointer;

    for (size_t k = 0; k < p->count; k++)
        for (size_t i = 0; i < a->cfg.component_count; i++)
            if (strcmp(p->image[k].component, a->cfg.components[i].name) == 0 && !runs(a, &p->image[k], i) &&
                (os || strcmp(p->image[k].component, "os") != 0))
                return true;
    return false;
}

ota_err otai_policy_number(struct ota_crypto *c, const uint8_t salt[OTAI_SALT_LEN], const char *id, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256);

    if (err == OTA_OK)
        err = c->ops->hash_add(c, &h, salt, OTAI_SALT_LEN);
    if (err == OTA_OK)
        err = c->ops->hash_add(c, &h, id, strlen(id));
    ota_err end = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK ? end : err;
}

ota_err otai_policy_pointer(struct ota *a)
{
    const struct otai_rules *r = &a->m.trust->pointer.rules;
    uint8_t digest[OTA_SHA256_LEN];

    remember(a, r);
    a->policy.kept = a->m.trust->pointer.os_only && names_news(a, false) ? OTA_HOLD_OS_ONLY : 0;
    if (!r->staged || !(names_news(a, true) || otai_relations_removes(a)))
        return otai_trust_go_on(a);
    ota_err err = otai_policy_number(a->cfg.crypto, r->salt, a->cfg.device_id, digest);
    if (err != OTA_OK)
        return otai_fail(a, err, "crypto.hash");
    if (otai_policy_in_rollout(digest, r->per_mille))
        return otai_trust_go_on(a);
    keep_from(a, OTA_HOLD_ROLLOUT);
    return otai_trust_nothing(a);
}

static bool pinned(const struct ota *a, const struct ota_release_image *r)
{
    const char *pin = a->cfg.policy ? a->cfg.policy->pin[r->component] : NULL;

    return pin && strcmp(pin, r->version) != 0;
}

/* A pin is lifted by a new configuration, of which no server knows: with one, every check-in reads the deployment. */
static void read_again(struct ota *a)
{
    a->j.etag[0] = '\0';
    a->dirty = true;
}

bool otai_policy_pins(struct ota *a)
{
    struct ota_release *rel = &a->release;
    uint8_t n = 0, before = rel->count;

    for (size_t k = 0; k < before; k++) {
        if (pinned(a, &rel->image[k]))
            otai_relations_forget(a, rel->image[k].component);
        else
            rel->image[n++] = rel->image[k];
    }
    rel->count = n;
    keep_from(a, a->policy.kept | (n < before ? OTA_HOLD_PINNED : 0));
    if (n < before)
        read_again(a);
    return n < before;
}

ota_err otai_policy_pinned(struct ota *a)
{
    ota_err err = otai_trust_nothing(a);

    read_again(a);
    return err;
}

/* A deferral that is under way meets another deployment: what is left of it counts against that one. */
void otai_policy_begin(struct ota *a)
{
    uint64_t now = otai_now_ms(a);

    a->policy.new_update = !otai_equal(a->j.deployment, a->release.deployment, OTA_SHA256_LEN);
    a->policy.left_s = now < a->defer_until_ms ? (uint32_t)((a->defer_until_ms - now + 999u) / 1000u) : 0;
}

/* Granted before the first step, when nobody knew what this deployment had been granted in earlier runs: the cap still holds. */
static void settle_early(struct ota *a)
{
    uint32_t left_s = otai_policy_defer_left(a);

    if (a->policy.early_s > left_s) {
        uint64_t cut_ms = (uint64_t)(a->policy.early_s - left_s) * 1000u;

        a->defer_until_ms = a->defer_until_ms > cut_ms ? a->defer_until_ms - cut_ms : 0;
        a->policy.early_s = left_s;
    }
    a->j.deferred_s += a->policy.early_s;
}

void otai_policy_begun(struct ota *a)
{
    if (a->policy.new_update) {
        a->j.held_by = 0;
        a->j.deferred_s = a->policy.left_s;
    } else {
        settle_early(a);
    }
    a->policy.early_s = 0;
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++) {
        const struct ota_release_image *r = otai_image_of(a, i);

        a->sealed[i] = a->policy.sealed[i] && r && otai_equal(a->image[i].sha256, r->sha256, OTA_SHA256_LEN);
        a->policy.sealed[i] = false;
    }
}
