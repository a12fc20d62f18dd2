/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journal. One record ("journal.0" or "journal.1"; an even generation is in journal.0), integers little-endian:
 *
 *   0   4  magic "OTAJ"
 *   4   1  major version: 1. A reader refuses every other one
 *   5   1  minor version: 3. A reader takes any: each minor only appends to the body
 *   6   2  body length
 *   8   4  generation, >= 1; after 4294967295 comes 2. Of two copies the one less than 2^31 ahead is the newer
 *   12  n  body
 *   12+n 4 CRC-32 of everything before it
 *
 * Body, in this order. "text N" is N bytes of printable ASCII, then NULs to the end, at least one:
 *   starts u32, state u8, trial_starts u8, arms u8, outcome u8, report_id u32, report_last u32, deferred_s u32,
 *   full_utc_s i64, fresh_until_s i64, fetched u64, seq u64, seq_floor u64, deployment 32, confirmed 32, blocked 32,
 *   cause: { err u32, port_code i32, state u8, component u8, where text 48 }, etag text 80,
 *   4 x progress: { wanted u8 (0 or 1), slot u8 (0, 1, 255), security u32, length u64, out_off u64, src_off u64,
 *                   sha256 32, src_sha256 32, version text 32, etag text 80 },
 *   4 x installed: { known u8 (0 or 1), security_floor u32, sha256 32, version text 32 },
 *   since 1.1: time_floor_s i64,
 *   since 1.2: 4 x choice: { codec u8, why u8 (enum ota_codec, enum ota_why), failed u8 (bit n: codec n failed) },
 *   since 1.3: ruled u8 (0 or 1), poll_s u32, defer_system_min u32, defer_application_min u32, kept_from u32, held_by u32
 *              (enum ota_hold); a writer without OTA_POLICY ends before them
 *
 * A body that ends between two fields leaves the rest zero; bytes after the last known field are ignored.
 */
#include "journal.h"

#include <string.h>

#include "bytes.h"
#include "ota/ota.h"
#include "record.h"

#define HEAD_LEN 12u
#define CRC_LEN 4u

#define FIELD(type, member, kind, arg, name) { (uint16_t)offsetof(struct type, member), OTAI_F_##kind, arg, name }
#define TABLE(rows) ((struct otai_table){ rows, sizeof rows / sizeof rows[0] })

#ifndef OTAI_RULED_HEADER
#define OTAI_RULED_HEADER "ruled_on.h"
#endif
#include OTAI_RULED_HEADER

static const struct otai_field main_rows[] = {
    FIELD(otai_journal, starts, U32, 0, NULL),
    FIELD(otai_journal, state, U8, OTA_ST_COUNT - 1, "state"),
    FIELD(otai_journal, trial_starts, U8, UINT8_MAX, NULL),
    FIELD(otai_journal, arms, U8, UINT8_MAX, NULL),
    FIELD(otai_journal, outcome, U8, OTA_OUTCOME_REFUSED, "outcome"),
    FIELD(otai_journal, report_id, U32, 0, NULL),
    FIELD(otai_journal, report_last, U32, 0, NULL),
    FIELD(otai_journal, deferred_s, U32, 0, NULL),
    FIELD(otai_journal, full_utc_s, U64, 0, NULL),
    FIELD(otai_journal, fresh_until_s, U64, 0, NULL),
    FIELD(otai_journal, fetched, U64, 0, NULL),
    FIELD(otai_journal, seq, U64, 0, NULL),
    FIELD(otai_journal, seq_floor, U64, 0, NULL),
    FIELD(otai_journal, deployment, BYTES, OTA_SHA256_LEN, NULL),
    FIELD(otai_journal, confirmed, BYTES, OTA_SHA256_LEN, NULL),
    FIELD(otai_journal, blocked, BYTES, OTA_SHA256_LEN, NULL),
    FIELD(otai_journal, cause.err, ERR, 0, "cause.err"),
    FIELD(otai_journal, cause.port_code, U32, 0, NULL),
    FIELD(otai_journal, cause.state, U8, OTA_ST_COUNT - 1, "cause.state"),
    FIELD(otai_journal, cause.component, U8, UINT8_MAX, NULL),
    FIELD(otai_journal, cause.where, TEXT, OTA_FAULT_WHERE_MAX, "cause.where"),
    FIELD(otai_journal, etag, TEXT, OTA_ETAG_MAX, "etag"),
};

