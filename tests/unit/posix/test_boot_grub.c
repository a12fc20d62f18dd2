/* SPDX-License-Identifier: Apache-2.0 */
/* GRUB's environment block: what is left of it after a torn write, and every way in which it may be broken. */
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
#include <unistd.h>

#include "loader_models.h"
#include "ota/posix.h"

#define BLOCK OTA_POSIX_GRUB_ENV_LEN

static char dir[] = "/tmp/ota-grub-XXXXXX";
static char record[64];
static struct model model;
static struct ota_posix_boot_grub grub;
static struct ota_fault fault;

static ota_err open_it(uint8_t attempts)
{
    const struct ota_posix_boot_grub_config cfg = { { .record = record, .cmdline = model.cmdline, .root = dir }, model.path, attempts };

    return ota_posix_boot_grub_open(&grub, &cfg, &fault);
}

static void load(char text[BLOCK + 1])
{
    int fd = open(model.path, O_RDONLY);

    assert_int_equal(pread(fd, text, BLOCK, 0), BLOCK);
    text[BLOCK] = '\0';
    close(fd);
}

static void save(const char *text, size_t len)
{
    int fd = open(model.path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(pwrite(fd, text, len, 0), len);
    close(fd);
}

static ota_err arm(void)
{
    int32_t code = 0;

    return grub.base.port.ops->arm(&grub.base.port, (const uint8_t[]){ 1 }, 1, 1, &code);
}

static void other_variables_stay(void **state)
{
    char text[BLOCK + 1];

    (void)state;
    assert_int_equal(open_it(0), OTA_OK);
    assert_int_equal(arm(), OTA_OK);
    load(text);
    assert_non_null(strstr(text, "\nsaved_entry=0\n"));
    assert_non_null(strstr(text, "\nnext_entry=\n"));
    assert_non_null(strstr(text, "\nORDER=B A\n"));
    assert_non_null(strstr(text, "\nB_OK=1\nB_TRY=0\n"));
    assert_string_equal(text + BLOCK - 4, "####");
    assert_null(strstr(text, "B_OK=0"));
}

/* Each sector of the disk holds the old or the new bytes. Whatever the mixture, the block reads as the old or the new one. */
static void a_torn_write_is_the_old_block_or_the_new_one(void **state)
{
    char before[BLOCK + 1], after[BLOCK + 1], torn[BLOCK + 1];
    struct ota_boot_view v;
    int32_t code = 0;

    (void)state;
    assert_int_equal(open_it(0), OTA_OK);
    assert_int_equal(arm(), OTA_OK);
    assert_int_equal(grub.base.port.ops->revert(&grub.base.port, &code), OTA_OK);
    load(before);
    assert_int_equal(arm(), OTA_OK);
    load(after);
    assert_memory_not_equal(before, after, 512);
    assert_memory_equal(before + 512, after + 512, 512); /* nothing beyond the first sector ever changes */
    for (int mix = 0; mix < 4; mix++) {
        memcpy(torn, mix & 1 ? after : before, 512);
        memcpy(torn + 512, mix & 2 ? after + 512 : before + 512, 512);
        save(torn, BLOCK);
        assert_int_equal(grub.base.port.ops->view(&grub.base.port, &v, &code), OTA_OK);
        assert_int_equal(v.pending, mix & 1);
    }
}

/* The file stays the same one, in the same place: the loader finds it by its blocks. */
static void it_is_rewritten_in_place(void **state)
{
    struct stat before, after;

    (void)state;
    assert_int_equal(stat(model.path, &before), 0);
    assert_int_equal(open_it(0), OTA_OK);
    assert_int_equal(arm(), OTA_OK);
    assert_int_equal(stat(model.path, &after), 0);
    assert_true(before.st_ino == after.st_ino && after.st_size == BLOCK);
}

struct damage {
    const char *from, *to;
    const char *where;
    int32_t code;
};

static void broken_variables_are_named(void **state)
{
    static const struct damage list[] = {
        { "# GRUB", "# grub", "environment block", EBADMSG },
        { "ORDER=", "XRDER=", "ORDER", ENODATA },
        { "ORDER=A B", "ORDER=C D", "ORDER", ERANGE },
        { "ORDER=A B", "ORDER=A\\B", "ORDER", ERANGE },
        { "A_OK=1", "A_OX=1", "A_OK", ENODATA },
        { "A_OK=1", "A_OK=2", "A_OK", ERANGE },
        { "A_OK=1", "A_OK=x", "A_OK", ERANGE },
        { "B_TRY=0", "B_TRX=0", "B_TRY", ENODATA },
        { "B_TRY=0", "B_TRY=-", "B_TRY", ERANGE },
        { "A_TRY=0", "A_TRY=\n", "A_TRY", ERANGE },
    };
    char good[BLOCK + 1], bad[BLOCK + 1];

    (void)state;
    load(good);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        char *at;

        memcpy(bad, good, sizeof bad);
        at = strstr(bad, list[i].from);
        assert_non_null(at);
        memcpy(at, list[i].to, strlen(list[i].to));
        save(bad, BLOCK);
        assert_int_equal(open_it(0), OTA_DEVICE_BOOT);
        assert_string_equal(fault.where, list[i].where);
        assert_int_equal(fault.port_code, list[i].code);
        load(good);
        assert_memory_equal(bad, good, BLOCK); /* untouched: the loader has its own defaults */
        memcpy(at, list[i].from, strlen(list[i].from));
        memcpy(good, bad, sizeof good);
        assert_true(model_start(&model) != 0); /* and the device starts */
        save(good, BLOCK);
    }
}

