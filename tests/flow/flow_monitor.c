/* SPDX-License-Identifier: Apache-2.0 */
/* What runs is read again, with the whole agent: what is known of slots, answers, reports, power cuts at every write. */
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

static ota_err changed_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *code)
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

static ota_err stop_app(struct ota_watch_stop *s, const struct ota_monitor_finding *f)
{
    (void)s;
    assert_int_not_equal(f->kind, OTA_MONITOR_FINE);
    prog.stops++;
    return OTA_OK;
}
static const struct ota_watch_stop_ops stop_ops = { stop_app };

static void prog_open(struct sim *d)
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
static void beside(struct sim *d)
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

static int watch_open(void **state)
{
    memset(&prog, 0, sizeof prog);
    memset(changed, 0, sizeof changed);
    (void)flow_open(state);
    dev->on_step = beside;
    return 0;
}

/* Let time pass at rest, so that the monitor gets its steps. */
static void pass(uint32_t steps)
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

static const struct sim_image *two_with(uint32_t security)
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

static const struct sim_image *two_installed(void)
{
    return two_with(0);
}

static void tamper(uint8_t slot, uint32_t at)
{
    changed[0][slot].on = true;
    changed[0][slot].at = at;
    changed[0][slot].writes = dev->slot_writes;
}

static bool last_says(const char *member, const char *value)
{
    return sim_last_report(dev) && sim_report_has(sim_last_report(dev), member, value);
}

static void assert_told(const char *event, const char *name, const char *where)
{
    for (size_t i = 0; i < dev->report_count; i++)
        if (sim_report_has(&dev->report[i], "event", event) && sim_report_has(&dev->report[i], "name", name) &&
            strstr(dev->report[i].body, where))
            return;
    fail_msg("no report of %s %s %s among %zu: %s", event, name, where, dev->report_count,
             dev->report_count ? sim_last_report(dev)->body : "");
}

FLOW(the_factorys_image_is_watched_once_a_release_names_it)
{
    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(400);
    assert_true(prog.monitor.status.part[0].known);
    assert_true(prog.monitor.status.part[0].rounds > 0);
}

FLOW(tampering_is_reported)
{
    (void)state;
    (void)two_installed();
    tamper(1, 100);
    pass(400);
    assert_int_equal(prog.monitor.status.part[0].kind, OTA_MONITOR_TAMPERED);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "running slot 1: told");
    assert_true(last_says("component", "\"os\"") && last_says("type", "\"unplanned\"") && last_says("running", "\"2.0.0\""));
    size_t reports = dev->report_count;
    pass(400);
    prog.agent = NULL;
    sim_kill(dev); /* and once only, also when the program starts again */
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(600);
    assert_int_equal(prog.monitor.status.part[0].kind, OTA_MONITOR_TAMPERED);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(dev->report_count, reports);
}

/* Back to the image before, which was read first; then what was tampered with comes anew, into its own slot. */
FLOW(tampering_is_reverted_and_mended)
{
    const struct sim_image *two;

    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    two = two_installed();
    uint32_t starts = dev->starts;
    tamper(1, 100);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    for (int i = 0; i < 20 && dev->starts < starts + 2; i++) {
        pass(400);
        assert_int_equal(sim_run(dev), SIM_IDLE);
    }
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "running slot 1: reverted");
    assert_true(dev->starts >= starts + 2); /* back, and forth */
    pass(400);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(prog.monitor.status.part[0].kind, OTA_MONITOR_FINE);
    assert_int_equal(dev->agent->j.installed[0].security_floor, 0);
}

FLOW(nothing_reverts_to_a_bad_slot)
{
    const struct sim_image *two;

    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    two = two_installed();
    tamper(1, 100);
    tamper(0, 5);
    uint32_t starts = dev->starts;
    pass(800);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "other slot 0: refused");
    assert_int_equal(dev->starts, starts);
    assert_string_equal(dev->agent->j.installed[0].version, two->version);
}

FLOW(nothing_reverts_below_the_floor)
{
    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    (void)two_with(4);
    tamper(1, 100);
    uint32_t starts = dev->starts;
    pass(800);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_SECURITY\"", "other slot 0: refused");
    assert_int_equal(dev->starts, starts);
}

FLOW(tampering_stops_what_runs)
{
    (void)state;
    prog.answer = OTA_MONITOR_STOP;
    (void)two_installed();
    tamper(1, 100);
    pass(800);
    assert_int_equal(prog.stops, 1);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"REJECT_HASH\"", "running slot 1: stopped");
    prog.agent = NULL;
    sim_kill(dev); /* what was stopped was started again: stopped again, not told again */
    size_t reports = dev->report_count;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(800);
    assert_int_equal(prog.stops, 2);
    assert_true(dev->report_count >= reports);
}

/* ---- health ---- */

static ota_err sick_check(struct ota_health *h, int32_t *code)
{
    (void)h;
    *code = 17;
    return sim_running(dev, 0) != factory[0] ? OTA_REJECT_HEALTH : OTA_OK;
}
static const struct ota_health_ops sick_ops = { sick_check };
static struct ota_health sick_health = { &sick_ops };

/* The trial was healthy, but not what came later: back, and that deployment does not come again. */
FLOW(sickness_behind_the_trial_goes_back_for_good)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    prog.answer = OTA_MONITOR_REVERT;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(two, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    prog.health = &sick_health;
    prog_open(dev);
    for (int i = 0; i < 10; i++) {
        pass(300);
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
    }
    assert_runs(0, factory[0]);
    assert_told("\"sick\"", "\"REJECT_HEALTH\"", "health: reverted");
    assert_true(sim_status(dev).holds & OTA_HOLD_BLOCKED);
}

/* ---- power ---- */