static const struct otai_field progress_rows[] = {
    FIELD(otai_progress, wanted, U8, 1, "progress.wanted"),
    FIELD(otai_progress, slot, SLOT, 0, "progress.slot"),
    FIELD(otai_progress, security, U32, 0, NULL),
    FIELD(otai_progress, length, U64, 0, NULL),
    FIELD(otai_progress, out_off, U64, 0, NULL),
    FIELD(otai_progress, src_off, U64, 0, NULL),
    FIELD(otai_progress, sha256, BYTES, OTA_SHA256_LEN, NULL),
    FIELD(otai_progress, src_sha256, BYTES, OTA_SHA256_LEN, NULL),
    FIELD(otai_progress, version, TEXT, OTA_VERSION_MAX, "progress.version"),
    FIELD(otai_progress, etag, TEXT, OTA_ETAG_MAX, "progress.etag"),
};

/* Since 1.2; in struct otai_progress. Numbers of later versions are kept as they are. */
static const struct otai_field choice_rows[] = {
    FIELD(otai_progress, codec, U8, UINT8_MAX, NULL),
    FIELD(otai_progress, why, U8, UINT8_MAX, NULL),
    FIELD(otai_progress, failed, U8, UINT8_MAX, NULL),
};

static const struct otai_field installed_rows[] = {
    FIELD(otai_installed, known, U8, 1, "installed.known"),
    FIELD(otai_installed, security_floor, U32, 0, NULL),
    FIELD(otai_installed, sha256, BYTES, OTA_SHA256_LEN, NULL),
    FIELD(otai_installed, version, TEXT, OTA_VERSION_MAX, "installed.version"),
};

static const struct otai_field rows_1_1[] = {
    FIELD(otai_journal, time_floor_s, U64, 0, NULL),
};

static const char *const copy_names[2] = { "journal.0", "journal.1" };

size_t otai_journal_encode(const struct otai_journal *j, uint8_t out[OTAI_JOURNAL_MAX])
{
    uint8_t *p = otai_record_put(out + HEAD_LEN, TABLE(main_rows), j);

    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        p = otai_record_put(p, TABLE(progress_rows), &j->progress[i]);
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        p = otai_record_put(p, TABLE(installed_rows), &j->installed[i]);
    p = otai_record_put(p, TABLE(rows_1_1), j);
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        p = otai_record_put(p, TABLE(choice_rows), &j->progress[i]);
    p = put_ruled(p, j);
    size_t len = (size_t)(p - out);
    memcpy(out, "OTAJ", 4);
    out[4] = OTAI_JOURNAL_MAJOR;
    out[5] = OTAI_JOURNAL_MINOR;
    out[6] = (uint8_t)(len - HEAD_LEN);
    out[7] = (uint8_t)((len - HEAD_LEN) >> 8);
    otai_put_le32(out + 8, j->generation);
    otai_put_le32(p, otai_crc32(0, out, len));
    return len + CRC_LEN;
}

/* The name of what is wrong with the envelope, or NULL. */
static const char *check_envelope(const uint8_t *p, size_t len)
{
    if (len < HEAD_LEN + CRC_LEN || len > OTAI_JOURNAL_MAX)
        return "journal.length";
    if (memcmp(p, "OTAJ", 4) != 0)
        return "journal.magic";
    if (otai_crc32(0, p, len - CRC_LEN) != otai_get_le32(p + len - CRC_LEN))
        return "journal.crc";
    if (p[4] != OTAI_JOURNAL_MAJOR)
        return "journal.major";
    if ((size_t)(p[6] | p[7] << 8) != len - HEAD_LEN - CRC_LEN)
        return "journal.length";
    return otai_get_le32(p + 8) == 0 ? "journal.generation" : NULL;
}

static const char *get_body(struct otai_record_in in, struct otai_journal *j)
{
    otai_record_get(&in, TABLE(main_rows), j);
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        otai_record_get(&in, TABLE(progress_rows), &j->progress[i]);
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        otai_record_get(&in, TABLE(installed_rows), &j->installed[i]);
    otai_record_get(&in, TABLE(rows_1_1), j);
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        otai_record_get(&in, TABLE(choice_rows), &j->progress[i]);
    get_ruled(&in, j);
    return in.why;
}

