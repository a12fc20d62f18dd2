/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include <string.h>

#include <psa/crypto.h>

#include "ota/posix.h"
#include "ota/ram.h"
#include "report.h"

enum identity_fault {
    ID_GOOD,
    ID_KEY_CHANGES,
    ID_KEY_COMPRESSED,
    ID_OVERRUNS,
    ID_SHORT_ROOM_OK,
    ID_ANY_ITEM,
    ID_ITEM_FLICKERS,
    ID_SIGNS_ZERO,
    ID_SIGNS_ANOTHER,
    ID_CHANGES_DIGEST,
    ID_RANDOM_STANDS,
    ID_RANDOM_OVERRUNS,
    ID_RANDOM_UNBOUND,
    ID_COUNTER_GOES_BACK,
    ID_COUNTER_INCREMENTS,
    ID_COUNTER_SHARED,
    ID_COUNTER_ANY,
    ID_COUNTER_FORGETS,
    ID_EXTEND_REPLACES,
    ID_EXTEND_ALL,
    ID_EXTEND_ANY,
    ID_STRENGTH_NOT_SAID,
    ID_ROLLBACK_BOASTS,
    ID_QUOTES_HALF,
    ID_FAULTS
};

struct bad_identity {
    struct ota_identity port;
    struct ota_ram_identity good;
    enum identity_fault fault;
    uint32_t calls;
};

static struct ota_posix_crypto crypto;
static psa_key_id_t key;

static struct bad_identity *of(struct ota_identity *s)
{
    return (struct bad_identity *)s;
}

static ota_err bad_get(struct ota_identity *s, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *code)
{
    struct bad_identity *b = of(s);
    uint8_t *p = buf;

    b->calls++;
    if (b->fault == ID_ANY_ITEM && item == 6)
        return OTA_USAGE_UNSUPPORTED;
    ota_err err = b->good.port.ops->get(&b->good.port, item, buf, cap, len, code);
    if (b->fault == ID_KEY_CHANGES && err == OTA_OK && item == OTA_IDENTITY_KEY)
        p[64] = (uint8_t)b->calls;
    if (b->fault == ID_KEY_COMPRESSED && err == OTA_OK && item == OTA_IDENTITY_KEY)
        p[0] = 2;
    if (b->fault == ID_OVERRUNS && err == OTA_USAGE_MEMORY && cap > 0)
        p[cap] = 0;
    if (b->fault == ID_SHORT_ROOM_OK && err == OTA_USAGE_MEMORY)
        return OTA_OK;
    if (b->fault == ID_ITEM_FLICKERS && item == OTA_IDENTITY_CERTIFICATE && cap == 0)
        return OTA_USAGE_UNSUPPORTED;
    return err;
}

static ota_err bad_sign(struct ota_identity *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *code)
{
    struct bad_identity *b = of(s);
    uint8_t other[OTA_SHA256_LEN];

    memcpy(other, digest, sizeof other);
    if (b->fault == ID_SIGNS_ZERO) {
        memset(sig, 0, OTA_ATTEST_SIG_LEN);
        return OTA_OK;
    }
    if (b->fault == ID_SIGNS_ANOTHER)
        other[0] ^= 1;
    ota_err err = b->good.port.ops->sign(&b->good.port, other, sig, code);
    if (b->fault == ID_CHANGES_DIGEST && digest[0] != 0) /* constants cannot be changed */
        memset((uint8_t *)(uintptr_t)digest, 0, 1);
    return err;
}

static ota_err bad_random(struct ota_identity *s, void *out, size_t len, int32_t *code)
{
    struct bad_identity *b = of(s);

    if (b->fault == ID_RANDOM_UNBOUND && len > OTA_IDENTITY_RANDOM_MAX)
        return OTA_OK;
    if (b->fault == ID_RANDOM_OVERRUNS && len == OTA_IDENTITY_RANDOM_MAX)
        ((uint8_t *)out)[len] = 0;
    if (b->fault == ID_RANDOM_STANDS && len <= OTA_IDENTITY_RANDOM_MAX) {
        memset(out, 7, len);
        return OTA_OK;
    }
    return b->good.port.ops->random(&b->good.port, out, len, code);
}

