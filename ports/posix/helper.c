/* SPDX-License-Identifier: Apache-2.0 */
/* The helper: what the writer gives up for itself, in a process of a few lines. It starts the fetcher, and those programs that the
 * configuration named. Whoever speaks to it may be anybody: a request is bounded, and a program that was not named is not run.
 *
 * request   op (1 byte), words, each with its NUL; for a command perhaps one descriptor
 * answer    errno (4 bytes), pid (4 bytes), in the machine's order; for a fetcher one descriptor */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_io.h"
#include "ota/posix_sandbox.h"
#include "sandbox.h"
#include "spawn.h"

#define WORDS_MAX 16u
#define FRAME_SPACE 131072 /* of a socket, which the kernel doubles: what the fetcher may read ahead of the writer */

enum op { OP_FETCHER = 'F', OP_END_FETCHER = 'E', OP_COMMAND = 'C' };

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

struct answer {
    int32_t number, pid;
};

/* ---- packets with a descriptor ---- */

static bool send_packet(int fd, const void *bytes, size_t len, int passed)
{
    const union { /* sendmsg() changes nothing: its type cannot say so */
        const void *in;
        void *out;
    } u = { bytes };
    struct iovec io = { u.out, len };
    union control c = { .bytes = { 0 } };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

    if (passed >= 0) {
        m.msg_control = c.bytes;
        m.msg_controllen = sizeof c.bytes;
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);

        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(h), &passed, sizeof passed);
    }
    ssize_t n;
    while ((n = sendmsg(fd, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)len;
}

/* -1: the other side is gone, or the packet is too long. */
static ssize_t receive_packet(int fd, void *bytes, size_t cap, int *passed)
{
    struct iovec io = { bytes, cap };
    union control c = { .bytes = { 0 } };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = c.bytes, .msg_controllen = sizeof c.bytes };
    ssize_t n;

    *passed = -1;
    while ((n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    const struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof *passed))
        memcpy(passed, CMSG_DATA(h), sizeof *passed);
    return n > 0 && !(m.msg_flags & MSG_TRUNC) ? n : -1;
}

/* ---- the writer's side ---- */

static int ask(int helper_fd, const void *request, size_t len, int passed, struct answer *a, int *got)
{
    int other = -1;

    if (!send_packet(helper_fd, request, len, passed))
        return errno ? errno : EPIPE;
    ssize_t n = receive_packet(helper_fd, a, sizeof *a, &other);
    if (n == (ssize_t)sizeof *a && got && a->number == 0) {
        *got = other;
        return other >= 0 ? 0 : EPROTO;
    }
    otap_close(&other);
    return n == (ssize_t)sizeof *a ? a->number : EPIPE;
}

int otap_helper_fetcher(int helper_fd, int *fd)
{
    const char op = OP_FETCHER;
    struct answer a;

    return ask(helper_fd, &op, 1, -1, &a, fd);
}

int otap_helper_end_fetcher(int helper_fd)
{
    const char op = OP_END_FETCHER;
    struct answer a;

    return ask(helper_fd, &op, 1, -1, &a, NULL);
}

int otap_helper_command(int helper_fd, const char *const *argv, int out, pid_t *pid)
{
    char request[1 + OTAP_HELPER_TEXT_MAX] = { OP_COMMAND };
    struct answer a = { 0 };
    size_t at = 1;

    for (size_t i = 0; argv[i]; i++) {
        size_t len = strlen(argv[i]) + 1;

        if (i == WORDS_MAX || len > sizeof request - at)
            return E2BIG;
        memcpy(request + at, argv[i], len);
        at += len;
    }
    int number = ask(helper_fd, request, at, out, &a, NULL);
    if (number != 0 && a.pid > 0)
        (void)waitpid(a.pid, NULL, 0); /* our child, though it never became the program */
    *pid = a.pid;
    return number;
}

/* ---- the helper's side ---- */

struct helper {
    int fd;
    const struct ota_posix_helper_config *cfg;
    pid_t fetcher;                              /* 0 = none */
};

static void end_fetcher(struct helper *h)
{
    if (h->fetcher <= 0)
        return;
    (void)kill(h->fetcher, SIGKILL);
    while (waitpid(h->fetcher, NULL, 0) < 0 && errno == EINTR)
        ;
    h->fetcher = 0;
}

/* It dies with the helper, which dies with the writer. */
static void be_fetcher(const struct helper *h, int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "ota-fetcher");
    (void)signal(SIGXFSZ, SIG_IGN); /* it may write no file: the error is enough */
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
    }
    otap_close_from(STDERR_FILENO + 1, fd);
    _exit(h->cfg->fetcher ? h->cfg->fetcher(fd, h->cfg) : ota_posix_fetcher_main(fd, h->cfg));
}

