/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on the POSIX ports: temporary directories, file: URLs, and HTTP over loopback. */
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

#include "http_server.h"
#include "ota/posix.h"
#include "report.h"

static char dir[] = "/tmp/ota-contract-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *p = path[turn++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static void finish(const struct ota_contract_report *r, unsigned failures, unsigned least)
{
    assert_int_equal(failures, 0);
    assert_true(r->checks >= least);
}

static void write_file(const char *name, size_t len)
{
    FILE *f = fopen(in_dir(name), "wb");

    assert_non_null(f);
    for (uint32_t i = 0; i < len; i++)
        fputc(ota_contract_byte(i), f);
    assert_int_equal(fclose(f), 0);
}

static void store(void **state)
{
    const struct ota_posix_store_config cfg = { in_dir("store") };
    struct ota_contract_report r = loud_report();
    struct ota_posix_store s;

    (void)state;
    assert_int_equal(ota_posix_store_open(&s, &cfg, NULL), OTA_OK);
    finish(&r, ota_contract_store(&s.port, &r), 20);
    ota_posix_store_close(&s);
    assert_int_equal(unlink(in_dir("store/.lock")), 0);
    assert_int_equal(rmdir(in_dir("store")), 0); /* the port left nothing else */
}

static void slot_file(void **state)
{
    const struct ota_posix_slot_file_config cfg = { in_dir("slot"), 100001 };
    struct ota_contract_report r = loud_report();
    struct ota_posix_slot s;

    (void)state;
    assert_int_equal(ota_posix_slot_file_open(&s, &cfg, NULL), OTA_OK);
    finish(&r, ota_contract_slot(&s.port, &r), 18);
    ota_posix_slot_close(&s);
    unlink(cfg.path);
}

struct device {
    struct ota_contract_device contract;
    struct ota_posix_boot boot;
};

/* What a boot supervisor does. */
static bool restart(struct ota_contract_device *d)
{
    const char *path = ((struct device *)d)->boot.path;
    struct ota_boot_record r;
    bool changed = false;

    if (ota_boot_record_load(path, &r, NULL) != OTA_OK)
        return false;
    (void)ota_boot_record_start(&r, &changed);
    return !changed || ota_boot_record_store(path, &r, NULL) == OTA_OK;
}

static void boot_file(void **state)
{
    const struct ota_posix_boot_config cfg = { in_dir("boot"), NULL };
    struct ota_contract_report r = loud_report();
    struct ota_boot_record record;
    struct device d;

    (void)state;
    ota_boot_record_init(&record, (const uint8_t[]){ 0, 1 }, 2);
    assert_int_equal(ota_boot_record_create(cfg.path, &record, NULL), OTA_OK);
    assert_int_equal(ota_posix_boot_open(&d.boot, &cfg, NULL), OTA_OK);
    d.contract = (struct ota_contract_device){ &d.boot.port, 2, restart, 0 };
    finish(&r, ota_contract_boot(&d.contract, &r), 22);
    assert_true(d.boot.restart_asked);
    ota_posix_boot_close(&d.boot);
    unlink(cfg.path);
}

static void run_net(const char *base, bool http, unsigned least)
{
    static struct ota_posix_net n;
    const struct ota_posix_net_config cfg = { .connect_ms = 2000 };
    struct ota_contract_report r = loud_report();
    char file[300], empty[300], absent[300], put[300];
    const struct ota_contract_server server = { file, empty, absent, http ? put : NULL, http ? "http://127.0.0.1:1/" : NULL };

    snprintf(file, sizeof file, "%sfile.bin", base);
    snprintf(empty, sizeof empty, "%sempty.bin", base);
    snprintf(absent, sizeof absent, "%sabsent.bin", base);
    snprintf(put, sizeof put, "%sput", base);
    assert_int_equal(ota_posix_net_open(&n, &cfg, NULL), OTA_OK);
    finish(&r, ota_contract_net(&n.port, &server, &r), least);
    ota_posix_net_close(&n);
}

static void net_file(void **state)
{
    char base[300];

    (void)state;
    snprintf(base, sizeof base, "file://%s/", dir);
    run_net(base, false, 19);
}

static void net_http(void **state)
{
    struct test_http *s = test_http_start(dir);
    struct test_http_seen seen;

    (void)state;
    run_net(test_http_url(s), true, 22);
    test_http_seen(s, &seen);
    assert_string_equal(seen.put_body, "{\"contract\":1}");
    assert_true(seen.requests > 20);
    assert_true(seen.connections <= 4); /* one, and a new one after each exchange that was given up */
    test_http_stop(s);
}

static void net_http_without_lengths(void **state)
{
    static const struct test_http_fault chunked = { .chunked = true }, slow = { .slow_bytes = 9000 };
    struct test_http *s = test_http_start(dir);
    static struct ota_posix_net n;
    const struct ota_posix_net_config cfg = { .connect_ms = 2000 };
    char file[300];
    const struct ota_contract_server server = { file, file, file, NULL, NULL };
    struct ota_contract_report r = quiet_report();

    (void)state;
    snprintf(file, sizeof file, "%sfile.bin", test_http_url(s));
    assert_int_equal(ota_posix_net_open(&n, &cfg, NULL), OTA_OK);
    test_http_fault(s, "*", &chunked);
    /* No length is told, and the file is neither empty nor absent; all else holds. */
    assert_int_equal(ota_contract_net(&n.port, &server, &r), 3);
    test_http_fault(s, "*", &slow);
    assert_int_equal(ota_contract_net(&n.port, &server, &r), 2);
    ota_posix_net_close(&n);
    test_http_stop(s);
}

static void clock_of_the_system(void **state)
{
    const struct ota_posix_clock_config cfg = { 0 }, future = { INT64_C(99999999999) };
    struct ota_contract_report r = loud_report();
    struct ota_posix_clock c;

    (void)state;
    assert_int_equal(ota_posix_clock_open(&c, &cfg, NULL), OTA_OK);
    finish(&r, ota_contract_clock(&c.port, &r), 7);
    assert_int_equal(ota_posix_clock_open(&c, &future, NULL), OTA_OK);
    finish(&r, ota_contract_clock(&c.port, &r), 5);
    ota_posix_clock_close(&c);
}

static void crypto(void **state)
{
    struct ota_contract_report r = loud_report();
    struct ota_posix_crypto c;

    (void)state;
    assert_int_equal(ota_posix_crypto_open(&c, NULL, NULL), OTA_OK);
    finish(&r, ota_contract_crypto(&c.port, &r), 40); /* so P-384 and RSA-PSS are there, too */
    ota_posix_crypto_close(&c);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    write_file("file.bin", OTA_CONTRACT_FILE_LEN);
    write_file("empty.bin", 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(in_dir("file.bin"));
    unlink(in_dir("empty.bin"));
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store),
        cmocka_unit_test(slot_file),
        cmocka_unit_test(boot_file),
        cmocka_unit_test(net_file),
        cmocka_unit_test(net_http),
        cmocka_unit_test(net_http_without_lengths),
        cmocka_unit_test(clock_of_the_system),
        cmocka_unit_test(crypto),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
