/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TUF repository in memory, for tests: it makes keys, writes and signs metadata of any content, with any defect, and
 * serves it to a client. A store beside it holds what the client trusts.
 *
 * tuf_repo_publish() writes all files anew from the fields below. A defect is an edit of a role's `signed` text before it
 * is signed (lengths and digests of what depends on it stay right), or other signatures than there should be.
 */
#ifndef TUF_REPO_H
#define TUF_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ota/tuf.h"

#define REPO_KEYS 40
#define REPO_ROLES 48
#define REPO_FILES 160
#define REPO_EDITS 8
#define REPO_TARGETS 16
#define REPO_SIGNATURES 512
#define REPO_NOW 1750000000 /* 2025-06-15T15:06:40Z: "now" of the tests */

enum { REPO_ROOT, REPO_TIMESTAMP, REPO_SNAPSHOT, REPO_TARGETS_ROLE, REPO_TOP };

enum repo_key_kind { REPO_P256, REPO_P384, REPO_RSA, REPO_RSA3072, REPO_RSA4096, REPO_ED25519 }; /* the larger RSA keys cannot sign */

struct repo_key {
    uint8_t secret[1300]; /* PSA has few places for keys: it gets one only while it signs */
    size_t secret_len;    /* 0: not made yet */
    enum repo_key_kind kind;
    char id[65];
    char json[1200]; /* the key object */
};

struct repo_role {
    char name[80];
    int parent;        /* index of the delegating role; -1: top level */
    const char *paths; /* the delegation's member "paths" or "path_hash_prefixes", as JSON text */
    bool terminating;
    uint32_t version;
    const char *expires;
    unsigned threshold;
    uint8_t key[32], keys;   /* who may sign ... */
    uint8_t sign[32], signs; /* ... and who does */
    const char *sign_id[32]; /* not NULL: that signature goes under this key id */
    const char *sigs;        /* not NULL: put this into "signatures" after those */
    bool no_meta;            /* not listed in the snapshot */
    const char *delegations; /* not NULL: this instead of what would be written */
};

struct repo_target {
    int role;
    const char *path;
    const char *json;
};

/* In the `signed` text of a role, the first `from` becomes `to`. from "": the whole text. */
struct repo_edit {
    int role;
    const char *from, *to;
};

struct repo_file {
    char name[256];
    uint8_t *bytes;
    size_t len;
};

/* A signature made before: the same text gets the same one. */
struct repo_signature {
    const struct repo_key *key;
    uint8_t hash[64];
    char hex[1025];
};

struct tuf_repo {
    struct repo_key key[REPO_KEYS];
    struct repo_signature made[REPO_SIGNATURES];
    unsigned made_next;
    struct repo_role role[REPO_ROLES];
    int roles;
    struct repo_target target[REPO_TARGETS];
    int targets;
    struct repo_edit edit[REPO_EDITS];
    int edits;
    int edits_missed; /* edits whose text was not there: a test that edits nothing proves nothing */
    bool consistent;
    bool hashes;        /* lengths and digests in timestamp and snapshot */
    const char *scope;  /* not NULL: an "x-scope" member */
    const char *indent; /* white space put between tokens' ends; "" = compact */
    struct repo_file file[REPO_FILES];
    int files;
    char log[4096]; /* names of the files asked for, each with a space behind */
    unsigned fetches;
};

/* Roles root, timestamp, snapshot, targets with one P-256 key each (keys 0..3), and delegated role "pub" (key 4, paths
 * app/<star>, terminating) with target app/one. Published. Keys are kept from one call to the next. */
void tuf_repo_init(struct tuf_repo *r);
void tuf_repo_free(struct tuf_repo *r);
/* Make key `index` unless it is there. */
void tuf_repo_key(struct tuf_repo *r, int index, enum repo_key_kind kind);
/* Add a delegated role with one key. @return its index */
int tuf_repo_delegate(struct tuf_repo *r, int parent, const char *name, const char *paths, bool terminating, int key);
void tuf_repo_target(struct tuf_repo *r, int role, const char *path, const char *json);
void tuf_repo_edit(struct tuf_repo *r, int role, const char *from, const char *to);
void tuf_repo_signer(struct tuf_repo *r, int role, int key); /* may sign and does */
void tuf_repo_publish(struct tuf_repo *r);
/* Versions of all roles but root + 1, published. */
void tuf_repo_next_day(struct tuf_repo *r);
struct repo_file *tuf_repo_file(struct tuf_repo *r, const char *name);
void tuf_repo_put(struct tuf_repo *r, const char *name, const void *bytes, size_t len);
/* Give a file a name and a copy of the bytes instead of those it had. */
void repo_file_set(struct repo_file *f, const char *name, const void *bytes, size_t len);
/* A copy of a file's bytes; caller frees. */
uint8_t *tuf_repo_copy(const struct repo_file *f, size_t *len);

/* Ed25519, which the crypto library cannot: with libsodium's own signer. false: not in this build. */
bool repo_ed25519_pair(uint8_t secret[64], uint8_t public_key[32]);
void repo_ed25519_sign(const uint8_t secret[64], const void *text, size_t len, uint8_t sig[64]);

struct tuf_store {
    struct repo_file record[REPO_ROLES];
    int records;
    unsigned writes, removes;
};

void tuf_store_free(struct tuf_store *s);
struct repo_file *tuf_store_find(struct tuf_store *s, const char *role);
void tuf_store_put(struct tuf_store *s, const char *role, const void *bytes, size_t len);
/* Deep copy, and comparison of all records. */
void tuf_store_copy(struct tuf_store *to, const struct tuf_store *from);
bool tuf_store_same(struct tuf_store *a, struct tuf_store *b);

/* A client with the repository's current root as factory root. cfg is filled with defaults before; mem is allocated. */
void tuf_client_config(struct ota_tuf_config *cfg, struct ota_crypto *crypto, const struct repo_file *root);
struct ota_tuf *tuf_client(const struct ota_tuf_config *cfg, void **mem);
/* Do what the client wants until it ends. */
ota_err tuf_drive(struct ota_tuf *t, struct tuf_repo *r, struct tuf_store *s);
ota_err tuf_refresh(struct ota_tuf *t, struct tuf_repo *r, struct tuf_store *s);
ota_err tuf_find(struct ota_tuf *t, struct tuf_repo *r, struct tuf_store *s, const char *path);

#endif
