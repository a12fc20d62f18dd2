/* SPDX-License-Identifier: Apache-2.0 */
/* What the client reads and writes, a piece at a time: requests, refusals, PEM, and the record that it keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "claims.h"
#include "client.h"
#include "encode.h"

static struct otai_attest_refusal refusal(const char *text)
{
    struct otai_attest_refusal r;

    otai_attest_read_refusal(text, strlen(text), &r);
    return r;
}

static void a_refusal_has_words_for_a_log_or_none(void **state)
{
    struct otai_attest_refusal r = refusal("{\"error\":\"REJECT\\u00e4 KEY\\u007f\",\"more\":[1],\"field\":\"a~!\"}");

    (void)state;
    assert_string_equal(r.error, "REJECT???KEY?");
    assert_string_equal(r.field, "a~!");
    r = refusal("{\"error\":\"REJECT_KEY_THAT_IS_LONGER_THAN_ANY_WORD_OF_OURS\",\"field\":\"key\"}");
    assert_string_equal(r.error, "");
    assert_string_equal(r.field, "key");
    r = refusal("{\"field\":\"key\",\"error\":7}");
    assert_string_equal(r.error, "");
    assert_string_equal(r.field, "");
}

/* In every room that is too small, and in the first that is not. */
static void a_request_is_whole_or_nothing(void **state)
{
    static uint8_t bytes[OTA_ATTEST_SIG_LEN + OTA_ATTEST_KEY_LEN];
    static char out[2048];
    struct otai_attest_answer r = { "id", bytes, bytes, bytes, bytes, bytes, OTA_TOKEN_COSE, { bytes, 5 }, "token" };

    (void)state;
    for (int form = OTA_TOKEN_COSE; form <= OTA_TOKEN_JWT; form++) {
        r.form = (enum ota_token_form)form;
        if (r.form == OTA_TOKEN_JWT)
            r.evidence = (struct otai_span){ (const uint8_t *)"a.b.c", 5 };
        size_t len = otai_attest_put_answer(&r, out, sizeof out);
        assert_true(len > 800 && memcmp(out + len - 2, "\"}", 2) == 0);
        const char *end = r.form == OTA_TOKEN_JWT ? ",\"form\":\"jwt\",\"evidence\":\"a.b.c\"}" : ",\"form\":\"cose\",\"evidence\":\"AAAAAAA\"}";
        assert_memory_equal(out + len - strlen(end), end, strlen(end));
        size_t cap = 1;
        while (otai_attest_put_answer(&r, out, cap) == 0)
            cap++;
        assert_true(cap >= len && cap <= len + 1);
    }
    assert_int_equal(otai_attest_put_start(out, 12), 0);
    assert_int_equal(otai_attest_put_start(out, sizeof out), 13);
}

/* ---- PEM ---- */

#define BEGIN "-----BEGIN CERTIFICATE-----\\n"
#define END "-----END CERTIFICATE-----\\n"

static uint8_t key[OTA_ATTEST_KEY_LEN], pem[4096], scratch[512];
static char good[512]; /* a certificate's PEM, as JSON: no more of X.509 than the key in it */

static ota_err take(const char *raw, size_t cap, size_t *len)
{
    return otai_attest_take_certificate((struct otai_span){ (const uint8_t *)raw, strlen(raw) }, key, pem, cap, len, scratch, sizeof scratch);
}

static int set_up_pem(void **state)
{
    uint8_t text[128];
    struct otai_out o = { text, sizeof text, 0 };

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 37 + 1);
    otai_put_base64url(&o, key, sizeof key - 2); /* 63 bytes are whole groups of three: no padding */
    for (size_t i = 0; i < o.len; i++)
        text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    snprintf(good, sizeof good, BEGIN "AAAA\\n%.*sABCD\\n" END, (int)o.len, (const char *)text);
    key[sizeof key - 2] = 0x00; /* "ABCD" */
    key[sizeof key - 1] = 0x10;
    return 0;
}

