/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a trailer: what is right, and each thing that can be wrong with it, by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "package.h"
#include "test_package.h"

static const uint8_t component[OTA_UID_LEN] = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 1, 2, 3, 4, 5, 6 };
static uint8_t file[8192];
static struct test_package t;
static struct test_key p256, p384;
static struct ota_package out;
static struct ota_fault fault;

static int make_keys(void **state)
{
    (void)state;
    test_key_make(&p256, OTA_KEY_P256);
    test_key_make(&p384, OTA_KEY_P384);
    return 0;
}

static void begin(void)
{
    test_package_body(&t, file, sizeof file, "body", 4);
}

static ota_err parse(size_t len)
{
    memset(&fault, 0, sizeof fault);
    return ota_package_parse(&out, len, file, len, &fault);
}

static void refused(ota_err err, const char *where)
{
    assert_int_equal(parse(t.len), err);
    assert_int_equal(fault.err, err);
    assert_string_equal(fault.where, where);
}

/* Identity and signature are there; `id` is what the test is about. */
static void with(uint16_t id, const void *data, size_t len)
{
    begin();
    test_package_identity(&t, component, 7);
    test_package_signature_section(&t, &p256);
    test_package_section(&t, id, data, len);
    test_package_sign(&t, &p256);
}

static void reads_every_section(void **state)
{
    static const uint8_t debug[40] = { 0x15, 0xcd, 0x5b, 0x07, 1, 0, 0, 0, 'n', 'a', 'm', 'e' };
    static const uint8_t abi[20] = { 2, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4 };
    static const uint8_t cm[8] = { 0x78, 0x56, 0x34, 0x12, 1, 0, 0, 0 };

    (void)state;
    begin();
    test_package_section(&t, 0xabcd, "odd", 3);
    test_package_identity(&t, component, 7);
    test_package_signature_section(&t, &p384);
    test_package_section(&t, OTA_PACKAGE_DEBUG, debug, sizeof debug);
    test_package_u32(&t, OTA_PACKAGE_TEMPORARY, 3);
    test_package_section(&t, OTA_PACKAGE_ABI_DEPENDS, abi, sizeof abi);
    test_package_section(&t, OTA_PACKAGE_ABI_PROVIDES, abi, 4 * 5);
    test_package_section(&t, OTA_PACKAGE_COMPRESSION, cm, sizeof cm);
    test_package_u32(&t, OTA_PACKAGE_SECURITY, 4000000000u);
    test_package_u32(&t, OTA_PACKAGE_FLASH_OFFSET, 0x10000);
    test_package_u32(&t, OTA_PACKAGE_POLICY, 2);
    test_package_sign(&t, &p384);

    assert_int_equal(parse(t.len), OTA_OK);
    assert_int_equal(out.length, t.len);
    assert_int_equal(out.body_len, 4);
    assert_int_equal(out.signature_len, 96);
    assert_int_equal(out.trailer_len, t.len - 96 - 4);
    assert_int_equal(out.has, 0x3ff);
    assert_int_equal(out.image_type, 10);
    assert_memory_equal(out.component, component, sizeof component);
    assert_int_equal(out.image[0], 7);
    assert_int_equal(out.image[15], 7);
    assert_int_equal(out.thumbprint[19], 0x5a);
    assert_int_equal(out.signature_type, OTA_PACKAGE_ECDSA384);
    assert_int_equal(out.built_s, 0x1075bcd15);
    assert_string_equal(out.name, "name");
    assert_int_equal(out.temporary, 3);
    assert_int_equal(out.depends_count, 2);
    assert_int_equal(out.depends[0].version, 5);
    assert_int_equal(out.depends[0].type, 3);
    assert_int_equal(out.provides_count, 2);
    assert_int_equal(out.provides[1].version, 0xffffffff);
    assert_int_equal(out.provides[1].type, 0x04030201);
    assert_int_equal(out.uncompressed_len, 0x12345678);
    assert_int_equal(out.compression, 1);
    assert_int_equal(out.security, 4000000000u);
    assert_int_equal(out.flash_offset, 0x10000);
    assert_int_equal(out.policy, 2);
    assert_int_equal(out.section_count, 11);
    assert_int_equal(out.section[0].id, 0xabcd);
    assert_int_equal(out.section[0].len, 3);
    assert_memory_equal(out.section[0].data, "odd", 3);
}

