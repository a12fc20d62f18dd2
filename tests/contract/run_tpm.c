/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on a TPM, and what is particular about it. The TPM is a process of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ota/posix.h"
#include "ota/tpm.h"
#include "report.h"
#include "swtpm.h"

static struct ota_posix_crypto crypto;
static struct ota_fault fault;
static struct test_swtpm tpm;

static void begin_new(void)
{
    char dir[] = "/tmp/ota-tpm-XXXXXX";

    test_swtpm_remove(&tpm);
    assert_non_null(mkdtemp(dir));
    assert_true(test_swtpm_start(&tpm, dir));
}

static ota_err open_tpm(struct ota_tpm *t)
{
    const struct ota_tpm_config cfg = { .tcti = tpm.tcti };

    memset(&fault, 0, sizeof fault);
    return ota_tpm_open(t, &cfg, &fault);
}

static void restart_swtpm(void)
{
    char state[128];

    snprintf(state, sizeof state, "%s", tpm.state);
    test_swtpm_kill(&tpm);
    assert_true(test_swtpm_start(&tpm, state));
}

struct device {
    struct ota_contract_identity contract;
    struct ota_tpm t;
};

/* The TPM loses its power, and so does the device. */
static bool restart(struct ota_contract_identity *d)
{
    struct device *device = (struct device *)d;

    ota_tpm_close(&device->t);
    restart_swtpm();
    return open_tpm(&device->t) == OTA_OK;
}

static void a_tpm_keeps_the_contract(void **state)
{
    struct device d = { .contract = { .restart = restart, .counter = 2, .reg = 14 } };
    struct ota_contract_report r = loud_report();

    (void)state;
    begin_new();
    assert_int_equal(open_tpm(&d.t), OTA_OK);
    d.contract.identity = &d.t.port;
    assert_int_equal(ota_contract_identity(&d.contract, &crypto.port, &r), 0);
    assert_int_equal(r.failures, 0);
    assert_true(r.checks >= 39);
    ota_tpm_close(&d.t);
}

/* A program that is a TPM must not pass for one. */
static void a_simulator_says_soft(void **state)
{
    struct ota_tpm t;

    (void)state;
    begin_new();
    assert_int_equal(open_tpm(&t), OTA_OK);
    assert_string_equal(t.maker, "IBM");
    assert_int_equal(strncmp(t.vendor, "SW", 2), 0);
    assert_int_equal(t.port.strength, OTA_STRENGTH_SOFT);
    assert_int_equal(t.port.rollback, OTA_STRENGTH_NONE);
    ota_tpm_close(&t);
}

static void a_tpm_that_goes_away_is_told_and_found_again(void **state)
{
    uint8_t digest[OTA_SHA256_LEN] = { 1 }, sig[OTA_ATTEST_SIG_LEN], out[OTA_IDENTITY_QUOTE_MAX];
    const struct ota_quote_request request = { digest, sizeof digest, 1u << 14 };
    struct ota_tpm t;
    uint64_t value;
    int32_t code = 0;
    size_t len;

    (void)state;
    begin_new();
    assert_int_equal(open_tpm(&t), OTA_OK);
    assert_int_equal(t.port.ops->counter(&t.port, 1, 3, &value, &code), OTA_OK);
    for (int round = 0; round < 5; round++) {
        test_swtpm_kill(&tpm);
        code = 0;
        switch (round) {
        case 0: assert_int_equal(t.port.ops->sign(&t.port, digest, sig, &code), OTA_DEVICE_IDENTITY); break;
        case 1: assert_int_equal(t.port.ops->counter(&t.port, 1, 9, &value, &code), OTA_DEVICE_IDENTITY); break;
        case 2: assert_int_equal(t.port.ops->extend(&t.port, 14, digest, &code), OTA_DEVICE_IDENTITY); break;
        case 3: assert_int_equal(t.port.ops->quote(&t.port, &request, out, sizeof out, &len, &code), OTA_DEVICE_IDENTITY); break;
        default: assert_int_equal(t.port.ops->random(&t.port, out, 10, &code), OTA_DEVICE_IDENTITY); break;
        }
        assert_int_not_equal(code, 0);
        assert_int_equal(t.port.ops->sign(&t.port, digest, sig, &code), OTA_DEVICE_IDENTITY); /* it is still not there */
        restart_swtpm();
        assert_int_equal(t.port.ops->sign(&t.port, digest, sig, &code), OTA_OK);
        assert_int_equal(crypto.port.ops->verify(&crypto.port, OTA_SIG_ECDSA_SHA256, OTA_KEY_P256, t.key, 65, digest, 32, sig, 64), OTA_OK);
        assert_int_equal(t.port.ops->counter(&t.port, 1, 0, &value, &code), OTA_OK);
        assert_int_equal(value, 3);
    }
    test_swtpm_kill(&tpm);
    ota_tpm_close(&t);
    assert_int_equal(open_tpm(&t), OTA_DEVICE_IDENTITY);
    assert_string_equal(fault.where, "identity.tpm");
    assert_int_not_equal(fault.port_code, 0);
}

