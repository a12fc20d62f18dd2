/* SPDX-License-Identifier: Apache-2.0 */
/* The client engine and the service's decisions, without sockets between them: every clock and every failure is scripted. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "client.h"
#include "ota/posix.h"
#include "ota/ram.h"
#include "service.h"

#define NOW 1800000000
#define DAY 86400
#define YEAR_S 31536000

static char dir[] = "/tmp/ota-client-XXXXXX";
static struct ota_posix_crypto crypto;
static struct ota_posix_cert_keys keys;
static struct ota_ram_clock device_clock;
static struct ota_ram_store store;
static uint8_t store_mem[65536];
static struct ota_attest_log measured;
static struct ota_claims claims;
static psa_key_id_t device_key;
static uint8_t device_public[OTA_ATTEST_KEY_LEN];
static struct config config;
static struct service service;
static struct ota_attest_client client;

/* ---- a device's key ---- */

static ota_err sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    size_t len;

    (void)s;
    return psa_sign_hash(device_key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len) == PSA_SUCCESS
               ? OTA_OK
               : OTA_DEVICE_CRYPTO;
}
static const struct ota_signer_ops signer_ops = { sign };
static struct ota_signer signer = { &signer_ops };

/* ---- a network that ends in the service ---- */

static struct wire {
    struct ota_net port;
    unsigned requests, attests, tokens; /* seen */
    const char *last_path;
    /* script, for answers to /v1/attest, or to both with `all` */
    bool all, away, silent, cut, redirect;
    unsigned status;
    int64_t retry_after_s, retry_at_s;
    const char *body;                       /* instead of the service's */
    const char *find, *replace;             /* in the service's answer */
    uint32_t delay_ms;                      /* before an attest reaches the service */
    size_t pad;                             /* spaces behind the answer */
    /* the exchange under way */
    bool open;
    unsigned answer_status;
    uint32_t answer_retry_s;
    size_t len, at;
    char answer[65536];
} wire;

static void put_answer(const char *text, size_t len)
{
    assert_true(len + wire.pad < sizeof wire.answer);
    memcpy(wire.answer, text, len);
    memset(wire.answer + len, ' ', wire.pad);
    wire.len = len + wire.pad;
}

static void alter(void)
{
    char copy[65536], *at;

    wire.answer[wire.len] = '\0';
    at = wire.find ? strstr(wire.answer, wire.find) : NULL;
    if (wire.find)
        assert_non_null(at);
    else
        return;
    int n = snprintf(copy, sizeof copy, "%.*s%s%s", (int)(at - wire.answer), wire.answer, wire.replace, at + strlen(wire.find));
    put_answer(copy, (size_t)n);
}

static ota_err wire_begin(struct ota_net *n, const struct ota_net_request *req)
{
    static struct service_answer a;
    struct http_request r = { .body = req->body, .body_len = req->body_len };

    (void)n;
    assert_false(wire.open);
    assert_int_equal(req->method, OTA_NET_POST);
    wire.requests++;
    if (wire.away)
        return OTA_RETRY_NETWORK;
    assert_true(strncmp(req->url, "https://attest.example", 22) == 0);
    snprintf(r.path, sizeof r.path, "%s", req->url + 22);
    bool attest = strcmp(r.path, "/v1/attest") == 0;
    wire.attests += attest;
    wire.tokens += memmem(req->body, req->body_len, "\"token\":", 8) != NULL;
    if (attest)
        device_clock.now_ms += wire.delay_ms;
    const struct service_now now = { device_clock.now_ms, device_clock.utc_s };
    service_answer(&service, &now, 200, &r, &a);
    put_answer(a.body, a.len);
    wire.answer_status = (unsigned)a.status;
    wire.answer_retry_s = a.retry_s;
    if (attest || wire.all) {
        if (wire.body)
            put_answer(wire.body, strlen(wire.body));
        if (wire.status)
            wire.answer_status = wire.status;
        alter();
    }
    wire.at = 0;
    wire.open = true;
    return OTA_OK;
}

