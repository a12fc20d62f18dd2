/* SPDX-License-Identifier: Apache-2.0 */
/* The boot supervisor's measurements, and an identity that fails while its register is extended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure.h"
#include "ota/posix.h"
#include "ota/quote.h"
#include "ota/ram.h"

enum how { EXTENDS, REFUSES, LOSES_THE_ANSWER, GOES_AWAY };

/* A RAM identity, with failures at the nth extend since it was set. */
static struct {
    struct ota_ram_identity ram;
    struct ota_identity_ops ops;
    const struct ota_identity_ops *real;
    unsigned extends, fails_at;
    enum how how;
    bool away;
} id;
static struct ota_posix_crypto crypto;
static struct measure m;
static struct ota_fault fault;
static char dir[] = "/tmp/ota-measure-XXXXXX", log_path[64], image_path[64];
static FILE *image_file;
static int image;

static ota_err get(struct ota_identity *s, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    if (id.away) {
        *port_code = 7;
        return OTA_DEVICE_IDENTITY;
    }
    return id.real->get(s, item, buf, cap, len, port_code);
}

static ota_err extend(struct ota_identity *s, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *port_code)
{
    bool fails = ++id.extends == id.fails_at;

    assert_int_equal(reg, 9);
    if (!fails || id.how == LOSES_THE_ANSWER)
        assert_int_equal(id.real->extend(s, reg, digest, port_code), OTA_OK);
    if (!fails)
        return OTA_OK;
    id.away = id.how == GOES_AWAY;
    *port_code = 5;
    return OTA_DEVICE_IDENTITY;
}

/* The device starts anew. */
static void restart(enum how how, unsigned fails_at)
{
    static const uint8_t key[OTA_IDENTITY_KEY_LEN] = { 4 };

    ota_ram_identity_init(&id.ram, &crypto.port, key, NULL);
    id.real = id.ram.port.ops;
    id.ops = *id.real;
    id.ops.get = get;
    id.ops.extend = extend;
    id.ram.port.ops = &id.ops;
    id.extends = 0;
    id.fails_at = fails_at;
    id.how = how;
    id.away = false;
    measure_forget(&m);
}

static ota_err start(const char *key)
{
    memset(&fault, 0, sizeof fault);
    return measure_image(&m, &crypto.port, &id.ram.port, image, 5, (const uint8_t *)key, strlen(key), &fault);
}

static bool has_log(void)
{
    return access(log_path, F_OK) == 0;
}

/* The log as it was written makes what the register holds. */
static bool log_is_register(void)
{
    static char text[4096];
    struct ota_attest_log log;
    uint8_t value[OTA_SHA256_LEN];
    int32_t code = 0;
    size_t len = 0;
    FILE *f = fopen(log_path, "rb");

    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    assert_int_equal(ota_attest_log_read(text, n, &crypto.port, &log, &fault), OTA_OK);
    assert_int_equal(log.count, 2);
    assert_int_equal(id.real->get(&id.ram.port, OTA_IDENTITY_REGISTER + 9, value, sizeof value, &len, &code), OTA_OK);
    return memcmp(value, log.chain, sizeof value) == 0;
}

static void what_starts_is_in_the_register(void **state)
{
    (void)state;
    restart(EXTENDS, 0);
    assert_int_equal(start("key"), OTA_OK);
    assert_int_equal(id.extends, 2);
    assert_true(log_is_register());
    assert_false(m.more);
}

static void the_same_again_is_not_extended_twice(void **state)
{
    (void)state;
    restart(EXTENDS, 0);
    assert_int_equal(start("key"), OTA_OK);
    assert_int_equal(start("key"), OTA_OK);
    assert_int_equal(id.extends, 2);
    assert_true(log_is_register());
    assert_false(m.more);
}

