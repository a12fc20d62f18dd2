/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that a device has, in its store. */
#include <string.h>

#include "client.h"

/* Take the certificates and their keys away: what is used first, so that a power cut leaves nothing usable behind the record. */
static ota_err drop_all(struct ota_attest_client *a, struct ota_fault *fault)
{
    static const char *const names[] = { OTA_ATTEST_APPLICATION_PEM, OTA_ATTEST_UPDATE_PEM, OTA_ATTEST_RECORD };
    int32_t code = 0;

    a->has[0] = a->has[1] = false;
    a->status.not_after_s = a->status.renew_at_s = a->not_before_s = 0;
    memset(a->status.outdated, 0, sizeof a->status.outdated);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ota_err err = a->cfg.store->ops->remove(a->cfg.store, names[i], &code);
        if (err != OTA_OK)
            return ota_fault_set(fault, err, names[i], code);
    }
    return OTA_OK;
}

/* Let the record of one certificate be what the whole record in `p` says. in is free: nothing is under way. */
static ota_err follow(struct ota_attest_client *a, const uint8_t *p, const struct otai_attest_head *h, enum ota_certificate which,
                      struct ota_fault *fault)
{
    struct ota_store *s = a->cfg.store;
    const char *name = otai_attest_record_name(which);
    const uint8_t *bundle = otai_attest_bundle(p, h, which);
    int32_t code = 0;
    size_t len = 0;
    ota_err err;

    if (h->len[which] == 0)
        err = s->ops->remove(s, name, &code);
    else {
        err = s->ops->read(s, name, a->in, sizeof a->in, &len, &code);
        if (err != OTA_OK || len != h->len[which] || memcmp(a->in, bundle, len) != 0)
            err = s->ops->write(s, name, bundle, h->len[which], &code);
    }
    a->has[which] = err == OTA_OK && h->len[which] > 0;
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, name, code);
}

ota_err otai_attest_follow(struct ota_attest_client *a, const uint8_t *p, const struct otai_attest_head *h, struct ota_fault *fault)
{
    ota_err err = follow(a, p, h, OTA_CERTIFICATE_UPDATE, fault);

    if (err == OTA_OK)
        err = follow(a, p, h, OTA_CERTIFICATE_APPLICATION, fault);
    a->not_before_s = h->not_before_s;
    a->status.not_after_s = h->not_after_s;
    a->status.renew_at_s = h->renew_at_s;
    memcpy(a->status.outdated, h->outdated, sizeof h->outdated);
    return err;
}

ota_err otai_attest_drop(struct ota_attest_client *a, ota_err why, const char *where, struct ota_fault *fault)
{
    (void)ota_fault_set(&a->status.last, why, where, 0);
    return drop_all(a, fault);
}

ota_err otai_attest_load(struct ota_attest_client *a, struct ota_fault *fault)
{
    struct otai_attest_head h;
    int32_t code = 0;
    size_t len = 0;
    ota_err err = a->cfg.store->ops->read(a->cfg.store, OTA_ATTEST_RECORD, a->out, sizeof a->out, &len, &code);

    if (err == OTA_DEVICE_ABSENT)
        return drop_all(a, fault);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, OTA_ATTEST_RECORD, code);
    if (len > sizeof a->out || !otai_attest_get_head(a->out, len, &h))
        return otai_attest_drop(a, OTA_REJECT_CORRUPT, "attest.record", fault);
    if (!otai_equal(h.measurements, a->cfg.log->chain, OTA_SHA256_LEN))
        return otai_attest_drop(a, OTA_REJECT_HASH, "attest.measurements", fault);
    return otai_attest_follow(a, a->out, &h, fault);
}
