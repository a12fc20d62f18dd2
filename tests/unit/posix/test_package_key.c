/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of packages in PEM files, identifiers as text. */
#define _POSIX_C_SOURCE 200809L /* mkstemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ota/posix.h"

#define BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define END "-----END PUBLIC KEY-----\n"
/* Points that are on no curve: only their form is looked at here. */
#define P256                                                                                                                     \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQUFBQUFBQUFBQUFBQUFBQUFBQUFB\nQUFBQUFBQUFBQUFCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC" \
    "Qg==\n"
#define P384                                                                                                                     \
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n"                                                         \
    "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC\n"                                                         \
    "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC\n"

static char path[] = "/tmp/ota-package-key-XXXXXX";
static struct ota_posix_package_key key;
static struct ota_fault fault;

static ota_err load(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    memset(&fault, 0, sizeof fault);
    return ota_posix_package_key_load(&key, path, &fault);
}

static void both_curves(void **state)
{
    (void)state;
    assert_int_equal(load(BEGIN P256 END), OTA_OK);
    assert_int_equal(key.kind, OTA_KEY_P256);
    assert_int_equal(key.len, 65);
    assert_int_equal(key.bytes[0], 4);
    assert_int_equal(key.bytes[1], 'A');
    assert_int_equal(key.bytes[32], 'A');
    assert_int_equal(key.bytes[33], 'B');
    assert_int_equal(key.bytes[64], 'B');
    assert_int_equal(load("what people write in front\n" BEGIN P384 END "and behind\n"), OTA_OK);
    assert_int_equal(key.kind, OTA_KEY_P384);
    assert_int_equal(key.len, 97);
    assert_int_equal(key.bytes[48], 'A');
    assert_int_equal(key.bytes[96], 'B');
    assert_int_equal(load("-----BEGIN PUBLIC KEY-----\r\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\nQUFBQUFBQUFBQUFCQkJCQkJCQkJCQkJCQk"
                          "JCQkJCQkJCQkJCQkJCQkJCQg==\r\n"
                          "-----END PUBLIC KEY-----\r\n"),
                     OTA_OK);
}

static void what_is_no_key(void **state)
{
    static const char *const bad[] = {
        "",
        BEGIN,
        BEGIN END,
        P256 END,
        BEGIN P256,
        "-----BEGIN PRIVATE KEY-----\n" P256 "-----END PRIVATE KEY-----\n",
        BEGIN "A" P256 END,
        BEGIN P256 "A" END,
        BEGIN P256 P256 END,
        BEGIN P384 P384 END,
        BEGIN "MFkw*" END,
        BEGIN "MFkw====" END,
        BEGIN "TFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQUFBQUFBQUFBQUFBQUFBQUFBQUFB\nQUFBQUFBQUFBQUFCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC"
              "QkJCQkJCQg==\n" END,
        /* a compressed point's first byte */
        BEGIN "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgACQUFBQUFBQUFBQUFBQUFBQUFBQUFB\nQUFBQUFBQUFBQUFCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC"
              "QkJCQkJCQg==\n" END,
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(load(bad[i]), OTA_REJECT_KEY);
        assert_string_equal(fault.where, "package.key");
    }
    assert_int_equal(ota_posix_package_key_load(&key, "/nowhere/key", &fault), OTA_USAGE_CONFIG);
    assert_int_equal(fault.port_code, ENOENT);
    assert_int_equal(ota_posix_package_key_load(&key, NULL, &fault), OTA_USAGE_CONFIG);
}

static void identifiers(void **state)
{
    static const uint8_t bytes[OTA_UID_LEN] = { 0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd,
                                                0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
    static const char *const bad[] = { "",
                                       "01234567-89ab-cdef-0123-456789abcde",
                                       "01234567-89ab-cdef-0123-456789abcdef0",
                                       "0123456789ab-cdef-0123-456789abcdef--",
                                       "01234567-89ab-cdef-0123-456789abcdeg",
                                       "{1234567-89ab-cdef-0123-456789abcdef",
                                       "01234567-89ab-cdef-0123_456789abcdef" };
    uint8_t id[OTA_UID_LEN];
    char text[OTA_POSIX_PACKAGE_ID_LEN];

    (void)state;
    assert_true(ota_posix_package_id_parse("01234567-89AB-cdef-0123-456789abcDEF", id));
    assert_memory_equal(id, bytes, sizeof id);
    ota_posix_package_id_print(id, text);
    assert_string_equal(text, "01234567-89ab-cdef-0123-456789abcdef");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ota_posix_package_id_parse(bad[i], id));
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd >= 0 ? close(fd) : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(both_curves), cmocka_unit_test(what_is_no_key),
                                        cmocka_unit_test(identifiers) };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
