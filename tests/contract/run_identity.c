/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on identities, and what is particular about the one in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <psa/crypto.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ota/posix.h"
#include "ota/posix_identity.h"
#include "ota/psa_identity.h"
#include "ota/ram.h"
#include "report.h"

/* Every file is synced: in memory that is free. */
static char dir[64];
static char home[80];
static struct ota_posix_crypto crypto;
static struct ota_fault fault;

static void finish(const struct ota_contract_report *r, unsigned failures, unsigned least)
{
    assert_int_equal(failures, 0);
    assert_int_equal(r->failures, 0);
    assert_true(r->checks >= least);
}

/* ---- in memory ---- */

static psa_key_id_t ram_key;

static ota_err ram_sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    size_t len;

    (void)s;
    assert_int_equal(psa_sign_hash(ram_key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len), 0);
    return OTA_OK;
}

static void identity_in_memory(void **state)
{
    static const struct ota_signer_ops ops = { ram_sign };
    struct ota_signer signer = { &ops };
    psa_key_attributes_t attr = psa_key_attributes_init();
    uint8_t key[OTA_IDENTITY_KEY_LEN];
    struct ota_ram_identity s;
    struct ota_contract_report r = loud_report();
    struct ota_contract_identity d = { .identity = &s.port, .counter = 7, .reg = 23 };
    size_t len;

    (void)state;
    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&attr, &ram_key), 0);
    assert_int_equal(psa_export_public_key(ram_key, key, sizeof key, &len), 0);
    ota_ram_identity_init(&s, &crypto.port, key, &signer);
    finish(&r, ota_contract_identity(&d, &crypto.port, &r), 30);
    s.certificate = "\x30\x01\x00";
    s.certificate_len = 3;
    finish(&r, ota_contract_identity(&d, &crypto.port, &r), 60);
    psa_destroy_key(ram_key);
}

/* ---- in files ---- */

struct device {
    struct ota_contract_identity contract;
    struct ota_posix_identity s;
};

