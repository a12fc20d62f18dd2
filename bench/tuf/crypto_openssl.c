/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto port on OpenSSL, which is what python-tuf and tuf-js verify with. Linked before ports/posix it takes the
 * place of the one on the PSA Crypto API, so that the bench compares TUF clients and not bignum libraries.
 */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ota/posix.h"

static EVP_MD_CTX **context(struct ota_hash *h)
{
    return (EVP_MD_CTX **)(void *)h->opaque.bytes;
}

/* Looked up once: OpenSSL 3 searches its providers at each use of a name. */
static EVP_MD *digests[3];
static EVP_PKEY *curves[2]; /* keys without a point: P-256, P-384 */

static const EVP_MD *digest_of(enum ota_hash_alg alg)
{
    return digests[alg == OTA_SHA256 ? 0 : alg == OTA_SHA384 ? 1 : 2];
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    *context(h) = EVP_MD_CTX_new();
    return *context(h) && EVP_DigestInit_ex(*context(h), digest_of(alg), NULL) ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return EVP_DigestUpdate(*context(h), data, len) ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    (void)c;
    bool good = !out || EVP_DigestFinal_ex(*context(h), out, NULL);

    EVP_MD_CTX_free(*context(h));
    *context(h) = NULL;
    return good ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static EVP_PKEY *curve(const char *group)
{
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0),
                            OSSL_PARAM_construct_end() };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *ec_key(const EVP_PKEY *of, const uint8_t *point, size_t len)
{
    EVP_PKEY *key = EVP_PKEY_new();

    if (key && EVP_PKEY_copy_parameters(key, of) && EVP_PKEY_set1_encoded_public_key(key, point, len))
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *public_key(enum ota_key_kind kind, const uint8_t *key, size_t len)
{
    if (kind == OTA_KEY_P256 || kind == OTA_KEY_P384)
        return ec_key(curves[kind == OTA_KEY_P384], key, len);
    return kind == OTA_KEY_RSA ? d2i_PublicKey(EVP_PKEY_RSA, NULL, &key, (long)len) : NULL;
}

/* r||s as DER. @return its length, 0: not made */
static size_t ecdsa_der(const uint8_t *raw, size_t len, uint8_t out[144])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)(len / 2), NULL), *s = BN_bin2bn(raw + len / 2, (int)(len / 2), NULL);
    int n = 0;

    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        n = i2d_ECDSA_SIG(sig, NULL);
        if (n > 0 && n <= 144)
            n = i2d_ECDSA_SIG(sig, &out);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return n > 0 && n <= 144 ? (size_t)n : 0;
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c, (void)alg;
    uint8_t der[144];
    EVP_PKEY *pub = public_key(kind, key, key_len);
    EVP_PKEY_CTX *ctx = pub ? EVP_PKEY_CTX_new(pub, NULL) : NULL;
    bool good = ctx && EVP_PKEY_verify_init(ctx) > 0;

    if (good && kind == OTA_KEY_RSA) {
        good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_signature_md(ctx, digests[hash_len == 32 ? 0 : hash_len == 48 ? 1 : 2]) > 0;
    } else if (good) {
        sig_len = ecdsa_der(sig, sig_len, der);
        sig = der;
        good = sig_len > 0;
    }
    good = good && EVP_PKEY_verify(ctx, sig, sig_len, hash, hash_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pub);
    return good ? OTA_OK : OTA_REJECT_SIGNATURE;
}

static ota_err random_bytes(struct ota_crypto *c, void *out, size_t len)
{
    (void)c;
    return RAND_bytes(out, (int)len) == 1 ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, random_bytes };

ota_err ota_posix_crypto_open(struct ota_posix_crypto *out, const struct ota_posix_crypto_config *cfg, struct ota_fault *fault)
{
    static const char *const names[] = { "SHA256", "SHA384", "SHA512", "P-256", "P-384" };

    (void)cfg, (void)fault;
    memset(out, 0, sizeof *out);
    out->port.ops = &ops;
    for (int i = 0; i < 3 && !digests[2]; i++)
        digests[i] = EVP_MD_fetch(NULL, names[i], NULL);
    for (int i = 0; i < 2 && !curves[1]; i++)
        curves[i] = curve(names[3 + i]);
    return digests[2] && curves[1] ? OTA_OK : OTA_DEVICE_CRYPTO;
}

void ota_posix_crypto_close(struct ota_posix_crypto *c)
{
    c->port.ops = NULL;
}
