/* SPDX-License-Identifier: Apache-2.0 */
/* U-Boot's environment: one store for all variables, two copies of which one may be torn, and every way to be broken. */
#define _GNU_SOURCE /* the operating system beside the C library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader_models.h"
#include "ota/posix.h"

#define COPY 4096u

static char dir[] = "/tmp/ota-uboot-XXXXXX";
static char record[64];
static struct model model;
static struct ota_posix_boot_uboot uboot;
static struct ota_posix_boot_uboot_count counting;
static struct ota_fault fault;

static struct ota_posix_loader_config common(void)
{
    return (struct ota_posix_loader_config){ .record = record, .cmdline = model.cmdline, .root = dir };
}

static ota_err open_it(void)
{
    return ota_posix_boot_uboot_open(&uboot, &(struct ota_posix_boot_uboot_config){ common(), model.path, 0 }, &fault);
}

static ota_err open_count(const char *variable)
{
    return ota_posix_boot_uboot_count_open(&counting, &(struct ota_posix_boot_uboot_count_config){ common(), model.path, variable }, &fault);
}

static ota_err arm(uint8_t tries, int32_t *code)
{
    return uboot.base.port.ops->arm(&uboot.base.port, (const uint8_t[]){ 1 }, 1, tries, code);
}

static const char *env_path(void)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/env", dir);
    return path;
}

static void load(uint8_t env[2 * COPY])
{
    int fd = open(env_path(), O_RDONLY);

    assert_int_equal(pread(fd, env, 2 * COPY, 0), 2 * COPY);
    close(fd);
}

static void save(const uint8_t env[2 * COPY])
{
    int fd = open(env_path(), O_WRONLY);

    assert_int_equal(pwrite(fd, env, 2 * COPY, 0), 2 * COPY);
    close(fd);
}

static void expect(const char *name, const char *want)
{
    char text[64] = "";

    assert_true(model_uboot_get(&model, name, text, sizeof text));
    assert_string_equal(text, want);
}

static void all_variables_change_in_one_store(void **state)
{
    uint8_t before[2 * COPY], after[2 * COPY];
    int32_t code = 0;
    unsigned first;

    (void)state;
    assert_int_equal(open_it(), OTA_OK);
    load(before);
    assert_int_equal(arm(12, &code), OTA_OK);
    load(after);
    first = memcmp(before, after, COPY) == 0;
    assert_memory_equal(before + (1 - first) * COPY, after + (1 - first) * COPY, COPY); /* the newer copy is not touched */
    assert_int_equal((uint8_t)(after[first * COPY + 4] - before[(1 - first) * COPY + 4]), 1); /* one step */
    expect("BOOT_ORDER", "B A");
    expect("BOOT_B_LEFT", "c"); /* hexadecimal */
    expect("BOOT_A_LEFT", "3");
    expect("bootdelay", "2");
}

/* The store is torn at every 64 bytes: the environment reads as before or as after, and the device starts. */
static void a_torn_store_leaves_the_old_environment(void **state)
{
    uint8_t before[2 * COPY], after[2 * COPY], torn[2 * COPY];
    struct ota_boot_view v;
    unsigned armed = 0, not_armed = 0;
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_it(), OTA_OK);
    load(before);
    assert_int_equal(arm(3, &code), OTA_OK);
    load(after);
    for (unsigned cut = 0; cut <= COPY; cut += 64) {
        unsigned off = memcmp(before, after, COPY) != 0 ? 0 : COPY;

        memcpy(torn, before, sizeof torn);
        memcpy(torn + off, after + off, cut);
        save(torn);
        assert_int_equal(uboot.base.port.ops->view(&uboot.base.port, &v, &code), OTA_OK);
        *(v.pending ? &armed : &not_armed) += 1;
        assert_int_equal(model_start(&model), v.pending ? 'B' : 'A');
        model_remove(&model);
        model_make(&model, MODEL_UBOOT, 0, dir);
        assert_int_equal(open_it(), OTA_OK);
        load(before);
        assert_int_equal(arm(3, &code), OTA_OK);
        load(after);
    }
    assert_true(armed >= 1 && not_armed >= 1);
}

static void broken_copies_are_survived_or_named(void **state)
{
    uint8_t env[2 * COPY];
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(3, &code), OTA_OK);
    for (unsigned copy = 0; copy < 2; copy++) {
        load(env);
        env[copy * COPY + 100] ^= 1;
        save(env);
        assert_int_equal(open_it(), OTA_OK); /* the other one is there */
        env[copy * COPY + 100] ^= 1;
        save(env);
    }
    env[100] ^= 1;
    env[COPY + 100] ^= 1;
    save(env);
    assert_int_equal(open_it(), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "environment: no copy is valid");
    assert_int_equal(fault.port_code, EBADMSG);
    assert_int_equal(uboot.base.port.ops->revert(&uboot.base.port, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EBADMSG);
    assert_int_equal(model_start(&model), 'A'); /* U-Boot has a built-in environment */
}

