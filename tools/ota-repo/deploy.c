/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy.h"

#include <string.h>

#include "commands.h"
#include "crypto.h"
#include "levels.h"
#include "publish.h"
#include "settings.h"

#define SALT_LEN 16

int place_open(struct tool *t, const struct args *a, struct place *p)
{
    p->product = args_get(a, "product");
    int rc = product_need(t, p->product, &p->settings);
    if (rc == TOOL_OK)
        rc = repo_open(t, NULL, &p->os);
    if (rc == TOOL_OK)
        rc = repo_open(t, p->product, &p->repo);
    return rc;
}

cJSON *pointer_new(struct tool *t, const struct place *p, const char *policy)
{
    cJSON *pointer = tool_keep(t, cJSON_CreateObject());

    cJSON_AddNumberToObject(pointer, "format", 1);
    cJSON_AddStringToObject(pointer, "product", p->product);
    cJSON_AddStringToObject(pointer, "policy", policy);
    cJSON_AddArrayToObject(pointer, "images");
    return pointer;
}

bool pointer_names(const cJSON *pointer, const char *component)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, member(pointer, "images"))
        if (strcmp(member_text(item, "component"), component) == 0)
            return true;
    return false;
}

bool pointer_same_content(const cJSON *x, const cJSON *y)
{
    return x != NULL && y != NULL && cJSON_Compare(member(x, "images"), member(y, "images"), true) &&
           strcmp(member_text(x, "os_feed"), member_text(y, "os_feed")) == 0;
}

cJSON *pointer_for_group(struct tool *t, const struct place *p, const cJSON *group)
{
    static const char *const settings[] = { "poll_s", "defer_min" };
    cJSON *pointer = pointer_new(t, p, member_text(group, "policy"));

    cJSON_AddStringToObject(pointer, "group", member_text(group, "slug"));
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (member(group, settings[i]) != NULL)
            cJSON_AddItemToObject(pointer, settings[i], cJSON_Duplicate(member(group, settings[i]), true));
    return pointer;
}

int pointer_of_group(struct tool *t, struct place *p, const cJSON *group, cJSON **out)
{
    const char *slug = member_text(group, "slug");
    const struct role *role = repo_role(&p->repo, "groups");

    *out = NULL;
    if (role == NULL)
        return tool_failed(t, "%s: has no role groups", p->repo.dir);
    int rc = pointer_read(&p->repo, role, group_path(t, slug), out);
    if (rc == TOOL_OK && *out == NULL)
        rc = tool_failed(t, "group %s: nothing was ever deployed to it", slug);
    return rc;
}

int pointer_add_feed(struct tool *t, struct place *p, const char *feed, cJSON *pointer)
{
    if (feed == NULL || feed[0] == '\0' || strcmp(feed, "none") == 0 || product_publisher(p->settings, "os") == NULL)
        return TOOL_OK;
    if (!feed_ok(feed))
        return tool_usage(t, "--os-feed: \"%s\" must be retail, retaileval or none", feed);
    if (pointer_names(pointer, "os"))
        return tool_usage(t, "--os-feed: component os is given by --image, too");
    const struct role *role = repo_role(&p->os, feed_role(feed));
    if (role == NULL || role_target(role, feed_path(t, feed, p->product)) == NULL)
        return tool_failed(t, "--os-feed: feed %s has no OS for product %s; use: feed set %s, or --os-feed none", feed,
                           p->product, feed);
    cJSON_AddStringToObject(pointer, "os_feed", feed);
    return TOOL_OK;
}

static int new_salt(struct tool *t, char hex[2 * SALT_LEN + 1])
{
    uint8_t salt[SALT_LEN];

    if (psa_generate_random(salt, sizeof salt) != PSA_SUCCESS)
        return tool_failed(t, "no random numbers for the rollout's salt");
    hex_encode(salt, sizeof salt, hex);
    return TOOL_OK;
}

