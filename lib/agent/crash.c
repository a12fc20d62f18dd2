/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a supervisor noted about a component that crashed: the store record "crash.<component>", integers little-endian:
 *
 *   0   4  magic "OTAK"
 *   4   1  version: 1
 *   5   1  how: 1 = ended with an exit status, 2 = ended by a signal
 *   6   2  zero
 *   8   4  the status, or the signal's number
 *   12  4  how often, >= 1
 *   16  8  Unix time of the first; 0 = the clock was unknown
 *   24  8  of the last
 *   32  4  CRC-32 of everything before it
 *
 * It becomes a report, and is removed when the ring is durable. While the ring is full it stays, and whoever wrote it counts on.
 */
#include <string.h>

#include "bytes.h"
#include "fleet_on.h"

#define NOTE_LEN 36u

static bool note_ok(const uint8_t *p, size_t len)
{
    return len == NOTE_LEN && memcmp(p, "OTAK\1", 5) == 0 && p[5] >= OTA_REPORT_EXIT && p[5] <= OTA_REPORT_SIGNAL &&
           otai_get_le32(p + 12) > 0 && otai_crc32(0, p, NOTE_LEN - 4u) == otai_get_le32(p + NOTE_LEN - 4u);
}

static void describe(const struct ota *a, size_t component, const uint8_t *p, struct ota_report *r)
{
    memset(r, 0, sizeof *r);
    r->event = p[5];
    r->cause.port_code = (int32_t)otai_get_le32(p + 8);
    r->cause.component = (uint8_t)component;
    r->count = otai_get_le32(p + 12);
    r->first_s = (int64_t)otai_get_le64(p + 16);
    r->utc_s = (int64_t)otai_get_le64(p + 24);
    r->component = (uint8_t)component;
    r->boot = a->j.starts;
    (void)otai_copy(r->version, sizeof r->version, otai_running(a, component));
    (void)otai_copy(r->running, sizeof r->running, r->version);
    if (a->j.installed[component].known)
        otai_digest_copy(r->image, a->j.installed[component].sha256);
}

static void key_of(const struct ota_report *r, uint64_t key[5])
{
    key[0] = (uint64_t)r->event << 8 | r->component;
    key[1] = (uint32_t)r->cause.port_code;
    key[2] = r->count;
    key[3] = (uint64_t)r->utc_s;
    key[4] = (uint64_t)r->first_s;
}

/* Power failed between the ring and the removal: it was told. */
static bool told(const struct otai_ring *ring, const struct ota_report *r)
{
    uint64_t want[5], have[5];

    key_of(r, want);
    for (size_t i = 0; i < ring->count; i++) {
        key_of(&ring->report[i], have);
        if (memcmp(want, have, sizeof want) == 0)
            return true;
    }
    return false;
}

/* The number is given out by the journal first, so that no outcome ever finds it taken. */
static ota_err add(struct ota *a, struct otai_sending *s, struct ota_report *r)
{
    r->id = ++a->j.report_last;
    ota_err err = otai_save(a);
    if (err != OTA_OK)
        return err;
    otai_ring_add(&s->ring, r);
    return otai_ring_save(a->cfg.store, &s->ring, s->scratch, &a->fault);
}

void otai_tell_unread(struct ota *a, const char *record, int32_t code)
{
    otai_note(a, OTA_EV_FAULT, a->state, ota_fault_set(&a->fault, OTA_DEVICE_STORE, record, code));
}

static ota_err take(struct ota *a, struct otai_sending *s, size_t component)
{
    struct ota_store *store = a->cfg.store;
    char name[OTA_STORE_NAME_MAX];
    struct otai_text t;
    struct ota_report r;
    size_t len = 0;
    int32_t code = 0;

    otai_text_init(&t, name, sizeof name);
    otai_text_add(&t, "crash.");
    otai_text_add(&t, a->cfg.components[component].name);
    ota_err err = store->ops->read(store, name, s->scratch, OTAI_REPORTS_BYTES, &len, &code);
    if (err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    if (err != OTA_OK) { /* told, but it must hold no update back */
        otai_tell_unread(a, name, code);
        return OTA_OK;
    }
    if (note_ok(s->scratch, len)) {
        describe(a, component, s->scratch, &r);
        err = told(&s->ring, &r) ? OTA_OK : add(a, s, &r);
    } else {
        otai_tell_unread(a, name, 0);
    }
    /* One that cannot be removed is told again with the next count: too much rather than too little. */
    if (err == OTA_OK)
        (void)store->ops->remove(store, name, &code);
    return err;
}

ota_err otai_collect_crashes(struct ota *a, struct otai_sending *s)
{
    for (size_t i = 0; i < a->cfg.component_count && s->ring.count < OTAI_REPORTS_MAX; i++) {
        ota_err err = take(a, s, i);

        if (err != OTA_OK)
            return err;
    }
    return otai_collect_found(a, s);
}

void otai_report_more(const struct ota *a, struct ota_report *r)
{
    r->boot = a->j.starts;
    r->first_s = r->utc_s;
    r->component = OTA_COMPONENT_NONE;
}

void otai_report_image(struct ota_report *r, size_t component, const uint8_t sha256[OTA_SHA256_LEN])
{
    r->component = (uint8_t)component;
    otai_digest_copy(r->image, sha256);
}

const char *otai_report_component(const struct ota *a, const struct ota_report *r)
{
    return r->component < a->cfg.component_count ? a->cfg.components[r->component].name : "";
}
