/* SPDX-License-Identifier: Apache-2.0 */
#include "memo_crypto.h"

#include <string.h>

static struct memo_crypto *memo(struct ota_crypto *c)
{
    return (struct memo_crypto *)(void *)c;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    return memo(c)->inner->ops->hash_start(memo(c)->inner, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    return memo(c)->inner->ops->hash_add(memo(c)->inner, h, data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    return memo(c)->inner->ops->hash_end(memo(c)->inner, h, out);
}

static ota_err random_bytes(struct ota_crypto *c, void *out, size_t len)
{
    return memo(c)->inner->ops->random(memo(c)->inner, out, len);
}

static ota_err name_of(struct ota_crypto *c, const size_t sizes[5], const void *const parts[3], uint8_t out[32])
{
    struct ota_hash h;

    ota_err err = hash_start(c, &h, OTA_SHA256);
    if (err == OTA_OK)
        err = hash_add(c, &h, sizes, 5 * sizeof sizes[0]);
    for (int i = 0; i < 3 && err == OTA_OK; i++)
        err = hash_add(c, &h, parts[i], sizes[2 + i]);
    return err == OTA_OK ? hash_end(c, &h, out) : err;
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    const size_t sizes[5] = { (size_t)alg, (size_t)kind, key_len, hash_len, sig_len };
    const void *const parts[3] = { key, hash, sig };
    struct memo_crypto *m = memo(c);
    uint8_t digest[32];

    ota_err err = name_of(c, sizes, parts, digest);
    if (err != OTA_OK)
        return err;
    m->asked++;
    for (unsigned i = 0; i < MEMO_MAX && m->entry[i].used; i++) {
        if (memcmp(m->entry[i].digest, digest, sizeof digest) == 0) {
            m->answered++;
            return m->entry[i].verdict;
        }
    }
    if (m->closed)
        return OTA_REJECT_SIGNATURE;
    err = m->inner->ops->verify(m->inner, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
    memcpy(m->entry[m->next].digest, digest, sizeof digest);
    m->entry[m->next].verdict = err;
    m->entry[m->next].used = true;
    m->next = (m->next + 1) % MEMO_MAX;
    return err;
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, random_bytes };

void memo_crypto_init(struct memo_crypto *m, struct ota_crypto *inner)
{
    memset(m, 0, sizeof *m);
    m->port.ops = &ops;
    m->inner = inner;
}
