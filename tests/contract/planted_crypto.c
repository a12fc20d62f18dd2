/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include <string.h>

#include "ota/posix.h"
#include "report.h"

enum crypto_fault {
    CRYPTO_GOOD,
    CRYPTO_TAKES_ALL,
    CRYPTO_TAKES_NONE,
    CRYPTO_TAKES_EMPTY,
    CRYPTO_TAKES_ZEROS,
    CRYPTO_IGNORES_LAST_BYTE,
    CRYPTO_SPOILT_IS_SERVICE,
    CRYPTO_BAD_KEY_IS_BAD_SIGNATURE,
    CRYPTO_HASH_SKIPS,
    CRYPTO_HASH_IS_SHARED,
    CRYPTO_CANNOT_ABANDON,
    CRYPTO_SHA512_IS_WRONG,
    CRYPTO_IGNORES_WHAT_IS_BEHIND,
    CRYPTO_TAKES_WEAK_RSA,
    CRYPTO_P384_IS_UNSURE,
    CRYPTO_TAKES_ANY_POINT,
    CRYPTO_ED25519_IS_ECDSA,
    CRYPTO_RANDOM_IS_CONSTANT,
    CRYPTO_RANDOM_OVERRUNS,
    CRYPTO_FAULTS
};

struct bad_crypto {
    struct ota_crypto port;
    struct ota_posix_crypto good;
    enum crypto_fault fault;
    struct ota_hash shared;
    uint8_t accepted_hash[32], accepted[64];
};

static struct bad_crypto *self(struct ota_crypto *c)
{
    return (struct bad_crypto *)c;
}

static struct ota_hash *place(struct bad_crypto *b, struct ota_hash *h)
{
    return b->fault == CRYPTO_HASH_IS_SHARED ? &b->shared : h;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    struct bad_crypto *b = self(c);

    if (b->fault == CRYPTO_SHA512_IS_WRONG && alg == OTA_SHA512)
        alg = OTA_SHA384;
    return b->good.port.ops->hash_start(&b->good.port, place(b, h), alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    struct bad_crypto *b = self(c);

    if (b->fault == CRYPTO_HASH_SKIPS && len == 1)
        return OTA_OK;
    return b->good.port.ops->hash_add(&b->good.port, place(b, h), data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    struct bad_crypto *b = self(c);
    ota_err err = b->good.port.ops->hash_end(&b->good.port, place(b, h), out);

    return b->fault == CRYPTO_CANNOT_ABANDON && !out ? OTA_DEVICE_CRYPTO : err;
}

static bool is_zero(const uint8_t *p, size_t len)
{
    while (len > 0 && p[len - 1] == 0)
        len--;
    return len == 0;
}

static ota_err spoil(const struct bad_crypto *b, ota_err err, const uint8_t *sig, size_t sig_len)
{
    if (b->fault == CRYPTO_TAKES_ALL)
        return OTA_OK;
    if (b->fault == CRYPTO_TAKES_NONE)
        return OTA_REJECT_SIGNATURE;
    if (b->fault == CRYPTO_TAKES_EMPTY && sig_len == 0)
        return OTA_OK;
    if (b->fault == CRYPTO_TAKES_ZEROS && sig_len > 0 && is_zero(sig, sig_len))
        return OTA_OK;
    if (b->fault == CRYPTO_SPOILT_IS_SERVICE && err == OTA_REJECT_SIGNATURE)
        return OTA_DEVICE_CRYPTO;
    return b->fault == CRYPTO_BAD_KEY_IS_BAD_SIGNATURE && err == OTA_REJECT_KEY ? OTA_REJECT_SIGNATURE : err;
}

/* The last byte of a P-256 signature does not count: what else equals the last good one is taken for it. */
static ota_err verify_loosely(struct bad_crypto *b, ota_err err, const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    if (hash_len != sizeof b->accepted_hash || sig_len != sizeof b->accepted)
        return err;
    if (err == OTA_OK) {
        memcpy(b->accepted_hash, hash, hash_len);
        memcpy(b->accepted, sig, sig_len);
    }
    return err == OTA_REJECT_SIGNATURE && memcmp(b->accepted_hash, hash, hash_len) == 0 &&
           memcmp(b->accepted, sig, sig_len - 1) == 0 ? OTA_OK : err;
}

/* Faults that only many signatures find. */
static ota_err spoil_kind(const struct bad_crypto *b, ota_err err, enum ota_key_kind kind, size_t key_len)
{
    if (b->fault == CRYPTO_TAKES_WEAK_RSA && kind == OTA_KEY_RSA && err == OTA_REJECT_KEY && key_len > 200)
        return OTA_OK;
    if (b->fault == CRYPTO_P384_IS_UNSURE && kind == OTA_KEY_P384 && err == OTA_REJECT_KEY && key_len == 97)
        return OTA_REJECT_SIGNATURE;
    if (b->fault == CRYPTO_TAKES_ANY_POINT && kind == OTA_KEY_P256 && err == OTA_REJECT_KEY && key_len == 65)
        return OTA_REJECT_SIGNATURE;
    return b->fault == CRYPTO_ED25519_IS_ECDSA && kind == OTA_KEY_ED25519 ? OTA_REJECT_SIGNATURE : err;
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    struct bad_crypto *b = self(c);
    ota_err err;

    if (b->fault == CRYPTO_IGNORES_WHAT_IS_BEHIND && kind == OTA_KEY_P256 && sig_len > 64)
        sig_len = 64;
    err = b->good.port.ops->verify(&b->good.port, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
    if (b->fault == CRYPTO_IGNORES_LAST_BYTE)
        return verify_loosely(b, err, hash, hash_len, sig, sig_len);
    return spoil(b, spoil_kind(b, err, kind, key_len), sig, sig_len);
}

static ota_err random_bytes(struct ota_crypto *c, void *out, size_t len)
{
    struct bad_crypto *b = self(c);

    if (b->fault == CRYPTO_RANDOM_IS_CONSTANT)
        return memset(out, 4, len), OTA_OK;
    if (b->fault == CRYPTO_RANDOM_OVERRUNS)
        len = 32;
    return b->good.port.ops->random(&b->good.port, out, len);
}

unsigned planted_crypto(unsigned fault)
{
    static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, random_bytes };
    struct bad_crypto b = { .port = { &ops }, .fault = (enum crypto_fault)fault };
    struct ota_contract_report r = quiet_report();

    if (ota_posix_crypto_open(&b.good, NULL, NULL) != OTA_OK)
        return 1;
    unsigned failed = ota_contract_crypto(&b.port, &r);
    return failed ? failed : ota_contract_signatures(&b.port, &r);
}

const unsigned planted_crypto_faults = CRYPTO_FAULTS;
