/* SPDX-License-Identifier: Apache-2.0 */
/* What images provide and require: every shape that is taken, and every one that is not, by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "levels.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OTA(text) "{\"a\":{\"provides\":3},\"ota\":{\"component\":\"os\"," text "\"version\":\"1\"}}"
#define LONGEST "abcdefghijklmnopqrstuvwxyz-0123"

static struct otai_levels levels;
static struct ota_fault fault;

static ota_err parse(const char *custom)
{
    const struct ota_tuf_target target = { .custom = custom, .custom_len = strlen(custom) };

    memset(&levels, 0xa5, sizeof levels);
    memset(&fault, 0, sizeof fault);
    return otai_deploy_levels(&target, &levels, &fault);
}

static void whole_lists(void **state)
{
    (void)state;
    assert_int_equal(parse(OTA("\"provides\":{\"os-abi\":4294967295,\"" LONGEST "\":1},\"requires\":{\"boot\":7},")), OTA_OK);
    assert_int_equal(levels.provides_count, 2);
    assert_string_equal(levels.provides[0].name, "os-abi");
    assert_int_equal(levels.provides[0].level, UINT32_MAX);
    assert_string_equal(levels.provides[1].name, LONGEST);
    assert_int_equal(levels.requires_count, 1);
    assert_string_equal(levels.requires[0].name, "boot");
    assert_int_equal(levels.requires[0].level, 7);
    assert_int_equal(parse(OTA("\"requires\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1},")), OTA_OK);
    assert_int_equal(levels.requires_count, 4);
    assert_int_equal(parse(OTA("\"requires\":{},\"provides\":{},")), OTA_OK);
    assert_true(levels.requires_count == 0 && levels.provides_count == 0);
    assert_int_equal(parse(OTA("\"provide\":5,")), OTA_OK);
    assert_true(levels.requires_count == 0 && levels.provides_count == 0);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *custom;
        ota_err err;
        const char *where;
    } rows[] = {
        { OTA("\"provides\":[\"os-abi\"],"), OTA_REJECT_TYPE, "custom.ota.provides" },
        { OTA("\"requires\":\"os-abi\","), OTA_REJECT_TYPE, "custom.ota.requires" },
        { OTA("\"requires\":null,"), OTA_REJECT_TYPE, "custom.ota.requires" },
        { OTA("\"requires\":{\"os-abi\":\"1\"},"), OTA_REJECT_TYPE, "custom.ota.requires.os-abi" },
        { OTA("\"requires\":{\"os-abi\":{\"level\":1}},"), OTA_REJECT_TYPE, "custom.ota.requires.os-abi" },
        { OTA("\"requires\":{\"os-abi\":0},"), OTA_REJECT_VALUE, "custom.ota.requires.os-abi" },
        { OTA("\"requires\":{\"os-abi\":-1},"), OTA_REJECT_VALUE, "custom.ota.requires.os-abi" },
        { OTA("\"requires\":{\"os-abi\":1.5},"), OTA_REJECT_SYNTAX, "custom.ota.requires.os-abi" },
        { OTA("\"provides\":{\"os-abi\":4294967296},"), OTA_REJECT_VALUE, "custom.ota.provides.os-abi" },
        { OTA("\"provides\":{\"\":1},"), OTA_REJECT_VALUE, "custom.ota.provides." },
        { OTA("\"provides\":{\"OS\":1},"), OTA_REJECT_VALUE, "custom.ota.provides.OS" },
        { OTA("\"provides\":{\"a b\":1},"), OTA_REJECT_VALUE, "custom.ota.provides.a b" },
        { OTA("\"provides\":{\"" LONGEST "4\":1},"), OTA_REJECT_VALUE, "custom.ota.provides" },
        { OTA("\"provides\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1},"), OTA_REJECT_LIMIT, "custom.ota.provides.e" },
        { OTA("\"provides\":{\"a\":1,\"a\":2},"), OTA_REJECT_DUPLICATE, "custom.ota.provides.a" },
        { OTA("\"provides\":{\"a\":1},\"provides\":{\"b\":1},"), OTA_REJECT_DUPLICATE, "custom.ota.provides" },
        { OTA("\"provides\":{\"a\":1") "}", OTA_REJECT_SYNTAX, "custom" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ota_err err = parse(rows[i].custom);
        if (err != rows[i].err || strncmp(fault.where, rows[i].where, strlen(rows[i].where)) != 0)
            fail_msg("row %zu: %s at %s", i, ota_err_name(err), fault.where);
    }
}

static void levels_are_only_compared(void **state)
{
    static const struct otai_level has[] = { { "a", 1 }, { "b", 5 }, { "b2", 9 } };
    static const struct {
        struct otai_level want;
        bool met;
    } rows[] = {
        { { "b", 5 }, true }, { { "b", 4 }, true },  { { "b", 6 }, false },
        { { "a", 1 }, true }, { { "c", 1 }, false }, { { "b2", 9 }, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_true(otai_levels_meet(has, COUNT(has), &rows[i].want) == rows[i].met);
    assert_false(otai_levels_meet(has, 0, &rows[0].want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_lists),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(levels_are_only_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
