/* SPDX-License-Identifier: Apache-2.0 */
/* Records with a value of its own in every field that the format's version has: what the golden files of this directory
 * hold. A field that a later version added is zero. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "journal.h"
#include "ota/boot_record.h"
#include "report.h"

void golden_journal(struct otai_journal *j, unsigned minor);
void golden_ring(struct otai_ring *ring, unsigned version);
void golden_boot(struct ota_boot_record *r);

#endif
