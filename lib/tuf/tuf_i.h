/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this stage share.
 *
 *   tuf.c       the public functions and the row of steps: what to ask for, what to do with the answer
 *   refresh.c   what the answers of a refresh mean (section 5.3 to 5.6)
 *   search.c    the walk over delegations for one target (section 5.6.7)
 *   root.c meta.c targets.c   one kind of file each: text -> checked values
 *   verify.c    signatures of a file: the only place that says "signed by the threshold"
 *   key.c       public keys and key ids
 *   names.c     file names, path patterns
 *
 * A file is looked at in this order: its `signatures` list and the digest of `signed`; signatures; only then values.
 */
#ifndef OTAI_TUF_I_H
#define OTAI_TUF_I_H

#include "json.h"
#include "ota/tuf.h"

#define TUF_KEYS_MAX 24    /* keys of one root, or of the delegations that one search follows */
#define TUF_KEY_BYTES 2336 /* of all of them together: 24 P-384 keys, or 5 RSA-3072 keys */
#define TUF_SIGS_MAX 64    /* signatures of one file */
#define TUF_ROLES_MAX 32   /* roles of one search */

enum tuf_role { TUF_ROOT, TUF_TIMESTAMP, TUF_SNAPSHOT, TUF_TARGETS, TUF_TOP_ROLES };
extern const char *const otai_tuf_role_name[TUF_TOP_ROLES];

/* A public key and the name that roles and signatures know it by. */
struct tuf_key {
    uint8_t id[OTA_SHA256_LEN];
    uint16_t off, len;       /* its bytes in the ring */
    uint8_t kind, alg, hash; /* enum ota_key_kind, ota_sig_alg, ota_hash_alg */
};

struct tuf_ring {
    uint8_t count;
    uint16_t used;
    struct tuf_key key[TUF_KEYS_MAX];
    uint8_t bytes[TUF_KEY_BYTES];
};

/* Who may sign: a set of keys of a ring, and how many of them must. */
struct tuf_signers {
    uint32_t keys;
    uint32_t threshold;
};

/* What every role has. */
struct tuf_head {
    uint32_t version;
    int64_t expires_s;
    uint32_t seen;
};

struct tuf_root {
    uint32_t version;
    int64_t expires_s;
    bool consistent;
    struct tuf_signers signers[TUF_TOP_ROLES];
    struct tuf_ring ring;
};

struct tuf_hashes {
    bool has_sha256, has_sha512;
    uint8_t sha256[OTA_SHA256_LEN];
    uint8_t sha512[64];
};

/* What timestamp says of snapshot, and snapshot of targets and delegated roles. */
struct tuf_meta {
    uint32_t version;
    uint32_t length; /* 0: not told */
    struct tuf_hashes hashes;
};

/* A role of the search under way. Visited ones come first, then those to visit, the next one last. */
struct tuf_visit {
    char name[OTA_TUF_ROLE_MAX];
    struct tuf_signers signers;
};

struct tuf_search {
    uint8_t visited, count;
    struct tuf_visit role[TUF_ROLES_MAX];
    struct tuf_ring ring; /* keys of the delegations in role[] */
};

struct ota_tuf {
    struct ota_tuf_config cfg;
    uint8_t *buf;
    size_t buf_len;
    int64_t now_s;
    struct ota_fault fault;
    ota_err result; /* OTA_OK while under way, else how it ended */
    uint8_t step;   /* enum tuf_step */
    bool asked;     /* a want waits for its answer */
    bool fresh;     /* a refresh succeeded: searches may begin */
    uint16_t rotations;
    size_t len;                 /* of the file that is to be stored */
    size_t old_snapshot_len;    /* trusted snapshot in the first half of buf; 0: none */
    struct tuf_meta snapshot;   /* as the trusted timestamp has it */
    struct tuf_meta targets;    /* as the trusted snapshot has it */
    struct tuf_meta role;       /* of the delegated role being loaded */
    uint32_t timestamp_version; /* 0: no trusted timestamp */
    int64_t timestamp_expires_s;
    bool found;                              /* the file that is to be stored has the target */
    uint8_t snapshot_digest[OTA_SHA256_LEN]; /* of the verified files: what is loaded again in one session */
    uint8_t targets_digest[OTA_SHA256_LEN];  /* need not be verified twice */
    char doc[OTA_FAULT_WHERE_MAX];           /* name of the file being checked, for faults */
    struct ota_tuf_target target;            /* until it is found, `file` holds the name of what to fetch */
    struct tuf_root root;
    union {
        struct tuf_root root; /* a refresh: the candidate */
        struct tuf_search search;
    } u;
};

