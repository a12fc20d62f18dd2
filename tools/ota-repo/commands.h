/* SPDX-License-Identifier: Apache-2.0 */
/** @file Every command: its row of the table. What they share. */
#ifndef OTA_REPO_COMMANDS_H
#define OTA_REPO_COMMANDS_H

#include "args.h"
#include "deploy.h"
#include "repo.h"

#define DEFAULT_PUBLISHER "maker"

extern const struct command command_init, command_product_add, command_product_list, command_group_add, command_group_set, command_device_set, command_device_import,
    command_device_remove, command_device_list, command_director_set, command_promote, command_check, command_rollout,
    command_group_list, command_key_add, command_sign_export,
    command_sign_payload, command_sign_merge, command_key_list, command_key_rotate, command_image_add, command_image_list,
    command_image_remove, command_deploy, command_withdraw, command_feed_set, command_refresh, command_show, command_verify, command_reports, command_status, command_reference;
extern const struct command command_image_pack, command_image_show, command_image_verify, command_manifest_show,
    command_manifest_convert, command_manifest_deployment;
extern const struct command command_capability_make, command_capability_sign, command_capability_show, command_capability_verify;
extern const struct command command_transfer_make, command_transfer_sign, command_transfer_show, command_transfer_verify;

/** Make a product's repository and record it. components: NULL-terminated. */
int product_create(struct tool *t, const char *name, const char *publisher, const char *const *components);

/** An image as an entry of a pointer names it. */
struct named_image {
    const char *component, *version, *path, *sha256;
    uint64_t length;
};

/** The role that signs a component's images: in the OS repository for "os", else the publisher's in the product's. */
int image_role(struct tool *t, struct repo *os, struct repo *product, const cJSON *settings, const char *component,
               struct role **out);
/** Find the image of a component with a version that fits the product. */
int image_find(struct tool *t, const struct role *role, const char *product, const char *component, const char *version,
               struct named_image *out);
/** Version of the image that an entry of a pointer names; "" if it is not there. */
const char *image_version(struct tool *t, struct place *p, const cJSON *entry);
/** "component=version" in parts. */
int image_argument(struct tool *t, const char *text, const char **component, const char **version);

/** The document of a pointer target that is published now; *out is NULL when there is none. */
int pointer_read(struct repo *r, const struct role *role, const char *path, cJSON **out);
/** Paths of pointer targets. */
char *group_path(struct tool *t, const char *slug);
char *feed_path(struct tool *t, const char *feed, const char *product);
/** Role of a feed in the OS repository: "feed-retail" or "feed-eval". */
const char *feed_role(const char *feed);

#endif
