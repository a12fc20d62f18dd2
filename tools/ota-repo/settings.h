/* SPDX-License-Identifier: Apache-2.0 */
/** @file D/ota-repo.json: life times, codec options, products with their publishers and device groups. People may edit it. */
#ifndef OTA_REPO_SETTINGS_H
#define OTA_REPO_SETTINGS_H

#include "tool.h"

#define SETTINGS_FORMAT 1
#define DAYS_MAX 36500

/** Members of "expiry_days", indexed by enum days_of. */
extern const char *const days_names[DAYS_COUNT];

char *settings_path(struct tool *t);
/** Fill t->settings with what `init` starts from. */
void settings_default(struct tool *t);
/** Read and check everything. @return TOOL_OK, TOOL_ABSENT, TOOL_FAILED naming the field */
int settings_load(struct tool *t);
/** Write numbers and products, atomically. */
int settings_save(struct tool *t);

cJSON *settings_products(const struct tool *t);
/** A product by name, or NULL. */
cJSON *product_find(const struct tool *t, const char *name);
/** A product by name, or a failure that lists the names there are. */
int product_need(struct tool *t, const char *name, cJSON **out);
/** Publisher of a component, or NULL if the product has no such component. */
const char *product_publisher(const cJSON *product, const char *component);
/** Add a device group to a product that is not in the tree yet or is. */
void product_add_group(cJSON *product, const char *name, const char *slug, const char *policy, const char *os_feed);
/** A group by slug or by name. */
int group_need(struct tool *t, const cJSON *product, const char *name, cJSON **out);

bool policy_ok(const char *policy);
bool feed_ok(const char *feed);

#endif
