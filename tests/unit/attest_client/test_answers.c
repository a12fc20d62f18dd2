/* SPDX-License-Identifier: Apache-2.0 */
/* What a device refuses: answers, configurations, logs. */
#define _GNU_SOURCE /* memmem */
#include "device_kit.h"

struct bad_answer {
    const char *what;
    struct wire wire;
    ota_err err;
    const char *where;
};

static const struct bad_answer bad[] = {
    { "longer than any", { .pad = 13000 }, OTA_RETRY_PROTOCOL, "attest.answer" },
    { "longer than any, unasked", { .pad = 13000, .all = true }, OTA_RETRY_PROTOCOL, "attest.answer" },
    { "half of it", { .cut = true, .all = true }, OTA_RETRY_TRUNCATED, "attest.answer" },
    { "never", { .silent = true }, OTA_RETRY_TIMEOUT, "attest.answer" },
    { "a head that contradicts itself", { .malformed = true }, OTA_RETRY_PROTOCOL, "attest.answer" },
    { "encoded", { .encoded = true }, OTA_RETRY_PROTOCOL, "attest.answer" },
    { "said to be longer than any", { .length = OTA_ATTEST_ANSWER_MAX + 1 }, OTA_RETRY_PROTOCOL, "attest.answer" },
    { "said to be as long as can be", { .length = OTA_ATTEST_ANSWER_MAX }, OTA_OK, "" },
    { "429", { .status = 429, .all = true }, OTA_RETRY_BUSY, "attest.refused" },
    { "403, for another key's field", { .status = 403, .body = "{\"error\":\"REJECT_KEY\",\"field\":\"token\"}" }, OTA_RETRY_REFUSED, "attest.refused" },
    { "redirect", { .status = 302 }, OTA_RETRY_REDIRECT, "attest.answer" },
    { "404", { .status = 404, .all = true, .body = "nginx" }, OTA_RETRY_NOT_FOUND, "attest.refused" },
    { "500", { .status = 500, .body = "{" }, OTA_RETRY_SERVER, "attest.refused" },
    { "204", { .status = 204 }, OTA_RETRY_PROTOCOL, "attest.refused" },
    { "empty", { .body = "" }, OTA_REJECT_SYNTAX, "answer" },
    { "no JSON", { .body = "<html>" }, OTA_REJECT_SYNTAX, "answer" },
    { "another version", { .find = "\"version\":1", .replace = "\"version\":2" }, OTA_REJECT_SPEC, "answer.version" },
    { "no nonce", { .body = "{\"version\":1}", .all = true }, OTA_REJECT_MISSING, "answer.nonce_id" },
    { "short nonce", { .find = "\"nonce\":\"", .replace = "\"nonce\":\"0", .all = true }, OTA_REJECT_VALUE, "answer.nonce" },
    { "no number", { .body = "{\"version\":\"1\"}", .all = true }, OTA_REJECT_TYPE, "answer.version" },
    { "no hex", { .find = "\"nonce_id\":\"", .replace = "\"nonce_id\":\"x", .all = true }, OTA_REJECT_VALUE, "answer.nonce_id" },
    { "no certificate", { .find = "update_certificate", .replace = "update_certificates" }, OTA_REJECT_MISSING, "answer.update_certificate" },
    { "twice", { .find = "\"version\":1", .replace = "\"version\":1,\"version\":1" }, OTA_REJECT_DUPLICATE, "answer.version" },
    { "the other's key", { .find = "update_certificate\"", .replace = "x\":0,\"update_certificate\"" }, OTA_OK, "" },
    { "other measurements", { .find = "\"measurements\":\"", .replace = "\"measurements\":\"00" }, OTA_REJECT_VALUE, "answer.measurements" },
    { "no PEM", { .find = "-----BEGIN CERTIFICATE-----\\u000a", .replace = "-----BEGIN CERTIFICATE-----" }, OTA_REJECT_SYNTAX, "answer.update_certificate" },
    { "something behind it", { .find = "-----END CERTIFICATE-----\\u000a\"", .replace = "-----END CERTIFICATE-----\\u000ax\"" }, OTA_REJECT_SYNTAX, "answer.update_certificate" },
    { "something in it", { .find = "CERTIFICATE-----\\u000aM", .replace = "CERTIFICATE-----\\u000a M" }, OTA_REJECT_SYNTAX, "answer.update_certificate" },
    { "not base64", { .find = "CERTIFICATE-----\\u000aM", .replace = "CERTIFICATE-----\\u000a=" }, OTA_REJECT_KEY, "answer.update_certificate" },
    { "for ever", { .find = "\"not_after\":1", .replace = "\"not_after\":11" }, OTA_REJECT_LIMIT, "answer.not_after" },
    { "over before it began", { .find = "\"not_after\":18", .replace = "\"not_after\":8" }, OTA_REJECT_VALUE, "answer.not_after" },
};

