/* SPDX-License-Identifier: Apache-2.0 */
/* What an application may ask of an agent at work: time, a stop, the state of things. */
#include "flow.h"

#define CAP_S 3600u   /* sim's times.defer_cap_s */

struct wish {
    enum ota_state when;
    uint32_t ask_s;       /* UINT32_MAX: more than there is */
    bool withdraw;        /* and give it back at once */
    bool asked;
    uint32_t granted_s;
    uint64_t asked_ms, installed_ms;
};

static void ask_for_time(struct sim *d)
{
    struct wish *w = d->context;
    struct ota_status s = sim_status(d);

    if (s.state == OTA_ST_ARM && w->installed_ms == 0)
        w->installed_ms = d->clock.ms;
    if (w->asked || s.state != w->when)
        return;
    w->asked = true;
    w->asked_ms = d->clock.ms;
    assert_int_equal(ota_defer(d->agent, w->ask_s, &w->granted_s), OTA_OK);
    if (w->withdraw)
        assert_int_equal(ota_defer(d->agent, 0, NULL), OTA_OK);
    assert_int_equal(sim_status(d).holds & OTA_HOLD_DEFERRED, w->withdraw ? 0 : OTA_HOLD_DEFERRED);
}

static void run_with(struct wish *w)
{
    dev->on_step = ask_for_time;
    dev->context = w;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(w->asked);
}

FLOW(a_deferral_holds_the_installation_back_not_the_download)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    struct wish w = { .when = OTA_ST_DOWNLOAD, .ask_s = 600 };

    (void)state;
    flow_deploy(two, NULL);
    run_with(&w);
    assert_runs(0, two);
    assert_int_equal(w.granted_s, 600);
    assert_in_range(w.installed_ms - w.asked_ms, 600000, 601000);
}

FLOW(a_deferral_taken_back_ends_at_once)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    struct wish w = { .when = OTA_ST_READY, .ask_s = 600, .withdraw = true };

    (void)state;
    flow_deploy(two, NULL);
    run_with(&w);
    assert_runs(0, two);
    assert_true(w.installed_ms - w.asked_ms < 1000);
}

FLOW(deferral_of_one_deployment_is_capped)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    struct wish w = { .when = OTA_ST_SEAL, .ask_s = UINT32_MAX };

    (void)state;
    flow_deploy(two, NULL);
    run_with(&w);
    assert_runs(0, two);
    assert_int_equal(w.granted_s, CAP_S);
    assert_in_range(w.installed_ms - w.asked_ms, CAP_S * 1000u, CAP_S * 1000u + 1000u);
}

/* The time that was granted stays granted when the agent dies; only the next deployment has its own. */
static void kill_when_deferred(struct sim *d)
{
    ask_for_time(d);
    if (((struct wish *)d->context)->asked && d->kill_at == 0 && sim_status(d).state == OTA_ST_READY)
        d->kill_at = d->steps + 2;
}

FLOW(the_cap_counts_across_restarts_of_the_agent)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    struct wish w = { .when = OTA_ST_DOWNLOAD, .ask_s = 3000 }, again = { .when = OTA_ST_DOWNLOAD, .ask_s = 3000 };

    (void)state;
    flow_deploy(two, NULL);
    dev->on_step = kill_when_deferred;
    dev->context = &w;
    struct sim_fault drop = { .kind = SIM_NET_DROP, .match = "os-2.0.0", .arg = 6, .times = 1 };
    sim_net_fault(dev, drop);
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_int_equal(w.granted_s, 3000);
    sim_kill(dev);
    run_with(&again);
    assert_int_equal(again.granted_s, CAP_S - 3000);
    assert_runs(0, two);
    struct wish next = { .when = OTA_ST_DOWNLOAD, .ask_s = 3000 };
    flow_deploy(flow_os("3.0.0", SIM_HEALTHY), NULL);
    run_with(&next);
    assert_int_equal(next.granted_s, 3000);
}

static void try_to_defer_a_trial(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_TRIAL) {
        assert_err(ota_defer(d->agent, 10, NULL), OTA_USAGE_STATE);
        *(bool *)d->context = true;
    }
}

FLOW(a_trial_is_not_deferred)
{
    bool tried = false;

    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    dev->on_step = try_to_defer_a_trial;
    dev->context = &tried;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(tried);
}

