/* SPDX-License-Identifier: Apache-2.0 */
/* Servers and networks that misbehave: a clear error each time, the running slot untouched, and an update that comes
 * through as soon as the world is in order again. */
#include "flow.h"

struct row {
    const char *what;
    struct sim_fault fault;
    ota_err want;
};

/* While it lasts: no update, the right error. Afterwards: the update. */
static void run_row(const struct row *r, const struct sim_image *two)
{
    sim_open(dev, &cloud, factory, 1);
    sim_net_fault(dev, r->fault);
    enum sim_end end = sim_check_in(dev);
    ota_err got = sim_status(dev).last_fault.err;
    if (end != SIM_BACKING_OFF || got != r->want)
        fail_msg("%s: %s instead of %s (end %d)", r->what, ota_err_name(got), ota_err_name(r->want), (int)end);
    assert_int_equal(sim_status(dev).holds & OTA_HOLD_BACKOFF, OTA_HOLD_BACKOFF);
    assert_runs(0, factory[0]);
    assert_int_equal(dev->starts, 1);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_runs(0, factory[0]);
    sim_net_heal(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    if (sim_confirmed(dev, 0) != two)
        fail_msg("%s: no update once it is over", r->what);
    assert_runs(0, two);
    assert_int_equal(flow_reports("confirmed"), 1);
}

static void run_rows(const struct row *rows, size_t count)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    flow_deploy(two, NULL);
    for (size_t i = 0; i < count; i++)
        run_row(&rows[i], two);
}

#define ROWS(rows) run_rows(rows, sizeof rows / sizeof rows[0])
#define IMAGE "/os/img/"
#define FAULT(kind_, match_, ...) { .kind = SIM_NET_##kind_, .match = match_, __VA_ARGS__ }

FLOW(image_requests_that_fail)
{
    static const struct row rows[] = {
        { "404", FAULT(STATUS, IMAGE, .arg = 404), OTA_RETRY_NOT_FOUND },
        { "403", FAULT(STATUS, IMAGE, .arg = 403), OTA_RETRY_REFUSED },
        { "500", FAULT(STATUS, IMAGE, .arg = 500), OTA_RETRY_SERVER },
        { "502", FAULT(STATUS, IMAGE, .arg = 502), OTA_RETRY_SERVER },
        { "204", FAULT(STATUS, IMAGE, .arg = 204), OTA_RETRY_PROTOCOL },
        { "304 to an unconditional request", FAULT(STATUS, IMAGE, .arg = 304), OTA_RETRY_PROTOCOL },
        { "429", FAULT(BUSY, IMAGE, .arg = 20), OTA_RETRY_BUSY },
        { "unreachable", FAULT(UNREACHABLE, IMAGE, .arg = 0), OTA_RETRY_NETWORK },
        { "no answer", FAULT(STALL, IMAGE, .arg = 0), OTA_RETRY_TIMEOUT },
        { "drop", FAULT(DROP, IMAGE, .arg = 1), OTA_RETRY_TRUNCATED },
        { "redirect to http", FAULT(REDIRECT, IMAGE, .text = "http://updates.test/elsewhere"), OTA_RETRY_REDIRECT },
        { "redirect to file", FAULT(REDIRECT, IMAGE, .text = "file:///etc/passwd"), OTA_RETRY_REDIRECT },
        { "redirect to itself", FAULT(REDIRECT, IMAGE, .text = SIM_BASE "os/img/loop"), OTA_RETRY_REDIRECT },
        { "redirect to nothing", FAULT(REDIRECT, IMAGE, .text = ""), OTA_RETRY_REDIRECT },
        { "one flipped byte", FAULT(FLIP, IMAGE, .arg = 5000), OTA_REJECT_HASH },
        { "first byte flipped", FAULT(FLIP, IMAGE, .arg = 0), OTA_REJECT_HASH },
        { "last byte flipped", FAULT(FLIP, IMAGE, .arg = 9999), OTA_REJECT_HASH },
        { "one byte more", FAULT(LONGER, IMAGE, .arg = 1), OTA_REJECT_LENGTH },
        { "one byte more, unsaid", FAULT(LONGER_UNSAID, IMAGE, .arg = 1), OTA_REJECT_LENGTH },
        { "a lot more, unsaid", FAULT(LONGER_UNSAID, IMAGE, .arg = 1000000), OTA_REJECT_LENGTH },
        { "one byte less", FAULT(SHORTER, IMAGE, .arg = 1), OTA_REJECT_LENGTH },
        { "one byte less, unsaid", FAULT(SHORTER_UNSAID, IMAGE, .arg = 1), OTA_RETRY_TRUNCATED },
        { "nothing, unsaid", FAULT(SHORTER_UNSAID, IMAGE, .arg = 10000), OTA_RETRY_TRUNCATED },
    };

    (void)state;
    ROWS(rows);
}