int pointer_rollout(struct tool *t, const cJSON *there, const unsigned *per_mille, cJSON *pointer)
{
    char hex[2 * SALT_LEN + 1];
    const cJSON *now = pointer_same_content(there, pointer) ? member(there, "rollout") : NULL;

    if (per_mille == NULL && now == NULL)
        return TOOL_OK;
    if (per_mille != NULL && *per_mille == PER_MILLE_ALL)
        return TOOL_OK;
    cJSON *rollout = cJSON_CreateObject();
    put_item(pointer, "rollout", rollout);
    cJSON_AddNumberToObject(rollout, "per_mille", per_mille != NULL ? *per_mille : (double)member_number(now, "per_mille"));
    int rc = now != NULL ? TOOL_OK : new_salt(t, hex);
    if (rc == TOOL_OK)
        cJSON_AddStringToObject(rollout, "salt", now != NULL ? member_text(now, "salt") : hex);
    return rc;
}

/* An image's description, by its entry in a pointer. */
static const cJSON *description(struct tool *t, struct place *p, const cJSON *entry)
{
    struct role *role;

    if (image_role(t, &p->os, &p->repo, p->settings, member_text(entry, "component"), &role) != TOOL_OK)
        return NULL;
    return member(member(role_target(role, member_text(entry, "path")), "custom"), "ota");
}

const char *image_version(struct tool *t, struct place *p, const cJSON *entry)
{
    return member_text(description(t, p, entry), "version");
}

static bool provided(struct tool *t, struct place *p, const cJSON *pointer, const cJSON *need)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, member(pointer, "images"))
        if (member_number(member(description(t, p, entry), "provides"), need->string) >= (uint64_t)need->valuedouble)
            return true;
    return false;
}

/* Does the deployment say everything that a device of the product runs? */
static bool is_whole(const struct place *p, const cJSON *pointer)
{
    const cJSON *publisher, *component;

    cJSON_ArrayForEach(publisher, member(p->settings, "publishers"))
        cJSON_ArrayForEach(component, member(publisher, "components"))
            if (!pointer_names(pointer, component->valuestring))
                return false;
    return true;
}

int pointer_check_requires(struct tool *t, struct place *p, const cJSON *pointer)
{
    const cJSON *entry, *need;

    cJSON_ArrayForEach(entry, member(pointer, "images"))
        cJSON_ArrayForEach(need, member(description(t, p, entry), "requires")) {
            if (provided(t, p, pointer, need))
                continue;
            if (is_whole(p, pointer))
                return tool_failed(t, "%s: requires %s=%.0f, which no image of the deployment provides",
                                   member_text(entry, "path"), need->string, need->valuedouble);
            tool_warn(t, "%s requires %s=%.0f, which no image of the deployment provides: devices that have it otherwise take it",
                      member_text(entry, "path"), need->string, need->valuedouble);
        }
    return TOOL_OK;
}

int pointer_publish(struct tool *t, struct repo *r, const char *role_name, const char *path, cJSON *pointer)
{
    struct role *role = repo_role(r, role_name);
    cJSON *there;

    if (role == NULL)
        return tool_failed(t, "%s: has no role %s", r->dir, role_name);
    int rc = pointer_read(r, role, path, &there);
    if (rc != TOOL_OK)
        return rc;
    uint64_t seq = member_number(there, "seq");
    put_item(pointer, "seq", cJSON_CreateNumber((double)seq));
    t->already = there != NULL && cJSON_Compare(there, pointer, true);
    if (!t->already) {
        put_item(pointer, "seq", cJSON_CreateNumber((double)(seq + 1)));
        rc = publish_document(r, role, path, pointer);
        if (rc == TOOL_OK)
            rc = repo_publish(r);
    }
    if (rc == TOOL_OK) {
        cJSON_AddItemToObject(t->result, "pointer", cJSON_Duplicate(pointer, true));
        cJSON_AddStringToObject(t->result, "path", path);
    }
    return rc;
}

static const char *part_of(struct tool *t, const cJSON *pointer)
{
    const cJSON *rollout = member(pointer, "rollout");

    if (rollout == NULL)
        return "";
    return tool_format(t, ", %llu of 1000 devices", (unsigned long long)member_number(rollout, "per_mille"));
}

int pointer_publish_group(struct tool *t, struct place *p, const cJSON *group, cJSON *pointer)
{
    const char *slug = member_text(group, "slug");
    int rc = pointer_publish(t, &p->repo, "groups", group_path(t, slug), pointer);

    if (rc == TOOL_OK)
        tool_say(t, "%s/%s: %d images, deployment %llu%s%s", p->product, slug, cJSON_GetArraySize(member(pointer, "images")),
                 (unsigned long long)member_number(pointer, "seq"), part_of(t, pointer), t->already ? ": already there" : "");
    return rc;
}
