/* SPDX-License-Identifier: Apache-2.0 */
/* A device's side of attestation, in steps: wait, ask for a challenge, answer it, store what was granted. */
#include "client.h"

#include <string.h>

#define HELD_MS 5000u         /* until the clock or the network are looked at again */
#define LOOK_MS 3600000u      /* longest sleep: the wall clock may be set meanwhile */
#define POLL_MS 1000u
#define RETRY_BASE_S 30u
#define RETRY_CAP_S 3600u
#define TIMEOUT_S 60u

enum phase { WAIT, START, ATTEST };

static uint64_t now_ms(const struct ota_attest_client *a)
{
    return a->cfg.clock->ops->monotonic_ms(a->cfg.clock);
}

static ota_err utc(const struct ota_attest_client *a, int64_t *s)
{
    return a->cfg.clock->ops->utc_s(a->cfg.clock, s);
}

/* ---- waiting ---- */

static ota_err check_clock(const struct ota_attest_client *a, int64_t *now_s)
{
    ota_err err = utc(a, now_s);

    if (err == OTA_OK && a->has[OTA_CERTIFICATE_UPDATE] && *now_s < a->not_before_s)
        err = OTA_RETRY_CLOCK; /* issued in what the clock takes for the future */
    return err;
}

static void set_wait(struct ota_attest_client *a, uint64_t ms)
{
    a->next_ms = now_ms(a) + ms;
}

/* Some value below max, which is not 0. */
static uint32_t random_below(struct ota_attest_client *a, uint32_t max)
{
    uint32_t r = 0;

    if (a->cfg.crypto->ops->random(a->cfg.crypto, &r, sizeof r) != OTA_OK)
        r = (uint32_t)now_ms(a);
    return r % max;
}

/* The second half of the wait is random, so that a fleet does not come back at once. */
static uint64_t backoff_ms(struct ota_attest_client *a)
{
    uint64_t cap_s = a->cfg.retry_cap_s, s = a->cfg.retry_base_s;

    for (uint32_t i = 1; i < a->status.failures && s < cap_s; i++)
        s *= 2;
    if (s > cap_s)
        s = cap_s;
    return s * 500u + random_below(a, (uint32_t)(s * 500u) + 1u);
}

/* What the service asks for, in seconds; at most the cap: a year would be the end of a device. */
static uint64_t asked_s(const struct ota_attest_client *a)
{
    int64_t s = a->have_head ? a->head.retry_after_s : -1, now_s;

    if (a->have_head && a->head.retry_at_s > 0 && utc(a, &now_s) == OTA_OK)
        s = a->head.retry_at_s - now_s;
    if (s < 0)
        return 0;
    return (uint64_t)s < a->cfg.retry_cap_s ? (uint64_t)s : a->cfg.retry_cap_s;
}

static void end_exchange(struct ota_attest_client *a)
{
    if (a->open)
        a->cfg.net->ops->end(a->cfg.net);
    a->open = false;
}

static void forget_keys(struct ota_attest_client *a)
{
    a->cfg.keys->ops->drop(a->cfg.keys);
    memset(a->key_text, 0, sizeof a->key_text);
    memset(a->cert_key, 0, sizeof a->cert_key);
}

static void fail(struct ota_attest_client *a, ota_err err, const char *where, int32_t code)
{
    uint64_t asked_ms = asked_s(a) * 1000u, wait_ms;

    (void)ota_fault_set(&a->status.last, err, where, code);
    end_exchange(a);
    forget_keys(a);
    a->phase = WAIT;
    if (a->status.failures < UINT32_MAX)
        a->status.failures++;
    wait_ms = backoff_ms(a);
    set_wait(a, wait_ms > asked_ms ? wait_ms : asked_ms);
}

/* ---- an exchange ---- */

static void begin(struct ota_attest_client *a, enum phase phase, const char *path)
{
    struct ota_net_request req = { .method = OTA_NET_POST, .url = a->url, .extra = "Accept: application/json", .body = a->out,
                                   .body_len = a->out_len, .connect_ms = a->cfg.connect_ms };
    struct otai_text t;
    ota_err err;

    otai_text_init(&t, a->url, sizeof a->url);
    otai_text_add(&t, a->cfg.url);
    otai_text_add(&t, path);
    a->in_len = 0;
    a->have_head = false;
    a->head = (struct ota_net_head){ .retry_after_s = -1 };
    err = a->cfg.net->ops->begin(a->cfg.net, &req);
    if (err != OTA_OK) {
        fail(a, err, "attest.begin", 0);
        return;
    }
    a->open = true;
    a->phase = (uint8_t)phase;
    a->deadline_ms = now_ms(a) + a->cfg.timeout_s * UINT64_C(1000);
}

