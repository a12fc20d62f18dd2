/* SPDX-License-Identifier: Apache-2.0 */
/* Records on NOR. A version of a record is a stream, the name in OTA_STORE_NAME_MAX bytes and then the record's own, cut
 * into pieces of one erase unit each. A unit begins with a head, programmed behind its piece; the unit with piece 0 is
 * programmed last of all, so that its head makes the version valid as a whole. Nothing is changed in place: a newer
 * version goes to free units, and the older one's are free from then on.
 *
 * Head, little-endian:
 *     offset size  meaning
 *          0    4  "OTAN"
 *          4    1  format, 1
 *          5    1  index of the piece
 *          6    2  bytes of the piece
 *          8    4  sequence: of all pieces of one version; a newer version of any record has a higher one
 *         12    4  CRC-32 of the piece
 *         16    4  bytes of the whole stream
 *         20    8  zero
 *         28    4  CRC-32 of bytes 0..27
 * The piece begins at the first write unit behind the head. */
#include <string.h>

#include "area.h"
#include "bytes_le.h"

#define HEAD 32u
#define FORMAT 1u
#define UNITS_MIN 4u
#define ATTEMPTS 4u
#define NONE UINT32_MAX

enum use { FREE, TAKEN, BAD };

struct head {
    uint32_t sequence, sum, stream;
    uint16_t len;
    uint8_t index;
};

/* A version that is being written. */
struct job {
    char name[OTA_STORE_NAME_MAX];
    const uint8_t *data;
    uint32_t stream;
    uint32_t sequence;
};

static const uint8_t magic[4] = { 'O', 'T', 'A', 'N' };

static struct ota_mcu_store *self(struct ota_store *s)
{
    return (struct ota_mcu_store *)s;
}

/* ---- units ---- */

static uint32_t unit_off(const struct ota_mcu_store *s, uint32_t unit)
{
    return unit * otaf_geometry(&s->area).erase_unit;
}

static uint32_t round_up(uint32_t v, uint32_t unit)
{
    return (v + unit - 1u) / unit * unit;
}

static uint32_t piece_off(const struct ota_mcu_store *s)
{
    return round_up(HEAD, otaf_geometry(&s->area).write_unit);
}

static uint32_t piece_max(const struct ota_mcu_store *s)
{
    return otaf_geometry(&s->area).erase_unit - piece_off(s);
}

static uint32_t pieces_of(const struct ota_mcu_store *s, uint32_t stream)
{
    return (stream + piece_max(s) - 1u) / piece_max(s);
}

static bool head_ok(const struct ota_mcu_store *s, const uint8_t raw[HEAD], struct head *h)
{
    if (memcmp(raw, magic, sizeof magic) != 0 || raw[4] != FORMAT || otaf_get_le(raw + 28, 4) != ota_boot_record_crc(0, raw, 28))
        return false;
    *h = (struct head){ otaf_get_le(raw + 8, 4), otaf_get_le(raw + 12, 4), otaf_get_le(raw + 16, 4), (uint16_t)otaf_get_le(raw + 6, 2), raw[5] };
    return h->len <= piece_max(s) && h->stream >= OTA_STORE_NAME_MAX && h->index < pieces_of(s, h->stream);
}

/* *number is not 0 when the chip could not be read. */
static bool read_head(const struct ota_mcu_store *s, uint32_t unit, struct head *h, int32_t *number)
{
    uint8_t raw[HEAD];

    *number = otaf_read(&s->area, unit_off(s, unit), raw, sizeof raw);
    return *number == 0 && head_ok(s, raw, h);
}

static int32_t read_name(const struct ota_mcu_store *s, uint32_t unit, char name[OTA_STORE_NAME_MAX])
{
    return otaf_read(&s->area, unit_off(s, unit) + piece_off(s), name, OTA_STORE_NAME_MAX);
}

static bool is_named(const struct ota_mcu_store *s, uint32_t unit, const char *name, int32_t *number)
{
    char has[OTA_STORE_NAME_MAX];

    *number = read_name(s, unit, has);
    return *number == 0 && strncmp(has, name, sizeof has) == 0;
}

