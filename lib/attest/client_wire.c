/* SPDX-License-Identifier: Apache-2.0 */
/* What a device and an attestation service say to each other, from the device's side. */
#include <string.h>

#include "claims.h"
#include "client.h"
#include "encode.h"
#include "json_members.h"

#define WIRE_VERSION 1u

static void take_version(struct otai_json *j)
{
    uint64_t version = otai_json_u64(j, 0, UINT32_MAX);

    if (j->err == OTA_OK && version != WIRE_VERSION)
        otai_json_fail(j, OTA_REJECT_SPEC, NULL);
}

/* ---- a challenge ---- */

enum { N_VERSION, N_ID, N_NONCE, N_EXPIRES };
static const struct otai_member nonce_members[] = {
    [N_VERSION] = { "version", 0, OTAI_OWN, true },
    [N_ID] = { "nonce_id", 0, OTAI_OWN, true },
    [N_NONCE] = { "nonce", 0, OTAI_OWN, true },
    [N_EXPIRES] = { "expires_s", 0, OTAI_OWN, true },
};

/* The id is sent back as it came: read as digits, so that nothing else gets into a request. */
static void take_id(struct otai_json *j, char out[33])
{
    uint8_t id[16];
    struct otai_text t;

    otai_json_hex(j, id, sizeof id);
    otai_text_init(&t, out, 33);
    if (j->err == OTA_OK)
        otai_text_hex(&t, id, sizeof id);
}

ota_err otai_attest_read_nonce(const void *text, size_t len, struct otai_attest_nonce *out, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t left = OTAI_ALL(nonce_members);
    int member;

    memset(out, 0, sizeof *out);
    otai_json_init(&j, text, len);
    otai_json_object(&j);
    while ((member = otai_json_take(&j, nonce_members, NULL, &left)) >= 0)
        switch (member) {
        case N_VERSION:
            take_version(&j);
            break;
        case N_ID:
            take_id(&j, out->id);
            break;
        case N_NONCE:
            otai_json_hex(&j, out->value, sizeof out->value);
            break;
        default:
            out->expires_s = (uint32_t)otai_json_u64(&j, 1, 86400);
        }
    otai_json_end(&j);
    return otai_json_fault(&j, "answer", fault);
}

/* ---- certificates ---- */

enum { G_VERSION, G_MEASUREMENTS, G_NOT_BEFORE, G_NOT_AFTER, G_UPDATE, G_APPLICATION, G_OUTDATED };
static const struct otai_member grant_members[] = {
    [G_VERSION] = { "version", 0, OTAI_OWN, true },
    [G_MEASUREMENTS] = { "measurements", 0, OTAI_OWN, true },
    [G_NOT_BEFORE] = { "not_before", 0, OTAI_OWN, true },
    [G_NOT_AFTER] = { "not_after", 0, OTAI_OWN, true },
    [G_UPDATE] = { "update_certificate", 0, OTAI_OWN, true },
    [G_APPLICATION] = { "application_certificate", 0, OTAI_OWN, false },
    [G_OUTDATED] = { "outdated", 0, OTAI_OWN, false },
};

static void take_grant(struct otai_json *j, int member, struct otai_attest_grant *out)
{
    switch (member) {
    case G_VERSION:
        take_version(j);
        break;
    case G_MEASUREMENTS:
        otai_json_hex(j, out->measurements, sizeof out->measurements);
        break;
    case G_NOT_BEFORE:
        out->not_before_s = (int64_t)otai_json_u64(j, 0, INT64_MAX);
        break;
    case G_NOT_AFTER:
        out->not_after_s = (int64_t)otai_json_u64(j, 1, INT64_MAX);
        break;
    case G_UPDATE:
        out->certificate[OTA_CERTIFICATE_UPDATE] = otai_json_string_raw(j);
        break;
    case G_APPLICATION:
        out->certificate[OTA_CERTIFICATE_APPLICATION] = otai_json_string_raw(j);
        break;
    default:
        otai_json_string(j, out->outdated, sizeof out->outdated);
    }
}

ota_err otai_attest_read_grant(const void *text, size_t len, struct otai_attest_grant *out, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t left = OTAI_ALL(grant_members);
    int member;

    memset(out, 0, sizeof *out);
    otai_json_init(&j, text, len);
    otai_json_object(&j);
    while ((member = otai_json_take(&j, grant_members, NULL, &left)) >= 0)
        take_grant(&j, member, out);
    otai_json_end(&j);
    if (j.err == OTA_OK && out->not_after_s <= out->not_before_s)
        otai_json_fail(&j, OTA_REJECT_VALUE, "not_after");
    return otai_json_fault(&j, "answer", fault);
}

/* Only text that may stand in a log. */
static void take_word(struct otai_json *j, char *out, size_t cap)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err != OTA_OK || !otai_json_raw_copy(raw, out, cap))
        return;
    for (char *p = out; *p; p++)
        if (*p < '!' || *p > '~')
            *p = '?';
}

void otai_attest_read_refusal(const void *text, size_t len, struct otai_attest_refusal *out)
{
    struct otai_json j;

    memset(out, 0, sizeof *out);
    otai_json_init(&j, text, len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        if (otai_json_name_is(&j, "error"))
            take_word(&j, out->error, sizeof out->error);
        else if (otai_json_name_is(&j, "field"))
            take_word(&j, out->field, sizeof out->field);
        else
            otai_json_skip(&j);
    }
    otai_json_end(&j);
    if (j.err != OTA_OK)
        memset(out, 0, sizeof *out);
}