static void refuse(const char *where, int32_t code)
{
    assert_int_equal(open_it(), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, where);
    assert_int_equal(fault.port_code, code);
    assert_true(model_start(&model) != 0);
}

static void broken_variables_are_named(void **state)
{
    static const struct {
        const char *name, *value;
        int32_t code;
    } list[] = {
        { "BOOT_ORDER", NULL, ENODATA }, { "BOOT_ORDER", "C D", ERANGE }, { "BOOT_ORDER", "", ENODATA },
        { "BOOT_A_LEFT", NULL, ENODATA }, { "BOOT_B_LEFT", "100", ERANGE }, { "BOOT_B_LEFT", "-1", ERANGE },
        { "BOOT_B_LEFT", "3x", ERANGE }, { "BOOT_A_LEFT", " 3", ERANGE }, { "BOOT_A_LEFT", "0x", ERANGE },
        { "BOOT_B_LEFT", "000000000000000000000000000000000001", ERANGE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        model_uboot_set(&model, list[i].name, list[i].value);
        if (list[i].value && !*list[i].value)
            refuse(list[i].name, ERANGE);
        else
            refuse(list[i].name, list[i].code);
        model_remove(&model);
        model_make(&model, MODEL_UBOOT, 0, dir);
    }
    model_uboot_set(&model, "BOOT_B_LEFT", "0x2");
    assert_int_equal(open_it(), OTA_OK);
}

static void write_config(const char *text)
{
    int fd = open(model.path, O_WRONLY | O_TRUNC);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void one_copy_is_refused_with_the_reason(void **state)
{
    char text[600];

    (void)state;
    snprintf(text, sizeof text, "# %s 0 0\n\n%s 0x0 0x1000\n", dir, env_path());
    write_config(text);
    refuse("fw_env.config: one copy, two are needed", ENOTSUP);
    write_config("# nothing\n");
    refuse("fw_env.config", EINVAL);
    unlink(model.path);
    refuse("fw_env.config", ENOENT);
}

static void foreign_slots_keep_their_place(void **state)
{
    int32_t code = 0;

    (void)state;
    model_uboot_set(&model, "BOOT_ORDER", "A R B");
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(3, &code), OTA_OK);
    expect("BOOT_ORDER", "B A R");
    assert_int_equal(uboot.base.port.ops->revert(&uboot.base.port, &code), OTA_OK);
    expect("BOOT_ORDER", "A R");
    expect("BOOT_B_LEFT", "0");
}

/* RAUC's script takes a try at every start, also of the confirmed slot. */
static void starts_without_an_update_never_run_out(void **state)
{
    (void)state;
    assert_int_equal(open_it(), OTA_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(model_start(&model), 'A');
        assert_int_equal(ota_posix_loader_settle(&uboot.base, NULL), OTA_OK);
        expect("BOOT_A_LEFT", "3");
    }
}

static void a_trial_that_goes_back_is_cleaned_up_once(void **state)
{
    struct ota_boot_view v;
    uint8_t env[2 * COPY], again[2 * COPY];
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(2, &code), OTA_OK);
    assert_int_equal(model_start(&model), 'B');
    assert_int_equal(ota_posix_loader_settle(&uboot.base, NULL), OTA_OK);
    expect("BOOT_B_LEFT", "1"); /* settling gives a trial no try */
    assert_int_equal(model_start(&model), 'B');
    assert_int_equal(model_start(&model), 'A');
    assert_int_equal(uboot.base.port.ops->view(&uboot.base.port, &v, &code), OTA_OK);
    assert_true(v.spent && !v.trial && !v.pending && v.running[0] == 0);
    assert_int_equal(ota_posix_loader_settle(&uboot.base, NULL), OTA_OK);
    expect("BOOT_ORDER", "A");
    assert_int_equal(uboot.base.port.ops->view(&uboot.base.port, &v, &code), OTA_OK);
    assert_true(v.spent);
    load(env);
    assert_int_equal(ota_posix_loader_settle(&uboot.base, NULL), OTA_OK);
    load(again);
    assert_memory_equal(env, again, sizeof env);
}

static void counters_are_decimal(void **state)
{
    int32_t code = 0;
    struct ota_boot_view v;

    (void)state;
    assert_int_equal(open_count("boot_part"), OTA_OK);
    assert_int_equal(counting.base.port.ops->arm(&counting.base.port, (const uint8_t[]){ 1 }, 1, 12, &code), OTA_OK);
    expect("boot_part", "B");
    expect("upgrade_available", "1");
    expect("bootlimit", "12");
    expect("bootcount", "0");
    model_uboot_set(&model, "bootcount", "10");
    assert_int_equal(counting.base.port.ops->view(&counting.base.port, &v, &code), OTA_OK);
    assert_int_equal(v.tries_left, 2);
}

