/* SPDX-License-Identifier: Apache-2.0 */
/* Slot, store and boot control on NOR: the contract suite, power cuts, and flash that wears out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ota/mcu.h"
#include "ota_contract.h"
#include "ota_cuts.h"

#define SIZE (256u * 1024u)
#define BROKEN_MAX 32u
#define CHIP_CODE 77

/* A driver over the kit's flash, with units that wear out. */
struct chip {
    struct ota_mcu_flash port;
    struct ota_cut_flash flash;
    uint32_t broken[BROKEN_MAX]; /* units whose cells keep what they hold */
    uint32_t broken_count;
    bool loud;                   /* the chip tells it */
    bool dead;                   /* nothing can be read */
};

/* What a start makes of it. */
struct rig {
    struct ota_cut_rig kit;
    struct chip chip;
    struct ota_mcu_area area;
    struct ota_mcu_store store;
    struct ota_mcu_slot slot;
    struct ota_mcu_boot boot;
};

static uint8_t now[SIZE], safe[SIZE];

static struct chip *self(struct ota_mcu_flash *f)
{
    return (struct chip *)f;
}

static bool is_broken(const struct chip *c, uint32_t off)
{
    for (uint32_t i = 0; i < c->broken_count; i++)
        if (off / c->flash.erase_unit == c->broken[i])
            return true;
    return false;
}

static void geometry(struct ota_mcu_flash *f, struct ota_mcu_geometry *out)
{
    const struct ota_cut_flash *c = &self(f)->flash;

    *out = (struct ota_mcu_geometry){ c->size, c->write_unit, c->erase_unit };
}

static int32_t chip_read(struct ota_mcu_flash *f, uint32_t off, void *buf, uint32_t len)
{
    return self(f)->dead ? CHIP_CODE : ota_cut_flash_read(&self(f)->flash, off, buf, len);
}

static int32_t chip_program(struct ota_mcu_flash *f, uint32_t off, const void *buf, uint32_t len)
{
    if (is_broken(self(f), off))
        return self(f)->loud ? CHIP_CODE : 0;
    return ota_cut_flash_write(&self(f)->flash, off, buf, len);
}

static int32_t chip_erase(struct ota_mcu_flash *f, uint32_t off, uint32_t len)
{
    if (is_broken(self(f), off))
        return self(f)->loud ? CHIP_CODE : 0;
    return ota_cut_flash_erase(&self(f)->flash, off, len);
}

static int32_t chip_sync(struct ota_mcu_flash *f)
{
    return ota_cut_flash_sync(&self(f)->flash);
}

static const struct ota_mcu_flash_ops ops = { geometry, chip_read, chip_program, chip_erase, chip_sync };

static struct ota_store *start_store(struct ota_cut_rig *kit)
{
    struct rig *r = (struct rig *)(void *)kit;

    return ota_mcu_store_open(&r->store, &r->area, NULL) == OTA_OK ? &r->store.port : NULL;
}

static struct ota_slot *start_slot(struct ota_cut_rig *kit)
{
    struct rig *r = (struct rig *)(void *)kit;

    return ota_mcu_slot_open(&r->slot, &r->area, NULL) == OTA_OK ? &r->slot.port : NULL;
}

/* What a boot stage does: load, choose, store. */
static bool start(struct rig *r)
{
    static const uint8_t first[1] = { 0 };
    struct ota_boot_record record;
    bool changed = false;
    int32_t code = 0;

    if (ota_mcu_boot_load(&r->area, &record, &code) != OTA_OK) {
        if (code != OTA_MCU_NO_RECORD)
            return false;
        ota_boot_record_init(&record, first, 1); /* fresh from the factory */
        changed = true;
    } else {
        (void)ota_boot_record_start(&record, &changed);
    }
    return !changed || ota_mcu_boot_store(&r->area, &record, &code) == OTA_OK;
}

static struct ota_boot *start_boot(struct ota_cut_rig *kit)
{
    struct rig *r = (struct rig *)(void *)kit;

    return start(r) && ota_mcu_boot_open(&r->boot, &r->area, NULL, NULL) == OTA_OK ? &r->boot.port : NULL;
}

static void found(struct ota_cut_rig *kit, const char *rule, uint32_t op, enum ota_cut_shape shape, uint32_t second)
{
    (void)kit;
    print_message("op %u %s, then %u: %s\n", (unsigned)op, ota_cut_shape_name(shape), (unsigned)second, rule);
}

