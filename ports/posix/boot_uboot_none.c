/* SPDX-License-Identifier: Apache-2.0 */
/* Built in place of boot_uboot*.c where libubootenv was not found. */
#include <errno.h>

#include "ota/posix.h"

ota_err ota_posix_boot_uboot_open(struct ota_posix_boot_uboot *b, const struct ota_posix_boot_uboot_config *cfg, struct ota_fault *fault)
{
    (void)b;
    (void)cfg;
    return ota_fault_set(fault, OTA_USAGE_CONFIG, "built without libubootenv", ENOTSUP);
}

ota_err ota_posix_boot_uboot_count_open(struct ota_posix_boot_uboot_count *b, const struct ota_posix_boot_uboot_count_config *cfg,
                                        struct ota_fault *fault)
{
    (void)b;
    (void)cfg;
    return ota_fault_set(fault, OTA_USAGE_CONFIG, "built without libubootenv", ENOTSUP);
}
