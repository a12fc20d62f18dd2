/* SPDX-License-Identifier: Apache-2.0 */
/* What is required of a system that another agent updates: levels that change while the update is under way; and what an agent
 * tells others of its own components. */
#include "inside.h"

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

/* ---- what another agent's components provide may change at any time ---- */

static struct ota_provided outside[2];
static enum ota_state falls_in;   /* the system goes back to a lower level as soon as this agent comes to that state */

static void let_it_fall(struct sim *d)
{
    if (sim_status(d).state == falls_in)
        outside[1].level = 1;
}

/* An application that requires level 2 of a system that another agent updates, and that system at level 2. */
static const struct sim_image *live_world(enum ota_state falls)
{
    const struct sim_image *app = image("app", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));

    two_components();
    outside[0] = (struct ota_provided){ "", 0 };
    outside[1] = (struct ota_provided){ "os-abi", 2 };
    falls_in = falls;
    dev->cfg.provided = outside;
    dev->cfg.provided_count = 2;
    dev->on_step = let_it_fall;
    flow_deploy(factory[0], app);
    return app;
}

static void rise_again(const struct sim_image *app)
{
    falls_in = OTA_ST_COUNT;
    outside[1].level = 3;
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_runs(1, app);
    assert_last_report("confirmed", "OK");
}

FLOW(levels_that_fall_before_the_first_byte_stop_the_update)
{
    const struct sim_image *app = live_world(OTA_ST_PLAN);

    (void)state;
    expect_refused("requires os-abi: app");
    rise_again(app);
}

/* What is there stays there: when the level is back nothing is fetched twice. */
FLOW(levels_that_fall_before_it_is_armed_stop_the_update)
{
    const struct sim_image *app = live_world(OTA_ST_READY);

    (void)state;
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_REQUIRES");
    assert_true(sim_report_has(sim_last_report(dev), "where", "\"requires os-abi: app\""));
    assert_int_equal(sim_events(dev, OTA_EV_ARMED), 0);
    assert_runs(1, factory[1]);
    uint64_t fetched = dev->net.image_bytes;
    assert_true(fetched > 0);
    rise_again(app);
    assert_int_equal(dev->net.image_bytes, fetched);
}

/* The first component that is not served ends the look; what is to be removed, or of which nothing is known, requires nothing. */
FLOW(each_component_is_looked_at_as_far_as_it_is_known)
{
    const struct sim_image *os;

    (void)state;
    (void)live_world(OTA_ST_PLAN);
    os = image("os", "2.0.0", SIM_HEALTHY, REQUIRES(ABI(2)));
    flow_deploy(os, image("app", "3.0.0", SIM_HEALTHY, REQUIRES(ABI(2))));
    expect_refused("requires os-abi: os");
    (void)live_world(OTA_ST_COUNT);
    flow_deploy(os, NULL); /* and the application is removed */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_int_equal(sim_status(dev).component[1].slot, OTA_SLOT_NONE);
    (void)live_world(OTA_ST_COUNT);
    dev->spare_app = false;
    flow_deploy(os, NULL); /* and the application stays, as it came from the factory */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, os);
    assert_runs(1, factory[1]);
}

FLOW(levels_that_stay_are_looked_at_and_no_more)
{
    const struct sim_image *app = live_world(OTA_ST_COUNT);
    uint32_t calls;

    (void)state;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(1, app);
    calls = dev->calls;
    for (uint32_t at = 1; at <= calls; at++) { /* a store that fails at any of them only delays */
        sim_open(dev, &cloud, factory, 2);
        dev->cfg.provided = outside;
        dev->cfg.provided_count = 2;
        flow_serve();
        dev->fail_at = at;
        for (int i = 0; i < 3 && sim_run(dev) != SIM_IDLE; i++)
            ;
        assert_runs(1, app);
    }
}

/* ---- and what this agent's provide ---- */

FLOW(an_agent_tells_what_its_components_provide)
{
    static struct ota_levels levels;
    const struct sim_image *os = image("os", "2.0.0", SIM_HEALTHY, PROVIDES(ABI(3) ",\"radio\":1"));
    const struct sim_image *app = image("app", "2.0.0", SIM_HEALTHY, PROVIDES("\"ui\":9") REQUIRES(ABI(2)));

    (void)state;
    two_components();
    flow_deploy(factory[0], factory[1]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(ota_levels(dev->agent, &levels), OTA_OK);
    assert_int_equal(levels.count, 0);
    flow_deploy(os, app);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(ota_levels(dev->agent, &levels), OTA_OK);
    assert_int_equal(levels.count, 3);
    assert_string_equal(levels.level[0].name, "os-abi");
    assert_int_equal(levels.level[0].level, 3);
    assert_string_equal(levels.level[1].name, "radio");
    assert_string_equal(levels.level[2].name, "ui");
    assert_int_equal(levels.level[2].level, 9);

    /* What goes back provides what it did; what is taken out provides nothing; what is not known either. */
    flow_deploy(image("os", "3.0.0", SIM_SICK, PROVIDES(ABI(4))), app);
    (void)sim_check_in(dev);
    assert_int_equal(ota_levels(dev->agent, &levels), OTA_OK);
    assert_int_equal(levels.count, 3);
    assert_int_equal(levels.level[0].level, 3);
    dev->agent->j.installed[0].known = false;
    assert_int_equal(ota_levels(dev->agent, &levels), OTA_OK);
    assert_int_equal(levels.count, 1);
    dev->agent->j.installed[0].known = true;
    dev->agent->view.running[1] = OTA_SLOT_NONE;
    assert_int_equal(ota_levels(dev->agent, &levels), OTA_OK);
    assert_int_equal(levels.count, 2);
    dev->fail_at = dev->calls + 1;
    assert_int_equal(ota_levels(dev->agent, &levels), OTA_DEVICE_STORE);
    assert_int_equal(levels.count, 0);
}

FLOW_MAIN(FLOW_TEST(levels_that_fall_before_the_first_byte_stop_the_update), FLOW_TEST(levels_that_fall_before_it_is_armed_stop_the_update),
          FLOW_TEST(each_component_is_looked_at_as_far_as_it_is_known), FLOW_TEST(levels_that_stay_are_looked_at_and_no_more), FLOW_TEST(an_agent_tells_what_its_components_provide))
