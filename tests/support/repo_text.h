/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the repository in memory share: growing text, digests, and the end of a test that cannot go on. */
#ifndef REPO_TEXT_H
#define REPO_TEXT_H

#include <psa/crypto.h>

#include "tuf_repo.h"

struct buf {
    uint8_t *p; /* always followed by a NUL; caller frees */
    size_t len, cap;
};

void buf_bytes(struct buf *b, const void *p, size_t len);
void buf_add(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_hex(struct buf *b, const uint8_t *p, size_t len);

void repo_need(bool ok, const char *what);
void repo_digest(psa_algorithm_t alg, const void *p, size_t len, uint8_t *out, size_t cap, size_t *out_len);
/* The canonical form of text; the text itself when it has none. */
struct buf repo_canonical(const void *text, size_t len);

/* A PEM block of a SubjectPublicKeyInfo, as it stands in JSON. */
void repo_add_pem(struct buf *b, const uint8_t *spki, size_t len);
/* An element of "signatures": by the key, under id or, if that is NULL, under the key's own. */
void repo_add_signature(struct buf *b, struct tuf_repo *r, const struct repo_key *key, const char *id, const struct buf *form);

#endif