FLOW(pointer_requests_that_fail)
{
    static const struct row rows[] = {
        { "404", FAULT(STATUS, "deploy.json", .arg = 404), OTA_RETRY_NOT_FOUND },
        { "500", FAULT(STATUS, "deploy.json", .arg = 500), OTA_RETRY_SERVER },
        { "flip", FAULT(FLIP, "deploy.json", .arg = 20), OTA_REJECT_HASH },
        { "longer", FAULT(LONGER, "deploy.json", .arg = 1), OTA_REJECT_LENGTH },
        { "longer, unsaid", FAULT(LONGER_UNSAID, "deploy.json", .arg = 1), OTA_REJECT_LENGTH },
        { "shorter", FAULT(SHORTER, "deploy.json", .arg = 1), OTA_REJECT_LENGTH },
        { "drop", FAULT(DROP, "deploy.json", .arg = 1), OTA_RETRY_TRUNCATED },
        { "no answer", FAULT(STALL, "deploy.json", .arg = 0), OTA_RETRY_TIMEOUT },
    };

    (void)state;
    ROWS(rows);
}

FLOW(metadata_requests_that_fail)
{
    static const struct row rows[] = {
        { "timestamp 404", FAULT(STATUS, "timestamp.json", .arg = 404), OTA_RETRY_NOT_FOUND },
        { "timestamp 500", FAULT(STATUS, "timestamp.json", .arg = 500), OTA_RETRY_SERVER },
        { "timestamp 503", FAULT(STATUS, "timestamp.json", .arg = 503), OTA_RETRY_BUSY },
        { "timestamp unreachable", FAULT(UNREACHABLE, "timestamp.json", .arg = 0), OTA_RETRY_NETWORK },
        { "timestamp stalls", FAULT(STALL, "timestamp.json", .arg = 0), OTA_RETRY_TIMEOUT },
        { "timestamp to http", FAULT(REDIRECT, "timestamp.json", .text = "http://updates.test/t"), OTA_RETRY_REDIRECT },
        { "snapshot 404", FAULT(STATUS, "snapshot.json", .arg = 404), OTA_RETRY_NOT_FOUND },
        { "snapshot drops", FAULT(DROP, "snapshot.json", .arg = 1), OTA_RETRY_TRUNCATED },
        { "targets 404", FAULT(STATUS, ".targets.json", .arg = 404), OTA_RETRY_NOT_FOUND },
        { "role 404", FAULT(STATUS, ".groups.json", .arg = 404), OTA_RETRY_NOT_FOUND },
        { "role of the other repository 500", FAULT(STATUS, ".os-images.json", .arg = 500), OTA_RETRY_SERVER },
        { "root 500", FAULT(STATUS, "2.root.json", .arg = 500), OTA_RETRY_SERVER },
        { "endless timestamp", FAULT(LONGER_UNSAID, "timestamp.json", .arg = 100000000), OTA_REJECT_LIMIT },
        { "root 401", FAULT(STATUS, "2.root.json", .arg = 401), OTA_RETRY_REFUSED },
        { "timestamp 403", FAULT(STATUS, "timestamp.json", .arg = 403), OTA_RETRY_REFUSED },
    };

    (void)state;
    ROWS(rows);
}

/* Storage services that hide their lists say 403 where others say 404. */
FLOW(a_next_root_that_is_forbidden_is_no_next_root)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    sim_net_fault(dev, (struct sim_fault)FAULT(STATUS, "2.root.json", .arg = 403));
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_runs(0, two);
}

