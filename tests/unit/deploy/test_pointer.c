/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deploy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OS "{\"component\":\"os\",\"length\":5,\"path\":\"os/img/a.img\",\"sha256\":\"" HEX "\"}"
#define APP "{\"component\":\"app\",\"length\":6,\"path\":\"app/app/b\",\"sha256\":\"" HEX "\"}"
#define AROUND(images) "{\"format\":1,\"group\":\"production\",\"images\":[" images "],\"product\":\"thermostat\",\"seq\":3}"

static struct otai_pointer pointer;
static struct ota_fault fault;

static ota_err parse(const char *text)
{
    memset(&fault, 0, sizeof fault);
    return otai_pointer_parse((const uint8_t *)text, strlen(text), "thermostat", "production", NULL, &pointer, &fault);
}

static void a_whole_pointer(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"format\":1,\"group\":\"production\",\"images\":[" OS "," APP "],\"os_feed\":\"retail\","
                           "\"policy\":\"os-only\",\"product\":\"thermostat\",\"seq\":3}"), OTA_OK);
    assert_true(pointer.seq == 3 && pointer.os_only && pointer.count == 2);
    assert_string_equal(pointer.os_feed, "retail");
    assert_string_equal(pointer.image[0].component, "os");
    assert_string_equal(pointer.image[0].path, "os/img/a.img");
    assert_true(pointer.image[0].length == 5 && pointer.image[1].length == 6);
    assert_int_equal(pointer.image[0].sha256[31], 0xff);
    assert_string_equal(pointer.image[1].component, "app");
    assert_int_equal(fault.err, OTA_OK);
}

static void what_may_be_absent_or_unknown(void **state)
{
    (void)state;
    assert_int_equal(parse(AROUND("")), OTA_OK);
    assert_true(pointer.count == 0 && !pointer.os_only && pointer.os_feed[0] == '\0');
    assert_int_equal(parse(" {\"seq\":3,\"product\":\"thermostat\",\"images\":[],\"group\":\"produc\\u0074ion\",\"format\":1,"
                           "\"new\":{\"a\":[1,{}]},\"feed\":7,\"os_feed\":\"\",\"policy\":\"all\"}\n"), OTA_OK);
    assert_int_equal(pointer.os_feed[0], '\0');
    assert_int_equal(parse(AROUND("{\"component\":\"os\",\"length\":5,\"new\":[],\"path\":\"os/img/a.img\",\"sha256\":\"" HEX "\"}")), OTA_OK);
}

static void a_feeds_pointer(void **state)
{
    static const char text[] = "{\"feed\":\"retail\",\"format\":1,\"images\":[" OS "],\"product\":\"thermostat\",\"seq\":9}";

    (void)state;
    assert_int_equal(otai_pointer_parse((const uint8_t *)text, strlen(text), "thermostat", NULL, "retail", &pointer, &fault), OTA_OK);
    assert_true(pointer.seq == 9);
    assert_int_equal(otai_pointer_parse((const uint8_t *)text, strlen(text), "thermostat", NULL, "other", &pointer, &fault), OTA_REJECT_GROUP);
    assert_string_equal(fault.where, "pointer.feed");
    assert_int_equal(parse(text), OTA_REJECT_MISSING);
    assert_string_equal(fault.where, "pointer.group");
}

struct row {
    const char *text;
    ota_err err;
    const char *where;
};

static void refuses(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ota_err err = parse(rows[i].text);
        if (err != rows[i].err || fault.err != err || strcmp(fault.where, rows[i].where) != 0)
            fail_msg("%s: %s at %s", rows[i].text, ota_err_name(err), fault.where);
    }
}

#define SALT "00112233445566778899aabbccddeeff"

