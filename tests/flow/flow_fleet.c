/* SPDX-License-Identifier: Apache-2.0 */
/* The manners of a device in a large fleet, with the whole agent: when it comes, and how fast it takes. */
#include "fleet_on.h"
#include "inside.h"

#define HOUR_MS (3600u * 1000u)

static uint64_t due_in(void)
{
    return dev->agent->due_ms - otai_now_ms(dev->agent);
}

/* Step until the first wait, which is not asked away. */
static struct ota_wait start(void)
{
    struct ota_wait wait = { 0 };

    assert_true(sim_start(dev));
    for (int i = 0; i < 3 && wait.ms == 0; i++)
        assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    return wait;
}

/* Devices that are switched on together do not come together, unless somebody asks. */
FLOW(the_first_check_in_comes_at_a_moment_of_its_own)
{
    uint64_t least = UINT64_MAX, most = 0;

    (void)state;
    flow_deploy(factory[0], NULL);
    dev->cfg.times.start_s = 300;
    for (int i = 0; i < 64; i++) {
        struct ota_wait wait = start();

        assert_int_equal(dev->net.requests, 0);
        least = wait.ms < least ? wait.ms : least;
        most = wait.ms > most ? wait.ms : most;
        assert_in_range(wait.ms, 1, 300000);
        sim_power_cycle(dev);
    }
    assert_true(least < 60000 && most > 240000); /* one of 10^6 runs of 64 would miss either */
    (void)start();
    assert_int_equal(sim_check_in(dev), SIM_IDLE); /* which asks */
    assert_true(dev->net.requests > 0);
}

FLOW(an_agent_that_starts_later_checks_in_at_once)
{
    (void)state;
    flow_deploy(factory[0], NULL);
    dev->cfg.times.start_s = 300;
    assert_true(sim_start(dev));
    dev->clock.ms += 300001;
    for (int i = 0; i < 50; i++) {
        struct ota_wait wait;

        assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
        dev->clock.ms += wait.ms > 1000 ? 0 : wait.ms;
    }
    assert_true(dev->net.requests > 0);
}

/* What a fault costs is its back-off: the start behind it is not put off again. */
FLOW(a_start_behind_a_fault_does_not_wait_again)
{
    (void)state;
    flow_deploy(factory[0], NULL);
    dev->cfg.times.start_s = 300;
    (void)start();
    dev->agent->failures = 1;
    dev->agent->state = OTA_ST_START;
    struct ota_wait wait;
    assert_int_equal(ota_step(dev->agent, &wait), OTA_OK);
    assert_int_equal(dev->agent->due_ms, otai_now_ms(dev->agent));
}

/* A start into a trial was preceded by a check-in and ends with a report: what comes next is the regular one. */
FLOW(behind_a_trial_comes_the_regular_check_in)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    dev->cfg.times.start_s = 300;
    assert_true(sim_start(dev));
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_runs(0, two);
    assert_int_equal(flow_reports("confirmed"), 1);
    assert_in_range(due_in(), HOUR_MS / 2u, HOUR_MS + HOUR_MS * 6u / 10u);
}

/* The same place in each hour, and a random part of its first tenth. */
FLOW(a_device_keeps_its_place)
{
    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    uint64_t place = UINT64_MAX;
    for (int i = 0; i < 20; i++) {
        uint64_t in_hour = dev->agent->due_ms % HOUR_MS;

        if (i == 0)
            place = in_hour >= HOUR_MS / 10u ? in_hour - HOUR_MS / 10u : in_hour + HOUR_MS - HOUR_MS / 10u;
        assert_in_range((in_hour + HOUR_MS - place) % HOUR_MS, 0, HOUR_MS / 5u);
        assert_in_range(due_in(), HOUR_MS / 2u, HOUR_MS + HOUR_MS * 6u / 10u);
        dev->clock.ms = dev->agent->due_ms;
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
    }
}

FLOW(the_groups_interval_is_kept_within_bounds)
{
    (void)state;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { factory[0] }, .more = "\"poll_s\":900" });
    flow_serve();
    assert_int_equal(sim_run(dev), SIM_IDLE);
    if (dev->agent->j.poll_s != 0) /* a build with OTA_POLICY, which reads it */
        assert_in_range(due_in(), 450000, 1440000);
    dev->agent->j.poll_s = 1;
    otai_schedule(dev->agent, OTA_SAME);
    assert_in_range(due_in(), 30000, 96000);
    dev->agent->j.poll_s = UINT32_MAX;
    otai_schedule(dev->agent, OTA_SAME);
    assert_in_range(due_in() / 1000u, 302400, 967680);
}

