/* SPDX-License-Identifier: Apache-2.0 */
/* Images too large to be looked at as a whole: which stretch of the old one is a piece of the new one made from? */
#ifndef STRETCH_H
#define STRETCH_H

#include <stdbool.h>
#include <stdint.h>

struct stretches;

/* Hash the old image's blocks, once. NULL: out of memory */
struct stretches *stretches_begin(const uint8_t *old, uint64_t len);
/* Where the stretch of `most` old bytes begins that has most blocks of this piece of the new image, whose offset is `at`. */
uint64_t stretches_find(const struct stretches *s, const uint8_t *new, uint64_t at, uint64_t len, uint64_t most);
void stretches_end(struct stretches *s);

#endif
