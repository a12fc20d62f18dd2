/* SPDX-License-Identifier: Apache-2.0 */
/* How long an application may defer, and what of a deployment is not for this device. */
#include "owner.h"

/* ---- deferral ---- */

static uint32_t granted(uint32_t ask_s)
{
    uint32_t s = UINT32_MAX;

    assert_int_equal(ota_defer(dev->agent, ask_s, &s), OTA_OK);
    return s;
}

static void hold_with_consent(void)
{
    own();
    policy.consent = OTA_CONSENT_INSTALL;
}

FLOW(an_update_of_the_os_is_deferred_by_a_day_an_application_by_a_week)
{
    (void)state;
    sim_open(dev, &cloud, factory, 2);
    hold_with_consent();
    flow_deploy(factory[0], flow_app("2.0.0", SIM_HEALTHY));
    live_until(5);
    assert_int_equal(granted(UINT32_MAX), 10020 * 60);
    assert_int_equal(granted(1), 0);
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), flow_app("3.0.0", SIM_HEALTHY));
    assert_int_equal(granted(0), 0);   /* ends the deferral */
    ota_check_now(dev->agent);
    live_until(10);
    assert_int_equal(granted(UINT32_MAX), 1440 * 60);
}

FLOW(the_group_says_how_long_and_the_device_may_say_less)
{
    (void)state;
    hold_with_consent();
    deploy(flow_os("2.0.0", SIM_HEALTHY), "\"defer_min\":{\"system\":30}");
    live_until(5);
    assert_int_equal(granted(UINT32_MAX), 1800);
    sim_kill(dev);
    dev->cfg.times.defer_cap_s = 600;   /* less than was granted already */
    live_until(10);
    assert_int_equal(granted(UINT32_MAX), 0);
    deploy(flow_os("3.0.0", SIM_HEALTHY), "\"defer_min\":{\"system\":30}");
    ota_check_now(dev->agent);
    live_until(15);
    assert_int_equal(granted(UINT32_MAX), 600);
}

FLOW(before_anything_is_known_the_shorter_cap_counts)
{
    (void)state;
    own();
    assert_true(sim_start(dev));
    assert_int_equal(granted(UINT32_MAX), 1440 * 60);
}

static void ask_at_each_start(uint32_t ask_s)
{
    assert_true(sim_start(dev));
    assert_int_equal(granted(ask_s), ask_s);
}

FLOW(an_application_that_restarts_its_agent_does_not_get_its_time_anew)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    dev->cfg.times.defer_cap_s = 3600;
    flow_deploy(two, NULL);
    ask_at_each_start(2400);   /* 40 minutes, and after 30 of them again */
    live_until(30);
    assert_int_equal(dev->agent->j.deferred_s, 2400);
    sim_kill(dev);
    ask_at_each_start(2400);   /* cut to the 20 that are left */
    live_until(45);
    assert_holds(OTA_HOLD_DEFERRED);
    assert_int_equal(dev->agent->j.deferred_s, 3600);
    live_until(53);
    assert_runs(0, two);
}

FLOW(nor_does_one_that_had_all_of_it)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    dev->cfg.times.defer_cap_s = 3600;
    flow_deploy(two, NULL);
    ask_at_each_start(3600);
    live_until(10);
    sim_kill(dev);
    ask_at_each_start(3600);
    live_until(12);
    assert_runs(0, two);
}

FLOW(time_that_was_given_back_is_not_cut_again)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    hold_with_consent();
    dev->cfg.times.defer_cap_s = 3600;
    flow_deploy(two, NULL);
    ask_at_each_start(3600);
    live_until(10);
    sim_kill(dev);
    ask_at_each_start(3600);
    assert_int_equal(granted(0), 0);
    live_until(12);
    assert_holds(OTA_HOLD_CONSENT);
    owner.agrees = true;
    live_until(14);
    assert_runs(0, two);
}

