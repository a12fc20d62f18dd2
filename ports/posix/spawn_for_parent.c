/* SPDX-License-Identifier: Apache-2.0 */
/* How a helper starts a program that its parent waits for. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file_io.h"
#include "spawn.h"

extern char **environ;

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
        (void)execve(argv[0], otap_unconst(argv), environ);
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
