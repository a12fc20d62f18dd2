/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of packages: as a stream in any pieces, and found in a slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "ota/posix.h"
#include "package.h"
#include "test_package.h"

#define SLOT 16384u

static const uint8_t component[OTA_UID_LEN] = { 1, 2, 3 };
static struct test_key p256, p384, other;
static struct ota_crypto *real;
static uint8_t file[SLOT], body[6000];
static struct ota_package_verify v;
static struct ota_package out;
static struct ota_fault fault;

/* A crypto service that fails when it is told to. */
static unsigned ops_done, fail_at, open_hashes;
static ota_err verify_says;

static ota_err fail_now(void)
{
    return ++ops_done == fail_at ? OTA_DEVICE_CRYPTO : OTA_OK;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    if (fail_now() != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    open_hashes++;
    return real->ops->hash_start(real, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return fail_now() != OTA_OK ? OTA_DEVICE_CRYPTO : real->ops->hash_add(real, h, data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *digest)
{
    ota_err err = real->ops->hash_end(real, h, digest);

    (void)c;
    open_hashes--;
    return digest && fail_now() != OTA_OK ? OTA_DEVICE_CRYPTO : err;
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c;
    if (verify_says != OTA_OK)
        return verify_says;
    return real->ops->verify(real, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
}

static const struct ota_crypto_ops ops = {
    .hash_start = hash_start, .hash_add = hash_add, .hash_end = hash_end, .verify = verify
};
static struct ota_crypto crypto = { &ops };

static int make_keys(void **state)
{
    static struct ota_posix_crypto posix;

    (void)state;
    assert_int_equal(ota_posix_crypto_open(&posix, NULL, NULL), OTA_OK);
    real = &posix.port;
    test_key_make(&p256, OTA_KEY_P256);
    test_key_make(&p384, OTA_KEY_P384);
    test_key_make(&other, OTA_KEY_P256);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7 + (i >> 8));
    return 0;
}

static int clean(void **state)
{
    (void)state;
    ops_done = fail_at = 0;
    verify_says = OTA_OK;
    assert_int_equal(open_hashes, 0);
    return 0;
}

static struct ota_package_want want_of(const struct test_key *key)
{
    return (struct ota_package_want){
        .kind = key->kind, .key = key->public_key, .key_len = key->public_len, .component = component, .security_min = 2
    };
}

static ota_err stream(const struct ota_package_want *want, const uint8_t *p, size_t len, size_t piece)
{
    memset(&fault, 0, sizeof fault);
    ota_err err = ota_package_verify_begin(&v, &crypto, want, &fault);
    for (size_t off = 0; err == OTA_OK && off < len; off += piece)
        err = ota_package_verify_add(&v, p + off, len - off < piece ? len - off : piece);
    return err == OTA_OK ? ota_package_verify_end(&v, &out) : err;
}

static void in_any_pieces(void **state)
{
    static const size_t pieces[] = { 1, 2, 3, 63, 64, 65, 500, 1119, 1120, 1121, 2239, 2240, 2241, 4096, SLOT };
    static const size_t bodies[] = { 0, 1, 900, 1000, 1120, 2300, sizeof body };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct test_key *key = k ? &p384 : &p256;
        struct ota_package_want want = want_of(key);
        for (size_t b = 0; b < sizeof bodies / sizeof *bodies; b++) {
            size_t len = test_package_whole(file, sizeof file, body, bodies[b], component, 9, 2, key);
            for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
                assert_int_equal(stream(&want, file, len, pieces[i]), OTA_OK);
                assert_int_equal(out.body_len, (bodies[b] + 3) / 4 * 4);
                assert_int_equal(out.length, len);
                assert_int_equal(out.image[3], 9);
            }
        }
    }
}

static void pieces_of_nothing(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    size_t len = test_package_whole(file, sizeof file, body, sizeof body, component, 9, 2, &p256);
    assert_int_equal(ota_package_verify_begin(&v, &crypto, &want, &fault), OTA_OK);
    assert_int_equal(ota_package_verify_add(&v, file, 0), OTA_OK);
    assert_int_equal(ota_package_verify_add(&v, file, len), OTA_OK);
    assert_int_equal(ota_package_verify_add(&v, NULL, 0), OTA_OK);
    assert_int_equal(ota_package_verify_end(&v, &out), OTA_OK);
}

/* Every bit of the file; with the slower kind of key, one of each byte. */
static void every_bit_flipped(void **state)
{
    unsigned flips = 0;

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct test_key *key = k ? &p384 : &p256;
        struct ota_package_want want = want_of(key);
        size_t len = test_package_whole(file, sizeof file, body, 8, component, 9, 2, key);
        for (size_t bit = 0; bit < len * 8; bit += k ? 9 : 1, flips++) {
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ota_err err = stream(&want, file, len, len);
            assert_int_equal(ota_err_class(err), OTA_CLASS_REJECT);
            assert_int_equal(fault.err, err);
            assert_memory_equal(fault.where, "package.", 8);
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(stream(&want, file, len, len), OTA_OK);
    }
    assert_true(flips > 1900);
}

static void cut_and_longer(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    size_t len = test_package_whole(file, sizeof file, body, 1500, component, 9, 2, &p256);
    for (size_t n = len - 400; n <= len + 8; n++)
        assert_int_equal(stream(&want, file, n, 100) == OTA_OK, n == len);
}

static void refused(const struct ota_package_want *want, size_t len, ota_err err, const char *where)
{
    assert_int_equal(stream(want, file, len, 777), err);
    assert_int_equal(fault.err, err);
    assert_string_equal(fault.where, where);
}

static void keys_that_do_not_fit(void **state)
{
    struct ota_package_want want = want_of(&other);
    struct test_package t;

    (void)state;
    size_t len = test_package_whole(file, sizeof file, body, 100, component, 9, 2, &p256);
    refused(&want, len, OTA_REJECT_SIGNATURE, "package.signature");
    want = want_of(&p384);
    refused(&want, len, OTA_REJECT_KEY, "package.signature.type");
    len = test_package_whole(file, sizeof file, body, 100, component, 9, 2, &p384);
    want = want_of(&p256);
    refused(&want, len, OTA_REJECT_KEY, "package.signature.type");
    test_package_body(&t, file, sizeof file, body, 100);
    test_package_identity(&t, component, 9);
    test_package_sign(&t, &p256);
    refused(&want, t.len, OTA_REJECT_MISSING, "package.signature");
}

static void keys_that_are_none(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct ota_package_want bad = want;
        const struct ota_package_want *given = i == 5 ? NULL : &bad;
        if (i == 0)
            bad.key = NULL;
        else if (i == 1)
            bad.key_len--;
        else if (i == 2)
            bad.kind = OTA_KEY_RSA;
        else if (i == 3)
            bad.kind = OTA_KEY_P384;
        else
            bad.kind = OTA_KEY_ED25519;
        assert_int_equal(ota_package_verify_begin(&v, &crypto, given, &fault), OTA_USAGE_ARGUMENT);
        assert_string_equal(fault.where, "package.key");
        assert_int_equal(ota_package_verify_add(&v, body, 1), OTA_USAGE_STATE);
        assert_int_equal(ota_package_verify_end(&v, &out), OTA_USAGE_STATE);
        ota_package_verify_cancel(&v);
    }
    uint8_t off_curve[65];
    memcpy(off_curve, p256.public_key, sizeof off_curve);
    off_curve[40] ^= 1;
    want.key = off_curve;
    size_t len = test_package_whole(file, sizeof file, body, 100, component, 9, 2, &p256);
    refused(&want, len, OTA_REJECT_KEY, "package.key");
}

