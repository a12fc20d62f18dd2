/* SPDX-License-Identifier: Apache-2.0 */
/* How commands and applications speak to the agent that runs: a local socket, <runtime_dir>/agent.sock, one JSON object per
 * line (SPEC.md, section 15). Nothing is written to disk. A client that hangs, floods or sends nonsense costs itself its
 * connection and nobody else anything. */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "config.h"
#include "ota/posix_peer.h"
#include "schema.h"

#define CONTROL_CLIENTS 16
#define CONTROL_PER_USER 6        /* connections of a user that is not the agent's own */
#define CONTROL_RESERVED 4        /* connections that only the agent's own user gets */
#define CONTROL_LINES_MAX 100     /* of one client in a second; more end its connection */
#define CONTROL_HALF_MS 2000      /* for the rest of a line that has begun */
#define CONTROL_IDLE_MS 60000     /* of a client that neither waits nor watches */
#define CONTROL_ANSWER_MAX 16384

struct control_client {
    int fd;                       /* -1 = free */
    uid_t uid;
    bool own;                     /* root, or the agent's own user: may confirm and reject */
    bool stays;                   /* it waits for news or for its turn */
    uint64_t heard_ms, half_ms;   /* last line; first byte of a line that is not whole; 0 = none */
    uint64_t second_ms;           /* when the second began in which lines are counted */
    unsigned lines;
    size_t fill;
    char in[OTA_POSIX_LINE_MAX + 1];
};

struct control {
    int fd;
    char path[108];
    const struct agent_config *config;   /* who may ask */
    struct control_client client[CONTROL_CLIENTS];
};

/** What the agent makes of requests. `to` becomes the answer. */
struct control_calls {
    void (*request)(void *self, int client, const struct ota_posix_line *l, FILE *to);
    void (*left)(void *self, int client);
    void *self;
};

/** Listen. Call only while holding the state directory: a socket left by an agent that died is replaced. @return false with *fault */
bool control_open(struct control *c, const struct agent_config *config, struct schema_fault *fault);
void control_close(struct control *c);

/** Wait up to ms for requests, under this signal mask (NULL = as it is), and answer what came. Returns early after some, or on a signal. */
void control_serve(struct control *c, int ms, const sigset_t *mask, const struct control_calls *calls);

/** Send a line to a client, without waiting: one that does not read loses its connection at the next look. */
void control_tell(struct control *c, int client, const char *line);

/**
 * Ask the agent that runs.
 * @param request  one line, with its newline
 * @param answer   gets the text for a person
 * @return its exit status; -1 when no agent listens or lets itself be asked: errno says why
 */
int control_ask(const char *runtime_dir, const char *request, char answer[CONTROL_ANSWER_MAX]);

#endif
