/* SPDX-License-Identifier: Apache-2.0 */
/* One part of a patch under construction: what is found out about two images before anything is encoded. */
#ifndef PLAN_H
#define PLAN_H

#include "image.h"
#include "match.h"
#include "open.h"

/* What both images are, found out once. */
struct study {
    struct image old, new;
    uint8_t *plain_old, *plain_new; /* without what moves */
    struct sorted *sorted;
    uint64_t origin;             /* of the old image's part */
    const struct opened *opened; /* NULL, or what made the images */
};

/* Find kinds and addresses. p and len of old and new, origin and opened are set. @return false: out of memory */
bool study_make(struct study *s);
void study_free(struct study *s);

/* Where the new image comes from, to one taste. */
struct plan {
    struct otai_part part;
    struct copies copies; /* all of them, in the order of the new image */
    uint8_t *mode;
};

/* How willingly a copy is begun: what is best differs from image to image. */
struct plan_taste {
    struct match_taste match;
    uint32_t keep_len; /* shorter copies are sent as bytes */
};

/* Find copies and modes. @return false: out of memory */
bool plan_make(struct plan *p, const struct study *s, struct ota_delta_base *base, const struct plan_taste *taste,
               unsigned threads);
void plan_explain(const struct plan *p, const struct study *s);
void plan_free(struct plan *p);

/* A plan for a map of some size. */
struct course {
    struct otai_part part;
    struct copies map, minor; /* what of the copies the map holds, and the others */
};

/* Let the map hold at most `most` copies: those that most addresses lead into. @return false: out of memory */
bool course_make(struct course *c, const struct plan *p, uint32_t most);
void course_free(struct course *c);

#endif
