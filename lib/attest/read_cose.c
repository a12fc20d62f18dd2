/* SPDX-License-Identifier: Apache-2.0 */
/* Claims in CBOR. Keys come in any order, each once; those that we do not know are skipped, as RFC 9783 asks. */
#include <string.h>

#include "claims.h"

struct reader {
    struct otai_cbor r;
    struct ota_crypto *c;
    struct ota_claims *claims;
    struct ota_attest_log *log;
    const char *at; /* claim that was being read when the first error came */
    uint32_t seen;
};

enum { NONCE, INSTANCE, PROFILE, CLIENT, LIFECYCLE, IMPLEMENTATION, STRENGTH, REQUIRED, COMPONENTS = REQUIRED, BOOT_SEED, KNOWN };
static const struct {
    int32_t key;
    const char *name;
} known[KNOWN] = {
    [NONCE] = { OTAI_CLAIM_NONCE, "nonce" },
    [INSTANCE] = { OTAI_CLAIM_INSTANCE, "instance" },
    [PROFILE] = { OTAI_CLAIM_PROFILE, "profile" },
    [CLIENT] = { OTAI_CLAIM_CLIENT, "client_id" },
    [LIFECYCLE] = { OTAI_CLAIM_LIFECYCLE, "lifecycle" },
    [IMPLEMENTATION] = { OTAI_CLAIM_IMPLEMENTATION, "implementation" },
    [STRENGTH] = { OTAI_CLAIM_STRENGTH, "strength" },
    [COMPONENTS] = { OTAI_CLAIM_COMPONENTS, "log" },
    [BOOT_SEED] = { OTAI_CLAIM_BOOT_SEED, "boot_seed" },
};

/* Take bytes of min..max; how many. */
static size_t take_bytes(struct otai_cbor *r, uint8_t *out, size_t min, size_t max)
{
    struct otai_span s = otai_cbor_take_string(r, OTAI_CBOR_BYTES);

    if (r->err == OTA_OK && (s.len < min || s.len > max))
        otai_cbor_fail(r, OTA_REJECT_VALUE);
    if (r->err != OTA_OK)
        return 0;
    memcpy(out, s.p, s.len);
    return s.len;
}

static int64_t take_int(struct otai_cbor *r, int64_t min, int64_t max)
{
    int64_t v = otai_cbor_take_int(r);

    if (r->err == OTA_OK && (v < min || v > max))
        otai_cbor_fail(r, OTA_REJECT_VALUE);
    return v;
}

static void take_text(struct otai_cbor *r, char *out, size_t cap)
{
    struct otai_span s = otai_cbor_take_string(r, OTAI_CBOR_TEXT);

    if (r->err == OTA_OK && (s.len >= cap || memchr(s.p, 0, s.len)))
        otai_cbor_fail(r, OTA_REJECT_VALUE);
    if (r->err == OTA_OK)
        memcpy(out, s.p, s.len);
}

static void once(struct otai_cbor *r, uint32_t *seen, unsigned bit)
{
    if (*seen & 1u << bit)
        otai_cbor_fail(r, OTA_REJECT_DUPLICATE);
    *seen |= 1u << bit;
}

static void take_entry_member(struct otai_cbor *r, int64_t key, uint32_t *seen, struct ota_measurement *m)
{
    if (key < 0 || key > OTAI_ENTRY_SIGNER) {
        otai_cbor_skip(r);
        return;
    }
    once(r, seen, (unsigned)key);
    if (key == OTAI_ENTRY_TYPE) {
        if (!otai_what_parse(otai_cbor_take_string(r, OTAI_CBOR_TEXT), m))
            otai_cbor_fail(r, OTA_REJECT_VALUE);
    } else if (key == OTAI_ENTRY_DIGEST)
        take_bytes(r, m->digest, sizeof m->digest, sizeof m->digest);
    else if (key == OTAI_ENTRY_VERSION)
        take_text(r, m->version, sizeof m->version);
    else if (key == OTAI_ENTRY_SIGNER)
        take_bytes(r, m->signer, sizeof m->signer, sizeof m->signer);
    else
        otai_cbor_skip(r);
}

