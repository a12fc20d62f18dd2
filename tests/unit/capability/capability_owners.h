/* SPDX-License-Identifier: Apache-2.0 */
/* Owners with keys that are made here, and capabilities that they sign. */
#ifndef TEST_CAPABILITY_OWNERS_H
#define TEST_CAPABILITY_OWNERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "capability_i.h"
#include "bytes.h"
#include "ota/posix.h"
#include "ota/ram.h"

#define OWNERS 3
#define NOW 1800000000
#define SESSION "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct ota_posix_crypto posix;
static struct {
    struct ota_crypto port;
    uint32_t calls, fail_at;
} failing;
static psa_key_id_t owner[OWNERS];
static uint8_t keys[OWNERS][OTA_CAPABILITY_KEY_LEN];
static uint8_t session[OTA_SHA256_LEN];
static struct ota_capability_check check;
static struct ota_capability cap;
static struct ota_fault fault;
static char file[8192];
static size_t file_len;

static inline bool fails(void)
{
    return ++failing.calls == failing.fail_at;
}

static inline ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    return fails() ? OTA_DEVICE_CRYPTO : posix.port.ops->hash_start(&posix.port, h, alg);
}

static inline ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *p, size_t len)
{
    (void)c;
    return fails() ? OTA_DEVICE_CRYPTO : posix.port.ops->hash_add(&posix.port, h, p, len);
}

static inline ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    bool bad = out && fails();

    (void)c;
    ota_err err = posix.port.ops->hash_end(&posix.port, h, bad ? NULL : out);
    return bad ? OTA_DEVICE_CRYPTO : err;
}

static inline ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c;
    return fails() ? OTA_DEVICE_CRYPTO : posix.port.ops->verify(&posix.port, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
}

static const struct ota_crypto_ops ops = { .hash_start = hash_start, .hash_add = hash_add, .hash_end = hash_end, .verify = verify };

static inline void make_key(int i)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    size_t len;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&attr, &owner[i]), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(owner[i], keys[i], sizeof keys[i], &len), PSA_SUCCESS);
}

static inline int make_keys(void **state)
{
    (void)state;
    assert_int_equal(ota_posix_crypto_open(&posix, NULL, NULL), OTA_OK);
    failing.port.ops = &ops;
    for (int i = 0; i < OWNERS; i++)
        make_key(i);
    for (size_t i = 0; i < sizeof session; i++)
        session[i] = (uint8_t)((i % 16) * 0x11);
    return 0;
}

static inline int set_up(void **state)
{
    (void)state;
    failing.calls = failing.fail_at = 0;
    memset(&fault, 0, sizeof fault);
    check = (struct ota_capability_check){ .device = "dev-1", .keys = keys[0],
        .key_count = OWNERS, .threshold = 2, .now_s = NOW, .session = session, .used = 4 };
    return 0;
}

static inline size_t put_integer(const uint8_t *v, uint8_t *out)
{
    size_t skip = 0, pad;

    while (skip < 31 && v[skip] == 0)
        skip++;
    pad = v[skip] >> 7;
    out[0] = 2;
    out[1] = (uint8_t)(32 - skip + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, v + skip, 32 - skip);
    return 2 + pad + 32 - skip;
}

static inline void hex(const uint8_t *p, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        (void)sprintf(out + 2 * i, "%02x", p[i]);
}

/* One signature, as a member of the array. */
static inline void sign(int i, const char *doc, char *out)
{
    uint8_t digest[32], raw[64], der[80], id[32];
    char sig_hex[160], id_hex[65];
    size_t len;

    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)doc, strlen(doc), digest, 32, &len), PSA_SUCCESS);
    assert_int_equal(psa_sign_hash(owner[i], PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, raw, 64, &len), PSA_SUCCESS);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, keys[i], 65, id, 32, &len), PSA_SUCCESS);
    size_t n = 2;
    n += put_integer(raw, der + n);
    n += put_integer(raw + 32, der + n);
    der[0] = 0x30;
    der[1] = (uint8_t)(n - 2);
    hex(der, n, sig_hex);
    hex(id, 32, id_hex);
    (void)sprintf(out, "{\"keyid\":\"%s\",\"sig\":\"%s\"}", id_hex, sig_hex);
}

static char canonical[4096];

static inline ota_err append(void *ctx, const uint8_t *p, size_t len)
{
    (void)ctx;
    (void)strncat(canonical, (const char *)p, len);
    return OTA_OK;
}

/* who: a bit per owner. What is no JSON is signed as it stands. */
static inline void make(const char *doc, unsigned who)
{
    const struct otai_json_sink sink = { append, NULL };
    char one[400], list[1600] = "";
    struct otai_json j;

    canonical[0] = '\0';
    otai_json_init(&j, doc, strlen(doc));
    if (otai_json_canonical(&j, &sink) != OTA_OK)
        (void)strcpy(canonical, doc);
    for (int i = 0; i < OWNERS; i++)
        if (who >> i & 1) {
            sign(i, canonical, one);
            if (list[0])
                (void)strcat(list, ",");
            (void)strcat(list, one);
        }
    file_len = (size_t)sprintf(file, "{\"signatures\":[%s],\"signed\":%s}", list, doc);
}

#define DOC(device, expires, kind, more, use)                                                                                    \
    "{\"_type\":\"capability\"," more "\"device\":\"" device "\",\"expires\":\"" expires "\",\"kind\":\"" kind                   \
    "\",\"spec_version\":\"1\",\"use\":\"" use "\"}"
#define LATER "2027-02-01T00:00:00Z"
#define GOOD DOC("dev-1", LATER, "servicing", "", "persistent")
#define ONCE DOC("dev-1", LATER, "development", "\"counter\":5,", "once")

static inline ota_err judge(void)
{
    memset(&cap, 0xff, sizeof cap);
    ota_err err = ota_capability_verify(file, file_len, &check, &failing.port, &cap, &fault);

    if (err != OTA_OK) {
        assert_true(otai_is_zero(&cap, sizeof cap));
        assert_int_equal(fault.err, err);
    }
    return err;
}

#define BAD(err_, where_)                                                                                                        \
    do {                                                                                                                         \
        assert_string_equal(ota_err_name(judge()), ota_err_name(err_));                                                          \
        assert_string_equal(fault.where, where_);                                                                                \
    } while (0)

#endif
