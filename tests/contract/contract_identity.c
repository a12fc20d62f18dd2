/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"

#define BIG 8192u
#define GUARD 0xa5

struct suite {
    struct ota_contract_identity *d;
    struct ota_identity *s;
    struct ota_crypto *c;
    struct ota_contract_report *r;
};

static ota_err get(const struct suite *t, uint32_t item, void *buf, size_t cap, size_t *len)
{
    int32_t code = 0;

    *len = 12345;
    return t->s->ops->get(t->s, item, buf, cap, len, &code);
}

static bool hash_two(const struct suite *t, const uint8_t *a, const uint8_t *b, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;

    return t->c->ops->hash_start(t->c, &h, OTA_SHA256) == OTA_OK && t->c->ops->hash_add(t->c, &h, a, OTA_SHA256_LEN) == OTA_OK &&
           t->c->ops->hash_add(t->c, &h, b, OTA_SHA256_LEN) == OTA_OK && t->c->ops->hash_end(t->c, &h, out) == OTA_OK;
}

/* ---- items ---- */

static bool key_of(const struct suite *t, uint8_t key[OTA_IDENTITY_KEY_LEN])
{
    size_t len;

    return get(t, OTA_IDENTITY_KEY, key, OTA_IDENTITY_KEY_LEN, &len) == OTA_OK && len == OTA_IDENTITY_KEY_LEN && key[0] == 4;
}

static void check_key(const struct suite *t)
{
    uint8_t key[OTA_IDENTITY_KEY_LEN], again[OTA_IDENTITY_KEY_LEN], buf[OTA_IDENTITY_KEY_LEN + 2];
    size_t len;

    contract_check(t->r, "identity: the key is an uncompressed point on P-256", key_of(t, key));
    contract_check(t->r, "identity: the key stays the same", key_of(t, again) && memcmp(key, again, sizeof key) == 0);
    memset(buf, GUARD, sizeof buf);
    contract_check(t->r, "identity: room that is too small is told, with the length that is needed",
                   get(t, OTA_IDENTITY_KEY, buf, OTA_IDENTITY_KEY_LEN - 1, &len) == OTA_USAGE_MEMORY && len == OTA_IDENTITY_KEY_LEN);
    contract_check(t->r, "identity: nothing is written behind the room", contract_is_all(buf + OTA_IDENTITY_KEY_LEN - 1, 3, GUARD));
}

/* An item that may be there, not yet, or never. */
static void check_item(const struct suite *t, const char *name, uint32_t item, uint8_t first)
{
    static uint8_t buf[BIG];
    uint8_t none;
    size_t len = 0, needed = 0;
    ota_err err = get(t, item, buf, sizeof buf, &len), small = get(t, item, &none, 0, &needed);

    if (err == OTA_OK)
        contract_check(t->r, name, len > 2 && len <= BIG && buf[0] == first && small == OTA_USAGE_MEMORY && needed == len);
    else
        contract_check(t->r, name, (err == OTA_DEVICE_ABSENT || err == OTA_USAGE_UNSUPPORTED) && small == err);
}

static void check_items(const struct suite *t)
{
    static const uint32_t strange[] = { 0, 6, 0xff, OTA_IDENTITY_REGISTER + OTA_IDENTITY_REGISTERS, 0xffffffff };
    uint8_t buf[OTA_IDENTITY_KEY_LEN];
    bool ok = true;
    size_t len;

    check_item(t, "identity: certificates are DER, absent, or no ability", OTA_IDENTITY_CERTIFICATE, 0x30);
    check_item(t, "identity: the endorsement key's certificate is DER, absent, or no ability", OTA_IDENTITY_EK_CERTIFICATE, 0x30);
    check_item(t, "identity: the key of quotes is a TPM's, or no ability", OTA_IDENTITY_AK, 0x00);
    check_item(t, "identity: the endorsement key is a TPM's, or no ability", OTA_IDENTITY_EK, 0x00);
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        ok = get(t, strange[i], buf, sizeof buf, &len) == OTA_USAGE_ARGUMENT && ok;
    contract_check(t->r, "identity: an unknown item is refused", ok);
    contract_check(t->r, "identity: it says where the key lives", t->s->strength >= OTA_STRENGTH_SOFT && t->s->strength <= OTA_STRENGTH_HW);
    contract_check(t->r, "identity: counters are no better kept than the key", t->s->rollback <= t->s->strength);
}

