/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a group's pointer asks of its devices beside images: interval, deferral, rollout. SPEC 7.1. */
#ifndef OTA_REPO_FLEET_H
#define OTA_REPO_FLEET_H

#include "args.h"
#include "canon.h"

#define POLL_MIN_S 60
#define POLL_MAX_S 604800
#define DEFER_MAX_MIN 44640

/** Rows for tables of options. */
#define FLEET_OPTIONS                                                                                                            \
    { "poll", "SECONDS", "interval of the devices' check-ins, 60..604800; default = the device's own", OPTION_ONE, false },      \
        { "defer-system", "MINUTES", "longest deferral of an OS, 0..44640; default [1440]", OPTION_ONE, false },                 \
    {                                                                                                                            \
        "defer-application", "MINUTES", "longest deferral of an application, 0..44640; default [10020]", OPTION_ONE, false       \
    }

/** Put what these options say into a group; "default" takes it away. */
int fleet_options(struct tool *t, const struct args *a, cJSON *group);
/** Do two groups agree in them? */
bool fleet_same(const cJSON *x, const cJSON *y);
/** Check "poll_s" and "defer_min" of a group or pointer; both may be absent. */
int fleet_check(struct at a);
/** Check "rollout" of a pointer; it may be absent. */
int rollout_check(struct at a);
/**
 * A device's number in a rollout, 0..999: it takes part when that is below "per_mille". As devices compute it, SPEC 7.1.
 * @param salt  32 hex digits
 */
int rollout_number(struct tool *t, const char *salt, const char *id, size_t id_len, unsigned *out);

#endif