static struct sim settled; /* a device that runs 2.0.0, confirmed, and knows both of its slots */

static void from_settled(void)
{
    enum ota_monitor_answer answer = prog.answer;

    memset(&prog, 0, sizeof prog);
    memset(changed, 0, sizeof changed);
    prog.answer = answer;
    sim_copy(dev, &settled);
    assert_true(sim_start(dev));
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
}

/* The power goes at every durable step from the tampering on: whatever it comes to, the device runs a whole image, and the
 * finding is told. */
FLOW(a_power_cut_anywhere_loses_no_finding)
{
    uint32_t cuts = 0;
    const struct sim_image *two = two_installed();

    (void)state;
    sim_copy(&settled, dev);
    for (int answer = OTA_MONITOR_REPORT; answer <= OTA_MONITOR_STOP; answer++)
        for (uint32_t at = 1;; at++) {
            prog.answer = (enum ota_monitor_answer)answer;
            from_settled();
            tamper(1, 100);
            dev->cut_at = dev->ops + at;
            for (int i = 0; i < 12; i++) {
                pass(300);
                if (sim_run(dev) == SIM_POWER_LOST) {
                    cuts++;
                    dev->cut_at = 0;
                    sim_power_cycle(dev);
                }
            }
            uint32_t unused = dev->cut_at;
            dev->cut_at = 0;
            for (int i = 0; i < 6; i++) {
                pass(300);
                assert_int_equal(sim_run(dev), SIM_IDLE);
            }
            if (dev->broken)
                fail_msg("answer %d, cut %u: %s", answer, at, dev->broken);
            assert_told("\"tampered\"", "\"REJECT_HASH\"", "slot");
            if (answer == OTA_MONITOR_REVERT)
                assert_runs(0, two);
            if (unused)
                break;
        }
    assert_true(cuts > 20);
}

/* ---- an application's own word ---- */

static struct ota_local local_of(const struct sim_image *image, uint8_t slot)
{
    struct ota_local l = { .image = { .component = 0, .slot = slot, .length = image->len } };

    memcpy(l.image.sha256, image->sha256, OTA_SHA256_LEN);
    (void)snprintf(l.version, sizeof l.version, "%s", image->version);
    return l;
}

FLOW(what_cannot_be_tried_is_named)
{
    struct ota_fault fault;
    struct ota_local set[2];

    (void)state;
    (void)two_installed();
    set[0] = set[1] = local_of(factory[0], 0);
    assert_err(ota_try_local(NULL, set, 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, NULL, 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, set, 0, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, set, OTA_COMPONENTS_MAX + 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_err(ota_try_local(dev->agent, set, 2, false, &fault), OTA_USAGE_ARGUMENT); /* one component twice */
    set[0].image.slot = 1; /* runs */
    assert_err(ota_try_local(dev->agent, set, 1, false, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "local.image");
    set[0] = set[1];
    set[0].image.component = 1;
    assert_err(ota_try_local(dev->agent, set, 1, false, &fault), OTA_USAGE_ARGUMENT);
    set[0] = set[1];
    set[0].image.length = 0;
    assert_err(ota_try_local(dev->agent, set, 1, false, NULL), OTA_USAGE_ARGUMENT);
    dev->agent->state = OTA_ST_POLL;
    assert_err(ota_try_local(dev->agent, &set[1], 1, false, &fault), OTA_USAGE_STATE);
    dev->agent->state = OTA_ST_IDLE;
    dev->agent->restart_asked = true;
    assert_err(ota_try_local(dev->agent, &set[1], 1, false, &fault), OTA_USAGE_STATE);
    dev->agent->restart_asked = false;
    assert_int_equal(sim_status(dev).last_fault.err, OTA_OK);
    assert_int_equal(ota_watch_init(NULL, dev->agent, NULL), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_watch_init(&prog.watch, NULL, NULL), OTA_USAGE_ARGUMENT);
}

/* Every storage call on the way fails once: the error is the device's, and the agent goes on with what runs. */
FLOW(a_device_that_fails_tries_nothing)
{
    uint32_t cases = 0;
    const struct sim_image *two = two_installed();

    (void)state;
    sim_copy(&settled, dev);
    for (uint32_t at = 1;; at++) {
        from_settled();
        struct ota_local back = local_of(factory[0], 0);
        struct ota_fault fault;

        prog.off = true;
        dev->fail_at = dev->calls + at;
        ota_err err = ota_try_local(dev->agent, &back, 1, false, &fault);
        bool failed = dev->calls >= dev->fail_at;
        dev->fail_at = 0;
        if (!failed) {
            assert_err(err, OTA_OK);
            assert_int_equal(sim_check_in(dev), SIM_IDLE);
            break;
        }
        assert_int_equal(ota_err_class(err), OTA_CLASS_DEVICE);
        assert_int_equal(fault.err, err);
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
        assert_runs(0, two);
        cases++;
    }
    assert_in_range(cases, 3, 10);
}

#define WATCH_TEST(name) cmocka_unit_test_setup_teardown(name, watch_open, flow_close)
FLOW_MAIN(WATCH_TEST(the_factorys_image_is_watched_once_a_release_names_it), WATCH_TEST(tampering_is_reported),
          WATCH_TEST(tampering_is_reverted_and_mended), WATCH_TEST(nothing_reverts_to_a_bad_slot),
          WATCH_TEST(nothing_reverts_below_the_floor), WATCH_TEST(tampering_stops_what_runs),
          WATCH_TEST(sickness_behind_the_trial_goes_back_for_good), WATCH_TEST(a_power_cut_anywhere_loses_no_finding),
          WATCH_TEST(what_cannot_be_tried_is_named), WATCH_TEST(a_device_that_fails_tries_nothing))
