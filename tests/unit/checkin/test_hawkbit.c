/* SPDX-License-Identifier: Apache-2.0 */
/* Whole check-ins: actions, and what becomes of them. */
#include "hawkbit_script.h"

static void nothing_to_do(void **state)
{
    (void)state;
    assert_int_equal(PLAY(POLL("{\"config\":{\"polling\":{\"sleep\":\"PT24H\"}}}")), OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_NONE);
    assert_int_equal(otai_hb_sleep(&plain, &box, 3600), 86400);
    assert_int_equal(PLAY(POLL("{\"config\":{\"polling\":{\"sleep\":\"00:00:02\"}}}")), OTA_SAME);
    assert_int_equal(otai_hb_sleep(&plain, &box, 3600), 30); /* a server cannot make a device hammer it */
    assert_int_equal(PLAY(POLL("{}")), OTA_SAME);
    assert_int_equal(box.sleep_s, 2); /* what is not said stays as it was */
}

static void a_forced_action_is_stored_before_it_is_begun(void **state)
{
    struct otai_hb_request q;

    (void)state;
    otai_hb_begin(&h, &plain, &box, &facts, OTAI_HB_ALL);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    otai_hb_body(&h, (const uint8_t *)LINK("deploymentBase", "8?c=17"), strlen(LINK("deploymentBase", "8?c=17")));
    assert_int_equal(otai_hb_answered(&h, OTA_DONE, 200, &fault), OTA_OK);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    h.save = false;
    otai_hb_body(&h, (const uint8_t *)ACTION("8", FORCED, "42"), strlen(ACTION("8", FORCED, "42")));
    assert_int_equal(otai_hb_answered(&h, OTA_DONE, 200, &fault), OTA_OK);
    assert_true(h.save);
    assert_int_equal(box.state, OTAI_HB_OPEN);
    assert_string_equal(box.action, "8");
    assert_string_equal(box.mark, "17");
    assert_int_equal(box.seq, 42);
    assert_int_equal(box.report_base, 5);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    assert_string_equal(q.file, BASE "/deploymentBase/8/feedback");
    assert_string_equal(q.head, "Accept: application/json\nAuthorization: TargetToken t0k");
    assert_string_equal(
        q.body, "{\"id\":\"8\",\"timestamp\":1794300000000,\"time\":\"20261110T084000\",\"status\":{\"execution\":\"proceeding\","
                "\"code\":0,"
                "\"result\":{\"finished\":\"none\"},\"details\":[\"begun: the signed deployment decides what is installed\"]}}");
}

static void the_same_action_is_asked_for_once(void **state)
{
    (void)state;
    open_action();
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17"))), OTA_DONE);
    /* Soft became forced: look again, and do not begin anew. */
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=18")),
                          { "GET /deploymentBase/8?c=18&actionHistory=8", NULL, OTA_DONE, 200, ACTION("8", CLOSED_WINDOW, "42") }),
                     OTA_DONE);
    assert_int_equal(box.update, OTAI_HB_SKIP);
    assert_int_equal(box.window, OTAI_HB_WINDOW_CLOSED);
    assert_string_equal(box.mark, "18");
}

static void success_is_told_until_it_is_heard(void **state)
{
    (void)state;
    open_action();
    assert_true(otai_hb_result(&box, OTAI_HB_SUCCESS, NULL, "2.0.0"));
    assert_false(otai_hb_result(&box, OTAI_HB_FAILURE, &fault, "1.0.0")); /* a result never changes */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            PLAY({ "POST /deploymentBase/8/feedback", "\"execution\":\"closed\",\"code\":0,\"result\":{\"finished\":\"success\"}",
                   OTA_RETRY_SERVER, 503, NULL }),
            OTA_RETRY_SERVER);
        assert_int_equal(box.state, OTAI_HB_OWED);
    }
    assert_int_equal(
        PLAY({ "POST /deploymentBase/8/feedback", "confirmed: 2.0.0, deployment 42", OTA_DONE, 200, NULL }, POLL("{}")),
        OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_TOLD);
    assert_int_equal(PLAY(POLL("{}")), OTA_SAME);
    /* The server asks again: it hears the same. */
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                          { "POST /deploymentBase/8/feedback", "\"success\"", OTA_DONE, 200, NULL },
                          POLL(LINK("deploymentBase", "8?c=17"))),
                     OTA_SAME);
}

