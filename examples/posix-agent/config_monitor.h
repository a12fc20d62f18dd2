/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about watching what runs. */
#ifndef AGENT_CONFIG_MONITOR_H
#define AGENT_CONFIG_MONITOR_H

#include "ota/monitor.h"
#include "schema.h"

struct agent_monitor {
    const char *answer_name;      /* NULL: nothing is watched */
    uint32_t pace, every_ms, rest_s, health_every_s;   /* 0 = the library's default; pace: never 0 once read */
    uint8_t health_times;
    enum ota_monitor_answer answer;   /* made from answer_name */
};

extern const struct schema agent_monitor_schema;

/** Fill answer and pace. @return false: *fault says which key is wrong */
bool agent_monitor_read(struct agent_monitor *m, struct schema_fault *fault);

#endif
