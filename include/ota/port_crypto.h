/* SPDX-License-Identifier: Apache-2.0 */
/** @file Crypto port: hashes, signature checks and random bytes. ports/posix/crypto_psa.c serves every PSA Crypto API. */
#ifndef OTA_PORT_CRYPTO_H
#define OTA_PORT_CRYPTO_H

#include "ota/records.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ota_hash_alg { OTA_SHA256 = 0, OTA_SHA384 = 1, OTA_SHA512 = 2 };
#define OTA_HASH_LEN_MAX 64

/** @return digest length in bytes: 32, 48, 64 */
size_t ota_hash_len(enum ota_hash_alg alg);

/** Memory of one running hash; the port keeps its own struct in it. */
struct ota_hash {
    union {
        uint64_t align;
        void *align_ptr;
        uint8_t bytes[384];
    } opaque;
};

/** Public key kinds and their bytes. Ed25519 is optional: a port without it answers REJECT_KEY, and such a key signs nothing. */
enum ota_key_kind {
    OTA_KEY_P256 = 1,      /**< 65 bytes: 0x04 X Y */
    OTA_KEY_P384 = 2,      /**< 97 bytes: 0x04 X Y */
    OTA_KEY_RSA = 3,       /**< DER RSAPublicKey (RFC 8017 A.1.1); below 2048 bits, or with an exponent that is even or below 65537: REJECT_KEY */
    OTA_KEY_ED25519 = 4    /**< 32 bytes (RFC 8032 section 5.1.5) */
};

/**
 * Signature algorithms. ECDSA signatures are raw r||s (64 or 96 bytes).
 *
 * Ed25519 (RFC 8032 section 5.1.7, without a context) signs a message, not its digest, and needs no copy of it: the caller
 * hashes R || A || message, where R is the first half of the 64-byte signature and A the key, and gives that SHA-512 as
 * `hash`, 64 bytes. The port reduces it to k, and checks S*B = R + k*A. It must answer REJECT_SIGNATURE when S is not below
 * the group order or R is not the one encoding of its point, and REJECT_KEY when A is not, or has a small order.
 */
enum ota_sig_alg {
    OTA_SIG_ECDSA_SHA256 = 1,     /**< P-256 */
    OTA_SIG_ECDSA_SHA384 = 2,     /**< P-384 */
    OTA_SIG_RSA_PSS_SHA256 = 3,
    OTA_SIG_RSA_PSS_SHA384 = 4,
    OTA_SIG_RSA_PSS_SHA512 = 5,
    OTA_SIG_ED25519 = 6           /**< `hash` is SHA-512 of R, A and the message */
};

struct ota_crypto;
struct ota_crypto_ops {
    /** Start a hash in h. @return OTA_OK; DEVICE_CRYPTO when the service fails or lacks alg */
    ota_err (*hash_start)(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg);
    /** Add bytes. len may be 0. @return OTA_OK or DEVICE_CRYPTO */
    ota_err (*hash_add)(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len);
    /** Finish into out[ota_hash_len]; out == NULL abandons it. Frees what the port held. @return OTA_OK or DEVICE_CRYPTO */
    ota_err (*hash_end)(struct ota_crypto *c, struct ota_hash *h, uint8_t *out);
    /**
     * Check a signature over a digest.
     * @return OTA_OK only when it is valid; REJECT_SIGNATURE when it is not (also malformed or of the wrong length);
     *         REJECT_KEY when the key is malformed, not on the curve or not supported; DEVICE_CRYPTO when the service failed
     */
    ota_err (*verify)(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len);
    /** Fill with random bytes (jitter, nonces). @return OTA_OK or DEVICE_CRYPTO */
    ota_err (*random)(struct ota_crypto *c, void *out, size_t len);
};

/** First member of the port's own struct. */
struct ota_crypto {
    const struct ota_crypto_ops *ops;
};

#ifdef __cplusplus
}
#endif
#endif
