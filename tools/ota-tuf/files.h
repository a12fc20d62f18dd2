/* SPDX-License-Identifier: Apache-2.0 */
/** @file Files that are there as a whole or not at all. */
#ifndef OTA_TUF_FILES_H
#define OTA_TUF_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILES_NAME_MAX 240   /**< bytes of a name in a directory, with its NUL */

/**
 * Name of a file for a role or target: percent-encoded, '/' too, so that it cannot leave its directory. A name that
 * would be too long becomes the SHA-256 of itself.
 * @param suffix  appended, e.g. ".json"
 */
bool files_name(char out[FILES_NAME_MAX], const char *what, const char *suffix);

/** Read dir/name. @return bytes read, at most cap; -1 when it is not there, cannot be read or is longer than cap */
int64_t files_read(const char *dir, const char *name, uint8_t *buf, size_t cap);

/** Replace dir/name as a whole, durably. On failure errno says why and nothing is left behind. */
bool files_write(const char *dir, const char *name, const uint8_t *p, size_t len);

/** Remove dir/name; fine when it is not there. */
bool files_remove(const char *dir, const char *name);

/**
 * Take the directory for this process alone, and remove the drafts that a killed one left there.
 * @return a descriptor to hold as long as it is used; -1: errno says why, EWOULDBLOCK that another process has it
 */
int files_claim(const char *dir);

/** A file under construction in dir. It has no name until it is kept. */
struct files_draft {
    int dir_fd, fd;
    char temp[32];
};

bool files_draft_open(struct files_draft *d, const char *dir);
bool files_draft_add(struct files_draft *d, const uint8_t *p, size_t len);
/** Give it its name, durably. Ends the draft, also on failure. */
bool files_draft_keep(struct files_draft *d, const char *name);
/** Drop it. Harmless after files_draft_keep(). */
void files_draft_drop(struct files_draft *d);

#endif