/* What is signed, and still not for this device. Then the next good one passes. */
static void not_for_this_device(void **state)
{
    static const uint8_t elsewhere[OTA_UID_LEN] = { 9 };
    static const struct ota_abi abi = { 4, 3 };
    struct ota_package_want want = want_of(&p256);

    (void)state;
    size_t len = test_package_whole(file, sizeof file, body, 100, elsewhere, 9, 2, &p256);
    refused(&want, len, OTA_REJECT_COMPONENT, "package.identity.component");
    len = test_package_whole(file, sizeof file, body, 100, component, 9, 1, &p256);
    refused(&want, len, OTA_REJECT_SECURITY, "package.security");
    len = test_package_whole(file, sizeof file, body, 100, component, 9, 2, &p256);
    want.provided = &abi;
    want.provided_count = 1;
    refused(&want, len, OTA_REJECT_REQUIRES, "package.abi_depends");
    want.provided = NULL;
    assert_int_equal(stream(&want, file, len, 777), OTA_OK);
}

static void crypto_fails(void **state)
{
    struct ota_package_want want = want_of(&p256);
    unsigned failed = 0;

    (void)state;
    size_t len = test_package_whole(file, sizeof file, body, sizeof body, component, 9, 2, &p256);
    for (fail_at = 1;; fail_at++) {
        ops_done = 0;
        ota_err err = stream(&want, file, len, 1500);
        assert_int_equal(open_hashes, 0);
        if (ops_done < fail_at)
            break;
        assert_int_equal(err, OTA_DEVICE_CRYPTO);
        assert_string_equal(fault.where, "crypto.hash");
        failed++;
    }
    assert_true(failed > 5);
    fail_at = 0;
    static const ota_err answers[] = { OTA_DEVICE_CRYPTO, OTA_AGAIN, OTA_RETRY_NETWORK, OTA_USAGE_STATE };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        verify_says = answers[i];
        refused(&want, len, OTA_DEVICE_CRYPTO, "package.signature");
    }
}

