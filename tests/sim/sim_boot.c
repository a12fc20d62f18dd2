/* SPDX-License-Identifier: Apache-2.0 */
/* Boot control and boot ROM of the simulated device: over one record that is old or new as a whole, or over the file with
 * two copies that ports/posix keeps, through its own code. */
#include <string.h>

#include "sim.h"
#include "sim_must.h"

#define PORT_CODE 5

static ota_err result(bool ok, int32_t *code)
{
    *code = ok ? 0 : PORT_CODE;
    return ok ? OTA_OK : OTA_DEVICE_BOOT;
}

static struct sim *dev_of(struct ota_boot *port)
{
    return ((struct sim_boot *)port)->dev;
}

/* ---- a record ---- */

static bool store(struct sim *dev, const struct ota_boot_record *next)
{
    const struct sim_op op = { .kind = SIM_OP_RECORD, .object = SIM_OBJ_NONE };
    enum sim_does does = sim_op(dev, &op, NULL);

    if (does == SIM_DOES || does == SIM_DOES_FAILS)
        dev->boot.record = *next;
    return does == SIM_DOES;
}

static ota_err record_view(struct ota_boot *port, struct ota_boot_view *out, int32_t *code)
{
    ota_boot_record_view(&dev_of(port)->boot.record, out);
    return result(sim_call_ok(dev_of(port)), code);
}

static ota_err record_arm(struct ota_boot *port, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    struct sim *dev = dev_of(port);
    struct ota_boot_record next = dev->boot.record;

    if (!sim_call_ok(dev))
        return result(false, code);
    if (ota_boot_record_arm(&next, slot, count, tries) != OTA_OK) {
        sim_break(dev, "what is armed can be armed");
        return result(false, code);
    }
    return result(store(dev, &next), code);
}

static ota_err record_change(struct ota_boot *port, bool (*rule)(struct ota_boot_record *), int32_t *code)
{
    struct sim *dev = dev_of(port);
    struct ota_boot_record next = dev->boot.record;

    if (!sim_call_ok(dev))
        return result(false, code);
    return result(!rule(&next) || store(dev, &next), code);
}

static ota_err record_confirm(struct ota_boot *port, int32_t *code)
{
    return record_change(port, ota_boot_record_confirm, code);
}

static ota_err record_revert(struct ota_boot *port, int32_t *code)
{
    return record_change(port, ota_boot_record_revert, code);
}

static ota_err reboot(struct ota_boot *port, int32_t *code)
{
    return result(sim_call_ok(dev_of(port)), code);
}

static const struct ota_boot_ops record_ops = { record_view, record_arm, record_confirm, record_revert, reboot };

/* ---- a file ---- */

void sim_boot_refresh(struct sim *dev)
{
    if (dev->rigged.boot)
        sim_rig_refresh(dev);
    if (!dev->geometry.files)
        return;
    const struct sim_file_body *f = sim_file_named(dev, &SIM_FS_BOOT[1]);
    struct ota_boot_record r;
    bool any = false;

    MUST(f && f->len == OTA_BOOT_RECORD_FILE_LEN);
    for (unsigned i = 0; i < 2; i++) {
        if (!ota_boot_record_decode(&r, f->now + i * OTA_BOOT_RECORD_COPY_OFF) ||
            (any && r.generation < dev->boot.record.generation))
            continue;
        dev->boot.record = r;
        any = true;
    }
    if (!any)
        sim_break(dev, "the boot record can be read");
}

static ota_err file_view(struct ota_boot *port, struct ota_boot_view *out, int32_t *code)
{
    struct ota_boot *real = &dev_of(port)->boot_file.port;

    return real->ops->view(real, out, code);
}

static ota_err file_arm(struct ota_boot *port, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    struct ota_boot *real = &dev_of(port)->boot_file.port;
    ota_err err = real->ops->arm(real, slot, count, tries, code);

    sim_boot_refresh(dev_of(port));
    return err;
}

static ota_err file_confirm(struct ota_boot *port, int32_t *code)
{
    struct ota_boot *real = &dev_of(port)->boot_file.port;
    ota_err err = real->ops->confirm(real, code);

    sim_boot_refresh(dev_of(port));
    return err;
}

static ota_err file_revert(struct ota_boot *port, int32_t *code)
{
    struct ota_boot *real = &dev_of(port)->boot_file.port;
    ota_err err = real->ops->revert(real, code);

    sim_boot_refresh(dev_of(port));
    return err;
}

static const struct ota_boot_ops file_ops = { file_view, file_arm, file_confirm, file_revert, reboot };

void sim_boot_open(struct sim *dev)
{
    dev->boot.port.ops = dev->geometry.files ? &file_ops : &record_ops;
    dev->boot.dev = dev;
}

/* ---- the boot ROM ---- */

static bool rom_record(struct sim *dev)
{
    struct ota_boot_record next = dev->boot.record;
    bool changed = false;

    (void)ota_boot_record_start(&next, &changed);
    if (changed)
        return store(dev, &next);
    dev->boot.record = next;
    return true;
}

/* As examples/boot-supervisor does it: a record that cannot be stored is tried again. */
static bool store_file(struct sim *dev, struct ota_boot_record *r)
{
    int32_t code = 0;

    for (int tries = 0; tries < 3 && !dev->off; tries++)
        if (sim_boot_record_store(SIM_FS_BOOT, r, &code) == OTA_OK)
            return true;
    return false;
}

static bool rom_file(struct sim *dev)
{
    struct ota_boot_record r;
    int32_t code = 0;
    bool changed = false;

    if (sim_boot_record_load(SIM_FS_BOOT, &r, &code) != OTA_OK) {
        if (!dev->off)
            sim_break(dev, "the boot record can be read");
        return false;
    }
    (void)ota_boot_record_start(&r, &changed);
    if (changed && !store_file(dev, &r)) {
        if (dev->off)
            return false;
        memcpy(r.running, r.confirmed, sizeof r.running); /* at last, whatever the record goes on saying */
        dev->boot.record = r;
        return true;
    }
    sim_boot_refresh(dev);
    return true;
}

bool sim_boot_rom(struct sim *dev)
{
    if (dev->rigged.boot)
        return true; /* its start was the boot loader's, too */
    return dev->geometry.files ? rom_file(dev) : rom_record(dev);
}
