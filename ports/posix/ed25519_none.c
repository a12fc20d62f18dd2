/* SPDX-License-Identifier: Apache-2.0 */
/* A build without libsodium: no release of Mbed TLS verifies Ed25519. */
#include "ed25519.h"

ota_err otap_ed25519_check(const uint8_t key[OTAP_ED25519_KEY_LEN], const uint8_t *hash, size_t hash_len, const uint8_t *sig,
                           size_t sig_len)
{
    (void)key;
    (void)hash;
    (void)hash_len;
    (void)sig;
    (void)sig_len;
    return OTA_REJECT_KEY;
}
