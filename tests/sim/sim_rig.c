/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that are tested, in the place of the device's own. They run on a flash whose operations are the device's, so that
 * the power can go at each of them; what they are asked to do, and what they say of it, is watched on the way. */
#include <string.h>

#include "sim.h"
#include "sim_must.h"

static bool works(struct sim *dev)
{
    if (dev->rigged.flash.misuse)
        sim_break(dev, dev->rigged.flash.misuse);
    return !dev->off && !dev->broken;
}

/* ---- the flash ---- */

static int change_flash(struct ota_cut_flash *f, uint32_t off, const void *data, uint32_t len)
{
    struct sim *dev = ((struct sim_rigged *)(void *)f)->dev;
    const struct sim_op op = { .kind = data ? SIM_OP_WRITE : len ? SIM_OP_ERASE : SIM_OP_SYNC, .object = SIM_OBJ_CHIP, .off = off,
        .len = len };
    bool ok = works(dev) && sim_op_ok(dev, &op, data);

    f->off = dev->off;
    return ok ? 0 : -1;
}

void sim_rig_open(struct sim *dev)
{
    const struct sim_rig *rig = dev->geometry.rig;
    struct sim_chip *chip = &dev->medium.chip;

    memset(&dev->rigged, 0, offsetof(struct sim_rigged, ram));
    chip->size = 0;
    if (!rig)
        return;
    MUST(rig->size <= SIM_CHIP_MAX && rig->ram <= SIM_RAM && rig->write_unit);
    chip->size = rig->size;
    chip->block = rig->erase_unit ? rig->erase_unit : rig->write_unit;
    dev->rigged.dev = dev;
    dev->rigged.flash = (struct ota_cut_flash){ .now = chip->now, .safe = chip->safe, .size = rig->size, .off = true,
        .write_unit = rig->write_unit, .erase_unit = rig->erase_unit, .change = change_flash };
}

/* ---- the slot ---- */

static struct sim *dev_of_slot(struct ota_slot *port)
{
    return ((struct sim_slot *)(void *)port)->dev;
}

static ota_err slot_geometry(struct ota_slot *port, struct ota_slot_geometry *out, int32_t *code)
{
    struct ota_slot *real = dev_of_slot(port)->rigged.slot;

    return real->ops->geometry(real, out, code);
}

static ota_err slot_erase(struct ota_slot *port, uint64_t off, uint64_t len, int32_t *code)
{
    struct sim *dev = dev_of_slot(port);

    sim_check_change(&dev->slot[0][1], off, len, dev->rigged.geometry.erase_unit);
    return works(dev) ? dev->rigged.slot->ops->erase(dev->rigged.slot, off, len, code) : OTA_DEVICE_SLOT;
}

static ota_err slot_write(struct ota_slot *port, uint64_t off, const void *buf, size_t len, int32_t *code)
{
    struct sim *dev = dev_of_slot(port);

    sim_check_change(&dev->slot[0][1], off, len, dev->rigged.geometry.write_unit);
    return works(dev) ? dev->rigged.slot->ops->write(dev->rigged.slot, off, buf, len, code) : OTA_DEVICE_SLOT;
}

static ota_err slot_read(struct ota_slot *port, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct ota_slot *real = dev_of_slot(port)->rigged.slot;

    return real->ops->read(real, off, buf, len, code);
}

static ota_err slot_sync(struct ota_slot *port, int32_t *code)
{
    struct ota_slot *real = dev_of_slot(port)->rigged.slot;

    return real->ops->sync(real, code);
}

static const struct ota_slot_ops slot_ops = { slot_geometry, slot_erase, slot_write, slot_read, slot_sync };

void sim_rig_look(const struct sim *dev, uint8_t out[SIM_SLOT_MAX])
{
    struct ota_slot *real = dev->rigged.slot;
    uint64_t size = dev->rigged.geometry.size;
    int32_t code = 0;

    memset(out, 0, SIM_SLOT_MAX);
    if (real->ops->read(real, 0, out, size < SIM_SLOT_MAX ? (size_t)size : SIM_SLOT_MAX, &code) != OTA_OK)
        memset(out, 0, SIM_SLOT_MAX);
}

/* ---- the boot control ---- */

static struct sim *dev_of_boot(struct ota_boot *port)
{
    return ((struct sim_boot *)(void *)port)->dev;
}

