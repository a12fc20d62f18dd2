/* SPDX-License-Identifier: Apache-2.0 */
#include "test_package.h"

#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x4d345834u

static void need(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "test package: %s failed\n", what);
    exit(99);
}

static psa_algorithm_t hash_of(const struct test_key *key)
{
    return key->kind == OTA_KEY_P384 ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256;
}

void test_key_make(struct test_key *key, enum ota_key_kind kind)
{
    psa_key_attributes_t a = psa_key_attributes_init();
    psa_key_id_t id;

    memset(key, 0, sizeof *key);
    key->kind = kind;
    key->signature_len = kind == OTA_KEY_P384 ? 96 : 64;
    need(psa_crypto_init() == PSA_SUCCESS, "crypto");
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, kind == OTA_KEY_P384 ? 384 : 256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(hash_of(key)));
    need(psa_generate_key(&a, &id) == PSA_SUCCESS, "key");
    key->id = id;
    need(psa_export_public_key(id, key->public_key, sizeof key->public_key, &key->public_len) == PSA_SUCCESS, "public key");
}

void test_key_destroy(struct test_key *key)
{
    need(psa_destroy_key(key->id) == PSA_SUCCESS, "key's end");
}

static void put(struct test_package *t, const void *p, size_t len)
{
    need(t->len + len <= t->cap, "room");
    if (len)
        memcpy(t->p + t->len, p, len);
    t->len += len;
}

static void put_number(struct test_package *t, uint64_t v, size_t len)
{
    uint8_t p[8];

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(v >> 8 * i);
    put(t, p, len);
}

void test_package_body(struct test_package *t, uint8_t *buf, size_t cap, const void *body, size_t len)
{
    *t = (struct test_package){ .p = buf, .cap = cap };
    put(t, body, len);
    while (t->len % 4)
        put_number(t, 0, 1);
    t->trailer = t->len;
    put_number(t, MAGIC, 4);
    put_number(t, 0, 4);
}

void test_package_section(struct test_package *t, uint16_t id, const void *data, size_t len)
{
    put_number(t, id, 2);
    put_number(t, len, 2);
    put(t, data, len);
    t->sections++;
}

void test_package_u32(struct test_package *t, uint16_t id, uint32_t value)
{
    put_number(t, id, 2);
    put_number(t, 4, 2);
    put_number(t, value, 4);
    t->sections++;
}

void test_package_identity(struct test_package *t, const uint8_t component[OTA_UID_LEN], uint8_t image)
{
    uint8_t data[36] = { 10 };

    memcpy(data + 4, component, OTA_UID_LEN);
    memset(data + 20, image, OTA_UID_LEN);
    test_package_section(t, OTA_PACKAGE_IDENTITY, data, sizeof data);
}

void test_package_signature_section(struct test_package *t, const struct test_key *key)
{
    uint8_t data[24];

    memset(data, 0x5a, sizeof data);
    memset(data + 20, 0, 4);
    data[20] = key->kind == OTA_KEY_P384 ? 2 : 1;
    test_package_section(t, OTA_PACKAGE_SIGNATURE, data, sizeof data);
}

void test_package_sign_again(uint8_t *file, size_t len, const struct test_key *key)
{
    size_t signed_len = len - key->signature_len, made, hash_len;
    uint8_t hash[64];

    need(psa_hash_compute(hash_of(key), file, signed_len, hash, sizeof hash, &hash_len) == PSA_SUCCESS, "hash");
    need(psa_sign_hash(key->id, PSA_ALG_ECDSA(hash_of(key)), hash, hash_len, file + signed_len, key->signature_len, &made) ==
                 PSA_SUCCESS &&
             made == key->signature_len,
         "signature");
}

void test_package_sign(struct test_package *t, const struct test_key *key)
{
    static const uint8_t nothing[OTA_PACKAGE_SIGNATURE_MAX];

    for (size_t i = 0; i < 4; i++)
        t->p[t->trailer + 4 + i] = (uint8_t)(t->sections >> 8 * i);
    put_number(t, t->len + 4 - t->trailer, 4);
    put(t, nothing, key->signature_len);
    test_package_sign_again(t->p, t->len, key);
}

size_t test_package_whole(uint8_t *buf, size_t cap, const void *body, size_t len, const uint8_t component[OTA_UID_LEN],
                          uint8_t image, uint32_t security, const struct test_key *key)
{
    static const uint8_t debug[40] = { 0x15, 0xcd, 0x5b, 0x07, 0, 0, 0, 0, 't', 'e', 's', 't' };
    static const uint8_t depends[12] = { 1, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0 };
    struct test_package t;

    test_package_body(&t, buf, cap, body, len);
    test_package_identity(&t, component, image);
    test_package_signature_section(&t, key);
    test_package_section(&t, OTA_PACKAGE_DEBUG, debug, sizeof debug);
    test_package_section(&t, OTA_PACKAGE_ABI_DEPENDS, depends, sizeof depends);
    test_package_u32(&t, OTA_PACKAGE_SECURITY, security);
    test_package_sign(&t, key);
    return t.len;
}
