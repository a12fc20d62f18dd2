/* SPDX-License-Identifier: Apache-2.0 */
/* What the running agent answers to commands and applications, and whose turn it is. */
#ifndef AGENT_REQUESTS_H
#define AGENT_REQUESTS_H

#include "arbiter.h"
#include "control.h"
#include "monitoring.h"
#include "status.h"

struct requests {
    struct ota *agent;
    const struct agent_config *config;
    struct control *control;
    const struct status_held *held;          /* for the status; NULL = not at all */
    const struct monitoring *monitoring;     /* likewise */
    struct ota_posix_turn_lock lock;
    struct arbiter arbiter;
    uint64_t (*now_ms)(void *clock);
    void *clock;
    uint64_t busy_ms;                        /* the lock is somebody else's since; 0 = it is not */
    bool without;                            /* it goes on without the lock: told once */
    bool watching[CONTROL_CLIENTS], has_turn[CONTROL_CLIENTS];   /* as they were told */
    int deferred_by;                         /* client whose deferral is the longest, or -1 */
    uint64_t deferred_ms;                    /* until then */
    char news[OTA_POSIX_LINE_MAX - 96];      /* as watchers were told */
};

/** @return false with *fault: the lock cannot be opened */
bool requests_open(struct requests *r, struct control *control, const struct agent_config *c, struct schema_fault *fault);
void requests_close(struct requests *r);

/** As struct control_calls wants them. */
void requests_answer(void *self, int client, const struct ota_posix_line *l, FILE *to);
void requests_left(void *self, int client);

/** Tell those who wait and watch what has changed. */
void requests_look(struct requests *r);

/** May the agent do its next step? rests: its last one left it waiting. */
bool requests_may_step(struct requests *r, enum ota_state state, bool rests);

#endif
