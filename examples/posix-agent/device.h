/* SPDX-License-Identifier: Apache-2.0 */
/* The device as the library sees it: the ports that a configuration names, opened, and an agent on top of them. */
#ifndef AGENT_DEVICE_H
#define AGENT_DEVICE_H

#include "config.h"
#include "device_attest.h"
#include "ota/ota.h"
#include "ota/posix_sandbox.h"

struct package_demand {
    struct ota_posix_package_key key;
    uint8_t component[OTA_UID_LEN];
    struct ota_package_want want;
};

struct device {
    struct ota_posix_net net;             /* of an agent in one process */
    struct ota_posix_fetcher fetcher;     /* of one in two */
    struct ota_net *net_port;             /* the one that is open */
    struct ota_posix_store store;
    struct ota_posix_clock clock;
    struct ota_posix_crypto crypto;
    union {
        struct ota_posix_boot file;
        struct ota_posix_loader loader;   /* what the others begin with */
        struct ota_posix_boot_grub grub;
        struct ota_posix_boot_uboot uboot;
        struct ota_posix_boot_uboot_count uboot_count;
        struct ota_posix_boot_bls bls;
        struct ota_posix_boot_efi efi;
        struct ota_posix_boot_custom custom;
    } boot;
    struct ota_boot *boot_port;           /* of the one that is open; NULL = none */
    bool has_loader;                      /* it is one of the loaders */
    char record[4096];
    struct ota_posix_health health;
    struct ota_posix_conditions conditions;
    struct ota_policy policy;
    struct ota_posix_log log;
    struct ota_posix_syslog syslog;
    struct ota_log *log_port;             /* the one of both that is open */
    struct ota_posix_slot slot[OTA_COMPONENTS_MAX][2];
    struct ota_component component[OTA_COMPONENTS_MAX];
    struct ota_repo repo[OTA_REPOS_MAX];
    uint8_t *root[OTA_REPOS_MAX];
    struct package_demand package[OTA_COMPONENTS_MAX];
    const struct ota_package_want *wants[OTA_COMPONENTS_MAX];
    struct ota_hawkbit hawkbit;
    struct ota_hawkbit_attribute attribute[OTA_HAWKBIT_ATTRIBUTES_MAX];
    char token[OTA_HAWKBIT_TOKEN_MAX + 2];
    struct device_attest attest;
    struct ota_config cfg;
    void *workspace;
    struct ota *agent;
};

struct sandbox;

struct device_options {
    bool states;                /* log every change of state */
    bool quiet;                 /* no log at all */
    struct sandbox *sandbox;   /* the network is in another process; NULL, or without helpers: in this one */
    struct ota_store *store;    /* use this store instead of the device's own; NULL = its own */
};

/**
 * Open everything and make the agent. Texts of c must outlive the device.
 * @return OTA_OK, or an error with *fault naming the configuration key; device_close() is due in both cases
 */
ota_err device_open(struct device *d, const struct agent_config *c, const struct device_options *o, struct schema_fault *fault);
void device_close(struct device *d);

/** The device came up: tell a boot loader that counts every start. For agents that run, not for those that only look. */
ota_err device_settle(struct device *d, struct schema_fault *fault);

/** What the boot loader's port complained of last; "" = nothing. */
const char *device_boot_trouble(const struct device *d);

/** Take the state directory for oneself, without an agent. @return as device_open() */
ota_err device_lock(struct ota_posix_store *store, const struct agent_config *c, struct schema_fault *fault);

#endif
