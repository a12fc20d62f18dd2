/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTAP_ED25519_H
#define OTAP_ED25519_H

#include "ota/port_crypto.h"

#define OTAP_ED25519_KEY_LEN 32
#define OTAP_ED25519_SIG_LEN 64

/* The check that OTA_SIG_ED25519 asks for. hash is SHA-512 of R, A and the message.
 * OTA_OK; REJECT_SIGNATURE; REJECT_KEY, also where Ed25519 is not built in; DEVICE_CRYPTO */
ota_err otap_ed25519_check(const uint8_t key[OTAP_ED25519_KEY_LEN], const uint8_t *hash, size_t hash_len, const uint8_t *sig,
                           size_t sig_len);

#endif
