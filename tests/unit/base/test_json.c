/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"

static ota_err read_all(const char *text, size_t len)
{
    struct otai_json j;

    otai_json_init(&j, text, len);
    otai_json_skip(&j);
    otai_json_end(&j);
    return j.err;
}

static void well_formed_documents_are_taken(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "0",
        "-1",
        "true",
        "false",
        "null",
        "\"\"",
        " \t\r\n{ } \n",
        "[1,2]",
        "[[],[[]],{}]",
        "{\"a\":{\"a\":[]}}",
        "{\"b\":1,\"a\":2}",
        "\"\\u00e9\\n\\/\\\"\\\\\"",
        "\"\\ud83d\\ude00\"",
        "\"\xf0\x9f\x98\x80\"",
        "\"\xc2\x80\xe0\xa0\x80\xf4\x8f\xbf\xbf\"",
        "\"\x7f\"",
        "123456789012345678901234567890",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
        "{\"\":1,\"a\":1,\"b\":1}",
        "\"\\u0001\"",
        "\"\xed\x9f\xbf\xee\x80\x80\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (read_all(good[i], strlen(good[i])) != OTA_OK)
            fail_msg("refused: %s", good[i]);
}

static const struct {
    const char *text;
    ota_err err;
} malformed[] = {
    { "", OTA_REJECT_SYNTAX },
    { " ", OTA_REJECT_SYNTAX },
    { "{", OTA_REJECT_SYNTAX },
    { "}", OTA_REJECT_SYNTAX },
    { "[", OTA_REJECT_SYNTAX },
    { "[}", OTA_REJECT_SYNTAX },
    { "{]", OTA_REJECT_SYNTAX },
    { "[1", OTA_REJECT_SYNTAX },
    { "[1,", OTA_REJECT_SYNTAX },
    { "[1,]", OTA_REJECT_SYNTAX },
    { "[,1]", OTA_REJECT_SYNTAX },
    { "[1 2]", OTA_REJECT_SYNTAX },
    { "[1,,2]", OTA_REJECT_SYNTAX },
    { "{\"a\"}", OTA_REJECT_SYNTAX },
    { "{\"a\":}", OTA_REJECT_SYNTAX },
    { "{\"a\":1,}", OTA_REJECT_SYNTAX },
    { "{,\"a\":1}", OTA_REJECT_SYNTAX },
    { "{a:1}", OTA_REJECT_SYNTAX },
    { "{1:1}", OTA_REJECT_SYNTAX },
    { "{'a':1}", OTA_REJECT_SYNTAX },
    { "{\"a\" 1}", OTA_REJECT_SYNTAX },
    { "{\"a\":1 \"b\":2}", OTA_REJECT_SYNTAX },
    { "1 2", OTA_REJECT_SYNTAX },
    { "{}{}", OTA_REJECT_SYNTAX },
    { "{},", OTA_REJECT_SYNTAX },
    { "01", OTA_REJECT_SYNTAX },
    { "00", OTA_REJECT_SYNTAX },
    { "-", OTA_REJECT_SYNTAX },
    { "-0", OTA_REJECT_SYNTAX },
    { "-01", OTA_REJECT_SYNTAX },
    { "+1", OTA_REJECT_SYNTAX },
    { "1.0", OTA_REJECT_SYNTAX },
    { "1.", OTA_REJECT_SYNTAX },
    { ".5", OTA_REJECT_SYNTAX },
    { "1e1", OTA_REJECT_SYNTAX },
    { "1E1", OTA_REJECT_SYNTAX },
    { "0e0", OTA_REJECT_SYNTAX },
    { "0x1", OTA_REJECT_SYNTAX },
    { "--1", OTA_REJECT_SYNTAX },
    { "NaN", OTA_REJECT_SYNTAX },
    { "Infinity", OTA_REJECT_SYNTAX },
    { "nul", OTA_REJECT_SYNTAX },
    { "nulll", OTA_REJECT_SYNTAX },
    { "True", OTA_REJECT_SYNTAX },
    { "tru", OTA_REJECT_SYNTAX },
    { "fals", OTA_REJECT_SYNTAX },
    { "falsey", OTA_REJECT_SYNTAX },
    { "undefined", OTA_REJECT_SYNTAX },
    { "\"", OTA_REJECT_SYNTAX },
    { "\"a", OTA_REJECT_SYNTAX },
    { "\"\\\"", OTA_REJECT_SYNTAX },
    { "\"\\", OTA_REJECT_SYNTAX },
    { "\"\\x\"", OTA_REJECT_SYNTAX },
    { "\"\\u12\"", OTA_REJECT_SYNTAX },
    { "\"\\u123g\"", OTA_REJECT_SYNTAX },
    { "\"\\U0041\"", OTA_REJECT_SYNTAX },
    { "\"\\u0000\"", OTA_REJECT_SYNTAX },
    { "\"\\ud800\"", OTA_REJECT_SYNTAX },
    { "\"\\udc00\"", OTA_REJECT_SYNTAX },
    { "\"\\ud800\\ud800\"", OTA_REJECT_SYNTAX },
    { "\"\\ud800\\u0041\"", OTA_REJECT_SYNTAX },
    { "\"\\ud800x\"", OTA_REJECT_SYNTAX },
    { "\"\\ud800\\", OTA_REJECT_SYNTAX },
    { "\"\n\"", OTA_REJECT_SYNTAX },
    { "\"\t\"", OTA_REJECT_SYNTAX },
    { "\"\x1f\"", OTA_REJECT_SYNTAX },
    { "\"\x80\"", OTA_REJECT_SYNTAX },
    { "\"\xc3\"", OTA_REJECT_SYNTAX },
    { "\"\xc3\x28\"", OTA_REJECT_SYNTAX },
    { "\"\xc0\xaf\"", OTA_REJECT_SYNTAX },
    { "\"\xc1\xbf\"", OTA_REJECT_SYNTAX },
    { "\"\xe0\x80\xaf\"", OTA_REJECT_SYNTAX },
    { "\"\xf0\x80\x80\xaf\"", OTA_REJECT_SYNTAX },
    { "\"\xed\xa0\x80\"", OTA_REJECT_SYNTAX },
    { "\"\xf4\x90\x80\x80\"", OTA_REJECT_SYNTAX },
    { "\"\xf8\x88\x80\x80\x80\"", OTA_REJECT_SYNTAX },
    { "\"\xff\"", OTA_REJECT_SYNTAX },
    { "\"\xe2\x82\"", OTA_REJECT_SYNTAX },
    { "\xef\xbb\xbf{}", OTA_REJECT_SYNTAX },
    { "\xfe\xff{}", OTA_REJECT_SYNTAX },
    { "// c\n{}", OTA_REJECT_SYNTAX },
    { "{}\v", OTA_REJECT_SYNTAX },
    { "\xc2\xa0{}", OTA_REJECT_SYNTAX },
    { "{\"a\":1,\"a\":1}", OTA_REJECT_DUPLICATE },
    { "{\"b\":1,\"a\":1,\"b\":1}", OTA_REJECT_DUPLICATE },
    { "{\"a\":1,\"\\u0061\":1}", OTA_REJECT_DUPLICATE },
    { "{\"c\":{\"}\":1},\"b\":[\"c\"],\"a\":1,\"c\":2}", OTA_REJECT_DUPLICATE },
    { "[{\"x\":[{\"a\":0,\"a\":0}]}]", OTA_REJECT_DUPLICATE },
    { "{\"\":1,\"\":1}", OTA_REJECT_DUPLICATE },
    { "{\"\\/\":1,\"/\":1}", OTA_REJECT_DUPLICATE },
    { "{\"b\\\"\":\"\\\\\",\"a\":1,\"b\\u0022\":1}", OTA_REJECT_DUPLICATE },
    { "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", OTA_REJECT_LIMIT },
    { "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", OTA_REJECT_LIMIT },
};

