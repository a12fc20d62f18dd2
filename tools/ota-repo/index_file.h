/* SPDX-License-Identifier: Apache-2.0 */
/** @file Indexes of published images: made here, tried with the devices' own search. */
#ifndef OTA_REPO_INDEX_FILE_H
#define OTA_REPO_INDEX_FILE_H

#include "crypto.h"
#include "tool.h"

#define INDEX_BASES_MAX 16

/** An image that gets an index, and the images that devices may have. */
struct index_job {
    const char *file, *sha256;
    const char *old[INDEX_BASES_MAX];
    size_t olds;
    unsigned block;         /**< bytes of a block; 0: those with which a device fetches least */
};

/** What came of it. */
struct index_made {
    unsigned block;
    uint32_t memory;        /**< that a device needs at least */
    uint64_t length;        /**< of the index */
    uint64_t estimate;      /**< bytes that a device fetches in all, with the old image that serves it worst */
    char sha256[DIGEST_HEX];
};

/** Make the index in the file `to`. */
int index_make(struct tool *t, const struct index_job *job, const char *to, struct index_made *made);

/** Compare the file `index` with one that is made anew. @return TOOL_OK; TOOL_FAILED: *why says what is wrong with it */
int index_check(struct tool *t, const struct index_job *job, const char *index, const char **why);

#endif
