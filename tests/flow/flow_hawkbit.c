/* SPDX-License-Identifier: Apache-2.0 */
/* The whole agent with a DDI server: assignment, cancellation, windows, and what the server is told in the end. */
#include "ddi.h"

FLOW(nothing_is_installed_before_it_is_assigned)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_int_equal(ddi.attributes, 1);
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, v2);
    assert_int_equal(ddi.successes, 1);
    assert_int_equal(ddi.failures, 0);
    assert_int_equal(ddi.proceeding, 1);
    assert_non_null(strstr(ddi.detail, "confirmed: 2.0.0"));
    assert_last_report("confirmed", "OK");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(ddi.attributes, 2); /* the version changed */
    assert_int_equal(ddi.successes, 1);
    /* The server's minute: the device's own place in it. */
    assert_in_range(sim_status(dev).next_check_s, 28, 97);
}

FLOW(a_failing_image_rolls_back_and_the_action_fails)
{
    (void)state;
    connect();
    flow_deploy(flow_os("2.0.0", SIM_SICK), NULL);
    assign(forced);
    (void)sim_run(dev);
    assert_runs(0, factory[0]);
    assert_int_equal(ddi.failures, 1);
    assert_int_equal(ddi.successes, 0);
    assert_int_equal(ddi.code, OTA_REJECT_HEALTH);
    assert_non_null(strstr(ddi.detail, "still runs 1.0.0"));
    /* Ordered once more: it failed here before, and the operator hears so. */
    assign(forced);
    (void)sim_run(dev);
    assert_int_equal(ddi.failures, 2);
    assert_int_equal(ddi.code, OTA_REJECT_HEALTH);
    assert_runs(0, factory[0]);
}

FLOW(hawkbit_cannot_choose_what_is_not_signed)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(forced);
    ddi.seq = cloud.seq + 1;
    (void)sim_run(dev);
    assert_runs(0, factory[0]);
    assert_int_equal(ddi.code, OTA_REJECT_SEQUENCE);
    assert_non_null(strstr(ddi.detail, "hawkbit.ota.seq"));
    assert_last_report("refused", "REJECT_SEQUENCE");
    /* The same mistake again is told again: it is another action. */
    assign(forced);
    ddi.seq = cloud.seq + 1;
    (void)sim_run(dev);
    assert_int_equal(ddi.failures, 2);
    assign(forced);
    ddi.no_metadata = true;
    (void)sim_run(dev);
    assert_int_equal(ddi.failures, 3);
    assert_int_equal(ddi.code, OTA_REJECT_MISSING);
    assert_runs(0, factory[0]);
    ddi.no_metadata = false;
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, v2);
    assert_int_equal(ddi.successes, 1);
}

FLOW(nothing_is_deployed_where_something_is_assigned)
{
    (void)state;
    connect();
    ddi.id = 1;
    assign(forced);
    ddi.seq = 1;
    (void)sim_run(dev);
    assert_int_equal(ddi.failures, 1);
    assert_int_equal(ddi.code, OTA_REJECT_TARGET);
}

FLOW(what_the_server_knows_of_an_action_is_noted)
{
    (void)state;
    connect();
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assign(forced);
    assert_int_equal(sim_events(dev, OTA_EV_HISTORY), 0);
    ddi.history = true;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(sim_events(dev, OTA_EV_HISTORY) > 0);
    assert_int_equal(ddi.successes, 1);
}

FLOW(what_runs_already_is_a_success_at_once)
{
    (void)state;
    connect();
    flow_deploy(factory[0], NULL);
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(ddi.successes, 1);
    assert_int_equal(dev->starts, 1);
    assert_runs(0, factory[0]);
}

/* To be stored and no more: nothing holds it back. */
static void see_no_hold(struct sim *d)
{
    assert_int_equal(sim_status(d).holds, 0);
    ddi.seen += sim_status(d).state == OTA_ST_DOWNLOAD;
}

FLOW(download_only_stores_and_a_later_action_installs)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(store_only);
    dev->on_step = see_no_hold;
    (void)sim_run(dev);
    dev->on_step = NULL;
    assert_true(ddi.seen > 0);
    assert_runs(0, factory[0]);
    assert_int_equal(ddi.downloaded, 1);
    assert_int_equal(ddi.state, FINISHED);
    uint64_t fetched = dev->net.image_bytes;
    assert_true(fetched >= v2->len);
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, v2);
    assert_int_equal(dev->net.image_bytes, fetched);
    assert_int_equal(ddi.successes, 1);
}

