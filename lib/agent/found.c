/* SPDX-License-Identifier: Apache-2.0 */
/* What a monitor found becomes reports. A finding that still waits for its answer is told with it, or after the next start. */
#include "agent.h"
#include OTAI_FLEET_HEADER

static void describe(const struct ota *a, const struct otai_found *f, struct ota_report *r)
{
    memset(r, 0, sizeof *r);
    r->event = (uint8_t)(OTA_REPORT_TAMPERED + f->kind - OTA_MONITOR_TAMPERED);
    (void)ota_fault_set(&r->cause, f->err, f->where, (int32_t)f->port_code);
    r->cause.component = r->component = f->component;
    r->count = 1;
    r->first_s = r->utc_s = f->utc_s;
    r->boot = f->boot;
    otai_digest_copy(r->image, f->sha256);
    (void)otai_copy(r->version, sizeof r->version, otai_running(a, f->component < a->cfg.component_count ? f->component : 0));
    (void)otai_copy(r->running, sizeof r->running, r->version);
}

static void key_of(const struct ota_report *r, uint64_t key[2])
{
    key[0] = (uint64_t)r->event << 8 | r->component | (uint64_t)r->boot << 16;
    key[1] = (uint64_t)r->utc_s;
}

/* Power failed between the ring and the removal. */
static bool told(const struct otai_ring *ring, const struct ota_report *r)
{
    uint64_t want[2], have[2];

    key_of(r, want);
    for (size_t i = 0; i < ring->count; i++) {
        key_of(&ring->report[i], have);
        if (memcmp(want, have, sizeof want) == 0 && strcmp(ring->report[i].cause.where, r->cause.where) == 0)
            return true;
    }
    return false;
}

static ota_err add(struct ota *a, struct otai_sending *s, struct ota_report *r)
{
    if (told(&s->ring, r))
        return OTA_OK;
    r->id = ++a->j.report_last; /* by the journal first, so that no outcome ever finds it taken */
    ota_err err = otai_save(a);
    if (err != OTA_OK)
        return err;
    otai_ring_add(&s->ring, r);
    return otai_ring_save(a->cfg.store, &s->ring, s->scratch, &a->fault);
}

static ota_err take(struct ota *a, struct otai_sending *s, uint8_t component)
{
    struct ota_store *store = a->cfg.store;
    char name[OTA_STORE_NAME_MAX];
    struct otai_found f;
    struct ota_report r;
    size_t len = 0;
    int32_t code = 0;

    otai_found_name(a, component, name);
    ota_err err = store->ops->read(store, name, s->scratch, OTAI_REPORTS_BYTES, &len, &code);
    if (err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    if (err != OTA_OK) { /* told, but it must hold no update back */
        otai_tell_unread(a, name, code);
        return OTA_OK;
    }
    if (otai_found_decode(s->scratch, len, &f)) {
        if (f.done == OTA_MONITOR_PENDING && f.boot == a->j.starts)
            return OTA_OK;
        f.component = component;
        describe(a, &f, &r);
        err = add(a, s, &r);
    } else {
        otai_tell_unread(a, name, 0);
    }
    if (err == OTA_OK)
        (void)store->ops->remove(store, name, &code);
    return err;
}

ota_err otai_collect_found(struct ota *a, struct otai_sending *s)
{
    for (size_t i = 0; i <= a->cfg.component_count && s->ring.count < OTAI_REPORTS_MAX; i++) {
        ota_err err = take(a, s, i < a->cfg.component_count ? (uint8_t)i : OTA_COMPONENT_NONE);

        if (err != OTA_OK)
            return err;
    }
    return OTA_OK;
}