static void every_error_names_its_field(void **state)
{
    static const struct row rows[] = {
        { "", OTA_REJECT_SYNTAX, "pointer" },
        { "[]", OTA_REJECT_TYPE, "pointer" },
        { "{\"format\":1", OTA_REJECT_SYNTAX, "pointer.format" },
        { AROUND("") "x", OTA_REJECT_SYNTAX, "pointer" },
        { "{\"format\":2}", OTA_REJECT_SPEC, "pointer.format" },
        { "{\"format\":0}", OTA_REJECT_SPEC, "pointer.format" },
        { "{\"format\":\"1\"}", OTA_REJECT_TYPE, "pointer.format" },
        { "{\"group\":\"production\",\"images\":[],\"product\":\"thermostat\",\"seq\":3}", OTA_REJECT_MISSING, "pointer.format" },
        { "{\"format\":1,\"images\":[],\"product\":\"thermostat\",\"seq\":3}", OTA_REJECT_MISSING, "pointer.group" },
        { "{\"format\":1,\"group\":\"production\",\"images\":[],\"seq\":3}", OTA_REJECT_MISSING, "pointer.product" },
        { "{\"format\":1,\"group\":\"production\",\"images\":[],\"product\":\"thermostat\"}", OTA_REJECT_MISSING, "pointer.seq" },
        { "{\"format\":1,\"group\":\"production\",\"product\":\"thermostat\",\"seq\":3}", OTA_REJECT_MISSING, "pointer.images" },
        { "{\"format\":1,\"group\":\"field-test\"}", OTA_REJECT_GROUP, "pointer.group" },
        { "{\"format\":1,\"group\":\"production2\"}", OTA_REJECT_GROUP, "pointer.group" },
        { "{\"format\":1,\"group\":5}", OTA_REJECT_TYPE, "pointer.group" },
        { "{\"product\":\"toaster\"}", OTA_REJECT_PRODUCT, "pointer.product" },
        { "{\"product\":null}", OTA_REJECT_TYPE, "pointer.product" },
        { "{\"seq\":0}", OTA_REJECT_VALUE, "pointer.seq" },
        { "{\"seq\":-1}", OTA_REJECT_VALUE, "pointer.seq" },
        { "{\"seq\":9223372036854775808}", OTA_REJECT_VALUE, "pointer.seq" },
        { "{\"seq\":1.5}", OTA_REJECT_SYNTAX, "pointer.seq" },
        { "{\"seq\":\"3\"}", OTA_REJECT_TYPE, "pointer.seq" },
        { "{\"seq\":3,\"seq\":4}", OTA_REJECT_DUPLICATE, "pointer.seq" },
        { "{\"policy\":\"none\"}", OTA_REJECT_VALUE, "pointer.policy" },
        { "{\"policy\":true}", OTA_REJECT_TYPE, "pointer.policy" },
        { "{\"os_feed\":\"Retail\"}", OTA_REJECT_VALUE, "pointer.os_feed" },
        { "{\"os_feed\":\"../x\"}", OTA_REJECT_VALUE, "pointer.os_feed" },
        { "{\"os_feed\":null}", OTA_REJECT_TYPE, "pointer.os_feed" },
        { "{\"os_feed\":\"abcdefghijklmnopqrstuvwxyz0123456\"}", OTA_REJECT_LIMIT, "pointer.os_feed" },
        { "{\"images\":{}}", OTA_REJECT_TYPE, "pointer.images" },
        { "{\"images\":[5]}", OTA_REJECT_TYPE, "pointer.images[0]" },
        { AROUND(OS "," OS), OTA_REJECT_DUPLICATE, "pointer.images[1].component" },
        { AROUND(OS ",{\"component\":\"app\",\"length\":6,\"path\":\"b\"}"), OTA_REJECT_MISSING, "pointer.images[1].sha256" },
        { AROUND("{\"component\":\"os\",\"length\":6,\"sha256\":\"" HEX "\"}"), OTA_REJECT_MISSING, "pointer.images[0].path" },
        { AROUND("{\"component\":\"os\",\"path\":\"b\",\"sha256\":\"" HEX "\"}"), OTA_REJECT_MISSING, "pointer.images[0].length" },
        { AROUND("{\"length\":6,\"path\":\"b\",\"sha256\":\"" HEX "\"}"), OTA_REJECT_MISSING, "pointer.images[0].component" },
        { AROUND("{\"component\":\"\"}"), OTA_REJECT_VALUE, "pointer.images[0].component" },
        { AROUND("{\"component\":\"OS\"}"), OTA_REJECT_VALUE, "pointer.images[0].component" },
        { AROUND("{\"component\":\"o/s\"}"), OTA_REJECT_VALUE, "pointer.images[0].component" },
        { AROUND("{\"length\":0}"), OTA_REJECT_VALUE, "pointer.images[0].length" },
        { AROUND("{\"length\":9223372036854775808}"), OTA_REJECT_VALUE, "pointer.images[0].length" },
        { AROUND("{\"sha256\":\"00\"}"), OTA_REJECT_VALUE, "pointer.images[0].sha256" },
        { AROUND("{\"sha256\":\"0" HEX "\"}"), OTA_REJECT_VALUE, "pointer.images[0].sha256" },
        { AROUND("{\"sha256\":\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\"}"), OTA_REJECT_VALUE, "pointer.images[0].sha256" },
    };

    (void)state;
    refuses(rows, COUNT(rows));
}

