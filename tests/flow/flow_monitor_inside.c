/* SPDX-License-Identifier: Apache-2.0 */
/* The agent as a monitor's owner, asked directly in states that pass by quickly. */
#include "monitor_program.h"

static struct ota_monitor_owner *own(void)
{
    return &prog.watch.owner;
}

static unsigned look(void)
{
    return own()->ops->look(own());
}

static ota_err image(bool other)
{
    struct ota_monitor_image out;

    return own()->ops->image(own(), 0, other, &out);
}

FLOW(who_is_busy_says_with_what)
{
    struct ota *a;

    (void)state;
    (void)two_installed();
    a = dev->agent;
    assert_int_equal(look(), 0);
    a->restart_asked = true;
    assert_int_equal(look(), OTA_MONITOR_BUSY_SLOTS | OTA_MONITOR_BUSY_HEALTH);
    a->restart_asked = false;
    a->view.pending = true;
    assert_int_equal(look(), OTA_MONITOR_BUSY_SLOTS | OTA_MONITOR_BUSY_HEALTH);
    assert_err(image(false), OTA_DEVICE_ABSENT);
    a->view.pending = false;
    a->view.trial = true;
    assert_int_equal(look(), OTA_MONITOR_BUSY_SLOTS | OTA_MONITOR_BUSY_HEALTH);
    a->view.trial = false;
    for (int s = OTA_ST_START; s < OTA_ST_COUNT; s++) {
        bool rests = s == OTA_ST_IDLE || s == OTA_ST_READY || s == OTA_ST_FAULT;
        bool tries = s == OTA_ST_START || (s >= OTA_ST_ARM && s <= OTA_ST_REVERT);

        a->state = (enum ota_state)s;
        assert_int_equal(look(), rests ? 0 : tries ? OTA_MONITOR_BUSY_SLOTS | OTA_MONITOR_BUSY_HEALTH : OTA_MONITOR_BUSY_SLOTS);
    }
    a->state = OTA_ST_IDLE;
}

FLOW(what_is_not_known_is_absent)
{
    struct ota *a;

    (void)state;
    (void)two_installed();
    a = dev->agent;
    assert_err(image(false), OTA_OK);
    assert_err(image(true), OTA_OK);
    a->j.installed[0].known = false;
    assert_err(image(false), OTA_DEVICE_ABSENT);
    a->j.installed[0].known = true;
    a->j.installed[0].sha256[0] ^= 1;
    assert_err(image(false), OTA_DEVICE_ABSENT);
    a->j.installed[0].sha256[0] ^= 1;
    prog.watch.part[0].slot[0].known = false;
    assert_err(image(true), OTA_DEVICE_ABSENT);
    uint8_t runs = a->view.running[0];
    a->view.running[0] = OTA_SLOT_NONE;
    assert_err(image(false), OTA_DEVICE_ABSENT);
    a->view.running[0] = runs;
    prog.watch.loaded = false;
    assert_err(image(false), OTA_DEVICE_ABSENT);
}

/* The record cannot be read, or not be written: again after a while, not at once. */
FLOW(a_store_that_fails_is_left_in_peace)
{
    (void)state;
    (void)two_installed();
    prog_open(dev);
    dev->fail_at = dev->calls + 1;
    (void)look();
    assert_false(prog.watch.loaded);
    uint32_t calls = dev->calls;
    (void)look();
    assert_int_equal(dev->calls, calls);
    dev->fail_at = 0;
    dev->clock.ms += 60000;
    (void)look();
    assert_true(prog.watch.loaded);
    prog.watch.dirty = true;
    dev->fail_at = dev->calls + 1;
    (void)look();
    assert_true(prog.watch.dirty);
    calls = dev->calls;
    (void)look();
    assert_int_equal(dev->calls, calls);
    dev->clock.ms += 60000;
    (void)look();
    assert_false(prog.watch.dirty);
}

/* What came later goes back alone. */
FLOW(the_newest_is_what_came_last)
{
    struct ota_monitor_image out;
    const struct sim_image *app = flow_app("2.0.0", SIM_HEALTHY);

    (void)state;
    sim_open(dev, &cloud, factory, 2);
    dev->on_step = beside;
    flow_deploy(factory[0], factory[1]);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    flow_deploy(factory[0], app);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(3);
    assert_err(own()->ops->image(own(), 0, false, &out), OTA_OK);
    assert_false(out.newest);
    assert_err(own()->ops->image(own(), 1, false, &out), OTA_OK);
    assert_true(out.newest);
    prog.watch.part[1].slot[1].known = false;
    assert_err(own()->ops->image(own(), 0, false, &out), OTA_OK);
    assert_true(out.newest);
    dev->agent->view.running[1] = OTA_SLOT_NONE;
    assert_err(own()->ops->image(own(), 0, false, &out), OTA_OK);
    assert_true(out.newest);
}

