/* SPDX-License-Identifier: Apache-2.0 */
/* The deployment is the source of truth: what components require of one another is checked before anything is fetched, what
 * is not named is taken out, and a system that goes back takes the applications of its deployment along. */
#include "flow.h"

#define ABI(n) "\"os-abi\":" #n
#define PROVIDES(list) "\"provides\":{" list "},"
#define REQUIRES(list) "\"requires\":{" list "},"

static const struct sim_image *image(const char *component, const char *version, enum sim_nature nature, const char *relations)
{
    return sim_cloud_image(
        &cloud, &(struct sim_image_spec){
                    .component = component, .version = version, .nature = nature, .relations = relations, .len = 5000 });
}

static void two_components(void)
{
    sim_open(dev, &cloud, factory, 2);
    dev->spare_app = true;
}

/* Only the system is named. */
static void deploy_alone(const struct sim_image *os)
{
    flow_deploy(os, NULL);
}

#define assert_removed(which)                                                                                                    \
    do {                                                                                                                         \
        assert_null(dev->broken);                                                                                                \
        assert_int_equal(dev->boot.record.confirmed[which], OTA_SLOT_NONE);                                                      \
        assert_int_equal(dev->boot.record.running[which], OTA_SLOT_NONE);                                                        \
        assert_int_equal(dev->boot.record.state, OTA_BOOT_TRIAL_NONE);                                                           \
        assert_int_equal(sim_status(dev).component[which].slot, OTA_SLOT_NONE);                                                  \
        assert_string_equal(sim_status(dev).component[which].running, "");                                                       \
    } while (0)

/* ---- what components require ---- */

static void expect_refused(const char *where)
{
    char text[80];

    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_REQUIRES");
    (void)snprintf(text, sizeof text, "\"%s\"", where);
    if (!sim_report_has(sim_last_report(dev), "where", text))
        fail_msg("last report: %s", sim_last_report(dev)->body);
    assert_int_equal(dev->net.image_bytes, 0); /* all or none, before the first byte */
    assert_int_equal(dev->slot_writes, 0);
    assert_runs(0, factory[0]);
    assert_runs(1, factory[1]);
}

FLOW(what_is_required_comes_with_the_deployment)
{
    const struct sim_image *os = image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(3)));
    const struct sim_image *app = image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));

    (void)state;
    two_components();
    flow_deploy(os, app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
}

FLOW(a_level_too_low_is_refused_by_name)
{
    (void)state;
    two_components();
    flow_deploy(image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(1))), image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2))));
    expect_refused("requires os-abi: app");
    assert_int_equal(sim_status(dev).last_fault.component, 1);
}

FLOW(what_nothing_provides_is_refused_by_name)
{
    (void)state;
    two_components();
    flow_deploy(image("os", "2.0.0", SIM_HEALTHY, REQUIRES("\"loader\":1")),
                image("app", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(1))));
    expect_refused("requires loader: os");
}

FLOW(the_next_deployment_ends_a_refusal)
{
    const struct sim_image *os = image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(2)));
    const struct sim_image *app = image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));

    (void)state;
    two_components();
    flow_deploy(factory[0], app);
    expect_refused("requires os-abi: app");
    flow_deploy(os, app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
}

/* Levels are compared, nothing is walked. */
FLOW(a_circle_and_a_self_reference_are_no_error)
{
    const struct sim_image *os = image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(1)) REQUIRES("\"ui\":1"));
    const struct sim_image *app = image("app", "2.0.0", SIM_HEALTHY, PROVIDES("\"ui\":1") REQUIRES(ABI(1) ",\"ui\":1"));

    (void)state;
    two_components();
    flow_deploy(os, app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, app);
}

static void install_pair(const struct sim_image **os, const struct sim_image **app)
{
    two_components();
    dev->spare_app = false;
    *os = image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(2)));
    *app = image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));
    flow_deploy(*os, *app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, *app);
}

FLOW(what_is_installed_provides_as_well)
{
    const struct sim_image *os, *app, *next = NULL;

    (void)state;
    install_pair(&os, &app);
    next = image("app", "3.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));
    flow_deploy(next, NULL); /* the system is not named, and stays */
    sim_power_cycle(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, next);
}

FLOW(what_is_installed_requires_as_well)
{
    const struct sim_image *os, *app;
    uint64_t fetched;

    (void)state;
    install_pair(&os, &app);
    fetched = dev->net.image_bytes;
    flow_deploy(image("os", "3.0.0", SIM_HEALTHY, PROVIDES(ABI(1))), NULL);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_REQUIRES");
    assert_int_equal(dev->net.image_bytes, fetched);
    assert_runs(0, os);
    assert_runs(1, app);
}

/* Its requirement goes with it. */
FLOW(what_is_taken_out_requires_nothing)
{
    const struct sim_image *os, *app, *next;

    (void)state;
    install_pair(&os, &app);
    dev->spare_app = true;
    sim_power_cycle(dev);
    next = image("os", "3.0.0", SIM_HEALTHY, PROVIDES(ABI(1)));
    deploy_alone(next);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, next);
    assert_removed(1);
}

