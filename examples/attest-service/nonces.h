/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges that were given out and not answered yet: a bounded number, each good once and for a while. */
#ifndef ATTEST_NONCES_H
#define ATTEST_NONCES_H

#include "wire.h"

#define NONCES_MAX 1024u

struct nonce {
    uint8_t id[WIRE_NONCE_ID_LEN], value[OTA_ATTEST_CHALLENGE_LEN];
    uint64_t until_ms; /* 0 = free */
};

struct nonces {
    size_t max;
    uint32_t life_ms;
    struct nonce entry[NONCES_MAX];
};

/* Begin. max: 1..NONCES_MAX */
void nonces_init(struct nonces *n, size_t max, uint32_t life_ms);

/* A new one. OTA_OK; RETRY_BUSY: all are open, *wait_ms until one expires; DEVICE_CRYPTO */
ota_err nonces_open(struct nonces *n, struct ota_crypto *c, uint64_t now_ms, const struct nonce **out, uint64_t *wait_ms);

/* Take one out, whatever becomes of the answer. OTA_OK; REJECT_NONCE: never given, or taken before; REJECT_FREEZE: expired */
ota_err nonces_take(struct nonces *n, const uint8_t id[WIRE_NONCE_ID_LEN], uint64_t now_ms,
                    uint8_t value[OTA_ATTEST_CHALLENGE_LEN]);

#endif
