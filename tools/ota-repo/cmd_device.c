/* SPDX-License-Identifier: Apache-2.0 */
/* Which device belongs to which group: the publisher's own list, and what the devices are told of it. */
#include <string.h>

#include "commands.h"
#include "devices.h"
#include "director.h"
#include "publish.h"
#include "settings.h"

static const struct option set_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "the device group that it belongs to from now on, by slug or name", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option product_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option list_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "only devices of this group", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static uint64_t highest_seq(struct repo *r, const struct role *role, const cJSON *settings)
{
    const cJSON *group;
    uint64_t highest = 0;

    cJSON_ArrayForEach(group, member(settings, "groups")) {
        cJSON *pointer;
        if (pointer_read(r, role, group_path(r->t, member_text(group, "slug")), &pointer) == TOOL_OK &&
            member_number(pointer, "seq") > highest)
            highest = member_number(pointer, "seq");
    }
    return highest;
}

/* A device takes no deployment with a lower number than the one that it has confirmed, in whichever group that was: a group
 * that devices come to gets the highest number there is. The images are the same, so its other devices do nothing. */
static int raise_group(struct repo *r, struct role *role, const char *slug, uint64_t *highest)
{
    const char *path = group_path(r->t, slug);
    cJSON *pointer;
    int rc = pointer_read(r, role, path, &pointer);

    if (rc != TOOL_OK || pointer == NULL || member_number(pointer, "seq") == *highest)
        return rc;
    put_item(pointer, "seq", cJSON_CreateNumber((double)++*highest));
    tool_say(r->t, "group %s: deployment %llu, so that devices of other groups may come", slug, (unsigned long long)*highest);
    return publish_document(r, role, path, pointer);
}

static int raise_groups(struct tool *t, const char *product, const cJSON *settings, const cJSON *gained)
{
    struct repo r;
    unsigned digits;
    const cJSON *group;

    if (gained->child == NULL || !director_of(settings, &digits))
        return TOOL_OK;
    int rc = repo_open(t, product, &r);
    struct role *role = rc == TOOL_OK ? repo_role(&r, "groups") : NULL;
    if (rc == TOOL_OK && role == NULL)
        rc = tool_failed(t, "%s: has no role groups", r.dir);
    if (rc != TOOL_OK)
        return rc;
    uint64_t highest = highest_seq(&r, role, settings);
    cJSON_ArrayForEach(group, gained)
        if (rc == TOOL_OK)
            rc = raise_group(&r, role, group->string, &highest);
    return rc == TOOL_OK && role->dirty ? repo_publish(&r) : rc;
}

/* Merge, then tell the devices. Repeating it after a failure goes on where it ended: telling compares with what is published. */
static int apply(struct tool *t, const char *product, cJSON *settings, struct devices *old, const struct devices *changes,
                 bool remove)
{
    struct devices now = { 0 };
    struct director_tally tally = { 0 };
    size_t changed = 0;
    cJSON *gained = tool_keep(t, cJSON_CreateObject());
    int rc = devices_merge(t, product, old, changes, remove, &changed, gained);

    if (rc == TOOL_OK)
        rc = raise_groups(t, product, settings, gained);
    if (rc == TOOL_OK)
        rc = devices_open(t, product, settings, &now);
    if (rc == TOOL_OK)
        rc = director_publish(t, product, settings, &now, DIRECTOR_CHANGES, &tally);
    devices_close(&now);
    if (rc != TOOL_OK)
        return rc;
    t->already = changed == 0 && tally.written == 0;
    cJSON_AddNumberToObject(t->result, "changed", (double)changed);
    director_report(t, &tally);
    tool_say(t, "%s: %zu devices changed", product, changed);
    return TOOL_OK;
}

static int one_device(struct tool *t, const struct args *a, const cJSON *group, struct devices *out)
{
    const char *id = a->operand;

    if (!device_id_ok(id, strlen(id)))
        return tool_usage(t, "ID: \"%s\" must be 1..%d characters of [A-Za-z0-9._-]", id, DEVICE_ID_MAX);
    const char *slug = member_text(group, "slug");
    out->item = tool_alloc(t, sizeof *out->item);
    out->item[0] = (struct device){ tool_format(t, "%s %s", id, slug), (uint8_t)strlen(id), (uint8_t)strlen(slug) };
    out->count = 1;
    return TOOL_OK;
}

