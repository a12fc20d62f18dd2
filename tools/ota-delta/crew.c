/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct crew {
    void (*task)(void *who, unsigned i);
    void *who;
    unsigned count;
    atomic_uint next;
};

static void *work(void *arg)
{
    struct crew *c = arg;

    for (unsigned i; (i = atomic_fetch_add(&c->next, 1)) < c->count;)
        c->task(c->who, i);
    return NULL;
}

void crew_run(unsigned threads, unsigned count, void (*task)(void *who, unsigned i), void *who)
{
    struct crew c = { .task = task, .who = who, .count = count };
    pthread_t other[CREW_MAX];
    unsigned n = 0, wanted = threads < count ? threads : count;

    while (n + 1 < wanted && n < CREW_MAX && pthread_create(&other[n], NULL, work, &c) == 0)
        n++;
    (void)work(&c);
    while (n-- > 0)
        (void)pthread_join(other[n], NULL);
}

unsigned crew_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > (long)CREW_MAX ? CREW_MAX : (unsigned)n;
}
