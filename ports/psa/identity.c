/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/psa_identity.h"

#include <string.h>

#include <psa/crypto.h>

#define SIGNATURE PSA_ALG_ECDSA(PSA_ALG_SHA_256)
#define SECURE_ELEMENT ((psa_key_location_t)0x000001) /* PSA_KEY_LOCATION_PRIMARY_SECURE_ELEMENT, which not all implementations name */
#define HEAD_LEN 8u
#define RECORD_LEN (HEAD_LEN + OTA_SHA256_LEN + 8u * OTA_IDENTITY_COUNTERS + OTA_SHA256_LEN)

_Static_assert(sizeof(psa_key_id_t) == sizeof(uint32_t), "struct ota_psa_identity_config keeps it as 32 bits");

static const uint8_t record_head[HEAD_LEN] = "OTAC\1";

static struct ota_psa_identity *self(struct ota_identity *s)
{
    return (struct ota_psa_identity *)s;
}

static ota_err result(psa_status_t status, int32_t *port_code)
{
    if (status == PSA_SUCCESS)
        return OTA_OK;
    *port_code = (int32_t)status;
    return OTA_DEVICE_IDENTITY;
}

static psa_status_t sha256(const uint8_t *p, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    size_t got;

    return psa_hash_compute(PSA_ALG_SHA_256, p, len, out, OTA_SHA256_LEN, &got);
}

/* ---- items ---- */

static ota_err give(const void *from, size_t from_len, void *buf, size_t cap, size_t *len)
{
    if (!from)
        return OTA_DEVICE_ABSENT;
    *len = from_len;
    if (from_len > cap)
        return OTA_USAGE_MEMORY;
    memcpy(buf, from, from_len);
    return OTA_OK;
}

static ota_err get(struct ota_identity *port, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct ota_psa_identity *s = self(port);
    uint32_t reg = item - OTA_IDENTITY_REGISTER;

    (void)port_code;
    *len = 0;
    if (item >= OTA_IDENTITY_REGISTER)
        return reg < OTA_IDENTITY_REGISTERS ? give(s->reg[reg], OTA_SHA256_LEN, buf, cap, len) : OTA_USAGE_ARGUMENT;
    switch (item) {
    case OTA_IDENTITY_KEY: return give(s->key, sizeof s->key, buf, cap, len);
    case OTA_IDENTITY_CERTIFICATE: return give(s->cfg.certificate, s->cfg.certificate_len, buf, cap, len);
    case OTA_IDENTITY_AK:
    case OTA_IDENTITY_EK:
    case OTA_IDENTITY_EK_CERTIFICATE: return OTA_USAGE_UNSUPPORTED;
    default: return OTA_USAGE_ARGUMENT;
    }
}

static ota_err sign(struct ota_identity *port, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code)
{
    size_t len = 0;

    return result(psa_sign_hash(self(port)->cfg.key_id, SIGNATURE, digest, OTA_SHA256_LEN, sig, OTA_ATTEST_SIG_LEN, &len), port_code);
}

static ota_err random_bytes(struct ota_identity *port, void *out, size_t len, int32_t *port_code)
{
    (void)port;
    if (len > OTA_IDENTITY_RANDOM_MAX)
        return OTA_USAGE_ARGUMENT;
    return len == 0 ? OTA_OK : result(psa_generate_random(out, len), port_code);
}

/* ---- counters ---- */

static uint8_t *place(uint8_t record[RECORD_LEN], uint32_t which)
{
    return record + HEAD_LEN + OTA_SHA256_LEN + 8u * which;
}

