/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about the device's identity. */
#ifndef AGENT_CONFIG_IDENTITY_H
#define AGENT_CONFIG_IDENTITY_H

#include "schema.h"

enum agent_identity_kind {
    AGENT_IDENTITY_NONE = 0,
    AGENT_IDENTITY_FILE,
    AGENT_IDENTITY_PSA,
    AGENT_IDENTITY_TPM
};

struct agent_identity_config {
    const char *kind_name;        /* NULL = no identity */
    const char *dir;              /* file: key, counters, registers; psa: counters */
    const char *tcti;             /* tpm */
    const char *owner_auth_file;  /* tpm: holds the owner's password; NULL = none */
    const char *certificate;      /* DER; NULL = none, or the file's own place */
    uint32_t key_id;              /* psa; 0 = the port's default */
    enum agent_identity_kind kind;   /* made from kind_name */
};

extern const struct schema agent_identity_schema;

/** Fill kind. @return false: *fault says which key is wrong */
bool agent_identity_read(struct agent_identity_config *c, struct schema_fault *fault);

#endif