/* ---- cancel ---- */

static void cancel_once(struct sim *d)
{
    bool *cancelled = d->context;

    if (!*cancelled && sim_status(d).state == OTA_ST_DOWNLOAD && sim_status(d).component[0].done >= 5000) {
        ota_cancel(d->agent);
        *cancelled = true;
    }
}

FLOW(a_cancelled_download_keeps_its_place)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);
    bool cancelled = false;

    (void)state;
    flow_deploy(two, NULL);
    dev->on_step = cancel_once;
    dev->context = &cancelled;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(cancelled);
    assert_runs(0, factory[0]);
    struct ota_status s = sim_status(dev);
    assert_err(s.last_fault.err, OTA_RETRY_CANCELLED);
    assert_int_equal(s.component[0].done, 4096);
    assert_string_equal(s.component[0].wanted, "2.0.0");
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_true(dev->net.image_bytes <= two->len + BLOCK);
}

static void cancel_in_trial(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_TRIAL)
        ota_cancel(d->agent);
}

FLOW(cancel_does_not_touch_a_trial)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    dev->on_step = cancel_in_trial;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

/* ---- what is shown ---- */

struct seen {
    uint64_t last_done;
    uint32_t progress;
};

static void watch(struct sim *d)
{
    struct seen *seen = d->context;
    struct ota_status s = sim_status(d);

    if (s.state != OTA_ST_DOWNLOAD)
        return;
    assert_string_equal(s.component[0].running, "1.0.0");
    assert_string_equal(s.component[0].wanted, "2.0.0");
    assert_err(s.last_fault.err, OTA_OK); /* that what runs is not what is wanted is no failure */
    assert_int_equal(s.component[0].length, 10000);
    assert_true(s.component[0].done >= seen->last_done && s.component[0].done <= s.component[0].length);
    seen->progress += s.component[0].done > seen->last_done;
    seen->last_done = s.component[0].done;
}

FLOW(progress_only_grows)
{
    struct seen seen = { 0 };

    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    dev->on_step = watch;
    dev->context = &seen;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_true(seen.progress > 5);
}

FLOW(without_a_network_it_waits_and_says_so)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    dev->net.down = true;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_status(dev).holds, OTA_HOLD_NETWORK);
    assert_int_equal(dev->net.requests, 0);
    dev->net.down = false;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(a_server_that_is_not_reached_is_a_missing_network)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_UNREACHABLE, .match = "timestamp.json", .times = 1 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_int_equal(sim_status(dev).holds, OTA_HOLD_NETWORK | OTA_HOLD_BACKOFF);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_status(dev).holds, 0);
}

/* An agent that has read its journal and done nothing else, as `ota-agent status` does. */
static struct ota_status look(void)
{
    struct ota_wait wait;

    assert_true(sim_start(dev));
    assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    return sim_status(dev);
}

FLOW(an_agent_that_only_looks_names_what_an_earlier_run_waits_for)
{
    struct ota_status s;

    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    dev->judged_by_app = true;
    assert_true(sim_start(dev));
    assert_err(ota_run(dev->agent), OTA_REBOOT);
    sim_kill(dev);
    s = look();
    assert_int_equal(s.holds, OTA_HOLD_RESTART);
    assert_string_equal(s.component[0].running, "1.0.0");
    sim_power_cycle(dev);
    s = look();
    assert_int_equal(s.holds, OTA_HOLD_TRIAL);
    assert_string_equal(s.component[0].running, "2.0.0");
}

FLOW_MAIN(FLOW_TEST(a_deferral_holds_the_installation_back_not_the_download), FLOW_TEST(a_deferral_taken_back_ends_at_once),
          FLOW_TEST(deferral_of_one_deployment_is_capped), FLOW_TEST(the_cap_counts_across_restarts_of_the_agent),
          FLOW_TEST(a_trial_is_not_deferred), FLOW_TEST(a_cancelled_download_keeps_its_place),
          FLOW_TEST(cancel_does_not_touch_a_trial), FLOW_TEST(progress_only_grows),
          FLOW_TEST(without_a_network_it_waits_and_says_so),
          FLOW_TEST(a_server_that_is_not_reached_is_a_missing_network),
          FLOW_TEST(an_agent_that_only_looks_names_what_an_earlier_run_waits_for))