static void absent_sections_say_nothing(void **state)
{
    (void)state;
    begin();
    test_package_identity(&t, component, 7);
    test_package_sign(&t, &p256);
    memset(&out, 0xff, sizeof out);
    assert_int_equal(parse(t.len), OTA_OK);
    assert_int_equal(out.has, OTA_PACKAGE_HAS_IDENTITY);
    assert_int_equal(out.security, 0);
    assert_int_equal(out.signature_type, 0);
    assert_string_equal(out.name, "");
    assert_int_equal(out.depends_count, 0);
}

/* Whatever is left of a package is none. In memory of exactly that size, so that a sanitizer sees a read beyond. */
static void cut_at_every_byte(void **state)
{
    unsigned cuts = 0;

    (void)state;
    size_t len = test_package_whole(file, sizeof file, "some body", 9, component, 7, 1, &p256);
    for (size_t n = 0; n < len; n++, cuts++) {
        uint8_t *part = malloc(n ? n : 1);
        assert_non_null(part);
        memcpy(part, file, n);
        memset(&fault, 0, sizeof fault);
        ota_err err = ota_package_parse(&out, n, part, n, &fault);
        assert_true(err == OTA_REJECT_MISSING || err == OTA_REJECT_LENGTH);
        assert_string_equal(fault.where, err == OTA_REJECT_MISSING ? "package.trailer" : "package.trailer_len");
        free(part);
    }
    assert_true(cuts > 200);
    assert_int_equal(parse(len), OTA_OK);
}

static void cut_in_front(void **state)
{
    (void)state;
    size_t len = test_package_whole(file, sizeof file, "some body", 9, component, 7, 1, &p256);
    assert_int_equal(parse(len), OTA_OK);
    size_t trailer = out.trailer_len + 64u;
    for (size_t n = 0; n < len; n++) {
        memset(&fault, 0, sizeof fault);
        ota_err err = ota_package_parse(&out, n, file + len - n, n, &fault);
        if (n < trailer)
            assert_int_equal(err, OTA_REJECT_MISSING);
        else if ((n - trailer) % 4 != 0)
            assert_string_equal(fault.where, "package.body");
        else
            assert_int_equal(err, OTA_OK);
    }
}

static void needs_no_more_than_its_tail(void **state)
{
    static uint8_t body[5000];
    struct ota_package all;

    (void)state;
    size_t len = test_package_whole(file, sizeof file, body, sizeof body, component, 7, 1, &p384);
    assert_int_equal(parse(len), OTA_OK);
    all = out;
    assert_int_equal(ota_package_parse(&out, len, file + len - OTA_PACKAGE_TAIL_MAX, OTA_PACKAGE_TAIL_MAX, &fault), OTA_OK);
    assert_memory_equal(&all, &out, offsetof(struct ota_package, section));
    assert_ptr_equal(all.section[4].data, out.section[4].data);
    assert_int_equal(out.body_len, sizeof body);
    assert_int_equal(ota_package_parse(&out, 10, file, 11, &fault), OTA_USAGE_ARGUMENT);
}

static void lengths_that_overflow(void **state)
{
    static const uint32_t lengths[] = {
        0, 1, 7, 8, 16, 17, 28, 1025, 0x7fffffff, 0x80000000, 0xfffffffb, 0xfffffffc, 0xffffffff
    };
    static const uint16_t sections[] = { 0, 37, 1000, 0x7fff, 0x8000, 0xfffb, 0xfffc, 0xffff };

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        with(1, "x", 1);
        otai_put_le32(file + t.len - 68, lengths[i]);
        refused(OTA_REJECT_LENGTH, "package.trailer_len");
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        with(1, "x", 1);
        otai_put_le16(file + t.trailer + 10, sections[i]);
        refused(OTA_REJECT_LENGTH, "package.identity");
        with(1, "x", 1);
        otai_put_le16(file + t.len - 68 - 3, sections[i]);
        refused(OTA_REJECT_LENGTH, "package.section");
    }
}

