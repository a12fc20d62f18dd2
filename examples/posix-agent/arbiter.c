/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter.h"

#include <string.h>

void arbiter_init(struct arbiter *a, uint64_t system_turn_ms, uint64_t app_turn_ms)
{
    memset(a, 0, sizeof *a);
    a->system_turn_ms = system_turn_ms;
    a->app_turn_ms = app_turn_ms;
    a->holder = ARBITER_NOBODY;
}

void arbiter_ask(struct arbiter *a, int who)
{
    if (a->holder != who && a->ticket[who] == 0)
        a->ticket[who] = ++a->next;
}

void arbiter_leave(struct arbiter *a, int who)
{
    a->ticket[who] = 0;
    if (a->holder != who)
        return;
    a->holder = ARBITER_NOBODY;
    a->overstayed = false;
    a->system_was_last = who == ARBITER_SYSTEM;
}

void arbiter_yield(struct arbiter *a)
{
    arbiter_leave(a, ARBITER_SYSTEM);
    arbiter_ask(a, ARBITER_SYSTEM);
}

/* The application that has waited longest, or ARBITER_NOBODY. */
static int oldest(const struct arbiter *a)
{
    int who = ARBITER_NOBODY;

    for (int i = 0; i < ARBITER_APPS; i++)
        if (a->ticket[i] != 0 && (who == ARBITER_NOBODY || a->ticket[i] < a->ticket[who]))
            who = i;
    return who;
}

static uint64_t elapsed_ms(const struct arbiter *a, uint64_t now_ms)
{
    return now_ms > a->since_ms ? now_ms - a->since_ms : 0;
}

static bool somebody_waits(const struct arbiter *a)
{
    return a->ticket[ARBITER_SYSTEM] != 0 || oldest(a) != ARBITER_NOBODY;
}

static void give(struct arbiter *a, int who, uint64_t now_ms)
{
    a->ticket[who] = 0;
    a->holder = who;
    a->since_ms = now_ms;
}

int arbiter_look(struct arbiter *a, uint64_t now_ms)
{
    bool app = a->holder >= 0 && a->holder < ARBITER_APPS;

    if (app && elapsed_ms(a, now_ms) >= a->app_turn_ms && somebody_waits(a)) {
        arbiter_leave(a, a->holder);
        a->overstayed = true;
    }
    if (a->holder != ARBITER_NOBODY)
        return a->holder;
    int next = oldest(a);
    bool system = a->ticket[ARBITER_SYSTEM] != 0;
    if (system && (next == ARBITER_NOBODY || !a->system_was_last))
        next = ARBITER_SYSTEM;
    if (next != ARBITER_NOBODY)
        give(a, next, now_ms);
    return a->holder;
}

bool arbiter_is_long(const struct arbiter *a, uint64_t now_ms)
{
    return a->holder == ARBITER_SYSTEM && elapsed_ms(a, now_ms) >= a->system_turn_ms && oldest(a) != ARBITER_NOBODY;
}