static void given_up(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    assert_int_equal(ota_package_verify_begin(&v, &crypto, &want, NULL), OTA_OK);
    assert_int_equal(open_hashes, 1);
    ota_package_verify_cancel(&v);
    ota_package_verify_cancel(&v);
    assert_int_equal(open_hashes, 0);
    assert_int_equal(ota_package_verify_end(&v, &out), OTA_USAGE_STATE);
}

/* ---- slots ---- */

static struct slot {
    struct ota_package_reader reader;
    uint8_t bytes[SLOT];
    unsigned reads, fail_at;
    ota_err fail_with;
} slot;

static ota_err slot_read(struct ota_package_reader *r, uint64_t off, void *to, size_t len, int32_t *port_code)
{
    assert_ptr_equal(r, &slot.reader);
    assert_true(off + len <= SLOT);
    if (++slot.reads == slot.fail_at) {
        *port_code = 5;
        return slot.fail_with;
    }
    memcpy(to, slot.bytes + off, len);
    return OTA_OK;
}

static const struct ota_package_reader_ops slot_ops = { slot_read };
static uint8_t buf[4096];

static ota_err find_within(const struct ota_package_want *want, size_t size, size_t cap)
{
    slot.reader.ops = &slot_ops;
    slot.reads = 0;
    memset(&fault, 0, sizeof fault);
    return ota_package_find(&v, &slot.reader, size, buf, cap, &crypto, want, &out, &fault);
}

static ota_err find(const struct ota_package_want *want)
{
    return find_within(want, SLOT, sizeof buf);
}

static size_t install(size_t body_len, uint8_t image, uint32_t security, const struct test_key *key)
{
    size_t len = test_package_whole(file, sizeof file, body, body_len, component, image, security, key);

    memcpy(slot.bytes, file, len);
    return len;
}

static void found_before_what_was_there(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    for (size_t cap = 512; cap <= sizeof buf; cap *= 2) {
        memset(slot.bytes, 0xff, SLOT);
        size_t older = install(5999, 1, 2, &p256);
        assert_int_equal(find_within(&want, SLOT, cap), OTA_OK);
        assert_int_equal(out.length, older);
        size_t newer = install(900, 2, 2, &p256);
        assert_int_equal(find_within(&want, SLOT, cap), OTA_OK);
        assert_int_equal(out.length, newer);
        assert_int_equal(out.image[0], 2);
        newer = install(5000, 3, 2, &p256);
        assert_int_equal(find_within(&want, SLOT, cap), OTA_OK);
        assert_int_equal(out.length, newer);
    }
}

