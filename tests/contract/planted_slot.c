/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include <string.h>

#include "ota/ram.h"
#include "report.h"

enum slot_fault {
    SLOT_GOOD,
    SLOT_GEOMETRY_GROWS,
    SLOT_UNIT_NOT_POWER,
    SLOT_WRITES_NOTHING,
    SLOT_LOSES_LAST_BYTE,
    SLOT_ERASES_TOO_MUCH,
    SLOT_ERASES_NOTHING,
    SLOT_READS_TOO_MUCH,
    SLOT_READS_ALIGNED,
    SLOT_WRAPS,
    SLOT_SILENT_NUMBER,
    SLOT_SYNC_ONCE,
    SLOT_FAULTS
};

struct bad_slot {
    struct ota_slot port;
    struct ota_ram_slot good;
    enum slot_fault fault;
    uint32_t asked, synced;
    uint8_t mem[16384];
};

static struct bad_slot *slot_of(struct ota_slot *s)
{
    return (struct bad_slot *)s;
}

static ota_err bad_geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *code)
{
    struct bad_slot *b = slot_of(s);
    ota_err err = b->good.port.ops->geometry(&b->good.port, out, code);

    if (b->fault == SLOT_GEOMETRY_GROWS)
        out->size += b->asked++;
    if (b->fault == SLOT_UNIT_NOT_POWER)
        out->write_unit = 3;
    return err;
}

static ota_err bad_erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *code)
{
    struct bad_slot *b = slot_of(s);

    if (b->fault == SLOT_ERASES_NOTHING)
        return OTA_OK;
    if (b->fault == SLOT_ERASES_TOO_MUCH && off + len < sizeof b->mem)
        len = sizeof b->mem - off;
    return b->good.port.ops->erase(&b->good.port, off, len, code);
}

static ota_err bad_write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *code)
{
    struct bad_slot *b = slot_of(s);
    ota_err err;

    if (b->fault == SLOT_WRITES_NOTHING)
        return OTA_OK;
    if (b->fault == SLOT_WRAPS)
        off %= sizeof b->mem;
    err = b->good.port.ops->write(&b->good.port, off, buf, len, code);
    if (b->fault == SLOT_LOSES_LAST_BYTE && err == OTA_OK)
        b->mem[off + len - 1] = 0xff;
    if (b->fault == SLOT_SILENT_NUMBER)
        *code = 0;
    return err;
}

static ota_err bad_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct bad_slot *b = slot_of(s);

    if (b->fault == SLOT_READS_TOO_MUCH)
        ((uint8_t *)buf)[len] = 0;
    if (b->fault == SLOT_READS_ALIGNED)
        off -= off % 16;
    if (b->fault == SLOT_WRAPS)
        off %= sizeof b->mem;
    return b->good.port.ops->read(&b->good.port, off, buf, len, code);
}

static ota_err bad_sync(struct ota_slot *s, int32_t *code)
{
    struct bad_slot *b = slot_of(s);

    if (b->fault == SLOT_SYNC_ONCE && b->synced++ > 0)
        return OTA_DEVICE_SLOT;
    return b->good.port.ops->sync(&b->good.port, code);
}

unsigned planted_slot(unsigned fault)
{
    static const struct ota_slot_ops ops = { bad_geometry, bad_erase, bad_write, bad_read, bad_sync };
    static const struct ota_slot_geometry g = { 16384, 16, 4096 };
    static struct bad_slot b;
    struct ota_contract_report r = quiet_report();

    b.port.ops = &ops;
    b.fault = (enum slot_fault)fault;
    b.asked = b.synced = 0;
    ota_ram_slot_init(&b.good, b.mem, &g);
    return ota_contract_slot(&b.port, &r);
}

const unsigned planted_slot_faults = SLOT_FAULTS;
