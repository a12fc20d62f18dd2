/* SPDX-License-Identifier: Apache-2.0 */
/* An agent's status as text for people and as JSON for programs. */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include "config.h"
#include "ota/ota.h"

/**
 * Describe a status. The names of the components come from the configuration.
 * @param running  whether an agent runs; false: s is what it would go on from
 * @return a text that ends with a newline, to be freed; NULL without memory
 */
char *status_text(const struct ota_status *s, const struct agent_config *c, bool running);
char *status_json(const struct ota_status *s, const struct agent_config *c, bool running);

#endif
