/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "claims.h"

/* A device whose clock is a little behind shall not refuse its own certificate. */
#define SKEW_S 300

/* One attempt to be attested, as far as it has come: what the log tells of it. */
struct attempt {
    struct wire_attest request;
    struct ota_claims claims;
    struct ota_attest_log log;
    char device_id[2 * OTA_SHA256_LEN + 1];
    size_t group;              /* index in the configuration */
    bool registers;            /* not known yet, claimed by its token */
    char outdated[OTA_FAULT_WHERE_MAX]; /* a measurement that is good for updates only; "" = none */
    char update[ISSUE_PEM_MAX], application[ISSUE_PEM_MAX];
};

/* ---- refusals ---- */

static int status_of(ota_err err)
{
    if (err == OTA_REJECT_NONCE || err == OTA_REJECT_FREEZE)
        return 409;
    switch (ota_err_class(err)) {
    case OTA_CLASS_RETRY: return 503;
    case OTA_CLASS_REJECT: return 403;
    case OTA_CLASS_DEVICE:
    case OTA_CLASS_OUTCOME:
    case OTA_CLASS_USAGE: break;
    }
    return 500;
}

static void refuse(struct service_answer *a, int status, ota_err err, const char *field, const char *device_id)
{
    a->status = status;
    a->len = wire_put_refusal(err, field, a->body, sizeof a->body);
    (void)snprintf(a->line, sizeof a->line, "refused status=%d error=%s field=%s%s%s", status, ota_err_name(err), field,
                   device_id[0] ? " device=" : "", device_id);
}

/* ---- /v1/start ---- */

static void start(struct service *s, const struct service_now *now, const struct http_request *r, struct service_answer *a)
{
    struct ota_fault fault = { .err = OTA_OK };
    const struct nonce *n;
    uint64_t wait_ms = 0;
    ota_err err = wire_read_start(r->body, r->body_len, &fault);

    if (err != OTA_OK) {
        refuse(a, 400, err, fault.where, "");
        return;
    }
    err = nonces_open(&s->nonces, s->crypto, now->ms, &n, &wait_ms);
    if (err != OTA_OK) {
        refuse(a, 503, err, "nonce", "");
        a->retry_s = (uint32_t)(wait_ms / 1000u) + 1;
        return;
    }
    a->status = 200;
    a->len = wire_put_nonce(n->id, n->value, s->config->nonce_s, a->body, sizeof a->body);
    (void)snprintf(a->line, sizeof a->line, "challenged");
}

/* ---- /v1/attest ---- */

static ota_err digest_of(struct ota_crypto *c, const void *p, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    const struct otai_span all = { p, len };

    return otai_hash(c, &all, 1, out);
}

static ota_err find_token(const struct service *s, struct attempt *t, struct ota_fault *fault)
{
    uint8_t digest[OTA_SHA256_LEN];
    bool found = false;

    if (!t->request.token[0])
        return ota_fault_set(fault, OTA_REJECT_KEY, "key", 0); /* not registered, and not claimed */
    ota_err err = digest_of(s->crypto, t->request.token, strlen(t->request.token), digest);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "token", 0);
    for (size_t i = 0; i < s->config->group_count; i++)
        if (s->config->group[i].has_token && otai_equal(s->config->group[i].token_sha256, digest, sizeof digest)) {
            t->group = i;
            found = true;
        }
    t->registers = found;
    return found ? OTA_OK : ota_fault_set(fault, OTA_REJECT_KEY, "token", 0);
}

/* Whose device is it? */
static ota_err find_group(const struct service *s, struct attempt *t, struct ota_fault *fault)
{
    const struct device *d = devices_find(&s->devices, t->request.key);

    if (!d)
        return find_token(s, t, fault);
    for (size_t i = 0; i < s->config->group_count; i++)
        if (strcmp(s->config->group[i].product, d->product) == 0 && strcmp(s->config->group[i].group, d->group) == 0) {
            t->group = i;
            return OTA_OK;
        }
    return ota_fault_set(fault, OTA_REJECT_GROUP, "key", 0); /* registered in a group that is gone */
}

