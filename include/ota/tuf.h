/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A client of The Update Framework, specification 1.0.34 (https://theupdateframework.github.io/specification/v1.0.34/).
 * It stands alone: no I/O, no allocation, no clock. The caller asks what it wants next, brings the bytes, and asks again:
 *
 *     ota_tuf_refresh(t, now_s);
 *     while ((err = ota_tuf_next(t, &want)) == OTA_OK)
 *         ota_tuf_answer(t, answer, len);       // after doing what `want` says
 *     // OTA_DONE: metadata is fresh; any REJECT_*: refused, trusted state untouched
 *
 * The same loop drives ota_tuf_find() for one target path. Trusted bytes in the caller's store are verified again at
 * every load; a record that does not verify counts as absent.
 */
#ifndef OTA_TUF_H
#define OTA_TUF_H

#include "ota/port_crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_TUF_ROLE_MAX 64   /**< longest role name, with NUL */

/**
 * Bounds. A 0 takes the default in brackets; of files, 1 GiB and more is refused. Fixed are: 24 keys that the roles of a root, or the delegations that one search
 * follows, name; and 64 signatures on a file. Signatures by unknown keys are skipped.
 */
struct ota_tuf_limits {
    uint32_t root_max;         /**< bytes of one root file [16384] */
    uint32_t timestamp_max;    /**< bytes [2048] */
    uint32_t snapshot_max;     /**< bytes [16384]; the old and the new one are held at once */
    uint32_t targets_max;      /**< bytes of a targets or delegated file [32768] */
    uint16_t rotations_max;    /**< new roots accepted in one refresh [64] */
    uint16_t key_bytes;        /**< bytes of the public keys of one root, or of the delegations that one search follows,
                                    taken twice; P-256: 65 each, P-384: 97, RSA-3072: 398; at most 32767 [2328] */
    uint8_t roles_max;         /**< roles visited in one search, at most 32 [32] */
};

/**
 * Bounds for a host that meets repositories of others, as an initializer: those of the reference clients, and room for 24
 * RSA-4096 keys. A client with them needs some 5 MB.
 */
#define OTA_TUF_LIMITS_HOST                                                                                  \
    {                                                                                                        \
        .root_max = 512000, .timestamp_max = 16384, .snapshot_max = 2000000, .targets_max = 5000000,         \
        .rotations_max = 256, .key_bytes = 24 * 526                                                          \
    }

/** One repository's configuration. Copied; what it points to must stay valid. */
struct ota_tuf_config {
    size_t size;                     /**< sizeof(struct ota_tuf_config) */
    struct ota_crypto *crypto;
    const uint8_t *root;             /**< factory root metadata, used when none is stored; may be NULL if one is */
    size_t root_len;
    const char *scope;               /**< value that a signed "x-scope" member must have in every role but root; NULL = not checked */
    bool loose_keyids;               /**< accept key ids that are not the digest of their key (repositories made by tough) */
    struct ota_tuf_limits limits;
};

struct ota_tuf;

/** @return bytes of memory that ota_tuf_init() needs for cfg: state plus one file buffer; 0 if cfg is unusable. */
size_t ota_tuf_len(const struct ota_tuf_config *cfg);

/**
 * Make a client in the caller's memory (aligned for any type). It lives as long as the memory; nothing to free, but
 * call ota_tuf_abandon() if it is dropped between ota_tuf_next() and its end.
 * @return OTA_OK, USAGE_ARGUMENT, USAGE_ABI, USAGE_MEMORY
 */
OTA_MUST_CHECK ota_err ota_tuf_init(struct ota_tuf **out, const struct ota_tuf_config *cfg, void *mem, size_t len);

/** What the client wants. */
enum ota_tuf_want_kind {
    OTA_TUF_LOAD,     /**< read the trusted copy of `role` into buf: answer GOT with its length, or ABSENT */
    OTA_TUF_FETCH,    /**< download `file` into buf: answer GOT with its length, ABSENT (404), TOO_LONG when it has more than cap bytes */
    OTA_TUF_STORE,    /**< make buf[0..len) the trusted copy of `role`, durably: answer STORED */
    OTA_TUF_REMOVE    /**< forget the trusted copy of `role`, durably: answer STORED */
};

struct ota_tuf_want {
    enum ota_tuf_want_kind kind;
    const char *role;   /**< "root", "timestamp", "snapshot", "targets" or a delegated role's own name, raw */
    const char *file;   /**< FETCH: path below the metadata URL, percent-encoded, e.g. "3.snapshot.json" */
    uint8_t *buf;       /**< LOAD, FETCH: where to put the bytes; STORE: the bytes */
    size_t cap;         /**< LOAD, FETCH: room in buf, which is also the limit on the file */
    size_t len;         /**< STORE: bytes in buf */
};

enum ota_tuf_answer { OTA_TUF_GOT, OTA_TUF_ABSENT, OTA_TUF_TOO_LONG, OTA_TUF_STORED };

/**
 * Begin a refresh (section 5.3 to 5.6). now_s is the fixed time of section 5.1, Unix UTC seconds.
 * @return OTA_OK
 */
OTA_MUST_CHECK ota_err ota_tuf_refresh(struct ota_tuf *t, int64_t now_s);

/**
 * Begin the search for one target path (section 5.6.7 and 5.7), after a refresh that ended with OTA_DONE. Any number
 * of searches may follow one refresh.
 * @param path  target path as in the metadata, 1..OTA_PATH_MAX-1 bytes; copied
 * @return OTA_OK, USAGE_STATE before a refresh, USAGE_ARGUMENT
 */
OTA_MUST_CHECK ota_err ota_tuf_find(struct ota_tuf *t, const char *path);

/**
 * The next thing to do.
 * @return OTA_OK: *want is filled: do it and answer. OTA_DONE: the refresh or the search succeeded. REJECT_TARGET: no
 *         trusted role has the path. Other REJECT_*: metadata refused, see ota_tuf_fault(). RETRY_NOT_FOUND: a file
 *         that must exist is absent. DEVICE_ROOT: no usable root. DEVICE_STORE: the snapshot stored in this refresh is
 *         lost or changed. DEVICE_CRYPTO. USAGE_STATE: nothing begun, or the last want is unanswered
 */
OTA_MUST_CHECK ota_err ota_tuf_next(struct ota_tuf *t, struct ota_tuf_want *want);

/** Answer the last want. When the caller could not do it (network, storage) it calls ota_tuf_abandon() instead. */
OTA_MUST_CHECK ota_err ota_tuf_answer(struct ota_tuf *t, enum ota_tuf_answer answer, size_t len);

/** Drop the refresh or search under way; the trusted state stays as it is. */
void ota_tuf_abandon(struct ota_tuf *t);

/** A target that a chain of trusted roles vouches for. Only this module makes one. */
struct ota_tuf_target {
    uint64_t length;
    uint8_t sha256[OTA_SHA256_LEN];
    bool has_sha256;                 /**< false if the metadata has only has_sha512 */
    uint8_t sha512[64];
    bool has_sha512;
    const char *custom;              /**< the "custom" member's JSON text inside the buffer; NULL if absent */
    size_t custom_len;
    char path[OTA_PATH_MAX];         /**< as asked for */
    char file[OTA_PATH_MAX + 72];    /**< path below the targets URL: directory/DIGEST.name with consistent snapshots; percent-encoded */
    char role[OTA_TUF_ROLE_MAX];     /**< who vouches */
};

/** @return the target found by the last search; NULL unless it ended with OTA_DONE. Valid until the next call that is not ota_tuf_target(). */
const struct ota_tuf_target *ota_tuf_target(const struct ota_tuf *t);

/** What refused the last refresh or search: code and place, such as "timestamp.signed.expires". */
void ota_tuf_fault(const struct ota_tuf *t, struct ota_fault *out);

/** @return expiry of the trusted timestamp as Unix seconds; 0 before a refresh succeeded. */
int64_t ota_tuf_timestamp_expires(const struct ota_tuf *t);

/**
 * The signed time at which the trusted timestamp says that it was made (its extra member "x-issued"): whoever has it knows
 * that this time has passed, as far as the timestamp's key is trusted.
 * @return Unix seconds; 0 before a refresh succeeded, or if the timestamp does not tell.
 */
int64_t ota_tuf_timestamp_issued(const struct ota_tuf *t);

/** @return version of the trusted root; 0 before one was loaded. */
uint32_t ota_tuf_root_version(const struct ota_tuf *t);

#ifdef __cplusplus
}
#endif
#endif