static void malformed_documents_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        ota_err err = read_all(malformed[i].text, strlen(malformed[i].text));

        if (err != malformed[i].err)
            fail_msg("%s: %s", malformed[i].text, ota_err_name(err));
    }
    assert_int_equal(read_all("\"a\0b\"", 5), OTA_REJECT_SYNTAX);
    assert_int_equal(read_all("{}\0", 3), OTA_REJECT_SYNTAX);
    assert_int_equal(read_all("[\0]", 3), OTA_REJECT_SYNTAX);
}

/* A document cut anywhere is malformed, and nothing behind its end is read (the sanitizer watches). */
static void every_cut_is_refused(void **state)
{
    static const char text[] = "{\"a\":[1,-2,true,null,\"\\u00e9\\ud83d\\ude00\xf0\x9f\x98\x80\"],\"b\":{\"c\":false,\"B\":{}}}";

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *copy = test_malloc(len + 1);

        memcpy(copy, text, len);
        assert_int_equal(read_all(copy, len), OTA_REJECT_SYNTAX);
        test_free(copy);
    }
    assert_int_equal(read_all(text, sizeof text - 1), OTA_OK);
}

static void unsorted_objects_are_bounded(void **state)
{
    static char text[8000];

    (void)state;
    for (int count = OTAI_JSON_UNSORTED; count <= OTAI_JSON_UNSORTED + 1; count++) {
        size_t len = 0;

        for (int i = 0; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%c\"%03d\":%d", i ? ',' : '{', (i * 7) % 1000, i);
        text[len++] = '}';
        assert_int_equal(read_all(text, len), count > OTAI_JSON_UNSORTED ? OTA_REJECT_LIMIT : OTA_OK);
        len = 0;
        for (int i = 0; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%c\"%03d\":%d", i ? ',' : '{', i, i);
        text[len++] = '}';
        assert_int_equal(read_all(text, len), OTA_OK);
    }
}

