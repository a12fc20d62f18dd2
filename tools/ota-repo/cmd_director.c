/* SPDX-License-Identifier: Apache-2.0 */
/* Make the director of a product: what tells each device its group. */
#include <string.h>

#include "check.h"
#include "commands.h"
#include "director.h"
#include "publish.h"
#include "settings.h"

static const struct option set_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "digits", "N", "hex digits of a shard's name, 1..6: 16^N shards; 0: one target for each device, up to some 150", OPTION_ONE, true },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

/* Shards are signed by this machine whenever a device moves: one key for each of their roles. Root is as everywhere. */
static int ensure_root(struct tool *t, struct repo *r)
{
    const unsigned count = t->settings.targets_keys, threshold = t->settings.targets_threshold;
    cJSON *root = NULL;
    int rc = file_mkdirs(t, repo_file(r, "metadata"), 0755);

    if (rc != TOOL_OK || file_exists(repo_file(r, "metadata/1.root.json")))
        return rc != TOOL_OK ? rc : check_root(r);
    t->settings.targets_keys = t->settings.targets_threshold = 1;
    rc = root_new(r, &root);
    t->settings.targets_keys = count;
    t->settings.targets_threshold = threshold;
    return rc != TOOL_OK ? rc : root_publish(r, NULL, root);
}

static int ensure_role(struct tool *t, const char *product)
{
    static const struct delegation devices = { "devices", { "device/*" } };
    struct repo r;
    int rc = repo_open(t, product, &r);

    if (rc != TOOL_OK || repo_role(&r, "devices") != NULL)
        return rc;
    rc = repo_delegate(&r, &devices);
    return rc != TOOL_OK ? rc : repo_publish(&r);
}

static int make(struct tool *t, const char *product, unsigned digits)
{
    struct repo r;

    if (digits == 0)
        return ensure_role(t, product);
    director_locate(t, product, &r);
    return ensure_root(t, &r);
}

static int run_set(struct tool *t, const struct args *a)
{
    const char *product = args_get(a, "product");
    unsigned digits = 0, there;
    cJSON *settings = NULL;
    struct devices d = { 0 };
    struct director_tally tally = { 0 };
    int rc = args_number(t, a, "digits", 0, SHARD_DIGITS_MAX, &digits);

    if (rc == TOOL_OK)
        rc = product_need(t, product, &settings);
    if (rc != TOOL_OK)
        return rc;
    bool has = director_of(settings, &there);
    if (has && there != digits)
        return tool_failed(t, "--digits: product %s has a director with %u, which its devices are configured for", product, there);
    rc = devices_open(t, product, settings, &d);
    if (rc == TOOL_OK)
        rc = make(t, product, digits);
    if (rc == TOOL_OK && !has) {
        cJSON_AddNumberToObject(cJSON_AddObjectToObject(settings, "director"), "digits", digits);
        rc = settings_save(t);
    }
    if (rc == TOOL_OK)
        rc = director_publish(t, product, settings, &d, DIRECTOR_CHANGES, &tally);
    devices_close(&d);
    if (rc != TOOL_OK)
        return rc;
    t->already = has && tally.written == 0;
    director_report(t, &tally);
    tool_say(t, "%s: %zu devices are told their groups%s", product, d.count, t->already ? ": already so" : "");
    return TOOL_OK;
}

const struct command command_director_set = {
    .name = "director set",
    .summary = "Tell each device its group, from the registry of devices.",
    .details = "With --digits 0 the product's repository has a target for each device. Else the devices' groups are in 16^N small\n"
               "repositories, of which a device reads one: D/web/d/P/metadata/. Their factory root is 1.root.json there. A device\n"
               "must be configured for the same number. Some 15 devices in each shard keep what a device fetches below 4 KiB.",
    .options = set_options,
    .run = run_set,
};
