/* SPDX-License-Identifier: Apache-2.0 */
/* libtss2 writes to sockets without MSG_NOSIGNAL: a TPM that goes away must be an error, not the end of the process. Between the two
 * calls this thread gets no SIGPIPE; how the program handles it otherwise is left as it is. */
#ifndef OTAT_QUIET_H
#define OTAT_QUIET_H

#include <signal.h>
#include <stdbool.h>

struct otat_quiet {
    sigset_t before;
    bool was_pending;
};

void otat_quiet_begin(struct otat_quiet *q);
void otat_quiet_end(const struct otat_quiet *q);

#endif
