/* SPDX-License-Identifier: Apache-2.0 */
/* How a command speaks to the agent that runs: a local socket, <runtime_dir>/agent.sock, mode 0600. One request and one
 * answer per connection, a packet each. Nothing is written to disk. */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "schema.h"

#define CONTROL_REQUEST_MAX 64
#define CONTROL_ANSWER_MAX 16384

struct control {
    int fd;
    char path[108];
};

/** Listen. Call only while holding the state directory: a socket left by an agent that died is replaced. @return false with *fault */
bool control_open(struct control *c, const char *runtime_dir, struct schema_fault *fault);
void control_close(struct control *c);

/** Answers a request by printing to `to`. @return exit status for the one who asked */
typedef int control_answer(void *self, const char *request, FILE *to);

/** Wait up to ms for requests, under this signal mask (NULL = as it is), and answer what came. Returns early after one, or on a signal. */
void control_serve(struct control *c, int ms, const sigset_t *mask, control_answer *answer, void *self);

/**
 * Ask the agent that runs.
 * @param answer  gets its text
 * @return its exit status; -1 when no agent listens or lets itself be asked: errno says why
 */
int control_ask(const char *runtime_dir, const char *request, char answer[CONTROL_ANSWER_MAX]);

#endif
