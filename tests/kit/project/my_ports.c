/* SPDX-License-Identifier: Apache-2.0 */
/* Flash map: the boot record, the store's records, the slot behind them. Whatever is recorded has room for two copies, and
 * the older one is written: sequence number, length, CRC, then the bytes. */
#include "my_ports.h"

#include <ota/boot_record.h>
#include <string.h>

#define HEAD 16u
#define BOOT_OFF 0u
#define RECORD_OFF(i) ((1u + (i)) * 2u * MY_COPY)
#define RECORDS 9u
#define SLOT_OFF RECORD_OFF(RECORDS)
#define ABSENT (-1)

struct copy {
    bool whole;
    uint32_t sequence, len;
};

/* What the agent keeps (SPEC.md): metadata by repository and role, results to report, and its journal. */
static const char *const names[RECORDS] = { "product.root.json", "product.timestamp.json", "product.snapshot.json",
    "product.targets.json", "product.groups.json", "product.pub-acme.json", "reports", "journal.0", "journal.1" };

static uint32_t crc(const uint8_t *p, size_t len)
{
    uint32_t c = 0xffffffffu;

    for (size_t i = 0; i < len; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = (c >> 1) ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

static struct copy read_copy(struct my_device *d, uint32_t off, uint8_t bytes[MY_COPY])
{
    struct copy c = { false, 0, 0 };
    uint32_t sum;

    if (ota_cut_flash_read(d->rig.flash, off, bytes, MY_COPY) != 0)
        return c;
    memcpy(&c.sequence, bytes, 4);
    memcpy(&c.len, bytes + 4, 4);
    memcpy(&sum, bytes + 8, 4);
    if (c.sequence == 0xffffffffu || c.len > MY_COPY - HEAD)
        return c;
    c.whole = d->mistake == STORE_NO_CHECK || sum == (crc(bytes + HEAD, c.len) ^ c.sequence ^ c.len);
    return c;
}

/* Which of two copies counts, 0 or 1; its bytes are in d->copy then. */
static int newest(struct my_device *d, uint32_t off, bool in_place, struct copy *c)
{
    struct copy a = read_copy(d, off, d->copy), b = read_copy(d, off + MY_COPY, d->other);

    *c = a;
    if (!in_place && b.whole && (!a.whole || b.sequence > a.sequence)) {
        memcpy(d->copy, d->other, MY_COPY);
        *c = b;
        return 1;
    }
    return a.whole ? 0 : ABSENT;
}

static bool write_newest(struct my_device *d, uint32_t off, bool in_place, bool sync, const void *data, uint32_t len)
{
    struct ota_cut_flash *f = d->rig.flash;
    struct copy c;
    int at = newest(d, off, in_place, &c);
    uint32_t to = off + (in_place || at != 0 ? 0 : MY_COPY);
    uint32_t sequence = at == ABSENT ? 1 : c.sequence + 1, padded = (HEAD + len + MY_WRITE - 1) / MY_WRITE * MY_WRITE, sum;

    memset(d->copy, 0xff, sizeof d->copy);
    memcpy(d->copy, &sequence, 4);
    memcpy(d->copy + 4, &len, 4);
    memcpy(d->copy + HEAD, data, len);
    sum = crc(d->copy + HEAD, len) ^ sequence ^ len;
    memcpy(d->copy + 8, &sum, 4);
    return ota_cut_flash_erase(f, to, MY_COPY) == 0 && ota_cut_flash_write(f, to, d->copy, padded) == 0 &&
           (!sync || ota_cut_flash_sync(f) == 0);
}

/* ---- store: a record's first byte says whether it is there, so that removing is writing ---- */

/* 0: no record has this name. */
static uint32_t place_of(const char *name)
{
    for (uint32_t i = 0; i < RECORDS; i++)
        if (strcmp(name, names[i]) == 0)
            return RECORD_OFF(i);
    return 0;
}

static ota_err store_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    struct my_device *d = *(struct my_device **)(void *)(s + 1);
    struct copy c;
    uint32_t off = place_of(name);

    *code = 0;
    if (d->rig.flash->off)
        return OTA_DEVICE_STORE;
    if (off == 0 || newest(d, off, d->mistake == STORE_IN_PLACE, &c) == ABSENT || d->copy[HEAD] == 0)
        return OTA_DEVICE_ABSENT;
    *len = c.len - 1;
    memcpy(buf, d->copy + HEAD + 1, *len < cap ? *len : cap);
    return OTA_OK;
}

static ota_err put_record(struct ota_store *s, const char *name, const void *buf, size_t len, uint8_t there)
{
    struct my_device *d = *(struct my_device **)(void *)(s + 1);
    uint32_t off = place_of(name);

    if (off == 0 || len + 1 > MY_COPY - HEAD)
        return there ? OTA_DEVICE_FULL : OTA_OK;
    d->record[0] = there;
    if (len)
        memcpy(d->record + 1, buf, len);
    return write_newest(d, off, d->mistake == STORE_IN_PLACE, d->mistake != STORE_NO_SYNC, d->record, (uint32_t)len + 1)
               ? OTA_OK : OTA_DEVICE_STORE;
}

static ota_err store_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *code)
{
    *code = 0;
    return put_record(s, name, buf, len, 1);
}

static ota_err store_remove(struct ota_store *s, const char *name, int32_t *code)
{
    *code = 0;
    return put_record(s, name, NULL, 0, 0);
}

static const struct ota_store_ops store_ops = { store_read, store_write, store_remove };

static struct ota_store *start_store(struct ota_cut_rig *rig)
{
    struct my_device *d = (struct my_device *)(void *)rig;

    d->store.port.ops = &store_ops;
    d->store.dev = d;
    return &d->store.port;
}

/* ---- slot ---- */

