/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_DELTA_REPACK: patches of opened images are applied. */
#ifndef OTAI_REPACK_H
#define OTAI_REPACK_H

enum { OTAI_REPACK = 1 };

#endif
