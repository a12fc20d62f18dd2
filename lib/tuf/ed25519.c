/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 signs the message itself, not its digest: what the port checks is hashed anew for each signature, from the same
 * streamed canonical form. */
#include "encode.h"
#include "kinds_ed25519.h"

#include <string.h>

#define KEY_LEN 32
#define SIG_LEN 64

size_t otai_tuf_ed25519_key(struct otai_span text, uint8_t *out)
{
    return text.len == 2 * KEY_LEN && otai_hex_decode(text, out, OTAI_HEX_ANY) ? KEY_LEN : 0;
}

/* RFC 8032 section 5.1.7, step 2: SHA-512 of R, A and the message. */
ota_err otai_tuf_ed25519_digest(struct tuf_envelope *e, const uint8_t *key, const uint8_t *sig, size_t len)
{
    struct tuf_hash h = { .crypto = e->t->cfg.crypto };
    uint8_t before[SIG_LEN / 2 + KEY_LEN];

    if (len != SIG_LEN)
        return OTA_REJECT_SIGNATURE;
    e->alg = 0; /* what stands in digest serves this signature only */
    memcpy(before, sig, SIG_LEN / 2);
    memcpy(before + SIG_LEN / 2, key, KEY_LEN);
    ota_err err = h.crypto->ops->hash_start(h.crypto, &h.hash, OTA_SHA512);
    if (err != OTA_OK)
        return err;
    err = h.crypto->ops->hash_add(h.crypto, &h.hash, before, sizeof before);
    if (err == OTA_OK)
        return otai_tuf_hash_rest(&h, OTA_SHA512 | TUF_CANONICAL, e->signed_text, e->digest);
    (void)h.crypto->ops->hash_end(h.crypto, &h.hash, NULL);
    return err;
}
