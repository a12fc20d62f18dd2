/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "commands.h"
#include "deploy.h"
#include "fleet.h"
#include "settings.h"
#include "text.h"

#define GROUP_NAME_MAX 63

static const struct option group_add_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "slug", "SLUG", "name in paths and device configurations [NAME in lower case, '-' for spaces]", OPTION_ONE, false },
    { "policy", "POLICY", "all, or os-only: devices of the group update nothing but the OS [all]", OPTION_ONE, false },
    { "os-feed", "FEED", "OS feed that the group follows: retail, retaileval, none [retail]", OPTION_ONE, false },
    FLEET_OPTIONS,
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option group_set_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "policy", "POLICY", "all, or os-only: devices of the group update nothing but the OS [as it is]", OPTION_ONE, false },
    { "os-feed", "FEED", "OS feed of later deployments: retail, retaileval, none [as it is]", OPTION_ONE, false },
    FLEET_OPTIONS,
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option group_list_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static const char *slug_of(struct tool *t, const char *name)
{
    char *slug = tool_format(t, "%s", name);

    for (char *p = slug; *p != '\0'; p++)
        *p = *p == ' ' ? '-' : (char)tolower((unsigned char)*p);
    return slug;
}

/* What the command line says about a group. feed is NULL for none. */
struct new_group {
    const char *name, *slug, *policy, *feed;
    cJSON *fleet; /* poll_s, defer_min */
};

static int read_group(struct tool *t, const struct args *a, struct new_group *g)
{
    g->name = a->operand;
    g->slug = args_has(a, "slug") ? args_get(a, "slug") : slug_of(t, g->name);
    g->policy = args_has(a, "policy") ? args_get(a, "policy") : "all";
    g->feed = args_has(a, "os-feed") ? args_get(a, "os-feed") : "retail";
    if (strlen(g->name) > GROUP_NAME_MAX)
        return tool_usage(t, "NAME: longer than %d characters", GROUP_NAME_MAX);
    if (!name_ok(g->slug))
        return tool_usage(t, "--slug: \"%s\" must be 1..31 characters of [a-z0-9-]", g->slug);
    if (!policy_ok(g->policy))
        return tool_usage(t, "--policy: \"%s\" must be all or os-only", g->policy);
    if (strcmp(g->feed, "none") == 0)
        g->feed = NULL;
    else if (!feed_ok(g->feed))
        return tool_usage(t, "--os-feed: \"%s\" must be retail, retaileval or none", g->feed);
    g->fleet = tool_keep(t, cJSON_CreateObject());
    return fleet_options(t, a, g->fleet);
}

static bool same_group(const cJSON *there, const struct new_group *g)
{
    return strcmp(member_text(there, "name"), g->name) == 0 && strcmp(member_text(there, "slug"), g->slug) == 0 &&
           strcmp(member_text(there, "policy"), g->policy) == 0 &&
           strcmp(member_text(there, "os_feed"), g->feed == NULL ? "" : g->feed) == 0 && fleet_same(there, g->fleet);
}

static int run_group_add(struct tool *t, const struct args *a)
{
    struct new_group g = { 0 };
    cJSON *product = NULL, *there;
    int rc = read_group(t, a, &g);

    if (rc == TOOL_OK)
        rc = product_need(t, args_get(a, "product"), &product);
    if (rc != TOOL_OK)
        return rc;
    if (group_need(t, product, g.slug, &there) == TOOL_OK || group_need(t, product, g.name, &there) == TOOL_OK) {
        t->already = same_group(there, &g);
        rc = t->already ? TOOL_OK : tool_failed(t, "group %s exists with other settings", member_text(there, "slug"));
    } else {
        product_add_group(product, g.name, g.slug, g.policy, g.feed);
        rc = group_need(t, product, g.slug, &there);
        if (rc == TOOL_OK)
            rc = fleet_options(t, a, there);
        if (rc == TOOL_OK)
            rc = settings_save(t);
    }
    if (rc == TOOL_OK)
        tool_say(t, "group %s (%s): %s", g.slug, g.name, t->already ? "already there" : "added");
    return rc;
}

static int run_group_list(struct tool *t, const struct args *a)
{
    const cJSON *item;
    cJSON *product;
    int rc = product_need(t, args_get(a, "product"), &product);

    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, member(product, "groups"))
        tool_say(t, "%-26s %-26s policy %s, OS feed %s", member_text(item, "slug"), member_text(item, "name"),
                 member_text(item, "policy"), member(item, "os_feed") ? member_text(item, "os_feed") : "none");
    cJSON_AddItemToObject(t->result, "groups", cJSON_Duplicate(member(product, "groups"), true));
    return TOOL_OK;
}

static int change_group(struct tool *t, const struct args *a, cJSON *group)
{
    const char *policy = args_get(a, "policy"), *feed = args_get(a, "os-feed");

    if (policy != NULL && !policy_ok(policy))
        return tool_usage(t, "--policy: \"%s\" must be all or os-only", policy);
    if (policy != NULL)
        put_item(group, "policy", cJSON_CreateString(policy));
    if (feed != NULL && strcmp(feed, "none") == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(group, "os_feed");
    else if (feed != NULL && !feed_ok(feed))
        return tool_usage(t, "--os-feed: \"%s\" must be retail, retaileval or none", feed);
    else if (feed != NULL)
        put_item(group, "os_feed", cJSON_CreateString(feed));
    return fleet_options(t, a, group);
}

/* What is deployed stays as it is; the pointer says the new settings. */
static int renew_pointer(struct tool *t, struct place *p, const cJSON *group)
{
    cJSON *there, *pointer = pointer_for_group(t, p, group);
    int rc = pointer_read(&p->repo, repo_role(&p->repo, "groups"), group_path(t, member_text(group, "slug")), &there);

    if (rc != TOOL_OK || there == NULL)
        return rc;
    put_item(pointer, "images", cJSON_Duplicate(member(there, "images"), true));
    if (member(there, "os_feed") != NULL)
        put_item(pointer, "os_feed", cJSON_Duplicate(member(there, "os_feed"), true));
    rc = pointer_rollout(t, there, NULL, pointer);
    return rc != TOOL_OK ? rc : pointer_publish_group(t, p, group, pointer);
}

static int run_group_set(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    cJSON *group = NULL;
    int rc = place_open(t, a, &p);

    if (rc == TOOL_OK)
        rc = group_need(t, p.settings, a->operand, &group);
    if (rc != TOOL_OK)
        return rc;
    const cJSON *before = tool_keep(t, cJSON_Duplicate(group, true));
    rc = change_group(t, a, group);
    bool same = rc == TOOL_OK && cJSON_Compare(before, group, true);
    if (rc == TOOL_OK)
        rc = renew_pointer(t, &p, group);
    if (rc == TOOL_OK && !same)
        rc = settings_save(t);
    t->already = same;
    if (rc == TOOL_OK)
        tool_say(t, "group %s: %s", member_text(group, "slug"), same ? "already so" : "changed");
    return rc;
}

const struct command command_group_add = {
    .name = "group add",
    .operand = "NAME",
    .summary = "Add a device group to a product.",
    .options = group_add_options,
    .run = run_group_add,
};

const struct command command_group_set = {
    .name = "group set",
    .operand = "NAME",
    .summary = "Change a group's settings. Its devices learn them from the pointer, which is published anew.",
    .options = group_set_options,
    .run = run_group_set,
};

const struct command command_group_list = {
    .name = "group list",
    .summary = "List the device groups of a product.",
    .options = group_list_options,
    .run = run_group_list,
    .reads = true,
};
