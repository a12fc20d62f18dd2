/* SPDX-License-Identifier: Apache-2.0 */
/* Deflate streams inside of images (gzip, squashfs, and whatever else holds some): found, opened, and proven to be the same
 * when they are compressed again. */
#ifndef OPEN_H
#define OPEN_H

#include "create.h"
#include "match.h"

struct stream;

/* Two images with opened streams, as the inner decoder sees them. */
struct opened {
    struct otai_opened_params params;
    uint8_t *old, *new;                /* the views */
    struct image_part { uint32_t off, len; } old_focus, new_focus;   /* where code is looked for */
    uint32_t *begin;                   /* of the old streams' contents in the view */
};

/* @return false: out of memory. Nothing to open, or too little memory on the device: params are 0 */
bool open_images(const struct create_job *job, struct opened *o);
/* Drop copies whose source is too dear to be read at that moment. @return false: out of memory */
bool open_afford(const struct opened *o, struct copies *c);
void open_free(struct opened *o);

#endif