/* ---- signatures and random bytes ---- */

static ota_err verify(const struct suite *t, const uint8_t *digest, const uint8_t *sig)
{
    uint8_t key[OTA_IDENTITY_KEY_LEN];

    if (!key_of(t, key))
        return OTA_DEVICE_IDENTITY;
    return t->c->ops->verify(t->c, OTA_SIG_ECDSA_SHA256, OTA_KEY_P256, key, sizeof key, digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN);
}

static bool signs(const struct suite *t, uint32_t seed)
{
    uint8_t digest[OTA_SHA256_LEN], kept[OTA_SHA256_LEN], sig[OTA_ATTEST_SIG_LEN + 1];
    int32_t code = 0;

    contract_fill(digest, sizeof digest, seed);
    memcpy(kept, digest, sizeof kept);
    memset(sig, GUARD, sizeof sig);
    if (t->s->ops->sign(t->s, digest, sig, &code) != OTA_OK || sig[OTA_ATTEST_SIG_LEN] != GUARD || memcmp(kept, digest, sizeof kept) != 0)
        return false;
    digest[31] ^= 1;
    return verify(t, kept, sig) == OTA_OK && verify(t, digest, sig) == OTA_REJECT_SIGNATURE;
}

static void check_sign(const struct suite *t)
{
    static const uint8_t zero[OTA_SHA256_LEN];
    uint8_t sig[OTA_ATTEST_SIG_LEN];
    int32_t code = 0;
    bool ok = true;

    for (uint32_t i = 0; i < 8; i++)
        ok = signs(t, 1000 * i) && ok;
    contract_check(t->r, "identity: what it signs its public key verifies, and nothing else", ok);
    contract_check(t->r, "identity: a digest of zeros is signed like any other",
                   t->s->ops->sign(t->s, zero, sig, &code) == OTA_OK && verify(t, zero, sig) == OTA_OK);
}

static void check_random(const struct suite *t)
{
    static uint8_t a[OTA_IDENTITY_RANDOM_MAX + 1], b[OTA_IDENTITY_RANDOM_MAX + 1];
    int32_t code = 0;
    size_t same = 0;

    memset(a, GUARD, sizeof a);
    contract_check(t->r, "identity: no random bytes are no bytes", t->s->ops->random(t->s, a, 0, &code) == OTA_OK && a[0] == GUARD);
    contract_check(t->r, "identity: random bytes fill what they shall and no more",
                   t->s->ops->random(t->s, a, sizeof a - 1, &code) == OTA_OK && a[sizeof a - 1] == GUARD &&
                       !contract_is_all(a + OTA_IDENTITY_RANDOM_MAX - 16, 16, GUARD));
    contract_check(t->r, "identity: they are others the next time", t->s->ops->random(t->s, b, sizeof b - 1, &code) == OTA_OK);
    for (size_t i = 0; i < OTA_IDENTITY_RANDOM_MAX; i++)
        same += a[i] == b[i];
    contract_check(t->r, "identity: nearly all of them", same < OTA_IDENTITY_RANDOM_MAX / 16);
    contract_check(t->r, "identity: more than its bound is refused",
                   t->s->ops->random(t->s, a, OTA_IDENTITY_RANDOM_MAX + 1, &code) == OTA_USAGE_ARGUMENT);
}

/* ---- counters ---- */

static ota_err count(const struct suite *t, uint32_t which, uint64_t at_least, uint64_t *value)
{
    int32_t code = 0;

    *value = UINT64_MAX;
    return t->s->ops->counter(t->s, which, at_least, value, &code);
}