static const char *in_home(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static ota_err open_file(struct ota_posix_identity *s)
{
    const struct ota_posix_identity_config cfg = { home, NULL };

    memset(&fault, 0, sizeof fault);
    return ota_posix_identity_file_open(s, &cfg, &fault);
}

static bool restart_file(struct ota_contract_identity *d)
{
    struct device *device = (struct device *)d;

    ota_posix_identity_close(&device->s);
    return open_file(&device->s) == OTA_OK;
}

static void refused(const char *where, int32_t code)
{
    struct ota_posix_identity s;

    assert_int_equal(open_file(&s), OTA_DEVICE_IDENTITY);
    assert_string_equal(fault.where, where);
    assert_int_equal(fault.port_code, code);
    assert_int_equal(s.dir_fd, -1);
    assert_int_equal(s.key_id, 0);
}

static size_t slurp(const char *name, uint8_t *buf, size_t cap)
{
    FILE *f = fopen(in_home(name), "rb");
    size_t len;

    assert_non_null(f);
    len = fread(buf, 1, cap, f);
    fclose(f);
    return len;
}

static void spill(const char *name, const uint8_t *buf, size_t len)
{
    int fd = open(in_home(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, buf, len), (ssize_t)len);
    close(fd);
}

static void begin_new(void)
{
    static const char *const names[] = { "key.pem", "counters", "registers", ".lock", ".tmp", "certificate.der" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_home(names[i]));
    rmdir(home);
}

static void identity_in_files(void **state)
{
    struct ota_contract_report r = loud_report();
    struct device d = { .contract = { .restart = restart_file, .counter = 3, .reg = 8 } };
    struct stat st;

    (void)state;
    begin_new();
    assert_int_equal(open_file(&d.s), OTA_OK);
    d.contract.identity = &d.s.port;
    assert_int_equal(d.s.port.strength, OTA_STRENGTH_SOFT);
    assert_int_equal(d.s.port.rollback, OTA_STRENGTH_NONE);
    finish(&r, ota_contract_identity(&d.contract, &crypto.port, &r), 33);
    assert_int_equal(stat(in_home("key.pem"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    spill("certificate.der", (const uint8_t *)"\x30\x03\x02\x01\x00", 5);
    finish(&r, ota_contract_identity(&d.contract, &crypto.port, &r), 66);
    ota_posix_identity_close(&d.s);
}

/* Any byte of the two files: the key with a wrong one would be another device's, or none. */
static void damage_is_noticed(void **state)
{
    static const char *const names[] = { "key.pem", "counters" };
    static const char *const where[] = { "identity.key", "identity.counters" };
    struct ota_posix_identity s;
    uint8_t good[512], bad[512];
    unsigned tried = 0;

    (void)state;
    begin_new();
    assert_int_equal(open_file(&s), OTA_OK);
    ota_posix_identity_close(&s);
    for (size_t f = 0; f < 2; f++) {
        size_t len = slurp(names[f], good, sizeof good);

        for (size_t i = 0; i < len; i++, tried++) {
            memcpy(bad, good, len);
            bad[i] ^= i % 3 ? 1 : 0x20;
            spill(names[f], bad, len);
            refused(where[f], EBADMSG);
        }
        for (size_t cut = 0; cut < len; cut += 7, tried++) {
            spill(names[f], good, cut);
            refused(where[f], EBADMSG);
        }
        memcpy(bad, good, len);
        bad[len] = '\n';
        spill(names[f], bad, len + 1);
        refused(where[f], EBADMSG);
        spill(names[f], good, len);
        assert_int_equal(open_file(&s), OTA_OK); /* the next good try */
        ota_posix_identity_close(&s);
    }
    assert_true(tried > 400);
}

static void others_files_are_refused(void **state)
{
    struct ota_posix_identity s;

    (void)state;
    begin_new();
    assert_int_equal(open_file(&s), OTA_OK);
    ota_posix_identity_close(&s);
    chmod(in_home("key.pem"), 0640);
    refused("identity.key.mode", EACCES);
    chmod(in_home("key.pem"), 0600);
    chmod(in_home("counters"), 0604);
    refused("identity.counters.mode", EACCES);
    chmod(in_home("counters"), 0600);
    chmod(home, 0770);
    refused("identity.dir.mode", EACCES);
    chmod(home, 0700);
    if (geteuid() == 0) {
        assert_int_equal(chown(in_home("key.pem"), 12345, 12345), 0);
        refused("identity.key.owner", EPERM);
        assert_int_equal(chown(in_home("key.pem"), 0, 0), 0);
        assert_int_equal(chown(home, 12345, 12345), 0);
        refused("identity.dir.owner", EPERM);
        assert_int_equal(chown(home, 0, 0), 0);
    }
    assert_int_equal(open_file(&s), OTA_OK);
    ota_posix_identity_close(&s);
}

static void strange_things_in_place_of_files(void **state)
{
    char other[128];
    struct ota_posix_identity s;

    (void)state;
    begin_new();
    assert_int_equal(open_file(&s), OTA_OK);
    ota_posix_identity_close(&s);
    snprintf(other, sizeof other, "%s/other", dir);
    assert_int_equal(rename(in_home("key.pem"), other), 0);
    assert_int_equal(symlink(other, in_home("key.pem")), 0);
    refused("identity.key", ELOOP);
    unlink(in_home("key.pem"));
    assert_int_equal(link(other, in_home("key.pem")), 0);
    refused("identity.key.mode", EACCES); /* a second name for it elsewhere */
    unlink(in_home("key.pem"));
    assert_int_equal(mkfifo(in_home("key.pem"), 0600), 0);
    refused("identity.key", EBADMSG);
    unlink(in_home("key.pem"));
    assert_int_equal(rename(other, in_home("key.pem")), 0);
    assert_int_equal(open_file(&s), OTA_OK);
    ota_posix_identity_close(&s);
    assert_int_equal(ota_posix_identity_file_open(NULL, NULL, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_posix_identity_file_open(&s, NULL, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "identity.dir");
}

/* A key that went, and counters that went: neither is made anew, for then nobody would notice. */
static void what_was_lost_is_not_made_anew(void **state)
{
    struct ota_posix_identity s;
    uint8_t key[512], counters[512];
    uint64_t value;
    int32_t code;
    size_t key_len, counters_len;

    (void)state;
    begin_new();
    assert_int_equal(open_file(&s), OTA_OK);
    counters_len = slurp("counters", counters, sizeof counters);
    assert_int_equal(s.port.ops->counter(&s.port, 0, 3, &value, &code), OTA_OK);
    ota_posix_identity_close(&s);
    key_len = slurp("key.pem", key, sizeof key);
    unlink(in_home("key.pem"));
    refused("identity.key", ENOENT);
    assert_int_equal(access(in_home("key.pem"), F_OK), -1);
    spill("key.pem", key, key_len);
    unlink(in_home("counters"));
    refused("identity.counters", ENOENT);
    /* A cut between making counters and making the key: there is nothing to lose yet. */
    unlink(in_home("key.pem"));
    spill("counters", counters, counters_len);
    assert_int_equal(open_file(&s), OTA_OK);
    ota_posix_identity_close(&s);
    /* Counters of the key that was there before. */
    spill("counters", counters, counters_len);
    refused("identity.counters", EBADMSG);
}

static void counters_from_a_backup(void **state)
{
    struct ota_posix_identity s;
    uint8_t old[512];
    uint64_t value = 9;
    int32_t code = 0;
    size_t len;

    (void)state;
    begin_new();
    assert_int_equal(open_file(&s), OTA_OK);
    assert_int_equal(s.port.ops->counter(&s.port, 0, 3, &value, &code), OTA_OK);
    len = slurp("counters", old, sizeof old);
    assert_int_equal(s.port.ops->counter(&s.port, 0, 4, &value, &code), OTA_OK);
    spill("counters", old, len);
    assert_int_equal(s.port.ops->counter(&s.port, 0, 0, &value, &code), OTA_DEVICE_IDENTITY); /* it ran meanwhile, and knows */
    assert_int_equal(code, ESTALE);
    assert_int_equal(value, 0);
    ota_posix_identity_close(&s);
    assert_int_equal(open_file(&s), OTA_OK); /* nothing tells it after a restart: rollback says "none" */
    assert_int_equal(s.port.ops->counter(&s.port, 0, 0, &value, &code), OTA_OK);
    assert_int_equal(value, 3);
    assert_string_equal(ota_strength_name(s.port.rollback), "none");
    ota_posix_identity_close(&s);
}

/* Two processes at once: each value that was promised stays, and no file is ever half. */
static void several_processes(void **state)
{
    struct ota_posix_identity s;
    uint64_t value;
    int32_t code = 0;
    int status;

    (void)state;
    begin_new();
    for (uint32_t who = 0; who < 4; who++) {
        if (fork() != 0)
            continue;
        if (open_file(&s) != OTA_OK)
            _exit(1);
        for (uint64_t n = 1; n <= 25; n++)
            if (s.port.ops->counter(&s.port, who, n, &value, &code) != OTA_OK || value != n)
                _exit(2);
        _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(open_file(&s), OTA_OK); /* and all four opened the same key */
    for (uint32_t who = 0; who < 4; who++) {
        assert_int_equal(s.port.ops->counter(&s.port, who, 0, &value, &code), OTA_OK);
        assert_int_equal(value, 25);
    }
    ota_posix_identity_close(&s);
}

/* Registers are of one start of the kernel: with another boot's name in it the file counts as none; damaged it is an error. */
static void registers_of_another_start(void **state)
{
    struct ota_posix_identity s;
    uint8_t file[1024], reg[OTA_SHA256_LEN], zero[OTA_SHA256_LEN] = { 0 };
    int32_t code = 0;
    size_t len, got;

    (void)state;
    begin_new();
    assert_int_equal(open_file(&s), OTA_OK);
    memset(reg, 1, sizeof reg);
    assert_int_equal(s.port.ops->extend(&s.port, 4, reg, &code), OTA_OK);
    len = slurp("registers", file, sizeof file);
    assert_int_equal(len, 844);
    file[10] ^= 1;
    spill("registers", file, len);
    assert_int_equal(s.port.ops->get(&s.port, OTA_IDENTITY_REGISTER + 4, reg, sizeof reg, &got, &code), OTA_DEVICE_IDENTITY);
    assert_int_equal(s.port.ops->extend(&s.port, 4, reg, &code), OTA_DEVICE_IDENTITY);
    assert_int_equal(code, EBADMSG);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, file, len - 32, file + len - 32, 32, &got), 0);
    spill("registers", file, len);
    assert_int_equal(s.port.ops->get(&s.port, OTA_IDENTITY_REGISTER + 4, reg, sizeof reg, &got, &code), OTA_OK);
    assert_memory_equal(reg, zero, sizeof zero);
    ota_posix_identity_close(&s);
}

/* openssl reads the key that is made here. A key that somebody brought has no counters, and none are made beside a key: it would
 * be a way to set them back. */
static void key_file_is_everybodys(void **state)
{
    struct ota_posix_identity s;
    char command[512];

    (void)state;
    begin_new();
    assert_int_equal(open_file(&s), OTA_OK);
    ota_posix_identity_close(&s);
    snprintf(command, sizeof command, "openssl pkey -in %s/key.pem -check -noout >/dev/null 2>&1", home);
    assert_int_equal(system(command), 0);
    begin_new();
    assert_int_equal(mkdir(home, 0700), 0);
    snprintf(command, sizeof command, "umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s/key.pem 2>/dev/null", home);
    assert_int_equal(system(command), 0);
    refused("identity.counters", ENOENT);
}

/* ---- in PSA Crypto's store; this implementation keeps its keys in the current directory ---- */

struct psa_device {
    struct ota_contract_identity contract;
    struct ota_psa_identity s;
    struct ota_psa_identity_config cfg;
};

static bool restart_psa(struct ota_contract_identity *d)
{
    struct psa_device *device = (struct psa_device *)d;

    mbedtls_psa_crypto_free(); /* what it knew it reads again */
    return psa_crypto_init() == PSA_SUCCESS && ota_psa_identity_open(&device->s, &device->cfg, &fault) == OTA_OK;
}

static void identity_in_psa(void **state)
{
    static uint8_t mem[1024], loot[64];
    static const uint8_t certificate[] = { 0x30, 0x01, 0x00 };
    struct ota_contract_report r = loud_report();
    struct psa_device d = { .contract = { .restart = restart_psa, .counter = 1, .reg = 0 } };
    struct ota_ram_store store;
    uint64_t value;
    int32_t code = 0;
    size_t len;

    (void)state;
    assert_int_equal(chdir(dir), 0);
    ota_ram_store_init(&store, mem, sizeof mem);
    d.cfg = (struct ota_psa_identity_config){ .store = &store.port };
    assert_int_equal(ota_psa_identity_open(&d.s, &d.cfg, &fault), OTA_OK);
    d.contract.identity = &d.s.port;
    assert_int_equal(d.s.port.strength, OTA_STRENGTH_SOFT);
    finish(&r, ota_contract_identity(&d.contract, &crypto.port, &r), 33);
    assert_int_equal(psa_export_key(OTA_PSA_IDENTITY_KEY_ID, loot, sizeof loot, &len), PSA_ERROR_NOT_PERMITTED);

    /* Counters that cannot be stored, read, or are damaged. */
    store.fail = (struct ota_ram_fail){ .at = 1 };
    assert_int_equal(d.s.port.ops->counter(&d.s.port, 0, 99, &value, &code), OTA_DEVICE_IDENTITY);
    assert_int_equal(code, OTA_RAM_CODE);
    assert_int_equal(d.s.port.ops->counter(&d.s.port, 0, 0, &value, &code), OTA_OK);
    assert_true(value < 99);
    for (size_t i = OTA_RAM_STORE_OVERHEAD; i < store.used; i++) {
        mem[i] ^= 1;
        assert_int_equal(d.s.port.ops->counter(&d.s.port, 0, 0, &value, &code), OTA_DEVICE_IDENTITY);
        assert_int_equal(ota_psa_identity_open(&d.s, &d.cfg, &fault), OTA_DEVICE_IDENTITY);
        assert_string_equal(fault.where, "identity.counters");
        mem[i] ^= 1;
    }
    assert_int_equal(ota_psa_identity_open(&d.s, &d.cfg, &fault), OTA_OK);

    /* Without a store there are no counters; with a certificate it is given. */
    d.cfg.store = NULL;
    d.cfg.certificate = certificate;
    d.cfg.certificate_len = sizeof certificate;
    assert_int_equal(ota_psa_identity_open(&d.s, &d.cfg, &fault), OTA_OK);
    finish(&r, ota_contract_identity(&d.contract, &crypto.port, &r), 60);
    assert_int_equal(ota_psa_identity_open(NULL, &d.cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_psa_identity_open(&d.s, NULL, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(psa_destroy_key(OTA_PSA_IDENTITY_KEY_ID), 0);
}

/* A key with that id which may leave the store, or is for something else. */
static void a_key_that_may_leave_is_refused(void **state)
{
    static const psa_key_usage_t uses[] = { PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_COPY,
                                            PSA_KEY_USAGE_VERIFY_HASH };
    const struct ota_psa_identity_config cfg = { .key_id = 77 };
    struct ota_psa_identity s;
    psa_key_id_t id;

    (void)state;
    assert_int_equal(chdir(dir), 0);
    for (size_t i = 0; i < 5; i++) {
        psa_key_attributes_t attr = psa_key_attributes_init();

        psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
        psa_set_key_bits(&attr, i == 3 ? 384 : 256);
        psa_set_key_usage_flags(&attr, i < 3 ? uses[i] : PSA_KEY_USAGE_SIGN_HASH);
        psa_set_key_algorithm(&attr, i == 4 ? PSA_ALG_ECDSA(PSA_ALG_SHA_384) : PSA_ALG_ECDSA(PSA_ALG_SHA_256));
        psa_set_key_lifetime(&attr, PSA_KEY_LIFETIME_PERSISTENT);
        psa_set_key_id(&attr, 77);
        assert_int_equal(psa_generate_key(&attr, &id), 0);
        assert_int_equal(ota_psa_identity_open(&s, &cfg, &fault), OTA_DEVICE_IDENTITY);
        assert_string_equal(fault.where, "identity.key");
        assert_int_equal(fault.port_code, PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_destroy_key(id), 0);
    }
    assert_int_equal(ota_psa_identity_open(&s, &cfg, &fault), OTA_OK); /* the next good try makes its own */
    assert_int_equal(psa_destroy_key(77), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s/ota-identity-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(dir) || ota_posix_crypto_open(&crypto, NULL, NULL) != OTA_OK)
        return -1;
    snprintf(home, sizeof home, "%.64s/id", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    begin_new();
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_in_memory),
        cmocka_unit_test(identity_in_files),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(others_files_are_refused),
        cmocka_unit_test(strange_things_in_place_of_files),
        cmocka_unit_test(what_was_lost_is_not_made_anew),
        cmocka_unit_test(counters_from_a_backup),
        cmocka_unit_test(several_processes),
        cmocka_unit_test(registers_of_another_start),
        cmocka_unit_test(key_file_is_everybodys),
        cmocka_unit_test(identity_in_psa),
        cmocka_unit_test(a_key_that_may_leave_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
