/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes, made here byte by byte so that each of them can be wrong. tests/contract/run_quote.c has a TPM's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "bytes.h"
#include "ota/posix.h"
#include "ota/quote.h"

static struct ota_posix_crypto posix;
static struct ota_crypto *crypto;
static psa_key_id_t ak_id, device_id;
static uint8_t ak[88], device_key[65], device_area[88];
static const uint8_t nonce[32] = "a challenge nobody has seen, 32.";
static uint8_t values[2][OTA_SHA256_LEN];
static struct ota_quote out;
static struct ota_fault fault;

struct bytes {
    uint8_t p[1024];
    size_t len;
};

static void put(struct bytes *b, uint64_t v, unsigned len)
{
    while (len-- > 0)
        b->p[b->len++] = (uint8_t)(v >> 8 * len);
}

static void put_all(struct bytes *b, const void *p, size_t len)
{
    if (len > 0)
        memcpy(b->p + b->len, p, len);
    b->len += len;
}

static void put_sized(struct bytes *b, const void *p, size_t len)
{
    put(b, len, 2);
    put_all(b, p, len);
}

static void sha256(const void *p, size_t len, uint8_t digest[32])
{
    size_t got;

    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, p, len, digest, 32, &got), 0);
}

static psa_key_id_t new_key(uint8_t public[65])
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    psa_key_id_t id;
    size_t len;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&attr, &id), 0);
    assert_int_equal(psa_export_public_key(id, public, 65, &len), 0);
    return id;
}

static void put_area(uint8_t area[88], const uint8_t public[65], uint32_t attributes)
{
    struct bytes b = { .len = 0 };

    put(&b, 0x0023000b, 4);
    put(&b, attributes, 4);
    put(&b, 0, 2);
    put(&b, 0x00100018, 4);
    put(&b, 0x000b0003, 4);
    put(&b, 0x0010, 2);
    put_sized(&b, public + 1, 32);
    put_sized(&b, public + 33, 32);
    assert_int_equal(b.len, 88);
    memcpy(area, b.p, 88);
}

static int set_up(void **state)
{
    uint8_t public[65];

    (void)state;
    assert_int_equal(ota_posix_crypto_open(&posix, NULL, NULL), OTA_OK);
    crypto = &posix.port;
    ak_id = new_key(public);
    put_area(ak, public, 0x00050472);
    device_id = new_key(device_key);
    put_area(device_area, device_key, 0x00040472);
    memset(values, 7, sizeof values);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    psa_destroy_key(ak_id);
    psa_destroy_key(device_id);
    return 0;
}

/* ---- what a TPM writes ---- */

struct quote {
    uint32_t magic, banks;
    uint16_t kind, bank, sig_alg, sig_hash;
    uint8_t select_len, safe;
    uint32_t registers;
    size_t nonce_len;
    const uint8_t *name; /* of a certified key */
    size_t cut;          /* bytes that its name, or the registers' digest, is short of */
    size_t tail;         /* bytes behind the end of what is signed */
};

static const struct quote good = { .magic = 0xff544347, .banks = 1, .kind = 0x8018, .bank = 0x000b, .sig_alg = 0x0018, .sig_hash = 0x000b,
                                   .select_len = 3, .safe = 1, .registers = 1u << 14 | 1u << 23, .nonce_len = 32 };

static void put_attested(struct bytes *a, const struct quote *q)
{
    uint8_t digest[32];

    if (q->name) {
        put_sized(a, q->name, OTA_TPM_NAME_LEN - q->cut);
        put_sized(a, "qualified", 9);
        return;
    }
    put(a, q->banks, 4);
    put(a, q->bank, 2);
    put(a, q->select_len, 1);
    for (unsigned i = 0; i < q->select_len; i++)
        put(a, i < 4 ? q->registers >> 8 * i & 0xff : 0, 1);
    sha256(values, sizeof values, digest);
    put_sized(a, digest, sizeof digest - q->cut);
}

