/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"

#include <string.h>

static const char *const strengths[] = { "none", "soft", "tpm", "hw" };
static const char *const kinds[] = { "none", "boot", "image", "config", "trust" };
#define COUNT(list) (sizeof(list) / sizeof *(list))

const char *ota_strength_name(enum ota_strength s)
{
    return strengths[(size_t)s < COUNT(strengths) ? (size_t)s : 0];
}

const char *ota_measured_name(enum ota_measured kind)
{
    return kinds[(size_t)kind < COUNT(kinds) ? (size_t)kind : 0];
}

enum ota_strength otai_strength_parse(struct otai_span text)
{
    for (size_t i = OTA_STRENGTH_SOFT; i < COUNT(strengths); i++)
        if (otai_span_is(text, strengths[i]))
            return (enum ota_strength)i;
    return OTA_STRENGTH_NONE;
}

void otai_what(const struct ota_measurement *m, char out[OTAI_WHAT_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTAI_WHAT_MAX);
    otai_text_add(&t, ota_measured_name(m->kind));
    otai_text_add(&t, "/");
    otai_text_add(&t, m->name);
}

bool otai_what_parse(struct otai_span text, struct ota_measurement *m)
{
    const uint8_t *slash = text.len ? memchr(text.p, '/', text.len) : NULL;

    if (!slash)
        return false;
    struct otai_span kind = { text.p, (size_t)(slash - text.p) };
    size_t name = text.len - kind.len - 1;
    if (name >= sizeof m->name)
        return false;
    m->kind = 0;
    for (size_t i = OTA_MEASURED_BOOT; i < COUNT(kinds); i++)
        if (otai_span_is(kind, kinds[i]))
            m->kind = (enum ota_measured)i;
    memset(m->name, 0, sizeof m->name);
    memcpy(m->name, slash + 1, name);
    return m->kind != 0;
}

static bool name_ok(const char *name)
{
    size_t n = 0;

    while (n < OTA_NAME_MAX && name[n] &&
           ((name[n] >= 'a' && name[n] <= 'z') || (name[n] >= '0' && name[n] <= '9') || name[n] == '-'))
        n++;
    return n > 0 && n < OTA_NAME_MAX && !name[n];
}

/* What JSON carries unescaped. */
static bool version_ok(const char *version)
{
    size_t n = 0;

    while (n < OTA_VERSION_MAX && version[n] >= ' ' && version[n] <= '~' && version[n] != '"' && version[n] != '\\')
        n++;
    return n < OTA_VERSION_MAX && !version[n];
}

bool otai_measurement_ok(const struct ota_measurement *m)
{
    return m->kind >= OTA_MEASURED_BOOT && m->kind <= OTA_MEASURED_TRUST && name_ok(m->name) && version_ok(m->version);
}

bool otai_is_measured(const struct ota_attest_log *log, const struct ota_measurement *m)
{
    for (size_t i = 0; i < log->count; i++)
        if (log->entry[i].kind == m->kind && strcmp(log->entry[i].name, m->name) == 0)
            return true;
    return false;
}

static bool nonce_ok(size_t len)
{
    return len == 32 || len == 48 || len == 64;
}

const char *otai_claims_flaw(const struct ota_claims *c)
{
    bool soft = c->strength == OTA_STRENGTH_SOFT;

    if (!nonce_ok(c->nonce_len))
        return "nonce";
    if (c->instance[0] != 1)
        return "instance";
    if (c->client_id == 0)
        return "client_id";
    if (c->boot_seed_len != 0 && (c->boot_seed_len < 8 || c->boot_seed_len > OTA_ATTEST_SEED_MAX))
        return "boot_seed";
    if (c->strength < OTA_STRENGTH_SOFT || c->strength > OTA_STRENGTH_HW)
        return "strength";
    if (c->lifecycle > (soft ? 0x00ffu : 0x60ffu))
        return "lifecycle";
    return NULL;
}

/* The keys in the order of their encodings; what is empty is left out. */
void otai_put_entry(struct otai_out *o, const struct ota_measurement *m)
{
    char what[OTAI_WHAT_MAX];

    otai_what(m, what);
    otai_cbor_head(o, OTAI_CBOR_MAP, m->version[0] ? 4 : 3);
    otai_cbor_int(o, OTAI_ENTRY_TYPE);
    otai_cbor_text(o, what);
    otai_cbor_int(o, OTAI_ENTRY_DIGEST);
    otai_cbor_bytes(o, m->digest, sizeof m->digest);
    if (m->version[0]) {
        otai_cbor_int(o, OTAI_ENTRY_VERSION);
        otai_cbor_text(o, m->version);
    }
    otai_cbor_int(o, OTAI_ENTRY_SIGNER);
    otai_cbor_bytes(o, m->signer, sizeof m->signer);
}

ota_err otai_hash(struct ota_crypto *c, const struct otai_span *parts, size_t count, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;
    ota_err err = c->ops->hash_start(c, &h, OTA_SHA256);

    if (err != OTA_OK)
        return err;
    for (size_t i = 0; i < count && err == OTA_OK; i++)
        err = c->ops->hash_add(c, &h, parts[i].p, parts[i].len);
    if (err == OTA_OK)
        return c->ops->hash_end(c, &h, out);
    ota_err ended = c->ops->hash_end(c, &h, NULL); /* what the port held is free either way */
    (void)ended;
    return err;
}

/* An array of "Signature1", the protected header { 1: -7 } (ES256), nothing, and the payload. */
ota_err otai_cose_digest(struct ota_crypto *c, struct otai_span payload, uint8_t out[OTA_SHA256_LEN])
{
    static const uint8_t begin[] = "\x84\x6aSignature1\x43\xa1\x01\x26\x40";
    uint8_t head[9];
    struct otai_out o = { head, sizeof head, 0 };

    otai_cbor_head(&o, OTAI_CBOR_BYTES, payload.len);
    const struct otai_span parts[] = { { begin, sizeof begin - 1 }, { head, o.len }, payload };
    return otai_hash(c, parts, 3, out);
}
