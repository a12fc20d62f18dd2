/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence is written twice: first to nowhere, to learn its length. */
#include <string.h>

#include "claims.h"

static ota_err check(const struct ota_claims *claims, const struct ota_attest_log *log, struct ota_fault *fault)
{
    char where[OTA_FAULT_WHERE_MAX];
    struct otai_text t;
    const char *flaw = otai_claims_flaw(claims);

    if (!flaw && log->count > OTA_ATTEST_LOG_MAX)
        flaw = "log";
    for (size_t i = 0; !flaw && i < log->count; i++)
        if (!otai_measurement_ok(&log->entry[i]))
            flaw = "log";
    if (!flaw)
        return OTA_OK;
    otai_text_init(&t, where, sizeof where);
    otai_text_add(&t, "claims.");
    otai_text_add(&t, flaw);
    return ota_fault_set(fault, OTA_USAGE_ARGUMENT, where, 0);
}

/* ---- COSE_Sign1 ---- */

/* Keys in the order of their encodings (RFC 8949 section 4.2.1), which puts the negative one behind all others. */
static void put_claims(struct otai_out *o, const struct ota_claims *c, const struct ota_attest_log *log)
{
    otai_cbor_head(o, OTAI_CBOR_MAP, 7u + (c->boot_seed_len > 0) + (log->count > 0));
    otai_cbor_int(o, OTAI_CLAIM_NONCE);
    otai_cbor_bytes(o, c->nonce, c->nonce_len);
    otai_cbor_int(o, OTAI_CLAIM_INSTANCE);
    otai_cbor_bytes(o, c->instance, sizeof c->instance);
    otai_cbor_int(o, OTAI_CLAIM_PROFILE);
    otai_cbor_text(o, OTA_ATTEST_PROFILE_COSE);
    if (c->boot_seed_len) {
        otai_cbor_int(o, OTAI_CLAIM_BOOT_SEED);
        otai_cbor_bytes(o, c->boot_seed, c->boot_seed_len);
    }
    otai_cbor_int(o, OTAI_CLAIM_CLIENT);
    otai_cbor_int(o, c->client_id);
    otai_cbor_int(o, OTAI_CLAIM_LIFECYCLE);
    otai_cbor_int(o, c->lifecycle);
    otai_cbor_int(o, OTAI_CLAIM_IMPLEMENTATION);
    otai_cbor_bytes(o, c->implementation, sizeof c->implementation);
    if (log->count) { /* RFC 9783 section 4.4.1: one entry at least, or no claim */
        otai_cbor_int(o, OTAI_CLAIM_COMPONENTS);
        otai_cbor_head(o, OTAI_CBOR_ARRAY, log->count);
        for (size_t i = 0; i < log->count; i++)
            otai_put_entry(o, &log->entry[i]);
    }
    otai_cbor_int(o, OTAI_CLAIM_STRENGTH);
    otai_cbor_text(o, ota_strength_name(c->strength));
}

static ota_err sign_cose(struct ota_crypto *c, struct ota_signer *signer, struct otai_span payload, uint8_t *sig)
{
    uint8_t digest[OTA_SHA256_LEN];
    ota_err err = otai_cose_digest(c, payload, digest);

    return err == OTA_OK ? signer->ops->sign(signer, digest, sig) : err;
}

ota_err ota_attest_cose(const struct ota_claims *claims, const struct ota_attest_log *log, struct ota_signer *signer,
                        struct ota_crypto *c, uint8_t *out, size_t cap, size_t *len, struct ota_fault *fault)
{
    static const uint8_t begin[] = { 0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0 }; /* tag 18, array, protected, unprotected */
    struct otai_out o = { out, cap, 0 }, measure = { NULL, 0, 0 };
    uint8_t sig[OTA_ATTEST_SIG_LEN];

    *len = 0;
    ota_err err = check(claims, log, fault);
    if (err != OTA_OK)
        return err;
    put_claims(&measure, claims, log);
    otai_out_bytes(&o, begin, sizeof begin);
    otai_cbor_head(&o, OTAI_CBOR_BYTES, measure.len);
    size_t payload = o.len;
    put_claims(&o, claims, log);
    *len = o.len + 2 + sizeof sig;
    if (*len > cap)
        return ota_fault_set(fault, OTA_USAGE_MEMORY, "token", 0);
    err = sign_cose(c, signer, (struct otai_span){ out + payload, measure.len }, sig);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "sign", 0);
    otai_cbor_bytes(&o, sig, sizeof sig);
    return OTA_OK;
}

