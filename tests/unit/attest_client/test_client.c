/* SPDX-License-Identifier: Apache-2.0 */
/* A device that gets certificates, renews, loses and keeps them. */
#define _GNU_SOURCE /* memmem */
#include "device_kit.h"

static bool stored(const char *name)
{
    uint8_t p[16];
    size_t len;
    int32_t code;

    return store.port.ops->read(&store.port, name, p, sizeof p, &len, &code) == OTA_OK;
}

static void assert_nothing_stored(void)
{
    assert_false(stored(OTA_ATTEST_RECORD) || stored(OTA_ATTEST_UPDATE_PEM) || stored(OTA_ATTEST_APPLICATION_PEM));
}

static void a_device_gets_two_certificates(void **state)
{
    char text[OTA_ATTEST_BUNDLE_MAX + 1];
    size_t len;
    int32_t code;

    (void)state;
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    settle();
    assert_last(OTA_OK, "");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
    assert_int_equal(usable(OTA_CERTIFICATE_APPLICATION), OTA_OK);
    assert_int_equal(wire.attests, 1);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_UPDATE_PEM, text, sizeof text - 1, &len, &code), OTA_OK);
    text[len] = '\0';
    assert_true(strncmp(text, "-----BEGIN EC PRIVATE KEY-----\n", 31) == 0);
    assert_non_null(strstr(text, "-----END EC PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n"));
    /* The next start finds them without asking anybody. */
    ota_attest_client_close(&client);
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(usable(OTA_CERTIFICATE_APPLICATION), OTA_OK);
    assert_true(settle() > 1000);
    assert_int_equal(wire.attests, 1);
}

static void renewal_comes_at_a_random_point_of_the_second_half(void **state)
{
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    attest();
    for (int i = 0; i < 40; i++) {
        struct ota_attest_status s;
        ota_attest_client_status(&client, &s);
        int64_t after = s.renew_at_s - device_clock.utc_s;
        assert_true(s.not_after_s == device_clock.utc_s + DAY);
        assert_true(after >= DAY / 2 && after <= DAY / 4 * 3);
        least = after < least ? after : least;
        most = after > most ? after : most;
        unsigned before = wire.attests;
        pass((uint64_t)(after - 1) * 1000);
        settle();
        assert_int_equal(wire.attests, before);
        pass(1000);
        settle();
        assert_int_equal(wire.attests, before + 1);
        assert_last(OTA_OK, "");
    }
    assert_true(most - least > DAY / 16); /* of a quarter of a day; 40 equal draws are no accident */
}

static void other_measurements_end_the_certificates_before_any_use(void **state)
{
    (void)state;
    attest();
    ota_attest_client_close(&client);
    measure(2);
    assert_int_equal(open_client(), OTA_OK);
    assert_last(OTA_REJECT_HASH, "attest.measurements");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    assert_nothing_stored();
    settle(); /* and gets new ones */
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void certificates_that_cannot_be_removed_are_not_used(void **state)
{
    const struct ota_attest_client_config cfg = client_config();
    struct ota_fault fault = { 0 };

    (void)state;
    attest();
    ota_attest_client_close(&client);
    measure(2);
    for (unsigned n = 1; n <= 3; n++) {
        store.fail = (struct ota_ram_fail){ .at = n, .for_good = true };
        ota_err err = ota_attest_client_open(&client, &cfg, &fault);
        store.fail = (struct ota_ram_fail){ .at = 0 };
        if (err == OTA_OK)
            break;
        assert_int_equal(err, OTA_DEVICE_STORE);
        assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    }
    assert_int_equal(open_client(), OTA_OK);
    assert_nothing_stored();
}

static void a_damaged_record_is_removed(void **state)
{
    static uint8_t record[16384], bad[16384];
    size_t len, tried = 0;
    int32_t code;

    (void)state;
    attest();
    ota_attest_client_close(&client);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_RECORD, record, sizeof record, &len, &code), OTA_OK);
    for (size_t i = 0; i <= len; i += i < 128 ? 1 : 37) {
        struct ota_attest_status s;
        memcpy(bad, record, len);
        if (i < len)
            bad[i] ^= 0x10;
        assert_int_equal(store.port.ops->write(&store.port, OTA_ATTEST_RECORD, bad, i < len ? len : len - 1, &code), OTA_OK);
        assert_int_equal(open_client(), OTA_OK);
        ota_attest_client_status(&client, &s);
        assert_int_equal(s.last.err, OTA_REJECT_CORRUPT);
        assert_int_equal(s.hold, OTA_RETRY_CERTIFICATE);
        assert_nothing_stored();
        tried++;
    }
    assert_true(tried > 128);
}

