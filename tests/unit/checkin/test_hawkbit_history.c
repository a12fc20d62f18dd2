/* SPDX-License-Identifier: Apache-2.0 */
/* Check-ins that ask for an action's history: of a new action, and of what a start found in the box. */
#include "hawkbit_script.h"

#define TOLD_OF(word) "{\"id\":\"8\",\"actionHistory\":{\"status\":\"" word "\",\"messages\":[\"a\",\"b\"]}}"
#define WITH(word)                                                                                                               \
    "{\"id\":\"8\",\"deployment\":{" FORCED ",\"chunks\":[{\"metadata\":[{\"key\":\"ota.seq\",\"value\":\"42\"}]}]},"            \
    "\"actionHistory\":{\"status\":\"" word "\",\"messages\":[\"m\"]}}"
#define ASKED "GET /installedBase/8?actionHistory=8"
#define LOOKED "GET /deploymentBase/8?c=17&actionHistory=8"
#define SHOWN POLL(LINK("deploymentBase", "8?c=17"))
#define RESULT(end, status)                                                                                                      \
    {                                                                                                                            \
        "POST /deploymentBase/8/feedback", "\"finished\":\"success\"", end, status, NULL                                         \
    }

/* As after a start that found the box in this state. */
static ota_err start(uint8_t state, const struct line *script, size_t n)
{
    facts.taken_up = state;
    ota_err err = play(&plain, OTAI_HB_ALL, script, n);
    facts.taken_up = OTAI_HB_NONE;
    return err;
}

#define START(state, ...)                                                                                                        \
    start(state, (const struct line[]){ __VA_ARGS__ }, sizeof((const struct line[]){ __VA_ARGS__ }) / sizeof(struct line))

static void owe_success(void)
{
    (void)settle(NULL);
    open_action();
    assert_true(otai_hb_result(&box, OTAI_HB_SUCCESS, NULL, "2.0.0"));
}

/* Heard, and its acknowledgement lost; or ended in another way: nothing more is sent. */
static void what_has_ended_there_hears_nothing_more(void **state)
{
    static const struct {
        const char *answer;
        uint8_t status;
    } words[] = { { TOLD_OF("FINISHED"), OTAI_HB_FINISHED },
                  { TOLD_OF("ERROR"), OTAI_HB_ERROR },
                  { TOLD_OF("CANCELED"), OTAI_HB_CANCELED },
                  { TOLD_OF("DOWNLOADED"), OTAI_HB_DOWNLOADED } };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        owe_success();
        assert_int_equal(START(OTAI_HB_OWED, { ASKED, NULL, OTA_DONE, 200, words[i].answer }, POLL("{}")), OTA_SAME);
        assert_int_equal(box.state, OTAI_HB_TOLD);
        assert_int_equal(box.result, OTAI_HB_SUCCESS);
        assert_true(h.history.said);
        assert_int_equal(h.history.status, words[i].status);
        assert_int_equal(h.history.entries, 2);
        assert_int_equal(PLAY(POLL("{}")), OTA_SAME);
    }
    /* The same in a report, which does not poll. */
    const struct line only[] = { { ASKED, NULL, OTA_DONE, 200, TOLD_OF("ERROR") } };
    owe_success();
    facts.taken_up = OTAI_HB_OWED;
    assert_int_equal(play(&plain, OTAI_HB_TELL_RESULT, only, 1), OTA_SAME);
    facts.taken_up = OTAI_HB_NONE;
    assert_int_equal(box.state, OTAI_HB_TOLD);
}

