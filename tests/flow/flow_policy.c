/* SPDX-License-Identifier: Apache-2.0 */
/* What the group's pointer and the device's owner say about when an update may come. */
#include "owner.h"

FLOW(what_the_pointer_asks_for_is_remembered_across_a_restart)
{
    const struct otai_journal *j;

    (void)state;
    deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    j = &dev->agent->j;
    assert_true(j->ruled && j->poll_s == 0 && j->defer_system_min == 1440 && j->defer_application_min == 10020);
    deploy(factory[0], "\"poll_s\":900,\"defer_min\":{\"system\":30,\"application\":60}");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(j->ruled && j->poll_s == 900 && j->defer_system_min == 30 && j->defer_application_min == 60);
    sim_power_cycle(dev);
    assert_true(sim_start(dev));
    struct ota_wait wait;
    assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    j = &dev->agent->j;
    assert_true(j->ruled && j->poll_s == 900 && j->defer_system_min == 30 && j->defer_application_min == 60);
    uint32_t writes = dev->store_writes;
    sim_cloud_refresh(&cloud, SIM_EXPIRES_S + 86400);
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(dev->store_writes > writes);
    assert_int_equal(dev->agent->j.poll_s, 900);
}

FLOW(each_of_its_numbers_is_followed_alone)
{
    static const struct { const char *more; uint32_t poll_s, system, application; } rows[] = {
        { "\"poll_s\":60", 60, 1440, 10020 },
        { "\"poll_s\":60,\"defer_min\":{\"system\":7}", 60, 7, 10020 },
        { "\"poll_s\":60,\"defer_min\":{\"system\":7,\"application\":8}", 60, 7, 8 },
        { "\"poll_s\":61,\"defer_min\":{\"system\":7,\"application\":8}", 61, 7, 8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        deploy(factory[0], rows[i].more);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        const struct otai_journal *j = &dev->agent->j;
        assert_true(j->poll_s == rows[i].poll_s && j->defer_system_min == rows[i].system);
        assert_int_equal(j->defer_application_min, rows[i].application);
    }
}

FLOW(a_number_out_of_range_refuses_the_deployment_by_name)
{
    (void)state;
    deploy(flow_os("2.0.0", SIM_HEALTHY), "\"poll_s\":59");
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    struct ota_status s = sim_status(dev);
    assert_err(s.last_fault.err, OTA_REJECT_VALUE);
    assert_string_equal(s.last_fault.where, "pointer.poll_s");
    assert_runs(0, factory[0]);
    assert_false(dev->agent->j.ruled);
}

FLOW(a_window_holds_the_installation_back_not_the_download)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    flow_deploy(two, NULL);
    live_until(110);
    assert_int_equal(sim_events(dev, OTA_EV_SEALED), 1);
    assert_int_equal(dev->net.image_bytes, two->len);
    assert_holds(OTA_HOLD_WINDOW);
    assert_string_equal(ota_hold_name(OTA_HOLD_WINDOW), "window");
    assert_runs(0, factory[0]);
    assert_int_equal(ota_defer(dev->agent, 7200, NULL), OTA_OK);   /* over the beginning of the window */
    live_until(122);
    assert_holds(OTA_HOLD_DEFERRED);
    assert_int_equal(ota_defer(dev->agent, 0, NULL), OTA_OK);
    live_until(124);
    assert_runs(0, two);
    assert_holds(0);
    assert_int_equal(dev->net.image_bytes, two->len);
    assert_true(sim_report_has(sim_last_report(dev), "holds", "[\"deferred\",\"window\"]}"));
    flow_deploy(flow_os("3.0.0", SIM_HEALTHY), NULL);
    policy.window_count = 0;
    ota_check_now(dev->agent);
    live_until(130);
    assert_true(sim_report_has(sim_last_report(dev), "holds", "[]}"));
}

FLOW(local_time_is_what_the_device_says_it_is)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    owner.now.offset_known = true;
    owner.now.utc_offset_s = 3600;
    flow_deploy(two, NULL);
    live_until(55);
    assert_runs(0, factory[0]);
    live_until(62);
    assert_runs(0, two);
}

/* A fetch of 10,000 bytes in reads of some hundred, a minute each. */
static void slow_line(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_DOWNLOAD)
        d->clock.ms += MINUTE_MS / 4;
}

