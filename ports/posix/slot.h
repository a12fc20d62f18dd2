/* SPDX-License-Identifier: Apache-2.0 */
/* What slots on files and on block devices share: everything but opening them. */
#ifndef OTAP_SLOT_H
#define OTAP_SLOT_H

#include <sys/stat.h>

#include "ota/posix.h"

extern const struct ota_slot_ops otap_slot_ops;

/* Reset s for path, nothing open. */
void otap_slot_init(struct ota_posix_slot *s, const char *path);

/* Remember what read_fd was opened on. Returns 0 or an errno; ENOTBLK or EINVAL when it is not of the wanted kind. */
int otap_slot_bind(struct ota_posix_slot *s, bool want_block);

/* Close and report. number is an errno. */
ota_err otap_slot_fail(struct ota_posix_slot *s, struct ota_fault *fault, const char *where, int number);

/* Is the block device mounted, or does it hold the running root? 0, EBUSY, or why it cannot be told. */
int otap_block_in_use(uint64_t device);

#endif