static ota_err wire_head(struct ota_net *n, struct ota_net_head *h, int32_t *code)
{
    (void)n, (void)code;
    if (wire.silent)
        return OTA_AGAIN;
    *h = (struct ota_net_head){ .status = (uint16_t)wire.answer_status, .retry_after_s = -1 };
    if (wire.answer_status != 200)
        h->retry_after_s = wire.retry_after_s ? wire.retry_after_s : wire.answer_retry_s ? (int64_t)wire.answer_retry_s : -1;
    h->retry_at_s = wire.answer_status != 200 ? wire.retry_at_s : 0;
    return OTA_OK;
}

static ota_err wire_read(struct ota_net *n, void *buf, size_t len, size_t *got, int32_t *code)
{
    size_t end = wire.cut ? wire.len / 2 : wire.len;

    (void)n, (void)code;
    *got = end - wire.at < len ? end - wire.at : len;
    if (*got > 100)
        *got = 100; /* an answer comes in pieces */
    memcpy(buf, wire.answer + wire.at, *got);
    wire.at += *got;
    if (*got > 0)
        return OTA_OK;
    return wire.cut ? OTA_RETRY_TRUNCATED : OTA_DONE;
}

static void wire_end(struct ota_net *n)
{
    (void)n;
    wire.open = false;
}

static void wire_wait(struct ota_net *n, uint32_t ms)
{
    (void)n, (void)ms;
}
static const struct ota_net_ops wire_ops = { NULL, wire_begin, wire_head, wire_read, wire_end, wire_wait };

/* ---- a device ---- */

static struct ota_attest_client_config client_config(void)
{
    return (struct ota_attest_client_config){
        .size = sizeof(struct ota_attest_client_config), .url = "https://attest.example", .token = "claim-me", .net = &wire.port,
        .store = &store.port, .clock = &device_clock.port, .crypto = &crypto.port, .signer = &signer, .key = device_public,
        .keys = &keys.port, .log = &measured, .claims = &claims, .form = OTA_TOKEN_COSE,
    };
}

static ota_err open_client(void)
{
    const struct ota_attest_client_config cfg = client_config();

    return ota_attest_client_open(&client, &cfg, NULL);
}

static void pass(uint64_t ms)
{
    device_clock.now_ms += ms;
    device_clock.utc_s += (int64_t)(ms / 1000);
}

/* Step until it waits. @return how long, ms */
static uint32_t settle(void)
{
    struct ota_wait wait;

    for (int i = 0; i < 5000; i++) {
        ota_attest_client_step(&client, &wait);
        if (!ota_attest_client_busy(&client) && wait.ms > 0)
            return wait.ms;
    }
    fail_msg("it never waits");
    return 0;
}

static ota_err usable(enum ota_certificate which)
{
    return ota_attest_client_certificate(&client, which, NULL);
}

static bool stored(const char *name)
{
    uint8_t p[16];
    size_t len;
    int32_t code;

    return store.port.ops->read(&store.port, name, p, sizeof p, &len, &code) == OTA_OK;
}

static void assert_nothing_stored(void)
{
    assert_false(stored(OTA_ATTEST_RECORD) || stored(OTA_ATTEST_UPDATE_PEM) || stored(OTA_ATTEST_APPLICATION_PEM));
}

static void assert_last(ota_err err, const char *where)
{
    struct ota_attest_status s;

    ota_attest_client_status(&client, &s);
    if (s.last.err != err || strcmp(s.last.where, where) != 0)
        fail_msg("is %s at %s, must be %s at %s (%s %s)", ota_err_name(s.last.err), s.last.where, ota_err_name(err), where, s.refused,
                 s.field);
}

static struct ota_measurement image(const char *version, uint8_t fill)
{
    struct ota_measurement m = { .kind = OTA_MEASURED_IMAGE, .name = "os" };

    snprintf(m.version, sizeof m.version, "%s", version);
    memset(m.digest, fill, sizeof m.digest);
    return m;
}

static void measure(uint8_t fill)
{
    const struct ota_measurement m = image("1.0", fill);

    memset(&measured, 0, sizeof measured);
    assert_int_equal(ota_attest_extend(&measured, &crypto.port, &m), OTA_OK);
}

/* ---- set up ---- */

