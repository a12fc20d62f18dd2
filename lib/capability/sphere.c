/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of Azure Sphere's capability file: u32 magic 0x5cfd5cfd, u32 version 1, u32 length 204, device id 64 bytes, then 64 u16,
 * the capabilities with a 0 behind the last one. Integers little-endian.
 */
#include <string.h>

#include "bytes.h"
#include "ota/capability.h"

#define MAGIC 0x5cfd5cfdu
#define VALUES 76u

static bool has(const struct ota_sphere_capability *c, uint16_t value)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->value[i] == value)
            return true;
    return false;
}

static ota_err take_values(const uint8_t *p, struct ota_sphere_capability *out, struct ota_fault *fault)
{
    bool ended = false;

    for (size_t i = 0; i < OTA_SPHERE_CAPABILITIES_MAX; i++) {
        uint16_t value = (uint16_t)(p[2 * i] | p[2 * i + 1] << 8);

        if (value == 0) {
            ended = true;
            continue;
        }
        if (ended)
            return ota_fault_set(fault, OTA_REJECT_VALUE, "capability.capabilities", 0);
        if (has(out, value))
            return ota_fault_set(fault, OTA_REJECT_DUPLICATE, "capability.capabilities", 0);
        out->value[out->count++] = value;
    }
    return out->count ? OTA_OK : ota_fault_set(fault, OTA_REJECT_MISSING, "capability.capabilities", 0);
}

static ota_err read_body(const uint8_t *body, size_t len, struct ota_sphere_capability *out, struct ota_fault *fault)
{
    if (len != OTA_SPHERE_CAPABILITY_LEN)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "capability", 0);
    if (otai_get_le32(body) != MAGIC)
        return ota_fault_set(fault, OTA_REJECT_SYNTAX, "capability.magic", 0);
    if (otai_get_le32(body + 4) != 1)
        return ota_fault_set(fault, OTA_REJECT_SPEC, "capability.version", 0);
    if (otai_get_le32(body + 8) != OTA_SPHERE_CAPABILITY_LEN)
        return ota_fault_set(fault, OTA_REJECT_LENGTH, "capability.length", 0);
    memcpy(out->device, body + 12, sizeof out->device);
    return take_values(body + VALUES, out, fault);
}

ota_err ota_sphere_capability_read(const uint8_t *body, size_t len, struct ota_sphere_capability *out, struct ota_fault *fault)
{
    memset(out, 0, sizeof *out);
    ota_err err = read_body(body, len, out, fault);
    if (err != OTA_OK)
        memset(out, 0, sizeof *out);
    return err;
}