/* Records that follow are made good at the start; one that somebody altered is not used as it is. */
static void the_records_follow_the_whole_one(void **state)
{
    uint8_t before[4096], after[4096];
    size_t len, len2;
    int32_t code;

    (void)state;
    attest();
    ota_attest_client_close(&client);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_UPDATE_PEM, before, sizeof before, &len, &code), OTA_OK);
    assert_int_equal(store.port.ops->write(&store.port, OTA_ATTEST_UPDATE_PEM, "x", 1, &code), OTA_OK);
    assert_int_equal(store.port.ops->remove(&store.port, OTA_ATTEST_APPLICATION_PEM, &code), OTA_OK);
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(store.port.ops->read(&store.port, OTA_ATTEST_UPDATE_PEM, after, sizeof after, &len2, &code), OTA_OK);
    assert_true(len == len2 && memcmp(before, after, len) == 0);
    assert_true(stored(OTA_ATTEST_APPLICATION_PEM));
}

/* The power fails at the n-th change of the store, while the first set is stored, or a second one over it. */
static void a_power_cut_leaves_one_set_or_the_other(void **state)
{
    static uint8_t record[16384], pem[4096];
    struct otai_attest_head h;
    unsigned cuts = 0;

    for (int renew = 0; renew < 2; renew++)
        for (uint32_t n = 1; n < 20; n++) {
            size_t len;
            set_up(state);
            if (renew) {
                attest();
                ota_attest_client_now(&client);
            } else {
                assert_int_equal(open_client(), OTA_OK);
            }
            store.fail = (struct ota_ram_fail){ .at = n, .for_good = true };
            settle();
            struct ota_attest_status s;
            ota_attest_client_status(&client, &s);
            store.fail = (struct ota_ram_fail){ .at = 0 };
            if (s.last.err == OTA_OK)
                break;
            cuts++;
            ota_attest_client_close(&client);
            assert_int_equal(open_client(), OTA_OK);
            read_all(OTA_ATTEST_RECORD, record, sizeof record, &len);
            assert_true(!renew || len > 0); /* the old set is never lost */
            if (len == 0) {
                assert_nothing_stored();
                continue;
            }
            assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
            assert_true(otai_attest_get_head(record, len, &h));
            for (int i = 0; i < 2; i++) {
                read_all(otai_attest_record_name((enum ota_certificate)i), pem, sizeof pem, &len);
                assert_true(len == h.len[i] && memcmp(pem, otai_attest_bundle(record, &h, (enum ota_certificate)i), len) == 0);
            }
        }
    assert_true(cuts >= 5);
}