static void getters_take_what_they_are_for(void **state)
{
    static const char text[] = "{ \"n\" : 42 , \"m\":-9223372036854775808,\"u\":18446744073709551615,\"t\":true,\"f\":false,"
                               "\"s\":\"a\\u00e9\\ud83d\\ude00\\n\",\"h\":\"00ff\",\"z\":null,\"v\": [1, {}] ,\"l\":[3,4]}";
    struct otai_json j;
    uint64_t sum = 0;
    char s[16];
    uint8_t h[2];
    int seen = 0;

    (void)state;
    otai_json_init(&j, text, sizeof text - 1);
    assert_int_equal(otai_json_peek(&j), OTAI_JSON_OBJECT);
    for (otai_json_object(&j); otai_json_member(&j); seen++) {
        if (otai_json_name_is(&j, "n"))
            assert_true(otai_json_u64(&j, 42, 42) == 42);
        else if (otai_json_name_is(&j, "m"))
            otai_json_skip(&j);
        else if (otai_json_name_is(&j, "u"))
            assert_true(otai_json_u64(&j, 0, UINT64_MAX) == UINT64_MAX);
        else if (otai_json_name_is(&j, "t"))
            assert_true(otai_json_bool(&j));
        else if (otai_json_name_is(&j, "f"))
            assert_false(otai_json_bool(&j));
        else if (otai_json_name_is(&j, "s"))
            otai_json_string(&j, s, sizeof s);
        else if (otai_json_name_is(&j, "h"))
            otai_json_hex(&j, h, sizeof h);
        else if (otai_json_name_is(&j, "z"))
            otai_json_null(&j);
        else if (otai_json_name_is(&j, "v")) {
            struct otai_span v = otai_json_value(&j);
            assert_int_equal(v.len, 7);
            assert_memory_equal(v.p, "[1, {}]", 7);
        } else
            for (otai_json_array(&j); otai_json_element(&j);)
                sum += otai_json_u64(&j, 0, 9);
    }
    otai_json_end(&j);
    assert_int_equal(j.err, OTA_OK);
    assert_int_equal(seen, 10);
    assert_int_equal(sum, 7);
    assert_string_equal(s, "a\xc3\xa9\xf0\x9f\x98\x80\n");
    assert_int_equal(h[1], 255);
}

static ota_err get(const char *text, void (*take)(struct otai_json *))
{
    struct otai_json j;

    otai_json_init(&j, text, strlen(text));
    take(&j);
    return j.err;
}

