/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Attestation: what was started on this device, measured before it ran, and evidence of it that others can check. An engine
 * that is useful alone: bytes in, bytes out, no I/O, no allocation.
 *
 *     struct ota_attest_log log = { 0 };
 *     ota_attest_extend(&log, crypto, &boot);            before the boot supervisor's image runs
 *     ota_attest_extend(&log, crypto, &os);              ...
 *     ota_attest_cose(&claims, &log, signer, crypto, token, sizeof token, &len, NULL);
 *
 * and where it is checked: ota_attest_verify(), then ota_attest_appraise() against the digests that the maker released.
 *
 * Evidence is worth as much as the place where its key lives and as the code that measured. `strength` says which it is:
 * evidence of OTA_STRENGTH_SOFT proves possession of a file and integrity on the way, no more. Therefore a device of that
 * strength cannot claim a secured lifecycle here: both writer and verifier refuse it.
 *
 * Sources: RFC 9711 (Entity Attestation Token), RFC 9783 (PSA token), RFC 9052 (COSE_Sign1), RFC 7515 and 7518 (JWS, ES256),
 * RFC 8949 (CBOR). Every byte stands in SPEC.md, "Evidence".
 */
#ifndef OTA_ATTEST_H
#define OTA_ATTEST_H

#include "ota/port_crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_ATTEST_LOG_MAX 20   /**< measurements of one start */
#define OTA_ATTEST_NONCE_MAX 64 /**< a challenge has 32, 48 or 64 bytes (RFC 9783 section 4.1.1) */
#define OTA_ATTEST_SEED_MAX 32
#define OTA_ATTEST_INSTANCE_LEN 33 /**< 0x01, then SHA-256 of the public key (RFC 9783 section 4.2.1) */
#define OTA_ATTEST_SIG_LEN 64      /**< r and s of ECDSA on P-256 */

/** `eat_profile` of tokens in CBOR (RFC 9783) and in JSON. */
#define OTA_ATTEST_PROFILE_COSE "tag:psacertified.org,2023:psa#tfm"
#define OTA_ATTEST_PROFILE_JWT "urn:x-libota:evidence:1"

/** Where the device's key lives, weakest first. Numbers are stable. */
enum ota_strength {
    OTA_STRENGTH_NONE = 0, /**< not said */
    OTA_STRENGTH_SOFT = 1, /**< a file, or memory that the measured code can read */
    OTA_STRENGTH_TPM = 2,  /**< a TPM beside the processor */
    OTA_STRENGTH_HW = 3    /**< the processor's own root of trust or a secure element */
};

/** @return "soft", "tpm", "hw"; "none" for anything else. Never NULL. */
const char *ota_strength_name(enum ota_strength s);

/** What was measured. Numbers are stable. */
enum ota_measured {
    OTA_MEASURED_BOOT = 1,   /**< boot loader or supervisor */
    OTA_MEASURED_IMAGE = 2,  /**< image of a component */
    OTA_MEASURED_CONFIG = 3, /**< a configuration */
    OTA_MEASURED_TRUST = 4   /**< trusted metadata of a repository: its versions */
};

/** @return "boot", "image", "config", "trust"; "none" for anything else. Never NULL. */
const char *ota_measured_name(enum ota_measured kind);

/** One measurement. */
struct ota_measurement {
    enum ota_measured kind;
    char name[OTA_NAME_MAX];        /**< component, repository, ...: 1..31 characters of [a-z0-9-] */
    char version[OTA_VERSION_MAX];  /**< printable ASCII without '"' and '\'; "" = none */
    uint8_t digest[OTA_SHA256_LEN]; /**< SHA-256 of what was measured */
    uint8_t signer[OTA_SHA256_LEN]; /**< SHA-256 of the key that vouches for it; all zero = nobody does */
};

/** All measurements of one start, in order. Begin with all zero. */
struct ota_attest_log {
    size_t count;
    uint8_t chain[OTA_SHA256_LEN]; /**< what a register holds that every measurement extended: SHA-256(chain, SHA-256(entry)) */
    struct ota_measurement entry[OTA_ATTEST_LOG_MAX];
};

/** What a token says beside the log. */
struct ota_claims {
    uint8_t nonce[OTA_ATTEST_NONCE_MAX];
    size_t nonce_len;                          /**< 32, 48 or 64 */
    uint8_t instance[OTA_ATTEST_INSTANCE_LEN]; /**< of ota_attest_instance() */
    uint8_t implementation[OTA_SHA256_LEN];    /**< which hardware model and immutable code this is */
    int32_t client_id;                         /**< who asked: negative = not from the secure world; never 0 */
    uint16_t lifecycle;                        /**< RFC 9783 section 4.3.1: 0x0000..0x60ff; 0x30xx = secured; soft: 0x00xx */
    uint8_t boot_seed[OTA_ATTEST_SEED_MAX];    /**< random, new at each start */
    size_t boot_seed_len;                      /**< 8..32; 0 = none */
    enum ota_strength strength;                /**< SOFT, TPM or HW */
};

struct ota_signer;
struct ota_signer_ops {
    /** Sign a SHA-256 digest with the device's P-256 key: r and s. May block. @return OTA_OK; DEVICE_CRYPTO; DEVICE_IDENTITY */
    ota_err (*sign)(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN]);
};

