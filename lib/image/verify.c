/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verify a package as a stream. What it is stands at its end, and where its end is shows only there: the last bytes, as
 * many as a trailer and a signature can have, are held back from the hash.
 */
#include <string.h>

#include "package.h"

static enum ota_hash_alg hash_of(enum ota_key_kind kind)
{
    return kind == OTA_KEY_P384 ? OTA_SHA384 : OTA_SHA256;
}

static uint32_t type_of(enum ota_key_kind kind)
{
    return kind == OTA_KEY_P384 ? OTA_PACKAGE_ECDSA384 : OTA_PACKAGE_ECDSA256;
}

static bool key_ok(const struct ota_package_want *want)
{
    if (!want || !want->key)
        return false;
    return want->kind == OTA_KEY_P256 ? want->key_len == 65 : want->kind == OTA_KEY_P384 && want->key_len == 97;
}

static ota_err hash_failed(struct ota_package_verify *v)
{
    ota_package_verify_cancel(v);
    return ota_fault_set(v->fault, OTA_DEVICE_CRYPTO, "crypto.hash", 0);
}

ota_err ota_package_verify_begin(struct ota_package_verify *v, struct ota_crypto *crypto, const struct ota_package_want *want,
                                 struct ota_fault *fault)
{
    v->crypto = crypto;
    v->want = want;
    v->fault = fault;
    v->length = 0;
    v->tail_len = 0;
    v->hashing = false;
    if (!key_ok(want))
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "package.key", 0);
    if (crypto->ops->hash_start(crypto, &v->hash, hash_of(want->kind)) != OTA_OK)
        return hash_failed(v);
    v->hashing = true;
    return OTA_OK;
}

static bool hash(struct ota_package_verify *v, const uint8_t *p, size_t len)
{
    return v->crypto->ops->hash_add(v->crypto, &v->hash, p, len) == OTA_OK;
}

/* The first `len` bytes of the tail are no tail any more. */
static bool let_go(struct ota_package_verify *v, size_t len)
{
    bool good = hash(v, v->tail, len);

    memmove(v->tail, v->tail + len, v->tail_len - len);
    v->tail_len -= len;
    return good;
}

ota_err ota_package_verify_add(struct ota_package_verify *v, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t all = v->tail_len + len, over = all > sizeof v->tail ? all - sizeof v->tail : 0;
    size_t old = over < v->tail_len ? over : v->tail_len, fresh = over - old;

    if (!v->hashing)
        return ota_fault_set(v->fault, OTA_USAGE_STATE, "package.verify", 0);
    if ((old && !let_go(v, old)) || (fresh && !hash(v, p, fresh)))
        return hash_failed(v);
    if (len > fresh)
        memcpy(v->tail + v->tail_len, p + fresh, len - fresh);
    v->tail_len += len - fresh;
    v->length += len;
    return OTA_OK;
}

void ota_package_verify_cancel(struct ota_package_verify *v)
{
    if (v->hashing)
        (void)v->crypto->ops->hash_end(v->crypto, &v->hash, NULL);
    v->hashing = false;
}

/* Ends the hash. Whatever a port answers that is no refusal must not look like success. */
static ota_err check_signature(struct ota_package_verify *v, const struct ota_package *p)
{
    const struct ota_package_want *want = v->want;
    enum ota_hash_alg alg = hash_of(want->kind);
    uint8_t digest[OTA_HASH_LEN_MAX];
    size_t signed_len = v->tail_len - p->signature_len;

    if (!hash(v, v->tail, signed_len))
        return hash_failed(v);
    v->hashing = false;
    if (v->crypto->ops->hash_end(v->crypto, &v->hash, digest) != OTA_OK)
        return ota_fault_set(v->fault, OTA_DEVICE_CRYPTO, "crypto.hash", 0);
    ota_err err = v->crypto->ops->verify(v->crypto, want->kind == OTA_KEY_P384 ? OTA_SIG_ECDSA_SHA384 : OTA_SIG_ECDSA_SHA256,
                                         want->kind, want->key, want->key_len, digest, ota_hash_len(alg), v->tail + signed_len,
                                         p->signature_len);
    if (err == OTA_OK)
        return OTA_OK;
    if (ota_err_class(err) != OTA_CLASS_REJECT)
        err = OTA_DEVICE_CRYPTO;
    return ota_fault_set(v->fault, err, err == OTA_REJECT_KEY ? "package.key" : "package.signature", 0);
}

static ota_err judge(struct ota_package_verify *v, struct ota_package *out)
{
    ota_err err = ota_package_parse(out, v->length, v->tail, v->tail_len, v->fault);

    if (err != OTA_OK)
        return err;
    if (!(out->has & OTA_PACKAGE_HAS_SIGNATURE))
        return ota_fault_set(v->fault, OTA_REJECT_MISSING, "package.signature", 0);
    if (out->signature_type != type_of(v->want->kind))
        return ota_fault_set(v->fault, OTA_REJECT_KEY, "package.signature.type", (int32_t)out->signature_type);
    return check_signature(v, out);
}

ota_err ota_package_verify_end(struct ota_package_verify *v, struct ota_package *out)
{
    if (!v->hashing)
        return ota_fault_set(v->fault, OTA_USAGE_STATE, "package.verify", 0);
    ota_err err = judge(v, out);
    ota_package_verify_cancel(v);
    return err != OTA_OK ? err : ota_package_check(out, v->want, v->fault);
}
