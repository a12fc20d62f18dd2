/* SPDX-License-Identifier: Apache-2.0 */
/* The main path: what a device does that is offered an update, when nothing goes wrong with the way there. */
#include "flow.h"

FLOW(plain_image_is_installed_confirmed_and_reported)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(dev->net.image_bytes, two->len);
    assert_int_equal(dev->starts, 2);
    assert_int_equal(dev->report_count, 1);
    assert_last_report("confirmed", "OK");
    assert_true(sim_report_has(sim_last_report(dev), "version", "\"2.0.0\""));
    assert_true(sim_report_has(sim_last_report(dev), "running", "\"2.0.0\""));
    struct ota_status s = sim_status(dev);
    assert_string_equal(s.component[0].running, "2.0.0");
    assert_int_equal(s.seq, cloud.seq);
    assert_int_equal(s.last_outcome, OTA_OUTCOME_CONFIRMED);
    assert_int_equal(s.holds, 0);
}

FLOW(deflated_image_is_preferred_and_installed)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .deflate = true);

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_in_range(dev->net.image_bytes, 1, two->len * 3 / 4);
}

FLOW(a_device_without_room_for_the_window_takes_the_plain_image)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .deflate = true);

    (void)state;
    flow_deploy(two, NULL);
    dev->cfg.limits.window_bits = 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(dev->net.image_bytes, two->len);
}

/* Lengths around every unit of the slot and of the download, up to the whole slot. */
FLOW(every_length_fits)
{
    static const size_t lens[] = { 65, 511, 512, 513, 2047, 2048, 2049, 4096, 10000, SIM_SLOT_MAX - 1, SIM_SLOT_MAX };
    static const char *const names[] = { "2.0.0", "2.0.1", "2.0.2", "2.0.3", "2.0.4", "2.0.5" };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        size_t half = k ? sizeof lens / sizeof lens[0] - 5 : 0;

        (void)flow_close(state);
        (void)flow_open(state);
        for (size_t i = 0; i < 6 && half + i < sizeof lens / sizeof lens[0]; i++) {
            const struct sim_image *im = flow_image(.version = names[i],
                                                                  .len = lens[half + i], .deflate = i % 2 != 0);
            flow_deploy(im, NULL);
            assert_int_equal(sim_run(dev), SIM_IDLE);
            assert_runs(0, im);
        }
    }
}

FLOW(two_components_change_together_in_order)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    flow_deploy(app, os); /* the pointer's order does not matter, the configuration's does */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
    assert_int_equal(dev->starts, 2);
    assert_int_equal(flow_reports("confirmed"), 1);
    assert_int_equal(dev->log.last_a[OTA_EV_SEALED], 1); /* the app was sealed last */
}

FLOW(a_sick_component_takes_the_healthy_one_back_with_it)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_SICK);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    flow_deploy(os, app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_runs(1, factory[1]);
    assert_last_report("rolled_back", "REJECT_HEALTH");
}

FLOW(only_the_component_that_differs_is_fetched)
{
    const struct sim_image *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    flow_deploy(factory[0], app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_runs(1, app);
    assert_int_equal(dev->net.image_bytes, app->len);
}

FLOW(a_component_of_another_agent_is_left_alone)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(os, app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_int_equal(dev->net.image_bytes, os->len);
}

FLOW(policy_os_only_leaves_the_application)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { os, app }, .policy = "os-only" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, factory[1]);
}

FLOW(the_os_comes_from_the_feed_that_the_group_follows)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *app = flow_app("2.0.0", SIM_HEALTHY), *third;

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    sim_cloud_feed(&cloud, "retail", os);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { app }, .feed = "retail" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
    /* news in the feed alone are found, too: the product repository's validator does not hide them */
    third = flow_os("3.0.0", SIM_HEALTHY);
    sim_cloud_feed(&cloud, "retail", third);
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, third);
}

FLOW(an_os_named_by_the_group_beats_the_feed)
{
    const struct sim_image *os = flow_os("2.0.0", SIM_HEALTHY), *fed = flow_os("3.0.0", SIM_HEALTHY);

    (void)state;
    sim_cloud_feed(&cloud, "retail", fed);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { os }, .feed = "retail" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
}

FLOW(what_the_factory_installed_is_not_installed_again)
{
    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->slot_writes, 0);
    assert_int_equal(dev->net.image_bytes, 0);
    assert_int_equal(dev->starts, 1);
    assert_string_equal(sim_status(dev).component[0].running, "1.0.0");
    assert_int_equal(sim_status(dev).seq, cloud.seq);
}

/* Regression: the memory that hashes the running slot was TUF's, of TUF's size, and TUF was still told to let go of it. */
FLOW(the_running_slot_is_identified_within_the_memory_there_is)
{
    (void)state;
    dev->cfg.limits.tuf = (struct ota_tuf_limits){ .root_max = 4096, .timestamp_max = 1024, .snapshot_max = 1024,
                                                   .targets_max = 4096, .rotations_max = 2, .roles_max = 4 };
    dev->cfg.limits.block = dev->cfg.limits.io = 65536;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->slot_writes, 0);
}

