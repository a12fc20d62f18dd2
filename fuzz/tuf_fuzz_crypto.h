/* SPDX-License-Identifier: Apache-2.0 */
/* A crypto port for fuzzing: one signature, r = s = 1, is valid by every key over everything. */
#ifndef TUF_FUZZ_CRYPTO_H
#define TUF_FUZZ_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ota/tuf.h"

/* A digest that is quick and not secure: nothing here is to be kept secret from the fuzzer. */
static uint64_t *fuzz_sum(struct ota_hash *h)
{
    return (uint64_t *)(void *)h->opaque.bytes;
}

static ota_err fuzz_hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    fuzz_sum(h)[0] = 14695981039346656037u;
    fuzz_sum(h)[1] = (uint64_t)alg;
    return OTA_OK;
}

static ota_err fuzz_hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    const uint8_t *p = data;

    (void)c;
    for (size_t i = 0; i < len; i++)
        fuzz_sum(h)[0] = (fuzz_sum(h)[0] ^ p[i]) * 1099511628211u;
    return OTA_OK;
}

static ota_err fuzz_hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    (void)c;
    for (size_t i = 0; out && i < ota_hash_len((enum ota_hash_alg)fuzz_sum(h)[1]); i++)
        out[i] = (uint8_t)(fuzz_sum(h)[0] >> 8 * (i % 8));
    return OTA_OK;
}

static ota_err fuzz_verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                           const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c, (void)alg, (void)kind, (void)key, (void)key_len, (void)hash, (void)hash_len;
    for (size_t i = 0; i < sig_len; i++)
        if (sig[i] != (i + 1 == sig_len / 2 || i + 1 == sig_len))
            return OTA_REJECT_SIGNATURE;
    return sig_len > 0 ? OTA_OK : OTA_REJECT_SIGNATURE;
}

static ota_err fuzz_random(struct ota_crypto *c, void *out, size_t len)
{
    (void)c;
    memset(out, 0, len);
    return OTA_OK;
}

static const struct ota_crypto_ops fuzz_ops = { fuzz_hash_start, fuzz_hash_add, fuzz_hash_end, fuzz_verify, fuzz_random };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
