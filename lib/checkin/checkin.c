/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts that a device tells at a check-in: one header line, an RFC 8941 dictionary.
 *
 *   OTA-Device: product="thermostat", group="production", version="2.0.0", seq=3, state=1, slot=0,
 *               outcome=confirmed, cause=OK                                      (one line on the wire)
 *
 * state and the numbers behind cause are those of enum ota_state and ota_err. No device id.
 */
#include "checkin.h"

#include "bytes.h"

static void add_text(struct otai_text *t, const char *key, const char *value)
{
    otai_text_add(t, key);
    otai_text_json(t, value ? value : "");
}

static void add_number(struct otai_text *t, const char *key, uint64_t value)
{
    otai_text_add(t, key);
    otai_text_u64(t, value);
}

ota_err otai_checkin_facts(const struct otai_facts *facts, char *out, size_t cap)
{
    struct otai_text t;

    otai_text_init(&t, out, cap);
    add_text(&t, "OTA-Device: product=", facts->product);
    add_text(&t, ", group=", facts->group);
    add_text(&t, ", version=", facts->version);
    add_number(&t, ", seq=", facts->seq);
    add_number(&t, ", state=", facts->state);
    add_number(&t, ", slot=", facts->slot);
    otai_text_add(&t, ", outcome=");
    otai_text_add(&t, ota_outcome_name(facts->outcome));
    otai_text_add(&t, ", cause=");
    otai_text_add(&t, ota_err_name(facts->cause));
    return t.full ? OTA_REJECT_LIMIT : OTA_OK;
}

void otai_checkin_offer(ota_err result, const struct ota_net_head *head, const char *etag_sent, struct ota_offer *out)
{
    out->changed = result != OTA_SAME;
    if (!otai_copy(out->etag, sizeof out->etag, out->changed ? head->etag : etag_sent))
        out->changed = true;   /* a validator that we could not have sent vouches for nothing */
}
