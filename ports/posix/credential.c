/* SPDX-License-Identifier: Apache-2.0 */
/* TPM2_MakeCredential in software (TPM 2.0 part 1, 24 and annex C.6): a secret that only the TPM with this endorsement key gives out, and
 * only if it also has the key with this name. For endorsement keys on P-256 with AES-128 and SHA-256. */
#include <string.h>

#include <psa/crypto.h>

#include "ota/posix_identity.h"

#define NAME_LEN 34u
#define POINT_LEN 65u
#define AES_LEN 16u
#define HASH_LEN 32u
#define EK_AREA_LEN 122u
#define ID_LEN (2u + OTA_POSIX_SECRET_MAX)
#define AREA_MAX 1024u

/* Template L-2 of the TCG's EK Credential Profile, up to the point. */
static const uint8_t ek_head[] = { 0x00, 0x23, 0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2, 0x00, 0x20, 0x83, 0x71, 0x97, 0x67, 0x44,
                                   0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e,
                                   0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa, 0x00, 0x06, 0x00,
                                   0x80, 0x00, 0x43, 0x00, 0x10, 0x00, 0x03, 0x00, 0x10 };
_Static_assert(sizeof ek_head + 2 * (2 + 32) == EK_AREA_LEN, "TPMT_PUBLIC");

struct keys {
    uint8_t ephemeral[POINT_LEN]; /* its public half goes to the TPM */
    uint8_t seed[HASH_LEN];
    uint8_t name[NAME_LEN];
};

static uint8_t *put(uint8_t *p, uint32_t v, unsigned len)
{
    while (len-- > 0)
        *p++ = (uint8_t)(v >> 8 * len);
    return p;
}

static uint8_t *put_bytes(uint8_t *p, const void *from, size_t len)
{
    memcpy(p, from, len);
    return p + len;
}

static bool read_ek(const uint8_t *area, size_t len, uint8_t point[POINT_LEN])
{
    const uint8_t *x = area + sizeof ek_head;

    if (len != EK_AREA_LEN || memcmp(area, ek_head, sizeof ek_head) != 0 || x[0] != 0 || x[1] != 32 || x[34] != 0 || x[35] != 32)
        return false;
    point[0] = 4;
    (void)put_bytes(put_bytes(point + 1, x + 2, 32), x + 36, 32);
    return true;
}

static psa_status_t sha256(const uint8_t *p, size_t len, uint8_t out[HASH_LEN])
{
    size_t got;

    return psa_hash_compute(PSA_ALG_SHA_256, p, len, out, HASH_LEN, &got);
}

static psa_status_t hmac(const uint8_t *key, size_t key_len, const uint8_t *p, size_t len, uint8_t out[HASH_LEN])
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    psa_key_id_t id = 0;
    size_t got;

    psa_set_key_type(&attr, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attr, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_status_t status = psa_import_key(&attr, key, key_len, &id);
    if (status == PSA_SUCCESS)
        status = psa_mac_compute(id, PSA_ALG_HMAC(PSA_ALG_SHA_256), p, len, out, HASH_LEN, &got);
    (void)psa_destroy_key(id);
    return status;
}

/* KDFa (part 1, 11.4.10.2) of at most one hash. The label's NUL is a part of it. */
static psa_status_t kdfa(const uint8_t seed[HASH_LEN], const char *label, const uint8_t *context, size_t context_len, uint32_t bits,
                         uint8_t out[HASH_LEN])
{
    uint8_t text[4 + 16 + NAME_LEN + 4], *p = put(text, 1, 4);

    p = put_bytes(p, label, strlen(label) + 1);
    if (context_len > 0)
        p = put_bytes(p, context, context_len);
    p = put(p, bits, 4);
    return hmac(seed, HASH_LEN, text, (size_t)(p - text), out);
}

/* KDFe (part 1, 11.4.10.3) of one hash, from the shared point. */
static psa_status_t kdfe(const uint8_t z[32], const uint8_t *party_u, const uint8_t *party_v, uint8_t out[HASH_LEN])
{
    static const char label[] = "IDENTITY";
    uint8_t text[4 + 32 + sizeof label + 64], *p = put(text, 1, 4);

    p = put_bytes(put_bytes(p, z, 32), label, sizeof label);
    p = put_bytes(put_bytes(p, party_u, 32), party_v, 32);
    psa_status_t status = sha256(text, (size_t)(p - text), out);
    explicit_bzero(text, sizeof text);
    return status;
}

static psa_status_t agree(const uint8_t ek[POINT_LEN], struct keys *k)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    psa_key_id_t id = 0;
    uint8_t z[32];
    size_t got;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDH);
    psa_status_t status = psa_generate_key(&attr, &id);
    if (status == PSA_SUCCESS)
        status = psa_export_public_key(id, k->ephemeral, sizeof k->ephemeral, &got);
    if (status == PSA_SUCCESS)
        status = psa_raw_key_agreement(PSA_ALG_ECDH, id, ek, POINT_LEN, z, sizeof z, &got);
    if (status == PSA_SUCCESS)
        status = kdfe(z, k->ephemeral + 1, ek + 1, k->seed);
    explicit_bzero(z, sizeof z);
    (void)psa_destroy_key(id);
    return status;
}

