/* SPDX-License-Identifier: Apache-2.0 */
#include "quiet.h"

#include <time.h>

void otat_quiet_begin(struct otat_quiet *q)
{
    sigset_t pipe_only, pending;

    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    q->was_pending = sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &q->before);
}

void otat_quiet_end(const struct otat_quiet *q)
{
    const struct timespec now = { 0, 0 };
    sigset_t pipe_only;

    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    if (!q->was_pending)
        while (sigtimedwait(&pipe_only, NULL, &now) == SIGPIPE)
            continue;
    (void)pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}
