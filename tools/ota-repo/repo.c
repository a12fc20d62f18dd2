/* SPDX-License-Identifier: Apache-2.0 */
#include "repo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "file.h"
#include "keys.h"
#include "publish.h"

static const char *const top_roles[] = { "root", "snapshot", "targets", "timestamp" };

void repo_locate(struct tool *t, const char *product, struct repo *out)
{
    memset(out, 0, sizeof *out);
    out->t = t;
    out->name = product == NULL ? "os" : product;
    out->scope = product == NULL ? "os" : tool_format(t, "p-%s", product);
    out->dir = tool_format(t, "%s/web/%s%s", t->dir, product == NULL ? "" : "p/", out->name);
}

char *repo_file(const struct repo *r, const char *format, ...)
{
    char tail[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(tail, sizeof tail, format, args);
    va_end(args);
    return tool_format(r->t, "%s/%s", r->dir, tail);
}

char *repo_target_file(const struct repo *r, const char *path, const char *sha256)
{
    const char *slash = strrchr(path, '/');
    int dir_len = slash == NULL ? 0 : (int)(slash - path) + 1;

    return repo_file(r, "targets/%.*s%s.%s", dir_len, path, sha256, path + dir_len);
}

struct role *repo_role(struct repo *r, const char *name)
{
    for (size_t i = 0; i < r->role_count; i++)
        if (strcmp(r->role[i].name, name) == 0)
            return &r->role[i];
    return NULL;
}

cJSON *role_target(const struct role *role, const char *path)
{
    return member(member(role->doc, "targets"), path);
}

void role_put_target(struct role *role, const char *path, uint64_t length, const char *sha256, cJSON *custom)
{
    cJSON *target = cJSON_CreateObject();

    if (custom != NULL)
        cJSON_AddItemToObject(target, "custom", custom);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(target, "hashes"), "sha256", sha256);
    cJSON_AddNumberToObject(target, "length", (double)length);
    put_item(member(role->doc, "targets"), path, target);
    role->dirty = true;
}

static cJSON *delegations_of(const struct repo *r)
{
    return member(r->role[0].doc, "delegations");
}

cJSON *repo_role_entry(const struct repo *r, const char *role)
{
    cJSON *item, *top = member(member(r->root, "roles"), role);

    if (top != NULL)
        return top;
    cJSON_ArrayForEach(item, member(delegations_of(r), "roles"))
        if (strcmp(member_text(item, "name"), role) == 0)
            return item;
    return NULL;
}

cJSON *repo_role_keys(const struct repo *r, const char *role)
{
    if (member(member(r->root, "roles"), role) != NULL)
        return member(r->root, "keys");
    return member(delegations_of(r), "keys");
}

int repo_new_entry(struct repo *r, const char *role, unsigned count, unsigned threshold, cJSON *keys, cJSON **entry)
{
    struct key key;

    *entry = cJSON_CreateObject();
    cJSON *keyids = cJSON_AddArrayToObject(*entry, "keyids");
    cJSON_AddNumberToObject(*entry, "threshold", threshold);
    for (unsigned i = 0; i < count; i++) {
        int rc = key_create(r->t, r->scope, role, &key);
        key_forget(&key);
        if (rc != TOOL_OK) {
            cJSON_Delete(*entry);
            return rc;
        }
        cJSON_AddItemToArray(keyids, cJSON_CreateString(key.keyid));
        put_item(keys, key.keyid, key_object(key.point));
    }
    return TOOL_OK;
}

static cJSON *signed_new(const char *type)
{
    cJSON *doc = cJSON_CreateObject();

    cJSON_AddStringToObject(doc, "_type", type);
    cJSON_AddStringToObject(doc, "spec_version", SPEC_VERSION);
    return doc;
}

cJSON *targets_new(void)
{
    cJSON *doc = signed_new("targets");

    cJSON_AddObjectToObject(doc, "targets");
    return doc;
}

static void keys_wanted(const struct settings *s, const char *role, unsigned *count, unsigned *threshold)
{
    *count = *threshold = 1;
    if (strcmp(role, "root") == 0) {
        *count = s->root_keys;
        *threshold = s->root_threshold;
    } else if (strcmp(role, "targets") == 0) {
        *count = s->targets_keys;
        *threshold = s->targets_threshold;
    }
}

