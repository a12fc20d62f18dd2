/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Store record "hawkbit", integers little-endian:
 *
 *   0   4  magic "OTAH"
 *   4   1  version: 1
 *   5   3  zero
 *   8   n  fields of struct otai_hb_box in the order of the table below; a later version adds to its end
 *   8+n 4  CRC-32 of everything before it
 */
#include "hawkbit_box.h"

#include <string.h>

#include "bytes.h"
#include "record.h"

#define RECORD_NAME "hawkbit"
#define VERSION 1
#define HEAD_LEN 8u
#define CRC_LEN 4u

#define FIELD(member, kind, arg)                                                                                                 \
    {                                                                                                                            \
        (uint16_t) offsetof(struct otai_hb_box, member), OTAI_F_##kind, arg, #member                                             \
    }

static const struct otai_field rows[] = {
    FIELD(state, U8, OTAI_HB_CANCELLED),
    FIELD(result, U8, OTAI_HB_STORED),
    FIELD(download, U8, OTAI_HB_FORCED),
    FIELD(update, U8, OTAI_HB_FORCED),
    FIELD(window, U8, OTAI_HB_WINDOW_CLOSED),
    FIELD(said, U8, UINT8_MAX),
    FIELD(again, U8, UINT8_MAX),
    FIELD(has_digest, U8, 1),
    FIELD(code, ERR, 0),
    FIELD(report_base, U32, 0),
    FIELD(attributes_crc, U32, 0),
    FIELD(sleep_s, U32, 0),
    FIELD(seq, U64, 0),
    FIELD(digest, BYTES, OTA_SHA256_LEN),
    FIELD(action, TEXT, OTAI_HB_ID_MAX),
    FIELD(mark, TEXT, OTAI_HB_ID_MAX),
    FIELD(denied, TEXT, OTAI_HB_ID_MAX),
    FIELD(denied_mark, TEXT, OTAI_HB_ID_MAX),
    FIELD(where, TEXT, OTA_FAULT_WHERE_MAX),
    FIELD(version, TEXT, OTA_VERSION_MAX),
};

static const struct otai_table table = { rows, sizeof rows / sizeof rows[0] };

size_t otai_hb_box_encode(const struct otai_hb_box *box, uint8_t out[OTAI_HB_BOX_MAX])
{
    memset(out, 0, HEAD_LEN);
    memcpy(out, "OTAH", 4);
    out[4] = VERSION;
    size_t len = (size_t)(otai_record_put(out + HEAD_LEN, table, box) - out);
    otai_put_le32(out + len, otai_crc32(0, out, len));
    return len + CRC_LEN;
}

static bool envelope_ok(const uint8_t *p, size_t len)
{
    return len >= HEAD_LEN + otai_record_len(table) + CRC_LEN && memcmp(p, "OTAH", 4) == 0 && p[4] >= VERSION &&
           otai_is_zero(p + 5, 3) && otai_crc32(0, p, len - CRC_LEN) == otai_get_le32(p + len - CRC_LEN);
}

/* What is worked on or owed has a name; a result belongs to what has ended. */
static bool makes_sense(const struct otai_hb_box *b)
{
    bool ended = b->state == OTAI_HB_OWED || b->state == OTAI_HB_TOLD;

    return (b->state == OTAI_HB_NONE || b->action[0]) && (b->result != OTAI_HB_NO_RESULT) == ended;
}

ota_err otai_hb_box_decode(const uint8_t *p, size_t len, struct otai_hb_box *box)
{
    memset(box, 0, sizeof *box);
    if (!envelope_ok(p, len))
        return OTA_DEVICE_STORE;
    struct otai_record_in in = { p + HEAD_LEN, len - HEAD_LEN - CRC_LEN, NULL };
    otai_record_get(&in, table, box);
    if (!in.why && makes_sense(box))
        return OTA_OK;
    memset(box, 0, sizeof *box);
    return OTA_DEVICE_STORE;
}

ota_err otai_hb_box_load(struct ota_store *store, struct otai_hb_box *box, struct ota_fault *fault)
{
    uint8_t bytes[2 * OTAI_HB_BOX_MAX]; /* a later version's is longer */
    size_t len = 0;
    int32_t code = 0;

    memset(box, 0, sizeof *box);
    ota_err err = store->ops->read(store, RECORD_NAME, bytes, sizeof bytes, &len, &code);
    if (err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    if (err != OTA_OK)
        return ota_fault_set(fault, OTA_DEVICE_STORE, RECORD_NAME, code);
    if (len > sizeof bytes || otai_hb_box_decode(bytes, len, box) != OTA_OK)
        (void)ota_fault_set(fault, OTA_DEVICE_STORE, RECORD_NAME, 0);
    return OTA_OK;
}

ota_err otai_hb_box_save(struct ota_store *store, const struct otai_hb_box *box, struct ota_fault *fault)
{
    uint8_t bytes[OTAI_HB_BOX_MAX];
    int32_t code = 0;
    size_t len = otai_hb_box_encode(box, bytes);
    ota_err err = store->ops->write(store, RECORD_NAME, bytes, len, &code);

    if (err == OTA_OK)
        return OTA_OK;
    return ota_fault_set(fault, err == OTA_DEVICE_FULL ? err : OTA_DEVICE_STORE, RECORD_NAME, code);
}
