/* SPDX-License-Identifier: Apache-2.0 */
/* What may be configured, and what a server may do with a device: little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hawkbit.h"

static const struct ota_hawkbit plain = { .size = sizeof plain, .url = "https://h/", .target_token = "t0k" };
static const struct otai_hb_facts facts = { .device_id = "dev1", .product = "p", .group = "g", .version = "1.0.0", .utc_s = 1 };
static struct otai_hb h;
static struct otai_hb_box box;
static struct ota_fault fault;

#define BASE "DEFAULT/controller/v1/dev1"
#define CANCEL "{\"_links\":{\"cancelAction\":{\"href\":\"http://h/DEFAULT/controller/v1/dev1/cancelAction/8\"}}}"

/* A server that always changes its mind ends the check-in, not the device's day. */
static void no_server_keeps_a_device_busy(void **state)
{
    struct otai_hb_request q;
    int exchanges = 0;

    (void)state;
    otai_hb_begin(&h, &plain, &box, &facts, OTAI_HB_ALL);
    for (; otai_hb_next(&h, &q) == OTA_AGAIN; exchanges++) {
        static const char cancel[] = CANCEL;
        const char *text = h.file[strlen(BASE)] == '\0' ? cancel : "{}";

        otai_hb_body(&h, (const uint8_t *)text, strlen(text));
        assert_int_equal(otai_hb_answered(&h, OTA_DONE, 200, &fault), OTA_OK);
        assert_in_range(exchanges, 0, 30);
    }
    assert_in_range(exchanges, 6, 30);
}

static void strange_names_are_encoded(void **state)
{
    struct ota_hawkbit c = plain;
    struct otai_hb_request q;

    (void)state;
    c.tenant = "a/b";
    c.controller_id = "d?\xe9";
    c.target_token = NULL;
    c.gateway_token = "gw";
    otai_hb_begin(&h, &c, &box, &facts, OTAI_HB_ALL);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    assert_string_equal(q.file, "a%2fb/controller/v1/d%3f%e9");
    assert_string_equal(q.head, "Accept: application/json\nAuthorization: GatewayToken gw");
}

static void configurations(void **state)
{
    static char long_token[OTA_HAWKBIT_TOKEN_MAX + 2], long_id[OTA_HAWKBIT_ID_MAX + 2];
    struct ota_hawkbit_attribute many[OTA_HAWKBIT_ATTRIBUTES_MAX + 1], bad_key[] = { { "a~b", "c" } },
                                                                       bad_value[] = { { "a", "\n" } }, none[] = { { "", "" } };
    const struct {
        struct ota_hawkbit c;
        const char *bad;
    } cases[] = {
        { { .size = sizeof plain, .url = "https://h/" }, NULL },
        { { .size = 8, .url = "https://h/" }, "hawkbit.size" },
        { { .size = sizeof plain }, "hawkbit.url" },
        { { .size = sizeof plain, .url = "" }, "hawkbit.url" },
        { { .size = sizeof plain, .url = "https://h" }, "hawkbit.url" },
        { { .size = sizeof plain, .url = "https://h/", .tenant = "" }, "hawkbit.tenant" },
        { { .size = sizeof plain, .url = "https://h/", .tenant = "a b" }, "hawkbit.tenant" },
        { { .size = sizeof plain, .url = "https://h/", .controller_id = long_id }, "hawkbit.controller_id" },
        { { .size = sizeof plain, .url = "https://h/", .tenant = long_id + 2, .controller_id = long_id + 2 }, "hawkbit.url" },
        { { .size = sizeof plain, .url = "https://h/", .target_token = "" }, "hawkbit.target_token" },
        { { .size = sizeof plain, .url = "https://h/", .target_token = "a\nHost: x" }, "hawkbit.target_token" },
        { { .size = sizeof plain, .url = "https://h/", .target_token = long_token }, "hawkbit.target_token" },
        { { .size = sizeof plain, .url = "https://h/", .target_token = long_token + 1 }, NULL },
        { { .size = sizeof plain, .url = "https://h/", .gateway_token = "a b" }, "hawkbit.gateway_token" },
        { { .size = sizeof plain, .url = "https://h/", .gateway_token = "a", .target_token = "b" }, "hawkbit.gateway_token" },
        { { .size = sizeof plain, .url = "https://h/", .attributes = many, .attribute_count = OTA_HAWKBIT_ATTRIBUTES_MAX },
          NULL },
        { { .size = sizeof plain, .url = "https://h/", .attributes = many, .attribute_count = OTA_HAWKBIT_ATTRIBUTES_MAX + 1 },
          "hawkbit.attributes" },
        { { .size = sizeof plain, .url = "https://h/", .attribute_count = 1 }, "hawkbit.attributes" },
        { { .size = sizeof plain, .url = "https://h/", .attributes = bad_key, .attribute_count = 1 }, "hawkbit.attributes" },
        { { .size = sizeof plain, .url = "https://h/", .attributes = bad_value, .attribute_count = 1 }, "hawkbit.attributes" },
        { { .size = sizeof plain, .url = "https://h/", .attributes = none, .attribute_count = 1 }, "hawkbit.attributes" },
        { { .size = sizeof plain, .url = "https://h/", .installed_set = "" }, "hawkbit.installed_set" },
        { { .size = sizeof plain, .url = "https://h/", .installed_set = "a~b" }, "hawkbit.installed_set" },
        { { .size = sizeof plain, .url = "https://h/", .consent = (enum ota_hawkbit_consent)3 }, "hawkbit.consent" },
        { { .size = sizeof plain, .url = "https://h/", .poll_min_s = 61, .poll_max_s = 60 }, "hawkbit.poll_min_s" },
    };

    (void)state;
    memset(long_token, 't', sizeof long_token - 1);
    memset(long_id, 'i', sizeof long_id - 1);
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        many[i] = (struct ota_hawkbit_attribute){ "key", "value" };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *bad = otai_hb_config_bad(&cases[i].c, "dev1");

        if ((bad != NULL) != (cases[i].bad != NULL) || (bad && strcmp(bad, cases[i].bad) != 0))
            fail_msg("case %zu: %s", i, bad ? bad : "accepted");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_server_keeps_a_device_busy),
        cmocka_unit_test(strange_names_are_encoded),
        cmocka_unit_test(configurations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
