/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_slot.h"
#include "slot.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct fake_slot fake;
static struct ota_fault fault;
static uint8_t image[FAKE_SIZE], buf[4096];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 31 + i / 253);
    memset(&fault, 0, sizeof fault);
    return 0;
}

static void write_all(struct otai_writer *w, uint64_t to, size_t piece)
{
    while (otai_writer_pos(w) < to) {
        uint64_t at = otai_writer_pos(w), left = to - at;
        size_t n = left < piece ? (size_t)left : piece;
        assert_int_equal(otai_writer_add(w, image + at, n), OTA_OK);
        assert_true(otai_writer_pos(w) == at + n);
    }
}

static const uint32_t write_units[] = { 1, 16, 512, 4096 }, erase_units[] = { 0, 4096, 16384 };
static const size_t pieces[] = { 1, 13, 512, 4096, 5000, 60000 };

static void every_geometry_holds_the_same_bytes(void **state)
{
    static const uint64_t lengths[] = { 1, 15, 16, 511, 512, 4095, 4096, 4097, 20000, FAKE_SIZE - 1, FAKE_SIZE };
    struct otai_writer w;

    (void)state;
    for (size_t a = 0; a < COUNT(write_units); a++)
        for (size_t b = 0; b < COUNT(erase_units); b++)
            for (size_t p = 1; p < COUNT(pieces); p++)
                for (size_t l = 0; l < COUNT(lengths); l++) {
                    uint64_t len = lengths[l], unit = write_units[a], padded = (len + unit - 1) / unit * unit;
                    fake_slot_init(&fake, write_units[a], erase_units[b]);
                    assert_int_equal(otai_writer_open(&w, &fake.slot, buf, 4096, len, 0, &fault), OTA_OK);
                    write_all(&w, len, pieces[p]);
                    assert_int_equal(otai_writer_sync(&w), OTA_OK);
                    assert_memory_equal(fake.bytes, image, len);
                    for (uint64_t i = len; i < padded; i++)
                        assert_int_equal(fake.bytes[i], 0xff);
                    if (padded < FAKE_SIZE && erase_units[b] == 0)
                        assert_int_equal(fake.bytes[padded], 0x55);
                    if (erase_units[b])
                        assert_true(fake.erased_to >= padded && fake.erased_to - padded < erase_units[b]);
                    assert_int_equal(otai_writer_add(&w, image, 1), OTA_REJECT_LENGTH);
                    assert_int_equal(otai_writer_sync(&w), OTA_OK);
                }
}

static void an_interrupted_write_goes_on_at_the_checkpoint(void **state)
{
    struct otai_writer w;

    (void)state;
    for (size_t a = 0; a < COUNT(write_units); a++)
        for (size_t b = 0; b < COUNT(erase_units); b++) {
            fake_slot_init(&fake, write_units[a], erase_units[b]);
            assert_int_equal(otai_writer_open(&w, &fake.slot, buf, 4096, 50001, 0, &fault), OTA_OK);
            write_all(&w, 16384, 700);
            assert_int_equal(otai_writer_sync(&w), OTA_OK);
            write_all(&w, 30000, 700);   /* lost: never synced, never journaled */
            fake.erased_to = 16384;
            assert_int_equal(otai_writer_open(&w, &fake.slot, buf, 4096, 50001, 16384, &fault), OTA_OK);
            assert_true(otai_writer_pos(&w) == 16384);
            write_all(&w, 50001, 700);
            assert_int_equal(otai_writer_sync(&w), OTA_OK);
            assert_memory_equal(fake.bytes, image, 50001);
        }
}

static void large_runs_bypass_the_buffer(void **state)
{
    struct otai_writer w;

    (void)state;
    fake_slot_init(&fake, 512, 0);
    assert_int_equal(otai_writer_open(&w, &fake.slot, buf, 512, 10000, 0, &fault), OTA_OK);
    assert_int_equal(otai_writer_add(&w, image, 10000), OTA_OK);
    assert_int_equal(fake.writes, 1);   /* 19 units at once; the rest waits */
    assert_int_equal(w.fill, 10000 - 19 * 512);
}

static void erasing_keeps_just_ahead(void **state)
{
    struct otai_writer w;

    (void)state;
    fake_slot_init(&fake, 16, 4096);
    assert_int_equal(otai_writer_open(&w, &fake.slot, buf, 1024, 60000, 0, &fault), OTA_OK);
    assert_int_equal(fake.erases, 0);
    write_all(&w, 4096, 100);
    assert_int_equal(otai_writer_sync(&w), OTA_OK);
    assert_int_equal(fake.erased_to, 4096);
    write_all(&w, 4096 + 1024, 100);
    assert_int_equal(fake.erased_to, 8192);
    assert_int_equal(fake.erases, 2);
}

static void a_sync_needs_whole_units_or_the_end(void **state)
{
    struct otai_writer w;

    (void)state;
    fake_slot_init(&fake, 16, 0);
    assert_int_equal(otai_writer_open(&w, &fake.slot, buf, 1024, 100, 0, &fault), OTA_OK);
    write_all(&w, 17, 17);
    assert_int_equal(otai_writer_sync(&w), OTA_USAGE_ARGUMENT);
    assert_int_equal(fake.syncs, 0);
    write_all(&w, 32, 15);
    assert_int_equal(otai_writer_sync(&w), OTA_OK);
    assert_int_equal(fake.syncs, 1);
    write_all(&w, 100, 100);
    assert_int_equal(otai_writer_sync(&w), OTA_OK);
}

