/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in pieces: the same events whatever the pieces, the same refusals as the reader of whole texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "json_push.h"

struct log {
    char text[8192];
    size_t len;
    uint32_t fail_at, events;
};

static ota_err take_event(void *to, const struct otai_push *p, enum otai_push_event ev)
{
    static const char *const names[] = { "{", "}", "[", "]", "n:", "s:", "#", "b:", "null" };
    struct log *l = to;
    bool text = ev >= OTAI_PUSH_NAME && ev <= OTAI_PUSH_BOOL;

    if (++l->events == l->fail_at)
        return OTA_REJECT_VALUE;
    int n = snprintf(l->text + l->len, sizeof l->text - l->len, "%s%.40s%s ", names[ev], text ? p->text : "",
                     p->cut && text ? "~" : "");
    l->len += (size_t)n;
    return OTA_OK;
}

static ota_err push(const char *text, size_t len, size_t piece, struct log *l)
{
    struct otai_push p;
    ota_err err = OTA_OK;

    memset(l, 0, sizeof *l);
    otai_push_init(&p);
    for (size_t at = 0; at < len && err == OTA_OK; at += piece)
        err = otai_push_bytes(&p, (const uint8_t *)text + at, len - at < piece ? len - at : piece, take_event, l);
    return err == OTA_OK ? otai_push_end(&p) : err;
}

static void events_do_not_depend_on_the_pieces(void **state)
{
    static const char text[] =
        " {\"a\" : [1, -0.5e+3 ,true,false,null,\"x\\u00e9\\ud83d\\ude00\\n\\\"\xc3\xa9\"],\"b\":{},\"c\":[],\"\":{\"d\":\"\"}} "
        "\n";
    static const char want[] =
        "{ n:a [ #1 #-0.5e+3 b:true b:false null s:x\xc3\xa9\xf0\x9f\x98\x80\n\"\xc3\xa9 ] n:b { } n:c [ ] n: { n:d s: } } ";
    struct log l;

    (void)state;
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        assert_int_equal(push(text, sizeof text - 1, piece, &l), OTA_OK);
        assert_string_equal(l.text, want);
    }
}

/* clang-format off */
static const char *const malformed[] = {
    "", " ", "{", "}", "[", "]", "{]", "[}", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
    "{,}", "{a:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{1:2}", "[] []", "{} x", "[01]", "[-]", "[+1]", "[1.]", "[.5]",
    "[1e]", "[1e+]", "[1.5.2]", "[--1]", "[-01]", "[1-2]", "[tru]", "[True]", "[nul]", "[nulll]", "[truefalse]", "[\"]",
    "[\"\\x\"]", "[\"\\u12\"]", "[\"\\u0000\"]", "[\"\\ud800\"]", "[\"\\udc00\"]", "[\"\\ud800\\u0041\"]",
    "[\"\\ud800x\"]", "[\"\x01\"]", "[\"\n\"]", "[\"\xff\"]", "[\"\xc0\x80\"]", "[\"\xed\xa0\x80\"]",
    "[\"\xf4\x90\x80\x80\"]", "[\"\xc3\"]", "[\"\x80\"]", "\xef\xbb\xbf{}", "'a'", "{\"a\":'b'}", "[/**/]", "[NaN]",
    "[Infinity]", "1 2", "{\"a\":1}}",
};
/* clang-format on */

static void what_is_malformed_is_refused(void **state)
{
    struct log l;

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        for (size_t piece = 1; piece <= 3; piece++)
            if (push(malformed[i], strlen(malformed[i]), piece, &l) != OTA_REJECT_SYNTAX)
                fail_msg("accepted: %s", malformed[i]);
    assert_int_equal(push("[\"\0\"]", 5, 1, &l), OTA_REJECT_SYNTAX);
}

static void every_cut_of_a_document_is_refused(void **state)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\\ud83d\\ude00\"},null]}";
    struct log l;

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(push(text, len, 7, &l), OTA_REJECT_SYNTAX);
    assert_int_equal(push(text, sizeof text - 1, 7, &l), OTA_OK);
}

static void long_texts_pass_and_are_marked(void **state)
{
    static char text[4000];
    struct log l;

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "{\"", 2);
    memcpy(text + 2000, "\":\"", 3);
    memcpy(text + sizeof text - 2, "\"}", 2);
    assert_int_equal(push(text, sizeof text, 13, &l), OTA_OK);
    assert_non_null(strstr(l.text, "n:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx~ s:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx~ } "));
    memset(text, '1', sizeof text);
    text[0] = '[';
    text[sizeof text - 1] = ']';
    assert_int_equal(push(text, sizeof text, 13, &l), OTA_REJECT_LIMIT); /* a number of so many digits means nothing */
    /* The longest that is kept whole, and one more. */
    for (size_t n = OTAI_PUSH_TEXT - 1; n <= OTAI_PUSH_TEXT; n++) {
        memset(text, 'y', sizeof text);
        memcpy(text, "[\"", 2);
        memcpy(text + 2 + n, "\"]", 2);
        assert_int_equal(push(text, n + 4, 1, &l), OTA_OK);
        assert_int_equal(strchr(l.text, '~') != NULL, n == OTAI_PUSH_TEXT);
    }
}

static void nesting_is_bounded(void **state)
{
    char text[2 * OTAI_JSON_DEPTH + 4];
    struct log l;

    (void)state;
    for (size_t depth = 1; depth <= OTAI_JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(push(text, 2 * depth, 3, &l), depth > OTAI_JSON_DEPTH ? OTA_REJECT_LIMIT : OTA_OK);
    }
}

static void the_first_error_stays(void **state)
{
    struct otai_push p;
    struct log l = { .fail_at = 2 };

    (void)state;
    otai_push_init(&p);
    assert_int_equal(otai_push_bytes(&p, (const uint8_t *)"[1,2]", 5, take_event, &l), OTA_REJECT_VALUE);
    assert_int_equal(l.events, 2);
    assert_int_equal(otai_push_bytes(&p, (const uint8_t *)"]", 1, take_event, &l), OTA_REJECT_VALUE);
    assert_int_equal(otai_push_end(&p), OTA_REJECT_VALUE);
    assert_int_equal(l.events, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_do_not_depend_on_the_pieces),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(every_cut_of_a_document_is_refused),
        cmocka_unit_test(long_texts_pass_and_are_marked),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(the_first_error_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