static void so_do_those_of_its_rules(void **state)
{
    static const struct row rows[] = {
        { "{\"poll_s\":59}", OTA_REJECT_VALUE, "pointer.poll_s" },
        { "{\"poll_s\":604801}", OTA_REJECT_VALUE, "pointer.poll_s" },
        { "{\"poll_s\":\"900\"}", OTA_REJECT_TYPE, "pointer.poll_s" },
        { "{\"defer_min\":60}", OTA_REJECT_TYPE, "pointer.defer_min" },
        { "{\"defer_min\":{\"system\":44641}}", OTA_REJECT_VALUE, "pointer.defer_min.system" },
        { "{\"defer_min\":{\"application\":44641}}", OTA_REJECT_VALUE, "pointer.defer_min.application" },
        { "{\"defer_min\":{\"application\":-1}}", OTA_REJECT_VALUE, "pointer.defer_min.application" },
        { "{\"defer_min\":{\"system\":true}}", OTA_REJECT_TYPE, "pointer.defer_min.system" },
        { "{\"defer_min\":{\"system\":1,\"system\":2}}", OTA_REJECT_DUPLICATE, "pointer.defer_min.system" },
        { "{\"rollout\":100}", OTA_REJECT_TYPE, "pointer.rollout" },
        { "{\"rollout\":{\"salt\":\"" SALT "\"}}", OTA_REJECT_MISSING, "pointer.rollout.per_mille" },
        { "{\"rollout\":{\"per_mille\":5}}", OTA_REJECT_MISSING, "pointer.rollout.salt" },
        { "{\"rollout\":{\"per_mille\":1001}}", OTA_REJECT_VALUE, "pointer.rollout.per_mille" },
        { "{\"rollout\":{\"per_mille\":\"5\"}}", OTA_REJECT_TYPE, "pointer.rollout.per_mille" },
        { "{\"rollout\":{\"salt\":\"r42\"}}", OTA_REJECT_VALUE, "pointer.rollout.salt" },
        { "{\"rollout\":{\"salt\":\"0" SALT "\"}}", OTA_REJECT_VALUE, "pointer.rollout.salt" },
        { "{\"rollout\":{\"salt\":\"00112233445566778899AABBCCDDEEFF\"}}", OTA_REJECT_VALUE, "pointer.rollout.salt" },
        { "{\"rollout\":{\"salt\":5}}", OTA_REJECT_TYPE, "pointer.rollout.salt" },
    };

    (void)state;
    refuses(rows, COUNT(rows));
}

#define RULED(more) "{\"format\":1,\"group\":\"production\",\"images\":[],\"product\":\"thermostat\",\"seq\":3," more "}"

static void what_a_pointer_asks_of_its_devices(void **state)
{
    (void)state;
    assert_int_equal(parse(AROUND("")), OTA_OK);
    assert_true(pointer.rules.poll_s == 0 && !pointer.rules.staged);
    assert_true(pointer.rules.defer_min[OTAI_CLASS_SYSTEM] == 1440 && pointer.rules.defer_min[OTAI_CLASS_APPLICATION] == 10020);
    assert_int_equal(parse(RULED("\"poll_s\":900,\"defer_min\":{\"application\":44640,\"more\":[],\"system\":0},"
                                 "\"rollout\":{\"per_mille\":250,\"until\":1,\"salt\":\"" SALT "\"}")), OTA_OK);
    assert_true(pointer.rules.poll_s == 900 && pointer.rules.staged && pointer.rules.per_mille == 250);
    assert_true(pointer.rules.defer_min[OTAI_CLASS_SYSTEM] == 0 && pointer.rules.defer_min[OTAI_CLASS_APPLICATION] == 44640);
    assert_true(pointer.rules.salt[0] == 0 && pointer.rules.salt[1] == 0x11 && pointer.rules.salt[15] == 0xff);
    assert_int_equal(parse(RULED("\"defer_min\":{\"application\":5}")), OTA_OK);
    assert_true(pointer.rules.defer_min[OTAI_CLASS_SYSTEM] == 1440 && pointer.rules.defer_min[OTAI_CLASS_APPLICATION] == 5);
}

