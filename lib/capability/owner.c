/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a device is. As with a root of TUF: the keys before and the keys after both sign, and versions have no gaps. */
#include "ota/owner.h"

#include <string.h>

#include "capability_i.h"
#include "encode.h"

#define VERSION_MAX UINT64_C(9007199254740991) /* 2^53 - 1: what every reader of JSON can count */

enum { TYPE, SPEC, DEVICE, PRODUCT, VERSION, EXPIRES, KEYS, THRESHOLD, MEMBERS };
static const char *const names[MEMBERS] = { "_type", "spec_version", "device", "product", "version", "expires", "keys", "threshold" };

/* As in configurations: 1..31 characters of [a-z0-9-]. */
static void take_product(struct otai_json *j, char out[OTA_NAME_MAX])
{
    otai_json_string(j, out, OTA_NAME_MAX);
    if (out[0] == '\0')
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    for (const char *p = out; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-'))
            otai_json_fail(j, OTA_REJECT_VALUE, NULL);
}

static void take_keys(struct otai_json *j, struct ota_claim *c)
{
    for (otai_json_array(j); otai_json_element(j); c->key_count++) {
        if (c->key_count == OTA_CAPABILITY_KEYS_MAX) {
            otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
            return;
        }
        otai_json_hex(j, c->keys[c->key_count], OTA_CAPABILITY_KEY_LEN);
        if (j->err == OTA_OK && otai_cap_is_twice(c->keys[0], c->key_count))
            otai_json_fail(j, OTA_REJECT_DUPLICATE, NULL);
    }
}

static void take_member(struct otai_json *j, unsigned member, struct ota_claim *c)
{
    switch (member) {
    case TYPE:
        otai_cap_fixed(j, "transfer", OTA_REJECT_SPEC);
        break;
    case SPEC:
        otai_cap_fixed(j, "1", OTA_REJECT_SPEC);
        break;
    case DEVICE:
        otai_cap_device(j, c->device);
        break;
    case PRODUCT:
        take_product(j, c->product);
        break;
    case VERSION:
        c->version = otai_json_u64(j, 1, VERSION_MAX);
        break;
    case EXPIRES:
        otai_cap_time(j, &c->expires_s);
        break;
    case KEYS:
        take_keys(j, c);
        break;
    case THRESHOLD:
        c->threshold = (size_t)otai_json_u64(j, 1, OTA_CAPABILITY_KEYS_MAX);
        break;
    default: /* what it binds would be ignored */
        otai_json_fail(j, OTA_REJECT_SPEC, NULL);
        break;
    }
}

static ota_err read_signed(struct otai_span text, struct ota_claim *out, struct ota_fault *fault)
{
    struct otai_json j;
    uint32_t seen = 0;

    otai_json_init(&j, text.p, text.len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        unsigned member = otai_cap_member(&j, names, MEMBERS);

        take_member(&j, member, out);
        seen |= 1u << member;
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        otai_json_need(&j, seen >> i & 1, names[i]);
    if (out->threshold > out->key_count)
        otai_json_fail(&j, OTA_REJECT_VALUE, names[THRESHOLD]);
    otai_json_end(&j);
    ota_err err = otai_json_fault(&j, "transfer.signed", fault);
    if (err != OTA_OK)
        memset(out, 0, sizeof *out);
    return err;
}

static ota_err open_file(const void *file, size_t len, struct otai_cap_file *f, struct ota_claim *out, struct ota_fault *fault)
{
    memset(out, 0, sizeof *out);
    ota_err err = otai_cap_open(file, len, "transfer", f, fault);
    return err == OTA_OK ? read_signed(f->signed_text, out, fault) : err;
}

ota_err ota_owner_read(const void *file, size_t len, struct ota_claim *out, struct ota_fault *fault)
{
    struct otai_cap_file f;

    return open_file(file, len, &f, out, fault);
}

static ota_err judge(const struct ota_claim *now, const struct ota_claim *next, int64_t now_s, struct ota_fault *fault)
{
    if (strcmp(next->device, now->device) != 0)
        return ota_fault_set(fault, OTA_REJECT_DEVICE, "transfer.signed.device", 0);
    if (next->version <= now->version)
        return ota_fault_set(fault, OTA_REJECT_ROLLBACK, "transfer.signed.version", 0);
    if (next->version != now->version + 1)
        return ota_fault_set(fault, OTA_REJECT_VERSION, "transfer.signed.version", 0);
    if (next->expires_s <= now_s)
        return ota_fault_set(fault, OTA_REJECT_FREEZE, "transfer.signed.expires", 0);
    return OTA_OK;
}

/* Signatures of a device that nobody owns are those of whoever takes it. */
static ota_err check_signers(const struct otai_cap_file *f, const struct ota_claim *now, const struct ota_claim *next, struct ota_crypto *c,
                             struct ota_fault *fault)
{
    ota_err err = now->version == 0
                      ? OTA_OK
                      : otai_cap_signed_by(f, now->keys[0], now->key_count, now->threshold, c, "transfer.signatures", fault);

    return err == OTA_OK ? otai_cap_signed_by(f, next->keys[0], next->key_count, next->threshold, c, "transfer.acceptance", fault) : err;
}

ota_err ota_owner_transfer(const struct ota_claim *now, const void *file, size_t len, int64_t now_s, struct ota_crypto *crypto,
                           struct ota_claim *next, struct ota_fault *fault)
{
    struct otai_cap_file f;
    ota_err err = open_file(file, len, &f, next, fault);

    if (err == OTA_OK)
        err = check_signers(&f, now, next, crypto, fault);
    if (err == OTA_OK)
        err = judge(now, next, now_s, fault);
    if (err != OTA_OK)
        memset(next, 0, sizeof *next);
    return err;
}

/* ---- the record ---- */

/* The counter leads the record never: a record behind it was set back. */
static ota_err compare(struct ota_identity *identity, const struct ota_claim *c, struct ota_fault *fault)
{
    uint64_t value = 0;
    int32_t code = 0;

    if (!identity)
        return OTA_OK;
    ota_err err = identity->ops->counter(identity, OTA_COUNTER_OWNER, 0, &value, &code);
    if (err == OTA_USAGE_UNSUPPORTED)
        return OTA_OK;
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "owner.counter", code);
    return value <= c->version ? OTA_OK : ota_fault_set(fault, OTA_REJECT_ROLLBACK, "owner", 0);
}

static ota_err read_record(struct ota_store *store, uint8_t *buf, struct ota_claim *out, struct ota_fault *fault)
{
    int32_t code = 0;
    size_t len = 0;
    ota_err err = store->ops->read(store, OTA_OWNER_RECORD, buf, OTA_CAPABILITY_MAX, &len, &code);

    if (err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    if (err != OTA_OK)
        return ota_fault_set(fault, OTA_DEVICE_STORE, "owner", code);
    return len <= OTA_CAPABILITY_MAX && ota_owner_read(buf, len, out, NULL) == OTA_OK ? OTA_OK
                                                                                     : ota_fault_set(fault, OTA_DEVICE_STORE, "owner", 0);
}

ota_err ota_owner_load(struct ota_store *store, struct ota_identity *identity, const char *device, uint8_t *buf, struct ota_claim *out,
                       struct ota_fault *fault)
{
    memset(out, 0, sizeof *out);
    ota_err err = read_record(store, buf, out, fault);
    if (err == OTA_OK && out->version == 0)
        (void)otai_copy(out->device, sizeof out->device, device);
    else if (err == OTA_OK && strcmp(out->device, device) != 0)
        err = ota_fault_set(fault, OTA_REJECT_DEVICE, "owner", 0);
    if (err == OTA_OK)
        err = compare(identity, out, fault);
    if (err != OTA_OK)
        memset(out, 0, sizeof *out);
    return err;
}

ota_err ota_owner_keep(struct ota_store *store, struct ota_identity *identity, const void *file, size_t len, const struct ota_claim *next,
                       struct ota_fault *fault)
{
    uint64_t value;
    int32_t code = 0;
    ota_err err = store->ops->write(store, OTA_OWNER_RECORD, file, len, &code);

    if (err != OTA_OK)
        return ota_fault_set(fault, err, "owner", code);
    err = identity ? identity->ops->counter(identity, OTA_COUNTER_OWNER, next->version, &value, &code) : OTA_OK;
    return err == OTA_OK || err == OTA_USAGE_UNSUPPORTED ? OTA_OK : ota_fault_set(fault, err, "owner.counter", code);
}