static void a_file_that_is_no_block_is_refused(void **state)
{
    char text[BLOCK + 1], other[128];

    (void)state;
    load(text);
    save(text, BLOCK - 1);
    assert_int_equal(open_it(0), OTA_DEVICE_BOOT);
    assert_int_equal(fault.port_code, EBADMSG);
    save("", 0); /* what is left where somebody emptied it first */
    assert_int_equal(open_it(0), OTA_DEVICE_BOOT);
    assert_int_equal(fault.port_code, EBADMSG);
    unlink(model.path);
    assert_int_equal(open_it(0), OTA_DEVICE_BOOT);
    assert_int_equal(fault.port_code, ENOENT);
    snprintf(other, sizeof other, "%s/other", dir);
    assert_int_equal(symlink(other, model.path), 0);
    assert_int_equal(open_it(0), OTA_DEVICE_BOOT);
    assert_int_equal(fault.port_code, ELOOP);
    unlink(model.path);
    assert_int_equal(mkfifo(model.path, 0600), 0);
    assert_int_equal(open_it(0), OTA_DEVICE_BOOT);
    assert_int_equal(fault.port_code, EBADMSG);
    assert_int_equal(open_it(16), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "boot.attempts");
}

static void a_full_block_is_left_as_it_is(void **state)
{
    char text[BLOCK + 1], after[BLOCK + 1];
    char *pad;

    (void)state;
    load(text);
    pad = strchr(strstr(text, "next_entry"), '#');
    assert_non_null(pad);
    memset(pad, 'x', (size_t)(text + BLOCK - pad)); /* no newline: padding of an odd kind, dropped */
    save(text, BLOCK);
    assert_int_equal(open_it(0), OTA_OK);
    memcpy(pad, "big=", 4);
    text[BLOCK - 1] = '\n';
    save(text, BLOCK);
    assert_int_equal(open_it(0), OTA_OK);
    assert_int_equal(arm(), OTA_OK); /* it fits to the byte: the same variables in another order */
    load(text);
    assert_int_equal(text[BLOCK - 1], '\n');
    memcpy(after, text, sizeof text);
    pad = strstr(text, "A_TRY=0\n");
    assert_non_null(pad);
    memmove(pad + 6, pad + 7, strlen(pad + 7)); /* "A_TRY=" is not a number, one byte is gone */
    text[BLOCK - 1] = '\n';
    save(text, BLOCK);
    assert_int_equal(grub.base.port.ops->confirm(&grub.base.port, &(int32_t){ 0 }), OTA_DEVICE_BOOT);
    assert_string_equal(ota_posix_loader_trouble(&grub.base), "A_TRY");
    save(after, BLOCK);
}

