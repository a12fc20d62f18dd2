/* SPDX-License-Identifier: Apache-2.0 */
/* The trial of a new image: every way in which it can end, and what the device remembers of it. */
#include "flow.h"

static void offer_bad(enum sim_nature nature)
{
    flow_deploy(flow_os("2.0.0", nature), NULL);
}

/* The device is back on what it ran before, said so once, and leaves that deployment alone. */
static void expect_rolled_back(void)
{
    uint64_t fetched = dev->net.image_bytes;
    uint32_t starts = dev->starts;

    assert_runs(0, factory[0]);
    assert_int_equal(dev->report_count, 1);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_ROLLED_BACK);
    assert_int_equal(sim_status(dev).holds & OTA_HOLD_BLOCKED, OTA_HOLD_BLOCKED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sim_run(dev), SIM_IDLE);
    sim_power_cycle(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    dev->clock.ms += 90000u * 1000u; /* beyond times.full_s: the whole metadata is looked at again */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->net.image_bytes, fetched);
    assert_int_equal(dev->starts, starts + 1);
    assert_int_equal(dev->report_count, 1);
}

static void expect_next_deployment_is_tried(void)
{
    const struct sim_image *three = flow_os("3.0.0", SIM_HEALTHY);

    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_int_equal(sim_status(dev).holds, 0);
    assert_int_equal(flow_reports("confirmed"), 1);
}

FLOW(a_sick_image_is_taken_back)
{
    (void)state;
    offer_bad(SIM_SICK);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_last_report("rolled_back", "REJECT_HEALTH");
    assert_true(sim_report_has(sim_last_report(dev), "port", "42"));
    assert_true(sim_report_has(sim_last_report(dev), "version", "\"2.0.0\""));
    assert_true(sim_report_has(sim_last_report(dev), "running", "\"1.0.0\""));
    assert_int_equal(dev->starts, 3);
    expect_rolled_back();
    expect_next_deployment_is_tried();
}

FLOW(an_image_that_crashes_uses_up_its_tries)
{
    (void)state;
    offer_bad(SIM_CRASHING);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_last_report("rolled_back", "REJECT_TRIAL");
    assert_int_equal(dev->starts, 1 + 3 + 1);
    expect_rolled_back();
    expect_next_deployment_is_tried();
}

/* Loaders like U-Boot count the starts of a confirmed slot as well; enough power cuts before the agent runs use them up. */
FLOW(a_loader_that_leaves_a_confirmed_image_is_noticed)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    uint64_t fetched;

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    fetched = dev->net.image_bytes;
    dev->boot.record.running[0] ^= 1u;
    dev->boot.record.confirmed[0] ^= 1u;
    sim_power_cycle(dev);
    assert_runs(0, factory[0]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_string_equal(sim_status(dev).component[0].running, "2.0.0");
    assert_int_equal(dev->net.image_bytes, fetched); /* it was still in its slot */
    assert_int_equal(flow_reports("confirmed"), 2);
}

FLOW(tries_are_the_configured_number)
{
    (void)state;
    offer_bad(SIM_CRASHING);
    dev->cfg.tries = 1;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_last_report("rolled_back", "REJECT_TRIAL");
    assert_int_equal(dev->starts, 1 + 1 + 1);
}

FLOW(silence_is_sick_at_the_deadline)
{
    (void)state;
    offer_bad(SIM_SILENT);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_last_report("rolled_back", "REJECT_SILENT");
    assert_true(dev->clock.ms >= 30000);
    expect_rolled_back();
    expect_next_deployment_is_tried();
}

FLOW(the_same_image_is_tried_again_when_a_new_deployment_names_it)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_SICK);

    (void)state;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    uint64_t fetched = dev->net.image_bytes;
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_int_equal(flow_reports("rolled_back"), 2);
    assert_int_equal(dev->net.image_bytes, fetched); /* its bytes were still in the slot */
}

FLOW(a_deployment_that_returns_to_the_old_image_ends_the_block)
{
    (void)state;
    offer_bad(SIM_SICK);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, factory[0]);
    assert_int_equal(sim_status(dev).holds, 0);
    expect_next_deployment_is_tried();
}

/* The plug is pulled as soon as the trial runs. */
static void pull_the_plug(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_TRIAL)
        d->off = true;
}

FLOW(power_cycles_during_the_trial_take_tries)
{
    uint32_t cuts = 0;

    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    dev->on_step = pull_the_plug;
    while (sim_run(dev) == SIM_POWER_LOST)
        cuts++;
    assert_int_equal(cuts, 3);
    assert_runs(0, factory[0]);
    assert_int_equal(flow_reports("rolled_back"), 1);
    assert_last_report("rolled_back", "REJECT_TRIAL");
}

