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

#include "ota/posix.h"

static char dir[] = "/tmp/ota-boot-XXXXXX";
static char path[64];

static struct ota_boot_record fresh(void)
{
    struct ota_boot_record r;

    ota_boot_record_init(&r, (const uint8_t[]){ 0, 1 }, 2);
    return r;
}

static void encoding_is_the_documented_one(void **state)
{
    static const uint8_t want[28] = { 'O', 'T', 'A', 'B', 1, 2, 3, 0, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 0xff, 0xff, 1, 1, 0xff,
                                      0xff, 1, 0xff, 0xff, 0xff };
    uint8_t raw[OTA_BOOT_RECORD_LEN];
    struct ota_boot_record r = fresh(), back;

    (void)state;
    r.generation = 0x0102030405060708u;
    r.state = OTA_BOOT_TRIAL_STARTED;
    r.tries = 3;
    r.trial[0] = r.running[0] = 1;
    ota_boot_record_encode(&r, raw);
    assert_memory_equal(raw, want, sizeof want);
    assert_true(ota_boot_record_decode(&back, raw));
    assert_memory_equal(&back.confirmed, &r.confirmed, 4);
    assert_true(back.generation == r.generation && back.state == r.state && back.tries == 3 && back.trial[0] == 1);
}

static void every_flipped_bit_is_found(void **state)
{
    uint8_t raw[OTA_BOOT_RECORD_LEN];
    struct ota_boot_record r = fresh(), back = r;

    (void)state;
    ota_boot_record_encode(&r, raw);
    for (unsigned bit = 0; bit < 8 * sizeof raw; bit++) {
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ota_boot_record_decode(&back, raw));
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(ota_boot_record_decode(&back, raw));
}

static bool decodes(const struct ota_boot_record *r)
{
    uint8_t raw[OTA_BOOT_RECORD_LEN];
    struct ota_boot_record back;

    ota_boot_record_encode(r, raw);
    return ota_boot_record_decode(&back, raw);
}

static void contradictions_are_refused_though_the_sum_is_right(void **state)
{
    struct ota_boot_record r = fresh();

    (void)state;
    assert_true(decodes(&r));
    r.state = OTA_BOOT_TRIAL_ARMED; /* a trial of nothing */
    assert_false(decodes(&r));
    r.trial[0] = 1;
    assert_true(decodes(&r));
    r.tries = 16;
    assert_false(decodes(&r));
    r.tries = 15;
    r.fate = 4;
    assert_false(decodes(&r));
    r.fate = 0;
    r.trial[1] = 2;
    assert_false(decodes(&r));
    r.trial[1] = OTA_SLOT_NONE;
    r.state = OTA_BOOT_TRIAL_NONE; /* a trial that is none */
    assert_false(decodes(&r));
    r.state = 4;
    assert_false(decodes(&r));
    r.state = OTA_BOOT_TRIAL_ARMED;
    r.running[3] = 7;
    assert_false(decodes(&r));
}

static void arming_refuses_what_makes_no_trial(void **state)
{
    struct ota_boot_record r = fresh();
    bool changed;

    (void)state;
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 0xff, 0xff }, 2, 3), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 0, 0xff }, 2, 3), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 2, 0xff }, 2, 3), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1, 0xff }, 2, 0), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1, 0xff }, 2, 16), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1, 0xff, 0xff, 0xff, 0xff }, 5, 3), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1, 0xff }, 2, 15), OTA_OK);
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_TRIAL);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 0xff, 0 }, 2, 3), OTA_USAGE_STATE);
    assert_true(ota_boot_record_revert(&r));
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 0xff, 0 }, 2, 3), OTA_USAGE_STATE);
}

