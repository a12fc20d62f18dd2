/* SPDX-License-Identifier: Apache-2.0 */
/* The boot control that the configuration names. */
#ifndef AGENT_DEVICE_BOOT_H
#define AGENT_DEVICE_BOOT_H

#include "device.h"

/** Open it. @return as device_open() */
ota_err device_boot_open(struct device *d, const struct agent_config *c, struct schema_fault *fault);
void device_boot_close(struct device *d);

/** Say which key of the configuration it was, what the library says, and the system's own word where there is one. @return err */
ota_err device_fail(struct schema_fault *fault, const char *key, const char *value, ota_err err, const struct ota_fault *f);

#endif
