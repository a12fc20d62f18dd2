/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in one file: the contract, damage, and power cuts at every write. Each write and sync of the port is noted; then for every
 * point of that trace files are made as a power cut there could leave them: what was synced, and of the writes since then none, all,
 * any one, all but one, or all with the last one torn. Each is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ota/sphere.h"
#include "ota_contract.h"
#include "sphere_sim.h"

#define SIZE OTA_SPHERE_STORE_MIN
#define NAMES 3u
#define OPS_MAX 4096u

static char path[] = "/tmp/ota-sphere-store-XXXXXX";
static struct ota_sphere_store store;

static void open_store(uint32_t size)
{
    struct ota_fault fault = { 0 };

    assert_int_equal(ota_sphere_store_open(&store, size, &fault), OTA_OK);
}

/* ---- every write and sync ---- */

struct op {
    bool sync;
    uint32_t off, len;
    uint8_t *data;
    unsigned now[NAMES], then[NAMES]; /* what each record holds (0: absent) before and after the change under way */
};
static struct op trace[OPS_MAX];
static size_t ops;
static bool tracing;
static unsigned now[NAMES], then[NAMES];
static unsigned fail_after; /* the operation that fails with EIO; 0 = none */
static unsigned done_ops;

static struct op *note(void)
{
    assert_true(ops < OPS_MAX);
    struct op *o = &trace[ops++];
    *o = (struct op){ 0 };
    memcpy(o->now, now, sizeof now);
    memcpy(o->then, then, sizeof then);
    return o;
}

ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t off);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t off);
int __wrap_fsync(int fd);

static bool fails(void)
{
    if (!fail_after || ++done_ops != fail_after)
        return false;
    errno = EIO;
    return true;
}

ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t off)
{
    if (fails())
        return -1;
    if (tracing) {
        struct op *o = note();
        o->off = (uint32_t)off;
        o->len = (uint32_t)n;
        o->data = malloc(n ? n : 1);
        memcpy(o->data, buf, n);
    }
    return __real_pwrite(fd, buf, n, off);
}

int __wrap_fsync(int fd)
{
    if (fails())
        return -1;
    if (tracing)
        note()->sync = true;
    (void)fd; /* the trace says what it would have made durable */
    return 0;
}

static void forget_trace(void)
{
    for (size_t i = 0; i < ops; i++)
        free(trace[i].data);
    ops = 0;
    tracing = false;
}

static int set_up(void **state)
{
    int fd = mkstemp(path);
    const struct sphere_sim_manifest m = { .package_dir = "/nonexistent", .mutable_file = path, .mutable_kb = 64 };

    (void)state;
    assert_true(fd >= 0 && close(fd) == 0);
    sphere_sim_begin(&m);
    memset(now, 0, sizeof now);
    memset(then, 0, sizeof then);
    fail_after = done_ops = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    forget_trace();
    ota_sphere_store_close(&store);
    unlink(path);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    return 0;
}

/* ---- records whose bytes follow from a number ---- */

static const char *const names[NAMES] = { "journal.0", "reports", "product.targets.json" };

static size_t make(unsigned number, uint8_t *out)
{
    size_t len = number * 37u % 600u;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(number * 7u + i * 13u);
    return len;
}

static ota_err put(unsigned which, unsigned number)
{
    uint8_t bytes[700];

    return number ? store.port.ops->write(&store.port, names[which], bytes, make(number, bytes), NULL)
                  : store.port.ops->remove(&store.port, names[which], NULL);
}

static bool holds(unsigned which, unsigned number)
{
    uint8_t bytes[700], want[700];
    size_t len;
    ota_err err = store.port.ops->read(&store.port, names[which], bytes, sizeof bytes, &len, NULL);

    if (number == 0)
        return err == OTA_DEVICE_ABSENT;
    return err == OTA_OK && len == make(number, want) && memcmp(bytes, want, len) == 0;
}

static void change(unsigned which, unsigned number)
{
    then[which] = number;
    assert_int_equal(put(which, number), OTA_OK);
    now[which] = number;
}

