/* SPDX-License-Identifier: Apache-2.0 */
#include "area.h"

#define UNIT_MIN 512u
#define UNIT_MAX 65536u

static bool is_power(uint32_t v)
{
    return v != 0 && (v & (v - 1u)) == 0;
}

struct ota_mcu_geometry otaf_geometry(const struct ota_mcu_area *a)
{
    struct ota_mcu_geometry g = { 0, 0, 0 };

    a->flash->ops->geometry(a->flash, &g);
    return g;
}

static bool geometry_ok(const struct ota_mcu_geometry *g)
{
    return is_power(g->write_unit) && g->write_unit <= OTAF_CHUNK && is_power(g->erase_unit) && g->erase_unit >= UNIT_MIN &&
           g->erase_unit <= UNIT_MAX;
}

bool otaf_area_ok(const struct ota_mcu_area *a, uint32_t least, uint32_t most)
{
    struct ota_mcu_geometry g;

    if (!a || !a->flash)
        return false;
    g = otaf_geometry(a);
    return geometry_ok(&g) && a->off <= g.size && a->len <= g.size - a->off && (a->off | a->len) % g.erase_unit == 0 &&
           a->len / g.erase_unit >= least && a->len / g.erase_unit <= most;
}

static bool fits(const struct ota_mcu_area *a, uint32_t off, uint32_t len, uint32_t unit)
{
    return off <= a->len && len <= a->len - off && (off | len) % unit == 0;
}

int32_t otaf_read(const struct ota_mcu_area *a, uint32_t off, void *buf, uint32_t len)
{
    if (!fits(a, off, len, 1))
        return OTA_MCU_RANGE;
    return a->flash->ops->read(a->flash, a->off + off, buf, len);
}

/* Does [off, off+len) hold what buf does? NULL: erased bytes. */
static int32_t compare(const struct ota_mcu_area *a, uint32_t off, const uint8_t *buf, uint32_t len, int32_t otherwise)
{
    uint8_t is[OTAF_CHUNK];

    for (uint32_t at = 0; at < len; at += OTAF_CHUNK) {
        uint32_t n = len - at < OTAF_CHUNK ? len - at : OTAF_CHUNK;
        int32_t number = otaf_read(a, off + at, is, n);

        if (number != 0)
            return number;
        for (uint32_t i = 0; i < n; i++)
            if (is[i] != (buf ? buf[at + i] : 0xff))
                return otherwise;
    }
    return 0;
}

int32_t otaf_program(const struct ota_mcu_area *a, uint32_t off, const void *buf, uint32_t len)
{
    int32_t number;

    if (!fits(a, off, len, otaf_geometry(a).write_unit))
        return OTA_MCU_RANGE;
    number = a->flash->ops->program(a->flash, a->off + off, buf, len);
    return number != 0 ? number : compare(a, off, buf, len, OTA_MCU_MISMATCH);
}

int32_t otaf_erase(const struct ota_mcu_area *a, uint32_t off, uint32_t len)
{
    int32_t number;

    if (!fits(a, off, len, otaf_geometry(a).erase_unit))
        return OTA_MCU_RANGE;
    number = a->flash->ops->erase(a->flash, a->off + off, len);
    return number != 0 ? number : compare(a, off, NULL, len, OTA_MCU_NOT_ERASED);
}

int32_t otaf_sync(const struct ota_mcu_area *a)
{
    return a->flash->ops->sync(a->flash);
}
