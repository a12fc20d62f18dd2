/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of keys: a build without Ed25519, to which such a key is of an unknown kind. Costs nothing: all of it folds away. */
#ifndef OTAI_TUF_KINDS_H
#define OTAI_TUF_KINDS_H

#include "tuf_i.h"

#define TUF_SCHEMES_MORE

static inline bool otai_tuf_is_ed25519(uint8_t kind)
{
    (void)kind;
    return false;
}

static inline size_t otai_tuf_ed25519_key(struct otai_span text, uint8_t *out)
{
    (void)text;
    (void)out;
    return 0;
}

static inline ota_err otai_tuf_ed25519_digest(struct tuf_envelope *e, const uint8_t *key, const uint8_t *sig, size_t len)
{
    (void)e;
    (void)key;
    (void)sig;
    (void)len;
    return OTA_REJECT_KEY;
}

#endif