static ota_err check_proof(struct service *s, const uint8_t *key, const uint8_t *challenge, const uint8_t *proof, const char *field,
                           struct ota_fault *fault)
{
    ota_err err = s->crypto->ops->verify(s->crypto, OTA_SIG_ECDSA_SHA256, OTA_KEY_P256, key, OTA_ATTEST_KEY_LEN, challenge,
                                         OTA_ATTEST_CHALLENGE_LEN, proof, OTA_ATTEST_SIG_LEN);

    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, field, 0);
}

/* The evidence, and that the device has the keys that it wants certificates for. */
static ota_err check_evidence(struct service *s, struct attempt *t, const uint8_t nonce[OTA_ATTEST_CHALLENGE_LEN],
                              struct ota_fault *fault)
{
    static uint8_t work[WIRE_EVIDENCE_MAX];
    const struct wire_attest *r = &t->request;
    uint8_t challenge[OTA_ATTEST_CHALLENGE_LEN];
    const struct ota_attest_check check = { r->form, r->evidence, r->evidence_len, r->key, challenge, sizeof challenge, work, sizeof work };
    ota_err err = ota_attest_challenge(s->crypto, nonce, r->update_key, r->application_key, challenge);

    if (err != OTA_OK)
        return ota_fault_set(fault, err, "challenge", 0);
    if (memcmp(r->update_key, r->application_key, sizeof r->update_key) == 0)
        return ota_fault_set(fault, OTA_REJECT_DUPLICATE, "application_key", 0);
    err = ota_attest_verify(&check, s->crypto, &t->claims, &t->log, fault);
    if (err == OTA_OK)
        err = check_proof(s, r->update_key, challenge, r->update_proof, "update_proof", fault);
    if (err == OTA_OK)
        err = check_proof(s, r->application_key, challenge, r->application_proof, "application_proof", fault);
    return err;
}

/* A device that runs an older release must be able to get the newer one: it gets the certificate for updates alone. */
static ota_err appraise_outdated(struct attempt *t, const struct reference *r, struct ota_fault *fault)
{
    memcpy(t->outdated, fault->where, sizeof t->outdated);
    return ota_attest_appraise(&t->log, r->value, r->count, fault);
}

static ota_err appraise(struct service *s, struct attempt *t, struct ota_fault *fault)
{
    const struct config_group *g = &s->config->group[t->group];
    struct reference *r = &s->reference[t->group];

    if (t->claims.strength < g->strength_min)
        return ota_fault_set(fault, OTA_REJECT_VALUE, "evidence.strength", 0);
    if (t->log.count == 0)
        return ota_fault_set(fault, OTA_REJECT_MISSING, "evidence.log", 0);
    ota_err err = reference_refresh(r, fault);
    if (err != OTA_OK)
        return OTA_DEVICE_STORE; /* no fault of the device's */
    err = ota_attest_appraise(&t->log, r->current, r->current_count, fault);
    return err == OTA_REJECT_HASH ? appraise_outdated(t, r, fault) : err;
}

static ota_err register_device(struct service *s, const struct attempt *t, struct ota_fault *fault)
{
    const struct config_group *g = &s->config->group[t->group];
    struct device d = { .product = "" };

    if (!t->registers)
        return OTA_OK;
    if (devices_count(&s->devices, g->product, g->group) >= g->devices_max)
        return ota_fault_set(fault, OTA_REJECT_LIMIT, "devices_max", 0);
    memcpy(d.key, t->request.key, sizeof d.key);
    memcpy(d.product, g->product, sizeof d.product);
    memcpy(d.group, g->group, sizeof d.group);
    ota_err err = devices_add(&s->devices, &d);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "devices", errno);
}

