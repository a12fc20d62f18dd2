/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of those who hold the device in their hands. */
#ifndef AGENT_BRING_H
#define AGENT_BRING_H

#include "commands.h"
#include "sideload.h"

/** what: a file with an image package, or a folder with copies of the repositories. capability: a file; NULL = the installed one. */
int agent_sideload(const struct agent_config *c, const struct agent_options *o, const char *what, const char *capability);

/** verb: "show", "install" (file), "remove". */
int agent_capability(const struct agent_config *c, const struct agent_options *o, const char *verb, const char *file);

#endif
