/* SPDX-License-Identifier: Apache-2.0 */
/* Every shape of a DDI server's answer, in pieces of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hawkbit_answer.h"

static struct otai_hb_reader r;

static ota_err read_in(const char *text, size_t len, size_t piece)
{
    ota_err err = OTA_OK;

    otai_hb_reader_init(&r);
    for (size_t at = 0; at < len && err == OTA_OK; at += piece)
        err = otai_hb_reader_bytes(&r, (const uint8_t *)text + at, len - at < piece ? len - at : piece);
    return err == OTA_OK ? otai_hb_reader_end(&r) : err;
}

static ota_err read_text(const char *text)
{
    static const size_t pieces[] = { 1, 7, 512, 65536 };
    ota_err first = read_in(text, strlen(text), pieces[0]);

    for (size_t i = 1; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_int_equal(read_in(text, strlen(text), pieces[i]), first);
    return first;
}

static void a_poll_with_everything(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"config\":{\"polling\":{\"sleep\":\"12:00:00\"}},\"_links\":{"
                               "\"deploymentBase\":{\"href\":\"https://h:8443/deploymentBase/controller/v1/d/deploymentBase/"
                               "5?c=-2127183556&actionHistory=3\"},"
                               "\"installedBase\":{\"href\":\"http://internal/T/controller/v1/d/installedBase/4\"},"
                               "\"configData\":{\"href\":\"x\"},\"future\":{\"href\":[1.5,{\"a\":null}]}}}"),
                     OTA_OK);
    assert_int_equal(r.answer.sleep_s, 12 * 3600);
    assert_string_equal(r.answer.deployment.id, "5");
    assert_string_equal(r.answer.deployment.mark, "-2127183556");
    assert_string_equal(r.answer.installed.id, "4");
    assert_string_equal(r.answer.installed.mark, "");
    assert_true(r.answer.wants_attributes);
    assert_string_equal(r.answer.cancel.id, "");
}

static void polls_with_little(void **state)
{
    (void)state;
    assert_int_equal(read_text("{}"), OTA_OK);
    assert_int_equal(read_text("{\"config\":{\"polling\":{\"sleep\":\"00:00:10\"}},\"_links\":{}}"), OTA_OK);
    assert_int_equal(r.answer.sleep_s, 10);
    assert_int_equal(read_text("{\"config\":null,\"_links\":{\"deploymentBase\":null}}"), OTA_OK);
    assert_string_equal(r.answer.deployment.id, "");
    assert_int_equal(read_text("{\"_links\":{\"confirmationBase\":{\"href\":\"/T/controller/v1/d/confirmationBase/70?c=1\"},"
                               "\"cancelAction\":{\"href\":\"/T/controller/v1/d/cancelAction/-1\"}}}"),
                     OTA_OK);
    assert_string_equal(r.answer.confirmation.id, "70");
    assert_string_equal(r.answer.cancel.id, "-1");
}

#define DEPLOYMENT(rest) "{\"id\":\"8\",\"deployment\":{\"download\":\"forced\",\"update\":\"skip\"" rest "}}"

static void a_deployment(void **state)
{
    (void)state;
    assert_int_equal(
        read_text(DEPLOYMENT(",\"maintenanceWindow\":\"unavailable\",\"chunks\":[{\"part\":\"os\",\"version\":\"1.2.0\",\"name\":"
                             "\"fw\",\"artifacts\":[{\"filename\":\"fw\","
                             "\"size\":1234,\"hashes\":{\"sha1\":\"x\"},\"_links\":{\"download\":{\"href\":\"y\"}}}],"
                             "\"metadata\":[{\"key\":\"k\",\"value\":\"v\"},"
                             "{\"value\":\"42\",\"key\":\"ota.seq\"},{\"key\":\"ota.deployment\",\"value\":"
                             "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]},{\"artifacts\":[]}]")),
        OTA_OK);
    assert_string_equal(r.answer.id, "8");
    assert_int_equal(r.answer.download, OTAI_HB_FORCED);
    assert_int_equal(r.answer.update, OTAI_HB_SKIP);
    assert_int_equal(r.answer.window, OTAI_HB_WINDOW_CLOSED);
    assert_true(r.answer.has_seq && r.answer.has_digest);
    assert_int_equal(r.answer.seq, 42);
    assert_int_equal(r.answer.digest[31], 0xff);
    assert_int_equal(
        read_text(
            "{\"id\":8,\"confirmation\":{\"download\":\"attempt\",\"update\":\"attempt\",\"maintenanceWindow\":\"available\","
            "\"chunks\":[]},\"actionHistory\":{\"status\":\"RUNNING\",\"messages\":[\"m\"]}}"),
        OTA_OK);
    assert_string_equal(r.answer.id, "8");
    assert_int_equal(r.answer.update, OTAI_HB_ATTEMPT);
    assert_int_equal(r.answer.window, OTAI_HB_WINDOW_OPEN);
    assert_false(r.answer.has_seq);
}

static void the_name_of_an_artefact_can_say_it(void **state)
{
    (void)state;
    assert_int_equal(
        read_text(DEPLOYMENT(",\"chunks\":[{\"artifacts\":[{\"filename\":\"ota-seq-7.swu\"},{\"filename\":\"x\"}]}]")), OTA_OK);
    assert_true(r.answer.has_seq);
    assert_int_equal(r.answer.seq, 7);
    assert_int_equal(read_text(DEPLOYMENT(",\"chunks\":[{\"artifacts\":[{\"filename\":\"my-ota-seq-7\"}]}]")), OTA_OK);
    assert_false(r.answer.has_seq);
}

static void a_cancellation(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"id\":\"11\",\"cancelAction\":{\"stopId\":\"10\"}}"), OTA_OK);
    assert_string_equal(r.answer.id, "11");
    assert_string_equal(r.answer.stop_id, "10");
}

#define HISTORY(inner) "{\"id\":\"8\",\"actionHistory\":" inner "}"

static void a_history_is_a_word_and_a_count(void **state)
{
    static const struct {
        const char *word;
        uint8_t status;
    } words[] = {
        { "FINISHED", 1 },    { "ERROR", 2 },
        { "WARNING", 3 },     { "RUNNING", 4 },
        { "CANCELED", 5 },    { "CANCELING", 6 },
        { "RETRIEVED", 7 },   { "DOWNLOAD", 8 },
        { "SCHEDULED", 9 },   { "CANCEL_REJECTED", 10 },
        { "DOWNLOADED", 11 }, { "WAIT_FOR_CONFIRMATION", 12 },
        { "finished", 0 },    { "FINISHED ", 0 },
        { "DENIED", 0 },      { "", 0 },
    };
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        (void)snprintf(text, sizeof text, HISTORY("{\"messages\":[\"a\",\"\"],\"status\":\"%s\",\"more\":{\"messages\":[1]}}"),
                       words[i].word);
        assert_int_equal(read_text(text), OTA_OK);
        assert_true(r.answer.history.said);
        assert_int_equal(r.answer.history.status, words[i].status);
        assert_int_equal(r.answer.history.entries, 2);
    }
    /* As long as it likes: the word is then none that is known, a message is one all the same. */
    (void)snprintf(text, sizeof text, HISTORY("{\"status\":\"FINISHED%0900d\",\"messages\":[\"%0900d\"]}"), 1, 1);
    assert_int_equal(read_text(text), OTA_OK);
    assert_int_equal(r.answer.history.status, OTAI_HB_OTHER_STATUS);
    assert_int_equal(r.answer.history.entries, 1);
    /* None, or one that says nothing. */
    assert_int_equal(read_text(HISTORY("null")), OTA_OK);
    assert_false(r.answer.history.said);
    assert_int_equal(read_text(HISTORY("{\"status\":null,\"messages\":null}")), OTA_OK);
    assert_true(r.answer.history.said);
    assert_int_equal(r.answer.history.status, OTAI_HB_OTHER_STATUS);
    assert_int_equal(r.answer.history.entries, 0);
}

