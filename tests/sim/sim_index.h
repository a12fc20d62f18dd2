/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes of images, made from the specification alone, and damaged ones. */
#ifndef SIM_INDEX_H
#define SIM_INDEX_H

#include "sim_cloud.h"

/* Into out, which has room: the index's length. */
size_t sim_index(const uint8_t *image, size_t len, uint32_t block, uint8_t *out);
/* Make its head that of this image. */
void sim_index_of(const uint8_t *image, size_t len, uint32_t block, uint8_t *out);
/* Damage it: its length from then on. */
size_t sim_index_damage(enum sim_index_damage kind, uint8_t *p, size_t len);

#endif
