/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's member "sandbox". */
#include "config_sandbox.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct schema_field fields[] = {
    { "mode", SCHEMA_TEXT, false, 1, 15, offsetof(struct agent_sandbox, mode_name), 0, 0, NULL },
    { "read", SCHEMA_TEXTS, false, 1, AGENT_SANDBOX_PATHS, offsetof(struct agent_sandbox, read), 0, 0, NULL },
    { "write", SCHEMA_TEXTS, false, 1, AGENT_SANDBOX_PATHS, offsetof(struct agent_sandbox, write), 0, 0, NULL },
};
const struct schema agent_sandbox_schema = { fields, COUNT(fields) };

static bool check_paths(const char *const *paths, const char *key, struct schema_fault *fault)
{
    for (size_t i = 0; paths[i]; i++) {
        bool all = strspn(paths[i], "/") == strlen(paths[i]);
        char where[48];

        if (paths[i][0] == '/' && !all)
            continue;
        (void)snprintf(where, sizeof where, "sandbox.%s[%zu]", key, i);
        return schema_fail(fault, where, all ? "would open everything: say \"mode\": \"off\" instead" : "must be an absolute path");
    }
    return true;
}

bool agent_sandbox_read(struct agent_sandbox *s, struct schema_fault *fault)
{
    static const char *const names[] = { "on", "required", "off" };
    size_t n = 0;

    while (s->mode_name && n < COUNT(names) && strcmp(s->mode_name, names[n]) != 0)
        n++;
    if (n == COUNT(names))
        return schema_fail(fault, "sandbox.mode", "must be one of on, required, off");
    s->mode = (enum agent_sandbox_mode)n;
    if (n == AGENT_SANDBOX_OFF && (s->read[0] || s->write[0]))
        return schema_fail(fault, s->read[0] ? "sandbox.read" : "sandbox.write", "does not go with \"mode\": \"off\"");
    return check_paths(s->read, "read", fault) && check_paths(s->write, "write", fault);
}
