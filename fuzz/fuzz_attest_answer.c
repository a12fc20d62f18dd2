/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device takes from an attestation service, from its store and from its boot stage. Byte 0 chooses: 0 a challenge, 1
 * certificates, 2 a refusal, 3 the record, 4 a log. A log that is taken is written again, and reads as the same.
 */
#include "client.h"
#include "require.h"
#include "tuf_fuzz_crypto.h"

static struct ota_crypto crypto = { &fuzz_ops };

static void check_fault(ota_err err, const struct ota_fault *fault)
{
    require(err == fault->err);
    require(err == OTA_OK || (ota_err_class(err) == OTA_CLASS_REJECT && fault->where[0]));
}

static void challenge(const uint8_t *p, size_t len)
{
    struct otai_attest_nonce n;
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = otai_attest_read_nonce(p, len, &n, &fault);

    check_fault(err, &fault);
    require(err != OTA_OK || (strlen(n.id) == 32 && n.expires_s > 0));
}

/* The key that a certificate must hold is a run of bytes that the fuzzer can write. */
static void certificates(const uint8_t *p, size_t len)
{
    static uint8_t out[OTA_ATTEST_BUNDLE_MAX], scratch[3072];
    struct otai_attest_grant g;
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = otai_attest_read_grant(p, len, &g, &fault);
    uint8_t key[OTA_ATTEST_KEY_LEN] = { 0 };

    check_fault(err, &fault);
    for (int i = 0; err == OTA_OK && i < OTA_CERTIFICATES; i++) {
        size_t at = 100;
        if (!g.certificate[i].p)
            continue;
        ota_err taken = otai_attest_take_certificate(g.certificate[i], key, out, sizeof out, &at, scratch, sizeof scratch);
        require(taken == OTA_OK ? at > 100 && at < sizeof out : at == 100 && ota_err_class(taken) == OTA_CLASS_REJECT);
        if (taken == OTA_OK)
            require(memcmp(out + 100, "-----BEGIN CERTIFICATE-----\n", 28) == 0 && out[at - 1] == '\n');
    }
}

static void refusal(const uint8_t *p, size_t len)
{
    struct otai_attest_refusal r;

    otai_attest_read_refusal(p, len, &r);
    for (const char *c = r.error; *c; c++)
        require(*c >= '!' && *c <= '~');
    for (const char *c = r.field; *c; c++)
        require(*c >= '!' && *c <= '~');
}

static void record(const uint8_t *p, size_t len)
{
    static uint8_t copy[16384];
    struct otai_attest_head h;

    if (len < 4 || len > sizeof copy)
        return;
    memcpy(copy, p, len);
    otai_put_le32(copy + len - 4, otai_crc32(0, copy, len - 4)); /* a checksum would keep the fuzzer out */
    if (!otai_attest_get_head(copy, len, &h))
        return;
    require(h.len[0] > 0 && (size_t)h.len[0] + h.len[1] + OTAI_ATTEST_HEAD_LEN + 4 == len);
    const uint8_t *b = otai_attest_bundle(copy, &h, OTA_CERTIFICATE_APPLICATION);
    require(b + h.len[1] + 4 == copy + len);
    require(otai_attest_put_head(copy, &h) == len && otai_attest_get_head(copy, len, &h));
}

static void log_text(const uint8_t *p, size_t len)
{
    static struct ota_attest_log log, again;
    static char text[16384];
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = ota_attest_log_read(p, len, &crypto, &log, &fault);
    size_t n;

    check_fault(err, &fault);
    require(err == OTA_OK || log.count == 0);
    if (err != OTA_OK)
        return;
    require(ota_attest_log_write(&log, text, sizeof text, &n) == OTA_OK);
    require(ota_attest_log_read(text, n, &crypto, &again, &fault) == OTA_OK && memcmp(&log, &again, sizeof log) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const uint8_t *, size_t) = { challenge, certificates, refusal, record, log_text };

    if (size > 0 && size <= 16384)
        targets[data[0] % 5](data + 1, size - 1);
    return 0;
}