static void write_file(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static void write_references(void)
{
    char text[1024], *p = text;

    p += sprintf(p, "{\"version\":1,\"references\":[");
    for (int i = 1; i <= 3; i++) {
        p += sprintf(p, "%s{\"what\":\"image/os\",\"required\":true,%s\"digest\":\"", i > 1 ? "," : "", i == 3 ? "\"update_only\":true," : "");
        for (int k = 0; k < 32; k++)
            p += sprintf(p, "%02x", i);
        p += sprintf(p, "\"}");
    }
    sprintf(p, "]}");
    write_file("reference.json", text);
}

static void make_config(void)
{
    char text[2048];
    uint8_t digest[32];
    size_t len;
    char hex[65];
    struct ota_fault fault = { 0 };

    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)"claim-me", 8, digest, sizeof digest, &len), PSA_SUCCESS);
    for (int i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
    snprintf(text, sizeof text,
             "{\"tls_cert\":\"-\",\"tls_key\":\"-\",\"devices\":\"%s/devices\",\"groups\":[{\"product\":\"p\",\"group\":\"g\","
             "\"ca_cert\":\"%s/ca.pem\",\"ca_key\":\"%s/ca.key\",\"reference\":[\"%s/reference.json\"],\"token_sha256\":\"%s\","
             "\"strength_min\":\"soft\"}]}",
             dir, dir, dir, dir, hex);
    if (config_read(&config, text, strlen(text), &fault) != OTA_OK)
        fail_msg("%s", fault.where);
}

static int set_up_all(void **state)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    char command[256], why[256];
    struct ota_fault fault = { 0 };
    size_t len;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(command, sizeof command, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s/ca.key -out %s/ca.pem "
             "-days 3 -subj /CN=ca >%s/log 2>&1", dir, dir, dir);
    assert_int_equal(system(command), 0);
    write_references();
    assert_int_equal(ota_posix_crypto_open(&crypto, NULL, NULL), OTA_OK);
    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&attr, &device_key), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(device_key, device_public, sizeof device_public, &len), PSA_SUCCESS);
    make_config();
    if (!service_open(&service, &config, &crypto.port, &fault, why))
        fail_msg("%s: %s", fault.where, why);
    return 0;
}

