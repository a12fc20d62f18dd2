/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on the ports in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ota/ram.h"
#include "report.h"

static void finish(const struct ota_contract_report *r, unsigned failures, unsigned least)
{
    assert_int_equal(failures, 0);
    assert_int_equal(r->failures, 0);
    assert_true(r->checks >= least); /* a suite that checked nothing proves nothing */
}

static void store(void **state)
{
    static uint8_t mem[16384];
    struct ota_ram_store s;
    struct ota_contract_report r = loud_report();

    (void)state;
    ota_ram_store_init(&s, mem, sizeof mem);
    finish(&r, ota_contract_store(&s.port, &r), 20);
    assert_int_equal(s.used, 0);
}

static void run_slot(uint64_t size, uint32_t write_unit, uint32_t erase_unit)
{
    static uint8_t mem[65536 * 2 + 1];
    const struct ota_slot_geometry g = { size, write_unit, erase_unit };
    struct ota_contract_report r = loud_report();
    struct ota_ram_slot s;

    ota_ram_slot_init(&s, mem, &g);
    finish(&r, ota_contract_slot(&s.port, &r), 18);
}

static void slots_of_many_shapes(void **state)
{
    static const uint32_t write_units[] = { 1, 4, 16, 256, 512, 4096 };

    (void)state;
    for (size_t i = 0; i < sizeof write_units / sizeof write_units[0]; i++) {
        run_slot(32768, write_units[i], 0);
        run_slot(32768, write_units[i], 4096);
        run_slot(131072, write_units[i], 65536);
    }
    run_slot(8193, 1, 0);
    run_slot(1024, 2, 512);
}

static void a_slot_that_is_too_small_is_told(void **state)
{
    static uint8_t mem[4096];
    const struct ota_slot_geometry g = { 4096, 1, 4096 };
    struct ota_contract_report r = quiet_report();
    struct ota_ram_slot s;

    (void)state;
    ota_ram_slot_init(&s, mem, &g);
    assert_int_equal(ota_contract_slot(&s.port, &r), 1);
}

struct device {
    struct ota_contract_device contract;
    struct ota_ram_boot boot;
};

static bool restart(struct ota_contract_device *d)
{
    (void)ota_ram_boot_start(&((struct device *)d)->boot);
    return true;
}

static void run_boot(const uint8_t *slot, size_t count)
{
    struct ota_contract_report r = loud_report();
    struct device d;

    ota_ram_boot_init(&d.boot, slot, count);
    d.contract = (struct ota_contract_device){ &d.boot.port, count, restart, 0 };
    finish(&r, ota_contract_boot(&d.contract, &r), 22);
}

static void boot(void **state)
{
    (void)state;
    run_boot((const uint8_t[]){ 0 }, 1);
    run_boot((const uint8_t[]){ 1 }, 1);
    run_boot((const uint8_t[]){ 0, 1 }, 2);
    run_boot((const uint8_t[]){ 0, 1, 1, 0 }, 4);
}

static void net(void **state)
{
    static uint8_t pattern[OTA_CONTRACT_FILE_LEN];
    struct ota_ram_file files[] = {
        { .url = "ram://s/file", .body = pattern, .len = sizeof pattern, .etag = "\"1\"" },
        { .url = "ram://s/empty", .body = pattern, .len = 0 },
    };
    const struct ota_contract_server server = { .file_url = "ram://s/file", .empty_url = "ram://s/empty",
                                                .absent_url = "ram://s/absent", .put_url = "ram://s/put" };
    struct ota_contract_report r = loud_report();
    struct ota_ram_net n;

    (void)state;
    for (uint32_t i = 0; i < sizeof pattern; i++)
        pattern[i] = ota_contract_byte(i);
    ota_ram_net_init(&n, files, 2);
    finish(&r, ota_contract_net(&n.port, &server, &r), 18);
    assert_int_equal(n.puts, 1);
    files[0].per_poll = 100;
    finish(&r, ota_contract_net(&n.port, &server, &r), 18);
}

static void clock_known_and_unknown(void **state)
{
    struct ota_contract_report r = loud_report();
    struct ota_ram_clock c;

    (void)state;
    ota_ram_clock_init(&c, 1800000000);
    finish(&r, ota_contract_clock(&c.port, &r), 7);
    ota_ram_clock_init(&c, -1);
    finish(&r, ota_contract_clock(&c.port, &r), 5);
}

static void conditions_known_and_unknown(void **state)
{
    struct ota_contract_report r = loud_report();
    struct ota_ram_conditions c;
    struct ota_ram_clock clock;

    (void)state;
    ota_ram_clock_init(&clock, 1800000000);
    ota_ram_conditions_init(&c);
    finish(&r, ota_contract_conditions(&c.port, &clock.port, &r), 8);
    c.now = (struct ota_conditions_now){ .battery_percent = 50, .on_mains = 1, .metered = 1, .offset_known = true, .utc_offset_s = -43200 };
    c.agrees = true;
    finish(&r, ota_contract_conditions(&c.port, &clock.port, &r), 16);
    assert_true(c.reads > 0 && c.questions > 0 && c.seq == 1);
    c.fails = true;
    finish(&r, ota_contract_conditions(&c.port, &clock.port, &r), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store),
        cmocka_unit_test(slots_of_many_shapes),
        cmocka_unit_test(a_slot_that_is_too_small_is_told),
        cmocka_unit_test(boot),
        cmocka_unit_test(net),
        cmocka_unit_test(clock_known_and_unknown),
        cmocka_unit_test(conditions_known_and_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
