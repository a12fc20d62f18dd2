/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that fail under the client, one call at a time: named, waited for, and over with the next try. */
#define _GNU_SOURCE /* memmem */
#include "device_kit.h"

/* ---- crypto whose n-th hash, or every random number, fails ---- */

static struct bad_crypto {
    struct ota_crypto port;
    unsigned fail_at, hashes;
    bool no_random;
} bad_crypto;

static ota_err bad_hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    return ++bad_crypto.hashes == bad_crypto.fail_at ? OTA_DEVICE_CRYPTO : crypto.port.ops->hash_start(&crypto.port, h, alg);
}

static ota_err bad_hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return crypto.port.ops->hash_add(&crypto.port, h, data, len);
}

static ota_err bad_hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    (void)c;
    return crypto.port.ops->hash_end(&crypto.port, h, out);
}

static ota_err bad_random(struct ota_crypto *c, void *out, size_t len)
{
    (void)c;
    return bad_crypto.no_random ? OTA_DEVICE_CRYPTO : crypto.port.ops->random(&crypto.port, out, len);
}
static const struct ota_crypto_ops bad_crypto_ops = { bad_hash_start, bad_hash_add, bad_hash_end, NULL, bad_random };

/* ---- keys whose n-th call fails, or whose text is longer than any ---- */

static struct bad_keys {
    struct ota_cert_keys port;
    unsigned fail_at, calls;
    bool long_text;
} bad_keys;

static ota_err bad_make(struct ota_cert_keys *k, enum ota_certificate which, uint8_t key[OTA_ATTEST_KEY_LEN], uint8_t *text, size_t *len,
                        int32_t *code)
{
    (void)k;
    *code = 7;
    if (++bad_keys.calls == bad_keys.fail_at)
        return OTA_DEVICE_CRYPTO;
    ota_err err = keys.port.ops->make(&keys.port, which, key, text, len, code);
    if (bad_keys.long_text)
        *len = OTA_ATTEST_KEY_TEXT_MAX + 1;
    return err;
}

static ota_err bad_sign(struct ota_cert_keys *k, enum ota_certificate which, const uint8_t digest[OTA_SHA256_LEN],
                        uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *code)
{
    (void)k;
    *code = 7;
    if (++bad_keys.calls == bad_keys.fail_at)
        return OTA_DEVICE_CRYPTO;
    return keys.port.ops->sign(&keys.port, which, digest, sig, code);
}

static void bad_drop(struct ota_cert_keys *k)
{
    (void)k;
    keys.port.ops->drop(&keys.port);
}
static const struct ota_cert_keys_ops bad_keys_ops = { bad_make, bad_sign, bad_drop };

/* ---- a store that cannot be read ---- */

static ota_err no_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    (void)s, (void)name, (void)buf, (void)cap, (void)len;
    *code = 5;
    return OTA_DEVICE_STORE;
}

static int set_up_bad(void **state)
{
    bad_crypto = (struct bad_crypto){ .port = { &bad_crypto_ops } };
    bad_keys = (struct bad_keys){ .port = { &bad_keys_ops } };
    return set_up(state);
}

static ota_err open_bad(enum ota_token_form form, struct ota_fault *fault)
{
    struct ota_attest_client_config cfg = client_config();

    cfg.crypto = &bad_crypto.port;
    cfg.keys = &bad_keys.port;
    cfg.form = form;
    return ota_attest_client_open(&client, &cfg, fault);
}