/* The head says what the answer is worth, once it is there. OTA_OK: a body of ours follows, whatever the status. */
static ota_err judge_head(const struct ota_net_head *h)
{
    if (h->malformed || h->encoded || (h->has_length && h->length > OTA_ATTEST_ANSWER_MAX))
        return OTA_RETRY_PROTOCOL;
    return h->status >= 300 && h->status < 400 ? OTA_RETRY_REDIRECT : OTA_OK;
}

static ota_err judge_status(uint16_t status)
{
    if (status == 200)
        return OTA_OK;
    if (status == 429 || status == 503)
        return OTA_RETRY_BUSY;
    if (status == 409)
        return OTA_REJECT_NONCE;
    if (status == 404)
        return OTA_RETRY_NOT_FOUND;
    if (status >= 500)
        return OTA_RETRY_SERVER;
    return status >= 400 ? OTA_RETRY_REFUSED : OTA_RETRY_PROTOCOL;
}

/* Read on. OTA_AGAIN; OTA_DONE: the whole answer is in `in` */
static ota_err receive(struct ota_attest_client *a, int32_t *code)
{
    struct ota_net *net = a->cfg.net;
    uint8_t beyond;
    size_t got = 0;
    ota_err err;

    if (!a->have_head) {
        err = net->ops->head(net, &a->head, code);
        if (err == OTA_OK)
            err = judge_head(&a->head);
        if (err != OTA_OK)
            return err;
        a->have_head = true;
    }
    bool full = a->in_len == sizeof a->in;
    err = net->ops->read(net, full ? &beyond : a->in + a->in_len, full ? 1 : sizeof a->in - a->in_len, &got, code);
    if (err != OTA_OK)
        return err;
    if (full)
        return OTA_RETRY_PROTOCOL; /* longer than any answer */
    a->in_len += got;
    return OTA_AGAIN;
}

static void take_refusal(struct ota_attest_client *a, ota_err err)
{
    struct otai_attest_refusal r;

    otai_attest_read_refusal(a->in, a->in_len, &r);
    memcpy(a->status.refused, r.error, sizeof a->status.refused);
    memcpy(a->status.field, r.field, sizeof a->status.field);
    if (err == OTA_RETRY_REFUSED && strcmp(r.error, "REJECT_KEY") == 0 && strcmp(r.field, "key") == 0)
        a->registers = true; /* not known, or not any more: the token is for that */
    fail(a, err, "attest.refused", a->head.status);
}

/* ---- the challenge ---- */

static ota_err make_keys(struct ota_attest_client *a, struct ota_fault *fault)
{
    struct ota_cert_keys *k = a->cfg.keys;
    int32_t code = 0;

    for (int i = 0; i < OTA_CERTIFICATES; i++) {
        a->key_text_len[i] = 0;
        ota_err err = k->ops->make(k, (enum ota_certificate)i, a->cert_key[i], a->key_text[i], &a->key_text_len[i], &code);
        if (err != OTA_OK || a->key_text_len[i] > OTA_ATTEST_KEY_TEXT_MAX)
            return ota_fault_set(fault, err != OTA_OK ? err : OTA_DEVICE_CRYPTO, "attest.keys", code);
    }
    return OTA_OK;
}

static ota_err make_evidence(struct ota_attest_client *a, const uint8_t challenge[OTA_ATTEST_CHALLENGE_LEN], size_t *len,
                             struct ota_fault *fault)
{
    struct ota_claims c = *a->cfg.claims;

    memset(c.nonce, 0, sizeof c.nonce);
    memcpy(c.nonce, challenge, OTA_ATTEST_CHALLENGE_LEN);
    c.nonce_len = OTA_ATTEST_CHALLENGE_LEN;
    memcpy(c.instance, a->instance, sizeof c.instance);
    if (a->cfg.form == OTA_TOKEN_JWT)
        return ota_attest_jwt(&c, a->cfg.log, a->cfg.signer, a->cfg.crypto, a->in, sizeof a->in, len, fault);
    return ota_attest_cose(&c, a->cfg.log, a->cfg.signer, a->cfg.crypto, a->in, sizeof a->in, len, fault);
}

