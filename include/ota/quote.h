/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Quotes of a TPM 2.0, checked where no TPM is: what ota_identity_ops.quote gives. An engine that is useful alone: bytes in, bytes out.
 *
 * A quote proves that the registers of the TPM with this key of quotes held these values after this challenge was made. Whose key that
 * is, and that it is in a TPM at all, is proven once: the TPM's maker certifies the endorsement key, a credential made for both keys
 * (ota_posix_credential_make()) can be opened by that TPM alone (ota_tpm_activate()).
 *
 * Sources: TPM 2.0 Library part 2, 10.12 (TPMS_ATTEST), 11.3 (TPMT_SIGNATURE), 12.2.4 (TPMT_PUBLIC); part 1, 16 (names).
 */
#ifndef OTA_QUOTE_H
#define OTA_QUOTE_H

#include "ota/port_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_TPM_NAME_LEN 34u /**< name of an object: 0x000b, SHA-256 of its TPMT_PUBLIC */

/** A quote to be checked, and against what. */
struct ota_quote_check {
    const uint8_t *quote; /**< TPM2B_ATTEST, TPMT_SIGNATURE */
    size_t len;
    const uint8_t *ak; /**< TPMT_PUBLIC of the key of quotes of that device */
    size_t ak_len;
    const uint8_t *nonce; /**< the challenge that was sent */
    size_t nonce_len;
    uint32_t registers;                      /**< exactly these must be quoted; 0: the device's key must be */
    const uint8_t (*values)[OTA_SHA256_LEN]; /**< what they must hold, the lowest first: such as ota_attest_log.chain */
    const uint8_t *key;                      /**< registers == 0: the device's key, 65 bytes */
};

/** What a quote says besides. */
struct ota_quote {
    uint64_t clock_ms;    /**< time that the TPM was powered; never goes back while resets stays */
    uint32_t resets;      /**< starts of the TPM; a start between two quotes shows here */
    uint32_t restarts;    /**< of them, and since, those from sleep */
    bool clock_safe;      /**< false: clock_ms may repeat what it was before the last start */
    uint64_t firmware;    /**< version, as the maker numbers it */
};

/**
 * Check a quote: signature first, then what it is of. After an error out is zero.
 * @param fault  may be NULL; gets the part, such as "quote.nonce"
 * @return OTA_OK; REJECT_SIGNATURE: by another key, or altered; REJECT_KEY: ak is not a restricted P-256 key that only its TPM has;
 *         REJECT_NONCE; REJECT_HASH: registers hold other values ("quote.registers"), or another key is certified ("quote.key");
 *         REJECT_SCOPE: other registers are quoted, or another bank; REJECT_SPEC: not a quote, or not with ECDSA and SHA-256;
 *         REJECT_SYNTAX: cut short, or longer than it says; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_quote_verify(const struct ota_quote_check *check, struct ota_crypto *c, struct ota_quote *out,
                                        struct ota_fault *fault);

/**
 * Do the entries of a log make its chain? For a log that came by any other way than ota_attest_verify(), which does it itself.
 * @return OTA_OK; REJECT_HASH: they do not; REJECT_VALUE: an entry is out of range, or there are too many; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_attest_replay(const struct ota_attest_log *log, struct ota_crypto *c);

/** Name of an object from its TPMT_PUBLIC. @return OTA_OK; DEVICE_CRYPTO */
OTA_MUST_CHECK ota_err ota_tpm_name(struct ota_crypto *c, const uint8_t *area, size_t len, uint8_t name[OTA_TPM_NAME_LEN]);

#ifdef __cplusplus
}
#endif
#endif
