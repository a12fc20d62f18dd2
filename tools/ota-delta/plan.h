/* SPDX-License-Identifier: Apache-2.0 */
/* One part of a patch under construction: what is found out about two images before anything is encoded. */
#ifndef PLAN_H
#define PLAN_H

#include "image.h"
#include "match.h"
#include "open.h"

struct plan {
    struct otai_part part;
    struct image old, new;
    struct copies copies;          /* all of them, in the order of the new image */
    struct copies map, minor;      /* what of them the map holds, and the others */
    uint8_t *mode;
    const struct opened *opened;   /* NULL, or what made the images */
};

/* How willingly a copy is begun: what is best differs from image to image. */
struct plan_taste {
    int better_by;             /* bytes by which another alignment must be better */
    int hit_weight;            /* bytes that miss for each that hits, while a copy is extended */
    uint32_t keep_len;         /* shorter copies are sent as bytes */
};

/* Find kinds, copies and modes. old and new point to this part of the images. @return false: out of memory */
bool plan_make(struct plan *p, struct ota_delta_base *base, const struct plan_taste *taste, bool explain);
/* Let the map hold at most `most` copies: those that most addresses lead into. @return false: out of memory */
bool plan_limit_map(struct plan *p, uint32_t most);
void plan_free(struct plan *p);

#endif
