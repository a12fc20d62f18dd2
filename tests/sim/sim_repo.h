/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher's TUF repository, made in memory and laid out like tools/ota-repo lays it out. Nothing of lib/tuf is used:
 * the two must agree by the specification alone. */
#ifndef SIM_REPO_H
#define SIM_REPO_H

#include "sim_key.h"
#include "sim_web.h"

#define SIM_ROLES_MAX 4
#define SIM_TARGETS_MAX 24
#define SIM_JSON_MAX 32768

struct sim_target {
    char path[128];
    char json[1400];   /* the target's object in the metadata */
};

/* "targets" or a role that it delegates to. */
struct sim_role {
    char name[32];
    const char *paths;   /* JSON array of the delegated path patterns */
    struct sim_key key;
    const struct sim_key *trusted;   /* what the delegation names instead; NULL: key */
    uint32_t version;
    bool changed;
    size_t count;
    struct sim_target target[SIM_TARGETS_MAX];   /* ordered by path, as canonical JSON wants it */
};

struct sim_repo {
    struct sim_web *web;
    struct sim_pool *pool;
    char metadata_url[96], targets_url[96];
    struct sim_key root_key, online_key;
    uint32_t root_version, snapshot_version, timestamp_version;
    int64_t expires_s;             /* of everything that is published next */
    int64_t issued_s;              /* of the timestamps among it; 0: they do not tell */
    char folder[16], scope[48];    /* of a shard: where all but the roots are, and the member "x-scope" of all but these */
    size_t role_count;
    struct sim_role role[SIM_ROLES_MAX];   /* role[0] is "targets" */
    const uint8_t *root;           /* first root: what a factory puts into a device */
    size_t root_len;
};

/* Make keys and the first root. `name` seeds the keys; base ends in "/". */
void sim_repo_open(struct sim_repo *r, const char *name, const char *base, struct sim_web *web, struct sim_pool *pool,
    int64_t expires_s);
/* Delegate paths to a new role, terminating, behind those that exist. */
struct sim_role *sim_repo_delegate(struct sim_repo *r, const char *role, const char *paths);
/* Add or replace a target and upload its bytes. custom: JSON text or NULL. */
void sim_repo_target(struct sim_repo *r, struct sim_role *role, const char *path, const void *data, size_t len,
    const char *custom);
/* Sign and upload: changed roles, then snapshot, then timestamp. */
void sim_repo_publish(struct sim_repo *r);
/* Sign and upload a root of the present keys. */
void sim_repo_root(struct sim_repo *r);
/* Replace the online keys: a new root, signed by the root key, and everything below signed anew. */
void sim_repo_rotate(struct sim_repo *r, const char *seed);
/* "dir/DIGEST.name" for a target path and its bytes: where consistent snapshots put it below the targets URL. */
void sim_repo_file(const char *path, const void *data, size_t len, char *out, size_t cap);

#endif
