/* SPDX-License-Identifier: Apache-2.0 */
/* Every version of the library reads what every earlier one wrote, and what a later minor version wrote: an update is
 * confirmed by a newer agent, and read by the older one again after a rollback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "golden.h"
#include "golden_read.h"

static uint8_t file[OTAI_REPORTS_BYTES], again[OTAI_REPORTS_BYTES];

/* ---- journal ---- */

static void seal_journal(uint8_t *p, size_t len)
{
    otai_put_le32(p + len - 4, otai_crc32(0, p, len - 4));
}

static void expect_journal(const uint8_t *p, size_t len, unsigned minor)
{
    struct otai_journal want, got;
    const char *why = NULL;

    golden_journal(&want, minor);
    assert_int_equal(otai_journal_decode(p, len, &got, &why), OTA_OK);
    assert_null(why);
    /* the same bytes are made of both: every field is equal, whatever lies between them in memory */
    size_t n = otai_journal_encode(&want, again);
    static uint8_t other[OTAI_JOURNAL_MAX];
    assert_int_equal(otai_journal_encode(&got, other), n);
    assert_memory_equal(again, other, n);
    assert_int_equal(got.generation, want.generation);
    assert_int_equal(got.cause.err, want.cause.err);
    assert_int_equal(got.cause.port_code, want.cause.port_code);
    assert_string_equal(got.progress[3].etag, want.progress[3].etag);
    assert_string_equal(got.installed[3].version, want.installed[3].version);
}

static void journal_1_0_is_read(void **state)
{
    size_t len = read_golden("journal-1.0.hex", file, sizeof file);

    (void)state;
    expect_journal(file, len, 0);
}

static void journal_1_1_is_read(void **state)
{
    size_t len = read_golden("journal-1.1.hex", file, sizeof file);

    (void)state;
    expect_journal(file, len, 1);
}

static void journal_1_2_is_read(void **state)
{
    size_t len = read_golden("journal-1.2.hex", file, sizeof file);

    (void)state;
    expect_journal(file, len, 2);
}

static void journal_1_3_is_read(void **state)
{
    size_t len = read_golden("journal-1.3.hex", file, sizeof file);

    (void)state;
    expect_journal(file, len, 3);
}

/* What a reader of an earlier minor does with a later one's: all that it knows stands where it stood, and it leaves what
 * follows alone. */
static void each_minor_only_appends(void **state)
{
    static const struct { const char *older, *newer; size_t more; } steps[] = {
        { "journal-1.0.hex", "journal-1.1.hex", 8 }, { "journal-1.1.hex", "journal-1.2.hex", 12 },
        { "journal-1.2.hex", "journal-1.3.hex", 21 },
    };
    static uint8_t old[OTAI_JOURNAL_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        size_t len = read_golden(steps[i].older, old, sizeof old);

        assert_int_equal(read_golden(steps[i].newer, file, sizeof file), len + steps[i].more);
        assert_memory_equal(file + 8, old + 8, len - 4 - 8);
        assert_int_equal(old[5], i);
        assert_int_equal(file[5], i + 1);
    }
}

/* A version that adds fields commits a golden file of its own. */
static void this_version_writes_its_golden_journal(void **state)
{
    struct otai_journal j;
    char name[40];

    (void)state;
    (void)snprintf(name, sizeof name, "journal-%d.%d.hex", OTAI_JOURNAL_MAJOR, OTAI_JOURNAL_MINOR);
    size_t len = read_golden(name, file, sizeof file);
    golden_journal(&j, OTAI_JOURNAL_MINOR);
    assert_int_equal(otai_journal_encode(&j, again), len);
    assert_memory_equal(file, again, len);
}

