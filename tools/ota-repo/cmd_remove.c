/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "publish.h"
#include "settings.h"

static const struct option remove_options[] = {
    { "product", "P", "whose image it is", OPTION_ONE, true },
    { "component", "C", "the part of the device that it is for", OPTION_ONE, true },
    { "version", "V", "its version", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* Fails if the pointer at `path` names the image. */
static int check_unnamed(struct repo *r, const char *role_name, const char *path, const char *image, const char *who)
{
    const struct role *role = repo_role(r, role_name);
    const cJSON *item;
    cJSON *pointer = NULL;
    int rc = role == NULL ? TOOL_OK : pointer_read(r, role, path, &pointer);

    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, member(pointer, "images"))
        if (strcmp(member_text(item, "path"), image) == 0)
            return tool_failed(r->t, "%s: deployed to %s; deploy another version or withdraw it first", image, who);
    return TOOL_OK;
}

/* An OS image may be used by every product: look at all groups and feeds of all. */
static int check_unused(struct tool *t, struct repo *os, const cJSON *settings, const char *image)
{
    static const char *const feeds[] = { "retail", "retaileval" };
    const char *name = member_text(settings, "name");
    const cJSON *group;
    struct repo product;
    int rc = repo_open(t, name, &product);

    cJSON_ArrayForEach(group, member(settings, "groups")) {
        const char *slug = member_text(group, "slug");
        if (rc == TOOL_OK)
            rc = check_unnamed(&product, "groups", group_path(t, slug), image,
                               tool_format(t, "group %s of product %s", slug, name));
    }
    for (size_t i = 0; rc == TOOL_OK && i < 2; i++)
        rc = check_unnamed(os, feed_role(feeds[i]), feed_path(t, feeds[i], name), image,
                           tool_format(t, "feed %s of product %s", feeds[i], name));
    return rc;
}

static int check_unused_anywhere(struct tool *t, struct repo *os, const char *image)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, settings_products(t)) {
        int rc = check_unused(t, os, item, image);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}

static void drop_target(struct role *role, const char *path)
{
    cJSON *targets = member(role->doc, "targets"), *encoding;
    cJSON *target = cJSON_DetachItemFromObjectCaseSensitive(targets, path);

    cJSON_ArrayForEach(encoding, member(member(member(target, "custom"), "ota"), "encodings"))
        cJSON_DeleteItemFromObjectCaseSensitive(targets, member_text(encoding, "path"));
    cJSON_Delete(target);
    role->dirty = true;
}

static int remove_image(struct tool *t, struct repo *os, struct repo *owner, struct role *role, const char *path)
{
    int rc = check_unused_anywhere(t, os, path);

    if (rc != TOOL_OK)
        return rc;
    drop_target(role, path);
    rc = repo_publish(owner);
    if (rc == TOOL_OK)
        tool_say(t, "%s: removed from the metadata; its files stay for devices that are fetching them", path);
    return rc;
}

static int run_image_remove(struct tool *t, const struct args *a)
{
    const char *name = args_get(a, "product"), *component = args_get(a, "component"), *version = args_get(a, "version");
    struct repo os, product;
    struct role *role;
    struct named_image image;
    cJSON *settings;
    int rc = product_need(t, name, &settings);

    if (rc == TOOL_OK)
        rc = repo_open(t, NULL, &os);
    if (rc == TOOL_OK)
        rc = repo_open(t, name, &product);
    if (rc == TOOL_OK)
        rc = image_role(t, &os, &product, settings, component, &role);
    if (rc != TOOL_OK)
        return rc;
    t->already = image_find(t, role, name, component, version, &image) != TOOL_OK;
    if (t->already) {
        tool_say(t, "%s %s: not published for product %s; nothing to remove", component, version, name);
        return TOOL_OK;
    }
    /* The path outlives the target that holds it. */
    const char *path = tool_format(t, "%s", image.path);
    cJSON_AddStringToObject(t->result, "path", path);
    return remove_image(t, &os, strcmp(component, "os") == 0 ? &os : &product, role, path);
}

const struct command command_image_remove = {
    .name = "image remove",
    .summary = "Take an image that no group and no feed names out of the metadata.",
    .details = "Devices keep metadata in small memories, so old images should go. The files themselves stay.",
    .options = remove_options,
    .run = run_image_remove,
};
