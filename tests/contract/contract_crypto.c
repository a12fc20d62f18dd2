/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"
#include "crypto_vectors.h"

/* FIPS 180-4's own examples: "" and "abc". */
static const uint8_t sha256_empty[32] = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
};
static const uint8_t sha256_abc[32] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};
static const uint8_t sha512_abc[64] = {
    0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba, 0xcc, 0x41, 0x73, 0x49, 0xae, 0x20, 0x41, 0x31,
    0x12, 0xe6, 0xfa, 0x4e, 0x89, 0xa9, 0x7e, 0xa2, 0x0a, 0x9e, 0xee, 0xe6, 0x4b, 0x55, 0xd3, 0x9a,
    0x21, 0x92, 0x99, 0x2a, 0x27, 0x4f, 0xc1, 0xa8, 0x36, 0xba, 0x3c, 0x23, 0xa3, 0xfe, 0xeb, 0xbd,
    0x45, 0x4d, 0x44, 0x23, 0x64, 0x3c, 0xe8, 0x0e, 0x2a, 0x9a, 0xc9, 0x4f, 0xa5, 0x4c, 0xa4, 0x9f,
};
static const char message[] = "libota contract\n";

static bool hash(struct ota_crypto *c, enum ota_hash_alg alg, const char *text, uint8_t *out)
{
    struct ota_hash h;

    return c->ops->hash_start(c, &h, alg) == OTA_OK && c->ops->hash_add(c, &h, text, strlen(text)) == OTA_OK &&
           c->ops->hash_end(c, &h, out) == OTA_OK;
}

/* Two hashes at once, fed byte by byte: the port must keep its state in struct ota_hash. */
static bool hash_interleaved(struct ota_crypto *c, uint8_t *a_out, uint8_t *b_out)
{
    struct ota_hash a, b;

    if (c->ops->hash_start(c, &a, OTA_SHA256) != OTA_OK)
        return false;
    if (c->ops->hash_start(c, &b, OTA_SHA256) != OTA_OK) {
        (void)c->ops->hash_end(c, &a, NULL);
        return false;
    }
    for (size_t i = 0; i < sizeof message - 1; i++)
        if (c->ops->hash_add(c, &a, message + i, 1) != OTA_OK ||
            (i < 3 && c->ops->hash_add(c, &b, &"abc"[i], 1) != OTA_OK))
            return false;
    return c->ops->hash_end(c, &b, b_out) == OTA_OK && c->ops->hash_end(c, &a, a_out) == OTA_OK;
}

static void check_sha256(struct ota_crypto *c, struct ota_contract_report *r)
{
    uint8_t out[OTA_HASH_LEN_MAX], other[OTA_HASH_LEN_MAX];
    struct ota_hash h;

    contract_check(r, "crypto: SHA-256 of nothing", hash(c, OTA_SHA256, "", out) && memcmp(out, sha256_empty, 32) == 0);
    contract_check(r, "crypto: SHA-256 of abc", hash(c, OTA_SHA256, "abc", out) && memcmp(out, sha256_abc, 32) == 0);
    contract_check(r, "crypto: two hashes at once, in pieces", hash_interleaved(c, out, other) &&
                   memcmp(out, message_sha256, 32) == 0 && memcmp(other, sha256_abc, 32) == 0);
    contract_check(r, "crypto: a hash can be abandoned", c->ops->hash_start(c, &h, OTA_SHA256) == OTA_OK &&
                   c->ops->hash_add(c, &h, "abc", 3) == OTA_OK && c->ops->hash_end(c, &h, NULL) == OTA_OK);
}

/* An algorithm may be absent, which hash_start says; it must not be wrong. */
static void check_longer_hashes(struct ota_crypto *c, struct ota_contract_report *r)
{
    uint8_t out[OTA_HASH_LEN_MAX];
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA384);

    contract_check(r, "crypto: SHA-384 is there or DEVICE_CRYPTO", err == OTA_OK || err == OTA_DEVICE_CRYPTO);
    if (err == OTA_OK)
        contract_check(r, "crypto: SHA-384 is right", c->ops->hash_add(c, &h, message, sizeof message - 1) == OTA_OK &&
                       c->ops->hash_end(c, &h, out) == OTA_OK && memcmp(out, message_sha384, 48) == 0);
    err = c->ops->hash_start(c, &h, OTA_SHA512);
    contract_check(r, "crypto: SHA-512 is there or DEVICE_CRYPTO", err == OTA_OK || err == OTA_DEVICE_CRYPTO);
    if (err == OTA_OK)
        contract_check(r, "crypto: SHA-512 is right", c->ops->hash_add(c, &h, "abc", 3) == OTA_OK &&
                       c->ops->hash_end(c, &h, out) == OTA_OK && memcmp(out, sha512_abc, 64) == 0);
}