static void a_component_is_taken_out_and_comes_back(void **state)
{
    static const uint8_t out[] = { OTA_SLOT_NONE, OTA_SLOT_REMOVE }, gone[] = { OTA_SLOT_REMOVE, OTA_SLOT_NONE };
    struct ota_boot_record r = fresh(), back;
    uint8_t raw[OTA_BOOT_RECORD_LEN];
    bool changed;

    (void)state;
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1, 0xff, OTA_SLOT_REMOVE }, 3, 3), OTA_USAGE_ARGUMENT); /* is not there */
    assert_int_equal(ota_boot_record_arm(&r, out, 2, 3), OTA_OK);
    ota_boot_record_encode(&r, raw);
    assert_int_equal(raw[25], 0xfe);
    assert_true(ota_boot_record_decode(&back, raw));
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_TRIAL);
    assert_true(r.running[0] == 0 && r.running[1] == OTA_SLOT_NONE && decodes(&r));
    assert_true(ota_boot_record_revert(&r));
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_FELL_BACK);
    assert_true(r.running[0] == 0 && r.running[1] == 1 && r.confirmed[1] == 1);
    assert_int_equal(ota_boot_record_arm(&r, out, 2, 1), OTA_OK);
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_TRIAL);
    assert_true(ota_boot_record_confirm(&r));
    assert_true(r.confirmed[1] == OTA_SLOT_NONE && r.running[1] == OTA_SLOT_NONE && decodes(&r));
    assert_int_equal(ota_boot_record_arm(&r, out, 2, 1), OTA_USAGE_ARGUMENT); /* it is gone */
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 0xff, 0 }, 2, 1), OTA_OK);
    assert_int_equal(ota_boot_record_arm(&r, gone, 1, 1), OTA_OK);
    r.trial[1] = OTA_SLOT_REMOVE; /* of what is not there */
    assert_false(decodes(&r));
    r.trial[1] = OTA_SLOT_NONE;
    r.confirmed[1] = OTA_SLOT_REMOVE; /* only a trial says that */
    assert_false(decodes(&r));
}

static void an_ordinary_start_writes_nothing(void **state)
{
    struct ota_boot_record r = fresh();
    bool changed = true;

    (void)state;
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_CONFIRMED);
    assert_false(changed);
}

static struct ota_boot_view seen(const struct ota_boot_record *r)
{
    struct ota_boot_view v;

    ota_boot_record_view(r, &v);
    return v;
}

static void the_fate_tells_why_a_trial_ended(void **state)
{
    struct ota_boot_record r = fresh();
    bool changed;

    (void)state;
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1 }, 1, 1), OTA_OK);
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_TRIAL);
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_FELL_BACK);
    assert_true(changed);
    assert_int_equal(r.fate, OTA_BOOT_FATE_OUT_OF_TRIES);
    assert_true(seen(&r).spent);
    assert_true(ota_boot_record_revert(&r)); /* taken note of */
    assert_false(seen(&r).spent);
    assert_false(ota_boot_record_revert(&r));
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1 }, 1, 1), OTA_OK);
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_TRIAL);
    assert_false(seen(&r).spent); /* its last start may still be confirmed */
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_FELL_BACK);
    assert_true(seen(&r).spent);
    assert_int_equal(ota_boot_record_arm(&r, (const uint8_t[]){ 1 }, 1, 1), OTA_OK);
    assert_int_equal(r.fate, OTA_BOOT_FATE_NONE);
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_TRIAL);
    assert_true(ota_boot_record_revert(&r));
    assert_false(ota_boot_record_confirm(&r)); /* given up is given up */
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_FELL_BACK);
    assert_int_equal(r.fate, OTA_BOOT_FATE_REVERTED);
    assert_int_equal(r.running[0], 0);
}

/* Every store is torn at every byte: what is loaded is the old record or the new one, and can be stored again. */
static void a_torn_store_leaves_the_old_record(void **state)
{
    uint8_t before[OTA_BOOT_RECORD_FILE_LEN], after[OTA_BOOT_RECORD_FILE_LEN], torn[OTA_BOOT_RECORD_FILE_LEN];
    struct ota_boot_record r = fresh(), got;
    unsigned old_seen = 0, new_seen = 0;

    (void)state;
    assert_int_equal(ota_boot_record_create(path, &r, NULL), OTA_OK);
    for (int round = 0; round < 2; round++) { /* once into each copy */
        int fd = open(path, O_RDWR);

        assert_int_equal(pread(fd, before, sizeof before, 0), sizeof before);
        assert_int_equal(ota_boot_record_load(path, &r, NULL), OTA_OK);
        r.fate = (uint8_t)(round + 1);
        assert_int_equal(ota_boot_record_store(path, &r, NULL), OTA_OK);
        assert_int_equal(pread(fd, after, sizeof after, 0), sizeof after);
        for (size_t cut = 0; cut <= OTA_BOOT_RECORD_LEN; cut++) {
            size_t off = memcmp(before, after, 32) != 0 ? 0 : OTA_BOOT_RECORD_COPY_OFF;

            memcpy(torn, before, sizeof torn);
            memcpy(torn + off, after + off, cut);
            assert_int_equal(pwrite(fd, torn, sizeof torn, 0), sizeof torn);
            assert_int_equal(ota_boot_record_load(path, &got, NULL), OTA_OK);
            assert_true(got.generation == r.generation || got.generation == r.generation - 1);
            *(got.generation == r.generation ? &new_seen : &old_seen) += 1;
            assert_int_equal(ota_boot_record_store(path, &got, NULL), OTA_OK);
        }
        assert_int_equal(pwrite(fd, after, sizeof after, 0), sizeof after);
        close(fd);
    }
    assert_true(old_seen > 20 && new_seen >= 2);
}

