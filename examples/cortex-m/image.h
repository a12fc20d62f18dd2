/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in a slot: a head of 64 bytes, then the program. The head lets the boot stage see that an image is whole; that
 * it is the right one was checked when it was installed.
 *     offset size  meaning
 *          0    4  "OTAI"
 *          4    4  bytes of the program
 *          8    4  number: a later version has a higher one
 *         12    4  zero
 *         16   16  version, filled with zeros
 *         32   32  SHA-256 of the program */
#ifndef IMAGE_H
#define IMAGE_H

#include "ota/mcu.h"

#define IMAGE_HEAD 64u

struct image {
    uint32_t len, number;
    char version[16];
};

/* Read and hash it. @return NULL when it is whole; otherwise why not */
const char *image_check(const struct ota_mcu_area *slot, struct ota_crypto *crypto, struct image *out);

#endif
