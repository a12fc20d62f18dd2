/* SPDX-License-Identifier: Apache-2.0 */
/** @file The director's shards: three files each, made without trees, by two processes, in bounded memory. */
#ifndef OTA_REPO_SHARDS_H
#define OTA_REPO_SHARDS_H

#include "director.h"

/** See director_publish(). The director's root must be there. */
int shards_publish(struct tool *t, const char *product, unsigned digits, const struct devices *d, enum director_mode mode,
                   struct director_tally *tally);

#endif