static void what_open_refuses(void **state)
{
    static const struct { uint64_t size, length, from; uint32_t write, erase; size_t cap; ota_err err; const char *where; } rows[] = {
        { FAKE_SIZE, FAKE_SIZE, 0, 16, 4096, 512, OTA_OK, "" },
        { FAKE_SIZE, FAKE_SIZE + 1, 0, 16, 4096, 512, OTA_REJECT_TOO_BIG, "slot.size" },
        { FAKE_SIZE, UINT64_MAX, 0, 16, 4096, 512, OTA_REJECT_TOO_BIG, "slot.size" },
        { 1000, 1000, 0, 16, 0, 512, OTA_REJECT_TOO_BIG, "slot.size" },      /* the padding does not fit */
        { 5000, 4097, 0, 1, 4096, 512, OTA_REJECT_TOO_BIG, "slot.size" },    /* the erase does not fit */
        { 5000, 4096, 0, 1, 4096, 512, OTA_OK, "" },
        { FAKE_SIZE, 1ull << 32, 0, 16, 4096, 512, OTA_REJECT_TOO_BIG, "slot.size" },
        { FAKE_SIZE, 100, 0, 16, 4096, 500, OTA_USAGE_MEMORY, "slot.buffer" },
        { FAKE_SIZE, 100, 0, 512, 4096, 256, OTA_USAGE_MEMORY, "slot.buffer" },
        { FAKE_SIZE, 100, 0, 16, 4096, 0, OTA_USAGE_MEMORY, "slot.buffer" },
        { FAKE_SIZE, 9000, 4096, 16, 4096, 512, OTA_OK, "" },
        { FAKE_SIZE, 9000, 4112, 16, 4096, 512, OTA_USAGE_ARGUMENT, "slot.offset" },
        { FAKE_SIZE, 9000, 8, 16, 0, 512, OTA_USAGE_ARGUMENT, "slot.offset" },
        { FAKE_SIZE, 9000, 12288, 16, 4096, 512, OTA_USAGE_ARGUMENT, "slot.offset" },
        { FAKE_SIZE, 8192, 8192, 16, 4096, 512, OTA_OK, "" },
        { FAKE_SIZE, 100, 0, 0, 0, 512, OTA_DEVICE_SLOT, "slot.geometry" },
        { FAKE_SIZE, 100, 0, 24, 0, 480, OTA_DEVICE_SLOT, "slot.geometry" },
        { FAKE_SIZE, 100, 0, 8192, 0, 8192, OTA_DEVICE_SLOT, "slot.geometry" },
        { FAKE_SIZE, 100, 0, 16, 1000, 512, OTA_DEVICE_SLOT, "slot.geometry" },
    };
    struct otai_writer w;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fake_slot_init(&fake, rows[i].write, rows[i].erase);
        fake.g.size = rows[i].size;
        fault = (struct ota_fault){ .err = OTA_OK };
        ota_err err = otai_writer_open(&w, &fake.slot, buf, rows[i].cap, rows[i].length, rows[i].from, &fault);
        if (err != rows[i].err || strcmp(fault.where, rows[i].where) != 0)
            fail_msg("row %zu: %s at %s", i, ota_err_name(err), fault.where);
        assert_int_equal(fake.ops, 1);   /* nothing but the geometry was asked for */
    }
}

static void every_failing_operation_is_told(void **state)
{
    static const ota_err said[] = { OTA_DEVICE_SLOT, OTA_DEVICE_LOCKED, OTA_DONE, OTA_AGAIN, OTA_RETRY_NETWORK };
    static const ota_err want[] = { OTA_DEVICE_SLOT, OTA_DEVICE_LOCKED, OTA_DEVICE_SLOT, OTA_DEVICE_SLOT, OTA_DEVICE_SLOT };
    unsigned failed = 0;

    (void)state;
    for (size_t k = 0; k < COUNT(said); k++)
        for (unsigned at = 1;; at++) {
            struct otai_writer w;
            fake_slot_init(&fake, 16, 4096);
            fake.fail_at = at;
            fake.fail_with = said[k];
            ota_err err = otai_writer_open(&w, &fake.slot, buf, 1024, 9000, 0, &fault);
            for (uint64_t off = 0; err == OTA_OK && off < 9000; off += 1000)
                err = otai_writer_add(&w, image + off, 1000);
            if (err == OTA_OK)
                err = otai_writer_sync(&w);
            if (fake.ops < at) {
                assert_int_equal(err, OTA_OK);
                break;
            }
            assert_int_equal(err, want[k]);
            assert_int_equal(fault.port_code, 5);
            assert_int_equal(fake.ops, at);   /* nothing was done after it */
            failed++;
        }
    assert_true(failed > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_geometry_holds_the_same_bytes),
        cmocka_unit_test(an_interrupted_write_goes_on_at_the_checkpoint),
        cmocka_unit_test(large_runs_bypass_the_buffer),
        cmocka_unit_test(erasing_keeps_just_ahead),
        cmocka_unit_test(a_sync_needs_whole_units_or_the_end),
        cmocka_unit_test(what_open_refuses),
        cmocka_unit_test(every_failing_operation_is_told),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
