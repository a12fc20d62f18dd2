/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "fail.h"

#define ERASED 0xff
#define CODE_RANGE 1     /* outside the slot or not on its units */
#define CODE_NOT_ERASED 2

static struct ota_ram_slot *self(struct ota_slot *s)
{
    return (struct ota_ram_slot *)s;
}

static ota_err fail(int32_t *port_code, int32_t code)
{
    *port_code = code;
    return OTA_DEVICE_SLOT;
}

static bool fits(const struct ota_ram_slot *s, uint64_t off, uint64_t len, uint32_t unit)
{
    return off <= s->geometry.size && len <= s->geometry.size - off && unit != 0 && (off | len) % unit == 0;
}

static ota_err geometry(struct ota_slot *port, struct ota_slot_geometry *out, int32_t *port_code)
{
    (void)port_code;
    *out = self(port)->geometry;
    return self(port)->locked ? OTA_DEVICE_LOCKED : OTA_OK;
}

static ota_err erase(struct ota_slot *port, uint64_t off, uint64_t len, int32_t *port_code)
{
    struct ota_ram_slot *s = self(port);

    if (!fits(s, off, len, s->geometry.erase_unit))
        return fail(port_code, CODE_RANGE);
    bool fails = otam_fails(&s->fail, port_code);
    memset(s->mem + off, ERASED, (size_t)(fails ? len / 2 : len));
    s->erases++;
    return fails ? OTA_DEVICE_SLOT : OTA_OK;
}

static bool is_erased(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != ERASED)
            return false;
    return true;
}

static ota_err write(struct ota_slot *port, uint64_t off, const void *buf, size_t len, int32_t *port_code)
{
    struct ota_ram_slot *s = self(port);

    if (!fits(s, off, len, s->geometry.write_unit))
        return fail(port_code, CODE_RANGE);
    if (s->geometry.erase_unit != 0 && !is_erased(s->mem + off, len))
        return fail(port_code, CODE_NOT_ERASED);
    bool fails = otam_fails(&s->fail, port_code);
    memcpy(s->mem + off, buf, fails ? len / 2 : len);
    s->writes++;
    s->written += len;
    return fails ? OTA_DEVICE_SLOT : OTA_OK;
}

static ota_err read(struct ota_slot *port, uint64_t off, void *buf, size_t len, int32_t *port_code)
{
    struct ota_ram_slot *s = self(port);

    if (!fits(s, off, len, 1))
        return fail(port_code, CODE_RANGE);
    memcpy(buf, s->mem + off, len);
    s->reads++;
    return OTA_OK;
}

static ota_err sync(struct ota_slot *port, int32_t *port_code)
{
    struct ota_ram_slot *s = self(port);

    if (otam_fails(&s->fail, port_code))
        return OTA_DEVICE_SLOT;
    s->syncs++;
    return OTA_OK;
}

static const struct ota_slot_ops ops = { geometry, erase, write, read, sync };

void ota_ram_slot_init(struct ota_ram_slot *s, void *mem, const struct ota_slot_geometry *g)
{
    *s = (struct ota_ram_slot){ .port = { &ops }, .mem = mem, .geometry = *g };
    memset(mem, ERASED, (size_t)g->size);
}
