/* SPDX-License-Identifier: Apache-2.0 */
/* The boot supervisor, run for real: tries are counted, crash loops fall back, confirmed slots stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ota/posix.h"

#define SLOT_SIZE (8 * 1024 * 1024)   /* an image is far smaller, but a sanitizer makes it grow */

extern char **environ;

static char dir[] = "/tmp/ota-supervisor-XXXXXX";
static char record[128], slot_a[128], slot_b[128], trace[128], link_path[128], note_path[128];
static bool with_link;

static void copy_image(const char *to)
{
    static char buf[65536];
    int in = open(TEST_IMAGE, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t n;

    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, buf, sizeof buf)) > 0)
        assert_int_equal(write(out, buf, (size_t)n), n);
    assert_int_equal(ftruncate(out, SLOT_SIZE), 0);
    assert_int_equal(close(in) + close(out), 0);
}

static int make_device(void **state)
{
    const uint8_t factory[1] = { 0 };
    struct ota_boot_record r;
    int32_t code = 0;

    (void)state;
    (void)unlink(trace);
    (void)unlink(note_path);
    copy_image(slot_a);
    copy_image(slot_b);
    ota_boot_record_init(&r, factory, 1);
    return ota_boot_record_create(record, &r, &code) == OTA_OK ? 0 : -1;
}

static struct ota_boot_record load(void)
{
    struct ota_boot_record r;
    int32_t code = 0;

    assert_int_equal(ota_boot_record_load(record, &r, &code), OTA_OK);
    return r;
}

static void change(bool (*step)(struct ota_boot_record *))
{
    struct ota_boot_record r = load();
    int32_t code = 0;

    assert_true(step(&r));
    assert_int_equal(ota_boot_record_store(record, &r, &code), OTA_OK);
}

static bool arm_b(struct ota_boot_record *r)
{
    const uint8_t b[1] = { 1 };

    return ota_boot_record_arm(r, b, 1, 3) == OTA_OK;
}

static pid_t start(const char *max_boots)
{
    char program[] = TEST_SUPERVISOR, option[] = "--max-boots", link_option[] = "--link", note_option[] = "--crash-note";
    char *bound = strdup(max_boots);
    char *plain[] = { program, option, bound, note_option, note_path, record, slot_a, slot_b, NULL };
    char *linked[] = { program, option, bound, link_option, link_path, record, slot_a, slot_b, NULL };
    char **argv = with_link ? linked : plain;
    pid_t pid = -1;

    assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, environ), 0);
    free(bound);
    return pid;
}

