/* SPDX-License-Identifier: Apache-2.0 */
/* A deployment's way through the groups: promote it to the next, and to more of a group's devices. */
#include <string.h>

#include "commands.h"
#include "deploy.h"
#include "settings.h"

static const struct option promote_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "from", "G", "the group whose deployment it is, by slug or name", OPTION_ONE, true },
    { "to", "G", "the group that shall run the same", OPTION_ONE, true },
    { "per-mille", "N", "only for N of 1000 devices [as it is if the same is deployed, else 1000]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option rollout_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "the device group, by slug or name", OPTION_ONE, true },
    { "per-mille", "N", "how many of 1000 devices the deployment is for, 0..1000", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static void warn_partial(struct tool *t, const char *slug, const cJSON *pointer)
{
    const cJSON *rollout = member(pointer, "rollout");

    if (rollout != NULL)
        tool_warn(t, "group %s: only %llu of 1000 devices were to try it", slug,
                  (unsigned long long)member_number(rollout, "per_mille"));
}

static int open_groups(struct tool *t, const struct args *a, struct place *p, cJSON **from, cJSON **to)
{
    int rc = place_open(t, a, p);

    if (rc == TOOL_OK)
        rc = group_need(t, p->settings, args_get(a, "from"), from);
    if (rc == TOOL_OK)
        rc = group_need(t, p->settings, args_get(a, "to"), to);
    if (rc == TOOL_OK && *from == *to)
        rc = tool_usage(t, "--to: is the same group as --from, %s", member_text(*to, "slug"));
    return rc;
}

/* Where the OS comes by feed there, it comes here by the feed that this group follows. */
static int copy_content(struct tool *t, struct place *p, const cJSON *source, const cJSON *to, cJSON *pointer)
{
    const cJSON *entry;

    if (cJSON_GetArraySize(member(source, "images")) == 0 && member(source, "os_feed") == NULL)
        return tool_failed(t, "--from: group %s has no deployment: it was withdrawn", member_text(source, "group"));
    put_item(pointer, "images", cJSON_Duplicate(member(source, "images"), true));
    cJSON_ArrayForEach(entry, member(source, "images")) {
        struct role *role;
        int rc = image_role(t, &p->os, &p->repo, p->settings, member_text(entry, "component"), &role);
        if (rc == TOOL_OK && role_target(role, member_text(entry, "path")) == NULL)
            rc = tool_failed(t, "--from: %s is not published any more", member_text(entry, "path"));
        if (rc != TOOL_OK)
            return rc;
    }
    if (member(source, "os_feed") == NULL)
        return TOOL_OK;
    if (member(to, "os_feed") == NULL)
        return tool_failed(t, "--to: group %s follows no OS feed, and the deployment has its OS from one; see: group set",
                           member_text(to, "slug"));
    return pointer_add_feed(t, p, member_text(to, "os_feed"), pointer);
}

static int promote(struct tool *t, const struct args *a, struct place *p, const cJSON *from, const cJSON *to)
{
    unsigned per_mille = PER_MILLE_ALL;
    cJSON *source, *there, *pointer = pointer_for_group(t, p, to);
    int rc = args_number(t, a, "per-mille", 0, PER_MILLE_ALL, &per_mille);

    if (rc == TOOL_OK)
        rc = pointer_of_group(t, p, from, &source);
    if (rc == TOOL_OK)
        rc = copy_content(t, p, source, to, pointer);
    if (rc == TOOL_OK)
        rc = pointer_read(&p->repo, repo_role(&p->repo, "groups"), group_path(t, member_text(to, "slug")), &there);
    if (rc == TOOL_OK)
        rc = pointer_rollout(t, there, args_has(a, "per-mille") ? &per_mille : NULL, pointer);
    if (rc != TOOL_OK)
        return rc;
    warn_partial(t, member_text(from, "slug"), source);
    return pointer_publish_group(t, p, to, pointer);
}

static int run_promote(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    cJSON *from = NULL, *to = NULL;
    int rc = open_groups(t, a, &p, &from, &to);

    return rc != TOOL_OK ? rc : promote(t, a, &p, from, to);
}

static int run_rollout(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    unsigned per_mille = PER_MILLE_ALL;
    cJSON *group = NULL, *there;
    int rc = args_number(t, a, "per-mille", 0, PER_MILLE_ALL, &per_mille);

    if (rc == TOOL_OK)
        rc = place_open(t, a, &p);
    if (rc == TOOL_OK)
        rc = group_need(t, p.settings, args_get(a, "group"), &group);
    if (rc == TOOL_OK)
        rc = pointer_of_group(t, &p, group, &there);
    if (rc != TOOL_OK)
        return rc;
    cJSON *pointer = tool_keep(t, cJSON_Duplicate(there, true));
    cJSON_DeleteItemFromObjectCaseSensitive(pointer, "rollout");
    rc = pointer_rollout(t, there, &per_mille, pointer);
    return rc != TOOL_OK ? rc : pointer_publish_group(t, &p, group, pointer);
}

const struct command command_promote = {
    .name = "promote",
    .summary = "Deploy to a group what another group runs.",
    .details = "The images, and that the OS comes by feed, are copied; the feed, policy and times are the receiving group's own.",
    .options = promote_options,
    .run = run_promote,
};

const struct command command_rollout = {
    .name = "rollout",
    .summary = "Let a group's deployment reach more devices, or fewer.",
    .details =
        "Each device decides by its id and a signed salt whether it is among the N of 1000: who was stays, as N grows. A\n"
        "device that has installed the deployment keeps it. New numbers make a new deployment of the same images: a device\n"
        "that had given it up tries again.",
    .options = rollout_options,
    .run = run_rollout,
};
