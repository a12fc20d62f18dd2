/* SPDX-License-Identifier: Apache-2.0 */
/* What a monitor keeps: power cuts and failures at every write, damaged records. */
#include "monitor_program.h"

/* ---- power ---- */

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

/* ---- records ---- */

static struct sim_record *record(const char *name)
{
    for (size_t i = 0; i < dev->store.count; i++)
        if (strcmp(dev->store.record[i].name, name) == 0)
            return &dev->store.record[i];
    fail_msg("no record %s", name);
    return NULL;
}

static void restart_program(void)
{
    prog.agent = NULL;
    sim_kill(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    pass(300);
}

/* Any byte of the record that changes: nothing is known of the other slot, and nothing is found that is not there. */
FLOW(a_damaged_record_is_none)
{
    (void)state;
    (void)two_installed();
    struct sim_record was = *record("monitor");
    for (size_t i = 0; i < was.len; i += i < 8 ? 1 : 97) {
        *record("monitor") = was;
        record("monitor")->data[i] ^= 0x55;
        prog.agent = NULL;
        prog_open(dev);
        pass(3);
        assert_false(prog.watch.part[0].slot[0].known);
    }
    for (size_t len = 0; len < was.len; len += 101) {
        *record("monitor") = was;
        record("monitor")->len = len;
        prog_open(dev);
        pass(3);
        assert_false(prog.watch.part[0].slot[0].known);
    }
    /* A value that cannot be, with a good checksum. */
    *record("monitor") = was;
    record("monitor")->data[8] = 2;
    otai_put_le32(record("monitor")->data + was.len - 4, otai_crc32(0, record("monitor")->data, was.len - 4));
    prog_open(dev);
    pass(3);
    assert_false(prog.watch.part[0].slot[0].known);
    restart_program(); /* what runs is learned anew */
    assert_true(prog.monitor.status.part[0].known);
    assert_int_equal(dev->report_count, 1);
}

/* A note that is none is removed, and becomes no report. */
FLOW(a_damaged_finding_is_no_report)
{
    (void)state;
    (void)two_installed();
    tamper(1, 100);
    for (int i = 0; i < 2000 && !(prog.last_done == OTA_MONITOR_TOLD); i++) {
        struct ota_wait wait = { .ms = 10 };

        dev->clock.ms += 2;
        assert_int_equal(ota_monitor_step(&prog.monitor, &wait), OTA_OK);
        prog.last_done = prog.monitor.status.last.done;
    }
    struct sim_record was = *record("found.os");
    size_t reports = dev->report_count;
    for (size_t i = 0; i < was.len; i += 7) {
        int32_t code;
        uint8_t bytes[OTAI_FOUND_MAX];

        memcpy(bytes, was.data, was.len);
        bytes[i] ^= 0x10;
        assert_int_equal(dev->store.port.ops->write(&dev->store.port, "found.os", bytes, was.len, &code), OTA_OK);
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
        assert_int_equal(dev->report_count, reports);
    }
    for (size_t i = 0; i < dev->store.count; i++)
        assert_string_not_equal(dev->store.record[i].name, "found.os");
    struct otai_found f;
    assert_false(otai_found_decode(was.data, was.len - 1, &f));
    assert_true(otai_found_decode(was.data, was.len, &f));
    was.data[5] = OTA_MONITOR_FINE;
    otai_put_le32(was.data + was.len - 4, otai_crc32(0, was.data, was.len - 4));
    assert_false(otai_found_decode(was.data, was.len, &f));
    was.data[5] = 9;
    otai_put_le32(was.data + was.len - 4, otai_crc32(0, was.data, was.len - 4));
    assert_false(otai_found_decode(was.data, was.len, &f));
}

/* The store fails at any call from the tampering on, once: the finding is told all the same. */
FLOW(a_store_that_fails_loses_no_finding)
{
    uint32_t cases = 0;

    (void)two_installed();
    (void)state;
    sim_copy(&settled, dev);
    for (uint32_t at = 1; cases < 30; at += 5) {
        from_settled();
        tamper(1, 100);
        dev->fail_at = dev->calls + at;
        for (int i = 0; i < 6; i++) {
            pass(300);
            (void)sim_run(dev);
        }
        if (dev->calls < dev->fail_at)
            break;
        cases++;
        dev->fail_at = 0;
        dev->clock.ms += 120000; /* a store that failed is left in peace for a while */
        for (int i = 0; i < 3; i++) {
            pass(400);
            (void)sim_run(dev);
        }
        assert_told("\"tampered\"", "\"REJECT_HASH\"", "running slot 1");
    }
    assert_true(cases > 5);
}

/* An agent that nobody can stop for says so. */
FLOW(without_a_hook_nothing_is_stopped)
{
    (void)state;
    prog.answer = OTA_MONITOR_STOP;
    (void)two_installed();
    prog.watch.stop = NULL;
    tamper(1, 100);
    pass(800);
    assert_int_equal(prog.stops, 0);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_told("\"tampered\"", "\"USAGE_CONFIG\"", "stop: failed");
}

FLOW_MAIN(WATCH_TEST(a_power_cut_anywhere_loses_no_finding), WATCH_TEST(a_damaged_record_is_none),
          WATCH_TEST(a_damaged_finding_is_no_report), WATCH_TEST(a_store_that_fails_loses_no_finding),
          WATCH_TEST(without_a_hook_nothing_is_stopped))
