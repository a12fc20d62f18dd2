/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTAP_BOOT_FILE_H
#define OTAP_BOOT_FILE_H

#include "ota/posix.h"

/* Does the application's link lead to the slot that the record says runs? 0, EBADSLT, or why it cannot be read. */
int otap_link_check(const struct ota_posix_boot *b, const struct ota_boot_view *v);

#endif
