/* SPDX-License-Identifier: Apache-2.0 */
#include "device_boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ota_err open_file(struct device *d, const struct agent_boot *b, struct ota_fault *why)
{
    const struct ota_posix_boot_config cfg = { b->path, b->reboot[0] ? b->reboot : NULL };
    ota_err err = ota_posix_boot_open(&d->boot.file, &cfg, why);

    if (err == OTA_DEVICE_ABSENT)
        err = ota_fault_set(why, OTA_DEVICE_BOOT, why->where, ENOENT);
    return err;
}

static ota_err open_grub(struct device *d, const struct agent_boot *b, const struct ota_posix_loader_config *common, struct ota_fault *why)
{
    return ota_posix_boot_grub_open(&d->boot.grub, &(struct ota_posix_boot_grub_config){ *common, b->path, b->attempts }, why);
}

static ota_err open_uboot(struct device *d, const struct agent_boot *b, const struct ota_posix_loader_config *common, struct ota_fault *why)
{
    return ota_posix_boot_uboot_open(&d->boot.uboot, &(struct ota_posix_boot_uboot_config){ *common, b->path, b->attempts }, why);
}

static ota_err open_uboot_count(struct device *d, const struct agent_boot *b, const struct ota_posix_loader_config *common, struct ota_fault *why)
{
    const struct ota_posix_boot_uboot_count_config cfg = { *common, b->path, b->variable };

    return ota_posix_boot_uboot_count_open(&d->boot.uboot_count, &cfg, why);
}

static ota_err open_bls(struct device *d, const struct agent_boot *b, const struct ota_posix_loader_config *common, struct ota_fault *why)
{
    return ota_posix_boot_bls_open(&d->boot.bls, &(struct ota_posix_boot_bls_config){ *common, b->path }, why);
}

static ota_err open_efi(struct device *d, const struct agent_boot *b, const struct ota_posix_loader_config *common, struct ota_fault *why)
{
    return ota_posix_boot_efi_open(&d->boot.efi, &(struct ota_posix_boot_efi_config){ *common, b->path }, why);
}

static ota_err open_custom(struct device *d, const struct agent_boot *b, const struct ota_posix_loader_config *common, struct ota_fault *why)
{
    return ota_posix_boot_custom_open(&d->boot.custom, &(struct ota_posix_boot_custom_config){ *common, b->path }, why);
}

static const struct {
    const char *type;
    ota_err (*open)(struct device *d, const struct agent_boot *b, const struct ota_posix_loader_config *common, struct ota_fault *why);
} loaders[] = {
    { "grub", open_grub }, { "uboot", open_uboot }, { "uboot-bootcount", open_uboot_count }, { "systemd-boot", open_bls },
    { "efi", open_efi }, { "custom", open_custom },
};

/* The record lies beside the journal unless told otherwise; a slot on a block device may turn out to be the mounted root. */
static ota_err open_loader(struct device *d, const struct agent_config *c, struct ota_fault *why)
{
    const struct agent_boot *b = &c->boot;
    const struct agent_slot *slot = c->component[0].slot;
    const struct ota_posix_loader_config common = { .record = d->record, .name = { b->slots[0], b->slots[1] },
        .device = { slot[0].block, slot[1].block }, .reboot = b->reboot[0] ? b->reboot : NULL,
        .timeout_ms = b->timeout_s * 1000u };
    ota_err err = OTA_USAGE_CONFIG;

    if (snprintf(d->record, sizeof d->record, "%s%s", b->record ? b->record : c->state_dir, b->record ? "" : "/boot.record") >= (int)sizeof d->record)
        return ota_fault_set(why, OTA_USAGE_CONFIG, "boot.record", ENAMETOOLONG);
    for (size_t i = 0; i < sizeof loaders / sizeof loaders[0]; i++)
        if (strcmp(loaders[i].type, b->type) == 0)
            err = loaders[i].open(d, b, &common, why);
    if (err == OTA_OK)
        ota_posix_loader_guard(&d->boot.loader, &d->slot[0][0], &d->slot[0][1]);
    return err;
}

/* A key of the configuration stays one; what a loader's port blames is a variable or a file of the loader. */
static ota_err complain(struct schema_fault *fault, const struct agent_boot *b, ota_err err, const struct ota_fault *why)
{
    bool key = strncmp(why->where, "boot.", 5) == 0;

    if (key)
        return device_fail(fault, why->where, b->path, err, why);
    return device_fail(fault, "boot", why->where, err, why);
}

ota_err device_boot_open(struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_OK };
    ota_err err;

    d->has_loader = strcmp(c->boot.type, "file") != 0;
    err = d->has_loader ? open_loader(d, c, &why) : open_file(d, &c->boot, &why);
    if (err != OTA_OK)
        return complain(fault, &c->boot, err, &why);
    d->boot_port = d->has_loader ? &d->boot.loader.port : &d->boot.file.port;
    return OTA_OK;
}

/* A boot supervisor that would not run the other slot says so to what it runs instead. */
static void tell_refused_slot(void)
{
    const char *refused = getenv("OTA_BOOT_REFUSED");

    if (refused)
        (void)fprintf(stderr, "ota-agent: the boot supervisor refused slot %s\n", refused);
}

ota_err device_settle(struct device *d, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_OK };
    ota_err err = d->has_loader ? ota_posix_loader_settle(&d->boot.loader, &why) : OTA_OK;

    tell_refused_slot();
    return err == OTA_OK ? OTA_OK : device_fail(fault, "boot", device_boot_trouble(d), err, &why);
}

const char *device_boot_trouble(const struct device *d)
{
    return d->boot_port && d->has_loader ? ota_posix_loader_trouble(&d->boot.loader) : "";
}

void device_boot_close(struct device *d)
{
    if (!d->boot_port)
        return;
    if (d->has_loader)
        ota_posix_loader_close(&d->boot.loader);
    else
        ota_posix_boot_close(&d->boot.file);
    d->boot_port = NULL;
}
