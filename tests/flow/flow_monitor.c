/* SPDX-License-Identifier: Apache-2.0 */
/* What runs is read again, with the whole agent: what is known of slots, answers, reports, health. */
#include "monitor_program.h"

FLOW(the_factorys_image_is_watched_once_a_release_names_it)
{
    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(400);
    assert_true(prog.monitor.status.part[0].known);
    assert_true(prog.monitor.status.part[0].rounds > 0);
}

FLOW(tampering_is_reported)
{
    (void)state;
    (void)two_installed();
    tamper(1, 100);
    pass(400);
    assert_int_equal(prog.monitor.status.part[0].kind, OTA_MONITOR_TAMPERED);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "running slot 1: told");
    assert_true(last_says("component", "\"os\"") && last_says("type", "\"unplanned\"") && last_says("running", "\"2.0.0\""));
    size_t reports = dev->report_count;
    pass(400);
    prog.agent = NULL;
    sim_kill(dev); /* and once only, also when the program starts again */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(600);
    assert_int_equal(prog.monitor.status.part[0].kind, OTA_MONITOR_TAMPERED);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(dev->report_count, reports);
}

/* Back to the image before, which was read first; then what was tampered with comes anew, into its own slot. */
FLOW(tampering_is_reverted_and_mended)
{
    const struct sim_image *two;

    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    two = two_installed();
    uint32_t starts = dev->starts;
    tamper(1, 100);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    for (int i = 0; i < 20 && dev->starts < starts + 2; i++) {
        pass(400);
        assert_int_equal(sim_run(dev), SIM_IDLE);
    }
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "running slot 1: reverted");
    assert_true(dev->starts >= starts + 2); /* back, and forth */
    pass(400);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(prog.monitor.status.part[0].kind, OTA_MONITOR_FINE);
    assert_int_equal(dev->agent->j.installed[0].security_floor, 0);
}

FLOW(nothing_reverts_to_a_bad_slot)
{
    const struct sim_image *two;

    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    two = two_installed();
    tamper(1, 100);
    tamper(0, 5);
    uint32_t starts = dev->starts;
    pass(800);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "other slot 0: refused");
    assert_int_equal(dev->starts, starts);
    assert_string_equal(dev->agent->j.installed[0].version, two->version);
}

FLOW(nothing_reverts_below_the_floor)
{
    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    (void)two_with(4);
    tamper(1, 100);
    uint32_t starts = dev->starts;
    pass(800);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_SECURITY\"", "other slot 0: refused");
    assert_int_equal(dev->starts, starts);
}

FLOW(tampering_stops_what_runs)
{
    (void)state;
    prog.answer = OTA_MONITOR_STOP;
    (void)two_installed();
    tamper(1, 100);
    pass(800);
    assert_int_equal(prog.stops, 1);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "running slot 1: stopped");
    prog.agent = NULL;
    sim_kill(dev); /* what was stopped was started again: stopped again, not told again */
    size_t reports = dev->report_count;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(800);
    assert_int_equal(prog.stops, 2);
    assert_true(dev->report_count >= reports);
}

/* ---- health ---- */

static ota_err sick_check(struct ota_health *h, int32_t *code)
{
    (void)h;
    *code = 17;
    return sim_running(dev, 0) != factory[0] ? OTA_REJECT_HEALTH : OTA_OK;
}
static const struct ota_health_ops sick_ops = { sick_check };
static struct ota_health sick_health = { &sick_ops };

/* The trial was healthy, but not what came later: back, and that deployment does not come again. */
FLOW(sickness_behind_the_trial_goes_back_for_good)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    prog.health = &sick_health;
    prog_open(dev);
    for (int i = 0; i < 10; i++) {
        pass(300);
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
    }
    assert_runs(0, factory[0]);
    assert_told("\"sick\"", "\"REJECT_HEALTH\"", "health: reverted");
    assert_true(sim_status(dev).holds & OTA_HOLD_BLOCKED);
}

/* ---- an application's own word ---- */

