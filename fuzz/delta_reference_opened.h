/* SPDX-License-Identifier: Apache-2.0 */
/* Section 6 of docs/patch-format.md: views of images whose streams were opened. */
#ifndef DELTA_REFERENCE_OPENED_H
#define DELTA_REFERENCE_OPENED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delta_reference.h"

struct ref_opened {
    bool on;
    uint64_t old_image, new_image;     /* lengths of the images; those of the views are the decoder's */
    uint64_t old_count, new_count;
    uint8_t R, H, T;
};

/* NULL, or why these numbers of a header are refused. */
const char *ref_opened_judge(const struct ref_opened *o, uint64_t old_view, uint64_t new_view);

/* Bytes of the table with which the new view begins. */
uint64_t ref_opened_table(const struct ref_opened *o);

/* The table is there: put the contents of the old streams behind the image in `view`. NULL, or why not. */
const char *ref_opened_contents(const struct ref_opened *o, const uint8_t *table, uint8_t *view, uint64_t view_len);

/* Turn a whole new view into the image, which the caller frees. NULL, or why not; then *out is NULL. */
const char *ref_opened_close(const struct ref_opened *o, const uint8_t *view, uint64_t view_len, reference_gzip gzip, uint8_t **out);

/* Not what is wrong, but that nothing can be said: only lib/ knows this compressor, or reads less of a broken stream. */
extern const char ref_not_judged[];

#endif
