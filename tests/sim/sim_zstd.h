/* SPDX-License-Identifier: Apache-2.0 */
/* Images in zstd frames, as publishers make them. */
#ifndef SIM_ZSTD_H
#define SIM_ZSTD_H

#include <stddef.h>
#include <stdint.h>

#define SIM_ZSTD_WINDOW_BITS 11

/* A frame for every block of the input. @return bytes made; 0 in builds without zstd */
size_t sim_zstd(const uint8_t *in, size_t len, size_t block, uint8_t *out, size_t cap);

#endif