/* A server may ignore how many were asked for: 5,000 messages are some 3 MB, of which nothing is kept. */
static void a_history_may_be_of_any_size(void **state)
{
    static char text[3200000];
    size_t n = (size_t)snprintf(text, sizeof text, "{\"id\":\"8\",\"actionHistory\":{\"messages\":[");

    (void)state;
    for (int i = 0; i < 5000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\"%0512d \\u20ac \\\"status\\\":\\\"ERROR\\\"\"", i ? "," : "", i);
    (void)snprintf(text + n, sizeof text - n, "],\"status\":\"RUNNING\"}}");
    assert_int_equal(read_in(text, strlen(text), 512), OTA_OK);
    assert_int_equal(r.answer.history.entries, 5000);
    assert_int_equal(r.answer.history.status, OTAI_HB_RUNNING);
}

static void refusals_name_the_member(void **state)
{
    static const struct {
        const char *text;
        ota_err err;
        const char *at;
    } bad[] = {
        { "{\"config\":[]}", OTA_REJECT_TYPE, "config" },
        { "{\"config\":{\"polling\":1}}", OTA_REJECT_TYPE, "polling" },
        { "{\"config\":{\"polling\":{\"sleep\":60}}}", OTA_REJECT_TYPE, "sleep" },
        { "{\"config\":{\"polling\":{\"sleep\":\"soon\"}}}", OTA_REJECT_VALUE, "sleep" },
        { "{\"config\":{},\"config\":{}}", OTA_REJECT_DUPLICATE, "config" },
        { "{\"_links\":{\"deploymentBase\":{\"href\":\"a/deploymentBase/1\",\"href\":\"b/deploymentBase/2\"}}}",
          OTA_REJECT_DUPLICATE, "href" },
        { "{\"_links\":{\"deploymentBase\":\"x\"}}", OTA_REJECT_TYPE, "deploymentBase" },
        { "{\"_links\":{\"deploymentBase\":{\"href\":\"http://h/x\"}}}", OTA_REJECT_VALUE, "href" },
        { "{\"_links\":{\"deploymentBase\":{\"href\":\"http://h/deploymentBase/\"}}}", OTA_REJECT_VALUE, "href" },
        { "{\"_links\":{\"deploymentBase\":{\"href\":\"http://h/deploymentBase/1/2\"}}}", OTA_REJECT_VALUE, "href" },
        { "{\"_links\":{\"deploymentBase\":{\"href\":\"http://h/deploymentBase/1%0d\"}}}", OTA_REJECT_VALUE, "href" },
        { "{\"_links\":{\"deploymentBase\":{\"href\":\"http://h/deploymentBase/1?c=a/b\"}}}", OTA_REJECT_VALUE, "href" },
        { "{\"_links\":{\"deploymentBase\":{\"href\":\"http://h/deploymentBase/12345678901234567890123456789012\"}}}",
          OTA_REJECT_VALUE, "href" },
        { "{\"_links\":{\"cancelAction\":{\"href\":true}}}", OTA_REJECT_TYPE, "href" },
        { "{\"id\":\"\"}", OTA_REJECT_VALUE, "id" },
        { "{\"id\":\"a b\"}", OTA_REJECT_VALUE, "id" },
        { "{\"id\":{}}", OTA_REJECT_TYPE, "id" },
        { "{\"deployment\":{\"download\":\"now\"}}", OTA_REJECT_VALUE, "download" },
        { "{\"deployment\":{\"update\":1}}", OTA_REJECT_TYPE, "update" },
        { "{\"deployment\":{\"maintenanceWindow\":\"open\"}}", OTA_REJECT_VALUE, "maintenanceWindow" },
        { "{\"deployment\":{\"chunks\":{}}}", OTA_REJECT_TYPE, "chunks" },
        { "{\"deployment\":{\"chunks\":[1]}}", OTA_REJECT_TYPE, "chunks" },
        { "{\"deployment\":{\"chunks\":[null]}}", OTA_REJECT_TYPE, "chunks" },
        { "{\"deployment\":{\"chunks\":[[]]}}", OTA_REJECT_TYPE, "chunks" },
        { "{\"cancelAction\":{\"stopId\":\"../../x\"}}", OTA_REJECT_VALUE, "stopId" },
        { HISTORY("[]"), OTA_REJECT_TYPE, "actionHistory" },
        { HISTORY("\"FINISHED\""), OTA_REJECT_TYPE, "actionHistory" },
        { HISTORY("true"), OTA_REJECT_TYPE, "actionHistory" },
        { HISTORY("{},\"actionHistory\":{}"), OTA_REJECT_DUPLICATE, "actionHistory" },
        { HISTORY("{\"status\":1}"), OTA_REJECT_TYPE, "status" },
        { HISTORY("{\"status\":[\"FINISHED\"]}"), OTA_REJECT_TYPE, "status" },
        { HISTORY("{\"status\":\"ERROR\",\"status\":\"FINISHED\"}"), OTA_REJECT_DUPLICATE, "status" },
        { HISTORY("{\"messages\":\"m\"}"), OTA_REJECT_TYPE, "messages" },
        { HISTORY("{\"messages\":{}}"), OTA_REJECT_TYPE, "messages" },
        { HISTORY("{\"messages\":[1]}"), OTA_REJECT_TYPE, "messages" },
        { HISTORY("{\"messages\":[null]}"), OTA_REJECT_TYPE, "messages" },
        { HISTORY("{\"messages\":[\"m\",[\"n\"]]}"), OTA_REJECT_TYPE, "messages" },
        { HISTORY("{\"messages\":[{}]}"), OTA_REJECT_TYPE, "messages" },
        { "[]", OTA_REJECT_TYPE, NULL },
        { "1 ", OTA_REJECT_TYPE, NULL },
        { "null ", OTA_REJECT_TYPE, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ota_err err = read_text(bad[i].text);

        if (err != bad[i].err || (bad[i].at && (!r.at || strcmp(r.at, bad[i].at) != 0)))
            fail_msg("%s: %s at %s", bad[i].text, ota_err_name(err), r.at ? r.at : "-");
    }
}

#define META(entry) DEPLOYMENT(",\"chunks\":[{\"metadata\":[" entry "]}]")
#define SEQ(value) META("{\"key\":\"ota.seq\",\"value\":\"" value "\"}")

static void sequence_numbers_are_strict(void **state)
{
    static const char *const bad[] = {
        SEQ(""),
        SEQ("0"),
        SEQ("-1"),
        SEQ("1 "),
        SEQ("0x10"),
        SEQ("1.0"),
        SEQ("18446744073709551616"),
        META("{\"key\":\"ota.seq\"}"),
        META("{\"key\":\"ota.seq\",\"value\":\"1\"},{\"key\":\"ota.seq\",\"value\":\"2\"}"),
        META("{\"key\":\"ota.deployment\",\"value\":\"00\"}"),
        META("{\"key\":\"ota.deployment\",\"value\":\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\"}"),
        DEPLOYMENT(",\"chunks\":[{\"artifacts\":[{\"filename\":\"ota-seq-x\"}]}]"),
        DEPLOYMENT(",\"chunks\":[{\"artifacts\":[{\"filename\":\"ota-seq-3.a\"},{\"filename\":\"ota-seq-4.a\"}]}]")
    };
    char text[2048];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_text(bad[i]) != OTA_REJECT_VALUE)
            fail_msg("%s", bad[i]);
    assert_int_equal(read_text(SEQ("18446744073709551615")), OTA_OK);
    assert_true(r.answer.seq == UINT64_MAX);
    assert_int_equal(read_text(META("{\"key\":\"ota.seq\",\"value\":\"3\"},{\"key\":\"ota.seq\",\"value\":\"3\"}")), OTA_OK);
    /* Somebody else's long metadata is skipped; ours must be short. */
    for (int ours = 0; ours < 2; ours++) {
        (void)snprintf(text, sizeof text, META("{\"key\":\"%s\",\"value\":\"%0900d\"}"), ours ? "ota.seq" : "other", 1);
        assert_int_equal(read_text(text), ours ? OTA_REJECT_LIMIT : OTA_OK);
    }
}

