/* SPDX-License-Identifier: Apache-2.0 */
/* Offers that must be refused although the way to the server is fine: replays, wrong devices, wrong times, images that
 * do not fit. Each is refused with its reason, told once the server listens, and does not stop a good offer. */
#include "flow.h"

/* The device refuses what it is offered, stays as it is, and takes a good deployment afterwards. */
static void expect_refused(ota_err want)
{
    uint64_t fetched = dev->net.image_bytes;

    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, want);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->starts, 1);
    assert_int_equal(dev->slot_writes, 0);
    assert_int_equal(dev->net.image_bytes, fetched);
    assert_true(flow_reports("refused") >= 1);
    assert_int_equal(flow_reports("confirmed") + flow_reports("rolled_back"), 0);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_REFUSED);
}

static void expect_good_one_taken(void)
{
    const struct sim_image *good = flow_os("9.0.0", SIM_HEALTHY);

    flow_deploy(good, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, good);
    assert_last_report("confirmed", "OK");
}

static void refuse_spec(const struct sim_image_spec *spec, ota_err want)
{
    flow_deploy(sim_cloud_image(&cloud, spec), NULL);
    expect_refused(want);
    expect_good_one_taken();
}

FLOW(an_image_for_another_product)
{
    (void)state;
    refuse_spec(&(struct sim_image_spec){ .component = "os", .version = "2.0.0", .product = "toaster" }, OTA_REJECT_PRODUCT);
    assert_true(sim_report_has(&dev->report[0], "name", "\"REJECT_PRODUCT\""));
}

FLOW(an_image_for_another_component)
{
    (void)state;
    refuse_spec(&(struct sim_image_spec){ .component = "os", .version = "2.0.0", .claims = "app" }, OTA_REJECT_COMPONENT);
}

/* Also a regression: a fresh device read beyond its running slot to see whether that image was already there. */
FLOW(an_image_that_does_not_fit_the_slot)
{
    (void)state;
    refuse_spec(&(struct sim_image_spec){ .component = "os", .version = "2.0.0", .len = SIM_SLOT_MAX + 1 }, OTA_REJECT_TOO_BIG);
}

/* Two components: one that does not fit stops the other before its first byte. */
FLOW(all_components_must_fit)
{
    const struct sim_image *app = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "app", .version = "2.0.0",
        .len = 9000 });

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    dev->slot[1][1].geometry.size = 8192;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), app);
    expect_refused(OTA_REJECT_TOO_BIG);
    assert_int_equal(dev->net.image_bytes, 0);
}

FLOW(an_image_below_the_security_floor)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .security = 5);
    const struct sim_image *three = flow_image(.version = "3.0.0", .security = 4);
    const struct sim_image *four = flow_image(.version = "4.0.0", .security = 5);

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_SECURITY);
    assert_runs(0, two);
    flow_deploy(four, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, four);
}

FLOW(a_trial_that_fails_does_not_raise_the_security_floor)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .security = 5, .nature = SIM_SICK);
    const struct sim_image *three = flow_image(.version = "3.0.0", .security = 1);

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
}

FLOW(a_deployment_older_than_the_installed_one)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY), *three = flow_os("3.0.0", SIM_HEALTHY);

    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { two }, .seq = 10 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { three }, .seq = 9 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_SEQUENCE);
    assert_runs(0, two);
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { three }, .seq = 11 });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
}

FLOW(a_deployment_for_another_product)
{
    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { flow_os("2.0.0", SIM_HEALTHY) }, .product = "toaster" });
    flow_serve();
    expect_refused(OTA_REJECT_PRODUCT);
    expect_good_one_taken();
}

FLOW(a_path_that_belongs_to_no_repository)
{
    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { flow_os("2.0.0", SIM_HEALTHY) }, .path = "firmware/os-2.0.0.img" });
    flow_serve();
    expect_refused(OTA_REJECT_TARGET);
    expect_good_one_taken();
}

FLOW(a_path_that_its_repository_does_not_vouch_for)
{
    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { flow_os("2.0.0", SIM_HEALTHY) }, .path = "os/img/os-7.0.0.img" });
    flow_serve();
    expect_refused(OTA_REJECT_TARGET);
    expect_good_one_taken();
}

/* The product maker's key cannot say what an OS image is: the path map sends the question to the OS vendor. */
FLOW(an_image_of_the_other_repository_with_another_digest)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY), *three = flow_os("3.0.0", SIM_HEALTHY);

    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { two }, .path = three->path });
    flow_serve();
    expect_refused(OTA_REJECT_HASH);
    expect_good_one_taken();
}

/* Normal for most groups of a product: nothing to do and nothing to complain about. */
FLOW(no_deployment_for_the_group)
{
    (void)state;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_err(sim_status(dev).last_fault.err, OTA_OK);
    assert_int_equal(sim_status(dev).holds, 0);
    assert_int_equal(dev->report_count, 0);
    assert_runs(0, factory[0]);
    uint32_t requests = dev->net.requests;
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(dev->net.requests, requests + 1);
    expect_good_one_taken();
}

FLOW(a_refusal_names_its_repository)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_FLIP, .match = "os/metadata/timestamp.json", .arg = 200 });
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    struct ota_status status = sim_status(dev);
    assert_string_equal(status.last_fault.where, "os: timestamp.signatures");
}

/* ---- replays ---- */

FLOW(an_old_timestamp)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    struct sim_web old;

    (void)state;
    flow_deploy(factory[0], NULL);
    old = cloud.web;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    dev->web = old;
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_ROLLBACK);
    assert_runs(0, two);
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_CONFIRMED);
}

