/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor does about what it finds. */
#include "monitor_device.h"

/* ---- answers ---- */

static void tamper(void)
{
    run_until(1);
    slots[0][0].mem[4000] ^= 1;
}

static void it_is_kept_before_it_is_answered(void **state)
{
    (void)state;
    cfg.answer = OTA_MONITOR_STOP;
    begin();
    tamper();
    for (int i = 0; i < 10000 && owner.pending == 0; i++)
        run(1);
    assert_int_equal(owner.pending, 1);
    assert_int_equal(owner.stops, 0);
    assert_int_equal(owner.first.done, OTA_MONITOR_PENDING);
    settle();
    assert_int_equal(owner.stops, 1);
    assert_int_equal(owner.last.done, OTA_MONITOR_STOPPED);
    assert_int_equal(ota_ram_log_seen(&events, OTA_EV_MONITOR_DONE), 1);
    assert_int_equal(status().last.done, OTA_MONITOR_STOPPED);
    run(300);
    assert_int_equal(owner.stops, 1);
}

static void a_store_that_fails_stops_no_answer(void **state)
{
    (void)state;
    cfg.answer = OTA_MONITOR_STOP;
    begin();
    tamper();
    owner.found_fails = 4;
    settle();
    assert_int_equal(owner.stops, 1);
    assert_int_equal(owner.last.done, OTA_MONITOR_STOPPED);
}

/* Stopping touches no slot: an owner who is busy with them is no reason to wait. */
static void a_busy_owner_stops_all_the_same(void **state)
{
    (void)state;
    cfg.answer = OTA_MONITOR_STOP;
    begin();
    tamper();
    for (int i = 0; i < 10000 && mon.phase != OTAI_MON_KEEP; i++)
        run(1);
    owner.busy = OTA_MONITOR_BUSY_SLOTS;
    run(5);
    assert_int_equal(owner.stops, 1);
    assert_int_equal(owner.last.done, OTA_MONITOR_STOPPED);
}

/* Nobody knows any more what runs: then nobody knows the way back. */
static void what_is_forgotten_meanwhile_stays(void **state)
{
    (void)state;
    cfg.answer = OTA_MONITOR_REVERT;
    begin();
    tamper();
    for (int i = 0; i < 10000 && mon.phase != OTAI_MON_ACT; i++)
        run(1);
    owner.known[0][0] = owner.known[1][0] = false;
    settle();
    assert_int_equal(owner.last.done, OTA_MONITOR_REFUSED);
    assert_int_equal(owner.last.cause.err, OTA_REJECT_MISSING);
}

static void who_cannot_stop_says_so(void **state)
{
    (void)state;
    cfg.answer = OTA_MONITOR_STOP;
    owner.stop_says = OTA_USAGE_CONFIG;
    begin();
    tamper();
    settle();
    assert_int_equal(owner.last.done, OTA_MONITOR_FAILED);
    assert_int_equal(owner.last.cause.err, OTA_USAGE_CONFIG);
    assert_string_equal(owner.last.cause.where, "stop");
}

static void reverted(void)
{
    cfg.answer = OTA_MONITOR_REVERT;
    begin();
    tamper();
    settle();
}

static void refused(ota_err err, const char *where)
{
    reverted();
    assert_int_equal(owner.last.done, OTA_MONITOR_REFUSED);
    assert_int_equal(owner.last.kind, OTA_MONITOR_TAMPERED);
    assert_string_equal(ota_err_name(owner.last.cause.err), ota_err_name(err));
    assert_string_equal(owner.last.cause.where, where);
}

/* Both came with one update: both go back, and both were read first. */
static void what_came_together_goes_back_together(void **state)
{
    (void)state;
    reverted();
    assert_int_equal(owner.last.done, OTA_MONITOR_REVERTED);
    assert_int_equal(owner.reverts, 1);
    assert_int_equal(owner.count, 2);
    assert_int_equal(slots[0][1].bytes, LENGTH);
    assert_int_equal(slots[1][1].bytes, 1024);
}

static void what_came_earlier_goes_back_alone(void **state)
{
    (void)state;
    owner.image[0][0].newest = false;
    reverted();
    assert_int_equal(owner.count, 1);
    assert_int_equal(owner.component[0], 0);
    assert_int_equal(slots[1][1].bytes, 0);
    tear_down(state);
    set_up(state);
    owner.image[1][0].newest = false; /* the other one did */
    reverted();
    assert_int_equal(owner.count, 1);
    assert_int_equal(owner.component[0], 0);
}

static void a_bad_other_slot_is_no_way_back(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < LENGTH; at += 1000) {
        tear_down(state);
        set_up(state);
        slots[0][1].mem[at] ^= 4;
        refused(OTA_REJECT_HASH, "other slot 1");
        assert_int_equal(owner.reverts, 0);
    }
}

