/* SPDX-License-Identifier: Apache-2.0 */
/* Images that look like firmware, patches between them, and a decoder that is driven in every way. */
#ifndef PATCHES_H
#define PATCHES_H

#include "create.h"

#define IMAGE_MAX (64u << 10)

enum flavour { PLAIN_DATA, THUMB_CODE, ARM_CODE, A64_CODE, RISCV_CODE, X86_CODE, FLAVOURS };

struct pair {
    uint8_t old[IMAGE_MAX], new[IMAGE_MAX];
    uint32_t old_len, new_len;
    struct bytes patch;
};

uint32_t patches_random(uint32_t *seed);
/* Functions that call each other and tables of their addresses; the new image has some functions more and some changed. */
void patches_images(struct pair *p, enum flavour flavour, uint32_t functions, uint32_t seed);
/* Make p->patch; fails the program when that fails. */
void patches_make(struct pair *p, uint32_t memory);
void patches_free(struct pair *p);

/* How a decoder is fed. */
struct feed {
    size_t in, out;            /* pieces; 0: all at once */
    uint64_t save_every;       /* save, forget everything, and resume after so many bytes of output; 0: never */
    uint32_t memory;           /* 0: what the header says */
};

/* Decode patch over old into out (cap bytes). *made: bytes that came out. */
ota_err patches_decode(const struct pair *p, const uint8_t *patch, size_t len, const struct feed *f, uint8_t *out, size_t cap, size_t *made);

/* A patch of version 2 that is kept, between the images of patches_images(pair, flavour, 50, 77). */
extern const char *const patches_kept[FLAVOURS];
/* Read one. @return its length, 0 when it cannot be read */
size_t patches_read(const char *dir, enum flavour flavour, uint8_t *out, size_t cap);

#endif
