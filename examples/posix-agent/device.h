/* SPDX-License-Identifier: Apache-2.0 */
/* The device as the library sees it: the ports that a configuration names, opened, and an agent on top of them. */
#ifndef AGENT_DEVICE_H
#define AGENT_DEVICE_H

#include "config.h"
#include "ota/ota.h"
#include "ota/posix.h"

struct device {
    struct ota_posix_net net;
    struct ota_posix_store store;
    struct ota_posix_clock clock;
    struct ota_posix_crypto crypto;
    struct ota_posix_boot boot;
    struct ota_posix_health health;
    struct ota_posix_log log;
    struct ota_posix_slot slot[OTA_COMPONENTS_MAX][2];
    struct ota_component component[OTA_COMPONENTS_MAX];
    struct ota_repo repo[OTA_REPOS_MAX];
    uint8_t *root[OTA_REPOS_MAX];
    struct ota_config cfg;
    void *workspace;
    struct ota *agent;
};

struct device_options {
    bool states;                /* log every change of state */
    bool quiet;                 /* no log at all */
    struct ota_store *store;    /* use this store instead of the device's own; NULL = its own */
};

/**
 * Open everything and make the agent. Texts of c must outlive the device.
 * @return OTA_OK, or an error with *fault naming the configuration key; device_close() is due in both cases
 */
ota_err device_open(struct device *d, const struct agent_config *c, const struct device_options *o, struct schema_fault *fault);
void device_close(struct device *d);

/** Take the state directory for oneself, without an agent. @return as device_open() */
ota_err device_lock(struct ota_posix_store *store, const struct agent_config *c, struct schema_fault *fault);

#endif
