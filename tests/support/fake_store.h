/* SPDX-License-Identifier: Apache-2.0 */
/* A store of a few records in memory that can be damaged, and fails on demand. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <string.h>

#include "ota/port_store.h"

struct fake_record {
    char name[OTA_STORE_NAME_MAX];
    uint8_t bytes[4096];
    size_t len;
    bool present;
};

struct fake_store {
    struct ota_store store;
    struct fake_record record[4];
    ota_err read_err, write_err;
    const char *bad_name;   /* reads of this record fail with read_err; NULL = of all */
    unsigned reads, writes;
};

static struct fake_record *fake_find(struct ota_store *s, const char *name)
{
    struct fake_store *f = (struct fake_store *)(void *)s;

    for (size_t i = 0; i < 4; i++) {
        if (f->record[i].name[0] == '\0')
            strcpy(f->record[i].name, name);
        if (strcmp(f->record[i].name, name) == 0)
            return &f->record[i];
    }
    fail_msg("too many records");
    return NULL;
}

static ota_err fake_read(struct ota_store *s, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    struct fake_store *f = (struct fake_store *)(void *)s;
    struct fake_record *r = fake_find(s, name);

    f->reads++;
    if (f->read_err != OTA_OK && (!f->bad_name || strcmp(f->bad_name, name) == 0)) {
        *code = 9;
        return f->read_err;
    }
    if (!r->present)
        return OTA_DEVICE_ABSENT;
    *len = r->len;
    memcpy(buf, r->bytes, r->len < cap ? r->len : cap);
    return OTA_OK;
}

static ota_err fake_write(struct ota_store *s, const char *name, const void *buf, size_t len, int32_t *code)
{
    struct fake_store *f = (struct fake_store *)(void *)s;
    struct fake_record *r = fake_find(s, name);

    f->writes++;
    if (f->write_err != OTA_OK) {
        *code = 28;
        return f->write_err;
    }
    assert_true(len <= sizeof r->bytes);
    memcpy(r->bytes, buf, len);
    r->len = len;
    r->present = true;
    return OTA_OK;
}

static const struct ota_store_ops fake_store_ops = { .read = fake_read, .write = fake_write };

static void fake_store_init(struct fake_store *f)
{
    memset(f, 0, sizeof *f);
    f->store.ops = &fake_store_ops;
}

#endif