static void a_service_that_is_away_is_waited_for_and_the_certificate_ends(void **state)
{
    struct ota_attest_status s;
    unsigned tries = 0;

    (void)state;
    attest();
    wire.away = true;
    while (device_clock.utc_s < NOW + DAY - 1) {
        uint32_t ms = settle();
        assert_true(ms <= 3600000);
        assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK); /* as long as it is valid */
        int64_t left = (NOW + DAY - 1 - device_clock.utc_s) * 1000;
        pass((int64_t)ms < left ? ms + 1000 - ms % 1000 : (uint64_t)left);
        tries++;
    }
    assert_true(tries > 10 && tries < 200); /* backs off */
    assert_last(OTA_RETRY_NETWORK, "attest.begin");
    pass(2000);
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CERTIFICATE);
    pass(3600000);
    settle();
    ota_attest_client_status(&client, &s);
    assert_int_equal(s.hold, OTA_RETRY_CERTIFICATE);
    assert_nothing_stored();
    wire.away = false;
    pass(3600000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void a_year_of_retry_after_is_an_hour(void **state)
{
    (void)state;
    wire.all = true;
    wire.status = 503;
    wire.retry_after_s = YEAR_S;
    assert_int_equal(open_client(), OTA_OK);
    assert_int_equal(settle(), 3600000);
    assert_last(OTA_RETRY_BUSY, "attest.refused");
    wire.retry_after_s = 0;
    wire.retry_at_s = NOW + YEAR_S;
    ota_attest_client_now(&client);
    assert_int_equal(settle(), 3600000);
    wire.retry_at_s = NOW - YEAR_S; /* a time that has passed asks for nothing */
    ota_attest_client_now(&client);
    assert_true(settle() <= 120000);
    wire.retry_at_s = 0;
    wire.retry_after_s = 600;
    ota_attest_client_now(&client);
    assert_int_equal(settle(), 600000);
    wire.status = 0;
    pass(600000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void without_a_clock_nothing_is_asked_and_nothing_used(void **state)
{
    (void)state;
    attest();
    unsigned before = wire.requests;
    device_clock.utc_s = -1;
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CLOCK);
    ota_attest_client_now(&client);
    assert_true(settle() <= 5000);
    assert_last(OTA_RETRY_CLOCK, "clock");
    device_clock.utc_s = NOW - DAY; /* before it was issued */
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_RETRY_CLOCK);
    pass(5000);
    settle();
    assert_last(OTA_RETRY_CLOCK, "clock");
    assert_int_equal(wire.requests, before);
    device_clock.utc_s = NOW;
    pass(5000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
    assert_true(wire.requests > before);
}

static void a_challenge_that_expired_is_asked_for_again(void **state)
{
    (void)state;
    wire.delay_ms = 300000;
    assert_int_equal(open_client(), OTA_OK);
    settle();
    assert_last(OTA_REJECT_NONCE, "attest.refused");
    assert_string_equal(client.status.refused, "REJECT_FREEZE");
    wire.delay_ms = 0;
    pass(120000);
    settle();
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void the_token_is_shown_until_the_device_is_known(void **state)
{
    (void)state;
    service.devices.count = 0;
    attest();
    assert_int_equal(wire.tokens, 1);
    assert_int_equal(service.devices.count, 1);
    ota_attest_client_now(&client);
    settle();
    assert_int_equal(wire.attests, 2);
    assert_int_equal(wire.tokens, 1);
    service.devices.count = 0; /* the service has forgotten it */
    ota_attest_client_now(&client);
    settle();
    assert_last(OTA_RETRY_REFUSED, "attest.refused");
    assert_string_equal(client.status.refused, "REJECT_KEY");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
    pass(60000);
    settle();
    assert_last(OTA_OK, "");
    assert_int_equal(wire.tokens, 2);
}

static void an_outdated_release_gets_updates_only(void **state)
{
    struct ota_fault fault = { 0 };

    (void)state;
    measure(3);
    attest();
    assert_int_equal(ota_attest_client_certificate(&client, OTA_CERTIFICATE_APPLICATION, &fault), OTA_RETRY_CERTIFICATE);
    assert_string_equal(fault.where, "attest.outdated");
    assert_false(stored(OTA_ATTEST_APPLICATION_PEM));
    ota_attest_client_close(&client);
    measure(4);
    assert_int_equal(open_client(), OTA_OK);
    settle();
    assert_last(OTA_RETRY_REFUSED, "attest.refused");
    assert_string_equal(client.status.field, "image/os");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_device_gets_two_certificates),
        TEST(renewal_comes_at_a_random_point_of_the_second_half),
        TEST(other_measurements_end_the_certificates_before_any_use),
        TEST(certificates_that_cannot_be_removed_are_not_used),
        TEST(a_damaged_record_is_removed),
        TEST(the_records_follow_the_whole_one),
        TEST(a_power_cut_leaves_one_set_or_the_other),
        TEST(a_service_that_is_away_is_waited_for_and_the_certificate_ends),
        TEST(a_year_of_retry_after_is_an_hour),
        TEST(without_a_clock_nothing_is_asked_and_nothing_used),
        TEST(a_challenge_that_expired_is_asked_for_again),
        TEST(the_token_is_shown_until_the_device_is_known),
        TEST(an_outdated_release_gets_updates_only),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
