/* SPDX-License-Identifier: Apache-2.0 */
/* Claims in JSON. */
#include <string.h>

#include "claims.h"
#include "json_members.h"

struct reader {
    struct otai_json j;
    struct ota_crypto *c;
    struct ota_claims *claims;
    struct ota_attest_log *log;
};

/* Bytes in base64url, min..max of them; how many. */
static size_t take_base64url(struct otai_json *j, uint8_t *out, size_t min, size_t max)
{
    uint8_t bytes[OTAI_BASE64URL_LEN(OTA_ATTEST_NONCE_MAX)];
    struct otai_span raw = otai_json_string_raw(j);
    size_t len = 0;

    if (j->err != OTA_OK)
        return 0;
    if (raw.len > sizeof bytes || !otai_base64url_decode(raw, bytes, &len) || len < min || len > max) {
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
        return 0;
    }
    memcpy(out, bytes, len);
    return len;
}

enum { WHAT, DIGEST, VERSION, SIGNER };
static const struct otai_member entry_members[] = {
    [WHAT] = { "what", 0, OTAI_OWN, true },
    [DIGEST] = { "digest", 0, OTAI_OWN, true },
    [VERSION] = { "version", 0, OTAI_OWN, true },
    [SIGNER] = { "signer", 0, OTAI_OWN, true },
};

static void take_what(struct otai_json *j, struct ota_measurement *m)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err == OTA_OK && !otai_what_parse(raw, m))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void take_entry(struct otai_json *j, struct ota_crypto *c, struct ota_attest_log *log)
{
    struct ota_measurement m = { 0 };
    uint32_t left = OTAI_ALL(entry_members);
    int member;

    otai_json_object(j);
    while ((member = otai_json_take(j, entry_members, NULL, &left)) >= 0)
        switch (member) {
        case WHAT:
            take_what(j, &m);
            break;
        case DIGEST:
            otai_json_hex(j, m.digest, sizeof m.digest);
            break;
        case VERSION:
            otai_json_string(j, m.version, sizeof m.version);
            break;
        default:
            otai_json_hex(j, m.signer, sizeof m.signer);
            break;
        }
    if (j->err != OTA_OK)
        return;
    ota_err err = ota_attest_extend(log, c, &m);
    if (err == OTA_USAGE_ARGUMENT)
        err = otai_is_measured(log, &m) ? OTA_REJECT_DUPLICATE : OTA_REJECT_VALUE;
    if (err != OTA_OK)
        otai_json_fail(j, err, NULL);
}

void otai_take_log(struct otai_json *j, struct ota_crypto *c, struct ota_attest_log *log)
{
    for (otai_json_array(j); otai_json_element(j);)
        take_entry(j, c, log);
}

/* A number that may be below zero, which no signed document of a repository has. */
static int32_t take_client(struct otai_json *j)
{
    struct otai_span raw = otai_json_value(j);
    struct otai_json number;
    bool negative = raw.len > 0 && raw.p[0] == '-';

    if (j->err != OTA_OK)
        return 0;
    otai_json_init(&number, raw.p + negative, raw.len - negative);
    uint64_t v = otai_json_u64(&number, 1, INT32_MAX);
    if (number.err != OTA_OK)
        otai_json_fail(j, number.err, NULL);
    return negative ? (int32_t) - (int64_t)v : (int32_t)v;
}

static void take_strength(struct otai_json *j, struct ota_claims *c)
{
    struct otai_span raw = otai_json_string_raw(j);

    if (j->err != OTA_OK)
        return;
    c->strength = otai_strength_parse(raw);
    if (c->strength == OTA_STRENGTH_NONE)
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

enum { IMPLEMENTATION, CLIENT, LIFECYCLE, STRENGTH, LOG };
static const struct otai_member own_members[] = {
    [IMPLEMENTATION] = { "implementation", 0, OTAI_OWN, true },
    [CLIENT] = { "client_id", 0, OTAI_OWN, true },
    [LIFECYCLE] = { "lifecycle", 0, OTAI_OWN, true },
    [STRENGTH] = { "strength", 0, OTAI_OWN, true },
    [LOG] = { "log", 0, OTAI_OWN, true },
};

static void take_own(struct reader *t)
{
    struct otai_json *j = &t->j;
    uint32_t left = OTAI_ALL(own_members);
    int member;

    otai_json_object(j);
    while ((member = otai_json_take(j, own_members, NULL, &left)) >= 0)
        switch (member) {
        case IMPLEMENTATION:
            otai_json_hex(j, t->claims->implementation, sizeof t->claims->implementation);
            break;
        case CLIENT:
            t->claims->client_id = take_client(j);
            break;
        case LIFECYCLE:
            t->claims->lifecycle = (uint16_t)otai_json_u64(j, 0, UINT16_MAX);
            break;
        case STRENGTH:
            take_strength(j, t->claims);
            break;
        default:
            otai_take_log(j, t->c, t->log);
        }
}

enum { PROFILE, NONCE, INSTANCE, OWN, BOOT_SEED };
static const struct otai_member members[] = {
    [PROFILE] = { "eat_profile", 0, OTAI_OWN, true }, [NONCE] = { "eat_nonce", 0, OTAI_OWN, true },
    [INSTANCE] = { "ueid", 0, OTAI_OWN, true },       [OWN] = { "ota", 0, OTAI_OWN, true },
    [BOOT_SEED] = { "bootseed", 0, OTAI_OWN, false },
};

static void take_member(struct reader *t, int member)
{
    struct otai_json *j = &t->j;
    struct ota_claims *c = t->claims;

    switch (member) {
    case PROFILE:
        if (!otai_json_raw_is(otai_json_string_raw(j), OTA_ATTEST_PROFILE_JWT))
            otai_json_fail(j, OTA_REJECT_SPEC, NULL);
        break;
    case NONCE:
        c->nonce_len = take_base64url(j, c->nonce, 32, sizeof c->nonce);
        break;
    case INSTANCE:
        take_base64url(j, c->instance, sizeof c->instance, sizeof c->instance);
        break;
    case OWN:
        take_own(t);
        break;
    default: /* BOOT_SEED */
        c->boot_seed_len = take_base64url(j, c->boot_seed, 8, sizeof c->boot_seed);
        break;
    }
}

ota_err otai_read_jwt(struct otai_span payload, struct ota_crypto *c, struct ota_claims *claims, struct ota_attest_log *log,
                      struct ota_fault *fault)
{
    struct reader t = { .c = c, .claims = claims, .log = log };
    uint32_t left = OTAI_ALL(members);
    int member;

    otai_json_init(&t.j, payload.p, payload.len);
    otai_json_object(&t.j);
    while ((member = otai_json_take(&t.j, members, NULL, &left)) >= 0)
        take_member(&t, member);
    otai_json_end(&t.j);
    return otai_json_fault(&t.j, "evidence", fault);
}

/* RFC 7515 section 4.1.11: what "crit" lists must be understood. We understand nothing of the kind. */
bool otai_jwt_is_es256(struct otai_span header)
{
    struct otai_json j;
    bool es256 = false, critical = false;

    otai_json_init(&j, header.p, header.len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        critical |= otai_json_name_is(&j, "crit");
        if (otai_json_name_is(&j, "alg"))
            es256 = otai_json_raw_is(otai_json_string_raw(&j), "ES256");
        else
            otai_json_skip(&j);
    }
    otai_json_end(&j);
    return j.err == OTA_OK && es256 && !critical;
}