static void two_writers_do_not_overwrite_each_other(void **state)
{
    struct ota_boot_record a = fresh(), b;
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_boot_record_create(path, &a, NULL), OTA_OK);
    assert_int_equal(ota_boot_record_load(path, &a, NULL), OTA_OK);
    b = a;
    assert_int_equal(ota_boot_record_store(path, &a, NULL), OTA_OK);
    assert_int_equal(ota_boot_record_store(path, &b, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EAGAIN);
}

static void bad_files_are_told_apart(void **state)
{
    struct ota_boot_record r = fresh();
    struct ota_posix_boot b;
    struct ota_posix_boot_config cfg = { path, NULL };
    struct ota_fault fault;
    int32_t code = 7;

    (void)state;
    unlink(path);
    assert_int_equal(ota_boot_record_load(path, &r, &code), OTA_DEVICE_ABSENT);
    assert_int_equal(ota_posix_boot_open(&b, &cfg, &fault), OTA_DEVICE_ABSENT);
    assert_string_equal(fault.where, "boot.path");
    assert_int_equal(fault.port_code, ENOENT);
    assert_int_equal(ota_boot_record_create(path, &r, NULL), OTA_OK);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(ota_boot_record_load(path, &r, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ENODATA);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, OTA_BOOT_RECORD_FILE_LEN), 0);
    assert_int_equal(ota_boot_record_load(path, &r, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, 0);
    unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(ota_boot_record_load(path, &r, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ELOOP);
    unlink(path);
    cfg.path = NULL;
    assert_int_equal(ota_posix_boot_open(&b, &cfg, &fault), OTA_USAGE_ARGUMENT);
}

static void the_port_tells_what_it_refuses(void **state)
{
    static const char *const missing[] = { "/nonexistent/reboot", NULL };
    struct ota_boot_record r = fresh();
    struct ota_posix_boot_config cfg = { path, missing };
    struct ota_posix_boot b;
    bool changed;
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_boot_record_create(path, &r, NULL), OTA_OK);
    assert_int_equal(ota_posix_boot_open(&b, &cfg, NULL), OTA_OK);
    assert_int_equal(b.port.ops->arm(&b.port, (const uint8_t[]){ 0, 0xff }, 2, 3, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EINVAL);
    assert_int_equal(b.port.ops->arm(&b.port, (const uint8_t[]){ 1, 0xff }, 2, 3, &code), OTA_OK);
    assert_int_equal(ota_boot_record_load(path, &r, NULL), OTA_OK);
    assert_int_equal(ota_boot_record_start(&r, &changed), OTA_BOOT_START_TRIAL);
    assert_int_equal(ota_boot_record_store(path, &r, NULL), OTA_OK);
    assert_int_equal(b.port.ops->arm(&b.port, (const uint8_t[]){ 0xff, 0 }, 2, 3, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, EBUSY);
    assert_int_equal(b.port.ops->revert(&b.port, &code), OTA_OK);
    assert_int_equal(b.port.ops->confirm(&b.port, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ECANCELED);
    assert_int_equal(b.port.ops->reboot(&b.port, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, ENOENT);
    assert_false(b.restart_asked);
    unlink(path);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/record", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_is_the_documented_one),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(contradictions_are_refused_though_the_sum_is_right),
        cmocka_unit_test(arming_refuses_what_makes_no_trial),
        cmocka_unit_test(a_component_is_taken_out_and_comes_back),
        cmocka_unit_test(an_ordinary_start_writes_nothing),
        cmocka_unit_test(the_fate_tells_why_a_trial_ended),
        cmocka_unit_test(a_torn_store_leaves_the_old_record),
        cmocka_unit_test(two_writers_do_not_overwrite_each_other),
        cmocka_unit_test(bad_files_are_told_apart),
        cmocka_unit_test(the_port_tells_what_it_refuses),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
