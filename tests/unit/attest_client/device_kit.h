/* SPDX-License-Identifier: Apache-2.0 */
/* The client engine and the service's decisions, without sockets between them: every clock and every failure is scripted. Each test
 * program is one file. */
#ifndef DEVICE_KIT_H
#define DEVICE_KIT_H

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
    bool all, away, silent, cut, malformed, encoded, down;
    uint64_t length;                        /* Content-Length; 0 = none */
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
    h->malformed = wire.malformed;
    h->encoded = wire.encoded;
    h->has_length = wire.length > 0;
    h->length = wire.length;
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

static ota_err wire_ready(struct ota_net *n)
{
    (void)n;
    return wire.down ? OTA_RETRY_NETWORK : OTA_OK;
}
static const struct ota_net_ops wire_ops = { wire_ready, wire_begin, wire_head, wire_read, wire_end, wire_wait };

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

static void read_all(const char *name, uint8_t *p, size_t cap, size_t *len)
{
    int32_t code;

    *len = 0;
    (void)store.port.ops->read(&store.port, name, p, cap, len, &code);
}

#endif
