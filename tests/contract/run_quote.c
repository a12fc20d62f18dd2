/* SPDX-License-Identifier: Apache-2.0 */
/* Measured start and attestation with a TPM: the log and the register it extended, a quote of it, its key of quotes bound to the
 * endorsement key. What a TPM writes is read here and by tpm2-tools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ota/posix.h"
#include "ota/posix_identity.h"
#include "ota/quote.h"
#include "ota/tpm.h"
#include "swtpm.h"

#define REG 14u

static struct ota_posix_crypto crypto;
static struct test_swtpm tpm, other;
static struct ota_tpm t;
static struct ota_attest_log log_;
static struct ota_fault fault;
static struct ota_quote said;
static uint8_t ak[256], ek[256], quote[OTA_IDENTITY_QUOTE_MAX];
static size_t ak_len, ek_len, quote_len;
static const uint8_t nonce[32] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static void start(struct test_swtpm *where, struct ota_tpm *who)
{
    char dir[] = "/tmp/ota-quote-XXXXXX";
    struct ota_tpm_config cfg = { .tcti = where->tcti };

    assert_non_null(mkdtemp(dir));
    assert_true(test_swtpm_start(where, dir));
    assert_int_equal(ota_tpm_open(who, &cfg, &fault), OTA_OK);
}

/* Extended before it may run: first the register, then the log. */
static void measure(enum ota_measured kind, const char *name, uint8_t fill)
{
    struct ota_measurement m = { .kind = kind, .version = "7" };
    uint8_t digest[OTA_SHA256_LEN];
    int32_t code = 0;

    snprintf(m.name, sizeof m.name, "%s", name);
    memset(m.digest, fill, sizeof m.digest);
    assert_int_equal(ota_attest_digest(&crypto.port, &m, digest), OTA_OK);
    assert_int_equal(t.port.ops->extend(&t.port, REG, digest, &code), OTA_OK);
    assert_int_equal(ota_attest_extend(&log_, &crypto.port, &m), OTA_OK);
}

static void take_quote(const uint8_t *challenge, uint32_t registers)
{
    const struct ota_quote_request request = { challenge, 32, registers };
    int32_t code = 0;

    assert_int_equal(t.port.ops->quote(&t.port, &request, quote, sizeof quote, &quote_len, &code), OTA_OK);
}

static int set_up(void **state)
{
    int32_t code = 0;

    (void)state;
    assert_int_equal(ota_posix_crypto_open(&crypto, NULL, NULL), OTA_OK);
    start(&tpm, &t);
    measure(OTA_MEASURED_BOOT, "supervisor", 1);
    measure(OTA_MEASURED_IMAGE, "os", 2);
    measure(OTA_MEASURED_CONFIG, "agent", 3);
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_AK, ak, sizeof ak, &ak_len, &code), OTA_OK);
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_EK, ek, sizeof ek, &ek_len, &code), OTA_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ota_tpm_close(&t);
    test_swtpm_remove(&tpm);
    return 0;
}

static ota_err verify(const struct ota_attest_log *log, const uint8_t *challenge)
{
    const struct ota_quote_check k = { quote, quote_len, ak, ak_len, challenge, 32, 1u << REG, &log->chain, NULL };

    return ota_quote_verify(&k, &crypto.port, &said, &fault);
}

static void a_quote_proves_the_log(void **state)
{
    struct ota_attest_log altered = log_;
    uint8_t chain[OTA_SHA256_LEN], fresh[32] = { 9 };
    int32_t code = 0;
    size_t len;

    (void)state;
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_REGISTER + REG, chain, sizeof chain, &len, &code), OTA_OK);
    assert_memory_equal(chain, log_.chain, sizeof chain);
    take_quote(nonce, 1u << REG);
    assert_int_equal(verify(&log_, nonce), OTA_OK);
    assert_true(said.firmware != 0);
    assert_int_equal(verify(&log_, fresh), OTA_REJECT_NONCE); /* replayed */
    /* An altered log: its own chain no longer fits, and the chain that would fit is not what the register holds. */
    altered.entry[1].digest[0] ^= 1;
    assert_int_equal(ota_attest_replay(&altered, &crypto.port), OTA_REJECT_HASH);
    struct ota_attest_log again = { 0 };
    for (size_t i = 0; i < altered.count; i++)
        assert_int_equal(ota_attest_extend(&again, &crypto.port, &altered.entry[i]), OTA_OK);
    assert_int_equal(verify(&again, nonce), OTA_REJECT_HASH);
    assert_string_equal(fault.where, "quote.registers");
    /* Something ran that is not in the log. */
    uint8_t digest[OTA_SHA256_LEN] = { 0xee };
    assert_int_equal(t.port.ops->extend(&t.port, REG, digest, &code), OTA_OK);
    take_quote(fresh, 1u << REG);
    assert_int_equal(verify(&log_, fresh), OTA_REJECT_HASH);
    /* another register, and a quote of two */
    take_quote(fresh, 1u << (REG + 1));
    assert_int_equal(verify(&log_, fresh), OTA_REJECT_SCOPE);
    take_quote(fresh, 3u << REG);
    assert_int_equal(verify(&log_, fresh), OTA_REJECT_SCOPE);
}