FLOW(a_deferral_that_meets_a_new_deployment_counts_against_it)
{
    (void)state;
    hold_with_consent();
    flow_deploy(factory[0], NULL);
    live_until(5);
    assert_int_equal(granted(86400), 86400);
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    ota_check_now(dev->agent);
    live_until(10);
    assert_holds(OTA_HOLD_DEFERRED | OTA_HOLD_CONSENT);
    assert_in_range(dev->agent->j.deferred_s, 86000, 86400);
    assert_true(granted(86400) <= 400);
}

/* ---- what is not for this device ---- */

static const char *rollout(unsigned per_mille)
{
    static char more[120];

    (void)snprintf(more, sizeof more, "\"rollout\":{\"salt\":\"00112233445566778899aabbccddeeff\",\"per_mille\":%u}", per_mille);
    return more;
}

/* Where "dev-1" stands with that salt: SHA-256 of the two, first 8 bytes, modulo 1000. */
static unsigned place(void)
{
    static const uint8_t salted[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 'd', 'e', 'v', '-', '1' };
    uint8_t digest[32];
    uint64_t number = 0;

    sim_sha256(salted, sizeof salted, digest);
    for (int i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    return (unsigned)(number % 1000);
}

FLOW(a_rollout_reaches_the_device_at_its_place)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    const unsigned before[] = { 0, place() / 2, place() };

    (void)state;
    assert_in_range(place(), 1, 998);
    own();
    for (size_t i = 0; i < 3; i++) {
        deploy(two, rollout(before[i]));
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_holds(OTA_HOLD_ROLLOUT);
        assert_int_equal(sim_events(dev, OTA_EV_KEPT_FROM), 1);
        assert_int_equal(dev->net.image_bytes, 0);
        assert_string_equal(sim_status(dev).component[0].wanted, "");
    }
    sim_kill(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);   /* one conditional request: nothing is new, and it is still held */
    assert_int_equal(sim_events(dev, OTA_EV_POLL_UNCHANGED), 1);
    assert_holds(OTA_HOLD_ROLLOUT);
    deploy(two, rollout(place() + 1));
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_holds(0);
    deploy(two, rollout(0));   /* for nobody any more: what runs stays */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_holds(0);
    deploy(flow_os("3.0.0", SIM_HEALTHY), rollout(0));
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_holds(OTA_HOLD_ROLLOUT);
}

FLOW(a_rollout_to_all_is_for_all)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    deploy(two, rollout(1000));
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(an_update_under_way_is_dropped_when_the_newer_one_is_not_for_this_device)
{
    (void)state;
    hold_with_consent();
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    live_until(5);
    assert_string_equal(sim_status(dev).component[0].wanted, "2.0.0");
    deploy(flow_os("3.0.0", SIM_HEALTHY), rollout(0));
    ota_check_now(dev->agent);
    live_until(10);
    owner.agrees = true;
    live_until(15);
    assert_runs(0, factory[0]);
    assert_string_equal(sim_status(dev).component[0].wanted, "");
    assert_holds(OTA_HOLD_ROLLOUT);
}

FLOW(what_is_sealed_and_no_longer_wanted_is_not_installed)
{
    const struct sim_image *app2 = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    hold_with_consent();
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), factory[1]);
    live_until(5);
    assert_int_equal(sim_events(dev, OTA_EV_SEALED), 1);
    flow_deploy(factory[0], app2);
    ota_check_now(dev->agent);
    live_until(10);
    owner.agrees = true;
    live_until(15);
    assert_runs(0, factory[0]);
    assert_runs(1, app2);
}

FLOW(a_pinned_component_stays_and_the_others_go_on)
{
    const struct sim_image *os2 = flow_os("2.0.0", SIM_HEALTHY), *app2 = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    own();
    policy.pin[1] = "1.0.0";
    flow_deploy(os2, app2);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os2);
    assert_runs(1, factory[1]);
    assert_holds(OTA_HOLD_PINNED);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_holds(OTA_HOLD_PINNED);
    assert_runs(1, factory[1]);
    sim_kill(dev);
    policy.pin[1] = "2.0.0";   /* the pin moves on: no server has to say anything new */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, app2);
    assert_holds(0);
}

