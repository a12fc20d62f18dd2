/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures of the repository in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo_text.h"

static const uint8_t p256_spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t p384_spki[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                     0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };
static const uint8_t rsa2048_spki[] = { 0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00 };

static const struct kind {
    const uint8_t *spki;
    size_t spki_len, bits;
    psa_key_type_t type;
    psa_algorithm_t alg, hash;
    const char *keytype, *scheme;
} kinds[] = {
    [REPO_P256] = { p256_spki, sizeof p256_spki, 256, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                    PSA_ALG_ECDSA(PSA_ALG_SHA_256), PSA_ALG_SHA_256, "ecdsa", "ecdsa-sha2-nistp256" },
    [REPO_P384] = { p384_spki, sizeof p384_spki, 384, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                    PSA_ALG_ECDSA(PSA_ALG_SHA_384), PSA_ALG_SHA_384, "ecdsa", "ecdsa-sha2-nistp384" },
    [REPO_RSA] = { rsa2048_spki, sizeof rsa2048_spki, 2048, PSA_KEY_TYPE_RSA_KEY_PAIR, PSA_ALG_RSA_PSS(PSA_ALG_SHA_512),
                   PSA_ALG_SHA_512, "rsa", "rsassa-pss-sha512" },
    [REPO_RSA3072] = { NULL, 0, 3072, 0, 0, 0, "rsa", "rsassa-pss-sha256" },
    [REPO_RSA4096] = { NULL, 0, 4096, 0, 0, 0, "rsa", "rsassa-pss-sha256" },
    [REPO_ED25519] = { NULL, 0, 255, 0, 0, PSA_ALG_SHA_512, "ed25519", "ed25519" },
};

static void add_base64(struct buf *b, const uint8_t *p, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);

        if (i && i % 48 == 0)
            buf_add(b, "\\n");
        buf_add(b, "%c%c%c%c", digits[v >> 18], digits[v >> 12 & 63], i + 1 < len ? digits[v >> 6 & 63] : '=',
            i + 2 < len ? digits[v & 63] : '=');
    }
}

static psa_key_attributes_t attributes(const struct kind *k)
{
    psa_key_attributes_t attr = psa_key_attributes_init();

    psa_set_key_type(&attr, k->type);
    psa_set_key_bits(&attr, k->bits);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attr, k->alg);
    return attr;
}

/* Make a key pair: the secret part into key, the public part after the SPKI head. @return its length */
static size_t make_pair(struct repo_key *key, const struct kind *k, uint8_t *public, size_t cap)
{
    psa_key_attributes_t attr = attributes(k);
    psa_key_id_t id;
    size_t len = 0;

    repo_need(psa_crypto_init() == PSA_SUCCESS, "crypto");
    repo_need(psa_generate_key(&attr, &id) == PSA_SUCCESS, "key");
    repo_need(psa_export_key(id, key->secret, sizeof key->secret, &key->secret_len) == PSA_SUCCESS, "secret key");
    repo_need(psa_export_public_key(id, public, cap, &len) == PSA_SUCCESS, "public key");
    repo_need(psa_destroy_key(id) == PSA_SUCCESS, "key's end");
    return len;
}

void repo_add_pem(struct buf *b, const uint8_t *spki, size_t len)
{
    buf_add(b, "-----BEGIN PUBLIC KEY-----\\n");
    add_base64(b, spki, len);
    buf_add(b, "\\n-----END PUBLIC KEY-----\\n");
}

static void add_pair(struct buf *b, struct repo_key *key, const struct kind *k)
{
    uint8_t spki[600];

    memcpy(spki, k->spki, k->spki_len);
    size_t len = make_pair(key, k, spki + k->spki_len, sizeof spki - k->spki_len);
    repo_add_pem(b, spki, k->spki_len + len);
}

static void put_be16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* A key whose modulus of `bits` (3072, 4096) nobody can factor, nor can we: it never signs. */
static void add_fake_rsa(struct buf *b, unsigned bits)
{
    static uint8_t count;
    static const uint8_t exponent[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };
    size_t modulus = bits / 8 + 1, key = 8 + modulus + sizeof exponent, whole = sizeof rsa2048_spki + key;
    uint8_t der[600];

    memcpy(der, rsa2048_spki, sizeof rsa2048_spki);
    put_be16(der + 2, whole - 4);
    put_be16(der + 21, key + 1);
    uint8_t *p = der + sizeof rsa2048_spki;
    const uint8_t head[] = { 0x30, 0x82, 0, 0, 0x02, 0x82, 0, 0, 0 };
    memcpy(p, head, sizeof head);
    put_be16(p + 2, key - 4);
    put_be16(p + 6, modulus);
    memset(p + sizeof head, 0xa5, modulus - 1);
    p[sizeof head + 1] = ++count;
    memcpy(p + 8 + modulus, exponent, sizeof exponent);
    repo_add_pem(b, der, whole);
}