static void take_entry(struct reader *t)
{
    const uint32_t needed = 1u << OTAI_ENTRY_TYPE | 1u << OTAI_ENTRY_DIGEST | 1u << OTAI_ENTRY_SIGNER;
    struct ota_measurement m = { 0 };
    uint32_t seen = 0;

    for (uint64_t n = otai_cbor_take(&t->r, OTAI_CBOR_MAP); n > 0 && t->r.err == OTA_OK; n--) {
        int64_t key = otai_cbor_take_int(&t->r);
        take_entry_member(&t->r, key, &seen, &m);
    }
    if ((seen & needed) != needed)
        otai_cbor_fail(&t->r, OTA_REJECT_MISSING);
    if (t->r.err != OTA_OK)
        return;
    ota_err err = ota_attest_extend(t->log, t->c, &m);
    if (err == OTA_USAGE_ARGUMENT)
        err = otai_is_measured(t->log, &m) ? OTA_REJECT_DUPLICATE : OTA_REJECT_VALUE;
    if (err != OTA_OK)
        otai_cbor_fail(&t->r, err);
}

static void take_log(struct reader *t)
{
    uint64_t n = otai_cbor_take(&t->r, OTAI_CBOR_ARRAY);

    if (t->r.err == OTA_OK && n == 0)
        otai_cbor_fail(&t->r, OTA_REJECT_VALUE);
    for (; n > 0 && t->r.err == OTA_OK; n--)
        take_entry(t);
}

static void take_profile(struct otai_cbor *r)
{
    if (!otai_span_is(otai_cbor_take_string(r, OTAI_CBOR_TEXT), OTA_ATTEST_PROFILE_COSE))
        otai_cbor_fail(r, OTA_REJECT_SPEC);
}

static void take_claim(struct reader *t, unsigned which)
{
    struct ota_claims *c = t->claims;

    switch (which) {
    case NONCE:
        c->nonce_len = take_bytes(&t->r, c->nonce, 32, sizeof c->nonce);
        break;
    case INSTANCE:
        take_bytes(&t->r, c->instance, sizeof c->instance, sizeof c->instance);
        break;
    case PROFILE:
        take_profile(&t->r);
        break;
    case CLIENT:
        c->client_id = (int32_t)take_int(&t->r, INT32_MIN, INT32_MAX);
        break;
    case LIFECYCLE:
        c->lifecycle = (uint16_t)take_int(&t->r, 0, UINT16_MAX);
        break;
    case IMPLEMENTATION:
        take_bytes(&t->r, c->implementation, sizeof c->implementation, sizeof c->implementation);
        break;
    case STRENGTH:
        c->strength = otai_strength_parse(otai_cbor_take_string(&t->r, OTAI_CBOR_TEXT));
        break;
    case COMPONENTS:
        take_log(t);
        break;
    default:
        c->boot_seed_len = take_bytes(&t->r, c->boot_seed, 8, sizeof c->boot_seed);
        break;
    }
}

/* A key of an unknown claim may be a text; its value is skipped like any. */
static unsigned take_key(struct otai_cbor *r)
{
    if (r->pos < r->len && r->p[r->pos] >> 5 == OTAI_CBOR_TEXT) {
        (void)otai_cbor_take_string(r, OTAI_CBOR_TEXT);
        return KNOWN;
    }
    int64_t key = otai_cbor_take_int(r);
    for (unsigned i = 0; i < KNOWN; i++)
        if (known[i].key == key)
            return i;
    return KNOWN;
}

static void take_member(struct reader *t)
{
    unsigned which = take_key(&t->r);

    if (t->r.err != OTA_OK)
        return;
    if (which == KNOWN) {
        otai_cbor_skip(&t->r);
        return;
    }
    t->at = known[which].name;
    once(&t->r, &t->seen, which);
    take_claim(t, which);
    if (t->r.err == OTA_OK)
        t->at = NULL;
}

static void need_all(struct reader *t)
{
    for (unsigned i = 0; i < REQUIRED && t->r.err == OTA_OK; i++)
        if (!(t->seen & 1u << i)) {
            t->at = known[i].name;
            otai_cbor_fail(&t->r, OTA_REJECT_MISSING);
        }
}

ota_err otai_read_cose(struct otai_span payload, struct ota_crypto *c, struct ota_claims *claims, struct ota_attest_log *log,
                       struct ota_fault *fault)
{
    struct reader t = { .c = c, .claims = claims, .log = log };
    char where[OTA_FAULT_WHERE_MAX];
    struct otai_text text;

    otai_cbor_init(&t.r, payload.p, payload.len);
    for (uint64_t n = otai_cbor_take(&t.r, OTAI_CBOR_MAP); n > 0 && t.r.err == OTA_OK; n--)
        take_member(&t);
    need_all(&t);
    otai_cbor_end(&t.r);
    if (t.r.err == OTA_OK)
        return OTA_OK;
    otai_text_init(&text, where, sizeof where);
    otai_text_add(&text, "evidence");
    otai_text_add(&text, t.at ? "." : "");
    otai_text_add(&text, t.at ? t.at : "");
    return ota_fault_set(fault, t.r.err, where, 0);
}