static struct rig *rig_open(uint32_t write_unit, uint32_t erase_unit, uint32_t units)
{
    static struct rig r;

    memset(&r, 0, sizeof r);
    assert_true((units + 1) * erase_unit <= SIZE);
    memset(now, 0xff, sizeof now);
    memset(safe, 0xff, sizeof safe);
    r.chip.port.ops = &ops;
    r.chip.flash = (struct ota_cut_flash){ .now = now, .safe = safe, .size = (units + 1) * erase_unit, .write_unit = write_unit, .erase_unit = erase_unit };
    r.kit = (struct ota_cut_rig){ .flash = &r.chip.flash, .store = start_store, .slot = start_slot, .boot = start_boot, .found = found };
    r.area = (struct ota_mcu_area){ &r.chip.port, erase_unit, units * erase_unit };
    return &r;
}

static void print_check(struct ota_contract_report *report, const char *name, bool passed)
{
    (void)report;
    if (!passed)
        print_message("FAILED %s\n", name);
}

/* ---- the contract, and power cuts ---- */

static const struct { uint32_t write, erase; } shapes[] = { { 1, 512 }, { 1, 4096 }, { 32, 1024 }, { 8, 2048 }, { 256, 2048 } };

#define EACH_SHAPE(i) for (size_t i = 0; (i) < sizeof shapes / sizeof shapes[0]; (i)++)

static void contract_store(void **state)
{
    (void)state;
    EACH_SHAPE(i) {
        struct ota_contract_report report = { print_check, 0, 0 };
        struct rig *r = rig_open(shapes[i].write, shapes[i].erase, 65536u / shapes[i].erase > 128 ? 128 : 65536u / shapes[i].erase);

        assert_int_equal(ota_contract_store(start_store(&r->kit), &report), 0);
        assert_true(report.checks >= 20);
        assert_null(r->chip.flash.misuse);
    }
}

static void contract_slot(void **state)
{
    (void)state;
    EACH_SHAPE(i) {
        struct ota_contract_report report = { print_check, 0, 0 };
        struct rig *r = rig_open(shapes[i].write, shapes[i].erase, 16);

        assert_int_equal(ota_contract_slot(start_slot(&r->kit), &report), 0);
        assert_true(report.checks >= 18);
        assert_null(r->chip.flash.misuse);
    }
}

struct device {
    struct ota_contract_device contract;
    struct rig *rig;
};

static bool restart(struct ota_contract_device *d)
{
    return start(((struct device *)d)->rig);
}

static void contract_boot(void **state)
{
    (void)state;
    EACH_SHAPE(i) {
        struct ota_contract_report report = { print_check, 0, 0 };
        struct rig *r = rig_open(shapes[i].write, shapes[i].erase, 2 + (uint32_t)i);
        struct device d = { { start_boot(&r->kit), 1, restart, 0 }, r };

        assert_int_equal(ota_contract_boot(&d.contract, &report), 0);
        assert_true(report.checks >= 20);
        assert_true(r->boot.restart_asked);
        assert_null(r->chip.flash.misuse);
    }
}

static void cuts(unsigned (*what)(struct ota_cut_rig *), uint32_t units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rig *r = rig_open(shapes[i].write, shapes[i].erase, units);

        assert_int_equal(what(&r->kit), 0);
        assert_true(r->kit.cuts > 100);
    }
}

static void power_cuts_in_the_store(void **state)
{
    (void)state;
    cuts(ota_cuts_store, 12, 1); /* records of several pieces */
}

static void power_cuts_in_the_slot(void **state)
{
    (void)state;
    cuts(ota_cuts_slot, 4, 5);
}

static void power_cuts_in_the_boot_record(void **state)
{
    (void)state;
    cuts(ota_cuts_boot, 3, 3);
}

/* ---- the store ---- */

static ota_err put(struct rig *r, const char *name, uint8_t value, size_t len, int32_t *code)
{
    static uint8_t bytes[65536];

    memset(bytes, value, sizeof bytes);
    return r->store.port.ops->write(&r->store.port, name, bytes, len, code);
}

