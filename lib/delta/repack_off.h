/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_DELTA_REPACK: patches of opened images are refused by their version. */
#ifndef OTAI_REPACK_H
#define OTAI_REPACK_H

enum { OTAI_REPACK = 0 };

#endif
