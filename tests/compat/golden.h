/* SPDX-License-Identifier: Apache-2.0 */
/* Records with a value of its own in every field: what the golden files of this directory hold. A field that a later
 * version adds stays zero here: an old file does not have it. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "journal.h"
#include "ota/boot_record.h"
#include "report.h"

void golden_journal(struct otai_journal *j);
void golden_journal_1_1(struct otai_journal *j);
void golden_ring(struct otai_ring *ring);
void golden_boot(struct ota_boot_record *r);

#endif
