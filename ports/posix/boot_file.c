/* SPDX-License-Identifier: Apache-2.0 */
/* Boot control by a boot record file: load, change, store. The record's rules are in boot_record.c. */
#include <errno.h>

#include "boot_file.h"
#include "file_io.h"
#include "spawn.h"

static struct ota_posix_boot *self(struct ota_boot *b)
{
    return (struct ota_posix_boot *)b;
}

/* The port's own codes are DEVICE_BOOT only: an absent record is one, too. */
static ota_err load(struct ota_boot *b, struct ota_boot_record *r, int32_t *port_code)
{
    return ota_boot_record_load(self(b)->path, r, port_code) == OTA_OK ? OTA_OK : OTA_DEVICE_BOOT;
}

static ota_err view(struct ota_boot *b, struct ota_boot_view *out, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = load(b, &r, port_code);

    if (err != OTA_OK)
        return err;
    ota_boot_record_view(&r, out);
    return otap_result(self(b)->link ? otap_link_check(self(b), out) : 0, OTA_DEVICE_BOOT, port_code);
}

static ota_err arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = load(b, &r, port_code);

    if (err != OTA_OK)
        return err;
    err = ota_boot_record_arm(&r, slot, count, tries);
    if (err != OTA_OK)
        return otap_result(err == OTA_USAGE_STATE ? EBUSY : EINVAL, OTA_DEVICE_BOOT, port_code);
    return ota_boot_record_store(self(b)->path, &r, port_code);
}

static ota_err confirm(struct ota_boot *b, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = load(b, &r, port_code);

    if (err != OTA_OK)
        return err;
    if (r.state == OTA_BOOT_TRIAL_DROPPED)
        return otap_result(ECANCELED, OTA_DEVICE_BOOT, port_code); /* "ok" would be believed and reported */
    return ota_boot_record_confirm(&r) ? ota_boot_record_store(self(b)->path, &r, port_code) : OTA_OK;
}

static ota_err revert(struct ota_boot *b, int32_t *port_code)
{
    struct ota_boot_record r;
    ota_err err = load(b, &r, port_code);

    if (err != OTA_OK || !ota_boot_record_revert(&r))
        return err;
    return ota_boot_record_store(self(b)->path, &r, port_code);
}

static ota_err reboot(struct ota_boot *b, int32_t *port_code)
{
    int number = 0;

    if (self(b)->reboot) {
        pid_t pid = 0;

        number = otap_spawn(self(b)->reboot, &pid);
    }
    if (number == 0)
        self(b)->restart_asked = true;
    return otap_result(number, OTA_DEVICE_BOOT, port_code);
}

static const struct ota_boot_ops ops = { view, arm, confirm, revert, reboot };

ota_err ota_posix_boot_open(struct ota_posix_boot *b, const struct ota_posix_boot_config *cfg, struct ota_fault *fault)
{
    struct ota_boot_record r;
    int32_t code = 0;
    ota_err err;

    if (!b || !cfg || !cfg->path)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.path", 0);
    *b = (struct ota_posix_boot){ .port = { &ops }, .path = cfg->path, .reboot = cfg->reboot };
    err = ota_boot_record_load(cfg->path, &r, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "boot.path", code);
}

void ota_posix_boot_close(struct ota_posix_boot *b)
{
    b->restart_asked = false;
}
