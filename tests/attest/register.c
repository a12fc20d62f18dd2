/* SPDX-License-Identifier: Apache-2.0 */
/* Judges a log of the boot supervisor by a register of the identity that it extended, as a verifier would.
 *
 *     attest_register LOG REGISTER file DIR | tpm TCTI        is the log what the register holds? a TPM's quote decides
 *     attest_register extend REGISTER file DIR | tpm TCTI     something else is started
 *
 * Exit status 0: yes, and it says "holds the log" or "quotes the log"; 1: no, with the reason; 2: usage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ota/posix.h"
#include "ota/posix_identity.h"
#include "ota/quote.h"
#include "ota/tpm.h"

static struct ota_posix_crypto crypto;
static struct ota_posix_identity file;
static struct ota_tpm tpm;
static struct ota_fault fault;

static int no(const char *what, ota_err err)
{
    (void)printf("%s: %s (%s)\n", what, ota_err_name(err), fault.where);
    return 1;
}

static struct ota_identity *open_identity(const char *kind, const char *where)
{
    if (strcmp(kind, "file") == 0)
        return ota_posix_identity_file_open(&file, &(struct ota_posix_identity_config){ .dir = where }, &fault) == OTA_OK ? &file.port : NULL;
    return ota_tpm_open(&tpm, &(struct ota_tpm_config){ .tcti = where }, &fault) == OTA_OK ? &tpm.port : NULL;
}

static ota_err read_log(const char *path, struct ota_attest_log *log)
{
    static char text[16384];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(text, 1, sizeof text, f) : 0;

    if (!f)
        return ota_fault_set(&fault, OTA_DEVICE_ABSENT, "log", 0);
    (void)fclose(f);
    return ota_attest_log_read(text, len, &crypto.port, log, &fault);
}

static int judge_value(struct ota_identity *i, uint32_t reg, const struct ota_attest_log *log)
{
    uint8_t value[OTA_SHA256_LEN];
    int32_t code = 0;
    size_t len = 0;
    ota_err err = i->ops->get(i, OTA_IDENTITY_REGISTER + reg, value, sizeof value, &len, &code);

    if (err != OTA_OK)
        return no("register", err);
    if (memcmp(value, log->chain, sizeof value) != 0)
        return no("register", OTA_REJECT_HASH);
    (void)puts("holds the log");
    return 0;
}

static int judge_quote(struct ota_identity *i, uint32_t reg, const struct ota_attest_log *log)
{
    static uint8_t quote[OTA_IDENTITY_QUOTE_MAX], ak[256];
    uint8_t nonce[32];
    int32_t code = 0;
    struct ota_quote_check k = { quote, 0, ak, 0, nonce, sizeof nonce, UINT32_C(1) << reg, &log->chain, NULL };
    const struct ota_quote_request request = { nonce, sizeof nonce, k.registers };
    struct ota_quote said;
    ota_err err = i->ops->random(i, nonce, sizeof nonce, &code);

    if (err == OTA_OK)
        err = i->ops->get(i, OTA_IDENTITY_AK, ak, sizeof ak, &k.ak_len, &code);
    if (err == OTA_OK)
        err = i->ops->quote(i, &request, quote, sizeof quote, &k.len, &code);
    if (err == OTA_OK)
        err = ota_quote_verify(&k, &crypto.port, &said, &fault);
    if (err != OTA_OK)
        return no("quote", err);
    (void)puts("quotes the log");
    return 0;
}

static int extend(struct ota_identity *i, uint32_t reg)
{
    static const uint8_t digest[OTA_SHA256_LEN] = { 0xee };
    int32_t code = 0;
    ota_err err = i->ops->extend(i, reg, digest, &code);

    return err == OTA_OK ? 0 : no("extend", err);
}

int main(int argc, char **argv)
{
    struct ota_attest_log log = { 0 };

    if (argc != 5 || ota_posix_crypto_open(&crypto, NULL, &fault) != OTA_OK)
        return 2;
    uint32_t reg = (uint32_t)strtoul(argv[2], NULL, 10);
    bool is_tpm = strcmp(argv[3], "tpm") == 0;
    struct ota_identity *i = open_identity(argv[3], argv[4]);
    if (!i)
        return no("identity", fault.err);
    if (strcmp(argv[1], "extend") == 0)
        return extend(i, reg);
    ota_err err = read_log(argv[1], &log);
    if (err == OTA_OK)
        err = ota_attest_replay(&log, &crypto.port);
    if (err != OTA_OK)
        return no("log", err);
    return is_tpm ? judge_quote(i, reg, &log) : judge_value(i, reg, &log);
}
