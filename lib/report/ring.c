/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Report ring: the store record "reports", integers little-endian:
 *
 *   0   4  magic "OTAR"
 *   4   1  version: 3. Version 2, whose reports end before "event", and version 1, whose reports end before "codec", are read
 *          as well; a build without OTA_FLEET writes version 2 and reads no later one
 *   5   1  count, 0..8
 *   6   2  zero
 *   8   4  last_id: the highest id that was ever given to a report
 *   12  n  count x 235 bytes (version 2: 189; version 1: 187), oldest first
 *   12+n 4 CRC-32 of everything before it
 *
 * One report ("text N" is N bytes of printable ASCII, then NULs to the end, at least one):
 *   id u32, outcome u8, cause: { err u32, port_code i32, state u8, component u8, where text 48 }, seq u64,
 *   deployment 32, utc_s i64, count u32, fetched u64, version text 32, running text 32,
 *   codec u8, why u8 (enum ota_codec, enum ota_why),
 *   event u8 (enum ota_report_event), component u8 (255 = none), boot u32, first_s i64, image 32
 *
 * Ids increase from the oldest report to the newest, and none is above last_id.
 */
#include <string.h>

#include "bytes.h"
#include "record.h"
#include "report.h"
#include OTAI_EVENTS_HEADER

#define RECORD_NAME "reports"
#define HEAD_LEN 12u
#define CRC_LEN 4u

#define FIELD(member, kind, arg)                                                                                                 \
    {                                                                                                                            \
        (uint16_t) offsetof(struct ota_report, member), OTAI_F_##kind, arg, NULL                                                 \
    }

static const struct otai_field rows[] = { FIELD(id, U32, 0),
                                          FIELD(outcome, OUTCOME, 0),
                                          FIELD(cause.err, ERR, 0),
                                          FIELD(cause.port_code, U32, 0),
                                          FIELD(cause.state, U8, UINT8_MAX),
                                          FIELD(cause.component, U8, UINT8_MAX),
                                          FIELD(cause.where, TEXT, OTA_FAULT_WHERE_MAX),
                                          FIELD(seq, U64, 0),
                                          FIELD(deployment, BYTES, OTA_SHA256_LEN),
                                          FIELD(utc_s, U64, 0),
                                          FIELD(count, U32, 0),
                                          FIELD(fetched, U64, 0),
                                          FIELD(version, TEXT, OTA_VERSION_MAX),
                                          FIELD(running, TEXT, OTA_VERSION_MAX),
                                          FIELD(codec, U8, UINT8_MAX),
                                          FIELD(why, U8, UINT8_MAX),
                                          OTAI_FIELDS_3 };

#define SINCE_2 2u /* fields that version 1 did not have */

static const struct otai_table table = { rows, sizeof rows / sizeof rows[0] };

static struct otai_table table_of(uint8_t version)
{
    size_t later = version < 3 ? OTAI_SINCE_3 : 0;

    return (struct otai_table){ rows, table.count - later - (version == 1 ? SINCE_2 : 0) };
}

size_t otai_ring_encode(const struct otai_ring *ring, uint8_t out[OTAI_REPORTS_BYTES])
{
    uint8_t *p = out + HEAD_LEN;

    memcpy(out, "OTAR", 4);
    out[4] = OTAI_RING_VERSION;
    out[5] = ring->count;
    out[6] = out[7] = 0;
    otai_put_le32(out + 8, ring->last_id);
    for (size_t i = 0; i < ring->count; i++)
        p = otai_record_put(p, table, &ring->report[i]);
    size_t len = (size_t)(p - out);
    otai_put_le32(p, otai_crc32(0, out, len));
    return len + CRC_LEN;
}

static bool envelope_ok(const uint8_t *p, size_t len, struct otai_table *t)
{
    if (len < HEAD_LEN + CRC_LEN)
        return false;
    *t = table_of(p[4]);
    return memcmp(p, "OTAR", 4) == 0 && p[4] >= 1 && p[4] <= OTAI_RING_VERSION && p[5] <= OTAI_REPORTS_MAX &&
           len == HEAD_LEN + p[5] * otai_record_len(*t) + CRC_LEN &&
           otai_crc32(0, p, len - CRC_LEN) == otai_get_le32(p + len - CRC_LEN);
}

