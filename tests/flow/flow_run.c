/* SPDX-License-Identifier: Apache-2.0 */
/* ota_run(): the short way, and what it says at the end. */
#include "flow.h"

/* Start what is not running and let the agent run once. */
static ota_err run(void)
{
    assert_true(sim_start(dev));
    ota_err err = ota_run(dev->agent);

    if (err == OTA_REBOOT)
        sim_power_cycle(dev);
    return err;
}

FLOW(an_update_is_reboot_then_done_then_same)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    assert_err(run(), OTA_REBOOT);
    assert_err(run(), OTA_DONE);
    assert_runs(0, two);
    assert_err(run(), OTA_SAME);
    assert_err(run(), OTA_SAME);
}

FLOW(a_sick_update_ends_with_its_cause)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_SICK), NULL);
    assert_err(run(), OTA_REBOOT);
    assert_err(run(), OTA_REBOOT); /* away from it */
    assert_err(run(), OTA_REJECT_HEALTH);
    assert_runs(0, factory[0]);
    assert_err(run(), OTA_SAME);
}

/* Also a regression: after a fault the next run only repeated the old error, without a look at anything. */
FLOW(what_stops_a_check_in_is_given_back)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "timestamp", .arg = 500, .times = 1 });
    assert_err(run(), OTA_RETRY_SERVER);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_FLIP, .match = "deploy.json", .arg = 1, .times = 1 });
    assert_err(run(), OTA_REJECT_HASH);
    dev->fail_at = dev->calls + 20;
    dev->fail_on = true;
    assert_int_equal(ota_err_class(run()), OTA_CLASS_DEVICE);
    dev->fail_at = 0;
    assert_err(run(), OTA_REBOOT);
    assert_err(run(), OTA_DONE);
    assert_runs(0, two);
}

FLOW(a_report_that_nobody_takes_does_not_undo_success)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "/report/", .arg = 500 });
    assert_err(run(), OTA_REBOOT);
    assert_err(run(), OTA_DONE);
    assert_int_equal(sim_status(dev).reports_kept, 1);
}

FLOW(a_deferred_update_is_left_waiting)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    assert_true(sim_start(dev));
    assert_int_equal(ota_defer(dev->agent, 1000, NULL), OTA_OK);
    assert_err(ota_run(dev->agent), OTA_SAME);
    assert_int_equal(sim_status(dev).state, OTA_ST_READY);
    assert_int_equal(sim_status(dev).holds, OTA_HOLD_DEFERRED);
    dev->clock.ms += 1001 * 1000;
    assert_err(run(), OTA_REBOOT);
    assert_err(run(), OTA_DONE);
}

FLOW(a_trial_without_health_port_waits_for_the_application)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    dev->judged_by_app = true;
    assert_err(run(), OTA_REBOOT);
    assert_err(run(), OTA_SAME);
    assert_int_equal(sim_status(dev).holds, OTA_HOLD_TRIAL);
    assert_err(run(), OTA_SAME);
    assert_int_equal(ota_confirm(dev->agent), OTA_OK);
    assert_err(run(), OTA_DONE);
    assert_runs(0, two);
    assert_err(ota_confirm(dev->agent), OTA_USAGE_STATE);
}

/* Regression: an agent that was started and only stepped waited for a whole poll interval before its first check-in. */
FLOW(an_agent_checks_in_when_it_starts)
{
    struct ota_wait wait;

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_true(sim_start(dev));
    for (int i = 0; i < 50; i++)
        assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    assert_true(dev->net.requests > 0);
}

FLOW(a_poll_interval_passes_between_check_ins)
{
    struct ota_wait wait = { 0 };
    uint64_t waited = 0;

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_err(run(), OTA_SAME);
    uint32_t requests = dev->net.requests;
    for (int i = 0; i < 20 && dev->net.requests == requests; i++) {
        assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
        dev->clock.ms += wait.ms;
        waited += wait.ms;
    }
    assert_in_range(waited, 1800 * 1000, 5760 * 1000);
    assert_int_equal(dev->net.requests, requests + 1);
}

/* ota_run() sleeps where there is nothing to read, on the network or on the clock, and goes on by itself. */
FLOW(it_sleeps_while_it_waits_and_needs_no_log)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_SILENT);
    uint64_t began;

    (void)state;
    flow_deploy(two, NULL);
    dev->cfg.log = NULL;
    assert_err(run(), OTA_REBOOT);
    began = dev->clock.ms;
    assert_err(run(), OTA_REBOOT); /* no verdict for 30 s, then back */
    assert_true(dev->clock.ms - began >= 30000);
    assert_err(run(), OTA_REJECT_SILENT);
    assert_runs(0, factory[0]);
}

FLOW(calls_without_an_agent_are_refused)
{
    struct ota_wait wait;

    (void)state;
    assert_true(sim_start(dev));
    assert_err(ota_run(NULL), OTA_USAGE_ARGUMENT);
    assert_err(ota_step(NULL, &wait), OTA_USAGE_ARGUMENT);
    assert_err(ota_step(dev->agent, NULL), OTA_USAGE_ARGUMENT);
    ota_close(NULL);
    ota_close(dev->agent);
}

FLOW_MAIN(FLOW_TEST(an_update_is_reboot_then_done_then_same), FLOW_TEST(a_sick_update_ends_with_its_cause),
          FLOW_TEST(what_stops_a_check_in_is_given_back), FLOW_TEST(a_report_that_nobody_takes_does_not_undo_success),
          FLOW_TEST(a_deferred_update_is_left_waiting), FLOW_TEST(a_trial_without_health_port_waits_for_the_application),
          FLOW_TEST(an_agent_checks_in_when_it_starts), FLOW_TEST(a_poll_interval_passes_between_check_ins),
          FLOW_TEST(it_sleeps_while_it_waits_and_needs_no_log),
          FLOW_TEST(calls_without_an_agent_are_refused))