static bool holds(struct rig *r, const char *name, uint8_t value, size_t len)
{
    static uint8_t bytes[65536];
    size_t got = 0;
    int32_t code = 0;

    if (r->store.port.ops->read(&r->store.port, name, bytes, sizeof bytes, &got, &code) != OTA_OK || got != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static ota_err look(struct rig *r, const char *name)
{
    size_t got = 0;
    int32_t code = 0;

    return r->store.port.ops->read(&r->store.port, name, NULL, 0, &got, &code);
}

static void store_moves_on_so_that_units_wear_alike(void **state)
{
    struct rig *r = rig_open(1, 4096, 16);
    uint8_t used[16] = { 0 };
    int32_t code = 0;

    (void)state;
    assert_non_null(start_store(&r->kit));
    assert_int_equal(put(r, "still", 9, 100, &code), OTA_OK);
    for (uint8_t i = 0; i < 60; i++) {
        assert_int_equal(put(r, "journal.0", i, 300, &code), OTA_OK);
        for (uint32_t k = 0; k < 16; k++)
            used[k] = (uint8_t)(used[k] + (r->store.unit[k].use != 0 && r->store.unit[k].sequence == r->store.sequence));
    }
    for (uint32_t k = 1; k < 16; k++)
        assert_int_equal(used[k], 4);
    assert_non_null(start_store(&r->kit));
    assert_true(holds(r, "journal.0", 59, 300));
    assert_true(holds(r, "still", 9, 100));
}

static void store_full_keeps_what_it_has(void **state)
{
    struct rig *r = rig_open(1, 4096, 8);
    int32_t code = 0;

    (void)state;
    assert_non_null(start_store(&r->kit));
    assert_int_equal(put(r, "a", 1, 12000, &code), OTA_OK);
    assert_int_equal(put(r, "b", 2, 12000, &code), OTA_OK);
    assert_int_equal(put(r, "a", 3, 12000, &code), OTA_DEVICE_FULL); /* old and new do not fit at once */
    assert_int_equal(put(r, "c", 3, 65536, &code), OTA_DEVICE_FULL);
    assert_true(holds(r, "a", 1, 12000) && holds(r, "b", 2, 12000));
    assert_int_equal(put(r, "c", 3, 100, &code), OTA_OK);
    assert_non_null(start_store(&r->kit));
    assert_true(holds(r, "a", 1, 12000) && holds(r, "b", 2, 12000) && holds(r, "c", 3, 100));
}

static void what_is_removed_stays_away(void **state)
{
    struct rig *r = rig_open(1, 4096, 8);
    int32_t code = 0;

    (void)state;
    assert_non_null(start_store(&r->kit));
    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(put(r, "a", i, 100, &code), OTA_OK);
    assert_int_equal(r->store.port.ops->remove(&r->store.port, "a", &code), OTA_OK);
    assert_int_equal(look(r, "a"), OTA_DEVICE_ABSENT);
    assert_non_null(start_store(&r->kit));
    assert_int_equal(look(r, "a"), OTA_DEVICE_ABSENT);
}

/* Every bit of a record's unit, and of one in its middle. */
static void a_damaged_record_is_absent(void **state)
{
    struct rig *r = rig_open(1, 512, 8);
    int32_t code = 0;

    (void)state;
    assert_non_null(start_store(&r->kit));
    assert_int_equal(put(r, "a", 1, 700, &code), OTA_OK);
    assert_int_equal(put(r, "b", 2, 10, &code), OTA_OK);
    for (uint32_t off = 512; off < 3 * 512; off++) {
        uint8_t was = now[off];
        bool padding = false;

        now[off] = (uint8_t)(was ^ (1u << (off % 8)));
        assert_non_null(start_store(&r->kit));
        padding = holds(r, "a", 1, 700); /* behind the last byte */
        assert_true(padding || look(r, "a") == OTA_DEVICE_ABSENT);
        assert_true(!padding || was == 0xff);
        assert_true(holds(r, "b", 2, 10));
        now[off] = was;
    }
}

/* A record's bytes may be anything, a head too: pieces never begin where a head does. */
static void records_cannot_pose_as_units(void **state)
{
    struct rig *r = rig_open(1, 512, 16);
    uint8_t head[32], bytes[3000];
    int32_t code = 0;

    (void)state;
    assert_non_null(start_store(&r->kit));
    assert_int_equal(put(r, "journal.0", 1, 10, &code), OTA_OK);
    memcpy(head, now + 512, sizeof head);
    for (size_t i = 0; i + sizeof head <= sizeof bytes; i += sizeof head)
        memcpy(bytes + i, head, sizeof head);
    assert_int_equal(r->store.port.ops->write(&r->store.port, "x", bytes, sizeof bytes, &code), OTA_OK);
    assert_int_equal(r->store.port.ops->remove(&r->store.port, "journal.0", &code), OTA_OK);
    assert_non_null(start_store(&r->kit));
    assert_int_equal(look(r, "journal.0"), OTA_DEVICE_ABSENT);
    assert_int_equal(look(r, "x"), OTA_OK);
}

/* ---- wear ---- */

static void a_worn_out_unit_is_passed_over(void **state)
{
    (void)state;
    for (int loud = 0; loud < 2; loud++) {
        struct rig *r = rig_open(1, 4096, 8);
        int32_t code = 0;

        memset(now + 4096, 0, 4096 * 2); /* holds zeros for ever */
        r->chip.broken[0] = 1;
        r->chip.broken[1] = 2;
        r->chip.broken_count = 2;
        r->chip.loud = loud;
        assert_non_null(start_store(&r->kit));
        assert_int_equal(put(r, "a", 1, 5000, &code), OTA_OK);
        assert_int_equal(r->store.bad, 2);
        assert_int_equal(put(r, "a", 2, 5000, &code), OTA_OK);
        assert_int_equal(r->store.bad, 2);
        assert_non_null(start_store(&r->kit));
        assert_true(holds(r, "a", 2, 5000));
    }
}

static void a_worn_out_store_says_so_and_keeps_what_it_has(void **state)
{
    (void)state;
    for (int loud = 0; loud < 2; loud++) {
        struct rig *r = rig_open(1, 4096, 8);
        int32_t code = 0;

        assert_non_null(start_store(&r->kit));
        assert_int_equal(put(r, "a", 1, 100, &code), OTA_OK);
        for (uint32_t i = 0; i < 8; i++)
            r->chip.broken[i] = 1 + i;
        r->chip.broken_count = 8;
        r->chip.loud = loud;
        memset(now + 2 * 4096, 0, 4096 * 7);
        assert_int_equal(put(r, "a", 2, 100, &code), OTA_DEVICE_STORE);
        assert_int_equal(code, loud ? CHIP_CODE : OTA_MCU_NOT_ERASED);
        assert_true(holds(r, "a", 1, 100));
        assert_non_null(start_store(&r->kit));
        assert_true(holds(r, "a", 1, 100));
    }
}

static void a_boot_record_passes_a_worn_out_unit_over(void **state)
{
    const uint8_t other[1] = { 1 };
    struct rig *r = rig_open(1, 4096, 3);
    struct ota_boot_view view;
    int32_t code = 0;

    (void)state;
    assert_non_null(start_boot(&r->kit)); /* in unit 1 of the flash */
    r->chip.broken[0] = 2;
    r->chip.broken_count = 1;
    memset(now + 2 * 4096, 0, 4096);
    assert_int_equal(r->boot.port.ops->arm(&r->boot.port, other, 1, 3, &code), OTA_OK);
    r->chip.broken[1] = 1;
    r->chip.broken_count = 2;
    assert_int_equal(r->boot.port.ops->view(&r->boot.port, &view, &code), OTA_OK);
    assert_int_equal(view.armed[0], 1);
    /* Nothing is left to write to: it says so, and what held still holds. */
    assert_int_equal(r->boot.port.ops->revert(&r->boot.port, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, OTA_MCU_NOT_ERASED);
    assert_int_equal(r->boot.port.ops->view(&r->boot.port, &view, &code), OTA_OK);
    assert_int_equal(view.armed[0], 1);
}

static void a_boot_record_without_a_valid_copy_is_told(void **state)
{
    struct rig *r = rig_open(1, 4096, 2);
    struct ota_fault why;

    (void)state;
    assert_int_equal(ota_mcu_boot_open(&r->boot, &r->area, NULL, &why), OTA_DEVICE_BOOT);
    assert_string_equal(why.where, "boot.record");
    assert_int_equal(why.port_code, OTA_MCU_NO_RECORD);
    r->chip.dead = true;
    assert_int_equal(ota_mcu_boot_open(&r->boot, &r->area, NULL, &why), OTA_DEVICE_BOOT);
    assert_int_equal(why.port_code, CHIP_CODE);
    assert_int_equal(ota_mcu_store_open(&r->store, &r->area, &why), OTA_USAGE_ARGUMENT); /* two units */
    r->chip.flash.size = SIZE;
    r->area.len = 8 * 4096;
    assert_int_equal(ota_mcu_store_open(&r->store, &r->area, &why), OTA_DEVICE_STORE);
    assert_string_equal(why.where, "store.read");
    assert_int_equal(why.port_code, CHIP_CODE);
}

/* A stale copy of a record must not overwrite what was stored since. */
static void a_stale_boot_record_is_refused(void **state)
{
    struct rig *r = rig_open(1, 4096, 2);
    struct ota_boot_record old, fresh;
    int32_t code = 0;

    (void)state;
    assert_non_null(start_boot(&r->kit));
    assert_int_equal(ota_mcu_boot_load(&r->area, &old, &code), OTA_OK);
    fresh = old;
    assert_int_equal(ota_mcu_boot_store(&r->area, &fresh, &code), OTA_OK);
    assert_int_equal(ota_mcu_boot_store(&r->area, &old, &code), OTA_DEVICE_BOOT);
    assert_int_equal(code, OTA_MCU_REFUSED);
}

static void a_worn_out_slot_tells_it_at_the_write(void **state)
{
    static const uint8_t bytes[64] = { 1, 2, 3 };
    struct rig *r = rig_open(1, 4096, 4);
    struct ota_slot *s;
    int32_t code = 0;

    (void)state;
    s = start_slot(&r->kit);
    assert_int_equal(s->ops->erase(s, 0, 4096, &code), OTA_OK);
    r->chip.broken[0] = 1;
    r->chip.broken_count = 1;
    assert_int_equal(s->ops->write(s, 0, bytes, sizeof bytes, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_MCU_MISMATCH);
    now[4096] = 0;
    assert_int_equal(s->ops->erase(s, 0, 4096, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_MCU_NOT_ERASED);
    assert_int_equal(s->ops->write(s, 4 * 4096, bytes, 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_MCU_RANGE);
    assert_int_equal(s->ops->write(s, UINT64_C(1) << 33, bytes, 1, &code), OTA_DEVICE_SLOT);
    assert_int_equal(code, OTA_MCU_RANGE);
}

static void areas_are_checked(void **state)
{
    static const struct { uint32_t write, erase, off, len; } bad[] = {
        { 1, 4096, 1, 4096 }, { 1, 4096, 0, 4095 }, { 1, 4096, SIZE, 4096 }, { 1, 4096, 4096, SIZE }, { 3, 4096, 0, 4096 },
        { 512, 4096, 0, 4096 }, { 1, 256, 0, 4096 }, { 1, 131072, 0, 131072 }, { 0, 4096, 0, 4096 }, { 1, 3000, 0, 3000 },
        { 1, 4096, 4096, 0 },
    };
    struct ota_fault why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rig *r = rig_open(bad[i].write, 4096, 4);

        r->chip.flash.size = SIZE;
        r->chip.flash.erase_unit = bad[i].erase;
        r->area.off = bad[i].off;
        r->area.len = bad[i].len;
        assert_int_equal(ota_mcu_slot_open(&r->slot, &r->area, &why), OTA_USAGE_ARGUMENT);
        assert_string_equal(why.where, "slot.area");
        assert_int_equal(ota_mcu_store_open(&r->store, &r->area, &why), OTA_USAGE_ARGUMENT);
        assert_string_equal(why.where, "store.area");
        assert_int_equal(ota_mcu_boot_open(&r->boot, &r->area, NULL, &why), OTA_USAGE_ARGUMENT);
        assert_string_equal(why.where, "boot.area");
    }
    assert_int_equal(ota_mcu_slot_open(NULL, NULL, &why), OTA_USAGE_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_store),
        cmocka_unit_test(contract_slot),
        cmocka_unit_test(contract_boot),
        cmocka_unit_test(power_cuts_in_the_store),
        cmocka_unit_test(power_cuts_in_the_slot),
        cmocka_unit_test(power_cuts_in_the_boot_record),
        cmocka_unit_test(store_moves_on_so_that_units_wear_alike),
        cmocka_unit_test(store_full_keeps_what_it_has),
        cmocka_unit_test(what_is_removed_stays_away),
        cmocka_unit_test(a_damaged_record_is_absent),
        cmocka_unit_test(records_cannot_pose_as_units),
        cmocka_unit_test(a_worn_out_unit_is_passed_over),
        cmocka_unit_test(a_worn_out_store_says_so_and_keeps_what_it_has),
        cmocka_unit_test(a_boot_record_passes_a_worn_out_unit_over),
        cmocka_unit_test(a_boot_record_without_a_valid_copy_is_told),
        cmocka_unit_test(a_stale_boot_record_is_refused),
        cmocka_unit_test(a_worn_out_slot_tells_it_at_the_write),
        cmocka_unit_test(areas_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
