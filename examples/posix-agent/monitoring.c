/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring.h"

#include <stdlib.h>

#include "device_boot.h"

#define MARKS 2048u /* 64 KiB of digests: a slot of 128 MiB has blocks of 64 KiB */

static ota_err stop(struct ota_watch_stop *s, const struct ota_monitor_finding *f)
{
    struct monitoring *m = (struct monitoring *)((char *)s - offsetof(struct monitoring, stop));

    (void)f;
    m->stopped = true;
    return OTA_OK;
}
static const struct ota_watch_stop_ops stop_ops = { stop };

ota_err monitoring_open(struct monitoring *m, struct device *d, const struct agent_config *c, struct schema_fault *fault)
{
    const struct agent_monitor *a = &c->monitor;
    struct ota_fault why = { .err = OTA_OK };

    if (!a->answer_name)
        return OTA_OK;
    m->buf = malloc(a->pace);
    m->marks = calloc(MARKS, sizeof *m->marks);
    if (!m->buf || !m->marks)
        return device_fail(fault, "monitor.pace", "no memory for it", OTA_USAGE_MEMORY, NULL);
    for (size_t i = 0; i < c->component_count; i++)
        m->part[i] = (struct ota_monitor_part){ { d->component[i].slot[0], d->component[i].slot[1] } };
    m->stop.ops = &stop_ops;
    ota_err err = ota_watch_init(&m->watch, d->agent, &m->stop);
    const struct ota_monitor_config cfg = { .size = sizeof cfg, .owner = &m->watch.owner, .crypto = d->cfg.crypto,
        .clock = d->cfg.clock, .health = d->cfg.health, .log = d->cfg.log, .parts = m->part, .part_count = c->component_count,
        .buf = m->buf, .pace = a->pace, .every_ms = a->every_ms, .rest_ms = a->rest_s * 1000u, .marks = m->marks,
        .mark_count = MARKS, .health_every_ms = a->health_every_s * 1000u, .health_times = a->health_times, .answer = a->answer };
    if (err == OTA_OK)
        err = ota_monitor_init(&m->monitor, &cfg, &why);
    m->on = err == OTA_OK;
    return m->on ? OTA_OK : device_fail(fault, why.where, NULL, err, &why);
}

void monitoring_step(struct monitoring *m, struct ota_wait *wait)
{
    if (m->on)
        m->on = ota_monitor_step(&m->monitor, wait) == OTA_OK;
}

void monitoring_close(struct monitoring *m)
{
    if (m->on)
        ota_monitor_close(&m->monitor);
    m->on = false;
    free(m->buf);
    free(m->marks);
    m->buf = NULL;
    m->marks = NULL;
}

bool monitoring_status(const struct monitoring *m, struct status_watched *out)
{
    struct ota_monitor_status s;

    if (!m || !m->on)
        return false;
    ota_monitor_status(&m->monitor, &s);
    *out = (struct status_watched){ .paused = s.paused, .health = ota_monitor_kind_name(s.health),
        .last = ota_monitor_kind_name(s.last.kind), .done = ota_monitor_done_name(s.last.done), .where = m->monitor.status.last.cause.where };
    for (size_t i = 0; i < m->monitor.cfg.part_count; i++) {
        out->part[i].known = s.part[i].known;
        out->part[i].kind = ota_monitor_kind_name(s.part[i].kind);
        out->part[i].rounds = s.part[i].rounds;
        out->part[i].off = s.part[i].off;
        out->part[i].length = s.part[i].length;
    }
    return true;
}
