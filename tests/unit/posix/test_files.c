/* SPDX-License-Identifier: Apache-2.0 */
/* The directory store: what the contract suite cannot see from outside. */
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
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>

#include "ota/posix.h"

static char dir[] = "/tmp/ota-store-XXXXXX";
static char sub[64], record[96], temp[96];
static struct ota_posix_store store;
static const struct ota_posix_store_config cfg = { sub };

static void modes_are_private(void **state)
{
    struct stat st;
    int32_t code = 0;

    (void)state;
    assert_int_equal(stat(sub, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(store.port.ops->write(&store.port, "r", "x", 1, &code), OTA_OK);
    assert_int_equal(stat(record, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_second_agent_is_told(void **state)
{
    struct ota_posix_store other;
    struct ota_fault fault;

    (void)state;
    assert_int_equal(ota_posix_store_open(&other, &cfg, &fault), OTA_DEVICE_LOCKED);
    assert_string_equal(fault.where, "store.lock");
    ota_posix_store_close(&other);
    ota_posix_store_close(&store);
    assert_int_equal(ota_posix_store_open(&other, &cfg, &fault), OTA_OK);
    ota_posix_store_close(&other);
    ota_posix_store_close(&other);
    assert_int_equal(ota_posix_store_open(&store, &cfg, NULL), OTA_OK);
}

static void what_a_power_cut_left_is_swept(void **state)
{
    FILE *f = fopen(temp, "w");

    (void)state;
    assert_non_null(f);
    fclose(f);
    ota_posix_store_close(&store);
    assert_int_equal(ota_posix_store_open(&store, &cfg, NULL), OTA_OK);
    assert_int_equal(access(temp, F_OK), -1);
}

static void links_and_oddities_are_not_followed(void **state)
{
    uint8_t byte;
    size_t len;
    int32_t code = 0;

    (void)state;
    assert_int_equal(store.port.ops->remove(&store.port, "r", &code), OTA_OK);
    assert_int_equal(symlink("/etc/hostname", record), 0);
    assert_int_equal(store.port.ops->read(&store.port, "r", &byte, 1, &len, &code), OTA_DEVICE_STORE);
    assert_int_equal(code, ELOOP);
    assert_int_equal(store.port.ops->write(&store.port, "r", "x", 1, &code), OTA_OK); /* replaces the link itself */
    assert_int_equal(store.port.ops->remove(&store.port, "r", &code), OTA_OK);
    assert_int_equal(mkfifo(record, 0600), 0);
    assert_int_equal(store.port.ops->read(&store.port, "r", &byte, 1, &len, &code), OTA_DEVICE_STORE);
    assert_int_equal(unlink(record), 0);
    assert_int_equal(mkdir(record, 0700), 0);
    code = 0;
    assert_int_equal(store.port.ops->write(&store.port, "r", "x", 1, &code), OTA_DEVICE_STORE);
    assert_true(code != 0);
    assert_int_equal(access(temp, F_OK), -1); /* and nothing is left of the try */
    assert_int_equal(rmdir(record), 0);
}

/* A file size limit stands for a disk that fills up in the middle of a write. */
static void a_failed_write_keeps_the_old_record(void **state)
{
    struct rlimit was, small;
    uint8_t big[8192] = { 0 };
    char buf[4];
    size_t len;
    int32_t code = 0;
    ota_err err;

    (void)state;
    assert_int_equal(store.port.ops->write(&store.port, "r", "old", 3, &code), OTA_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small = was;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    err = store.port.ops->write(&store.port, "r", big, sizeof big, &code);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(err, OTA_DEVICE_STORE);
    assert_int_equal(code, EFBIG);
    assert_int_equal(store.port.ops->read(&store.port, "r", buf, sizeof buf, &len, &code), OTA_OK);
    assert_true(len == 3 && memcmp(buf, "old", 3) == 0);
    assert_int_equal(access(temp, F_OK), -1);
}

static void what_cannot_be_opened_is_told(void **state)
{
    struct ota_posix_store s;
    struct ota_posix_store_config bad = { "/nonexistent/a/b" };
    struct ota_fault fault;

    (void)state;
    assert_int_equal(ota_posix_store_open(&s, &bad, &fault), OTA_DEVICE_STORE);
    assert_string_equal(fault.where, "store.dir");
    assert_int_equal(fault.port_code, ENOENT);
    bad.dir = "/etc/hostname";
    assert_int_equal(ota_posix_store_open(&s, &bad, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, ENOTDIR);
    bad.dir = NULL;
    assert_int_equal(ota_posix_store_open(&s, &bad, &fault), OTA_USAGE_ARGUMENT);
    ota_posix_store_close(&s);
    assert_int_equal(ota_posix_store_open(NULL, &cfg, NULL), OTA_USAGE_ARGUMENT);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(sub, sizeof sub, "%s/state", dir);
    snprintf(record, sizeof record, "%s/r", sub);
    snprintf(temp, sizeof temp, "%s/.tmp", sub);
    return ota_posix_store_open(&store, &cfg, NULL) == OTA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char lock[96];

    (void)state;
    ota_posix_store_close(&store);
    snprintf(lock, sizeof lock, "%s/.lock", sub);
    unlink(record);
    unlink(lock);
    return rmdir(sub) == 0 ? rmdir(dir) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_are_private),
        cmocka_unit_test(a_second_agent_is_told),
        cmocka_unit_test(what_a_power_cut_left_is_swept),
        cmocka_unit_test(links_and_oddities_are_not_followed),
        cmocka_unit_test(a_failed_write_keeps_the_old_record),
        cmocka_unit_test(what_cannot_be_opened_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
