/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a start, its register, and its comparison with what the maker released. */
#include <string.h>

#include "claims.h"

ota_err ota_attest_instance(struct ota_crypto *c, const uint8_t key[65], uint8_t out[OTA_ATTEST_INSTANCE_LEN])
{
    const struct otai_span all = { key, 65 };

    out[0] = 1;
    return otai_hash(c, &all, 1, out + 1);
}

ota_err ota_attest_digest(struct ota_crypto *c, const struct ota_measurement *m, uint8_t out[OTA_SHA256_LEN])
{
    uint8_t entry[OTAI_ENTRY_LEN_MAX];
    struct otai_out o = { entry, sizeof entry, 0 };

    if (!otai_measurement_ok(m))
        return OTA_USAGE_ARGUMENT;
    otai_put_entry(&o, m);
    const struct otai_span all = { entry, o.len };
    return otai_hash(c, &all, 1, out);
}

ota_err ota_attest_extend(struct ota_attest_log *log, struct ota_crypto *c, const struct ota_measurement *m)
{
    uint8_t digest[OTA_SHA256_LEN], chain[OTA_SHA256_LEN];

    if (!otai_measurement_ok(m) || otai_is_measured(log, m))
        return OTA_USAGE_ARGUMENT;
    if (log->count >= OTA_ATTEST_LOG_MAX)
        return OTA_REJECT_LIMIT;
    ota_err err = ota_attest_digest(c, m, digest);
    if (err != OTA_OK)
        return err;
    const struct otai_span parts[] = { { log->chain, sizeof log->chain }, { digest, sizeof digest } };
    err = otai_hash(c, parts, 2, chain);
    if (err != OTA_OK)
        return err;
    memcpy(log->chain, chain, sizeof chain);
    log->entry[log->count++] = *m;
    return OTA_OK;
}

static bool is_about(const struct ota_reference *ref, const struct ota_measurement *m)
{
    return ref->kind == m->kind && strcmp(ref->name, m->name) == 0;
}

static ota_err appraise(const struct ota_measurement *m, const struct ota_reference *refs, size_t count)
{
    bool known = false;

    for (size_t i = 0; i < count; i++) {
        if (!is_about(&refs[i], m))
            continue;
        if (otai_equal(refs[i].digest, m->digest, sizeof m->digest))
            return OTA_OK;
        known = true;
    }
    if (known)
        return OTA_REJECT_HASH;
    return m->kind == OTA_MEASURED_BOOT || m->kind == OTA_MEASURED_IMAGE ? OTA_REJECT_TARGET : OTA_OK;
}

static ota_err refuse(const struct ota_measurement *m, ota_err err, struct ota_fault *fault)
{
    char what[OTAI_WHAT_MAX];

    otai_what(m, what);
    return ota_fault_set(fault, err, what, 0);
}

ota_err ota_attest_appraise(const struct ota_attest_log *log, const struct ota_reference *refs, size_t count,
                            struct ota_fault *fault)
{
    for (size_t i = 0; i < log->count; i++) {
        ota_err err = appraise(&log->entry[i], refs, count);
        if (err != OTA_OK)
            return refuse(&log->entry[i], err, fault);
    }
    for (size_t i = 0; i < count; i++) {
        struct ota_measurement wanted = { .kind = refs[i].kind };

        if (!refs[i].required)
            continue;
        if (!otai_copy(wanted.name, sizeof wanted.name, refs[i].name) || !otai_is_measured(log, &wanted))
            return refuse(&wanted, OTA_REJECT_MISSING, fault);
    }
    return OTA_OK;
}
