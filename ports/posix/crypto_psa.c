/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto port over the PSA Crypto API 1.0 and nothing else, so that any implementation of it serves; but for Ed25519,
 * which none of the usual ones verifies. */
#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include <psa/crypto.h>

#include "ed25519.h"
#include "ota/posix.h"

#define RSA_BITS_MIN 2048u

static_assert(sizeof(psa_hash_operation_t) <= sizeof(struct ota_hash), "enlarge struct ota_hash");
static_assert(alignof(psa_hash_operation_t) <= alignof(struct ota_hash), "align struct ota_hash");

struct scheme {
    psa_algorithm_t alg;
    enum ota_key_kind kind;
    uint8_t hash_len;
    uint8_t sig_len; /* 0: the key's length, which PSA checks */
};

/* By enum ota_sig_alg. A salt of any length is accepted: signers differ, and its length proves nothing. */
static const struct scheme schemes[] = {
    [OTA_SIG_ECDSA_SHA256] = { PSA_ALG_ECDSA(PSA_ALG_SHA_256), OTA_KEY_P256, 32, 64 },
    [OTA_SIG_ECDSA_SHA384] = { PSA_ALG_ECDSA(PSA_ALG_SHA_384), OTA_KEY_P384, 48, 96 },
    [OTA_SIG_RSA_PSS_SHA256] = { PSA_ALG_RSA_PSS_ANY_SALT(PSA_ALG_SHA_256), OTA_KEY_RSA, 32, 0 },
    [OTA_SIG_RSA_PSS_SHA384] = { PSA_ALG_RSA_PSS_ANY_SALT(PSA_ALG_SHA_384), OTA_KEY_RSA, 48, 0 },
    [OTA_SIG_RSA_PSS_SHA512] = { PSA_ALG_RSA_PSS_ANY_SALT(PSA_ALG_SHA_512), OTA_KEY_RSA, 64, 0 },
};

static const psa_algorithm_t hash_algs[] = {
    [OTA_SHA256] = PSA_ALG_SHA_256,
    [OTA_SHA384] = PSA_ALG_SHA_384,
    [OTA_SHA512] = PSA_ALG_SHA_512,
};

/* The port has no place for a number of its own: PSA's status is lost, its meaning is not. */
static ota_err service(psa_status_t status)
{
    return status == PSA_SUCCESS ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static psa_hash_operation_t *operation(struct ota_hash *h)
{
    return (psa_hash_operation_t *)(void *)&h->opaque;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    if ((size_t)alg >= sizeof hash_algs / sizeof hash_algs[0])
        return OTA_DEVICE_CRYPTO;
    *operation(h) = psa_hash_operation_init();
    return service(psa_hash_setup(operation(h), hash_algs[alg]));
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return len == 0 ? OTA_OK : service(psa_hash_update(operation(h), data, len));
}

/* PSA fills all the room that it is told of, beyond the digest too: only the digest goes to the caller, who has no more. */
static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    uint8_t digest[OTA_HASH_LEN_MAX];
    size_t len = 0;
    ota_err err;

    (void)c;
    if (!out)
        return service(psa_hash_abort(operation(h)));
    err = service(psa_hash_finish(operation(h), digest, sizeof digest, &len));
    if (err == OTA_OK)
        memcpy(out, digest, len);
    else
        (void)psa_hash_abort(operation(h)); /* a failed finish leaves the operation open */
    return err;
}

/* What a failed import says about the key. */
static ota_err judge_import(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS:
        return OTA_OK;
    case PSA_ERROR_INVALID_ARGUMENT:
    case PSA_ERROR_NOT_SUPPORTED:
    case PSA_ERROR_NOT_PERMITTED:
    case PSA_ERROR_BUFFER_TOO_SMALL: /* written anew, as mbedTLS 2.28 keeps an RSA key, it is longer than it came */
        return OTA_REJECT_KEY;
    default:
        return OTA_DEVICE_CRYPTO;
    }
}

static ota_err judge_verify(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS:
        return OTA_OK;
    case PSA_ERROR_INVALID_SIGNATURE:
    case PSA_ERROR_INVALID_ARGUMENT:
        return OTA_REJECT_SIGNATURE;
    case PSA_ERROR_NOT_SUPPORTED:
        return OTA_REJECT_KEY;
    default:
        return OTA_DEVICE_CRYPTO;
    }
}

/* A key whose lengths need two bytes, as those of 2048 bits and more do. Neither number is negative, which DER can say and
 * libraries read each in their own way; the exponent is odd, and not below 65537 (FIPS 186-5 section A.1.1): under an
 * exponent of 1 a signature would be its own proof. */
