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
#include "ota/posix_sandbox.h"
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

static void check_net(struct ota_net *net, const char *base, bool http, unsigned least)
{
    struct ota_contract_report r = loud_report();
    char file[300], empty[300], absent[300], put[300];
    const struct ota_contract_server server = { file, empty, absent, http ? put : NULL, http ? "http://127.0.0.1:1/" : NULL };

    snprintf(file, sizeof file, "%sfile.bin", base);
    snprintf(empty, sizeof empty, "%sempty.bin", base);
    snprintf(absent, sizeof absent, "%sabsent.bin", base);
    snprintf(put, sizeof put, "%sput", base);
    finish(&r, ota_contract_net(net, &server, &r), least);
}

static void run_net(const char *base, bool http, unsigned least)
{
    static struct ota_posix_net n;
    const struct ota_posix_net_config cfg = { .connect_ms = 2000 };

    assert_int_equal(ota_posix_net_open(&n, &cfg, NULL), OTA_OK);
    check_net(&n.port, base, http, least);
    ota_posix_net_close(&n);
}

/* The same in a process of its own, held to what it needs. */
static void run_fetcher(const char *base, bool http, unsigned least)
{
    static struct ota_posix_fetcher f;
    static const char *const files[] = { dir, NULL };
    const struct ota_posix_net_config net = { .connect_ms = 2000 };
    const struct ota_posix_helper_config cfg = { .net = &net, .fetcher_read = files };
    struct ota_posix_helper helper;
    const struct ota_posix_fetcher_config proxy = { .helper = &helper, .net = &net, .answer_ms = 60000 };

    assert_int_equal(ota_posix_helper_start(&helper, &cfg, NULL), OTA_OK);
    assert_int_equal(ota_posix_fetcher_open(&f, &proxy, NULL), OTA_OK);
    check_net(&f.port, base, http, least);
    assert_int_equal(f.starts, 1);
    assert_int_equal(f.trouble, 0);
    ota_posix_fetcher_close(&f);
    ota_posix_helper_stop(&helper);
}

static void net_file(void **state)
{
    char base[300];

    (void)state;
    snprintf(base, sizeof base, "file://%s/", dir);
    run_net(base, false, 19);
    run_fetcher(base, false, 19);
}

static void fetcher_http(void **state)
{
    struct test_http *s = test_http_start(dir);
    struct test_http_seen seen;

    (void)state;
    run_fetcher(test_http_url(s), true, 22);
    test_http_seen(s, &seen);
    assert_string_equal(seen.put_body, "{\"contract\":1}");
    assert_true(seen.connections <= 4);
    test_http_stop(s);
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

static void conditions_of_the_system(void **state)
{
    static const char *const slow[] = { "/bin/sleep", "5", NULL };
    const struct ota_posix_clock_config clock_cfg = { 0 };
    const struct ota_posix_conditions_config cfg = { .metered = slow, .consent_file = in_dir("nobody"), .local_time = true }, none = { .local_time = false };
    struct ota_contract_report r = loud_report();
    struct ota_posix_conditions c;
    struct ota_posix_clock clock;

    (void)state;
    assert_int_equal(ota_posix_clock_open(&clock, &clock_cfg, NULL), OTA_OK);
    assert_int_equal(ota_posix_conditions_open(&c, &cfg, NULL), OTA_OK);
    finish(&r, ota_contract_conditions(&c.port, &clock.port, &r), 8);
    ota_posix_conditions_close(&c);
    assert_int_equal(ota_posix_conditions_open(&c, &none, NULL), OTA_OK);
    finish(&r, ota_contract_conditions(&c.port, &clock.port, &r), 16);
    ota_posix_conditions_close(&c);
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

/* A kind that is not there would pass, too: RFC 8032's TEST 1 tells. Key, SHA-512 of R and A, signature. */
static ota_err verify_rfc8032(struct ota_crypto *c)
{
    static const uint8_t key[32] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                     0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
    static const uint8_t sig[64] = { 0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82, 0x8a,
                                     0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55,
                                     0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b,
                                     0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b };
    uint8_t hash[64];
    struct ota_hash h;

    assert_int_equal(c->ops->hash_start(c, &h, OTA_SHA512), OTA_OK);
    assert_int_equal(c->ops->hash_add(c, &h, sig, 32), OTA_OK);
    assert_int_equal(c->ops->hash_add(c, &h, key, sizeof key), OTA_OK);
    assert_int_equal(c->ops->hash_end(c, &h, hash), OTA_OK);
    return c->ops->verify(c, OTA_SIG_ED25519, OTA_KEY_ED25519, key, sizeof key, hash, sizeof hash, sig, sizeof sig);
}

static void signatures(void **state)
{
    struct ota_contract_report r = loud_report();
    struct ota_posix_crypto c;

    (void)state;
    assert_int_equal(ota_posix_crypto_open(&c, NULL, NULL), OTA_OK);
    finish(&r, ota_contract_signatures(&c.port, &r), 220);
    print_message("%u signatures and keys, each with the verdict it must have\n", r.checks);
    assert_int_equal(verify_rfc8032(&c.port), HAS_ED25519 ? OTA_OK : OTA_REJECT_KEY);
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
        cmocka_unit_test(net_http), cmocka_unit_test(fetcher_http),
        cmocka_unit_test(net_http_without_lengths),
        cmocka_unit_test(clock_of_the_system),
        cmocka_unit_test(conditions_of_the_system),
        cmocka_unit_test(crypto),
        cmocka_unit_test(signatures),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
