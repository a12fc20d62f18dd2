/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about when updates may come. */
#ifndef AGENT_CONFIG_POLICY_H
#define AGENT_CONFIG_POLICY_H

#include "ota/config.h"
#include "schema.h"

#define AGENT_ARGS_MAX 15u        /* words of a command */

struct agent_window {
    const char *days[8];          /* [0] NULL = every day */
    const char *from, *to;        /* "HH:MM" */
};

struct agent_policy {
    struct agent_window window[OTA_WINDOWS_MAX];
    size_t window_count;
    const char *utc_offset;       /* "+01:00"; NULL = the system's local time */
    bool fetch_in_window;
    const char *consent, *consent_file, *metered, *power_supply;   /* NULL = the default, or none */
    const char *metered_command[AGENT_ARGS_MAX + 1];
    uint8_t battery_min;
    uint64_t metered_bytes_max;
    /* made from these; settings.windows stays NULL, for the struct may be moved */
    struct ota_window windows[OTA_WINDOWS_MAX];
    struct ota_policy settings;
};

/** Fill windows and settings. @return false: *fault says which key is wrong */
bool agent_policy_read(struct agent_policy *p, struct schema_fault *fault);

#endif
