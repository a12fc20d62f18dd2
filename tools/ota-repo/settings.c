/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "canon.h"
#include "file.h"
#include "fleet.h"
#include "ota/records.h"
#include "text.h"

const char *const days_names[DAYS_COUNT] = { "root", "targets", "snapshot", "timestamp" };

char *settings_path(struct tool *t)
{
    return tool_format(t, "%s/ota-repo.json", t->dir);
}

void settings_default(struct tool *t)
{
    t->settings = (struct settings){ .days = { 365, 180, 30, 7 }, .deflate = true, .window = 15, .block = 65536,
                                     .delta = true, .delta_keep = 3, .delta_memory = { 32768 }, .delta_memories = 1,
                                     .index = true, .root_keys = 1, .root_threshold = 1, .targets_keys = 1, .targets_threshold = 1 };
    t->settings.tree = tool_keep(t, cJSON_CreateObject());
    cJSON_AddArrayToObject(t->settings.tree, "products");
}

cJSON *settings_products(const struct tool *t)
{
    return member(t->settings.tree, "products");
}

bool policy_ok(const char *policy)
{
    return strcmp(policy, "all") == 0 || strcmp(policy, "os-only") == 0;
}

bool feed_ok(const char *feed)
{
    return strcmp(feed, "retail") == 0 || strcmp(feed, "retaileval") == 0;
}

static int read_unsigned(struct at a, const char *name, uint64_t min, uint64_t max, unsigned *out)
{
    uint64_t n;
    int rc = at_number(a, name, min, max, &n);

    if (rc == TOOL_OK)
        *out = (unsigned)n;
    return rc;
}

static int read_days(struct at top, struct settings *s)
{
    struct at a;
    int rc = at_object(top, "expiry_days", &a);

    for (int i = 0; rc == TOOL_OK && i < DAYS_COUNT; i++)
        rc = read_unsigned(a, days_names[i], 1, DAYS_MAX, &s->days[i]);
    return rc;
}

static int read_deflate(struct at top, struct settings *s)
{
    struct at a;
    int rc = at_object(top, "deflate", &a);

    if (rc == TOOL_OK)
        rc = at_bool(a, "enabled", &s->deflate);
    if (rc == TOOL_OK)
        rc = read_unsigned(a, "window", 9, 15, &s->window);
    if (rc == TOOL_OK)
        rc = read_unsigned(a, "block", 4096, 1u << 24, &s->block);
    if (rc == TOOL_OK && !is_power_of_two(s->block))
        rc = at_bad(a, "block", "must be a power of two");
    return rc;
}

/* Settings that were made before there were deltas do not have it: then it is as `init` has it. */
static int read_delta(struct at top, struct settings *s)
{
    struct at a;
    cJSON *list = NULL, *item;

    s->delta = true;
    s->delta_keep = 3;
    s->delta_memory[0] = 32768;
    s->delta_memories = 1;
    if (member(top.obj, "delta") == NULL)
        return TOOL_OK;
    int rc = at_object(top, "delta", &a);
    if (rc == TOOL_OK)
        rc = at_bool(a, "enabled", &s->delta);
    if (rc == TOOL_OK)
        rc = read_unsigned(a, "keep", 1, 16, &s->delta_keep);
    if (rc == TOOL_OK)
        rc = at_array(a, "memory", &list);
    if (rc != TOOL_OK)
        return rc;
    s->delta_memories = 0;
    cJSON_ArrayForEach(item, list) {
        bool good = cJSON_IsNumber(item) && item->valuedouble >= 4096 && item->valuedouble <= 1u << 30;
        if (!good || s->delta_memories == DELTA_MEMORIES_MAX)
            return at_bad(a, "memory", "must be 1..%d numbers of bytes, 4096..2^30", DELTA_MEMORIES_MAX);
        s->delta_memory[s->delta_memories++] = (uint32_t)item->valuedouble;
    }
    return s->delta_memories > 0 ? TOOL_OK : at_bad(a, "memory", "must be 1..%d numbers of bytes, 4096..2^30", DELTA_MEMORIES_MAX);
}

