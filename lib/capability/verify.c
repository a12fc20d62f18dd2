/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures first, over the canonical form of `signed`; then what it says. */
#include <string.h>

#include "capability_i.h"
#include "encode.h"

#define DER_MAX 72u
#define HALF 32u

static const uint8_t *key_at(const uint8_t *keys, size_t i)
{
    return keys + i * OTA_CAPABILITY_KEY_LEN;
}

struct work {
    struct ota_crypto *crypto;
    struct ota_hash hash;
};

static ota_err put(void *ctx, const uint8_t *p, size_t len)
{
    struct work *w = ctx;

    return w->crypto->ops->hash_add(w->crypto, &w->hash, p, len);
}

static ota_err digest_signed(struct ota_crypto *c, struct otai_span text, uint8_t out[OTA_SHA256_LEN])
{
    struct work w = { .crypto = c };
    const struct otai_json_sink sink = { put, &w };
    struct otai_json j;

    if (c->ops->hash_start(c, &w.hash, OTA_SHA256) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    otai_json_init(&j, text.p, text.len);
    ota_err err = otai_json_canonical(&j, &sink);
    ota_err ended = c->ops->hash_end(c, &w.hash, err == OTA_OK ? out : NULL);
    return err == OTA_OK && ended == OTA_OK ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static ota_err key_id(struct ota_crypto *c, const uint8_t *key, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_hash h;

    if (c->ops->hash_start(c, &h, OTA_SHA256) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    ota_err err = c->ops->hash_add(c, &h, key, OTA_CAPABILITY_KEY_LEN);
    ota_err ended = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    return err == OTA_OK && ended == OTA_OK ? OTA_OK : OTA_DEVICE_CRYPTO;
}

/* An INTEGER of DER without sign, in its shortest form, as 32 bytes. */
static bool der_integer(const uint8_t **p, const uint8_t *end, uint8_t out[HALF])
{
    if (end - *p < 3 || (*p)[0] != 0x02)
        return false;
    size_t len = (*p)[1];
    const uint8_t *v = *p + 2;
    if (len == 0 || len > (size_t)(end - v) || (v[0] & 0x80))
        return false;
    *p = v + len;
    if (v[0] == 0 && len > 1) {
        if (!(v[1] & 0x80))
            return false;
        v++;
        len--;
    }
    if (len > HALF)
        return false;
    memset(out, 0, HALF - len);
    memcpy(out + HALF - len, v, len);
    return true;
}

/* ECDSA-Sig-Value (RFC 3279 section 2.2.3) in hexadecimal, as r and s. */
static bool read_sig(struct otai_span text, uint8_t raw[2 * HALF])
{
    uint8_t der[DER_MAX];
    size_t len = text.len / 2;

    if (len < 2 || len > sizeof der)
        return false;
    const uint8_t *p = der + 2, *end = der + len;
    return otai_hex_decode(text, der, OTAI_HEX_ANY) && der[0] == 0x30 && der[1] == len - 2 && der_integer(&p, end, raw) &&
           der_integer(&p, end, raw + HALF) && p == end;
}

static const struct otai_cap_signature *find_sig(const struct otai_cap_file *f, const uint8_t id[OTA_SHA256_LEN])
{
    uint8_t bytes[OTA_SHA256_LEN];

    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].id.len == 2 * sizeof bytes && otai_hex_decode(f->list[i].id, bytes, OTAI_HEX_LOWER) &&
            otai_equal(bytes, id, sizeof bytes))
            return &f->list[i];
    return NULL;
}

/* OTA_OK: this key signed. REJECT_SIGNATURE: it did not. */
static ota_err check_key(const struct otai_cap_file *f, struct ota_crypto *c, const uint8_t *key, const uint8_t digest[OTA_SHA256_LEN])
{
    uint8_t id[OTA_SHA256_LEN], raw[2 * HALF];
    ota_err err = key_id(c, key, id);

    if (err != OTA_OK)
        return err;
    const struct otai_cap_signature *s = find_sig(f, id);
    if (!s || !read_sig(s->sig, raw))
        return OTA_REJECT_SIGNATURE;
    return c->ops->verify(c, OTA_SIG_ECDSA_SHA256, OTA_KEY_P256, key, OTA_CAPABILITY_KEY_LEN, digest, OTA_SHA256_LEN, raw, sizeof raw);
}

ota_err otai_cap_signed_by(const struct otai_cap_file *f, const uint8_t *keys, size_t count, size_t threshold, struct ota_crypto *c,
                           const char *where, struct ota_fault *fault)
{
    uint8_t digest[OTA_SHA256_LEN];
    size_t good = 0;
    ota_err err = digest_signed(c, f->signed_text, digest);

    for (size_t i = 0; i < count && err == OTA_OK; i++) {
        ota_err one = check_key(f, c, key_at(keys, i), digest);

        good += one == OTA_OK;
        if (one != OTA_OK && one != OTA_REJECT_SIGNATURE)
            err = one;
    }
    if (err != OTA_OK)
        return ota_fault_set(fault, err, where, 0);
    return good >= threshold ? OTA_OK : ota_fault_set(fault, OTA_REJECT_SIGNATURE, where, 0);
}

bool otai_cap_is_twice(const uint8_t *keys, size_t nth)
{
    for (size_t i = 0; i < nth; i++)
        if (otai_equal(key_at(keys, i), key_at(keys, nth), OTA_CAPABILITY_KEY_LEN))
            return true;
    return false;
}

/* A key that stands there twice would count twice. */
static bool check_is_sound(const struct ota_capability_check *k)
{
    if (!k->device || !k->keys || k->key_count == 0 || k->key_count > OTA_CAPABILITY_KEYS_MAX || k->threshold == 0 ||
        k->threshold > k->key_count)
        return false;
    for (size_t i = 0; i < k->key_count; i++)
        if (otai_cap_is_twice(k->keys, i))
            return false;
    return true;
}

static ota_err judge(const struct ota_capability *cap, const struct ota_capability_check *k, struct ota_fault *fault)
{
    if (strcmp(cap->device, k->device) != 0)
        return ota_fault_set(fault, OTA_REJECT_DEVICE, "capability.signed.device", 0);
    if (cap->expires_s <= k->now_s)
        return ota_fault_set(fault, OTA_REJECT_FREEZE, "capability.signed.expires", 0);
    if (cap->use == OTA_CAPABILITY_SESSION && (!k->session || !otai_equal(cap->session, k->session, OTA_SHA256_LEN)))
        return ota_fault_set(fault, OTA_REJECT_NONCE, "capability.signed.session", 0);
    if (cap->use == OTA_CAPABILITY_ONCE && cap->counter <= k->used)
        return ota_fault_set(fault, OTA_REJECT_USED, "capability.signed.counter", 0);
    return OTA_OK;
}

ota_err ota_capability_verify(const void *file, size_t len, const struct ota_capability_check *check, struct ota_crypto *crypto,
                              struct ota_capability *out, struct ota_fault *fault)
{
    struct otai_cap_file f;

    memset(out, 0, sizeof *out);
    if (!check_is_sound(check))
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "capability.check", 0);
    ota_err err = otai_cap_open(file, len, "capability", &f, fault);
    if (err == OTA_OK)
        err = otai_cap_signed_by(&f, check->keys, check->key_count, check->threshold, crypto, "capability.signatures", fault);
    if (err == OTA_OK)
        err = otai_cap_signed(f.signed_text, out, fault);
    if (err == OTA_OK)
        err = judge(out, check, fault);
    if (err != OTA_OK)
        memset(out, 0, sizeof *out);
    return err;
}