/* What is confirmed is what runs, unless that is on trial: then it is the other slot. */
static void take_view(struct ota_boot_record *r, const struct ota_boot_view *v)
{
    memcpy(r->running, v->running, sizeof r->running);
    memcpy(r->confirmed, v->running, sizeof r->confirmed);
    memcpy(r->trial, v->armed, sizeof r->trial);
    if (v->trial)
        r->confirmed[0] = (uint8_t)(1 - v->running[0]);
    r->state = v->trial ? OTA_BOOT_TRIAL_STARTED : v->pending ? OTA_BOOT_TRIAL_ARMED : OTA_BOOT_TRIAL_NONE;
    r->tries = v->tries_left;
}

void sim_rig_refresh(struct sim *dev)
{
    struct ota_boot *real = dev->rigged.boot;
    struct ota_boot_view v;
    int32_t code = 0;

    if (dev->off)
        return;
    memset(&v, 0, sizeof v);
    if (real->ops->view(real, &v, &code) != OTA_OK || v.running[0] > 1)
        sim_break(dev, "the boot control says what runs");
    else
        take_view(&dev->boot.record, &v);
}

static ota_err boot_view(struct ota_boot *port, struct ota_boot_view *out, int32_t *code)
{
    struct ota_boot *real = dev_of_boot(port)->rigged.boot;

    return real->ops->view(real, out, code);
}

static ota_err boot_arm(struct ota_boot *port, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    struct sim *dev = dev_of_boot(port);
    ota_err err = works(dev) ? dev->rigged.boot->ops->arm(dev->rigged.boot, slot, count, tries, code) : OTA_DEVICE_BOOT;

    sim_rig_refresh(dev);
    return err;
}

static ota_err boot_confirm(struct ota_boot *port, int32_t *code)
{
    struct sim *dev = dev_of_boot(port);
    ota_err err = works(dev) ? dev->rigged.boot->ops->confirm(dev->rigged.boot, code) : OTA_DEVICE_BOOT;

    sim_rig_refresh(dev);
    return err;
}

/* What was confirmed still is, though another slot runs until the next start. */
static ota_err boot_revert(struct ota_boot *port, int32_t *code)
{
    struct sim *dev = dev_of_boot(port);
    uint8_t confirmed = dev->boot.record.confirmed[0];
    ota_err err = works(dev) ? dev->rigged.boot->ops->revert(dev->rigged.boot, code) : OTA_DEVICE_BOOT;

    sim_rig_refresh(dev);
    dev->boot.record.confirmed[0] = confirmed;
    return err;
}

static ota_err boot_reboot(struct ota_boot *port, int32_t *code)
{
    struct sim *dev = dev_of_boot(port);

    return works(dev) ? dev->rigged.boot->ops->reboot(dev->rigged.boot, code) : OTA_DEVICE_BOOT;
}

static const struct ota_boot_ops boot_ops = { boot_view, boot_arm, boot_confirm, boot_revert, boot_reboot };

/* ---- a start ---- */

static bool is_up(struct sim *dev, const void *port, const char *rule)
{
    if (!port && !dev->off)
        sim_break(dev, rule);
    return port && works(dev);
}

static bool start_boot(struct sim *dev, struct ota_cut_rig *rig)
{
    MUST(dev->components == 1);
    dev->rigged.boot = rig->boot(rig);
    if (!is_up(dev, dev->rigged.boot, "the boot control comes up"))
        return false;
    dev->boot.port.ops = &boot_ops;
    sim_rig_refresh(dev);
    return !dev->broken;
}

static bool start_store(struct sim *dev, struct ota_cut_rig *rig)
{
    dev->rigged.store = rig->store(rig);
    dev->cfg.store = dev->rigged.store;
    return is_up(dev, dev->rigged.store, "the store comes up");
}

static bool start_slot(struct sim *dev, struct ota_cut_rig *rig)
{
    struct ota_slot *slot = rig->slot(rig);
    int32_t code = 0;

    if (!is_up(dev, slot, "the slot comes up"))
        return false;
    if (slot->ops->geometry(slot, &dev->rigged.geometry, &code) != OTA_OK)
        sim_break(dev, "the slot says how large it is");
    dev->rigged.slot = slot;
    dev->slot[0][1].port.ops = &slot_ops;
    return !dev->broken;
}

bool sim_rig_start(struct sim *dev)
{
    const struct sim_rig *with = dev->geometry.rig;
    struct sim_rigged *r = &dev->rigged;

    r->store = NULL;
    r->slot = NULL;
    r->boot = NULL;
    r->flash.off = false;
    r->flash.misuse = NULL;
    memset(r->ram, 0, with->ram);
    struct ota_cut_rig *rig = with->open(r->ram, &r->flash);
    return is_up(dev, rig, "the ports come up") && (!rig->boot || start_boot(dev, rig)) && (!rig->store || start_store(dev, rig)) &&
           (!rig->slot || start_slot(dev, rig));
}
