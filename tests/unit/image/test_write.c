/* SPDX-License-Identifier: Apache-2.0 */
/* Writing trailers and manifests, and reading manifests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "package.h"
#include "test_package.h"

static const uint8_t component[OTA_UID_LEN] = { 1, 2, 3 },
                     image[OTA_UID_LEN] = { 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 };
static uint8_t buf[2048], file[4096];
static struct ota_fault fault;
static size_t len;

static ota_err end(struct ota_package_writer *w)
{
    memset(&fault, 0, sizeof fault);
    return ota_package_write_end(w, &len, &fault);
}

/* The same bytes as those that the tests put together by the specification. */
static void writes_what_is_specified(void **state)
{
    static const struct ota_abi depends = { 5, 3 };
    uint8_t thumbprint[OTA_PACKAGE_THUMBPRINT_LEN];
    struct ota_package_writer w;
    struct test_key key;

    (void)state;
    test_key_make(&key, OTA_KEY_P256);
    (void)test_package_whole(file, sizeof file, "body", 4, component, 7, 9, &key);
    memset(thumbprint, 0x5a, sizeof thumbprint);
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_signature(&w, thumbprint, OTA_PACKAGE_ECDSA256);
    ota_package_write_debug(&w, 0x75bcd15, "test");
    ota_package_write_abi(&w, OTA_PACKAGE_ABI_DEPENDS, &depends, 1);
    ota_package_write_u32(&w, OTA_PACKAGE_SECURITY, 9);
    assert_int_equal(end(&w), OTA_OK);
    assert_memory_equal(buf, file + 4, len);
    test_key_destroy(&key);
}

/* Everything, parsed and written again: the same bytes, whatever this library knows. */
static void rewrites_byte_for_byte(void **state)
{
    static const uint16_t ids[] = { 0x4441, OTA_PACKAGE_IDENTITY, 0x5041, OTA_PACKAGE_COMPRESSION, 0x474c, 0xffff, 0x4441 };
    struct ota_package_writer w;
    struct test_package t;
    struct test_key key;
    struct ota_package p;

    (void)state;
    test_key_make(&key, OTA_KEY_P384);
    test_package_body(&t, file, sizeof file, "12345", 5);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        uint8_t data[40];
        for (size_t k = 0; k < sizeof data; k++)
            data[k] = (uint8_t)(i * 50 + k);
        test_package_section(&t, ids[i], data,
                             ids[i] == OTA_PACKAGE_IDENTITY      ? 36
                             : ids[i] == OTA_PACKAGE_COMPRESSION ? 8
                                                                 : 5 + i);
    }
    test_package_sign(&t, &key);
    assert_int_equal(ota_package_parse(&p, t.len, file, t.len, &fault), OTA_OK);
    assert_int_equal(p.section_count, sizeof ids / sizeof *ids);
    ota_package_write_begin(&w, buf, sizeof buf);
    for (size_t i = 0; i < p.section_count; i++)
        ota_package_write_section(&w, p.section[i].id, p.section[i].data, p.section[i].len);
    assert_int_equal(end(&w), OTA_OK);
    assert_int_equal(len, p.trailer_len);
    assert_memory_equal(buf, file + p.body_len, len);
    test_key_destroy(&key);
}

static void all_kinds(void **state)
{
    static const struct ota_abi abi[OTA_PACKAGE_ABI_MAX + 1] = { { 1, 2 }, { 3, 4 } };
    struct ota_package_writer w;
    struct ota_package p;

    (void)state;
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, 0xfffe, component, image);
    ota_package_write_compression(&w, 0x12345678, 1);
    ota_package_write_abi(&w, OTA_PACKAGE_ABI_PROVIDES, abi, 8);
    ota_package_write_abi(&w, OTA_PACKAGE_ABI_DEPENDS, NULL, 0);
    ota_package_write_u32(&w, OTA_PACKAGE_TEMPORARY, 1);
    ota_package_write_u32(&w, OTA_PACKAGE_FLASH_OFFSET, 2);
    ota_package_write_u32(&w, OTA_PACKAGE_POLICY, 3);
    ota_package_write_debug(&w, UINT64_MAX, "thirty-one characters, not more");
    assert_int_equal(end(&w), OTA_OK);
    memset(&p, 0, sizeof p);
    assert_int_equal(otai_trailer_read(&p, buf, len, &fault), OTA_OK);
    assert_int_equal(p.image_type, 0xfffe);
    assert_int_equal(p.uncompressed_len, 0x12345678);
    assert_int_equal(p.provides_count, 8);
    assert_int_equal(p.provides[1].version, 3);
    assert_int_equal(p.depends_count, 0);
    assert_int_equal(p.temporary, 1);
    assert_int_equal(p.flash_offset, 2);
    assert_int_equal(p.policy, 3);
    assert_int_equal(p.built_s, UINT64_MAX);
    assert_int_equal(strlen(p.name), 31);
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_abi(&w, OTA_PACKAGE_ABI_PROVIDES, abi, OTA_PACKAGE_ABI_MAX + 1);
    assert_int_equal(end(&w), OTA_REJECT_LIMIT);
}