static uint8_t *record_named(const char *name)
{
    for (size_t i = 0; i < dev->store.count; i++)
        if (strcmp(dev->store.record[i].name, name) == 0)
            return dev->store.record[i].data;
    fail_msg("no record %s", name);
    return NULL;
}

FLOW(what_is_named_again_stays_known)
{
    const struct sim_image *os, *app, *next;

    (void)state;
    install_pair(&os, &app);
    next = image("app", "3.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));
    flow_deploy(os, next);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, next);
}

FLOW(what_is_not_installed_provides_nothing)
{
    const struct sim_image *two = image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(2)));

    (void)state;
    two_components();
    deploy_alone(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_removed(1);
    deploy_alone(image("os", "3.0.0", SIM_HEALTHY, REQUIRES("\"ui\":1")));
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_REQUIRES");
    assert_runs(0, two);
    assert_removed(1);
}

/* A record that is damaged says nothing: then what the deployment does not name provides nothing. */
FLOW(a_damaged_record_of_levels_provides_nothing)
{
    const struct sim_image *os, *app, *next;

    (void)state;
    install_pair(&os, &app);
    record_named("levels")[20] ^= 1;
    next = image("app", "3.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));
    flow_deploy(next, NULL);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_REQUIRES");
    flow_deploy(os, next); /* named, it provides again */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, next);
}

FLOW(what_the_device_provides_counts)
{
    static const struct ota_provided hardware[] = { { "radio", 1 }, { "os-abi", 1 }, { "os-abi", 2 } };
    const struct sim_image *app = image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));

    (void)state;
    two_components();
    dev->cfg.provided = hardware;
    dev->cfg.provided_count = 2;   /* a level too low */
    flow_deploy(factory[0], app);
    expect_refused("requires os-abi: app");
    sim_power_cycle(dev);
    dev->cfg.provided_count = 3;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, app);
}

FLOW(a_description_that_is_bad_is_refused_by_name)
{
    (void)state;
    two_components();
    flow_deploy(factory[0], image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(0))));
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_VALUE");
    assert_true(sim_report_has(sim_last_report(dev), "where", "\"custom.ota.requires.os-abi\""));
    assert_int_equal(dev->slot_writes, 0);
}

/* ---- removal ---- */

FLOW(a_component_that_is_not_named_is_taken_out)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    two_components();
    deploy_alone(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_removed(1);
    assert_int_equal(flow_reports("confirmed"), 1);
    assert_int_equal(sim_events(dev, OTA_EV_REMOVED), 1);
    assert_int_equal(sim_run(dev), SIM_IDLE); /* and that is that */
    assert_int_equal(flow_reports("confirmed"), 1);
    assert_int_equal(sim_events(dev, OTA_EV_REMOVING), 1);
}

FLOW(it_stays_where_it_is_not_removable)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    deploy_alone(two);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_runs(1, factory[1]);
}

FLOW(it_stays_where_the_group_updates_the_system_alone)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    two_components();
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { two }, .policy = "os-only" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_runs(1, factory[1]);
}

FLOW(it_stays_where_nothing_was_deployed)
{
    (void)state;
    two_components();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_runs(1, factory[1]);
    assert_int_equal(sim_events(dev, OTA_EV_NO_DEPLOYMENT), 1);
}

/* Nothing is fetched, the trial is one all the same: what is left has to be healthy without it. */
FLOW(a_removal_alone_is_a_trial)
{
    (void)state;
    two_components();
    deploy_alone(factory[0]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_removed(1);
    assert_int_equal(dev->net.image_bytes, 0);
    assert_int_equal(sim_events(dev, OTA_EV_HEALTHY), 1);
    assert_true(sim_report_has(sim_last_report(dev), "version", "\"\""));
    assert_true(sim_report_has(sim_last_report(dev), "running", "\"\""));
}

static void look_at_ready(struct sim *d)
{
    const struct ota_status s = sim_status(d);

    if (s.state != OTA_ST_READY)
        return;
    assert_true(s.component[1].removing && !s.component[0].removing);
    assert_int_equal(s.component[1].slot, 0);
    d->phase++;
}

FLOW(the_status_tells_of_a_removal_that_is_coming)
{
    (void)state;
    two_components();
    deploy_alone(factory[0]);
    dev->on_step = look_at_ready;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(dev->phase, 1);
    assert_false(sim_status(dev).component[1].removing);
}

FLOW(a_system_that_goes_back_brings_the_application_back)
{
    static const enum sim_nature bad[] = { SIM_SICK, SIM_CRASHING, SIM_SILENT };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)flow_close(NULL);
        (void)flow_open(NULL);
        two_components();
        deploy_alone(flow_os("2.0.0", bad[i]));
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, factory[0]);
        assert_runs(1, factory[1]);
        assert_int_equal(flow_reports("rolled_back"), 1);
        assert_string_equal(sim_status(dev).component[1].running, "1.0.0");
        assert_int_equal(sim_status(dev).holds & OTA_HOLD_BLOCKED, OTA_HOLD_BLOCKED);
    }
}

