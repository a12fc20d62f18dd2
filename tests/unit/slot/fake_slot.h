/* SPDX-License-Identifier: Apache-2.0 */
/* A slot in memory that insists on its contract: whole units, erased before it is written, nothing out of bounds. */
#ifndef FAKE_SLOT_H
#define FAKE_SLOT_H

#include <string.h>

#include "ota/port_slot.h"

#define FAKE_SIZE (64u * 1024u)

struct fake_slot {
    struct ota_slot slot;
    struct ota_slot_geometry g;
    uint8_t bytes[FAKE_SIZE];
    bool written[FAKE_SIZE];   /* since the last erase */
    uint64_t erased_to;        /* highest erased offset */
    unsigned erases, writes, reads, syncs;
    unsigned fail_at;          /* this operation of any kind fails; 0 = none */
    ota_err fail_with;
    unsigned ops;
};

static struct fake_slot *fake_of(struct ota_slot *s)
{
    return (struct fake_slot *)(void *)s;
}

static ota_err fake_op(struct fake_slot *f, int32_t *code)
{
    if (++f->ops != f->fail_at)
        return OTA_OK;
    *code = 5;
    return f->fail_with ? f->fail_with : OTA_DEVICE_SLOT;
}

static ota_err fake_geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *code)
{
    *out = fake_of(s)->g;
    return fake_op(fake_of(s), code);
}

static ota_err fake_erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *code)
{
    struct fake_slot *f = fake_of(s);

    assert_true(f->g.erase_unit && len && off % f->g.erase_unit == 0 && len % f->g.erase_unit == 0);
    assert_true(off + len <= f->g.size && off + len > f->erased_to);
    memset(f->bytes + off, 0xff, (size_t)len);
    memset(f->written + off, 0, (size_t)len);
    f->erased_to = off + len;
    f->erases++;
    return fake_op(f, code);
}

static ota_err fake_write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *code)
{
    struct fake_slot *f = fake_of(s);

    assert_true(len && off % f->g.write_unit == 0 && len % f->g.write_unit == 0 && off + len <= f->g.size);
    for (uint64_t i = off; i < off + len; i++) {
        assert_true(f->g.erase_unit == 0 || (i < f->erased_to && !f->written[i]));
        f->written[i] = true;
    }
    memcpy(f->bytes + off, buf, len);
    f->writes++;
    return fake_op(f, code);
}

static ota_err fake_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct fake_slot *f = fake_of(s);

    assert_true(len && off + len <= f->g.size);
    memcpy(buf, f->bytes + off, len);
    f->reads++;
    return fake_op(f, code);
}

static ota_err fake_sync(struct ota_slot *s, int32_t *code)
{
    fake_of(s)->syncs++;
    return fake_op(fake_of(s), code);
}

static const struct ota_slot_ops fake_slot_ops = { fake_geometry, fake_erase, fake_write, fake_read, fake_sync };

static void fake_slot_init(struct fake_slot *f, uint32_t write_unit, uint32_t erase_unit)
{
    memset(f, 0, sizeof *f);
    memset(f->bytes, 0x55, sizeof f->bytes);
    memset(f->written, 1, sizeof f->written);
    f->slot.ops = &fake_slot_ops;
    f->g = (struct ota_slot_geometry){ FAKE_SIZE, write_unit, erase_unit };
}

#endif