static int run_one(struct tool *t, const struct args *a, bool remove)
{
    const char *product = args_get(a, "product");
    cJSON *settings = NULL, *group = NULL;
    struct devices old = { 0 }, one = { 0 };
    int rc = product_need(t, product, &settings);

    if (rc == TOOL_OK && !remove)
        rc = group_need(t, settings, args_get(a, "group"), &group);
    if (rc == TOOL_OK)
        rc = one_device(t, a, group, &one);
    if (rc == TOOL_OK)
        rc = devices_open(t, product, settings, &old);
    if (rc == TOOL_OK)
        rc = apply(t, product, settings, &old, &one, remove);
    devices_close(&old);
    return rc;
}

static int run_set(struct tool *t, const struct args *a)
{
    return run_one(t, a, false);
}

static int run_remove(struct tool *t, const struct args *a)
{
    return run_one(t, a, true);
}

static int run_import(struct tool *t, const struct args *a)
{
    const char *product = args_get(a, "product");
    cJSON *settings = NULL;
    struct devices old = { 0 }, list = { 0 };
    int rc = product_need(t, product, &settings);

    if (rc == TOOL_OK)
        rc = devices_read_list(t, a->operand, settings, &list);
    if (rc == TOOL_OK)
        rc = devices_open(t, product, settings, &old);
    if (rc == TOOL_OK)
        rc = apply(t, product, settings, &old, &list, false);
    devices_close(&list);
    devices_close(&old);
    return rc;
}

static bool in_group(const struct device *d, const char *slug)
{
    return slug == NULL || (strlen(slug) == d->group_len && memcmp(slug, device_group(d), d->group_len) == 0);
}

static void list_devices(struct tool *t, const struct devices *d, const char *slug)
{
    cJSON *map = cJSON_AddObjectToObject(t->result, "devices");
    size_t count = 0;

    for (size_t i = 0; i < d->count; i++) {
        const struct device *one = &d->item[i];
        if (!in_group(one, slug))
            continue;
        count++;
        tool_say(t, "%.*s", one->id_len + 1 + one->group_len, one->id);
        if (t->json) {
            char id[DEVICE_ID_MAX + 1] = { 0 }, group[64] = { 0 };
            memcpy(id, one->id, one->id_len);
            memcpy(group, device_group(one), one->group_len < 63 ? one->group_len : 63);
            cJSON_AddStringToObject(map, id, group);
        }
    }
    cJSON_AddNumberToObject(t->result, "count", (double)count);
}

static int run_list(struct tool *t, const struct args *a)
{
    const char *product = args_get(a, "product");
    cJSON *settings = NULL, *group = NULL;
    struct devices d = { 0 };
    int rc = product_need(t, product, &settings);

    if (rc == TOOL_OK && args_has(a, "group"))
        rc = group_need(t, settings, args_get(a, "group"), &group);
    if (rc == TOOL_OK)
        rc = devices_open(t, product, settings, &d);
    if (rc == TOOL_OK)
        list_devices(t, &d, group == NULL ? NULL : member_text(group, "slug"));
    devices_close(&d);
    return rc;
}

const struct command command_device_set = {
    .name = "device set",
    .operand = "ID",
    .summary = "Put a device into a group, or move it there.",
    .details = "With a director (see: director set) the device is told, and follows at its next check-in.",
    .options = set_options,
    .run = run_set,
};

const struct command command_device_import = {
    .name = "device import",
    .operand = "FILE",
    .summary = "Put many devices into groups, or move them: lines \"ID GROUP\", GROUP by slug. Others stay where they are.",
    .options = product_options,
    .run = run_import,
};

const struct command command_device_remove = {
    .name = "device remove",
    .operand = "ID",
    .summary = "Forget a device: it follows the group of its own configuration again.",
    .options = product_options,
    .run = run_remove,
};

const struct command command_device_list = {
    .name = "device list",
    .summary = "List the devices of a product and their groups.",
    .options = list_options,
    .run = run_list,
    .reads = true,
};
