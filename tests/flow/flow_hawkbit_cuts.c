/* SPDX-License-Identifier: Apache-2.0 */
/* Power is cut at every durable operation of an update that hawkBit ordered, and every call of storage fails once: the
 * server hears what became of the action, once, and nothing else. */
#include "ddi.h"

/* Cut once, at op `cut`; false: there are no so many ops. */
static bool cut_once(uint32_t cut, enum sim_shape shape, const struct sim_image *image, bool good)
{
    sim_open(dev, &cloud, factory, 1);
    flow_serve();
    connect();
    assign(forced);
    dev->cut_at = cut;
    dev->shape = shape;
    enum sim_end end = sim_run(dev);
    bool lost = end == SIM_POWER_LOST;
    for (int i = 0; i < 4; i++) {
        if (lost || i)
            sim_restore_power(dev);
        (void)sim_run(dev);
    }
    if (dev->broken)
        fail_msg("cut %u: %s", cut, dev->broken);
    assert_ptr_equal(sim_running(dev, 0), good ? image : factory[0]);
    if (ddi.state != (good ? FINISHED : FAILED) || ddi.successes + ddi.failures != 1 || (ddi.successes == 1) != good)
        fail_msg("cut %u: state %d, %u successes, %u failures", cut, ddi.state, ddi.successes, ddi.failures);
    assert_in_range(ddi.proceeding, 1, 2);
    return lost;
}

static uint32_t cut_everywhere(enum sim_nature nature)
{
    const struct sim_image *image = flow_image(.version = "2.0.0", .nature = nature, .len = 5000);
    static const enum sim_shape shapes[] = { SIM_CUT_KEEP, SIM_CUT_DROP, SIM_CUT_TORN };
    uint32_t cuts = 0;

    flow_deploy(image, NULL);
    for (size_t s = 0; s < 3; s++)
        for (uint32_t op = 1; cut_once(op, shapes[s], image, nature == SIM_HEALTHY); op++)
            cuts++;
    return cuts;
}

FLOW(a_power_cut_never_loses_or_invents_a_success)
{
    (void)state;
    assert_in_range(cut_everywhere(SIM_HEALTHY), 90, 1000);
}

FLOW(a_power_cut_never_loses_or_invents_a_failure)
{
    (void)state;
    assert_in_range(cut_everywhere(SIM_CRASHING), 90, 1000);
}

/* The store fails once, at every call of a check-in that ends without an update: what is told is true. */
FLOW(a_failing_store_delays_what_is_told)
{
    const struct sim_image *v2 = flow_image(.version = "2.0.0", .len = 5000);

    (void)state;
    for (int stored = 0; stored < 2; stored++) {
        uint32_t failed = 0;

        flow_deploy(stored ? v2 : factory[0], NULL);
        for (uint32_t call = 1; call < 120; call++) {
            sim_open(dev, &cloud, factory, 1);
            flow_serve();
            connect();
            assign(stored ? store_only : forced);
            dev->fail_at = call;
            for (int i = 0; i < 4; i++)
                (void)sim_run(dev);
            bool told = ddi.state == FINISHED || (stored && ddi.state == FAILED); /* a slot that fails is a failure */
            if (dev->broken || !told || sim_running(dev, 0) != factory[0])
                fail_msg("call %u: state %d, %s", call, ddi.state, dev->broken ? dev->broken : "");
            failed += dev->failed;
        }
        assert_in_range(failed, 10, 120);
    }
}

/* Every call of storage fails once: the action still ends as the update did. */
FLOW(a_failing_store_never_invents_a_result)
{
    const struct sim_image *image = flow_image(.version = "2.0.0", .len = 5000);
    uint32_t failed = 0;

    (void)state;
    flow_deploy(image, NULL);
    for (uint32_t call = 1; call < 400; call++) {
        sim_open(dev, &cloud, factory, 1);
        flow_serve();
        connect();
        assign(forced);
        dev->fail_at = call;
        for (int i = 0; i < 5; i++)
            (void)sim_run(dev);
        if (dev->broken)
            fail_msg("call %u: %s", call, dev->broken);
        bool good = sim_running(dev, 0) == image;
        if (ddi.successes + ddi.failures != 1 || (ddi.successes == 1) != good)
            fail_msg("call %u: %u successes, %u failures, new runs: %d", call, ddi.successes, ddi.failures, good);
        failed += dev->failed;
    }
    assert_in_range(failed, 50, 400);
}

FLOW_MAIN(FLOW_TEST(a_power_cut_never_loses_or_invents_a_success), FLOW_TEST(a_power_cut_never_loses_or_invents_a_failure),
          FLOW_TEST(a_failing_store_delays_what_is_told), FLOW_TEST(a_failing_store_never_invents_a_result))
