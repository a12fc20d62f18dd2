/* SPDX-License-Identifier: Apache-2.0 */
/* Packages and manifests that were made once, with another program and keys that are gone: golden/package-*.hex is the public
 * key, then the package. What was signed then is read, verified and written in the same way for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "golden_read.h"
#include "ota/image.h"
#include "ota/posix.h"

static uint8_t bytes[1024];

static void same_fields(const struct ota_package *p)
{
    assert_int_equal(p->has, 0x3ff);
    assert_int_equal(p->body_len, 12);
    assert_int_equal(p->image_type, 10);
    assert_int_equal(p->component[0], 0x10);
    assert_int_equal(p->image[15], 0x3f);
    assert_int_equal(p->built_s, 1700000001);
    assert_string_equal(p->name, "golden");
    assert_int_equal(p->temporary, OTA_TEMPORARY_UNDER_DEVELOPMENT);
    assert_int_equal(p->depends_count, 1);
    assert_int_equal(p->depends[0].version, 5);
    assert_int_equal(p->depends[0].type, 3);
    assert_int_equal(p->provides_count, 2);
    assert_int_equal(p->provides[0].type, 0x1001);
    assert_int_equal(p->uncompressed_len, 4096);
    assert_int_equal(p->compression, 1);
    assert_int_equal(p->security, 4);
    assert_int_equal(p->flash_offset, 0x20000);
    assert_int_equal(p->policy, 2);
    assert_int_equal(p->section_count, 11);
    assert_memory_equal(p->section[10].data, "kept!", 5);
}

static void same_bytes(const struct ota_package *p, const uint8_t *trailer)
{
    uint8_t buf[OTA_PACKAGE_TRAILER_MAX];
    struct ota_package_writer w;
    size_t len;

    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, p->image_type, p->component, p->image);
    ota_package_write_signature(&w, p->thumbprint, p->signature_type);
    ota_package_write_debug(&w, p->built_s, p->name);
    ota_package_write_u32(&w, OTA_PACKAGE_TEMPORARY, p->temporary);
    ota_package_write_abi(&w, OTA_PACKAGE_ABI_DEPENDS, p->depends, p->depends_count);
    ota_package_write_abi(&w, OTA_PACKAGE_ABI_PROVIDES, p->provides, p->provides_count);
    ota_package_write_compression(&w, p->uncompressed_len, p->compression);
    ota_package_write_u32(&w, OTA_PACKAGE_SECURITY, p->security);
    ota_package_write_u32(&w, OTA_PACKAGE_FLASH_OFFSET, p->flash_offset);
    ota_package_write_u32(&w, OTA_PACKAGE_POLICY, p->policy);
    ota_package_write_section(&w, p->section[10].id, p->section[10].data, p->section[10].len);
    assert_int_equal(ota_package_write_end(&w, &len, NULL), OTA_OK);
    assert_int_equal(len, p->trailer_len);
    assert_memory_equal(buf, trailer, len);
}

static void package(const char *name, enum ota_key_kind kind, size_t key_len)
{
    static struct ota_package_verify v;
    const struct ota_package_want want = { .kind = kind,
                                           .key = bytes,
                                           .key_len = key_len,
                                           .security_min = 4,
                                           .temporary = OTA_TEMPORARY_UNDER_DEVELOPMENT,
                                           .compressed = true };
    struct ota_posix_crypto crypto;
    struct ota_package p;

    size_t len = read_golden(name, bytes, sizeof bytes) - key_len;
    assert_int_equal(ota_posix_crypto_open(&crypto, NULL, NULL), OTA_OK);
    assert_int_equal(ota_package_verify_begin(&v, &crypto.port, &want, NULL), OTA_OK);
    assert_int_equal(ota_package_verify_add(&v, bytes + key_len, len), OTA_OK);
    assert_int_equal(ota_package_verify_end(&v, &p), OTA_OK);
    assert_int_equal(p.length, len);
    same_fields(&p);
    same_bytes(&p, bytes + key_len + p.body_len);
    ota_posix_crypto_close(&crypto);
}

static void package_p256(void **state)
{
    (void)state;
    package("package-p256.hex", OTA_KEY_P256, 65);
}

static void package_p384(void **state)
{
    (void)state;
    package("package-p384.hex", OTA_KEY_P384, 97);
}

static void manifest_3(void **state)
{
    struct ota_manifest_entry e[2];
    struct ota_manifest m;
    uint8_t again[512];
    size_t made;

    (void)state;
    size_t len = read_golden("manifest-3.hex", bytes, sizeof bytes);
    assert_int_equal(ota_manifest_open(&m, bytes, len, true, NULL), OTA_OK);
    assert_int_equal(m.count, 2);
    for (size_t i = 0; i < 2; i++)
        ota_manifest_get(&m, i, &e[i]);
    assert_int_equal(e[1].image[0], 2);
    assert_int_equal(e[1].component[0], 18);
    assert_int_equal(e[1].image_type, 11);
    assert_int_equal(e[1].length, 2000);
    assert_int_equal(e[1].depends[1].type, 9);
    assert_int_equal(e[1].sha256[31], 34);
    assert_int_equal(ota_manifest_write(again, sizeof again, m.built_s, e, 2, &made, NULL), OTA_OK);
    assert_int_equal(made, len);
    assert_memory_equal(again, bytes, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(package_p256), cmocka_unit_test(package_p384),
                                        cmocka_unit_test(manifest_3) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
