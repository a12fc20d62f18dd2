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

/**
 * Make a patch in the file `to` for a decoder that may use `memory` bytes.
 * @param needs  gets what its decoder really needs
 * @return TOOL_OK, TOOL_FAILED; TOOL_ABSENT: no patch with so little memory
 */
int patch_make(struct tool *t, const struct patch_pair *pair, const char *to, uint32_t memory, uint32_t *needs, uint64_t *len,
               char sha256[DIGEST_HEX]);

/** Apply the file `patch` and compare the result. @return TOOL_OK; TOOL_FAILED: *why says what is wrong with it */
int patch_check(struct tool *t, const struct patch_pair *pair, const char *patch, uint32_t memory, const char **why);

/** Compare what the header of the file `patch` says with the pair and the memory, where the old image is not at hand. */
int patch_check_header(struct tool *t, const struct patch_pair *pair, const char *patch, uint32_t memory, const char **why);

#endif
