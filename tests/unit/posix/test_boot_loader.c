/* SPDX-License-Identifier: Apache-2.0 */
/* What all boot loaders have in common: which slot runs, the record beside their variables, power cuts between the two. Also
 * what is particular to entries, UEFI variables and scripts. */
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
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "loader_models.h"
#include "ota/posix.h"

static char dir[] = "/tmp/ota-loader-XXXXXX";
static char record[64];
static struct model model;
static union {
    struct ota_posix_loader base;
    struct ota_posix_boot_grub grub;
    struct ota_posix_boot_bls bls;
    struct ota_posix_boot_efi efi;
    struct ota_posix_boot_custom custom;
} boot;
static struct ota_fault fault;

static struct ota_posix_loader_config common(void)
{
    return (struct ota_posix_loader_config){ .record = record, .cmdline = model.cmdline, .root = dir };
}

static ota_err open_with(const struct ota_posix_loader_config *c)
{
    struct ota_posix_loader_config efi = *c;

    efi.name[0] = "000A";
    efi.name[1] = "000B";
    switch (model.kind) {
    case MODEL_BLS:
        return ota_posix_boot_bls_open(&boot.bls, &(struct ota_posix_boot_bls_config){ *c, model.path }, &fault);
    case MODEL_EFI:
        return ota_posix_boot_efi_open(&boot.efi, &(struct ota_posix_boot_efi_config){ efi, model.path }, &fault);
    case MODEL_CUSTOM:
        return ota_posix_boot_custom_open(&boot.custom, &(struct ota_posix_boot_custom_config){ *c, model.path }, &fault);
    default:
        return ota_posix_boot_grub_open(&boot.grub, &(struct ota_posix_boot_grub_config){ *c, model.path, 0 }, &fault);
    }
}

static ota_err open_it(void)
{
    const struct ota_posix_loader_config c = common();

    return open_with(&c);
}

static void make(enum model_kind kind)
{
    model_make(&model, kind, 1, dir);
}

static void in_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static void cmdline(const char *text)
{
    in_file(model.cmdline, text, strlen(text));
}

