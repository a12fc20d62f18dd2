/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPHERE_MONITOR_INSIDE_H
#define SPHERE_MONITOR_INSIDE_H

#include <string.h>

#include "monitor.h"

/* Store the table, and believe it only when that is done. */
enum monitor_error monitor_store(struct monitor *m, const struct monitor_table *next);

static inline bool monitor_is_set(const struct monitor_set *s)
{
    return s->count > 0;
}

/* Is this image, in its cell, what the set says, and may it run? reason in m->why. */
enum monitor_error monitor_verify(struct monitor *m, const struct monitor_set *set, const struct monitor_image *image,
                                  uint32_t security_min, uint32_t *security);
enum monitor_error monitor_verify_set(struct monitor *m, const struct monitor_set *set);

#endif
