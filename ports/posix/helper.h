/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the helper. Each call waits for its answer, which comes at once, and returns 0 or an errno. */
#ifndef OTAP_HELPER_H
#define OTAP_HELPER_H

#include <sys/types.h>

#define OTAP_HELPER_TEXT_MAX 4096u /* words of one command, each with its NUL */

/* A new fetcher, in place of the one that may still be there. *fd is the caller's to close. */
int otap_helper_fetcher(int helper_fd, int *fd);
int otap_helper_end_fetcher(int helper_fd);

/* Run a command as a child of the caller, with `out` as its standard output (-1: as the helper's own). ENOSYS: the helper cannot. */
int otap_helper_command(int helper_fd, const char *const *argv, int out, pid_t *pid);

#endif
