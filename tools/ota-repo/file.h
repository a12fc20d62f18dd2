/* SPDX-License-Identifier: Apache-2.0 */
/** @file Files: whole reads, atomic writes, the publishers' lock. Published files never change. */
#ifndef OTA_REPO_FILE_H
#define OTA_REPO_FILE_H

#include "text.h"
#include "tool.h"

#define FILE_TEXT_MAX (8u << 20)   /**< largest document that is read into memory */

/** Read a file of at most FILE_TEXT_MAX bytes; *text is NUL-terminated. @return TOOL_OK, TOOL_ABSENT, TOOL_FAILED */
int file_read(struct tool *t, const char *path, char **text, size_t *len);

/**
 * Publish bytes under a name for ever: temporary file, fsync, rename, fsync of the directory.
 * @return TOOL_OK also when the file is there with the same bytes; TOOL_FAILED when it is there with others
 */
int file_publish(struct tool *t, const char *path, const void *data, size_t len);
/** The same, but replaces an older file: for timestamp.json and the settings. The new one's time is a later second. */
int file_replace(struct tool *t, const char *path, const void *data, size_t len, unsigned mode);

/** Name of the temporary file of a directory. The lock makes one name enough, and a left-over is overwritten. */
char *file_temp(struct tool *t, const char *dir);
/** Move a finished, synced temporary file to a name where nothing is yet. */
int file_place(struct tool *t, const char *temp, const char *path);
/** Make an open temporary file ready to be placed: readable for a web server, and on the disk. */
bool file_finish(int fd);
/** Remove a temporary file, if it is there. */
void file_discard(const char *temp);

/** Create a directory and its parents; one that is there is fine. */
int file_mkdirs(struct tool *t, const char *path, unsigned mode);
bool file_exists(const char *path);
/** Is it absent, or without a byte? */
bool file_is_empty(const char *path);

/** Digest and length of a file. @return TOOL_OK, TOOL_ABSENT, TOOL_FAILED */
int file_digest(struct tool *t, const char *path, uint64_t *len, char hex[DIGEST_HEX]);
/** Copy a file to `to`, synced, and give the digest of what was copied. */
int file_copy(struct tool *t, const char *from, const char *to, uint64_t *len, char hex[DIGEST_HEX]);

/** A file in memory, to be read. Unmap it also after a failure. */
struct file_map {
    uint8_t *p;
    size_t len;
};
int file_map(struct tool *t, const char *path, struct file_map *m);
void file_unmap(struct file_map *m);
/** Make a finished, synced temporary file of these bytes. */
int file_make(struct tool *t, const char *to, const void *p, size_t len);

/** Wait until no other ota-repo holds t->dir. Readers (write = false) share it. Held until the program ends. */
int file_lock(struct tool *t, bool write);

#endif
