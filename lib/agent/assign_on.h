/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_DIRECTOR: the device learns its group from a signed assignment, before anything else in TRUST. */
#ifndef OTAI_ASSIGN_H
#define OTAI_ASSIGN_H

#include "agent.h"

/* What is wrong with the configuration's director; NULL: nothing. */
const char *otai_assign_bad(const struct ota_config *c);
/* Begin a check-in: which repository comes first. */
OTA_MUST_CHECK ota_err otai_assign_begin(struct ota *a, uint8_t *repo);
/* Is the group still to be found? Then this is the path to look for. */
bool otai_assign_pending(const struct ota *a);
void otai_assign_path(const struct ota *a, char out[OTA_PATH_MAX]);
/* The scope of a repository, or NULL; the file that TUF wants, below the metadata URL. */
const char *otai_assign_scope(struct ota *a, uint8_t repo);
const char *otai_assign_file(struct ota *a);
/* What TUF found for the path: AGAIN, or the failure. And that it found nothing: AGAIN, where that is no failure. */
OTA_MUST_CHECK ota_err otai_assign_take(struct ota *a, const struct ota_tuf_target *target);
OTA_MUST_CHECK ota_err otai_assign_absent(struct ota *a);
/* Does the timestamp of repos[0] speak for the assignment, too? */
bool otai_assign_elsewhere(const struct ota *a);

#endif
