/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "commands.h"
#include "director.h"
#include "publish.h"
#include "settings.h"

static const struct option refresh_options[] = {
    { "product", "P", "only this product's repository [the OS repository and every product's]", OPTION_ONE, false },
    { "all", NULL, "renew root, targets and delegated roles, too", OPTION_FLAG, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

static int renew_root(struct repo *r)
{
    return root_publish(r, r->root, tool_keep(r->t, cJSON_Duplicate(r->root, true)));
}

static int refresh_one(struct tool *t, const char *product, bool all)
{
    struct repo r;
    int rc = repo_open(t, product, &r);

    if (rc == TOOL_OK && all)
        rc = renew_root(&r);
    if (rc != TOOL_OK)
        return rc;
    for (size_t i = 0; all && i < r.role_count; i++)
        r.role[i].dirty = true;
    rc = repo_publish(&r);
    if (rc == TOOL_OK)
        tool_say(t, "%s: timestamp %llu, valid until %s", r.name, (unsigned long long)member_number(r.timestamp, "version"),
                 member_text(r.timestamp, "expires"));
    return rc;
}

/* The director's timestamps, where half of their life has passed. */
static int refresh_director(struct tool *t, const cJSON *settings, bool all)
{
    const char *product = member_text(settings, "name");
    struct director_tally tally = { 0 };
    struct devices d = { 0 };
    struct repo r;
    unsigned digits;
    int rc = TOOL_OK;

    if (!director_of(settings, &digits) || digits == 0)
        return TOOL_OK;
    director_locate(t, product, &r);
    if (all) {
        rc = check_root(&r);
        if (rc == TOOL_OK)
            rc = renew_root(&r);
    }
    if (rc == TOOL_OK)
        rc = devices_open(t, product, settings, &d);
    if (rc == TOOL_OK)
        rc = director_publish(t, product, settings, &d, DIRECTOR_REFRESH, &tally);
    devices_close(&d);
    if (rc == TOOL_OK)
        director_report(t, &tally);
    return rc;
}

static int refresh_product(struct tool *t, const cJSON *settings, bool all)
{
    int rc = refresh_one(t, member_text(settings, "name"), all);

    return rc != TOOL_OK ? rc : refresh_director(t, settings, all);
}

static int run_refresh(struct tool *t, const struct args *a)
{
    const char *only = args_get(a, "product");
    const cJSON *item;
    cJSON *product;

    if (only != NULL) {
        int rc = product_need(t, only, &product);
        return rc != TOOL_OK ? rc : refresh_product(t, product, args_has(a, "all"));
    }
    int rc = refresh_one(t, NULL, args_has(a, "all"));
    cJSON_ArrayForEach(item, settings_products(t))
        if (rc == TOOL_OK)
            rc = refresh_product(t, item, args_has(a, "all"));
    return rc;
}

const struct command command_refresh = {
    .name = "refresh",
    .summary = "Sign new timestamps and snapshots, so that devices go on trusting the repositories. Run it from a timer.",
    .details = "Warns about roles that have less than a quarter of their life time left.",
    .options = refresh_options,
    .run = run_refresh,
};
