/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's member "monitor". */
#include "config_monitor.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define UINT(key, lo, hi, m) { key, SCHEMA_UINT, false, lo, hi, offsetof(struct agent_monitor, m), sizeof(((struct agent_monitor *)0)->m), 0, NULL }
#define PACE 65536u

static const struct schema_field fields[] = {
    { "answer", SCHEMA_TEXT, true, 1, 15, offsetof(struct agent_monitor, answer_name), 0, 0, NULL },
    UINT("pace", 512, 1u << 24, pace),
    UINT("every_ms", 1, 86400000, every_ms),
    UINT("rest_s", 1, 2592000, rest_s),
    UINT("health_every_s", 1, 86400, health_every_s),
    UINT("health_times", 1, 100, health_times),
};
const struct schema agent_monitor_schema = { fields, COUNT(fields) };

bool agent_monitor_read(struct agent_monitor *m, struct schema_fault *fault)
{
    static const char *const names[] = { "report", "revert", "stop" };
    size_t n = 0;

    if (!m->answer_name)
        return true;
    while (n < COUNT(names) && strcmp(m->answer_name, names[n]) != 0)
        n++;
    if (n == COUNT(names))
        return schema_fail(fault, "monitor.answer", "must be one of report, revert, stop");
    m->answer = (enum ota_monitor_answer)n;
    if (m->pace == 0)
        m->pace = PACE;
    if (m->pace & (m->pace - 1u))
        return schema_fail(fault, "monitor.pace", "must be a power of two");
    return true;
}
