/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's member "telemetry". */
#include "config_telemetry.h"

#include <string.h>

static const struct schema_field fields[] = {
    { "facts", SCHEMA_BOOL, false, 0, 0, offsetof(struct agent_telemetry, facts), 0, 0, NULL },
    { "log", SCHEMA_TEXT, false, 1, 15, offsetof(struct agent_telemetry, log), 0, 0, NULL },
    { "facility", SCHEMA_TEXT, false, 1, 15, offsetof(struct agent_telemetry, facility), 0, 0, NULL },
};
const struct schema agent_telemetry_schema = { fields, sizeof fields / sizeof fields[0] };

bool agent_telemetry_syslog(const struct agent_telemetry *t)
{
    return t->log && strcmp(t->log, "syslog") == 0;
}

bool agent_telemetry_check(const struct agent_telemetry *t, struct schema_fault *fault)
{
    static const char *const names[] = { "daemon", "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7" };
    size_t i = 0;

    if (t->log && strcmp(t->log, "stderr") != 0 && !agent_telemetry_syslog(t))
        return schema_fail(fault, "telemetry.log", "must be \"stderr\" or \"syslog\"");
    if (!t->facility)
        return true;
    if (!agent_telemetry_syslog(t))
        return schema_fail(fault, "telemetry.facility", "goes with \"log\": \"syslog\" only");
    while (i < sizeof names / sizeof names[0] && strcmp(names[i], t->facility) != 0)
        i++;
    return i < sizeof names / sizeof names[0] ? true
                                              : schema_fail(fault, "telemetry.facility", "must be daemon, user, or local0 to local7");
}
