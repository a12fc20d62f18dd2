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
    bool judged;           /* false: nothing can be said: a compressor that is not here, or a stream that is none */
    uint8_t *out;          /* the new image, or what was made of it (nothing if it was opened); the caller frees it */
    uint64_t made;
};

/* gzip's deflate data for these bytes, without head and end. @return its length; 0: cannot be had */
typedef size_t (*reference_gzip)(unsigned level, const uint8_t *p, size_t len, uint8_t *out, size_t cap);

/* `most`: a patch for a longer new image is refused. `gzip` may be NULL: then streams that gzip made are not judged. */
struct reference_result reference_decode(const uint8_t *old, uint64_t old_len, const uint8_t *patch, size_t len, uint64_t most,
                                         reference_gzip gzip);

#endif