static bool counts(const struct suite *t, uint64_t at_least, uint64_t expected)
{
    uint64_t value;

    return count(t, t->d->counter, at_least, &value) == OTA_OK && value == expected;
}

static void check_counter(const struct suite *t)
{
    uint64_t start, other, value;
    uint32_t next = (t->d->counter + 1) % OTA_IDENTITY_COUNTERS;
    ota_err err = count(t, t->d->counter, 0, &start);

    contract_check(t->r, "identity: a counter out of range is refused", count(t, OTA_IDENTITY_COUNTERS, 0, &value) == OTA_USAGE_ARGUMENT);
    if (err == OTA_USAGE_UNSUPPORTED) {
        contract_check(t->r, "identity: without counters none can be raised", count(t, t->d->counter, 1, &value) == OTA_USAGE_UNSUPPORTED);
        return;
    }
    contract_check(t->r, "identity: a counter is read", err == OTA_OK && counts(t, 0, start));
    contract_check(t->r, "identity: another counter is read", count(t, next, 0, &other) == OTA_OK);
    contract_check(t->r, "identity: a counter is raised by one", counts(t, start + 1, start + 1) && counts(t, 0, start + 1));
    contract_check(t->r, "identity: raising to the same again changes nothing", counts(t, start + 1, start + 1));
    contract_check(t->r, "identity: a counter is raised by several", counts(t, start + 6, start + 6) && counts(t, 0, start + 6));
    contract_check(t->r, "identity: a counter never goes back", counts(t, start + 2, start + 6) && counts(t, 1, start + 6) && counts(t, 0, start + 6));
    contract_check(t->r, "identity: other counters stay", count(t, next, 0, &value) == OTA_OK && value == other);
}

/* ---- registers and quotes ---- */

static bool read_register(const struct suite *t, uint32_t reg, uint8_t out[OTA_SHA256_LEN])
{
    size_t len;

    return get(t, OTA_IDENTITY_REGISTER + reg, out, OTA_SHA256_LEN, &len) == OTA_OK && len == OTA_SHA256_LEN;
}

static bool extends(const struct suite *t, uint32_t seed)
{
    uint8_t before[OTA_SHA256_LEN], after[OTA_SHA256_LEN], expected[OTA_SHA256_LEN], digest[OTA_SHA256_LEN];
    int32_t code = 0;

    contract_fill(digest, sizeof digest, seed);
    return read_register(t, t->d->reg, before) && t->s->ops->extend(t->s, t->d->reg, digest, &code) == OTA_OK &&
           read_register(t, t->d->reg, after) && hash_two(t, before, digest, expected) && memcmp(after, expected, sizeof after) == 0;
}

static void check_registers(const struct suite *t)
{
    uint8_t digest[OTA_SHA256_LEN] = { 1 }, other[OTA_SHA256_LEN], kept[OTA_SHA256_LEN];
    uint32_t next = (t->d->reg + 1) % OTA_IDENTITY_REGISTERS;
    int32_t code = 0;
    size_t len;

    contract_check(t->r, "identity: a register out of range is refused",
                   t->s->ops->extend(t->s, OTA_IDENTITY_REGISTERS, digest, &code) == OTA_USAGE_ARGUMENT);
    if (get(t, OTA_IDENTITY_REGISTER + t->d->reg, other, sizeof other, &len) == OTA_USAGE_UNSUPPORTED) {
        contract_check(t->r, "identity: without registers none is extended",
                       t->s->ops->extend(t->s, t->d->reg, digest, &code) == OTA_USAGE_UNSUPPORTED);
        return;
    }
    contract_check(t->r, "identity: registers are read", read_register(t, next, other));
    contract_check(t->r, "identity: a register is extended", extends(t, 1));
    contract_check(t->r, "identity: it is extended on top of that", extends(t, 2) && extends(t, 2));
    contract_check(t->r, "identity: other registers stay", read_register(t, next, kept) && memcmp(kept, other, sizeof kept) == 0);
}