/* Evidence is made where the answer will come to, and goes from there into the request. */
static ota_err compose(struct ota_attest_client *a, struct ota_fault *fault)
{
    uint8_t challenge[OTA_ATTEST_CHALLENGE_LEN], proof[OTA_CERTIFICATES][OTA_ATTEST_SIG_LEN];
    struct ota_cert_keys *k = a->cfg.keys;
    int32_t code = 0;
    size_t len = 0;
    ota_err err = make_keys(a, fault);

    if (err != OTA_OK)
        return err;
    err = ota_attest_challenge(a->cfg.crypto, a->nonce, a->cert_key[0], a->cert_key[1], challenge);
    for (int i = 0; i < OTA_CERTIFICATES && err == OTA_OK; i++)
        err = k->ops->sign(k, (enum ota_certificate)i, challenge, proof[i], &code);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "attest.keys", code);
    err = make_evidence(a, challenge, &len, fault);
    if (err != OTA_OK)
        return err;
    const struct otai_attest_answer r = { a->nonce_id, a->cfg.key,   a->cert_key[0], a->cert_key[1],
                                          proof[0],    proof[1],     a->cfg.form,    { a->in, len },
                                          a->registers ? a->cfg.token : NULL };
    a->out_len = otai_attest_put_answer(&r, (char *)a->out, sizeof a->out);
    return a->out_len > 0 ? OTA_OK : ota_fault_set(fault, OTA_USAGE_MEMORY, "attest.request", 0);
}

static void answer_challenge(struct ota_attest_client *a)
{
    struct otai_attest_nonce n;
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = otai_attest_read_nonce(a->in, a->in_len, &n, &fault);

    end_exchange(a);
    if (err == OTA_OK) {
        memcpy(a->nonce, n.value, sizeof a->nonce);
        memcpy(a->nonce_id, n.id, sizeof a->nonce_id);
        err = compose(a, &fault);
    }
    if (err == OTA_OK)
        begin(a, ATTEST, "/v1/attest");
    else
        fail(a, err, fault.where, fault.port_code);
}

/* ---- what was granted ---- */

/* The same for everybody would bring a fleet back in the same minute: renewal comes at a random point between 1/2 and 3/4 of what
 * is left. */
static int64_t renewal(struct ota_attest_client *a, int64_t now_s, int64_t not_after_s)
{
    int64_t life = not_after_s - now_s;

    return now_s + life / 2 + (int64_t)random_below(a, (uint32_t)(life / 4) + 1u);
}

static ota_err judge_grant(struct ota_attest_client *a, const struct otai_attest_grant *g, int64_t *now_s, struct ota_fault *fault)
{
    if (!otai_equal(g->measurements, a->cfg.log->chain, OTA_SHA256_LEN))
        return ota_fault_set(fault, OTA_REJECT_HASH, "answer.measurements", 0);
    if (g->not_after_s - g->not_before_s > OTA_ATTEST_LIFE_MAX_S)
        return ota_fault_set(fault, OTA_REJECT_LIMIT, "answer.not_after", 0);
    ota_err err = utc(a, now_s);
    if (err != OTA_OK || *now_s < g->not_before_s)
        return ota_fault_set(fault, OTA_RETRY_CLOCK, "clock", 0);
    if (g->not_after_s <= *now_s)
        return ota_fault_set(fault, OTA_REJECT_FREEZE, "answer.not_after", 0);
    return OTA_OK;
}

#define SCRATCH_LEN 3072u
_Static_assert(OTAI_ATTEST_HEAD_LEN + OTA_CERTIFICATES * OTA_ATTEST_BUNDLE_MAX + 4u + SCRATCH_LEN <= OTA_ATTEST_REQUEST_MAX,
               "the whole record and what decodes a certificate fit into `out` together");

/* Key and certificates behind one another. `in` holds the answer; what is left of `out` is free. */
static ota_err add_bundle(struct ota_attest_client *a, const struct otai_attest_grant *g, enum ota_certificate which, size_t *at,
                          uint32_t *bundle_len)
{
    size_t len = a->key_text_len[which];
    uint8_t *p = a->out + *at;

    *bundle_len = 0;
    if (!g->certificate[which].p)
        return OTA_OK;
    memcpy(p, a->key_text[which], len);
    ota_err err = otai_attest_take_certificate(g->certificate[which], a->cert_key[which], p, OTA_ATTEST_BUNDLE_MAX, &len,
                                               a->out + sizeof a->out - SCRATCH_LEN, SCRATCH_LEN);
    *bundle_len = (uint32_t)len;
    *at += len;
    return err;
}

