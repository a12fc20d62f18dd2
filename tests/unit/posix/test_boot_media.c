/* SPDX-License-Identifier: Apache-2.0 */
/* What no boot loader can help: a medium that has become read-only, and a loader whose word is not what runs. The same for
 * each of them: a named error, nothing armed, and the device starts the slot that it ran. */
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
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader_models.h"
#include "ota/posix.h"

static char dir[] = "/tmp/ota-media-XXXXXX";
static char medium[64], record[128];
static struct model model;
static union {
    struct ota_posix_loader base;
    struct ota_posix_boot_grub grub;
    struct ota_posix_boot_uboot uboot;
    struct ota_posix_boot_uboot_count count;
    struct ota_posix_boot_bls bls;
    struct ota_posix_boot_efi efi;
    struct ota_posix_boot_custom custom;
} boot;
static struct ota_fault fault;

static ota_err open_it(void)
{
    const struct ota_posix_loader_config c = { .record = record, .cmdline = model.cmdline, .root = dir };
    struct ota_posix_loader_config efi = c;

    efi.name[0] = "000A";
    efi.name[1] = "000B";
    switch (model.kind) {
    case MODEL_UBOOT:
        return ota_posix_boot_uboot_open(&boot.uboot, &(struct ota_posix_boot_uboot_config){ c, model.path, 0 }, &fault);
    case MODEL_UBOOT_COUNT:
        return ota_posix_boot_uboot_count_open(&boot.count, &(struct ota_posix_boot_uboot_count_config){ c, model.path, "boot_part" }, &fault);
    case MODEL_BLS:
        return ota_posix_boot_bls_open(&boot.bls, &(struct ota_posix_boot_bls_config){ c, model.path }, &fault);
    case MODEL_EFI:
        return ota_posix_boot_efi_open(&boot.efi, &(struct ota_posix_boot_efi_config){ efi, model.path }, &fault);
    case MODEL_CUSTOM:
        return ota_posix_boot_custom_open(&boot.custom, &(struct ota_posix_boot_custom_config){ c, model.path }, &fault);
    default:
        return ota_posix_boot_grub_open(&boot.grub, &(struct ota_posix_boot_grub_config){ c, model.path, 0 }, &fault);
    }
}

static ota_err arm(int32_t *code)
{
    *code = 0;
    return boot.base.port.ops->arm(&boot.base.port, (const uint8_t[]){ 1 }, 1, 1, code);
}

/* A file system of its own at `at`. False where the system does not let us. */
static bool mount_at(const char *at)
{
    assert_int_equal(mkdir(at, 0700), 0);
    if (mount("none", at, "tmpfs", 0, "size=256k") == 0)
        return true;
    rmdir(at);
    return false;
}

static void read_only(const char *at, bool on)
{
    assert_int_equal(mount("none", at, NULL, MS_REMOUNT | (on ? MS_RDONLY : 0), NULL), 0);
}

static void unmount(const char *at)
{
    assert_int_equal(umount(at), 0);
    assert_int_equal(rmdir(at), 0);
}

static void the_variables_are_on_a_read_only_medium(void **state)
{
    static const struct {
        enum model_kind kind;
        const char *trouble;
        int32_t code;
    } list[] = {
        { MODEL_GRUB, "environment block", EROFS }, { MODEL_UBOOT, "environment", EROFS },
        { MODEL_UBOOT_COUNT, "environment", EROFS }, { MODEL_BLS, "entry", EROFS },
        { MODEL_EFI, "BootNext", EROFS },           { MODEL_CUSTOM, "set-primary", EREMOTEIO },
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct ota_boot_view v;
        int32_t code = 0;
        ota_err opened;

        if (!mount_at(medium))
            skip();
        model_make(&model, list[i].kind, 1, medium);
        opened = open_it();
        if (opened == OTA_USAGE_CONFIG) { /* built without libubootenv */
            unmount(medium);
            continue;
        }
        assert_int_equal(opened, OTA_OK);
        read_only(medium, true);
        assert_int_equal(open_it(), OTA_OK); /* looking needs no writing */
        assert_int_equal(arm(&code), OTA_DEVICE_BOOT);
        assert_int_equal(code, list[i].code);
        assert_string_equal(ota_posix_loader_trouble(&boot.base), list[i].trouble);
        assert_int_equal(boot.base.port.ops->view(&boot.base.port, &v, &code), OTA_OK);
        assert_true(!v.pending && !v.trial && !v.spent && v.running[0] == 0);
        read_only(medium, false);
        assert_int_equal(model_start(&model), 'A');
        assert_int_equal(arm(&code), OTA_OK); /* nothing is left that would be in the way */
        assert_int_equal(model_start(&model), 'B');
        unmount(medium);
        unlink(record);
    }
}

/* The record is written first: the loader is not told of a trial that nobody would remember. */
static void the_record_is_on_a_read_only_medium(void **state)
{
    char at[64], elsewhere[sizeof record];
    int32_t code = 0;

    (void)state;
    snprintf(at, sizeof at, "%s/state", dir);
    if (!mount_at(at))
        skip();
    assert_int_equal(mkdir(medium, 0700), 0);
    memcpy(elsewhere, record, sizeof record);
    snprintf(record, sizeof record, "%s/record", at);
    model_make(&model, MODEL_GRUB, 1, medium);
    read_only(at, true);
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(&code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EROFS);
    assert_string_equal(ota_posix_loader_trouble(&boot.base), "boot record");
    assert_int_equal(model_start(&model), 'A');
    read_only(at, false);
    assert_int_equal(arm(&code), OTA_OK);
    assert_int_equal(model_start(&model), 'B');
    unmount(at);
    memcpy(record, elsewhere, sizeof record);
    model_remove(&model);
    assert_int_equal(rmdir(medium), 0);
}

/* Those that say which slot they have started, against the kernel's word. */
static void a_loader_contradicts_what_runs(void **state)
{
    static const enum model_kind kinds[] = { MODEL_EFI, MODEL_CUSTOM };
    static const char kernel[] = "quiet ota.slot=B ota.slot=000B\n";

    (void)state;
    assert_int_equal(mkdir(medium, 0700), 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *text = kinds[i] == MODEL_EFI ? kernel : "ota.slot=B\n";
        int32_t code = 0;
        int fd;

        model_make(&model, kinds[i], 1, medium);
        assert_int_equal(open_it(), OTA_OK);
        fd = open(model.cmdline, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
        assert_int_equal(open_it(), OTA_DEVICE_BOOT);
        assert_string_equal(fault.where, "loader contradicts what runs");
        assert_int_equal(fault.port_code, EBADSLT);
        assert_int_equal(arm(&code), OTA_DEVICE_BOOT); /* the spare slot may be the one that runs */
        assert_int_equal(code, EBADSLT);
        assert_int_equal(access(record, F_OK), -1);
        assert_int_equal(model_start(&model), 'A');
        model_remove(&model);
    }
    assert_int_equal(rmdir(medium), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(medium, sizeof medium, "%s/medium", dir);
    snprintf(record, sizeof record, "%s/record", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)umount2(medium, MNT_DETACH); /* where a test ended early */
    unlink(record);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_variables_are_on_a_read_only_medium),
        cmocka_unit_test(the_record_is_on_a_read_only_medium),
        cmocka_unit_test(a_loader_contradicts_what_runs),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
