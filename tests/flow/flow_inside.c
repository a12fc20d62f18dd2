/* SPDX-License-Identifier: Apache-2.0 */
/* Check-in, trial and report, with something changed inside or around the agent that no server and no power cut changes. */
#include "inside.h"

static const struct sim_image *offer(void)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    flow_deploy(two, NULL);
    return two;
}

static void run_the_factory(void)
{
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
}

/* ---- waiting ---- */

FLOW(a_wait_that_is_too_long_to_say_is_cut_short)
{
    struct ota_wait wait = { 0 };

    (void)state;
    dev->cfg.times.poll_s = 6000000;
    run_the_factory();
    assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    assert_int_equal(wait.ms, UINT32_MAX);
}

FLOW(a_network_need_not_say_whether_it_is_ready)
{
    const struct sim_image *two = offer();
    struct ota_net_ops ops = *dev->net.port.ops;

    (void)state;
    ops.ready = NULL;
    dev->net.port.ops = &ops;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(ota_run_waits_for_the_network)
{
    (void)state;
    run_the_factory();
    (void)offer();
    uint64_t before = dev->clock.ms;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STALL, .match = "timestamp", .times = 1 });
    ota_err err = ota_run(dev->agent);
    assert_int_equal(ota_err_class(err), OTA_CLASS_RETRY);
    assert_true(dev->clock.ms > before);
    assert_err(ota_run(dev->agent), OTA_REBOOT);
}

FLOW(waits_have_no_jitter_without_entropy)
{
    const struct sim_image *two = offer();

    (void)state;
    inside_crypto_use(0, true);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(a_kept_report_never_makes_the_wait_longer)
{
    (void)state;
    run_the_factory();
    struct ota *a = dev->agent;
    a->reports_kept = 1;
    a->retry_after_s = 3600;
    a->cfg.times.poll_s = 10;
    a->failures = UINT8_MAX;
    uint64_t now = otai_now_ms(a);
    otai_schedule(a, OTA_SAME);
    assert_in_range(a->due_ms - now, 5000, 16000);
    assert_int_equal(a->failures, UINT8_MAX);
    otai_schedule(a, OTA_RETRY_NETWORK);
    assert_int_equal(a->failures, UINT8_MAX);
}

/* ---- the short check-in ---- */

FLOW(a_timestamp_that_grew_is_left_to_tuf)
{
    (void)state;
    run_the_factory();
    const struct sim_image *two = offer();
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_LONGER, .match = "timestamp", .arg = 5000, .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_runs(0, two);
}

static const char *product;

static bool name_it_too_long(struct ota *a)
{
    product = a->cfg.product;
    a->cfg.product = inside_long;
    a->cfg.tell_facts = true;
    return true;
}

FLOW(facts_that_do_not_fit_are_not_told)
{
    (void)state;
    run_the_factory();
    uint32_t conditional = dev->net.conditional;
    assert_int_equal(inside_at(OTA_ST_POLL, name_it_too_long), SIM_IDLE);
    assert_int_equal(dev->net.conditional, conditional + 1);
    assert_null(dev->agent->fetch.job.extra);
    dev->agent->cfg.product = product;
}

/* ---- restart ---- */

FLOW(a_restart_is_asked_for_once)
{
    struct ota_wait wait;
    ota_err err = OTA_OK;

    (void)state;
    (void)offer();
    assert_true(sim_start(dev));
    ota_check_now(dev->agent);
    for (int i = 0; i < 2000 && err == OTA_OK; i++)
        err = ota_step(dev->agent, &wait);
    assert_err(err, OTA_REBOOT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sim_status(dev).holds & OTA_HOLD_RESTART, OTA_HOLD_RESTART);
        assert_err(ota_step(dev->agent, &wait), OTA_REBOOT);
        assert_int_equal(wait.ms, 1000);
    }
    assert_int_equal(sim_events(dev, OTA_EV_REBOOT), 1);
}

/* Announced again and again, and never seen to start: that is a trial that does not start. */
static bool announce_for_the_last_time(struct ota *a)
{
    a->j.arms = 16;
    assert_int_equal(otai_save(a), OTA_OK);
    a->state = OTA_ST_START;
    return true;
}

FLOW(a_trial_that_is_only_ever_announced_is_given_up)
{
    (void)state;
    (void)offer();
    assert_int_equal(inside_at(OTA_ST_ARM, announce_for_the_last_time), SIM_BACKING_OFF);
    assert_runs(0, factory[0]);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_ROLLED_BACK);
    assert_last_report("rolled_back", "REJECT_TRIAL");
}

/* ---- the boot control says something else ---- */

static bool make_permanent(struct ota *a)
{
    (void)a;
    return ota_boot_record_confirm(&dev->boot.record);
}