FLOW(a_window_that_closes_stops_the_download_which_goes_on_in_the_next)
{
    static const struct ota_window short_ones[] = { { OTA_EVERY_DAY, 10, 13 }, { OTA_EVERY_DAY, 30, 60 } };
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    struct ota_status s;

    (void)state;
    own();
    policy.windows = short_ones;
    policy.window_count = 2;
    policy.fetch_in_window = true;
    dev->on_step = slow_line;
    flow_deploy(two, NULL);
    live_until(9);
    assert_int_equal(dev->net.image_bytes, 0);
    assert_holds(OTA_HOLD_WINDOW);
    live_until(20);
    s = sim_status(dev);
    assert_int_equal(s.holds, OTA_HOLD_WINDOW);
    assert_err(s.last_fault.err, OTA_RETRY_HELD);
    assert_string_equal(s.last_fault.where, "policy: window");
    assert_true(s.component[0].done > 0 && s.component[0].done < two->len);
    assert_true(dev->net.image_bytes > 0 && dev->net.image_bytes < two->len);
    live_until(55);
    assert_runs(0, two);
    assert_true(dev->net.image_bytes <= two->len + BLOCK);
}

FLOW(an_update_that_waits_notices_the_one_that_takes_its_place)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY), *three = flow_os("3.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    flow_deploy(two, NULL);
    live_until(30);
    assert_string_equal(sim_status(dev).component[0].wanted, "2.0.0");
    flow_deploy(three, NULL);
    live_until(110);   /* the regular check-in comes after an hour */
    assert_string_equal(sim_status(dev).component[0].wanted, "3.0.0");
    assert_holds(OTA_HOLD_WINDOW);
    live_until(123);
    assert_runs(0, three);
}

FLOW(what_is_sealed_is_not_read_again_at_each_check_in)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    flow_deploy(two, NULL);
    live_until(5);
    uint32_t requests = dev->net.requests;
    for (int i = 0; i < 4; i++) {
        ota_check_now(dev->agent);
        live_until(10 + i);
    }
    assert_true(dev->net.requests >= requests + 4);
    assert_int_equal(sim_events(dev, OTA_EV_SEALED), 1);
    assert_int_equal(sim_status(dev).state, OTA_ST_READY);
    /* after a restart of the agent nobody vouches for the slot any more */
    sim_kill(dev);
    live_until(20);
    assert_int_equal(sim_events(dev, OTA_EV_SEALED), 2);
    live_until(123);
    assert_runs(0, two);
}

FLOW(the_interval_of_the_pointer_counts_while_an_update_waits)
{
    (void)state;
    own();
    at_night();
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { flow_os("2.0.0", SIM_HEALTHY) }, .more = "\"poll_s\":60" });
    flow_serve();
    live_until(2);
    uint32_t requests = dev->net.requests;
    live_until(14);
    assert_true(dev->net.requests >= requests + 10);
}

FLOW(without_a_network_a_verified_update_is_installed_in_its_window)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    flow_deploy(two, NULL);
    live_until(30);
    dev->net.down = true;
    live_until(119);
    assert_int_equal(sim_status(dev).state, OTA_ST_READY);
    live_until(123);
    assert_runs(0, two);
}

FLOW(check_now_skips_no_window)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    flow_deploy(two, NULL);
    assert_true(sim_start(dev));
    for (int i = 0; i < 3; i++) {
        assert_err(ota_run(dev->agent), OTA_SAME);
        assert_holds(OTA_HOLD_WINDOW);
        assert_int_equal(sim_status(dev).state, OTA_ST_READY);
    }
    live_until(123);
    assert_runs(0, two);
}

/* The agent dies between arming and the restart, and comes back when the window is over. */
static void die_when_armed(struct sim *d)
{
    if (!d->agent || sim_status(d).state != OTA_ST_REBOOT || d->phase)
        return;
    d->phase = 1;
    sim_kill(d);
    d->clock.ms += 3u * HOUR_S * 1000u;
}

FLOW(a_restart_waits_for_a_window_too)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    flow_deploy(two, NULL);
    dev->on_step = die_when_armed;
    live_until(121);
    live_until(400);
    assert_int_equal(dev->phase, 1);
    assert_int_equal(sim_status(dev).state, OTA_ST_REBOOT);
    assert_holds(OTA_HOLD_WINDOW | OTA_HOLD_RESTART);
    assert_int_equal(dev->starts, 1);
    assert_err(ota_run(dev->agent), OTA_SAME);   /* it does not sleep until then */
    live_until(119);
    assert_int_equal(dev->starts, 1);
    live_until(130);
    assert_runs(0, two);
    assert_true(dev->agent->j.held_by & OTA_HOLD_WINDOW);
}

