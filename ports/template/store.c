/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

static ota_err not_written(const char *name, int32_t *port_code)
{
    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT; /* keep this check in all three */
    *port_code = MY_NOT_WRITTEN;
    return OTA_DEVICE_STORE;
}

static ota_err store_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    (void)s;
    (void)buf;
    (void)cap;
    *len = 0;
    return not_written(name, port_code); /* TODO: *len is the whole length, also when cap is smaller */
}

static ota_err store_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *port_code)
{
    (void)s;
    (void)buf;
    (void)len;
    return not_written(name, port_code); /* TODO: old or new after a power cut, never a mixture; durable on OTA_OK */
}

static ota_err store_remove(struct ota_store *s, const char *name, int32_t *port_code)
{
    (void)s;
    return not_written(name, port_code); /* TODO: durable; an absent record is OTA_OK */
}

static const struct ota_store_ops ops = { store_read, store_write, store_remove };

void my_store_init(struct my_store *s)
{
    *s = (struct my_store){ .port = { &ops } };
}
