/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA signatures. Byte 0: curve; the rest is the DER in a file's signature. What reaches the crypto port must be r and s
 * as a plain reader finds them, and every signature in strict DER that fits the curve must reach it.
 */
#include "tuf_fuzz_crypto.h"

#include <stdio.h>

#include "tuf_i.h"

struct seen {
    size_t len;
    uint8_t sig[512];
};

static struct seen seen;

static ota_err note(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                    const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c, (void)alg, (void)kind, (void)key, (void)key_len, (void)hash, (void)hash_len;
    if (sig_len > sizeof seen.sig)
        abort();
    memcpy(seen.sig, sig, sig_len);
    seen.len = sig_len;
    return OTA_OK;
}

/* One INTEGER: not negative, in its shortest form, of at most width bytes. @return bytes taken, 0: it is none */
static size_t integer(const uint8_t *p, size_t len, uint8_t *out, size_t width)
{
    if (len < 3 || p[0] != 2 || p[1] == 0 || p[1] > 0x7f || p[1] > len - 2)
        return 0;
    size_t n = p[1], zeros = n > 1 && p[2] == 0;
    if (p[2] > 0x7f || (zeros && p[3] < 0x80) || n - zeros > width)
        return 0;
    memset(out, 0, width);
    for (size_t i = zeros; i < n; i++)
        out[width - n + i] = p[2 + i];
    return 2 + n;
}

static bool plain_read(const uint8_t *p, size_t len, uint8_t *out, size_t width)
{
    if (len < 2 || p[0] != 0x30 || p[1] > 0x7f || p[1] != len - 2)
        return false;
    size_t r = integer(p + 2, len - 2, out, width);
    size_t s = r ? integer(p + 2 + r, len - 2 - r, out + width, width) : 0;
    return s && 2 + r + s == len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ota_crypto_ops ops = fuzz_ops;
    struct ota_crypto crypto = { &ops };
    static struct ota_tuf t;
    static struct tuf_ring ring;
    static uint8_t key_bytes[128];
    static char file[2048];
    const struct tuf_signers signers = { .keys = 1, .threshold = 1 };
    uint8_t want[96];

    if (size < 1 || size > 600)
        return 0;
    bool p384 = data[0] & 1;
    size_t width = p384 ? 48 : 32;
    ops.verify = note;
    memset(&t, 0, sizeof t);
    memset(&ring, 0, sizeof ring);
    t.cfg.crypto = &crypto;
    t.cfg.loose_keyids = true;
    t.key_bytes = key_bytes;
    ring.count = 1;
    ring.key[0].scheme = p384;
    ring.key[0].len = (uint16_t)(1 + 2 * width);
    if (!otai_tuf_key_id(&t, TUF_SPAN("k"), ring.key[0].id))
        abort();
    int at = snprintf(file, sizeof file, "{\"signatures\":[{\"keyid\":\"k\",\"sig\":\"");
    for (size_t i = 1; i < size; i++)
        at += snprintf(file + at, sizeof file - (size_t)at, i & 1 ? "%02x" : "%02X", data[i]);
    at += snprintf(file + at, sizeof file - (size_t)at, "\"}],\"signed\":{}}");
    memcpy(t.doc, "fuzz", sizeof "fuzz");
    t.file = (struct otai_span){ (const uint8_t *)file, (size_t)at };
    seen.len = 0;
    ota_err err = otai_tuf_verify(&t, &ring, &signers);
    bool good = plain_read(data + 1, size - 1, want, width);
    if (err != (good ? OTA_OK : OTA_REJECT_SIGNATURE) || seen.len != (good ? 2 * width : 0) || memcmp(seen.sig, want, seen.len) != 0)
        abort();
    return 0;
}
