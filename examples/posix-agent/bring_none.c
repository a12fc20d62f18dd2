/* SPDX-License-Identifier: Apache-2.0 */
/* Built without OTA_CAPABILITY, OTA_IMAGE or OTA_MONITOR: nothing is taken from anybody's hand. */
#include <stdio.h>

#include "bring.h"

int agent_sideload(const struct agent_config *c, const struct agent_options *o, const char *what, const char *capability)
{
    (void)c, (void)o, (void)capability;
    (void)fprintf(stderr, "ota-agent: %s: this agent was built without capabilities\n", what);
    return AGENT_USAGE;
}

int agent_capability(const struct agent_config *c, const struct agent_options *o, const char *verb, const char *file)
{
    (void)file;
    return agent_sideload(c, o, verb, NULL);
}
