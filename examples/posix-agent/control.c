/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4, ppoll, SO_PEERCRED */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_WITHIN_S 10   /* the agent may be in the middle of a disk write */
#define LINES_AT_ONCE 8      /* of one client, then others are heard */

static bool address(struct sockaddr_un *a, const char *dir)
{
    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return (size_t)snprintf(a->sun_path, sizeof a->sun_path, "%s/agent.sock", dir) < sizeof a->sun_path;
}

/* Others may connect only where the configuration names some; who they are is asked of the kernel. */
static int listen_at(const struct sockaddr_un *a, bool others)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(others ? 0111 : 0177);
    int err = 0;

    if (fd >= 0 && (bind(fd, (const struct sockaddr *)a, sizeof *a) != 0 || listen(fd, CONTROL_CLIENTS) != 0)) {
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
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listens = fd >= 0 && (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN);

    if (fd >= 0)
        (void)close(fd);
    return listens;
}

bool control_open(struct control *c, const struct agent_config *config, struct schema_fault *fault)
{
    const char *dir = config->runtime_dir;
    struct sockaddr_un a;

    memset(c, 0, sizeof *c);
    c->fd = -1;
    c->config = config;
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        c->client[i].fd = -1;
    if (!address(&a, dir))
        return schema_fail(fault, "runtime_dir", "too long for a socket's name");
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return schema_fail(fault, "runtime_dir", strerror(errno));
    if (somebody_listens(&a))
        return schema_fail(fault, "runtime_dir", "an agent with another state_dir listens there");
    (void)unlink(a.sun_path);
    c->fd = listen_at(&a, config->application_count > 0);
    if (c->fd < 0)
        return schema_fail(fault, "runtime_dir", strerror(errno));
    (void)snprintf(c->path, sizeof c->path, "%s", a.sun_path);
    return true;
}

static void drop(struct control_client *k)
{
    if (k->fd >= 0)
        (void)close(k->fd);
    memset(k, 0, sizeof *k);
    k->fd = -1;
}

void control_close(struct control *c)
{
    if (c->fd < 0)
        return;
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        drop(&c->client[i]);
    (void)close(c->fd);
    (void)unlink(c->path);
    c->fd = -1;
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* A shut connection is seen at the next look, where its owner is told. */
static void give_up(struct control_client *k)
{
    (void)shutdown(k->fd, SHUT_RDWR);
}

static void send_all(struct control_client *k, const char *text, size_t len)
{
    if (send(k->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
        give_up(k);
}

void control_tell(struct control *c, int client, const char *line)
{
    if (c->client[client].fd >= 0)
        send_all(&c->client[client], line, strlen(line));
}

/* ---- who comes ---- */

static bool is_listed(const struct agent_config *config, uid_t uid)
{
    for (size_t i = 0; i < config->application_count; i++)
        if (config->application[i].uid == uid)
            return true;
    return false;
}

/* A place for somebody; NULL: there is none, or this user has enough. */
static struct control_client *place_for(struct control *c, uid_t uid, bool own)
{
    struct control_client *place = NULL;
    unsigned free_places = 0, same = 0;

    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        bool free_place = c->client[i].fd < 0;

        free_places += free_place;
        same += !free_place && c->client[i].uid == uid;
        if (free_place)
            place = &c->client[i];
    }
    if (!own && (same >= CONTROL_PER_USER || free_places <= CONTROL_RESERVED))
        return NULL;
    return place;
}

static void refuse(int fd, const char *why)
{
    char line[64];
    int len = snprintf(line, sizeof line, "{\"exit\":1,\"error\":\"%s\"}\n", why);

    (void)send(fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(fd);
}

static void welcome(struct control *c)
{
    int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        (void)close(fd);
        return;
    }
    bool own = peer.uid == 0 || peer.uid == geteuid();
    if (!own && !is_listed(c->config, peer.uid)) {
        refuse(fd, "not allowed");
        return;
    }
    struct control_client *k = place_for(c, peer.uid, own);
    if (!k) {
        refuse(fd, "too many");
        return;
    }
    *k = (struct control_client){ .fd = fd, .uid = peer.uid, .own = own, .heard_ms = now_ms() };
}

/* ---- what they say ---- */

static void answer_line(struct control *c, int i, const char *text, size_t len, const struct control_calls *calls)
{
    struct control_client *k = &c->client[i];
    struct ota_posix_line l;
    char *answer = NULL;
    size_t n = 0;
    ota_err err = ota_posix_line_parse(&l, text, len);
    FILE *to = open_memstream(&answer, &n);

    if (!to) {
        give_up(k);
        return;
    }
    if (err == OTA_OK)
        calls->request(calls->self, i, &l, to);
    else
        (void)fprintf(to, "{\"exit\":2,\"error\":\"%s\"}\n", ota_err_name(err));
    if (fclose(to) == 0 && answer)
        send_all(k, answer, n);
    free(answer);
    if (err != OTA_OK)
        give_up(k);
}

/* One that asks more than anybody needs is not heard any more. */
static bool is_flood(struct control_client *k, uint64_t now)
{
    if (now - k->second_ms >= 1000) {
        k->second_ms = now;
        k->lines = 0;
    }
    return ++k->lines > CONTROL_LINES_MAX;
}

/* Take whole lines out of the buffer. */
static void take_lines(struct control *c, int i, const struct control_calls *calls)
{
    struct control_client *k = &c->client[i];
    uint64_t now = now_ms();

    for (int n = 0; n < LINES_AT_ONCE && k->fd >= 0; n++) {
        char *newline = memchr(k->in, '\n', k->fill);
        char line[OTA_POSIX_LINE_MAX + 1];

        if (!newline)
            break;
        size_t len = (size_t)(newline - k->in);
        memcpy(line, k->in, len);
        k->fill -= len + 1;
        memmove(k->in, newline + 1, k->fill);
        k->heard_ms = now;
        k->half_ms = k->fill > 0 ? now : 0;
        if (is_flood(k, now)) {
            give_up(k);
            return;
        }
        answer_line(c, i, line, len, calls);
    }
    if (k->fill == sizeof k->in && !memchr(k->in, '\n', k->fill))
        give_up(k);
}

static void end(struct control *c, int i, const struct control_calls *calls)
{
    drop(&c->client[i]);
    calls->left(calls->self, i);
}

static void hear(struct control *c, int i, const struct control_calls *calls)
{
    struct control_client *k = &c->client[i];
    ssize_t n = sizeof k->in > k->fill ? recv(k->fd, k->in + k->fill, sizeof k->in - k->fill, MSG_DONTWAIT) : 1;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        end(c, i, calls);
        return;
    }
    if (n > 0 && sizeof k->in > k->fill) {
        if (k->fill == 0)
            k->half_ms = now_ms();
        k->fill += (size_t)n;
    }
    take_lines(c, i, calls);
}

/* Half a line is not waited for, nor somebody who has nothing to say. */
static void dismiss_silent(struct control *c, const struct control_calls *calls)
{
    uint64_t now = now_ms();

    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        const struct control_client *k = &c->client[i];

        if (k->fd < 0)
            continue;
        if ((k->half_ms != 0 && now - k->half_ms >= CONTROL_HALF_MS) || (!k->stays && now - k->heard_ms >= CONTROL_IDLE_MS))
            end(c, i, calls);
    }
}

