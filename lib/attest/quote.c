/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes: big-endian structures of the TPM. Nothing is believed of them before the signature was right. */
#include "ota/quote.h"

#include <string.h>

#include "bytes.h"
#include "claims.h"

enum { ALG_SHA256 = 0x000b, ALG_NULL = 0x0010, ALG_ECDSA = 0x0018, ALG_ECC = 0x0023, CURVE_P256 = 0x0003 };
enum { ST_CERTIFY = 0x8017, ST_QUOTE = 0x8018 };
#define GENERATED UINT32_C(0xff544347) /* "made inside of a TPM": a restricted key signs nothing else that begins so */

/* TPMA_OBJECT (part 2, 8.3). */
#define FIXED_TPM UINT32_C(0x00000002)
#define FIXED_PARENT UINT32_C(0x00000010)
#define MADE_INSIDE UINT32_C(0x00000020)
#define USER_WITH_AUTH UINT32_C(0x00000040)
#define NO_DA UINT32_C(0x00000400)
#define RESTRICTED UINT32_C(0x00010000)
#define DECRYPT UINT32_C(0x00020000)
#define SIGN UINT32_C(0x00040000)
#define OURS (FIXED_TPM | FIXED_PARENT | MADE_INSIDE | USER_WITH_AUTH | NO_DA | SIGN)
#define AK_MUST (FIXED_TPM | FIXED_PARENT | MADE_INSIDE | RESTRICTED | SIGN)

#define COORDINATE 32u
#define KEY_AREA_LEN (2u + 2u + 4u + 2u + 2u + 4u + 2u + 2u + 2u * (2u + COORDINATE))

/* A reader. The first error latches; from then on everything is zero. */
struct reader {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static struct otai_span take(struct reader *r, size_t len)
{
    struct otai_span s = { r->p, len };

