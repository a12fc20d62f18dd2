/* SPDX-License-Identifier: Apache-2.0 */
/* The authority of a group, and the certificates that it issues: X.509 by mbedTLS. */
#ifndef ATTEST_ISSUE_H
#define ATTEST_ISSUE_H

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "ota/attest_client.h"

#define ISSUE_PEM_MAX 4096u

struct issue_random {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
};

struct issuer {
    mbedtls_x509_crt cert; /* the authority's, then those above it */
    mbedtls_pk_context key;
    char name[256];        /* its subject, as text */
    struct issue_random *random;
};

struct issue_request {
    const uint8_t *key;    /* OTA_ATTEST_KEY_LEN bytes */
    const char *device_id, *product, *group, *use; /* use: "update" or "application" */
    const uint8_t *measurements; /* OTA_SHA256_LEN bytes */
    enum ota_strength strength;
    int64_t not_before_s, not_after_s;
};

/* false: the system has no randomness. */
bool issue_random_open(struct issue_random *r);
void issue_random_close(struct issue_random *r);

/* Read an authority and see that a certificate of it is believed. false: *why says what is wrong; close it all the same. */
bool issuer_open(struct issuer *i, const char *cert_file, const char *key_file, struct issue_random *random, const char **why);
void issuer_close(struct issuer *i);

/* Issue: PEM of the certificate, and of those above it where they are no roots. OTA_OK; DEVICE_CRYPTO */
ota_err issue(struct issuer *i, const struct issue_request *r, char pem[ISSUE_PEM_MAX]);

/* Read a private key from a file in PEM; what mbedTLS 2 and 3 do differently. 0 as mbedTLS says. */
int issue_read_key(mbedtls_pk_context *key, const char *path, struct issue_random *random);

#endif