static void take_digit(struct otai_json *j)
{
    (void)otai_json_u64(j, 1, 9);
}
static void take_any(struct otai_json *j)
{
    (void)otai_json_u64(j, 0, UINT64_MAX);
}
static void take_bool(struct otai_json *j)
{
    (void)otai_json_bool(j);
}
static void take_object(struct otai_json *j)
{
    otai_json_object(j);
}
static void take_array(struct otai_json *j)
{
    otai_json_array(j);
}
static void take_null(struct otai_json *j)
{
    otai_json_null(j);
}
static void take_short(struct otai_json *j)
{
    char s[3] = "??";

    otai_json_string(j, s, sizeof s);
    if (j->err != OTA_OK)
        assert_string_equal(s, "");
}
static void take_hex(struct otai_json *j)
{
    uint8_t b[2] = { 1, 1 };

    otai_json_hex(j, b, sizeof b);
    if (j->err != OTA_OK)
        assert_int_equal(b[0] + b[1], 0);
}

static void getters_refuse_the_rest(void **state)
{
    (void)state;
    assert_int_equal(get("1", take_digit), OTA_OK);
    assert_int_equal(get("9", take_digit), OTA_OK);
    assert_int_equal(get("0", take_digit), OTA_REJECT_VALUE);
    assert_int_equal(get("10", take_digit), OTA_REJECT_VALUE);
    assert_int_equal(get("-1", take_any), OTA_REJECT_VALUE);
    assert_int_equal(get("18446744073709551616", take_any), OTA_REJECT_VALUE);
    assert_int_equal(get("\"1\"", take_any), OTA_REJECT_TYPE);
    assert_int_equal(get("", take_any), OTA_REJECT_SYNTAX);
    assert_int_equal(get("1.5", take_any), OTA_REJECT_SYNTAX);
    assert_int_equal(get("null", take_bool), OTA_REJECT_TYPE);
    assert_int_equal(get("[]", take_object), OTA_REJECT_TYPE);
    assert_int_equal(get("{}", take_array), OTA_REJECT_TYPE);
    assert_int_equal(get("0", take_null), OTA_REJECT_TYPE);
    assert_int_equal(get("nul", take_null), OTA_REJECT_SYNTAX);
    assert_int_equal(get("\"ab\"", take_short), OTA_OK);
    assert_int_equal(get("\"abc\"", take_short), OTA_REJECT_LIMIT);
    assert_int_equal(get("\"\\u00e9a\"", take_short), OTA_REJECT_LIMIT);
    assert_int_equal(get("5", take_short), OTA_REJECT_TYPE);
    assert_int_equal(get("\"00ff\"", take_hex), OTA_OK);
    assert_int_equal(get("\"00FF\"", take_hex), OTA_REJECT_VALUE);
    assert_int_equal(get("\"00f\"", take_hex), OTA_REJECT_VALUE);
    assert_int_equal(get("\"00ff0\"", take_hex), OTA_REJECT_VALUE);
    assert_int_equal(get("\"00fg\"", take_hex), OTA_REJECT_VALUE);
    assert_int_equal(get("7", take_hex), OTA_REJECT_TYPE);
}

static void first_error_stays(void **state)
{
    struct otai_json j;
    char s[4] = "abc";

    (void)state;
    otai_json_init(&j, "{\"a\":1,\"b\":2}", 13);
    otai_json_fail(&j, OTA_REJECT_SPEC, "x");
    otai_json_fail(&j, OTA_REJECT_VALUE, "y");
    otai_json_object(&j);
    assert_false(otai_json_member(&j));
    assert_false(otai_json_element(&j));
    assert_int_equal(otai_json_peek(&j), OTAI_JSON_NONE);
    assert_true(otai_json_u64(&j, 0, 9) == 0);
    otai_json_string(&j, s, sizeof s);
    assert_string_equal(s, "");
    assert_null(otai_json_value(&j).p);
    assert_false(otai_json_name_is(&j, "a"));
    otai_json_need(&j, false, "z");
    otai_json_end(&j);
    assert_int_equal(j.err, OTA_REJECT_SPEC);
}

