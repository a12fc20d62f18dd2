/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "settings.h"

static const struct option no_options[] = { { NULL, NULL, NULL, OPTION_FLAG, false } };
static const struct option list_options[] = {
    { "product", "P", "only images for this product", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static void show_role(struct tool *t, const char *name, const cJSON *doc, cJSON *list)
{
    cJSON *row = cJSON_CreateObject();
    int64_t expires = 0;
    bool expired = !time_parse(member_text(doc, "expires"), &expires) || expires <= t->now_s;

    cJSON_AddStringToObject(row, "role", name);
    cJSON_AddNumberToObject(row, "version", (double)member_number(doc, "version"));
    cJSON_AddStringToObject(row, "expires", member_text(doc, "expires"));
    cJSON_AddBoolToObject(row, "expired", expired);
    cJSON_AddItemToArray(list, row);
    tool_say(t, "  %-14s version %-4llu expires %s%s", name, (unsigned long long)member_number(doc, "version"),
             member_text(doc, "expires"), expired ? " EXPIRED" : "");
}

static void show_images(struct tool *t, const struct role *role, const char *product, cJSON *list)
{
    const cJSON *target;

    cJSON_ArrayForEach(target, member(role->doc, "targets")) {
        const cJSON *ota = member(member(target, "custom"), "ota");
        if (ota == NULL || (product != NULL && !has_text(member(ota, "compatible"), product)))
            continue;
        cJSON *row = cJSON_Duplicate(ota, true);
        cJSON_AddStringToObject(row, "path", target->string);
        cJSON_AddStringToObject(row, "sha256", member_text(member(target, "hashes"), "sha256"));
        cJSON_AddNumberToObject(row, "length", (double)member_number(target, "length"));
        cJSON_AddItemToArray(list, row);
        tool_say(t, "  image %s %s: %s, %llu bytes", member_text(ota, "component"), member_text(ota, "version"),
                 target->string, (unsigned long long)member_number(target, "length"));
    }
}

static void show_repo(struct tool *t, struct repo *r, cJSON *list)
{
    cJSON *row = cJSON_CreateObject(), *roles;

    cJSON_AddItemToArray(list, row);
    cJSON_AddStringToObject(row, "name", r->name);
    roles = cJSON_AddArrayToObject(row, "roles");
    tool_say(t, "repository %s", r->dir);
    show_role(t, "root", r->root, roles);
    show_role(t, "timestamp", r->timestamp, roles);
    show_role(t, "snapshot", r->snapshot, roles);
    for (size_t i = 0; i < r->role_count; i++)
        show_role(t, r->role[i].name, r->role[i].doc, roles);
    cJSON *images = cJSON_AddArrayToObject(row, "images");
    for (size_t i = 0; i < r->role_count; i++)
        show_images(t, &r->role[i], NULL, images);
}

/* "os/img/os-2.0.0.img, app/app/app-1.img (OS from feed retail)" */
static const char *describe_pointer(struct tool *t, const cJSON *pointer)
{
    const char *text = "";
    const cJSON *item;

    cJSON_ArrayForEach(item, member(pointer, "images"))
        text = tool_format(t, "%s%s%s", text, text[0] ? ", " : "", member_text(item, "path"));
    if (text[0] == '\0')
        text = "no images";
    if (member(pointer, "os_feed") != NULL)
        text = tool_format(t, "%s (OS from feed %s)", text, member_text(pointer, "os_feed"));
    return tool_format(t, "%llu: %s", (unsigned long long)member_number(pointer, "seq"), text);
}

static int show_pointer(struct tool *t, struct repo *r, const char *role_name, const char *path, const char *label,
                        const char *name, cJSON *list)
{
    const struct role *role = repo_role(r, role_name);
    cJSON *pointer = NULL;
    int rc = role == NULL ? TOOL_OK : pointer_read(r, role, path, &pointer);

    if (rc != TOOL_OK)
        return rc;
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(list, row);
    cJSON_AddStringToObject(row, label, name);
    cJSON_AddItemToObject(row, "pointer", pointer == NULL ? cJSON_CreateNull() : cJSON_Duplicate(pointer, true));
    tool_say(t, "  %s %-26s %s", label, name, pointer == NULL ? "-" : describe_pointer(t, pointer));
    return TOOL_OK;
}

static int show_product(struct tool *t, struct repo *os, const cJSON *settings, cJSON *repos, cJSON *products)
{
    static const char *const feeds[] = { "retail", "retaileval" };
    const char *name = member_text(settings, "name");
    const cJSON *group;
    struct repo r;
    int rc = repo_open(t, name, &r);

    if (rc != TOOL_OK)
        return rc;
    show_repo(t, &r, repos);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(products, row);
    cJSON_AddStringToObject(row, "name", name);
    cJSON *list = cJSON_AddArrayToObject(row, "groups");
    cJSON_ArrayForEach(group, member(settings, "groups")) {
        const char *slug = member_text(group, "slug");
        if (rc == TOOL_OK)
            rc = show_pointer(t, &r, "groups", group_path(t, slug), "group", slug, list);
    }
    list = cJSON_AddArrayToObject(row, "feeds");
    for (size_t i = 0; rc == TOOL_OK && i < 2; i++)
        rc = show_pointer(t, os, feed_role(feeds[i]), feed_path(t, feeds[i], name), "feed", feeds[i], list);
    return rc;
}

static int run_show(struct tool *t, const struct args *a)
{
    cJSON *repos = cJSON_AddArrayToObject(t->result, "repositories");
    cJSON *products = cJSON_AddArrayToObject(t->result, "products");
    const cJSON *item;
    struct repo os;
    int rc = repo_open(t, NULL, &os);

    (void)a;
    if (rc == TOOL_OK)
        show_repo(t, &os, repos);
    cJSON_ArrayForEach(item, settings_products(t))
        if (rc == TOOL_OK)
            rc = show_product(t, &os, item, repos, products);
    return rc;
}

static int list_images(struct tool *t, const char *product, const char *only, cJSON *list)
{
    struct repo r;
    int rc = repo_open(t, product, &r);

    for (size_t i = 0; rc == TOOL_OK && i < r.role_count; i++)
        show_images(t, &r.role[i], only, list);
    return rc;
}

static int run_image_list(struct tool *t, const struct args *a)
{
    const char *only = args_get(a, "product");
    cJSON *list = cJSON_AddArrayToObject(t->result, "images"), *product;
    const cJSON *item;
    int rc = only == NULL ? TOOL_OK : product_need(t, only, &product);

    if (rc == TOOL_OK)
        rc = list_images(t, NULL, only, list);
    cJSON_ArrayForEach(item, settings_products(t))
        if (rc == TOOL_OK && (only == NULL || strcmp(only, member_text(item, "name")) == 0))
            rc = list_images(t, member_text(item, "name"), only, list);
    return rc;
}

const struct command command_show = {
    .name = "show",
    .summary = "Show repositories, roles with versions and expiry, images, and what every group and feed points to.",
    .options = no_options,
    .run = run_show,
    .reads = true,
};

const struct command command_image_list = {
    .name = "image list",
    .summary = "List published images.",
    .options = list_options,
    .run = run_image_list,
    .reads = true,
};