static void section_counts(void **state)
{
    (void)state;
    with(1, "x", 1);
    otai_put_le32(file + t.trailer + 4, 0);
    refused(OTA_REJECT_VALUE, "package.section_count");
    otai_put_le32(file + t.trailer + 4, 2);
    refused(OTA_REJECT_LENGTH, "package.trailer_len");
    otai_put_le32(file + t.trailer + 4, 4);
    refused(OTA_REJECT_LENGTH, "package.section_count");
    otai_put_le32(file + t.trailer + 4, 25);
    refused(OTA_REJECT_LIMIT, "package.section_count");
    otai_put_le32(file + t.trailer + 4, 0xffffffff);
    refused(OTA_REJECT_LIMIT, "package.section_count");
    otai_put_le32(file + t.trailer + 4, 3);
    assert_int_equal(parse(t.len), OTA_OK);
}

static void twenty_four_sections(void **state)
{
    (void)state;
    for (unsigned n = 24; n <= 25; n++) {
        begin();
        test_package_identity(&t, component, 7);
        for (unsigned i = 1; i < n; i++)
            test_package_section(&t, (uint16_t)i, "x", 1);
        test_package_sign(&t, &p256);
        assert_int_equal(parse(t.len), n == 24 ? OTA_OK : OTA_REJECT_LIMIT);
    }
}

static void longest_trailer(void **state)
{
    static const uint8_t data[1024];

    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        begin();
        test_package_identity(&t, component, 7);
        test_package_section(&t, 1, data, OTA_PACKAGE_TRAILER_MAX - 8 - 40 - 4 - 4 + more);
        test_package_sign(&t, &p256);
        if (more)
            refused(OTA_REJECT_LENGTH, "package.trailer_len");
        else
            assert_int_equal(parse(t.len), OTA_OK);
    }
}

/* Two of each known section; unknown ones may come twice. */
static void twice(void **state)
{
    static const struct {
        uint16_t id;
        uint8_t len;
        const char *where;
    } known[] = {
        { OTA_PACKAGE_IDENTITY, 36, "package.identity" },
        { OTA_PACKAGE_SIGNATURE, 24, "package.signature" },
        { OTA_PACKAGE_DEBUG, 40, "package.debug" },
        { OTA_PACKAGE_TEMPORARY, 4, "package.temporary" },
        { OTA_PACKAGE_ABI_DEPENDS, 4, "package.abi_depends" },
        { OTA_PACKAGE_ABI_PROVIDES, 4, "package.abi_provides" },
        { OTA_PACKAGE_COMPRESSION, 8, "package.compression" },
        { OTA_PACKAGE_SECURITY, 4, "package.security" },
        { OTA_PACKAGE_FLASH_OFFSET, 4, "package.flash_offset" },
        { OTA_PACKAGE_POLICY, 4, "package.policy" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t data[41] = { 0 };
        data[20] = known[i].id == OTA_PACKAGE_SIGNATURE;
        for (unsigned wrong = 0; wrong < 4; wrong++) {
            begin();
            if (known[i].id != OTA_PACKAGE_IDENTITY)
                test_package_identity(&t, component, 7);
            test_package_section(&t, known[i].id, data, (size_t)known[i].len - (wrong == 1) + (wrong == 2));
            if (wrong == 3)
                test_package_section(&t, known[i].id, data, known[i].len);
            test_package_sign(&t, &p256);
            if (wrong == 0) {
                assert_int_equal(parse(t.len), OTA_OK);
                continue;
            }
            assert_int_equal(parse(t.len), wrong == 3 ? OTA_REJECT_DUPLICATE : OTA_REJECT_LENGTH);
            assert_memory_equal(fault.where, known[i].where, strlen(known[i].where));
        }
    }
    begin();
    test_package_identity(&t, component, 7);
    test_package_section(&t, 1, "x", 1);
    test_package_section(&t, 1, "x", 1);
    test_package_sign(&t, &p256);
    assert_int_equal(parse(t.len), OTA_OK);
}

static void no_identity(void **state)
{
    (void)state;
    begin();
    test_package_signature_section(&t, &p256);
    test_package_sign(&t, &p256);
    refused(OTA_REJECT_MISSING, "package.identity");
}

static void signature_types(void **state)
{
    static const uint32_t types[] = { 0, 3, 0x101, 0xffffffff };

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        uint8_t data[24] = { 0 };
        otai_put_le32(data + 20, types[i]);
        begin();
        test_package_identity(&t, component, 7);
        test_package_section(&t, OTA_PACKAGE_SIGNATURE, data, sizeof data);
        test_package_sign(&t, &p256);
        refused(OTA_REJECT_VALUE, "package.signature.type");
    }
    for (unsigned i = 0; i < 2; i++) { /* the section says one, the file has the other */
        begin();
        test_package_identity(&t, component, 7);
        test_package_signature_section(&t, i ? &p384 : &p256);
        test_package_sign(&t, i ? &p256 : &p384);
        refused(OTA_REJECT_LENGTH, "package.signature");
    }
}