/* ---- the application judges ---- */

struct word {
    bool confirm;
    int32_t reason;
    uint64_t after_ms;
    ota_err before_trial;
};

static void app_speaks(struct sim *d)
{
    struct word *w = d->context;

    if (sim_status(d).state != OTA_ST_TRIAL) {
        w->before_trial = w->confirm ? ota_confirm(d->agent) : ota_reject(d->agent, 1);
        return;
    }
    assert_int_equal(sim_status(d).holds & OTA_HOLD_TRIAL, OTA_HOLD_TRIAL);
    if (d->clock.ms - d->clock.boot_ms < w->after_ms)
        return;
    assert_int_equal(w->confirm ? ota_confirm(d->agent) : ota_reject(d->agent, w->reason), OTA_OK);
}

static void judge_by_app(struct word *w)
{
    dev->judged_by_app = true;
    dev->on_step = app_speaks;
    dev->context = w;
}

FLOW(the_application_confirms)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_SICK); /* nobody asks the health port */
    struct word w = { .confirm = true, .after_ms = 5000 };

    (void)state;
    flow_deploy(two, NULL);
    judge_by_app(&w);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_err(w.before_trial, OTA_USAGE_STATE);
    assert_last_report("confirmed", "OK");
}

FLOW(the_application_rejects_with_its_reason)
{
    struct word w = { .confirm = false, .reason = -77, .after_ms = 5000 };

    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    judge_by_app(&w);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_last_report("rolled_back", "REJECT_APP");
    assert_true(sim_report_has(sim_last_report(dev), "port", "-77"));
    dev->on_step = NULL;
    expect_rolled_back();
}

FLOW(an_application_that_never_speaks_is_sick)
{
    struct word w = { .confirm = true, .after_ms = UINT64_MAX };

    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    judge_by_app(&w);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_last_report("rolled_back", "REJECT_SILENT");
}

/* A trial that ran out of tries, of which the journal that knew of it is lost, must not count against the next image,
 * wherever the power fails. */
FLOW(tries_spent_before_a_lost_journal_count_against_nobody_else)
{
    const struct sim_image *good = flow_os("3.0.0", SIM_HEALTHY);
    uint32_t cuts = 0;

    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { good } });
    for (enum sim_end end = SIM_POWER_LOST; end == SIM_POWER_LOST; cuts++) {
        sim_open(dev, &cloud, factory, 1);
        flow_serve();
        dev->boot.record.fate = OTA_BOOT_FATE_OUT_OF_TRIES;
        dev->cut_at = dev->ops + 1 + cuts;
        end = sim_run(dev);
        sim_restore_power(dev);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, good);
        assert_int_equal(flow_reports("rolled_back"), 0);
    }
    assert_true(cuts > 20);
}

static void cut_before_arming(struct sim *d)
{
    unsigned *left = d->context;

    if (*left == 0 || sim_status(d).state != OTA_ST_ARM)
        return;
    --*left;
    d->cut_at = d->ops + 1;
}

/* Regression: three cuts in a row between announcing a trial and arming it, and the image was blamed, untried. */
FLOW(cuts_in_a_row_before_arming_blame_nobody)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    enum sim_end end;
    unsigned left = 6;

    (void)state;
    flow_deploy(two, NULL);
    dev->on_step = cut_before_arming;
    dev->context = &left;
    while ((end = sim_run(dev)) == SIM_POWER_LOST)
        sim_restore_power(dev);
    assert_int_equal(left, 0);
    assert_int_equal(end, SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(flow_reports("rolled_back"), 0);
}

FLOW_MAIN(FLOW_TEST(cuts_in_a_row_before_arming_blame_nobody),
          FLOW_TEST(tries_spent_before_a_lost_journal_count_against_nobody_else),
          FLOW_TEST(a_sick_image_is_taken_back), FLOW_TEST(an_image_that_crashes_uses_up_its_tries),
          FLOW_TEST(a_loader_that_leaves_a_confirmed_image_is_noticed),
          FLOW_TEST(tries_are_the_configured_number), FLOW_TEST(silence_is_sick_at_the_deadline),
          FLOW_TEST(the_same_image_is_tried_again_when_a_new_deployment_names_it),
          FLOW_TEST(a_deployment_that_returns_to_the_old_image_ends_the_block),
          FLOW_TEST(power_cycles_during_the_trial_take_tries),
          FLOW_TEST(the_application_confirms), FLOW_TEST(the_application_rejects_with_its_reason),
          FLOW_TEST(an_application_that_never_speaks_is_sick))