static int start_fetcher(struct helper *h, int *passed)
{
    const int space = FRAME_SPACE;
    int pair[2];

    end_fetcher(h);
    if (!h->cfg->net)
        return EPERM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &space, sizeof space);
    h->fetcher = fork();
    if (h->fetcher == 0)
        be_fetcher(h, pair[1]);
    int number = h->fetcher < 0 ? errno : 0;
    otap_close(&pair[1]);
    if (number == 0)
        *passed = pair[0];
    else
        otap_close(&pair[0]);
    return number;
}

static bool is_plain_word(const char *word)
{
    size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return len > 0 && len < 64 && word[len] == '\0';
}

static bool is_command(const struct ota_posix_command *c, const char *const *words)
{
    size_t i = 0;

    for (; c->argv[i]; i++)
        if (!words[i] || strcmp(c->argv[i], words[i]) != 0)
            return false;
    size_t fixed = i;
    for (; words[i]; i++)
        if (i - fixed >= c->more || !is_plain_word(words[i]))
            return false;
    return true;
}

static bool is_named(const struct helper *h, const char *const *words)
{
    for (size_t i = 0; i < h->cfg->command_count; i++)
        if (is_command(&h->cfg->commands[i], words))
            return true;
    return false;
}

static int run_command(const struct helper *h, char *text, size_t len, int out, int32_t *pid)
{
    const char *words[WORDS_MAX + 1] = { NULL };
    pid_t child = 0;
    size_t n = 0;

    if (len == 0 || text[len - 1] != '\0')
        return EINVAL;
    for (size_t at = 0; at < len; at += strlen(text + at) + 1) {
        if (n == WORDS_MAX)
            return E2BIG;
        words[n++] = text + at;
    }
    if (!is_named(h, words))
        return EPERM;
    int number = otap_spawn_for_parent(words, out, &child);
    *pid = (int32_t)child;
    return number;
}

static bool answer_one(struct helper *h)
{
    char request[1 + OTAP_HELPER_TEXT_MAX];
    struct answer a = { 0 };
    int got = -1, passed = -1;
    ssize_t n = receive_packet(h->fd, request, sizeof request, &got);

    if (n <= 0)
        return false;
    if (request[0] == OP_FETCHER && n == 1)
        a.number = start_fetcher(h, &passed);
    else if (request[0] == OP_END_FETCHER && n == 1)
        end_fetcher(h);
    else if (request[0] == OP_COMMAND)
        a.number = run_command(h, request + 1, (size_t)n - 1, got, &a.pid);
    else
        a.number = EINVAL;
    bool ok = send_packet(h->fd, &a, sizeof a, passed);
    otap_close(&got);
    otap_close(&passed);
    return ok;
}

/* Ctrl-C and a service manager's stop go to all processes at once: this one stays as long as the writer needs it. */
static void be_helper(int fd, pid_t writer, const struct ota_posix_helper_config *cfg)
{
    struct helper h = { fd, cfg, 0 };

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "ota-helper");
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    otap_close_from(STDERR_FILENO + 1, fd);
    while (getppid() == writer && answer_one(&h))
        ;
    end_fetcher(&h);
    _exit(0);
}

ota_err ota_posix_helper_start(struct ota_posix_helper *h, const struct ota_posix_helper_config *cfg, struct ota_fault *fault)
{
    pid_t writer = getpid();
    int pair[2];

    if (!h)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "helper", 0);
    *h = (struct ota_posix_helper){ .fd = -1 };
    if (!cfg || cfg->command_count > OTA_POSIX_COMMANDS_MAX)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "helper.commands", 0);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return ota_fault_set(fault, OTA_USAGE_MEMORY, "helper.socket", errno);
    pid_t pid = fork();
    if (pid == 0)
        be_helper(pair[1], writer, cfg);
    int number = pid < 0 ? errno : 0;
    otap_close(&pair[1]);
    if (number != 0) {
        otap_close(&pair[0]);
        return ota_fault_set(fault, OTA_USAGE_MEMORY, "helper.fork", number);
    }
    h->fd = pair[0];
    h->pid = pid;
    if (cfg->command_count > 0)
        otap_spawn_through(h->fd, otap_helper_command);
    return OTA_OK;
}

void ota_posix_helper_stop(struct ota_posix_helper *h)
{
    if (h->fd < 0)
        return;
    otap_spawn_unless(h->fd);
    otap_close(&h->fd);
    while (waitpid((pid_t)h->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    h->pid = 0;
}
