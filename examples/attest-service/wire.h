/* SPDX-License-Identifier: Apache-2.0 */
/* What devices say and are told: JSON, read strictly. Members that are not known are checked and ignored. */
#ifndef ATTEST_WIRE_H
#define ATTEST_WIRE_H

#include "ota/attest_client.h"

#define WIRE_VERSION 1u
#define WIRE_BODY_MAX 16384u     /* bytes of a request's body */
#define WIRE_EVIDENCE_MAX 8192u  /* bytes of evidence, decoded */
#define WIRE_TOKEN_MAX 128u      /* characters of a registration token */
#define WIRE_NONCE_ID_LEN 16u
#define WIRE_ANSWER_MAX 16384u

struct wire_attest {
    uint8_t nonce_id[WIRE_NONCE_ID_LEN];
    uint8_t key[OTA_ATTEST_KEY_LEN]; /* the device's */
    uint8_t update_key[OTA_ATTEST_KEY_LEN], application_key[OTA_ATTEST_KEY_LEN];
    uint8_t update_proof[OTA_ATTEST_SIG_LEN], application_proof[OTA_ATTEST_SIG_LEN];
    char token[WIRE_TOKEN_MAX + 1]; /* "" = none */
    enum ota_token_form form;
    size_t evidence_len;
    uint8_t evidence[WIRE_EVIDENCE_MAX];
};

/* OTA_OK; REJECT_SYNTAX, _TYPE, _VALUE, _MISSING, _DUPLICATE, _LIMIT, _SPEC (another version) with the member in *fault. */
ota_err wire_read_start(const char *text, size_t len, struct ota_fault *fault);
ota_err wire_read_attest(const char *text, size_t len, struct wire_attest *out, struct ota_fault *fault);

struct wire_grant {
    uint8_t measurements[OTA_SHA256_LEN];
    const char *product, *group;
    int64_t not_before_s, not_after_s;
    const char *update;      /* certificate in PEM, with its issuers where they are no root */
    const char *application; /* NULL: none, because ... */
    const char *outdated;    /* ... this measurement is of a release that may do nothing but update itself; NULL = none is */
};

/* Write an answer, NUL-terminated. @return its length; 0: does not fit */
size_t wire_put_nonce(const uint8_t id[WIRE_NONCE_ID_LEN], const uint8_t nonce[OTA_ATTEST_CHALLENGE_LEN], uint32_t expires_s,
                      char *out, size_t cap);
size_t wire_put_grant(const struct wire_grant *g, char *out, size_t cap);
size_t wire_put_refusal(ota_err err, const char *field, char *out, size_t cap);

#endif
