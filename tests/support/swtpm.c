/* SPDX-License-Identifier: Apache-2.0 */
#include "swtpm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 60000

bool test_swtpm_is_there(void)
{
    return system("command -v swtpm >/dev/null 2>&1") == 0;
}

static void run(const char *state)
{
    char dir[192], server[192], control[192];
    int null = open("/dev/null", O_RDWR);

    snprintf(dir, sizeof dir, "dir=%s", state);
    snprintf(server, sizeof server, "type=unixio,path=%s/s", state);
    snprintf(control, sizeof control, "type=unixio,path=%s/s.ctrl", state);
    dup2(null, 1);
    dup2(null, 2);
    execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", dir, "--server", server, "--ctrl", control, "--flags",
           "not-need-init,startup-clear", (char *)NULL);
    _exit(127);
}

static bool listens(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok;

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return ok;
}

bool test_swtpm_start(struct test_swtpm *t, const char *state)
{
    const struct timespec pause = { 0, 10000000 };
    char control[192], server[192];

    snprintf(t->state, sizeof t->state, "%s", state);
    snprintf(t->tcti, sizeof t->tcti, "swtpm:path=%s/s", state);
    snprintf(server, sizeof server, "%s/s", state);
    snprintf(control, sizeof control, "%s/s.ctrl", state);
    unlink(server);
    unlink(control);
    t->pid = fork();
    if (t->pid == 0)
        run(state);
    for (int ms = 0; t->pid > 0 && ms < WAIT_MS; ms += 10) {
        if (listens(control) && listens(server))
            return true;
        if (waitpid(t->pid, NULL, WNOHANG) == t->pid)
            break;
        nanosleep(&pause, NULL);
    }
    test_swtpm_kill(t);
    return false;
}

void test_swtpm_kill(struct test_swtpm *t)
{
    if (t->pid > 0) {
        kill(t->pid, SIGKILL);
        while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    t->pid = 0;
}

void test_swtpm_remove(struct test_swtpm *t)
{
    DIR *d = opendir(t->state);
    char path[512];

    test_swtpm_kill(t);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        snprintf(path, sizeof path, "%s/%s", t->state, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(t->state);
}