/* Another TPM in its place is not this device. */
static void another_tpm_is_not_taken(void **state)
{
    uint8_t digest[OTA_SHA256_LEN] = { 1 }, sig[OTA_ATTEST_SIG_LEN];
    struct test_swtpm other = { 0 };
    struct ota_tpm t;
    char dir[] = "/tmp/ota-tpm-XXXXXX", kept[128];
    int32_t code = 0;

    (void)state;
    begin_new();
    assert_int_equal(open_tpm(&t), OTA_OK);
    snprintf(kept, sizeof kept, "%s", tpm.state);
    test_swtpm_kill(&tpm);
    assert_non_null(mkdtemp(dir));
    assert_true(test_swtpm_start(&other, dir));
    t.cfg.tcti = other.tcti;
    assert_int_equal(t.port.ops->sign(&t.port, digest, sig, &code), OTA_DEVICE_IDENTITY);
    assert_int_equal(t.port.ops->sign(&t.port, digest, sig, &code), OTA_DEVICE_IDENTITY);
    assert_true(test_swtpm_start(&tpm, kept));
    t.cfg.tcti = tpm.tcti;
    assert_int_equal(t.port.ops->sign(&t.port, digest, sig, &code), OTA_OK);
    ota_tpm_close(&t);
    test_swtpm_remove(&other);
}

/* Power cuts while it counts: what was told to be durable is, and the value goes back never. */
static void counters_survive_power_cuts(void **state)
{
    struct ota_tpm t;
    uint64_t value = 0, told = 0;
    int32_t code = 0;
    unsigned cuts = 0;

    (void)state;
    begin_new();
    assert_int_equal(open_tpm(&t), OTA_OK);
    assert_int_equal(t.port.ops->counter(&t.port, 0, 0, &value, &code), OTA_OK);
    assert_int_equal(value, 0);
    for (int round = 0; round < 12; round++) {
        pid_t killer = fork();

        if (killer == 0) {
            usleep((useconds_t)(500 + 1700 * round));
            kill(tpm.pid, SIGKILL);
            _exit(0);
        }
        for (int i = 0; i < 2000 && t.port.ops->counter(&t.port, 0, told + 1, &value, &code) == OTA_OK; i++)
            told = value;
        cuts++;
        assert_int_equal(waitpid(killer, NULL, 0), killer);
        restart_swtpm();
        assert_int_equal(t.port.ops->counter(&t.port, 0, 0, &value, &code), OTA_OK);
        assert_true(value >= told && value <= told + 1);
        told = value;
    }
    assert_int_equal(cuts, 12);
    assert_true(told > 0);
    ota_tpm_close(&t);
}

static void a_raise_too_far_changes_nothing(void **state)
{
    struct ota_tpm t;
    uint64_t value = 7;
    int32_t code = 0;

    (void)state;
    begin_new();
    assert_int_equal(open_tpm(&t), OTA_OK);
    assert_int_equal(t.port.ops->counter(&t.port, 3, OTA_IDENTITY_RAISE_MAX + 1, &value, &code), OTA_REJECT_LIMIT);
    assert_int_equal(value, 0);
    assert_int_equal(t.port.ops->counter(&t.port, 3, UINT64_MAX, &value, &code), OTA_REJECT_LIMIT);
    assert_int_equal(t.port.ops->counter(&t.port, 3, 0, &value, &code), OTA_OK);
    assert_int_equal(value, 0);
    ota_tpm_close(&t);
}

static bool tool(const char *command)
{
    char line[1024];

    snprintf(line, sizeof line, "TPM2TOOLS_TCTI='%s' TSS2_LOG=all+none %s >/dev/null 2>&1", tpm.tcti, command);
    return system(line) == 0;
}