/* Each leaves what there is as it was, and the next good answer is taken. */
static void bad_answers_are_refused_by_name(void **state)
{
    (void)state;
    attest();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ota_wait wait;
        const struct wire clean = { .port = wire.port };
        uint8_t before[4096], after[4096];
        size_t len, len2;
        read_all(OTA_ATTEST_UPDATE_PEM, before, sizeof before, &len);
        wire = bad[i].wire;
        wire.port = clean.port;
        ota_attest_client_now(&client);
        for (int k = 0; k < 3000; k++) {
            ota_attest_client_step(&client, &wait);
            if (!ota_attest_client_busy(&client))
                break;
            if (wire.silent)
                pass(100);
        }
        struct ota_attest_status s;
        ota_attest_client_status(&client, &s);
        if (s.last.err != bad[i].err || strcmp(s.last.where, bad[i].where) != 0)
            fail_msg("%s: is %s at %s, must be %s at %s", bad[i].what, ota_err_name(s.last.err), s.last.where, ota_err_name(bad[i].err),
                     bad[i].where);
        read_all(OTA_ATTEST_UPDATE_PEM, after, sizeof after, &len2);
        if (bad[i].err != OTA_OK)
            assert_true(len == len2 && memcmp(before, after, len) == 0);
        assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
        wire = clean;
        ota_attest_client_now(&client);
        settle();
        assert_last(OTA_OK, "");
    }
}

