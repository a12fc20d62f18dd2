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

/* Has the helper at the other end of a socket start argv: as otap_spawn_out(). ENOSYS: it cannot. */
typedef int otap_spawner(int helper_fd, const char *const *argv, int out, pid_t *pid);

/* From now on programs are started by the helper at the other end of this socket. It is the process that has entered a
 * sandbox, not one port of it: hence for all of them. */
void otap_spawn_through(int helper_fd, otap_spawner *by);
/* This helper leaves. */
void otap_spawn_unless(int helper_fd);

/* The helper's: start argv as a child of this process's parent, which waits for it and may kill its group. ENOSYS: the system
 * does not offer that. After another error *pid may be a child that the parent has to wait for; 0 = there is none. */
int otap_spawn_for_parent(const char *const *argv, int out, pid_t *pid);

/* posix_spawn() and execve() want char *const *: a promise they keep is missing from their types. */
static inline char *const *otap_unconst(const char *const *argv)
{
    union {
        const char *const *in;
        char *const *out;
    } u = { argv };

    return u.out;
}

#endif