static void a_journal_of_a_later_minor_is_read(void **state)
{
    size_t len = read_golden("journal-1.3.hex", file, sizeof file);

    (void)state;
    for (size_t extra = 1; extra <= 64; extra++) {
        static uint8_t next[OTAI_JOURNAL_MAX];

        memcpy(next, file, len - 4);
        memset(next + len - 4, 0xa5, extra);
        next[5] = (uint8_t)(OTAI_JOURNAL_MINOR + extra);
        next[6] = (uint8_t)(len - 16 + extra);
        next[7] = (uint8_t)((len - 16 + extra) >> 8);
        seal_journal(next, len + extra);
        expect_journal(next, len + extra, 3);
    }
}

/* An earlier minor's body ends sooner: what it did not know is zero. */
static void a_journal_of_an_earlier_minor_is_read(void **state)
{
    enum { INSTALLED_LEN = 1 + 4 + OTA_SHA256_LEN + OTA_VERSION_MAX };
    size_t len = read_golden("journal-1.0.hex", file, sizeof file) - INSTALLED_LEN;
    struct otai_journal j;
    const char *why = NULL;

    (void)state;
    file[6] = (uint8_t)(len - 16);
    file[7] = (uint8_t)((len - 16) >> 8);
    seal_journal(file, len);
    assert_int_equal(otai_journal_decode(file, len, &j, &why), OTA_OK);
    assert_true(j.installed[1].known);
    assert_false(j.installed[3].known);
    assert_string_equal(j.installed[3].version, "");
}

static void a_journal_of_another_major_is_refused(void **state)
{
    struct otai_journal j;
    const char *why = NULL;
    size_t len = read_golden("journal-1.0.hex", file, sizeof file);

    (void)state;
    for (unsigned major = 0; major < 256; major++) {
        file[4] = (uint8_t)major;
        seal_journal(file, len);
        ota_err err = otai_journal_decode(file, len, &j, &why);
        assert_int_equal(err, major == OTAI_JOURNAL_MAJOR ? OTA_OK : OTA_DEVICE_JOURNAL);
        if (err != OTA_OK) {
            assert_string_equal(why, "journal.major");
            assert_int_equal(j.generation, 0);
        }
    }
}

static void any_damaged_bit_is_noticed(void **state)
{
    struct otai_journal j;
    struct otai_ring ring;
    struct ota_boot_record boot;
    const char *why = NULL;
    size_t n = 0, len = read_golden("journal-1.0.hex", file, sizeof file);

    (void)state;
    for (size_t bit = 0; bit < 8 * len; bit++, n++) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(otai_journal_decode(file, len, &j, &why), OTA_DEVICE_JOURNAL);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    len = read_golden("reports-1.hex", file, sizeof file);
    for (size_t bit = 0; bit < 8 * len; bit++, n++) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(otai_ring_decode(file, len, &ring), OTA_OK);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    len = read_golden("boot-1.hex", file, sizeof file);
    for (size_t bit = 0; bit < 8 * len; bit++, n++) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ota_boot_record_decode(&boot, file));
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(n > 8000);
}

/* ---- reports ---- */

/* An older version is read as if its writer had known no more. */
static void expect_older_ring(const char *name, unsigned version)
{
    struct otai_ring want, got;
    size_t len = read_golden(name, file, sizeof file);
    static uint8_t other[OTAI_REPORTS_BYTES];

    golden_ring(&want, version);
    assert_int_equal(otai_ring_decode(file, len, &got), OTA_OK);
    assert_int_equal(got.report[2].why, version == 1 ? OTA_WHY_NONE : 3);
    assert_int_equal(got.report[2].boot, 0);
    len = otai_ring_encode(&want, again);
    assert_int_equal(otai_ring_encode(&got, other), len);
    assert_memory_equal(again, other, len);
}

static void reports_1_and_2_are_read(void **state)
{
    (void)state;
    expect_older_ring("reports-1.hex", 1);
    expect_older_ring("reports-2.hex", 2);
}

