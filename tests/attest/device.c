/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device for tests of the attestation service: a key in a file, a log that the command line gives, the client engine, libcurl.
 *
 *   device DIR key                                    make DIR/device.key if absent, print the public key in hex
 *   device DIR run    URL CA LOG [TOKEN] [cose|jwt]   step until something is decided; print what came of it
 *   device DIR look   LOG                             what is usable, without a network
 *   device DIR again  URL CA LOG                      the same request twice: the second one replays its challenge
 *   device DIR late   URL CA LOG SECONDS              answer the challenge after that time
 *   device DIR forge  URL CA LOG WHAT                 WHAT: log (a bit of it), key (another device's), proof, keys (others than signed)
 *
 * LOG: "image/os=<hex digits>,boot/supervisor=<hex digits>", digests.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "client.h"
#include "encode.h"
#include "ota/posix.h"

static struct ota_posix_net net;
static struct ota_posix_store store;
static struct ota_posix_clock device_clock;
static struct ota_posix_crypto crypto;
static struct ota_posix_cert_keys cert_keys;
static struct ota_attest_client client;
static struct ota_attest_log measured;
static struct ota_claims claims;
static psa_key_id_t key;
static uint8_t key_bytes[OTA_ATTEST_KEY_LEN];

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "device: %s\n", what);
    exit(2);
}

static ota_err sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    size_t len;

    (void)s;
    return psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len) == PSA_SUCCESS
               ? OTA_OK
               : OTA_DEVICE_CRYPTO;
}
static const struct ota_signer_ops signer_ops = { sign };
static struct ota_signer signer = { &signer_ops };

static void use_key(const char *dir, const char *name)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    uint8_t scalar[32];
    char path[512];
    size_t len;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (f) {
        need(fread(scalar, 1, sizeof scalar, f) == sizeof scalar, path);
        need(psa_import_key(&attr, scalar, sizeof scalar, &key) == PSA_SUCCESS, "key");
    } else {
        need(psa_generate_key(&attr, &key) == PSA_SUCCESS && psa_export_key(key, scalar, sizeof scalar, &len) == PSA_SUCCESS, "key");
        f = fopen(path, "wb");
        need(f && fwrite(scalar, 1, sizeof scalar, f) == sizeof scalar, path);
    }
    fclose(f);
    need(psa_export_public_key(key, key_bytes, sizeof key_bytes, &len) == PSA_SUCCESS, "public key");
}

static void take_log(const char *text)
{
    while (*text) {
        struct ota_measurement m = { .version = "" };
        const char *slash = strchr(text, '/'), *equals = strchr(text, '=');

        need(slash && equals && (size_t)(equals - slash) <= sizeof m.name, "LOG");
        for (enum ota_measured k = OTA_MEASURED_BOOT; k <= OTA_MEASURED_TRUST; k++)
            if (strncmp(ota_measured_name(k), text, (size_t)(slash - text)) == 0)
                m.kind = k;
        memcpy(m.name, slash + 1, (size_t)(equals - slash - 1));
        need(strlen(equals + 1) >= 64 &&
                 otai_hex_decode((struct otai_span){ (const uint8_t *)equals + 1, 64 }, m.digest, OTAI_HEX_LOWER), "digest");
        need(ota_attest_extend(&measured, &crypto.port, &m) == OTA_OK, "measurement");
        text = equals + 65;
        text += *text == ',';
    }
}

static void open_ports(const char *dir, const char *ca)
{
    const struct ota_posix_net_config n = { .ca_file = ca };
    const struct ota_posix_store_config s = { dir };
    struct ota_fault fault = { 0 };

    need(ota_posix_net_open(&net, &n, &fault) == OTA_OK, fault.where);
    need(ota_posix_store_open(&store, &s, &fault) == OTA_OK, fault.where);
    need(ota_posix_clock_open(&device_clock, &(struct ota_posix_clock_config){ 1 }, &fault) == OTA_OK, fault.where);
    ota_posix_cert_keys_init(&cert_keys);
    claims = (struct ota_claims){ .client_id = -1, .boot_seed_len = 16, .strength = OTA_STRENGTH_SOFT };
    need(psa_generate_random(claims.boot_seed, 16) == PSA_SUCCESS, "random");
}