/* One signature that is good, to be spoilt. */
struct vector {
    enum ota_sig_alg alg;
    enum ota_key_kind kind;
    const uint8_t *key, *hash, *sig;
    size_t key_len, hash_len, sig_len;
};

static const struct vector p256 = { OTA_SIG_ECDSA_SHA256, OTA_KEY_P256, p256_key, message_sha256, p256_sig,
                                    sizeof p256_key, sizeof message_sha256, sizeof p256_sig };
static const struct vector p384 = { OTA_SIG_ECDSA_SHA384, OTA_KEY_P384, p384_key, message_sha384, p384_sig,
                                    sizeof p384_key, sizeof message_sha384, sizeof p384_sig };
static const struct vector rsa = { OTA_SIG_RSA_PSS_SHA256, OTA_KEY_RSA, rsa_key, message_sha256, rsa_sig,
                                   sizeof rsa_key, sizeof message_sha256, sizeof rsa_sig };

static ota_err verify(struct ota_crypto *c, const struct vector *v)
{
    return c->ops->verify(c, v->alg, v->kind, v->key, v->key_len, v->hash, v->hash_len, v->sig, v->sig_len);
}

static ota_err verify_spoilt_sig(struct ota_crypto *c, const struct vector *v, size_t at, uint8_t flip)
{
    uint8_t sig[512];
    struct vector bad = *v;

    memcpy(sig, v->sig, v->sig_len);
    sig[at] ^= flip;
    bad.sig = sig;
    return verify(c, &bad);
}

static ota_err verify_zeros(struct ota_crypto *c, const struct vector *v, size_t from, size_t to)
{
    uint8_t sig[512];
    struct vector bad = *v;

    memcpy(sig, v->sig, v->sig_len);
    memset(sig + from, 0, to - from);
    bad.sig = sig;
    return verify(c, &bad);
}

/* Every bit counts; one in each byte is tried. */
static bool all_flips_fail(struct ota_crypto *c, const struct vector *v)
{
    for (size_t i = 0; i < v->sig_len; i++)
        if (verify_spoilt_sig(c, v, i, (uint8_t)(1u << (i % 8))) != OTA_REJECT_SIGNATURE)
            return false;
    return true;
}

static void check_spoilt(struct ota_crypto *c, struct ota_contract_report *r, const struct vector *v)
{
    uint8_t other[OTA_HASH_LEN_MAX];
    struct vector bad = *v;

    contract_check(r, "crypto: a signature with any byte changed is refused", all_flips_fail(c, v));
    contract_check(r, "crypto: a signature of zeros is refused", verify_zeros(c, v, 0, v->sig_len) == OTA_REJECT_SIGNATURE);
    memcpy(other, v->hash, v->hash_len);
    other[v->hash_len - 1] ^= 1;
    bad.hash = other;
    contract_check(r, "crypto: a signature over another digest is refused", verify(c, &bad) == OTA_REJECT_SIGNATURE);
    bad = *v;
    bad.sig_len--;
    contract_check(r, "crypto: a signature that is too short is refused", verify(c, &bad) == OTA_REJECT_SIGNATURE);
    bad.sig_len = 0;
    contract_check(r, "crypto: an empty signature is refused", verify(c, &bad) == OTA_REJECT_SIGNATURE);
    bad = *v;
    bad.hash_len--;
    contract_check(r, "crypto: a digest of the wrong length is refused", verify(c, &bad) == OTA_REJECT_SIGNATURE);
    bad = *v;
    bad.key_len = 0;
    contract_check(r, "crypto: an empty key is refused", verify(c, &bad) == OTA_REJECT_KEY);
    bad.key_len = v->key_len - 1;
    contract_check(r, "crypto: a key that is too short is refused", verify(c, &bad) == OTA_REJECT_KEY);
}

