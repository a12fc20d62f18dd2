/* SPDX-License-Identifier: Apache-2.0 */
/** @file Deltas of an image: from which versions, and which of them are worth their place in the metadata. */
#ifndef OTA_REPO_DELTAS_H
#define OTA_REPO_DELTAS_H

#include "repo.h"

/** A published image that gets deltas. */
struct delta_job {
    const char *product, *component, *path, *sha256;
    uint64_t length;
    const char *from;     /**< "all", "none", versions with commas between them; NULL: the settings decide */
    const char *memory;   /**< sizes such as "32K,1M"; NULL: the settings' */
};

/**
 * Make deltas, publish those that are smaller than the image in any other encoding, and append them to the list. One
 * that is there already is not made again.
 * @param encodings  "encodings" of the image; *encodings may be NULL, and is created when it is needed
 * @param added      gets how many came to the list
 */
int deltas_add(struct repo *r, struct role *role, const struct delta_job *job, cJSON **encodings, unsigned *added);

/** The versions of the job's component that were deployed last and are published still, the newest first: as many as deltas
 *  begin from. */
void deltas_last_deployed(struct tool *t, const struct role *role, const struct delta_job *job, cJSON *versions);

/** "16K", "32768", "1M" into bytes, 4096..2^30. @return TOOL_OK, TOOL_USAGE */
int delta_memory(struct tool *t, const char *text, uint32_t *out);

/** Note that a version was deployed: deltas begin from the last ones. */
void deployed_note(cJSON *product, const char *component, const char *version);
/** The versions that were deployed, oldest first, or NULL. */
const cJSON *deployed_list(const cJSON *product, const char *component);

#endif
