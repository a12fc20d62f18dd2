/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of image it is: instruction set, addresses; and the image without what moves. */
#ifndef IMAGE_H
#define IMAGE_H

#include "delta_i.h"

enum isa { ISA_NONE, ISA_THUMB, ISA_ARM, ISA_A64, ISA_RISCV, ISA_X86, ISA_COUNT };

const char *isa_name(enum isa isa);

struct image {
    const uint8_t *p;
    uint32_t len;
    enum isa isa;
    bool wide;                  /* pointers have 64 bits */
    struct otai_layout layout;
};

/* Fill isa, wide and layout from p and len. A raw image takes its base address from `like`, unless that is NULL: images
 * of one product share it, and what was found in one is better than another guess. */
void image_detect(struct image *i, const struct image *like);
/* A copy in which branch fields and pointers are blanked: `out` has len bytes. */
void image_normalise(const struct image *i, uint8_t *out);

#endif
