/* SPDX-License-Identifier: Apache-2.0 */
/* Components whose images must be packages. */
#ifndef AGENT_PACKAGES_H
#define AGENT_PACKAGES_H

#include "device.h"

/** Tell the agent what the configuration demands. @return OTA_OK, or an error with *fault naming the key; USAGE_CONFIG
 *          also where this program was built without OTA_IMAGE and something is demanded */
ota_err packages_demand(struct device *d, const struct agent_config *c, struct schema_fault *fault);

#endif