/* ---- consent, battery, link ---- */

FLOW(nobody_agreed_yet)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    policy.consent = OTA_CONSENT_INSTALL;
    flow_deploy(two, NULL);
    live_until(30);
    assert_holds(OTA_HOLD_CONSENT);
    assert_int_equal(dev->net.image_bytes, two->len);
    assert_int_equal(owner.asked_for, dev->agent->j.seq);
    owner.agrees = true;
    live_until(32);
    assert_runs(0, two);
    assert_int_equal(dev->agent->j.held_by, OTA_HOLD_CONSENT);
    assert_true(sim_report_has(sim_last_report(dev), "holds", "[\"consent\"]}"));
}

FLOW(consent_before_the_first_byte)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    policy.consent = OTA_CONSENT_FETCH;
    flow_deploy(two, NULL);
    live_until(30);
    assert_holds(OTA_HOLD_CONSENT);
    assert_int_equal(dev->net.image_bytes, 0);
    assert_string_equal(sim_status(dev).component[0].wanted, "2.0.0");
    owner.agrees = true;
    live_until(32);
    assert_runs(0, two);
    assert_true(owner.questions > 10 && owner.questions < 60);   /* once a minute */
}

FLOW(a_low_battery_stops_everything_until_mains_come)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    policy.battery_min = 30;
    owner.now.battery_percent = 29;
    dev->cfg.times.poll_s = 30;   /* sooner than the battery is looked at */
    flow_deploy(two, NULL);
    live_until(30);
    assert_holds(OTA_HOLD_BATTERY);
    assert_int_equal(dev->net.image_bytes, 0);
    assert_string_equal(sim_status(dev).last_fault.where, "policy: battery");
    owner.now.on_mains = 1;
    live_until(32);
    assert_runs(0, two);
}

FLOW(a_device_may_tell_what_nobody_asks_for)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    dev->cfg.policy = NULL;
    owner.now.battery_percent = 0;
    owner.now.metered = 1;
    flow_deploy(two, NULL);
    live_until(2);
    assert_runs(0, two);
    assert_int_equal(owner.questions, 0);
}

FLOW(a_device_that_cannot_be_asked_knows_nothing)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    policy.battery_min = 30;
    policy.metered = OTA_METERED_NOTHING;
    owner.now.battery_percent = 5;
    owner.now.metered = 1;
    owner.fails = OTA_DEVICE_CONDITIONS;
    flow_deploy(two, NULL);
    live_until(2);
    assert_runs(0, two);
    assert_true(owner.reads > 0);
}

static const struct sim_image *deploy_with_delta(enum sim_damage damage)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .deflate = true, .from = factory[0], .damage = damage);

    flow_deploy(two, NULL);
    return two;
}

FLOW(a_metered_link_never_falls_back_to_a_whole_image)
{
    const struct sim_image *two = deploy_with_delta(SIM_DELTA_FLIPPED);

    (void)state;
    own();
    policy.metered = OTA_METERED_DIFFERENCES;
    owner.now.metered = 1;
    live_until(30);
    assert_int_equal(sim_events(dev, OTA_EV_FELL_BACK), 1);   /* the delta was tried, and is bad */
    assert_holds(OTA_HOLD_METERED);
    assert_true(dev->net.image_bytes < two->len / 2);
    assert_runs(0, factory[0]);
    assert_string_equal(ota_codec_name(sim_status(dev).component[0].codec), "deflate");
    owner.now.metered = 0;
    live_until(32);
    assert_runs(0, two);
}

FLOW(a_good_delta_comes_over_a_metered_link)
{
    const struct sim_image *two = deploy_with_delta(SIM_DELTA_WHOLE);

    (void)state;
    own();
    policy.metered = OTA_METERED_DIFFERENCES;
    owner.now.metered = 1;
    live_until(5);
    assert_runs(0, two);
    assert_int_equal(dev->agent->j.held_by, 0);
}