/* Calls in the wrong place give an error, never a wrong value. */
static void misuse_is_an_error(void **state)
{
    struct otai_json j;

    (void)state;
    otai_json_init(&j, "1", 1);
    assert_false(otai_json_member(&j));
    assert_int_equal(j.err, OTA_REJECT_SYNTAX);
    otai_json_init(&j, "{\"a\":1,\"b\":2}", 13);
    otai_json_object(&j);
    assert_true(otai_json_member(&j));
    assert_false(otai_json_member(&j)); /* the value was not taken */
    assert_int_equal(j.err, OTA_REJECT_SYNTAX);
    otai_json_init(&j, "[1]", 3);
    otai_json_array(&j);
    otai_json_end(&j);
    assert_int_equal(j.err, OTA_REJECT_SYNTAX);
}

static void expect_place(const char *text, const char *document, const char *place)
{
    struct ota_fault fault;
    struct otai_json j;

    otai_json_init(&j, text, strlen(text));
    otai_json_skip(&j);
    assert_int_equal(otai_json_fault(&j, document, &fault), j.err);
    assert_int_not_equal(fault.err, OTA_OK);
    assert_string_equal(fault.where, place);
    assert_int_equal(otai_json_fault(&j, document, NULL), j.err);
}

static void faults_name_their_place(void **state)
{
    struct ota_fault fault;
    struct otai_json j;

    (void)state;
    expect_place("x", "pointer", "pointer");
    expect_place("{\"signed\":{\"expires\":x}}", "root", "root.signed.expires");
    expect_place("{\"signed\":{\"a\":1,\"a\":1}}", "root", "root.signed.a");
    expect_place("{\"a\":[0,{\"b\":01}]}", "role x: ", "role x: a[1].b");
    expect_place("{\"a123456789a123456789\":{\"b123456789b123456789b123456789\":{\"c\":x}}}", "root",
                 "root.a123456789a123456789");
    otai_json_init(&j, "{\"a\":{}}", 8);
    for (otai_json_object(&j); otai_json_member(&j);) {
        for (otai_json_object(&j); otai_json_member(&j);)
            otai_json_skip(&j);
        otai_json_need(&j, false, "b");
    }
    assert_int_equal(otai_json_fault(&j, "d", &fault), OTA_REJECT_MISSING);
    assert_string_equal(fault.where, "d.a.b");
    fault.err = OTA_DONE;
    otai_json_init(&j, "{}", 2);
    assert_int_equal(otai_json_fault(&j, "d", &fault), OTA_OK);
    assert_int_equal(fault.err, OTA_DONE);
}

static void strings_are_compared_decoded(void **state)
{
    static const char raw[] = "si\\u0067n\\u00e9";
    const struct otai_span s = { (const uint8_t *)raw, sizeof raw - 1 }, none = { NULL, 0 }, empty = { (const uint8_t *)raw, 0 };
    char out[8];

    (void)state;
    assert_true(otai_json_raw_is(s, "sign\xc3\xa9"));
    assert_false(otai_json_raw_is(s, "sign"));
    assert_false(otai_json_raw_is(s, "sign\xc3\xa9s"));
    assert_false(otai_json_raw_is(s, "Sign\xc3\xa9"));
    assert_false(otai_json_raw_is(none, ""));
    assert_true(otai_json_raw_is(empty, ""));
    assert_true(otai_json_raw_copy(s, out, 7));
    assert_false(otai_json_raw_copy(s, out, 6));
    assert_string_equal(out, "");
    assert_true(otai_json_same(s, s));
    assert_false(otai_json_same(s, empty));
}

struct text {
    char p[512];
    size_t len, calls, fail_at;
};

static ota_err put(void *ctx, const uint8_t *p, size_t len)
{
    struct text *t = ctx;

    if (++t->calls == t->fail_at)
        return OTA_DEVICE_CRYPTO;
    assert_true(t->len + len < sizeof t->p);
    memcpy(t->p + t->len, p, len);
    t->len += len;
    t->p[t->len] = '\0';
    return OTA_OK;
}

static ota_err canonical(const char *text, struct text *out)
{
    const struct otai_json_sink sink = { put, out };
    struct otai_json j;

    memset(out, 0, sizeof *out);
    otai_json_init(&j, text, strlen(text));
    return otai_json_canonical(&j, &sink);
}

