/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* the operating system beside the C library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ota/posix.h"

static char dir[] = "/tmp/ota-slot-XXXXXX";
static char path[64], other[64];

static void a_slot_is_made_with_its_size(void **state)
{
    const struct ota_posix_slot_file_config cfg = { path, 20000 };
    struct ota_slot_geometry g;
    struct ota_posix_slot s;
    struct stat st;
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, NULL), OTA_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 20000);
    assert_true(st.st_blocks * 512 >= 20000); /* space is taken, not promised */
    assert_int_equal(s.port.ops->geometry(&s.port, &g, &code), OTA_OK);
    assert_true(g.size == 20000 && g.write_unit == 1 && g.erase_unit == 0);
    ota_posix_slot_close(&s);
    ota_posix_slot_close(&s);
}

/* Regression: a power cut behind a slot's creation left an empty file, which was refused with EFBIG for good. */
static void a_slot_that_was_begun_is_made(void **state)
{
    struct ota_posix_slot_file_config cfg = { other, 20000 };
    struct ota_posix_slot s;
    struct ota_fault fault;
    struct stat st;

    (void)state;
    assert_int_equal(close(open(other, O_CREAT | O_EXCL | O_RDWR, 0700)), 0);
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_OK);
    assert_int_equal(stat(other, &st), 0);
    assert_int_equal(st.st_size, 20000);
    assert_true(st.st_blocks * 512 >= 20000);
    ota_posix_slot_close(&s);
    /* one byte more than nothing is somebody's */
    assert_int_equal(truncate(other, 1), 0);
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_string_equal(fault.where, "slot.size");
    assert_int_equal(stat(other, &st), 0);
    assert_int_equal(st.st_size, 1);
    /* without a size nothing is made */
    assert_int_equal(truncate(other, 0), 0);
    cfg.size = 0;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_int_equal(unlink(other), 0);
}

static void another_size_a_link_or_no_file_is_refused(void **state)
{
    struct ota_posix_slot_file_config cfg = { path, 4096 };
    struct ota_posix_slot s;
    struct ota_fault fault;

    (void)state;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_string_equal(fault.where, "slot.size");
    cfg = (struct ota_posix_slot_file_config){ other, 0 };
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_int_equal(fault.port_code, ENOENT);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_int_equal(fault.port_code, ELOOP);
    cfg.size = 20000; /* nor is a link made into a slot */
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_int_equal(unlink(other), 0);
    cfg = (struct ota_posix_slot_file_config){ dir, 0 };
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_int_equal(fault.port_code, EINVAL);
    cfg.path = NULL;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "slot.path");
}

static void one_holder_at_a_time(void **state)
{
    const struct ota_posix_slot_file_config cfg = { path, 0 };
    struct ota_posix_slot a, b;
    struct ota_slot_geometry g;
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_posix_slot_file_open(&a, &cfg, NULL), OTA_OK);
    assert_int_equal(ota_posix_slot_file_open(&b, &cfg, NULL), OTA_OK);
    assert_int_equal(a.port.ops->geometry(&a.port, &g, &code), OTA_OK);
    assert_int_equal(b.port.ops->geometry(&b.port, &g, &code), OTA_DEVICE_LOCKED);
    assert_int_equal(b.port.ops->write(&b.port, 0, "x", 1, &code), OTA_DEVICE_LOCKED);
    ota_posix_slot_close(&a);
    assert_int_equal(b.port.ops->write(&b.port, 0, "x", 1, &code), OTA_OK);
    ota_posix_slot_close(&b);
}

static void a_slot_replaced_behind_our_back_is_not_written(void **state)
{
    const struct ota_posix_slot_file_config cfg = { path, 0 };
    struct ota_posix_slot s;
    int32_t code = 0;
    char c;

    (void)state;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, NULL), OTA_OK);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(s.port.ops->write(&s.port, 0, "y", 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, ENOENT);
    assert_int_equal(close(open(path, O_CREAT | O_RDWR, 0600)), 0);
    assert_int_equal(s.port.ops->write(&s.port, 0, "y", 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, ESTALE);
    assert_int_equal(s.port.ops->read(&s.port, 0, &c, 1, &code), OTA_OK);
    assert_int_equal(c, 'x');
    ota_posix_slot_close(&s);
    assert_int_equal(rename(other, path), 0);
}

/* The agent that runs from a slot has it open: that must not keep the slot from being executed. */
static void a_slot_that_is_only_read_can_be_executed(void **state)
{
    const struct ota_posix_slot_file_config cfg = { path, 0 };
    static const char script[] = "#!/bin/sh\nexit 42\n";
    struct ota_posix_slot s;
    struct ota_slot_geometry g;
    int32_t code = 0;
    int status = 0;
    pid_t pid;

    (void)state;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, NULL), OTA_OK);
    assert_int_equal(s.port.ops->write(&s.port, 0, script, sizeof script - 1, &code), OTA_OK);
    assert_int_equal(s.port.ops->sync(&s.port, &code), OTA_OK);
    ota_posix_slot_close(&s);
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, NULL), OTA_OK);
    assert_int_equal(s.port.ops->geometry(&s.port, &g, &code), OTA_OK);
    pid = fork();
    if (pid == 0) {
        execl(path, path, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    ota_posix_slot_close(&s);
}

static void erasing_what_needs_none_is_refused(void **state)
{
    const struct ota_posix_slot_file_config cfg = { path, 0 };
    struct ota_posix_slot s;
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, NULL), OTA_OK);
    assert_int_equal(s.port.ops->erase(&s.port, 0, 4096, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, ENOTSUP);
    ota_posix_slot_close(&s);
}

static void only_block_devices_are_block_slots(void **state)
{
    struct ota_posix_slot_block_config cfg = { path };
    struct ota_posix_slot s;
    struct ota_fault fault;

    (void)state;
    assert_int_equal(ota_posix_slot_block_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_int_equal(fault.port_code, ENOTBLK);
    cfg.path = "/dev/null";
    assert_int_equal(ota_posix_slot_block_open(&s, &cfg, &fault), OTA_DEVICE_SLOT);
    assert_int_equal(fault.port_code, ENOTBLK);
    cfg.path = NULL;
    assert_int_equal(ota_posix_slot_block_open(&s, &cfg, &fault), OTA_USAGE_ARGUMENT);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/slot", dir);
    snprintf(other, sizeof other, "%s/other", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_is_made_with_its_size), cmocka_unit_test(a_slot_that_was_begun_is_made),
        cmocka_unit_test(another_size_a_link_or_no_file_is_refused),
        cmocka_unit_test(one_holder_at_a_time),
        cmocka_unit_test(a_slot_replaced_behind_our_back_is_not_written),
        cmocka_unit_test(a_slot_that_is_only_read_can_be_executed),
        cmocka_unit_test(erasing_what_needs_none_is_refused),
        cmocka_unit_test(only_block_devices_are_block_slots),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