FLOW(what_cannot_be_tried_is_named)
{
    struct ota_fault fault;
    struct ota_local set[2];

    (void)state;
    (void)two_installed();
    set[0] = set[1] = local_of(factory[0], 0);
    assert_err(ota_try_local(NULL, set, 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, NULL, 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, set, 0, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, set, OTA_COMPONENTS_MAX + 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, set, 2, false, &fault), OTA_USAGE_ARGUMENT); /* one component twice */
    set[0].image.slot = 1; /* runs */
    assert_err(ota_try_local(dev->agent, set, 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "local.image");
    set[0] = set[1];
    set[0].image.component = 1;
    assert_err(ota_try_local(dev->agent, set, 1, false, &fault), OTA_USAGE_ARGUMENT);
    set[0] = set[1];
    set[0].image.length = 0;
    assert_err(ota_try_local(dev->agent, set, 1, false, NULL), OTA_USAGE_ARGUMENT);
    dev->agent->state = OTA_ST_POLL;
    assert_err(ota_try_local(dev->agent, &set[1], 1, false, &fault), OTA_USAGE_STATE);
    dev->agent->state = OTA_ST_IDLE;
    dev->agent->restart_asked = true;
    assert_err(ota_try_local(dev->agent, &set[1], 1, false, &fault), OTA_USAGE_STATE);
    dev->agent->restart_asked = false;
    assert_int_equal(sim_status(dev).last_fault.err, OTA_OK);
    assert_int_equal(ota_watch_init(NULL, dev->agent, NULL), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_watch_init(&prog.watch, NULL, NULL), OTA_USAGE_ARGUMENT);
}

/* Every storage call on the way fails once: the error is the device's, and the agent goes on with what runs. */
FLOW(a_device_that_fails_tries_nothing)
{
    uint32_t cases = 0;
    const struct sim_image *two = two_installed();

    (void)state;
    sim_copy(&settled, dev);
    for (uint32_t at = 1;; at++) {
        from_settled();
        struct ota_local back = local_of(factory[0], 0);
        struct ota_fault fault;

        prog.off = true;
        dev->fail_at = dev->calls + at;
        ota_err err = ota_try_local(dev->agent, &back, 1, false, &fault);
        bool failed = dev->calls >= dev->fail_at;
        dev->fail_at = 0;
        if (!failed) {
            assert_err(err, OTA_OK);
            assert_int_equal(sim_check_in(dev), SIM_IDLE);
            break;
        }
        assert_int_equal(ota_err_class(err), OTA_CLASS_DEVICE);
        assert_int_equal(fault.err, err);
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
        assert_runs(0, two);
        cases++;
    }
    assert_in_range(cases, 3, 10);
}

/* ---- what belongs together ---- */

static const struct sim_image *related(const char *component, const char *version, const char *relations)
{
    return sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = component, .version = version, .relations = relations, .len = 5000 });
}

/* The old system lacks what the new application requires: they came with different deployments, and it must stay. */
FLOW(what_stays_must_have_what_it_requires)
{
    const struct sim_image *os2 = related("os", "2.0.0", "\"provides\":{\"os-abi\":2},");
    const struct sim_image *app2 = related("app", "2.0.0", "\"requires\":{\"os-abi\":2},");
    struct ota_fault fault;

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    dev->on_step = beside;
    flow_deploy(os2, factory[1]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(os2, app2);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os2);
    assert_runs(1, app2);
    struct ota_local back[2] = { local_of(factory[0], 0), local_of(factory[1], 0) };
    back[1].image.component = 1;
    assert_err(ota_try_local(dev->agent, back, 1, false, &fault), OTA_REJECT_REQUIRES);
    assert_string_equal(fault.where, "requires os-abi: app");
    assert_int_equal(fault.component, 1);
    assert_err(ota_try_local(dev->agent, back, 2, false, &fault), OTA_OK); /* together they can */
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
}

/* A component that is not there has nothing to be watched. */
FLOW(a_component_that_was_taken_out_is_not_watched)
{
    (void)state;
    sim_open(dev, &cloud, factory, 2);
    dev->on_step = beside;
    dev->spare_app = true;
    flow_deploy(factory[0], factory[1]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(300);
    assert_true(prog.monitor.status.part[1].known);
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(300);
    assert_true(prog.monitor.status.part[0].known);
    assert_false(prog.monitor.status.part[1].known);
    /* Nor does it require or provide anything. */
    struct ota_local back = local_of(factory[0], 1);
    prog.off = true;
    assert_err(ota_try_local(dev->agent, &back, 1, false, NULL), OTA_OK);
}

FLOW_MAIN(WATCH_TEST(the_factorys_image_is_watched_once_a_release_names_it), WATCH_TEST(tampering_is_reported),
          WATCH_TEST(tampering_is_reverted_and_mended), WATCH_TEST(nothing_reverts_to_a_bad_slot),
          WATCH_TEST(nothing_reverts_below_the_floor), WATCH_TEST(tampering_stops_what_runs),
          WATCH_TEST(sickness_behind_the_trial_goes_back_for_good), WATCH_TEST(what_cannot_be_tried_is_named),
          WATCH_TEST(a_device_that_fails_tries_nothing), WATCH_TEST(what_stays_must_have_what_it_requires),
          WATCH_TEST(a_component_that_was_taken_out_is_not_watched))
