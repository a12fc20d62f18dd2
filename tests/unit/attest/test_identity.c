/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same above every identity: the signer of evidence, and the device's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ota/posix.h"
#include "ota/ram.h"

static struct ota_posix_crypto posix;
static struct ota_fault fault;

static ota_err sign_plainly(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    (void)s;
    memcpy(sig, digest, OTA_SHA256_LEN);
    memcpy(sig + OTA_SHA256_LEN, digest, OTA_SHA256_LEN);
    return OTA_OK;
}
static const struct ota_signer_ops signer_ops = { sign_plainly };
static struct ota_signer signer = { &signer_ops };

/* 0x04, then 1..64. */
static struct ota_ram_identity some_identity(void)
{
    struct ota_ram_identity s;
    uint8_t key[OTA_IDENTITY_KEY_LEN];

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    key[0] = 4;
    ota_ram_identity_init(&s, &posix.port, key, &signer);
    return s;
}

static void name_is_the_hash_of_the_key(void **state)
{
    struct ota_ram_identity s = some_identity();
    char id[OTA_IDENTITY_DEVICE_ID_LEN];
    uint8_t instance[OTA_ATTEST_INSTANCE_LEN];

    (void)state;
    assert_int_equal(ota_identity_device_id(&s.port, &posix.port, id, &fault), OTA_OK);
    /* python3 -c 'import hashlib; print(hashlib.sha256(bytes([4] + list(range(1, 65)))).hexdigest())' */
    assert_string_equal(id, "0ed3a6ab957ff6f59a9630a473d31a7d04fcb46548b89016196980c7e96584f6");
    assert_int_equal(ota_attest_instance(&posix.port, s.key, instance), OTA_OK);
    for (size_t i = 0; i < OTA_SHA256_LEN; i++) {
        static const char digits[] = "0123456789abcdef";
        assert_int_equal(id[2 * i], digits[instance[1 + i] >> 4]);
        assert_int_equal(id[2 * i + 1], digits[instance[1 + i] & 15]);
    }
}

static ota_err give_short_key(struct ota_identity *s, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    (void)s, (void)item, (void)cap, (void)port_code;
    memset(buf, 4, OTA_IDENTITY_KEY_LEN - 1);
    *len = OTA_IDENTITY_KEY_LEN - 1;
    return OTA_OK;
}

static ota_err no_hash(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c, (void)h, (void)alg;
    return OTA_DEVICE_CRYPTO;
}

static void without_a_key_there_is_no_name(void **state)
{
    struct ota_ram_identity s = some_identity();
    struct ota_crypto_ops broken = *posix.port.ops;
    struct ota_crypto no_crypto = { &broken };
    struct ota_identity_ops shortened = *s.port.ops;
    char id[OTA_IDENTITY_DEVICE_ID_LEN];

    (void)state;
    s.fail.at = 1;
    assert_int_equal(ota_identity_device_id(&s.port, &posix.port, id, &fault), OTA_DEVICE_IDENTITY);
    assert_string_equal(fault.where, "identity.key");
    assert_int_equal(fault.port_code, OTA_RAM_CODE);
    assert_string_equal(id, "");
    broken.hash_start = no_hash;
    assert_int_equal(ota_identity_device_id(&s.port, &no_crypto, id, &fault), OTA_DEVICE_CRYPTO);
    assert_string_equal(id, "");
    shortened.get = give_short_key;
    s.port.ops = &shortened;
    assert_int_equal(ota_identity_device_id(&s.port, &posix.port, id, &fault), OTA_DEVICE_IDENTITY);
    assert_string_equal(id, "");
}

static void an_identity_signs_evidence(void **state)
{
    struct ota_ram_identity s = some_identity();
    struct ota_identity_signer signs;
    uint8_t digest[OTA_SHA256_LEN], sig[OTA_ATTEST_SIG_LEN];

    (void)state;
    memset(digest, 0x42, sizeof digest);
    ota_identity_signer_init(&signs, &s.port);
    assert_int_equal(signs.port.ops->sign(&signs.port, digest, sig), OTA_OK);
    assert_memory_equal(sig + OTA_SHA256_LEN, digest, sizeof digest);
    assert_int_equal(s.signs, 1);
    assert_int_equal(signs.port_code, 0);
    s.fail.at = 2;
    assert_int_equal(signs.port.ops->sign(&signs.port, digest, sig), OTA_DEVICE_IDENTITY);
    assert_int_equal(signs.port_code, OTA_RAM_CODE);
    assert_int_equal(signs.port.ops->sign(&signs.port, digest, sig), OTA_OK);
}

static int set_up(void **state)
{
    (void)state;
    return ota_posix_crypto_open(&posix, NULL, NULL) == OTA_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_is_the_hash_of_the_key),
        cmocka_unit_test(without_a_key_there_is_no_name),
        cmocka_unit_test(an_identity_signs_evidence),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