/* Whole lines that one look did not get to. */
static bool lines_wait(const struct control *c)
{
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (c->client[i].fd >= 0 && memchr(c->client[i].in, '\n', c->client[i].fill))
            return true;
    return false;
}

void control_serve(struct control *c, int ms, const sigset_t *mask, const struct control_calls *calls)
{
    struct pollfd p[1 + CONTROL_CLIENTS];
    int limit = lines_wait(c) ? 0 : ms;
    bool any = false;

    p[0] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        p[1 + i] = (struct pollfd){ .fd = c->client[i].fd, .events = POLLIN };
        any |= c->client[i].fd >= 0;
    }
    if (any && limit > CONTROL_HALF_MS / 2)
        limit = CONTROL_HALF_MS / 2;
    const struct timespec t = { limit / 1000, limit % 1000 * 1000000L };
    if (ppoll(p, 1 + CONTROL_CLIENTS, &t, mask) < 0)
        return;
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (p[1 + i].fd >= 0 && (p[1 + i].revents != 0 || memchr(c->client[i].in, '\n', c->client[i].fill)))
            hear(c, i, calls);
    dismiss_silent(c, calls);
    if (p[0].revents != 0)
        welcome(c);
}

/* ---- a command's side ---- */

/* The answer's line, then as many bytes as it says. */
static int take_answer(FILE *f, char *answer)
{
    char line[OTA_POSIX_LINE_MAX + 2];
    struct ota_posix_line l;

    if (!fgets(line, sizeof line, f) || ota_posix_line_parse(&l, line, strcspn(line, "\n")) != OTA_OK)
        return -1;
    const struct ota_posix_member *status = ota_posix_line_find(&l, "exit", OTA_POSIX_NUMBER);
    const struct ota_posix_member *bytes = ota_posix_line_find(&l, "bytes", OTA_POSIX_NUMBER);
    size_t n = bytes && bytes->number > 0 && bytes->number < CONTROL_ANSWER_MAX ? (size_t)bytes->number : 0;
    if (!status || fread(answer, 1, n, f) != n)
        return -1;
    answer[n] = '\0';
    return (int)status->number;
}

static int exchange(int fd, const struct sockaddr_un *a, const char *request, char *answer)
{
    const struct timeval patience = { .tv_sec = ANSWER_WITHIN_S };
    int status = -1;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) != 0)
        return -1;
    (void)send(fd, request, strlen(request), MSG_NOSIGNAL); /* who refuses us has said so and gone */
    FILE *f = fdopen(dup(fd), "r");
    if (!f)
        return -1;
    errno = 0;
    status = take_answer(f, answer);
    if (status < 0 && errno == 0)
        errno = EPROTO;
    (void)fclose(f);
    return status;
}

int control_ask(const char *runtime_dir, const char *request, char answer[CONTROL_ANSWER_MAX])
{
    struct sockaddr_un a;
    int fd = address(&a, runtime_dir) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    int status = fd >= 0 ? exchange(fd, &a, request, answer) : -1;
    int err = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = err;
    return status;
}
