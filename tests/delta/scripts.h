/* SPDX-License-Identifier: Apache-2.0 */
/* Patches that no maker would write: random copies, layouts, parts and modes over old bytes that look like code. */
#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "patches.h"

/* Fill pair->old and pair->new and write a patch between them. The same seed gives the same bytes. @return its length */
size_t scripts_make(struct pair *pair, uint32_t seed, uint8_t *patch, size_t cap);
/* Change some bytes of a patch's payload and make the frames' checksums right again. */
void scripts_damage(uint8_t *patch, size_t len, uint32_t seed);
/* A patch of many parts whose heads are as long as they can be. @return its length */
size_t scripts_long_heads(struct pair *pair, uint8_t *patch, size_t cap);

#endif