FLOW(what_a_server_asks_for_is_capped)
{
    struct ota *a;

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    a = dev->agent;
    for (int64_t after = -1; after <= 1; after++) { /* nothing, at once, and more than 32 bits of seconds */
        a->failures = 0;
        a->retry_after_s = after > 0 ? INT64_MAX : after;
        otai_schedule(a, OTA_RETRY_BUSY);
        assert_in_range(due_in(), after > 0 ? 600001 : 1, after > 0 ? 1260000 : 10000);
        assert_int_equal(a->failures, 1);
    }
}

/* Time of the device's clock that an update's download takes. */
static uint64_t download_ms(uint32_t rate_bps)
{
    sim_open(dev, &cloud, factory, 1);
    dev->cfg.limits.rate_bps = rate_bps;
    dev->cfg.limits.delta_memory = 1;
    dev->cfg.limits.window_bits = 1;
    flow_serve();
    uint64_t before = dev->clock.ms;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    return dev->clock.ms - before;
}

FLOW(a_download_keeps_to_its_rate)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    uint64_t fast = download_ms(0);
    assert_runs(0, two);
    uint64_t heads_too = dev->net.received, image = sim_status(dev).fetched, slow = download_ms(1000);
    assert_runs(0, two);
    assert_true(image > 1000 && slow > fast);
    assert_in_range(slow - fast, image, heads_too); /* 1,000 bytes a second: a millisecond each */
}

/* ---- crashes that a supervisor noted ---- */

/* SPEC.md, "Crash note". */
static void note_crash(uint8_t how, uint32_t number, uint32_t count, int64_t last_s)
{
    uint8_t note[36] = { 'O', 'T', 'A', 'K', 1, how };
    int32_t code = 0;

    otai_put_le32(note + 8, number);
    otai_put_le32(note + 12, count);
    otai_put_le64(note + 16, (uint64_t)SIM_NOW_S);
    otai_put_le64(note + 24, (uint64_t)last_s);
    otai_put_le32(note + 32, otai_crc32(0, note, 32));
    assert_int_equal(dev->cfg.store->ops->write(dev->cfg.store, "crash.os", note, sizeof note, &code), OTA_OK);
}

static bool note_is_there(void)
{
    uint8_t buf[64];
    size_t len = 0;
    int32_t code = 0;

    return dev->cfg.store->ops->read(dev->cfg.store, "crash.os", buf, sizeof buf, &len, &code) == OTA_OK;
}

static uint32_t crashes_told(void)
{
    uint32_t n = 0;

    for (size_t i = 0; i < dev->report_count; i++)
        n += sim_report_has(&dev->report[i], "event", "\"crash\"");
    return n;
}

static void run_the_factory_first(void)
{
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
}

FLOW(a_crash_that_was_noted_is_told_once)
{
    (void)state;
    run_the_factory_first();
    note_crash(OTA_REPORT_SIGNAL, 11, 3, SIM_NOW_S + 60);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(crashes_told(), 1);
    const struct sim_report *r = sim_last_report(dev);
    assert_true(sim_report_has(r, "category", "\"signal\"") && sim_report_has(r, "class", "\"os\"") &&
                sim_report_has(r, "type", "\"unplanned\"") && sim_report_has(r, "count", "3") &&
                sim_report_has(r, "outcome", "\"none\"") && sim_report_has(r, "component", "\"os\"") &&
                sim_report_has(r, "running", "\"1.0.0\""));
    assert_non_null(strstr(r->body, "\"port\":11"));
    assert_false(note_is_there());
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(crashes_told(), 1);
}

/* The numbers of crashes and of outcomes are of one row: neither takes the other's. */
FLOW(an_update_behind_a_crash_is_told_as_well)
{
    (void)state;
    run_the_factory_first();
    note_crash(OTA_REPORT_EXIT, 1, 1, SIM_NOW_S);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(crashes_told(), 1);
    assert_int_equal(flow_reports("confirmed"), 1);
    note_crash(OTA_REPORT_EXIT, 1, 1, SIM_NOW_S + 9);
    flow_deploy(flow_os("3.0.0", SIM_SICK), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(crashes_told(), 2);
    assert_int_equal(flow_reports("rolled_back"), 1);
}

/* Power failed behind the ring and before the note was removed. */
FLOW(a_note_that_was_told_is_only_removed)
{
    (void)state;
    run_the_factory_first();
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_UNREACHABLE, .match = "/report/" });
    note_crash(OTA_REPORT_EXIT, 1, 1, SIM_NOW_S);
    (void)sim_check_in(dev);
    assert_int_equal(sim_status(dev).reports_kept, 1);
    note_crash(OTA_REPORT_EXIT, 1, 1, SIM_NOW_S); /* as it was */
    (void)sim_check_in(dev);
    assert_int_equal(sim_status(dev).reports_kept, 1);
    assert_false(note_is_there());
    for (uint32_t n = 2; n < 12; n++) { /* eight are kept; then the note stays */
        note_crash(OTA_REPORT_EXIT, n, 1, SIM_NOW_S);
        (void)sim_check_in(dev);
        assert_int_equal(sim_status(dev).reports_kept, n < 8 ? n : 8);
        assert_int_equal(note_is_there(), n > 8);
    }
    sim_net_heal(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(crashes_told(), 8);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(crashes_told(), 9);
}