FLOW(a_trial_that_somebody_confirmed_is_confirmed)
{
    const struct sim_image *two = offer();

    (void)state;
    assert_int_equal(inside_at(OTA_ST_TRIAL, make_permanent), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(flow_reports("confirmed"), 1);
}

/* The old slot runs, and there is no trial. */
static bool lose_the_trial(struct ota *a)
{
    struct ota_boot_record *r = &dev->boot.record;

    (void)a;
    r->state = OTA_BOOT_TRIAL_NONE;
    r->running[0] = r->confirmed[0];
    r->trial[0] = OTA_SLOT_NONE;
    return true;
}

static void expect_given_up(const char *cause)
{
    assert_runs(0, factory[0]);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_ROLLED_BACK);
    assert_int_equal(flow_reports("rolled_back"), 1);
    assert_int_equal(flow_reports("confirmed"), 0);
    assert_true(strstr(sim_last_report(dev)->body, cause) != NULL);
}

FLOW(a_trial_that_is_gone_is_given_up)
{
    static const enum ota_state when[] = { OTA_ST_TRIAL, OTA_ST_CONFIRM };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sim_open(dev, &cloud, factory, 1);
        (void)offer();
        (void)inside_at(when[i], lose_the_trial);
        expect_given_up("boot: trial is gone");
    }
}

static bool die_often(struct ota *a)
{
    a->j.trial_starts = 33;
    return true;
}

FLOW(an_agent_that_dies_in_every_trial_ends_it)
{
    (void)state;
    (void)offer();
    (void)inside_at(OTA_ST_TRIAL, die_often);
    expect_given_up("agent died too often");
}

static ota_err confirm_nothing(struct ota_boot *b, int32_t *code)
{
    (void)b;
    (void)code;
    return OTA_OK;
}

static struct ota_boot_ops deaf;

static bool deafen(struct ota *a)
{
    (void)a;
    deaf = *dev->boot.port.ops;
    deaf.confirm = confirm_nothing;
    dev->boot.port.ops = &deaf;
    return true;
}

FLOW(a_confirmation_that_did_nothing_is_noticed)
{
    (void)state;
    (void)offer();
    (void)inside_at(OTA_ST_CONFIRM, deafen);
    expect_given_up("boot: given up");
}

/* The condemned slots run and are permanent: the boot control forgot the trial at once. */
static bool forget_at_once(struct ota *a)
{
    const struct ota_boot_record before = dev->boot.record;
    struct ota_boot_record *r = &dev->boot.record;

    r->state = OTA_BOOT_TRIAL_NONE;
    r->confirmed[0] = r->running[0];
    r->trial[0] = OTA_SLOT_NONE;
    assert_err(otai_step_revert(a), OTA_REBOOT);
    assert_err(otai_step_revert(a), OTA_REBOOT);
    *r = before;
    (void)lose_the_trial(a);
    assert_err(otai_step_revert(a), OTA_REBOOT); /* it was asked for: nothing is settled before it came */
    *r = before;
    a->restart_asked = false;
    return true;
}

FLOW(condemned_slots_that_run_still_mean_a_restart)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_SICK), NULL);
    (void)inside_at(OTA_ST_REVERT, forget_at_once);
    expect_given_up("health.check");
}

/* A trial that waits for its start still, and nobody wrote down why it was condemned. */
static bool wait_for_a_start(struct ota *a)
{
    struct ota_boot_record *r = &dev->boot.record;

    r->state = OTA_BOOT_TRIAL_ARMED;
    r->running[0] = r->confirmed[0];
    otai_fault_clear(&a->j.cause);
    a->cycle = OTA_SAME;
    return true;
}

FLOW(a_condemned_trial_is_not_started_again)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_SICK), NULL);
    (void)inside_at(OTA_ST_REVERT, wait_for_a_start);
    expect_given_up("\"OK\"");
    assert_int_equal(dev->starts, 2);
}

static bool look_at_another_slot(struct ota *a)
{
    struct ota_status s;

    a->j.progress[0].slot ^= 1u;
    ota_status(a, &s);
    a->j.progress[0].slot ^= 1u;
    assert_string_equal(s.component[0].running, "1.0.0");
    ota_status(a, &s);
    assert_string_equal(s.component[0].running, "2.0.0");
    return true;
}

FLOW(status_names_the_trial_only_where_it_runs)
{
    (void)state;
    (void)offer();
    assert_int_equal(inside_at(OTA_ST_TRIAL, look_at_another_slot), SIM_IDLE);
}

/* ---- refusals and reports ---- */

static void damage_the_pointer(void)
{
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_FLIP, .match = "deploy.json", .arg = 1, .times = 1 });
}

/* A refusal is told anew only if it is another one. */
static bool refuse_often(struct ota *a)
{
    for (int differs = 0; differs < 5; differs++) {
        uint32_t before = a->j.report_last;

        a->j.cause = a->fault;
        a->j.cause.err = differs == 1 ? OTA_REJECT_LENGTH : a->fault.err;
        a->j.cause.state ^= differs == 2;
        a->j.cause.component ^= differs == 3;
        a->j.cause.where[0] ^= differs == 4;
        assert_err(otai_step_refuse(a), OTA_DONE);
        assert_int_equal(a->j.report_last, before + (differs != 0));
    }
    return true;
}

FLOW(a_refusal_is_told_again_when_it_is_another_one)
{
    (void)state;
    (void)offer();
    damage_the_pointer();
    assert_int_equal(inside_at(OTA_ST_REFUSE, refuse_often), SIM_BACKING_OFF);
    assert_int_equal(flow_reports("refused"), 1);
}