/* One flipped byte anywhere in any metadata file: refused by one of TUF's rules, never installed, over when it is over. */
FLOW(a_flipped_byte_in_any_metadata_file)
{
    static const char *const files[] = { "p/thermostat/metadata/timestamp.json", "p/thermostat/metadata/%u.snapshot.json",
        "p/thermostat/metadata/%u.targets.json", "p/thermostat/metadata/%u.groups.json", "os/metadata/timestamp.json",
        "os/metadata/%u.snapshot.json", "os/metadata/%u.targets.json", "os/metadata/%u.os-images.json" };
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    const uint32_t versions[] = { 0, cloud.product.snapshot_version, cloud.product.role[0].version, cloud.groups->version,
                                  0, cloud.os.snapshot_version, cloud.os.role[0].version, cloud.os_images->version };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char url[SIM_URL_MAX];
        int n = snprintf(url, sizeof url, "%s", SIM_BASE);

        if (versions[i]) {
            const char *mark = strstr(files[i], "%u");

            (void)snprintf(url + n, sizeof url - (size_t)n, "%.*s%u%s", (int)(mark - files[i]), files[i], (unsigned)versions[i],
                mark + 2);
        } else {
            (void)snprintf(url + n, sizeof url - (size_t)n, "%s", files[i]);
        }
        size_t len = sim_web_get(&cloud.web, url)->len;
        for (size_t off = 0; off < len; off += 1 + len / 23) {
            sim_open(dev, &cloud, factory, 1);
            sim_web_flip(&dev->web, &cloud.pool, url, off);
            assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
            if (ota_err_class(sim_status(dev).last_fault.err) != OTA_CLASS_REJECT)
                fail_msg("%s byte %zu: %s", url, off, ota_err_name(sim_status(dev).last_fault.err));
            assert_runs(0, factory[0]);
            assert_int_equal(flow_reports("refused"), 1);
            flow_serve();
            assert_int_equal(sim_run(dev), SIM_IDLE);
            assert_runs(0, two);
        }
    }
}

FLOW(a_busy_server_is_left_alone_as_long_as_it_asks)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_BUSY, .match = "timestamp.json", .arg = 300 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_in_range(sim_status(dev).next_check_s, 300, 300 + 660); /* a moment of the eleven minutes behind it, or of ten seconds without OTA_FLEET */
    sim_net_heal(dev);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_BUSY, .match = "timestamp.json", .arg = 1000000000 });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_in_range(sim_status(dev).next_check_s, 600, 600 + 660); /* never longer than times.retry_cap_s */
}

FLOW(back_off_grows_and_starts_over_after_success)
{
    uint32_t longest = 0;

    (void)state;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_UNREACHABLE, .match = "timestamp.json" });
    for (uint32_t n = 0; n < 12; n++) {
        assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
        uint32_t wait = sim_status(dev).next_check_s;
        uint32_t top = n < 3 ? 10u << 2u * n : 600u; /* less without OTA_FLEET */

        assert_in_range(wait, 1, top < 600 ? top : 660);
        longest = wait > longest ? wait : longest;
        dev->clock.ms += (uint64_t)wait * 1000u;
    }
    assert_true(longest > 100);
    sim_net_heal(dev);
    flow_deploy(factory[0], NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_UNREACHABLE, .match = "timestamp.json" });
    assert_int_equal(sim_check_in(dev), SIM_BACKING_OFF);
    assert_in_range(sim_status(dev).next_check_s, 1, 10);
}

/* ---- reports ---- */

FLOW(a_report_that_is_not_acknowledged_is_kept_and_delivered_later)
{
    const struct sim_image *two = flow_os("2.0.0", SIM_HEALTHY);

    (void)state;
    flow_deploy(two, NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "/report/", .arg = 500 });
    (void)sim_run(dev);
    assert_runs(0, two);
    assert_int_equal(dev->report_count, 0);
    assert_int_equal(sim_status(dev).reports_kept, 1);
    assert_int_equal(sim_status(dev).last_outcome, OTA_OUTCOME_CONFIRMED);
    assert_true(sim_status(dev).next_check_s <= 600); /* sooner than the next regular check-in */
    sim_power_cycle(dev);
    sim_net_heal(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(dev->report_count, 1);
    assert_last_report("confirmed", "OK");
    assert_int_equal(sim_status(dev).reports_kept, 0);
}

