/* SPDX-License-Identifier: Apache-2.0 */
/* Better copies by what they really cost. */
#ifndef REFINE_H
#define REFINE_H

#include "encode.h"
#include "plan.h"

/* How the plan was encoded. */
struct refine_job {
    struct ota_delta_base *base;
    const uint8_t *new;
    uint64_t old_len, new_len;
    struct otai_patch_params params; /* with room for the whole map */
    bool learns;                     /* from the old image, beforehand */
};

/*
 * Encode the new image without any copy, then with the plan's, and compare byte by byte: of each copy keep the pieces that
 * cost less than the same bytes without it, if there are any. What is left is encoded and compared anew, some rounds long.
 * The result, which is not better for sure, goes to `out`. @return false: out of memory
 */
bool refine(const struct refine_job *job, const struct plan *p, struct plan *out);

#endif
