/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* the operating system beside the C library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "ota/posix.h"

static char dir[64];
static struct ota_posix_conditions port;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/ota-conditions-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[100];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

/* A file below dir; "bat/capacity" makes the folder. */
static void put(const char *path, const char *text)
{
    char name[160];

    (void)snprintf(name, sizeof name, "%s/%s", dir, path);
    char *slash = strrchr(name, '/');
    *slash = '\0';
    (void)mkdir(name, 0700);
    *slash = '/';
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static struct ota_conditions_now look(void)
{
    struct ota_conditions_now now = { .battery_percent = OTA_NOT_KNOWN, .on_mains = OTA_NOT_KNOWN, .metered = OTA_NOT_KNOWN };
    int32_t code = 0;

    assert_int_equal(port.port.ops->read(&port.port, &now, &code), OTA_OK);
    return now;
}

static void open_port(const struct ota_posix_conditions_config *cfg)
{
    assert_int_equal(ota_posix_conditions_open(&port, cfg, NULL), OTA_OK);
}

static void assert_power(int percent, int mains)
{
    struct ota_conditions_now now = look();

    assert_int_equal(now.battery_percent, percent);
    assert_int_equal(now.on_mains, mains);
    assert_int_equal(now.metered, OTA_NOT_KNOWN);
    assert_false(now.offset_known);
}

static void power_supplies(void **state)
{
    const struct ota_posix_conditions_config cfg = { .power_dir = dir };

    (void)state;
    open_port(&cfg);
    assert_power(-1, -1);
    put("BAT0/type", "Battery\n");
    assert_power(-1, -1);
    put("BAT0/capacity", "41\n");
    put("BAT0/status", "Discharging\n");
    assert_power(41, -1);
    put("AC/type", "Mains\n");
    put("AC/online", "0\n");
    assert_power(41, 0);
    put("USB/type", "USB\n");
    put("USB/online", "1\n");
    assert_power(41, 1);
    put("USB/online", "0\n");
    assert_power(41, 0);
    put("BAT0/status", "Charging\n");
    assert_power(41, 1);
    put("BAT0/status", "Full\n");
    assert_power(41, 1);
    put("BAT0/status", "Not charging\n");
    put("BAT1/type", "Battery\n");
    put("BAT1/capacity", "100\n");
    assert_power(100, 0);
    put("mouse/type", "Battery\n");
    put("mouse/scope", "Device\n");
    put("mouse/capacity", "7\n");
    put("mouse/status", "Charging\n");
    assert_power(100, 0);
}

static void a_gauge_that_talks_nonsense(void **state)
{
    static const char *const lines[] = { "101\n", "-1\n", "", "fifty\n", "50%\n", "99999999999999999999999\n", " 50\n" };
    const struct ota_posix_conditions_config cfg = { .power_dir = dir };

    (void)state;
    open_port(&cfg);
    put("BAT0/type", "Battery\n");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        put("BAT0/capacity", lines[i]);
        assert_power(-1, -1);
    }
    put("BAT0/capacity", "50");
    assert_power(50, -1);
    teardown(NULL);
    assert_power(-1, -1);   /* and the folder is gone */
    assert_int_equal(mkdir(dir, 0700), 0);
}

static int answer_of(const char *script, uint32_t limit_ms)
{
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    const struct ota_posix_conditions_config cfg = { .power_dir = dir, .metered = argv, .limit_ms = limit_ms };
    int8_t got = 1;

    open_port(&cfg);
    assert_int_equal(look().metered, 1);   /* not known yet: whoever waits loses little */
    for (int i = 0; i < 2000 && (port.pid || got == 1); i++) {
        struct timespec t = { 0, 5 * 1000000 };

        nanosleep(&t, NULL);
        got = look().metered;
        if (!port.pid)
            break;
    }
    assert_int_equal(port.pid, 0);
    ota_posix_conditions_close(&port);
    return got;
}

static void a_program_tells_whether_the_link_is_metered(void **state)
{
    (void)state;
    assert_int_equal(answer_of("exit 0", 0), 1);
    assert_int_equal(answer_of("exit 1", 0), 0);
    assert_int_equal(answer_of("exit 2", 0), OTA_NOT_KNOWN);
    assert_int_equal(answer_of("kill -9 $$", 0), OTA_NOT_KNOWN);
    assert_int_equal(answer_of("sleep 30", 50), OTA_NOT_KNOWN);
}

