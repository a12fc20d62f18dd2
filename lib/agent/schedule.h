/* SPDX-License-Identifier: Apache-2.0 */
/* When a device of a large fleet checks in. Pure functions: the clock, the dice and the times come from the caller, so that
 * the fleet simulator runs this very code for a million devices. All waits are in milliseconds. */
#ifndef OTAI_SCHEDULE_H
#define OTAI_SCHEDULE_H

#include <stdint.h>

struct otai_pace {
    uint32_t poll_s;       /* regular interval, > 0 */
    uint32_t retry_base_s; /* first back-off, > 0 */
    uint32_t retry_cap_s;  /* longest back-off, > 0 */
    uint32_t start_s;      /* the first check-in is spread over so much of the device's life */
    uint32_t phase;        /* the device's own place in any interval, of 2^32 */
};

/* The device's own place, from its id: ids that differ little get places that differ much. */
uint32_t otai_phase(const char *device_id);

/* The group's interval within the device's bounds; 0 = the group has none. */
uint32_t otai_interval_s(uint32_t own_s, uint32_t group_s, uint32_t min_s, uint32_t max_s);

/* First check-in of a device that started now_ms ago: anywhere in what is left of start_s; 0 after that,
 * and for a start_s of 1. */
uint64_t otai_start_wait_ms(const struct otai_pace *p, uint64_t now_ms, uint32_t random);

/* After success: the device's own place in the first interval that is at least half an interval away, plus up to a tenth. */
uint64_t otai_poll_wait_ms(const struct otai_pace *p, uint64_t now_ms, uint32_t random);

/* After failure: full jitter, 1 .. base * 4^failures, and from the cap on (or the interval, if that is less) the device's own
 * next place in it and up to a tenth: a fleet whose server was away comes back as evenly as it always comes. after_s is the server's
 * Retry-After, 0 = none, of which no more than the cap counts: the device's own next place behind it. */
uint64_t otai_retry_wait_ms(const struct otai_pace *p, uint64_t now_ms, uint32_t failures, uint32_t after_s, uint32_t random);

#endif
