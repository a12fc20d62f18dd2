/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

/* With a PSA Crypto API on the device, take ports/posix/crypto_psa.c as it is: it uses nothing of POSIX. */

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    (void)h;
    (void)alg;
    return OTA_DEVICE_CRYPTO; /* TODO: keep the state in h->opaque: several hashes run at once */
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    (void)h;
    (void)data;
    (void)len;
    return OTA_DEVICE_CRYPTO; /* TODO */
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    (void)c;
    (void)h;
    (void)out;
    return OTA_DEVICE_CRYPTO; /* TODO: out == NULL abandons the hash */
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c;
    (void)alg;
    (void)kind;
    (void)key;
    (void)key_len;
    (void)hash;
    (void)hash_len;
    (void)sig;
    (void)sig_len;
    return OTA_DEVICE_CRYPTO; /* TODO: OTA_OK only for a valid signature; check that the key is on its curve */
}

static ota_err random_bytes(struct ota_crypto *c, void *out, size_t len)
{
    (void)c;
    (void)out;
    (void)len;
    return OTA_DEVICE_CRYPTO; /* TODO: the hardware's generator */
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, random_bytes };

void my_crypto_init(struct my_crypto *c)
{
    *c = (struct my_crypto){ .port = { &ops } };
}
