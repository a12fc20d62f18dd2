/* SPDX-License-Identifier: Apache-2.0 */
/* Which stretches of the new image come from which of the old one. */
#ifndef MATCH_H
#define MATCH_H

#include "delta_i.h"

struct copies {
    struct otai_copy *p;
    size_t len, cap;
};

/* old and new are normalised images; another alignment is taken when it is better by more than `better_by` bytes,
 * and an alignment is extended as long as `hit_weight` times its hits outweigh its misses. @return false: out of memory */
bool match_images(const uint8_t *old, uint32_t old_len, const uint8_t *new, uint32_t new_len, int better_by, int hit_weight,
                  struct copies *out);

#endif