static void only_the_result_is_told_in_a_report(void **state)
{
    const struct line said[] = { { "POST /deploymentBase/8/feedback", "REJECT_HEALTH (health.command); still runs 1.0.0",
                                   OTA_DONE, 200, NULL } };
    const struct ota_fault why = { .err = OTA_REJECT_HEALTH, .where = "health.command" };

    (void)state;
    open_action();
    assert_int_equal(play(&plain, OTAI_HB_TELL_RESULT, NULL, 0), OTA_SAME);
    assert_true(otai_hb_result(&box, OTAI_HB_FAILURE, &why, "1.0.0"));
    assert_int_equal(play(&plain, OTAI_HB_TELL_RESULT, said, 1), OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_TOLD);
    assert_int_equal(box.code, OTA_REJECT_HEALTH);
}

static void a_told_failure_that_is_meant_again_runs_again(void **state)
{
    const struct ota_fault why = { .err = OTA_REJECT_HEALTH, .where = "x" };

    (void)state;
    open_action();
    (void)otai_hb_result(&box, OTAI_HB_FAILURE, &why, "1.0.0");
    assert_int_equal(PLAY({ "POST /deploymentBase/8/feedback", "\"failure\"", OTA_DONE, 200, NULL }, POLL("{}")), OTA_SAME);
    for (int i = 0; i < 2; i++)
        assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                              { "POST /deploymentBase/8/feedback", "\"failure\"", OTA_DONE, 200, NULL },
                              POLL(LINK("deploymentBase", "8?c=17"))),
                         OTA_SAME);
    open_action(); /* the third time it is an order */
    /* goosebit has no change marks: there the first time is one. */
    (void)settle(NULL);
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "1")),
                          { "GET /deploymentBase/1?actionHistory=8", NULL, OTA_DONE, 200, ACTION("1", FORCED, "3") },
                          { "POST /deploymentBase/1/feedback", NULL, OTA_DONE, 200, NULL }),
                     OTA_DONE);
    assert_int_equal(
        PLAY(POLL(LINK("deploymentBase", "1")), { "GET /deploymentBase/1?actionHistory=8", NULL, OTA_DONE, 200, ACTION("1", FORCED, "3") }),
        OTA_DONE);
    (void)otai_hb_result(&box, OTAI_HB_FAILURE, &why, "1.0.0");
    assert_int_equal(
        PLAY({ "POST /deploymentBase/1/feedback", "\"failure\"", OTA_DONE, 200, NULL }, POLL(LINK("deploymentBase", "1"))),
        OTA_SAME);
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "1")),
                          { "GET /deploymentBase/1?actionHistory=8", NULL, OTA_DONE, 200, ACTION("1", FORCED, "3") },
                          { "POST /deploymentBase/1/feedback", "proceeding", OTA_DONE, 200, NULL }),
                     OTA_DONE);
    assert_int_equal(box.state, OTAI_HB_OPEN);
}

static void a_result_nobody_wants_is_dropped(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)settle(NULL);
        open_action();
        (void)otai_hb_result(&box, OTAI_HB_SUCCESS, NULL, "2");
        assert_int_equal(PLAY({ "POST /deploymentBase/8/feedback", NULL, OTA_RETRY_NOT_FOUND, i ? 404 : 410, NULL }, POLL("{}")),
                         OTA_SAME);
        assert_int_equal(box.state, OTAI_HB_TOLD);
    }
    /* Refused again and again: given up after a while, so that the device can go on. */
    (void)settle(NULL);
    open_action();
    (void)otai_hb_result(&box, OTAI_HB_SUCCESS, NULL, "2");
    int tries = 0;
    for (; box.state == OTAI_HB_OWED; tries++)
        assert_int_equal(PLAY({ "POST /deploymentBase/8/feedback", NULL, OTA_RETRY_REFUSED, 400, NULL }), OTA_RETRY_REFUSED);
    assert_int_equal(tries, 16);
}

