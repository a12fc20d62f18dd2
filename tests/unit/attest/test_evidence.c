/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence in both forms: what is written is read back; what is bad is not written; every byte of it counts. */
#include "evidence.h"

/* A crypto service that fails when it is told to. */
static unsigned fail_at, calls; /* the call that fails; 0 = none */

static bool fails(void)
{
    return ++calls == fail_at;
}

static ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    return fails() ? OTA_DEVICE_CRYPTO : posix.port.ops->hash_start(&posix.port, h, alg);
}

static ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return fails() ? OTA_DEVICE_CRYPTO : posix.port.ops->hash_add(&posix.port, h, data, len);
}

static ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    bool failed = out && fails();
    ota_err err = posix.port.ops->hash_end(&posix.port, h, out);

    (void)c;
    return failed ? OTA_DEVICE_CRYPTO : err;
}

static ota_err verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *k, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c;
    return fails() ? OTA_DEVICE_CRYPTO : posix.port.ops->verify(&posix.port, alg, kind, k, key_len, hash, hash_len, sig, sig_len);
}

static const struct ota_crypto_ops ops = { hash_start, hash_add, hash_end, verify, NULL };
static struct ota_crypto failing = { &ops };

static void what_is_written_is_read_back(void **state)
{
    static const size_t nonces[] = { 32, 48, 64 };

    (void)state;
    FORMS
    for (size_t n = 0; n < 3; n++)
        for (size_t seed = 0; seed <= OTA_ATTEST_SEED_MAX; seed += 8)
            for (int entries = 0; entries < 2; entries++) {
                struct ota_claims c = some_claims();
                struct ota_attest_log log = { 0 };

                if (entries)
                    log = some_log();
                c.nonce_len = nonces[n];
                memcpy(c.nonce, nonce, c.nonce_len);
                memset(c.boot_seed, seed ? 0xc3 : 0, seed);
                memset(c.boot_seed + seed, 0, sizeof c.boot_seed - seed);
                c.boot_seed_len = seed;
                c.client_id = n ? 17 : INT32_MIN + 1;
                const struct ota_attest_check k = check_of(form, write_token(form, &c, &log), c.nonce_len);
                assert_int_equal(ota_attest_verify(&k, crypto, &claims, &read_log, &fault), OTA_OK);
                assert_memory_equal(&claims, &c, sizeof c);
                assert_memory_equal(&read_log, &log, sizeof log);
            }
}

static void a_full_log_is_read_back(void **state)
{
    struct ota_attest_log log = { 0 };
    struct ota_claims c = some_claims();

    (void)state;
    for (int i = 0; i < OTA_ATTEST_LOG_MAX; i++) {
        char name[OTA_NAME_MAX];
        snprintf(name, sizeof name, "component-with-a-long-name-%02d", i);
        struct ota_measurement m = measurement(OTA_MEASURED_IMAGE, name, "0123456789012345678901234567890", 9);
        assert_int_equal(ota_attest_extend(&log, crypto, &m), OTA_OK);
    }
    struct ota_measurement more = measurement(OTA_MEASURED_IMAGE, "one-more", "1", 9);
    const struct ota_attest_log before = log;
    assert_int_equal(ota_attest_extend(&log, crypto, &more), OTA_REJECT_LIMIT);
    assert_memory_equal(&log, &before, sizeof log);
    FORMS
    assert_int_equal(read_token(form, write_token(form, &c, &log)), OTA_OK);
    assert_memory_equal(&read_log, &log, sizeof log);
}

static void the_register_is_that_of_a_tpm(void **state)
{
    /* SHA-256(32 zero bytes, SHA-256(entry)), by hand. */
    struct ota_measurement m = measurement(OTA_MEASURED_IMAGE, "os", "1", 7);
    struct ota_attest_log log = { 0 };
    uint8_t digest[32], both[64] = { 0 }, chain[32];
    size_t len;

    (void)state;
    assert_int_equal(ota_attest_digest(crypto, &m, digest), OTA_OK);
    memcpy(both + 32, digest, 32);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, both, sizeof both, chain, sizeof chain, &len), PSA_SUCCESS);
    assert_int_equal(ota_attest_extend(&log, crypto, &m), OTA_OK);
    assert_memory_equal(log.chain, chain, sizeof chain);
}