static ota_err bad_counter(struct ota_identity *s, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *code)
{
    struct bad_identity *b = of(s);
    uint64_t *all = b->good.counter;

    if (b->fault == ID_COUNTER_ANY && which == OTA_IDENTITY_COUNTERS)
        which = 0;
    if (b->fault == ID_COUNTER_GOES_BACK && at_least > 0 && which < OTA_IDENTITY_COUNTERS)
        all[which] = at_least;
    if (b->fault == ID_COUNTER_INCREMENTS && at_least > 0 && which < OTA_IDENTITY_COUNTERS)
        at_least = all[which] + 1;
    ota_err err = b->good.port.ops->counter(&b->good.port, which, at_least, value, code);
    for (size_t i = 0; b->fault == ID_COUNTER_SHARED && err == OTA_OK && i < OTA_IDENTITY_COUNTERS; i++)
        all[i] = all[which];
    return err;
}

static ota_err bad_extend(struct ota_identity *s, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *code)
{
    struct bad_identity *b = of(s);

    if (b->fault == ID_EXTEND_ANY && reg == OTA_IDENTITY_REGISTERS)
        reg = 0;
    ota_err err = b->good.port.ops->extend(&b->good.port, reg, digest, code);
    if (b->fault == ID_EXTEND_REPLACES && err == OTA_OK)
        memcpy(b->good.reg[reg], digest, OTA_SHA256_LEN);
    if (b->fault == ID_EXTEND_ALL && err == OTA_OK)
        memcpy(b->good.reg[(reg + 1) % OTA_IDENTITY_REGISTERS], digest, OTA_SHA256_LEN);
    return err;
}

static ota_err bad_quote(struct ota_identity *s, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len, int32_t *code)
{
    struct bad_identity *b = of(s);

    if (b->fault == ID_QUOTES_HALF && request->registers == 0)
        return OTA_OK;
    return b->good.port.ops->quote(&b->good.port, request, out, cap, len, code);
}

static ota_err sign(struct ota_signer *s, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN])
{
    size_t len;

    (void)s;
    return psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len) == PSA_SUCCESS
               ? OTA_OK
               : OTA_DEVICE_CRYPTO;
}

static bool make_key(uint8_t public[OTA_IDENTITY_KEY_LEN])
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    size_t len;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    return ota_posix_crypto_open(&crypto, NULL, NULL) == OTA_OK && (key != 0 || psa_generate_key(&attr, &key) == PSA_SUCCESS) &&
           psa_export_public_key(key, public, OTA_IDENTITY_KEY_LEN, &len) == PSA_SUCCESS;
}

static bool restart(struct ota_contract_identity *d)
{
    struct bad_identity *b = of(d->identity);

    if (b->fault == ID_COUNTER_FORGETS)
        memset(b->good.counter, 0, sizeof b->good.counter);
    return true;
}

unsigned planted_identity(unsigned fault)
{
    static const struct ota_identity_ops ops = { bad_get, bad_sign, bad_random, bad_counter, bad_extend, bad_quote };
    static const struct ota_signer_ops signer_ops = { sign };
    static struct ota_signer signer = { &signer_ops };
    static struct bad_identity b;
    struct ota_contract_identity d = { .identity = &b.port, .restart = restart, .counter = 2, .reg = 11 };
    struct ota_contract_report r = quiet_report();
    uint8_t public[OTA_IDENTITY_KEY_LEN];

    if (!make_key(public))
        return fault == ID_GOOD ? 1 : 0; /* fails whoever asks */
    ota_ram_identity_init(&b.good, &crypto.port, public, &signer);
    b.port = b.good.port;
    b.port.ops = &ops;
    b.fault = (enum identity_fault)fault;
    if (b.fault == ID_STRENGTH_NOT_SAID)
        b.port.strength = OTA_STRENGTH_NONE;
    if (b.fault == ID_ROLLBACK_BOASTS)
        b.port.rollback = OTA_STRENGTH_HW;
    return ota_contract_identity(&d, &crypto.port, &r);
}

const unsigned planted_identity_faults = ID_FAULTS;
