/* SPDX-License-Identifier: Apache-2.0 */
/* An agent's status as text for people and as JSON for programs. */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include "config.h"
#include "ota/ota.h"
#include "ota/posix_sandbox.h"

/** How the agent that runs is held. */
struct status_held {
    const struct ota_posix_sandbox_state *writer;
    const struct ota_posix_fetcher *fetcher;
};

/**
 * Describe a status. The names of the components come from the configuration.
 * @param running  whether an agent runs; false: s is what it would go on from
 * @param held     NULL: it is not, or none runs
 * @return a text that ends with a newline, to be freed; NULL without memory
 */
char *status_text(const struct ota_status *s, const struct agent_config *c, bool running, const struct status_held *held);
char *status_json(const struct ota_status *s, const struct agent_config *c, bool running, const struct status_held *held);

#endif
