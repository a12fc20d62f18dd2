/* SPDX-License-Identifier: Apache-2.0 */
/* Whole check-ins: attributes, and polls that need no answer. */
#include "hawkbit_script.h"

/* An answer that said alone that there is nothing to do need not come twice. */
static void a_quiet_poll_may_be_conditional(void **state)
{
    struct ota_hawkbit c = plain;
    struct otai_hb_request q;

    (void)state;
    otai_hb_begin(&h, &c, &box, &facts, OTAI_HB_ALL);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    assert_true(q.conditional);
    assert_int_equal(otai_hb_answered(&h, OTA_SAME, 304, &fault), OTA_OK);
    assert_int_equal(otai_hb_next(&h, &q), OTA_SAME);
    assert_true(h.quiet && h.unchanged && !h.save);
    assert_int_equal(PLAY(POLL("{}")), OTA_SAME);
    assert_true(h.quiet && !h.unchanged);
    /* Attributes that the server has to ask for, or that have changed, want the whole answer. */
    assert_int_equal(PLAY(POLL("{\"_links\":{\"configData\":{}}}"), ATTRIBUTES), OTA_SAME);
    assert_false(h.quiet);
    c.replace_attributes = true;
    otai_hb_begin(&h, &c, &box, &facts, OTAI_HB_ALL);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    assert_false(q.conditional);
    /* What there is to do is asked for again until it is done. */
    open_action();
    assert_false(h.quiet);
    otai_hb_begin(&h, &plain, &box, &facts, OTAI_HB_ALL);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    assert_true(q.conditional);
    (void)otai_hb_result(&box, OTAI_HB_SUCCESS, NULL, "2.0.0");
    otai_hb_begin(&h, &plain, &box, &facts, OTAI_HB_ALL);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    assert_false(q.conditional);
    assert_int_equal(otai_hb_answered(&h, OTA_DONE, 200, &fault), OTA_OK);
    assert_int_equal(otai_hb_next(&h, &q), OTA_AGAIN);
    assert_int_equal(q.method, OTA_NET_GET);
    assert_false(q.conditional);
    /* Told and offered all the same: the next check-in says it again, so it must see it. */
    const char *again = LINK("deploymentBase", "8?c=17");
    otai_hb_body(&h, (const uint8_t *)again, strlen(again));
    assert_int_equal(otai_hb_answered(&h, OTA_DONE, 200, &fault), OTA_OK);
    assert_int_equal(otai_hb_next(&h, &q), OTA_SAME);
    assert_false(h.quiet);
}

static void attributes_are_sent_when_asked_for_and_when_they_change(void **state)
{
    static const char wanted[] = "{\"_links\":{\"configData\":{\"href\":\"x\"}}}";

    (void)state;
    assert_int_equal(PLAY(POLL(wanted), ATTRIBUTES), OTA_SAME);
    facts.version = "2.0.0~rc1`\xc3\xa9";
    assert_int_equal(PLAY(POLL("{}"), { "PUT /configData", "\"os_version\":\"2.0.0-rc1---\"", OTA_DONE, 200, NULL }), OTA_SAME);
    assert_int_equal(PLAY(POLL("{}")), OTA_SAME);
    facts.version = "3";
    /* Not liked: no reason to stop, nor to send it with each poll. */
    assert_int_equal(PLAY(POLL("{}"), { "PUT /configData", "\"product\":\"thermostat\"", OTA_RETRY_REFUSED, 400, NULL }),
                     OTA_SAME);
    assert_int_equal(PLAY(POLL("{}")), OTA_SAME);
    facts.version = "4";
    assert_int_equal(PLAY(POLL("{}"), { "PUT /configData", NULL, OTA_RETRY_NETWORK, 0, NULL }), OTA_RETRY_NETWORK);
    assert_int_equal(PLAY(POLL("{}"), ATTRIBUTES), OTA_SAME);
    facts.version = "1.0.0";
}

