/* SPDX-License-Identifier: Apache-2.0 */
/* The device's identity, as the configuration names it. */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H

#include "config.h"
#include "ota/posix.h"
#include "ota/posix_identity.h"
#include "ota/psa_identity.h"
#include "ota/tpm.h"

#define AGENT_CERTIFICATE_MAX 16384u

struct agent_identity {
    union {
        struct ota_posix_identity file;
        struct ota_psa_identity psa;
        struct ota_tpm tpm;
    } as;
    struct ota_identity *port;      /* of the one that is open; NULL = none */
    enum agent_identity_kind kind;
    struct ota_posix_store store;   /* psa: of counters */
    bool has_store;
    uint8_t certificate[AGENT_CERTIFICATE_MAX];   /* psa */
    char owner_auth[65];            /* tpm */
};

/** @return OTA_OK, or an error with *fault naming the place; USAGE_CONFIG: none is configured */
ota_err agent_identity_open(struct agent_identity *i, const struct agent_identity_config *c, struct ota_fault *fault);
void agent_identity_close(struct agent_identity *i);
/** Whoever holds it for long and only signs: the folder of a "psa" identity's counters is free for others. No counter may be used then. */
void agent_identity_key_only(struct agent_identity *i);

/** Device id of the configured identity. */
ota_err agent_identity_device_id(const struct agent_identity_config *c, char id[OTA_IDENTITY_DEVICE_ID_LEN], struct ota_fault *fault);

#endif