static void another_one_after_it_is_not_hidden(void **state)
{
    (void)state;
    restart(EXTENDS, 0);
    assert_int_equal(start("key"), OTA_OK);
    assert_int_equal(start("other"), OTA_OK);
    assert_int_equal(id.extends, 4);
    assert_true(m.more);
    assert_false(log_is_register());
    restart(EXTENDS, 0);
    assert_int_equal(start("other"), OTA_OK);
    assert_false(m.more);
    assert_true(log_is_register());
}

static void a_lost_answer_is_looked_up(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 2; n++) {
        restart(LOSES_THE_ANSWER, n);
        assert_int_equal(start("key"), OTA_OK);
        assert_int_equal(id.extends, 2);
        assert_true(log_is_register());
    }
}

static void a_failure_leaves_no_log_and_is_not_repeated(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 2; n++)
        for (enum how how = REFUSES; how <= GOES_AWAY; how++) {
            if (how == LOSES_THE_ANSWER)
                continue;
            restart(how, n);
            assert_int_equal(start("key"), OTA_DEVICE_IDENTITY);
            assert_string_equal(fault.where, "measure.register");
            assert_int_equal(fault.port_code, 5);
            assert_int_equal(id.extends, n);
            assert_false(has_log());
        }
    restart(EXTENDS, 0);
    id.away = true; /* before anything is extended */
    assert_int_equal(start("key"), OTA_DEVICE_IDENTITY);
    assert_int_equal(fault.port_code, 7);
    assert_int_equal(id.extends, 0);
    assert_false(has_log());
}

/* Half of it is in the register: the next start does not pretend otherwise. */
static void what_was_begun_shows(void **state)
{
    (void)state;
    restart(REFUSES, 2);
    assert_int_equal(start("key"), OTA_DEVICE_IDENTITY);
    assert_int_equal(start("key"), OTA_OK);
    assert_true(m.more);
    assert_false(log_is_register());
}

static void what_cannot_be_read_is_not_extended(void **state)
{
    (void)state;
    restart(EXTENDS, 0);
    assert_int_equal(measure_image(&m, &crypto.port, &id.ram.port, image, 4096, (const uint8_t *)"k", 1, &fault), OTA_DEVICE_SLOT);
    assert_string_equal(fault.where, "measure");
    assert_int_equal(id.extends, 0);
    assert_false(has_log());
}

static void a_log_that_cannot_be_written_is_named(void **state)
{
    char full[80];
    const char *kept = m.file;

    (void)state;
    restart(EXTENDS, 0);
    (void)snprintf(full, sizeof full, "%s/none/log", dir);
    m.file = full;
    assert_int_equal(start("key"), OTA_DEVICE_STORE);
    assert_string_equal(fault.where, "measure.log");
    m.file = kept;
}

static int set_up(void **state)
{
    static char option[80];

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(log_path, sizeof log_path, "%s/log", dir);
    (void)snprintf(image_path, sizeof image_path, "%s/image", dir);
    (void)snprintf(option, sizeof option, "os=%s", log_path);
    assert_true(measure_option(&m, option));
    m.reg = 9;
    image_file = fopen(image_path, "w+b");
    assert_non_null(image_file);
    assert_int_equal(fwrite("image", 1, 5, image_file), 5);
    assert_int_equal(fflush(image_file), 0);
    image = fileno(image_file);
    return ota_posix_crypto_open(&crypto, NULL, NULL) == OTA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    (void)fclose(image_file);
    (void)unlink(log_path);
    (void)unlink(image_path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_starts_is_in_the_register),
        cmocka_unit_test(the_same_again_is_not_extended_twice),
        cmocka_unit_test(another_one_after_it_is_not_hidden),
        cmocka_unit_test(a_lost_answer_is_looked_up),
        cmocka_unit_test(a_failure_leaves_no_log_and_is_not_repeated),
        cmocka_unit_test(what_was_begun_shows),
        cmocka_unit_test(what_cannot_be_read_is_not_extended),
        cmocka_unit_test(a_log_that_cannot_be_written_is_named),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
