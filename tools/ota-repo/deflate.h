/* SPDX-License-Identifier: Apache-2.0 */
/** @file Deflated images: one zlib stream with a full flush after every block, so that a device can restart there. */
#ifndef OTA_REPO_DEFLATE_H
#define OTA_REPO_DEFLATE_H

#include "text.h"
#include "tool.h"

/** Deflate a file into `to`, synced, mode 0644. @param window log2, 9..15; @param block bytes of image between two flushes */
int deflate_file(struct tool *t, const char *from, const char *to, unsigned window, unsigned block, uint64_t *len,
                 char hex[DIGEST_HEX]);

#endif