static void debug_names(void **state)
{
    uint8_t data[40] = { 0 };

    (void)state;
    memset(data + 8, 'n', 31);
    with(OTA_PACKAGE_DEBUG, data, sizeof data);
    assert_int_equal(parse(t.len), OTA_OK);
    assert_int_equal(strlen(out.name), 31);
    data[39] = 'n';
    with(OTA_PACKAGE_DEBUG, data, sizeof data);
    refused(OTA_REJECT_VALUE, "package.debug.name");
    for (unsigned c = 1; c < 256; c++) {
        data[39] = 0;
        data[9] = (uint8_t)c;
        with(OTA_PACKAGE_DEBUG, data, sizeof data);
        if (c < ' ' || c == 127)
            refused(OTA_REJECT_VALUE, "package.debug.name");
        else
            assert_int_equal(parse(t.len), OTA_OK);
    }
}

static void abi_counts(void **state)
{
    uint8_t data[76] = { 0 };

    (void)state;
    for (uint32_t n = 0; n <= 9; n++) {
        otai_put_le32(data, n);
        with(OTA_PACKAGE_ABI_PROVIDES, data, 4 + 8 * n);
        if (n == 9)
            refused(OTA_REJECT_LIMIT, "package.abi_provides.count");
        else
            assert_int_equal(parse(t.len), OTA_OK);
    }
    otai_put_le32(data, 1);
    static const size_t lens[] = { 1, 3, 4, 11, 13, 20 };
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        with(OTA_PACKAGE_ABI_DEPENDS, data, lens[i]);
        refused(OTA_REJECT_LENGTH, "package.abi_depends.count");
    }
    otai_put_le32(data, 0xffffffff);
    with(OTA_PACKAGE_ABI_DEPENDS, data, 12);
    refused(OTA_REJECT_LIMIT, "package.abi_depends.count");
    otai_put_le32(data, 0x20000001); /* times 8 it is 8 in 32 bits */
    with(OTA_PACKAGE_ABI_DEPENDS, data, 12);
    refused(OTA_REJECT_LIMIT, "package.abi_depends.count");
}

/* What a search in a slot takes for a trailer: all of it must be there, and no longer than one may be. */
static void measures(void **state)
{
    static uint8_t longer[OTA_PACKAGE_TRAILER_MAX + 200];
    struct test_package l;

    (void)state;
    with(1, "x", 1);
    const uint8_t *p = file + t.trailer;
    size_t whole = t.len - 64 - t.trailer;
    assert_int_equal(otai_trailer_measure(p, whole), whole);
    assert_int_equal(otai_trailer_measure(p, whole + 64), whole);
    for (size_t n = 0; n < whole; n++)
        assert_int_equal(otai_trailer_measure(p, n), 0);
    file[t.trailer] ^= 1;
    assert_int_equal(otai_trailer_measure(p, whole), 0);
    for (size_t more = 0; more < 2; more++) {
        test_package_body(&l, longer, sizeof longer, NULL, 0);
        test_package_identity(&l, component, 7);
        test_package_section(&l, 1, file, OTA_PACKAGE_TRAILER_MAX - 8 - 40 - 4 - 4 + more);
        test_package_sign(&l, &p256);
        assert_int_equal(otai_trailer_measure(longer, sizeof longer), more ? 0 : OTA_PACKAGE_TRAILER_MAX);
    }
}

