/* SPDX-License-Identifier: Apache-2.0 */
/* What expires soon, for a timer or CI: exit code 1 names it. */
#include <string.h>

#include "check.h"
#include "commands.h"
#include "settings.h"

#define DAY_S 86400

static const struct option check_options[] = {
    { "within-days", "N", "a role that expires in less than N days is a failure, 1..36500 [7]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

struct due {
    cJSON *list;
    int64_t before_s;
    const char *first;
};

static void look(struct tool *t, const struct repo *r, const char *role, const cJSON *doc, struct due *due)
{
    const char *text = member_text(doc, "expires");
    int64_t expires;

    if (time_parse(text, &expires) && expires >= due->before_s)
        return;
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "repository", r->name);
    cJSON_AddStringToObject(row, "role", role);
    cJSON_AddStringToObject(row, "expires", text);
    cJSON_AddItemToArray(due->list, row);
    tool_say(t, "%s: role %s expires at %s", r->name, role, text);
    if (due->first == NULL)
        due->first = tool_format(t, "%s: role %s at %s", r->name, role, text);
}

static int look_through(struct tool *t, const char *product, struct due *due)
{
    struct repo r;
    int rc = repo_open(t, product, &r);

    if (rc != TOOL_OK)
        return rc;
    look(t, &r, "root", r.root, due);
    look(t, &r, "timestamp", r.timestamp, due);
    look(t, &r, "snapshot", r.snapshot, due);
    for (size_t i = 0; i < r.role_count; i++)
        look(t, &r, r.role[i].name, r.role[i].doc, due);
    return TOOL_OK;
}

static int run_check(struct tool *t, const struct args *a)
{
    unsigned days = 7;
    struct due due = { 0 };
    const cJSON *item;
    int rc = args_number(t, a, "within-days", 1, DAYS_MAX, &days);

    due.list = cJSON_AddArrayToObject(t->result, "expiring");
    due.before_s = t->now_s + (int64_t)days * DAY_S;
    if (rc == TOOL_OK)
        rc = look_through(t, NULL, &due);
    cJSON_ArrayForEach(item, settings_products(t))
        if (rc == TOOL_OK)
            rc = look_through(t, member_text(item, "name"), &due);
    if (rc != TOOL_OK || due.first == NULL)
        return rc;
    return tool_failed(t, "%d roles expire within %u days, the first of them %s; renew with: refresh, refresh --all, sign export",
                       cJSON_GetArraySize(due.list), days, due.first);
}

const struct command command_check = {
    .name = "check",
    .summary = "Fail if anything that is signed expires within some days.",
    .details = "For a timer or CI: exit code 0 when nothing does, 1 with each role named when something does.",
    .options = check_options,
    .run = run_check,
    .reads = true,
};
