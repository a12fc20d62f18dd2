/* SPDX-License-Identifier: Apache-2.0 */
/* The boot record on NOR: one copy per erase unit, each where the oldest one was, so that the newest is never touched. */
#include <string.h>

#include "area.h"

#define UNITS_MIN 2u
#define UNITS_MAX 255u
#define NONE UINT32_MAX
#define ATTEMPTS 3u

static uint32_t units(const struct ota_mcu_area *a)
{
    return a->len / otaf_geometry(a).erase_unit;
}

/* @return the unit of the newest valid copy, or NONE; *number is not 0 when the chip could not be read */
static uint32_t newest(const struct ota_mcu_area *a, struct ota_boot_record *r, int32_t *number)
{
    uint32_t best = NONE;

    *number = 0;
    for (uint32_t i = 0; i < units(a); i++) {
        uint8_t raw[OTA_BOOT_RECORD_LEN];
        struct ota_boot_record x;

        *number = otaf_read(a, i * otaf_geometry(a).erase_unit, raw, sizeof raw);
        if (*number != 0)
            return NONE;
        if (ota_boot_record_decode(&x, raw) && (best == NONE || x.generation > r->generation)) {
            *r = x;
            best = i;
        }
    }
    return best;
}

ota_err ota_mcu_boot_load(const struct ota_mcu_area *a, struct ota_boot_record *r, int32_t *port_code)
{
    struct ota_boot_record x;
    int32_t number = 0;

    if (newest(a, &x, &number) == NONE)
        return otaf_result(number != 0 ? number : OTA_MCU_NO_RECORD, OTA_DEVICE_BOOT, port_code);
    *r = x;
    return otaf_result(0, OTA_DEVICE_BOOT, port_code);
}

static int32_t put(const struct ota_mcu_area *a, uint32_t unit, const struct ota_boot_record *r)
{
    struct ota_mcu_geometry g = otaf_geometry(a);
    uint8_t raw[OTAF_CHUNK];
    uint32_t len = (OTA_BOOT_RECORD_LEN + g.write_unit - 1u) / g.write_unit * g.write_unit;
    int32_t number = otaf_erase(a, unit * g.erase_unit, g.erase_unit);

    memset(raw, 0xff, sizeof raw);
    ota_boot_record_encode(r, raw);
    if (number == 0)
        number = otaf_program(a, unit * g.erase_unit, raw, len);
    if (number == 0)
        number = otaf_sync(a);
    /* What a failed store left there must not be read as the newest one day: a restart may see it or not. */
    if (number != 0)
        (void)otaf_erase(a, unit * g.erase_unit, g.erase_unit);
    return number;
}

/* The units behind the newest, in turn; a worn-out one is passed over. */
ota_err ota_mcu_boot_store(const struct ota_mcu_area *a, struct ota_boot_record *r, int32_t *port_code)
{
    struct ota_boot_record next = *r, old;
    int32_t number = 0;
    uint32_t count = units(a), last = newest(a, &old, &number);

    next.generation++;
    if (number != 0)
        return otaf_result(number, OTA_DEVICE_BOOT, port_code);
    if (last == NONE)
        last = count - 1u;
    else if (old.generation >= next.generation)
        return otaf_result(OTA_MCU_REFUSED, OTA_DEVICE_BOOT, port_code);
    for (uint32_t i = 1; i < count && i <= ATTEMPTS; i++) {
        number = put(a, (last + i) % count, &next);
        if (number == 0) {
            *r = next;
            break;
        }
    }
    return otaf_result(number, OTA_DEVICE_BOOT, port_code);
}

/* ---- the port ---- */

static struct ota_mcu_boot *self(struct ota_boot *b)
{
    return (struct ota_mcu_boot *)b;
}

static ota_err view(struct ota_boot *port, struct ota_boot_view *out, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = ota_mcu_boot_load(&self(port)->area, &r, port_code);

    if (err == OTA_OK)
        ota_boot_record_view(&r, out);
    return err;
}

static ota_err arm(struct ota_boot *port, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = ota_mcu_boot_load(&self(port)->area, &r, port_code);

    if (err != OTA_OK)
        return err;
    if (ota_boot_record_arm(&r, slot, count, tries) != OTA_OK)
        return otaf_result(OTA_MCU_REFUSED, OTA_DEVICE_BOOT, port_code);
    return ota_mcu_boot_store(&self(port)->area, &r, port_code);
}

static ota_err confirm(struct ota_boot *port, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = ota_mcu_boot_load(&self(port)->area, &r, port_code);

    if (err != OTA_OK)
        return err;
    if (r.state == OTA_BOOT_TRIAL_DROPPED) /* "ok" would be believed and reported */
        return otaf_result(OTA_MCU_REFUSED, OTA_DEVICE_BOOT, port_code);
    return ota_boot_record_confirm(&r) ? ota_mcu_boot_store(&self(port)->area, &r, port_code) : OTA_OK;
}

static ota_err revert(struct ota_boot *port, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = ota_mcu_boot_load(&self(port)->area, &r, port_code);

    if (err != OTA_OK || !ota_boot_record_revert(&r))
        return err;
    return ota_mcu_boot_store(&self(port)->area, &r, port_code);
}

static ota_err reboot(struct ota_boot *port, int32_t *port_code)
{
    self(port)->restart_asked = true;
    if (self(port)->restart)
        self(port)->restart(self(port));
    return otaf_result(0, OTA_DEVICE_BOOT, port_code);
}

static const struct ota_boot_ops ops = { view, arm, confirm, revert, reboot };

ota_err ota_mcu_boot_open(struct ota_mcu_boot *b, const struct ota_mcu_area *where, void (*restart)(struct ota_mcu_boot *b),
                          struct ota_fault *fault)
{
    struct ota_boot_record r;
    int32_t code = 0;

    if (!b || !otaf_area_ok(where, UNITS_MIN, UNITS_MAX))
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.area", 0);
    *b = (struct ota_mcu_boot){ { &ops }, *where, restart, false };
    if (ota_mcu_boot_load(where, &r, &code) != OTA_OK)
        return ota_fault_set(fault, OTA_DEVICE_BOOT, "boot.record", code);
    return OTA_OK;
}