static void open_client(const char *url, const char *token, bool jwt)
{
    const struct ota_attest_client_config cfg = {
        .size = sizeof cfg, .url = url, .token = token, .net = &net.port, .store = &store.port, .clock = &device_clock.port,
        .crypto = &crypto.port, .signer = &signer, .key = key_bytes, .keys = &cert_keys.port, .log = &measured, .claims = &claims,
        .form = jwt ? OTA_TOKEN_JWT : OTA_TOKEN_COSE, .timeout_s = 30,
    };
    struct ota_fault fault = { 0 };

    need(ota_attest_client_open(&client, &cfg, &fault) == OTA_OK, fault.where);
}

static int tell(void)
{
    struct ota_attest_status s;

    ota_attest_client_status(&client, &s);
    printf("hold=%s last=%s where=%s refused=%s field=%s outdated=%s application=%s left=%lld renew=%lld\n", ota_err_name(s.hold),
           ota_err_name(s.last.err), s.last.where, s.refused, s.field, s.outdated,
           ota_err_name(ota_attest_client_certificate(&client, OTA_CERTIFICATE_APPLICATION, NULL)),
           (long long)(s.not_after_s ? s.not_after_s - time(NULL) : 0), (long long)(s.renew_at_s ? s.renew_at_s - time(NULL) : 0));
    return s.last.err == OTA_OK && s.hold == OTA_OK ? 0 : 1;
}

static int run(const char *url, const char *token, bool jwt)
{
    struct ota_wait wait;

    open_client(url, token, jwt);
    ota_attest_client_now(&client);
    do {
        ota_attest_client_step(&client, &wait);
        if (wait.wait_for_net)
            net.port.ops->wait(&net.port, wait.ms);
    } while (ota_attest_client_busy(&client));
    return tell();
}

static int look(void)
{
    open_client("https://nowhere.invalid", NULL, false);
    return tell();
}

/* ---- by hand, to do what the engine does not ---- */

static uint8_t answer[OTA_ATTEST_ANSWER_MAX];
static size_t answer_len;

static unsigned post(const char *base, const char *path, const char *body, size_t len)
{
    char url[256];
    const struct ota_net_request req = { .method = OTA_NET_POST, .url = url, .body = body, .body_len = len };
    struct ota_net_head h;
    ota_err err;
    int32_t code = 0;
    size_t got;

    snprintf(url, sizeof url, "%s%s", base, path);
    answer_len = 0;
    need(net.port.ops->begin(&net.port, &req) == OTA_OK, "begin");
    while ((err = net.port.ops->head(&net.port, &h, &code)) == OTA_AGAIN)
        net.port.ops->wait(&net.port, 1000);
    need(err == OTA_OK, ota_err_name(err));
    while ((err = net.port.ops->read(&net.port, answer + answer_len, sizeof answer - answer_len, &got, &code)) != OTA_DONE) {
        need(err == OTA_OK || err == OTA_AGAIN, ota_err_name(err));
        answer_len += got;
        if (err == OTA_AGAIN)
            net.port.ops->wait(&net.port, 1000);
    }
    net.port.ops->end(&net.port);
    return h.status;
}

static int post_attest(const char *url, const char *body, size_t len)
{
    unsigned status = post(url, "/v1/attest", body, len);

    printf("%u %.*s\n", status, (int)answer_len, answer);
    return status == 200 ? 0 : 1;
}