static void fills_the_slot(void **state)
{
    struct ota_package_want want = want_of(&p384);

    (void)state;
    memset(slot.bytes, 0, SLOT);
    want.kind = OTA_KEY_P384;
    size_t len = install(3001, 1, 2, &p384);
    assert_int_equal(find_within(&want, len, 512), OTA_OK);
    assert_int_equal(find_within(&want, len - 1, 512), OTA_REJECT_MISSING);
    assert_string_equal(fault.where, "package.trailer");
    assert_int_equal(find_within(&want, 0, 512), OTA_REJECT_MISSING);
}

/* A package inside of the body, signed by the same key, is not what lies at the slot's start. */
static void package_in_a_package(void **state)
{
    struct ota_package_want want = want_of(&p256);
    uint8_t inner[2000];

    (void)state;
    size_t inner_len = test_package_whole(inner + 8, sizeof inner - 8, body, 500, component, 5, 9, &p256);
    memset(inner, 0, 8);
    memset(slot.bytes, 0xff, SLOT);
    size_t len = test_package_whole(slot.bytes, SLOT, inner, inner_len + 8, component, 6, 2, &p256);
    assert_int_equal(find(&want), OTA_OK);
    assert_int_equal(out.length, len);
    assert_int_equal(out.image[0], 6);
}