static void sign(struct bytes *all, const struct bytes *attest, const struct quote *q, psa_key_id_t id)
{
    uint8_t digest[32], sig[64];
    size_t len;

    sha256(attest->p, attest->len, digest);
    assert_int_equal(psa_sign_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, sig, 64, &len), 0);
    all->len = 0;
    put_sized(all, attest->p, attest->len);
    put(all, q->sig_alg, 2);
    put(all, q->sig_hash, 2);
    put_sized(all, sig, 32);
    put_sized(all, sig + 32, 32);
}

static void make(struct bytes *all, const struct quote *q)
{
    struct bytes a = { .len = 0 };

    put(&a, q->magic, 4);
    put(&a, q->kind, 2);
    put_sized(&a, "\x00\x0bqualified signer", 18);
    put_sized(&a, nonce, q->nonce_len);
    put(&a, 123456, 8);
    put(&a, 17, 4);
    put(&a, 3, 4);
    put(&a, q->safe, 1);
    put(&a, UINT64_C(0x2019102300000000), 8);
    put_attested(&a, q);
    put_all(&a, "tail", q->tail);
    sign(all, &a, q, ak_id);
}

static struct ota_quote_check check_of(const struct bytes *q)
{
    return (struct ota_quote_check){ q->p,         q->len,         ak, sizeof ak, nonce, sizeof nonce, good.registers,
                                     (const uint8_t(*)[32])values, NULL };
}

static ota_err verify(const struct ota_quote_check *k)
{
    memset(&fault, 0, sizeof fault);
    memset(&out, 0xa5, sizeof out);
    return ota_quote_verify(k, crypto, &out, &fault);
}

static void is_refused(const struct ota_quote_check *k, ota_err err, const char *where)
{
    static const struct ota_quote none;

    assert_int_equal(verify(k), err);
    assert_int_equal(fault.err, err);
    assert_string_equal(fault.where, where);
    assert_memory_equal(&out, &none, sizeof none);
}

static void made_so(const struct quote *q, ota_err err, const char *where)
{
    struct bytes b;

    make(&b, q);
    struct ota_quote_check k = check_of(&b);
    is_refused(&k, err, where);
}

/* ---- tests ---- */

static void a_good_quote(void **state)
{
    struct bytes b;
    struct quote q = good;

    (void)state;
    make(&b, &good);
    struct ota_quote_check k = check_of(&b);
    assert_int_equal(verify(&k), OTA_OK);
    assert_int_equal(out.clock_ms, 123456);
    assert_int_equal(out.resets, 17);
    assert_int_equal(out.restarts, 3);
    assert_true(out.clock_safe);
    assert_int_equal(out.firmware, UINT64_C(0x2019102300000000));
    q.safe = 0;
    make(&b, &q);
    k = check_of(&b);
    assert_int_equal(verify(&k), OTA_OK);
    assert_false(out.clock_safe);
    assert_int_equal(ota_quote_verify(&k, crypto, &out, NULL), OTA_OK);
}

static void a_certified_key(void **state)
{
    uint8_t name[OTA_TPM_NAME_LEN], other[OTA_TPM_NAME_LEN], area[88];
    struct quote q = good;
    struct bytes b;

    (void)state;
    assert_int_equal(ota_tpm_name(crypto, device_area, sizeof device_area, name), OTA_OK);
    q.kind = 0x8017;
    q.name = name;
    make(&b, &q);
    struct ota_quote_check k = check_of(&b);
    k.registers = 0;
    k.values = NULL;
    k.key = device_key;
    assert_int_equal(verify(&k), OTA_OK);
    /* the same point, but a key that could leave its TPM: another name */
    put_area(area, device_key, 0x00040470);
    assert_int_equal(ota_tpm_name(crypto, area, sizeof area, other), OTA_OK);
    q.name = other;
    make(&b, &q);
    k.len = b.len;
    is_refused(&k, OTA_REJECT_HASH, "quote.key");
    q.name = name;
    q.cut = 1;
    make(&b, &q);
    k.len = b.len;
    is_refused(&k, OTA_REJECT_HASH, "quote.key");
    q.cut = 0;
    q.tail = 1;
    make(&b, &q);
    k.len = b.len;
    is_refused(&k, OTA_REJECT_SYNTAX, "quote.key");
    q.tail = 0;
    q.kind = 0x8018;
    make(&b, &q);
    k.len = b.len;
    is_refused(&k, OTA_REJECT_SPEC, "quote");
}

