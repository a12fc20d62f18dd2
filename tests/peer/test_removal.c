/* SPDX-License-Identifier: Apache-2.0 */
/* The system takes out the component of an application that shares the device with it: nobody waits for ever, neither the system for
 * one that is to go, nor those who stay. The system's agent is real, on a simulated device; so are the processes. */
#define _GNU_SOURCE /* the operating system beside the C library */
#include "peer_kit.h"

static void two_components(void)
{
    sim_open(dev, &cloud, factory, 2);
    dev->spare_app = true;
    flow_deploy(factory[0], factory[1]);
    if (sim_run(dev) != SIM_IDLE)
        _exit(9);
}

/* 'r': the next deployment does not name the application; 'b': the one behind it does, again; 'q': leave. */
static bool obey_deployments(void)
{
    char told;

    while (read(orders[1], &told, 1) == 1) {
        if (told == 'q')
            return false;
        flow_deploy(factory[0], told == 'r' ? NULL : flow_app("2.0.0", SIM_HEALTHY));
        ota_check_now(dev->agent);
    }
    return true;
}

/* The device restarts for a trial: connections end, and so does the process whose component is gone. */
static void restart(struct control *c, struct requests *r)
{
    const struct requests before = *r;
    struct schema_fault fault;

    control_close(c);
    requests_close(r);
    sim_power_cycle(dev);
    if (!sim_start(dev) || !control_open(c, &config, &fault) || !requests_open(r, c, &config, &fault))
        _exit(9);
    r->agent = dev->agent;
    r->now_ms = before.now_ms;
    if (atomic_load(&shared->victim))
        (void)kill(atomic_load(&shared->victim), SIGKILL);
    atomic_fetch_add(&shared->restarts, 1);
}

static void step(struct control *c, struct requests *r, struct ota_wait *wait)
{
    ota_err err = ota_step(dev->agent, wait);

    if (err == OTA_REBOOT) {
        *wait = (struct ota_wait){ 0 };
        restart(c, r);
    } else if (err != OTA_OK) {
        _exit(9);
    }
    if (ota_posix_keeps_turn(sim_status(dev).state))
        dev->clock.ms += wait->ms;   /* the time of a trial passes; between check-ins it stands still */
}

static void serve_with_steps(struct control *c, struct requests *r)
{
    const struct control_calls calls = { requests_answer, requests_left, r };
    struct ota_wait wait = { 0 };
    bool in = false;

    while (obey_deployments()) {
        struct ota_status s;

        ota_status(r->agent, &s);
        if (in && !ota_posix_keeps_turn(s.state) && s.state != OTA_ST_READY)
            leave(), in = false;
        bool may = requests_may_step(r, s.state, wait.ms > 0);
        if (may && !in && ota_posix_needs_turn(s.state))
            enter('S'), in = true;
        if (may)
            step(c, r, &wait);
        control_serve(c, 2, NULL, &calls);
        requests_look(r);
        atomic_store(&shared->blocked, !may);
        atomic_store(&shared->apps_wait, apps_that_wait(&r->arbiter));
        atomic_store(&shared->gone, dev->boot.record.confirmed[1] == OTA_SLOT_NONE && dev->boot.record.state == OTA_BOOT_TRIAL_NONE);
    }
    if (in)
        leave();
}

static void open_world(void)
{
    config.app_turn_s = 1;
    config.component_count = 2;
    config.component[1].name = "app";
    prepare = two_components;
    serve = serve_with_steps;
    start_server();
}

/* The one that is to go holds its turn and never gives it back; another waits. The system goes on when that turn is over, takes the
 * component out, and the one that waits is next, through the restart. What comes back later gets its turn as well. */
static void one_that_is_taken_out_in_its_turn_blocks_nobody(void **state)
{
    (void)state;
    open_world();
    pid_t a = start_app('a', 1, -1);
    wait_for_turns(1);
    atomic_store(&shared->victim, a);
    pid_t b = start_app('b', 1, 5);
    wait_until(&shared->apps_wait, 1);
    order('r');
    wait_for_turns(2);
    wait_until(&shared->gone, 1);
    assert_int_equal(finish(a), 128 + SIGKILL);
    leave();   /* on its behalf */
    atomic_store(&shared->victim, 0);
    wait_for_turns(3);
    assert_int_equal(finish(b), 0);
    assert_string_equal(shared->log, "aSb");
    order('b');
    wait_for_turns(4);
    wait_until(&shared->gone, 0);
    pid_t again = start_app('a', 1, 5);
    wait_for_turns(5);
    assert_int_equal(finish(again), 0);
    stop_server();
    assert_string_equal(shared->log, "aSbSa");
    assert_int_equal(atomic_load(&shared->restarts), 2);
    assert_int_equal(atomic_load(&shared->inside), 0);
}

/* It waits for its turn when it is taken out: its place in the line goes with it. */
static void one_that_is_taken_out_while_it_waits_leaves_no_gap(void **state)
{
    (void)state;
    open_world();
    pid_t b = start_app('b', 1, -1);
    wait_for_turns(1);
    pid_t a = start_app('a', 1, 5);
    wait_until(&shared->apps_wait, 1);
    assert_int_equal(kill(a, SIGSTOP), 0);   /* it does not even hang up by itself */
    atomic_store(&shared->victim, a);
    order('r');
    wait_until(&shared->blocked, 1);
    atomic_store(&shared->released, 1);
    wait_until(&shared->gone, 1);
    assert_int_equal(finish(a), 128 + SIGKILL);
    assert_int_equal(finish(b), 0);
    pid_t c = start_app('c', 2, 5);
    wait_for_turns(4);
    assert_int_equal(finish(c), 0);
    stop_server();
    assert_string_equal(shared->log, "bScc");
    expect_alone();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_is_taken_out_in_its_turn_blocks_nobody),
        TEST(one_that_is_taken_out_while_it_waits_leaves_no_gap),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
