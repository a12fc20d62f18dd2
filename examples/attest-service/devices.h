/* SPDX-License-Identifier: Apache-2.0 */
/* The devices that are registered: a file with a line "KEY PRODUCT GROUP" each, KEY in 130 lower-case hex digits. Empty lines
 * and those that begin with '#' are skipped when it is read, and not kept when a device registers. */
#ifndef ATTEST_DEVICES_H
#define ATTEST_DEVICES_H

#include "ota/attest_client.h"

#define DEVICES_MAX 4096u

struct device {
    uint8_t key[OTA_ATTEST_KEY_LEN];
    char product[OTA_NAME_MAX], group[OTA_NAME_MAX];
};

struct devices {
    const char *path;
    size_t count;
    struct device entry[DEVICES_MAX];
};

/* Load; a file that is absent has no devices. false: *line names the bad line, or is 0 with errno set */
bool devices_load(struct devices *d, const char *path, size_t *line);

/* NULL: not registered */
const struct device *devices_find(const struct devices *d, const uint8_t key[OTA_ATTEST_KEY_LEN]);

size_t devices_count(const struct devices *d, const char *product, const char *group);

/* Register a device, durably. OTA_OK; REJECT_LIMIT: the list is full; DEVICE_STORE with errno set: nothing has changed */
ota_err devices_add(struct devices *d, const struct device *new);

#endif