static void news_on_the_way_may_be_lost(void **state)
{
    static const ota_err heard[] = { OTA_RETRY_BUSY, OTA_RETRY_REFUSED, OTA_RETRY_SERVER };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)settle(NULL);
        assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                              { "GET /deploymentBase/8?c=17&actionHistory=8", NULL, OTA_DONE, 200, ACTION("8", FORCED, "42") },
                              { "POST /deploymentBase/8/feedback", NULL, heard[i], 429, NULL }),
                         OTA_DONE);
    }
    /* Closed on the server meanwhile: nothing is begun. */
    (void)settle(NULL);
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                          { "GET /deploymentBase/8?c=17&actionHistory=8", NULL, OTA_DONE, 200, ACTION("8", FORCED, "42") },
                          { "POST /deploymentBase/8/feedback", NULL, OTA_RETRY_NOT_FOUND, 410, NULL }, POLL("{}")),
                     OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_NONE);
    assert_true(h.abandon);
}

static void download_only_ends_with_the_image_in_place(void **state)
{
    (void)state;
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                          { "GET /deploymentBase/8?c=17&actionHistory=8", NULL, OTA_DONE, 200, ACTION("8", STORE_ONLY, "42") },
                          { "POST /deploymentBase/8/feedback", "proceeding", OTA_DONE, 200, NULL }),
                     OTA_DONE);
    assert_false(otai_hb_may_install(&box, "1.0.0"));
    assert_int_equal(box.state, OTAI_HB_OWED);
    assert_int_equal(PLAY({ "POST /deploymentBase/8/feedback",
                            "\"execution\":\"downloaded\",\"code\":0,\"result\":{\"finished\":\"none\"}", OTA_DONE, 200, NULL },
                          POLL("{}")),
                     OTA_SAME);
    /* Now it is to be installed. */
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "9?c=1")),
                          { "GET /deploymentBase/9?c=1&actionHistory=8", NULL, OTA_DONE, 200, ACTION("9", FORCED, "42") },
                          { "POST /deploymentBase/9/feedback", "proceeding", OTA_DONE, 200, NULL }),
                     OTA_DONE);
    assert_true(otai_hb_may_install(&box, "1.0.0"));
}

static void a_closed_window_waits_until_it_opens(void **state)
{
    (void)state;
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                          { "GET /deploymentBase/8?c=17&actionHistory=8", NULL, OTA_DONE, 200, ACTION("8", CLOSED_WINDOW, "42") },
                          { "POST /deploymentBase/8/feedback", "proceeding", OTA_DONE, 200, NULL }),
                     OTA_DONE);
    assert_false(otai_hb_may_install(&box, "1.0.0"));
    assert_int_equal(box.state, OTAI_HB_OPEN);
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17")),
                          { "POST /deploymentBase/8/feedback", "\"downloaded\"", OTA_DONE, 200, NULL }),
                     OTA_SAME);
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "8?c=17"))), OTA_SAME);
    assert_int_equal(
        PLAY(POLL(LINK("deploymentBase", "8?c=18")), { "GET /deploymentBase/8?c=18&actionHistory=8", NULL, OTA_DONE, 200,
                                                       ACTION("8", FORCED ",\"maintenanceWindow\":\"available\"", "42") }),
        OTA_DONE);
    assert_true(otai_hb_may_install(&box, "1.0.0"));
}

static void no_download_means_nothing_at_all(void **state)
{
    (void)state;
    assert_int_equal(
        PLAY(POLL(LINK("deploymentBase", "8?c=17")), { "GET /deploymentBase/8?c=17&actionHistory=8", NULL, OTA_DONE, 200,
                                                       ACTION("8", "\"download\":\"skip\",\"update\":\"skip\"", "42") }),
        OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_NONE);
    assert_int_equal(h.held, OTAI_HB_HELD_SKIP);
    assert_false(h.quiet);
}

