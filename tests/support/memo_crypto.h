/* SPDX-License-Identifier: Apache-2.0 */
/* A crypto port that asks another one, and remembers its verdicts on signatures: tests verify the same few again and
 * again. Everything that a verdict depends on is part of what is remembered. */
#ifndef MEMO_CRYPTO_H
#define MEMO_CRYPTO_H

#include "ota/port_crypto.h"

#define MEMO_MAX 2048

struct memo_crypto {
    struct ota_crypto port;
    struct ota_crypto *inner;
    unsigned asked, answered; /* verdicts: wanted, and found remembered */
    unsigned next;
    bool closed; /* whatever was not verified before is not valid: fast, and no forgery is possible */
    struct {
        uint8_t digest[32]; /* of algorithm, key, hash and signature */
        ota_err verdict;
        bool used;
    } entry[MEMO_MAX];
};

void memo_crypto_init(struct memo_crypto *m, struct ota_crypto *inner);

#endif
