/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

#include "claims.h"
#include "json_members.h"

static void take_version(struct otai_json *j)
{
    uint64_t version = otai_json_u64(j, 0, UINT32_MAX);

    if (j->err == OTA_OK && version != WIRE_VERSION)
        otai_json_fail(j, OTA_REJECT_SPEC, NULL);
}

static const struct otai_member start_members[] = { { "version", 0, OTAI_OWN, true } };

ota_err wire_read_start(const char *text, size_t len, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t left = OTAI_ALL(start_members);

    otai_json_init(&j, text, len);
    otai_json_object(&j);
    while (otai_json_take(&j, start_members, NULL, &left) >= 0)
        take_version(&j);
    otai_json_end(&j);
    return otai_json_fault(&j, "request", fault);
}

enum { VERSION, NONCE_ID, KEY, UPDATE_KEY, APPLICATION_KEY, UPDATE_PROOF, APPLICATION_PROOF, FORM, EVIDENCE, TOKEN };
static const struct otai_member attest_members[] = {
    [VERSION] = { "version", 0, OTAI_OWN, true },
    [NONCE_ID] = { "nonce_id", 0, OTAI_OWN, true },
    [KEY] = { "key", 0, OTAI_OWN, true },
    [UPDATE_KEY] = { "update_key", 0, OTAI_OWN, true },
    [APPLICATION_KEY] = { "application_key", 0, OTAI_OWN, true },
    [UPDATE_PROOF] = { "update_proof", 0, OTAI_OWN, true },
    [APPLICATION_PROOF] = { "application_proof", 0, OTAI_OWN, true },
    [FORM] = { "form", 0, OTAI_OWN, true },
    [EVIDENCE] = { "evidence", 0, OTAI_OWN, true },
    [TOKEN] = { "token", 0, OTAI_OWN, false },
};

static void take_point(struct otai_json *j, uint8_t key[OTA_ATTEST_KEY_LEN])
{
    otai_json_hex(j, key, OTA_ATTEST_KEY_LEN);
    if (j->err == OTA_OK && key[0] != 0x04)
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void take_form(struct otai_json *j, struct wire_attest *out)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err != OTA_OK)
        return;
    if (otai_json_raw_is(raw, "cose"))
        out->form = OTA_TOKEN_COSE;
    else if (otai_json_raw_is(raw, "jwt"))
        out->form = OTA_TOKEN_JWT;
    else
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

/* A registration token is compared by its digest: any printable text will do, but nothing that hides in a log. */
static void take_token(struct otai_json *j, struct wire_attest *out)
{
    otai_json_string(j, out->token, sizeof out->token);
    if (j->err == OTA_OK && !out->token[0])
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    for (const char *p = out->token; *p && j->err == OTA_OK; p++)
        if (*p < '!' || *p > '~')
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void take_attest(struct otai_json *j, int member, struct wire_attest *out, struct otai_span *evidence)
{
    switch (member) {
    case VERSION: take_version(j); break;
    case NONCE_ID: otai_json_hex(j, out->nonce_id, sizeof out->nonce_id); break;
    case KEY: take_point(j, out->key); break;
    case UPDATE_KEY: take_point(j, out->update_key); break;
    case APPLICATION_KEY: take_point(j, out->application_key); break;
    case UPDATE_PROOF: otai_json_hex(j, out->update_proof, sizeof out->update_proof); break;
    case APPLICATION_PROOF: otai_json_hex(j, out->application_proof, sizeof out->application_proof); break;
    case FORM: take_form(j, out); break;
    case TOKEN: take_token(j, out); break;
    default: *evidence = otai_json_string_raw(j); break;
    }
}

/* A JWT travels as it is, COSE as base64url: neither has a character that JSON escapes. */
static ota_err take_evidence(struct otai_span raw, struct wire_attest *out)
{
    if (raw.len == 0)
        return OTA_REJECT_VALUE;
    if (out->form == OTA_TOKEN_JWT) {
        if (raw.len > sizeof out->evidence)
            return OTA_REJECT_LIMIT;
        memcpy(out->evidence, raw.p, raw.len);
        out->evidence_len = raw.len;
        return OTA_OK;
    }
    if (raw.len > OTAI_BASE64URL_LEN(WIRE_EVIDENCE_MAX))
        return OTA_REJECT_LIMIT;
    return otai_base64url_decode(raw, out->evidence, &out->evidence_len) ? OTA_OK : OTA_REJECT_VALUE;
}

ota_err wire_read_attest(const char *text, size_t len, struct wire_attest *out, struct ota_fault *fault)
{
    struct otai_json j;
    struct otai_span evidence = { NULL, 0 };
    uint32_t left = OTAI_ALL(attest_members);
    int member;

    memset(out, 0, sizeof *out);
    otai_json_init(&j, text, len);
    otai_json_object(&j);
    while ((member = otai_json_take(&j, attest_members, NULL, &left)) >= 0)
        take_attest(&j, member, out, &evidence);
    otai_json_end(&j);
    if (j.err != OTA_OK)
        return otai_json_fault(&j, "request", fault);
    ota_err err = take_evidence(evidence, out);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "request.evidence", 0);
}

/* ---- answers ---- */

static size_t finish(const struct otai_text *t)
{
    return t->full ? 0 : t->len;
}

static void put_text(struct otai_text *t, const char *name, const char *value)
{
    otai_text_add(t, ",\"");
    otai_text_add(t, name);
    otai_text_add(t, "\":");
    otai_text_json(t, value);
}

static void put_hex(struct otai_text *t, const char *name, const uint8_t *p, size_t len)
{
    otai_text_add(t, ",\"");
    otai_text_add(t, name);
    otai_text_add(t, "\":\"");
    otai_text_hex(t, p, len);
    otai_text_add(t, "\"");
}

static void put_number(struct otai_text *t, const char *name, int64_t v)
{
    otai_text_add(t, ",\"");
    otai_text_add(t, name);
    otai_text_add(t, "\":");
    otai_text_i64(t, v);
}

size_t wire_put_nonce(const uint8_t id[WIRE_NONCE_ID_LEN], const uint8_t nonce[OTA_ATTEST_CHALLENGE_LEN], uint32_t expires_s,
                      char *out, size_t cap)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    otai_text_add(&t, "{\"version\":1");
    put_hex(&t, "nonce_id", id, WIRE_NONCE_ID_LEN);
    put_hex(&t, "nonce", nonce, OTA_ATTEST_CHALLENGE_LEN);
    put_number(&t, "expires_s", expires_s);
    otai_text_add(&t, "}");
    return finish(&t);
}

size_t wire_put_grant(const struct wire_grant *g, char *out, size_t cap)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    otai_text_add(&t, "{\"version\":1");
    put_hex(&t, "measurements", g->measurements, sizeof g->measurements);
    put_text(&t, "product", g->product);
    put_text(&t, "group", g->group);
    put_number(&t, "not_before", g->not_before_s);
    put_number(&t, "not_after", g->not_after_s);
    put_text(&t, "update_certificate", g->update);
    if (g->application)
        put_text(&t, "application_certificate", g->application);
    if (g->outdated)
        put_text(&t, "outdated", g->outdated);
    otai_text_add(&t, "}");
    return finish(&t);
}

size_t wire_put_refusal(ota_err err, const char *field, char *out, size_t cap)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    otai_text_add(&t, "{\"version\":1");
    put_text(&t, "error", ota_err_name(err));
    put_text(&t, "field", field);
    put_text(&t, "text", ota_err_text(err));
    otai_text_add(&t, "}");
    return finish(&t);
}
