/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is. Pure: no clock, no I/O. The rule, also in SPEC.md, section 15:
 *
 *   one has the turn; the system comes before applications where both wait, but not twice in a row while an application
 *   waits; applications come in the order in which they asked; a turn that takes too long ends when somebody waits. */
#ifndef AGENT_ARBITER_H
#define AGENT_ARBITER_H

#include <stdbool.h>
#include <stdint.h>

#define ARBITER_APPS 16
#define ARBITER_SYSTEM ARBITER_APPS   /* the number of the system's agent among those who ask */
#define ARBITER_NOBODY (-1)

struct arbiter {
    uint64_t system_turn_ms, app_turn_ms;   /* caps */
    int holder;
    bool overstayed;                        /* the last holder was an application that did not give its turn back in time */
    bool system_was_last;
    uint64_t since_ms;                      /* the holder has it */
    uint64_t next;                          /* ticket */
    uint64_t ticket[ARBITER_APPS + 1];      /* of those who wait; 0 = does not */
};

void arbiter_init(struct arbiter *a, uint64_t system_turn_ms, uint64_t app_turn_ms);

/** Wait for a turn. Asking again changes nothing. */
void arbiter_ask(struct arbiter *a, int who);
/** Give the turn back, or stop waiting for one. */
void arbiter_leave(struct arbiter *a, int who);
/** The system lets others go first, and waits again. */
void arbiter_yield(struct arbiter *a);

/** Let time pass: end a turn that took too long, give a free one away. @return who has it, or ARBITER_NOBODY */
int arbiter_look(struct arbiter *a, uint64_t now_ms);

/** Has the system had its turn for so long that it must let an application go, one that waits? */
bool arbiter_is_long(const struct arbiter *a, uint64_t now_ms);

#endif