static const char *in(const char *name)
{
    static char path[4][400];
    static unsigned turn;
    char *p = path[turn++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", model.path, name);
    return p;
}

static struct ota_boot_view look(void)
{
    struct ota_boot_view v = { .tries_left = 99 };
    int32_t code = 0;

    assert_int_equal(boot.base.port.ops->view(&boot.base.port, &v, &code), OTA_OK);
    return v;
}

static ota_err arm(uint8_t slot, int32_t *code)
{
    return boot.base.port.ops->arm(&boot.base.port, &slot, 1, 3, code);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void refuse(const char *where, int32_t code)
{
    assert_int_equal(open_it(), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, where);
    assert_int_equal(fault.port_code, code);
}

static void the_kernel_says_which_slot_runs(void **state)
{
    struct ota_posix_loader_config c;

    (void)state;
    make(MODEL_GRUB);
    cmdline("quiet rauc.slot=B\n");
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(look().running[0], 1);
    cmdline("ota.slot=B xota.slot=B ota.slot=A"); /* the last one counts */
    assert_int_equal(look().running[0], 0);
    cmdline("ota.slot=C");
    refuse("kernel command line", EBADSLT);
    cmdline("quiet");
    refuse("running slot", ENODEV);
    cmdline("ota.slot=");
    refuse("kernel command line", EBADSLT);
    cmdline("ota.slot=A board.part=B");
    c = common();
    c.cmdline_key = "board.part";
    assert_int_equal(open_with(&c), OTA_OK);
    assert_int_equal(look().running[0], 1);
    unlink(model.cmdline);
    refuse("kernel command line", ENOENT);
    model_remove(&model);
}

/* A device node of the file system that the test's directory is on stands for the slot's. */
static void the_mounted_root_says_it_too(void **state)
{
    struct ota_posix_loader_config c;
    char node[128];
    struct stat st;

    (void)state;
    make(MODEL_GRUB);
    snprintf(node, sizeof node, "%s/node", dir);
    assert_int_equal(stat(dir, &st), 0);
    if (mknod(node, S_IFBLK | 0600, st.st_dev) != 0) {
        model_remove(&model);
        skip();
    }
    c = common();
    c.device[1] = node;
    cmdline("quiet");
    assert_int_equal(open_with(&c), OTA_OK);
    assert_int_equal(look().running[0], 1);
    cmdline("ota.slot=B");
    assert_int_equal(open_with(&c), OTA_OK);
    cmdline("ota.slot=A");
    assert_int_equal(open_with(&c), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "mounted root contradicts the command line");
    assert_int_equal(fault.port_code, EBADSLT);
    model_remove(&model);
}

static void a_loader_that_lies_is_found_out(void **state)
{
    int32_t code = 0;

    (void)state;
    make(MODEL_CUSTOM);
    assert_int_equal(open_it(), OTA_OK);
    cmdline("rauc.slot=B\n"); /* the script says A */
    refuse("loader contradicts what runs", EBADSLT);
    assert_int_equal(arm(1, &code), OTA_DEVICE_BOOT); /* slot B may be the one that runs: nothing is armed */
    assert_int_equal(code, EBADSLT);
    assert_int_equal(model_start(&model), 'A');
    model_remove(&model);
}

static void arming_refuses_what_makes_no_trial(void **state)
{
    int32_t code = 0;

    (void)state;
    make(MODEL_GRUB);
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(0, &code), OTA_DEVICE_BOOT); /* the slot that runs */
    assert_int_equal(code, EINVAL);
    assert_int_equal(arm(2, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EINVAL);
    assert_int_equal(boot.base.port.ops->arm(&boot.base.port, (const uint8_t[]){ 1 }, 1, 0, &code), OTA_DEVICE_BOOT);
    code = 0;
    assert_int_equal(boot.base.port.ops->arm(&boot.base.port, (const uint8_t[]){ 1, 0 }, 2, 1, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EINVAL);
    assert_string_equal(ota_posix_loader_trouble(&boot.base), "more than one component");
    assert_int_equal(boot.base.port.ops->arm(&boot.base.port, (const uint8_t[]){ 1, OTA_SLOT_NONE }, 2, 1, &code), OTA_OK);
    assert_int_equal(model_start(&model), 'B');
    code = 0;
    assert_int_equal(arm(0, &code), OTA_DEVICE_BOOT); /* nothing new while a trial is unconfirmed */
    assert_int_equal(code, EBUSY);
    assert_int_equal(boot.base.port.ops->revert(&boot.base.port, &code), OTA_OK);
    assert_int_equal(arm(0, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EBUSY);
    assert_int_equal(boot.base.port.ops->confirm(&boot.base.port, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ECANCELED);
    model_remove(&model);
}

/* Power fails after each of the writes that arming, confirming and giving up consist of. */
static void copy(const char *from, const char *to)
{
    char command[500];

    snprintf(command, sizeof command, "cp %s %s", from, to);
    assert_int_equal(system(command), 0);
}

static void a_cut_while_arming_arms_it_or_not(void **state)
{
    char old[160], fresh[160];
    struct ota_boot_view v;
    int32_t code = 0;

    (void)state;
    make(MODEL_GRUB);
    snprintf(old, sizeof old, "%s/old", dir);
    snprintf(fresh, sizeof fresh, "%s/fresh", dir);
    copy(model.path, old);
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(1, &code), OTA_OK);
    copy(model.path, fresh);
    /* The record said so, but not that the loader was told; the loader was not: never armed, so nothing is spent. */
    struct ota_boot_record r;
    assert_int_equal(ota_boot_record_load(record, &r, &code), OTA_OK);
    r.tries = 0;
    assert_int_equal(ota_boot_record_store(record, &r, &code), OTA_OK);
    copy(old, model.path);
    v = look();
    assert_true(!v.pending && !v.trial && !v.spent && v.armed[0] == OTA_SLOT_NONE);
    /* The loader was: armed as a whole. */
    copy(fresh, model.path);
    v = look();
    assert_true(v.pending && v.armed[0] == 1 && v.tries_left == 1);
    assert_int_equal(model_start(&model), 'B');
    assert_true(look().trial);
    /* Confirming: the loader knows, the record does not yet. It can be done again. */
    copy(record, old);
    assert_int_equal(boot.base.port.ops->confirm(&boot.base.port, &code), OTA_OK);
    copy(old, record);
    assert_true(look().trial);
    assert_int_equal(boot.base.port.ops->confirm(&boot.base.port, &code), OTA_OK);
    assert_false(look().trial);
    assert_int_equal(model_start(&model), 'B');
    model_remove(&model);
}

static void a_broken_record_is_named(void **state)
{
    int32_t code = 0;

    (void)state;
    make(MODEL_GRUB);
    in_file(record, "no record at all", 16);
    refuse("boot record", ENODATA);
    char zero[OTA_BOOT_RECORD_FILE_LEN] = { 0 };
    in_file(record, zero, sizeof zero);
    refuse("boot record", EBADMSG);
    assert_int_equal(arm(1, &code), OTA_DEVICE_BOOT);
    assert_int_equal(model_start(&model), 'A');
    model_remove(&model);
}

static void wrong_arguments_are_named(void **state)
{
    struct ota_posix_loader_config c;

    (void)state;
    make(MODEL_GRUB);
    c = common();
    c.record = NULL;
    assert_int_equal(open_with(&c), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "boot.record");
    static const char *const bad[][2] = { { "A", "A" }, { "", "B" }, { "A B", "B" }, { "A=1", "B" }, { "../A", "B" } };
    for (size_t i = 0; i < 5; i++) {
        c = common();
        c.name[0] = bad[i][0];
        c.name[1] = bad[i][1];
        assert_int_equal(open_with(&c), OTA_USAGE_ARGUMENT);
        assert_string_equal(fault.where, "boot.slots");
    }
    model_remove(&model);
}

static void a_reboot_that_cannot_be_run_is_said(void **state)
{
    static const char *const missing[] = { "/nonexistent/reboot", NULL };
    struct ota_posix_loader_config c;
    int32_t code = 0;

    (void)state;
    make(MODEL_GRUB);
    c = common();
    c.reboot = missing;
    assert_int_equal(open_with(&c), OTA_OK);
    assert_int_equal(boot.base.port.ops->reboot(&boot.base.port, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ENOENT);
    assert_false(boot.base.restart_asked);
    model_remove(&model);
}

/* ---- entries */
static void entries_are_renamed_and_rewritten(void **state)
{
    char text[300] = { 0 };
    int32_t code = 0;
    int fd;

    (void)state;
    make(MODEL_BLS);
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(1, &code), OTA_OK);
    fd = open(in("B+3.conf"), O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    assert_string_equal(text, "title Slot B\nversion 8\nlinux /B/vmlinuz\noptions quiet ota.slot=B\n");
    assert_int_equal(access(in("B+0.conf"), F_OK), -1);
    assert_int_equal(access(in("A.conf"), F_OK), 0);
    assert_int_equal(model_start(&model), 'B');
    assert_int_equal(access(in("B+2-1.conf"), F_OK), 0);
    assert_int_equal(boot.base.port.ops->confirm(&boot.base.port, &code), OTA_OK);
    assert_int_equal(access(in("B.conf"), F_OK), 0);
    model_remove(&model);
}

static void broken_entries_are_named(void **state)
{
    static const struct {
        const char *file, *text, *where;
        int32_t code;
    } list[] = {
        { "A.conf", "title x\n", "version", ENODATA },
        { "A.conf", "version 1.2\n", "version", ERANGE },
        { "A.conf", "version\n", "version", ENODATA },
        { "A.conf", "version 100000000\n", "version", ERANGE },
        { "A.conf", "sort-key a\nversion 1\n", "sort-key", ERANGE },
        { "A+3.conf", "version 1\n", "A", EEXIST },
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        make(MODEL_BLS);
        in_file(in(list[i].file), list[i].text, strlen(list[i].text));
        refuse(list[i].where, list[i].code);
        assert_true(model_start(&model) != 0);
        model_remove(&model);
    }
    make(MODEL_BLS);
    in_file(in("A+x.conf"), "version 1\n", 10); /* not an entry of this slot */
    in_file(in("AB.conf"), "version 1\n", 10);
    in_file(in("A+1-.conf"), "version 1\n", 10);
    assert_int_equal(open_it(), OTA_OK);
    unlink(in("B+0.conf"));
    refuse("B", ENOENT);
    model_remove(&model);
    make(MODEL_BLS);
    static char big[5000];
    memset(big, 'x', sizeof big);
    in_file(in("A.conf"), big, sizeof big);
    refuse("entry", EFBIG);
    snprintf(model.path, sizeof model.path, "%s/nowhere", dir);
    refuse("entries", ENOENT);
    snprintf(model.path, sizeof model.path, "%s/entries", dir);
    model_remove(&model);
}

/* ---- UEFI */
#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static void variables_have_their_exact_bytes(void **state)
{
    static const uint8_t next[] = { 7, 0, 0, 0, 0x0b, 0 }, order[] = { 7, 0, 0, 0, 0x0b, 0, 0x0a, 0, 3, 0 };
    uint8_t raw[32];
    int32_t code = 0;
    int fd;

    (void)state;
    make(MODEL_EFI);
    assert_int_equal(open_it(), OTA_OK);
    assert_int_equal(arm(1, &code), OTA_OK);
    fd = open(in("BootNext" GLOBAL), O_RDONLY);
    assert_int_equal(read(fd, raw, sizeof raw), sizeof next);
    close(fd);
    assert_memory_equal(raw, next, sizeof next);
    assert_int_equal(model_start(&model), 'B');
    assert_int_equal(boot.base.port.ops->confirm(&boot.base.port, &code), OTA_OK);
    fd = open(in("BootOrder" GLOBAL), O_RDONLY);
    assert_int_equal(read(fd, raw, sizeof raw), sizeof order);
    close(fd);
    assert_memory_equal(raw, order, sizeof order); /* other entries keep their place behind it */
    model_remove(&model);
}

static void broken_variables_are_named(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        const char *where;
        int32_t code;
    } list[] = {
        { "BootOrder" GLOBAL, "\7\0\0", 3, "BootOrder", EBADMSG },
        { "BootOrder" GLOBAL, "\7\0\0\0\1", 5, "BootOrder", EBADMSG },
        { "BootOrder" GLOBAL, "\7\0\0\0\1\0", 6, "BootOrder", ERANGE },
        { "BootNext" GLOBAL, "\7\0\0\0", 4, "BootNext", EBADMSG },
        { "BootCurrent" GLOBAL, "\7\0\0\0\1\0\2\0", 8, "BootCurrent", EBADMSG },
        { "BootCurrent" GLOBAL, "\7\0\0\0\1\0", 6, "running slot", ENODEV },
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        make(MODEL_EFI);
        in_file(in(list[i].name), list[i].bytes, list[i].len);
        refuse(list[i].where, list[i].code);
        model_remove(&model);
    }
    make(MODEL_EFI);
    unlink(in("Boot000B" GLOBAL));
    refuse("Boot000B", ENODATA);
    unlink(in("BootOrder" GLOBAL));
    refuse("BootOrder", ENODATA);
    model_remove(&model);
}

/* ---- scripts */
static void bad_answers_are_named(void **state)
{
    static const struct {
        const char *script, *where;
        int32_t code;
    } list[] = {
        { "#!/bin/sh\nexit 3\n", "get-current", EREMOTEIO },
        { "#!/bin/sh\necho C\n", "get-current", EBADMSG },
        { "#!/bin/sh\n", "get-current", EBADMSG },
        { "#!/bin/sh\ncase $1 in get-current) echo A ;; *) kill -9 $$ ;; esac\n", "get-primary", EREMOTEIO },
        { "#!/bin/sh\ncase $1 in get-state) echo fine ;; *) echo A ;; esac\n", "get-state", EBADMSG },
        { "#!/bin/sh\nwhile :; do echo AAAAAAAAAAAAAAAA; done | head -c 1000000\n", "get-current", EBADMSG },
        { "no program", "get-current", ENOEXEC },
    };

    (void)state;
    make(MODEL_CUSTOM);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        in_file(model.path, list[i].script, strlen(list[i].script));
        refuse(list[i].where, list[i].code);
    }
    unlink(model.path);
    refuse("get-current", ENOENT);
    model_remove(&model);
}

/* A program that hangs, before or after its answer, or whose child keeps its output open, is killed when its time is up, and
 * what it was asked for is blamed. Nothing is armed meanwhile. */
static void a_program_that_hangs_is_stopped(void **state)
{
    static const char *const scripts[] = {
        "#!/bin/sh\nsleep 60\n",
        "#!/bin/sh\necho A\nexec >&-\nsleep 60\n",
        "#!/bin/sh\necho A\nsleep 60 &\n",
        "#!/bin/sh\nwhile :; do echo A; done\n",
    };
    struct ota_posix_loader_config c;
    int32_t code = 0;

    (void)state;
    make(MODEL_CUSTOM);
    c = common();
    c.timeout_ms = 200;
    assert_int_equal(open_with(&c), OTA_OK);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        uint64_t began = now_ms();

        in_file(model.path, scripts[i], strlen(scripts[i]));
        assert_int_equal(open_with(&c), OTA_DEVICE_BOOT);
        assert_string_equal(fault.where, "get-current");
        assert_int_equal(fault.port_code, ETIMEDOUT);
        assert_in_range(now_ms() - began, 200, 5000); /* not the script's minute */
    }
    assert_int_equal(arm(1, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ETIMEDOUT);
    assert_int_equal(access(record, F_OK), -1);
    model_remove(&model);
}

/* ---- links */
static void a_link_leads_to_one_slot_or_the_other(void **state)
{
    char link[128];
    struct ota_posix_boot b;
    struct ota_boot_record r;
    struct ota_boot_view v;
    int32_t code = 0;

    (void)state;
    snprintf(link, sizeof link, "%s/current", dir);
    const struct ota_posix_boot_link_config cfg = { record, link, { "slot-a", "slot-b" }, NULL };
    ota_boot_record_init(&r, (const uint8_t[]){ 0 }, 1);
    assert_int_equal(ota_boot_record_create(record, &r, NULL), OTA_OK);
    assert_int_equal(ota_posix_boot_link_open(&b, &cfg, &fault), OTA_DEVICE_BOOT);
    assert_string_equal(fault.where, "boot.link");
    assert_int_equal(fault.port_code, ENOENT);
    assert_int_equal(ota_posix_link_set(link, "slot-b", &code), OTA_OK);
    assert_int_equal(ota_posix_boot_link_open(&b, &cfg, &fault), OTA_DEVICE_BOOT);
    assert_int_equal(fault.port_code, EBADSLT); /* the record says that slot a runs */
    assert_int_equal(ota_posix_link_set(link, "slot-a", &code), OTA_OK);
    assert_int_equal(ota_posix_boot_link_open(&b, &cfg, &fault), OTA_OK);
    assert_int_equal(b.port.ops->view(&b.port, &v, &code), OTA_OK);
    assert_int_equal(ota_posix_link_set("/nonexistent/x", "y", &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ENOENT);
    assert_int_equal(ota_posix_link_set(dir, "y", &code), OTA_DEVICE_BOOT); /* a directory is no link */
    unlink(link);
    unlink(record);
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
        cmocka_unit_test(the_kernel_says_which_slot_runs),
        cmocka_unit_test(the_mounted_root_says_it_too),
        cmocka_unit_test(a_loader_that_lies_is_found_out),
        cmocka_unit_test(arming_refuses_what_makes_no_trial),
        cmocka_unit_test(a_cut_while_arming_arms_it_or_not),
        cmocka_unit_test(a_broken_record_is_named),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(a_reboot_that_cannot_be_run_is_said),
        cmocka_unit_test(entries_are_renamed_and_rewritten),
        cmocka_unit_test(broken_entries_are_named),
        cmocka_unit_test(variables_have_their_exact_bytes),
        cmocka_unit_test(broken_variables_are_named),
        cmocka_unit_test(bad_answers_are_named),
        cmocka_unit_test(a_program_that_hangs_is_stopped),
        cmocka_unit_test(a_link_leads_to_one_slot_or_the_other),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
