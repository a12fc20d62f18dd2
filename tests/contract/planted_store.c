/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include <string.h>

#include "ota/ram.h"
#include "report.h"

enum store_fault {
    STORE_GOOD,
    STORE_KEEPS_TAIL,
    STORE_IGNORES_CASE,
    STORE_LENGTH_IS_CAP,
    STORE_OVERRUNS,
    STORE_ABSENT_IS_EMPTY,
    STORE_EMPTY_IS_ABSENT,
    STORE_REMOVE_ABSENT_FAILS,
    STORE_REMOVE_DOES_NOTHING,
    STORE_TAKES_ANY_NAME,
    STORE_CUTS_NAMES,
    STORE_WRITES_ONCE,
    STORE_HAS_ONE_RECORD,
    STORE_FAULTS
};

struct bad_store {
    struct ota_store port;
    struct ota_ram_store good;
    enum store_fault fault;
    uint8_t mem[40000];
};

static struct bad_store *store_of(struct ota_store *s)
{
    return (struct bad_store *)s;
}

/* The name under which the fault files a record. */
static const char *store_name(const struct bad_store *b, const char *name, char *out)
{
    size_t len = strlen(name);

    if (len > OTA_STORE_NAME_MAX)
        return name;
    memcpy(out, name, len + 1);
    if (b->fault == STORE_IGNORES_CASE)
        for (size_t i = 0; i < len; i++)
            if (out[i] >= 'A' && out[i] <= 'Z')
                out[i] = (char)(out[i] - 'A' + 'a');
    if (b->fault == STORE_CUTS_NAMES && len > 14)
        out[14] = '\0';
    if (b->fault == STORE_HAS_ONE_RECORD && ota_store_name_ok(name))
        memcpy(out, "one", 4);
    if (b->fault == STORE_TAKES_ANY_NAME && !ota_store_name_ok(name))
        memcpy(out, "any", 4);
    return out;
}

static ota_err bad_store_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    struct bad_store *b = store_of(s);
    char other[OTA_STORE_NAME_MAX + 1];
    ota_err err = b->good.port.ops->read(&b->good.port, store_name(b, name, other), buf, cap, len, code);

    if (b->fault == STORE_LENGTH_IS_CAP && *len > cap)
        *len = cap;
    if (b->fault == STORE_OVERRUNS && err == OTA_OK && *len > 0)
        ((uint8_t *)buf)[*len < cap ? *len : cap] = 0;
    if (b->fault == STORE_ABSENT_IS_EMPTY && err == OTA_DEVICE_ABSENT)
        return OTA_OK;
    return b->fault == STORE_EMPTY_IS_ABSENT && err == OTA_OK && *len == 0 ? OTA_DEVICE_ABSENT : err;
}

static ota_err bad_store_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *code)
{
    struct bad_store *b = store_of(s);
    char other[OTA_STORE_NAME_MAX + 1];
    uint8_t old[4096];
    size_t old_len = 0;
    ota_err err;

    name = store_name(b, name, other);
    err = b->good.port.ops->read(&b->good.port, name, old, sizeof old, &old_len, code);
    if (b->fault == STORE_WRITES_ONCE && err == OTA_OK)
        return OTA_OK;
    if (b->fault != STORE_KEEPS_TAIL || err != OTA_OK || old_len <= len)
        return b->good.port.ops->write(&b->good.port, name, buf, len, code);
    memcpy(old, buf, len);
    return b->good.port.ops->write(&b->good.port, name, old, old_len, code);
}

static ota_err bad_store_remove(struct ota_store *s, const char *name, int32_t *code)
{
    struct bad_store *b = store_of(s);
    char other[OTA_STORE_NAME_MAX + 1];
    size_t len = 0;
    ota_err err;

    name = store_name(b, name, other);
    err = b->good.port.ops->read(&b->good.port, name, NULL, 0, &len, code);
    if (b->fault == STORE_REMOVE_ABSENT_FAILS && err == OTA_DEVICE_ABSENT)
        return OTA_DEVICE_STORE;
    if (b->fault == STORE_REMOVE_DOES_NOTHING && err == OTA_OK)
        return OTA_OK;
    return b->good.port.ops->remove(&b->good.port, name, code);
}

unsigned planted_store(unsigned fault)
{
    static const struct ota_store_ops ops = { bad_store_read, bad_store_write, bad_store_remove };
    static struct bad_store b;
    struct ota_contract_report r = quiet_report();

    b.port.ops = &ops;
    b.fault = (enum store_fault)fault;
    ota_ram_store_init(&b.good, b.mem, sizeof b.mem);
    return ota_contract_store(&b.port, &r);
}

const unsigned planted_store_faults = STORE_FAULTS;
