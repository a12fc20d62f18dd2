/* SPDX-License-Identifier: Apache-2.0 */
/* Start a program without a shell. */
#ifndef OTAP_SPAWN_H
#define OTAP_SPAWN_H

#include <sys/types.h>

/* Starts argv in a process group of its own, standard input empty, signals at their defaults. 0, or an errno: also that
 * of a program that cannot be executed. */
int otap_spawn(const char *const *argv, pid_t *pid);

/* The same, with `out` as its standard output. */
int otap_spawn_out(const char *const *argv, int out, pid_t *pid);

#endif