static void a_deployment_without_a_number_fails(void **state)
{
    (void)state;
    assert_int_equal(
        PLAY(POLL(LINK("deploymentBase", "8?c=17")),
             { "GET /deploymentBase/8?c=17&actionHistory=8", NULL, OTA_DONE, 200, "{\"id\":\"8\",\"deployment\":{" FORCED ",\"chunks\":[]}}" },
             { "POST /deploymentBase/8/feedback", "REJECT_MISSING (hawkbit.ota.seq)", OTA_DONE, 200, NULL }, POLL("{}")),
        OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_TOLD);
}

static void tuf_must_agree(void **state)
{
    uint8_t digest[OTA_SHA256_LEN] = { 1 };

    (void)state;
    assert_int_equal(otai_hb_agrees(&box, 1, digest, &fault), OTA_OK); /* no action, nothing to compare */
    open_action();
    assert_int_equal(otai_hb_agrees(&box, 42, digest, &fault), OTA_OK);
    assert_int_equal(otai_hb_agrees(&box, 43, digest, &fault), OTA_REJECT_SEQUENCE);
    assert_string_equal(fault.where, "hawkbit.ota.seq");
    box.has_digest = true;
    assert_int_equal(otai_hb_agrees(&box, 42, digest, &fault), OTA_REJECT_HASH);
    assert_string_equal(fault.where, "hawkbit.ota.deployment");
    box.digest[0] = 1;
    assert_int_equal(otai_hb_agrees(&box, 42, digest, &fault), OTA_OK);
}

static void a_cancellation_is_accepted(void **state)
{
    (void)state;
    open_action();
    assert_int_equal(PLAY(POLL(LINK("cancelAction", "8")),
                          { "GET /cancelAction/8", NULL, OTA_DONE, 200, "{\"id\":\"8\",\"cancelAction\":{\"stopId\":\"8\"}}" },
                          { "POST /cancelAction/8/feedback",
                            "\"execution\":\"closed\",\"code\":0,\"result\":{\"finished\":\"success\"}", OTA_DONE, 200, NULL },
                          POLL("{}")),
                     OTA_SAME);
    assert_true(h.abandon);
    assert_int_equal(box.state, OTAI_HB_NONE);
    /* One of which this device never heard, too: until it is closed the server shows nothing else. */
    assert_int_equal(PLAY(POLL(LINK("cancelAction", "9")),
                          { "GET /cancelAction/9", NULL, OTA_DONE, 200, "{\"id\":\"9\",\"cancelAction\":{\"stopId\":\"9\"}}" },
                          { "POST /cancelAction/9/feedback", "\"closed\"", OTA_DONE, 200, NULL },
                          POLL(LINK("deploymentBase", "10?c=2")),
                          { "GET /deploymentBase/10?c=2&actionHistory=8", NULL, OTA_DONE, 200, ACTION("10", FORCED, "43") },
                          { "POST /deploymentBase/10/feedback", "proceeding", OTA_DONE, 200, NULL }),
                     OTA_DONE);
}

static void a_cancellation_that_comes_too_late_is_refused(void **state)
{
    (void)state;
    open_action();
    (void)otai_hb_result(&box, OTAI_HB_SUCCESS, NULL, "2.0.0");
    assert_int_equal(PLAY({ "POST /deploymentBase/8/feedback", "\"success\"", OTA_DONE, 200, NULL },
                          POLL(LINK("cancelAction", "8")),
                          { "GET /cancelAction/8", NULL, OTA_DONE, 200, "{\"id\":\"8\",\"cancelAction\":{\"stopId\":\"8\"}}" },
                          { "POST /cancelAction/8/feedback", "\"execution\":\"rejected\"", OTA_DONE, 200, NULL },
                          POLL(LINK("deploymentBase", "8?c=17")),
                          { "POST /deploymentBase/8/feedback", "\"success\"", OTA_DONE, 200, NULL }, POLL("{}")),
                     OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_TOLD);
    assert_int_equal(box.result, OTAI_HB_SUCCESS);
}

