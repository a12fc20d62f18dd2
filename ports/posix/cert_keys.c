/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for short certificates, by PSA Crypto. They are made to be stored as text: the TLS library reads them from a file. */
#include <psa/crypto.h>
#include <string.h>

#include "ota/posix.h"

#define SCALAR_LEN 32u
#define LINE_DIGITS 64u

/* RFC 5915 for P-256: version 1, the scalar, the curve, the point. */
static const uint8_t der_head[] = { 0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const uint8_t der_middle[] = { 0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00 };
#define DER_LEN (sizeof der_head + SCALAR_LEN + sizeof der_middle + OTA_ATTEST_KEY_LEN)

static struct ota_posix_cert_keys *self(struct ota_cert_keys *k)
{
    return (struct ota_posix_cert_keys *)k;
}

static ota_err judge(psa_status_t status, int32_t *port_code)
{
    if (status == PSA_SUCCESS)
        return OTA_OK;
    *port_code = status;
    return OTA_DEVICE_CRYPTO;
}

static void forget(void *p, size_t len)
{
    volatile uint8_t *bytes = p;

    while (len-- > 0)
        bytes[len] = 0;
}

/* DER_LEN is no multiple of three by one byte: two digits and two signs of padding end the text. */
static size_t put_base64(const uint8_t *p, size_t len, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0, column = 0;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);

        for (size_t k = 0; k < 4; k++)
            out[n++] = k <= left ? (uint8_t)digits[bits >> (18 - 6 * k) & 63u] : '=';
        column += 4;
        if (column == LINE_DIGITS || left <= 3) {
            out[n++] = '\n';
            column = 0;
        }
    }
    return n;
}

static size_t put_pem(const uint8_t scalar[SCALAR_LEN], const uint8_t key[OTA_ATTEST_KEY_LEN], uint8_t *out)
{
    static const char begin[] = "-----BEGIN EC PRIVATE KEY-----\n", end[] = "-----END EC PRIVATE KEY-----\n";
    uint8_t der[DER_LEN];
    size_t n = sizeof begin - 1;

    memcpy(der, der_head, sizeof der_head);
    memcpy(der + sizeof der_head, scalar, SCALAR_LEN);
    memcpy(der + sizeof der_head + SCALAR_LEN, der_middle, sizeof der_middle);
    memcpy(der + sizeof der - OTA_ATTEST_KEY_LEN, key, OTA_ATTEST_KEY_LEN);
    memcpy(out, begin, n);
    n += put_base64(der, sizeof der, out + n);
    memcpy(out + n, end, sizeof end - 1);
    forget(der, sizeof der);
    return n + sizeof end - 1;
}

static void destroy(psa_key_id_t *key)
{
    if (*key)
        (void)psa_destroy_key(*key);
    *key = 0;
}

static ota_err keys_make(struct ota_cert_keys *k, enum ota_certificate which, uint8_t key[OTA_ATTEST_KEY_LEN], uint8_t *text, size_t *len,
                         int32_t *port_code)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    psa_key_id_t *id = &self(k)->key[which];
    uint8_t scalar[SCALAR_LEN];
    size_t n = 0;
    psa_status_t status;

    destroy(id);
    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    status = psa_generate_key(&attr, id);
    if (status == PSA_SUCCESS)
        status = psa_export_public_key(*id, key, OTA_ATTEST_KEY_LEN, &n);
    if (status == PSA_SUCCESS)
        status = psa_export_key(*id, scalar, sizeof scalar, &n);
    if (status == PSA_SUCCESS)
        *len = put_pem(scalar, key, text);
    forget(scalar, sizeof scalar);
    return judge(status, port_code);
}

static ota_err keys_sign(struct ota_cert_keys *k, enum ota_certificate which, const uint8_t digest[OTA_SHA256_LEN],
                         uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code)
{
    size_t len = 0;

    return judge(psa_sign_hash(self(k)->key[which], PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len),
                 port_code);
}

static void keys_drop(struct ota_cert_keys *k)
{
    for (size_t i = 0; i < OTA_CERTIFICATES; i++)
        destroy(&self(k)->key[i]);
}

static const struct ota_cert_keys_ops ops = { keys_make, keys_sign, keys_drop };

void ota_posix_cert_keys_init(struct ota_posix_cert_keys *k)
{
    memset(k, 0, sizeof *k);
    k->port.ops = &ops;
}