/* ---- requests ---- */

size_t otai_attest_put_start(char *out, size_t cap)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    otai_text_add(&t, "{\"version\":1}");
    return t.full ? 0 : t.len;
}

static void put_hex(struct otai_text *t, const char *name, const uint8_t *p, size_t len)
{
    otai_text_add(t, ",\"");
    otai_text_add(t, name);
    otai_text_add(t, "\":\"");
    otai_text_hex(t, p, len);
    otai_text_add(t, "\"");
}

/* A JWT as it is, COSE in base64url, a group of three bytes at a time. */
static void put_evidence(struct otai_text *t, enum ota_token_form form, struct otai_span token)
{
    if (form == OTA_TOKEN_JWT) {
        otai_text_bytes(t, token.p, token.len);
        return;
    }
    for (size_t i = 0; i < token.len; i += 3) {
        uint8_t quad[4];
        struct otai_out o = { quad, sizeof quad, 0 };

        otai_put_base64url(&o, token.p + i, token.len - i < 3 ? token.len - i : 3);
        otai_text_bytes(t, quad, o.len);
    }
}

size_t otai_attest_put_answer(const struct otai_attest_answer *r, char *out, size_t cap)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    otai_text_add(&t, "{\"version\":1,\"nonce_id\":\"");
    otai_text_add(&t, r->nonce_id);
    otai_text_add(&t, "\"");
    put_hex(&t, "key", r->key, OTA_ATTEST_KEY_LEN);
    put_hex(&t, "update_key", r->update_key, OTA_ATTEST_KEY_LEN);
    put_hex(&t, "application_key", r->application_key, OTA_ATTEST_KEY_LEN);
    put_hex(&t, "update_proof", r->update_proof, OTA_ATTEST_SIG_LEN);
    put_hex(&t, "application_proof", r->application_proof, OTA_ATTEST_SIG_LEN);
    if (r->token) {
        otai_text_add(&t, ",\"token\":");
        otai_text_json(&t, r->token);
    }
    otai_text_add(&t, r->form == OTA_TOKEN_JWT ? ",\"form\":\"jwt\",\"evidence\":\"" : ",\"form\":\"cose\",\"evidence\":\"");
    put_evidence(&t, r->form, r->evidence);
    otai_text_add(&t, "\"}");
    return t.full ? 0 : t.len;
}

/* ---- PEM ---- */

static const char pem_begin[] = "-----BEGIN CERTIFICATE-----\n", pem_end[] = "-----END CERTIFICATE-----\n";

static bool begins_with(const uint8_t *p, size_t len, const char *text, size_t text_len)
{
    return len >= text_len && memcmp(p, text, text_len) == 0;
}

static bool is_pem_line(uint8_t c)
{
    return c == '\n' || c == '+' || c == '/' || c == '=' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* One certificate's length, with both of its marks; 0: it is none. *body is what stands between them. */
static size_t pem_block(const uint8_t *p, size_t len, struct otai_span *body)
{
    size_t at = sizeof pem_begin - 1;

    if (!begins_with(p, len, pem_begin, at))
        return 0;
    while (at < len && is_pem_line(p[at]))
        at++;
    *body = (struct otai_span){ p + sizeof pem_begin - 1, at - (sizeof pem_begin - 1) };
    return begins_with(p + at, len - at, pem_end, sizeof pem_end - 1) ? at + sizeof pem_end - 1 : 0;
}

static bool holds(const uint8_t *p, size_t len, const uint8_t *what, size_t what_len)
{
    for (size_t i = 0; i + what_len <= len; i++)
        if (memcmp(p + i, what, what_len) == 0)
            return true;
    return false;
}

/* A certificate for another key would be shown with a key that does not fit, and every handshake would fail without a reason. */
static bool is_of_key(struct otai_span body, const uint8_t key[OTA_ATTEST_KEY_LEN], uint8_t *scratch, size_t cap)
{
    struct otai_base64 b;

    otai_base64_init(&b, scratch, cap);
    for (size_t i = 0; i < body.len; i++)
        if (body.p[i] != '\n')
            otai_base64_add(&b, body.p[i]);
    return otai_base64_end(&b) && holds(scratch, b.len, key, OTA_ATTEST_KEY_LEN);
}

ota_err otai_attest_take_certificate(struct otai_span raw, const uint8_t key[OTA_ATTEST_KEY_LEN], uint8_t *out, size_t cap, size_t *len,
                                     uint8_t *scratch, size_t scratch_cap)
{
    struct otai_span body = { NULL, 0 };
    uint8_t *p = out + *len;
    size_t text_len, block;

    if (*len >= cap || !otai_json_raw_copy(raw, (char *)p, cap - *len))
        return OTA_REJECT_LIMIT;
    text_len = strlen((const char *)p);
    block = pem_block(p, text_len, &body);
    if (block == 0)
        return OTA_REJECT_SYNTAX;
    if (!is_of_key(body, key, scratch, scratch_cap))
        return OTA_REJECT_KEY;
    for (size_t at = block; at < text_len; at += block) {
        block = pem_block(p + at, text_len - at, &body);
        if (block == 0)
            return OTA_REJECT_SYNTAX;
    }
    *len += text_len;
    return OTA_OK;
}