static void canonical_form_is_the_known_one(void **state)
{
    static const struct {
        const char *text, *form;
    } cases[] = {
        { "{}", "{}" },
        { " [ ] ", "[]" },
        { "[ 1 , -2 , [ ] , { } , null , true , false ]", "[1,-2,[],{},null,true,false]" },
        { "{\"b\" : 1 , \"a\" : { \"d\":[], \"c\" :\"x\" }, \"c\":[{\"z\":1,\"y\":2}]}",
          "{\"a\":{\"c\":\"x\",\"d\":[]},\"b\":1,\"c\":[{\"y\":2,\"z\":1}]}" },
        { "\"a\\n\\t\\u0001\\/\\\"\\\\\\u00e9\\ud83d\\ude00\"", "\"a\n\t\x01/\\\"\\\\\xc3\xa9\xf0\x9f\x98\x80\"" },
        { "{\"\\u00e9\":1,\"z\":2,\"\":3,\"zz\":4,\"\\uffff\":5,\"\\ud83d\\ude00\":6}",
          "{\"\":3,\"z\":2,\"zz\":4,\"\xc3\xa9\":1,\"\xef\xbf\xbf\":5,\"\xf0\x9f\x98\x80\":6}" },
        { "{\"a\\\"\":1,\"a!\":2}", "{\"a!\":2,\"a\\\"\":1}" },
        { "{\"c\":{\"b\":{\"a\":1,\"A\":[3,2,1]},\"B\":0},\"b\":\"}\",\"a\":\"]\"}",
          "{\"a\":\"]\",\"b\":\"}\",\"c\":{\"B\":0,\"b\":{\"A\":[3,2,1],\"a\":1}}}" },
        { "12345678901234567890123456789", "12345678901234567890123456789" },
        { "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]" },
    };
    struct text out, again;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(canonical(cases[i].text, &out), OTA_OK);
        assert_string_equal(out.p, cases[i].form);
        if (strpbrk(out.p, "\n\t\x01"))
            continue; /* raw control bytes are not JSON any more */
        assert_int_equal(canonical(out.p, &again), OTA_OK);
        assert_string_equal(again.p, out.p);
    }
}

static void canonical_form_of_bad_text_is_nothing(void **state)
{
    static const char *const bad[] = { "{\"b\":1,\"a\":{\"a\":1.5}}", "{\"a\":1,\"a\":2}", "[1,", "" };
    struct text out;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(canonical(bad[i], &out), OTA_OK);
        assert_int_equal(out.calls, 0);
    }
}

static void failing_sink_ends_the_work(void **state)
{
    char text[300] = "[";
    struct text out = { .fail_at = 2 };
    const struct otai_json_sink sink = { put, &out };
    struct otai_json j;

    (void)state;
    for (int i = 0; i < 90; i++)
        strcat(text, "10,");
    strcat(text, "1]");
    otai_json_init(&j, text, strlen(text));
    assert_int_equal(otai_json_canonical(&j, &sink), OTA_DEVICE_CRYPTO);
    assert_int_equal(out.calls, 2);
}

static void canonical_form_leaves_the_reader_behind_the_value(void **state)
{
    struct text out = { .fail_at = 0 };
    const struct otai_json_sink sink = { put, &out };
    struct otai_json j;

    (void)state;
    otai_json_init(&j, "{\"b\":[2],\"c\":3}", 15);
    otai_json_object(&j);
    assert_true(otai_json_member(&j));
    assert_int_equal(otai_json_canonical(&j, &sink), OTA_OK);
    assert_true(otai_json_member(&j));
    assert_true(otai_json_u64(&j, 3, 3) == 3);
    assert_string_equal(out.p, "[2]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_documents_are_taken),
        cmocka_unit_test(malformed_documents_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(unsorted_objects_are_bounded),
        cmocka_unit_test(getters_take_what_they_are_for),
        cmocka_unit_test(getters_refuse_the_rest),
        cmocka_unit_test(first_error_stays),
        cmocka_unit_test(misuse_is_an_error),
        cmocka_unit_test(faults_name_their_place),
        cmocka_unit_test(strings_are_compared_decoded),
        cmocka_unit_test(canonical_form_is_the_known_one),
        cmocka_unit_test(canonical_form_of_bad_text_is_nothing),
        cmocka_unit_test(failing_sink_ends_the_work),
        cmocka_unit_test(canonical_form_leaves_the_reader_behind_the_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