/** Signs for the device. First member of the owner's own struct. */
struct ota_signer {
    const struct ota_signer_ops *ops;
};

/** The form of a token. */
enum ota_token_form { OTA_TOKEN_COSE = 1, OTA_TOKEN_JWT = 2 };

/** Instance id of a P-256 public key of 65 bytes. @return OTA_OK; DEVICE_CRYPTO */
OTA_MUST_CHECK ota_err ota_attest_instance(struct ota_crypto *c, const uint8_t key[65], uint8_t out[OTA_ATTEST_INSTANCE_LEN]);

/** Digest with which a measurement extends a register (a TPM's PCR, or log->chain). @return OTA_OK; DEVICE_CRYPTO; USAGE_ARGUMENT */
OTA_MUST_CHECK ota_err ota_attest_digest(struct ota_crypto *c, const struct ota_measurement *m, uint8_t out[OTA_SHA256_LEN]);

/**
 * Append a measurement. Call it before what was measured may run. Nothing is changed by an error.
 * @return OTA_OK; USAGE_ARGUMENT: a field is out of range, or that kind and name was measured already; REJECT_LIMIT: the log is
 *         full; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_attest_extend(struct ota_attest_log *log, struct ota_crypto *c, const struct ota_measurement *m);

/**
 * A log as text, by which a boot stage hands what it measured to what it starts: `{"version":1,"log":[...]}`, entries as in a JWT
 * (SPEC.md, section 14). Whoever can change the text can change the log: only a register that was extended beside it shows that.
 * @param len  gets the text's length, without NUL, also when it does not fit
 * @return OTA_OK; USAGE_MEMORY: cap is too small
 */
OTA_MUST_CHECK ota_err ota_attest_log_write(const struct ota_attest_log *log, char *out, size_t cap, size_t *len);
/**
 * @param log    gets the measurements; all zero after an error
 * @param fault  may be NULL; gets the member, such as "measurements.log[2].digest"
 * @return OTA_OK; REJECT_SYNTAX, _TYPE, _VALUE, _MISSING, _DUPLICATE, _LIMIT, REJECT_SPEC: another version; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_attest_log_read(const void *text, size_t len, struct ota_crypto *c, struct ota_attest_log *log,
                                           struct ota_fault *fault);

/**
 * Write evidence, as COSE_Sign1 with ES256 (ota_attest_cose) or as a JWT (ota_attest_jwt, not NUL-terminated).
 * @param len    gets the token's length, also when it does not fit: then what is needed
 * @param fault  may be NULL; gets the claim that is wrong
 * @return OTA_OK; USAGE_ARGUMENT: a claim is out of range, or a soft key claims a secured lifecycle; USAGE_MEMORY: cap is too
 *         small, out is then undefined; DEVICE_CRYPTO; what the signer answers
 */
OTA_MUST_CHECK ota_err ota_attest_cose(const struct ota_claims *claims, const struct ota_attest_log *log,
                                       struct ota_signer *signer, struct ota_crypto *c, uint8_t *out, size_t cap, size_t *len,
                                       struct ota_fault *fault);
OTA_MUST_CHECK ota_err ota_attest_jwt(const struct ota_claims *claims, const struct ota_attest_log *log,
                                      struct ota_signer *signer, struct ota_crypto *c, uint8_t *out, size_t cap, size_t *len,
                                      struct ota_fault *fault);

/** A token to be checked, and against what. */
struct ota_attest_check {
    enum ota_token_form form;
    const uint8_t *token;
    size_t len;
    const uint8_t *key;   /**< the device's P-256 public key, 65 bytes: found by its instance id, or from its certificate */
    const uint8_t *nonce; /**< the challenge that was sent */
    size_t nonce_len;
    void *work; /**< a JWT needs len bytes here, COSE none */
    size_t work_len;
};

/**
 * Check a token's signature, form, challenge and instance. Only then are claims and log filled; after an error both are zero.
 * @param fault  may be NULL; gets the claim, such as "evidence.nonce"
 * @return OTA_OK; REJECT_SIGNATURE, REJECT_KEY; REJECT_NONCE: made for another challenge; REJECT_SCOPE: from another device than
 *         the key's; REJECT_SPEC: another profile or algorithm; REJECT_SYNTAX, _TYPE, _VALUE, _MISSING, _DUPLICATE, _LIMIT;
 *         USAGE_MEMORY: work is too small; USAGE_ARGUMENT; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_attest_verify(const struct ota_attest_check *check, struct ota_crypto *c, struct ota_claims *claims,
                                         struct ota_attest_log *log, struct ota_fault *fault);

/** A value that a measurement may have. Several of one kind and name: any of them will do. */
struct ota_reference {
    enum ota_measured kind;
    const char *name;
    uint8_t digest[OTA_SHA256_LEN];
    bool required; /**< without any measurement of that kind and name the log is refused */
};

/**
 * Compare a log with reference values. Every measurement of a boot stage or an image must have one.
 * @param fault  may be NULL; gets the measurement, such as "image/os"
 * @return OTA_OK; REJECT_HASH: measured otherwise; REJECT_TARGET: nothing is known of that measurement; REJECT_MISSING: a required one
 *         was not measured
 */
OTA_MUST_CHECK ota_err ota_attest_appraise(const struct ota_attest_log *log, const struct ota_reference *refs, size_t count,
                                           struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