static uint32_t find_piece(const struct ota_mcu_store *s, uint32_t sequence, uint8_t index)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->unit[i].use == TAKEN && s->unit[i].sequence == sequence && s->unit[i].index == index)
            return i;
    return NONE;
}

/* The unit with piece 0 of the record's version, or NONE. */
static uint32_t find(const struct ota_mcu_store *s, const char *name, int32_t *number)
{
    *number = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->unit[i].use != TAKEN || s->unit[i].index != 0)
            continue;
        if (is_named(s, i, name, number))
            return i;
        if (*number != 0)
            return NONE;
    }
    return NONE;
}

static void release(struct ota_mcu_store *s, uint32_t sequence)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->unit[i].use == TAKEN && s->unit[i].sequence == sequence)
            s->unit[i].use = FREE;
}

/* ---- read ---- */

/* Where the bytes of a record go. */
struct sink {
    uint8_t *buf;
    size_t cap;
};

/* Bytes [at, at+len) of the stream. */
static void drain(const struct sink *to, uint32_t at, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (at + i >= OTA_STORE_NAME_MAX && at + i - OTA_STORE_NAME_MAX < to->cap)
            to->buf[at + i - OTA_STORE_NAME_MAX] = bytes[i];
}

/* One piece, checked. Damaged: OTA_DEVICE_ABSENT. */
static ota_err read_piece(const struct ota_mcu_store *s, uint32_t unit, uint32_t stream_at, const struct sink *to, int32_t *number)
{
    uint8_t chunk[OTAF_CHUNK];
    struct head h;
    uint32_t sum = 0;

    if (!read_head(s, unit, &h, number))
        return *number != 0 ? OTA_DEVICE_STORE : OTA_DEVICE_ABSENT;
    for (uint32_t at = 0; at < h.len; at += OTAF_CHUNK) {
        uint32_t n = h.len - at < OTAF_CHUNK ? h.len - at : OTAF_CHUNK;

        *number = otaf_read(&s->area, unit_off(s, unit) + piece_off(s) + at, chunk, n);
        if (*number != 0)
            return OTA_DEVICE_STORE;
        sum = ota_boot_record_crc(sum, chunk, n);
        drain(to, stream_at + at, chunk, n);
    }
    return sum == h.sum ? OTA_OK : OTA_DEVICE_ABSENT;
}

static ota_err store_read(struct ota_store *port, const char *name, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    const struct ota_mcu_store *s = self(port);
    const struct sink to = { buf, cap };
    struct head first;
    ota_err err = OTA_OK;
    int32_t number = 0;

    *len = 0;
    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    uint32_t unit = find(s, name, &number);
    if (unit == NONE || !read_head(s, unit, &first, &number)) {
        (void)otaf_result(number, OTA_DEVICE_STORE, port_code);
        return number != 0 ? OTA_DEVICE_STORE : OTA_DEVICE_ABSENT;
    }
    for (uint32_t i = 0; i < pieces_of(s, first.stream) && err == OTA_OK; i++) {
        unit = find_piece(s, first.sequence, (uint8_t)i);
        err = unit == NONE ? OTA_DEVICE_ABSENT : read_piece(s, unit, i * piece_max(s), &to, &number);
    }
    if (err == OTA_OK)
        *len = first.stream - OTA_STORE_NAME_MAX;
    (void)otaf_result(number, err, port_code);
    return err;
}

/* ---- write ---- */

/* Bytes [at, at+len) of the stream; beyond its end, as erased. */
static void fill(const struct job *j, uint32_t at, uint8_t *out, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++, at++) {
        if (at < OTA_STORE_NAME_MAX)
            out[i] = (uint8_t)j->name[at];
        else
            out[i] = at < j->stream ? j->data[at - OTA_STORE_NAME_MAX] : 0xff;
    }
}

static int32_t program_piece(const struct ota_mcu_store *s, const struct job *j, uint32_t unit, uint32_t begin, uint32_t len,
                             uint32_t *sum)
{
    uint8_t chunk[OTAF_CHUNK];

    *sum = 0;
    for (uint32_t at = 0; at < len; at += OTAF_CHUNK) {
        uint32_t n = len - at < OTAF_CHUNK ? len - at : OTAF_CHUNK;
        uint32_t padded = round_up(n, otaf_geometry(&s->area).write_unit);

        fill(j, begin + at, chunk, n);
        memset(chunk + n, 0xff, padded - n);
        *sum = ota_boot_record_crc(*sum, chunk, n);
        int32_t number = otaf_program(&s->area, unit_off(s, unit) + piece_off(s) + at, chunk, padded);
        if (number != 0)
            return number;
    }
    return 0;
}