static void names_are_told(void **state)
{
    (void)state;
    assert_string_equal(ota_strength_name(OTA_STRENGTH_SOFT), "soft");
    assert_string_equal(ota_strength_name(OTA_STRENGTH_HW), "hw");
    assert_string_equal(ota_strength_name((enum ota_strength)99), "none");
    assert_string_equal(ota_measured_name(OTA_MEASURED_TRUST), "trust");
    assert_string_equal(ota_measured_name((enum ota_measured)99), "none");
}

/* ---- what a writer refuses ---- */

static void bad_measurements_are_refused(void **state)
{
    const struct ota_measurement good = measurement(OTA_MEASURED_IMAGE, "os", "1", 2);
    struct ota_attest_log log = { 0 };
    struct ota_measurement m;
    uint8_t digest[32];

    (void)state;
#define REFUSED(change)                                                                                                          \
    do {                                                                                                                         \
        m = good;                                                                                                                \
        change;                                                                                                                  \
        assert_int_equal(ota_attest_extend(&log, crypto, &m), OTA_USAGE_ARGUMENT);                                               \
        assert_int_equal(ota_attest_digest(crypto, &m, digest), OTA_USAGE_ARGUMENT);                                             \
        assert_int_equal(log.count, 0);                                                                                          \
    } while (0)
    REFUSED(m.kind = 0);
    REFUSED(m.kind = 5);
    REFUSED(m.name[0] = '\0');
    REFUSED(m.name[0] = 'O');
    REFUSED(m.name[0] = '/');
    REFUSED(memset(m.name, 'a', sizeof m.name));
    REFUSED(m.version[0] = '"');
    REFUSED(m.version[0] = '\\');
    REFUSED(m.version[0] = '\x7f');
    REFUSED(m.version[0] = '\n');
    REFUSED(memset(m.version, 'a', sizeof m.version));
#undef REFUSED
    m = good;
    assert_int_equal(ota_attest_extend(&log, crypto, &m), OTA_OK);
    assert_int_equal(ota_attest_extend(&log, crypto, &m), OTA_USAGE_ARGUMENT); /* measured already */
    assert_int_equal(log.count, 1);
}

static void bad_claims_are_not_written(void **state)
{
    const struct ota_claims good = some_claims();
    struct ota_attest_log log = some_log();
    size_t len;

    (void)state;
#define REFUSED(change, place)                                                                                                   \
    do {                                                                                                                         \
        struct ota_claims c = good;                                                                                              \
        change;                                                                                                                  \
        FORMS                                                                                                                    \
        {                                                                                                                        \
            assert_int_equal(writer_of(form)(&c, &log, &signer, crypto, token, sizeof token, &len, &fault), OTA_USAGE_ARGUMENT); \
            assert_string_equal(fault.where, place);                                                                             \
            assert_int_equal(len, 0);                                                                                            \
        }                                                                                                                        \
    } while (0)
    REFUSED(c.nonce_len = 0, "claims.nonce");
    REFUSED(c.nonce_len = 33, "claims.nonce");
    REFUSED(c.instance[0] = 2, "claims.instance");
    REFUSED(c.client_id = 0, "claims.client_id");
    REFUSED(c.boot_seed_len = 7, "claims.boot_seed");
    REFUSED(c.boot_seed_len = 33, "claims.boot_seed");
    REFUSED(c.strength = 0, "claims.strength");
    REFUSED(c.strength = 4, "claims.strength");
    REFUSED(c.lifecycle = 0x6100, "claims.lifecycle");
    REFUSED(c.strength = OTA_STRENGTH_SOFT, "claims.lifecycle"); /* soft, and secured? */
    log.entry[1].name[0] = '\0';
    REFUSED((void)c, "claims.log");
    log = some_log();
    log.count = OTA_ATTEST_LOG_MAX + 1;
    REFUSED((void)c, "claims.log");
#undef REFUSED
}

