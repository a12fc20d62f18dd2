/* SPDX-License-Identifier: Apache-2.0 */
/* Which stretches of the new image come from which of the old one. */
#ifndef MATCH_H
#define MATCH_H

#include "delta_i.h"

struct copies {
    struct otai_copy *p;
    size_t len, cap;
};

/* How willingly a copy is begun, and how long it is. */
struct match_taste {
    int better_by;  /* bytes by which another alignment must be better */
    int hit_weight; /* bytes that miss for each that hits, while an alignment is extended */
};

/* An old image made ready to be searched; it must stay where it is. NULL: out of memory */
struct sorted;
struct sorted *match_sort(const uint8_t *old, uint32_t old_len);
void match_free(struct sorted *s);
/* Copies in the order of the new image; both images are normalised. @return false: out of memory */
bool match_images(const struct sorted *old, const uint8_t *new, uint32_t new_len, const struct match_taste *taste,
                  unsigned threads, struct copies *out);

#endif
