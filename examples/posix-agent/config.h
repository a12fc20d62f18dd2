/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's configuration file. Its members are described in README.md beside this file. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "config_attest.h"
#include "config_identity.h"
#include "config_monitor.h"
#include "config_owner.h"
#include "config_policy.h"
#include "config_telemetry.h"
#include "config_sandbox.h"
#include "ota/config.h"
#include "schema.h"

#define AGENT_CONFIG_MAX 65536u   /* bytes of a configuration file */
#define AGENT_DELTA_MEMORY 1048576u   /* limits.delta_memory likewise: enough for the smallest deltas that ota-repo makes */
#define AGENT_BLOCK 1048576u   /* limits.block where the file has none: a disk syncs 1 MiB at about the price of 64 KiB */
#define AGENT_KEY_BYTES (24 * 526) /* limits.key_bytes where the file has none: roots with any keys, also 24 of RSA-4096 */
#define AGENT_UTC_FLOOR 1735689600   /* times.utc_floor_s where the file has none, 2025: a clock before this program is not set */
#define AGENT_APPLICATIONS_MAX 8u /* users that may ask the running agent */
#define AGENT_PROVIDES_MAX 8u     /* what the device provides by itself */
#define AGENT_PREFIXES_MAX 8u     /* path prefixes of one repository */

struct agent_slot {
    const char *file, *block;     /* exactly one of them */
    uint64_t size;                /* file: create it with this size; 0 = it must exist */
};

struct agent_package {
    const char *key;              /* public key in PEM; NULL = images need not be packages */
    const char *component;        /* NULL = any */
    uint32_t security_min;
};

struct agent_component {
    const char *name;
    struct agent_slot slot[2];
    size_t slot_count;            /* 2 */
    const char *factory_version;  /* NULL = unknown */
    bool removable;               /* taken out by a deployment that does not name it */
    struct agent_package package;
    const char *pin;              /* version at which it stays; NULL = none */
};

struct agent_repo {
    const char *name, *metadata_url, *targets_url;
    const char *prefixes[AGENT_PREFIXES_MAX + 1];
    const char *root;             /* file with the factory root metadata */
};

struct agent_boot {
    const char *type, *path;      /* path: what the type needs, see README.md; NULL = the type's default */
    const char *record;           /* loaders: boot record beside their variables; NULL = in the state directory */
    const char *slots[3];         /* what the loader calls the slots, [2] is NULL; [0] NULL = "A", "B" */
    const char *variable;         /* "uboot-bootcount": names the slot to start */
    uint8_t attempts;             /* 0 = the port's default */
    uint32_t timeout_s;           /* 0 = the port's default */
    const char *reboot[AGENT_ARGS_MAX + 1];   /* [0] NULL: the agent only leaves */
};

struct agent_health {
    const char *command[AGENT_ARGS_MAX + 1];  /* [0] NULL: judged by `confirm` and `reject` */
    uint32_t timeout_s;           /* 0 = the port's default */
};

struct agent_net {
    const char *ca_file, *client_cert, *client_key, *proxy;   /* NULL = none */
};

struct agent_attribute {
    const char *key, *value;
};

struct agent_hawkbit {
    const char *url, *tenant, *controller_id;   /* url NULL: no hawkBit */
    const char *target_token_file, *gateway_token_file;
    const char *consent;          /* NULL = "confirm" */
    struct agent_attribute attribute[OTA_HAWKBIT_ATTRIBUTES_MAX];
    size_t attribute_count;
    bool replace_attributes;
    const char *installed_set;
    uint32_t poll_min_s, poll_max_s, look_s;
};

struct agent_application {
    uint32_t uid;
};

/* Everything in the file. Texts belong to `tree`. */
struct agent_config {
    uint8_t director;
    const char *product, *group, *state_dir, *runtime_dir, *report_url;
    const char *device_id;        /* NULL: the identity's */
    struct agent_identity_config identity;
    struct agent_component component[OTA_COMPONENTS_MAX];
    size_t component_count;
    struct agent_repo repo[OTA_REPOS_MAX];
    size_t repo_count;
    struct agent_boot boot;
    struct agent_health health;
    struct agent_net net;
    struct agent_hawkbit hawkbit;
    struct agent_policy policy;
    struct agent_attest attest;
    struct agent_telemetry telemetry;
    struct agent_sandbox sandbox;
    struct agent_monitor monitor;
    struct agent_owner owner;
    uint8_t tries;
    bool plain_http;
    struct ota_limits limits;
    struct ota_times times;
    struct ota_provided provides[AGENT_PROVIDES_MAX];
    size_t provides_count;
    struct agent_application application[AGENT_APPLICATIONS_MAX];
    size_t application_count;
    uint32_t system_turn_s, app_turn_s;
    struct cJSON *tree;
};

/**
 * Parse a configuration. text needs no NUL.
 * @return false: *fault says what is wrong; *c is then empty. On true the caller ends with agent_config_free()
 */
bool agent_config_parse(struct agent_config *c, const char *text, size_t len, struct schema_fault *fault);

/** Read and parse a file. @return as agent_config_parse() */
bool agent_config_load(struct agent_config *c, const char *path, struct schema_fault *fault);

/** Free what a configuration owns. Harmless on an empty one. */
void agent_config_free(struct agent_config *c);

#endif
