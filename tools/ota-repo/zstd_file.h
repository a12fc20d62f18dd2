/* SPDX-License-Identifier: Apache-2.0 */
/** @file Images in zstd frames, each of which a device can restart at. */
#ifndef OTA_REPO_ZSTD_FILE_H
#define OTA_REPO_ZSTD_FILE_H

#include "text.h"
#include "tool.h"

/** Was this program built with zstd? */
bool zstd_file_here(void);

/** Pack a file into `to`, synced, mode 0644: a frame for every 2^window bytes. TOOL_USAGE in builds without zstd.
 *  @param window 10..23 */
int zstd_file(struct tool *t, const char *from, const char *to, unsigned window, uint64_t *len, char hex[DIGEST_HEX]);

/** Unpack as a device will and compare with the image. @return TOOL_OK: the same, or this build is without zstd;
 *  TOOL_FAILED: *why says what is wrong. */
int zstd_file_check(struct tool *t, const char *image, const char *packed, unsigned window, uint32_t block, const char **why);

#endif
