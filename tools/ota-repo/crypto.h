/* SPDX-License-Identifier: Apache-2.0 */
/** @file SHA-256 and ECDSA P-256 through the PSA Crypto API, the only crypto interface used. */
#ifndef OTA_REPO_CRYPTO_H
#define OTA_REPO_CRYPTO_H

#include <psa/crypto.h>

#include "text.h"
#include "tool.h"

#define POINT_LEN 65      /**< uncompressed P-256 point */
#define SCALAR_LEN 32
#define SIG_DER_MAX 72

int crypto_begin(struct tool *t);
/** In a new process: forget the random state of the one that it came from, and begin anew. */
int crypto_again(struct tool *t);

/** A digest under way. digest_end also ends one that failed. */
struct digest {
    psa_hash_operation_t op;
};
int digest_begin(struct tool *t, struct digest *d);
int digest_more(struct tool *t, struct digest *d, const void *p, size_t len);
/** @param rc  what happened since digest_begin; passed on when it is an error */
int digest_end(struct tool *t, struct digest *d, int rc, char hex[DIGEST_HEX]);
int digest_of(struct tool *t, const void *p, size_t len, uint8_t out[DIGEST_LEN]);
int digest_hex(struct tool *t, const void *p, size_t len, char hex[DIGEST_HEX]);

/** A digest from its hex form, which was checked. */
void digest_bytes(const char *hex, uint8_t out[DIGEST_LEN]);

/** Generate a key pair. */
int ecdsa_generate(struct tool *t, uint8_t scalar[SCALAR_LEN], uint8_t point[POINT_LEN]);
/** Sign a digest; *der_len gets the length of the DER signature. */
int ecdsa_sign(struct tool *t, const uint8_t scalar[SCALAR_LEN], const uint8_t digest[DIGEST_LEN],
               uint8_t der[SIG_DER_MAX], size_t *der_len);
/** The public point of a private key. */
int ecdsa_public(struct tool *t, const uint8_t scalar[SCALAR_LEN], uint8_t point[POINT_LEN]);
/** @return true if der is a strictly encoded, valid signature of digest. */
bool ecdsa_verify(const uint8_t point[POINT_LEN], const uint8_t digest[DIGEST_LEN], const uint8_t *der, size_t der_len);

#endif
