/* SPDX-License-Identifier: Apache-2.0 */
/* Storage that fails: every call of store, slots and boot control, once and from then on; damaged journals; a full
 * store. The device never runs anything but one whole image, and goes on by itself once storage works again. */
#include "bytes.h"
#include "flow.h"

static const struct sim_image *two;

static void offer(enum sim_nature nature, bool deflate)
{
    const struct sim_image_spec spec = { .component = "os", .version = "2.0.0", .nature = nature, .deflate = deflate,
        .len = 5000 };

    two = sim_cloud_image(&cloud, &spec);
    flow_deploy(two, NULL);
}

/* From now on storage works. A few check-ins later everything is as if it always had. */
static void recover(const struct sim_image *want, uint32_t n)
{
    enum sim_end end = SIM_STUCK;

    dev->fail_at = 0;
    for (int i = 0; i < 3 && end != SIM_IDLE; i++)
        end = sim_run(dev);
    if (dev->broken || end != SIM_IDLE || sim_confirmed(dev, 0) != want)
        fail_msg("call %u: end %d, %s, runs %s", (unsigned)n, (int)end, dev->broken ? dev->broken : "no rule broken",
                 sim_confirmed(dev, 0) ? sim_confirmed(dev, 0)->version : "nothing");
    assert_runs(0, want);
}

static void fail_every_call(bool for_good, ota_err with, bool good)
{
    uint32_t n = 1;

    for (;; n++) {
        sim_open(dev, &cloud, factory, 1);
        dev->fail_at = n;
        dev->fail_on = for_good;
        dev->fail_with = with;
        enum sim_end end = sim_run(dev);
        if (!dev->failed)
            break;
        if (end == SIM_STUCK)
            fail_msg("call %u: the agent does not come to rest", (unsigned)n);
        recover(good ? two : factory[0], n);
        assert_true(flow_reports("confirmed") + flow_reports("rolled_back") <= 1);
        assert_int_equal(flow_reports(good ? "rolled_back" : "confirmed"), 0);
    }
    assert_true(n > 60);
}

FLOW(any_call_fails_once)
{
    (void)state;
    offer(SIM_HEALTHY, false);
    fail_every_call(false, OTA_DEVICE_STORE, true);
}

FLOW(any_call_of_a_deflated_update_fails_once)
{
    (void)state;
    offer(SIM_HEALTHY, true);
    fail_every_call(false, OTA_DEVICE_FULL, true);
}

/* Also a regression: when the restart away from a condemned image failed, the image was reported as rolled back and ran on. */
FLOW(any_call_of_a_sick_update_fails_once)
{
    (void)state;
    offer(SIM_SICK, false);
    fail_every_call(false, OTA_DEVICE_STORE, false);
}

FLOW(storage_fails_for_good_from_any_call_on)
{
    (void)state;
    offer(SIM_HEALTHY, false);
    fail_every_call(true, OTA_DEVICE_STORE, true);
}

FLOW(the_store_is_full_from_any_call_on)
{
    (void)state;
    offer(SIM_HEALTHY, false);
    fail_every_call(true, OTA_DEVICE_FULL, true);
}

/* Regression: told to check in now, an agent whose store is broken tried again without a pause. */
FLOW(a_broken_store_is_not_tried_without_a_pause)
{
    struct ota_wait wait;

    (void)state;
    offer(SIM_HEALTHY, false);
    dev->fail_at = 1;
    dev->fail_on = true;
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_int_equal(sim_status(dev).state, OTA_ST_FAULT);
    ota_check_now(dev->agent);
    uint32_t calls = dev->calls;
    for (int i = 0; i < 100; i++)
        assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    assert_true(dev->calls - calls <= 2);
    assert_true(wait.ms > 0);
    assert_err(sim_status(dev).last_fault.err, OTA_DEVICE_STORE);
}

/* ---- a slot that lies ---- */

static void spoil_spare(struct sim *d)
{
    if (sim_status(d).state == OTA_ST_SEAL)
        d->slot[0][1].data[100] = (uint8_t)~two->data[100];
}