/* AES-128 in CFB mode with an IV of zero, in place. */
static psa_status_t encrypt(const uint8_t key[AES_LEN], uint8_t *p, size_t len)
{
    static const uint8_t zero[AES_LEN];
    psa_cipher_operation_t op = psa_cipher_operation_init();
    psa_key_attributes_t attr = psa_key_attributes_init();
    uint8_t out[ID_LEN + AES_LEN];
    psa_key_id_t id = 0;
    size_t got = 0, more = 0;

    psa_set_key_type(&attr, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&attr, PSA_ALG_CFB);
    psa_status_t status = psa_import_key(&attr, key, AES_LEN, &id);
    if (status == PSA_SUCCESS)
        status = psa_cipher_encrypt_setup(&op, id, PSA_ALG_CFB);
    if (status == PSA_SUCCESS)
        status = psa_cipher_set_iv(&op, zero, sizeof zero);
    if (status == PSA_SUCCESS)
        status = psa_cipher_update(&op, p, len, out, sizeof out, &got);
    if (status == PSA_SUCCESS)
        status = psa_cipher_finish(&op, out + got, sizeof out - got, &more);
    if (status == PSA_SUCCESS && got + more == len)
        memcpy(p, out, len);
    else if (status == PSA_SUCCESS)
        status = PSA_ERROR_GENERIC_ERROR;
    (void)psa_cipher_abort(&op);
    (void)psa_destroy_key(id);
    return status;
}

/* TPM2B_ID_OBJECT: the secret encrypted for the seed and the name, and a MAC over it and the name. */
static psa_status_t seal(const struct keys *k, const uint8_t *secret, size_t secret_len, uint8_t *out, size_t *len)
{
    uint8_t id[ID_LEN], key[HASH_LEN], text[ID_LEN + NAME_LEN], mac[HASH_LEN];
    size_t id_len = 2 + secret_len;

    (void)put_bytes(put(id, (uint32_t)secret_len, 2), secret, secret_len);
    psa_status_t status = kdfa(k->seed, "STORAGE", k->name, sizeof k->name, 128, key);
    if (status == PSA_SUCCESS)
        status = encrypt(key, id, id_len);
    if (status == PSA_SUCCESS)
        status = kdfa(k->seed, "INTEGRITY", NULL, 0, 256, key);
    (void)put_bytes(put_bytes(text, id, id_len), k->name, sizeof k->name);
    if (status == PSA_SUCCESS)
        status = hmac(key, sizeof key, text, id_len + sizeof k->name, mac);
    uint8_t *p = put(put(out, (uint32_t)(2 + HASH_LEN + id_len), 2), HASH_LEN, 2);
    p = put_bytes(put_bytes(p, mac, sizeof mac), id, id_len);
    *len = (size_t)(p - out);
    explicit_bzero(id, sizeof id);
    explicit_bzero(key, sizeof key);
    return status;
}

ota_err ota_posix_credential_make(const struct ota_posix_credential *c, uint8_t out[OTA_POSIX_CREDENTIAL_MAX], size_t *len,
                                  struct ota_fault *fault)
{
    struct keys k = { .name = { 0x00, 0x0b } };
    uint8_t ek[POINT_LEN];

    *len = 0;
    if (c->secret_len == 0 || c->secret_len > OTA_POSIX_SECRET_MAX)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "credential.secret", 0);
    if (!read_ek(c->ek, c->ek_len, ek))
        return ota_fault_set(fault, OTA_REJECT_KEY, "credential.ek", 0);
    psa_status_t status = psa_crypto_init();
    if (status == PSA_SUCCESS)
        status = sha256(c->ak, c->ak_len, k.name + 2);
    if (status == PSA_SUCCESS)
        status = agree(ek, &k);
    if (status == PSA_ERROR_INVALID_ARGUMENT)
        return ota_fault_set(fault, OTA_REJECT_KEY, "credential.ek", (int32_t)status); /* a point that is not on the curve */
    if (status == PSA_SUCCESS)
        status = seal(&k, c->secret, c->secret_len, out, len);
    explicit_bzero(k.seed, sizeof k.seed);
    if (status != PSA_SUCCESS) {
        *len = 0;
        return ota_fault_set(fault, OTA_DEVICE_CRYPTO, "credential", (int32_t)status);
    }
    uint8_t *p = put(put(out + *len, 2 * (2 + 32), 2), 32, 2);
    p = put(put_bytes(p, k.ephemeral + 1, 32), 32, 2);
    p = put_bytes(p, k.ephemeral + 33, 32);
    *len = (size_t)(p - out);
    return OTA_OK;
}
