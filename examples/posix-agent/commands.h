/* SPDX-License-Identifier: Apache-2.0 */
/* What ota-agent can be told to do. */
#ifndef AGENT_COMMANDS_H
#define AGENT_COMMANDS_H

#include "config.h"
#include "ota/ota.h"

/* Exit statuses. They are an interface: scripts and units rely on them (README.md). */
enum agent_exit {
    AGENT_OK = 0,             /* up to date, confirmed, or the command was carried out */
    AGENT_NOT_RUNNING = 1,    /* defer, confirm, reject: no agent runs */
    AGENT_USAGE = 2,          /* command line or configuration */
    AGENT_RESTART = 3,        /* the device must be restarted to go on */
    AGENT_RETRY = 4,          /* the network or the server: later */
    AGENT_REFUSED = 5,        /* the update was refused or rolled back; a command that does not fit the state */
    AGENT_DEVICE = 6,         /* storage, boot control or crypto of this device */
    AGENT_LOCKED = 7,         /* another agent holds the state directory */
    AGENT_INCOMPLETE = 8,     /* doctor: not every property is present */
    AGENT_STOP = 9            /* what runs was tampered with or is sick, and the configuration says to stop it */
};

struct agent_options {
    bool progress, verbose, json;
    const char *root;         /* doctor: before /proc and /sys; NULL = none */
};

/** @return the exit status for a result of the library */
int agent_exit_of(ota_err err);

int agent_run(const struct agent_config *c, const struct agent_options *o);
int agent_check(const struct agent_config *c, const struct agent_options *o);
int agent_doctor(const struct agent_config *c, const struct agent_options *o);
/** Show whose the device is, or take a transfer. path: NULL = only show. */
int agent_claim(const struct agent_config *c, const struct agent_options *o, const char *path);
int agent_identity(const struct agent_config *c, const struct agent_options *o);
int agent_status(const struct agent_config *c, const struct agent_options *o);

/** Pass a command such as "defer", "60" on to the agent that runs and print its answer. argument: NULL = none. AGENT_USAGE: no number */
int agent_tell(const struct agent_config *c, const char *command, const char *argument);

#endif