static ota_err issue_both(struct service *s, struct attempt *t, int64_t not_before_s, int64_t not_after_s, struct ota_fault *fault)
{
    const struct config_group *g = &s->config->group[t->group];
    struct issue_request r = { .key = t->request.update_key, .device_id = t->device_id, .product = g->product, .group = g->group,
        .use = "update", .measurements = t->log.chain, .strength = t->claims.strength, .not_before_s = not_before_s,
        .not_after_s = not_after_s };
    ota_err err = issue(&s->issuer[t->group], &r, t->update);

    r.key = t->request.application_key;
    r.use = "application";
    if (err == OTA_OK && !t->outdated[0])
        err = issue(&s->issuer[t->group], &r, t->application);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "certificate", 0);
}

static ota_err name_device(struct service *s, struct attempt *t, struct ota_fault *fault)
{
    uint8_t digest[OTA_SHA256_LEN];
    struct otai_text text;
    ota_err err = digest_of(s->crypto, t->request.key, sizeof t->request.key, digest);

    otai_text_init(&text, t->device_id, sizeof t->device_id);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "key", 0);
    otai_text_hex(&text, digest, sizeof digest);
    return OTA_OK;
}

/* The order matters: a challenge is spent by whatever is tried with it; nobody is registered before all else was right. */
static ota_err judge(struct service *s, const struct service_now *now, struct attempt *t, struct ota_fault *fault)
{
    uint8_t nonce[OTA_ATTEST_CHALLENGE_LEN];
    ota_err err = nonces_take(&s->nonces, t->request.nonce_id, now->ms, nonce);

    if (err != OTA_OK)
        return ota_fault_set(fault, err, "nonce_id", 0);
    err = name_device(s, t, fault);
    if (err == OTA_OK)
        err = find_group(s, t, fault);
    if (err == OTA_OK)
        err = check_evidence(s, t, nonce, fault);
    if (err == OTA_OK)
        err = appraise(s, t, fault);
    return err == OTA_OK ? register_device(s, t, fault) : err;
}

static void grant(const struct service *s, const struct attempt *t, int64_t not_before_s, int64_t not_after_s, struct service_answer *a)
{
    const struct config_group *g = &s->config->group[t->group];
    struct wire_grant w = { .product = g->product, .group = g->group, .not_before_s = not_before_s, .not_after_s = not_after_s,
        .update = t->update, .application = t->outdated[0] ? NULL : t->application,
        .outdated = t->outdated[0] ? t->outdated : NULL };
    char digest[2 * OTA_SHA256_LEN + 1];
    struct otai_text text;

    memcpy(w.measurements, t->log.chain, sizeof w.measurements);
    otai_text_init(&text, digest, sizeof digest);
    otai_text_hex(&text, w.measurements, sizeof w.measurements);
    a->status = 200;
    a->len = wire_put_grant(&w, a->body, sizeof a->body);
    (void)snprintf(a->line, sizeof a->line, "granted device=%s product=%s group=%s strength=%s measurements=%s not_after=%lld%s%s%s",
                   t->device_id, g->product, g->group, ota_strength_name(t->claims.strength), digest, (long long)not_after_s,
                   t->registers ? " registered" : "", t->outdated[0] ? " update-only=" : "", t->outdated);
    if (a->len == 0)
        refuse(a, 500, OTA_USAGE_MEMORY, "answer", t->device_id);
}

static void attest(struct service *s, const struct service_now *now, const struct http_request *r, struct service_answer *a)
{
    static struct attempt t;
    struct ota_fault fault = { .err = OTA_OK };
    int64_t not_before_s = now->utc_s - SKEW_S, not_after_s = now->utc_s + s->config->certificate_s;
    ota_err err;

    memset(&t, 0, sizeof t);
    err = wire_read_attest(r->body, r->body_len, &t.request, &fault);
    if (err != OTA_OK) {
        refuse(a, 400, err, fault.where, "");
        return;
    }
    err = judge(s, now, &t, &fault);
    if (err == OTA_OK)
        err = issue_both(s, &t, not_before_s, not_after_s, &fault);
    if (err == OTA_OK)
        grant(s, &t, not_before_s, not_after_s, a);
    else
        refuse(a, status_of(err), err, fault.where, t.device_id);
}

/* ---- dispatch ---- */