FLOW(a_note_that_is_none_is_dropped_and_said)
{
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = { { 0, 'x' }, { 4, 2 }, { 5, 0 }, { 5, 3 }, { 12, 0 }, { 33, 1 } };
    uint8_t note[64];
    size_t len = 0;
    int32_t code = 0;

    (void)state;
    run_the_factory_first();
    for (size_t i = 0; i <= sizeof rows / sizeof rows[0]; i++) {
        struct ota_store *s = dev->cfg.store;

        note_crash(OTA_REPORT_EXIT, 1, 1, SIM_NOW_S);
        assert_int_equal(s->ops->read(s, "crash.os", note, sizeof note, &len, &code), OTA_OK);
        if (i < sizeof rows / sizeof rows[0])
            note[rows[i].at] = rows[i].value;
        if (i < sizeof rows / sizeof rows[0] && rows[i].at < 32)
            otai_put_le32(note + 32, otai_crc32(0, note, 32));
        assert_int_equal(s->ops->write(s, "crash.os", note, i < sizeof rows / sizeof rows[0] ? len : len - 1, &code), OTA_OK);
        uint32_t faults = sim_events(dev, OTA_EV_FAULT);
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
        assert_int_equal(crashes_told(), 0);
        assert_int_equal(sim_events(dev, OTA_EV_FAULT), faults + 1);
        assert_false(note_is_there());
    }
}

/* Each call of the storage fails once: the crash is told in the end, and what is told is not told twice under two numbers. */
FLOW(no_failing_call_loses_a_crash)
{
    uint32_t n = 1;

    (void)state;
    flow_deploy(factory[0], NULL);
    for (bool failed = true; failed; n++) {
        sim_open(dev, &cloud, factory, 1);
        flow_serve();
        assert_int_equal(sim_run(dev), SIM_IDLE);
        note_crash(OTA_REPORT_EXIT, 7, 2, SIM_NOW_S);
        uint32_t before = dev->failed;
        dev->fail_at = dev->calls + n;
        (void)sim_check_in(dev);
        failed = dev->failed > before;
        dev->fail_at = 0;
        assert_int_equal(sim_run(dev), SIM_IDLE);
        assert_in_range(crashes_told(), 1, 2); /* a note that could not be removed is told again */
        assert_false(note_is_there());
    }
    assert_true(n > 4);
}

FLOW(a_crash_of_what_nobody_knows_names_no_image)
{
    (void)state;
    run_the_factory_first();
    dev->agent->j.installed[0].known = false;
    note_crash(OTA_REPORT_EXIT, 7, 2, SIM_NOW_S);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_true(
        sim_report_has(sim_last_report(dev), "image", "\"0000000000000000000000000000000000000000000000000000000000000000\""));
}

/* ---- reports behind signed URLs ---- */

#define SIGNED SIM_REPORT_URL "?sv=1&sig=a%2Bb"

/* Storage that is reached by signed URLs: the query stands behind the name, and the report is what it would be without. */
FLOW(a_query_goes_behind_each_name)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    dev->cfg.report_url = SIGNED;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(flow_reports("confirmed"), 1);
    const char *url = dev->agent->fetch.url, *name = url + strlen(SIM_REPORT_URL);
    assert_memory_equal(url, SIM_REPORT_URL, strlen(SIM_REPORT_URL));
    assert_non_null(strstr(name, "-1.json?sv=1&sig=a%2Bb"));
    assert_int_equal(strcspn(url, "?"), strlen(url) - strlen("?sv=1&sig=a%2Bb"));
}

/* 412: it is there already, and is what it was. 403: the signature is of no use today; the report is kept. */
FLOW(what_is_there_already_is_acknowledged)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    dev->cfg.report_url = SIGNED;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "/report/", .arg = 403, .times = 2 });
    (void)sim_run(dev);
    assert_int_equal(dev->report_count, 0);
    assert_int_equal(sim_events(dev, OTA_EV_REPORT_SENT), 0);
    assert_true(sim_events(dev, OTA_EV_REPORT_KEPT) >= 1);
    sim_net_heal(dev);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "/report/", .arg = 412 });
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(sim_events(dev, OTA_EV_REPORT_SENT), 1);
    assert_int_equal(sim_status(dev).reports_kept, 0);
    assert_int_equal(sim_status(dev).last_fault.err, OTA_OK);
}