/* A certificate that belongs to another key would fail at each handshake, without a reason. */
static void certificates_are_of_the_keys_that_were_made(void **state)
{
    static char swapped[65536];
    struct ota_wait wait;

    (void)state;
    attest();
    ota_attest_client_now(&client);
    do
        ota_attest_client_step(&client, &wait);
    while (wire.attests < 2);
    wire.answer[wire.len] = '\0';
    char *u = strstr(wire.answer, "\"update_certificate\""), *a = strstr(wire.answer, "\"application_certificate\"");
    assert_true(u && a);
    snprintf(swapped, sizeof swapped, "%.*s\"application_certificate\"%.*s,\"update_certificate\"%s", (int)(u - wire.answer), wire.answer,
             (int)(a - 1 - u - 20), u + 20, a + 25);
    put_answer(swapped, strlen(swapped));
    settle();
    assert_last(OTA_REJECT_KEY, "answer.update_certificate");
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

/* The answer to the next attest is altered, where only the running device knows how. */
static void assert_altered(const char *find, const char *replace, ota_err err, const char *where)
{
    wire.find = find;
    wire.replace = replace;
    ota_attest_client_now(&client);
    settle();
    wire.find = NULL;
    assert_last(err, where);
    assert_int_equal(usable(OTA_CERTIFICATE_UPDATE), OTA_OK);
}

static void certificates_are_of_what_was_measured(void **state)
{
    char is[40], other[40];

    (void)state;
    attest();
    snprintf(is, sizeof is, "\"measurements\":\"%02x", measured.chain[0]);
    snprintf(other, sizeof other, "\"measurements\":\"%02x", measured.chain[0] ^ 1u);
    assert_altered(is, other, OTA_REJECT_HASH, "answer.measurements");
}

/* Not for applications, and no word why. */
static void an_application_certificate_may_be_missing(void **state)
{
    struct ota_fault fault = { 0 };

    (void)state;
    attest();
    assert_altered("\"application_certificate\":", "\"another_certificate\":", OTA_OK, "");
    assert_int_equal(ota_attest_client_certificate(&client, OTA_CERTIFICATE_APPLICATION, &fault), OTA_RETRY_CERTIFICATE);
    assert_string_equal(fault.where, "attest.application");
}

/* The clock is set while an answer is on its way. */
static void a_grant_is_judged_by_the_clock_it_meets(void **state)
{
    static const struct {
        int64_t utc_s;
        ota_err err;
        const char *where;
    } clocks[] = {
        { -1, OTA_RETRY_CLOCK, "clock" },
        { NOW - DAY, OTA_RETRY_CLOCK, "clock" },
        { NOW + 2 * DAY, OTA_REJECT_FREEZE, "answer.not_after" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct ota_wait wait;
        set_up(state);
        assert_int_equal(open_client(), OTA_OK);
        do
            ota_attest_client_step(&client, &wait);
        while (wire.attests == 0);
        device_clock.utc_s = clocks[i].utc_s;
        while (ota_attest_client_busy(&client))
            ota_attest_client_step(&client, &wait);
        assert_last(clocks[i].err, clocks[i].where);
        ota_attest_client_close(&client);
    }
}

static void configurations_are_judged_by_name(void **state)
{
    static char long_url[OTA_URL_MAX] = "https://", long_token[130];
    static const char *const urls[] = { NULL, "", "http://a", "http://attest.example", "https://a/", "https://", long_url };
    static const char *const tokens[] = { "", "a b", "a\"", "a\\", "\x7f", "\xc3\xa4", long_token };
    struct ota_attest_client_config cfg = client_config();
    static struct ota_attest_log many;
    struct ota_attest_log none = { 0 };
    struct ota_fault fault;

    (void)state;
#define REFUSED(change, code, name)                                           \
    do {                                                                      \
        cfg = client_config();                                                \
        change;                                                               \
        memset(&fault, 0, sizeof fault);                                      \
        assert_int_equal(ota_attest_client_open(&client, &cfg, &fault), code); \
        assert_string_equal(fault.where, name);                               \
    } while (0)
    memset(long_url + 8, 'a', OTA_URL_MAX - 16 - 8);
    memset(long_token, 'a', sizeof long_token - 1);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        REFUSED(cfg.url = urls[i], OTA_USAGE_CONFIG, "attest.url");
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        REFUSED(cfg.token = tokens[i], OTA_USAGE_CONFIG, "attest.token");
    REFUSED(cfg.size--, OTA_USAGE_ABI, "attest.size");
    REFUSED(cfg.net = NULL, OTA_USAGE_CONFIG, "attest.ports");
    REFUSED(cfg.store = NULL, OTA_USAGE_CONFIG, "attest.ports");
    REFUSED(cfg.clock = NULL, OTA_USAGE_CONFIG, "attest.ports");
    REFUSED(cfg.crypto = NULL, OTA_USAGE_CONFIG, "attest.ports");
    REFUSED(cfg.signer = NULL, OTA_USAGE_CONFIG, "attest.identity");
    REFUSED(cfg.key = NULL, OTA_USAGE_CONFIG, "attest.identity");
    REFUSED(cfg.keys = NULL, OTA_USAGE_CONFIG, "attest.identity");
    REFUSED(cfg.log = &none, OTA_USAGE_CONFIG, "attest.log");
    many = measured;
    many.count = OTA_ATTEST_LOG_MAX + 1;
    REFUSED(cfg.log = &many, OTA_USAGE_CONFIG, "attest.log");
    REFUSED(cfg.log = NULL, OTA_USAGE_CONFIG, "attest.log");
    REFUSED(cfg.claims = NULL, OTA_USAGE_CONFIG, "attest.claims");
    REFUSED(cfg.form = 0, OTA_USAGE_CONFIG, "attest.form");
    REFUSED(cfg.retry_base_s = 86401, OTA_USAGE_CONFIG, "attest.retry");
    REFUSED(cfg.timeout_s = 3601, OTA_USAGE_CONFIG, "attest.retry");
    REFUSED(cfg.retry_cap_s = 604801, OTA_USAGE_CONFIG, "attest.retry");
    cfg = client_config(); /* a device that is known already needs no token; every number may be its own */
    cfg.token = NULL;
    cfg.retry_base_s = 1;
    cfg.retry_cap_s = 2;
    cfg.timeout_s = 3;
    assert_int_equal(ota_attest_client_open(&client, &cfg, &fault), OTA_OK);
    wire.away = true;
    assert_true(settle() <= 1000);
    wire.away = false;
    ota_attest_client_close(&client);
    /* Evidence that may not be made: a soft key that claims a secured life cycle. */
    claims.lifecycle = 0x3000;
    assert_int_equal(open_client(), OTA_OK);
    settle();
    assert_last(OTA_USAGE_ARGUMENT, "claims.lifecycle");
}

static void a_log_survives_as_text(void **state)
{
    struct ota_attest_log back;
    struct ota_fault fault = { 0 };
    char text[8192];
    size_t len, len2;

    (void)state;
    for (int i = 0; i < OTA_ATTEST_LOG_MAX - 1; i++) {
        struct ota_measurement m = image("1.0.0+longest-that-there-may-be", (uint8_t)i);
        snprintf(m.name, sizeof m.name, "component-%d", i);
        assert_int_equal(ota_attest_extend(&measured, &crypto.port, &m), OTA_OK);
    }
    assert_int_equal(ota_attest_log_write(&measured, text, sizeof text, &len), OTA_OK);
    assert_int_equal(ota_attest_log_read(text, len, &crypto.port, &back, &fault), OTA_OK);
    assert_memory_equal(&back, &measured, sizeof back);
    assert_int_equal(ota_attest_log_write(&measured, text, len - 1, &len2), OTA_USAGE_MEMORY);
    assert_int_equal(len2, len);
    assert_int_equal(ota_attest_log_write(&measured, text, sizeof text, &len), OTA_OK);
    for (size_t i = 0; i + 1 < len; i++) { /* cut at every byte; the line's end is not needed */
        assert_int_equal(ota_attest_client_busy(&client), false);
        assert_int_not_equal(ota_attest_log_read(text, i, &crypto.port, &back, &fault), OTA_OK);
        assert_int_equal(back.count, 0);
    }
    static const char wrong[] = "{\"version\":1,\"log\":[{\"what\":\"image/os\",\"digest\":\"00\",\"version\":\"\",\"signer\":\"00\"}]}";
    assert_int_equal(ota_attest_log_read(wrong, sizeof wrong - 1, &crypto.port, &back, &fault), OTA_REJECT_VALUE);
    assert_string_equal(fault.where, "measurements.log[0].digest");
    assert_int_equal(ota_attest_log_read("{\"version\":2,\"log\":[]}", 22, &crypto.port, &back, &fault), OTA_REJECT_SPEC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bad_answers_are_refused_by_name),
        TEST(certificates_are_of_the_keys_that_were_made),
        TEST(certificates_are_of_what_was_measured),
        TEST(an_application_certificate_may_be_missing),
        TEST(a_grant_is_judged_by_the_clock_it_meets),
        TEST(configurations_are_judged_by_name),
        TEST(a_log_survives_as_text),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
