/* SPDX-License-Identifier: Apache-2.0 */
/* Seal a slot: read it back from the medium, hash it, and make the proof if it holds what was signed. */
#include <string.h>

#include "bytes.h"
#include "slot.h"

/* Whatever a port answers, a failed operation must never look like success. */
static ota_err failed(struct otai_seal *s, ota_err fallback, ota_err err, const char *where, int32_t code)
{
    otai_seal_end(s);
    return ota_fault_set(s->fault, ota_err_class(err) == OTA_CLASS_DEVICE ? err : fallback, where, code);
}

ota_err otai_seal_begin(struct otai_seal *s, struct ota_slot *slot, struct ota_crypto *crypto, uint8_t *buf, size_t cap,
                        const struct ota_plan *plan, struct ota_fault *fault)
{
    memset(s, 0, sizeof *s);
    s->slot = slot;
    s->crypto = crypto;
    s->buf = buf;
    s->cap = cap;
    s->want.component = plan->component;
    s->want.slot = plan->slot;
    s->want.length = plan->length;
    memcpy(s->want.sha256, plan->sha256, sizeof s->want.sha256);
    s->fault = fault;
    if (cap == 0)
        return ota_fault_set(fault, OTA_USAGE_MEMORY, "slot.buffer", 0);
    ota_err err = crypto->ops->hash_start(crypto, &s->hash, OTA_SHA256);
    if (err != OTA_OK)
        return failed(s, OTA_DEVICE_CRYPTO, err, "crypto.hash", 0);
    s->hashing = true;
    return OTA_OK;
}

static ota_err add_next(struct otai_seal *s)
{
    uint64_t left = s->want.length - s->off;
    size_t len = left < s->cap ? (size_t)left : s->cap;
    int32_t code = 0;
    ota_err err = s->slot->ops->read(s->slot, s->off, s->buf, len, &code);

    if (err != OTA_OK)
        return failed(s, OTA_DEVICE_SLOT, err, "slot.read", code);
    err = s->crypto->ops->hash_add(s->crypto, &s->hash, s->buf, len);
    if (err != OTA_OK)
        return failed(s, OTA_DEVICE_CRYPTO, err, "crypto.hash", 0);
    s->off += len;
    return OTA_OK;
}

static ota_err finish(struct otai_seal *s, struct ota_image *out)
{
    uint8_t digest[OTA_SHA256_LEN];
    ota_err err = s->crypto->ops->hash_end(s->crypto, &s->hash, digest);

    s->hashing = false;
    if (err != OTA_OK)
        return failed(s, OTA_DEVICE_CRYPTO, err, "crypto.hash", 0);
    if (!otai_equal(digest, s->want.sha256, sizeof digest))
        return ota_fault_set(s->fault, OTA_REJECT_HASH, "image.sha256", 0);
    *out = s->want;
    return OTA_DONE;
}

ota_err otai_seal_step(struct otai_seal *s, struct ota_image *out)
{
    if (!s->hashing)
        return ota_fault_set(s->fault, OTA_USAGE_STATE, "slot.seal", 0);
    if (s->off < s->want.length) {
        ota_err err = add_next(s);
        if (err != OTA_OK)
            return err;
    }
    return s->off < s->want.length ? OTA_AGAIN : finish(s, out);
}

void otai_seal_end(struct otai_seal *s)
{
    if (s->hashing)
        (void)s->crypto->ops->hash_end(s->crypto, &s->hash, NULL);
    s->hashing = false;
}