static void long_links_and_ids_are_refused(void **state)
{
    char text[2048];

    (void)state;
    (void)snprintf(text, sizeof text, "{\"_links\":{\"deploymentBase\":{\"href\":\"http://h/%0900d/deploymentBase/1\"}}}", 1);
    assert_int_equal(read_text(text), OTA_REJECT_LIMIT);
    (void)snprintf(text, sizeof text, "{\"%0900d\":1,\"_links\":{}}", 1);
    assert_int_equal(read_text(text), OTA_OK);
}

/* Fifty artefacts with four links each, as hawkBit gives them: some 50 KiB, of which nothing is kept. */
static void answers_may_be_of_any_size(void **state)
{
    static char text[120000];
    size_t n = (size_t)snprintf(
        text, sizeof text,
        "{\"id\":\"8\",\"deployment\":{\"download\":\"forced\",\"update\":\"forced\",\"chunks\":[{\"artifacts\":[");

    (void)state;
    for (int i = 0; i < 50; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "%s{\"filename\":\"f%d\",\"hashes\":{\"sha1\":\"%040d\",\"md5\":\"%032d\",\"sha256\":\"%064d\"},"
                              "\"_links\":{\"download\":{\"href\":\"%0200d\"},\"md5sum\":{\"href\":\"%0200d\"},\"download-http\":"
                              "{\"href\":\"%0200d\"}}}",
                              i ? "," : "", i, i, i, i, i, i, i);
    (void)snprintf(text + n, sizeof text - n, "],\"metadata\":[{\"key\":\"ota.seq\",\"value\":\"9\"}]}]}}");
    assert_true(n > 40000);
    assert_int_equal(read_text(text), OTA_OK);
    assert_int_equal(r.answer.seq, 9);
    assert_int_equal(r.answer.update, OTAI_HB_FORCED);
}

