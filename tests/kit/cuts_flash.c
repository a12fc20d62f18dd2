/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cuts.h"

const char *ota_cut_shape_name(enum ota_cut_shape shape)
{
    static const char *const names[OTA_CUT_SHAPES] = { "lost", "torn", "behind", "garbage", "dropped", "done" };

    return (unsigned)shape < OTA_CUT_SHAPES ? names[shape] : "unknown";
}

static void misuse(struct ota_cut_flash *f, const char *what)
{
    if (!f->misuse)
        f->misuse = what;
}

static bool inside(struct ota_cut_flash *f, uint32_t off, uint32_t len)
{
    bool ok = off <= f->size && len <= f->size - off;

    if (!ok)
        misuse(f, "flash: the range lies outside");
    return ok;
}

/* An erase has no data. */
static void put(uint8_t *to, const uint8_t *data, uint32_t from, uint32_t len)
{
    if (data)
        memcpy(to + from, data + from, len);
    else
        memset(to + from, 0xff, len);
}

static void cut(struct ota_cut_flash *f, uint32_t off, const uint8_t *data, uint32_t len)
{
    uint32_t half = len / 2;

    f->off = true;
    if (f->shape == OTA_CUT_DROPPED)
        memcpy(f->now, f->safe, f->size);
    if (f->shape == OTA_CUT_TORN)
        put(f->now + off, data, 0, half);
    if (f->shape == OTA_CUT_BEHIND)
        put(f->now + off, data, half, len - half);
    if (f->shape == OTA_CUT_DONE)
        put(f->now + off, data, 0, len);
    for (uint32_t i = 0; f->shape == OTA_CUT_GARBAGE && i < len; i++)
        f->now[off + i] = (uint8_t)(0x5a ^ (i * 31u));
    memcpy(f->safe, f->now, f->size);
}

/* One operation. true: it happens. */
static bool happens(struct ota_cut_flash *f, uint32_t off, const uint8_t *data, uint32_t len)
{
    if (f->off)
        return false;
    if (++f->ops != f->cut_at)
        return true;
    cut(f, off, data, len);
    return false;
}

int ota_cut_flash_read(struct ota_cut_flash *f, uint32_t off, void *buf, uint32_t len)
{
    if (f->off || !inside(f, off, len))
        return -1;
    memcpy(buf, f->now + off, len);
    return 0;
}

int ota_cut_flash_write(struct ota_cut_flash *f, uint32_t off, const void *buf, uint32_t len)
{
    if (!inside(f, off, len))
        return -1;
    if (f->write_unit && (off % f->write_unit || len % f->write_unit))
        misuse(f, "flash: a write is not aligned to the write unit");
    for (uint32_t i = 0; f->erase_unit && i < len; i++)
        if (f->now[off + i] != 0xff) {
            misuse(f, "flash: a write to bytes that are not erased");
            break;
        }
    if (f->change)
        return f->change(f, off, buf, len);
    if (!happens(f, off, buf, len))
        return -1;
    memcpy(f->now + off, buf, len);
    return 0;
}

int ota_cut_flash_erase(struct ota_cut_flash *f, uint32_t off, uint32_t len)
{
    if (!inside(f, off, len))
        return -1;
    if (f->erase_unit == 0 || off % f->erase_unit || len % f->erase_unit)
        misuse(f, "flash: an erase is not aligned to the erase unit");
    if (f->change)
        return f->change(f, off, NULL, len);
    if (!happens(f, off, NULL, len))
        return -1;
    memset(f->now + off, 0xff, len);
    return 0;
}

int ota_cut_flash_sync(struct ota_cut_flash *f)
{
    if (f->change)
        return f->change(f, 0, NULL, 0);
    if (!happens(f, 0, NULL, 0))
        return -1;
    memcpy(f->safe, f->now, f->size);
    return 0;
}

void cuts_power_on(struct ota_cut_flash *f)
{
    f->off = false;
    f->cut_at = 0;
}
