/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4, ppoll */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 200      /* for the request of somebody who has connected */
#define ANSWER_WITHIN_S 10   /* the agent may be in the middle of a disk write */

static bool address(struct sockaddr_un *a, const char *dir)
{
    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return (size_t)snprintf(a->sun_path, sizeof a->sun_path, "%s/agent.sock", dir) < sizeof a->sun_path;
}

static int listen_at(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    int err = 0;

    if (fd >= 0 && (bind(fd, (const struct sockaddr *)a, sizeof *a) != 0 || listen(fd, 4) != 0)) {
        err = errno;
        (void)close(fd);
        fd = -1;
    }
    (void)umask(mask);
    if (err != 0)
        errno = err;
    return fd;
}

/* The lock on the state directory says nothing about an agent that has another one. */
static bool somebody_listens(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listens = fd >= 0 && (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN);

    if (fd >= 0)
        (void)close(fd);
    return listens;
}

bool control_open(struct control *c, const char *runtime_dir, struct schema_fault *fault)
{
    struct sockaddr_un a;

    *c = (struct control){ .fd = -1 };
    if (!address(&a, runtime_dir))
        return schema_fail(fault, "runtime_dir", "too long for a socket's name");
    if (mkdir(runtime_dir, 0755) != 0 && errno != EEXIST)
        return schema_fail(fault, "runtime_dir", strerror(errno));
    if (somebody_listens(&a))
        return schema_fail(fault, "runtime_dir", "an agent with another state_dir listens there");
    (void)unlink(a.sun_path);
    c->fd = listen_at(&a);
    if (c->fd < 0)
        return schema_fail(fault, "runtime_dir", strerror(errno));
    (void)snprintf(c->path, sizeof c->path, "%s", a.sun_path);
    return true;
}

void control_close(struct control *c)
{
    if (c->fd < 0)
        return;
    (void)close(c->fd);
    (void)unlink(c->path);
    c->fd = -1;
}

static bool readable(int fd, int ms, const sigset_t *mask)
{
    const struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return ppoll(&p, 1, &limit, mask) == 1;
}

/* The answer is the exit status as a letter ('0' + status) and the text. */
static void reply(int peer, const char *request, control_answer *answer, void *self)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    int status;

    if (!f)
        return;
    (void)fputc('0', f);
    status = answer(self, request, f);
    if (fclose(f) == 0 && text) {
        text[0] = (char)('0' + status);
        (void)send(peer, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    free(text);
}

void control_serve(struct control *c, int ms, const sigset_t *mask, control_answer *answer, void *self)
{
    char request[CONTROL_REQUEST_MAX];
    ssize_t n = -1;
    int peer;

    if (!readable(c->fd, ms, mask))
        return;
    peer = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0)
        return;
    if (readable(peer, PATIENCE_MS, NULL))
        n = recv(peer, request, sizeof request - 1, MSG_DONTWAIT);
    if (n > 0) {
        request[n] = '\0';
        reply(peer, request, answer, self);
    }
    (void)close(peer);
}

static int exchange(int fd, const struct sockaddr_un *a, const char *request, char *answer)
{
    const struct timeval patience = { .tv_sec = ANSWER_WITHIN_S };
    ssize_t n;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) != 0 || send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        return -1;
    n = recv(fd, answer, CONTROL_ANSWER_MAX - 1, 0);
    if (n < 1)
        return -1;
    answer[n] = '\0';
    return answer[0] - '0';
}

int control_ask(const char *runtime_dir, const char *request, char answer[CONTROL_ANSWER_MAX])
{
    struct sockaddr_un a;
    int fd = address(&a, runtime_dir) ? socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) : -1;
    int status = fd >= 0 ? exchange(fd, &a, request, answer) : -1;
    int err = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = err;
    if (status >= 0)
        memmove(answer, answer + 1, strlen(answer));
    return status;
}