FLOW(an_old_timestamp_of_the_second_repository)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY), *three;
    struct sim_file old;

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    old = *sim_web_get(&cloud.web, SIM_BASE "os/metadata/timestamp.json");
    three = flow_os("3.0.0", SIM_HEALTHY);
    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(two, NULL);
    sim_web_put(&dev->web, &cloud.pool, old.url, old.data, old.len);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_ROLLBACK);
    assert_runs(0, three);
}

/* ---- time ---- */

FLOW(without_a_clock_it_waits_and_says_so)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    dev->clock.utc_s = INT64_MIN;
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_int_equal(sim_status(dev).holds & OTA_HOLD_CLOCK, OTA_HOLD_CLOCK);
    assert_err(sim_status(dev).last_fault.err, OTA_RETRY_CLOCK);
    assert_int_equal(dev->net.requests, 0);
    dev->clock.utc_s = SIM_NOW_S;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(a_clock_before_the_floor_is_not_believed)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    dev->cfg.times.utc_floor_s = SIM_NOW_S - 86400;
    dev->clock.utc_s = 0;
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_RETRY_CLOCK);
    assert_int_equal(dev->net.requests, 0);
    dev->clock.utc_s = SIM_NOW_S;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(a_clock_years_ahead_sees_expired_metadata_and_recovers)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    dev->clock.utc_s = SIM_NOW_S + 5LL * 365 * 86400;
    expect_refused(OTA_REJECT_FREEZE);
    dev->clock.utc_s = SIM_NOW_S;
    expect_good_one_taken();
}

/* A clock that was years ahead at a time must not leave anything behind that stops updates for years. */
FLOW(a_clock_that_was_ahead_for_a_while_stops_nothing)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    sim_cloud_refresh(&cloud, SIM_NOW_S + 6LL * 365 * 86400);
    flow_serve();
    dev->clock.utc_s = SIM_NOW_S + 5LL * 365 * 86400;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    dev->clock.utc_s = SIM_NOW_S;
    expect_good_one_taken();
}

FLOW(expired_metadata_is_refused_until_it_is_fresh)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    dev->clock.ms += 31ull * 86400 * 1000; /* a mirror that froze: nothing new for a month */
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_err(sim_status(dev).last_fault.err, OTA_REJECT_FREEZE);
    sim_cloud_refresh(&cloud, SIM_EXPIRES_S + 60LL * 86400);
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

/* ---- what a refusal leaves behind ---- */

FLOW(a_refusal_repeated_while_nobody_listens_is_one_report_with_a_count)
{
    (void)state;
    flow_deploy(flow_image(.version = "2.0.0", .product = "toaster"), NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "/report/", .arg = 500 });
    for (int i = 0; i < 5; i++)
        (void)sim_check_in(dev);
    sim_net_heal(dev);
    (void)sim_check_in(dev);
    assert_int_equal(dev->report_count, 1);
    assert_last_report("refused", "REJECT_PRODUCT");
    assert_true(sim_report_has(sim_last_report(dev), "count", "6"));
}

FLOW(a_refusal_that_was_acknowledged_is_not_told_at_every_back_off)
{
    (void)state;
    flow_deploy(flow_image(.version = "2.0.0", .product = "toaster"), NULL);
    for (int i = 0; i < 5; i++)
        (void)sim_check_in(dev);
    assert_int_equal(dev->report_count, 1);
    sim_power_cycle(dev);
    (void)sim_check_in(dev);
    assert_int_equal(dev->report_count, 1);
    flow_deploy(flow_image(.version = "2.0.1", .product = "toaster"), NULL); /* the next one is another matter ... */
    expect_good_one_taken();
    flow_deploy(flow_image(.version = "2.0.0", .product = "toaster"), NULL); /* ... and so is the same after a good one */
    (void)sim_check_in(dev);
    assert_last_report("refused", "REJECT_PRODUCT");
    assert_int_equal(flow_reports("refused"), 2);
}

FLOW(bytes_that_turned_out_bad_are_fetched_again)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_FLIP, .match = "/os/img/", .arg = 100, .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_HASH");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(dev->net.image_bytes, 2 * two->len);
}

FLOW_MAIN(FLOW_TEST(an_image_for_another_product), FLOW_TEST(an_image_for_another_component),
          FLOW_TEST(an_image_that_does_not_fit_the_slot), FLOW_TEST(all_components_must_fit),
          FLOW_TEST(an_image_below_the_security_floor), FLOW_TEST(a_trial_that_fails_does_not_raise_the_security_floor),
          FLOW_TEST(a_deployment_older_than_the_installed_one), FLOW_TEST(a_deployment_for_another_product),
          FLOW_TEST(a_path_that_belongs_to_no_repository), FLOW_TEST(a_path_that_its_repository_does_not_vouch_for),
          FLOW_TEST(an_image_of_the_other_repository_with_another_digest), FLOW_TEST(no_deployment_for_the_group),
          FLOW_TEST(a_refusal_names_its_repository),
          FLOW_TEST(an_old_timestamp), FLOW_TEST(an_old_timestamp_of_the_second_repository),
          FLOW_TEST(without_a_clock_it_waits_and_says_so), FLOW_TEST(a_clock_before_the_floor_is_not_believed),
          FLOW_TEST(a_clock_years_ahead_sees_expired_metadata_and_recovers),
          FLOW_TEST(a_clock_that_was_ahead_for_a_while_stops_nothing), FLOW_TEST(expired_metadata_is_refused_until_it_is_fresh),
          FLOW_TEST(a_refusal_repeated_while_nobody_listens_is_one_report_with_a_count),
          FLOW_TEST(a_refusal_that_was_acknowledged_is_not_told_at_every_back_off),
          FLOW_TEST(bytes_that_turned_out_bad_are_fetched_again))