/* What was no request at all, in the library's own words. */
static ota_err error_of(int status)
{
    if (status == 413 || status == 431)
        return OTA_REJECT_LIMIT;
    if (status == 404 || status == 405)
        return OTA_RETRY_NOT_FOUND;
    return status == 408 ? OTA_RETRY_TIMEOUT : OTA_REJECT_SYNTAX;
}

static const char *field_of(int status)
{
    switch (status) {
    case 404: return "path";
    case 405: return "method";
    case 411: return "content-length";
    case 413: return "body";
    case 415: return "content-type";
    case 431: return "head";
    default: return "request";
    }
}

void service_answer(struct service *s, const struct service_now *now, int status, const struct http_request *r,
                    struct service_answer *out)
{
    out->retry_s = 0;
    out->line[0] = '\0';
    if (status != 200)
        refuse(out, status, error_of(status), field_of(status), "");
    else if (strcmp(r->path, "/v1/start") == 0)
        start(s, now, r, out);
    else if (strcmp(r->path, "/v1/attest") == 0)
        attest(s, now, r, out);
    else
        refuse(out, 404, error_of(404), field_of(404), "");
}

/* ---- open and close ---- */

static bool open_group(struct service *s, size_t i, struct ota_fault *fault, char why[256])
{
    const struct config_group *g = &s->config->group[i];
    struct reference *r = &s->reference[i];
    const char *reason;
    char where[OTA_FAULT_WHERE_MAX];

    r->product = g->product;
    r->group = g->group;
    r->path_count = g->reference_count;
    for (size_t k = 0; k < r->path_count; k++)
        r->path[k] = g->reference[k].text;
    (void)snprintf(where, sizeof where, "config.groups[%zu]", i);
    if (!issuer_open(&s->issuer[i], g->ca_cert.text, g->ca_key.text, &s->random, &reason)) {
        (void)snprintf(why, 256, "%s", reason);
        (void)ota_fault_set(fault, OTA_USAGE_CONFIG, where, 0);
        return false;
    }
    ota_err err = reference_refresh(r, fault);
    if (err == OTA_OK)
        return true;
    (void)snprintf(why, 256, "reference: %.80s: %s%s%s", fault->where, ota_err_text(err), fault->port_code ? ": " : "",
                   fault->port_code ? strerror(fault->port_code) : "");
    (void)ota_fault_set(fault, OTA_USAGE_CONFIG, where, fault->port_code);
    return false;
}

static bool open_devices(struct service *s, struct ota_fault *fault, char why[256])
{
    size_t line;

    if (devices_load(&s->devices, s->config->devices.text, &line))
        return true;
    if (line)
        (void)snprintf(why, 256, "%.150s: line %zu is no \"KEY PRODUCT GROUP\", or a second one of a key", s->config->devices.text, line);
    else
        (void)snprintf(why, 256, "%.200s: %s", s->config->devices.text, strerror(errno));
    (void)ota_fault_set(fault, OTA_USAGE_CONFIG, "config.devices", 0);
    return false;
}

bool service_open(struct service *s, const struct config *c, struct ota_crypto *crypto, struct ota_fault *fault, char why[256])
{
    memset(s, 0, sizeof *s);
    s->config = c;
    s->crypto = crypto;
    nonces_init(&s->nonces, c->nonces_max, c->nonce_s * 1000u);
    for (size_t i = 0; i < c->group_count; i++) {
        mbedtls_x509_crt_init(&s->issuer[i].cert);
        mbedtls_pk_init(&s->issuer[i].key);
    }
    if (!issue_random_open(&s->random)) {
        (void)snprintf(why, 256, "the system gives no random bytes");
        (void)ota_fault_set(fault, OTA_DEVICE_CRYPTO, "random", 0);
        return false;
    }
    for (size_t i = 0; i < c->group_count; i++)
        if (!open_group(s, i, fault, why))
            return false;
    return open_devices(s, fault, why);
}

void service_close(struct service *s)
{
    for (size_t i = 0; s->config && i < s->config->group_count; i++)
        issuer_close(&s->issuer[i]);
    issue_random_close(&s->random);
    memset(s, 0, sizeof *s);
}