static ota_err store_grant(struct ota_attest_client *a, const struct otai_attest_grant *g, int64_t now_s, struct ota_fault *fault)
{
    static const char *const fields[] = { "answer.update_certificate", "answer.application_certificate" };
    struct otai_attest_head h = { .not_before_s = g->not_before_s, .not_after_s = g->not_after_s };
    size_t at = OTAI_ATTEST_HEAD_LEN;
    int32_t code = 0;

    for (int i = 0; i < OTA_CERTIFICATES; i++) {
        ota_err err = add_bundle(a, g, (enum ota_certificate)i, &at, &h.len[i]);
        if (err != OTA_OK)
            return ota_fault_set(fault, err, fields[i], 0);
    }
    memcpy(h.measurements, g->measurements, sizeof h.measurements);
    memcpy(h.outdated, g->outdated, sizeof h.outdated);
    h.renew_at_s = renewal(a, now_s, g->not_after_s);
    size_t len = otai_attest_put_head(a->out, &h);
    ota_err err = a->cfg.store->ops->write(a->cfg.store, OTA_ATTEST_RECORD, a->out, len, &code);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, OTA_ATTEST_RECORD, code);
    err = otai_attest_follow(a, a->out, &h, fault);
    memset(a->out, 0, sizeof a->out); /* keys */
    return err;
}

static void take_grant(struct ota_attest_client *a)
{
    struct otai_attest_grant g;
    struct ota_fault fault = { .err = OTA_OK };
    int64_t now_s = 0;
    ota_err err = otai_attest_read_grant(a->in, a->in_len, &g, &fault);

    end_exchange(a);
    if (err == OTA_OK)
        err = judge_grant(a, &g, &now_s, &fault);
    if (err == OTA_OK)
        err = store_grant(a, &g, now_s, &fault);
    if (err != OTA_OK) {
        fail(a, err, fault.where, fault.port_code);
        return;
    }
    forget_keys(a);
    memset(&a->status.last, 0, sizeof a->status.last);
    memset(a->status.refused, 0, sizeof a->status.refused);
    memset(a->status.field, 0, sizeof a->status.field);
    a->status.failures = 0;
    a->registers = a->stale = false;
    a->phase = WAIT;
    set_wait(a, 0);
}

/* ---- steps ---- */

static void step_exchange(struct ota_attest_client *a)
{
    int32_t code = 0;
    ota_err err = receive(a, &code);

    if (err == OTA_AGAIN) {
        if (now_ms(a) >= a->deadline_ms)
            fail(a, OTA_RETRY_TIMEOUT, "attest.answer", 0);
        return;
    }
    if (err != OTA_DONE) {
        fail(a, err, "attest.answer", code);
        return;
    }
    err = judge_status(a->head.status);
    if (err != OTA_OK)
        take_refusal(a, err);
    else if (a->phase == START)
        answer_challenge(a);
    else
        take_grant(a);
}

/* What has run out is taken away: nobody shall show it, and its keys are of no use. */
static void expire(struct ota_attest_client *a, int64_t now_s)
{
    struct ota_fault fault = { .err = OTA_OK };

    if (a->has[OTA_CERTIFICATE_UPDATE] && now_s >= a->status.not_after_s &&
        otai_attest_drop(a, OTA_REJECT_FREEZE, "attest.expired", &fault) != OTA_OK)
        a->status.last = fault;
}

static void hold(struct ota_attest_client *a, ota_err err, const char *where)
{
    (void)ota_fault_set(&a->status.last, err, where, 0);
    set_wait(a, HELD_MS);
}

static void step_wait(struct ota_attest_client *a)
{
    struct ota_net *net = a->cfg.net;
    int64_t now_s = 0;

    if (check_clock(a, &now_s) != OTA_OK) {
        hold(a, OTA_RETRY_CLOCK, "clock");
        return;
    }
    expire(a, now_s);
    if (!a->stale && a->has[OTA_CERTIFICATE_UPDATE] && now_s < a->status.renew_at_s) {
        int64_t left_ms = (a->status.renew_at_s - now_s) * 1000;
        set_wait(a, left_ms < LOOK_MS ? (uint64_t)left_ms : LOOK_MS);
        return;
    }
    if (net->ops->ready && net->ops->ready(net) != OTA_OK) {
        hold(a, OTA_RETRY_NETWORK, "network");
        return;
    }
    a->out_len = otai_attest_put_start((char *)a->out, sizeof a->out);
    begin(a, START, "/v1/start");
}

