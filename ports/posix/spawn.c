/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

extern char **environ;

/* out: -1 = the caller's own standard output. */
static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int out)
{
    sigset_t none, all;
    int number = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (number == 0 && out >= 0)
        number = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    if (number == 0)
        number = posix_spawnattr_setpgroup(attr, 0);
    if (number == 0)
        number = posix_spawnattr_setsigmask(attr, &none);
    if (number == 0)
        number = posix_spawnattr_setsigdefault(attr, &all);
    if (number == 0)
        number = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return number;
}

/* posix_spawn() wants char *const *: a promise it keeps is missing from its type. */
static char *const *unconst(const char *const *argv)
{
    union {
        const char *const *in;
        char *const *out;
    } u = { argv };

    return u.out;
}

int otap_spawn(const char *const *argv, pid_t *pid)
{
    return otap_spawn_out(argv, -1, pid);
}

int otap_spawn_out(const char *const *argv, int out, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int number = posix_spawn_file_actions_init(&files);

    if (number != 0)
        return number;
    number = posix_spawnattr_init(&attr);
    if (number == 0) {
        number = set_up(&files, &attr, out);
        if (number == 0)
            number = posix_spawn(pid, argv[0], &files, &attr, unconst(argv), environ);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return number;
}