static int finish(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Let the images end as told; give the supervisor's status. */
static int boot(const char *max_boots, const char *a, const char *b)
{
    (void)setenv("IMAGE_A", a, 1);
    (void)setenv("IMAGE_B", b, 1);
    return finish(start(max_boots));
}

static void expect_trace(const char *want)
{
    char text[64] = "";
    FILE *f = fopen(trace, "r");

    if (f) {
        if (!fgets(text, sizeof text, f))
            text[0] = '\0';
        (void)fclose(f);
    }
    assert_string_equal(text, want);
}

static void shuts_down(void **state)
{
    (void)state;
    assert_int_equal(boot("9", "0", "99"), 0);
    expect_trace("a");
}

static void restarts_and_crashes_start_again(void **state)
{
    (void)state;
    assert_int_equal(boot("2", "75", "99"), 1);
    expect_trace("aa");
    assert_int_equal(boot("2", "crash", "99"), 1);
    expect_trace("aaaa");
    assert_int_equal(boot("1", "1", "99"), 1);
    expect_trace("aaaaa");
}

/* How often the note says that it happened, or 0 without a note; SPEC.md, "Crash note". */
static uint32_t noted(uint8_t how, uint8_t number)
{
    uint8_t note[64] = { 0 };
    FILE *f = fopen(note_path, "r");
    size_t n = f ? fread(note, 1, sizeof note, f) : 0;

    if (!f)
        return 0;
    (void)fclose(f);
    assert_int_equal(n, 36);
    assert_memory_equal(note, "OTAK\1", 5);
    assert_int_equal(note[5], how);
    assert_int_equal(note[8], number);
    return note[12];
}

/* For the agent's next report. Restarts that were asked for are no crashes. */
static void crashes_are_noted_and_counted(void **state)
{
    (void)state;
    assert_int_equal(boot("2", "75", "99"), 1);
    assert_int_equal(boot("1", "0", "99"), 0);
    assert_int_equal(noted(0, 0), 0);
    assert_int_equal(boot("2", "1", "99"), 1);
    assert_int_equal(noted(OTA_REPORT_EXIT, 1), 2);
    assert_int_equal(boot("1", "1", "99"), 1);
    assert_int_equal(noted(OTA_REPORT_EXIT, 1), 3);
    assert_int_equal(boot("1", "crash", "99"), 1); /* another end takes the note's place */
    assert_int_equal(noted(OTA_REPORT_SIGNAL, SIGKILL), 1);
}

static void trial_that_crashes_falls_back(void **state)
{
    (void)state;
    change(arm_b);
    assert_int_equal(boot("9", "0", "crash"), 0);
    expect_trace("bbba");
    assert_int_equal(load().fate, OTA_BOOT_FATE_OUT_OF_TRIES);
    assert_int_equal(load().state, OTA_BOOT_TRIAL_NONE);
    assert_int_equal(load().confirmed[0], 0);
}

/* Every start is on record before the image runs, so losing power (here: the bound) cannot win a try back. */
static void tries_are_counted_before_the_start(void **state)
{
    (void)state;
    change(arm_b);
    for (unsigned left = 3; left-- > 0;) {
        assert_int_equal(boot("1", "99", "75"), 1);
        assert_int_equal(load().tries, left);
        assert_int_equal(load().state, OTA_BOOT_TRIAL_STARTED);
    }
    assert_int_equal(boot("1", "0", "75"), 0);
    expect_trace("bbba");
}

static void confirmed_trial_stays(void **state)
{
    (void)state;
    change(arm_b);
    assert_int_equal(boot("1", "99", "75"), 1);
    change(ota_boot_record_confirm);
    assert_int_equal(boot("5", "99", "crash"), 1);
    expect_trace("bbbbbb");
}

static void given_up_trial_ends_at_the_restart(void **state)
{
    (void)state;
    change(arm_b);
    assert_int_equal(boot("1", "99", "75"), 1);
    change(ota_boot_record_revert);
    assert_int_equal(boot("9", "0", "75"), 0);
    expect_trace("ba");
    assert_int_equal(load().fate, OTA_BOOT_FATE_REVERTED);
}

/* Half an image is no reason to stop: it counts as a crash, and the old slot runs. */
static void damaged_image_falls_back(void **state)
{
    (void)state;
    assert_int_equal(truncate(slot_b, 0), 0);
    assert_int_equal(truncate(slot_b, SLOT_SIZE), 0);
    change(arm_b);
    assert_int_equal(boot("9", "0", "0"), 0);
    expect_trace("a");
    assert_int_equal(load().fate, OTA_BOOT_FATE_OUT_OF_TRIES);
}

static void missing_slot_falls_back(void **state)
{
    (void)state;
    assert_int_equal(unlink(slot_b), 0);
    change(arm_b);
    assert_int_equal(boot("9", "0", "0"), 0);
    expect_trace("a");
}

static void no_record_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(unlink(record), 0);
    assert_int_equal(boot("1", "0", "0"), 1);
    expect_trace("");
}

static void torn_record_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(truncate(record, 0), 0);
    assert_int_equal(boot("1", "0", "0"), 1);
    expect_trace("");
}

/* An uncounted try would let a bad image run for ever. */
static void unwritable_record_leaves_the_trial_out(void **state)
{
    (void)state;
    /* Root writes to read-only files; programs that are started from now on do not. */
    if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0)
        skip();
    change(arm_b);
    assert_int_equal(chmod(record, 0400), 0);
    assert_int_equal(boot("9", "0", "99"), 0);
    expect_trace("a");
}