static void broken_counters_are_named(void **state)
{
    static const struct {
        const char *name, *value;
        int32_t code;
    } list[] = {
        { "boot_part", NULL, ENODATA }, { "boot_part", "C", ERANGE }, { "upgrade_available", NULL, ENODATA },
        { "upgrade_available", "2", ERANGE }, { "bootcount", NULL, ENODATA }, { "bootcount", "a", ERANGE },
        { "bootlimit", "1000", ERANGE }, { "bootlimit", NULL, ENODATA },
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        model_uboot_set(&model, "upgrade_available", "1");
        model_uboot_set(&model, list[i].name, list[i].value);
        assert_int_equal(open_count("boot_part"), OTA_DEVICE_BOOT);
        assert_string_equal(fault.where, list[i].name);
        assert_int_equal(fault.port_code, list[i].code);
        model_remove(&model);
        model_make(&model, MODEL_UBOOT_COUNT, 0, dir);
    }
    assert_int_equal(open_count(NULL), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "boot.variable");
}

static void read_only_media_are_said(void **state)
{
    char on[128], config[160];
    int32_t code = 0;

    (void)state;
    snprintf(on, sizeof on, "%s/ro", dir);
    snprintf(config, sizeof config, "%s/cfg", on);
    assert_int_equal(mkdir(on, 0700), 0);
    if (mount("none", on, "tmpfs", 0, "size=64k") != 0) {
        rmdir(on);
        skip();
    }
    char command[1200];
    snprintf(command, sizeof command, "cp %s %s/env && printf '%s/env 0 0x1000\\n%s/env 0x1000 0x1000\\n' > %s", env_path(), on, on, on, config);
    assert_int_equal(system(command), 0);
    assert_int_equal(mount("none", on, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    snprintf(model.path, sizeof model.path, "%s", config);
    ota_err opened = open_it();
    ota_err armed = arm(3, &code);
    umount(on);
    rmdir(on);
    assert_int_equal(opened, OTA_OK);
    assert_int_equal(armed, OTA_DEVICE_BOOT);
    assert_int_equal(code, EROFS);
}

/* Somebody holds the lock of the environment: waited for so long, then said, and nothing is changed. */
static void a_lock_that_is_held_is_not_waited_for_without_end(void **state)
{
    static const char lock[] = "/var/lock/fw_printenv.lock";
    struct ota_posix_loader_config c = common();
    uint8_t before[2 * COPY], after[2 * COPY];
    int32_t code = 0;
    int fd;

    (void)state;
    c.timeout_ms = 150;
    assert_int_equal(ota_posix_boot_uboot_open(&uboot, &(struct ota_posix_boot_uboot_config){ c, model.path, 0 }, &fault), OTA_OK);
    load(before);
    fd = open(lock, O_RDONLY | O_CLOEXEC); /* it is there: the library has just used it */
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(arm(3, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ETIMEDOUT);
    assert_string_equal(ota_posix_loader_trouble(&uboot.base), "environment lock");
    load(after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(close(fd), 0);
    assert_int_equal(arm(3, &code), OTA_OK);
}

/* It is let go while it is waited for. */
static void a_lock_that_is_let_go_is_taken(void **state)
{
    int ready[2], status = 0;
    int32_t code = 0;
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        int fd = open("/var/lock/fw_printenv.lock", O_RDONLY);

        if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        usleep(200000);
        _exit(0); /* lets it go */
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    assert_int_equal(arm(3, &code), OTA_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(model_start(&model), 'B');
}

static int make(void **state)
{
    (void)state;
    model_make(&model, MODEL_UBOOT, 0, dir);
    return 0;
}

static int make_count(void **state)
{
    (void)state;
    model_make(&model, MODEL_UBOOT_COUNT, 0, dir);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    model_remove(&model);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(record, sizeof record, "%s/record", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_variables_change_in_one_store, make, unmake),
        cmocka_unit_test_setup_teardown(a_torn_store_leaves_the_old_environment, make, unmake),
        cmocka_unit_test_setup_teardown(broken_copies_are_survived_or_named, make, unmake),
        cmocka_unit_test_setup_teardown(broken_variables_are_named, make, unmake),
        cmocka_unit_test_setup_teardown(one_copy_is_refused_with_the_reason, make, unmake),
        cmocka_unit_test_setup_teardown(foreign_slots_keep_their_place, make, unmake),
        cmocka_unit_test_setup_teardown(starts_without_an_update_never_run_out, make, unmake),
        cmocka_unit_test_setup_teardown(a_trial_that_goes_back_is_cleaned_up_once, make, unmake),
        cmocka_unit_test_setup_teardown(counters_are_decimal, make_count, unmake),
        cmocka_unit_test_setup_teardown(broken_counters_are_named, make_count, unmake),
        cmocka_unit_test_setup_teardown(read_only_media_are_said, make, unmake),
        cmocka_unit_test_setup_teardown(a_lock_that_is_held_is_not_waited_for_without_end, make, unmake),
        cmocka_unit_test_setup_teardown(a_lock_that_is_let_go_is_taken, make, unmake),
    };

    model_make(&model, MODEL_UBOOT, 0, mkdtemp(dir));
    if (open_it() == OTA_USAGE_CONFIG) {
        model_remove(&model);
        (void)rmdir(dir);
        return 77; /* built without libubootenv */
    }
    model_remove(&model);
    (void)rmdir(dir);
    memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