/* The same of those that were made before there was zstd. */
static int read_zstd(struct at top, struct settings *s)
{
    struct at a;

    s->zstd = 0;
    if (member(top.obj, "zstd") == NULL)
        return TOOL_OK;
    int rc = at_object(top, "zstd", &a);
    if (rc == TOOL_OK)
        rc = read_unsigned(a, "window", 0, OTA_ZSTD_WINDOW_BITS_MAX, &s->zstd);
    if (rc == TOOL_OK && s->zstd != 0 && s->zstd < OTA_ZSTD_WINDOW_BITS_MIN)
        rc = at_bad(a, "window", "must be 0 or %d..%d", OTA_ZSTD_WINDOW_BITS_MIN, OTA_ZSTD_WINDOW_BITS_MAX);
    return rc;
}

/* The same of those that were made before there were indexes. */
static int read_index(struct at top, struct settings *s)
{
    struct at a;

    s->index = true;
    s->index_block = 0;
    if (member(top.obj, "index") == NULL)
        return TOOL_OK;
    int rc = at_object(top, "index", &a);
    if (rc == TOOL_OK)
        rc = at_bool(a, "enabled", &s->index);
    if (rc == TOOL_OK)
        rc = read_unsigned(a, "block", 0, 65536, &s->index_block);
    if (rc == TOOL_OK && s->index_block != 0 && (s->index_block < 256 || !is_power_of_two(s->index_block)))
        rc = at_bad(a, "block", "must be 0 or a power of two, 256..65536");
    return rc;
}

static int read_key_count(struct at top, const char *name, unsigned *count, unsigned *threshold)
{
    struct at a;
    int rc = at_object(top, name, &a);

    if (rc == TOOL_OK)
        rc = read_unsigned(a, "count", 1, 8, count);
    if (rc == TOOL_OK)
        rc = read_unsigned(a, "threshold", 1, *count, threshold);
    return rc;
}

static int need_name(struct at a, const char *member_name)
{
    const char *text = NULL;
    int rc = at_string(a, member_name, &text);

    if (rc == TOOL_OK && !name_ok(text))
        rc = at_bad(a, member_name, "\"%s\" must be 1..31 characters of [a-z0-9-]", text);
    return rc;
}

static int check_group(struct at a)
{
    const char *text = NULL;
    int rc = at_string(a, "name", &text);

    if (rc == TOOL_OK)
        rc = need_name(a, "slug");
    if (rc == TOOL_OK)
        rc = at_string(a, "policy", &text);
    if (rc == TOOL_OK && !policy_ok(text))
        rc = at_bad(a, "policy", "must be \"all\" or \"os-only\"");
    if (rc == TOOL_OK && member(a.obj, "os_feed") != NULL) {
        rc = at_string(a, "os_feed", &text);
        if (rc == TOOL_OK && !feed_ok(text))
            rc = at_bad(a, "os_feed", "must be \"retail\" or \"retaileval\"");
    }
    return rc != TOOL_OK ? rc : fleet_check(a);
}

static int check_publisher(struct at a)
{
    cJSON *components = NULL, *item;
    int rc = need_name(a, "name");

    if (rc == TOOL_OK)
        rc = at_array(a, "components", &components);
    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, components)
        if (!cJSON_IsString(item) || !name_ok(item->valuestring))
            return at_bad(a, "components", "must be names of 1..31 characters of [a-z0-9-]");
    return TOOL_OK;
}

