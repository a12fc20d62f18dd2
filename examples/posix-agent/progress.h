/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on standard error: one line redrawn on a terminal, a line per tenth elsewhere. */
#ifndef AGENT_PROGRESS_H
#define AGENT_PROGRESS_H

#include "config.h"
#include "ota/ota.h"

struct progress {
    bool on, tty;
    bool open;             /* a line on the terminal is unfinished */
    int shown;             /* percent last drawn; -1 = none */
    size_t component;      /* it was drawn for */
    uint64_t from;         /* bytes that were there when the transfer began */
    uint64_t began_ms;
};

void progress_init(struct progress *p, bool wanted);

/** Draw what changed. now_ms is monotonic. */
void progress_show(struct progress *p, const struct ota_status *s, const struct agent_config *c, uint64_t now_ms);

#endif