static void the_devices_key_lives_beside_it(void **state)
{
    uint8_t strange[65];

    (void)state;
    take_quote(nonce, 0);
    struct ota_quote_check k = { quote, quote_len, ak, ak_len, nonce, 32, 0, NULL, t.key };
    assert_int_equal(ota_quote_verify(&k, &crypto.port, &said, &fault), OTA_OK);
    memcpy(strange, t.key, sizeof strange);
    strange[40] ^= 1;
    k.key = strange;
    assert_int_equal(ota_quote_verify(&k, &crypto.port, &said, &fault), OTA_REJECT_HASH);
    assert_string_equal(fault.where, "quote.key");
}

/* ---- the same quote in other hands ---- */

static void spill(const char *name, const void *p, size_t len)
{
    char path[192];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", tpm.state, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, len, f), len);
    fclose(f);
}

static bool in_state(const char *command)
{
    char line[1024];

    snprintf(line, sizeof line, "cd %s && export TPM2TOOLS_TCTI='%s' TSS2_LOG=all+none && { %s; } >/dev/null 2>&1", tpm.state, tpm.tcti, command);
    return system(line) == 0;
}

static void tpm2_tools_agree(void **state)
{
    uint8_t area[258];
    size_t attest = 0;

    (void)state;
    take_quote(nonce, 1u << REG);
    attest = (size_t)quote[0] << 8 | quote[1];
    spill("q.msg", quote + 2, attest);
    spill("q.sig", quote + 2 + attest, quote_len - 2 - attest);
    area[0] = 0;
    area[1] = (uint8_t)ak_len;
    memcpy(area + 2, ak, ak_len);
    spill("ak.pub", area, ak_len + 2);
    assert_true(in_state("tpm2_pcrread sha256:14 -o q.pcrs"));
    assert_true(in_state("tpm2_print -t TPM2B_PUBLIC -f pem ak.pub > ak.pem || tpm2_readpublic -c 0x8100f0a1 -f pem -o ak.pem"));
    assert_true(in_state("tpm2_checkquote -u ak.pem -m q.msg -s q.sig -g sha256 "
                         "-q 0102030405060708090000000000000000000000000000000000000000000000"));
    assert_false(in_state("tpm2_checkquote -u ak.pem -m q.msg -s q.sig -g sha256 "
                          "-q 0102030405060708090000000000000000000000000000000000000000000001"));
    quote[40] ^= 1;
    spill("q.msg", quote + 2, attest);
    assert_false(in_state("tpm2_checkquote -u ak.pem -m q.msg -s q.sig -g sha256 "
                          "-q 0102030405060708090000000000000000000000000000000000000000000000"));
}

/* And a quote that tpm2-tools took, with a key of theirs, is read here. */
static void a_quote_of_tpm2_tools(void **state)
{
    uint8_t msg[512], sig[256], area[258], value[1][OTA_SHA256_LEN];
    char path[192];
    int32_t code = 0;
    size_t msg_len, sig_len, area_len, len;
    FILE *f;

    (void)state;
    assert_true(in_state("tpm2_createek -c ek.ctx -G ecc -u ek.pub && tpm2_flushcontext -t && "
                         "tpm2_createak -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak2.pub && tpm2_flushcontext -t && "
                         "tpm2_quote -Q -c ak.ctx -l sha256:14 -q 0102030405060708090000000000000000000000000000000000000000000000 "
                         "-m t.msg -s t.sig -g sha256 && tpm2_flushcontext -t"));
    static const char *const names[] = { "t.msg", "t.sig", "ak2.pub" };
    uint8_t *const into[] = { msg, sig, area };
    size_t *const lens[] = { &msg_len, &sig_len, &area_len }, caps[] = { sizeof msg, sizeof sig, sizeof area };
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", tpm.state, names[i]);
        f = fopen(path, "rb");
        assert_non_null(f);
        *lens[i] = fread(into[i], 1, caps[i], f);
        fclose(f);
    }
    quote[0] = (uint8_t)(msg_len >> 8);
    quote[1] = (uint8_t)msg_len;
    memcpy(quote + 2, msg, msg_len);
    memcpy(quote + 2 + msg_len, sig, sig_len);
    assert_int_equal(t.port.ops->get(&t.port, OTA_IDENTITY_REGISTER + REG, value, sizeof value, &len, &code), OTA_OK);
    struct ota_quote_check k = { quote, 2 + msg_len + sig_len, area + 2, area_len - 2, nonce, 32, 1u << REG, (const uint8_t(*)[32])value, NULL };
    assert_int_equal(ota_quote_verify(&k, &crypto.port, &said, &fault), OTA_OK);
    k.ak = ak; /* the agent's own key did not sign it */
    k.ak_len = ak_len;
    assert_int_equal(ota_quote_verify(&k, &crypto.port, &said, &fault), OTA_REJECT_SIGNATURE);
}

