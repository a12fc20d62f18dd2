/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "json_members.h"

struct thing {
    struct otai_span name, object, array, any;
    uint32_t count;
    bool flag;
};

enum { OWN = 1 };

static const struct otai_member members[] = {
    { "name", offsetof(struct thing, name), OTAI_JSON_STRING, true },
    [OWN] = { "own", 0, OTAI_OWN, true },
    { "object", offsetof(struct thing, object), OTAI_JSON_OBJECT, false },
    { "array", offsetof(struct thing, array), OTAI_JSON_ARRAY, false },
    { "any", offsetof(struct thing, any), OTAI_JSON_NONE, false },
    { "count", offsetof(struct thing, count), OTAI_JSON_NUMBER, false },
    { "flag", offsetof(struct thing, flag), OTAI_JSON_BOOL, false },
};

static struct ota_fault fault;

/* Read text with those members; own ones must be 7. */
static ota_err read_thing(const char *text, struct thing *out, uint32_t *left)
{
    struct otai_json j;
    int member;

    memset(out, 0, sizeof *out);
    memset(&fault, 0, sizeof fault);
    otai_json_init(&j, text, strlen(text));
    otai_json_object(&j);
    while ((member = otai_json_take(&j, members, out, left)) >= 0) {
        assert_int_equal(member, OWN);
        (void)otai_json_u64(&j, 7, 7);
    }
    otai_json_end(&j);
    return otai_json_fault(&j, "doc", &fault);
}

static void each_kind_lands_in_its_field(void **state)
{
    uint32_t left = OTAI_ALL(members);
    struct thing x;

    (void)state;
    assert_int_equal(
        read_thing("{\"x\":[{}],\"own\":7,\"flag\":true,\"name\":\"a\\n\",\"any\": null ,\"array\":[1],\"object\":{ },"
                   "\"count\":4294967295}",
                   &x, &left),
        OTA_OK);
    assert_int_equal(left, 0);
    assert_true(otai_span_is(x.name, "a\\n"));
    assert_true(otai_span_is(x.object, "{ }"));
    assert_true(otai_span_is(x.array, "[1]"));
    assert_true(otai_span_is(x.any, "null"));
    assert_int_equal(x.count, UINT32_MAX);
    assert_true(x.flag);
}

static void what_did_not_come_is_left(void **state)
{
    uint32_t left = OTAI_ALL(members);
    struct thing x;

    (void)state;
    assert_int_equal(read_thing("{\"name\":\"\",\"own\":7,\"flag\":false}", &x, &left), OTA_OK);
    assert_int_equal(left, 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5);
    assert_non_null(x.name.p);
    assert_null(x.any.p);
}

static void members_that_are_not_meant_are_unknown(void **state)
{
    uint32_t left = 1u << OWN;
    struct thing x;

    (void)state;
    assert_int_equal(read_thing("{\"name\":5,\"own\":7,\"flag\":\"no\"}", &x, &left), OTA_OK);
    assert_null(x.name.p);
}

static void faults_name_the_member(void **state)
{
    static const struct {
        const char *text, *where;
        ota_err err;
    } cases[] = {
        { "{\"own\":7}", "doc.name", OTA_REJECT_MISSING },
        { "{\"name\":\"\"}", "doc.own", OTA_REJECT_MISSING },
        { "{}", "doc.name", OTA_REJECT_MISSING },
        { "{\"name\":1}", "doc.name", OTA_REJECT_TYPE },
        { "{\"object\":[]}", "doc.object", OTA_REJECT_TYPE },
        { "{\"array\":{}}", "doc.array", OTA_REJECT_TYPE },
        { "{\"count\":0}", "doc.count", OTA_REJECT_VALUE },
        { "{\"count\":4294967296}", "doc.count", OTA_REJECT_VALUE },
        { "{\"flag\":0}", "doc.flag", OTA_REJECT_TYPE },
        { "{\"any\":}", "doc.any", OTA_REJECT_SYNTAX },
        { "{\"own\":8}", "doc.own", OTA_REJECT_VALUE },
        { "{\"own\":7,\"own\":7}", "doc.own", OTA_REJECT_DUPLICATE },
        { "[]", "doc", OTA_REJECT_TYPE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t left = OTAI_ALL(members);
        struct thing x;

        assert_int_equal(read_thing(cases[i].text, &x, &left), cases[i].err);
        assert_string_equal(fault.where, cases[i].where);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_lands_in_its_field),
        cmocka_unit_test(what_did_not_come_is_left),
        cmocka_unit_test(members_that_are_not_meant_are_unknown),
        cmocka_unit_test(faults_name_the_member),
    };

    return cmocka_run_group_tests_name("json_members", tests, NULL, NULL);
}