/* Twice the digits: what has to be written is longer than what was there. */
static void no_room_is_said(void **state)
{
    char text[BLOCK + 1], after[BLOCK + 1];
    char *at;
    int32_t code = 0;

    (void)state;
    load(text);
    at = strstr(text, "B_TRY=0\n");
    assert_non_null(at);
    at = strchr(strstr(text, "next_entry"), '#');
    memset(at, 'y', (size_t)(text + BLOCK - at));
    memcpy(at, "big=", 4);
    text[BLOCK - 1] = '\n';
    save(text, BLOCK);
    assert_int_equal(open_it(15), OTA_OK);
    assert_int_equal(grub.base.port.ops->arm(&grub.base.port, (const uint8_t[]){ 1 }, 1, 1, &code), OTA_DEVICE_BOOT); /* B_TRY=14 */
    assert_int_equal(code, ENOSPC);
    assert_string_equal(ota_posix_loader_trouble(&grub.base), "environment block");
    load(after);
    assert_memory_equal(text, after, BLOCK);
}

static void half_written_slots_are_no_fallback(void **state)
{
    char a[128], b[128], text[BLOCK + 1];
    struct ota_posix_slot slot[2];
    int32_t code = 0;

    (void)state;
    snprintf(a, sizeof a, "%s/slot-a", dir);
    snprintf(b, sizeof b, "%s/slot-b", dir);
    assert_int_equal(ota_posix_slot_file_open(&slot[0], &(struct ota_posix_slot_file_config){ a, 4096 }, NULL), OTA_OK);
    assert_int_equal(ota_posix_slot_file_open(&slot[1], &(struct ota_posix_slot_file_config){ b, 4096 }, NULL), OTA_OK);
    assert_int_equal(open_it(0), OTA_OK);
    ota_posix_loader_guard(&grub.base, &slot[0], &slot[1]);
    assert_int_equal(arm(), OTA_OK);
    load(text);
    assert_non_null(strstr(text, "B_OK=1"));
    assert_int_equal(slot[1].port.ops->write(&slot[1].port, 0, "x", 1, &code), OTA_OK);
    load(text);
    assert_non_null(strstr(text, "B_OK=0"));
    assert_int_equal(model_start(&model), 'A'); /* the armed trial is over, too */
    assert_int_equal(slot[0].port.ops->write(&slot[0].port, 0, "x", 1, &code), OTA_DEVICE_LOCKED); /* the slot that runs */
    assert_int_equal(code, EBUSY);
    ota_posix_slot_close(&slot[0]);
    ota_posix_slot_close(&slot[1]);
}

/* What the port writes is what GRUB's own program reads, and the other way round. */
static void grub_editenv_agrees(void **state)
{
    char command[500], answer[BLOCK + 1] = { 0 };
    FILE *p;

    (void)state;
    if (access("/usr/bin/grub-editenv", X_OK) != 0)
        skip();
    assert_int_equal(open_it(0), OTA_OK);
    assert_int_equal(arm(), OTA_OK);
    snprintf(command, sizeof command, "grub-editenv %s list && grub-editenv %s set B_TRY=1 note='a b'", model.path, model.path);
    p = popen(command, "r");
    assert_non_null(p);
    assert_true(fread(answer, 1, sizeof answer - 1, p) > 0);
    assert_int_equal(pclose(p), 0);
    assert_non_null(strstr(answer, "ORDER=B A\n"));
    assert_non_null(strstr(answer, "saved_entry=0\n"));
    assert_int_equal(open_it(0), OTA_OK);
    assert_int_equal(ota_posix_loader_settle(&grub.base, NULL), OTA_OK); /* B_TRY=1, A runs: it went back */
    load(answer);
    assert_non_null(strstr(answer, "ORDER=A B\n"));
    assert_non_null(strstr(answer, "note=a b\n"));
}

static int make(void **state)
{
    (void)state;
    model_make(&model, MODEL_GRUB, 1, dir);
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
        cmocka_unit_test_setup_teardown(other_variables_stay, make, unmake),
        cmocka_unit_test_setup_teardown(a_torn_write_is_the_old_block_or_the_new_one, make, unmake),
        cmocka_unit_test_setup_teardown(it_is_rewritten_in_place, make, unmake),
        cmocka_unit_test_setup_teardown(broken_variables_are_named, make, unmake),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_block_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(a_full_block_is_left_as_it_is, make, unmake),
        cmocka_unit_test_setup_teardown(no_room_is_said, make, unmake),
        cmocka_unit_test_setup_teardown(half_written_slots_are_no_fallback, make, unmake),
        cmocka_unit_test_setup_teardown(grub_editenv_agrees, make, unmake),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