static ota_err quote(const struct suite *t, size_t nonce_len, uint32_t registers, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t nonce[64];
    const struct ota_quote_request request = { nonce, nonce_len, registers };
    int32_t code = 0;

    contract_fill(nonce, sizeof nonce, 77);
    *len = 12345;
    return t->s->ops->quote(t->s, &request, out, cap, len, &code);
}

static void check_quote(const struct suite *t)
{
    static uint8_t out[OTA_IDENTITY_QUOTE_MAX + 1];
    size_t len, needed;
    uint32_t one = UINT32_C(1) << t->d->reg;
    ota_err err = quote(t, 32, one, out, OTA_IDENTITY_QUOTE_MAX, &len);

    if (err == OTA_USAGE_UNSUPPORTED) {
        contract_check(t->r, "identity: who cannot quote registers cannot quote its key",
                       quote(t, 32, 0, out, OTA_IDENTITY_QUOTE_MAX, &len) == OTA_USAGE_UNSUPPORTED);
        return;
    }
    contract_check(t->r, "identity: registers are quoted", err == OTA_OK && len > 100 && len <= OTA_IDENTITY_QUOTE_MAX);
    contract_check(t->r, "identity: a quote begins with TPM2B_ATTEST, of a quote", memcmp(out + 2, "\xff\x54\x43\x47\x80\x18", 6) == 0);
    contract_check(t->r, "identity: the device's key is quoted", quote(t, 20, 0, out, OTA_IDENTITY_QUOTE_MAX, &len) == OTA_OK);
    contract_check(t->r, "identity: that is a certification", memcmp(out + 2, "\xff\x54\x43\x47\x80\x17", 6) == 0);
    contract_check(t->r, "identity: room that is too small for a quote is told",
                   quote(t, 32, one, out, 99, &needed) == OTA_USAGE_MEMORY && needed > 100 && needed <= OTA_IDENTITY_QUOTE_MAX);
    contract_check(t->r, "identity: a challenge without a byte is refused", quote(t, 0, one, out, OTA_IDENTITY_QUOTE_MAX, &len) == OTA_USAGE_ARGUMENT);
    contract_check(t->r, "identity: a challenge that is too long is refused", quote(t, 33, one, out, OTA_IDENTITY_QUOTE_MAX, &len) == OTA_USAGE_ARGUMENT);
    contract_check(t->r, "identity: registers out of range are refused",
                   quote(t, 32, UINT32_C(1) << OTA_IDENTITY_REGISTERS, out, OTA_IDENTITY_QUOTE_MAX, &len) == OTA_USAGE_ARGUMENT);
}

/* ---- what outlives a restart ---- */

static void check_restart(struct suite *t)
{
    uint8_t key[OTA_IDENTITY_KEY_LEN], again[OTA_IDENTITY_KEY_LEN];
    uint64_t value = 0;
    ota_err err = count(t, t->d->counter, 0, &value);

    if (!t->d->restart)
        return;
    bool ok = contract_check(t->r, "identity: it can be opened again", key_of(t, key) && t->d->restart(t->d));
    if (!ok)
        return;
    t->s = t->d->identity;
    contract_check(t->r, "identity: the key outlives a restart", key_of(t, again) && memcmp(key, again, sizeof key) == 0);
    contract_check(t->r, "identity: it still signs", signs(t, 4711));
    if (err == OTA_OK)
        contract_check(t->r, "identity: counters outlive a restart", counts(t, 0, value) && counts(t, value + 1, value + 1));
}

unsigned ota_contract_identity(struct ota_contract_identity *d, struct ota_crypto *crypto, struct ota_contract_report *r)
{
    struct suite t = { d, d->identity, crypto, r };
    unsigned before = r->failures;

    check_key(&t);
    check_items(&t);
    check_sign(&t);
    check_random(&t);
    check_counter(&t);
    check_registers(&t);
    check_quote(&t);
    check_restart(&t);
    return r->failures - before;
}
