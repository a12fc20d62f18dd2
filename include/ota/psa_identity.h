/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Identity in the key store of a PSA Crypto implementation (library ota_psa_identity): a persistent key that signs and cannot be
 * exported or copied. Where it lies is the platform's matter: a secure element, a secure partition, or, with Mbed TLS on a host, a
 * file in the current directory.
 *
 * Strength: OTA_STRENGTH_HW for a key whose lifetime says "primary secure element", else OTA_STRENGTH_SOFT: the API cannot tell a
 * secure partition from a file. PSA Crypto has no counters: they are a record of a store port, and nothing keeps that from going back.
 */
#ifndef OTA_PSA_IDENTITY_H
#define OTA_PSA_IDENTITY_H

#include "ota/port_identity.h"
#include "ota/port_store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_PSA_IDENTITY_KEY_ID UINT32_C(0x0f544101)
#define OTA_PSA_IDENTITY_RECORD "identity.counters" /**< 136 bytes, as the file of SPEC.md, 14.1 */

struct ota_psa_identity_config {
    uint32_t key_id;            /**< 0 = OTA_PSA_IDENTITY_KEY_ID */
    uint32_t lifetime;          /**< psa_key_lifetime_t of a key that is made; 0 = PSA_KEY_LIFETIME_PERSISTENT */
    struct ota_store *store;    /**< of counters; NULL = none: USAGE_UNSUPPORTED */
    const uint8_t *certificate; /**< chain in DER; NULL = none */
    size_t certificate_len;
};

struct ota_psa_identity {
    struct ota_identity port;
    struct ota_psa_identity_config cfg;
    uint8_t key[OTA_IDENTITY_KEY_LEN];
    uint8_t reg[OTA_IDENTITY_REGISTERS][OTA_SHA256_LEN]; /* since it was opened */
};

/**
 * Open, and on the first use make the key. What cfg points to must outlive s.
 * @return OTA_OK; USAGE_ARGUMENT; DEVICE_IDENTITY (PSA status): also "identity.key" when a key with that id may be exported, or is of another kind
 */
OTA_MUST_CHECK ota_err ota_psa_identity_open(struct ota_psa_identity *s, const struct ota_psa_identity_config *cfg, struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
