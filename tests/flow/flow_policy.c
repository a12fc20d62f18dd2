/* SPDX-License-Identifier: Apache-2.0 */
/* What the group's pointer and the device's owner say about when an update may come. */
#include "agent.h"
#include "flow.h"

static void deploy(const struct sim_image *image, const char *more)
{
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { image }, .more = more });
    flow_serve();
}

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

FLOW_MAIN(FLOW_TEST(what_the_pointer_asks_for_is_remembered_across_a_restart),
          FLOW_TEST(each_of_its_numbers_is_followed_alone),
          FLOW_TEST(a_number_out_of_range_refuses_the_deployment_by_name))