static int32_t program_head(const struct ota_mcu_store *s, uint32_t unit, const struct head *h)
{
    uint8_t raw[OTAF_CHUNK];

    memset(raw, 0, HEAD);
    memset(raw + HEAD, 0xff, sizeof raw - HEAD);
    memcpy(raw, magic, sizeof magic);
    raw[4] = FORMAT;
    raw[5] = h->index;
    otaf_put_le(raw + 6, h->len, 2);
    otaf_put_le(raw + 8, h->sequence, 4);
    otaf_put_le(raw + 12, h->sum, 4);
    otaf_put_le(raw + 16, h->stream, 4);
    otaf_put_le(raw + 28, ota_boot_record_crc(0, raw, 28), 4);
    return otaf_program(&s->area, unit_off(s, unit), raw, piece_off(s));
}

/* Everything before the head that makes a version valid must be in the cells before it. */
static int32_t put_piece(const struct ota_mcu_store *s, const struct job *j, uint32_t unit, uint8_t index)
{
    uint32_t begin = index * piece_max(s), left = j->stream - begin;
    struct head h = { .sequence = j->sequence, .stream = j->stream, .index = index };
    int32_t number = otaf_erase(&s->area, unit_off(s, unit), otaf_geometry(&s->area).erase_unit);

    h.len = (uint16_t)(left < piece_max(s) ? left : piece_max(s));
    if (number == 0)
        number = program_piece(s, j, unit, begin, h.len, &h.sum);
    if (number == 0 && index == 0)
        number = otaf_sync(&s->area);
    if (number == 0)
        number = program_head(s, unit, &h);
    return number;
}

static uint32_t find_free(struct ota_mcu_store *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t unit = (s->next + i) % s->count;

        if (s->unit[unit].use == FREE) {
            s->next = (uint16_t)((unit + 1u) % s->count);
            return unit;
        }
    }
    return NONE;
}

/* Write all pieces. A unit that fails is not used again. @return OTA_OK, DEVICE_FULL, DEVICE_STORE */
static ota_err attempt(struct ota_mcu_store *s, const struct job *j, int32_t *number)
{
    for (uint32_t left = pieces_of(s, j->stream); left > 0; left--) {
        uint8_t index = (uint8_t)(left - 1u);
        uint32_t unit = find_free(s);

        if (unit == NONE)
            return *number != 0 ? OTA_DEVICE_STORE : OTA_DEVICE_FULL;
        *number = put_piece(s, j, unit, index);
        s->unit[unit].use = *number == 0 ? TAKEN : BAD;
        s->unit[unit].sequence = j->sequence;
        s->unit[unit].index = index;
        if (*number != 0) {
            s->bad++;
            return OTA_DEVICE_STORE;
        }
    }
    *number = otaf_sync(&s->area);
    return *number == 0 ? OTA_OK : OTA_DEVICE_STORE;
}

static ota_err write_version(struct ota_mcu_store *s, struct job *j, int32_t *number)
{
    ota_err err = OTA_DEVICE_STORE;

    for (uint32_t i = 0; i < ATTEMPTS && err == OTA_DEVICE_STORE; i++) {
        j->sequence = ++s->sequence;
        err = attempt(s, j, number);
        if (err != OTA_OK)
            release(s, j->sequence);
    }
    return err;
}

