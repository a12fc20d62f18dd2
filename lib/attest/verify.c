/* SPDX-License-Identifier: Apache-2.0 */
/* Signature first: nothing of a token is read before it was right, but for where its parts lie. */
#include <string.h>

#include "claims.h"

#define KEY_LEN 65u

static ota_err verify_signature(const struct ota_attest_check *k, struct ota_crypto *c, const uint8_t digest[OTA_SHA256_LEN],
                                const uint8_t *sig, size_t sig_len)
{
    return c->ops->verify(c, OTA_SIG_ECDSA_SHA256, OTA_KEY_P256, k->key, KEY_LEN, digest, OTA_SHA256_LEN, sig, sig_len);
}

/* The one protected header that evidence has: { 1: -7 }. */
static bool is_es256(struct otai_span header)
{
    return header.len == 3 && memcmp(header.p, "\xa1\x01\x26", 3) == 0;
}

static ota_err open_cose(const struct ota_attest_check *k, struct ota_crypto *c, struct otai_span *payload)
{
    struct otai_cbor r;

    otai_cbor_init(&r, k->token, k->len);
    if (otai_cbor_take(&r, OTAI_CBOR_TAG) != 18 || otai_cbor_take(&r, OTAI_CBOR_ARRAY) != 4)
        otai_cbor_fail(&r, OTA_REJECT_TYPE);
    struct otai_span header = otai_cbor_take_string(&r, OTAI_CBOR_BYTES);
    otai_cbor_skip(&r); /* the unprotected header binds nobody */
    *payload = otai_cbor_take_string(&r, OTAI_CBOR_BYTES);
    struct otai_span sig = otai_cbor_take_string(&r, OTAI_CBOR_BYTES);
    otai_cbor_end(&r);
    if (r.err != OTA_OK)
        return r.err;
    if (!is_es256(header))
        return OTA_REJECT_SPEC;

    uint8_t digest[OTA_SHA256_LEN];
    ota_err err = otai_cose_digest(c, *payload, digest);
    return err == OTA_OK ? verify_signature(k, c, digest, sig.p, sig.len) : err;
}

/* Cut the text in front of the first dot off. */
static bool cut(struct otai_span *rest, struct otai_span *part)
{
    const uint8_t *dot = rest->len ? memchr(rest->p, '.', rest->len) : NULL;

    if (!dot)
        return false;
    *part = (struct otai_span){ rest->p, (size_t)(dot - rest->p) };
    *rest = (struct otai_span){ dot + 1, rest->len - part->len - 1 };
    return true;
}

static ota_err open_jwt(const struct ota_attest_check *k, struct ota_crypto *c, struct otai_span *payload)
{
    struct otai_span rest = { k->token, k->len }, header, body;
    uint8_t digest[OTA_SHA256_LEN], sig[OTAI_BASE64URL_LEN(OTA_ATTEST_SIG_LEN)];
    size_t len = 0;

    if (k->work_len < k->len)
        return OTA_USAGE_MEMORY;
    if (!cut(&rest, &header) || !cut(&rest, &body) || rest.len > sizeof sig || !otai_base64url_decode(rest, sig, &len))
        return OTA_REJECT_SYNTAX;
    const struct otai_span all = { k->token, header.len + 1 + body.len };
    ota_err err = otai_hash(c, &all, 1, digest);
    if (err == OTA_OK)
        err = verify_signature(k, c, digest, sig, len);
    if (err != OTA_OK)
        return err;
    if (!otai_base64url_decode(header, k->work, &len))
        return OTA_REJECT_SYNTAX;
    if (!otai_jwt_is_es256((struct otai_span){ k->work, len }))
        return OTA_REJECT_SPEC;
    if (!otai_base64url_decode(body, k->work, &len))
        return OTA_REJECT_SYNTAX;
    *payload = (struct otai_span){ k->work, len };
    return OTA_OK;
}

/* What a right signature does not say: that the token is an answer to this challenge, by the device that the key is of. */
static ota_err judge(const struct ota_attest_check *k, struct ota_crypto *c, const struct ota_claims *claims,
                     struct ota_fault *fault)
{
    uint8_t instance[OTA_ATTEST_INSTANCE_LEN];
    char where[OTA_FAULT_WHERE_MAX];
    struct otai_text t;
    const char *flaw = otai_claims_flaw(claims);

    if (flaw) {
        otai_text_init(&t, where, sizeof where);
        otai_text_add(&t, "evidence.");
        otai_text_add(&t, flaw);
        return ota_fault_set(fault, OTA_REJECT_VALUE, where, 0);
    }
    if (claims->nonce_len != k->nonce_len || !otai_equal(claims->nonce, k->nonce, k->nonce_len))
        return ota_fault_set(fault, OTA_REJECT_NONCE, "evidence.nonce", 0);
    ota_err err = ota_attest_instance(c, k->key, instance);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "evidence", 0);
    if (!otai_equal(claims->instance, instance, sizeof instance))
        return ota_fault_set(fault, OTA_REJECT_SCOPE, "evidence.instance", 0);
    return OTA_OK;
}

ota_err ota_attest_verify(const struct ota_attest_check *k, struct ota_crypto *c, struct ota_claims *claims,
                          struct ota_attest_log *log, struct ota_fault *fault)
{
    struct otai_span payload = { NULL, 0 };
    bool cose = k->form == OTA_TOKEN_COSE;

    memset(claims, 0, sizeof *claims);
    memset(log, 0, sizeof *log);
    if (!cose && k->form != OTA_TOKEN_JWT)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "form", 0);
    ota_err err = cose ? open_cose(k, c, &payload) : open_jwt(k, c, &payload);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "evidence", 0);
    err = cose ? otai_read_cose(payload, c, claims, log, fault) : otai_read_jwt(payload, c, claims, log, fault);
    if (err == OTA_OK)
        err = judge(k, c, claims, fault);
    if (err != OTA_OK) {
        memset(claims, 0, sizeof *claims);
        memset(log, 0, sizeof *log);
    }
    return err;
}