static void cut_at_every_byte(void **state)
{
    struct bytes b;
    unsigned tried = 0;

    (void)state;
    make(&b, &good);
    for (size_t len = 0; len < b.len; len++, tried++) {
        uint8_t *cut = malloc(len + !len); /* so that a byte read behind it is noticed */
        struct ota_quote_check k = check_of(&b);

        memcpy(cut, b.p, len);
        k.quote = cut;
        k.len = len;
        is_refused(&k, OTA_REJECT_SYNTAX, "quote");
        free(cut);
    }
    assert_true(tried > 200);
    b.p[b.len++] = 0;
    struct ota_quote_check k = check_of(&b);
    is_refused(&k, OTA_REJECT_SYNTAX, "quote");
}

/* What is signed, cut and signed again: a key that is not restricted would do it. */
static void cut_before_it_was_signed(void **state)
{
    struct bytes b, inner;

    (void)state;
    make(&b, &good);
    size_t whole = (size_t)b.p[0] << 8 | b.p[1];
    for (size_t len = 0; len < whole; len += len > 60 && len < whole - 60 ? 2u : 1u) { /* the numbers in the middle are alike */
        inner.len = 0;
        put_all(&inner, b.p + 2, len);
        struct bytes again;
        sign(&again, &inner, &good, ak_id);
        struct ota_quote_check k = check_of(&again);
        assert_int_equal(verify(&k), OTA_REJECT_SYNTAX);
    }
}

/* A bit of every byte, each time another one. */
static void any_byte_of_it(void **state)
{
    struct bytes b;

    (void)state;
    make(&b, &good);
    for (size_t i = 0; i < b.len; i++) {
        b.p[i] ^= (uint8_t)(1u << i % 8);
        struct ota_quote_check k = check_of(&b);
        ota_err err = verify(&k);
        assert_true(err == OTA_REJECT_SIGNATURE || err == OTA_REJECT_SYNTAX || err == OTA_REJECT_SPEC);
        b.p[i] ^= (uint8_t)(1u << i % 8);
    }
}

static void what_it_is_of(void **state)
{
    struct quote q = good;

    (void)state;
    q.magic = 0xff544348;
    made_so(&q, OTA_REJECT_SPEC, "quote");
    q = good, q.kind = 0x8017;
    made_so(&q, OTA_REJECT_SPEC, "quote");
    q = good, q.kind = 0x801a;
    made_so(&q, OTA_REJECT_SPEC, "quote");
    q = good, q.sig_alg = 0x0014;
    made_so(&q, OTA_REJECT_SPEC, "quote");
    q = good, q.sig_hash = 0x000c;
    made_so(&q, OTA_REJECT_SPEC, "quote");
    q = good, q.banks = 2;
    made_so(&q, OTA_REJECT_SCOPE, "quote.registers");
    q = good, q.banks = 0;
    made_so(&q, OTA_REJECT_SCOPE, "quote.registers");
    q = good, q.bank = 0x0004;
    made_so(&q, OTA_REJECT_SCOPE, "quote.registers");
    q = good, q.select_len = 5;
    made_so(&q, OTA_REJECT_SCOPE, "quote.registers");
    q = good, q.select_len = 2;
    made_so(&q, OTA_REJECT_SCOPE, "quote.registers");
    q = good, q.registers = 1u << 14;
    made_so(&q, OTA_REJECT_SCOPE, "quote.registers");
    q = good, q.registers |= 1;
    made_so(&q, OTA_REJECT_SCOPE, "quote.registers");
    q = good, q.tail = 1;
    made_so(&q, OTA_REJECT_SYNTAX, "quote.registers");
    q = good, q.cut = 1;
    made_so(&q, OTA_REJECT_HASH, "quote.registers");
    q = good, q.nonce_len = 31;
    made_so(&q, OTA_REJECT_NONCE, "quote.nonce");
}