/* It is open there, or no such word comes, or nothing that makes sense: the result is sent, as ever. */
static void otherwise_it_is_told(void **state)
{
    static const struct line answers[] = {
        { ASKED, NULL, OTA_RETRY_NOT_FOUND, 404, NULL },
        { ASKED, NULL, OTA_DONE, 200, TOLD_OF("RUNNING") },
        { ASKED, NULL, OTA_DONE, 200, TOLD_OF("RETRIEVED") },
        { ASKED, NULL, OTA_DONE, 200, TOLD_OF("VERDICT") },
        { ASKED, NULL, OTA_DONE, 200, "{\"id\":\"8\"}" },
        { ASKED, NULL, OTA_RETRY_REFUSED, 405, NULL },
        { ASKED, NULL, OTA_RETRY_BUSY, 429, NULL },
        { ASKED, NULL, OTA_RETRY_SERVER, 500, NULL },
        { ASKED, NULL, OTA_REJECT_LIMIT, 200, NULL },
        { ASKED, NULL, OTA_DONE, 200, "{\"id\":\"9\",\"actionHistory\":{\"status\":\"FINISHED\",\"messages\":[]}}" },
        { ASKED, NULL, OTA_DONE, 200, "{\"actionHistory\":{\"status\":\"FINISHED\",\"messages\":[]}}" },
        { ASKED, NULL, OTA_DONE, 200, "{\"id\":\"8\",\"actionHistory\":{\"status\":7}}" },
        { ASKED, NULL, OTA_DONE, 200, "<html>" },
        { ASKED, NULL, OTA_DONE, 200, "" },
    };
    const size_t n = sizeof answers / sizeof answers[0];

    (void)state;
    for (size_t i = 0; i < n; i++) {
        owe_success();
        assert_int_equal(START(OTAI_HB_OWED, answers[i], RESULT(OTA_DONE, 200), POLL("{}")), OTA_SAME);
        assert_int_equal(box.state, OTAI_HB_TOLD);
        if (i >= n - 5)
            assert_int_equal(h.history.status, OTAI_HB_UNREAD);
    }
    assert_int_equal(h.history.entries, 0);
}

static void it_is_asked_once_after_a_start(void **state)
{
    (void)state;
    owe_success();
    assert_int_equal(START(OTAI_HB_OWED, { ASKED, NULL, OTA_RETRY_NETWORK, 0, NULL }), OTA_RETRY_NETWORK);
    assert_int_equal(h.facts.taken_up, OTAI_HB_OWED); /* nobody was there to be asked */
    assert_int_equal(START(OTAI_HB_OWED, { ASKED, NULL, OTA_RETRY_NOT_FOUND, 404, NULL }, RESULT(OTA_RETRY_SERVER, 503)),
                     OTA_RETRY_SERVER);
    assert_int_equal(h.facts.taken_up, OTAI_HB_NONE);
    assert_int_equal(box.state, OTAI_HB_OWED);
    /* A result that came about since: of that the server cannot know. */
    assert_int_equal(START(OTAI_HB_OPEN, RESULT(OTA_RETRY_SERVER, 503)), OTA_RETRY_SERVER);
    assert_int_equal(PLAY(RESULT(OTA_RETRY_NOT_FOUND, 410), POLL("{}")), OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_TOLD);
}

static void an_open_action_is_looked_at_again(void **state)
{
    static const struct line answers[] = {
        { LOOKED, NULL, OTA_DONE, 200, WITH("RUNNING") },
        { LOOKED, NULL, OTA_DONE, 200, WITH("DOWNLOADED") }, /* a step on the way of an action that is shown */
        { LOOKED, NULL, OTA_DONE, 200, ACTION("8", FORCED, "42") },
        { LOOKED, NULL, OTA_RETRY_BUSY, 429, NULL },
        { LOOKED, NULL, OTA_RETRY_SERVER, 502, NULL },
        { LOOKED, NULL, OTA_DONE, 200, "[" },
        { LOOKED, NULL, OTA_DONE, 200, ACTION("7", FORCED, "42") },
    };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        (void)settle(NULL);
        open_action();
        assert_int_equal(START(OTAI_HB_OPEN, SHOWN, answers[i]), OTA_DONE); /* begun before: not begun for the server again */
        assert_int_equal(box.seq, 42);
        assert_int_equal(h.facts.taken_up, OTAI_HB_NONE);
        assert_int_equal(h.history.status, i > 4 ? OTAI_HB_UNREAD : i == 0 ? OTAI_HB_RUNNING : i == 1 ? OTAI_HB_DOWNLOADED : 0);
    }
    assert_int_equal(START(OTAI_HB_OPEN, SHOWN, { LOOKED, NULL, OTA_RETRY_NETWORK, 0, NULL }), OTA_RETRY_NETWORK);
    assert_int_equal(h.facts.taken_up, OTAI_HB_OPEN);
    assert_int_equal(START(OTAI_HB_OPEN, SHOWN, { LOOKED, NULL, OTA_RETRY_NOT_FOUND, 404, NULL }, POLL("{}")), OTA_SAME);
    assert_int_equal(box.state, OTAI_HB_NONE);
    assert_true(h.abandon);
}