FLOW(a_system_that_goes_back_takes_a_new_application_along)
{
    static const enum sim_nature bad[] = { SIM_SICK, SIM_CRASHING, SIM_SILENT };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)flow_close(NULL);
        (void)flow_open(NULL);
        two_components();
        flow_deploy(image("os", "2.0.0", bad[i], PROVIDES(ABI(2))), image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2))));
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, factory[0]);
        assert_runs(1, factory[1]);
        assert_int_equal(flow_reports("rolled_back"), 1);
    }
}

FLOW(what_was_taken_out_comes_again)
{
    const struct sim_image *app = image("app", "2.0.0", SIM_HEALTHY, NULL);

    (void)state;
    two_components();
    deploy_alone(factory[0]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_removed(1);
    flow_deploy(factory[0], app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, app);
    assert_string_equal(sim_status(dev).component[1].running, "2.0.0");
}

/* The floor outlives the component: no way round it by taking it out and bringing an older one. */
FLOW(the_security_floor_outlives_the_component)
{
    const struct sim_image *high = sim_cloud_image(
        &cloud, &(struct sim_image_spec){ .component = "app", .version = "5.0.0", .len = 5000, .security = 5 });
    const struct sim_image *low = sim_cloud_image(
        &cloud, &(struct sim_image_spec){ .component = "app", .version = "4.0.0", .len = 5000, .security = 4 });

    (void)state;
    two_components();
    flow_deploy(factory[0], high);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    deploy_alone(factory[0]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_removed(1);
    flow_deploy(factory[0], low);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_SECURITY");
    assert_removed(1);
}

FLOW(a_removal_that_is_called_off_leaves_no_trace)
{
    uint32_t granted;
    struct ota_wait wait;

    (void)state;
    two_components();
    deploy_alone(factory[0]);
    assert_true(sim_start(dev));
    ota_check_now(dev->agent);
    while (sim_status(dev).state != OTA_ST_READY)
        assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    assert_int_equal(ota_defer(dev->agent, 100, &granted), OTA_OK);
    ota_cancel(dev->agent);
    flow_deploy(factory[0], factory[1]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, factory[1]);
    assert_int_equal(sim_events(dev, OTA_EV_REBOOT), 0);
}

/* Run until the deployment is what runs. */
static void come_through(const struct sim_image *os)
{
    for (int i = 0; i < 6 && sim_run(dev) != SIM_STUCK && sim_running(dev, 1); i++)
        dev->clock.ms += 3700000;
    assert_runs(0, os);
    assert_removed(1);
}

/* Each storage call of an update with levels and a removal fails once: that only delays. */
FLOW(a_call_that_fails_only_delays)
{
    const struct sim_image *os = image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(2)));
    uint32_t calls;

    (void)state;
    two_components();
    deploy_alone(os);
    come_through(os);
    calls = dev->calls;
    assert_true(calls > 50);
    for (uint32_t at = 1; at <= calls; at++) {
        two_components();
        flow_serve();
        dev->fail_at = at;
        come_through(os);
    }
}

FLOW_MAIN(FLOW_TEST(what_is_required_comes_with_the_deployment), FLOW_TEST(a_level_too_low_is_refused_by_name),
          FLOW_TEST(what_nothing_provides_is_refused_by_name), FLOW_TEST(the_next_deployment_ends_a_refusal),
          FLOW_TEST(a_circle_and_a_self_reference_are_no_error), FLOW_TEST(what_is_installed_provides_as_well),
          FLOW_TEST(what_is_installed_requires_as_well), FLOW_TEST(what_is_taken_out_requires_nothing),
          FLOW_TEST(what_is_named_again_stays_known), FLOW_TEST(what_is_not_installed_provides_nothing),
          FLOW_TEST(a_damaged_record_of_levels_provides_nothing), FLOW_TEST(what_the_device_provides_counts),
          FLOW_TEST(a_description_that_is_bad_is_refused_by_name), FLOW_TEST(a_component_that_is_not_named_is_taken_out),
          FLOW_TEST(it_stays_where_it_is_not_removable), FLOW_TEST(it_stays_where_the_group_updates_the_system_alone),
          FLOW_TEST(it_stays_where_nothing_was_deployed), FLOW_TEST(a_removal_alone_is_a_trial),
          FLOW_TEST(the_status_tells_of_a_removal_that_is_coming), FLOW_TEST(a_system_that_goes_back_brings_the_application_back),
          FLOW_TEST(a_system_that_goes_back_takes_a_new_application_along), FLOW_TEST(what_was_taken_out_comes_again),
          FLOW_TEST(the_security_floor_outlives_the_component), FLOW_TEST(a_removal_that_is_called_off_leaves_no_trace),
          FLOW_TEST(a_call_that_fails_only_delays))