static void a_buffer_too_small_is_said_with_its_length(void **state)
{
    const struct ota_claims c = some_claims();
    const struct ota_attest_log log = some_log();

    (void)state;
    FORMS
    {
        size_t all = write_token(form, &c, &log), len;

        for (size_t cap = 0; cap < all; cap += cap < 40 ? 1 : 37) {
            memset(token, 0xee, sizeof token);
            assert_int_equal(writer_of(form)(&c, &log, &signer, crypto, token, cap, &len, &fault), OTA_USAGE_MEMORY);
            assert_int_equal(len, all);
            for (size_t i = cap; i < sizeof token; i++)
                assert_int_equal(token[i], 0xee);
        }
        assert_int_equal(writer_of(form)(&c, &log, &signer, crypto, token, all, &len, &fault), OTA_OK);
    }
}

static void a_failing_service_is_told_apart(void **state)
{
    const struct ota_claims c = some_claims();
    const struct ota_attest_log log = some_log();

    (void)state;
    FORMS
    {
        ota_err err = OTA_DEVICE_CRYPTO;
        size_t len = 0;
        unsigned n = 0;

        fail_sign = true;
        assert_int_equal(writer_of(form)(&c, &log, &signer, crypto, token, sizeof token, &len, &fault), OTA_DEVICE_CRYPTO);
        fail_sign = false;
        while (err != OTA_OK) {
            calls = 0, fail_at = ++n;
            err = writer_of(form)(&c, &log, &signer, &failing, token, sizeof token, &len, &fault);
            assert_true(err == OTA_OK || err == OTA_DEVICE_CRYPTO);
        }
        assert_true(n > 3);
        const struct ota_attest_check k = check_of(form, len, 32);
        for (err = OTA_DEVICE_CRYPTO, n = 0; err != OTA_OK;) {
            calls = 0, fail_at = ++n;
            err = ota_attest_verify(&k, &failing, &claims, &read_log, &fault);
            assert_true(err == OTA_OK || err == OTA_DEVICE_CRYPTO);
            if (err != OTA_OK)
                is_nothing();
        }
        assert_true(n > 30); /* every measurement is hashed again */
    }
    fail_at = 0;
}

/* ---- what a verifier refuses ---- */

static void every_byte_counts(void **state)
{
    const struct ota_claims c = some_claims();
    const struct ota_attest_log log = some_log();

    (void)state;
    FORMS
    {
        size_t len = write_token(form, &c, &log), refused = 0;

        for (size_t i = 0; i < len; i++) { /* another byte, and cut short there */
            uint8_t was = token[i];
            token[i] ^= 1;
            /* The unprotected header of COSE is nobody's: an empty map made another empty thing. */
            if (read_token(form, len) != OTA_OK) {
                refused++;
                is_nothing();
            }
            token[i] = was;
            assert_int_not_equal(read_token(form, i), OTA_OK);
        }
        assert_true(refused >= len - 1);
        token[len] = 0;
        assert_int_not_equal(read_token(form, len + 1), OTA_OK);
        assert_int_equal(read_token(form, len), OTA_OK);
    }
}

static void another_challenge_or_device_is_refused(void **state)
{
    static const uint8_t other[64] = { 1 };
    struct ota_claims c = some_claims();
    const struct ota_attest_log log = some_log();

    (void)state;
    FORMS
    {
        struct ota_attest_check k = check_of(form, write_token(form, &c, &log), 32);
        k.nonce = other;
        assert_int_equal(ota_attest_verify(&k, crypto, &claims, &read_log, &fault), OTA_REJECT_NONCE);
        assert_string_equal(fault.where, "evidence.nonce");
        is_nothing();
        k = check_of(form, k.len, 48); /* the right bytes, but more are wanted */
        assert_int_equal(ota_attest_verify(&k, crypto, &claims, &read_log, &fault), OTA_REJECT_NONCE);
        k = check_of(form, k.len, 32);
        uint8_t stranger[65];
        memcpy(stranger, public, sizeof stranger);
        memset(stranger + 1, 0x11, 64);
        k.key = stranger;
        assert_int_equal(ota_attest_verify(&k, crypto, &claims, &read_log, &fault), OTA_REJECT_KEY);
        c.instance[5] ^= 1; /* signed by this key, in another's name */
        assert_int_equal(read_token(form, write_token(form, &c, &log)), OTA_REJECT_SCOPE);
        assert_string_equal(fault.where, "evidence.instance");
        is_nothing();
        c.instance[5] ^= 1;
    }
}

