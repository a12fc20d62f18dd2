/* SPDX-License-Identifier: Apache-2.0 */
/* What was used up; Azure Sphere's body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "ota/capability.h"
#include "ota/ram.h"

static struct ota_fault fault;

/* ---- what was used up ---- */

static void one_time_is_one_time(void **state)
{
    static uint8_t mem[4096];
    struct ota_ram_store store;
    struct ota_capability once = { .use = OTA_CAPABILITY_ONCE, .counter = 7 }, always = { .use = OTA_CAPABILITY_PERSISTENT };
    uint64_t used = 99;

    (void)state;
    ota_ram_store_init(&store, mem, sizeof mem);
    assert_int_equal(ota_capability_used_load(&store.port, &used, &fault), OTA_OK);
    assert_int_equal(used, 0);
    assert_int_equal(ota_capability_use(&store.port, &always, &fault), OTA_OK);
    assert_int_equal(store.writes, 0);
    assert_int_equal(ota_capability_use(&store.port, &once, &fault), OTA_OK);
    assert_int_equal(ota_capability_use(&store.port, &once, &fault), OTA_REJECT_USED);
    once.counter = 6;
    assert_int_equal(ota_capability_use(&store.port, &once, &fault), OTA_REJECT_USED);
    once.counter = 8;
    store.fail = (struct ota_ram_fail){ .at = 1 };
    assert_int_equal(ota_capability_use(&store.port, &once, &fault), OTA_DEVICE_STORE); /* not durable: not used, not allowed */
    store.fail = (struct ota_ram_fail){ 0 };
    assert_int_equal(ota_capability_used_load(&store.port, &used, &fault), OTA_OK);
    assert_int_equal(used, 7);
    store.cap = store.used; /* no room */
    store.cap = 10;
    ota_err err = ota_capability_use(&store.port, &once, &fault);
    assert_int_equal(err, OTA_DEVICE_FULL);
    store.cap = sizeof mem;
    assert_int_equal(ota_capability_use(&store.port, &once, &fault), OTA_OK);
}

/* Damage is an error, never a 0. */
static void a_damaged_record_allows_nothing(void **state)
{
    static uint8_t mem[4096];
    struct ota_ram_store store;
    struct ota_capability once = { .use = OTA_CAPABILITY_ONCE, .counter = 7 };
    uint8_t record[40];
    size_t len;
    int32_t code;
    uint64_t used;

    (void)state;
    ota_ram_store_init(&store, mem, sizeof mem);
    assert_int_equal(ota_capability_use(&store.port, &once, &fault), OTA_OK);
    assert_int_equal(store.port.ops->read(&store.port, "capability.used", record, sizeof record, &len, &code), OTA_OK);
    assert_int_equal(len, 20);
    once.counter = 100;
    for (size_t i = 0; i < len; i++) {
        record[i] ^= 0x10;
        assert_int_equal(store.port.ops->write(&store.port, "capability.used", record, len, &code), OTA_OK);
        assert_int_equal(ota_capability_used_load(&store.port, &used, &fault), OTA_DEVICE_STORE);
        assert_string_equal(fault.where, "capability.used");
        assert_int_equal(ota_capability_use(&store.port, &once, &fault), OTA_DEVICE_STORE);
        record[i] ^= 0x10;
    }
    for (size_t n = 0; n < len; n++) {
        assert_int_equal(store.port.ops->write(&store.port, "capability.used", record, n, &code), OTA_OK);
        assert_int_equal(ota_capability_used_load(&store.port, &used, &fault), OTA_DEVICE_STORE);
    }
}

/* ---- Azure Sphere's ---- */

static ota_err cannot_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    (void)s, (void)name, (void)buf, (void)cap, (void)len;
    *code = 5;
    return OTA_DEVICE_STORE;
}

static void a_store_that_cannot_be_read_allows_nothing(void **state)
{
    const struct ota_store_ops ops = { .read = cannot_read };
    struct ota_store store = { &ops };
    struct ota_capability once = { .use = OTA_CAPABILITY_ONCE, .counter = 7 };

    (void)state;
    assert_int_equal(ota_capability_use(&store, &once, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, 5);
}

static void azure_spheres_body_is_read(void **state)
{
    uint8_t body[OTA_SPHERE_CAPABILITY_LEN + 1] = { 0xfd, 0x5c, 0xfd, 0x5c, 1, 0, 0, 0, 0xcc, 0, 0, 0, 0xaa };
    struct ota_sphere_capability s;

    (void)state;
    body[76] = 0xb;
    body[78] = 0xd;
    assert_int_equal(ota_sphere_capability_read(body, 204, &s, &fault), OTA_OK);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.value[0], OTA_SPHERE_APP_DEVELOPMENT);
    assert_int_equal(s.value[1], OTA_SPHERE_FIELD_SERVICING);
    assert_int_equal(s.device[0], 0xaa);
#define SPHERE(at, value_, err_, where_)                                                                                         \
    do {                                                                                                                         \
        uint8_t was = body[at];                                                                                                  \
        body[at] = value_;                                                                                                       \
        assert_int_equal(ota_sphere_capability_read(body, 204, &s, &fault), err_);                                               \
        assert_string_equal(fault.where, where_);                                                                                \
        assert_true(otai_is_zero(&s, sizeof s));                                                                                 \
        body[at] = was;                                                                                                          \
    } while (0)
    for (size_t len = 0; len <= 205; len++)
        assert_int_equal(ota_sphere_capability_read(body, len, &s, &fault) == OTA_OK, len == 204);
    SPHERE(3, 0x5d, OTA_REJECT_SYNTAX, "capability.magic");
    SPHERE(4, 2, OTA_REJECT_SPEC, "capability.version");
    SPHERE(9, 1, OTA_REJECT_LENGTH, "capability.length");
    SPHERE(78, 0xb, OTA_REJECT_DUPLICATE, "capability.capabilities");
    SPHERE(82, 1, OTA_REJECT_VALUE, "capability.capabilities");
    body[78] = 0;
    SPHERE(76, 0, OTA_REJECT_MISSING, "capability.capabilities");
    for (size_t i = 0; i < 64; i++)
        body[76 + 2 * i] = (uint8_t)(i + 1);
    assert_int_equal(ota_sphere_capability_read(body, 204, &s, &fault), OTA_OK);
    assert_int_equal(s.count, 64);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(ota_capability_kind_name(OTA_CAPABILITY_DEVELOPMENT), "development");
    assert_string_equal(ota_capability_kind_name(OTA_CAPABILITY_SERVICING), "servicing");
    assert_string_equal(ota_capability_kind_name((enum ota_capability_kind)3), "none");
    assert_string_equal(ota_capability_use_name(OTA_CAPABILITY_SESSION), "session");
    assert_string_equal(ota_capability_use_name((enum ota_capability_use)0), "none");
    assert_string_equal(ota_capability_use_name((enum ota_capability_use)4), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_time_is_one_time),
        cmocka_unit_test(a_damaged_record_allows_nothing),
        cmocka_unit_test(a_store_that_cannot_be_read_allows_nothing),
        cmocka_unit_test(azure_spheres_body_is_read),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