static void certificates_may_be_a_chain(void **state)
{
    char text[2048];
    size_t len = 7, before = len;

    (void)state;
    assert_int_equal(take(good, sizeof pem, &len), OTA_OK);
    assert_true(len > before + 80 && memcmp(pem + 7, "-----BEGIN", 10) == 0);
    size_t one = len - before;
    snprintf(text, sizeof text, "%s" BEGIN "zZ09+/==\\n" END "%s", good, good);
    len = 0;
    assert_int_equal(take(text, sizeof pem, &len), OTA_OK); /* the issuers have other keys */
    assert_true(len > 2 * one);
    snprintf(text, sizeof text, BEGIN "zZ09+/==\\n" END "%s", good);
    len = 0;
    assert_int_equal(take(text, sizeof pem, &len), OTA_REJECT_KEY); /* in this order */
    assert_int_equal(len, 0);
}

static void what_is_no_certificate_is_told(void **state)
{
    static const char *const bad[] = { "", BEGIN, BEGIN "AAAA", BEGIN "AAAA\\n", BEGIN "AA{A\\n" END, BEGIN "AA`A\\n" END, BEGIN "AA-A\\n" END,
                                       BEGIN "AAAA\\n-----END CERTIFICATE-----" };
    char text[2048];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(take(bad[i], sizeof pem, &len), OTA_REJECT_SYNTAX);
        snprintf(text, sizeof text, "%s%s", good, bad[i]);
        assert_int_equal(take(text, sizeof pem, &len), bad[i][0] ? OTA_REJECT_SYNTAX : OTA_OK);
        len = 0;
    }
    assert_int_equal(take(good, strlen(good) / 2, &len), OTA_REJECT_LIMIT);
    len = sizeof pem;
    assert_int_equal(take(good, sizeof pem, &len), OTA_REJECT_LIMIT);
    assert_int_equal(len, sizeof pem);
}

/* ---- the record ---- */

static uint8_t record[512];

static struct otai_attest_head head(void)
{
    struct otai_attest_head h = { .not_before_s = 10, .not_after_s = 20, .renew_at_s = 15, .len = { 8, 4 }, .outdated = "image/os" };

    memset(h.measurements, 3, sizeof h.measurements);
    return h;
}

static bool reads(size_t len)
{
    struct otai_attest_head h;

    return otai_attest_get_head(record, len, &h);
}

/* Records whose checksum is right and whose words are not. */
static void a_record_is_judged_beyond_its_checksum(void **state)
{
    struct otai_attest_head h = head(), back;
    size_t len = otai_attest_put_head(record, &h);

    (void)state;
    assert_int_equal(len, OTAI_ATTEST_HEAD_LEN + 8 + 4 + 4);
    assert_true(otai_attest_get_head(record, len, &back));
    assert_memory_equal(&back.measurements, &h.measurements, sizeof h.measurements);
    assert_true(back.not_before_s == 10 && back.not_after_s == 20 && back.renew_at_s == 15 && back.len[0] == 8 && back.len[1] == 4);
    assert_string_equal(back.outdated, "image/os");
    for (size_t i = 0; i < len; i++)
        assert_false(reads(i));
    assert_false(reads(len + 1));
    h.len[0] = 0;
    assert_false(reads(otai_attest_put_head(record, &h)));
    h = head();
    h.not_after_s = h.not_before_s;
    assert_false(reads(otai_attest_put_head(record, &h)));
    h = head();
    memset(h.outdated, 'a', sizeof h.outdated);
    assert_false(reads(otai_attest_put_head(record, &h)));
    h = head();
    len = otai_attest_put_head(record, &h);
    otai_put_le32(record + 64, 13); /* a bundle longer than the rest */
    otai_put_le32(record + len - 4, otai_crc32(0, record, len - 4));
    assert_false(reads(len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_has_words_for_a_log_or_none),
        cmocka_unit_test(a_request_is_whole_or_nothing),
        cmocka_unit_test(certificates_may_be_a_chain),
        cmocka_unit_test(what_is_no_certificate_is_told),
        cmocka_unit_test(a_record_is_judged_beyond_its_checksum),
    };

    return cmocka_run_group_tests(tests, set_up_pem, NULL);
}