/* ---- JWT ---- */

/* Base64url of text that is made piece by piece. */
struct encoder {
    struct otai_out *o;
    uint8_t held[3];
    size_t count;
};

static void encode(struct encoder *e, const char *text)
{
    for (; *text; text++) {
        e->held[e->count++] = (uint8_t)*text;
        if (e->count == sizeof e->held) {
            otai_put_base64url(e->o, e->held, e->count);
            e->count = 0;
        }
    }
}

static void encode_base64url(struct encoder *e, const uint8_t *p, size_t len)
{
    char text[OTAI_BASE64URL_LEN(OTA_ATTEST_NONCE_MAX) + 1];
    struct otai_out o = { (uint8_t *)text, sizeof text - 1, 0 };

    otai_put_base64url(&o, p, len);
    text[o.len] = '\0';
    encode(e, text);
}

static void encode_number(struct encoder *e, int64_t v)
{
    char text[24];
    struct otai_text t;

    otai_text_init(&t, text, sizeof text);
    otai_text_i64(&t, v);
    encode(e, text);
}

static void encode_hex(struct encoder *e, const uint8_t digest[OTA_SHA256_LEN])
{
    char text[2 * OTA_SHA256_LEN + 1];
    struct otai_text t;

    otai_text_init(&t, text, sizeof text);
    otai_text_hex(&t, digest, OTA_SHA256_LEN);
    encode(e, text);
}

static void encode_entry(struct encoder *e, const struct ota_measurement *m)
{
    char what[OTAI_WHAT_MAX];

    otai_what(m, what);
    encode(e, "{\"what\":\"");
    encode(e, what);
    encode(e, "\",\"digest\":\"");
    encode_hex(e, m->digest);
    encode(e, "\",\"version\":\"");
    encode(e, m->version);
    encode(e, "\",\"signer\":\"");
    encode_hex(e, m->signer);
    encode(e, "\"}");
}

static void encode_claims(struct encoder *e, const struct ota_claims *c, const struct ota_attest_log *log)
{
    encode(e, "{\"eat_profile\":\"" OTA_ATTEST_PROFILE_JWT "\",\"eat_nonce\":\"");
    encode_base64url(e, c->nonce, c->nonce_len);
    encode(e, "\",\"ueid\":\"");
    encode_base64url(e, c->instance, sizeof c->instance);
    if (c->boot_seed_len) {
        encode(e, "\",\"bootseed\":\"");
        encode_base64url(e, c->boot_seed, c->boot_seed_len);
    }
    encode(e, "\",\"ota\":{\"implementation\":\"");
    encode_hex(e, c->implementation);
    encode(e, "\",\"client_id\":");
    encode_number(e, c->client_id);
    encode(e, ",\"lifecycle\":");
    encode_number(e, c->lifecycle);
    encode(e, ",\"strength\":\"");
    encode(e, ota_strength_name(c->strength));
    encode(e, "\",\"log\":[");
    for (size_t i = 0; i < log->count; i++) {
        encode(e, i ? "," : "");
        encode_entry(e, &log->entry[i]);
    }
    encode(e, "]}}");
    otai_put_base64url(e->o, e->held, e->count);
}

ota_err ota_attest_jwt(const struct ota_claims *claims, const struct ota_attest_log *log, struct ota_signer *signer,
                       struct ota_crypto *c, uint8_t *out, size_t cap, size_t *len, struct ota_fault *fault)
{
    static const uint8_t header[] = "{\"alg\":\"ES256\",\"typ\":\"eat+jwt\"}";
    struct otai_out o = { out, cap, 0 };
    struct encoder e = { .o = &o };
    uint8_t digest[OTA_SHA256_LEN], sig[OTA_ATTEST_SIG_LEN];

    *len = 0;
    ota_err err = check(claims, log, fault);
    if (err != OTA_OK)
        return err;
    otai_put_base64url(&o, header, sizeof header - 1);
    otai_out_text(&o, ".");
    encode_claims(&e, claims, log);
    *len = o.len + 1 + OTAI_BASE64URL_LEN(sizeof sig);
    if (*len > cap)
        return ota_fault_set(fault, OTA_USAGE_MEMORY, "token", 0);
    const struct otai_span signed_text = { out, o.len };
    err = otai_hash(c, &signed_text, 1, digest);
    if (err == OTA_OK)
        err = signer->ops->sign(signer, digest, sig);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "sign", 0);
    otai_out_text(&o, ".");
    otai_put_base64url(&o, sig, sizeof sig);
    return OTA_OK;
}