static void assert_next_try_is_good(void)
{
    pass(3600000);
    settle();
    assert_last(OTA_OK, "");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void a_key_that_cannot_be_made_or_sign_is_named(void **state)
{
    for (unsigned n = 1; n <= 2 * OTA_CERTIFICATES; n++) {
        set_up_bad(state);
        bad_keys.fail_at = n;
        assert_int_equal(open_bad(OTA_TOKEN_COSE, NULL), OTA_OK);
        settle();
        assert_last(OTA_DEVICE_CRYPTO, "attest.keys");
        assert_int_equal(client.status.last.port_code, 7);
        assert_int_equal(wire.attests, 0);
        assert_next_try_is_good();
        ota_attest_client_close(&client);
    }
    set_up_bad(state);
    bad_keys.long_text = true;
    assert_int_equal(open_bad(OTA_TOKEN_COSE, NULL), OTA_OK);
    settle();
    assert_last(OTA_DEVICE_CRYPTO, "attest.keys");
    bad_keys.long_text = false;
    assert_next_try_is_good();
}

/* Every hash of a whole attestation, in both forms of evidence. */
static void a_hash_that_fails_is_told(void **state)
{
    unsigned failed = 0;

    for (int form = OTA_TOKEN_COSE; form <= OTA_TOKEN_JWT; form++)
        for (unsigned n = 1;; n++) {
            struct ota_fault fault = { 0 };
            set_up_bad(state);
            bad_crypto.fail_at = n;
            ota_err err = open_bad((enum ota_token_form)form, &fault);
            if (n == 1) { /* the instance's own */
                assert_int_equal(err, OTA_DEVICE_CRYPTO);
                assert_string_equal(fault.where, "attest.identity");
                continue;
            }
            assert_int_equal(err, OTA_OK);
            settle();
            if (bad_crypto.hashes < n) {
                assert_last(OTA_OK, "");
                ota_attest_client_close(&client);
                break;
            }
            assert_int_equal(client.status.last.err, OTA_DEVICE_CRYPTO);
            failed++;
            assert_next_try_is_good();
            ota_attest_client_close(&client);
        }
    assert_true(failed >= 4);
}

/* Without random numbers the clock scatters the tries; a count of failures that is full stays full. */
static void waiting_needs_no_random_numbers(void **state)
{
    (void)state;
    bad_crypto.no_random = true;
    wire.away = true;
    assert_int_equal(open_bad(OTA_TOKEN_JWT, NULL), OTA_OK);
    client.status.failures = UINT32_MAX;
    uint32_t ms = settle();
    assert_true(ms >= 1800000 && ms <= 3600000);
    assert_true(client.status.failures == UINT32_MAX);
    wire.away = false;
    assert_next_try_is_good();
    assert_int_equal(client.status.failures, 0);
}

static void a_network_that_is_down_is_waited_for(void **state)
{
    (void)state;
    wire.down = true;
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(settle(), 5000);
    assert_last(OTA_RETRY_NETWORK, "network");
    assert_int_equal(wire.requests, 0);
    wire.down = false;
    pass(5000);
    settle();
    assert_last(OTA_OK, "");
}

/* A port that has no word for it is always up. */
static void a_network_may_not_say_whether_it_is_up(void **state)
{
    struct ota_net_ops silent_ops = wire_ops;

    (void)state;
    silent_ops.ready = NULL;
    wire.port.ops = &silent_ops;
    wire.down = true;
    attest();
    ota_attest_client_close(&client);
}

/* "Come back at this time" means nothing to a device that does not know the time. */
static void a_date_to_come_back_at_needs_a_clock(void **state)
{
    struct ota_wait wait;

    (void)state;
    wire.all = true;
    wire.status = 503;
    wire.retry_at_s = NOW + 3000;
    assert_int_equal(open_client(), OTA_OK);
    ota_attest_client_step(&client, &wait);
    assert_true(ota_attest_client_busy(&client));
    device_clock.utc_s = -1;
    assert_true(settle() <= 60000);
    assert_last(OTA_RETRY_BUSY, "attest.refused");
}

static void what_ran_out_and_cannot_be_removed_is_not_used(void **state)
{
    (void)state;
    attest();
    wire.away = true;
    pass(UINT64_C(2) * DAY * 1000);
    store.fail = (struct ota_ram_fail){ .at = 1, .for_good = true };
    wire.down = true;
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    store.fail = (struct ota_ram_fail){ .at = 0 };
    ota_attest_client_close(&client);
    assert_int_equal(open_client(), OTA_OK);
    pass(5000);
    settle();
    uint8_t p[16];
    size_t len;
    read_all(OTA_ATTEST_UPDATE_PEM, p, sizeof p, &len);
    assert_int_equal(len, 0);
}

static void a_store_that_cannot_be_read_is_no_store_without_certificates(void **state)
{
    const struct ota_attest_client_config cfg = client_config();
    struct ota_store_ops ops = *store.port.ops;
    const struct ota_store_ops *whole = store.port.ops;
    struct ota_fault fault = { 0 };

    (void)state;
    attest();
    ota_attest_client_close(&client);
    ops.read = no_read;
    store.port.ops = &ops;
    assert_int_equal(ota_attest_client_open(&client, &cfg, &fault), OTA_DEVICE_STORE);
    assert_string_equal(fault.where, OTA_ATTEST_RECORD);
    assert_int_equal(fault.port_code, 5);
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    store.port.ops = whole;
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void a_record_longer_than_any_is_removed(void **state)
{
    static const uint8_t big[OTA_ATTEST_REQUEST_MAX + 1];
    int32_t code;

    (void)state;
    assert_int_equal(store.port.ops->write(&store.port, OTA_ATTEST_RECORD, big, sizeof big, &code), OTA_OK);
    assert_int_equal(open_client(), OTA_OK);
    assert_last(OTA_REJECT_CORRUPT, "attest.record");
    assert_int_equal(store.port.ops->write(&store.port, OTA_ATTEST_RECORD, big, sizeof big - 1, &code), OTA_OK);
    assert_int_equal(open_client(), OTA_OK);
    assert_last(OTA_REJECT_CORRUPT, "attest.record");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_bad, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_key_that_cannot_be_made_or_sign_is_named),
        TEST(a_hash_that_fails_is_told),
        TEST(waiting_needs_no_random_numbers),
        TEST(a_network_that_is_down_is_waited_for),
        TEST(a_network_may_not_say_whether_it_is_up),
        TEST(a_date_to_come_back_at_needs_a_clock),
        TEST(what_ran_out_and_cannot_be_removed_is_not_used),
        TEST(a_store_that_cannot_be_read_is_no_store_without_certificates),
        TEST(a_record_longer_than_any_is_removed),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