ota_err otai_journal_decode(const uint8_t *p, size_t len, struct otai_journal *j, const char **why)
{
    memset(j, 0, sizeof *j);
    *why = check_envelope(p, len);
    if (!*why) {
        j->generation = otai_get_le32(p + 8);
        *why = get_body((struct otai_record_in){ p + HEAD_LEN, len - HEAD_LEN - CRC_LEN, NULL }, j);
    }
    if (!*why)
        return OTA_OK;
    memset(j, 0, sizeof *j);
    return OTA_DEVICE_JOURNAL;
}

/* Why a copy is not used. */
struct reason {
    ota_err err;   /* OTA_OK, DEVICE_ABSENT, DEVICE_STORE, DEVICE_JOURNAL */
    const char *where;
    int32_t port_code;
};

static struct reason load_copy(struct ota_store *store, unsigned copy, struct otai_journal *j, uint8_t *scratch)
{
    struct reason r = { OTA_OK, copy_names[copy], 0 };
    size_t len = 0;

    r.err = store->ops->read(store, r.where, scratch, OTAI_JOURNAL_MAX, &len, &r.port_code);
    if (r.err != OTA_OK) {
        r.err = r.err == OTA_DEVICE_ABSENT ? r.err : OTA_DEVICE_STORE;
        return r;
    }
    r.err = otai_journal_decode(scratch, len, j, &r.where);
    if (r.err == OTA_OK && (j->generation & 1) != copy)
        r = (struct reason){ OTA_DEVICE_JOURNAL, "journal.generation", 0 };
    return r;
}

/* An unreadable store weighs more than a bad record, and that more than none. */
static const struct reason *worse(const struct reason *a, const struct reason *b)
{
    if (a->err == OTA_DEVICE_STORE || b->err == OTA_DEVICE_ABSENT)
        return a;
    return b->err == OTA_DEVICE_STORE || a->err == OTA_DEVICE_ABSENT ? b : a;
}

static ota_err fail(struct otai_journal *j, const struct reason *r, struct ota_fault *fault)
{
    memset(j, 0, sizeof *j);
    return r->err == OTA_DEVICE_ABSENT ? OTA_SAME : ota_fault_set(fault, r->err, r->where, r->port_code);
}

/* 0 is no generation. After the last one comes 2, which is even as its place demands. */
static uint32_t generation_after(uint32_t g)
{
    return g == UINT32_MAX ? 2 : g + 1u;
}

/* The copies lie one write apart, so that the newer is the one a short way ahead, also across the wrap. */
static bool is_newer(uint32_t g, uint32_t than)
{
    return g != 0 && (than == 0 || g - than < UINT32_MAX / 2);
}

ota_err otai_journal_load(struct ota_store *store, struct otai_journal *j, uint8_t *scratch, struct ota_fault *fault)
{
    struct reason r[2];
    uint32_t generation[2];

    for (unsigned copy = 0; copy < 2; copy++) {
        r[copy] = load_copy(store, copy, j, scratch);
        generation[copy] = r[copy].err == OTA_OK ? j->generation : 0;
    }
    if (is_newer(generation[1], generation[0]))
        return OTA_OK;   /* the copy read last */
    if (generation[0] == 0)
        return fail(j, worse(&r[0], &r[1]), fault);
    r[0] = load_copy(store, 0, j, scratch);
    return r[0].err == OTA_OK ? OTA_OK : fail(j, &(struct reason){ OTA_DEVICE_STORE, r[0].where, r[0].port_code }, fault);
}

ota_err otai_journal_save(struct ota_store *store, struct otai_journal *j, uint8_t *scratch, struct ota_fault *fault)
{
    uint32_t before = j->generation;
    int32_t code = 0;

    j->generation = generation_after(before);
    size_t len = otai_journal_encode(j, scratch);
    const char *name = copy_names[j->generation & 1];
    ota_err err = store->ops->write(store, name, scratch, len, &code);
    if (err == OTA_OK)
        return OTA_OK;
    j->generation = before;
    return ota_fault_set(fault, err == OTA_DEVICE_FULL ? err : OTA_DEVICE_STORE, name, code);
}
