/* SPDX-License-Identifier: Apache-2.0 */
/** @file Patches between two published images: made by the encoder of ota-delta, tried by the devices' own decoder. */
#ifndef OTA_REPO_DELTA_FILE_H
#define OTA_REPO_DELTA_FILE_H

#include "crypto.h"
#include "tool.h"

/** The two images of a patch: files with their known digests. */
struct patch_pair {
    const char *old_file, *new_file;
    const char *old_sha256, *new_sha256;
};

/** A patch that is wanted, and what came of it. */
struct patch_order {
    struct patch_pair pair;
    uint32_t memory;   /**< that its decoder may use */
    const char *wrong; /**< why there is none, such as too little memory; NULL: there is one */
    uint8_t *patch;
    size_t len;
    uint32_t needs; /**< what its decoder really needs */
};

/**
 * Make patches, several at once on a machine with several processors. Which they are does not depend on it.
 * @return TOOL_OK: each order says what came of it, patches_free() frees it; TOOL_FAILED: a file cannot be read, nothing was made
 */
int patches_make(struct tool *t, struct patch_order *orders, size_t count);
/** Write a patch that was made to a finished, synced temporary file. */
int patch_write(struct tool *t, const struct patch_order *o, const char *to, uint64_t *len, char sha256[DIGEST_HEX]);
void patches_free(struct patch_order *orders, size_t count);

/** Apply the file `patch` and compare the result. @return TOOL_OK; TOOL_FAILED: *why says what is wrong with it */
int patch_check(struct tool *t, const struct patch_pair *pair, const char *patch, uint32_t memory, const char **why);

/** Compare what the header of the file `patch` says with the pair and the memory, where the old image is not at hand. */
int patch_check_header(struct tool *t, const struct patch_pair *pair, const char *patch, uint32_t memory, const char **why);

#endif