ota_err otai_ring_decode(const uint8_t *p, size_t len, struct otai_ring *ring)
{
    struct otai_table t;
    uint32_t before = 0;

    memset(ring, 0, sizeof *ring);
    if (!envelope_ok(p, len, &t))
        return OTA_DEVICE_STORE;
    struct otai_record_in in = { p + HEAD_LEN, len - HEAD_LEN - CRC_LEN, NULL };
    uint32_t last_id = otai_get_le32(p + 8);
    for (size_t i = 0; i < p[5]; i++) {
        struct ota_report *r = &ring->report[i];
        otai_record_get(&in, t, r);
        if (in.why || r->id <= before || r->id > last_id || r->count == 0) {
            memset(ring, 0, sizeof *ring);
            return OTA_DEVICE_STORE;
        }
        before = r->id;
    }
    ring->count = p[5];
    ring->last_id = last_id;
    return OTA_OK;
}

ota_err otai_ring_load(struct ota_store *store, struct otai_ring *ring, uint8_t *scratch, struct ota_fault *fault)
{
    size_t len = 0;
    int32_t code = 0;

    memset(ring, 0, sizeof *ring);
    ota_err err = store->ops->read(store, RECORD_NAME, scratch, OTAI_REPORTS_BYTES, &len, &code);
    if (err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    if (err != OTA_OK)
        return ota_fault_set(fault, OTA_DEVICE_STORE, RECORD_NAME, code);
    if (len > OTAI_REPORTS_BYTES || otai_ring_decode(scratch, len, ring) != OTA_OK)
        (void)ota_fault_set(fault, OTA_DEVICE_STORE, RECORD_NAME, 0);
    return OTA_OK;
}

ota_err otai_ring_save(struct ota_store *store, const struct otai_ring *ring, uint8_t *scratch, struct ota_fault *fault)
{
    int32_t code = 0;
    size_t len = otai_ring_encode(ring, scratch);
    ota_err err = store->ops->write(store, RECORD_NAME, scratch, len, &code);

    if (err == OTA_OK)
        return OTA_OK;
    return ota_fault_set(fault, err == OTA_DEVICE_FULL ? err : OTA_DEVICE_STORE, RECORD_NAME, code);
}

static void remove_at(struct otai_ring *ring, size_t at)
{
    ring->count--;
    memmove(&ring->report[at], &ring->report[at + 1], (ring->count - at) * sizeof ring->report[0]);
}

/* A full ring gives up a refusal or a crash first: what became of a trial is told once, the others come again. */
static size_t victim(const struct otai_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        if (otai_event_gives_way(&ring->report[i]))
            return i;
    return 0;
}

static bool repeats(const struct ota_report *newest, const struct ota_report *r)
{
    return r->outcome == OTA_OUTCOME_REFUSED && newest->outcome == r->outcome && newest->cause.err == r->cause.err &&
           strcmp(newest->cause.where, r->cause.where) == 0 &&
           otai_equal(newest->deployment, r->deployment, sizeof r->deployment);
}

void otai_ring_add(struct otai_ring *ring, const struct ota_report *report)
{
    struct ota_report *newest = ring->count ? &ring->report[ring->count - 1] : NULL;
    uint32_t times = report->count ? report->count : 1;

    if (report->id <= ring->last_id)
        return;
    ring->last_id = report->id;
    if (newest && repeats(newest, report)) {
        newest->id = report->id;
        otai_event_again(newest, report);
        newest->count = newest->count > UINT32_MAX - times ? UINT32_MAX : newest->count + times;
        return;
    }
    if (ring->count == OTAI_REPORTS_MAX)
        remove_at(ring, victim(ring));
    ring->report[ring->count] = *report;
    ring->report[ring->count++].count = times;
}

void otai_ring_ack(struct otai_ring *ring, uint32_t id)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->report[i].id == id) {
            remove_at(ring, i);
            return;
        }
}
