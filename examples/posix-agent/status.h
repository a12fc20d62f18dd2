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

/** What is known of what runs, by reading it again. */
struct status_watched {
    bool paused;
    const char *health, *last, *done, *where;   /* last: "fine" = nothing was found */
    struct {
        bool known;
        const char *kind;
        uint32_t rounds;
        uint64_t off, length;     /* of the round under way */
    } part[OTA_COMPONENTS_MAX];
};

/**
 * Describe a status. The names of the components come from the configuration.
 * @param running  whether an agent runs; false: s is what it would go on from
 * @param held     NULL: it is not, or none runs
 * @param watched  NULL: nothing is, or none runs
 * @return a text that ends with a newline, to be freed; NULL without memory
 */
char *status_text(const struct ota_status *s, const struct agent_config *c, bool running, const struct status_held *held,
                  const struct status_watched *watched);
char *status_json(const struct ota_status *s, const struct agent_config *c, bool running, const struct status_held *held,
                  const struct status_watched *watched);

#endif
