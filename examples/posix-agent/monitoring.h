/* SPDX-License-Identifier: Apache-2.0 */
/* What runs is watched beside the agent, if the configuration says so. */
#ifndef AGENT_MONITORING_H
#define AGENT_MONITORING_H

#include "device.h"
#include "ota/monitor.h"
#include "status.h"

struct monitoring {
    bool on, stopped;             /* stopped: what runs must be stopped, which is for whoever started this program */
    struct ota_watch watch;
    struct ota_monitor monitor;
    struct ota_watch_stop stop;
    struct ota_monitor_part part[OTA_COMPONENTS_MAX];
    uint8_t *buf;
    uint8_t (*marks)[OTA_SHA256_LEN];
};

/** Does nothing without "monitor". m is all zero. @return OTA_OK, or an error with *fault; monitoring_close() is harmless in every case */
ota_err monitoring_open(struct monitoring *m, struct device *d, const struct agent_config *c, struct schema_fault *fault);
void monitoring_close(struct monitoring *m);

/** After a step of the agent; wait becomes no longer than until the monitor has something to do. */
void monitoring_step(struct monitoring *m, struct ota_wait *wait);

/** m may be NULL. Texts belong to m. @return false: nothing is watched */
bool monitoring_status(const struct monitoring *m, struct status_watched *out);

#endif
