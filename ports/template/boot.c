/* SPDX-License-Identifier: Apache-2.0 */
#include "my_ports.h"

/* A loader without a protocol of its own can share a struct ota_boot_record (ota/boot_record.h) with this port: then each
 * function is load, one call, store, and the loader calls ota_boot_record_start(). */

static ota_err not_written(int32_t *port_code)
{
    *port_code = MY_NOT_WRITTEN;
    return OTA_DEVICE_BOOT;
}

static ota_err view(struct ota_boot *b, struct ota_boot_view *out, int32_t *port_code)
{
    (void)b;
    (void)out;
    return not_written(port_code); /* TODO: read the loader's variables; no side effect */
}

static ota_err arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code)
{
    (void)b;
    (void)slot;
    (void)count;
    (void)tries;
    return not_written(port_code); /* TODO: one atomic, durable write for all components */
}

static ota_err confirm(struct ota_boot *b, int32_t *port_code)
{
    (void)b;
    return not_written(port_code); /* TODO: the trial becomes permanent; nothing to do without one */
}

static ota_err revert(struct ota_boot *b, int32_t *port_code)
{
    (void)b;
    return not_written(port_code); /* TODO: the next start runs the confirmed slots */
}

static ota_err reboot(struct ota_boot *b, int32_t *port_code)
{
    (void)b;
    return not_written(port_code); /* TODO: ask for a restart and return */
}

static const struct ota_boot_ops ops = { view, arm, confirm, revert, reboot };

void my_boot_init(struct my_boot *b)
{
    *b = (struct my_boot){ .port = { &ops } };
}