static void refuses_what_it_would_not_read(void **state)
{
    struct ota_package_writer w;
    uint8_t thumbprint[OTA_PACKAGE_THUMBPRINT_LEN] = { 0 };

    (void)state;
    ota_package_write_begin(&w, buf, sizeof buf);
    assert_int_equal(end(&w), OTA_REJECT_VALUE);
    ota_package_write_signature(&w, thumbprint, OTA_PACKAGE_ECDSA256);
    assert_int_equal(end(&w), OTA_REJECT_MISSING);
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_identity(&w, 10, component, image);
    assert_int_equal(end(&w), OTA_REJECT_DUPLICATE);
    assert_string_equal(fault.where, "package.identity");
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_signature(&w, thumbprint, 3);
    assert_int_equal(end(&w), OTA_REJECT_VALUE);
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_section(&w, 1, NULL, 0);
    assert_int_equal(end(&w), OTA_REJECT_LENGTH);
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_debug(&w, 0, "thirty-two characters, 1 too many");
    assert_int_equal(end(&w), OTA_REJECT_LIMIT);
}

/* With every room: whole, or an error, and nothing behind its end. */
static void any_room(void **state)
{
    static const struct ota_abi abi = { 1, 2 };
    static const uint8_t thumbprint[OTA_PACKAGE_THUMBPRINT_LEN];
    static const size_t whole = 8 + 40 + 28 + 44 + 16 + 12 + 8 + 9 + 4;
    struct ota_package_writer w;

    (void)state;
    for (size_t cap = 0; cap <= whole + 3; cap++) {
        memset(buf, 0xa5, sizeof buf);
        ota_package_write_begin(&w, buf, cap);
        ota_package_write_identity(&w, 10, component, image);
        ota_package_write_signature(&w, thumbprint, 1);
        ota_package_write_debug(&w, 1, "n");
        ota_package_write_abi(&w, OTA_PACKAGE_ABI_DEPENDS, &abi, 1);
        ota_package_write_compression(&w, 1, 1);
        ota_package_write_u32(&w, OTA_PACKAGE_SECURITY, 1);
        ota_package_write_section(&w, 1, "12345", 5);
        assert_int_equal(end(&w), cap < whole ? OTA_REJECT_LIMIT : OTA_OK);
        for (size_t i = cap; i < sizeof buf; i++)
            assert_int_equal(buf[i], 0xa5);
    }
    ota_package_write_begin(&w, buf, sizeof buf); /* never longer than what readers take */
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_section(&w, 1, file, OTA_PACKAGE_TRAILER_MAX - 8 - 40 - 4 - 4);
    assert_int_equal(end(&w), OTA_OK);
    assert_int_equal(len, OTA_PACKAGE_TRAILER_MAX);
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_identity(&w, 10, component, image);
    ota_package_write_section(&w, 1, file, OTA_PACKAGE_TRAILER_MAX - 8 - 40 - 4 - 4 + 1);
    assert_int_equal(end(&w), OTA_REJECT_LIMIT);
    ota_package_write_begin(&w, buf, sizeof buf);
    ota_package_write_section(&w, 1, file, 65536);
    assert_int_equal(end(&w), OTA_REJECT_LIMIT);
}

/* ---- manifests ---- */

static struct ota_manifest_entry entries[3];
static struct ota_manifest m;

static size_t make(size_t count)
{
    memset(entries, 0, sizeof entries);
    for (size_t i = 0; i < count; i++) {
        struct ota_manifest_entry *e = &entries[i];
        memset(e->image, (int)(0x10 + i), sizeof e->image);
        memset(e->component, (int)(0x20 + i), sizeof e->component);
        memset(e->sha256, (int)(0x30 + i), sizeof e->sha256);
        e->image_type = (uint16_t)(10 + i);
        e->partition = 4;
        e->length = 70000;
        e->uncompressed_len = 90000;
        e->provides[0] = (struct ota_abi){ 11, 12 };
        e->provides[1] = (struct ota_abi){ 13, 14 };
        e->depends[0] = (struct ota_abi){ 15, 16 };
        e->depends[1] = (struct ota_abi){ 17, 18 };
    }
    assert_int_equal(ota_manifest_write(buf, sizeof buf, 0x123456789, entries, count, &len, &fault), OTA_OK);
    return len;
}

static void manifest_refused(size_t n, ota_err err, const char *where)
{
    memset(&fault, 0, sizeof fault);
    assert_int_equal(ota_manifest_open(&m, buf, n, true, &fault), err);
    assert_string_equal(fault.where, where);
}