static int tear_down_all(void **state)
{
    char command[64];

    (void)state;
    service_close(&service);
    psa_destroy_key(device_key);
    ota_posix_crypto_close(&crypto);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static int set_up(void **state)
{
    (void)state;
    memset(&wire, 0, sizeof wire);
    wire.port.ops = &wire_ops;
    ota_ram_clock_init(&device_clock, NOW);
    ota_ram_store_init(&store, store_mem, sizeof store_mem);
    ota_posix_cert_keys_init(&keys);
    claims = (struct ota_claims){ .client_id = -1, .strength = OTA_STRENGTH_SOFT };
    measure(1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ota_attest_client_close(&client);
    memset(&service.nonces.entry, 0, sizeof service.nonces.entry);
    return 0;
}

static void attest(void)
{
    assert_int_equal(open_client(), OTA_OK);
    settle();
    assert_last(OTA_OK, "");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

/* ---- tests ---- */

static void a_device_gets_two_certificates(void **state)
{
    char text[OTA_ATTEST_BUNDLE_MAX + 1];
    size_t len;
    int32_t code;

    (void)state;
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    settle();
    assert_last(OTA_OK, "");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
    assert_int_equal(usable(OTA_CERTIFICATE_APPLICATION), OTA_OK);
    assert_int_equal(wire.attests, 1);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_UPDATE_PEM, text, sizeof text - 1, &len, &code), OTA_OK);
    text[len] = '\0';
    assert_true(strncmp(text, "-----BEGIN EC PRIVATE KEY-----\n", 31) == 0);
    assert_non_null(strstr(text, "-----END EC PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n"));
    /* The next start finds them without asking anybody. */
    ota_attest_client_close(&client);
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(usable(OTA_CERTIFICATE_APPLICATION), OTA_OK);
    assert_true(settle() > 1000);
    assert_int_equal(wire.attests, 1);
}

static void renewal_comes_at_a_random_point_of_the_second_half(void **state)
{
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    attest();
    for (int i = 0; i < 40; i++) {
        struct ota_attest_status s;
        ota_attest_client_status(&client, &s);
        int64_t after = s.renew_at_s - device_clock.utc_s;
        assert_true(s.not_after_s == device_clock.utc_s + DAY);
        assert_true(after >= DAY / 2 && after <= DAY / 4 * 3);
        least = after < least ? after : least;
        most = after > most ? after : most;
        unsigned before = wire.attests;
        pass((uint64_t)(after - 1) * 1000);
        settle();
        assert_int_equal(wire.attests, before);
        pass(1000);
        settle();
        assert_int_equal(wire.attests, before + 1);
        assert_last(OTA_OK, "");
    }
    assert_true(most - least > DAY / 16); /* of a quarter of a day; 40 equal draws are no accident */
}

static void other_measurements_end_the_certificates_before_any_use(void **state)
{
    (void)state;
    attest();
    ota_attest_client_close(&client);
    measure(2);
    assert_int_equal(open_client(), OTA_OK);
    assert_last(OTA_REJECT_HASH, "attest.measurements");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    assert_nothing_stored();
    settle(); /* and gets new ones */
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void certificates_that_cannot_be_removed_are_not_used(void **state)
{
    const struct ota_attest_client_config cfg = client_config();
    struct ota_fault fault = { 0 };

    (void)state;
    attest();
    ota_attest_client_close(&client);
    measure(2);
    for (unsigned n = 1; n <= 3; n++) {
        store.fail = (struct ota_ram_fail){ .at = n, .for_good = true };
        ota_err err = ota_attest_client_open(&client, &cfg, &fault);
        store.fail = (struct ota_ram_fail){ .at = 0 };
        if (err == OTA_OK)
            break;
        assert_int_equal(err, OTA_DEVICE_STORE);
        assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    }
    assert_int_equal(open_client(), OTA_OK);
    assert_nothing_stored();
}

static void a_damaged_record_is_removed(void **state)
{
    static uint8_t record[16384], bad[16384];
    size_t len, tried = 0;
    int32_t code;

    (void)state;
    attest();
    ota_attest_client_close(&client);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_RECORD, record, sizeof record, &len, &code), OTA_OK);
    for (size_t i = 0; i <= len; i += i < 128 ? 1 : 37) {
        struct ota_attest_status s;
        memcpy(bad, record, len);
        if (i < len)
            bad[i] ^= 0x10;
        assert_int_equal(store.port.ops->write(&store.port, OTA_ATTEST_RECORD, bad, i < len ? len : len - 1, &code), OTA_OK);
        assert_int_equal(open_client(), OTA_OK);
        ota_attest_client_status(&client, &s);
        assert_int_equal(s.last.err, OTA_REJECT_CORRUPT);
        assert_int_equal(s.hold, OTA_RETRY_CERTIFICATE);
        assert_nothing_stored();
        tried++;
    }
    assert_true(tried > 128);
}

/* Records that follow are made good at the start; one that somebody altered is not used as it is. */
static void the_records_follow_the_whole_one(void **state)
{
    uint8_t before[4096], after[4096];
    size_t len, len2;
    int32_t code;

    (void)state;
    attest();
    ota_attest_client_close(&client);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_UPDATE_PEM, before, sizeof before, &len, &code), OTA_OK);
    assert_int_equal(store.port.ops->write(&store.port, OTA_ATTEST_UPDATE_PEM, "x", 1, &code), OTA_OK);
    assert_int_equal(store.port.ops->remove(&store.port, OTA_ATTEST_APPLICATION_PEM, &code), OTA_OK);
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_UPDATE_PEM, after, sizeof after, &len2, &code), OTA_OK);
    assert_true(len == len2 && memcmp(before, after, len) == 0);
    assert_true(stored(OTA_ATTEST_APPLICATION_PEM));
}

static void read_all(const char *name, uint8_t *p, size_t cap, size_t *len)
{
    int32_t code;

    *len = 0;
    (void)store.port.ops->read(&store.port, name, p, cap, len, &code);
}