static void every_other_way_back_that_is_none(void **state)
{
    (void)state;
    owner.image[0][1].security = 1; /* below the floor that the running image names */
    refused(OTA_REJECT_SECURITY, "other slot 1");
    tear_down(state), set_up(state);
    owner.image[0][1].floor = 4; /* below its own */
    refused(OTA_REJECT_SECURITY, "other slot 1");
    tear_down(state), set_up(state);
    owner.known[0][1] = false;
    refused(OTA_REJECT_MISSING, "other slot 1");
    tear_down(state), set_up(state);
    owner.known[1][1] = false; /* of what came with it */
    refused(OTA_REJECT_MISSING, "other slot 1");
    tear_down(state), set_up(state);
    owner.image[0][1].length = 0;
    refused(OTA_REJECT_MISSING, "other slot 1");
    tear_down(state), set_up(state);
    owner.image[0][1].slot = 0;
    refused(OTA_REJECT_MISSING, "other slot 1");
    tear_down(state), set_up(state);
    slots[0][1].fails = OTA_DEVICE_LOCKED;
    refused(OTA_DEVICE_LOCKED, "other slot 1");
    tear_down(state), set_up(state);
    slots[0][1].fails = OTA_REJECT_HASH; /* a port that answers nonsense */
    refused(OTA_DEVICE_SLOT, "other slot 1");
    tear_down(state), set_up(state);
    owner.revert_says = OTA_DEVICE_BOOT;
    refused(OTA_DEVICE_BOOT, "here");
    assert_int_equal(owner.last.cause.port_code, 7);
}

static void a_crypto_service_that_fails_on_the_way_back_refuses(void **state)
{
    uint32_t cases = 0;

    for (uint32_t at = 1;; at++) {
        tear_down(state);
        set_up(state);
        cfg.answer = OTA_MONITOR_REVERT;
        begin();
        tamper();
        for (int i = 0; i < 10000 && mon.phase != OTAI_MON_BACK; i++)
            run(1);
        crypto.fail_at = crypto.calls + at;
        settle();
        if (owner.last.done == OTA_MONITOR_REVERTED)
            break;
        assert_int_equal(owner.last.done, OTA_MONITOR_REFUSED);
        assert_int_equal(owner.last.cause.err, OTA_DEVICE_CRYPTO);
        cases++;
    }
    assert_int_equal(cases, 2 * 2 + 16 + 2); /* begin and end of two, and every slice */
}

/* An owner that cannot now is asked again, and whoever was busy may have written: all of it is read again. */
static void the_way_back_waits_for_the_owner(void **state)
{
    (void)state;
    owner.not_now = 2;
    reverted();
    assert_int_equal(owner.last.done, OTA_MONITOR_REVERTED);
    assert_int_equal(slots[0][1].bytes, 3 * LENGTH);
    tear_down(state), set_up(state);
    cfg.answer = OTA_MONITOR_REVERT;
    begin();
    tamper();
    for (int i = 0; i < 10000 && slots[0][1].reads < 5; i++)
        run(1);
    owner.busy = OTA_MONITOR_BUSY_SLOTS;
    run(3);
    slots[0][1].mem[0] ^= 1; /* behind what was read */
    owner.busy = 0;
    settle();
    assert_int_equal(owner.last.done, OTA_MONITOR_REFUSED);
}