FLOW(a_budget_for_metered_links_counts_what_came_before)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    policy.metered_bytes_max = two->len;
    owner.now.metered = 1;
    flow_deploy(two, NULL);
    live_until(5);
    assert_runs(0, two);
    const struct sim_image *three = flow_os("3.0.0", SIM_HEALTHY);
    policy.metered_bytes_max = three->len - 1;
    flow_deploy(three, NULL);
    ota_check_now(dev->agent);
    live_until(10);
    assert_runs(0, two);
    assert_holds(OTA_HOLD_METERED);
    policy.metered_bytes_max = 0;
    live_until(12);
    assert_runs(0, three);
}

static void costs_in_the_middle(struct sim *d)
{
    slow_line(d);
    if (sim_status(d).component[0].done >= 5000 && d->phase == 0) {
        d->phase = 1;
        owner.now.metered = 1;
    }
}

FLOW(a_link_that_becomes_metered_stops_the_download)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    policy.metered = OTA_METERED_DIFFERENCES;
    dev->on_step = costs_in_the_middle;
    flow_deploy(two, NULL);
    live_until(60);
    assert_holds(OTA_HOLD_METERED);
    assert_int_equal(sim_status(dev).component[0].done, 4096);
    assert_true(dev->net.image_bytes < 7000);
    owner.now.metered = 0;
    live_until(90);
    assert_runs(0, two);
    assert_true(dev->net.image_bytes <= two->len + BLOCK);
}

FLOW(another_look_tells_what_an_earlier_run_waits_for)
{
    (void)state;
    own();
    policy.consent = OTA_CONSENT_FETCH;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    live_until(5);
    sim_kill(dev);
    struct ota_wait wait;
    assert_true(sim_start(dev));
    assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    assert_holds(OTA_HOLD_CONSENT);
}

FLOW(a_clock_that_is_lost_while_an_update_waits)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    own();
    at_night();
    flow_deploy(two, NULL);
    live_until(30);
    int64_t utc_s = dev->clock.utc_s;
    dev->clock.utc_s = INT64_MIN;
    uint64_t end = dev->clock.ms + 20u * MINUTE_MS;
    while (dev->clock.ms < end)
        live_a_step(end);
    assert_holds(OTA_HOLD_CLOCK);
    dev->clock.utc_s = 1000;   /* back in 1970, at night */
    live_a_step(end);
    assert_holds(OTA_HOLD_CLOCK);
    dev->clock.utc_s = utc_s;
    dev->agent->cfg.times.utc_floor_s = INT64_MAX;
    assert_holds(OTA_HOLD_CLOCK);
    dev->agent->cfg.times.utc_floor_s = 0;
    live_until(123);
    assert_runs(0, two);
}

FLOW_MAIN(FLOW_TEST(what_the_pointer_asks_for_is_remembered_across_a_restart),
          FLOW_TEST(each_of_its_numbers_is_followed_alone),
          FLOW_TEST(a_number_out_of_range_refuses_the_deployment_by_name),
          FLOW_TEST(a_window_holds_the_installation_back_not_the_download),
          FLOW_TEST(local_time_is_what_the_device_says_it_is),
          FLOW_TEST(a_window_that_closes_stops_the_download_which_goes_on_in_the_next),
          FLOW_TEST(an_update_that_waits_notices_the_one_that_takes_its_place),
          FLOW_TEST(what_is_sealed_is_not_read_again_at_each_check_in),
          FLOW_TEST(the_interval_of_the_pointer_counts_while_an_update_waits),
          FLOW_TEST(without_a_network_a_verified_update_is_installed_in_its_window),
          FLOW_TEST(check_now_skips_no_window),
          FLOW_TEST(a_restart_waits_for_a_window_too),
          FLOW_TEST(nobody_agreed_yet),
          FLOW_TEST(consent_before_the_first_byte),
          FLOW_TEST(a_low_battery_stops_everything_until_mains_come),
          FLOW_TEST(a_device_may_tell_what_nobody_asks_for),
          FLOW_TEST(a_device_that_cannot_be_asked_knows_nothing),
          FLOW_TEST(a_metered_link_never_falls_back_to_a_whole_image),
          FLOW_TEST(a_good_delta_comes_over_a_metered_link),
          FLOW_TEST(a_budget_for_metered_links_counts_what_came_before),
          FLOW_TEST(a_link_that_becomes_metered_stops_the_download),
          FLOW_TEST(another_look_tells_what_an_earlier_run_waits_for),
          FLOW_TEST(a_clock_that_is_lost_while_an_update_waits))
