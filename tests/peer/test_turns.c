/* SPDX-License-Identifier: Apache-2.0 */
/* Two and five processes that want to update at the same time. */
#define _GNU_SOURCE /* the operating system beside the C library */
#include "peer_kit.h"

static void the_system_comes_first_where_both_wait(void **state)
{
    (void)state;
    start_server();
    pid_t a = start_app('a', 1, -1);
    wait_for_turns(1);
    pid_t b = start_app('b', 1, 0);
    wait_until(&shared->apps_wait, 1);
    order('u');
    wait_until(&shared->blocked, 1);
    atomic_store(&shared->released, 1);
    wait_for_turns(2);
    order('e');
    wait_for_turns(3);
    assert_int_equal(finish(a) + finish(b), 0);
    stop_server();
    assert_string_equal(shared->log, "aSb");
    expect_alone();
}

static void an_application_comes_between_two_updates(void **state)
{
    (void)state;
    start_server();
    order('u');
    wait_for_turns(1);
    pid_t a = start_app('a', 1, 5);
    wait_until(&shared->apps_wait, 1);
    order('n');   /* the system would have it again, if it were not for the one that waits */
    wait_for_turns(3);
    order('e');
    assert_int_equal(finish(a), 0);
    stop_server();
    assert_string_equal(shared->log, "SaS");
    expect_alone();
}

static void five_take_turns_and_nobody_is_left_out(void **state)
{
    pid_t app[5];
    int turns[5] = { 0 };

    (void)state;
    start_server();
    for (int i = 0; i < 5; i++)
        app[i] = start_app((char)('a' + i), 4, 5);
    order('u');
    nap(30);
    order('e');
    for (int i = 0; i < 5; i++)
        assert_int_equal(finish(app[i]), 0);
    stop_server();
    for (const char *p = shared->log; *p; p++)
        if (*p != 'S')
            turns[*p - 'a']++;
    for (int i = 0; i < 5; i++)
        assert_int_equal(turns[i], 4);
    expect_alone();
}

static void one_that_dies_in_its_turn_is_no_obstacle(void **state)
{
    (void)state;
    start_server();
    pid_t a = start_app('a', 1, -1);
    wait_for_turns(1);
    pid_t b = start_app('b', 1, 0);
    wait_until(&shared->apps_wait, 1);
    kill_in_turn(a, 1);
    assert_int_equal(finish(b), 0);
    order('u');
    wait_for_turns(3);
    order('e');
    stop_server();
    assert_string_equal(shared->log, "abS");
    expect_alone();
}

/* Stopped, it holds the lock and the connection: the system goes on when the turn is over, lock or no lock. */
static void one_that_hangs_in_its_turn_delays_the_system_no_longer_than_its_turn(void **state)
{
    (void)state;
    config.app_turn_s = 1;
    start_server();
    pid_t a = start_app('a', 1, -1);
    wait_for_turns(1);
    uint64_t began = now_ms(NULL);
    assert_int_equal(kill(a, SIGSTOP), 0);
    order('u');
    wait_for_turns(2);
    assert_true(now_ms(NULL) - began >= 900);
    order('e');
    assert_int_equal(kill(a, SIGKILL), 0);
    (void)finish(a);
    stop_server();
    assert_string_equal(shared->log, "aS");
}

static void a_system_that_takes_long_lets_an_application_go(void **state)
{
    (void)state;
    config.system_turn_s = 1;
    start_server();
    order('u');
    wait_for_turns(1);
    pid_t a = start_app('a', 1, 20);
    wait_for_turns(3);   /* and goes on afterwards */
    order('e');
    assert_int_equal(finish(a), 0);
    stop_server();
    assert_string_equal(shared->log, "SaS");
    expect_alone();
}

/* The bound of an application that waits for somebody who never ends. */
static void an_application_waits_no_longer_than_it_says(void **state)
{
    struct ota_posix_peer p;

    (void)state;
    start_server();
    order('u');
    wait_for_turns(1);
    open_peer(&p, 1);
    uint64_t began = now_ms(NULL);
    await_turn(&p);
    assert_true(p.overdue && now_ms(NULL) - began >= 1000);
    ota_posix_peer_done(&p);
    assert_false(p.overdue);
    ota_posix_peer_close(&p);
    stop_server();
}

static void without_an_agent_the_lock_alone_decides(void **state)
{
    (void)state;
    pid_t a = start_app('a', 3, 10), b = start_app('b', 3, 10);
    assert_int_equal(finish(a) + finish(b), 0);
    expect_alone();
    a = start_app('a', 1, -1);
    wait_for_turns(7);
    b = start_app('b', 1, 0);
    nap(50);
    kill_in_turn(a, 7);
    assert_int_equal(finish(b), 0);
    expect_alone();
}

/* An agent that was restarted finds the lock taken, and waits for its holder. */
static void the_lock_outlives_the_agent(void **state)
{
    (void)state;
    start_server();
    pid_t a = start_app('a', 1, -1);
    wait_for_turns(1);
    (void)kill(server, SIGKILL);
    (void)finish(server);
    start_server();
    order('u');
    wait_until(&shared->blocked, 1);
    atomic_store(&shared->released, 1);
    wait_for_turns(2);
    order('e');
    assert_int_equal(finish(a), 0);
    stop_server();
    assert_string_equal(shared->log, "aS");
    expect_alone();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_system_comes_first_where_both_wait),
        TEST(an_application_comes_between_two_updates),
        TEST(five_take_turns_and_nobody_is_left_out),
        TEST(one_that_dies_in_its_turn_is_no_obstacle),
        TEST(one_that_hangs_in_its_turn_delays_the_system_no_longer_than_its_turn),
        TEST(a_system_that_takes_long_lets_an_application_go),
        TEST(an_application_waits_no_longer_than_it_says),
        TEST(without_an_agent_the_lock_alone_decides),
        TEST(the_lock_outlives_the_agent),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