static void what_was_answered_before_a_restart_is_not_again(void **state)
{
    static const struct {
        enum ota_monitor_answer answer;
        enum ota_monitor_done before;
        bool again;
    } rows[] = {
        { OTA_MONITOR_REPORT, OTA_MONITOR_TOLD, false },     { OTA_MONITOR_REPORT, OTA_MONITOR_REVERTED, false },
        { OTA_MONITOR_REVERT, OTA_MONITOR_REVERTED, false }, { OTA_MONITOR_REVERT, OTA_MONITOR_REFUSED, false },
        { OTA_MONITOR_REVERT, OTA_MONITOR_TOLD, true },      { OTA_MONITOR_STOP, OTA_MONITOR_STOPPED, true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tear_down(state);
        set_up(state);
        cfg.answer = rows[i].answer;
        owner.before = rows[i].before;
        begin();
        tamper();
        run(300);
        assert_int_equal(owner.pending, 1);
        assert_int_equal(owner.told, rows[i].again);
        assert_int_equal(owner.stops, rows[i].answer == OTA_MONITOR_STOP);
    }
}

/* ---- health ---- */

static void answers(const ota_err *list, size_t count)
{
    ota_ram_health_init(&health, list, count);
    health.port_code = 9;
    cfg.health = &health.port;
    cfg.answer = OTA_MONITOR_REVERT;
}

static void one_sick_look_is_none(void **state)
{
    static const ota_err list[] = { OTA_REJECT_HEALTH, OTA_REJECT_HEALTH, OTA_OK, OTA_REJECT_HEALTH, OTA_REJECT_HEALTH, OTA_OK };

    (void)state;
    answers(list, 6);
    begin();
    run(200);
    assert_true(health.at >= 5);
    assert_int_equal(owner.pending, 0);
    assert_int_equal(status().health, OTA_MONITOR_FINE);
}

static void persistent_sickness_goes_back(void **state)
{
    static const ota_err list[] = { OTA_OK, OTA_AGAIN, OTA_AGAIN, OTA_REJECT_HEALTH };

    (void)state;
    answers(list, 4);
    begin();
    settle();
    assert_int_equal(owner.last.kind, OTA_MONITOR_SICK);
    assert_int_equal(owner.last.component, OTA_COMPONENT_NONE);
    assert_int_equal(owner.last.done, OTA_MONITOR_REVERTED);
    assert_string_equal(ota_err_name(owner.last.cause.err), "REJECT_HEALTH");
    assert_int_equal(owner.last.cause.port_code, 9);
    assert_int_equal(owner.count, 2);
    assert_int_equal(status().health, OTA_MONITOR_SICK);
    run(600); /* once; the rounds go on, also far beyond 255 verdicts */
    for (int i = 0; i < 3000; i++)
        run(1);
    assert_int_equal(owner.told, 1);
    assert_true(status().part[0].rounds > 0);
}

static void sickness_without_a_way_back_is_refused(void **state)
{
    static const ota_err list[] = { OTA_REJECT_HEALTH };

    (void)state;
    answers(list, 1);
    owner.image[0][0].newest = owner.image[1][0].newest = false;
    begin();
    settle();
    assert_int_equal(owner.last.done, OTA_MONITOR_REFUSED);
    assert_int_equal(owner.last.cause.err, OTA_REJECT_MISSING);
    tear_down(state), set_up(state);
    answers(list, 1);
    owner.runs[0] = owner.runs[1] = OTA_SLOT_NONE; /* not even what runs is known */
    begin();
    settle();
    assert_int_equal(owner.last.done, OTA_MONITOR_REFUSED);
}

static void silence_is_sick(void **state)
{
    static const ota_err list[] = { OTA_DEVICE_HEALTH };

    (void)state;
    answers(list, 1);
    begin();
    settle();
    assert_string_equal(ota_err_name(owner.last.cause.err), "REJECT_SILENT");
    assert_true(clock_.now_ms >= 3 * 2000);
}

/* A trial judges for itself: what was seen before says nothing any more. */
static void a_trial_begins_anew(void **state)
{
    static const ota_err list[] = { OTA_REJECT_HEALTH };

    (void)state;
    answers(list, 1);
    cfg.every_ms = 1000;
    begin();
    for (int i = 0; i < 1000 && mon.sick < 2; i++)
        run(1);
    owner.busy = OTA_MONITOR_BUSY_HEALTH | OTA_MONITOR_BUSY_SLOTS;
    run(20);
    assert_int_equal(mon.sick, 0);
    owner.busy = 0;
    settle();
}

/* Found while another finding is answered: it waits for its turn. Found while the owner is busy with a slot: likewise. */
static void sickness_waits_for_its_turn(void **state)
{
    static const ota_err list[] = { OTA_REJECT_HEALTH };

    (void)state;
    answers(list, 1);
    cfg.answer = OTA_MONITOR_REPORT;
    cfg.health_every_ms = 1;
    owner.busy = OTA_MONITOR_BUSY_SLOTS;
    begin();
    run(20);
    assert_int_equal(owner.pending, 0);
    slots[0][0].mem[1] ^= 1;
    owner.busy = 0;
    settle();
    assert_int_equal(owner.last.kind, OTA_MONITOR_SICK);
    tear_down(state), set_up(state);
    answers(list, 1);
    cfg.answer = OTA_MONITOR_REPORT;
    slots[0][0].mem[1] ^= 1;
    begin();
    for (int i = 0; i < 10000 && mon.phase != OTAI_MON_KEEP; i++)
        run(1);
    owner.found_fails = 100;
    cfg.health_every_ms = mon.cfg.health_every_ms;
    run(400);
    owner.found_fails = 0;
    run(200);
    assert_int_equal(owner.told, 2);
    assert_int_equal(owner.last.kind, OTA_MONITOR_SICK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_kept_before_it_is_answered),
        TEST(a_store_that_fails_stops_no_answer),
        TEST(a_busy_owner_stops_all_the_same),
        TEST(what_is_forgotten_meanwhile_stays),
        TEST(who_cannot_stop_says_so),
        TEST(what_came_together_goes_back_together),
        TEST(what_came_earlier_goes_back_alone),
        TEST(a_bad_other_slot_is_no_way_back),
        TEST(every_other_way_back_that_is_none),
        TEST(a_crypto_service_that_fails_on_the_way_back_refuses),
        TEST(the_way_back_waits_for_the_owner),
        TEST(what_was_answered_before_a_restart_is_not_again),
        TEST(one_sick_look_is_none),
        TEST(persistent_sickness_goes_back),
        TEST(sickness_without_a_way_back_is_refused),
        TEST(silence_is_sick),
        TEST(a_trial_begins_anew),
        TEST(sickness_waits_for_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