static size_t compose(const char *url, const char *what, char *body, size_t cap)
{
    static uint8_t token[8192], text[OTA_ATTEST_KEY_TEXT_MAX];
    uint8_t keys[2][OTA_ATTEST_KEY_LEN], other[OTA_ATTEST_KEY_LEN], proof[2][OTA_ATTEST_SIG_LEN], challenge[32];
    struct otai_attest_nonce n;
    struct ota_fault fault = { 0 };
    int32_t code;
    size_t len;

    need(post(url, "/v1/start", "{\"version\":1}", 13) == 200, "start");
    need(otai_attest_read_nonce(answer, answer_len, &n, &fault) == OTA_OK, fault.where);
    for (int i = 0; i < 2; i++)
        need(cert_keys.port.ops->make(&cert_keys.port, (enum ota_certificate)i, keys[i], text, &len, &code) == OTA_OK, "keys");
    memcpy(other, key_bytes, sizeof other);
    need(ota_attest_challenge(&crypto.port, n.value, keys[0], strcmp(what, "keys") == 0 ? other : keys[1], challenge) == OTA_OK, "challenge");
    for (int i = 0; i < 2; i++)
        need(cert_keys.port.ops->sign(&cert_keys.port, (enum ota_certificate)i, challenge, proof[i], &code) == OTA_OK, "proof");
    memcpy(claims.nonce, challenge, 32);
    claims.nonce_len = 32;
    need(ota_attest_instance(&crypto.port, key_bytes, claims.instance) == OTA_OK, "instance");
    need(ota_attest_cose(&claims, &measured, &signer, &crypto.port, token, sizeof token, &len, &fault) == OTA_OK, fault.where);
    if (strcmp(what, "log") == 0)
        token[len - 200] ^= 1; /* some digest in the payload */
    if (strcmp(what, "proof") == 0)
        proof[1][5] ^= 1;
    const struct otai_attest_answer r = { n.id, other, keys[0], keys[1], proof[0], proof[1], OTA_TOKEN_COSE, { token, len }, NULL };
    return otai_attest_put_answer(&r, body, cap);
}

static int by_hand(const char *dir, const char *command, const char *url, const char *argument)
{
    static char body[OTA_ATTEST_REQUEST_MAX];
    bool forge = strcmp(command, "forge") == 0;
    uint8_t own[OTA_ATTEST_KEY_LEN];

    memcpy(own, key_bytes, sizeof own);
    if (forge && strcmp(argument, "key") == 0) { /* signed by another device's key, sent with the name of this one */
        psa_destroy_key(key);
        use_key(dir, "other.key");
        memcpy(key_bytes, own, sizeof own);
    }
    size_t len = compose(url, forge ? argument : "", body, sizeof body);
    if (strcmp(command, "late") == 0)
        sleep((unsigned)atoi(argument));
    if (strcmp(command, "again") == 0)
        need(post_attest(url, body, len) == 0, "the first one was refused");
    return post_attest(url, body, len);
}

int main(int argc, char **argv)
{
    const char *dir = argc > 2 ? argv[1] : NULL, *command = argc > 2 ? argv[2] : "";
    int status = 2;

    need(dir != NULL, "usage: device DIR COMMAND ...");
    need(ota_posix_crypto_open(&crypto, NULL, NULL) == OTA_OK, "crypto");
    use_key(dir, "device.key");
    if (strcmp(command, "key") == 0) {
        for (size_t i = 0; i < sizeof key_bytes; i++)
            printf("%02x", key_bytes[i]);
        status = puts("") < 0;
    } else if (strcmp(command, "look") == 0 && argc == 4) {
        take_log(argv[3]);
        open_ports(dir, NULL);
        status = look();
    } else if (argc >= 6) {
        take_log(argv[5]);
        open_ports(dir, argv[4]);
        if (strcmp(command, "run") == 0)
            status = run(argv[3], argc > 6 && argv[6][0] ? argv[6] : NULL, argc > 7 && strcmp(argv[7], "jwt") == 0);
        else
            status = by_hand(dir, command, argv[3], argc > 6 ? argv[6] : "");
    }
    ota_attest_client_close(&client);
    ota_posix_net_close(&net);
    ota_posix_store_close(&store);
    return status;
}
