/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about attestation, and certificates that come of it. */
#ifndef AGENT_CONFIG_ATTEST_H
#define AGENT_CONFIG_ATTEST_H

#include "schema.h"

struct agent_attest {
    const char *url;              /* of the service; NULL = no attestation */
    const char *ca_file;          /* that the service's certificate is checked by; NULL = net.ca_file */
    const char *token_file;       /* registration token; NULL = the device is registered */
    const char *log;              /* file with what was measured at this start */
    const char *form;             /* "cose", "jwt"; NULL = "cose" */
    const char *implementation;   /* 64 hex digits; NULL = zeros */
    const char *application_file; /* where applications find their certificate; NULL = nowhere */
    uint32_t retry_cap_s;         /* 0 = the engine's default */
};

extern const struct schema agent_attest_schema;

/** @return false: *fault says which key is wrong */
bool agent_attest_check(const struct agent_attest *a, struct schema_fault *fault);

#endif
