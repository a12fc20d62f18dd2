/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

static ota_err not_written(int32_t *port_code)
{
    *port_code = MY_NOT_WRITTEN;
    return OTA_DEVICE_SLOT;
}

static ota_err geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *port_code)
{
    *out = (struct ota_slot_geometry){ .size = ((struct my_slot *)s)->size, .write_unit = 1, .erase_unit = 0 };
    return not_written(port_code); /* TODO: your flash's write and erase units, then OTA_OK */
}

static ota_err erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *port_code)
{
    (void)s;
    (void)off;
    (void)len;
    return not_written(port_code); /* TODO: check the range against size; erase */
}

static ota_err write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *port_code)
{
    (void)s;
    (void)off;
    (void)buf;
    (void)len;
    return not_written(port_code); /* TODO: check the range; all of len or an error */
}

static ota_err read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *port_code)
{
    (void)s;
    (void)off;
    (void)buf;
    (void)len;
    return not_written(port_code); /* TODO: check the range; invalidate the data cache first: the medium must answer */
}

static ota_err sync(struct ota_slot *s, int32_t *port_code)
{
    (void)s;
    return not_written(port_code); /* TODO: OTA_OK if your writes are durable when they return */
}

static const struct ota_slot_ops ops = { geometry, erase, write, read, sync };

void my_slot_init(struct my_slot *s, uint64_t start, uint64_t size)
{
    *s = (struct my_slot){ .port = { &ops }, .start = start, .size = size };
}
