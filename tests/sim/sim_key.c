/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_key.h"

#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "sim_must.h"

#define SIGN_ALG PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256)

void sim_sha256(const void *data, size_t len, uint8_t out[32])
{
    size_t got = 0;

    MUST(psa_hash_compute(PSA_ALG_SHA_256, data, len, out, 32, &got) == PSA_SUCCESS && got == 32);
}

void sim_hex(const uint8_t *p, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static size_t base64(const uint8_t *p, size_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);

        out[n++] = digits[v >> 18];
        out[n++] = digits[v >> 12 & 63];
        out[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
        out[n++] = i + 2 < len ? digits[v & 63] : '=';
    }
    out[n] = '\0';
    return n;
}

/* SubjectPublicKeyInfo of a P-256 point (RFC 5480) as PEM. */
static void pem_of(const uint8_t point[65], char *out, size_t cap)
{
    static const uint8_t head[26] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                      0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
    uint8_t der[91];
    char text[128];

    memcpy(der, head, sizeof head);
    memcpy(der + sizeof head, point, 65);
    MUST(base64(der, sizeof der, text) == 124);
    (void)snprintf(out, cap, "-----BEGIN PUBLIC KEY-----\n%.64s\n%s\n-----END PUBLIC KEY-----\n", text, text + 64);
}

/* The same few keys and signatures are made for one publisher after the other. */
#define KEYS_MAX 256
#define SIGNATURES_MAX 2048u

static struct {
    char name[128];
    struct sim_key key;
} made[KEYS_MAX];

static struct {
    uint8_t secret[32], hash[32];
    char hex[SIM_SIG_HEX_MAX];
} signature[SIGNATURES_MAX];

/* The crypto service has room for few keys at once. */
static psa_key_id_t import(const struct sim_key *k)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    psa_key_id_t key = 0;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, SIGN_ALG);
    MUST(psa_import_key(&attr, k->secret, sizeof k->secret, &key) == PSA_SUCCESS);
    return key;
}

static void make(struct sim_key *k, const char *name)
{
    uint8_t id[32];
    char pem[256];
    size_t got = 0;

    MUST(psa_crypto_init() == PSA_SUCCESS);
    sim_sha256(name, strlen(name), k->secret);
    psa_key_id_t key = import(k);
    MUST(psa_export_public_key(key, k->point, sizeof k->point, &got) == PSA_SUCCESS && got == sizeof k->point);
    MUST(psa_destroy_key(key) == PSA_SUCCESS);
    pem_of(k->point, pem, sizeof pem);
    (void)snprintf(k->json, sizeof k->json,
        "{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"%s\"},\"scheme\":\"ecdsa-sha2-nistp256\"}", pem);
    sim_sha256(k->json, strlen(k->json), id);
    sim_hex(id, sizeof id, k->keyid);
}

void sim_key_make(struct sim_key *k, const char *name)
{
    size_t i = 0;

    MUST(strlen(name) < sizeof made[0].name);
    while (i < KEYS_MAX && made[i].name[0] && strcmp(made[i].name, name) != 0)
        i++;
    MUST(i < KEYS_MAX);
    if (!made[i].name[0]) {
        make(&made[i].key, name);
        memcpy(made[i].name, name, strlen(name) + 1);
    }
    *k = made[i].key;
}

/* An INTEGER of X.690: no needless zeros, one where the top bit would make it negative. */
static size_t der_integer(const uint8_t *v, uint8_t *out)
{
    size_t skip = 0, n = 0;

    while (skip < 31 && v[skip] == 0)
        skip++;
    out[n++] = 0x02;
    out[n++] = (uint8_t)(32 - skip + (v[skip] >> 7));
    if (v[skip] & 0x80)
        out[n++] = 0;
    memcpy(out + n, v + skip, 32 - skip);
    return n + 32 - skip;
}

static void sign(const struct sim_key *k, const uint8_t hash[32], char hex[SIM_SIG_HEX_MAX])
{
    uint8_t raw[64], der[80];
    size_t got = 0;
    psa_key_id_t key = import(k);

    MUST(psa_sign_hash(key, SIGN_ALG, hash, 32, raw, sizeof raw, &got) == PSA_SUCCESS && got == sizeof raw);
    MUST(psa_destroy_key(key) == PSA_SUCCESS);
    size_t n = 2 + der_integer(raw, der + 2);
    n += der_integer(raw + 32, der + n);
    der[0] = 0x30;
    der[1] = (uint8_t)(n - 2);
    sim_hex(der, n, hex);
}

void sim_key_sign(const struct sim_key *k, const void *msg, size_t len, char hex[SIM_SIG_HEX_MAX])
{
    uint8_t hash[32];

    sim_sha256(msg, len, hash);
    size_t at = (hash[0] | (size_t)hash[1] << 8) % SIGNATURES_MAX;
    if (memcmp(signature[at].secret, k->secret, sizeof k->secret) != 0 || memcmp(signature[at].hash, hash, sizeof hash) != 0) {
        sign(k, hash, signature[at].hex);
        memcpy(signature[at].hash, hash, sizeof hash);
        memcpy(signature[at].secret, k->secret, sizeof k->secret);
    }
    memcpy(hex, signature[at].hex, SIM_SIG_HEX_MAX);
}