FLOW(a_slot_that_holds_other_bytes_than_were_written_is_never_armed)
{
    (void)state;
    offer(SIM_HEALTHY, false);
    dev->on_step = spoil_spare;
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_HASH");
    assert_runs(0, factory[0]);
    assert_int_equal(dev->starts, 1);
    dev->on_step = NULL;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

/* ---- damaged records ---- */

static struct sim_record *record(const char *name)
{
    for (size_t i = 0; i < dev->store.count; i++)
        if (strcmp(dev->store.record[i].name, name) == 0)
            return &dev->store.record[i];
    fail_msg("no record %s", name);
    return NULL;
}

static void install_two(void)
{
    offer(SIM_HEALTHY, false);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    sim_power_cycle(dev);
}

static void expect_next_update_works(void)
{
    const struct sim_image *three = flow_os("3.0.0", SIM_HEALTHY);
    uint32_t last = sim_last_report(dev)->id, confirmed = flow_reports("confirmed");

    flow_deploy(three, NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, three);
    assert_int_equal(flow_reports("confirmed"), confirmed + 1);
    assert_true(sim_last_report(dev)->id > last);
    assert_last_report("confirmed", "OK");
}

FLOW(one_damaged_journal_is_harmless)
{
    static const char *const names[] = { "journal.0", "journal.1" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        if (i) {
            (void)flow_close(state);
            (void)flow_open(state);
        }
        install_two();
        uint64_t fetched = dev->net.image_bytes;
        record(names[i])->data[20] ^= 0x40;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
        assert_int_equal(dev->net.image_bytes, fetched);
        assert_int_equal(flow_reports("confirmed"), 1);
        expect_next_update_works();
    }
}

/* Regression: report numbers began anew with a lost journal, so that the next outcomes were taken for ones already told. */
FLOW(with_both_journals_damaged_the_device_finds_itself_again)
{
    (void)state;
    install_two();
    uint64_t fetched = dev->net.image_bytes;
    record("journal.0")->data[20] ^= 0x40;
    record("journal.1")->data[20] ^= 0x40;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_true(sim_events(dev, OTA_EV_FAULT) >= 1); /* it is said, */
    assert_int_equal(dev->net.image_bytes, fetched); /* but nothing is installed again: the running slot was hashed */
    assert_string_equal(sim_status(dev).component[0].running, "2.0.0");
    expect_next_update_works();
}

FLOW(with_both_journals_gone_the_device_finds_itself_again)
{
    (void)state;
    install_two();
    record("journal.0")->name[0] = 'x';
    record("journal.1")->name[0] = 'x';
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    expect_next_update_works();
}

/* Make the newest journal look like one of another version: with more at its end, or of another major. */
static void rewrite_journals(uint8_t major, size_t extra)
{
    static const char *const names[] = { "journal.0", "journal.1" };

    for (size_t i = 0; i < 2; i++) {
        struct sim_record *r = record(names[i]);
        size_t body = r->len - 16 + extra;

        memset(r->data + r->len - 4, 0x5a, extra);
        r->len += extra;
        r->data[4] = major;
        r->data[5] = (uint8_t)(r->data[5] + (extra > 0));
        r->data[6] = (uint8_t)body;
        r->data[7] = (uint8_t)(body >> 8);
        otai_put_le32(r->data + r->len - 4, otai_crc32(0, r->data, r->len - 4));
    }
}

FLOW(the_journal_of_a_later_minor_version_goes_on)
{
    (void)state;
    install_two();
    uint32_t requests = dev->net.requests;
    rewrite_journals(1, 40);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(dev->net.requests, requests + 1); /* it knew where it was: one conditional request */
    expect_next_update_works();
}

FLOW(the_journal_of_another_major_version_is_like_none)
{
    (void)state;
    install_two();
    uint64_t fetched = dev->net.image_bytes;
    rewrite_journals(2, 0);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(dev->net.image_bytes, fetched);
    expect_next_update_works();
}

static void lose_journal_in_trial(struct sim *d)
{
    if (sim_status(d).state != OTA_ST_TRIAL || *(bool *)d->context)
        return;
    *(bool *)d->context = true;
    record("journal.0")->data[30] ^= 1u;
    record("journal.1")->data[30] ^= 1u;
    d->off = true;
}

/* The boot control knows of a trial that no journal tells of: it is judged like any other. */
FLOW(a_trial_survives_the_loss_of_both_journals)
{
    bool lost = false;

    (void)state;
    offer(SIM_HEALTHY, false);
    dev->on_step = lose_journal_in_trial;
    dev->context = &lost;
    assert_int_equal(sim_run(dev), SIM_POWER_LOST);
    assert_true(lost);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

FLOW(any_other_record_damaged_is_harmless)
{
    (void)state;
    install_two();
    size_t count = dev->store.count, tried = 0;
    for (size_t i = 0; i < count; i++) {
        (void)flow_close(state);
        (void)flow_open(state);
        install_two();
        struct sim_record *r = &dev->store.record[i];
        r->data[r->len / 2] ^= 1u;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, two);
        const struct sim_image *three = flow_os("3.0.0", SIM_HEALTHY);
        flow_deploy(three, NULL);
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_runs(0, three);
        tried++;
    }
    assert_true(tried > 8);
}

FLOW_MAIN(FLOW_TEST(any_call_fails_once), FLOW_TEST(any_call_of_a_deflated_update_fails_once),
          FLOW_TEST(any_call_of_a_sick_update_fails_once), FLOW_TEST(storage_fails_for_good_from_any_call_on),
          FLOW_TEST(the_store_is_full_from_any_call_on), FLOW_TEST(a_broken_store_is_not_tried_without_a_pause),
          FLOW_TEST(a_slot_that_holds_other_bytes_than_were_written_is_never_armed),
          FLOW_TEST(one_damaged_journal_is_harmless), FLOW_TEST(with_both_journals_damaged_the_device_finds_itself_again),
          FLOW_TEST(with_both_journals_gone_the_device_finds_itself_again),
          FLOW_TEST(the_journal_of_a_later_minor_version_goes_on), FLOW_TEST(the_journal_of_another_major_version_is_like_none),
          FLOW_TEST(a_trial_survives_the_loss_of_both_journals), FLOW_TEST(any_other_record_damaged_is_harmless))
