/* SPDX-License-Identifier: Apache-2.0 */
/** @file Reading a repository with a client's eyes: TUF 1.0.34 section 5. Errors name file and field. */
#ifndef OTA_REPO_CHECK_H
#define OTA_REPO_CHECK_H

#include "repo.h"

/** Root chain from 1.root.json: each signed by itself and by the one before, versions without gap. Fills r->root. */
int check_root(struct repo *r);
/**
 * Everything that is signed: root chain, timestamp, snapshot, targets, every delegated role; with r->strict_time also
 * expiry. Fills r.
 * @return TOOL_OK, TOOL_FAILED, TOOL_ABSENT without a timestamp
 */
int check_metadata(struct repo *r);
/** Of that timestamp, snapshot and targets, by r->root, which was checked. */
int check_top(struct repo *r);
/** Every target of every role: in its role's paths, and its file there with the right length and digest. */
int check_target_files(struct repo *r, unsigned *files);
/** Is doc signed by the threshold of an entry {keyids, threshold}? `keys`: key objects by id. Errors name the file. */
int check_signed(struct tool *t, const char *file, const cJSON *signatures, const cJSON *doc, const cJSON *keys, const cJSON *entry);
/** Is path in one of the patterns? Section 4.5: each '*' and '?' stays within one part. */
bool path_matches(const cJSON *patterns, const char *path);

/** Every pointer of a product and of the feeds: well formed, each image found where its path belongs. */
int check_pointers(struct repo *os, struct repo *product, const cJSON *settings, unsigned *pointers);

#endif