FLOW(a_maintenance_window_is_waited_for)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(closed);
    for (int i = 0; i < 3; i++) {
        (void)sim_run(dev);
        assert_runs(0, factory[0]);
        assert_int_equal(ddi.downloaded, 1);
        assert_int_equal(ddi.state, RUNNING);
    }
    sim_power_cycle(dev); /* the wait outlives a restart */
    (void)sim_run(dev);
    assert_runs(0, factory[0]);
    assert_int_equal(ddi.downloaded, 1);
    change(opened);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, v2);
    assert_int_equal(ddi.successes, 1);
    assert_int_equal(ddi.proceeding, 1);
}

static void cancel_in_download(struct sim *d)
{
    if (ddi.state == RUNNING && sim_status(d).state == OTA_ST_DOWNLOAD && d->net.image_bytes > 3 * BLOCK)
        ddi.state = CANCELING;
    d->clock.ms += 300;
}

FLOW(a_cancellation_ends_the_download)
{
    const struct sim_image *big = flow_image(.version = "2.0.0", .len = 15000);

    (void)state;
    connect();
    flow_deploy(big, NULL);
    assign(forced);
    dev->on_step = cancel_in_download;
    (void)sim_run(dev);
    dev->on_step = NULL;
    assert_int_equal(ddi.state, CANCELED);
    assert_true(dev->net.image_bytes < big->len);
    assert_runs(0, factory[0]);
    assert_int_equal(ddi.successes + ddi.failures, 0);
    assert_int_equal(sim_status(dev).component[0].length, 0);
    /* It may be ordered again, and goes on. */
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, big);
    assert_int_equal(ddi.successes, 1);
}

static void slow(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_DOWNLOAD)
        d->clock.ms += 300;
}

FLOW(looking_whether_it_still_stands_costs_no_image_byte)
{
    const struct sim_image *big = flow_image(.version = "2.0.0", .len = 15000);

    (void)state;
    connect();
    dev->net.chunk = 512;
    flow_deploy(big, NULL);
    assign(forced);
    dev->on_step = slow;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, big);
    assert_in_range(ddi.polls, 5, 200);
    assert_int_equal(ddi.proceeding, 1);
    assert_in_range(dev->net.image_bytes, big->len, big->len + 16 * 512);
}

FLOW(a_cancellation_that_comes_too_late_is_refused)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, v2);
    ddi.state = CANCELING; /* as though the success had not arrived */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(ddi.rejected, 1);
    assert_int_equal(ddi.state, FINISHED);
    assert_int_equal(ddi.failures, 0);
}

FLOW(a_newer_deployment_takes_over)
{
    const struct sim_image *v2 = flow_image(.version = "2.0.0", .len = 15000), *v3 = flow_os("3.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(forced);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = v2->sha256, .arg = 3 });
    (void)sim_check_in(dev);
    sim_net_heal(dev);
    flow_deploy(v3, NULL);
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, v3);
    assert_int_equal(ddi.successes, 1);
    assert_int_equal(ddi.after_end, 0);
}

FLOW(a_result_is_kept_until_it_is_heard)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(forced);
    (void)sim_check_in(dev);
    assert_runs(0, v2);
    assert_int_equal(ddi.successes, 1);
    /* The next one meets a server that breaks off after each request. */
    const struct sim_image *v3 = flow_os("3.0.0", SIM_HEALTHY);
    flow_deploy(v3, NULL);
    assign(forced);
    (void)sim_start(dev);
    ddi.refuse = 503;
    (void)sim_check_in(dev);
    assert_runs(0, v2);
    ddi.refuse = 0;
    (void)sim_run(dev);
    assert_runs(0, v3);
    assert_int_equal(ddi.successes, 2);
    /* An acknowledgement that gets lost: it is told again, and 410 ends it. */
    const struct sim_image *v4 = flow_os("4.0.0", SIM_HEALTHY);
    flow_deploy(v4, NULL);
    assign(forced);
    ddi.deaf = true;
    for (int i = 0; i < 4; i++)
        (void)sim_run(dev);
    ddi.deaf = false;
    (void)sim_run(dev);
    assert_runs(0, v4);
    assert_int_equal(ddi.successes, 3);
    assert_int_equal(ddi.failures, 0);
    uint32_t told = ddi.after_end;
    (void)sim_run(dev);
    assert_int_equal(ddi.after_end, told);
}

FLOW(a_server_that_talks_nonsense_delays_and_no_more)
{
    (void)state;
    connect();
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assign("\"download\":\"whenever\"");
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_RETRY_PROTOCOL);
    assert_string_equal(sim_status(dev).last_fault.where, "hawkbit.download");
    assert_runs(0, factory[0]);
    assert_int_equal(dev->report_count, 0);
    ddi.modes = forced;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(ddi.successes, 1);
}

