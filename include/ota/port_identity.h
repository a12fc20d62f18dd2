/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Identity port: the one key that signs for this device, certificates about it, random bytes, counters that never go back, and
 * registers that hold what was started and can be quoted. Back-ends: a file, PSA Crypto, a TPM 2.0 (ota/posix.h), memory (ota/ram.h).
 *
 * `strength` and `rollback` say what the back-end is worth. A back-end must never say more than it found: a simulated TPM is
 * soft, and a counter in a file that a backup can bring back has no protection. What a back-end does not have at all it answers
 * with USAGE_UNSUPPORTED, always; what merely is not there on this device with DEVICE_ABSENT.
 *
 * Functions may block for as long as the thing behind them takes: a TPM up to some seconds, a file for a sync. One thread at a
 * time. After DEVICE_IDENTITY the next call tries anew, connecting again if need be: a back-end that went away and came back
 * works, but only while it is the same device (the same key), otherwise it goes on answering DEVICE_IDENTITY.
 */
#ifndef OTA_PORT_IDENTITY_H
#define OTA_PORT_IDENTITY_H

#include "ota/attest.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_IDENTITY_KEY_LEN 65u    /**< a public key: 0x04 X Y on P-256 */
#define OTA_IDENTITY_COUNTERS 8u    /**< counters 0..7 */
#define OTA_IDENTITY_REGISTERS 24u  /**< registers 0..23: a TPM's PCRs of its SHA-256 bank */
#define OTA_IDENTITY_QUOTE_MAX 1024u /**< no quote is longer */
#define OTA_IDENTITY_RANDOM_MAX 1024u

/** What counters are for. Numbers are stable; the others are the owner's. */
enum ota_identity_counter {
    OTA_COUNTER_SECURITY = 0, /**< 0..3: lowest security version that component n may run */
    OTA_COUNTER_OWNER = 4     /**< version of the claim: which transfer of ownership was the last (ota/owner.h) */
};

/** What an identity can be asked for. Numbers are stable. */
enum ota_identity_item {
    OTA_IDENTITY_KEY = 1,            /**< public key of the device: OTA_IDENTITY_KEY_LEN bytes */
    OTA_IDENTITY_CERTIFICATE = 2,    /**< of that key: X.509 in DER, the device's own first, each issuer's right behind it */
    OTA_IDENTITY_AK = 3,             /**< the key that signs quotes and nothing else: TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4) */
    OTA_IDENTITY_EK = 4,             /**< endorsement key: TPMT_PUBLIC */
    OTA_IDENTITY_EK_CERTIFICATE = 5, /**< of the endorsement key, by the TPM's maker: X.509 in DER */
    OTA_IDENTITY_REGISTER = 0x100    /**< + n: what register n holds, OTA_SHA256_LEN bytes */
};

/** What is to be quoted. */
struct ota_quote_request {
    const uint8_t *nonce; /**< the verifier's challenge */
    size_t nonce_len;     /**< 1..32 */
    uint32_t registers;   /**< bit n: register n. 0: not registers but the device's key: that it lives beside the key that signs */
};

struct ota_identity;
struct ota_identity_ops {
    /**
     * Read an item. *len gets its whole length, also when it does not fit. Repeating is safe.
     * @return OTA_OK; USAGE_MEMORY: longer than cap, buf is then undefined; DEVICE_ABSENT: none on this device; USAGE_UNSUPPORTED;
     *         USAGE_ARGUMENT: no such item or register; DEVICE_IDENTITY
     */
    ota_err (*get)(struct ota_identity *s, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code);
    /**
     * Sign a SHA-256 digest with the device's key: r and s of ECDSA. Repeating is safe; two signatures may differ.
     * @return OTA_OK; DEVICE_IDENTITY: sig is then undefined
     */
    ota_err (*sign)(struct ota_identity *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code);
    /** Fill with random bytes fit for keys. @param len  0..OTA_IDENTITY_RANDOM_MAX. @return OTA_OK; USAGE_ARGUMENT; DEVICE_IDENTITY */
    ota_err (*random)(struct ota_identity *s, void *out, size_t len, int32_t *port_code);
    /**
     * Raise a counter to at least a value, and read it: 0 only reads. A counter that was never raised is 0. After OTA_OK the value is
     * durable; an error or a power cut leaves it anywhere between the old value and at_least, never below. Repeating is safe. A
     * TPM counts in steps of one, some milliseconds each, and refuses a raise by more than OTA_IDENTITY_RAISE_MAX.
     * @return OTA_OK; USAGE_ARGUMENT: which; REJECT_LIMIT: raised too far at once, nothing changed; USAGE_UNSUPPORTED; DEVICE_IDENTITY
     */
    ota_err (*counter)(struct ota_identity *s, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *port_code);
    /**
     * Extend a register: SHA-256(register, digest). Registers begin with zero at the start of the device and are never set back
     * before the next. NOT safe to repeat: after DEVICE_IDENTITY read the register (OTA_IDENTITY_REGISTER) to know whether it was done.
     * @return OTA_OK; USAGE_ARGUMENT; USAGE_UNSUPPORTED; DEVICE_IDENTITY
     */
    ota_err (*extend)(struct ota_identity *s, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *port_code);
    /**
     * Have registers, or the device's key, signed together with a challenge, by a key that signs nothing made elsewhere. out gets
     * TPM2B_ATTEST, then TPMT_SIGNATURE (TPM 2.0 part 2, 10.12.13 and 11.3.4): what ota_quote_verify() (ota/quote.h) reads. Repeating is safe.
     * @return OTA_OK; USAGE_MEMORY; USAGE_ARGUMENT; USAGE_UNSUPPORTED: only a TPM quotes; DEVICE_IDENTITY
     */
    ota_err (*quote)(struct ota_identity *s, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len,
                     int32_t *port_code);
};

#define OTA_IDENTITY_RAISE_MAX 4096u

/** First member of the port's own struct. */
struct ota_identity {
    const struct ota_identity_ops *ops;
    enum ota_strength strength; /**< where the key lives; set when it was opened */
    enum ota_strength rollback; /**< what keeps counters from going back: OTA_STRENGTH_NONE = nothing does */
};

/* ------------------------------------------------------------------------------- above any identity (OTA_ATTEST) -- */

/** Signs evidence with an identity. */
struct ota_identity_signer {
    struct ota_signer port;
    struct ota_identity *identity;
    int32_t port_code; /**< of the last signature that failed */
};

/** @param identity  must outlive s */
void ota_identity_signer_init(struct ota_identity_signer *s, struct ota_identity *identity);

#define OTA_IDENTITY_DEVICE_ID_LEN 65u /**< with NUL */

/**
 * The device's name: SHA-256 of its public key's 65 bytes, in hex digits; fits ota_config.device_id, and is the instance id of its
 * evidence without the first byte.
 * @param fault  may be NULL
 * @return OTA_OK; DEVICE_IDENTITY, USAGE_UNSUPPORTED, DEVICE_ABSENT: no key; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_identity_device_id(struct ota_identity *s, struct ota_crypto *c, char out[OTA_IDENTITY_DEVICE_ID_LEN],
                                              struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