/* The power fails at the n-th change of the store, while the first set is stored, or a second one over it. */
static void a_power_cut_leaves_one_set_or_the_other(void **state)
{
    static uint8_t record[16384], pem[4096];
    struct otai_attest_head h;
    unsigned cuts = 0;

    for (int renew = 0; renew < 2; renew++)
        for (uint32_t n = 1; n < 20; n++) {
            size_t len;
            set_up(state);
            if (renew) {
                attest();
                ota_attest_client_now(&client);
            } else {
                assert_int_equal(open_client(), OTA_OK);
            }
            store.fail = (struct ota_ram_fail){ .at = n, .for_good = true };
            settle();
            struct ota_attest_status s;
            ota_attest_client_status(&client, &s);
            store.fail = (struct ota_ram_fail){ .at = 0 };
            if (s.last.err == OTA_OK)
                break;
            cuts++;
            ota_attest_client_close(&client);
            assert_int_equal(open_client(), OTA_OK);
            read_all(OTA_ATTEST_RECORD, record, sizeof record, &len);
            assert_true(!renew || len > 0); /* the old set is never lost */
            if (len == 0) {
                assert_nothing_stored();
                continue;
            }
            assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
            assert_true(otai_attest_get_head(record, len, &h));
            for (int i = 0; i < 2; i++) {
                read_all(otai_attest_record_name((enum ota_certificate)i), pem, sizeof pem, &len);
                assert_true(len == h.len[i] && memcmp(pem, otai_attest_bundle(record, &h, (enum ota_certificate)i), len) == 0);
            }
        }
    assert_true(cuts >= 5);
}