/* An answer to a challenge of before. */
static void a_nonce_replayed(void **state)
{
    uint8_t fresh[32] = "this is the next challenge......";
    struct bytes b;

    (void)state;
    make(&b, &good);
    struct ota_quote_check k = check_of(&b);
    k.nonce = fresh;
    is_refused(&k, OTA_REJECT_NONCE, "quote.nonce");
}

static void other_values(void **state)
{
    uint8_t other[2][OTA_SHA256_LEN];
    struct bytes b;

    (void)state;
    make(&b, &good);
    memcpy(other, values, sizeof other);
    struct ota_quote_check k = check_of(&b);
    k.values = (const uint8_t(*)[32])other;
    assert_int_equal(verify(&k), OTA_OK);
    other[1][31] ^= 1;
    is_refused(&k, OTA_REJECT_HASH, "quote.registers");
}

static void other_keys(void **state)
{
    static const uint32_t attributes[] = { 0x00040472, 0x00050470, 0x00050452, 0x00050462, 0x00010472, 0x00070472 };
    uint8_t public[65], area[90];
    psa_key_id_t id = new_key(public);
    struct bytes b;

    (void)state;
    make(&b, &good);
    struct ota_quote_check k = check_of(&b);
    k.ak = area;
    put_area(area, public, 0x00050472);
    is_refused(&k, OTA_REJECT_SIGNATURE, "quote");
    public[0] = 4;
    memcpy(public + 1, ak + 22, 32);
    memcpy(public + 33, ak + 56, 32);
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        put_area(area, public, attributes[i]); /* not restricted, may leave, made elsewhere, ... */
        is_refused(&k, OTA_REJECT_KEY, "quote");
    }
    put_area(area, public, 0x00050472);
    assert_int_equal(verify(&k), OTA_OK);
    for (size_t len = 0; len < 88; len++) {
        k.ak_len = len;
        is_refused(&k, OTA_REJECT_KEY, "quote");
    }
    area[88] = 0;
    k.ak_len = 89;
    is_refused(&k, OTA_REJECT_KEY, "quote");
    k.ak_len = 88;
    for (size_t i = 0; i < 88; i++) { /* any byte of the form; of the point: no such point, or another key */
        area[i] ^= 0x40;
        ota_err err = verify(&k);
        if (i != 4 && i != 5 && i != 6 && i != 7) /* attributes that do not matter */
            assert_true(err == OTA_REJECT_KEY || err == OTA_REJECT_SIGNATURE);
        area[i] ^= 0x40;
    }
    /* numbers that are shorter than the curve's, and one of nothing */
    const uint8_t y[33] = { 0 };
    struct bytes odd = { .len = 0 };
    put_all(&odd, ak, 20);
    put_sized(&odd, ak + 22, 31);
    put_sized(&odd, y, sizeof y);
    k.ak = odd.p;
    k.ak_len = odd.len;
    is_refused(&k, OTA_REJECT_KEY, "quote");
    odd.len = 0;
    put_all(&odd, ak, 20);
    put_sized(&odd, ak + 22, 32);
    put_sized(&odd, ak + 56, 31);
    k.ak_len = odd.len;
    is_refused(&k, OTA_REJECT_KEY, "quote");
    psa_destroy_key(id);
}

/* TPMs leave out zeros in front of r and s. */
static void short_numbers_in_signatures(void **state)
{
    struct bytes b, c;
    bool found = false;

    (void)state;
    for (int i = 0; i < 20000 && !found; i++) {
        make(&b, &good);
        size_t r = 2 + ((size_t)b.p[0] << 8 | b.p[1]) + 4;
        if (b.p[r + 2] != 0)
            continue;
        c.len = 0;
        put_all(&c, b.p, r);
        put_sized(&c, b.p + r + 3, 31);
        put_all(&c, b.p + r + 34, b.len - r - 34);
        found = true;
    }
    assert_true(found);
    struct ota_quote_check k = check_of(&c);
    assert_int_equal(verify(&k), OTA_OK);
    c.p[2 + ((size_t)c.p[0] << 8 | c.p[1]) + 5] = 0; /* a number of no bytes: the rest does not fit either */
    is_refused(&k, OTA_REJECT_SYNTAX, "quote");
}