static void own_attributes_and_replacing(void **state)
{
    const struct ota_hawkbit_attribute own[] = { { "site", "north \"1\"" }, { "hw_rev", "" } };
    struct ota_hawkbit c = plain;
    const struct line script[] = {
        POLL("{}"),
        { "PUT /configData",
          "{\"mode\":\"replace\",\"data\":{\"product\":\"thermostat\",\"device_group\":\"test\",\"os_version\":\"1.0.0\","
          "\"sw_version\":\"1.0.0\",\"client_version\":\"libota/",
          OTA_DONE, 200, NULL }
    };

    (void)state;
    c.attributes = own;
    c.attribute_count = 2;
    c.replace_attributes = true;
    assert_null(otai_hb_config_bad(&c, "dev1"));
    assert_int_equal(play(&c, OTAI_HB_ALL, script, 2), OTA_SAME);
    assert_non_null(strstr(h.body, ",\"site\":\"north \\\"1\\\"\",\"hw_rev\":\"\"}}"));
}

static void what_runs_is_declared_with_the_attributes(void **state)
{
    struct ota_hawkbit c = plain;
    const struct line declared[] = { POLL("{}"),
                                     { "PUT /installedBase", "{\"name\":\"the \\\"set\\\"\",\"version\":\"1.0.0\"}", OTA_DONE,
                                       201, NULL },
                                     ATTRIBUTES };
    const struct line unknown[] = { POLL("{}"), { "PUT /installedBase", "{", OTA_RETRY_NOT_FOUND, 404, NULL }, ATTRIBUTES };
    const struct line refused[] = { POLL("{}"), { "PUT /installedBase", "{", OTA_RETRY_REFUSED, 405, NULL }, ATTRIBUTES };
    const struct line busy[] = { POLL("{}"), { "PUT /installedBase", "{", OTA_RETRY_BUSY, 429, NULL } };
    const struct line lost[] = { POLL("{}"), { "PUT /installedBase", "{", OTA_RETRY_NETWORK, 0, NULL } };
    const struct line *const settle_it[] = { declared, unknown, refused };

    (void)state;
    c.installed_set = "the \"set\"";
    for (size_t i = 0; i < 3; i++) {
        box.attributes_crc = 0;
        assert_int_equal(play(&c, OTAI_HB_ALL, busy, 2), OTA_SAME); /* asked again at the next check-in */
        assert_int_equal(play(&c, OTAI_HB_ALL, lost, 2), OTA_RETRY_NETWORK);
        assert_int_equal(play(&c, OTAI_HB_ALL, settle_it[i], 3), OTA_SAME);
        assert_int_equal(play(&c, OTAI_HB_ALL, declared, 1), OTA_SAME); /* and then no more */
    }
    /* Not while an action is shown, nor before the version is known. */
    const struct line shown[] = { POLL(LINK("confirmationBase", "8?c=1")), ATTRIBUTES };
    const struct line cancelled[] = { POLL(LINK("cancelAction", "8")),
                                      ATTRIBUTES,
                                      { "GET /cancelAction/8", NULL, OTA_DONE, 200, "{\"id\":\"8\"}" },
                                      { "POST /cancelAction/8/feedback", "closed", OTA_DONE, 200, NULL },
                                      POLL("{}") };
    const struct line deployed[] = { POLL(LINK("deploymentBase", "8?c=1")),
                                     ATTRIBUTES,
                                     { "GET /deploymentBase/8?c=1&actionHistory=8", NULL, OTA_DONE, 200,
                                       ACTION("8", "\"download\":\"skip\",\"update\":\"skip\"", "42") } };
    c.consent = OTA_HAWKBIT_WAIT;
    box.attributes_crc = 0;
    assert_int_equal(play(&c, OTAI_HB_ALL, shown, 2), OTA_SAME);
    box.attributes_crc = 0;
    assert_int_equal(play(&c, OTAI_HB_ALL, cancelled, 5), OTA_SAME);
    box.attributes_crc = 0;
    assert_int_equal(play(&c, OTAI_HB_ALL, deployed, 3), OTA_SAME);
    const struct line nameless[] = { POLL("{}"), ATTRIBUTES };
    const char *version = facts.version;
    facts.version = "";
    assert_int_equal(play(&c, OTAI_HB_ALL, nameless, 2), OTA_SAME);
    facts.version = version;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_quiet_poll_may_be_conditional, settle),
        cmocka_unit_test_setup(attributes_are_sent_when_asked_for_and_when_they_change, settle),
        cmocka_unit_test_setup(own_attributes_and_replacing, settle),
        cmocka_unit_test_setup(what_runs_is_declared_with_the_attributes, settle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
