/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the integrator's that knows the boot loader, with the verbs of RAUC's custom backend:
 *
 *     get-primary                    prints the name of the slot that starts next
 *     set-primary NAME               makes it start next, with the tries that the loader gives
 *     get-state NAME                 prints "good" or "bad"
 *     set-state NAME good|bad        "good" confirms, "bad" gives up
 *     get-current                    prints the name of the slot that runs
 *
 * How many tries a slot has left the verbs do not tell: one at least while it is about to start, none that is sure once
 * it runs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_io.h"
#include "loader.h"
#include "spawn.h"

#define ANSWER_MAX 128u

static struct ota_posix_boot_custom *self(struct ota_posix_loader *l)
{
    return (struct ota_posix_boot_custom *)l;
}

/* Read until the end, or until it is `end`. What is beyond the buffer is read and dropped. 0 or an errno. */
static int read_answer(int fd, uint64_t end, char out[ANSWER_MAX])
{
    char rest[256];
    size_t fill = 0;

    for (;;) {
        uint64_t now = otap_now_ms();
        struct pollfd p = { .fd = fd, .events = POLLIN };
        bool room = fill < ANSWER_MAX - 1;
        ssize_t n;

        if (now >= end)
            return ETIMEDOUT;
        if (poll(&p, 1, (int)(end - now)) <= 0)
            continue;
        n = room ? read(fd, out + fill, ANSWER_MAX - 1 - fill) : read(fd, rest, sizeof rest);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            break;
        fill += room ? (size_t)n : 0;
    }
    out[fill] = '\0';
    return 0;
}

/* A program may close its output and go on: it gets the rest of the time, a short nap at a time. */
static int wait_for(pid_t pid, uint64_t end, int number)
{
    int status = 0;
    pid_t got = 0;

    while (number == 0 && got == 0) {
        got = waitpid(pid, &status, WNOHANG);
        if (got == 0 && otap_now_ms() >= end)
            number = ETIMEDOUT;
        else if (got == 0)
            (void)poll(NULL, 0, 2);
    }
    (void)kill(-pid, SIGKILL);
    while (got == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (number == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        number = EREMOTEIO;
    return number;
}

/* Run one verb. `verb` is what is blamed. */
static int run(struct ota_posix_loader *l, const char *verb, const char *name, const char *state, char out[ANSWER_MAX])
{
    const char *const argv[] = { self(l)->program, verb, name, name ? state : NULL, NULL };
    uint64_t end = otap_now_ms() + l->cfg.timeout_ms;
    pid_t pid = 0;
    int fd[2], number;

    if (pipe2(fd, O_CLOEXEC) != 0)
        return otap_blame(l, verb, errno);
    number = otap_spawn_out(argv, fd[1], &pid);
    otap_close(&fd[1]);
    if (number == 0)
        number = wait_for(pid, end, read_answer(fd[0], end, out));
    otap_close(&fd[0]);
    if (number != 0)
        return otap_blame(l, verb, number);
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

static int ask_slot(struct ota_posix_loader *l, const char *verb, uint8_t *slot)
{
    char answer[ANSWER_MAX];
    int number = run(l, verb, NULL, NULL, answer);

    if (number != 0)
        return number;
    *slot = otap_slot_named(l, answer, strlen(answer));
    return *slot != OTA_SLOT_NONE ? 0 : otap_blame(l, verb, EBADMSG);
}

static int ask_good(struct ota_posix_loader *l, uint8_t slot, bool *good)
{
    char answer[ANSWER_MAX];
    int number = run(l, "get-state", l->cfg.name[slot], NULL, answer);

    if (number != 0)
        return number;
    *good = strcmp(answer, "good") == 0;
    return *good || strcmp(answer, "bad") == 0 ? 0 : otap_blame(l, "get-state", EBADMSG);
}

static int custom_read(struct ota_posix_loader *l, struct otap_loader_view *out)
{
    bool good = false;
    int number = ask_slot(l, "get-current", &out->current);

    if (number == 0)
        number = ask_slot(l, "get-primary", &out->armed);
    if (number == 0)
        number = ask_good(l, out->armed, &good);
    if (number == 0)
        out->tries = out->tries_of[out->armed] = good && out->armed != out->current;
    return number;
}

static int custom_arm(struct ota_posix_loader *l, uint8_t slot, uint8_t tries)
{
    char answer[ANSWER_MAX];

    (void)tries;
    return run(l, "set-primary", l->cfg.name[slot], NULL, answer);
}

static int custom_keep(struct ota_posix_loader *l, uint8_t slot)
{
    char answer[ANSWER_MAX];

    return run(l, "set-state", l->cfg.name[slot], "good", answer);
}

/* First what starts next, then the blame: between the two the device already goes back. A program may take the slot that
 * it was just given as primary for one to be tried: it is the confirmed one, and is said to be good. */
static int custom_drop(struct ota_posix_loader *l, uint8_t slot)
{
    const char *other = l->cfg.name[1 - slot];
    char answer[ANSWER_MAX];
    int number = run(l, "set-primary", other, NULL, answer);

    if (number == 0)
        number = run(l, "set-state", l->cfg.name[slot], "bad", answer);
    return number == 0 ? run(l, "set-state", other, "good", answer) : number;
}

static const struct otap_loader_ops custom = { custom_read, custom_arm, custom_keep, custom_drop, custom_keep };

ota_err ota_posix_boot_custom_open(struct ota_posix_boot_custom *b, const struct ota_posix_boot_custom_config *cfg, struct ota_fault *fault)
{
    if (!b || !cfg || !cfg->program)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "boot.program", 0);
    *b = (struct ota_posix_boot_custom){ .program = cfg->program };
    b->base.tries_max = 1;
    return otap_loader_open(&b->base, &custom, &cfg->loader, fault);
}
