/* SPDX-License-Identifier: Apache-2.0 */
/** @file One TUF repository below D/web: its documents in memory, making it, reading it as a client does, publishing it. */
#ifndef OTA_REPO_REPO_H
#define OTA_REPO_REPO_H

#include "canon.h"
#include "text.h"
#include "tool.h"

#define SPEC_VERSION "1.0.34"
#define ROLES_MAX 32

/** "targets" or a role that it delegates to. */
struct role {
    const char *name;
    cJSON *doc;      /**< the "signed" object */
    bool dirty;      /**< changed: gets a new version when published */
};

struct repo {
    struct tool *t;
    const char *name;      /**< "os", or the product's name */
    const char *scope;     /**< begins the names of its key files: "os", "p-<product>" */
    const char *dir;       /**< D/web/os, D/web/p/<product> */
    bool strict_time;      /**< expired metadata is an error */
    const char *shard;     /**< of a director, whose files but the roots lie in a folder of that name; else NULL */
    cJSON *root;           /**< "signed" of the newest root */
    cJSON *timestamp;      /**< "signed"; NULL as long as the repository is not published */
    cJSON *snapshot;
    struct role role[ROLES_MAX];   /**< [0] is targets */
    size_t role_count;
    const char *also_role; /**< while its keys change: this role is signed ... */
    const cJSON *also;     /**< ... by these key ids, too */
};

/** A delegated role and the path patterns that it may sign. */
struct delegation {
    const char *role;
    const char *path[16];
};

/** Where things are. NULL product = the OS repository. */
void repo_locate(struct tool *t, const char *product, struct repo *out);
char *repo_file(const struct repo *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Local file of a target: targets/<dirname>/<sha256>.<basename>. */
char *repo_target_file(const struct repo *r, const char *path, const char *sha256);

/**
 * Make what is not there yet: keys, 1.root.json, delegations, first metadata. Repeating it after a crash goes on.
 * @param delegations  ends with role == NULL
 */
int repo_create(struct repo *r, const struct delegation *delegations);
/** Delegate to one more role, with a new key; it is published by repo_publish(). */
int repo_delegate(struct repo *r, const struct delegation *d);
/** Locate and read (see check.h) a repository that is complete. */
int repo_open(struct tool *t, const char *product, struct repo *out);

/** targets or a delegated role by name, or NULL. */
struct role *repo_role(struct repo *r, const char *name);
/** Target of a role, or NULL. */
cJSON *role_target(const struct role *role, const char *path);
/** Put a target into a role and mark the role. Takes custom, which may be NULL. */
void role_put_target(struct role *role, const char *path, uint64_t length, const char *sha256, cJSON *custom);
/** Entry {keyids, threshold} and key objects by which a role is verified: from root, or from targets' delegations. */
cJSON *repo_role_entry(const struct repo *r, const char *role);
cJSON *repo_role_keys(const struct repo *r, const char *role);
/** New entry with `count` fresh key pairs; their objects go into `keys`. */
int repo_new_entry(struct repo *r, const char *role, unsigned count, unsigned threshold, cJSON *keys, cJSON **entry);

/** A new targets document without targets. */
cJSON *targets_new(void);
/** A new root document: version 1, fresh keys for the four roles. */
int root_new(struct repo *r, cJSON **out);

#endif
