/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checkin.h"

static const struct otai_facts facts = {
    .product = "thermostat", .group = "production", .version = "2.0.0", .seq = 3, .state = 2, .slot = 1,
    .outcome = OTA_OUTCOME_ROLLED_BACK, .cause = OTA_REJECT_HEALTH,
};
static const char line[] = "OTA-Device: product=\"thermostat\", group=\"production\", version=\"2.0.0\", seq=3, state=2, slot=1, "
                           "outcome=rolled_back, cause=REJECT_HEALTH";

static void facts_are_one_header_line(void **state)
{
    char out[sizeof line];

    (void)state;
    assert_int_equal(otai_checkin_facts(&facts, out, sizeof out), OTA_OK);
    assert_string_equal(out, line);
    for (size_t cap = 0; cap < sizeof line; cap++)
        assert_int_equal(otai_checkin_facts(&facts, out, cap), OTA_REJECT_LIMIT);
}

static void no_fact_can_break_the_line(void **state)
{
    struct otai_facts f = facts;
    char out[512];

    (void)state;
    f.version = "1\r\nHost: evil\"\\";
    f.group = NULL;
    assert_int_equal(otai_checkin_facts(&f, out, sizeof out), OTA_OK);
    assert_null(strpbrk(out, "\r\n"));
    assert_non_null(strstr(out, "version=\"1\\u000d\\u000aHost: evil\\\"\\\\\""));
    assert_non_null(strstr(out, "group=\"\""));
}

static void a_304_offers_nothing_new(void **state)
{
    struct ota_net_head head = { .status = 304 };
    struct ota_offer offer = { .changed = true };

    (void)state;
    otai_checkin_offer(OTA_SAME, &head, "\"a\"", &offer);
    assert_false(offer.changed);
    assert_string_equal(offer.etag, "\"a\"");
}

static void a_200_offers_news(void **state)
{
    struct ota_net_head head = { .status = 200, .etag = "\"b\"" };
    struct ota_offer offer = { .changed = false };

    (void)state;
    otai_checkin_offer(OTA_DONE, &head, "\"a\"", &offer);
    assert_true(offer.changed);
    assert_string_equal(offer.etag, "\"b\"");
    head.etag[0] = '\0';
    otai_checkin_offer(OTA_DONE, &head, "\"a\"", &offer);
    assert_true(offer.changed);
    assert_string_equal(offer.etag, "");
}

static void a_validator_too_long_to_be_ours_vouches_for_nothing(void **state)
{
    struct ota_net_head head = { .status = 304 };
    struct ota_offer offer;
    char tag[OTA_ETAG_MAX + 1];

    (void)state;
    memset(tag, 'a', sizeof tag - 1);
    tag[sizeof tag - 1] = '\0';
    otai_checkin_offer(OTA_SAME, &head, tag, &offer);
    assert_true(offer.changed);
    assert_string_equal(offer.etag, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_one_header_line),
        cmocka_unit_test(no_fact_can_break_the_line),
        cmocka_unit_test(a_304_offers_nothing_new),
        cmocka_unit_test(a_200_offers_news),
        cmocka_unit_test(a_validator_too_long_to_be_ours_vouches_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
