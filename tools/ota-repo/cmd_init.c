/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "commands.h"
#include "file.h"
#include "keys.h"
#include "settings.h"

static const struct option init_options[] = {
    { "product", "NAME", "also make a product with components os and app", OPTION_MANY, false },
    { "root-keys", "N", "keys of each root role, 1..8 [1]", OPTION_ONE, false },
    { "root-threshold", "N", "signatures that root needs [1]", OPTION_ONE, false },
    { "targets-keys", "N", "keys of each targets role, 1..8 [1]", OPTION_ONE, false },
    { "targets-threshold", "N", "signatures that targets needs [1]", OPTION_ONE, false },
    { "no-deflate", NULL, "do not offer deflated images", OPTION_FLAG, false },
    { "window", "BITS", "log2 of the deflate window that devices need, 9..15 [15]", OPTION_ONE, false },
    { "block", "BYTES", "image bytes between two restart points, power of two [65536]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static const struct delegation os_delegations[] = {
    { "os-images", { "os/img/*" } },
    { "feed-retail", { "os/feed/retail/*" } },
    { "feed-eval", { "os/feed/retaileval/*" } },
    { NULL, { NULL } },
};

static int read_numbers(struct tool *t, const struct args *a, struct settings *s)
{
    int rc = args_number(t, a, "root-keys", 1, 8, &s->root_keys);

    if (rc == TOOL_OK)
        rc = args_number(t, a, "root-threshold", 1, s->root_keys, &s->root_threshold);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "targets-keys", 1, 8, &s->targets_keys);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "targets-threshold", 1, s->targets_keys, &s->targets_threshold);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "window", 9, 15, &s->window);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "block", 4096, 1u << 24, &s->block);
    if (rc == TOOL_OK && !is_power_of_two(s->block))
        rc = tool_usage(t, "--block: %u is not a power of two", s->block);
    if (args_has(a, "no-deflate"))
        s->deflate = false;
    for (int i = 0; i < DAYS_COUNT; i++)
        if (t->days[i] != 0)
            s->days[i] = t->days[i];
    return rc;
}

static bool same_numbers(const struct settings *a, const struct settings *b)
{
    return memcmp(a->days, b->days, sizeof a->days) == 0 && a->deflate == b->deflate && a->window == b->window &&
           a->block == b->block && a->root_keys == b->root_keys && a->root_threshold == b->root_threshold &&
           a->targets_keys == b->targets_keys && a->targets_threshold == b->targets_threshold;
}

/* Settings that are there must agree with the options; without options they are taken as they are. */
static int ensure_settings(struct tool *t, const struct args *a)
{
    int rc = settings_load(t);

    if (rc == TOOL_ABSENT) {
        settings_default(t);
        rc = read_numbers(t, a, &t->settings);
        t->already = false;
        return rc != TOOL_OK ? rc : settings_save(t);
    }
    struct settings asked = t->settings;
    if (rc == TOOL_OK)
        rc = read_numbers(t, a, &asked);
    if (rc == TOOL_OK && !same_numbers(&asked, &t->settings))
        rc = tool_failed(t, "%s: exists with other settings; edit it, or use another --dir", settings_path(t));
    return rc;
}

static int ensure_os(struct tool *t)
{
    struct repo os;

    repo_locate(t, NULL, &os);
    if (!file_exists(repo_file(&os, "metadata/timestamp.json")))
        t->already = false;
    return repo_create(&os, os_delegations);
}

static int ensure_products(struct tool *t, const struct args *a)
{
    static const char *const components[] = { "os", "app", NULL };
    const char *name;

    for (size_t i = 0; (name = args_nth(a, "product", i)) != NULL; i++) {
        bool already = t->already;
        int rc = product_create(t, name, DEFAULT_PUBLISHER, components);
        if (rc != TOOL_OK)
            return rc;
        t->already = t->already && already;
    }
    return TOOL_OK;
}

static int check_products(struct tool *t, const struct args *a)
{
    const char *name;

    for (size_t i = 0; (name = args_nth(a, "product", i)) != NULL; i++)
        if (!name_ok(name))
            return tool_usage(t, "--product: \"%s\" must be 1..31 characters of [a-z0-9-]", name);
    return TOOL_OK;
}

static int run_init(struct tool *t, const struct args *a)
{
    struct settings probe;

    t->already = true;
    settings_default(t);
    probe = t->settings;
    int rc = read_numbers(t, a, &probe);
    if (rc == TOOL_OK)
        rc = check_products(t, a);
    if (rc == TOOL_OK)
        rc = file_mkdirs(t, t->dir, 0755);
    if (rc == TOOL_OK)
        rc = file_lock(t, true);
    if (rc == TOOL_OK)
        rc = file_mkdirs(t, keys_dir(t), 0700);
    if (rc == TOOL_OK)
        rc = ensure_settings(t, a);
    if (rc == TOOL_OK)
        rc = ensure_os(t);
    if (rc == TOOL_OK)
        rc = ensure_products(t, a);
    if (rc == TOOL_OK)
        tool_say(t, t->already ? "%s: already there" : "%s: ready; serve %s/web, keep %s/keys secret", t->dir, t->dir, t->dir);
    return rc;
}

const struct command command_init = {
    .name = "init",
    .summary = "Make a publisher's directory: settings, keys, and the OS repository, ready to be served.",
    .details = "D/web is the web root, D/keys the private keys, D/ota-repo.json the settings. The factory root for devices is\n"
               "D/web/os/metadata/1.root.json. The --*-days options become the settings.",
    .options = init_options,
    .run = run_init,
    .creates = true,
};
