/* SPDX-License-Identifier: Apache-2.0 */
/* The device's certificates: asked for at an attestation service, shown to update servers, laid out for applications. */
#ifndef AGENT_DEVICE_ATTEST_H
#define AGENT_DEVICE_ATTEST_H

#include "config.h"
#include "identity.h"
#include "ota/attest_client.h"
#include "ota/posix_sandbox.h"

struct device_attest {
    bool on;
    const struct agent_attest *cfg;
    struct ota_posix_net net;             /* to the service: shows no certificate */
    struct ota_posix_fetcher fetcher;     /* the same of an agent in two processes */
    struct ota_net *net_port;             /* the one that is open */
    struct agent_identity identity;       /* open for its key alone */
    struct ota_identity_signer signer;
    struct ota_posix_cert_keys keys;
    struct ota_attest_log log;
    struct ota_claims claims;
    struct ota_attest_client client;
    struct ota_store *store;
    struct ota_posix_net *shown_by;       /* to the update servers; NULL: by shown_beyond */
    struct ota_posix_fetcher *shown_beyond;
    uint8_t key[OTA_ATTEST_KEY_LEN];
    char token[132], update_file[4096];
    int64_t shown_s;                      /* end of the certificate that is shown; 0 = none is */
    ota_err told;                         /* what standard error heard last */
    char told_field[OTA_FAULT_WHERE_MAX];
};

struct device;
struct sandbox;

/** Does nothing without "attest" in the configuration. After an error nothing of it may be used. @return as device_open() */
ota_err device_attest_open(struct device *d, const struct agent_config *c, struct sandbox *held, struct schema_fault *fault);
void device_attest_close(struct device *d);

/** One step beside the agent's. *wait is made shorter where it has to be. @return true: there is a certificate now where none was */
bool device_attest_step(struct device *d, struct ota_wait *wait);

/** Step until nothing is to be done at once. */
void device_attest_settle(struct device *d, bool (*stopped)(void));

#endif
