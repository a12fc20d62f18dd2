/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "deltas.h"
#include "deploy.h"
#include "publish.h"
#include "settings.h"

#define IMAGES_MAX 4   /* as many components as a device can have */

static const struct option deploy_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "the device group, by slug or name", OPTION_ONE, true },
    { "image", "C=V", "component and version that the group shall run", OPTION_MANY, false },
    { "os-feed", "FEED", "where the OS comes from: retail, retaileval, or none [the group's, unless an os image is given]",
      OPTION_ONE, false },
    { "per-mille", "N", "only for N of 1000 devices, see rollout [as it is if the same is deployed, else 1000]", OPTION_ONE,
      false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option withdraw_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "the device group, by slug or name", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option feed_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "image", "os=V", "the OS version that followers of the feed shall run", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static int add_image(struct tool *t, struct place *p, const char *argument, cJSON *pointer)
{
    const char *component, *version;
    struct role *role;
    struct named_image image;
    int rc = image_argument(t, argument, &component, &version);

    if (rc == TOOL_OK && pointer_names(pointer, component))
        rc = tool_usage(t, "--image: component %s given twice", component);
    if (rc == TOOL_OK)
        rc = image_role(t, &p->os, &p->repo, p->settings, component, &role);
    if (rc == TOOL_OK)
        rc = image_find(t, role, p->product, component, version, &image);
    if (rc != TOOL_OK)
        return rc;
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "component", component);
    cJSON_AddStringToObject(entry, "path", image.path);
    cJSON_AddStringToObject(entry, "sha256", image.sha256);
    cJSON_AddNumberToObject(entry, "length", (double)image.length);
    cJSON_AddItemToArray(member(pointer, "images"), entry);
    return TOOL_OK;
}

static int add_images(struct tool *t, const struct args *a, struct place *p, cJSON *pointer)
{
    const char *argument;

    for (size_t i = 0; (argument = args_nth(a, "image", i)) != NULL; i++) {
        if (i == IMAGES_MAX)
            return tool_usage(t, "--image: more than %d", IMAGES_MAX);
        int rc = add_image(t, p, argument, pointer);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}

/* What was asked for, or what the group follows. */
static int add_feed(struct tool *t, const struct args *a, struct place *p, const cJSON *group, cJSON *pointer)
{
    const char *asked = args_get(a, "os-feed");

    if (asked == NULL && pointer_names(pointer, "os"))
        return TOOL_OK;
    return pointer_add_feed(t, p, asked != NULL ? asked : member_text(group, "os_feed"), pointer);
}

/* Deltas of later images begin from what was deployed: the settings remember it. */
static int note_deployed(struct tool *t, struct place *p, const struct args *a)
{
    const char *argument, *component, *version;

    for (size_t i = 0; (argument = args_nth(a, "image", i)) != NULL; i++)
        if (image_argument(t, argument, &component, &version) == TOOL_OK)
            deployed_note(p->settings, component, version);
    return args_has(a, "image") ? settings_save(t) : TOOL_OK;
}

/* Fill the pointer of a group with what the command line says. */
static int fill_pointer(struct tool *t, const struct args *a, struct place *p, const cJSON *group, cJSON *pointer)
{
    unsigned per_mille = PER_MILLE_ALL;
    cJSON *there;
    int rc = args_number(t, a, "per-mille", 0, PER_MILLE_ALL, &per_mille);

    if (rc == TOOL_OK)
        rc = add_images(t, a, p, pointer);
    if (rc == TOOL_OK)
        rc = add_feed(t, a, p, group, pointer);
    if (rc == TOOL_OK)
        rc = pointer_check_requires(t, p, pointer);
    if (rc == TOOL_OK)
        rc = pointer_read(&p->repo, repo_role(&p->repo, "groups"), group_path(t, member_text(group, "slug")), &there);
    return rc != TOOL_OK ? rc : pointer_rollout(t, there, args_has(a, "per-mille") ? &per_mille : NULL, pointer);
}

static int run_deploy(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    cJSON *group = NULL, *pointer = NULL;

    if (!args_has(a, "image") && !args_has(a, "os-feed"))
        return tool_usage(t, "--image: is missing (to deploy nothing, use: withdraw)");
    int rc = place_open(t, a, &p);
    if (rc == TOOL_OK)
        rc = group_need(t, p.settings, args_get(a, "group"), &group);
    if (rc != TOOL_OK)
        return rc;
    pointer = pointer_for_group(t, &p, group);
    rc = fill_pointer(t, a, &p, group, pointer);
    if (rc == TOOL_OK)
        rc = pointer_publish_group(t, &p, group, pointer);
    return rc == TOOL_OK && !t->already ? note_deployed(t, &p, a) : rc;
}

static int run_withdraw(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    cJSON *group = NULL;
    int rc = place_open(t, a, &p);

    if (rc == TOOL_OK)
        rc = group_need(t, p.settings, args_get(a, "group"), &group);
    return rc != TOOL_OK ? rc : pointer_publish_group(t, &p, group, pointer_for_group(t, &p, group));
}

static int run_feed_set(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    const char *feed = a->operand;

    if (!feed_ok(feed))
        return tool_usage(t, "FEED: \"%s\" must be retail or retaileval", feed);
    if (strncmp(args_get(a, "image"), "os=", 3) != 0)
        return tool_usage(t, "--image: \"%s\" is not os=VERSION: feeds are for the OS only", args_get(a, "image"));
    int rc = place_open(t, a, &p);
    if (rc != TOOL_OK)
        return rc;
    cJSON *pointer = pointer_new(t, &p, "all");
    cJSON_AddStringToObject(pointer, "feed", feed);
    rc = add_images(t, a, &p, pointer);
    if (rc == TOOL_OK)
        rc = pointer_publish(t, &p.os, feed_role(feed), feed_path(t, feed, p.product), pointer);
    if (rc == TOOL_OK && !t->already)
        rc = note_deployed(t, &p, a);
    if (rc == TOOL_OK)
        tool_say(t, "feed %s of %s: %s%s", feed, p.product, args_get(a, "image"), t->already ? ": already there" : "");
    return rc;
}

const struct command command_deploy = {
    .name = "deploy",
    .summary = "Say what the devices of a group shall run.",
    .details = "Writes the group's signed pointer with the next sequence number. Every image must be published for the product.",
    .options = deploy_options,
    .run = run_deploy,
};

const struct command command_withdraw = {
    .name = "withdraw",
    .summary = "Take a group's deployment back: devices keep what they run, and install nothing more.",
    .options = withdraw_options,
    .run = run_withdraw,
};

const struct command command_feed_set = {
    .name = "feed set",
    .operand = "FEED",
    .summary = "Say which OS version the followers of a feed (retail or retaileval) shall run.",
    .options = feed_options,
    .run = run_feed_set,
};