FLOW(a_damaged_box_is_told_and_begun_anew)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(closed);
    (void)sim_run(dev);
    for (size_t i = 0; i < dev->store.count; i++)
        if (strcmp(dev->store.record[i].name, "hawkbit") == 0)
            dev->store.record[i].data[20] ^= 1;
    sim_power_cycle(dev);
    change(opened);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_string_equal(dev->log.fault.where, "hawkbit");
    assert_runs(0, v2);
    assert_int_equal(ddi.successes, 1);
}

FLOW(without_the_time_it_waits)
{
    (void)state;
    connect();
    assign(forced);
    dev->clock.utc_s = INT64_MIN;
    (void)sim_check_in(dev);
    assert_int_equal(ddi.polls, 0);
    assert_true(sim_status(dev).holds & OTA_HOLD_CLOCK);
}

static void lose_the_time(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_REPORT)
        d->clock.utc_s = INT64_MIN;
}

FLOW(a_result_is_told_without_the_time)
{
    (void)state;
    connect();
    ddi.slow = true;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assign(forced);
    dev->on_step = lose_the_time;
    (void)sim_check_in(dev);
    dev->on_step = NULL;
    assert_int_equal(ddi.successes, 1);
}

FLOW(a_device_may_not_know_what_it_runs)
{
    const struct ota_component nameless = { .name = "os", .slot = { &dev->slot[0][0].port, &dev->slot[0][1].port } };

    (void)state;
    connect();
    dev->cfg.components = &nameless;
    ddi.no_metadata = true;
    assign(forced);
    (void)sim_run(dev);
    assert_int_equal(ddi.failures, 1);
    assert_non_null(strstr(ddi.detail, "still runs an unknown version"));
}

FLOW(a_cancellation_before_anything_was_begun)
{
    (void)state;
    connect();
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assign(forced);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "timestamp.json", .arg = 503 });
    (void)sim_check_in(dev);
    sim_net_heal(dev);
    assert_int_equal(ddi.proceeding, 1);
    ddi.state = CANCELING;
    (void)sim_run(dev);
    assert_int_equal(ddi.state, CANCELED);
    assert_runs(0, factory[0]);
}

static void name_another(struct sim *d)
{
    if (d->agent->state == OTA_ST_CONFIRM && d->agent->hb.box.seq == ddi.seq)
        d->agent->hb.box.seq++;
}

/* What was installed is not what the action named: its success is not this action's. */
FLOW(another_deployments_success_is_not_the_actions)
{
    (void)state;
    connect();
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assign(forced);
    dev->on_step = name_another;
    (void)sim_check_in(dev);
    dev->on_step = NULL;
    assert_int_equal(ddi.successes + ddi.failures, 0);
    assert_int_equal(ddi.state, RUNNING);
}

FLOW(the_server_is_asked_every_minute_by_default)
{
    struct ota_hawkbit c = ddi.cfg;
    const struct sim_image *big = flow_image(.version = "2.0.0", .len = 15000);

    (void)state;
    connect();
    c.look_s = 0;
    dev->cfg.hawkbit = &c;
    dev->net.chunk = 512;
    flow_deploy(big, NULL);
    assign(forced);
    dev->on_step = slow;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, big);
    assert_in_range(ddi.polls, 1, 4); /* with look_s = 1 it is more, see above */
}

/* A result that the server refuses is counted, which the store may fail to keep. */
FLOW(a_refused_result_meets_a_failing_store)
{
    (void)state;
    connect();
    flow_deploy(factory[0], NULL);
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    ddi.state = RUNNING; /* as though it had not arrived */
    (void)sim_start(dev);
    ddi.successes = 0;
    ddi.refuse = 400;
    dev->agent->hb.box.state = OTAI_HB_OWED;
    dev->fail_at = dev->calls + 1;
    dev->fail_on = true;
    (void)sim_check_in(dev);
    assert_string_equal(dev->log.fault.where, "hawkbit");
    dev->fail_at = 0;
    ddi.refuse = 0;
    (void)sim_run(dev);
    (void)sim_run(dev);
    assert_int_equal(ddi.successes, 1);
}

FLOW(what_the_server_holds_back_has_a_name)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign("\"download\":\"skip\",\"update\":\"skip\"");
    (void)sim_run(dev);
    assert_int_equal(sim_status(dev).holds, OTA_HOLD_HAWKBIT_SKIP);
    change(closed);
    (void)sim_run(dev);
    assert_int_equal(sim_status(dev).holds, OTA_HOLD_HAWKBIT_WINDOW);
    sim_power_cycle(dev);
    (void)sim_run(dev);
    assert_int_equal(sim_status(dev).holds, OTA_HOLD_HAWKBIT_WINDOW);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->agent->j.held_by, OTA_HOLD_HAWKBIT_WINDOW | OTA_HOLD_HAWKBIT_SKIP);
    change(opened);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_status(dev).holds, 0);
    assert_runs(0, v2);
}

