/* SPDX-License-Identifier: Apache-2.0 */
/* A store: a record is old or new as a whole, and no other one changes. */
#include <string.h>

#include "cuts.h"

#define RECORDS 3u
#define LEN_MAX 1000u
#define WRITES 9u

static const char *const names[RECORDS] = { "journal.0", "journal.1", "reports" };

/* Version 0 is absent. Lengths grow and shrink. */
static size_t length_of(unsigned record, unsigned version)
{
    return 1u + (record * 331u + version * 257u) % LEN_MAX;
}

static uint8_t byte_of(unsigned record, unsigned version, size_t i)
{
    return (uint8_t)(record * 67u + version * 29u + i * 7u + (i >> 8));
}

static struct {
    unsigned version[RECORDS];   /* durable for certain */
    unsigned record, next;       /* being written: this record becomes this version, */
    bool writing;                /* which is so or not so */
} told;

static bool holds(struct ota_store *s, unsigned record, unsigned version)
{
    uint8_t buf[LEN_MAX + 1];
    size_t len = 0;
    int32_t code = 0;
    ota_err err = s->ops->read(s, names[record], buf, sizeof buf, &len, &code);

    if (version == 0)
        return err == OTA_DEVICE_ABSENT;
    if (err != OTA_OK || len != length_of(record, version))
        return false;
    for (size_t i = 0; i < len; i++)
        if (buf[i] != byte_of(record, version, i))
            return false;
    return true;
}

static ota_err change(struct ota_store *s, unsigned record, unsigned version)
{
    uint8_t buf[LEN_MAX];
    size_t len = length_of(record, version);
    int32_t code = 0;

    told.record = record;
    told.next = version;
    told.writing = true;
    for (size_t i = 0; i < len; i++)
        buf[i] = byte_of(record, version, i);
    ota_err err = version ? s->ops->write(s, names[record], buf, len, &code) : s->ops->remove(s, names[record], &code);
    if (err != OTA_OK)
        return err;
    told.version[record] = version;
    told.writing = false;
    return OTA_OK;
}

static const char *use(struct ota_cut_rig *rig)
{
    memset(&told, 0, sizeof told);
    struct ota_store *s = rig->store(rig);
    if (!s)
        return rig->flash->off ? NULL : "store: it comes up on an empty flash";
    for (unsigned n = 0; n < WRITES; n++) {
        unsigned record = n % RECORDS, version = n == 7 ? 0 : n + 1;

        if (change(s, record, version) != OTA_OK)
            return rig->flash->off ? NULL : "store: a write succeeds";
    }
    return NULL;
}

/* Old or new, and from now on known. */
static bool settle(struct ota_store *s)
{
    if (!told.writing)
        return true;
    bool is_new = holds(s, told.record, told.next);

    if (is_new)
        told.version[told.record] = told.next;
    told.writing = false;
    return is_new || holds(s, told.record, told.version[told.record]);
}

static const char *look(struct ota_cut_rig *rig)
{
    struct ota_store *s = rig->store(rig);

    if (!s)
        return "store: it comes up after a power cut";
    bool writing = told.writing;
    unsigned record = told.record, next = told.next;
    if (!settle(s)) {
        told.writing = writing;
        return "store: a record is old or new after a power cut";
    }
    if (rig->flash->off) { /* what was read said nothing */
        told.writing = writing;
        told.record = record;
        told.next = next;
        return NULL;
    }
    for (unsigned r = 0; r < RECORDS; r++)
        if (!holds(s, r, told.version[r]))
            return "store: a power cut leaves other records alone";
    for (unsigned r = 0; r < RECORDS; r++) {
        if (change(s, r, 20 + r) != OTA_OK)
            return "store: a record can be written after a power cut";
        if (!holds(s, r, 20 + r))
            return "store: what is written after a power cut is read";
    }
    return NULL;
}

unsigned ota_cuts_store(struct ota_cut_rig *rig)
{
    static const struct cuts_use store = { use, look };

    return cuts_everywhere(rig, &store);
}
