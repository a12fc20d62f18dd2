/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, read whole and replaced whole. */
#ifndef ATTEST_FILES_H
#define ATTEST_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Read a file with a NUL behind it; free() it. NULL with errno set: also EFBIG, longer than max. */
char *file_read(const char *path, size_t max, size_t *len);

/* Replace a file: it holds the old bytes or the new ones, which are durable after true. false with errno set. */
bool file_replace(const char *path, const void *p, size_t len);

#endif