static bool blame_the_poll(struct ota *a)
{
    a->j.cause.state = OTA_ST_POLL;
    dev->clock.utc_s = INT64_MIN;
    return true;
}

FLOW(a_report_from_before_the_release_names_none)
{
    (void)state;
    (void)offer();
    damage_the_pointer();
    assert_int_equal(inside_at(OTA_ST_REPORT, blame_the_poll), SIM_BACKING_OFF);
    assert_true(sim_report_has(sim_last_report(dev), "seq", "0"));
    assert_true(sim_report_has(sim_last_report(dev), "time", "0"));
    assert_true(sim_report_has(sim_last_report(dev), "version", "\"\""));
}

static bool want_nothing(struct ota *a)
{
    a->j.cause.state = OTA_ST_PLAN;
    memset(a->j.progress, 0, sizeof a->j.progress);
    return true;
}

FLOW(a_report_of_nothing_wanted_names_no_version)
{
    (void)state;
    (void)offer();
    damage_the_pointer();
    assert_int_equal(inside_at(OTA_ST_REPORT, want_nothing), SIM_BACKING_OFF);
    assert_true(sim_report_has(sim_last_report(dev), "version", "\"\""));
}

static const char *device_id;
static char endless[4000];

static bool grow_the_device_id(struct ota *a)
{
    memset(endless, 'x', sizeof endless - 1);
    device_id = a->cfg.device_id;
    a->cfg.device_id = endless;
    return true;
}

FLOW(a_report_that_does_not_fit_is_kept)
{
    (void)state;
    (void)offer();
    damage_the_pointer();
    (void)inside_at(OTA_ST_REPORT, grow_the_device_id);
    assert_int_equal(dev->report_count, 0);
    assert_int_equal(sim_status(dev).reports_kept, 1);
    dev->agent->cfg.device_id = device_id;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(flow_reports("refused"), 1);
}

FLOW(a_report_waits_for_the_network)
{
    const struct sim_image *two = offer();

    (void)state;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STALL, .match = "/report/", .times = 1 });
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    if (flow_reports("confirmed") == 0)
        assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(flow_reports("confirmed"), 1);
}

static bool defer_late(struct ota *a)
{
    uint32_t granted = 0;

    assert_int_equal(ota_defer(a, 5, &granted), OTA_OK);
    assert_int_equal(granted, 5);
    return true;
}

FLOW(a_deferral_is_granted_before_and_after_a_trial)
{
    (void)state;
    (void)offer();
    assert_int_equal(inside_at(OTA_ST_REPORT, defer_late), SIM_IDLE);
}

/* A workspace is enough or is refused, however small it is. */
FLOW(a_workspace_that_is_too_small_is_refused)
{
    size_t len = ota_workspace_len(&dev->cfg);
    const size_t small[] = { 0, 16, sizeof(struct ota) - 1, sizeof(struct ota) + 16, len - 1 };
    struct ota_fault fault;
    struct ota *a;

    (void)state;
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        assert_err(ota_init(&a, &dev->cfg, dev->workspace, small[i], &fault), OTA_USAGE_MEMORY);
        assert_string_equal(fault.where, "workspace");
        assert_null(a);
    }
    assert_int_equal(ota_init(&a, &dev->cfg, dev->workspace, len, &fault), OTA_OK);
}

FLOW_MAIN(FLOW_TEST(a_wait_that_is_too_long_to_say_is_cut_short), FLOW_TEST(a_network_need_not_say_whether_it_is_ready),
          FLOW_TEST(ota_run_waits_for_the_network), FLOW_TEST(waits_have_no_jitter_without_entropy),
          FLOW_TEST(a_kept_report_never_makes_the_wait_longer), FLOW_TEST(a_timestamp_that_grew_is_left_to_tuf),
          FLOW_TEST(facts_that_do_not_fit_are_not_told), FLOW_TEST(a_restart_is_asked_for_once),
          FLOW_TEST(a_trial_that_is_only_ever_announced_is_given_up), FLOW_TEST(a_trial_that_somebody_confirmed_is_confirmed),
          FLOW_TEST(a_trial_that_is_gone_is_given_up), FLOW_TEST(an_agent_that_dies_in_every_trial_ends_it),
          FLOW_TEST(a_confirmation_that_did_nothing_is_noticed), FLOW_TEST(condemned_slots_that_run_still_mean_a_restart),
          FLOW_TEST(a_condemned_trial_is_not_started_again), FLOW_TEST(status_names_the_trial_only_where_it_runs),
          FLOW_TEST(a_refusal_is_told_again_when_it_is_another_one), FLOW_TEST(a_report_from_before_the_release_names_none),
          FLOW_TEST(a_report_of_nothing_wanted_names_no_version), FLOW_TEST(a_report_that_does_not_fit_is_kept),
          FLOW_TEST(a_report_waits_for_the_network),
          FLOW_TEST(a_deferral_is_granted_before_and_after_a_trial), FLOW_TEST(a_workspace_that_is_too_small_is_refused))