/* The version that this build writes: 2 without OTA_FLEET, which reads no later one. */
static void the_newest_reports_are_read_and_written(void **state)
{
    struct otai_ring want, got;

    (void)state;
    golden_ring(&want, 3);
    (void)otai_ring_encode(&want, again);
    bool fleet = again[4] == 3;
    size_t len = read_golden("reports-3.hex", file, sizeof file);
    if (!fleet) {
        assert_int_equal(otai_ring_decode(file, len, &got), OTA_DEVICE_STORE);
        golden_ring(&want, 2);
        len = read_golden("reports-2.hex", file, sizeof file);
    }
    assert_int_equal(otai_ring_decode(file, len, &got), OTA_OK);
    assert_int_equal(got.last_id, want.last_id);
    assert_int_equal(got.count, want.count);
    assert_int_equal(got.report[2].id, want.report[2].id);
    assert_int_equal(got.report[2].boot, fleet ? want.report[2].boot : 0);
    assert_string_equal(got.report[2].cause.where, want.report[2].cause.where);
    assert_int_equal(otai_ring_encode(&got, again), len);
    assert_memory_equal(file, again, len);
    assert_int_equal(otai_ring_encode(&want, again), len);
    assert_memory_equal(file, again, len);
}

static void reports_of_another_version_are_refused(void **state)
{
    struct otai_ring ring;
    size_t len = read_golden("reports-2.hex", file, sizeof file);

    (void)state;
    for (unsigned version = 0; version < 256; version++) {
        file[4] = (uint8_t)version;
        seal_journal(file, len);
        assert_int_equal(otai_ring_decode(file, len, &ring) == OTA_OK, version == 2);
    }
}

/* ---- boot record: read by boot supervisors and boot loaders that are not updated with the agent ---- */

static void boot_record_1_is_read_and_written(void **state)
{
    struct ota_boot_record want, got;
    size_t len = read_golden("boot-1.hex", file, sizeof file);

    (void)state;
    assert_int_equal(len, OTA_BOOT_RECORD_LEN);
    golden_boot(&want);
    assert_true(ota_boot_record_decode(&got, file));
    assert_int_equal(got.generation, want.generation);
    assert_memory_equal(got.confirmed, want.confirmed, sizeof got.confirmed);
    assert_memory_equal(got.running, want.running, sizeof got.running);
    assert_memory_equal(got.trial, want.trial, sizeof got.trial);
    assert_int_equal(got.state, want.state);
    assert_int_equal(got.tries, want.tries);
    ota_boot_record_encode(&got, again);
    assert_memory_equal(file, again, len);
    ota_boot_record_encode(&want, again);
    assert_memory_equal(file, again, len);
}

static void a_boot_record_of_another_format_is_refused(void **state)
{
    struct ota_boot_record r;
    size_t len = read_golden("boot-1.hex", file, sizeof file);

    (void)state;
    for (unsigned format = 0; format < 256; format++) {
        file[4] = (uint8_t)format;
        seal_journal(file, len);
        assert_int_equal(ota_boot_record_decode(&r, file), format == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journal_1_0_is_read),
        cmocka_unit_test(journal_1_1_is_read),
        cmocka_unit_test(journal_1_2_is_read), cmocka_unit_test(journal_1_3_is_read),
        cmocka_unit_test(each_minor_only_appends),
        cmocka_unit_test(this_version_writes_its_golden_journal),
        cmocka_unit_test(a_journal_of_a_later_minor_is_read),
        cmocka_unit_test(a_journal_of_an_earlier_minor_is_read),
        cmocka_unit_test(a_journal_of_another_major_is_refused),
        cmocka_unit_test(any_damaged_bit_is_noticed),
        cmocka_unit_test(reports_1_and_2_are_read),
        cmocka_unit_test(the_newest_reports_are_read_and_written),
        cmocka_unit_test(reports_of_another_version_are_refused),
        cmocka_unit_test(boot_record_1_is_read_and_written),
        cmocka_unit_test(a_boot_record_of_another_format_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
