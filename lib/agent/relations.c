/* SPDX-License-Identifier: Apache-2.0 */
/* How components belong together: what they require of one another is checked before anything is fetched, and what the
 * deployment does not name is taken out, as a part of the same trial. */
#include <string.h>

#include "agent.h"
#include "ota/monitor.h"

#include OTAI_RELATIONS_HEADER

/* Lies at the end of TRUST's memory. */
struct relations {
    struct otai_levels levels[OTA_COMPONENTS_MAX]; /* of what will run */
    uint8_t told;                                  /* a bit per component: the deployment names it */
};

/* Components that any agent can spare: not the system that carries it. */
const char *otai_relations_bad_config(const struct ota_config *c)
{
    for (size_t i = 0; i < c->component_count; i++)
        if (c->components[i].removable && strcmp(c->components[i].name, "os") == 0)
            return "components.removable";
    if (c->provided_count && !c->provided)
        return "provided";
    for (size_t i = 0; i < c->provided_count; i++)
        if (!c->provided[i].name || strlen(c->provided[i].name) >= OTA_NAME_MAX)
            return "provided.name";
    return NULL;
}

size_t otai_relations_len(void)
{
    return OTAI_ALIGN_UP(sizeof(struct relations));
}

size_t otai_relations_book_len(void)
{
    return OTAI_ALIGN_UP(sizeof(struct otai_book));
}

/* Every image is found by now: it may lie where TUF and the pointer did. */
static struct otai_book *book_of(struct ota *a)
{
    a->m.trust->tuf = NULL;
    return memset(a->m.trust->tuf_mem, 0, sizeof(struct otai_book));
}

static struct relations *relations_of(const struct ota *a)
{
    return (struct relations *)(void *)(a->region + a->region_len - otai_relations_len());
}

void otai_relations_begin(struct ota *a)
{
    memset(relations_of(a), 0, sizeof(struct relations));
}

ota_err otai_relations_learn(struct ota *a, const struct ota_tuf_target *target, uint8_t component)
{
    struct relations *r = relations_of(a);

    r->told |= (uint8_t)(1u << component);
    return otai_deploy_levels(target, &r->levels[component], &a->fault);
}

static bool is_removed(const struct ota *a, size_t i)
{
    return a->release.remove & (1u << i);
}

/* A group that is told to update the system alone keeps its applications as they are. */
static bool to_be_removed(const struct ota *a, size_t i)
{
    const struct ota_component *c = &a->cfg.components[i];
    const struct otai_pointer *p = &a->m.trust->pointer;

    return c->removable && !p->os_only && !otai_is_absent(a, i) && !otai_pointer_names(p, c->name);
}

bool otai_relations_removes(const struct ota *a)
{
    bool any = false;

    for (size_t i = 0; i < a->cfg.component_count; i++)
        any |= to_be_removed(a, i);
    return any;
}

void otai_relations_forget(struct ota *a, size_t component)
{
    struct relations *r = relations_of(a);

    r->told &= (uint8_t)~(1u << component);
    memset(&r->levels[component], 0, sizeof r->levels[component]);
}

bool otai_relations_remove(struct ota *a)
{
    for (size_t i = 0; i < a->cfg.component_count; i++)
        if (to_be_removed(a, i))
            a->release.remove |= (uint8_t)(1u << i);
    return a->release.remove != 0;
}

/* ---- what will run ---- */

static bool will_run(const struct ota *a, size_t i)
{
    return !is_removed(a, i) && (otai_image_of(a, i) || !otai_is_absent(a, i));
}

/* Digest of what is installed and stays known; NULL: nobody knows. */
static const uint8_t *installed_digest(const struct ota *a, size_t i)
{
    const struct otai_installed *now = &a->j.installed[i];

    return now->known ? now->sha256 : NULL;
}

/* Components that the deployment leaves alone provide and require what they did when they came. */
static void remember_the_rest(const struct ota *a, struct relations *r, const struct otai_book *b)
{
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        const uint8_t *sha256 = r->told & (1u << i) ? NULL : installed_digest(a, i);
        const struct otai_levels *known = sha256 ? otai_book_find(b, sha256) : NULL;

        if (known)
            r->levels[i] = *known;
    }
}

/* The device itself, or a system that another agent looks after. */
static bool met_from_outside(const struct ota *a, const struct otai_level *want)
{
    for (size_t i = 0; i < a->cfg.provided_count; i++)
        if (strcmp(a->cfg.provided[i].name, want->name) == 0 && a->cfg.provided[i].level >= want->level)
            return true;
    return false;
}

static bool is_met(const struct ota *a, const struct relations *r, const struct otai_level *want)
{
    for (size_t i = 0; i < a->cfg.component_count; i++)
        if (will_run(a, i) && otai_levels_meet(r->levels[i].provides, r->levels[i].provides_count, want))
            return true;
    return met_from_outside(a, want);
}

static ota_err not_met(struct ota *a, size_t component, const struct otai_level *want)
{
    char where[OTA_FAULT_WHERE_MAX * 2];
    struct otai_text t;

    otai_text_init(&t, where, sizeof where);
    otai_text_add(&t, "requires ");
    otai_text_add(&t, want->name);
    otai_text_add(&t, ": ");
    otai_text_add(&t, a->cfg.components[component].name);
    a->fault.component = (uint8_t)component;
    return otai_fail(a, OTA_REJECT_REQUIRES, where);
}

static ota_err judge(struct ota *a, const struct relations *r, size_t component)
{
    const struct otai_levels *l = &r->levels[component];

    for (size_t i = 0; i < l->requires_count; i++)
        if (!is_met(a, r, &l->requires[i]))
            return not_met(a, component, &l->requires[i]);
    return OTA_OK;
}