static void a_cancellation_may_vanish(void **state)
{
    (void)state;
    assert_int_equal(
        PLAY(POLL(LINK("cancelAction", "8")), { "GET /cancelAction/8", NULL, OTA_RETRY_NOT_FOUND, 404, NULL }, POLL("{}")),
        OTA_SAME);
    assert_int_equal(PLAY(POLL(LINK("cancelAction", "8")), { "GET /cancelAction/8", NULL, OTA_DONE, 200, "{\"id\":\"8\"}" },
                          { "POST /cancelAction/8/feedback", "\"closed\"", OTA_RETRY_REFUSED, 405, NULL }, POLL("{}")),
                     OTA_SAME);
}

static void consent(void **state)
{
    struct ota_hawkbit c = plain;
    const struct line yes[] = { POLL(LINK("confirmationBase", "8?c=1")),
                                { "GET /confirmationBase/8?c=1&actionHistory=8", NULL, OTA_DONE, 200,
                                  "{\"id\":\"8\",\"confirmation\":{" FORCED ",\"chunks\":[]}}" },
                                { "POST /confirmationBase/8/feedback", "{\"confirmation\":\"confirmed\"", OTA_DONE, 200, NULL },
                                POLL("{}") };
    const struct line no[] = { yes[0],
                               yes[1],
                               { "POST /confirmationBase/8/feedback", "{\"confirmation\":\"denied\"", OTA_DONE, 200, NULL } };
    const struct line other[] = { POLL(LINK("confirmationBase", "8?c=2")),
                                  { "GET /confirmationBase/8?c=2&actionHistory=8", NULL, OTA_DONE, 200, "{\"id\":\"8\"}" },
                                  no[2] };

    (void)state;
    assert_int_equal(play(&c, OTAI_HB_ALL, yes, 4), OTA_SAME);
    assert_int_equal(h.held, 0);
    c.consent = OTA_HAWKBIT_DENY;
    assert_int_equal(play(&c, OTAI_HB_ALL, no, 3), OTA_SAME);
    assert_int_equal(play(&c, OTAI_HB_ALL, yes, 1), OTA_SAME);   /* said once */
    assert_int_equal(play(&c, OTAI_HB_ALL, other, 3), OTA_SAME); /* it is another question now */
    c.consent = OTA_HAWKBIT_WAIT;
    assert_int_equal(play(&c, OTAI_HB_ALL, yes, 1), OTA_SAME);
    assert_int_equal(h.held, OTAI_HB_HELD_CONSENT);
    assert_true(h.quiet);
}

static void another_action_takes_over(void **state)
{
    (void)state;
    open_action();
    assert_int_equal(PLAY(POLL(LINK("deploymentBase", "9?c=1")),
                          { "GET /deploymentBase/9?c=1&actionHistory=8", NULL, OTA_DONE, 200, ACTION("9", FORCED, "43") },
                          { "POST /deploymentBase/9/feedback", "proceeding", OTA_DONE, 200, NULL }),
                     OTA_DONE);
    assert_string_equal(box.action, "9");
    assert_int_equal(box.seq, 43);
    /* Force-quit: the action is gone without a word. */
    assert_int_equal(PLAY(POLL("{}")), OTA_SAME);
    assert_true(h.abandon);
    assert_int_equal(box.state, OTAI_HB_NONE);
}

