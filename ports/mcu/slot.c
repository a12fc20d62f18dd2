/* SPDX-License-Identifier: Apache-2.0 */
/* A slot is an area and nothing else. */
#include "area.h"

static const struct ota_mcu_area *area(const struct ota_slot *s)
{
    return &((const struct ota_mcu_slot *)s)->area;
}

static ota_err geometry(struct ota_slot *port, struct ota_slot_geometry *out, int32_t *port_code)
{
    struct ota_mcu_geometry g = otaf_geometry(area(port));

    *out = (struct ota_slot_geometry){ area(port)->len, g.write_unit, g.erase_unit };
    return otaf_result(0, OTA_DEVICE_SLOT, port_code);
}

/* The area is checked against 32 bits: what does not fit them is outside. */
static bool is_small(uint64_t off, uint64_t len)
{
    return off <= UINT32_MAX && len <= UINT32_MAX;
}

static ota_err erase(struct ota_slot *port, uint64_t off, uint64_t len, int32_t *port_code)
{
    return otaf_result(is_small(off, len) ? otaf_erase(area(port), (uint32_t)off, (uint32_t)len) : OTA_MCU_RANGE, OTA_DEVICE_SLOT,
                       port_code);
}

static ota_err write(struct ota_slot *port, uint64_t off, const void *buf, size_t len, int32_t *port_code)
{
    return otaf_result(is_small(off, len) ? otaf_program(area(port), (uint32_t)off, buf, (uint32_t)len) : OTA_MCU_RANGE,
                       OTA_DEVICE_SLOT, port_code);
}

static ota_err read(struct ota_slot *port, uint64_t off, void *buf, size_t len, int32_t *port_code)
{
    return otaf_result(is_small(off, len) ? otaf_read(area(port), (uint32_t)off, buf, (uint32_t)len) : OTA_MCU_RANGE,
                       OTA_DEVICE_SLOT, port_code);
}

static ota_err sync(struct ota_slot *port, int32_t *port_code)
{
    return otaf_result(otaf_sync(area(port)), OTA_DEVICE_SLOT, port_code);
}

static const struct ota_slot_ops ops = { geometry, erase, write, read, sync };

ota_err ota_mcu_slot_open(struct ota_mcu_slot *s, const struct ota_mcu_area *where, struct ota_fault *fault)
{
    if (!s || !otaf_area_ok(where, 1, UINT32_MAX))
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "slot.area", 0);
    *s = (struct ota_mcu_slot){ { &ops }, *where };
    return OTA_OK;
}
