/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto.h"

#include <stdio.h>
#include <string.h>

#define RAW_LEN 64

static const psa_algorithm_t ecdsa_sha256 = PSA_ALG_ECDSA(PSA_ALG_SHA_256);

static int psa_failed(struct tool *t, const char *what, psa_status_t status)
{
    return tool_failed(t, "crypto: %s failed (PSA status %d)", what, (int)status);
}

int crypto_begin(struct tool *t)
{
    psa_status_t status = psa_crypto_init();

    return status == PSA_SUCCESS ? TOOL_OK : psa_failed(t, "start", status);
}

int crypto_again(struct tool *t)
{
    mbedtls_psa_crypto_free();
    return crypto_begin(t);
}

int digest_begin(struct tool *t, struct digest *d)
{
    d->op = psa_hash_operation_init();
    psa_status_t status = psa_hash_setup(&d->op, PSA_ALG_SHA_256);
    return status == PSA_SUCCESS ? TOOL_OK : psa_failed(t, "SHA-256", status);
}

int digest_more(struct tool *t, struct digest *d, const void *p, size_t len)
{
    psa_status_t status = psa_hash_update(&d->op, p, len);

    return status == PSA_SUCCESS ? TOOL_OK : psa_failed(t, "SHA-256", status);
}

int digest_end(struct tool *t, struct digest *d, int rc, char hex[DIGEST_HEX])
{
    uint8_t bytes[DIGEST_LEN];
    size_t len;

    if (rc != TOOL_OK) {
        (void)psa_hash_abort(&d->op);
        return rc;
    }
    psa_status_t status = psa_hash_finish(&d->op, bytes, sizeof bytes, &len);
    if (status != PSA_SUCCESS)
        return psa_failed(t, "SHA-256", status);
    hex_encode(bytes, sizeof bytes, hex);
    return TOOL_OK;
}

int digest_of(struct tool *t, const void *p, size_t len, uint8_t out[DIGEST_LEN])
{
    size_t made;
    psa_status_t status = psa_hash_compute(PSA_ALG_SHA_256, p, len, out, DIGEST_LEN, &made);

    return status == PSA_SUCCESS ? TOOL_OK : psa_failed(t, "SHA-256", status);
}

int digest_hex(struct tool *t, const void *p, size_t len, char hex[DIGEST_HEX])
{
    uint8_t bytes[DIGEST_LEN];
    int rc = digest_of(t, p, len, bytes);

    if (rc == TOOL_OK)
        hex_encode(bytes, sizeof bytes, hex);
    return rc;
}

static psa_key_attributes_t pair_attributes(psa_key_usage_t usage)
{
    psa_key_attributes_t a = psa_key_attributes_init();

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_algorithm(&a, ecdsa_sha256);
    psa_set_key_usage_flags(&a, usage);
    return a;
}

int ecdsa_generate(struct tool *t, uint8_t scalar[SCALAR_LEN], uint8_t point[POINT_LEN])
{
    psa_key_attributes_t a = pair_attributes(PSA_KEY_USAGE_EXPORT);
    psa_key_id_t id;
    size_t len;
    psa_status_t status = psa_generate_key(&a, &id);

    if (status != PSA_SUCCESS)
        return psa_failed(t, "key generation", status);
    status = psa_export_key(id, scalar, SCALAR_LEN, &len);
    if (status == PSA_SUCCESS)
        status = psa_export_public_key(id, point, POINT_LEN, &len);
    (void)psa_destroy_key(id);
    return status == PSA_SUCCESS ? TOOL_OK : psa_failed(t, "key export", status);
}

static int import_pair(struct tool *t, const uint8_t scalar[SCALAR_LEN], psa_key_usage_t usage, psa_key_id_t *id)
{
    psa_key_attributes_t a = pair_attributes(usage);
    psa_status_t status = psa_import_key(&a, scalar, SCALAR_LEN, id);

    return status == PSA_SUCCESS ? TOOL_OK : psa_failed(t, "import of a private key", status);
}

int ecdsa_public(struct tool *t, const uint8_t scalar[SCALAR_LEN], uint8_t point[POINT_LEN])
{
    psa_key_id_t id;
    size_t len;
    int rc = import_pair(t, scalar, PSA_KEY_USAGE_SIGN_HASH, &id);

    if (rc != TOOL_OK)
        return rc;
    psa_status_t status = psa_export_public_key(id, point, POINT_LEN, &len);
    (void)psa_destroy_key(id);
    return status == PSA_SUCCESS ? TOOL_OK : psa_failed(t, "export of a public key", status);
}