enum tuf_step {
    TUF_IDLE,
    TUF_ROOT_LOAD,
    TUF_ROOT_FETCH,
    TUF_TIMESTAMP_FORGET,
    TUF_SNAPSHOT_FORGET,
    TUF_ROOT_STORE,
    TUF_TIMESTAMP_LOAD,
    TUF_TIMESTAMP_FETCH,
    TUF_TIMESTAMP_STORE,
    TUF_SNAPSHOT_LOAD,
    TUF_SNAPSHOT_FETCH,
    TUF_SNAPSHOT_STORE,
    TUF_TARGETS_LOAD,
    TUF_TARGETS_FETCH,
    TUF_TARGETS_STORE,
    TUF_LOOKUP,
    TUF_ROLE_LOAD,
    TUF_ROLE_FETCH,
    TUF_ROLE_STORE,
    TUF_STEPS
};

/* tuf.c */
/* The file that an answer brought is refused: err at "doc.where". @return err */
ota_err otai_tuf_refuse(struct ota_tuf *t, ota_err err, const char *where);
/* Digest of p[0..len). OTA_OK or DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_tuf_hash(struct ota_tuf *t, enum ota_hash_alg alg, const void *p, size_t len, uint8_t *out);

/* refresh.c: answers. `got` is {NULL, 0} when the file is absent; only root_fetched hears of that when it was fetched.
 * Each sets t->step. */