static void the_bounds_of_what_it_asks(void **state)
{
    static const char *const good[] = {
        RULED("\"poll_s\":60"), RULED("\"poll_s\":604800"), RULED("\"defer_min\":{}"), RULED("\"defer_min\":{\"system\":44640}"),
        RULED("\"rollout\":{\"salt\":\"" SALT "\",\"per_mille\":0}"), RULED("\"rollout\":{\"salt\":\"" SALT "\",\"per_mille\":1000}"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (parse(good[i]) != OTA_OK)
            fail_msg("%s: %s at %s", good[i], ota_err_name(fault.err), fault.where);
}

static void paths(void **state)
{
    static const struct { const char *path; bool good; } rows[] = {
        { "a", true }, { "os/img/a.img", true }, { "A-b_c/d.0", true }, { "a.b.c", true },
        { "", false }, { "/a", false }, { "a/", false }, { "a//b", false }, { "..", false }, { "../a", false }, { "a/../b", false },
        { "a/..", false }, { "a..b", false }, { ".", false }, { "./a", false }, { ".a", false }, { "a/.b", false }, { "a b", false },
        { "a%2fb", false }, { "a\\\\b", false }, { "a\\nb", false }, { "a?b", false }, { "a:b", false }, { "\xc3\xa4", false },
        { "a\\u0000b", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256] = "{\"format\":1,\"group\":\"production\",\"images\":[{\"component\":\"os\",\"length\":5,\"path\":\"";
        strcat(text, rows[i].path);
        strcat(text, "\",\"sha256\":\"" HEX "\"}],\"product\":\"thermostat\",\"seq\":3}");
        ota_err err = parse(text);
        if ((err == OTA_OK) != rows[i].good || (!rows[i].good && strcmp(fault.where, "pointer.images[0].path") != 0))
            fail_msg("%s: %s at %s", rows[i].path, ota_err_name(err), fault.where);
    }
}

static void four_components_and_no_more(void **state)
{
#define ONE(c) "{\"component\":\"" c "\",\"length\":5,\"path\":\"x\",\"sha256\":\"" HEX "\"}"
    (void)state;
    assert_int_equal(parse(AROUND(ONE("a") "," ONE("b") "," ONE("c") "," ONE("d"))), OTA_OK);
    assert_int_equal(pointer.count, OTA_COMPONENTS_MAX);
    assert_int_equal(parse(AROUND(ONE("a") "," ONE("b") "," ONE("c") "," ONE("d") "," ONE("e"))), OTA_REJECT_LIMIT);
    assert_string_equal(fault.where, "pointer.images[4]");
}

static void every_truncation_is_refused(void **state)
{
    static const char text[] = AROUND(OS "," APP);

    (void)state;
    assert_int_equal(parse(text), OTA_OK);
    for (size_t len = 0; len < strlen(text); len++)
        assert_int_not_equal(otai_pointer_parse((const uint8_t *)text, len, "thermostat", "production", NULL, &pointer, NULL), OTA_OK);
}

static void target_paths(void **state)
{
    char out[40];

    (void)state;
    assert_int_equal(otai_pointer_path("production", out, sizeof out), OTA_OK);
    assert_string_equal(out, "group/production/deploy.json");
    assert_int_equal(otai_pointer_path("production", out, 28), OTA_REJECT_LIMIT);
    assert_int_equal(otai_pointer_path("production", out, 29), OTA_OK);
    assert_int_equal(otai_feed_path("retail", "thermostat", out, sizeof out), OTA_OK);
    assert_string_equal(out, "os/feed/retail/thermostat.json");
    assert_int_equal(otai_feed_path("retail", "thermostat", out, 31), OTA_OK);
    for (size_t cap = 0; cap < 31; cap++)
        assert_int_equal(otai_feed_path("retail", "thermostat", out, cap), OTA_REJECT_LIMIT);
}

static void the_longest_prefix_owns_a_path(void **state)
{
    static const char *const product[] = { "app/", "group/", "os/feed/own/", NULL }, *const os[] = { "os/", NULL }, *const none[] = { NULL };
    const struct ota_repo repos[] = { { .prefixes = product }, { .prefixes = os }, { .prefixes = none }, { .prefixes = NULL } };
    static const struct { const char *path; int owner; } rows[] = {
        { "app/x", 0 }, { "group/g/deploy.json", 0 }, { "os/img/a", 1 }, { "os/feed/own/x", 0 }, { "os/feed/retail/x", 1 }, { "os", -1 },
        { "apps/x", -1 }, { "", -1 }, { "/os/x", -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(otai_repo_for(repos, 4, rows[i].path), rows[i].owner);
    assert_int_equal(otai_repo_for(repos, 0, "os/x"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_pointer),
        cmocka_unit_test(what_may_be_absent_or_unknown),
        cmocka_unit_test(a_feeds_pointer),
        cmocka_unit_test(every_error_names_its_field),
        cmocka_unit_test(so_do_those_of_its_rules),
        cmocka_unit_test(what_a_pointer_asks_of_its_devices),
        cmocka_unit_test(the_bounds_of_what_it_asks),
        cmocka_unit_test(paths),
        cmocka_unit_test(four_components_and_no_more),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(target_paths),
        cmocka_unit_test(the_longest_prefix_owns_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