FLOW(queries_are_checked)
{
    static char longest[OTA_URL_MAX];
    static const char *const bad[] = { "https://h/r?x", "https://h/r/?", "https://h/?a b", "ftp://h/?x", "http://h/?x", "?x", "https://h/r#/?x" };
    struct ota_config out;
    struct ota_fault fault;

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_true(sim_start(dev));
    struct ota_config cfg = dev->cfg;
    cfg.plain_http = false;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cfg.report_url = bad[i];
        assert_int_equal(otai_config_check(&cfg, &out, &fault), OTA_USAGE_CONFIG);
        assert_string_equal(fault.where, "report_url");
    }
    /* The longest one leaves room for the longest name. */
    size_t len = OTA_URL_MAX - 1 - 27 - strlen(cfg.device_id);
    memset(longest, 'q', len);
    memcpy(longest, "https://h/?", 11);
    cfg.report_url = longest;
    assert_int_equal(otai_config_check(&cfg, &out, &fault), OTA_OK);
    longest[len] = 'q';
    assert_int_equal(otai_config_check(&cfg, &out, &fault), OTA_USAGE_CONFIG);
    cfg.report_url = "http://h/?x";
    cfg.plain_http = true;
    assert_int_equal(otai_config_check(&cfg, &out, &fault), OTA_OK);
}

/* ---- facts ---- */

static char told[512];

static void note_facts(struct sim *d)
{
    if (d->agent && d->agent->state == OTA_ST_POLL && d->agent->busy && d->agent->fetch.job.extra)
        (void)snprintf(told, sizeof told, "%s", d->agent->fetch.job.extra);
}

FLOW(facts_are_told_only_where_somebody_agreed)
{
    (void)state;
    told[0] = '\0';
    flow_deploy(factory[0], NULL);
    dev->on_step = note_facts;
    assert_int_equal(sim_run(dev), SIM_IDLE);
    uint32_t before = dev->net.conditional;
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(dev->net.conditional, before + 1);
    assert_string_equal(told, "");
    sim_kill(dev);
    dev->cfg.tell_facts = true;
    assert_true(sim_start(dev));
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    char boot[32];
    (void)snprintf(boot, sizeof boot, ", cause=OK, boot=%u", (unsigned)dev->agent->j.starts);
    assert_memory_equal(told, "OTA-Device: product=\"", 21);
    assert_string_equal(told + strlen(told) - strlen(boot), boot);
    assert_null(strstr(told, dev->cfg.device_id));
}

FLOW(facts_that_do_not_fit_are_not_told)
{
    char out[40] = "OTA-Device: product=\"x\"";
    size_t len = strlen(out);

    (void)state;
    flow_deploy(factory[0], NULL);
    assert_true(sim_start(dev));
    dev->agent->j.starts = 12;
    assert_int_equal(otai_fleet_facts(dev->agent, OTA_REJECT_LIMIT, out, sizeof out), OTA_REJECT_LIMIT);
    assert_int_equal(strlen(out), len);
    assert_int_equal(otai_fleet_facts(dev->agent, OTA_OK, out, len + 9), OTA_REJECT_LIMIT);
    out[len] = '\0';
    assert_int_equal(otai_fleet_facts(dev->agent, OTA_OK, out, len + 10), OTA_OK);
    assert_string_equal(out + len, ", boot=12");
}

FLOW_MAIN(FLOW_TEST(a_query_goes_behind_each_name), FLOW_TEST(what_is_there_already_is_acknowledged), FLOW_TEST(queries_are_checked),
          FLOW_TEST(facts_are_told_only_where_somebody_agreed), FLOW_TEST(facts_that_do_not_fit_are_not_told),
          FLOW_TEST(no_failing_call_loses_a_crash), FLOW_TEST(a_crash_of_what_nobody_knows_names_no_image),
          FLOW_TEST(a_crash_that_was_noted_is_told_once), FLOW_TEST(an_update_behind_a_crash_is_told_as_well),
          FLOW_TEST(a_note_that_was_told_is_only_removed), FLOW_TEST(a_note_that_is_none_is_dropped_and_said),
          FLOW_TEST(the_first_check_in_comes_at_a_moment_of_its_own), FLOW_TEST(an_agent_that_starts_later_checks_in_at_once),
          FLOW_TEST(a_start_behind_a_fault_does_not_wait_again), FLOW_TEST(behind_a_trial_comes_the_regular_check_in),
          FLOW_TEST(a_device_keeps_its_place), FLOW_TEST(the_groups_interval_is_kept_within_bounds),
          FLOW_TEST(what_a_server_asks_for_is_capped), FLOW_TEST(a_download_keeps_to_its_rate))