static void a_service_that_is_away_is_waited_for_and_the_certificate_ends(void **state)
{
    struct ota_attest_status s;
    unsigned tries = 0;

    (void)state;
    attest();
    wire.away = true;
    while (device_clock.utc_s < NOW + DAY - 1) {
        uint32_t ms = settle();
        assert_true(ms <= 3600000);
        assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK); /* as long as it is valid */
        int64_t left = (NOW + DAY - 1 - device_clock.utc_s) * 1000;
        pass((int64_t)ms < left ? ms + 1000 - ms % 1000 : (uint64_t)left);
        tries++;
    }
    assert_true(tries > 10 && tries < 200); /* backs off */
    assert_last(OTA_RETRY_NETWORK, "attest.begin");
    pass(2000);
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    pass(3600000);
    settle();
    ota_attest_client_status(&client, &s);
    assert_int_equal(s.hold, OTA_RETRY_CERTIFICATE);
    assert_nothing_stored();
    wire.away = false;
    pass(3600000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void a_year_of_retry_after_is_an_hour(void **state)
{
    (void)state;
    wire.all = true;
    wire.status = 503;
    wire.retry_after_s = YEAR_S;
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(settle(), 3600000);
    assert_last(OTA_RETRY_BUSY, "attest.refused");
    wire.retry_after_s = 0;
    wire.retry_at_s = NOW + YEAR_S;
    ota_attest_client_now(&client);
    assert_int_equal(settle(), 3600000);
    wire.retry_at_s = NOW - YEAR_S; /* a time that has passed asks for nothing */
    ota_attest_client_now(&client);
    assert_true(settle() <= 120000);
    wire.retry_at_s = 0;
    wire.retry_after_s = 600;
    ota_attest_client_now(&client);
    assert_int_equal(settle(), 600000);
    wire.status = 0;
    pass(600000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void without_a_clock_nothing_is_asked_and_nothing_used(void **state)
{
    (void)state;
    attest();
    unsigned before = wire.requests;
    device_clock.utc_s = -1;
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CLOCK);
    ota_attest_client_now(&client);
    assert_true(settle() <= 5000);
    assert_last(OTA_RETRY_CLOCK, "clock");
    device_clock.utc_s = NOW - DAY; /* before it was issued */
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CLOCK);
    pass(5000);
    settle();
    assert_last(OTA_RETRY_CLOCK, "clock");
    assert_int_equal(wire.requests, before);
    device_clock.utc_s = NOW;
    pass(5000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
    assert_true(wire.requests > before);
}

static void a_challenge_that_expired_is_asked_for_again(void **state)
{
    (void)state;
    wire.delay_ms = 300000;
    assert_int_equal(open_client(), OTA_OK);
    settle();
    assert_last(OTA_REJECT_NONCE, "attest.refused");
    assert_string_equal(client.status.refused, "REJECT_FREEZE");
    wire.delay_ms = 0;
    pass(120000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void the_token_is_shown_until_the_device_is_known(void **state)
{
    (void)state;
    service.devices.count = 0;
    attest();
    assert_int_equal(wire.tokens, 1);
    assert_int_equal(service.devices.count, 1);
    ota_attest_client_now(&client);
    settle();
    assert_int_equal(wire.attests, 2);
    assert_int_equal(wire.tokens, 1);
    service.devices.count = 0; /* the service has forgotten it */
    ota_attest_client_now(&client);
    settle();
    assert_last(OTA_RETRY_REFUSED, "attest.refused");
    assert_string_equal(client.status.refused, "REJECT_KEY");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
    pass(60000);
    settle();
    assert_last(OTA_OK, "");
    assert_int_equal(wire.tokens, 2);
}

static void an_outdated_release_gets_updates_only(void **state)
{
    struct ota_fault fault = { 0 };

    (void)state;
    measure(3);
    attest();
    assert_int_equal(ota_attest_client_certificate(&client, OTA_CERTIFICATE_APPLICATION, &fault), OTA_RETRY_CERTIFICATE);
    assert_string_equal(fault.where, "attest.outdated");
    assert_false(stored(OTA_ATTEST_APPLICATION_PEM));
    ota_attest_client_close(&client);
    measure(4);
    assert_int_equal(open_client(), OTA_OK);
    settle();
    assert_last(OTA_RETRY_REFUSED, "attest.refused");
    assert_string_equal(client.status.field, "image/os");
}

struct bad_answer {
    const char *what;
    struct wire wire;
    ota_err err;
    const char *where;
};

/* Each leaves what there is as it was, and the next good answer is taken. */
static void bad_answers_are_refused_by_name(void **state)
{
    static const struct bad_answer bad[] = {
        { "longer than any", { .pad = 13000 }, OTA_RETRY_PROTOCOL, "attest.answer" },
        { "longer than any, unasked", { .pad = 13000, .all = true }, OTA_RETRY_PROTOCOL, "attest.answer" },
        { "half of it", { .cut = true, .all = true }, OTA_RETRY_TRUNCATED, "attest.answer" },
        { "never", { .silent = true }, OTA_RETRY_TIMEOUT, "attest.answer" },
        { "redirect", { .status = 302 }, OTA_RETRY_REDIRECT, "attest.answer" },
        { "404", { .status = 404, .all = true, .body = "nginx" }, OTA_RETRY_NOT_FOUND, "attest.refused" },
        { "500", { .status = 500, .body = "{" }, OTA_RETRY_SERVER, "attest.refused" },
        { "204", { .status = 204 }, OTA_RETRY_PROTOCOL, "attest.refused" },
        { "empty", { .body = "" }, OTA_REJECT_SYNTAX, "answer" },
        { "no JSON", { .body = "<html>" }, OTA_REJECT_SYNTAX, "answer" },
        { "another version", { .find = "\"version\":1", .replace = "\"version\":2" }, OTA_REJECT_SPEC, "answer.version" },
        { "no nonce", { .body = "{\"version\":1}", .all = true }, OTA_REJECT_MISSING, "answer.nonce_id" },
        { "short nonce", { .find = "\"nonce\":\"", .replace = "\"nonce\":\"0", .all = true }, OTA_REJECT_VALUE, "answer.nonce" },
        { "no certificate", { .find = "update_certificate", .replace = "update_certificates" }, OTA_REJECT_MISSING, "answer.update_certificate" },
        { "twice", { .find = "\"version\":1", .replace = "\"version\":1,\"version\":1" }, OTA_REJECT_DUPLICATE, "answer.version" },
        { "the other's key", { .find = "update_certificate\"", .replace = "x\":0,\"update_certificate\"" }, OTA_OK, "" },
        { "other measurements", { .find = "\"measurements\":\"", .replace = "\"measurements\":\"00" }, OTA_REJECT_VALUE, "answer.measurements" },
        { "no PEM", { .find = "-----BEGIN CERTIFICATE-----\\u000a", .replace = "-----BEGIN CERTIFICATE-----" }, OTA_REJECT_SYNTAX, "answer.update_certificate" },
        { "something behind it", { .find = "-----END CERTIFICATE-----\\u000a\"", .replace = "-----END CERTIFICATE-----\\u000ax\"" }, OTA_REJECT_SYNTAX, "answer.update_certificate" },
        { "something in it", { .find = "CERTIFICATE-----\\u000aM", .replace = "CERTIFICATE-----\\u000a M" }, OTA_REJECT_SYNTAX, "answer.update_certificate" },
        { "not base64", { .find = "CERTIFICATE-----\\u000aM", .replace = "CERTIFICATE-----\\u000a=" }, OTA_REJECT_KEY, "answer.update_certificate" },
        { "for ever", { .find = "\"not_after\":1", .replace = "\"not_after\":11" }, OTA_REJECT_LIMIT, "answer.not_after" },
        { "over before it began", { .find = "\"not_after\":18", .replace = "\"not_after\":8" }, OTA_REJECT_VALUE, "answer.not_after" },
    };

    (void)state;
    attest();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ota_wait wait;
        const struct wire clean = { .port = wire.port };
        uint8_t before[4096], after[4096];
        size_t len, len2;
        read_all(OTA_ATTEST_UPDATE_PEM, before, sizeof before, &len);
        wire = bad[i].wire;
        wire.port = clean.port;
        ota_attest_client_now(&client);
        for (int k = 0; k < 3000; k++) {
            ota_attest_client_step(&client, &wait);
            if (!ota_attest_client_busy(&client))
                break;
            if (wire.silent)
                pass(100);
        }
        struct ota_attest_status s;
        ota_attest_client_status(&client, &s);
        if (s.last.err != bad[i].err || strcmp(s.last.where, bad[i].where) != 0)
            fail_msg("%s: is %s at %s, must be %s at %s", bad[i].what, ota_err_name(s.last.err), s.last.where, ota_err_name(bad[i].err),
                     bad[i].where);
        read_all(OTA_ATTEST_UPDATE_PEM, after, sizeof after, &len2);
        if (bad[i].err != OTA_OK)
            assert_true(len == len2 && memcmp(before, after, len) == 0);
        assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
        wire = clean;
        ota_attest_client_now(&client);
        settle();
        assert_last(OTA_OK, "");
    }
}

/* A certificate that belongs to another key would fail at each handshake, without a reason. */
static void certificates_are_of_the_keys_that_were_made(void **state)
{
    static char swapped[65536];
    struct ota_wait wait;

    (void)state;
    attest();
    ota_attest_client_now(&client);
    do
        ota_attest_client_step(&client, &wait);
    while (wire.attests < 2);
    wire.answer[wire.len] = '\0';
    char *u = strstr(wire.answer, "\"update_certificate\""), *a = strstr(wire.answer, "\"application_certificate\"");
    assert_true(u && a);
    snprintf(swapped, sizeof swapped, "%.*s\"application_certificate\"%.*s,\"update_certificate\"%s", (int)(u - wire.answer), wire.answer,
             (int)(a - 1 - u - 20), u + 20, a + 25);
    put_answer(swapped, strlen(swapped));
    settle();
    assert_last(OTA_REJECT_KEY, "answer.update_certificate");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void configurations_are_judged_by_name(void **state)
{
    static const char *const urls[] = { NULL, "", "http://a", "https://a/", "https://" };
    static const char *const tokens[] = { "", "a b", "a\"", "\xc3\xa4" };
    struct ota_attest_client_config cfg = client_config();
    struct ota_attest_log none = { 0 };
    struct ota_fault fault;

    (void)state;
#define REFUSED(change, code, name)                                           \
    do {                                                                      \
        cfg = client_config();                                                \
        change;                                                               \
        memset(&fault, 0, sizeof fault);                                      \
        assert_int_equal(ota_attest_client_open(&client, &cfg, &fault), code); \
        assert_string_equal(fault.where, name);                               \
    } while (0)
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        REFUSED(cfg.url = urls[i], OTA_USAGE_CONFIG, "attest.url");
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        REFUSED(cfg.token = tokens[i], OTA_USAGE_CONFIG, "attest.token");
    REFUSED(cfg.size--, OTA_USAGE_ABI, "attest.size");
    REFUSED(cfg.net = NULL, OTA_USAGE_CONFIG, "attest.ports");
    REFUSED(cfg.keys = NULL, OTA_USAGE_CONFIG, "attest.identity");
    REFUSED(cfg.log = &none, OTA_USAGE_CONFIG, "attest.log");
    REFUSED(cfg.claims = NULL, OTA_USAGE_CONFIG, "attest.claims");
    REFUSED(cfg.form = 0, OTA_USAGE_CONFIG, "attest.form");
    REFUSED(cfg.retry_cap_s = 604801, OTA_USAGE_CONFIG, "attest.retry");
    /* Evidence that may not be made: a soft key that claims a secured life cycle. */
    claims.lifecycle = 0x3000;
    assert_int_equal(open_client(), OTA_OK);
    settle();
    assert_last(OTA_USAGE_ARGUMENT, "claims.lifecycle");
}

static void a_log_survives_as_text(void **state)
{
    struct ota_attest_log back;
    struct ota_fault fault = { 0 };
    char text[8192];
    size_t len, len2;

    (void)state;
    for (int i = 0; i < OTA_ATTEST_LOG_MAX - 1; i++) {
        struct ota_measurement m = image("1.0.0+longest-that-there-may-be", (uint8_t)i);
        snprintf(m.name, sizeof m.name, "component-%d", i);
        assert_int_equal(ota_attest_extend(&measured, &crypto.port, &m), OTA_OK);
    }
    assert_int_equal(ota_attest_log_write(&measured, text, sizeof text, &len), OTA_OK);
    assert_int_equal(ota_attest_log_read(text, len, &crypto.port, &back, &fault), OTA_OK);
    assert_memory_equal(&back, &measured, sizeof back);
    assert_int_equal(ota_attest_log_write(&measured, text, len - 1, &len2), OTA_USAGE_MEMORY);
    assert_int_equal(len2, len);
    assert_int_equal(ota_attest_log_write(&measured, text, sizeof text, &len), OTA_OK);
    for (size_t i = 0; i + 1 < len; i++) { /* cut at every byte; the line's end is not needed */
        assert_int_equal(ota_attest_client_busy(&client), false);
        assert_int_not_equal(ota_attest_log_read(text, i, &crypto.port, &back, &fault), OTA_OK);
        assert_int_equal(back.count, 0);
    }
    static const char wrong[] = "{\"version\":1,\"log\":[{\"what\":\"image/os\",\"digest\":\"00\",\"version\":\"\",\"signer\":\"00\"}]}";
    assert_int_equal(ota_attest_log_read(wrong, sizeof wrong - 1, &crypto.port, &back, &fault), OTA_REJECT_VALUE);
    assert_string_equal(fault.where, "measurements.log[0].digest");
    assert_int_equal(ota_attest_log_read("{\"version\":2,\"log\":[]}", 22, &crypto.port, &back, &fault), OTA_REJECT_SPEC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_device_gets_two_certificates),
        TEST(renewal_comes_at_a_random_point_of_the_second_half),
        TEST(other_measurements_end_the_certificates_before_any_use),
        TEST(certificates_that_cannot_be_removed_are_not_used),
        TEST(a_damaged_record_is_removed),
        TEST(the_records_follow_the_whole_one),
        TEST(a_power_cut_leaves_one_set_or_the_other),
        TEST(a_service_that_is_away_is_waited_for_and_the_certificate_ends),
        TEST(a_year_of_retry_after_is_an_hour),
        TEST(without_a_clock_nothing_is_asked_and_nothing_used),
        TEST(a_challenge_that_expired_is_asked_for_again),
        TEST(the_token_is_shown_until_the_device_is_known),
        TEST(an_outdated_release_gets_updates_only),
        TEST(bad_answers_are_refused_by_name),
        TEST(certificates_are_of_the_keys_that_were_made),
        TEST(configurations_are_judged_by_name),
        TEST(a_log_survives_as_text),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