static void nonsense_is_no_reason_to_touch_an_action(void **state)
{
    static const struct {
        const char *answer, *where;
    } bad[] = {
        { "{", "hawkbit.json" },
        { "<html>", "hawkbit.json" },
        { "", "hawkbit.json" },
        { "{\"config\":[]}", "hawkbit.config" },
        { "{\"config\":{\"polling\":{\"sleep\":\"x\"}}}", "hawkbit.sleep" },
        { "[]", "hawkbit.json" },
        { LINK("deploymentBase", ""), "hawkbit.href" },
    };

    (void)state;
    open_action();
    const struct otai_hb_box before = box;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(PLAY(POLL(bad[i].answer)), OTA_RETRY_PROTOCOL);
        assert_string_equal(fault.where, bad[i].where);
        assert_memory_equal(&box, &before, sizeof box);
    }
    static const struct {
        const char *answer, *where;
    } deployments[] = {
        { ACTION("7", FORCED, "42"), "hawkbit.id" },
        { "{\"id\":\"9\",\"deployment\":{\"update\":\"forced\"}}", "hawkbit.download" },
        { "{\"id\":\"9\",\"deployment\":{\"download\":\"forced\"}}", "hawkbit.update" },
        { "{\"id\":\"9\"}", "hawkbit.download" },
        { ACTION("9", FORCED, "0"), "hawkbit.ota.seq" },
        { "null ", "hawkbit.json" },
    };
    for (size_t i = 0; i < sizeof deployments / sizeof deployments[0]; i++) {
        assert_int_equal(PLAY(POLL(LINK("deploymentBase", "9?c=17")),
                              { "GET /deploymentBase/9?c=17&actionHistory=8", NULL, OTA_DONE, 200, deployments[i].answer }),
                         OTA_RETRY_PROTOCOL);
        assert_string_equal(fault.where, deployments[i].where);
        assert_memory_equal(&box, &before, sizeof box);
    }
    /* An answer without an end is one, too. */
    assert_int_equal(PLAY({ "GET ", NULL, OTA_REJECT_LENGTH, 200, NULL }), OTA_RETRY_PROTOCOL);
    assert_int_equal(PLAY({ "GET ", NULL, OTA_RETRY_REFUSED, 401, NULL }), OTA_RETRY_REFUSED);
    assert_int_equal(fault.port_code, 401);
    assert_int_equal(PLAY({ "GET ", NULL, OTA_RETRY_NOT_FOUND, 404, NULL }), OTA_RETRY_NOT_FOUND);
    assert_int_equal(PLAY({ "GET ", NULL, OTA_RETRY_BUSY, 429, NULL }), OTA_RETRY_BUSY);
    assert_memory_equal(&box, &before, sizeof box);
}

static void dates_are_right(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } days[] = { { 1, "\"19700101T000001\"" },
                 { 951782400, "\"20000229T000000\"" },
                 { 4102444799, "\"20991231T235959\"" },
                 { 1709164800, "\"20240229T000000\"" },
                 { 4107542400, "\"21000301T000000\"" } };

    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        facts.utc_s = days[i].s;
        (void)settle(NULL);
        open_action();
        assert_non_null(strstr(h.body, days[i].text));
    }
    facts.utc_s = 0;
    (void)settle(NULL);
    open_action();
    assert_null(strstr(h.body, "time"));
    facts.utc_s = 1794300000;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_to_do, settle),
        cmocka_unit_test_setup(a_forced_action_is_stored_before_it_is_begun, settle),
        cmocka_unit_test_setup(the_same_action_is_asked_for_once, settle),
        cmocka_unit_test_setup(success_is_told_until_it_is_heard, settle),
        cmocka_unit_test_setup(only_the_result_is_told_in_a_report, settle),
        cmocka_unit_test_setup(a_told_failure_that_is_meant_again_runs_again, settle),
        cmocka_unit_test_setup(a_result_nobody_wants_is_dropped, settle),
        cmocka_unit_test_setup(news_on_the_way_may_be_lost, settle),
        cmocka_unit_test_setup(download_only_ends_with_the_image_in_place, settle),
        cmocka_unit_test_setup(a_closed_window_waits_until_it_opens, settle),
        cmocka_unit_test_setup(no_download_means_nothing_at_all, settle),
        cmocka_unit_test_setup(a_deployment_without_a_number_fails, settle),
        cmocka_unit_test_setup(tuf_must_agree, settle),
        cmocka_unit_test_setup(a_cancellation_is_accepted, settle),
        cmocka_unit_test_setup(a_cancellation_that_comes_too_late_is_refused, settle),
        cmocka_unit_test_setup(a_cancellation_may_vanish, settle),
        cmocka_unit_test_setup(consent, settle),
        cmocka_unit_test_setup(another_action_takes_over, settle),
        cmocka_unit_test_setup(nonsense_is_no_reason_to_touch_an_action, settle),
        cmocka_unit_test(dates_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