/* What is left out does not count for what the others require. */
FLOW(a_pin_does_not_break_what_another_component_requires)
{
    const struct sim_image *os2 = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "2.0.0", .relations = "\"requires\":{\"look\":2}," });
    const struct sim_image *app2 = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "app", .version = "2.0.0", .len = 5000, .relations = "\"provides\":{\"look\":2}," });

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    own();
    policy.pin[1] = "1.0.0";
    flow_deploy(os2, app2);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_REQUIRES");
    assert_runs(0, factory[0]);
    sim_kill(dev);
    policy.pin[1] = NULL;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os2);
    assert_runs(1, app2);
}

FLOW(a_rollout_counts_for_removals_too)
{
    (void)state;
    sim_open(dev, &cloud, factory, 2);
    dev->spare_app = true;
    flow_deploy(factory[0], factory[1]);
    assert_int_equal(sim_run(dev), SIM_IDLE);   /* now it is known what runs */
    deploy(factory[0], rollout(place()));
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_holds(OTA_HOLD_ROLLOUT);
    assert_runs(1, factory[1]);
    deploy(factory[0], rollout(place() + 1));
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(dev->boot.record.confirmed[1], OTA_SLOT_NONE);
}

FLOW(a_deferral_that_cannot_be_noted_is_not_granted)
{
    (void)state;
    hold_with_consent();
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    live_until(5);
    dev->fail_at = dev->calls + 1;
    assert_err(ota_defer(dev->agent, 600, NULL), OTA_DEVICE_STORE);
    assert_int_equal(dev->failed, 1);
    dev->fail_at = 0;
    assert_holds(OTA_HOLD_CONSENT);
    assert_int_equal(granted(UINT32_MAX), 1440 * 60);   /* none of it was counted */
}

FLOW(applications_that_the_group_leaves_out_are_told)
{
    (void)state;
    sim_open(dev, &cloud, factory, 2);
    own();
    const struct sim_image *app2 = flow_app("2.0.0", SIM_HEALTHY);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { factory[0], app2 }, .policy = "os-only" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_holds(OTA_HOLD_OS_ONLY);
    assert_runs(1, factory[1]);
    flow_deploy(factory[0], app2);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, app2);
    assert_holds(0);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { factory[0], app2 }, .policy = "os-only" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_holds(0);   /* nothing is left out: it runs already */
}

FLOW_MAIN(FLOW_TEST(an_update_of_the_os_is_deferred_by_a_day_an_application_by_a_week),
          FLOW_TEST(the_group_says_how_long_and_the_device_may_say_less),
          FLOW_TEST(before_anything_is_known_the_shorter_cap_counts),
          FLOW_TEST(an_application_that_restarts_its_agent_does_not_get_its_time_anew),
          FLOW_TEST(nor_does_one_that_had_all_of_it),
          FLOW_TEST(time_that_was_given_back_is_not_cut_again),
          FLOW_TEST(a_deferral_that_meets_a_new_deployment_counts_against_it),
          FLOW_TEST(a_rollout_reaches_the_device_at_its_place),
          FLOW_TEST(a_rollout_to_all_is_for_all),
          FLOW_TEST(an_update_under_way_is_dropped_when_the_newer_one_is_not_for_this_device),
          FLOW_TEST(what_is_sealed_and_no_longer_wanted_is_not_installed),
          FLOW_TEST(a_pinned_component_stays_and_the_others_go_on),
          FLOW_TEST(a_pin_does_not_break_what_another_component_requires),
          FLOW_TEST(a_rollout_counts_for_removals_too),
          FLOW_TEST(a_deferral_that_cannot_be_noted_is_not_granted),
          FLOW_TEST(applications_that_the_group_leaves_out_are_told))