FLOW(updates_follow_each_other_through_both_slots)
{
    static const char *const versions[] = { "2.0.0", "3.0.0", "4.0.0", "5.0.0" };

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        const struct sim_image *next = flow_os(versions[i], SIM_HEALTHY);

        flow_deploy(next, NULL);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, next);
        assert_int_equal(dev->boot.record.confirmed[0], (i + 1) % 2);
        assert_int_equal(flow_reports("confirmed"), i + 1);
    }
}

FLOW(a_signed_return_to_an_older_image_is_an_update_like_any_other)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
}

/* Regression: when the last decoded bytes filled the output buffer exactly, the input that was used up was taken for plain
 * image bytes, and the update was refused for ever with REJECT_LENGTH. */
FLOW(a_deflated_image_that_fills_the_buffer_with_its_last_bytes_is_installed)
{
    static char version[24][16];

    for (unsigned k = 0; k < 24; k++) {
        const struct sim_image *next;

        (void)flow_close(state);
        (void)flow_open(state);
        (void)snprintf(version[k], sizeof version[k], "2.0.%u", k);
        next = flow_image(.version = version[k], .deflate = true, .len = 512 * (k / 3 + 2));
        flow_deploy(next, NULL);
        dev->net.chunk = 100 + 300 * (k % 3);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, next);
        assert_last_report("confirmed", "OK");
    }
}

FLOW(new_online_keys_are_followed)
{
    const struct sim_image *two;

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    sim_repo_rotate(&cloud.product, "online-2");
    sim_repo_rotate(&cloud.os, "online-2");
    two = flow_os("2.0.0", SIM_HEALTHY);
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(sim_events(dev, OTA_EV_ROOT_ROTATED), 2);
}

/* ---- the server changes its mind while the device works ---- */

static struct sim_web later;
static bool swapped;

static void swap_in_the_middle(struct sim *d)
{
    struct ota_status s = sim_status(d);

    if (swapped || s.state != OTA_ST_DOWNLOAD || s.component[0].done < 4000)
        return;
    d->web = later;
    swapped = true;
}

FLOW(a_newer_version_that_appears_midway_comes_next)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY), *three;

    (void)state;
    swapped = false;
    flow_deploy(two, NULL);
    three = flow_os("3.0.0", SIM_HEALTHY);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { three } });
    later = cloud.web;
    dev->on_step = swap_in_the_middle;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(swapped);
    assert_runs(0, two); /* what was begun is finished first */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_int_equal(flow_reports("confirmed"), 2);
}

FLOW(a_newer_version_replaces_one_whose_files_are_gone)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY), *three;
    char url[SIM_URL_MAX];

    (void)state;
    swapped = false;
    flow_deploy(two, NULL);
    (void)snprintf(url, sizeof url, "%sos/targets/os/img/%s.os-2.0.0.img", SIM_BASE, two->sha256);
    three = flow_os("3.0.0", SIM_HEALTHY);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { three } });
    later = cloud.web;
    sim_web_remove(&later, url);
    dev->on_step = swap_in_the_middle;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "os-2.0.0", .arg = 8, .times = 1 });
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(swapped);
    assert_runs(0, three);
    assert_int_equal(flow_reports("confirmed"), 1);
}

FLOW(an_update_withdrawn_midway_is_dropped)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    swapped = false;
    flow_deploy(two, NULL);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { factory[0] } });
    later = cloud.web;
    dev->on_step = swap_in_the_middle;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "os-2.0.0", .arg = 8 });
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(swapped);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->starts, 1);
    assert_int_equal(dev->report_count, 0);
    assert_string_equal(sim_status(dev).component[0].wanted, "");
}

FLOW_MAIN(FLOW_TEST(plain_image_is_installed_confirmed_and_reported), FLOW_TEST(deflated_image_is_preferred_and_installed),
          FLOW_TEST(a_device_without_room_for_the_window_takes_the_plain_image), FLOW_TEST(every_length_fits),
          FLOW_TEST(two_components_change_together_in_order), FLOW_TEST(a_sick_component_takes_the_healthy_one_back_with_it),
          FLOW_TEST(only_the_component_that_differs_is_fetched), FLOW_TEST(a_component_of_another_agent_is_left_alone),
          FLOW_TEST(policy_os_only_leaves_the_application), FLOW_TEST(the_os_comes_from_the_feed_that_the_group_follows),
          FLOW_TEST(an_os_named_by_the_group_beats_the_feed), FLOW_TEST(what_the_factory_installed_is_not_installed_again),
          FLOW_TEST(the_running_slot_is_identified_within_the_memory_there_is),
          FLOW_TEST(updates_follow_each_other_through_both_slots),
          FLOW_TEST(a_signed_return_to_an_older_image_is_an_update_like_any_other), FLOW_TEST(a_deflated_image_that_fills_the_buffer_with_its_last_bytes_is_installed),
          FLOW_TEST(new_online_keys_are_followed),
          FLOW_TEST(a_newer_version_that_appears_midway_comes_next), FLOW_TEST(a_newer_version_replaces_one_whose_files_are_gone),
          FLOW_TEST(an_update_withdrawn_midway_is_dropped))
