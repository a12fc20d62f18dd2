/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about how the agent is held. */
#ifndef AGENT_CONFIG_SANDBOX_H
#define AGENT_CONFIG_SANDBOX_H

#include "schema.h"

#define AGENT_SANDBOX_PATHS 16u

enum agent_sandbox_mode {
    AGENT_SANDBOX_ON = 0,     /* what the kernel offers; the status says what that is */
    AGENT_SANDBOX_REQUIRED,   /* all of it, or the agent does not start */
    AGENT_SANDBOX_OFF         /* one process, not held at all */
};

struct agent_sandbox {
    const char *mode_name;    /* NULL = "on" */
    const char *read[AGENT_SANDBOX_PATHS + 1], *write[AGENT_SANDBOX_PATHS + 1];
    enum agent_sandbox_mode mode;   /* made from mode_name */
};

extern const struct schema agent_sandbox_schema;

/** Fill mode. @return false: *fault says which key is wrong */
bool agent_sandbox_read(struct agent_sandbox *s, struct schema_fault *fault);

#endif