/* ---- credentials ---- */

static void a_credential_binds_the_two_keys(void **state)
{
    static const uint8_t secret[32] = "the verifier made this just now";
    struct ota_posix_credential c = { ek, ek_len, ak, ak_len, secret, 32 };
    uint8_t blob[OTA_POSIX_CREDENTIAL_MAX], got[OTA_TPM_SECRET_MAX], bad[256];
    struct ota_tpm stranger;
    int32_t code = 0;
    size_t len, got_len;

    (void)state;
    for (size_t n = 1; n <= 32; n += 31) {
        c.secret_len = n;
        assert_int_equal(ota_posix_credential_make(&c, blob, &len, &fault), OTA_OK);
        assert_int_equal(ota_tpm_activate(&t, blob, len, got, &got_len, &code), OTA_OK);
        assert_int_equal(got_len, n);
        assert_memory_equal(got, secret, n);
    }
    for (size_t i = 0; i < len; i += 3) { /* any byte, and any length */
        blob[i] ^= 0x10;
        ota_err err = ota_tpm_activate(&t, blob, len, got, &got_len, &code);
        assert_true(err == OTA_REJECT_SIGNATURE || err == OTA_REJECT_SYNTAX);
        assert_int_equal(got_len, 0);
        blob[i] ^= 0x10;
        err = ota_tpm_activate(&t, blob, i, got, &got_len, &code);
        assert_int_equal(err, OTA_REJECT_SYNTAX);
    }
    assert_int_equal(ota_tpm_activate(&t, blob, len, got, &got_len, &code), OTA_OK);
    /* For another key of quotes: a key in a file, say, that somebody wants to pass for the TPM's. */
    memcpy(bad, ak, ak_len);
    bad[ak_len - 1] ^= 1;
    c.ak = bad;
    assert_int_equal(ota_posix_credential_make(&c, blob, &len, &fault), OTA_OK);
    assert_int_equal(ota_tpm_activate(&t, blob, len, got, &got_len, &code), OTA_REJECT_SIGNATURE);
    c.ak = ak;
    /* For another TPM. */
    start(&other, &stranger);
    assert_int_equal(ota_posix_credential_make(&c, blob, &len, &fault), OTA_OK);
    assert_int_equal(ota_tpm_activate(&stranger, blob, len, got, &got_len, &code), OTA_REJECT_SIGNATURE);
    ota_tpm_close(&stranger);
    test_swtpm_remove(&other);
    /* Keys that are none. */
    memcpy(bad, ek, ek_len);
    for (size_t i = 0; i < ek_len; i++) {
        bad[i] ^= 1;
        c.ek = bad;
        assert_int_equal(ota_posix_credential_make(&c, blob, &len, &fault), OTA_REJECT_KEY);
        assert_int_equal(len, 0);
        bad[i] ^= 1;
    }
    c.ek_len--;
    assert_int_equal(ota_posix_credential_make(&c, blob, &len, &fault), OTA_REJECT_KEY);
    c.ek_len++;
    c.secret_len = 33;
    assert_int_equal(ota_posix_credential_make(&c, blob, &len, &fault), OTA_USAGE_ARGUMENT);
    c.secret_len = 0;
    assert_int_equal(ota_posix_credential_make(&c, blob, &len, &fault), OTA_USAGE_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_proves_the_log),
        cmocka_unit_test(the_devices_key_lives_beside_it),
        cmocka_unit_test(tpm2_tools_agree),
        cmocka_unit_test(a_quote_of_tpm2_tools),
        cmocka_unit_test(a_credential_binds_the_two_keys),
    };

    if (!test_swtpm_is_there()) {
        (void)fprintf(stderr, "no swtpm here: nothing is tested\n");
        return 77;
    }
    setenv("TSS2_LOG", "all+none", 0); /* what tss2 writes of its own */
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
