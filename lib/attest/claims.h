/* SPDX-License-Identifier: Apache-2.0 */
/* What both forms of a token have in common: the rules of claims, and the keys of RFC 9783. */
#ifndef OTAI_ATTEST_CLAIMS_H
#define OTAI_ATTEST_CLAIMS_H

#include "cbor.h"
#include "ota/attest.h"

/* RFC 9783 section 4, and one of our own (RFC 8392 leaves the integers below -65536 to whoever uses them). */
enum {
    OTAI_CLAIM_NONCE = 10,
    OTAI_CLAIM_INSTANCE = 256,
    OTAI_CLAIM_PROFILE = 265,
    OTAI_CLAIM_BOOT_SEED = 268,
    OTAI_CLAIM_CLIENT = 2394,
    OTAI_CLAIM_LIFECYCLE = 2395,
    OTAI_CLAIM_IMPLEMENTATION = 2396,
    OTAI_CLAIM_COMPONENTS = 2399,
    OTAI_CLAIM_STRENGTH = -70001
};
enum { OTAI_ENTRY_TYPE = 1, OTAI_ENTRY_DIGEST = 2, OTAI_ENTRY_VERSION = 4, OTAI_ENTRY_SIGNER = 5 };

/* "image/os" with its NUL. */
#define OTAI_WHAT_MAX (sizeof "config/" + OTA_NAME_MAX)

void otai_what(const struct ota_measurement *m, char out[OTAI_WHAT_MAX]);
/* false: not "<kind>/<name>". */
bool otai_what_parse(struct otai_span text, struct ota_measurement *m);

enum ota_strength otai_strength_parse(struct otai_span text);

bool otai_measurement_ok(const struct ota_measurement *m);
/* Name of the claim that is out of range; NULL if none is. */
const char *otai_claims_flaw(const struct ota_claims *c);
/* Is that kind and name in the log? */
bool otai_is_measured(const struct ota_attest_log *log, const struct ota_measurement *m);

/* The entry of a measurement in a token, and what a register is extended with the digest of. */
void otai_put_entry(struct otai_out *o, const struct ota_measurement *m);
#define OTAI_ENTRY_LEN_MAX 160u

ota_err otai_hash(struct ota_crypto *c, const struct otai_span *parts, size_t count, uint8_t out[OTA_SHA256_LEN]);

/* What a COSE_Sign1 with ES256 signs (RFC 9052 section 4.4). */
ota_err otai_cose_digest(struct ota_crypto *c, struct otai_span payload, uint8_t out[OTA_SHA256_LEN]);
/* Does a JWS header name ES256, and nothing that had to be understood? */
bool otai_jwt_is_es256(struct otai_span header);

/* Claims and log of a token whose signature was right. */
ota_err otai_read_cose(struct otai_span payload, struct ota_crypto *c, struct ota_claims *claims, struct ota_attest_log *log,
                       struct ota_fault *fault);
ota_err otai_read_jwt(struct otai_span payload, struct ota_crypto *c, struct ota_claims *claims, struct ota_attest_log *log,
                      struct ota_fault *fault);

struct otai_json;
/* An array of entries in JSON, appended to the log. */
void otai_take_log(struct otai_json *j, struct ota_crypto *c, struct ota_attest_log *log);

/* Base64url without padding (RFC 7515 section 2). */
#define OTAI_BASE64URL_LEN(n) ((n) / 3u * 4u + ((n) % 3u ? (n) % 3u + 1u : 0u))
void otai_put_base64url(struct otai_out *o, const uint8_t *p, size_t len);
/* Decode into out, which holds text.len bytes; false: a foreign character, a length that is none, or bits behind the last byte. */
bool otai_base64url_decode(struct otai_span text, uint8_t *out, size_t *len);

#endif
