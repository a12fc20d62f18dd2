/* SPDX-License-Identifier: Apache-2.0 */
/* A program with an agent and a monitor, on the simulated device. */
#ifndef FLOW_MONITOR_PROGRAM_H
#define FLOW_MONITOR_PROGRAM_H

#include "inside.h"
#include "ota/monitor.h"

/* The program around the agent: it lives as long as the agent does. */
static struct {
    struct ota_watch watch;
    struct ota_monitor monitor;
    struct ota *agent; /* that they belong to */
    struct ota_monitor_part part[SIM_COMPONENTS];
    uint8_t buf[2048];
    enum ota_monitor_answer answer;
    struct ota_watch_stop stop;
    uint32_t stops;
    bool off;
    struct ota_health *health;
    struct ota_fault last_cause; /* survives the program, for the test */
    enum ota_monitor_done last_done;
} prog;

/* Slots as the monitor reads them: a byte differs until the slot is written again. The rest of the device sees whole images,
 * for it starts none but those. */
struct changed {
    struct ota_slot port;
    bool on;
    uint32_t at, writes;
};
static struct changed changed[SIM_COMPONENTS][2];

static inline ota_err changed_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct changed *c = (struct changed *)s;
    size_t n = (size_t)(c - &changed[0][0]);
    struct ota_slot *real = dev->component[n / 2].slot[n % 2];
    ota_err err = real->ops->read(real, off, buf, len, code);

    if (err == OTA_OK && c->on && c->writes == dev->slot_writes && c->at >= off && c->at < off + len)
        ((uint8_t *)buf)[c->at - off] ^= 1;
    return err;
}
static const struct ota_slot_ops changed_ops = { .read = changed_read };

static inline ota_err stop_app(struct ota_watch_stop *s, const struct ota_monitor_finding *f)
{
    (void)s;
    assert_int_not_equal(f->kind, OTA_MONITOR_FINE);
    prog.stops++;
    return OTA_OK;
}
static const struct ota_watch_stop_ops stop_ops = { stop_app };

static inline void prog_open(struct sim *d)
{
    for (size_t i = 0; i < d->components; i++)
        for (size_t k = 0; k < 2; k++) {
            changed[i][k].port.ops = &changed_ops;
            prog.part[i].slot[k] = &changed[i][k].port;
        }
    prog.stop.ops = &stop_ops;
    assert_int_equal(ota_watch_init(&prog.watch, d->agent, &prog.stop), OTA_OK);
    const struct ota_monitor_config cfg = { .size = sizeof cfg, .owner = &prog.watch.owner, .crypto = &d->crypto.port,
        .clock = &d->clock.port, .log = &d->log.port, .parts = prog.part, .part_count = d->components, .buf = prog.buf,
        .pace = sizeof prog.buf, .every_ms = 1, .rest_ms = 1, .answer = prog.answer, .health = prog.health,
        .health_every_ms = 1, .health_times = 2 };
    assert_int_equal(ota_monitor_init(&prog.monitor, &cfg, NULL), OTA_OK);
    prog.agent = d->agent;
}

/* Before each step of the agent, one of the monitor. A start of the device makes another program. */
static inline void beside(struct sim *d)
{
    static uint32_t starts;
    struct ota_wait wait = { .ms = 1000 };

    if (prog.off)
        return;
    if (prog.agent != d->agent || starts != d->starts)
        prog_open(d);
    starts = d->starts;
    assert_int_equal(ota_monitor_step(&prog.monitor, &wait), OTA_OK);
    if (prog.monitor.status.last.kind != OTA_MONITOR_FINE) {
        prog.last_cause = prog.monitor.status.last.cause;
        prog.last_done = prog.monitor.status.last.done;
    }
}

static inline int watch_open(void **state)
{
    memset(&prog, 0, sizeof prog);
    memset(changed, 0, sizeof changed);
    (void)flow_open(state);
    dev->on_step = beside;
    return 0;
}

/* Let time pass at rest, so that the monitor gets its steps. */
static inline void pass(uint32_t steps)
{
    struct ota_wait wait;

    for (uint32_t i = 0; i < steps && dev->agent && !dev->off; i++) {
        beside(dev);
        dev->clock.ms += 2;
        if (dev->agent->asked || dev->agent->state != OTA_ST_IDLE) {
            ota_err err = ota_step(dev->agent, &wait);

            assert_int_equal(ota_err_class(err), OTA_CLASS_OUTCOME);
            dev->clock.ms += wait.ms > 1000 ? 1000 : wait.ms;
        }
    }
}

static inline const struct sim_image *two_with(uint32_t security)
{
    const struct sim_image *two = flow_image(.version = "2.0.0", .security = security);

    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE); /* the factory's image is found installed: its length is known then */
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    pass(400);
    assert_true(prog.monitor.status.part[0].known);
    assert_true(prog.monitor.status.part[0].rounds > 0);
    assert_int_equal(prog.monitor.status.part[0].kind, OTA_MONITOR_FINE);
    return two;
}

static inline const struct sim_image *two_installed(void)
{
    return two_with(0);
}

static inline void tamper(uint8_t slot, uint32_t at)
{
    changed[0][slot].on = true;
    changed[0][slot].at = at;
    changed[0][slot].writes = dev->slot_writes;
}

static inline bool last_says(const char *member, const char *value)
{
    return sim_last_report(dev) && sim_report_has(sim_last_report(dev), member, value);
}

static inline void assert_told(const char *event, const char *name, const char *where)
{
    for (size_t i = 0; i < dev->report_count; i++)
        if (sim_report_has(&dev->report[i], "event", event) && sim_report_has(&dev->report[i], "name", name) &&
            strstr(dev->report[i].body, where))
            return;
    fail_msg("no report of %s %s %s among %zu: %s", event, name, where, dev->report_count,
             dev->report_count ? sim_last_report(dev)->body : "");
}

static struct sim settled; /* a device that runs 2.0.0, confirmed, and knows both of its slots */

static inline void from_settled(void)
{
    enum ota_monitor_answer answer = prog.answer;

    memset(&prog, 0, sizeof prog);
    memset(changed, 0, sizeof changed);
    prog.answer = answer;
    sim_copy(dev, &settled);
    assert_true(sim_start(dev));
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
}

static inline struct ota_local local_of(const struct sim_image *image, uint8_t slot)
{
    struct ota_local l = { .image = { .component = 0, .slot = slot, .length = image->len } };

    memcpy(l.image.sha256, image->sha256, OTA_SHA256_LEN);
    (void)snprintf(l.version, sizeof l.version, "%s", image->version);
    return l;
}

#define WATCH_TEST(name) cmocka_unit_test_setup_teardown(name, watch_open, flow_close)

#endif
