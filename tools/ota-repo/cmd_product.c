/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "file.h"
#include "settings.h"

#define COMPONENTS_MAX 8

static const struct option product_options[] = {
    { "component", "NAME", "a part of the device; \"os\" comes from the OS repository [os, app]", OPTION_MANY, false },
    { "publisher", "NAME", "who signs the images of the other components [maker]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};
static const struct option no_options[] = { { NULL, NULL, NULL, OPTION_FLAG, false } };

static void default_groups(cJSON *product)
{
    product_add_group(product, "Development", "development", "os-only", "retail");
    product_add_group(product, "Field Test", "field-test", "all", "retail");
    product_add_group(product, "Production", "production", "all", "retail");
    product_add_group(product, "Field Test OS Evaluation", "field-test-os-evaluation", "all", "retaileval");
    product_add_group(product, "Production OS Evaluation", "production-os-evaluation", "all", "retaileval");
}

static cJSON *product_record(const char *name, const char *publisher, const char *const *components)
{
    cJSON *product = cJSON_CreateObject(), *who = cJSON_CreateObject();

    cJSON_AddStringToObject(product, "name", name);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(product, "publishers"), who);
    cJSON_AddStringToObject(who, "name", publisher);
    cJSON *list = cJSON_AddArrayToObject(who, "components");
    for (size_t i = 0; components[i] != NULL; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(components[i]));
    cJSON_AddArrayToObject(product, "groups");
    default_groups(product);
    return product;
}

static bool same_record(const cJSON *product, const char *publisher, const char *const *components)
{
    const cJSON *who = member(product, "publishers")->child;
    size_t n = 0;

    if (strcmp(member_text(who, "name"), publisher) != 0)
        return false;
    while (components[n] != NULL && has_text(member(who, "components"), components[n]))
        n++;
    return components[n] == NULL && (size_t)cJSON_GetArraySize(member(who, "components")) == n;
}

/* The publisher's role only if there is a component for it: a delegation without paths means nothing. */
static void fill_delegations(struct tool *t, const char *publisher, const char *const *components, struct delegation d[3])
{
    size_t paths = 0, roles = 0;

    for (size_t i = 0; components[i] != NULL; i++)
        if (strcmp(components[i], "os") != 0)
            d[0].path[paths++] = tool_format(t, "app/%s/*", components[i]);
    if (paths > 0)
        d[roles++].role = tool_format(t, "pub-%s", publisher);
    d[roles].role = "groups";
    d[roles].path[0] = "group/*/deploy.json";
}

int product_create(struct tool *t, const char *name, const char *publisher, const char *const *components)
{
    struct repo r;
    struct delegation delegations[3] = { 0 };
    const cJSON *there = product_find(t, name);

    t->already = there != NULL;
    if (there != NULL)
        return same_record(there, publisher, components)
                   ? TOOL_OK : tool_failed(t, "product %s exists with other components or another publisher", name);
    repo_locate(t, name, &r);
    fill_delegations(t, publisher, components, delegations);
    int rc = repo_create(&r, delegations);
    if (rc != TOOL_OK)
        return rc;
    cJSON_AddItemToArray(settings_products(t), product_record(name, publisher, components));
    return settings_save(t);
}

static int take_components(struct tool *t, const struct args *a, const char *list[COMPONENTS_MAX + 1])
{
    const char *name;
    size_t n = 0;

    for (; (name = args_nth(a, "component", n)) != NULL; n++) {
        if (n == COMPONENTS_MAX)
            return tool_usage(t, "--component: more than %d", COMPONENTS_MAX);
        if (!name_ok(name))
            return tool_usage(t, "--component: \"%s\" must be 1..31 characters of [a-z0-9-]", name);
        for (size_t i = 0; i < n; i++)
            if (strcmp(list[i], name) == 0)
                return tool_usage(t, "--component: \"%s\" given twice", name);
        list[n] = name;
    }
    if (n == 0) {
        list[0] = "os";
        list[1] = "app";
    }
    return TOOL_OK;
}

static int run_product_add(struct tool *t, const struct args *a)
{
    const char *components[COMPONENTS_MAX + 1] = { NULL };
    const char *publisher = args_has(a, "publisher") ? args_get(a, "publisher") : DEFAULT_PUBLISHER;

    if (!name_ok(a->operand))
        return tool_usage(t, "NAME: \"%s\" must be 1..31 characters of [a-z0-9-]", a->operand);
    if (!name_ok(publisher))
        return tool_usage(t, "--publisher: \"%s\" must be 1..31 characters of [a-z0-9-]", publisher);
    int rc = take_components(t, a, components);
    if (rc == TOOL_OK)
        rc = product_create(t, a->operand, publisher, components);
    if (rc == TOOL_OK)
        tool_say(t, "product %s: %s", a->operand, t->already ? "already there" : "made, with five device groups");
    return rc;
}

static int run_product_list(struct tool *t, const struct args *a)
{
    const cJSON *item;

    (void)a;
    cJSON_ArrayForEach(item, settings_products(t))
        tool_say(t, "%s", member_text(item, "name"));
    cJSON_AddItemToObject(t->result, "products", cJSON_Duplicate(settings_products(t), true));
    return TOOL_OK;
}

const struct command command_product_add = {
    .name = "product add",
    .operand = "NAME",
    .summary = "Make a product: its repository, keys, delegations, and the five default device groups.",
    .details = "The factory root for its devices is D/web/p/NAME/metadata/1.root.json.",
    .options = product_options,
    .run = run_product_add,
};

const struct command command_product_list = {
    .name = "product list",
    .summary = "List products with their publishers, components and groups.",
    .options = no_options,
    .run = run_product_list,
    .reads = true,
};
