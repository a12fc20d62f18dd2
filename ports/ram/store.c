/* SPDX-License-Identifier: Apache-2.0 */
/* Records lie one behind the other: name (OTA_STORE_NAME_MAX bytes), length (4), bytes. */
#include <string.h>

#include "fail.h"

static struct ota_ram_store *self(struct ota_store *s)
{
    return (struct ota_ram_store *)s;
}

static size_t body_len(const uint8_t *record)
{
    uint32_t len;

    memcpy(&len, record + OTA_STORE_NAME_MAX, sizeof len);
    return len;
}

static size_t whole_len(const uint8_t *record)
{
    return OTA_RAM_STORE_OVERHEAD + body_len(record);
}

static uint8_t *find(struct ota_ram_store *s, const char *name)
{
    for (size_t at = 0; at < s->used; at += whole_len(s->mem + at))
        if (strncmp((const char *)s->mem + at, name, OTA_STORE_NAME_MAX) == 0)
            return s->mem + at;
    return NULL;
}

static void drop(struct ota_ram_store *s, uint8_t *record)
{
    size_t len = whole_len(record);
    size_t behind = s->used - (size_t)(record - s->mem) - len;

    memmove(record, record + len, behind);
    s->used -= len;
}

static void append(struct ota_ram_store *s, const char *name, const void *buf, size_t len)
{
    uint8_t *record = s->mem + s->used;
    uint32_t len32 = (uint32_t)len;

    memset(record, 0, OTA_STORE_NAME_MAX);
    memcpy(record, name, strlen(name));
    memcpy(record + OTA_STORE_NAME_MAX, &len32, sizeof len32);
    if (len > 0)
        memcpy(record + OTA_RAM_STORE_OVERHEAD, buf, len);
    s->used += OTA_RAM_STORE_OVERHEAD + len;
}

static ota_err store_read(struct ota_store *port, const char *name, void *buf, size_t cap, size_t *len, int32_t *port_code)
{
    const uint8_t *record;

    (void)port_code;
    *len = 0;
    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    record = find(self(port), name);
    if (!record)
        return OTA_DEVICE_ABSENT;
    *len = body_len(record);
    if (cap > 0)
        memcpy(buf, record + OTA_RAM_STORE_OVERHEAD, *len < cap ? *len : cap);
    return OTA_OK;
}

static bool has_room(const struct ota_ram_store *s, const uint8_t *old, size_t len)
{
    size_t kept = s->used - (old ? whole_len(old) : 0);

    return kept <= s->cap && len <= s->cap - kept && OTA_RAM_STORE_OVERHEAD <= s->cap - kept - len;
}

static ota_err store_write(struct ota_store *port, const char *name, const void *buf, size_t len, int32_t *port_code)
{
    struct ota_ram_store *s = self(port);
    bool fails;
    uint8_t *old;

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    fails = otam_fails(&s->fail, port_code);
    if (fails && !s->land)
        return OTA_DEVICE_STORE;
    old = find(s, name);
    if (!has_room(s, old, len))
        return OTA_DEVICE_FULL;
    if (old)
        drop(s, old);
    append(s, name, buf, len);
    s->writes++;
    return fails ? OTA_DEVICE_STORE : OTA_OK;
}

static ota_err store_remove(struct ota_store *port, const char *name, int32_t *port_code)
{
    struct ota_ram_store *s = self(port);
    uint8_t *old;

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    if (otam_fails(&s->fail, port_code))
        return OTA_DEVICE_STORE;
    old = find(s, name);
    if (old)
        drop(s, old);
    s->removes++;
    return OTA_OK;
}

static const struct ota_store_ops ops = { store_read, store_write, store_remove };

void ota_ram_store_init(struct ota_ram_store *s, void *mem, size_t cap)
{
    *s = (struct ota_ram_store){ .port = { &ops }, .mem = mem, .cap = cap };
}
