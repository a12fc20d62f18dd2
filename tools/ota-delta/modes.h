/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of prediction suits each KiB of the new image. */
#ifndef MODES_H
#define MODES_H

#include "delta_i.h"

/* mode: one byte for each KiB of the new image. @return false: out of memory */
bool modes_choose(const struct otai_part *part, const struct otai_copy *copies, struct ota_delta_base *base, const uint8_t *new,
                  const bool usable[OTAI_M_COUNT], unsigned threads, uint8_t *mode);

#endif