static void a_program_that_cannot_be_run_tells_nothing(void **state)
{
    static const char *const absent[] = { "/nowhere/at-all", NULL }, *const none[] = { NULL };
    const struct ota_posix_conditions_config cfg = { .power_dir = dir, .metered = absent }, bad = { .metered = none };
    struct ota_fault fault;

    (void)state;
    open_port(&cfg);
    for (int i = 0; i < 500 && look().metered == 1; i++) {
        struct timespec t = { 0, 5 * 1000000 };

        nanosleep(&t, NULL);
    }
    assert_int_equal(look().metered, OTA_NOT_KNOWN);
    ota_posix_conditions_close(&port);
    assert_int_equal(ota_posix_conditions_open(&port, &bad, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "conditions.metered");
    assert_int_equal(ota_posix_conditions_open(&port, NULL, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_posix_conditions_open(NULL, &cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "conditions");
}

static void what_it_started_ends_with_it(void **state)
{
    static const char *const slow[] = { "/bin/sleep", "30", NULL };
    const struct ota_posix_conditions_config cfg = { .power_dir = dir, .metered = slow };

    (void)state;
    open_port(&cfg);
    (void)look();
    pid_t pid = (pid_t)port.pid;
    assert_true(pid > 0);
    assert_int_equal(look().metered, 1);
    ota_posix_conditions_close(&port);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    ota_posix_conditions_close(&port);
}

/* Somebody else takes the status of its child. */
static void a_status_that_is_lost(void **state)
{
    static const char *const quick[] = { "/bin/true", NULL };
    const struct ota_posix_conditions_config cfg = { .power_dir = dir, .metered = quick };
    int status;

    (void)state;
    open_port(&cfg);
    (void)look();
    assert_int_equal(waitpid((pid_t)port.pid, &status, 0), port.pid);
    assert_int_equal(look().metered, OTA_NOT_KNOWN);
    assert_int_equal(port.pid, 0);
    assert_int_equal(look().metered, OTA_NOT_KNOWN);   /* not asked again so soon */
    assert_int_equal(port.pid, 0);
    ota_posix_conditions_close(&port);
}

static void consent_by_a_file(void **state)
{
    static const struct { const char *text; ota_err answer; } rows[] = {
        { "any\n", OTA_OK }, { "any", OTA_OK }, { "42\n", OTA_OK }, { "42", OTA_OK }, { "042\n", OTA_OK }, { "43\n", OTA_AGAIN }, { "4\n", OTA_AGAIN },
        { "", OTA_AGAIN }, { "\n", OTA_AGAIN }, { "-42\n", OTA_AGAIN }, { "42x\n", OTA_AGAIN }, { "anybody\n", OTA_AGAIN }, { "yes\n", OTA_AGAIN },
        { "18446744073709551658\n", OTA_AGAIN },   /* 42 + 2^64 */
    };
    char file[100];
    const struct ota_posix_conditions_config cfg = { .power_dir = dir, .consent_file = file }, none = { .power_dir = dir };
    int32_t code = 0;

    (void)state;
    (void)snprintf(file, sizeof file, "%s/consent", dir);
    open_port(&cfg);
    assert_int_equal(port.port.ops->consent(&port.port, 42, &code), OTA_AGAIN);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put("consent", rows[i].text);
        if (port.port.ops->consent(&port.port, 42, &code) != rows[i].answer)
            fail_msg("\"%s\"", rows[i].text);
    }
    open_port(&none);
    assert_int_equal(port.port.ops->consent(&port.port, 42, &code), OTA_AGAIN);
}

static void local_time_is_the_systems(void **state)
{
    const struct ota_posix_conditions_config cfg = { .power_dir = dir, .local_time = true };

    (void)state;
    open_port(&cfg);
    assert_int_equal(setenv("TZ", "XYZ-05:30", 1), 0);
    assert_true(look().offset_known && look().utc_offset_s == 19800);
    assert_int_equal(setenv("TZ", "ABC+03:00", 1), 0);
    assert_int_equal(look().utc_offset_s, -10800);
    assert_int_equal(unsetenv("TZ"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(power_supplies), TEST(a_gauge_that_talks_nonsense), TEST(a_program_tells_whether_the_link_is_metered),
        TEST(a_program_that_cannot_be_run_tells_nothing), TEST(what_it_started_ends_with_it), TEST(a_status_that_is_lost),
        TEST(consent_by_a_file), TEST(local_time_is_the_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