/* One INTEGER of DER from a big-endian number: shortest form, positive. @return bytes written */
static size_t der_integer(const uint8_t number[SCALAR_LEN], uint8_t *out)
{
    size_t skip = 0;

    while (skip < SCALAR_LEN - 1 && number[skip] == 0)
        skip++;
    size_t pad = number[skip] >> 7, len = SCALAR_LEN - skip;
    out[0] = 0x02;
    out[1] = (uint8_t)(len + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, number + skip, len);
    return 2 + pad + len;
}

static size_t der_from_raw(const uint8_t raw[RAW_LEN], uint8_t der[SIG_DER_MAX])
{
    size_t len = der_integer(raw, der + 2);

    len += der_integer(raw + SCALAR_LEN, der + 2 + len);
    der[0] = 0x30;
    der[1] = (uint8_t)len;
    return 2 + len;
}

/* The reverse of der_integer, refusing every other encoding. @return bytes taken, 0 if wrong */
static size_t integer_from_der(const uint8_t *p, size_t len, uint8_t number[SCALAR_LEN])
{
    if (len < 3 || p[0] != 0x02 || p[1] < 1 || p[1] > SCALAR_LEN + 1 || (size_t)p[1] + 2 > len)
        return 0;
    const uint8_t *v = p + 2;
    size_t n = p[1];
    if ((v[0] & 0x80) != 0 || (n > 1 && v[0] == 0 && (v[1] & 0x80) == 0))
        return 0;
    if (n > 1 && v[0] == 0) {
        v++;
        n--;
    }
    if (n > SCALAR_LEN)
        return 0;
    memset(number, 0, SCALAR_LEN);
    memcpy(number + SCALAR_LEN - n, v, n);
    return 2 + (size_t)p[1];
}

static bool raw_from_der(const uint8_t *der, size_t len, uint8_t raw[RAW_LEN])
{
    if (len < 8 || len > SIG_DER_MAX || der[0] != 0x30 || der[1] != len - 2)
        return false;
    size_t used = integer_from_der(der + 2, len - 2, raw);
    if (used == 0)
        return false;
    size_t rest = len - 2 - used;
    return rest > 0 && integer_from_der(der + 2 + used, rest, raw + SCALAR_LEN) == rest;
}

int ecdsa_sign(struct tool *t, const uint8_t scalar[SCALAR_LEN], const uint8_t digest[DIGEST_LEN],
               uint8_t der[SIG_DER_MAX], size_t *der_len)
{
    uint8_t raw[RAW_LEN];
    size_t len;
    psa_key_id_t id;
    int rc = import_pair(t, scalar, PSA_KEY_USAGE_SIGN_HASH, &id);

    if (rc != TOOL_OK)
        return rc;
    psa_status_t status = psa_sign_hash(id, ecdsa_sha256, digest, DIGEST_LEN, raw, sizeof raw, &len);
    (void)psa_destroy_key(id);
    if (status != PSA_SUCCESS)
        return psa_failed(t, "signing", status);
    *der_len = der_from_raw(raw, der);
    return TOOL_OK;
}

bool ecdsa_verify(const uint8_t point[POINT_LEN], const uint8_t digest[DIGEST_LEN], const uint8_t *der, size_t der_len)
{
    psa_key_attributes_t a = psa_key_attributes_init();
    uint8_t raw[RAW_LEN];
    psa_key_id_t id;

    if (!raw_from_der(der, der_len, raw))
        return false;
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_algorithm(&a, ecdsa_sha256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_VERIFY_HASH);
    if (psa_import_key(&a, point, POINT_LEN, &id) != PSA_SUCCESS)
        return false;
    psa_status_t status = psa_verify_hash(id, ecdsa_sha256, digest, DIGEST_LEN, raw, sizeof raw);
    (void)psa_destroy_key(id);
    return status == PSA_SUCCESS;
}

void digest_bytes(const char *hex, uint8_t out[DIGEST_LEN])
{
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        unsigned v = 0;
        (void)sscanf(hex + 2 * i, "%2x", &v);
        out[i] = (uint8_t)v;
    }
}