ota_err otai_tuf_root_loaded(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_root_fetched(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_root_stored(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_timestamp_loaded(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_timestamp_fetched(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_snapshot_loaded(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_snapshot_fetched(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_targets_loaded(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_targets_fetched(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_targets_stored(struct ota_tuf *t, struct otai_span got);
/* A targets file that must be trusted: every check of section 5.6. meta may not have a length above the limit. */
OTA_MUST_CHECK ota_err otai_tuf_check_targets(struct ota_tuf *t, struct otai_span file, const struct tuf_meta *meta,
                                              const struct tuf_ring *ring, struct tuf_signers signers);
/* A trusted copy that does not pass counts as absent. @return OTA_OK, or err when the device itself failed */
OTA_MUST_CHECK ota_err otai_tuf_forgive(struct ota_tuf *t, ota_err err);
/* OTA_OK: length and digests of the file are those that meta tells. */
OTA_MUST_CHECK ota_err otai_tuf_check_meta(struct ota_tuf *t, struct otai_span file, const struct tuf_meta *meta);

/* search.c */
void otai_tuf_search_begin(struct ota_tuf *t);
ota_err otai_tuf_looked_up(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_role_loaded(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_role_fetched(struct ota_tuf *t, struct otai_span got);
ota_err otai_tuf_role_stored(struct ota_tuf *t, struct otai_span got);
/* Put a delegation to visit: before all roles that waited when *base was set to their number (plus those visited), after
 * those put since then. OTA_OK also when it was visited or will never be. REJECT_DUPLICATE: put since then already. */
OTA_MUST_CHECK ota_err otai_tuf_visit(struct tuf_search *s, uint8_t *base, uint8_t limit, const char *name,
                                      struct tuf_signers signers);
/* The role being visited; "targets" first. */
const char *otai_tuf_role(const struct ota_tuf *t);

/* verify.c */
/* file is signed by the threshold of signers, and `signed` is an object. REJECT_*, DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_tuf_verify(struct ota_tuf *t, struct otai_span file, const struct tuf_ring *ring,
                                       struct tuf_signers signers);

/* key.c */
/* Put the key that `keys` (an object's text) has under this raw id into ring. OTA_OK: *mask has its bit. OTA_SAME: there
 * is no such key or it is of a kind not known here; it counts for nothing. REJECT_*, DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_tuf_key_add(struct ota_tuf *t, struct tuf_ring *ring, struct otai_span keys, struct otai_span id,
                                        uint32_t *mask);
/* Take the list `keyids` that j stands before. */
void otai_tuf_keyids(struct ota_tuf *t, struct otai_json *j, struct otai_span keys, struct tuf_ring *ring, uint32_t *mask);
/* A raw key id as 32 bytes. false: not one. */
bool otai_tuf_key_id(struct ota_tuf *t, struct otai_span raw, uint8_t out[OTA_SHA256_LEN]);
/* Digest of the canonical form of the value that j stands before. */
OTA_MUST_CHECK ota_err otai_tuf_canonical_hash(struct ota_tuf *t, struct otai_json *j, enum ota_hash_alg alg, uint8_t *out);

/* root.c. Values of a root file; keys come with it, so it can verify itself. */
OTA_MUST_CHECK ota_err otai_tuf_root_parse(struct ota_tuf *t, struct otai_span file, struct tuf_root *out);

/* meta.c */
/* Begin to read a file: leaves j inside `signed`. */
void otai_tuf_open_signed(struct otai_json *j, struct otai_span file);
/* End: takes what is left of the file. @return j->err as a fault of t */
OTA_MUST_CHECK ota_err otai_tuf_close_signed(struct ota_tuf *t, struct otai_json *j);
/* Take the current member of `signed` if every role has it. */
bool otai_tuf_head_member(struct ota_tuf *t, struct otai_json *j, struct tuf_head *head, enum tuf_role type);
/* After the last member: is everything there? */
void otai_tuf_head_need(struct ota_tuf *t, struct otai_json *j, const struct tuf_head *head, enum tuf_role type);
void otai_tuf_hashes(struct otai_json *j, struct tuf_hashes *out);
/* Values of a timestamp or snapshot (type), and what it says of `role`: *out. */
OTA_MUST_CHECK ota_err otai_tuf_listing_parse(struct ota_tuf *t, struct otai_span file, enum tuf_role type, const char *role,
                                              struct tuf_head *head, struct tuf_meta *out);
/* Section 5.5.5: everything that the old snapshot lists is in the new one, and not older. */
OTA_MUST_CHECK ota_err otai_tuf_snapshot_compare(struct ota_tuf *t, struct otai_span old, struct otai_span fresh);

/* targets.c */
/* Read a targets file as a whole. With path: *found tells whether the target is in it (then t->target is filled);
 * matching delegations are put into search. Without path (NULL) only its form is checked. */
OTA_MUST_CHECK ota_err otai_tuf_targets_parse(struct ota_tuf *t, struct otai_span file, const char *path, struct tuf_head *head,
                                              bool *found);

/* names.c */
/* "[version.]role.json", percent-encoded; version 0: none. false: does not fit. */
bool otai_tuf_file_name(char *out, size_t cap, uint32_t version, const char *role);
/* "directory/DIGEST.name", percent-encoded. digest_len 0: without digest. */
bool otai_tuf_target_name(char *out, size_t cap, const char *path, const uint8_t *digest, size_t digest_len);
/* Does the pattern match? * and ? stand for anything but '/'. */
bool otai_tuf_glob(const char *pattern, const char *path);
/* A path that cannot leave its directory: no empty, "." or ".." part, no backslash, no control byte. */
bool otai_tuf_path_ok(const char *path);

#endif
