/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this stage share.
 *
 *   tuf.c       the public functions and the row of steps: what to ask for, who judges the answer
 *   refresh.c   what the answers mean (section 5.3 to 5.6)
 *   search.c    the walk over delegations for one target (section 5.6.7)
 *   verify.c    signatures of a file: the only place that says "signed by the threshold"
 *   meta.c      what is signed: text -> checked values of ota_tuf.in
 *   root.c targets.c    the larger parts of it: signers of a root; targets and delegations
 *   key.c       digests, public keys and key ids
 *   kinds.h     kinds of keys without Ed25519; builds with it have kinds_ed25519.h instead, and ed25519.c
 *   names.c     file names, path patterns
 *
 * A file is looked at in this order: its `signatures` list and the digest of `signed`; signatures; only then values.
 */
#ifndef OTAI_TUF_I_H
#define OTAI_TUF_I_H

#include "json.h"
#include "ota/tuf.h"

/* The build chooses which kinds of keys there are. */
#ifndef OTAI_TUF_KINDS
#define OTAI_TUF_KINDS "kinds.h"
#endif

#define TUF_KEYS_MAX 24    /* keys of one root, or of the delegations that one search follows */
#define TUF_SIGS_MAX 64    /* signatures of one file */
#define TUF_ROLES_MAX 32   /* roles of one search */

enum tuf_role { TUF_ROOT, TUF_TIMESTAMP, TUF_SNAPSHOT, TUF_TARGETS, TUF_TOP_ROLES };
extern const char *const otai_tuf_role_name[TUF_TOP_ROLES];

/* A kind of key together with the way to sign with it. */
struct tuf_scheme {
    const char *name;
    uint8_t kind, alg, hash; /* enum ota_key_kind, ota_sig_alg, ota_hash_alg */
};


/* A public key and the name that roles and signatures know it by. */
struct tuf_key {
    uint8_t id[OTA_SHA256_LEN];
    uint16_t scheme; /* index in otai_tuf_scheme */
    uint16_t len;
    uint16_t off; /* its bytes in key_bytes */
};

struct tuf_ring {
    uint8_t count;
    uint16_t end; /* offset in key_bytes behind the last key */
    struct tuf_key key[TUF_KEYS_MAX];
};

