/* SPDX-License-Identifier: Apache-2.0 */
/** @file What an image provides and requires: up to four names with levels, SPEC 7.2. */
#ifndef OTA_REPO_LEVELS_H
#define OTA_REPO_LEVELS_H

#include "args.h"
#include "canon.h"

#define LEVELS_MAX 4

/** Take the values NAME=LEVEL of a repeatable option. *out is NULL without any, else lives until tool_end. */
int levels_option(struct tool *t, const struct args *a, const char *option, cJSON **out);
/** Check such a member of a description; it may be absent. */
int levels_check(struct at a, const char *name);

#endif