void ota_attest_client_step(struct ota_attest_client *a, struct ota_wait *wait)
{
    if (a->phase == WAIT) {
        if (now_ms(a) >= a->next_ms)
            step_wait(a);
    } else {
        step_exchange(a);
    }
    *wait = (struct ota_wait){ .ms = POLL_MS, .wait_for_net = a->open };
    if (a->phase == WAIT) {
        uint64_t now = now_ms(a), left = a->next_ms > now ? a->next_ms - now : 0;
        wait->ms = left < LOOK_MS ? (uint32_t)left : LOOK_MS;
    }
}

void ota_attest_client_now(struct ota_attest_client *a)
{
    a->stale = true;
    a->next_ms = 0;
}

bool ota_attest_client_busy(const struct ota_attest_client *a)
{
    return a->phase != WAIT;
}

/* ---- what others see ---- */

ota_err ota_attest_client_certificate(struct ota_attest_client *a, enum ota_certificate which, struct ota_fault *fault)
{
    const char *name = which == OTA_CERTIFICATE_UPDATE ? "attest.update" : "attest.application";
    int64_t now_s = 0;

    if (!a->has[which]) {
        bool outdated = a->has[OTA_CERTIFICATE_UPDATE] && a->status.outdated[0];
        return ota_fault_set(fault, OTA_RETRY_CERTIFICATE, outdated ? "attest.outdated" : name, 0);
    }
    if (check_clock(a, &now_s) != OTA_OK)
        return ota_fault_set(fault, OTA_RETRY_CLOCK, "clock", 0);
    return now_s < a->status.not_after_s ? OTA_OK : ota_fault_set(fault, OTA_RETRY_CERTIFICATE, name, 0);
}

void ota_attest_client_status(struct ota_attest_client *a, struct ota_attest_status *out)
{
    a->status.hold = ota_attest_client_certificate(a, OTA_CERTIFICATE_UPDATE, NULL);
    *out = a->status;
}

/* ---- open and close ---- */

static bool is_url(const char *url)
{
    size_t len = url ? strlen(url) : 0;

    return len > 8 && len < OTA_URL_MAX - 16 && memcmp(url, "https://", 8) == 0 && url[len - 1] != '/';
}

static bool is_token(const char *token)
{
    size_t len = 0;

    for (; token && token[len]; len++)
        if (token[len] < '!' || token[len] > '~' || token[len] == '"' || token[len] == '\\')
            return false;
    return !token || (len > 0 && len <= 128);
}

static const char *config_flaw(const struct ota_attest_client_config *c)
{
    if (!is_url(c->url))
        return "attest.url";
    if (!is_token(c->token))
        return "attest.token";
    if (!c->net || !c->store || !c->clock || !c->crypto)
        return "attest.ports";
    if (!c->signer || !c->key || !c->keys)
        return "attest.identity";
    if (!c->log || c->log->count == 0 || c->log->count > OTA_ATTEST_LOG_MAX)
        return "attest.log";
    if (!c->claims)
        return "attest.claims";
    if (c->form != OTA_TOKEN_COSE && c->form != OTA_TOKEN_JWT)
        return "attest.form";
    return c->retry_base_s > 86400 || c->retry_cap_s > 604800 || c->timeout_s > 3600 ? "attest.retry" : NULL;
}

ota_err ota_attest_client_open(struct ota_attest_client *a, const struct ota_attest_client_config *cfg, struct ota_fault *fault)
{
    const char *flaw;

    memset(a, 0, sizeof *a);
    if (cfg->size != sizeof *cfg)
        return ota_fault_set(fault, OTA_USAGE_ABI, "attest.size", 0);
    flaw = config_flaw(cfg);
    if (flaw)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, flaw, 0);
    a->cfg = *cfg;
    a->cfg.retry_base_s = cfg->retry_base_s ? cfg->retry_base_s : RETRY_BASE_S;
    a->cfg.retry_cap_s = cfg->retry_cap_s ? cfg->retry_cap_s : RETRY_CAP_S;
    a->cfg.timeout_s = cfg->timeout_s ? cfg->timeout_s : TIMEOUT_S;
    ota_err err = ota_attest_instance(cfg->crypto, cfg->key, a->instance);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "attest.identity", 0);
    err = otai_attest_load(a, fault);
    memset(a->out, 0, sizeof a->out); /* keys */
    a->registers = !a->has[OTA_CERTIFICATE_UPDATE];
    return err;
}

void ota_attest_client_close(struct ota_attest_client *a)
{
    if (!a->cfg.net)
        return;
    end_exchange(a);
    forget_keys(a);
    a->phase = WAIT;
    a->cfg.net = NULL;
}