static void add_ed25519(struct buf *b, struct repo_key *key)
{
    uint8_t public[32];

    key->secret_len = 64;
    repo_need(repo_ed25519_pair(key->secret, public), "Ed25519");
    buf_hex(b, public, sizeof public);
}

void tuf_repo_key(struct tuf_repo *r, int index, enum repo_key_kind kind)
{
    const struct kind *k = &kinds[kind];
    struct repo_key *key = &r->key[index];
    struct buf json = { 0 };
    uint8_t id[32];
    size_t len;

    if (key->secret_len)
        return;
    buf_add(&json, "{\"keytype\":\"%s\",\"keyval\":{\"public\":\"", k->keytype);
    if (kind == REPO_ED25519)
        add_ed25519(&json, key);
    else if (kind == REPO_RSA3072 || kind == REPO_RSA4096)
        add_fake_rsa(&json, (unsigned)k->bits);
    else
        add_pair(&json, key, k);
    buf_add(&json, "\"},\"scheme\":\"%s\"}", k->scheme);
    repo_need(json.len < sizeof key->json, "key text");
    memcpy(key->json, json.p, json.len + 1);
    struct buf form = repo_canonical(json.p, json.len);
    repo_digest(PSA_ALG_SHA_256, form.p, form.len, id, sizeof id, &len);
    for (int i = 0; i < 32; i++)
        (void)snprintf(key->id + 2 * i, 3, "%02x", id[i]);
    key->kind = kind;
    key->secret_len += !key->secret_len; /* made, if only its public half */
    free(json.p);
    free(form.p);
}

static void add_der_integer(struct buf *b, const uint8_t *p, size_t len)
{
    while (len > 1 && *p == 0) {
        p++;
        len--;
    }
    uint8_t head[3] = { 0x02, (uint8_t)(len + (*p >> 7)), 0 };
    buf_bytes(b, head, 2u + (*p >> 7));
    buf_bytes(b, p, len);
}

static size_t sign_hash(const struct repo_key *key, const uint8_t *hash, size_t hash_len, uint8_t *raw, size_t cap)
{
    const struct kind *k = &kinds[key->kind];
    psa_key_attributes_t attr = attributes(k);
    psa_key_id_t id;
    size_t len;

    repo_need(psa_import_key(&attr, key->secret, key->secret_len, &id) == PSA_SUCCESS, "key again");
    repo_need(psa_sign_hash(id, k->alg, hash, hash_len, raw, cap, &len) == PSA_SUCCESS, "sign");
    repo_need(psa_destroy_key(id) == PSA_SUCCESS, "key's end");
    return len;
}

static void sign(const struct repo_key *key, struct repo_signature *made, size_t hash_len, const struct buf *form)
{
    struct buf der = { 0 }, hex = { 0 };
    uint8_t raw[512];
    size_t len = 64;

    if (key->kind == REPO_ED25519)
        repo_ed25519_sign(key->secret, form->p, form->len, raw);
    else
        len = sign_hash(key, made->hash, hash_len, raw, sizeof raw);
    if (key->kind == REPO_RSA || key->kind == REPO_ED25519) {
        buf_hex(&hex, raw, len);
    } else {
        add_der_integer(&der, raw, len / 2);
        add_der_integer(&der, raw + len / 2, len / 2);
        buf_add(&hex, "30%02x", (unsigned)der.len);
        buf_hex(&hex, der.p, der.len);
    }
    repo_need(hex.len < sizeof made->hex, "signature text");
    memcpy(made->hex, hex.p, hex.len + 1);
    free(der.p);
    free(hex.p);
}

void repo_add_signature(struct buf *b, struct tuf_repo *r, const struct repo_key *key, const char *id, const struct buf *form)
{
    struct repo_signature fresh = { .key = key }, *made = NULL;
    size_t hash_len;

    repo_digest(kinds[key->kind].hash, form->p, form->len, fresh.hash, sizeof fresh.hash, &hash_len);
    for (int i = 0; i < REPO_SIGNATURES && !made; i++)
        if (r->made[i].key == key && memcmp(r->made[i].hash, fresh.hash, hash_len) == 0)
            made = &r->made[i];
    if (!made) {
        sign(key, &fresh, hash_len, form);
        made = &r->made[r->made_next];
        r->made_next = (r->made_next + 1) % REPO_SIGNATURES;
        *made = fresh;
    }
    buf_add(b, "{\"keyid\":\"%s\",\"sig\":\"%s\"}", id ? id : key->id, made->hex);
}