static void check_p256(struct ota_crypto *c, struct ota_contract_report *r)
{
    uint8_t key[sizeof p256_key];
    struct vector bad = p256;

    contract_check(r, "crypto: a good P-256 signature", verify(c, &p256) == OTA_OK);
    contract_check(r, "crypto: the same again", verify(c, &p256) == OTA_OK);
    check_spoilt(c, r, &p256);
    contract_check(r, "crypto: r = 0 is refused", verify_zeros(c, &p256, 0, 32) == OTA_REJECT_SIGNATURE);
    contract_check(r, "crypto: s = 0 is refused", verify_zeros(c, &p256, 32, 64) == OTA_REJECT_SIGNATURE);
    memcpy(key, p256_key, sizeof key);
    key[64] ^= 1;
    bad.key = key;
    contract_check(r, "crypto: a key that is not on the curve is refused", verify(c, &bad) == OTA_REJECT_KEY);
    bad = p256;
    bad.kind = OTA_KEY_P384;
    contract_check(r, "crypto: a key of another kind is refused", verify(c, &bad) == OTA_REJECT_KEY);
    bad = p256;
    bad.alg = (enum ota_sig_alg)0;
    contract_check(r, "crypto: an unknown algorithm is refused", verify(c, &bad) == OTA_REJECT_KEY);
}

static void check_optional(struct ota_crypto *c, struct ota_contract_report *r, const struct vector *v, const char *name)
{
    ota_err err = verify(c, v);

    contract_check(r, name, err == OTA_OK || err == OTA_REJECT_KEY);
    if (err == OTA_OK)
        check_spoilt(c, r, v);
}

static void check_weak(struct ota_crypto *c, struct ota_contract_report *r)
{
    struct vector weak = rsa;

    weak.key = weak_rsa_key;
    weak.key_len = sizeof weak_rsa_key;
    weak.sig = weak_rsa_sig;
    weak.sig_len = sizeof weak_rsa_sig;
    contract_check(r, "crypto: RSA below 2048 bits is refused", verify(c, &weak) == OTA_REJECT_KEY);
}

/* The good key with its modulus (minus_n) or its exponent written as a negative number. */
static ota_err verify_negative(struct ota_crypto *c, bool minus_n)
{
    uint8_t key[sizeof rsa_key];
    struct vector bad = rsa;

    memcpy(key, rsa_key, sizeof key);
    bad.key = key;
    if (minus_n) { /* without the zero byte before it */
        memmove(key + 8, key + 9, sizeof key - 9);
        key[3]--;
        key[7]--;
        bad.key_len--;
    } else {
        key[sizeof key - 3] |= 0x80;
    }
    return verify(c, &bad);
}

static void check_negative(struct ota_crypto *c, struct ota_contract_report *r)
{
    contract_check(r, "crypto: RSA with a negative modulus is refused", verify_negative(c, true) == OTA_REJECT_KEY);
    contract_check(r, "crypto: RSA with a negative exponent is refused", verify_negative(c, false) == OTA_REJECT_KEY);
}

static void check_random(struct ota_crypto *c, struct ota_contract_report *r)
{
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    bool ok = c->ops->random(c, a, sizeof a) == OTA_OK && c->ops->random(c, b, sizeof b - 1) == OTA_OK;

    contract_check(r, "crypto: random bytes are given, and no more than asked", ok && b[31] == 0);
    contract_check(r, "crypto: random bytes differ", ok && memcmp(a, b, 16) != 0 && memcmp(a, a + 16, 16) != 0);
}

unsigned ota_contract_crypto(struct ota_crypto *c, struct ota_contract_report *r)
{
    unsigned before = r->failures;

    check_sha256(c, r);
    check_longer_hashes(c, r);
    check_p256(c, r);
    check_optional(c, r, &p384, "crypto: a good P-384 signature, or no such key");
    check_optional(c, r, &rsa, "crypto: a good RSA-PSS signature, or no such key");
    check_weak(c, r);
    check_negative(c, r);
    check_random(c, r);
    return r->failures - before;
}
