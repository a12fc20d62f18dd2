/* SPDX-License-Identifier: Apache-2.0 */
/** @file D/devices/<product>.txt, the registry of devices: lines "<id> <group>", sorted by id. A million of them fit in memory. */
#ifndef OTA_REPO_DEVICES_H
#define OTA_REPO_DEVICES_H

#include "file.h"

#define DEVICE_ID_MAX 127
#define DEVICES_MAX 200000000u

/** One line; the texts are not terminated. */
struct device {
    const char *id;
    uint8_t id_len, group_len;   /**< the group follows the id and one space */
};

struct devices {
    struct device *item;
    size_t count;
    struct file_map map;
};

/** A device's id: 1..127 characters of [A-Za-z0-9._-], first one not '.'. */
bool device_id_ok(const char *id, size_t len);
const char *device_group(const struct device *d);

/**
 * Read the registry of a product; one that is not there is empty. Every line is checked: form, order, and that the group is
 * one of the product's settings. Call devices_close() also after a failure.
 */
int devices_open(struct tool *t, const char *product, const cJSON *settings, struct devices *out);
/** The same of a list in any order that people wrote; of lines with one id the last one counts. */
int devices_read_list(struct tool *t, const char *path, const cJSON *settings, struct devices *out);
void devices_close(struct devices *d);
/** Find a device, or NULL. */
const struct device *devices_find(const struct devices *d, const char *id, size_t len);

/**
 * Write the registry anew: `old` with the devices of `changes` put in or moved, or taken out. Both are sorted.
 * @param changed  gets the number of lines that differ; nothing is written if that is 0
 * @param gained   an object that gets a member for each group which has devices that it did not have
 */
int devices_merge(struct tool *t, const char *product, const struct devices *old, const struct devices *changes, bool remove,
                  size_t *changed, cJSON *gained);

#endif
