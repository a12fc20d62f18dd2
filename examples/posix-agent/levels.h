/* SPDX-License-Identifier: Apache-2.0 */
/* What this device provides for applications that require it: its components, as they are confirmed, and the configuration. */
#ifndef AGENT_LEVELS_H
#define AGENT_LEVELS_H

#include "config.h"
#include "ota/ota.h"

#define LEVELS_MAX (OTA_LEVELS_MAX + AGENT_PROVIDES_MAX)

/** @return how many stand in out; -1: the store cannot be read */
int levels_of(struct ota *agent, const struct agent_config *c, struct ota_level out[LEVELS_MAX]);

#endif
