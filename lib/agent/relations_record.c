/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levels: the store record "levels", integers little-endian. Only images that provide or require something are in it:
 *
 *   0   4  magic "OTAL"
 *   4   1  version: 1. Another one is no record
 *   5   1  count, 0..8
 *   6   2  zero
 *   8   n  count x { sha256 32, 4 x provides: { name text 32, level u32 }, 4 x requires: the same }; unused ones are zero
 *   8+n 4  CRC-32 of everything before it
 *
 * It is written before the first byte of an update is fetched. A record that is absent or damaged means: nothing is known.
 */
#include <string.h>

#include "agent.h"
#include "record.h"

#include OTAI_RELATIONS_HEADER

#define HEAD_LEN 8u
#define KNOWN_LEN (OTA_SHA256_LEN + 2u * OTAI_LEVELS_MAX * (OTA_NAME_MAX + 4u))

static const char name[] = "levels";

static const struct otai_field level_rows[] = {
    { (uint16_t)offsetof(struct otai_level, name), OTAI_F_TEXT, OTA_NAME_MAX, "levels.name" },
    { (uint16_t)offsetof(struct otai_level, level), OTAI_F_U32, 0, NULL },
};
static const struct otai_table table = { level_rows, sizeof level_rows / sizeof level_rows[0] };

static uint8_t *put_list(uint8_t *p, const struct otai_level *l)
{
    for (size_t i = 0; i < OTAI_LEVELS_MAX; i++)
        p = otai_record_put(p, table, &l[i]);
    return p;
}

static size_t encode(const struct otai_book *b, uint8_t *out)
{
    uint8_t *p = out + HEAD_LEN;

    memcpy(out, "OTAL\x01", 5);
    out[5] = (uint8_t)b->count;
    out[6] = out[7] = 0;
    for (size_t i = 0; i < b->count; i++) {
        otai_digest_copy(p, b->known[i].sha256);
        p = put_list(p + OTA_SHA256_LEN, b->known[i].levels.provides);
        p = put_list(p, b->known[i].levels.requires);
    }
    otai_put_le32(p, otai_crc32(0, out, (size_t)(p - out)));
    return (size_t)(p - out) + 4u;
}

static uint8_t get_list(struct otai_record_in *in, struct otai_level *l)
{
    uint8_t count = 0;

    for (size_t i = 0; i < OTAI_LEVELS_MAX; i++) {
        otai_record_get(in, table, &l[i]);
        count = (uint8_t)(count + (l[i].name[0] != '\0'));
    }
    return count;
}

static bool is_whole(const uint8_t *p, size_t len)
{
    return len >= HEAD_LEN + 4u && len <= OTAI_BOOK_BYTES && memcmp(p, "OTAL\x01", 5) == 0 && p[5] <= OTAI_BOOK_MAX &&
           len == HEAD_LEN + p[5] * KNOWN_LEN + 4u && otai_get_le32(p + len - 4) == otai_crc32(0, p, len - 4);
}

static void decode(struct otai_book *b)
{
    struct otai_record_in in = { b->bytes + HEAD_LEN, b->len - HEAD_LEN - 4u, NULL };

    memset(b->known, 0, sizeof b->known);
    b->count = b->bytes[5];
    for (size_t i = 0; i < b->count; i++) {
        struct otai_known *k = &b->known[i];

        otai_digest_copy(k->sha256, in.p);
        in.p += OTA_SHA256_LEN;
        in.left -= OTA_SHA256_LEN;
        k->levels.provides_count = get_list(&in, k->levels.provides);
        k->levels.requires_count = get_list(&in, k->levels.requires);
    }
    if (in.why)
        b->count = 0;
}

ota_err otai_book_load(struct ota_store *s, struct otai_book *b, struct ota_fault *fault)
{
    int32_t code = 0;
    ota_err err = s->ops->read(s, name, b->bytes, sizeof b->bytes, &b->len, &code);

    b->count = 0;
    if (err != OTA_OK && err != OTA_DEVICE_ABSENT)
        return ota_fault_set(fault, OTA_DEVICE_STORE, name, code);
    if (err != OTA_OK || !is_whole(b->bytes, b->len))
        b->len = 0;
    else
        decode(b);
    return OTA_OK;
}

const struct otai_levels *otai_book_find(const struct otai_book *b, const uint8_t sha256[OTA_SHA256_LEN])
{
    for (size_t i = 0; i < b->count; i++)
        if (otai_equal(b->known[i].sha256, sha256, OTA_SHA256_LEN))
            return &b->known[i].levels;
    return NULL;
}

ota_err otai_book_save(struct ota_store *s, struct otai_book *b, struct ota_fault *fault)
{
    size_t len = encode(b, b->fresh);
    int32_t code = 0;

    if (b->len == 0 && b->count == 0)
        return OTA_OK;
    if (len == b->len && memcmp(b->fresh, b->bytes, len) == 0)
        return OTA_OK;
    ota_err err = s->ops->write(s, name, b->fresh, len, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err == OTA_DEVICE_FULL ? err : OTA_DEVICE_STORE, name, code);
}
