/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "deltas.h"
#include "publish.h"
#include "settings.h"

#define IMAGES_MAX 4   /* as many components as a device can have */

static const struct option deploy_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "the device group, by slug or name", OPTION_ONE, true },
    { "image", "C=V", "component and version that the group shall run", OPTION_MANY, false },
    { "os-feed", "FEED", "where the OS comes from: retail, retaileval, or none [the group's, unless an os image is given]",
      OPTION_ONE, false },
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

/* Both repositories of a product, and the product's settings. */
struct place {
    const char *product;
    cJSON *settings;
    struct repo os, repo;
};

static int open_place(struct tool *t, const struct args *a, struct place *p)
{
    p->product = args_get(a, "product");
    int rc = product_need(t, p->product, &p->settings);
    if (rc == TOOL_OK)
        rc = repo_open(t, NULL, &p->os);
    if (rc == TOOL_OK)
        rc = repo_open(t, p->product, &p->repo);
    return rc;
}

static cJSON *pointer_new(struct tool *t, const struct place *p, const char *policy)
{
    cJSON *pointer = tool_keep(t, cJSON_CreateObject());

    cJSON_AddNumberToObject(pointer, "format", 1);
    cJSON_AddStringToObject(pointer, "product", p->product);
    cJSON_AddStringToObject(pointer, "policy", policy);
    cJSON_AddArrayToObject(pointer, "images");
    return pointer;
}

static bool names_component(const cJSON *pointer, const char *component)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, member(pointer, "images"))
        if (strcmp(member_text(item, "component"), component) == 0)
            return true;
    return false;
}

static int add_image(struct tool *t, struct place *p, const char *argument, cJSON *pointer)
{
    const char *component, *version;
    struct role *role;
    struct named_image image;
    int rc = image_argument(t, argument, &component, &version);

    if (rc == TOOL_OK && names_component(pointer, component))
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

/* A feed that has nothing for the product would make its devices refuse the whole deployment. */
static int add_feed(struct tool *t, const struct args *a, struct place *p, const cJSON *group, cJSON *pointer)
{
    const char *asked = args_get(a, "os-feed");
    bool own_os = names_component(pointer, "os");
    const char *feed = asked != NULL ? asked : own_os ? "none" : member_text(group, "os_feed");

    if (feed[0] == '\0' || strcmp(feed, "none") == 0 || product_publisher(p->settings, "os") == NULL)
        return TOOL_OK;
    if (!feed_ok(feed))
        return tool_usage(t, "--os-feed: \"%s\" must be retail, retaileval or none", feed);
    if (own_os)
        return tool_usage(t, "--os-feed: component os is given by --image, too");
    const struct role *role = repo_role(&p->os, feed_role(feed));
    if (role == NULL || role_target(role, feed_path(t, feed, p->product)) == NULL)
        return tool_failed(t, "--os-feed: feed %s has no OS for product %s; use: feed set %s, or --os-feed none", feed,
                           p->product, feed);
    cJSON_AddStringToObject(pointer, "os_feed", feed);
    return TOOL_OK;
}

/* Number the pointer and publish it, unless the one that is there says the same. */
static int publish_pointer(struct tool *t, struct repo *r, const char *role_name, const char *path, cJSON *pointer)
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

/* Deltas of later images begin from what was deployed: the settings remember it. */
static int note_deployed(struct tool *t, struct place *p, const struct args *a)
{
    const char *argument, *component, *version;

    for (size_t i = 0; (argument = args_nth(a, "image", i)) != NULL; i++)
        if (image_argument(t, argument, &component, &version) == TOOL_OK)
            deployed_note(p->settings, component, version);
    return args_has(a, "image") ? settings_save(t) : TOOL_OK;
}

static int publish_group(struct tool *t, struct place *p, const cJSON *group, cJSON *pointer)
{
    const char *slug = member_text(group, "slug");

    cJSON_AddStringToObject(pointer, "group", slug);
    int rc = publish_pointer(t, &p->repo, "groups", group_path(t, slug), pointer);
    if (rc == TOOL_OK)
        tool_say(t, "%s/%s: %d images, deployment %llu%s", p->product, slug, cJSON_GetArraySize(member(pointer, "images")),
                 (unsigned long long)member_number(pointer, "seq"), t->already ? ": already there" : "");
    return rc;
}

static int run_deploy(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    cJSON *group = NULL, *pointer = NULL;

    if (!args_has(a, "image") && !args_has(a, "os-feed"))
        return tool_usage(t, "--image: is missing (to deploy nothing, use: withdraw)");
    int rc = open_place(t, a, &p);
    if (rc == TOOL_OK)
        rc = group_need(t, p.settings, args_get(a, "group"), &group);
    if (rc != TOOL_OK)
        return rc;
    pointer = pointer_new(t, &p, member_text(group, "policy"));
    rc = add_images(t, a, &p, pointer);
    if (rc == TOOL_OK)
        rc = add_feed(t, a, &p, group, pointer);
    if (rc == TOOL_OK)
        rc = publish_group(t, &p, group, pointer);
    return rc == TOOL_OK && !t->already ? note_deployed(t, &p, a) : rc;
}

static int run_withdraw(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    cJSON *group = NULL;
    int rc = open_place(t, a, &p);

    if (rc == TOOL_OK)
        rc = group_need(t, p.settings, args_get(a, "group"), &group);
    return rc != TOOL_OK ? rc : publish_group(t, &p, group, pointer_new(t, &p, member_text(group, "policy")));
}

static int run_feed_set(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    const char *feed = a->operand;

    if (!feed_ok(feed))
        return tool_usage(t, "FEED: \"%s\" must be retail or retaileval", feed);
    if (strncmp(args_get(a, "image"), "os=", 3) != 0)
        return tool_usage(t, "--image: \"%s\" is not os=VERSION: feeds are for the OS only", args_get(a, "image"));
    int rc = open_place(t, a, &p);
    if (rc != TOOL_OK)
        return rc;
    cJSON *pointer = pointer_new(t, &p, "all");
    cJSON_AddStringToObject(pointer, "feed", feed);
    rc = add_images(t, a, &p, pointer);
    if (rc == TOOL_OK)
        rc = publish_pointer(t, &p.os, feed_role(feed), feed_path(t, feed, p.product), pointer);
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