static bool rsa_numbers_ok(const uint8_t *key, size_t len)
{
    static const uint8_t head[] = { 0x02, 0x82 };

    if (len < 8 || memcmp(key + 4, head, sizeof head) != 0)
        return false;
    size_t at = 8u + ((size_t)key[6] << 8 | key[7]);
    if (at + 2 > len || key[at] != 0x02 || at + 2 + key[at + 1] != len || key[8] & 0x80)
        return false;
    const uint8_t *e = key + at + 2;
    size_t e_len = key[at + 1];
    return e_len >= 3 && e_len <= 32 && (e_len > 3 || e[0] != 0) && !(e[0] & 0x80) && (e[e_len - 1] & 1);
}

static bool shape_ok(enum ota_key_kind kind, const uint8_t *key, size_t len)
{
    if (kind == OTA_KEY_RSA)
        return rsa_numbers_ok(key, len);
    return len == (kind == OTA_KEY_P256 ? 65u : 97u) && key[0] == 0x04;
}

static psa_key_type_t key_type(enum ota_key_kind kind)
{
    return kind == OTA_KEY_RSA ? PSA_KEY_TYPE_RSA_PUBLIC_KEY : PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1);
}

static ota_err import(const struct scheme *scheme, const uint8_t *key, size_t key_len, psa_key_id_t *id)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    ota_err err;

    if (!shape_ok(scheme->kind, key, key_len))
        return OTA_REJECT_KEY;
    psa_set_key_type(&attr, key_type(scheme->kind));
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attr, scheme->alg);
    err = judge_import(psa_import_key(&attr, key, key_len, id));
    psa_reset_key_attributes(&attr);
    return err;
}

/* 1 when a signature by this key would mean little. */
static bool is_weak(const struct scheme *scheme, psa_key_id_t id)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    bool weak = scheme->kind == OTA_KEY_RSA &&
                (psa_get_key_attributes(id, &attr) != PSA_SUCCESS || psa_get_key_bits(&attr) < RSA_BITS_MIN);

    psa_reset_key_attributes(&attr);
    return weak;
}

static const struct scheme *find_scheme(enum ota_sig_alg alg, enum ota_key_kind kind)
{
    if ((size_t)alg >= sizeof schemes / sizeof schemes[0] || schemes[alg].alg == 0 || schemes[alg].kind != kind)
        return NULL;
    return &schemes[alg];
}

static ota_err verify_ed25519(enum ota_key_kind kind, const uint8_t *key, size_t key_len, const uint8_t *hash, size_t hash_len,
                              const uint8_t *sig, size_t sig_len)
{
    if (kind != OTA_KEY_ED25519 || key_len != OTAP_ED25519_KEY_LEN)
        return OTA_REJECT_KEY;
    return otap_ed25519_check(key, hash, hash_len, sig, sig_len);
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    const struct scheme *scheme = find_scheme(alg, kind);
    psa_key_id_t id = 0;
    ota_err err;

    (void)c;
    if (alg == OTA_SIG_ED25519)
        return verify_ed25519(kind, key, key_len, hash, hash_len, sig, sig_len);
    if (!scheme)
        return OTA_REJECT_KEY;
    err = import(scheme, key, key_len, &id);
    if (err != OTA_OK)
        return err;
    if (is_weak(scheme, id))
        err = OTA_REJECT_KEY;
    else if (hash_len != scheme->hash_len || (scheme->sig_len != 0 && sig_len != scheme->sig_len))
        err = OTA_REJECT_SIGNATURE;
    else
        err = judge_verify(psa_verify_hash(id, scheme->alg, hash, hash_len, sig, sig_len));
    if (psa_destroy_key(id) != PSA_SUCCESS && err == OTA_OK)
        err = OTA_DEVICE_CRYPTO;
    return err;
}

static ota_err random_bytes(struct ota_crypto *c, void *out, size_t len)
{
    (void)c;
    return service(psa_generate_random(out, len));
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, random_bytes };

ota_err ota_posix_crypto_open(struct ota_posix_crypto *c, const struct ota_posix_crypto_config *cfg, struct ota_fault *fault)
{
    psa_status_t status;

    (void)cfg;
    if (!c)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "crypto", 0);
    c->port.ops = &ops;
    status = psa_crypto_init();
    return status == PSA_SUCCESS ? OTA_OK : ota_fault_set(fault, OTA_DEVICE_CRYPTO, "crypto.init", (int32_t)status);
}

/* PSA's state is shared by the whole process and has no portable end. */
void ota_posix_crypto_close(struct ota_posix_crypto *c)
{
    (void)c;
}
