/* SPDX-License-Identifier: Apache-2.0 */
/* A device's key, and good evidence. Each test program is one file. */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "claims.h"
#include "ota/posix.h"

static struct ota_posix_crypto posix;
static struct ota_crypto *crypto;
static psa_key_id_t key;
static uint8_t public[65];
static const uint8_t nonce[64] = "a challenge that nobody has seen before, and 64 bytes of it ....";

/* ---- a device's key ---- */

static bool fail_sign;

static ota_err sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    size_t len = 0;

    (void)s;
    if (fail_sign)
        return OTA_DEVICE_CRYPTO;
    assert_int_equal(psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len),
                     PSA_SUCCESS);
    assert_int_equal(len, OTA_ATTEST_SIG_LEN);
    return OTA_OK;
}
static const struct ota_signer_ops signer_ops = { sign };
static struct ota_signer signer = { &signer_ops };

static int set_up(void **state)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    const struct ota_posix_crypto_config cfg = { 0 };
    size_t len;

    (void)state;
    assert_int_equal(ota_posix_crypto_open(&posix, &cfg, NULL), OTA_OK);
    crypto = &posix.port;
    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&attr, &key), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(key, public, sizeof public, &len), PSA_SUCCESS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    psa_destroy_key(key);
    ota_posix_crypto_close(&posix);
    return 0;
}

/* ---- good evidence ---- */

static struct ota_measurement measurement(enum ota_measured kind, const char *name, const char *version, uint8_t fill)
{
    struct ota_measurement m = { .kind = kind };

    assert_true(otai_copy(m.name, sizeof m.name, name) && otai_copy(m.version, sizeof m.version, version));
    memset(m.digest, fill, sizeof m.digest);
    memset(m.signer, fill ^ 0xff, sizeof m.signer);
    return m;
}

static struct ota_attest_log some_log(void)
{
    const struct ota_measurement all[] = {
        measurement(OTA_MEASURED_BOOT, "supervisor", "1.2.0", 1),
        measurement(OTA_MEASURED_IMAGE, "os", "2026.11", 2),
        measurement(OTA_MEASURED_CONFIG, "agent", "", 3),
        measurement(OTA_MEASURED_TRUST, "product", "7.1204.1203.88", 4),
    };
    struct ota_attest_log log = { 0 };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(ota_attest_extend(&log, crypto, &all[i]), OTA_OK);
    return log;
}

static struct ota_claims some_claims(void)
{
    struct ota_claims c = {
        .nonce_len = 32, .client_id = -1, .lifecycle = 0x3000, .boot_seed_len = 16, .strength = OTA_STRENGTH_TPM
    };

    memcpy(c.nonce, nonce, sizeof c.nonce);
    memset(c.nonce + c.nonce_len, 0, sizeof c.nonce - c.nonce_len);
    memset(c.implementation, 0x5a, sizeof c.implementation);
    memset(c.boot_seed, 0xc3, c.boot_seed_len);
    assert_int_equal(ota_attest_instance(crypto, public, c.instance), OTA_OK);
    return c;
}

static uint8_t token[8192], work[8192];
static struct ota_fault fault;
static struct ota_claims claims;
static struct ota_attest_log read_log;

typedef ota_err (*writer)(const struct ota_claims *, const struct ota_attest_log *, struct ota_signer *, struct ota_crypto *,
                          uint8_t *, size_t, size_t *, struct ota_fault *);
static writer writer_of(enum ota_token_form form)
{
    return form == OTA_TOKEN_COSE ? ota_attest_cose : ota_attest_jwt;
}

static size_t write_token(enum ota_token_form form, const struct ota_claims *c, const struct ota_attest_log *log)
{
    size_t len = 0;

    assert_int_equal(writer_of(form)(c, log, &signer, crypto, token, sizeof token, &len, &fault), OTA_OK);
    return len;
}

static struct ota_attest_check check_of(enum ota_token_form form, size_t len, size_t nonce_len)
{
    return (struct ota_attest_check){ form, token, len, public, nonce, nonce_len, work, sizeof work };
}

static ota_err read_token(enum ota_token_form form, size_t len)
{
    const struct ota_attest_check k = check_of(form, len, 32);

    memset(&fault, 0, sizeof fault);
    return ota_attest_verify(&k, crypto, &claims, &read_log, &fault);
}

static void is_nothing(void)
{
    const struct ota_claims none = { 0 };
    const struct ota_attest_log empty = { 0 };

    assert_memory_equal(&claims, &none, sizeof none);
    assert_memory_equal(&read_log, &empty, sizeof empty);
}

#define FORMS for (enum ota_token_form form = OTA_TOKEN_COSE; form <= OTA_TOKEN_JWT; form++)

#endif
