/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file_io.h"
#include "helper.h"

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

static int helper = -1;

void otap_spawn_through(int helper_fd)
{
    helper = helper_fd;
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
            number = posix_spawn(pid, argv[0], &files, &attr, unconst(argv), environ);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return number;
}

/* A system whose helper cannot do it has no sandbox either that would keep this process from doing it. */
int otap_spawn_out(const char *const *argv, int out, pid_t *pid)
{
    int number = helper >= 0 ? otap_helper_command(helper, argv, out, pid) : ENOSYS;

    return number == ENOSYS ? spawn_here(argv, out, pid) : number;
}

/* ---- in the helper ---- */

static void reset_signals(void)
{
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigset_t none;

    (void)sigemptyset(&by_default.sa_mask);
    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &by_default, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Only what is safe between fork and exec. */
static void become(const char *const *argv, int out, int tell)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int number;

    (void)setpgid(0, 0);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || (out >= 0 && dup2(out, STDOUT_FILENO) < 0)) {
        number = errno;
    } else {
        reset_signals();
        (void)execve(argv[0], unconst(argv), environ);
        number = errno;
    }
    (void)!write(tell, &number, sizeof number);
    _exit(127);
}

/* Linux's clone() has its arguments in another order on some machines. */
static long clone_for_parent(void)
{
#ifdef __s390__
    return syscall(SYS_clone, 0, CLONE_PARENT | SIGCHLD, 0, 0, 0);
#else
    return syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
#endif
}

int otap_spawn_for_parent(const char *const *argv, int out, pid_t *pid)
{
    int pair[2], number = 0;

    if (pipe2(pair, O_CLOEXEC) != 0)
        return errno;
    long child = clone_for_parent();
    if (child == 0)
        become(argv, out, pair[1]);
    if (child < 0)
        number = errno == EINVAL ? ENOSYS : errno;
    otap_close(&pair[1]);
    *pid = child > 0 ? (pid_t)child : 0;
    if (child > 0 && read(pair[0], &number, sizeof number) != (ssize_t)sizeof number)
        number = 0; /* the pipe closed with the exec */
    otap_close(&pair[0]);
    return number;
}