static struct ota_monitor_finding finding(void)
{
    struct ota_monitor_finding f = { .kind = OTA_MONITOR_TAMPERED, .done = OTA_MONITOR_TOLD, .slot = 1, .cause = { .err = OTA_REJECT_HASH } };

    (void)strcpy(f.cause.where, "running slot 1");
    return f;
}

FLOW(a_finding_is_told_once)
{
    struct ota_monitor_finding f = finding();
    static struct otai_sending sending;

    (void)state;
    (void)two_installed();
    dev->clock.utc_s = INT64_MIN; /* the clock is not known */
    assert_err(own()->ops->found(own(), &f), OTA_OK);
    f.done = OTA_MONITOR_PENDING;
    assert_err(own()->ops->found(own(), &f), OTA_OK);
    assert_int_equal(f.done, OTA_MONITOR_TOLD);
    f.done = OTA_MONITOR_PENDING;
    f.sha256[0] ^= 1; /* another image: not told yet */
    assert_err(own()->ops->found(own(), &f), OTA_OK);
    assert_int_equal(f.done, OTA_MONITOR_PENDING);
    f.kind = OTA_MONITOR_SICK;
    assert_err(own()->ops->found(own(), &f), OTA_OK);
    assert_int_equal(f.done, OTA_MONITOR_PENDING);
    /* It waits for its answer; a note of an earlier start does not any more. */
    memset(&sending, 0, sizeof sending);
    assert_err(otai_collect_found(dev->agent, &sending), OTA_OK);
    assert_int_equal(sending.ring.count, 0);
    dev->agent->j.starts++;
    /* The ring is full, or no number can be given out: the note stays. */
    sending.ring.count = OTAI_REPORTS_MAX;
    assert_err(otai_collect_found(dev->agent, &sending), OTA_OK);
    memset(&sending, 0, sizeof sending);
    dev->fail_at = dev->calls + 2;
    assert_int_equal(ota_err_class(otai_collect_found(dev->agent, &sending)), OTA_CLASS_DEVICE);
    dev->fail_at = 0;
    memset(&sending, 0, sizeof sending);
    assert_err(otai_collect_found(dev->agent, &sending), OTA_OK);
    assert_int_equal(sending.ring.count, 1);
    /* Power failed between the ring and the removal: it is in the ring already. */
    dev->agent->j.starts--;
    f = finding();
    f.sha256[0] ^= 1;
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            (void)strcpy(f.cause.where, "running slot 1 at 5");
        f.done = OTA_MONITOR_TOLD;
        assert_err(own()->ops->found(own(), &f), OTA_OK);
        assert_err(otai_collect_found(dev->agent, &sending), OTA_OK);
        assert_int_equal(sending.ring.count, i == 2 ? 3 : 2);
    }
}

FLOW(what_is_brought_is_judged)
{
    struct ota_local back;
    struct ota_fault fault;
    struct ota *a;

    (void)state;
    (void)two_installed();
    a = dev->agent;
    back = local_of(factory[0], 0);
    a->j.installed[0].security_floor = 5;
    assert_err(ota_try_local(a, &back, 1, true, &fault), OTA_REJECT_SECURITY);
    assert_string_equal(fault.where, "local.security");
    a->j.installed[0].security_floor = 0;
    struct ota_boot_record was = dev->boot.record;
    dev->boot.record.trial[0] = 0;
    dev->boot.record.tries = 1;
    dev->boot.record.state = OTA_BOOT_TRIAL_ARMED;
    assert_err(ota_try_local(a, &back, 1, true, &fault), OTA_USAGE_STATE);
    dev->boot.record.state = OTA_BOOT_TRIAL_STARTED;
    assert_err(ota_try_local(a, &back, 1, true, &fault), OTA_USAGE_STATE);
    dev->boot.record = was;
    memset(a->j.confirmed, 0, sizeof a->j.confirmed); /* nothing that could be blocked */
    prog.off = true;
    assert_err(ota_try_local(a, &back, 1, true, &fault), OTA_OK);
    assert_true(otai_is_zero(a->j.blocked, sizeof a->j.blocked));
}

FLOW_MAIN(WATCH_TEST(who_is_busy_says_with_what), WATCH_TEST(what_is_not_known_is_absent), WATCH_TEST(a_store_that_fails_is_left_in_peace),
          WATCH_TEST(the_newest_is_what_came_last), WATCH_TEST(a_finding_is_told_once), WATCH_TEST(what_is_brought_is_judged))