static void tampered_slots(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    memset(slot.bytes, 0xff, SLOT);
    size_t len = install(700, 1, 2, &p256);
    for (size_t bit = 0; bit < len * 8; bit += 41) {
        slot.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ota_err err = find(&want);
        assert_int_equal(ota_err_class(err), OTA_CLASS_REJECT);
        assert_memory_equal(fault.where, "package.", 8);
        slot.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(find(&want), OTA_OK);
}

static void says_what_is_wrong_with_what_was_signed(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    memset(slot.bytes, 0xff, SLOT);
    (void)install(5999, 1, 2, &p256);
    (void)install(900, 2, 1, &p256);
    assert_int_equal(find(&want), OTA_REJECT_SECURITY);
    assert_string_equal(fault.where, "package.security");
    (void)install(900, 2, 2, &other);
    assert_int_equal(find(&want), OTA_REJECT_SIGNATURE);
    (void)install(900, 2, 2, &p384);
    assert_int_equal(find(&want), OTA_REJECT_KEY);
    memset(slot.bytes, 0xff, SLOT);
    assert_int_equal(find(&want), OTA_REJECT_MISSING);
}

static void many_trailers(void **state)
{
    struct ota_package_want want = want_of(&p256);
    size_t at = 4;

    (void)state;
    memset(slot.bytes, 0xff, SLOT);
    for (unsigned n = 0; n < OTA_PACKAGE_FOUND_MAX; n++)
        at += test_package_whole(slot.bytes + at, SLOT - at, body, 0, component, 1, 2, &p256);
    assert_int_equal(find(&want), OTA_REJECT_SIGNATURE);
    (void)test_package_whole(slot.bytes + at, SLOT - at, body, 0, component, 1, 2, &p256);
    assert_int_equal(find(&want), OTA_REJECT_LIMIT);
    for (size_t i = 0; i + 4 <= SLOT; i += 4) /* magics without trailers cost little, and stop nothing */
        otai_put_le32(slot.bytes + i, OTAI_PACKAGE_MAGIC);
    assert_int_equal(find(&want), OTA_REJECT_MISSING);
}

/* Trailers that end beyond the slot, have no signature section, or no identity, are none. */
static void what_is_no_trailer(void **state)
{
    struct ota_package_want want = want_of(&p256);
    struct test_package t;

    (void)state;
    memset(slot.bytes, 0xff, SLOT);
    test_package_body(&t, slot.bytes, SLOT, body, 100);
    test_package_identity(&t, component, 1);
    test_package_sign(&t, &p256);
    assert_int_equal(find(&want), OTA_REJECT_MISSING);
    test_package_body(&t, slot.bytes, SLOT, body, 100);
    test_package_signature_section(&t, &p256);
    test_package_sign(&t, &p256);
    assert_int_equal(find(&want), OTA_REJECT_MISSING);
    size_t len = install(100, 1, 2, &p256);
    static const struct {
        size_t back;
        uint32_t v;
    } wrong[] = { { 68, 1 }, { 68, 0xffffffff }, { 0, 25 }, { 0, 6 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t where = wrong[i].back ? len - wrong[i].back : 104;
        uint32_t was = otai_get_le32(slot.bytes + where);
        otai_put_le32(slot.bytes + where, wrong[i].v);
        assert_int_equal(find(&want), OTA_REJECT_MISSING);
        otai_put_le32(slot.bytes + where, was);
    }
    otai_put_le16(slot.bytes + 110, 5000);
    assert_int_equal(find(&want), OTA_REJECT_MISSING);
}

static void slot_cannot_be_read(void **state)
{
    struct ota_package_want want = want_of(&p256);
    unsigned failed = 0;

    (void)state;
    memset(slot.bytes, 0xff, SLOT);
    (void)install(5000, 1, 2, &p256);
    for (slot.fail_at = 1;; slot.fail_at++, failed++) {
        slot.fail_with = slot.fail_at % 2 ? OTA_DEVICE_LOCKED : OTA_RETRY_BUSY;
        ota_err err = find(&want);
        if (slot.reads < slot.fail_at)
            break;
        assert_int_equal(err, slot.fail_at % 2 ? OTA_DEVICE_LOCKED : OTA_DEVICE_SLOT);
        assert_string_equal(fault.where, "slot.read");
        assert_int_equal(fault.port_code, 5);
        assert_int_equal(open_hashes, 0);
    }
    slot.fail_at = 0;
    assert_true(failed > 3);
    ops_done = 0;
    fail_at = 2;
    assert_int_equal(find(&want), OTA_DEVICE_CRYPTO);
    assert_string_equal(fault.where, "crypto.hash");
}

static void buffers_that_do_not_do(void **state)
{
    struct ota_package_want want = want_of(&p256);

    (void)state;
    assert_int_equal(find_within(&want, SLOT, 508), OTA_USAGE_ARGUMENT);
    assert_int_equal(find_within(&want, SLOT, 514), OTA_USAGE_ARGUMENT);
    (void)install(100, 1, 2, &p256);
    want.key = NULL;
    assert_int_equal(find(&want), OTA_USAGE_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(in_any_pieces, clean),
        cmocka_unit_test_teardown(pieces_of_nothing, clean),
        cmocka_unit_test_teardown(every_bit_flipped, clean),
        cmocka_unit_test_teardown(cut_and_longer, clean),
        cmocka_unit_test_teardown(keys_that_do_not_fit, clean),
        cmocka_unit_test_teardown(keys_that_are_none, clean),
        cmocka_unit_test_teardown(not_for_this_device, clean),
        cmocka_unit_test_teardown(crypto_fails, clean),
        cmocka_unit_test_teardown(given_up, clean),
        cmocka_unit_test_teardown(found_before_what_was_there, clean),
        cmocka_unit_test_teardown(fills_the_slot, clean),
        cmocka_unit_test_teardown(package_in_a_package, clean),
        cmocka_unit_test_teardown(tampered_slots, clean),
        cmocka_unit_test_teardown(says_what_is_wrong_with_what_was_signed, clean),
        cmocka_unit_test_teardown(many_trailers, clean),
        cmocka_unit_test_teardown(what_is_no_trailer, clean),
        cmocka_unit_test_teardown(slot_cannot_be_read, clean),
        cmocka_unit_test_teardown(buffers_that_do_not_do, clean),
    };

    return cmocka_run_group_tests(tests, make_keys, NULL);
}