static void manifests_go_both_ways(void **state)
{
    struct ota_manifest_entry got;

    (void)state;
    size_t n = make(3);
    assert_int_equal(n, 16 + 3 * 108);
    assert_int_equal(otai_get_le16(buf), 3);
    assert_int_equal(ota_manifest_open(&m, buf, n, true, &fault), OTA_OK);
    assert_int_equal(m.count, 3);
    assert_int_equal(m.built_s, 0x123456789);
    assert_true(m.hashed);
    for (size_t i = 0; i < 3; i++) {
        ota_manifest_get(&m, i, &got);
        assert_memory_equal(&got, &entries[i], sizeof got);
    }
    /* at their places */
    assert_int_equal(buf[16], 0x10);
    assert_int_equal(buf[32], 0x20);
    assert_int_equal(otai_get_le16(buf + 48), 10);
    assert_int_equal(otai_get_le16(buf + 50), 4);
    assert_int_equal(otai_get_le32(buf + 52), 70000);
    assert_int_equal(otai_get_le32(buf + 56), 90000);
    assert_int_equal(otai_get_le32(buf + 60), 11);
    assert_int_equal(otai_get_le32(buf + 76), 15);
    assert_int_equal(buf[92], 0x30);
    assert_int_equal(make(0), 16);
    assert_int_equal(ota_manifest_open(&m, buf, 16, true, &fault), OTA_OK);
}

/* As Azure Sphere writes them: without digests, which is refused where they are demanded. */
static void without_digests(void **state)
{
    struct ota_manifest_entry got;

    (void)state;
    (void)make(2);
    memmove(buf + 16 + 76, buf + 16 + 108, 76);
    otai_put_le16(buf + 6, 76);
    manifest_refused(16 + 2 * 76, OTA_REJECT_MISSING, "manifest.entry.sha256");
    assert_int_equal(ota_manifest_open(&m, buf, 16 + 2 * 76, false, &fault), OTA_OK);
    assert_false(m.hashed);
    ota_manifest_get(&m, 1, &got);
    assert_int_equal(got.component[0], 0x21);
    assert_int_equal(got.depends[1].type, 18);
    assert_true(otai_is_zero(got.sha256, sizeof got.sha256));
    size_t n = make(2);
    memset(buf + 16 + 108 + 76, 0, 32);
    manifest_refused(n, OTA_REJECT_MISSING, "manifest.entry.sha256");
    entries[1].sha256[0] = 0;
    memset(entries[1].sha256, 0, sizeof entries[1].sha256);
    assert_int_equal(ota_manifest_write(buf, sizeof buf, 1, entries, 2, &len, &fault), OTA_REJECT_MISSING);
}

static void bad_manifests(void **state)
{
    (void)state;
    size_t n = make(3);
    for (size_t cut = 0; cut < n; cut++) {
        memset(&fault, 0, sizeof fault);
        assert_int_equal(ota_manifest_open(&m, buf, cut, true, &fault), OTA_REJECT_LENGTH);
        assert_string_equal(fault.where, cut < 16 ? "manifest.head" : "manifest.images");
    }
    memset(buf + n, 0, 4);
    assert_int_equal(ota_manifest_open(&m, buf, n + 3, true, &fault), OTA_OK);
    manifest_refused(n + 4, OTA_REJECT_LENGTH, "manifest.images");
    buf[n + 1] = 1;
    manifest_refused(n + 2, OTA_REJECT_LENGTH, "manifest.images");
    static const struct {
        uint8_t at;
        uint16_t v;
        ota_err err;
        const char *where;
    } bad[] = {
        { 0, 2, OTA_REJECT_SPEC, "manifest.version" },       { 0, 0x103, OTA_REJECT_SPEC, "manifest.version" },
        { 2, 2, OTA_REJECT_LENGTH, "manifest.images" },      { 2, 4, OTA_REJECT_LENGTH, "manifest.images" },
        { 2, 65, OTA_REJECT_LIMIT, "manifest.images" },      { 2, 0xffff, OTA_REJECT_LIMIT, "manifest.images" },
        { 4, 15, OTA_REJECT_LENGTH, "manifest.head_len" },   { 4, 0xffff, OTA_REJECT_LENGTH, "manifest.head_len" },
        { 6, 75, OTA_REJECT_LENGTH, "manifest.entry_len" },  { 6, 0, OTA_REJECT_LENGTH, "manifest.entry_len" },
        { 6, 0xffff, OTA_REJECT_LENGTH, "manifest.images" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        n = make(3);
        otai_put_le16(buf + bad[i].at, bad[i].v);
        manifest_refused(n, bad[i].err, bad[i].where);
    }
    n = make(3);
    memset(buf + 16 + 2 * 108, 0x10, 16);
    manifest_refused(n, OTA_REJECT_DUPLICATE, "manifest.entry.image");
    n = make(3);
    memset(buf + 16 + 2 * 108 + 16, 0x21, 16);
    manifest_refused(n, OTA_REJECT_DUPLICATE, "manifest.entry.component");
    assert_int_equal(ota_manifest_write(buf, 16 + 107, 1, entries, 1, &len, &fault), OTA_REJECT_LIMIT);
    assert_int_equal(ota_manifest_write(buf, sizeof buf, 1, entries, 65, &len, &fault), OTA_REJECT_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_is_specified),
        cmocka_unit_test(rewrites_byte_for_byte),
        cmocka_unit_test(all_kinds),
        cmocka_unit_test(refuses_what_it_would_not_read),
        cmocka_unit_test(any_room),
        cmocka_unit_test(manifests_go_both_ways),
        cmocka_unit_test(without_digests),
        cmocka_unit_test(bad_manifests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
