/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto port of the simulated device: real hashes, real signatures, each distinct signature checked once per
 * program. Random numbers come from a seed, so that a run can be repeated. */
#include <string.h>

#include "ota/posix.h"
#include "sim.h"
#include "sim_must.h"

#define MEMO_SIZE 1024u

struct question {
    uint32_t alg, kind;
    uint8_t key[65], hash[OTA_SHA256_LEN], sig[64];
};

static struct {
    bool known;
    struct question q;
    ota_err answer;
} memo[MEMO_SIZE];

static struct ota_posix_crypto real;

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    return real.port.ops->hash_start(&real.port, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return real.port.ops->hash_add(&real.port, h, data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    (void)c;
    return real.port.ops->hash_end(&real.port, h, out);
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    struct question q;

    (void)c;
    memset(&q, 0, sizeof q);
    if (key_len != sizeof q.key || hash_len != sizeof q.hash || sig_len != sizeof q.sig)
        return real.port.ops->verify(&real.port, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
    q.alg = alg;
    q.kind = kind;
    memcpy(q.key, key, sizeof q.key);
    memcpy(q.hash, hash, sizeof q.hash);
    memcpy(q.sig, sig, sizeof q.sig);
    uint32_t at = (q.sig[1] ^ ((uint32_t)q.hash[1] << 3) ^ ((uint32_t)q.key[1] << 5)) % MEMO_SIZE;
    if (memo[at].known && memcmp(&memo[at].q, &q, sizeof q) == 0)
        return memo[at].answer;
    ota_err err = real.port.ops->verify(&real.port, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
    memo[at].known = true;
    memo[at].q = q;
    memo[at].answer = err;
    return err;
}

static ota_err draw(struct ota_crypto *port, void *out, size_t len)
{
    struct sim_crypto *c = (struct sim_crypto *)port;
    uint8_t *p = out;

    for (size_t i = 0; i < len; i++) {
        c->random = c->random * 1664525u + 1013904223u;
        p[i] = (uint8_t)(c->random >> 24);
    }
    return OTA_OK;
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, draw };

void sim_crypto_open(struct sim *dev)
{
    if (!real.port.ops)
        MUST(ota_posix_crypto_open(&real, NULL, NULL) == OTA_OK);
    dev->crypto.port.ops = &ops;
    dev->crypto.dev = dev;
    dev->crypto.random = 1;
}