/* Check each object of a list member; no two may share the text of `unique`. */
static int check_each(struct at a, const char *name, const char *unique, int (*check)(struct at))
{
    cJSON *list, *item, *other;
    int index = 0;
    int rc = at_array(a, name, &list);

    if (rc != TOOL_OK)
        return rc;
    cJSON_ArrayForEach(item, list) {
        const char *prefix = tool_format(a.t, "%s%s%s[%d]", a.prefix, a.prefix[0] ? "." : "", name, index++);
        struct at here = { a.t, a.file, prefix, item };
        if (!cJSON_IsObject(item))
            return at_bad(here, "", "must be an object");
        rc = check(here);
        if (rc != TOOL_OK)
            return rc;
        for (other = list->child; other != item; other = other->next)
            if (strcmp(member_text(other, unique), member_text(item, unique)) == 0)
                return at_bad(here, unique, "\"%s\" appears twice", member_text(item, unique));
    }
    return TOOL_OK;
}

/* What was deployed: {"os": ["1.0.0", "2.0.0"]}. */
static int check_deployed(struct at a)
{
    struct at deployed;
    cJSON *list, *item;
    int rc = member(a.obj, "deployed") == NULL ? TOOL_ABSENT : at_object(a, "deployed", &deployed);

    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_OK : rc;
    cJSON_ArrayForEach(list, deployed.obj) {
        if (!cJSON_IsArray(list))
            return at_bad(deployed, list->string, "must be an array");
        cJSON_ArrayForEach(item, list)
            if (!cJSON_IsString(item) || !version_ok(item->valuestring))
                return at_bad(deployed, list->string, "must be versions of 1..31 characters of [A-Za-z0-9._+~-]");
    }
    return TOOL_OK;
}

static int check_product(struct at a)
{
    int rc = need_name(a, "name");

    if (rc == TOOL_OK)
        rc = check_deployed(a);

    if (rc == TOOL_OK && member(a.obj, "director") != NULL) {
        struct at director;
        uint64_t digits;
        rc = at_object(a, "director", &director);
        if (rc == TOOL_OK)
            rc = at_number(director, "digits", 0, 6, &digits);
    }
    if (rc == TOOL_OK)
        rc = check_each(a, "publishers", "name", check_publisher);
    if (rc == TOOL_OK)
        rc = check_each(a, "groups", "slug", check_group);
    return rc;
}

static int check_tree(struct at a, struct settings *s)
{
    uint64_t format;
    int rc = at_number(a, "format", SETTINGS_FORMAT, SETTINGS_FORMAT, &format);

    if (rc == TOOL_OK)
        rc = read_days(a, s);
    if (rc == TOOL_OK)
        rc = read_deflate(a, s);
    if (rc == TOOL_OK)
        rc = read_zstd(a, s);
    if (rc == TOOL_OK)
        rc = read_delta(a, s);
    if (rc == TOOL_OK)
        rc = read_index(a, s);
    if (rc == TOOL_OK)
        rc = read_key_count(a, "root_keys", &s->root_keys, &s->root_threshold);
    if (rc == TOOL_OK)
        rc = read_key_count(a, "targets_keys", &s->targets_keys, &s->targets_threshold);
    if (rc == TOOL_OK)
        rc = check_each(a, "products", "name", check_product);
    return rc;
}

int settings_load(struct tool *t)
{
    const char *path = settings_path(t);
    char *text;
    size_t len;
    cJSON *tree;
    int rc = file_read(t, path, &text, &len);

    if (rc != TOOL_OK)
        return rc;
    rc = json_parse(t, path, text, len, &tree);
    if (rc != TOOL_OK)
        return rc;
    if (!cJSON_IsObject(tree))
        return tool_failed(t, "%s: must be an object", path);
    t->settings.tree = tree;
    return check_tree((struct at){ t, path, "", tree }, &t->settings);
}

static void put_delta(struct settings *s)
{
    cJSON *delta = cJSON_CreateObject();

    cJSON_AddBoolToObject(delta, "enabled", s->delta);
    cJSON_AddNumberToObject(delta, "keep", s->delta_keep);
    cJSON *memory = cJSON_AddArrayToObject(delta, "memory");
    for (size_t i = 0; i < s->delta_memories; i++)
        cJSON_AddItemToArray(memory, cJSON_CreateNumber(s->delta_memory[i]));
    put_item(s->tree, "delta", delta);
}

