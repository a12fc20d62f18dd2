/* SPDX-License-Identifier: Apache-2.0 */
/** @file Signing and publishing, in the order that is safe on a live server. */
#ifndef OTA_REPO_PUBLISH_H
#define OTA_REPO_PUBLISH_H

#include "keys.h"
#include "repo.h"

/** Sizes that devices accept by default (struct ota_tuf_limits); bigger metadata would lock them out. */
#define ROOT_LEN_MAX 16384
#define TIMESTAMP_LEN_MAX 2048
#define SNAPSHOT_LEN_MAX 16384
#define TARGETS_LEN_MAX 32768
#define POINTER_LEN_MAX 4096

/**
 * Sign and write: changed delegated roles, targets if changed, snapshot, and last the timestamp, which makes it all
 * visible at once. Versions are one more than the highest on disk, so that what a crash left is never touched again.
 */
int repo_publish(struct repo *r);

/**
 * Give root its next version and life time, sign it by the threshold of `before` (NULL for the first) and of its own,
 * and publish it.
 */
int root_publish(struct repo *r, const cJSON *before, cJSON *root);

/** Give root or targets its next version and life time: what is signed elsewhere. */
int publish_next(const struct repo *r, const char *role, cJSON *doc);
/** Append a signature of doc to a list. */
int publish_sign(struct tool *t, const cJSON *doc, const struct key *key, cJSON *signatures);
/** Publish root or targets with signatures that were checked; with targets also what lists it. Takes signatures. */
int publish_signed(struct repo *r, const char *role, cJSON *doc, cJSON *signatures);

/** Publish a small target's bytes and put it into a role. */
int publish_document(struct repo *r, struct role *role, const char *path, const cJSON *document);
/** Put a finished temporary file into the targets folder; nothing happens if the same file is there. */
int publish_temp(struct repo *r, const char *temp, const char *path, uint64_t length, const char *sha256);
/** Temporary file for a target, in the folder where it will end. */
int target_temp(struct repo *r, const char *path, char **temp);

/** Warn about roles with less than a quarter of their life time left. */
void warn_expiring(struct repo *r);

#endif
