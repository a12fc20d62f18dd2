/* SPDX-License-Identifier: Apache-2.0 */
/* Whose the device is. */
#ifndef AGENT_OWNER_H
#define AGENT_OWNER_H

#include "config.h"
#include "ota/posix.h"

/** A device that is somebody's takes updates of that product only. @return OTA_OK; REJECT_PRODUCT and what ota_owner_load() returns, with *fault */
ota_err agent_owner_check(struct ota_posix_store *store, const struct agent_config *c, struct schema_fault *fault);

#endif