int root_new(struct repo *r, cJSON **out)
{
    cJSON *doc = tool_keep(r->t, signed_new("root"));
    cJSON *keys = cJSON_AddObjectToObject(doc, "keys"), *roles = cJSON_AddObjectToObject(doc, "roles");

    cJSON_AddTrueToObject(doc, "consistent_snapshot");
    for (size_t i = 0; i < sizeof top_roles / sizeof top_roles[0]; i++) {
        unsigned count, threshold;
        cJSON *entry;
        keys_wanted(&r->t->settings, top_roles[i], &count, &threshold);
        int rc = repo_new_entry(r, top_roles[i], count, threshold, keys, &entry);
        if (rc != TOOL_OK)
            return rc;
        cJSON_AddItemToObject(roles, top_roles[i], entry);
    }
    *out = doc;
    return TOOL_OK;
}

static int add_role(struct repo *r, const char *name)
{
    if (r->role_count == ROLES_MAX)
        return tool_failed(r->t, "%s: more than %d roles", r->name, ROLES_MAX - 1);
    r->role[r->role_count++] = (struct role){ .name = name, .doc = tool_keep(r->t, targets_new()), .dirty = true };
    return TOOL_OK;
}

static int delegate(struct repo *r, const struct delegation *d, cJSON *keys, cJSON *roles)
{
    cJSON *entry;
    int rc = repo_new_entry(r, d->role, 1, 1, keys, &entry);

    if (rc != TOOL_OK)
        return rc;
    cJSON_AddItemToArray(roles, entry);
    cJSON_AddStringToObject(entry, "name", d->role);
    cJSON_AddTrueToObject(entry, "terminating");
    cJSON *paths = cJSON_AddArrayToObject(entry, "paths");
    for (size_t i = 0; d->path[i] != NULL; i++)
        cJSON_AddItemToArray(paths, cJSON_CreateString(d->path[i]));
    return add_role(r, d->role);
}

int repo_delegate(struct repo *r, const struct delegation *d)
{
    cJSON *block = delegations_of(r);

    r->role[0].dirty = true;
    return delegate(r, d, member(block, "keys"), member(block, "roles"));
}

static int first_publication(struct repo *r, const struct delegation *delegations)
{
    int rc = add_role(r, "targets");
    cJSON *block = cJSON_AddObjectToObject(r->role[0].doc, "delegations");
    cJSON *keys = cJSON_AddObjectToObject(block, "keys"), *roles = cJSON_AddArrayToObject(block, "roles");

    for (size_t i = 0; rc == TOOL_OK && delegations[i].role != NULL; i++)
        rc = delegate(r, &delegations[i], keys, roles);
    return rc != TOOL_OK ? rc : repo_publish(r);
}

static int ensure_root(struct repo *r)
{
    cJSON *root;

    if (!file_exists(repo_file(r, "metadata/1.root.json"))) {
        int rc = root_new(r, &root);
        if (rc == TOOL_OK)
            rc = root_publish(r, NULL, root);
        if (rc != TOOL_OK)
            return rc;
    }
    return check_root(r);
}

/* The delegations of a repository that is there must be those asked for: a repeated command says the same. */
static int same_delegations(struct repo *r, const struct delegation *delegations)
{
    for (size_t i = 0; delegations[i].role != NULL; i++) {
        const cJSON *entry = repo_role_entry(r, delegations[i].role), *paths = member(entry, "paths");
        size_t n = 0;
        while (delegations[i].path[n] != NULL && has_text(paths, delegations[i].path[n]))
            n++;
        if (entry == NULL || delegations[i].path[n] != NULL || (size_t)cJSON_GetArraySize(paths) != n)
            return tool_failed(r->t, "%s: exists with other delegations: role %s differs", r->dir, delegations[i].role);
    }
    return TOOL_OK;
}

int repo_create(struct repo *r, const struct delegation *delegations)
{
    int rc = file_mkdirs(r->t, repo_file(r, "metadata"), 0755);

    if (rc == TOOL_OK)
        rc = file_mkdirs(r->t, repo_file(r, "targets"), 0755);
    if (rc == TOOL_OK)
        rc = ensure_root(r);
    if (rc != TOOL_OK)
        return rc;
    if (!file_exists(repo_file(r, "metadata/timestamp.json")))
        return first_publication(r, delegations);
    rc = check_metadata(r);
    return rc != TOOL_OK ? rc : same_delegations(r, delegations);
}

int repo_open(struct tool *t, const char *product, struct repo *out)
{
    repo_locate(t, product, out);
    int rc = file_exists(repo_file(out, "metadata/timestamp.json"))
                 ? check_metadata(out)
                 : tool_failed(t, "%s: not complete; repeat: %s", out->dir,
                               product == NULL ? "init" : tool_format(t, "product add %s", product));
    return rc == TOOL_ABSENT ? TOOL_FAILED : rc;
}
