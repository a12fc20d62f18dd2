/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "keys.h"
#include "publish.h"
#include "settings.h"

#define KEYS_MAX 8

static const struct option list_options[] = {
    { "product", "P", "the product's repository [the OS repository]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option add_options[] = {
    { "product", "P", "the product's repository [the OS repository]", OPTION_ONE, false },
    { "threshold", "N", "signatures that the role needs from now on [as before]", OPTION_ONE, false },
    { "import", "FILE", "take this PEM PKCS#8 P-256 private key instead of a new one", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static int open_repo(struct tool *t, const struct args *a, struct repo *out)
{
    const char *name = args_get(a, "product");
    cJSON *product;

    if (name != NULL) {
        int rc = product_need(t, name, &product);
        if (rc != TOOL_OK)
            return rc;
    }
    return repo_open(t, name, out);
}

static int open_role(struct tool *t, const struct args *a, struct repo *r, cJSON **entry)
{
    int rc = open_repo(t, a, r);

    if (rc != TOOL_OK)
        return rc;
    *entry = repo_role_entry(r, a->operand);
    return *entry != NULL ? TOOL_OK : tool_failed(t, "ROLE: %s has no role \"%s\"; see: key list", r->name, a->operand);
}

static bool is_delegated(const struct repo *r, const char *role)
{
    return member(member(r->root, "roles"), role) == NULL;
}

/* Is a key named by any of the entries? */
static bool key_used(const cJSON *entries, const char *keyid)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, entries)
        if (has_text(member(entry, "keyids"), keyid))
            return true;
    return false;
}

static void drop_unused_keys(cJSON *keys, const cJSON *entries)
{
    cJSON *next;

    for (cJSON *key = keys->child; key != NULL; key = next) {
        next = key->next;
        if (!key_used(entries, key->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(keys, key));
    }
}

/* Targets vouch for the new keys in the same snapshot in which the role is signed by them: one step for devices. */
static int change_delegated(struct repo *r, const char *role, cJSON *entry, const cJSON *changed)
{
    put_item(entry, "keyids", cJSON_Duplicate(member(changed, "keyids"), true));
    put_item(entry, "threshold", cJSON_Duplicate(member(changed, "threshold"), true));
    drop_unused_keys(repo_role_keys(r, role), member(member(r->role[0].doc, "delegations"), "roles"));
    repo_role(r, role)->dirty = true;
    r->role[0].dirty = true;
    return repo_publish(r);
}

/* A device may read the new root at any moment, before or after the file of the role: so that file is first signed by
 * old and new keys, and only then the root changes. */
static int sign_by_both(struct repo *r, const char *role, const cJSON *changed)
{
    if (strcmp(role, "root") == 0)
        return TOOL_OK;
    r->also_role = role;
    r->also = changed;
    r->role[0].dirty = strcmp(role, "targets") == 0;
    int rc = repo_publish(r);
    r->also_role = NULL;
    return rc;
}

static int change_top(struct repo *r, cJSON *root, const char *role, const cJSON *changed)
{
    cJSON *entries = member(root, "roles");
    int rc = sign_by_both(r, role, changed);

    if (rc != TOOL_OK)
        return rc;
    put_item(entries, role, cJSON_Duplicate(changed, true));
    drop_unused_keys(member(root, "keys"), entries);
    return root_publish(r, r->root, root);
}

/* Give a role the keyids and threshold of `changed`; key objects of new keys are in `keys`. */
static int change_keys(struct repo *r, const char *role, cJSON *entry, const cJSON *changed, cJSON *new_keys)
{
    bool delegated = is_delegated(r, role);
    cJSON *root = tool_keep(r->t, cJSON_Duplicate(r->root, true));
    cJSON *keys = delegated ? repo_role_keys(r, role) : member(root, "keys");
    const cJSON *key;

    cJSON_ArrayForEach(key, new_keys)
        put_item(keys, key->string, cJSON_Duplicate(key, true));
    return delegated ? change_delegated(r, role, entry, changed) : change_top(r, root, role, changed);
}

static int report_change(struct tool *t, const struct repo *r, const char *role, const cJSON *changed)
{
    cJSON_AddStringToObject(t->result, "role", role);
    cJSON_AddItemToObject(t->result, "keyids", cJSON_Duplicate(member(changed, "keyids"), true));
    tool_say(t, "%s: role %s has %d keys, %llu needed; root is version %llu", r->name, role,
             cJSON_GetArraySize(member(changed, "keyids")), (unsigned long long)member_number(changed, "threshold"),
             (unsigned long long)member_number(r->root, "version"));
    return TOOL_OK;
}

static int run_key_rotate(struct tool *t, const struct args *a)
{
    struct repo r;
    cJSON *entry, *changed, *keys = tool_keep(t, cJSON_CreateObject());
    int rc = open_role(t, a, &r, &entry);

    if (rc == TOOL_OK)
        rc = repo_new_entry(&r, a->operand, (unsigned)cJSON_GetArraySize(member(entry, "keyids")),
                            (unsigned)member_number(entry, "threshold"), keys, &changed);
    if (rc != TOOL_OK)
        return rc;
    (void)tool_keep(t, changed);
    rc = change_keys(&r, a->operand, entry, changed, keys);
    return rc != TOOL_OK ? rc : report_change(t, &r, a->operand, changed);
}

static int take_key(struct tool *t, const struct args *a, const struct repo *r, struct key *key)
{
    const char *file = args_get(a, "import");

    return file != NULL ? key_import(t, r->scope, a->operand, file, key) : key_create(t, r->scope, a->operand, key);
}

static int run_key_add(struct tool *t, const struct args *a)
{
    struct repo r;
    struct key key;
    cJSON *entry = NULL, *keys = tool_keep(t, cJSON_CreateObject());
    int rc = open_role(t, a, &r, &entry);

    if (rc != TOOL_OK)
        return rc;
    cJSON *changed = tool_keep(t, cJSON_Duplicate(entry, true)), *keyids = member(changed, "keyids");
    unsigned threshold = (unsigned)member_number(entry, "threshold"), count = (unsigned)cJSON_GetArraySize(keyids) + 1;
    if (count > KEYS_MAX)
        return tool_failed(t, "ROLE: %s has %d keys already", a->operand, KEYS_MAX);
    rc = args_number(t, a, "threshold", 1, count, &threshold);
    if (rc == TOOL_OK)
        rc = take_key(t, a, &r, &key);
    if (rc != TOOL_OK)
        return rc;
    key_forget(&key);
    t->already = has_text(keyids, key.keyid);
    if (t->already)
        return report_change(t, &r, a->operand, entry);
    cJSON_AddItemToArray(keyids, cJSON_CreateString(key.keyid));
    put_item(changed, "threshold", cJSON_CreateNumber(threshold));
    put_item(keys, key.keyid, key_object(key.point));
    rc = change_keys(&r, a->operand, entry, changed, keys);
    return rc != TOOL_OK ? rc : report_change(t, &r, a->operand, changed);
}

static int list_role(struct tool *t, const struct repo *r, const char *role, const cJSON *entry, cJSON *list)
{
    const cJSON *item;
    struct key key;

    cJSON_ArrayForEach(item, member(entry, "keyids")) {
        int rc = key_find(t, r->scope, role, item->valuestring, &key);
        key_forget(&key);
        if (rc == TOOL_FAILED)
            return rc;
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "role", role);
        cJSON_AddStringToObject(row, "keyid", item->valuestring);
        cJSON_AddNumberToObject(row, "threshold", (double)member_number(entry, "threshold"));
        cJSON_AddBoolToObject(row, "private", rc == TOOL_OK);
        cJSON_AddItemToArray(list, row);
        tool_say(t, "%-14s %s  %d of %d%s", role, item->valuestring, (int)member_number(entry, "threshold"),
                 cJSON_GetArraySize(member(entry, "keyids")), rc == TOOL_OK ? "" : "  (private key kept elsewhere)");
    }
    t->error[0] = '\0';
    return TOOL_OK;
}

static int run_key_list(struct tool *t, const struct args *a)
{
    struct repo r;
    cJSON *list = cJSON_AddArrayToObject(t->result, "keys");
    const cJSON *entry;
    int rc = open_repo(t, a, &r);

    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(entry, member(r.root, "roles"))
        if (rc == TOOL_OK)
            rc = list_role(t, &r, entry->string, entry, list);
    cJSON_ArrayForEach(entry, member(member(r.role[0].doc, "delegations"), "roles"))
        if (rc == TOOL_OK)
            rc = list_role(t, &r, member_text(entry, "name"), entry, list);
    return rc;
}

const struct command command_key_list = {
    .name = "key list",
    .summary = "List the keys of every role and whether their private part is here.",
    .details = "A private key may be moved out of D/keys and put back when its role has to be signed.",
    .options = list_options,
    .run = run_key_list,
    .reads = true,
};

const struct command command_key_add = {
    .name = "key add",
    .operand = "ROLE",
    .summary = "Give a role one more key, and perhaps another threshold.",
    .options = add_options,
    .run = run_key_add,
};

const struct command command_key_rotate = {
    .name = "key rotate",
    .operand = "ROLE",
    .summary = "Replace all keys of a role by new ones. Devices follow without a gap.",
    .details = "A new root is signed by the old root keys and its own. The old private keys can be destroyed afterwards.",
    .options = list_options,
    .run = run_key_rotate,
};
