/* SPDX-License-Identifier: Apache-2.0 */
#include "levels.h"

#include <string.h>

#include "text.h"

static int take(struct tool *t, const char *option, const char *text, cJSON *into)
{
    char *name = tool_format(t, "%s", text), *equals = strchr(name, '=');
    unsigned long level;

    if (equals == NULL)
        return tool_usage(t, "--%s: \"%s\" is not NAME=LEVEL", option, text);
    *equals = '\0';
    if (!name_ok(name))
        return tool_usage(t, "--%s: \"%s\": the name must be 1..31 characters of [a-z0-9-]", option, text);
    if (!number_parse(equals + 1, 1, UINT32_MAX, &level))
        return tool_usage(t, "--%s: \"%s\": the level is not a whole number in 1..%lu", option, text, (unsigned long)UINT32_MAX);
    if (member(into, name) != NULL)
        return tool_usage(t, "--%s: %s given twice", option, name);
    cJSON_AddNumberToObject(into, name, (double)level);
    return TOOL_OK;
}

int levels_option(struct tool *t, const struct args *a, const char *option, cJSON **out)
{
    const char *text;

    *out = NULL;
    for (size_t i = 0; (text = args_nth(a, option, i)) != NULL; i++) {
        if (i == LEVELS_MAX)
            return tool_usage(t, "--%s: more than %d", option, LEVELS_MAX);
        if (*out == NULL)
            *out = tool_keep(t, cJSON_CreateObject());
        int rc = take(t, option, text, *out);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}

int levels_check(struct at a, const char *name)
{
    struct at list;
    const cJSON *item;
    uint64_t level;
    int rc = member(a.obj, name) == NULL ? TOOL_ABSENT : at_object(a, name, &list);

    if (rc != TOOL_OK)
        return rc == TOOL_ABSENT ? TOOL_OK : rc;
    if (cJSON_GetArraySize(list.obj) > LEVELS_MAX)
        return at_bad(a, name, "more than %d", LEVELS_MAX);
    cJSON_ArrayForEach(item, list.obj) {
        if (!name_ok(item->string))
            return at_bad(list, item->string, "the name must be 1..31 characters of [a-z0-9-]");
        rc = at_number(list, item->string, 1, UINT32_MAX, &level);
        if (rc != TOOL_OK)
            return rc;
    }
    return TOOL_OK;
}