/* The operator loses patience while the device waits. */
static void force_it(struct sim *d)
{
    uint32_t granted = 7;

    if (ddi.modes == forced && sim_status(d).state < OTA_ST_ARM && otai_hb_forces(d->agent)) {
        assert_int_equal(ota_defer(d->agent, 60, &granted), OTA_OK);
        assert_int_equal(granted, 0);
        ddi.refused_deferrals++;
    }
    if (ddi.modes != soft || sim_status(d).state != OTA_ST_READY || !(sim_status(d).holds & OTA_HOLD_DEFERRED))
        return;
    change(forced);
    ddi.forced_at_ms = d->clock.ms;
    assert_int_equal(ota_defer(d->agent, 60, &granted), OTA_OK); /* it is still a soft one here */
    assert_int_equal(granted, 60);
    assert_int_equal(ota_defer(d->agent, 3000, &granted), OTA_OK);
}

FLOW(a_soft_action_may_be_put_off_and_a_forced_one_not)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);
    uint32_t granted = 0;

    (void)state;
    connect();
    flow_deploy(v2, NULL);
    assign(soft);
    assert_true(sim_start(dev));
    assert_int_equal(ota_defer(dev->agent, 300, &granted), OTA_OK);
    assert_int_equal(granted, 300);
    dev->on_step = force_it;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    dev->on_step = NULL;
    assert_ptr_equal(ddi.modes, forced);
    assert_runs(0, v2);
    assert_int_equal(ddi.successes, 1);
    assert_true(ddi.refused_deferrals > 0);
    /* The server's minute, and not the time that was granted. */
    assert_in_range(dev->clock.ms - ddi.forced_at_ms, 1, 600000);
}

FLOW(what_was_quiet_is_asked_for_briefly)
{
    const struct sim_image *v2 = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    connect();
    for (int i = 0; i < 4; i++)
        (void)sim_check_in(dev);
    assert_int_equal(ddi.polls, 4);
    assert_int_equal(ddi.unchanged, 2); /* the first one sent attributes */
    flow_deploy(v2, NULL);
    assign(forced);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, v2);
    assert_int_equal(ddi.successes, 1);
}

FLOW(configurations_are_checked)
{
    struct ota_hawkbit c = { .size = sizeof c, .url = "http://plain.example/" };
    struct ota_fault why;

    (void)state;
    connect();
    dev->cfg.hawkbit = &c;
    assert_int_equal(ota_workspace_len(&dev->cfg), 0);
    assert_int_equal(ota_init(&dev->agent, &dev->cfg, dev->workspace, sizeof dev->workspace, &why), OTA_USAGE_CONFIG);
    assert_string_equal(why.where, "hawkbit.url");
    c.url = "https://h/";
    c.target_token = "";
    assert_int_equal(ota_init(&dev->agent, &dev->cfg, dev->workspace, sizeof dev->workspace, &why), OTA_USAGE_CONFIG);
    assert_string_equal(why.where, "hawkbit.target_token");
    dev->agent = NULL;
}

FLOW_MAIN(FLOW_TEST(nothing_is_installed_before_it_is_assigned), FLOW_TEST(a_failing_image_rolls_back_and_the_action_fails),
          FLOW_TEST(hawkbit_cannot_choose_what_is_not_signed), FLOW_TEST(nothing_is_deployed_where_something_is_assigned),
          FLOW_TEST(what_the_server_knows_of_an_action_is_noted),
          FLOW_TEST(what_runs_already_is_a_success_at_once), FLOW_TEST(download_only_stores_and_a_later_action_installs),
          FLOW_TEST(a_maintenance_window_is_waited_for), FLOW_TEST(a_cancellation_ends_the_download),
          FLOW_TEST(looking_whether_it_still_stands_costs_no_image_byte),
          FLOW_TEST(a_cancellation_that_comes_too_late_is_refused), FLOW_TEST(a_newer_deployment_takes_over),
          FLOW_TEST(a_result_is_kept_until_it_is_heard), FLOW_TEST(a_server_that_talks_nonsense_delays_and_no_more),
          FLOW_TEST(a_damaged_box_is_told_and_begun_anew), FLOW_TEST(without_the_time_it_waits),
          FLOW_TEST(a_result_is_told_without_the_time), FLOW_TEST(a_device_may_not_know_what_it_runs),
          FLOW_TEST(a_cancellation_before_anything_was_begun), FLOW_TEST(another_deployments_success_is_not_the_actions),
          FLOW_TEST(the_server_is_asked_every_minute_by_default), FLOW_TEST(a_refused_result_meets_a_failing_store),
          FLOW_TEST(what_the_server_holds_back_has_a_name), FLOW_TEST(a_soft_action_may_be_put_off_and_a_forced_one_not),
          FLOW_TEST(what_was_quiet_is_asked_for_briefly), FLOW_TEST(configurations_are_checked))
