/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about what the agent tells, and where. */
#ifndef AGENT_CONFIG_TELEMETRY_H
#define AGENT_CONFIG_TELEMETRY_H

#include "schema.h"

struct agent_telemetry {
    bool facts;                   /* in a header of check-ins */
    const char *log;              /* "stderr", "syslog"; NULL = "stderr" */
    const char *facility;         /* of syslog; NULL = "daemon" */
};

extern const struct schema agent_telemetry_schema;

/** @return false: *fault says which key is wrong */
bool agent_telemetry_check(const struct agent_telemetry *t, struct schema_fault *fault);
/** Does the log go to syslog? */
bool agent_telemetry_syslog(const struct agent_telemetry *t);

#endif
