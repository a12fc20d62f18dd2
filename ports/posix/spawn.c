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

int otap_spawn(const char *const *argv, pid_t *pid)
{
    return otap_spawn_out(argv, -1, pid);
}

static int helper = -1;
static otap_spawner *spawner;

void otap_spawn_through(int helper_fd, otap_spawner *by)
{
    helper = helper_fd;
    spawner = by;
}

void otap_spawn_unless(int helper_fd)
{
    if (helper == helper_fd)
        helper = -1;
}

static int spawn_here(const char *const *argv, int out, pid_t *pid)
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
            number = posix_spawn(pid, argv[0], &files, &attr, otap_unconst(argv), environ);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return number;
}

/* A system whose helper cannot do it has no sandbox either that would keep this process from doing it. */
int otap_spawn_out(const char *const *argv, int out, pid_t *pid)
{
    int number = helper >= 0 ? spawner(helper, argv, out, pid) : ENOSYS;

    return number == ENOSYS ? spawn_here(argv, out, pid) : number;
}
