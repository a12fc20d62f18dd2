/* SPDX-License-Identifier: Apache-2.0 */
/* A second decoder for patches, written from docs/patch-format.md alone: whole images in memory, everything looked up the long
 * way, nothing shared with lib/. What it says about a patch is what lib/delta must say. */
#ifndef DELTA_REFERENCE_H
#define DELTA_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reference_result {
    const char *why;       /* NULL: decoded; else why the patch was refused */
    uint8_t *out;          /* the new image, or what was made of it; the caller frees it */
    uint64_t made;
};

/* `most`: a patch for a longer new image is refused. */
struct reference_result reference_decode(const uint8_t *old, uint64_t old_len, const uint8_t *patch, size_t len, uint64_t most);

#endif