    if (r->bad || len > r->left) {
        r->bad = true;
        return (struct otai_span){ NULL, 0 };
    }
    r->p += len;
    r->left -= len;
    return s;
}

static uint64_t number(struct reader *r, size_t len)
{
    struct otai_span s = take(r, len);
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | s.p[i];
    return v;
}

static bool next_is(struct reader *r, uint64_t wanted)
{
    return number(r, 2) == wanted;
}

static struct otai_span sized(struct reader *r)
{
    return take(r, (size_t)number(r, 2));
}

static bool is_end(const struct reader *r)
{
    return !r->bad && r->left == 0;
}

/* ---- keys ---- */

/* TPMT_PUBLIC of a key on P-256 that signs with ECDSA and SHA-256, and its point. */
static ota_err read_ak(const uint8_t *area, size_t len, uint8_t key[OTA_IDENTITY_KEY_LEN])
{
    static const uint16_t rest[] = { ALG_NULL, ALG_ECDSA, ALG_SHA256, CURVE_P256, ALG_NULL };
    struct reader r = { area, len, false };
    bool ok = next_is(&r, ALG_ECC);

    ok = next_is(&r, ALG_SHA256) && ok;
    uint32_t attributes = (uint32_t)number(&r, 4);

    (void)sized(&r); /* a policy restricts who may use it, which is the device's own matter */
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        ok = next_is(&r, rest[i]) && ok;
    struct otai_span x = sized(&r), y = sized(&r);
    if (!is_end(&r) || !ok || x.len != COORDINATE || y.len != COORDINATE || (attributes & (AK_MUST | DECRYPT)) != AK_MUST)
        return OTA_REJECT_KEY;
    key[0] = 4;
    memcpy(key + 1, x.p, COORDINATE);
    memcpy(key + 1 + COORDINATE, y.p, COORDINATE);
    return OTA_OK;
}

static uint8_t *put(uint8_t *p, uint32_t v, unsigned len)
{
    while (len-- > 0)
        *p++ = (uint8_t)(v >> 8 * len);
    return p;
}

static uint8_t *put_coordinate(uint8_t *p, const uint8_t *from)
{
    p = put(p, COORDINATE, 2);
    memcpy(p, from, COORDINATE);
    return p + COORDINATE;
}

/* TPMT_PUBLIC of the device's key as ports/tpm makes it: its name vouches for where it was made and that it cannot leave, too. */
static void put_device_key(uint8_t area[KEY_AREA_LEN], const uint8_t key[OTA_IDENTITY_KEY_LEN])
{
    uint8_t *p = put(put(area, ALG_ECC, 2), ALG_SHA256, 2);

    p = put(put(put(p, OURS, 4), 0, 2), ALG_NULL, 2);
    p = put(put(p, ALG_ECDSA, 2), ALG_SHA256, 2);
    p = put(put(p, CURVE_P256, 2), ALG_NULL, 2);
    (void)put_coordinate(put_coordinate(p, key + 1), key + 1 + COORDINATE);
}

ota_err ota_tpm_name(struct ota_crypto *c, const uint8_t *area, size_t len, uint8_t name[OTA_TPM_NAME_LEN])
{
    const struct otai_span all = { area, len };

    (void)put(name, ALG_SHA256, 2);
    return otai_hash(c, &all, 1, name + 2);
}

/* ---- signature ---- */

static bool take_number(struct reader *r, uint8_t out[COORDINATE])
{
    struct otai_span s = sized(r);

    if (r->bad || s.len == 0 || s.len > COORDINATE)
        return false;
    memset(out, 0, COORDINATE);
    memcpy(out + COORDINATE - s.len, s.p, s.len);
    return true;
}

/* What was signed, once the signature over it was right. */
static ota_err open_quote(const struct ota_quote_check *k, struct ota_crypto *c, struct otai_span *attest)
{
    struct reader r = { k->quote, k->len, false };
    uint8_t key[OTA_IDENTITY_KEY_LEN], sig[OTA_ATTEST_SIG_LEN], digest[OTA_SHA256_LEN];

    *attest = sized(&r);
    uint64_t alg = number(&r, 2), hash = number(&r, 2);
    if (!r.bad && (alg != ALG_ECDSA || hash != ALG_SHA256))
        return OTA_REJECT_SPEC;
    if (!take_number(&r, sig) || !take_number(&r, sig + COORDINATE) || !is_end(&r))
        return OTA_REJECT_SYNTAX;
    ota_err err = read_ak(k->ak, k->ak_len, key);
    if (err != OTA_OK)
        return err;
    err = otai_hash(c, attest, 1, digest);
    if (err != OTA_OK)
        return err;
    return c->ops->verify(c, OTA_SIG_ECDSA_SHA256, OTA_KEY_P256, key, sizeof key, digest, sizeof digest, sig, sizeof sig);
}

/* ---- what is attested ---- */

static unsigned bits_of(uint32_t v)
{
    unsigned n = 0;

    for (; v != 0; v &= v - 1)
        n++;
    return n;
}

static ota_err judge_registers(struct reader *r, const struct ota_quote_check *k, struct ota_crypto *c, const char **where)
{
    uint8_t digest[OTA_SHA256_LEN];
    bool one_bank = number(r, 4) == 1 && number(r, 2) == ALG_SHA256;
    struct otai_span select = take(r, (size_t)number(r, 1)), quoted;
    uint32_t registers = 0;

    *where = "quote.registers";
    if (!r->bad && (!one_bank || select.len > 4))
        return OTA_REJECT_SCOPE;
    quoted = sized(r);
    if (!is_end(r))
        return OTA_REJECT_SYNTAX;
    for (size_t i = 0; i < select.len; i++)
        registers |= (uint32_t)select.p[i] << 8 * i;
    if (registers != k->registers)
        return OTA_REJECT_SCOPE;
    const struct otai_span values = { k->values[0], bits_of(registers) * (size_t)OTA_SHA256_LEN };
    ota_err err = otai_hash(c, &values, 1, digest);
    if (err != OTA_OK)
        return err;
    return quoted.len == sizeof digest && otai_equal(quoted.p, digest, sizeof digest) ? OTA_OK : OTA_REJECT_HASH;
}

static ota_err judge_key(struct reader *r, const struct ota_quote_check *k, struct ota_crypto *c, const char **where)
{
    uint8_t area[KEY_AREA_LEN], expected[OTA_TPM_NAME_LEN];
    struct otai_span name = sized(r);

    *where = "quote.key";
    (void)sized(r); /* the qualified name tells which hierarchy it is in */
    if (!is_end(r))
        return OTA_REJECT_SYNTAX;
    put_device_key(area, k->key);
    ota_err err = ota_tpm_name(c, area, sizeof area, expected);
    if (err != OTA_OK)
        return err;
    return name.len == sizeof expected && otai_equal(name.p, expected, sizeof expected) ? OTA_OK : OTA_REJECT_HASH;
}

static ota_err judge(struct otai_span attest, const struct ota_quote_check *k, struct ota_crypto *c, struct ota_quote *out,
                     const char **where)
{
    struct reader r = { attest.p, attest.len, false };
    bool generated = number(&r, 4) == GENERATED;
    uint64_t kind = number(&r, 2);

    if (!r.bad && (!generated || kind != (k->registers ? ST_QUOTE : ST_CERTIFY)))
        return OTA_REJECT_SPEC;
    (void)sized(&r); /* qualified name of the signer */
    struct otai_span nonce = sized(&r);
    out->clock_ms = number(&r, 8);
    out->resets = (uint32_t)number(&r, 4);
    out->restarts = (uint32_t)number(&r, 4);
    out->clock_safe = number(&r, 1) == 1;
    out->firmware = number(&r, 8);
    if (r.bad)
        return OTA_REJECT_SYNTAX;
    *where = "quote.nonce";
    if (nonce.len != k->nonce_len || !otai_equal(nonce.p, k->nonce, nonce.len))
        return OTA_REJECT_NONCE;
    return k->registers ? judge_registers(&r, k, c, where) : judge_key(&r, k, c, where);
}

ota_err ota_quote_verify(const struct ota_quote_check *k, struct ota_crypto *c, struct ota_quote *out, struct ota_fault *fault)
{
    const char *where = "quote";
    struct otai_span attest;

    memset(out, 0, sizeof *out);
    ota_err err = open_quote(k, c, &attest);
    if (err == OTA_OK)
        err = judge(attest, k, c, out, &where);
    if (err == OTA_OK)
        return OTA_OK;
    memset(out, 0, sizeof *out);
    return ota_fault_set(fault, err, where, 0);
}

ota_err ota_attest_replay(const struct ota_attest_log *log, struct ota_crypto *c)
{
    struct ota_attest_log again = { 0 };

    if (log->count > OTA_ATTEST_LOG_MAX)
        return OTA_REJECT_VALUE;
    for (size_t i = 0; i < log->count; i++) {
        ota_err err = ota_attest_extend(&again, c, &log->entry[i]);
        if (err != OTA_OK)
            return err == OTA_USAGE_ARGUMENT ? OTA_REJECT_VALUE : err;
    }
    return otai_equal(again.chain, log->chain, sizeof again.chain) ? OTA_OK : OTA_REJECT_HASH;
}