/* Things of somebody else at our places: refused, never used. */
static void strangers_at_our_places(void **state)
{
    struct ota_tpm t;
    uint64_t value;
    int32_t code = 0;

    (void)state;
    begin_new();
    assert_true(tool("tpm2_nvdefine 0x18f0a00 -C o -s 8 -a 'ownerread|ownerwrite|authread|no_da'"));
    assert_int_equal(open_tpm(&t), OTA_OK);
    assert_int_equal(t.port.ops->counter(&t.port, 0, 1, &value, &code), OTA_DEVICE_IDENTITY); /* anybody could set it back */
    assert_int_equal(t.port.ops->counter(&t.port, 1, 1, &value, &code), OTA_OK);
    ota_tpm_close(&t);
    assert_true(tool("tpm2_evictcontrol -C o -c 0x8100f0a0"));
    assert_true(tool("sh -c 'd=$(mktemp -d) && tpm2_createprimary -C o -G ecc -c $d/p && tpm2_flushcontext -t && "
                     "tpm2_evictcontrol -C o -c $d/p 0x8100f0a0; r=$?; rm -r $d; exit $r'"));
    assert_int_equal(open_tpm(&t), OTA_DEVICE_IDENTITY);
    assert_true(tool("tpm2_evictcontrol -C o -c 0x8100f0a0"));
    assert_int_equal(open_tpm(&t), OTA_OK);
    ota_tpm_close(&t);
}

static void the_owners_password_is_needed(void **state)
{
    struct ota_tpm_config cfg = { .tcti = tpm.tcti, .owner_auth = "secret" };
    struct ota_tpm t;
    uint64_t value;
    int32_t code = 0;
    char longer[80];

    (void)state;
    begin_new();
    assert_true(tool("tpm2_changeauth -c owner secret"));
    assert_int_equal(open_tpm(&t), OTA_DEVICE_IDENTITY);
    assert_int_equal(ota_tpm_open(&t, &cfg, &fault), OTA_OK);
    assert_int_equal(t.port.ops->counter(&t.port, 0, 2, &value, &code), OTA_OK);
    assert_int_equal(value, 2);
    ota_tpm_close(&t);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    cfg.owner_auth = longer;
    assert_int_equal(ota_tpm_open(&t, &cfg, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tpm_open(&t, NULL, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tpm_open(NULL, &cfg, &fault), OTA_USAGE_ARGUMENT);
}

/* The endorsement key's certificate lies where its maker puts it. */
static void certificates(void **state)
{
    uint8_t buf[2048];
    struct ota_tpm t;
    int32_t code = 0;
    size_t len;

    (void)state;
    begin_new();
    assert_int_equal(open_tpm(&t), OTA_OK);
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_EK_CERTIFICATE, buf, sizeof buf, &len, &code), OTA_DEVICE_ABSENT);
    assert_true(tool("sh -c 'head -c 1400 /dev/zero | tr \"\\\\0\" 0 | tpm2_nvdefine 0x1c0000a -C o -s 1400 -a \"ownerread|ownerwrite|authread|no_da\" && "
                     "head -c 1400 /dev/zero | tr \"\\\\0\" 0 | tpm2_nvwrite 0x1c0000a -C o -i-'"));
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_EK_CERTIFICATE, buf, 1399, &len, &code), OTA_USAGE_MEMORY);
    assert_int_equal(len, 1400);
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_EK_CERTIFICATE, buf, sizeof buf, &len, &code), OTA_OK);
    assert_int_equal(len, 1400);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(buf[i], '0');
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_CERTIFICATE, buf, sizeof buf, &len, &code), OTA_DEVICE_ABSENT);
    t.cfg.certificate = "/etc/hostname";
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_CERTIFICATE, buf, sizeof buf, &len, &code), OTA_OK);
    t.cfg.certificate = "/proc";
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_CERTIFICATE, buf, sizeof buf, &len, &code), OTA_DEVICE_IDENTITY);
    ota_tpm_close(&t);
}

static int set_up(void **state)
{
    (void)state;
    return ota_posix_crypto_open(&crypto, NULL, NULL) == OTA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    test_swtpm_remove(&tpm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tpm_keeps_the_contract),
        cmocka_unit_test(a_simulator_says_soft),
        cmocka_unit_test(a_tpm_that_goes_away_is_told_and_found_again),
        cmocka_unit_test(another_tpm_is_not_taken),
        cmocka_unit_test(counters_survive_power_cuts),
        cmocka_unit_test(a_raise_too_far_changes_nothing),
        cmocka_unit_test(strangers_at_our_places),
        cmocka_unit_test(the_owners_password_is_needed),
        cmocka_unit_test(certificates),
    };

    if (!test_swtpm_is_there()) {
        (void)fprintf(stderr, "no swtpm here: nothing is tested\n");
        return 77;
    }
    setenv("TSS2_LOG", "all+none", 0); /* what tss2 writes of its own */
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
