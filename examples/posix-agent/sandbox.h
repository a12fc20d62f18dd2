/* SPDX-License-Identifier: Apache-2.0 */
/* The agent in two processes, each held to what the configuration makes it need. */
#ifndef AGENT_SANDBOX_H
#define AGENT_SANDBOX_H

#include "config.h"
#include "ota/posix_sandbox.h"

#define SANDBOX_READ_MAX 48u
#define SANDBOX_WRITE_MAX 64u

struct sandbox {
    struct ota_posix_helper helper;              /* fd -1: none; the agent is one process */
    struct ota_posix_helper_config helper_cfg;
    struct ota_posix_net_config net;             /* of the fetcher */
    struct ota_posix_helper attest_helper;       /* with "attest": of a second fetcher, which speaks to that service alone */
    struct ota_posix_helper_config attest_cfg;
    struct ota_posix_net_config attest_net;
    char update_file[4096];                      /* certificate that the first one shows then */
    struct ota_posix_command command[OTA_POSIX_COMMANDS_MAX];
    const char *custom[2];
    const char *fetcher_read[OTA_REPOS_MAX * 2 + AGENT_SANDBOX_PATHS + 1];
    const char *read[SANDBOX_READ_MAX + 1], *write[SANDBOX_WRITE_MAX + 1];
    size_t read_count, write_count;
    char text[16384];                            /* paths that are made here */
    size_t text_fill;
    bool entered;
    struct ota_posix_sandbox_state writer;       /* once entered */
};

/** Is the agent two processes? s may be NULL. */
static inline bool sandbox_is_on(const struct sandbox *s)
{
    return s && s->helper.fd >= 0;
}

/**
 * Start the helper, first of all. Does nothing with "mode": "off".
 * @return OTA_OK, or an error with *fault; sandbox_close() is harmless in every case
 */
ota_err sandbox_start(struct sandbox *s, const struct agent_config *c, struct schema_fault *fault);

/** Once everything is open: give up what is not needed. There is no way back. @return as sandbox_start() */
ota_err sandbox_enter(struct sandbox *s, const struct agent_config *c, struct schema_fault *fault);

void sandbox_close(struct sandbox *s);

/** Add a path that the writer needs, before sandbox_enter(). A text of the caller's that lives as long as s. Too many: USAGE_MEMORY */
ota_err sandbox_read_path(struct sandbox *s, const char *path);
ota_err sandbox_write_path(struct sandbox *s, const char *path);

#endif
