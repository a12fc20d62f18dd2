/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the client of an attestation service: what is said, what is stored. */
#ifndef OTAI_ATTEST_CLIENT_H
#define OTAI_ATTEST_CLIENT_H

#include "bytes.h"
#include "ota/attest_client.h"

/* ---- what is said ---- */

struct otai_attest_nonce {
    char id[33]; /* 32 hex digits */
    uint8_t value[OTA_ATTEST_CHALLENGE_LEN];
    uint32_t expires_s;
};

/* Certificates are raw JSON strings in the answer's own bytes. */
struct otai_attest_grant {
    uint8_t measurements[OTA_SHA256_LEN];
    int64_t not_before_s, not_after_s;
    struct otai_span certificate[OTA_CERTIFICATES]; /* {NULL, 0}: none */
    char outdated[OTA_FAULT_WHERE_MAX];
};

struct otai_attest_refusal {
    char error[32], field[OTA_FAULT_WHERE_MAX];
};

/* OTA_OK; REJECT_* with the member in *fault, such as "answer.nonce". */
ota_err otai_attest_read_nonce(const void *text, size_t len, struct otai_attest_nonce *out, struct ota_fault *fault);
ota_err otai_attest_read_grant(const void *text, size_t len, struct otai_attest_grant *out, struct ota_fault *fault);
/* A refusal that cannot be read has empty words. */
void otai_attest_read_refusal(const void *text, size_t len, struct otai_attest_refusal *out);

/* Everything of a request but the challenge's own. */
struct otai_attest_answer {
    const char *nonce_id;
    const uint8_t *key, *update_key, *application_key;
    const uint8_t *update_proof, *application_proof;
    enum ota_token_form form;
    struct otai_span evidence;
    const char *token; /* NULL = none */
};

/* Write a request. @return its length; 0: does not fit */
size_t otai_attest_put_start(char *out, size_t cap);
size_t otai_attest_put_answer(const struct otai_attest_answer *r, char *out, size_t cap);

/* Decode a certificate's PEM from its raw JSON string behind *len bytes of out. Checks that it is PEM and nothing else, and that
 * the first certificate is of `key`; scratch holds its DER. OTA_OK; REJECT_SYNTAX, REJECT_LIMIT, REJECT_KEY */
ota_err otai_attest_take_certificate(struct otai_span raw, const uint8_t key[OTA_ATTEST_KEY_LEN], uint8_t *out, size_t cap, size_t *len,
                                     uint8_t *scratch, size_t scratch_cap);

/* ---- what is stored ---- */

#define OTAI_ATTEST_HEAD_LEN 120u /* of the record, before the two bundles and the CRC */

struct otai_attest_head {
    uint8_t measurements[OTA_SHA256_LEN];
    int64_t not_before_s, not_after_s, renew_at_s;
    uint32_t len[OTA_CERTIFICATES]; /* of the bundles; 0 = none */
    char outdated[OTA_FAULT_WHERE_MAX];
};

/* Complete the record in p, where the bundles stand already. @return its length */
size_t otai_attest_put_head(uint8_t *p, const struct otai_attest_head *h);
/* false: no such record, or damaged. */
bool otai_attest_get_head(const uint8_t *p, size_t len, struct otai_attest_head *h);
const uint8_t *otai_attest_bundle(const uint8_t *p, const struct otai_attest_head *h, enum ota_certificate which);

/* Take over what was stored by an earlier run, if it is for what was started this time; else remove it. */
ota_err otai_attest_load(struct ota_attest_client *a, struct ota_fault *fault);
/* Let both certificates' records, and the status, be what the whole record in `p` says, which was stored before. Uses `in`. */
ota_err otai_attest_follow(struct ota_attest_client *a, const uint8_t *p, const struct otai_attest_head *h, struct ota_fault *fault);
/* Remove everything, and let the status say why. */
ota_err otai_attest_drop(struct ota_attest_client *a, ota_err why, const char *where, struct ota_fault *fault);

const char *otai_attest_record_name(enum ota_certificate which);

#endif