static ota_err store_write(struct ota_store *port, const char *name, const void *buf, size_t len, int32_t *port_code)
{
    struct ota_mcu_store *s = self(port);
    struct job j = { .data = buf };
    int32_t number = 0;
    ota_err err;

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    if (len > s->area.len)
        return OTA_DEVICE_FULL;
    strncpy(j.name, name, sizeof j.name - 1u);
    j.stream = OTA_STORE_NAME_MAX + (uint32_t)len;
    uint32_t old = find(s, name, &number);
    uint32_t old_sequence = old == NONE ? 0 : s->unit[old].sequence;
    if (number != 0)
        return otaf_result(number, OTA_DEVICE_STORE, port_code);
    if (pieces_of(s, j.stream) > s->count)
        return OTA_DEVICE_FULL;
    err = write_version(s, &j, &number);
    if (err == OTA_OK && old != NONE)
        release(s, old_sequence);
    (void)otaf_result(number, err, port_code);
    return err;
}

/* ---- remove ---- */

static int32_t erase_unit(struct ota_mcu_store *s, uint32_t unit)
{
    return otaf_erase(&s->area, unit_off(s, unit), otaf_geometry(&s->area).erase_unit);
}

/* Older versions whose units were not used again would come back: they go first. */
static int32_t erase_older(struct ota_mcu_store *s, const char *name)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct head h;
        int32_t number = 0;

        if (s->unit[i].use == TAKEN || !read_head(s, i, &h, &number) || h.index != 0 || !is_named(s, i, name, &number)) {
            if (number != 0)
                return number;
            continue;
        }
        number = erase_unit(s, i);
        if (number != 0)
            return number;
    }
    return 0;
}

static ota_err store_remove(struct ota_store *port, const char *name, int32_t *port_code)
{
    struct ota_mcu_store *s = self(port);
    int32_t number = 0;

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    uint32_t unit = find(s, name, &number);
    if (number == 0 && unit != NONE)
        number = erase_older(s, name);
    if (number == 0 && unit != NONE)
        number = erase_unit(s, unit);
    if (number == 0)
        number = otaf_sync(&s->area);
    if (number == 0 && unit != NONE)
        release(s, s->unit[unit].sequence);
    return otaf_result(number, OTA_DEVICE_STORE, port_code);
}

static const struct ota_store_ops ops = { store_read, store_write, store_remove };

/* ---- start ---- */

static int32_t read_heads(struct ota_mcu_store *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct head h;
        int32_t number = 0;

        s->unit[i].use = FREE;
        if (!read_head(s, i, &h, &number)) {
            if (number != 0)
                return number;
            continue;
        }
        s->unit[i].use = TAKEN;
        s->unit[i].sequence = h.sequence;
        s->unit[i].index = h.index;
        if (h.sequence > s->sequence) {
            s->sequence = h.sequence;
            s->next = (uint16_t)((i + 1u) % s->count);
        }
    }
    return 0;
}

/* Of two versions of a record, the older one counts no more. */
static int32_t drop_older(struct ota_mcu_store *s)
{
    char name[OTA_STORE_NAME_MAX];

    for (uint32_t i = 0; i < s->count; i++) {
        if (s->unit[i].use != TAKEN || s->unit[i].index != 0)
            continue;
        int32_t number = read_name(s, i, name);
        name[sizeof name - 1u] = '\0';
        for (uint32_t k = 0; k < s->count && number == 0; k++)
            if (s->unit[k].use == TAKEN && s->unit[k].index == 0 && s->unit[k].sequence < s->unit[i].sequence &&
                is_named(s, k, name, &number))
                s->unit[k].use = FREE;
        if (number != 0)
            return number;
    }
    return 0;
}

/* Pieces whose version never became valid, or is not the newest. */
static void drop_strays(struct ota_mcu_store *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->unit[i].use == TAKEN && find_piece(s, s->unit[i].sequence, 0) == NONE)
            s->unit[i].use = FREE;
}

ota_err ota_mcu_store_open(struct ota_mcu_store *s, const struct ota_mcu_area *where, struct ota_fault *fault)
{
    int32_t number;

    if (!s || !otaf_area_ok(where, UNITS_MIN, OTA_MCU_STORE_BLOCKS))
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "store.area", 0);
    *s = (struct ota_mcu_store){ .port = { &ops }, .area = *where };
    s->count = (uint16_t)(where->len / otaf_geometry(where).erase_unit);
    number = read_heads(s);
    if (number == 0)
        number = drop_older(s);
    if (number != 0)
        return ota_fault_set(fault, OTA_DEVICE_STORE, "store.read", number);
    drop_strays(s);
    return OTA_OK;
}
