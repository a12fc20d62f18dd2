/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APPLY_H
#define APPLY_H

#include "files.h"
#include "ota/delta.h"

bool digest_of(const uint8_t *p, size_t len, uint8_t sha256[OTA_SHA256_LEN]);
/* Apply a patch to `out`; NULL: only check it. Complains. */
bool apply_patch(const char *old_name, const char *patch_name, const char *out_name);
/* Print what a patch's header says. */
bool show_patch(const char *patch_name);

#endif