static bool take_out(struct ota_boot_record *r)
{
    return ota_boot_record_arm(r, (const uint8_t[]){ OTA_SLOT_REMOVE }, 1, 3) == OTA_OK;
}

/* An application that was taken out has no link, and is not started; one that comes back has. */
static void an_application_is_taken_out_and_comes_back(void **state)
{
    char target[128] = "";

    (void)state;
    with_link = true;
    assert_int_equal(chmod(slot_a, 0700), 0);
    assert_int_equal(boot("1", "0", "0"), 0);
    expect_trace("a");
    assert_true(readlink(link_path, target, sizeof target - 1) > 0);
    change(take_out);
    assert_int_equal(boot("9", "0", "0"), 0);
    expect_trace("a");
    assert_int_equal(access(link_path, F_OK), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(load().state, OTA_BOOT_TRIAL_STARTED);
    assert_int_equal(boot("9", "0", "0"), 0); /* once more: no link is no error */
    change(ota_boot_record_revert);
    assert_int_equal(boot("9", "0", "0"), 0);
    expect_trace("aa");
    assert_true(readlink(link_path, target, sizeof target - 1) > 0);
    with_link = false;
    change(take_out);
    assert_int_equal(boot("9", "0", "0"), 1); /* a device without its system */
}

static void wait_for_trace(void)
{
    const struct timespec nap = { 0, 20000000L };
    struct stat st;

    for (int i = 0; i < 500 && stat(trace, &st) != 0; i++)
        (void)nanosleep(&nap, NULL);
    assert_int_equal(stat(trace, &st), 0);
}

static void stops_when_told(void **state)
{
    pid_t pid;

    (void)state;
    (void)setenv("IMAGE_A", "wait", 1);
    pid = start("9");
    wait_for_trace();
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(finish(pid), 0);
    expect_trace("a");
}

static int make_names(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(record, sizeof record, "%s/boot", dir);
    (void)snprintf(slot_a, sizeof slot_a, "%s/a", dir);
    (void)snprintf(slot_b, sizeof slot_b, "%s/b", dir);
    (void)snprintf(trace, sizeof trace, "%s/trace", dir);
    (void)snprintf(link_path, sizeof link_path, "%s/current", dir);
    (void)snprintf(note_path, sizeof note_path, "%s/crash.os", dir);
    return setenv("IMAGE_TRACE", trace, 1);
}

static int remove_all(void **state)
{
    (void)state;
    (void)unlink(record);
    (void)unlink(slot_a);
    (void)unlink(slot_b);
    (void)unlink(trace);
    (void)unlink(link_path);
    (void)unlink(note_path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(shuts_down, make_device),
        cmocka_unit_test_setup(restarts_and_crashes_start_again, make_device),
        cmocka_unit_test_setup(crashes_are_noted_and_counted, make_device),
        cmocka_unit_test_setup(trial_that_crashes_falls_back, make_device),
        cmocka_unit_test_setup(tries_are_counted_before_the_start, make_device),
        cmocka_unit_test_setup(confirmed_trial_stays, make_device),
        cmocka_unit_test_setup(given_up_trial_ends_at_the_restart, make_device),
        cmocka_unit_test_setup(damaged_image_falls_back, make_device),
        cmocka_unit_test_setup(missing_slot_falls_back, make_device),
        cmocka_unit_test_setup(no_record_is_an_error, make_device),
        cmocka_unit_test_setup(torn_record_is_an_error, make_device),
        cmocka_unit_test_setup(unwritable_record_leaves_the_trial_out, make_device),
        cmocka_unit_test_setup(an_application_is_taken_out_and_comes_back, make_device),
        cmocka_unit_test_setup(stops_when_told, make_device),
    };

    return cmocka_run_group_tests(tests, make_names, remove_all);
}