static void both_ways_to_say_an_interval(void **state)
{
    static const struct {
        const char *text;
        uint32_t s;
    } good[] = {
        { "00:00:00", 0 },          { "00:05:00", 300 }, { "23:59:59", 86399 }, { "99:59:59", 359999 }, { "PT24H", 86400 },
        { "PT24H5M3.1S", 86703 },   { "PT0S", 0 },       { "P1D", 86400 },      { "P2DT1S", 172801 },   { "PT30M", 1800 },
        { "P999999D", UINT32_MAX }, { "PT0.5S", 0 },
    };
    static const char *const bad[] = { "",          "0:00:01", "00:60:00", "00:00:60", "00-00-01",      "00:00:0x",
                                       "001:00:00", "P",       "PT",       "T1H",      "P1DT",          "1H",
                                       "P1H",       "PT1D",    "PT1M1H",   "PT1H1H",   "PT1",           "PT1.S",
                                       "PT1.5H",    "PT-1S",   "P1Y",      "PT1S ",    "PT99999999999S" };
    uint32_t s;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!otai_hb_seconds(good[i].text, &s) || s != good[i].s)
            fail_msg("%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (otai_hb_seconds(bad[i], &s))
            fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_poll_with_everything),
        cmocka_unit_test(polls_with_little),
        cmocka_unit_test(a_deployment),
        cmocka_unit_test(the_name_of_an_artefact_can_say_it),
        cmocka_unit_test(a_cancellation),
        cmocka_unit_test(a_history_is_a_word_and_a_count),
        cmocka_unit_test(a_history_may_be_of_any_size),
        cmocka_unit_test(refusals_name_the_member),
        cmocka_unit_test(sequence_numbers_are_strict),
        cmocka_unit_test(long_links_and_ids_are_refused),
        cmocka_unit_test(answers_may_be_of_any_size),
        cmocka_unit_test(both_ways_to_say_an_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