/* Who may sign: a set of keys of a ring, and how many of them must. */
struct tuf_signers {
    uint32_t keys;
    uint32_t threshold;
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

/* What is read of the `signed` part of one file. */
struct tuf_reading {
    uint8_t role; /* what it must be; TUF_TARGETS also for delegated roles */
    uint8_t base; /* where the next delegation is put: before all that waited at the start */
    bool found;   /* the target is in this file */
    bool stop;    /* a terminating delegation matched: later ones do not count */
    uint32_t version;
    int64_t expires_s;
    int64_t issued_s; /* timestamp: when it was made; 0: not told */
    struct otai_span keys; /* root, targets: text of the keys that roles or delegations name */
    const char *path;      /* targets: the target looked for; NULL: only the form is checked */
    uint8_t path_digest[OTA_SHA256_LEN];
};

/* A role of the search under way. Visited ones come first, then those to visit, in this order. */
struct tuf_visit {
    char name[OTA_TUF_ROLE_MAX];
    struct tuf_signers signers;
};

struct tuf_search {
    uint8_t visited, count;
    struct tuf_visit role[TUF_ROLES_MAX];
    struct tuf_ring ring; /* keys of the delegations in role[] */
};

struct tuf_signature {
    struct otai_span id, sig; /* raw strings */
};

/* One file's signatures, and who may sign it. */
struct tuf_envelope {
    struct ota_tuf *t;
    const struct tuf_ring *ring;
    struct otai_span signed_text;
    uint32_t count;
    struct tuf_signature list[TUF_SIGS_MAX];
    uint8_t alg;   /* enum ota_sig_alg that digest is for; 0: for none yet */
    uint8_t digest[OTA_HASH_LEN_MAX];
};

struct ota_tuf {
    struct ota_tuf_config cfg;
    uint8_t *buf;
    uint8_t *key_bytes; /* two halves of limits.key_bytes: keys of the trusted root, and of the ring in u */
    uint16_t free_half; /* offset of the latter */
    uint32_t signed_by; /* keys of the ring that was asked for last, known to have signed `file`; of a root that is the trusted one first */
    int64_t now_s;
    struct ota_fault fault;
    ota_err result; /* OTA_OK while under way, else how it ended */
    uint8_t step;   /* enum tuf_step */
    bool asked;     /* a want waits for its answer */
    bool fresh;     /* a refresh succeeded: searches may begin */
    uint16_t rotations;
    struct otai_span file;         /* the file being checked */
    char doc[OTA_FAULT_WHERE_MAX]; /* and its name, for faults */
    struct tuf_reading in;         /* and what it says; belongs to the last file that was parsed */
    size_t len;                    /* of the file that is to be stored */
    size_t old_snapshot_len;       /* trusted snapshot in the first half of buf; 0: none */
    struct tuf_meta snapshot;      /* as the trusted timestamp has it */
    struct tuf_meta targets;       /* as the trusted snapshot has it */
    struct tuf_meta listed;        /* what the last timestamp says of snapshot, or a snapshot of the role being visited */
    uint32_t timestamp_version;    /* 0: no trusted timestamp */
    int64_t timestamp_expires_s, timestamp_issued_s;
    uint8_t snapshot_digest[OTA_SHA256_LEN]; /* of the verified files: what is loaded again in one session */
    uint8_t targets_digest[OTA_SHA256_LEN];  /* need not be verified twice */
    struct ota_tuf_target target;            /* until it is found, `file` holds the name of what to fetch */
    struct tuf_root root;
    union {
        struct tuf_root root;     /* while roots are fetched: the candidate */
        struct tuf_search search; /* from then on; a refresh visits the top-level targets role only */
    } u;
};

/* Each is followed by the next one unless its answer leads elsewhere. */
enum tuf_step {
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
    TUF_ROLE_LOAD,
    TUF_ROLE_FETCH,
    TUF_ROLE_STORE,
    TUF_LOOKUP,
    TUF_IDLE,
    TUF_STEPS
};

/* tuf.c */
/* The file being checked is refused: err at "doc.where". To refuse it as a whole, just return the error. @return err */
ota_err otai_tuf_refuse(struct ota_tuf *t, ota_err err, const char *where);
/* Is it the name of a top-level role? Its enum tuf_role, or TUF_TOP_ROLES. */
size_t otai_tuf_top_role(const char *name);

/* refresh.c: answers. t->file is what came, empty if nothing did; t->step is the next step already and may be changed. A
 * REJECT while that is to fetch means that the trusted copy is of no use: it counts as absent. */
ota_err otai_tuf_root_loaded(struct ota_tuf *t);
ota_err otai_tuf_root_fetched(struct ota_tuf *t);
ota_err otai_tuf_root_stored(struct ota_tuf *t);
ota_err otai_tuf_timestamp_answered(struct ota_tuf *t);
ota_err otai_tuf_snapshot_answered(struct ota_tuf *t);
/* There is no newer root. Section 5.3.10. */
ota_err otai_tuf_roots_done(struct ota_tuf *t);
/* Every check of section 5.6 for the targets file of the role that is visited. Its signers' keys are in ring. */
OTA_MUST_CHECK ota_err otai_tuf_check_role(struct ota_tuf *t, const struct tuf_ring *ring);

/* search.c: answers, as above. */
ota_err otai_tuf_role_answered(struct ota_tuf *t);
ota_err otai_tuf_role_stored(struct ota_tuf *t);
ota_err otai_tuf_looked_up(struct ota_tuf *t);
void otai_tuf_search_begin(struct ota_tuf *t);
/* Put a delegation to visit: before all roles that waited when the file was begun, after those put since then. OTA_OK also
 * when it was visited or will never be. REJECT_DUPLICATE: put since then already. */
OTA_MUST_CHECK ota_err otai_tuf_visit(struct ota_tuf *t, const struct tuf_visit *role);
/* A terminating delegation was put: whatever waited from before is not looked at any more (section 5.6.7.2.1). */
void otai_tuf_visit_no_others(struct ota_tuf *t);
/* The role being visited; "targets" first. */
const struct tuf_visit *otai_tuf_visited(const struct ota_tuf *t);

/* verify.c */
/* t->file is signed by the threshold of signers, and `signed` is an object. REJECT_*, DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_tuf_verify(struct ota_tuf *t, const struct tuf_ring *ring, const struct tuf_signers *signers);

/* key.c */
extern const struct tuf_scheme otai_tuf_scheme[]; /* the last one has no name */
#define TUF_CANONICAL 0x80u /* with a hash algorithm: digest of the canonical form of a JSON text */
/* Digest of bytes. REJECT_* (only of a canonical form), DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_tuf_hash(struct ota_tuf *t, unsigned alg, struct otai_span bytes, uint8_t *out);
/* Its second half, for what begins with other bytes: the hash of h was started by alg. It is ended in any case. */
struct tuf_hash {
    struct ota_crypto *crypto;
    struct ota_hash hash;
};
OTA_MUST_CHECK ota_err otai_tuf_hash_rest(struct tuf_hash *h, unsigned alg, struct otai_span bytes, uint8_t *out);
/* Forget the keys of the ring in u. */
void otai_tuf_ring_clear(const struct ota_tuf *t, struct tuf_ring *ring);
/* Make *in, an object's text, the text of the value of its member; {NULL, 0} if it has none. */
void otai_tuf_narrow(struct otai_span *in, struct otai_span name);
#define TUF_SPAN(literal) ((struct otai_span){ (const uint8_t *)(literal), sizeof(literal) - 1 })
/* Index of the key in ring that is the same in id, kind and bytes; count: none is. */
uint8_t otai_tuf_find_same(const struct ota_tuf *t, const struct tuf_ring *ring, const struct tuf_key *key, const uint8_t *bytes);
/* A raw key id as 32 bytes. false: not one. */
bool otai_tuf_key_id(struct ota_tuf *t, struct otai_span raw, uint8_t out[OTA_SHA256_LEN]);
/* Take a list of key ids; put those keys of t->in.keys into ring, which is the one in u. Ids of no key, or of a kind not
 * known here, count for nothing. */
void otai_tuf_keyids(struct ota_tuf *t, struct otai_json *j, struct tuf_ring *ring, uint32_t *mask);

/* meta.c */
/* Read the `signed` part of t->file into t->in, which may bring a path to look for. REJECT_*, DEVICE_CRYPTO. */
OTA_MUST_CHECK ota_err otai_tuf_parse(struct ota_tuf *t, enum tuf_role role, const char *path);
/* Take all that is left of t->file. @return j->err as a fault of t */
OTA_MUST_CHECK ota_err otai_tuf_end(struct ota_tuf *t, struct otai_json *j);
/* Keep the text of the member `keys` of the object that j stands before; j stays where it is. */
void otai_tuf_keys_ahead(struct ota_tuf *t, const struct otai_json *j);
void otai_tuf_hashes(struct otai_json *j, struct tuf_hashes *out);
/* Section 5.5.5: everything that the old snapshot lists is in t->file, and not older. */
OTA_MUST_CHECK ota_err otai_tuf_snapshot_compare(struct ota_tuf *t, struct otai_span old);

/* root.c. Take `roles` of a root into t->u.root. */
void otai_tuf_root_roles(struct ota_tuf *t, struct otai_json *j);

/* targets.c. Take the parts of a targets file: with a path, t->target is filled if it is there, and matching delegations
 * are put into the search. */
void otai_tuf_targets(struct ota_tuf *t, struct otai_json *j);
void otai_tuf_delegations(struct ota_tuf *t, struct otai_json *j);

/* names.c */
/* "[version.]role.json", percent-encoded; version 0: none. */
void otai_tuf_file_name(char *out, size_t cap, uint32_t version, const char *role);
/* Fill in the file, "directory/[DIGEST.]name", percent-encoded. false: does not fit. */
bool otai_tuf_target_name(struct ota_tuf_target *target, bool with_digest);
/* Does the pattern match? * and ? stand for anything but '/'. */
bool otai_tuf_glob(const char *pattern, const char *path);
/* A path that cannot leave its directory: no empty, "." or ".." part, no backslash, no control byte. */
bool otai_tuf_path_ok(const char *path);

#endif
