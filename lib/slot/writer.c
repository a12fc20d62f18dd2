/* SPDX-License-Identifier: Apache-2.0 */
/* Fill a spare slot in order: whole write units, erased just ahead of the writes. */
#include <string.h>

#include "slot.h"

#define WRITE_UNIT_MAX 4096u

static bool is_power_of_two(uint32_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

/* v up to the next multiple of unit, a power of two or 0. Saturates. */
static uint64_t round_up(uint64_t v, uint32_t unit)
{
    uint64_t mask = unit ? unit - 1u : 0u;

    return v > UINT64_MAX - mask ? UINT64_MAX : (v + mask) & ~mask;
}

/* Whatever a port answers, a failed operation is a failed device. */
static ota_err failed(struct otai_writer *w, ota_err err, const char *where, int32_t code)
{
    return ota_fault_set(w->fault, ota_err_class(err) == OTA_CLASS_DEVICE ? err : OTA_DEVICE_SLOT, where, code);
}

static ota_err read_geometry(struct otai_writer *w)
{
    int32_t code = 0;
    ota_err err = w->slot->ops->geometry(w->slot, &w->g, &code);

    if (err != OTA_OK)
        return failed(w, err, "slot.geometry", code);
    if (!is_power_of_two(w->g.write_unit) || w->g.write_unit > WRITE_UNIT_MAX ||
        (w->g.erase_unit && !is_power_of_two(w->g.erase_unit)))
        return ota_fault_set(w->fault, OTA_DEVICE_SLOT, "slot.geometry", 0);
    return OTA_OK;
}

ota_err otai_writer_open(struct otai_writer *w, struct ota_slot *slot, uint8_t *buf, size_t cap, uint64_t length,
                         uint64_t from, struct ota_fault *fault)
{
    *w = (struct otai_writer){ .slot = slot, .buf = buf, .cap = cap, .off = from, .length = length, .erased = from, .fault = fault };
    ota_err err = read_geometry(w);
    if (err != OTA_OK)
        return err;
    uint32_t write = w->g.write_unit, erase = w->g.erase_unit;
    if (round_up(round_up(length, write), erase) > w->g.size)
        return ota_fault_set(fault, OTA_REJECT_TOO_BIG, "slot.size", 0);
    if (cap == 0 || (cap & (write - 1)))
        return ota_fault_set(fault, OTA_USAGE_MEMORY, "slot.buffer", 0);
    if (from > length || round_up(from, write) != from || round_up(from, erase) != from)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "slot.offset", 0);
    return OTA_OK;
}

/* Erase what a write up to `end` needs and nothing more: an erase is slow, and the next one may never be needed. */
static ota_err erase_to(struct otai_writer *w, uint64_t end)
{
    int32_t code = 0;

    end = round_up(end, w->g.erase_unit);
    if (w->g.erase_unit == 0 || end <= w->erased)
        return OTA_OK;
    ota_err err = w->slot->ops->erase(w->slot, w->erased, end - w->erased, &code);
    if (err != OTA_OK)
        return failed(w, err, "slot.erase", code);
    w->erased = end;
    return OTA_OK;
}

/* Whole units only. `off` is left to the caller: the last unit holds less than it writes. */
static ota_err write_units(struct otai_writer *w, const uint8_t *p, size_t len)
{
    int32_t code = 0;
    ota_err err = erase_to(w, w->off + len);

    if (err != OTA_OK)
        return err;
    err = w->slot->ops->write(w->slot, w->off, p, len, &code);
    return err == OTA_OK ? OTA_OK : failed(w, err, "slot.write", code);
}

/* Write out buf. The last unit of an image is padded. */
static ota_err flush(struct otai_writer *w)
{
    size_t padded = (size_t)round_up(w->fill, w->g.write_unit);

    if (w->fill == 0)
        return OTA_OK;
    memset(w->buf + w->fill, 0xff, padded - w->fill);
    ota_err err = write_units(w, w->buf, padded);
    if (err != OTA_OK)
        return err;
    w->off += w->fill;
    w->fill = 0;
    return OTA_OK;
}

/* Take some of p: straight to the slot when that makes whole units, else through buf. */
static ota_err add_some(struct otai_writer *w, const uint8_t *p, size_t len, size_t *taken)
{
    if (w->fill == 0 && len >= w->cap) {
        *taken = len & ~(size_t)(w->g.write_unit - 1);
        ota_err err = write_units(w, p, *taken);
        if (err == OTA_OK)
            w->off += *taken;
        return err;
    }
    *taken = len < w->cap - w->fill ? len : w->cap - w->fill;
    memcpy(w->buf + w->fill, p, *taken);
    w->fill += *taken;
    return w->fill == w->cap ? flush(w) : OTA_OK;
}

ota_err otai_writer_add(struct otai_writer *w, const uint8_t *p, size_t len)
{
    if (len > w->length - otai_writer_pos(w))
        return ota_fault_set(w->fault, OTA_REJECT_LENGTH, "slot.length", 0);
    while (len) {
        size_t taken = 0;
        ota_err err = add_some(w, p, len, &taken);
        if (err != OTA_OK)
            return err;
        p += taken;
        len -= taken;
    }
    return OTA_OK;
}

uint64_t otai_writer_pos(const struct otai_writer *w)
{
    return w->off + w->fill;
}

ota_err otai_writer_sync(struct otai_writer *w)
{
    int32_t code = 0;

    if ((w->fill & (w->g.write_unit - 1)) && otai_writer_pos(w) != w->length)
        return ota_fault_set(w->fault, OTA_USAGE_ARGUMENT, "slot.sync", 0);
    ota_err err = flush(w);
    if (err != OTA_OK)
        return err;
    err = w->slot->ops->sync(w->slot, &code);
    return err == OTA_OK ? OTA_OK : failed(w, err, "slot.sync", code);
}
