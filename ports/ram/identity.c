/* SPDX-License-Identifier: Apache-2.0 */
/* A key that the test brings, counters and registers in memory. Nothing survives a restart, and it says so. */
#include <string.h>

#include "fail.h"

static struct ota_ram_identity *self(struct ota_identity *s)
{
    return (struct ota_ram_identity *)s;
}

static ota_err give(const void *from, size_t from_len, void *buf, size_t cap, size_t *len)
{
    *len = from_len;
    if (!from)
        return OTA_DEVICE_ABSENT;
    if (from_len > cap)
        return OTA_USAGE_MEMORY;
    memcpy(buf, from, from_len);
    return OTA_OK;
}

static ota_err get(struct ota_identity *port, uint32_t item, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    struct ota_ram_identity *s = self(port);
    uint32_t reg = item - OTA_IDENTITY_REGISTER;

    *len = 0;
    if (otam_fails(&s->fail, port_code))
        return OTA_DEVICE_IDENTITY;
    if (item >= OTA_IDENTITY_REGISTER)
        return reg < OTA_IDENTITY_REGISTERS ? give(s->reg[reg], sizeof s->reg[reg], buf, cap, len) : OTA_USAGE_ARGUMENT;
    switch (item) {
    case OTA_IDENTITY_KEY: return give(s->key, sizeof s->key, buf, cap, len);
    case OTA_IDENTITY_CERTIFICATE: return give(s->certificate, s->certificate_len, buf, cap, len);
    case OTA_IDENTITY_AK:
    case OTA_IDENTITY_EK:
    case OTA_IDENTITY_EK_CERTIFICATE: return OTA_USAGE_UNSUPPORTED;
    default: return OTA_USAGE_ARGUMENT;
    }
}

static ota_err sign(struct ota_identity *port, const uint8_t digest[OTA_SHA256_LEN], uint8_t sig[OTA_ATTEST_SIG_LEN], int32_t *port_code)
{
    struct ota_ram_identity *s = self(port);

    if (otam_fails(&s->fail, port_code))
        return OTA_DEVICE_IDENTITY;
    s->signs++;
    return s->signer->ops->sign(s->signer, digest, sig) == OTA_OK ? OTA_OK : OTA_DEVICE_IDENTITY;
}

static ota_err random_bytes(struct ota_identity *port, void *out, size_t len, int32_t *port_code)
{
    struct ota_ram_identity *s = self(port);

    if (len > OTA_IDENTITY_RANDOM_MAX)
        return OTA_USAGE_ARGUMENT;
    if (otam_fails(&s->fail, port_code))
        return OTA_DEVICE_IDENTITY;
    return s->crypto->ops->random(s->crypto, out, len) == OTA_OK ? OTA_OK : OTA_DEVICE_IDENTITY;
}

static ota_err counter(struct ota_identity *port, uint32_t which, uint64_t at_least, uint64_t *value, int32_t *port_code)
{
    struct ota_ram_identity *s = self(port);

    if (which >= OTA_IDENTITY_COUNTERS)
        return OTA_USAGE_ARGUMENT;
    if (otam_fails(&s->fail, port_code))
        return OTA_DEVICE_IDENTITY;
    if (s->counter[which] < at_least)
        s->counter[which] = at_least;
    *value = s->counter[which];
    return OTA_OK;
}

static ota_err extend(struct ota_identity *port, uint32_t reg, const uint8_t digest[OTA_SHA256_LEN], int32_t *port_code)
{
    struct ota_ram_identity *s = self(port);
    struct ota_crypto *c = s->crypto;
    struct ota_hash h;
    uint8_t out[OTA_SHA256_LEN];

    if (reg >= OTA_IDENTITY_REGISTERS)
        return OTA_USAGE_ARGUMENT;
    if (otam_fails(&s->fail, port_code))
        return OTA_DEVICE_IDENTITY;
    if (c->ops->hash_start(c, &h, OTA_SHA256) != OTA_OK)
        return OTA_DEVICE_IDENTITY;
    ota_err err = c->ops->hash_add(c, &h, s->reg[reg], sizeof s->reg[reg]);
    if (err == OTA_OK)
        err = c->ops->hash_add(c, &h, digest, OTA_SHA256_LEN);
    ota_err ended = c->ops->hash_end(c, &h, err == OTA_OK ? out : NULL);
    if (err != OTA_OK || ended != OTA_OK)
        return OTA_DEVICE_IDENTITY;
    memcpy(s->reg[reg], out, sizeof out);
    return OTA_OK;
}

static ota_err quote(struct ota_identity *port, const struct ota_quote_request *request, uint8_t *out, size_t cap, size_t *len,
                     int32_t *port_code)
{
    (void)port, (void)request, (void)out, (void)cap, (void)port_code;
    *len = 0;
    return OTA_USAGE_UNSUPPORTED;
}

static const struct ota_identity_ops ops = { get, sign, random_bytes, counter, extend, quote };

void ota_ram_identity_init(struct ota_ram_identity *s, struct ota_crypto *crypto, const uint8_t key[OTA_IDENTITY_KEY_LEN],
                           struct ota_signer *signer)
{
    *s = (struct ota_ram_identity){ .port = { &ops, OTA_STRENGTH_SOFT, OTA_STRENGTH_NONE }, .crypto = crypto, .signer = signer };
    memcpy(s->key, key, sizeof s->key);
}
