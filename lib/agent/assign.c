/* SPDX-License-Identifier: Apache-2.0 */
/* Which group the device belongs to, where that is signed (SPEC 7.3): the description of a target without content, either one
 * for each device, or one for each shard of the fleet. A shard is a repository of its own below the director's metadata URL;
 * all share the roots there and the keys, so each file says in "x-scope" which shard it is of. */
#include "assign.h"

#include <string.h>

#include "encode.h"
#include "json.h"
#include "text.h"

static bool sharded(const struct ota_config *c)
{
    return c->director != 0 && c->director != OTA_DIRECTOR_DEVICE;
}

/* Path of the target: "device/<id>.json", "shard/<digits>.json". */
static void path_of(const struct ota_config *c, const char *name, char out[OTA_PATH_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTA_PATH_MAX); /* an id and all around it are shorter */
    otai_text_add(&t, sharded(c) ? "shard/" : "device/");
    otai_text_add(&t, name);
    otai_text_add(&t, ".json");
}

/* Any shard's path shows which repository is the director's: prefixes do not go deeper. */
static int repo_of(const struct ota_config *c)
{
    char path[OTA_PATH_MAX];

    path_of(c, sharded(c) ? "0" : c->device_id, path);
    return otai_repo_for(c->repos, c->repo_count, path);
}

const char *otai_assign_bad(const struct ota_config *c)
{
    if (c->director == 0)
        return NULL;
    if (c->director > OTA_DIRECTOR_DIGITS_MAX && c->director != OTA_DIRECTOR_DEVICE)
        return "director";
    int repo = repo_of(c);
    /* Shards have another scope than anything else, so a repository of theirs has nothing else. */
    return repo < 0 || (sharded(c) && repo == 0) ? "director: repos.prefixes" : NULL;
}

/* The scope of the device's shard, "<product>/<digits>". */
static ota_err set_scope(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    uint8_t sum[OTA_SHA256_LEN];
    struct otai_text text;
    ota_err err = otai_trust_digest(a, a->cfg.device_id, strlen(a->cfg.device_id), NULL, 0, sum);

    if (err != OTA_OK)
        return otai_fail(a, err, "crypto.hash");
    otai_text_init(&text, t->scope, sizeof t->scope);
    otai_text_add(&text, a->cfg.product);
    otai_text_add(&text, "/");
    t->shard = (uint8_t)text.len;
    otai_text_hex(&text, sum, OTA_DIRECTOR_DIGITS_MAX / 2);
    t->scope[t->shard + a->cfg.director] = '\0';
    return OTA_OK;
}

ota_err otai_assign_begin(struct ota *a, uint8_t *repo)
{
    struct ota_config *c = &a->cfg;

    if (!a->configured_group)
        a->configured_group = c->group;
    a->m.trust->assigned = c->director == 0;
    *repo = c->director ? (uint8_t)repo_of(c) : 0;
    return sharded(c) ? set_scope(a) : OTA_OK;
}

bool otai_assign_pending(const struct ota *a)
{
    return !a->m.trust->assigned;
}

void otai_assign_path(const struct ota *a, char out[OTA_PATH_MAX])
{
    const struct otai_trust *t = a->m.trust;

    path_of(&a->cfg, sharded(&a->cfg) ? t->scope + t->shard : a->cfg.device_id, out);
}

static bool is_director(const struct ota *a, uint8_t repo)
{
    return sharded(&a->cfg) && repo_of(&a->cfg) == repo;
}

const char *otai_assign_scope(struct ota *a, uint8_t repo)
{
    return is_director(a, repo) ? a->m.trust->scope : NULL;
}

const char *otai_assign_file(struct ota *a)
{
    struct otai_trust *t = a->m.trust;
    struct otai_text text;

    if (!is_director(a, t->repo) || strcmp(t->want.role, "root") == 0)
        return t->want.file;
    otai_text_init(&text, t->file, sizeof t->file);
    otai_text_add(&text, t->scope + t->shard);
    otai_text_add(&text, "/");
    otai_text_add(&text, t->want.file);
    return t->file;
}

static ota_err assign(struct ota *a, const char *group)
{
    if (group)
        (void)otai_copy(a->group, sizeof a->group, group);
    a->cfg.group = group ? a->group : a->configured_group;
    a->m.trust->assigned = true;
    return otai_trust_go_on(a);
}

/* A fleet of few: who is not named goes by its configuration. A shard's target always exists. */
ota_err otai_assign_absent(struct ota *a)
{
    return sharded(&a->cfg) ? otai_fail(a, OTA_REJECT_TARGET, "assignment") : assign(a, NULL);
}

/* Enter the member `name` of an object, skipping the others; false: it has none, or there is an error. */
static bool enter(struct otai_json *j, const char *name)
{
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, name))
            return true;
        otai_json_skip(j);
    }
    return false;
}

/* custom.ota.devices.<id>. */
static void take_group(struct ota *a, struct otai_json *j, char group[OTA_NAME_MAX], bool *others)
{
    otai_json_need(j, enter(j, "ota"), "ota");
    otai_json_need(j, enter(j, "devices"), "devices");
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, a->cfg.device_id)) {
            otai_take_name(j, group, OTA_NAME_MAX);
        } else {
            otai_json_skip(j);
            *others = true;
        }
    }
}

ota_err otai_assign_take(struct ota *a, const struct ota_tuf_target *target)
{
    char group[OTA_NAME_MAX] = "";
    bool others = false;
    struct otai_json j;

    if (!target->custom)
        return otai_fail(a, OTA_REJECT_MISSING, "assignment: custom");
    otai_json_init(&j, target->custom, target->custom_len);
    take_group(a, &j, group, &others);
    if (j.err != OTA_OK)
        return otai_json_fault(&j, "assignment", &a->fault);
    if (others && !sharded(&a->cfg))
        return otai_fail(a, OTA_REJECT_GROUP, "assignment: another device");
    return assign(a, group[0] ? group : NULL);
}

bool otai_assign_elsewhere(const struct ota *a)
{
    return a->cfg.director != 0 && repo_of(&a->cfg) != 0;
}