static void what_has_ended_is_not_begun(void **state)
{
    static const char *const words[] = { WITH("FINISHED"), WITH("ERROR"), WITH("CANCELED") };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)settle(NULL);
        assert_int_equal(PLAY(SHOWN, { LOOKED, NULL, OTA_DONE, 200, words[i] }), OTA_SAME);
        assert_int_equal(box.state, OTAI_HB_NONE);
        assert_false(h.abandon);
        open_action();
        assert_int_equal(START(OTAI_HB_OPEN, SHOWN, { LOOKED, NULL, OTA_DONE, 200, words[i] }), OTA_SAME);
        assert_int_equal(box.state, OTAI_HB_NONE);
        assert_true(h.abandon);
    }
    /* A new action whose answer makes no sense is none, whatever the history says. */
    assert_int_equal(PLAY(SHOWN, { LOOKED, NULL, OTA_DONE, 200, TOLD_OF("RUNNING") }), OTA_RETRY_PROTOCOL);
    assert_string_equal(fault.where, "hawkbit.download");
    assert_int_equal(PLAY(SHOWN, { LOOKED, NULL, OTA_DONE, 200, "{\"actionHistory\":{\"messages\":[0]}}" }), OTA_RETRY_PROTOCOL);
    assert_string_equal(fault.where, "hawkbit.messages");
    assert_int_equal(fault.port_code, OTA_REJECT_TYPE);
}

static void a_question_for_consent_tells_it_too(void **state)
{
    (void)state;
    assert_int_equal(PLAY(POLL(LINK("confirmationBase", "8?c=5")),
                          { "GET /confirmationBase/8?c=5&actionHistory=8", NULL, OTA_DONE, 200,
                            "{\"id\":\"8\",\"confirmation\":{" FORCED
                            "},\"actionHistory\":{\"status\":\"WAIT_FOR_CONFIRMATION\",\"messages\":[\"x\",\"y\",\"z\"]}}" },
                          { "POST /confirmationBase/8/feedback", "\"confirmed\"", OTA_DONE, 200, NULL }, POLL("{}")),
                     OTA_SAME);
    assert_int_equal(h.history.status, OTAI_HB_WAIT_FOR_CONFIRMATION);
    assert_int_equal(h.history.entries, 3);
}

/* A URL of the greatest length has no room for the question. */
static void the_longest_url_asks_without(void **state)
{
    static char url[OTA_URL_MAX];
    struct ota_hawkbit c = plain;
    struct otai_hb_request q;
    const char *poll = LINK("deploymentBase", "8?c=17");
    size_t room = OTA_URL_MAX - sizeof BASE "/deploymentBase/8?c=17&actionHistory=8";

    (void)state;
    c.url = url;
    for (size_t more = 0; more < 2; more++) {
        (void)snprintf(url, sizeof url, "https://h/%0*d/", (int)(room + more - 11), 0);
        assert_int_equal(strlen(url), room + more);
        otai_hb_begin(&h, &c, &box, &facts, OTAI_HB_ALL);
        assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
        otai_hb_body(&h, (const uint8_t *)poll, strlen(poll));
        assert_int_equal(otai_hb_answered(&h, OTA_DONE, 200, &fault), OTA_OK);
        assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
        assert_string_equal(q.file, more ? BASE "/deploymentBase/8?c=17" : BASE "/deploymentBase/8?c=17&actionHistory=8");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_has_ended_there_hears_nothing_more, settle),
        cmocka_unit_test_setup(otherwise_it_is_told, settle),
        cmocka_unit_test_setup(it_is_asked_once_after_a_start, settle),
        cmocka_unit_test_setup(an_open_action_is_looked_at_again, settle),
        cmocka_unit_test_setup(what_has_ended_is_not_begun, settle),
        cmocka_unit_test_setup(a_question_for_consent_tells_it_too, settle),
        cmocka_unit_test_setup(the_longest_url_asks_without, settle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