/* ---- hashes that fail ---- */

static unsigned hashes_left;
static ota_err failing_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    if (hashes_left-- == 0)
        return OTA_DEVICE_CRYPTO;
    return posix.port.ops->hash_start(c, h, alg);
}

static void without_a_hash(void **state)
{
    struct ota_crypto_ops broken = *posix.port.ops;
    struct ota_crypto no_crypto = { &broken };
    uint8_t name[OTA_TPM_NAME_LEN];
    struct quote q = good;
    struct bytes b;

    (void)state;
    broken.hash_start = failing_start;
    make(&b, &good);
    struct ota_quote_check k = check_of(&b);
    for (unsigned n = 0; n < 3; n++) {
        hashes_left = n;
        assert_int_equal(ota_quote_verify(&k, &no_crypto, &out, &fault), n < 2 ? OTA_DEVICE_CRYPTO : OTA_OK);
    }
    assert_int_equal(ota_tpm_name(crypto, device_area, sizeof device_area, name), OTA_OK);
    q.kind = 0x8017;
    q.name = name;
    make(&b, &q);
    k = check_of(&b);
    k.registers = 0;
    k.key = device_key;
    for (unsigned n = 0; n < 3; n++) {
        hashes_left = n;
        assert_int_equal(ota_quote_verify(&k, &no_crypto, &out, &fault), n < 2 ? OTA_DEVICE_CRYPTO : OTA_OK);
    }
}

/* ---- the log ---- */

static void a_log_that_was_altered(void **state)
{
    struct ota_measurement m = { .kind = OTA_MEASURED_BOOT, .name = "supervisor", .version = "1" };
    struct ota_attest_log log = { 0 }, bad;
    struct ota_crypto_ops broken = *posix.port.ops;
    struct ota_crypto no_crypto = { &broken };

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        m.kind = (enum ota_measured)(i + 1);
        m.digest[5] = i;
        assert_int_equal(ota_attest_extend(&log, crypto, &m), OTA_OK);
    }
    assert_int_equal(ota_attest_replay(&log, crypto), OTA_OK);
    bad = log, bad.entry[1].digest[0] ^= 1;
    assert_int_equal(ota_attest_replay(&bad, crypto), OTA_REJECT_HASH);
    bad = log, bad.entry[0].version[0] = '2';
    assert_int_equal(ota_attest_replay(&bad, crypto), OTA_REJECT_HASH);
    bad = log, bad.entry[0] = log.entry[1], bad.entry[1] = log.entry[0];
    assert_int_equal(ota_attest_replay(&bad, crypto), OTA_REJECT_HASH);
    bad = log, bad.count--;
    assert_int_equal(ota_attest_replay(&bad, crypto), OTA_REJECT_HASH);
    bad = log, bad.entry[2] = log.entry[1];
    assert_int_equal(ota_attest_replay(&bad, crypto), OTA_REJECT_VALUE);
    bad = log, bad.count = OTA_ATTEST_LOG_MAX + 1;
    assert_int_equal(ota_attest_replay(&bad, crypto), OTA_REJECT_VALUE);
    bad = log, bad.chain[0] ^= 1;
    assert_int_equal(ota_attest_replay(&bad, crypto), OTA_REJECT_HASH);
    broken.hash_start = failing_start;
    hashes_left = 0;
    assert_int_equal(ota_attest_replay(&log, &no_crypto), OTA_DEVICE_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_quote),
        cmocka_unit_test(a_certified_key),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(cut_before_it_was_signed),
        cmocka_unit_test(any_byte_of_it),
        cmocka_unit_test(what_it_is_of),
        cmocka_unit_test(a_nonce_replayed),
        cmocka_unit_test(other_values),
        cmocka_unit_test(other_keys),
        cmocka_unit_test(short_numbers_in_signatures),
        cmocka_unit_test(without_a_hash),
        cmocka_unit_test(a_log_that_was_altered),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
