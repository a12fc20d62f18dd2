/* SPDX-License-Identifier: Apache-2.0 */
/* The hawkBit server of the configuration, and its token. */
#ifndef DEVICE_HAWKBIT_H
#define DEVICE_HAWKBIT_H

#include "device.h"

/** Fill d->hawkbit, if there is one. @return as device_open() */
ota_err device_hawkbit_open(struct device *d, const struct agent_config *c, struct schema_fault *fault);

/** The first line of a file that nobody else may read. key names it in *fault. @return OTA_OK; USAGE_CONFIG */
ota_err device_read_token(const char *path, const char *key, char *out, size_t cap, struct schema_fault *fault);

#endif