FLOW(a_report_whose_acknowledgement_is_lost_comes_again_under_its_id)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_NO_ACK, .match = "/report/", .times = 2 });
    for (int i = 0; i < 4; i++)
        (void)sim_run(dev);
    assert_int_equal(dev->report_count, 1);
    assert_int_equal(dev->report[0].puts, 3);
    assert_null(dev->broken);
    assert_int_equal(sim_status(dev).reports_kept, 0);
}

FLOW(outcomes_queue_up_while_nobody_takes_them)
{
    static const char *const versions[] = { "2.0.0", "3.0.0", "4.0.0" };

    (void)state;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "/report/", .arg = 503 });
    for (int i = 0; i < 3; i++) {
        flow_deploy(flow_os(versions[i], i == 1 ? SIM_SICK : SIM_HEALTHY), NULL);
        (void)sim_run(dev);
    }
    assert_int_equal(sim_status(dev).reports_kept, 3);
    sim_net_heal(dev);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(dev->report_count, 3);
    assert_true(sim_report_has(&dev->report[0], "version", "\"2.0.0\"") && sim_report_has(&dev->report[0], "outcome",
        "\"confirmed\""));
    assert_true(sim_report_has(&dev->report[1], "version", "\"3.0.0\"") && sim_report_has(&dev->report[1], "outcome",
        "\"rolled_back\""));
    assert_true(sim_report_has(&dev->report[2], "version", "\"4.0.0\"") && sim_report_has(&dev->report[2], "outcome",
        "\"confirmed\""));
    assert_true(dev->report[0].id < dev->report[1].id && dev->report[1].id < dev->report[2].id);
}

FLOW(without_a_report_url_nothing_is_sent)
{
    (void)state;
    dev->cfg.report_url = NULL;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(dev->report_count, 0);
    assert_int_equal(sim_status(dev).reports_kept, 1);
    assert_true(sim_status(dev).next_check_s >= 3600);
}

/* ---- quiet days ---- */

FLOW(an_idle_check_in_is_one_small_request_and_writes_nothing)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    for (int i = 0; i < 3; i++) {
        uint32_t requests = dev->net.requests, conditional = dev->net.conditional, ops = dev->ops;
        uint64_t bytes = dev->net.sent + dev->net.received;

        dev->clock.ms += 3600 * 1000;
        assert_int_equal(sim_check_in(dev), SIM_IDLE);
        assert_int_equal(dev->net.requests, requests + 1);
        assert_int_equal(dev->net.conditional, conditional + 1);
        assert_in_range(dev->net.sent + dev->net.received - bytes, 1, 1024);
        assert_int_equal(dev->ops, ops);
        assert_in_range(sim_status(dev).next_check_s, 1800, 5760); /* the device's own moment in the next hour but one */
    }
    /* also after a restart */
    sim_power_cycle(dev);
    uint32_t requests = dev->net.requests, ops = dev->ops;
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(dev->net.requests, requests + 1);
    assert_int_equal(dev->ops, ops);
}

FLOW(the_whole_metadata_is_looked_at_again_after_full_s)
{
    (void)state;
    flow_deploy(flow_os("2.0.0", SIM_HEALTHY), NULL);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    assert_int_equal(sim_run(dev), SIM_IDLE);
    uint32_t requests = dev->net.requests;
    dev->clock.ms += 86400ull * 1000;
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_true(dev->net.requests > requests + 3);
    requests = dev->net.requests;
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_int_equal(dev->net.requests, requests + 1);
}

FLOW_MAIN(FLOW_TEST(image_requests_that_fail), FLOW_TEST(pointer_requests_that_fail), FLOW_TEST(metadata_requests_that_fail),
          FLOW_TEST(a_next_root_that_is_forbidden_is_no_next_root), FLOW_TEST(a_flipped_byte_in_any_metadata_file),
          FLOW_TEST(a_busy_server_is_left_alone_as_long_as_it_asks),
          FLOW_TEST(back_off_grows_and_starts_over_after_success),
          FLOW_TEST(a_report_that_is_not_acknowledged_is_kept_and_delivered_later),
          FLOW_TEST(a_report_whose_acknowledgement_is_lost_comes_again_under_its_id),
          FLOW_TEST(outcomes_queue_up_while_nobody_takes_them), FLOW_TEST(without_a_report_url_nothing_is_sent),
          FLOW_TEST(an_idle_check_in_is_one_small_request_and_writes_nothing),
          FLOW_TEST(the_whole_metadata_is_looked_at_again_after_full_s))
