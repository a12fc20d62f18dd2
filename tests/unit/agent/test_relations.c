/* SPDX-License-Identifier: Apache-2.0 */
/* The record of levels: byte for byte, damaged in every way, on a store that fails; and the configuration's part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent.h"
#include "fake_store.h"

#include OTAI_RELATIONS_HEADER

static struct fake_store fake;
static struct otai_book book;
static struct ota_fault fault;
static const uint8_t one[OTA_SHA256_LEN] = { 1 }, two[OTA_SHA256_LEN] = { 2 };

static int setup(void **state)
{
    (void)state;
    fake_store_init(&fake);
    memset(&book, 0, sizeof book);
    memset(&fault, 0, sizeof fault);
    return 0;
}

static void fill(void)
{
    memset(&book.known, 0, sizeof book.known);
    book.count = 2;
    memcpy(book.known[0].sha256, one, sizeof one);
    book.known[0].levels = (struct otai_levels){ .provides_count = 1, .provides = { { "os-abi", 0x01020304 } } };
    memcpy(book.known[1].sha256, two, sizeof two);
    book.known[1].levels = (struct otai_levels){ .requires_count = 2, .requires = { { "os-abi", 2 }, { "radio", 1 } } };
}

static struct fake_record *record(void)
{
    return fake_find(&fake.store, "levels");
}

static void the_record_is_the_documented_one(void **state)
{
    (void)state;
    fill();
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_OK);
    const uint8_t *p = record()->bytes;
    assert_int_equal(record()->len, 8 + 2 * (32 + 8 * 36) + 4);
    assert_memory_equal(p, "OTAL\x01\x02\0\0\x01", 9);
    assert_memory_equal(p + 8 + 32, "os-abi\0", 7);
    assert_memory_equal(p + 8 + 32 + 32, "\x04\x03\x02\x01", 4);
    assert_memory_equal(p + 8 + 320 + 32 + 4 * 36, "os-abi\0", 7);
    assert_memory_equal(p + 8 + 320 + 32 + 5 * 36, "radio\0", 6);
    assert_int_equal(otai_get_le32(p + record()->len - 4), otai_crc32(0, p, record()->len - 4));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    fill();
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_OK);
    memset(&book, 0, sizeof book);
    assert_int_equal(otai_book_load(&fake.store, &book, &fault), OTA_OK);
    assert_int_equal(book.count, 2);
    const struct otai_levels *l = otai_book_find(&book, two);
    assert_non_null(l);
    assert_true(l->provides_count == 0 && l->requires_count == 2 && l->requires[1].level == 1);
    assert_string_equal(l->requires[1].name, "radio");
    assert_null(otai_book_find(&book, (const uint8_t[OTA_SHA256_LEN]){ 3 }));
    unsigned writes = fake.writes;
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_OK); /* it says the same already */
    assert_int_equal(fake.writes, writes);
    book.known[0].levels.provides[0].level++;
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_OK);
    assert_int_equal(fake.writes, writes + 1);
    book.count = 1;
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_OK);
    assert_int_equal(fake.writes, writes + 2);
}

static void nothing_known_is_nothing_written(void **state)
{
    (void)state;
    assert_int_equal(otai_book_load(&fake.store, &book, &fault), OTA_OK);
    assert_int_equal(book.count, 0);
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_OK);
    assert_int_equal(fake.writes, 0);
}

static void load_damaged(void)
{
    memset(&book, 0xa5, sizeof book);
    assert_int_equal(otai_book_load(&fake.store, &book, &fault), OTA_OK);
    assert_int_equal(book.count, 0);
}

static void reseal(struct fake_record *r)
{
    otai_put_le32(r->bytes + r->len - 4, otai_crc32(0, r->bytes, r->len - 4));
}

static void every_damage_means_nothing_is_known(void **state)
{
    (void)state;
    fill();
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_OK);
    struct fake_record *r = record();
    const struct fake_record whole = *r;

    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        r->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        load_damaged();
        r->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < whole.len; len++) {
        r->len = len;
        load_damaged();
    }
    r->len = sizeof r->bytes;
    load_damaged();
    static const struct {
        size_t at;
        uint8_t value;
    } forged[] = { { 0, 'X' }, { 4, 2 }, { 5, 1 }, { 5, 9 }, { 8 + 32, 0x07 } };
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        *r = whole;
        r->bytes[forged[i].at] = forged[i].value;
        reseal(r);
        load_damaged();
    }
    *r = whole;
    reseal(r);
    assert_int_equal(otai_book_load(&fake.store, &book, &fault), OTA_OK);
    assert_int_equal(book.count, 2);
}

static void a_store_that_fails_is_told(void **state)
{
    (void)state;
    fill();
    fake.write_err = OTA_DEVICE_FULL;
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_DEVICE_FULL);
    assert_string_equal(fault.where, "levels");
    fake.write_err = OTA_RETRY_BUSY;
    assert_int_equal(otai_book_save(&fake.store, &book, &fault), OTA_DEVICE_STORE);
    fake.read_err = OTA_DEVICE_STORE;
    assert_int_equal(otai_book_load(&fake.store, &book, &fault), OTA_DEVICE_STORE);
    assert_string_equal(fault.where, "levels");
}

static void what_a_configuration_may_say(void **state)
{
    struct ota_component c[] = { { .name = "os" }, { .name = "app", .removable = true } };
    struct ota_provided p[] = { { "radio", 1 }, { "abcdefghijklmnopqrstuvwxyz-0123", 1 } };
    struct ota_config cfg = { .components = c, .component_count = 2, .provided = p, .provided_count = 2 };

    (void)state;
    assert_null(otai_relations_bad_config(&cfg));
    p[1].name = "abcdefghijklmnopqrstuvwxyz-01234";
    assert_string_equal(otai_relations_bad_config(&cfg), "provided.name");
    p[1].name = NULL;
    assert_string_equal(otai_relations_bad_config(&cfg), "provided.name");
    cfg.provided = NULL;
    assert_string_equal(otai_relations_bad_config(&cfg), "provided");
    cfg.provided_count = 0;
    assert_null(otai_relations_bad_config(&cfg));
    c[0].removable = true;
    assert_string_equal(otai_relations_bad_config(&cfg), "components.removable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_record_is_the_documented_one, setup),
        cmocka_unit_test_setup(what_is_written_is_read, setup),
        cmocka_unit_test_setup(nothing_known_is_nothing_written, setup),
        cmocka_unit_test_setup(every_damage_means_nothing_is_known, setup),
        cmocka_unit_test_setup(a_store_that_fails_is_told, setup),
        cmocka_unit_test_setup(what_a_configuration_may_say, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
