/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fetch.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void which_urls_are_allowed(void **state)
{
    static const struct { const char *url; bool tls_only, plain; } rows[] = {
        { "https://a/", true, true }, { "https://a.b:8443/x?y", true, true }, { "https://a", true, true },
        { "http://a/", false, true }, { "http://127.0.0.1:80/", false, true }, { "file:///srv/x", true, true },
        { "file://host/x", false, false }, { "ftp://a/", false, false }, { "https:/a", false, false }, { "https://", false, false },
        { "https:///x", false, false }, { "https://u:p@a/", false, false }, { "https://a/@x", true, true }, { "HTTPS://a/", false, false },
        { "https://a/ b", false, false }, { "https://a/\n", false, false }, { "https://a/\xc3\xa4", false, false },
        { "https://a\\@b/", false, false }, { "https://a/#x", false, false }, { "", false, false }, { "a/b", false, false },
        { "http", false, false }, { "https:", false, false }, { "http://?x", false, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (otai_url_allowed(rows[i].url, false) != rows[i].tls_only || otai_url_allowed(rows[i].url, true) != rows[i].plain)
            fail_msg("%s", rows[i].url);
}

static void where_redirects_may_lead(void **state)
{
    static const struct { const char *url, *location, *out; } rows[] = {
        { "https://a/x/y", "https://b/z", "https://b/z" }, { "https://a/x/y", "/z?q", "https://a/z?q" },
        { "https://a:8443/x", "/", "https://a:8443/" }, { "https://a?x", "/y", "https://a/y" }, { "http://a/x", "http://b", "http://b" },
        { "https://a/x", "http://a/x", NULL }, { "http://a/x", "https://a/x", NULL }, { "http://a/x", "file:///etc/passwd", NULL },
        { "https://a/x", "//b/x", NULL }, { "https://a/x", "y", NULL }, { "https://a/x", "", NULL }, { "https://a/x", "https:/b", NULL },
        { "https://a/x", "https://", NULL }, { "https://a/x", "https:///b", NULL }, { "https://a/x", "https://u@b/", NULL },
        { "https://a/x", "/\\b", NULL }, { "https://a/x", "/b#c", NULL }, { "https://a/x", "https:b://c", NULL },
        { "file:///x", "/etc", NULL }, { "https://a/x", "javascript:x", NULL }, { "nothing", "/x", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[64] = "";
        ota_err err = otai_url_redirect(rows[i].url, rows[i].location, out, sizeof out);
        if (err != (rows[i].out ? OTA_OK : OTA_RETRY_REDIRECT) || strcmp(out, rows[i].out ? rows[i].out : "") != 0)
            fail_msg("%s + %s = %s", rows[i].url, rows[i].location, out);
    }
}

static void which_redirects_leave(void **state)
{
    static const struct { const char *url, *location; bool leaves; } rows[] = {
        { "https://a/x", "/y", false }, { "https://a/x", "https://a/y", false }, { "https://a/x", "https://a", false },
        { "https://a/x", "https://a?y", false }, { "https://a:1/x", "https://a:1/", false }, { "https://a/x", "https://a:443/", true },
        { "https://a/x", "https://b/x", true }, { "https://a/x", "https://a.b/", true }, { "https://a.b/x", "https://a/", true },
        { "https://a/x", "http://a/x", true }, { "https://a:1/x", "https://a:11/", true }, { "https://a/x", "", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (otai_url_leaves(rows[i].url, rows[i].location) != rows[i].leaves)
            fail_msg("%s -> %s", rows[i].url, rows[i].location);
}

static void a_redirect_must_fit(void **state)
{
    char out[12];

    (void)state;
    assert_int_equal(otai_url_redirect("http://a/x", "/1", out, 11), OTA_OK);
    assert_string_equal(out, "http://a/1");
    assert_int_equal(otai_url_redirect("http://a/x", "/12", out, 11), OTA_RETRY_REDIRECT);
}

static void a_redirect_may_replace_its_own_url(void **state)
{
    char url[32] = "http://host/long/path";

    (void)state;
    assert_int_equal(otai_url_redirect(url, "/a", url, sizeof url), OTA_OK);
    assert_string_equal(url, "http://host/a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_urls_are_allowed),
        cmocka_unit_test(where_redirects_may_lead),
        cmocka_unit_test(which_redirects_leave),
        cmocka_unit_test(a_redirect_must_fit),
        cmocka_unit_test(a_redirect_may_replace_its_own_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