/* ---- tests ---- */

static void the_contract_holds(void **state)
{
    struct ota_contract_report r = { 0 };

    (void)state;
    open_store(OTA_SPHERE_STORE_MAX);
    assert_int_equal(ota_contract_store(&store.port, &r), 0);
    assert_true(r.checks >= 20);
}

static void records_survive_many_changes_and_a_restart(void **state)
{
    (void)state;
    open_store(SIZE);
    for (unsigned i = 1; i < 600; i++) {
        change(i % NAMES, i % 11 == 0 ? 0 : i);
        if (i % 7 == 0) {
            ota_sphere_store_close(&store);
            open_store(SIZE);
        }
        for (unsigned k = 0; k < NAMES; k++)
            assert_true(holds(k, now[k]));
    }
    assert_true(store.generation > 20); /* it began anew that often */
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= SIZE);
}

static void what_does_not_fit_is_refused_and_nothing_is_lost(void **state)
{
    static uint8_t big[SIZE];
    int32_t number = 0;

    (void)state;
    open_store(SIZE);
    change(0, 5);
    assert_int_equal(store.port.ops->write(&store.port, "reports", big, SIZE / 2 + 1, &number), OTA_DEVICE_FULL);
    assert_int_equal(number, ENOSPC);
    assert_int_equal(store.port.ops->write(&store.port, "reports", big, SIZE / 2 - 40, &number),
                     OTA_DEVICE_FULL); /* with the other */
    assert_true(holds(0, 5));
    ota_sphere_store_close(&store);
    open_store(SIZE);
    assert_true(holds(0, 5));
    assert_true(holds(1, 0));
    change(1, 9);
    assert_true(holds(1, 9));
}