static struct my_device *device_of_slot(struct ota_slot *s)
{
    return *(struct my_device **)(void *)(s + 1);
}

static struct ota_cut_flash *flash_of(struct ota_slot *s)
{
    return device_of_slot(s)->rig.flash;
}

static uint32_t slot_place(struct ota_slot *s, uint64_t off)
{
    uint32_t begin = device_of_slot(s)->mistake == MAP_OVERLAPS ? RECORD_OFF(RECORDS - 2) : SLOT_OFF;

    return begin + (uint32_t)off;
}

static ota_err done(int result, int32_t *code)
{
    *code = result;
    return result == 0 ? OTA_OK : OTA_DEVICE_SLOT;
}

static bool fits(uint64_t off, uint64_t len)
{
    uint64_t size = MY_FLASH_LEN - SLOT_OFF;

    return off <= size && len <= size - off;
}

static ota_err slot_geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *code)
{
    (void)s;
    *code = 0;
    *out = (struct ota_slot_geometry){ MY_FLASH_LEN - SLOT_OFF, MY_WRITE, MY_ERASE };
    return OTA_OK;
}

static ota_err slot_erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *code)
{
    return done(fits(off, len) ? ota_cut_flash_erase(flash_of(s), slot_place(s, off), (uint32_t)len) : -1, code);
}

static ota_err slot_write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *code)
{
    return done(fits(off, len) ? ota_cut_flash_write(flash_of(s), slot_place(s, off), buf, (uint32_t)len) : -1, code);
}

static ota_err slot_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *code)
{
    return done(fits(off, len) ? ota_cut_flash_read(flash_of(s), slot_place(s, off), buf, (uint32_t)len) : -1, code);
}

static ota_err slot_sync(struct ota_slot *s, int32_t *code)
{
    struct my_device *d = device_of_slot(s);

    return d->mistake == SLOT_NO_SYNC ? OTA_OK : done(ota_cut_flash_sync(d->rig.flash), code);
}

static const struct ota_slot_ops slot_ops = { slot_geometry, slot_erase, slot_write, slot_read, slot_sync };

static struct ota_slot *start_slot(struct ota_cut_rig *rig)
{
    struct my_device *d = (struct my_device *)(void *)rig;

    d->slot.port.ops = &slot_ops;
    d->slot.dev = d;
    return &d->slot.port;
}

/* ---- boot control: the library's boot record, in two pages ---- */

static bool load(struct my_device *d, struct ota_boot_record *r)
{
    static const uint8_t first[1] = { 0 };
    struct copy c;

    if (newest(d, BOOT_OFF, d->mistake == BOOT_IN_PLACE, &c) != ABSENT && c.len == OTA_BOOT_RECORD_LEN)
        return ota_boot_record_decode(r, d->copy + HEAD);
    ota_boot_record_init(r, first, 1); /* fresh from the factory */
    return !d->rig.flash->off;
}

static ota_err keep(struct my_device *d, const struct ota_boot_record *r)
{
    uint8_t raw[OTA_BOOT_RECORD_LEN];

    ota_boot_record_encode(r, raw);
    return write_newest(d, BOOT_OFF, d->mistake == BOOT_IN_PLACE, true, raw, sizeof raw) ? OTA_OK : OTA_DEVICE_BOOT;
}

static struct my_device *device_of(struct ota_boot *b)
{
    return *(struct my_device **)(void *)(b + 1);
}

static ota_err boot_view(struct ota_boot *b, struct ota_boot_view *out, int32_t *code)
{
    struct ota_boot_record r;

    *code = 0;
    if (!load(device_of(b), &r))
        return OTA_DEVICE_BOOT;
    ota_boot_record_view(&r, out);
    return OTA_OK;
}

static ota_err boot_arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    struct ota_boot_record r;

    *code = 0;
    if (!load(device_of(b), &r) || ota_boot_record_arm(&r, slot, count, tries) != OTA_OK)
        return OTA_DEVICE_BOOT;
    return keep(device_of(b), &r);
}

static ota_err change(struct ota_boot *b, bool (*rule)(struct ota_boot_record *))
{
    struct ota_boot_record r;

    if (!load(device_of(b), &r))
        return OTA_DEVICE_BOOT;
    return rule(&r) ? keep(device_of(b), &r) : OTA_OK;
}

static ota_err boot_confirm(struct ota_boot *b, int32_t *code)
{
    *code = 0;
    return change(b, ota_boot_record_confirm);
}

static ota_err boot_revert(struct ota_boot *b, int32_t *code)
{
    *code = 0;
    return change(b, ota_boot_record_revert);
}

static ota_err boot_reboot(struct ota_boot *b, int32_t *code)
{
    (void)b;
    *code = 0;
    return OTA_OK;
}

static const struct ota_boot_ops boot_ops = { boot_view, boot_arm, boot_confirm, boot_revert, boot_reboot };

/* What the loader does at a start. */
static struct ota_boot *start_boot(struct ota_cut_rig *rig)
{
    struct my_device *d = (struct my_device *)(void *)rig;
    struct ota_boot_record r;
    bool changed = false;

    if (!load(d, &r))
        return NULL;
    uint8_t tries = r.tries;
    (void)ota_boot_record_start(&r, &changed);
    if (d->mistake == BOOT_NO_TRIES)
        r.tries = tries;
    if (changed && keep(d, &r) != OTA_OK)
        return NULL;
    d->boot.port.ops = &boot_ops;
    d->boot.dev = d;
    return &d->boot.port;
}

void my_device_open(struct my_device *d, struct ota_cut_flash *flash)
{
    memset(d, 0, sizeof *d);
    d->rig.flash = flash;
    d->rig.store = start_store;
    d->rig.slot = start_slot;
    d->rig.boot = start_boot;
}