static void a_form_or_memory_that_is_none_is_refused(void **state)
{
    const struct ota_claims c = some_claims();
    const struct ota_attest_log log = some_log();
    struct ota_attest_check k = check_of(OTA_TOKEN_JWT, write_token(OTA_TOKEN_JWT, &c, &log), 32);

    (void)state;
    k.work_len = k.len - 1;
    assert_int_equal(ota_attest_verify(&k, crypto, &claims, &read_log, &fault), OTA_USAGE_MEMORY);
    k.form = 0;
    assert_int_equal(ota_attest_verify(&k, crypto, &claims, &read_log, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "form");
    k.form = OTA_TOKEN_COSE; /* text is no COSE */
    assert_int_equal(ota_attest_verify(&k, crypto, &claims, &read_log, &fault), OTA_REJECT_TYPE);
}

/* ---- appraisal ---- */

static struct ota_reference reference(enum ota_measured kind, const char *name, uint8_t fill, bool required)
{
    struct ota_reference r = { .kind = kind, .name = name, .required = required };

    memset(r.digest, fill, sizeof r.digest);
    return r;
}

static void a_log_is_compared_with_what_was_released(void **state)
{
    struct ota_reference refs[] = {
        reference(OTA_MEASURED_BOOT, "supervisor", 1, true),
        reference(OTA_MEASURED_IMAGE, "os", 9, true), /* another release */
        reference(OTA_MEASURED_IMAGE, "os", 2, true),
    };
    struct ota_attest_log log = some_log();

    (void)state;
    assert_int_equal(ota_attest_appraise(&log, refs, 3, &fault), OTA_OK); /* config and trust need no reference */
    refs[2].digest[31] ^= 1;
    assert_int_equal(ota_attest_appraise(&log, refs, 3, &fault), OTA_REJECT_HASH);
    assert_string_equal(fault.where, "image/os");
    assert_int_equal(ota_attest_appraise(&log, refs, 1, &fault), OTA_REJECT_TARGET);
    assert_string_equal(fault.where, "image/os");
    assert_int_equal(ota_attest_appraise(&log, refs + 1, 2, &fault), OTA_REJECT_TARGET);
    assert_string_equal(fault.where, "boot/supervisor");
    log.count = 1;
    assert_int_equal(ota_attest_appraise(&log, refs, 3, &fault), OTA_REJECT_MISSING);
    assert_string_equal(fault.where, "image/os");
    refs[1].required = refs[2].required = false;
    assert_int_equal(ota_attest_appraise(&log, refs, 3, &fault), OTA_OK);
    refs[2] = reference(OTA_MEASURED_IMAGE, "a-name-that-is-much-too-long-for-a-log", 1, true);
    assert_int_equal(ota_attest_appraise(&log, refs, 3, &fault), OTA_REJECT_MISSING);
    log = some_log();
    refs[1] = reference(OTA_MEASURED_CONFIG, "agent", 4, false);
    refs[2] = reference(OTA_MEASURED_IMAGE, "os", 2, false);
    assert_int_equal(ota_attest_appraise(&log, refs, 3, &fault), OTA_REJECT_HASH); /* but with one it must be right */
    assert_string_equal(fault.where, "config/agent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_full_log_is_read_back),
        cmocka_unit_test(the_register_is_that_of_a_tpm),
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(bad_measurements_are_refused),
        cmocka_unit_test(bad_claims_are_not_written),
        cmocka_unit_test(a_buffer_too_small_is_said_with_its_length),
        cmocka_unit_test(a_failing_service_is_told_apart),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(another_challenge_or_device_is_refused),
        cmocka_unit_test(a_form_or_memory_that_is_none_is_refused),
        cmocka_unit_test(a_log_is_compared_with_what_was_released),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