/* ---- what is kept of it ---- */

static void note(struct otai_book *b, const uint8_t *sha256, const struct otai_levels *levels)
{
    if (levels->provides_count + levels->requires_count == 0 || otai_book_find(b, sha256))
        return;
    otai_digest_copy(b->known[b->count].sha256, sha256);
    b->known[b->count++].levels = *levels;
}

static bool is_installed(const struct ota *a, const uint8_t *sha256)
{
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        const uint8_t *digest = installed_digest(a, i);

        if (digest && otai_equal(digest, sha256, OTA_SHA256_LEN))
            return true;
    }
    return false;
}

/* What neither runs nor comes is forgotten. */
static void forget(const struct ota *a, struct otai_book *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->count; i++)
        if (is_installed(a, b->known[i].sha256))
            b->known[n++] = b->known[i];
    b->count = n;
}

/* Both what runs now and what will run: whichever it comes to, the next deployment is judged by it. */
static void rewrite(const struct ota *a, const struct relations *r, struct otai_book *b)
{
    forget(a, b);
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        const struct ota_release_image *image = otai_image_of(a, i);
        const uint8_t *sha256 = image ? image->sha256 : installed_digest(a, i);

        if (sha256 && (r->told & (1u << i)))
            note(b, sha256, &r->levels[i]);
    }
}

ota_err otai_relations_check(struct ota *a)
{
    struct relations *r = relations_of(a);
    struct otai_book *b = book_of(a);
    ota_err err = otai_book_load(a->cfg.store, b, &a->fault);

    if (err != OTA_OK)
        return err;
    remember_the_rest(a, r, b);
    for (size_t i = 0; i < a->cfg.component_count && err == OTA_OK; i++)
        if (will_run(a, i))
            err = judge(a, r, i);
    if (err != OTA_OK)
        return err;
    rewrite(a, r, b);
    return otai_book_save(a->cfg.store, b, &a->fault);
}

/* ---- images that are here already ---- */

static const uint8_t *local_digest(const struct ota *a, const struct ota_local *set, size_t count, size_t component)
{
    for (size_t k = 0; k < count; k++)
        if (set[k].image.component == component)
            return set[k].image.sha256;
    return installed_digest(a, component);
}

/* A release that was found earlier says nothing here, and what is not in the book provides and requires nothing. */
ota_err otai_relations_local(struct ota *a, const struct ota_local *set, size_t count)
{
    struct otai_arena rest;
    struct otai_book *b = otai_region(a, sizeof *b, &rest);
    struct relations *r = relations_of(a);
    ota_err err = otai_book_load(a->cfg.store, b, &a->fault);

    a->release.count = a->release.remove = 0;
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < a->cfg.component_count && err == OTA_OK; i++) {
        const uint8_t *sha256 = local_digest(a, set, count, i);
        const struct otai_levels *known = sha256 ? otai_book_find(b, sha256) : NULL;

        if (known)
            r->levels[i] = *known;
    }
    for (size_t i = 0; i < a->cfg.component_count && err == OTA_OK; i++)
        if (will_run(a, i))
            err = judge(a, r, i);
    otai_release_region(a);
    return err;
}

/* Its levels stand in the record, whether it runs or comes. */
static void recall(const struct ota *a, struct relations *r, const struct otai_book *b)
{
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        const struct ota_release_image *image = otai_image_of(a, i);
        const uint8_t *sha256 = image ? image->sha256 : installed_digest(a, i);
        const struct otai_levels *known = sha256 ? otai_book_find(b, sha256) : NULL;

        if (known)
            r->levels[i] = *known;
    }
}

/* Nothing else lies in the region between two states. */
ota_err otai_relations_still(struct ota *a)
{
    struct relations *r = relations_of(a);
    struct otai_book *b = (struct otai_book *)(void *)a->region;

    if (a->cfg.provided_count == 0)
        return OTA_OK;
    memset(r, 0, sizeof *r);
    memset(b, 0, sizeof *b);
    ota_err err = otai_book_load(a->cfg.store, b, &a->fault);
    if (err != OTA_OK)
        return err;
    recall(a, r, b);
    for (size_t i = 0; i < a->cfg.component_count && err == OTA_OK; i++)
        if (will_run(a, i))
            err = judge(a, r, i);
    return err;
}

/* The check-in behind it judges the deployment anew, and refuses it. */
ota_err otai_relations_ready(struct ota *a)
{
    ota_err err = otai_relations_still(a);

    if (err != OTA_REJECT_REQUIRES)
        return err;
    a->asked = true;
    return OTA_SAME;
}

/* ---- removal ---- */

void otai_relations_want(struct ota *a)
{
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        if (!is_removed(a, i))
            continue;
        a->j.progress[i].wanted = true;
        a->j.progress[i].slot = OTA_SLOT_NONE;
        otai_note(a, OTA_EV_REMOVING, (uint32_t)i, 0);
    }
}

void otai_relations_arm(const struct ota *a, struct ota_trial *trial)
{
    trial->remove = 0;
    for (size_t i = 0; i < a->cfg.component_count; i++)
        if (otai_is_removal(&a->j.progress[i]))
            trial->remove |= (uint8_t)(1u << i);
}

/* The floor stays: what comes later must not be older than what was here. */
bool otai_relations_gone(struct ota *a, size_t component)
{
    struct otai_installed *now = &a->j.installed[component];

    if (!otai_is_removal(&a->j.progress[component]))
        return false;
    *now = (struct otai_installed){ .security_floor = now->security_floor };
    otai_note(a, OTA_EV_REMOVED, (uint32_t)component, 0);
    return true;
}