static void put_numbers(struct settings *s)
{
    cJSON *days = cJSON_CreateObject(), *deflate = cJSON_CreateObject();
    cJSON *root = cJSON_CreateObject(), *targets = cJSON_CreateObject(), *index = cJSON_CreateObject();
    cJSON *zstd = cJSON_CreateObject();

    put_item(s->tree, "format", cJSON_CreateNumber(SETTINGS_FORMAT));
    for (int i = 0; i < DAYS_COUNT; i++)
        cJSON_AddNumberToObject(days, days_names[i], s->days[i]);
    put_item(s->tree, "expiry_days", days);
    cJSON_AddBoolToObject(deflate, "enabled", s->deflate);
    cJSON_AddNumberToObject(deflate, "window", s->window);
    cJSON_AddNumberToObject(deflate, "block", s->block);
    put_item(s->tree, "deflate", deflate);
    cJSON_AddNumberToObject(zstd, "window", s->zstd);
    put_item(s->tree, "zstd", zstd);
    put_delta(s);
    cJSON_AddBoolToObject(index, "enabled", s->index);
    cJSON_AddNumberToObject(index, "block", s->index_block);
    put_item(s->tree, "index", index);
    cJSON_AddNumberToObject(root, "count", s->root_keys);
    cJSON_AddNumberToObject(root, "threshold", s->root_threshold);
    put_item(s->tree, "root_keys", root);
    cJSON_AddNumberToObject(targets, "count", s->targets_keys);
    cJSON_AddNumberToObject(targets, "threshold", s->targets_threshold);
    put_item(s->tree, "targets_keys", targets);
}

int settings_save(struct tool *t)
{
    put_numbers(&t->settings);
    char *text = cJSON_Print(t->settings.tree);
    const char *line = tool_format(t, "%s\n", text);
    free(text);
    return file_replace(t, settings_path(t), line, strlen(line), 0644);
}

static cJSON *find_by(const cJSON *list, const char *name, const char *text)
{
    cJSON *item;

    cJSON_ArrayForEach(item, list)
        if (strcmp(member_text(item, name), text) == 0)
            return item;
    return NULL;
}

/* "a, b, c", or "none". */
static const char *list_names(struct tool *t, const cJSON *list, const char *name)
{
    const char *text = "";
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
        text = tool_format(t, "%s%s%s", text, text[0] ? ", " : "", member_text(item, name));
    return text[0] ? text : "none";
}

cJSON *product_find(const struct tool *t, const char *name)
{
    return find_by(settings_products(t), "name", name);
}

int product_need(struct tool *t, const char *name, cJSON **out)
{
    *out = product_find(t, name);
    if (*out != NULL)
        return TOOL_OK;
    return tool_failed(t, "--product: no product \"%s\"; known: %s", name, list_names(t, settings_products(t), "name"));
}

const char *product_publisher(const cJSON *product, const char *component)
{
    const cJSON *publisher;

    cJSON_ArrayForEach(publisher, member(product, "publishers"))
        if (has_text(member(publisher, "components"), component))
            return member_text(publisher, "name");
    return NULL;
}

void product_add_group(cJSON *product, const char *name, const char *slug, const char *policy, const char *os_feed)
{
    cJSON *group = cJSON_CreateObject();

    cJSON_AddStringToObject(group, "name", name);
    cJSON_AddStringToObject(group, "slug", slug);
    cJSON_AddStringToObject(group, "policy", policy);
    if (os_feed != NULL)
        cJSON_AddStringToObject(group, "os_feed", os_feed);
    cJSON_AddItemToArray(member(product, "groups"), group);
}

int group_need(struct tool *t, const cJSON *product, const char *name, cJSON **out)
{
    const cJSON *groups = member(product, "groups");

    *out = find_by(groups, "slug", name);
    if (*out == NULL)
        *out = find_by(groups, "name", name);
    if (*out != NULL)
        return TOOL_OK;
    return tool_failed(t, "--group: product %s has no group \"%s\"; known: %s", member_text(product, "name"), name,
                       list_names(t, groups, "name"));
}
