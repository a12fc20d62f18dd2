/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of keys: a build with Ed25519. */
#ifndef OTAI_TUF_KINDS_H
#define OTAI_TUF_KINDS_H

#include "tuf_i.h"

#define TUF_SCHEMES_MORE { "ed25519", OTA_KEY_ED25519, OTA_SIG_ED25519, OTA_SHA512 },

static inline bool otai_tuf_is_ed25519(uint8_t kind)
{
    return kind == OTA_KEY_ED25519;
}

/* The key that text gives in hexadecimal, 32 bytes. 0: it is none. */
size_t otai_tuf_ed25519_key(struct otai_span text, uint8_t *out);
/* Make e->digest what the port checks such a key's signature against. REJECT_SIGNATURE, DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_tuf_ed25519_digest(struct tuf_envelope *e, const uint8_t *key, const uint8_t *sig, size_t len);

#endif