static void bad_sizes_and_refusals_of_the_platform_are_told(void **state)
{
    struct sphere_sim_manifest m = { .package_dir = "/nonexistent", .mutable_file = path };
    struct ota_fault fault = { 0 };

    (void)state;
    assert_int_equal(ota_sphere_store_open(&store, SIZE - 8, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "store.size");
    assert_int_equal(ota_sphere_store_open(&store, OTA_SPHERE_STORE_MAX + 8, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_sphere_store_open(&store, SIZE + 4, &fault), OTA_USAGE_ARGUMENT);
    sphere_sim_begin(&m); /* no MutableStorage */
    assert_int_equal(ota_sphere_store_open(&store, SIZE, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, EACCES);
    assert_string_equal(fault.where, "Storage_OpenMutableFile");
    m.mutable_kb = 64;
    sphere_sim_begin(&m);
    sphere_sim_fail_storage(EIO);
    assert_int_equal(ota_sphere_store_open(&store, SIZE, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, EIO);
}

static void damage_costs_what_lies_behind_it_only(void **state)
{
    (void)state;
    open_store(SIZE);
    change(0, 5), change(1, 6), change(2, 7);
    uint32_t end = store.end;
    ota_sphere_store_close(&store);
    for (uint32_t at = 0; at < end; at++) {
        int fd = open(path, O_RDWR);
        uint8_t byte, other;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        other = byte ^ 0x10;
        assert_int_equal(__real_pwrite(fd, &other, 1, at), 1);
        open_store(SIZE);
        bool lost = false;
        for (unsigned k = 0; k < NAMES; k++) {
            bool whole = holds(k, now[k]);
            assert_true(whole || holds(k, 0)); /* never other bytes */
            assert_false(whole && lost);
            lost |= !whole;
        }
        ota_sphere_store_close(&store);
        assert_int_equal(__real_pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    open_store(SIZE);
}

/* Every operation fails once: nothing is lost, and the next try works, also when the port was opened anew in between. */
static void a_failed_write_loses_nothing(void **state)
{
    unsigned n = 0, failed = 0;

    (void)state;
    open_store(SIZE);
    for (unsigned i = 1; i < 400; i++) {
        unsigned which = i % NAMES, number = i % 11 == 0 ? 0 : i;

        fail_after = ++n % 13, done_ops = 0;
        ota_err err = put(which, number);
        assert_true(err == OTA_OK || err == OTA_DEVICE_STORE);
        fail_after = 0;
        if (err == OTA_OK) {
            now[which] = number;
            continue;
        }
        failed++;
        assert_true(holds(which, now[which]) || holds(which, number));
        if (i % 2) {
            ota_sphere_store_close(&store);
            open_store(SIZE);
            assert_true(holds(which, now[which]) || holds(which, number));
        }
        change(which, number);
        for (unsigned k = 0; k < NAMES; k++)
            assert_true(holds(k, now[k]));
    }
    assert_true(failed > 50);
}

/* The file as a power cut in front of trace[cut] leaves it: writes since the last sync as `kept` says. */
static void make_file(size_t cut, uint64_t kept, uint32_t torn)
{
    static uint8_t file[SIZE];
    size_t size = 0, synced = 0, bit = 0;

    memset(file, 0, sizeof file);
    for (size_t i = 0; i < cut; i++)
        if (trace[i].sync)
            synced = i + 1;
    for (size_t i = 0; i < cut; i++) {
        const struct op *o = &trace[i];
        uint32_t len = o->len;

        if (o->sync || (i >= synced && !(kept >> bit++ & 1)))
            continue;
        if (i + 1 == cut && torn)
            len = torn < len ? torn : len;
        memcpy(file + o->off, o->data, len);
        size = o->off + len > size ? o->off + len : size;
    }
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(__real_pwrite(fd, file, size, 0), (ssize_t)size);
    close(fd);
}

static unsigned long look_after_cut(size_t cut, uint64_t kept, uint32_t torn)
{
    const struct op *o = &trace[cut];

    make_file(cut, kept, torn);
    open_store(SIZE);
    for (unsigned k = 0; k < NAMES; k++)
        assert_true(holds(k, o->now[k]) || holds(k, o->then[k]));
    assert_int_equal(put(0, 3), OTA_OK); /* and it goes on */
    assert_true(holds(0, 3));
    for (unsigned k = 1; k < NAMES; k++)
        assert_true(holds(k, o->now[k]) || holds(k, o->then[k]));
    ota_sphere_store_close(&store);
    open_store(SIZE);
    assert_true(holds(0, 3));
    ota_sphere_store_close(&store);
    return 1;
}

static unsigned pending_at(size_t cut)
{
    unsigned n = 0;

    for (size_t i = cut; i > 0 && !trace[i - 1].sync; i--)
        n++;
    return n;
}

static void a_power_cut_leaves_the_old_record_or_the_new_one(void **state)
{
    unsigned long cuts = 0;

    (void)state;
    open_store(SIZE);
    tracing = true;
    for (unsigned i = 1; i < 60; i++)
        change(i % NAMES, i % 11 == 0 ? 0 : i * 5);
    tracing = false;
    assert_true(store.generation > 3);
    ota_sphere_store_close(&store);
    for (size_t cut = 1; cut < ops; cut++) {
        unsigned n = pending_at(cut);
        uint64_t all = n < 64 ? (1ull << n) - 1 : UINT64_MAX;

        cuts += look_after_cut(cut, 0, 0) + look_after_cut(cut, all, 0);
        for (unsigned b = 0; b < n && b < 64; b++)
            cuts += look_after_cut(cut, 1ull << b, 0) + look_after_cut(cut, all & ~(1ull << b), 0);
        for (uint32_t torn = 1; n && torn < trace[cut - 1].len; torn += 1 + torn / 3)
            cuts += look_after_cut(cut, all, torn);
    }
    print_message("%lu files after a power cut\n", cuts);
    assert_true(cuts > 2000);
    open_store(SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_contract_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_survive_many_changes_and_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused_and_nothing_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_sizes_and_refusals_of_the_platform_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_costs_what_lies_behind_it_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_write_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_power_cut_leaves_the_old_record_or_the_new_one, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
