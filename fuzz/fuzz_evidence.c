/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence. Byte 0: bit 0 the form. The rest is the payload of a token, which is put into a frame that counts as signed here, or,
 * with bit 1, the whole token. What is accepted must be written again, and read as the same.
 */
#include "ota/attest.h"

#include "claims.h"
#include "tuf_fuzz_crypto.h"

#define TOKEN_MAX 16384u

static uint8_t token[TOKEN_MAX], again[TOKEN_MAX], work[TOKEN_MAX], key[65];
static struct ota_crypto crypto = { &fuzz_ops };

static void require(bool good)
{
    if (!good)
        abort();
}

static ota_err sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    (void)s, (void)digest;
    memset(sig, 0, OTA_ATTEST_SIG_LEN);
    sig[OTA_ATTEST_SIG_LEN / 2 - 1] = sig[OTA_ATTEST_SIG_LEN - 1] = 1;
    return OTA_OK;
}
static const struct ota_signer_ops signer_ops = { sign };
static struct ota_signer signer = { &signer_ops };

static void put_jwt(struct otai_out *o, const uint8_t *payload, size_t len, const uint8_t *sig)
{
    otai_out_text(o, "eyJhbGciOiJFUzI1NiJ9.");
    otai_put_base64url(o, payload, len);
    otai_out_text(o, ".");
    otai_put_base64url(o, sig, OTA_ATTEST_SIG_LEN);
}

static size_t frame(enum ota_token_form form, const uint8_t *payload, size_t len)
{
    struct otai_out o = { token, sizeof token, 0 };
    uint8_t sig[OTA_ATTEST_SIG_LEN];

    require(sign(&signer, key, sig) == OTA_OK);
    if (form == OTA_TOKEN_JWT)
        put_jwt(&o, payload, len, sig);
    else {
        otai_out_bytes(&o, "\xd2\x84\x43\xa1\x01\x26\xa0", 7);
        otai_cbor_bytes(&o, payload, len);
        otai_cbor_bytes(&o, sig, sizeof sig);
    }
    return o.len <= sizeof token ? o.len : 0;
}

/* The challenge that the token answers, and its instance, are what it says: they are compared, not parsed. */
static ota_err read_claims(enum ota_token_form form, const uint8_t *p, size_t len, struct ota_claims *claims,
                           struct ota_attest_log *log)
{
    static uint8_t nonce[OTA_ATTEST_NONCE_MAX];
    struct ota_attest_check k = { form, p, len, key, nonce, 32, work, sizeof work };
    struct ota_fault fault = { 0 };
    ota_err err = ota_attest_verify(&k, &crypto, claims, log, &fault);

    require(err == fault.err);
    require(err == OTA_OK || ota_err_class(err) == OTA_CLASS_REJECT);
    require(err == OTA_OK || (claims->nonce_len == 0 && log->count == 0));
    return err;
}

static ota_err write_claims(enum ota_token_form form, const struct ota_claims *claims, const struct ota_attest_log *log,
                            size_t *len)
{
    if (form == OTA_TOKEN_COSE)
        return ota_attest_cose(claims, log, &signer, &crypto, again, sizeof again, len, NULL);
    return ota_attest_jwt(claims, log, &signer, &crypto, again, sizeof again, len, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ota_claims claims, claims2;
    static struct ota_attest_log log, log2;
    size_t len;

    if (size == 0 || size > TOKEN_MAX / 2)
        return 0;
    enum ota_token_form form = data[0] & 1 ? OTA_TOKEN_JWT : OTA_TOKEN_COSE;
    const uint8_t *p = data + 1;
    len = size - 1;
    if (!(data[0] & 2)) {
        len = frame(form, p, len);
        p = token;
    }
    if (read_claims(form, p, len, &claims, &log) != OTA_OK)
        return 0;
    for (form = OTA_TOKEN_COSE; form <= OTA_TOKEN_JWT; form++) {
        require(write_claims(form, &claims, &log, &len) == OTA_OK);
        require(read_claims(form, again, len, &claims2, &log2) == OTA_OK);
        require(memcmp(&claims, &claims2, sizeof claims) == 0 && memcmp(&log, &log2, sizeof log) == 0);
    }
    return 0;
}
