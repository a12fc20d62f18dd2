/* SPDX-License-Identifier: Apache-2.0 */
#include "fail.h"

#define CODE_REFUSED 1

static struct ota_ram_boot *self(struct ota_boot *b)
{
    return (struct ota_ram_boot *)b;
}

static ota_err view(struct ota_boot *port, struct ota_boot_view *out, int32_t *port_code)
{
    (void)port_code;
    ota_boot_record_view(&self(port)->record, out);
    return OTA_OK;
}

static ota_err arm(struct ota_boot *port, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code)
{
    struct ota_ram_boot *b = self(port);

    if (otam_fails(&b->fail, port_code))
        return OTA_DEVICE_BOOT;
    if (ota_boot_record_arm(&b->record, slot, count, tries) == OTA_OK)
        return OTA_OK;
    *port_code = CODE_REFUSED;
    return OTA_DEVICE_BOOT;
}

static ota_err confirm(struct ota_boot *port, int32_t *port_code)
{
    struct ota_ram_boot *b = self(port);

    if (otam_fails(&b->fail, port_code))
        return OTA_DEVICE_BOOT;
    if (b->record.state == OTA_BOOT_TRIAL_DROPPED) {
        *port_code = CODE_REFUSED; /* given up: it cannot become permanent, and "ok" would be believed */
        return OTA_DEVICE_BOOT;
    }
    (void)ota_boot_record_confirm(&b->record);
    return OTA_OK;
}

static ota_err revert(struct ota_boot *port, int32_t *port_code)
{
    struct ota_ram_boot *b = self(port);

    if (otam_fails(&b->fail, port_code))
        return OTA_DEVICE_BOOT;
    (void)ota_boot_record_revert(&b->record);
    return OTA_OK;
}

static ota_err reboot(struct ota_boot *port, int32_t *port_code)
{
    struct ota_ram_boot *b = self(port);

    if (otam_fails(&b->fail, port_code))
        return OTA_DEVICE_BOOT;
    b->reboots++;
    return OTA_OK;
}

static const struct ota_boot_ops ops = { view, arm, confirm, revert, reboot };

void ota_ram_boot_init(struct ota_ram_boot *b, const uint8_t *slot, size_t count)
{
    *b = (struct ota_ram_boot){ .port = { &ops } };
    ota_boot_record_init(&b->record, slot, count);
}

enum ota_boot_start ota_ram_boot_start(struct ota_ram_boot *b)
{
    bool changed = false;

    return ota_boot_record_start(&b->record, &changed);
}