static void check(const struct ota_package_want *want, ota_err err, const char *where)
{
    memset(&fault, 0, sizeof fault);
    assert_int_equal(ota_package_check(&out, want, &fault), err);
    assert_string_equal(fault.where, where);
}

static void requirements(void **state)
{
    static const struct ota_abi old[] = { { 4, 3 }, { 9, 2 } }, good[] = { { 9, 2 }, { 5, 3 } }, newer[] = { { 6, 3 } };
    struct ota_package_want want = { 0 };
    uint8_t other[OTA_UID_LEN];

    (void)state;
    size_t len = test_package_whole(file, sizeof file, "body", 4, component, 7, 3, &p256);
    assert_int_equal(parse(len), OTA_OK);
    check(&want, OTA_OK, "");
    memcpy(other, component, sizeof other);
    want.component = other;
    check(&want, OTA_OK, "");
    other[15] ^= 1;
    check(&want, OTA_REJECT_COMPONENT, "package.identity.component");
    want.component = NULL;
    want.security_min = 3;
    check(&want, OTA_OK, "");
    want.security_min = 4;
    check(&want, OTA_REJECT_SECURITY, "package.security");
    want.security_min = 0;
    want.revoked = ~(1u << 3);
    check(&want, OTA_OK, "");
    want.revoked = 1u << 3;
    check(&want, OTA_REJECT_SECURITY, "package.security.revoked");
    out.security = 35; /* beyond the bits */
    check(&want, OTA_OK, "");
    want.revoked = 0;
    want.provided = old;
    check(&want, OTA_REJECT_REQUIRES, "package.abi_depends"); /* nothing is provided */
    want.provided_count = 2;
    check(&want, OTA_REJECT_REQUIRES, "package.abi_depends");
    want.provided = good;
    check(&want, OTA_OK, "");
    want.provided = newer;
    want.provided_count = 1;
    check(&want, OTA_OK, "");
    out.depends[0].type = 0;
    out.depends[0].version = 99;
    check(&want, OTA_OK, "");
}

static void development_and_compression(void **state)
{
    struct ota_package_want want = { 0 };

    (void)state;
    begin();
    test_package_identity(&t, component, 7);
    test_package_u32(&t, OTA_PACKAGE_TEMPORARY, OTA_TEMPORARY_UNDER_DEVELOPMENT);
    test_package_section(&t, OTA_PACKAGE_COMPRESSION, "12345678", 8);
    test_package_sign(&t, &p256);
    assert_int_equal(parse(t.len), OTA_OK);
    check(&want, OTA_REJECT_VALUE, "package.temporary");
    want.temporary = OTA_TEMPORARY_REMOVE_AT_BOOT;
    check(&want, OTA_REJECT_VALUE, "package.temporary");
    want.temporary = OTA_TEMPORARY_UNDER_DEVELOPMENT;
    check(&want, OTA_REJECT_CODEC, "package.compression");
    want.compressed = true;
    check(&want, OTA_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_section),
        cmocka_unit_test(absent_sections_say_nothing),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(cut_in_front),
        cmocka_unit_test(needs_no_more_than_its_tail),
        cmocka_unit_test(lengths_that_overflow),
        cmocka_unit_test(section_counts),
        cmocka_unit_test(twenty_four_sections),
        cmocka_unit_test(longest_trailer),
        cmocka_unit_test(twice),
        cmocka_unit_test(no_identity),
        cmocka_unit_test(signature_types),
        cmocka_unit_test(debug_names),
        cmocka_unit_test(abi_counts),
        cmocka_unit_test(measures),
        cmocka_unit_test(requirements),
        cmocka_unit_test(development_and_compression),
    };

    return cmocka_run_group_tests(tests, make_keys, NULL);
}