static uint64_t value_at(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* Head, owner, zeros: what an absent record counts as. */
static psa_status_t begin_record(const struct ota_psa_identity *s, uint8_t record[RECORD_LEN])
{
    memset(record, 0, RECORD_LEN);
    memcpy(record, record_head, HEAD_LEN);
    return sha256(s->key, sizeof s->key, record + HEAD_LEN);
}

static ota_err load_record(struct ota_psa_identity *s, uint8_t record[RECORD_LEN], int32_t *port_code)
{
    uint8_t fresh[RECORD_LEN], digest[OTA_SHA256_LEN];
    struct ota_store *store = s->cfg.store;
    size_t len = 0;
    ota_err err = result(begin_record(s, fresh), port_code);

    if (err != OTA_OK)
        return err;
    err = store->ops->read(store, OTA_PSA_IDENTITY_RECORD, record, RECORD_LEN, &len, port_code);
    if (err == OTA_DEVICE_ABSENT) {
        memcpy(record, fresh, RECORD_LEN);
        return OTA_OK;
    }
    if (err != OTA_OK)
        return OTA_DEVICE_IDENTITY;
    err = result(sha256(record, RECORD_LEN - sizeof digest, digest), port_code);
    if (err == OTA_OK && (len != RECORD_LEN || memcmp(digest, record + RECORD_LEN - sizeof digest, sizeof digest) != 0 ||
                          memcmp(record, fresh, HEAD_LEN + OTA_SHA256_LEN) != 0))
        return result(PSA_ERROR_DATA_CORRUPT, port_code);
    return err;
}

static ota_err counter(struct ota_identity *port, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *port_code)
{
    struct ota_psa_identity *s = self(port);
    struct ota_store *store = s->cfg.store;
    uint8_t record[RECORD_LEN];

    *value = 0;
    if (which >= OTA_IDENTITY_COUNTERS)
        return OTA_USAGE_ARGUMENT;
    if (!store)
        return OTA_USAGE_UNSUPPORTED;
    ota_err err = load_record(s, record, port_code);
    if (err != OTA_OK)
        return err;
    uint64_t now = value_at(place(record, which));
    if (now < at_least) {
        for (unsigned i = 0; i < 8; i++)
            place(record, which)[i] = (uint8_t)(at_least >> 8 * i);
        err = result(sha256(record, RECORD_LEN - OTA_SHA256_LEN, record + RECORD_LEN - OTA_SHA256_LEN), port_code);
        if (err == OTA_OK && store->ops->write(store, OTA_PSA_IDENTITY_RECORD, record, sizeof record, port_code) != OTA_OK)
            err = OTA_DEVICE_IDENTITY;
        now = at_least;
    }
    *value = err == OTA_OK ? now : 0;
    return err;
}

/* ---- registers ---- */

static ota_err extend(struct ota_identity *port, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *port_code)
{
    struct ota_psa_identity *s = self(port);
    uint8_t both[2 * OTA_SHA256_LEN], out[OTA_SHA256_LEN];

    if (reg >= OTA_IDENTITY_REGISTERS)
        return OTA_USAGE_ARGUMENT;
    memcpy(both, s->reg[reg], OTA_SHA256_LEN);
    memcpy(both + OTA_SHA256_LEN, digest, OTA_SHA256_LEN);
    ota_err err = result(sha256(both, sizeof both, out), port_code);
    if (err == OTA_OK)
        memcpy(s->reg[reg], out, sizeof out);
    return err;
}

static ota_err quote(struct ota_identity *port, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len,
                     int32_t *port_code)
{
    (void)port, (void)request, (void)out, (void)cap, (void)port_code;
    *len = 0;
    return OTA_USAGE_UNSUPPORTED;
}

static const struct ota_identity_ops ops = { get, sign, random_bytes, counter, extend, quote };

/* ---- the key ---- */

static psa_status_t make_key(const struct ota_psa_identity_config *cfg)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    psa_key_id_t id = 0;

    psa_set_key_type(&attr, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attr, 256);
    psa_set_key_usage_flags(&attr, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attr, SIGNATURE);
    psa_set_key_lifetime(&attr, cfg->lifetime);
    psa_set_key_id(&attr, cfg->key_id);
    return psa_generate_key(&attr, &id);
}

/* A key that may leave is no identity, whoever made it. */
static psa_status_t judge_key(const struct ota_psa_identity_config *cfg, enum ota_strength *strength)
{
    psa_key_attributes_t attr = psa_key_attributes_init();
    psa_status_t status = psa_get_key_attributes(cfg->key_id, &attr);
    psa_key_usage_t may = psa_get_key_usage_flags(&attr);

    if (status == PSA_SUCCESS &&
        (psa_get_key_type(&attr) != PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) || psa_get_key_bits(&attr) != 256 ||
         psa_get_key_algorithm(&attr) != SIGNATURE || !(may & PSA_KEY_USAGE_SIGN_HASH) || (may & (PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_COPY))))
        status = PSA_ERROR_NOT_PERMITTED;
    if (status == PSA_SUCCESS)
        *strength = PSA_KEY_LIFETIME_GET_LOCATION(psa_get_key_lifetime(&attr)) == SECURE_ELEMENT ? OTA_STRENGTH_HW : OTA_STRENGTH_SOFT;
    psa_reset_key_attributes(&attr);
    return status;
}

static psa_status_t open_key(struct ota_psa_identity *s)
{
    size_t len = 0;
    psa_status_t status = judge_key(&s->cfg, &s->port.strength);

    if (status == PSA_ERROR_INVALID_HANDLE || status == PSA_ERROR_DOES_NOT_EXIST) {
        status = make_key(&s->cfg);
        if (status == PSA_SUCCESS)
            status = judge_key(&s->cfg, &s->port.strength);
    }
    return status == PSA_SUCCESS ? psa_export_public_key(s->cfg.key_id, s->key, sizeof s->key, &len) : status;
}

ota_err ota_psa_identity_open(struct ota_psa_identity *s, const struct ota_psa_identity_config *cfg, struct ota_fault *fault)
{
    uint8_t record[RECORD_LEN];
    int32_t code = 0;

    if (!s || !cfg)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "identity", 0);
    *s = (struct ota_psa_identity){ .port = { &ops, OTA_STRENGTH_NONE, OTA_STRENGTH_NONE }, .cfg = *cfg };
    if (s->cfg.key_id == 0)
        s->cfg.key_id = OTA_PSA_IDENTITY_KEY_ID;
    if (s->cfg.lifetime == 0)
        s->cfg.lifetime = PSA_KEY_LIFETIME_PERSISTENT;
    psa_status_t status = psa_crypto_init();
    if (status == PSA_SUCCESS)
        status = open_key(s);
    if (status != PSA_SUCCESS)
        return ota_fault_set(fault, OTA_DEVICE_IDENTITY, "identity.key", (int32_t)status);
    ota_err err = s->cfg.store ? load_record(s, record, &code) : OTA_OK;
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "identity.counters", code);
}
