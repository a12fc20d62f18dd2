/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* the operating system beside the C library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "ota/posix.h"

static void rest(void)
{
    struct timespec t = { 0, 5 * 1000000 };

    nanosleep(&t, NULL);
}

/* Polls until there is a verdict; `agains` counts the looks that gave none. */
static ota_err judge(const char *const *argv, uint32_t limit_ms, int32_t *code)
{
    const struct ota_posix_health_config cfg = { argv, limit_ms };
    struct ota_posix_health h;
    ota_err err = OTA_AGAIN;

    assert_int_equal(ota_posix_health_exec_open(&h, &cfg, NULL), OTA_OK);
    *code = 0;
    for (int i = 0; i < 1000 && err == OTA_AGAIN; i++) {
        err = h.port.ops->check(&h.port, code);
        rest();
    }
    ota_posix_health_close(&h);
    return err;
}

static void the_exit_status_is_the_verdict(void **state)
{
    static const char *const good[] = { "/bin/true", NULL };
    static const char *const sick[] = { "/bin/sh", "-c", "exit 3", NULL };
    static const char *const killed[] = { "/bin/sh", "-c", "kill -TERM $$", NULL };
    int32_t code;

    (void)state;
    assert_int_equal(judge(good, 0, &code), OTA_OK);
    assert_int_equal(judge(sick, 0, &code), OTA_REJECT_HEALTH);
    assert_int_equal(code, 3);
    assert_int_equal(judge(killed, 0, &code), OTA_REJECT_HEALTH);
    assert_int_equal(code, -SIGTERM);
}

static void the_first_look_never_waits(void **state)
{
    static const char *const slow[] = { "/bin/sleep", "30", NULL };
    const struct ota_posix_health_config cfg = { slow, 0 };
    struct ota_posix_health h;
    int32_t code = 0;
    pid_t pid;

    (void)state;
    assert_int_equal(ota_posix_health_exec_open(&h, &cfg, NULL), OTA_OK);
    assert_int_equal(h.port.ops->check(&h.port, &code), OTA_AGAIN);
    assert_int_equal(h.port.ops->check(&h.port, &code), OTA_AGAIN);
    pid = (pid_t)h.pid;
    assert_int_equal(getpgid(pid), pid);
    ota_posix_health_close(&h);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* A shell that waits for a child: the time limit ends both. */
static void the_time_limit_ends_the_whole_group(void **state)
{
    static const char *const stuck[] = { "/bin/sh", "-c", "sleep 30; exit 0", NULL };
    int32_t code;

    (void)state;
    assert_int_equal(judge(stuck, 50, &code), OTA_REJECT_HEALTH);
    assert_int_equal(code, -SIGKILL);
}

static void no_verdict_yet_is_asked_again(void **state)
{
    static const char *const undecided[] = { "/bin/sh", "-c", "exit 75", NULL };
    const struct ota_posix_health_config cfg = { undecided, 0 };
    struct ota_posix_health h;
    unsigned starts = 0;
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_posix_health_exec_open(&h, &cfg, NULL), OTA_OK);
    for (int i = 0; i < 400 && starts < 2; i++) {
        int64_t before = h.pid;

        assert_int_equal(h.port.ops->check(&h.port, &code), OTA_AGAIN);
        starts += before == 0 && h.pid != 0;
        rest();
    }
    assert_int_equal(starts, 2);
    ota_posix_health_close(&h);
}

static void a_check_that_cannot_be_run_is_no_verdict(void **state)
{
    static const char *const missing[] = { "/nonexistent/check", NULL };
    static const char *const none[] = { NULL };
    const struct ota_posix_health_config bad = { none, 0 };
    struct ota_posix_health h;
    struct ota_fault fault;
    int32_t code;

    (void)state;
    assert_int_equal(judge(missing, 0, &code), OTA_DEVICE_HEALTH);
    assert_int_equal(code, ENOENT);
    assert_int_equal(ota_posix_health_exec_open(&h, &bad, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "health.argv");
    ota_posix_health_close(&h);
}

static void nothing_to_check_is_healthy(void **state)
{
    struct ota_posix_health h;
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_posix_health_none_open(&h, NULL), OTA_OK);
    assert_int_equal(h.port.ops->check(&h.port, &code), OTA_OK);
    ota_posix_health_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_status_is_the_verdict),
        cmocka_unit_test(the_first_look_never_waits),
        cmocka_unit_test(the_time_limit_ends_the_whole_group),
        cmocka_unit_test(no_verdict_yet_is_asked_again),
        cmocka_unit_test(a_check_that_cannot_be_run_is_no_verdict),
        cmocka_unit_test(nothing_to_check_is_healthy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
