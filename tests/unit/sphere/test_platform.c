/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's network, clock, power and events, and the agent on its event loop. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ota/ram.h"
#include "ota/sphere.h"
#include "sphere_sim.h"

static const struct sphere_sim_manifest whole = { .package_dir = "/nonexistent",
                                                  .mutable_file = "/nonexistent",
                                                  .mutable_kb = 64,
                                                  .system_events = true,
                                                  .deferral = true,
                                                  .force_reboot = true,
                                                  .device_auth = true,
                                                  .cert_file = "cert",
                                                  .key_file = "key" };

/* ---- an agent in memory, whose server has nothing ---- */

static struct {
    struct ota_ram_net net;
    struct ota_ram_slot slot[2];
    struct ota_ram_store store;
    struct ota_ram_boot boot;
    struct ota_ram_log log;
    struct ota_sphere_clock clock;
    struct ota_posix_crypto crypto;
    uint8_t slots[2][8192], records[16384];
    void *workspace;
    struct ota *agent;
} device;

static struct EventLoop *loop;
static struct ota_sphere_loop driver;
static struct {
    enum ota_sphere_update state;
    bool system;
    uint32_t seconds_max;
} told[16];
static size_t told_count;
static uint32_t ask_s; /* deferral asked for when an update is pending */
static int32_t refused;
static ota_err asked, stopped;

static void on_update(struct ota_sphere_loop *l, enum ota_sphere_update state, bool system, uint32_t seconds_max)
{
    assert_true(told_count < sizeof told / sizeof *told);
    told[told_count].state = state;
    told[told_count].system = system;
    told[told_count++].seconds_max = seconds_max;
    if (state == OTA_SPHERE_PENDING && ask_s)
        asked = ota_sphere_defer(l, ask_s, &refused);
}

static void on_stopped(struct ota_sphere_loop *l, ota_err err)
{
    (void)l;
    stopped = err;
}

static void make_agent(void)
{
    static const uint8_t slots[] = { 0 };
    static const char *const prefixes[] = { "app/", "group/", NULL };
    static const struct ota_repo repo = { "product", "http://s/m/", "http://s/t/", prefixes, (const uint8_t *)"{}", 2 };
    static struct ota_component component = { .name = "mcu" };
    const struct ota_slot_geometry g = { sizeof device.slots[0], 1, 0 };
    struct ota_fault fault = { 0 };

    ota_ram_net_init(&device.net, NULL, 0);
    for (int i = 0; i < 2; i++) {
        ota_ram_slot_init(&device.slot[i], device.slots[i], &g);
        component.slot[i] = &device.slot[i].port;
    }
    ota_ram_store_init(&device.store, device.records, sizeof device.records);
    ota_ram_boot_init(&device.boot, slots, 1);
    ota_ram_log_init(&device.log);
    assert_int_equal(ota_sphere_clock_open(&device.clock, &fault), OTA_OK);
    assert_int_equal(ota_posix_crypto_open(&device.crypto, NULL, &fault), OTA_OK);
    const struct ota_config cfg = { .size = sizeof cfg,
                                    .product = "scale",
                                    .group = "field-test",
                                    .device_id = "d1",
                                    .net = &device.net.port,
                                    .store = &device.store.port,
                                    .clock = &device.clock.port,
                                    .crypto = &device.crypto.port,
                                    .boot = &device.boot.port,
                                    .log = &device.log.port,
                                    .components = &component,
                                    .component_count = 1,
                                    .repos = &repo,
                                    .repo_count = 1,
                                    .plain_http = true };
    size_t len = ota_workspace_len(&cfg);
    assert_true(len > 0);
    device.workspace = malloc(len);
    assert_int_equal(ota_init(&device.agent, &cfg, device.workspace, len, &fault), OTA_OK);
}

static int set_up(void **state)
{
    (void)state;
    sphere_sim_begin(&whole);
    sphere_sim_set_network(true);
    told_count = 0, ask_s = 0, refused = 0, asked = stopped = OTA_OK;
    make_agent();
    loop = EventLoop_Create();
    assert_non_null(loop);
    const struct ota_sphere_loop_config cfg = { loop, device.agent, on_update, on_stopped, NULL };
    assert_int_equal(ota_sphere_loop_open(&driver, &cfg, NULL), OTA_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sphere_sim_no_update();
    (void)EventLoop_Run(loop, 0, false);
    ota_sphere_loop_close(&driver);
    EventLoop_Close(loop);
    ota_close(device.agent);
    ota_posix_crypto_close(&device.crypto);
    free(device.workspace);
    return 0;
}

static void run_loop(int ms)
{
    assert_int_not_equal(EventLoop_Run(loop, ms, false), EventLoop_Run_Failed);
}

/* However long a busy machine takes. */
static void run_until_seen(enum ota_event event, uint32_t count)
{
    for (int i = 0; i < 300 && ota_ram_log_seen(&device.log, event) < count; i++)
        run_loop(100);
    assert_int_equal(ota_ram_log_seen(&device.log, event), count);
}

static void is_told(size_t n, enum ota_sphere_update state, bool system, uint32_t seconds_max)
{
    assert_true(told_count > n);
    assert_int_equal(told[n].state, state);
    assert_int_equal(told[n].system, system);
    assert_int_equal(told[n].seconds_max, seconds_max);
}

/* ---- tests ---- */

static void the_loop_drives_the_agent(void **state)
{
    (void)state;
    run_until_seen(OTA_EV_BACKOFF, 1); /* tried, and waits */
    assert_true(ota_ram_log_seen(&device.log, OTA_EV_START) == 1);
    ota_check_now(device.agent);
    ota_sphere_loop_wake(&driver);
    run_until_seen(OTA_EV_BACKOFF, 2);
    assert_int_equal(stopped, OTA_OK);
}

static void events_are_told_one_to_one(void **state)
{
    static const struct {
        SysEvent_UpdateType type;
        bool system;
        uint32_t max_min;
    } kinds[] = { { SysEvent_UpdateType_System, true, OTA_SPHERE_DEFER_SYSTEM_MIN },
                  { SysEvent_UpdateType_App, false, OTA_SPHERE_DEFER_APP_MIN } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        told_count = 0;
        sphere_sim_start_download();
        run_loop(0);
        is_told(0, OTA_SPHERE_STARTED, false, 0);
        sphere_sim_offer(kinds[i].type);
        run_loop(0);
        is_told(1, OTA_SPHERE_PENDING, kinds[i].system, kinds[i].max_min * 60u);
        sphere_sim_pass(1); /* nobody asks for time */
        run_loop(0);
        is_told(2, OTA_SPHERE_FINAL, kinds[i].system, 0);
        assert_int_equal(told_count, 3);
        sphere_sim_no_update();
        run_loop(0);
        is_told(3, OTA_SPHERE_NONE, false, 0);
    }
}

static void a_deferral_holds_both_back_until_it_runs_out(void **state)
{
    struct ota_status status;

    (void)state;
    ask_s = 90 * 60;
    sphere_sim_offer(SysEvent_UpdateType_App);
    run_loop(0);
    is_told(0, OTA_SPHERE_PENDING, false, OTA_SPHERE_DEFER_APP_MIN * 60u);
    is_told(1, OTA_SPHERE_DEFERRED, false, 0);
    assert_int_equal(asked, OTA_OK);
    ota_status(device.agent, &status);
    assert_true(status.holds & OTA_HOLD_DEFERRED);
    sphere_sim_pass(89);
    run_loop(0);
    assert_int_equal(told_count, 2);
    sphere_sim_pass(1);
    run_loop(0);
    is_told(2, OTA_SPHERE_FINAL, false, 0);
    assert_int_equal(ota_sphere_defer(&driver, 60, &refused), OTA_USAGE_STATE); /* too late */
}

static void more_than_the_limit_is_cut_and_can_be_given_back(void **state)
{
    struct ota_status status;

    (void)state;
    ask_s = 100 * 24 * 3600;
    sphere_sim_offer(SysEvent_UpdateType_System);
    run_loop(0);
    assert_int_equal(asked, OTA_OK);
    sphere_sim_pass(OTA_SPHERE_DEFER_SYSTEM_MIN - 1);
    run_loop(0);
    assert_int_equal(told_count, 2);
    assert_int_equal(ota_sphere_defer(&driver, 0, &refused), OTA_OK); /* the machine is idle again */
    ota_status(device.agent, &status);
    assert_false(status.holds & OTA_HOLD_DEFERRED);
    run_loop(0);
    is_told(2, OTA_SPHERE_FINAL, true, 0);
    assert_int_equal(ota_sphere_defer(&driver, 0, &refused), OTA_USAGE_STATE);
}

static void an_application_without_the_capability_is_told(void **state)
{
    struct sphere_sim_manifest m = whole;
    struct ota_sphere_loop other;
    struct ota_fault fault = { 0 };

    (void)state;
    m.deferral = m.system_events = m.force_reboot = m.device_auth = false;
    ask_s = 60;
    sphere_sim_offer(SysEvent_UpdateType_App);
    sphere_sim_begin(&m);
    run_loop(0);
    assert_int_equal(asked, OTA_DEVICE_BOOT);
    assert_int_equal(refused, EACCES);
    const struct ota_sphere_loop_config cfg = { .loop = loop, .agent = device.agent };
    assert_int_equal(ota_sphere_loop_open(&other, &cfg, &fault), OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, EACCES);
    assert_string_equal(fault.where, "SysEvent_RegisterForEventNotifications");
    assert_int_equal(ota_sphere_reboot(&refused), OTA_DEVICE_BOOT);
    assert_int_equal(refused, EACCES);
}

static void a_loop_needs_a_loop_and_an_agent(void **state)
{
    struct ota_sphere_loop other;
    struct ota_fault fault = { 0 };

    (void)state;
    assert_int_equal(ota_sphere_loop_open(&other, &(struct ota_sphere_loop_config){ .agent = device.agent }, &fault),
                     OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "loop.loop");
    assert_int_equal(ota_sphere_loop_open(&other, &(struct ota_sphere_loop_config){ .loop = loop }, &fault), OTA_USAGE_ARGUMENT);
    assert_string_equal(fault.where, "loop.agent");
}

static void there_is_no_time_before_the_network_is_ready(void **state)
{
    int64_t utc = 0;

    (void)state;
    sphere_sim_set_network(false);
    assert_int_equal(device.clock.port.ops->utc_s(&device.clock.port, &utc), OTA_RETRY_CLOCK);
    sphere_sim_set_network(true);
    assert_int_equal(device.clock.port.ops->utc_s(&device.clock.port, &utc), OTA_OK);
    assert_true(utc > 1700000000);
    uint64_t before = device.clock.port.ops->monotonic_ms(&device.clock.port);
    device.clock.port.ops->sleep_ms(&device.clock.port, 2);
    assert_true(device.clock.port.ops->monotonic_ms(&device.clock.port) > before);
}

static void the_network_waits_for_the_certificate(void **state)
{
    static struct ota_sphere_net net;
    struct ota_fault fault = { 0 };

    (void)state;
    assert_int_equal(ota_sphere_net_open(&net, &(struct ota_sphere_net_config){ .device_auth = true }, &fault), OTA_OK);
    assert_int_equal(net.port.ops->ready(&net.port), OTA_RETRY_NETWORK);
    sphere_sim_set_device_auth(true);
    assert_int_equal(net.port.ops->ready(&net.port), OTA_OK);
    sphere_sim_set_network(false);
    assert_int_equal(net.port.ops->ready(&net.port), OTA_RETRY_NETWORK);
    ota_sphere_net_close(&net);
    sphere_sim_set_network(true);
    assert_int_equal(ota_sphere_net_open(&net, &(struct ota_sphere_net_config){ .device_auth = false }, &fault), OTA_OK);
    sphere_sim_set_device_auth(false);
    assert_int_equal(net.port.ops->ready(&net.port), OTA_OK);
    ota_sphere_net_close(&net);
    assert_int_equal(ota_sphere_net_open(&net, &(struct ota_sphere_net_config){ .ca_file = "../ca.pem" }, &fault),
                     OTA_DEVICE_STORE);
    assert_int_equal(fault.port_code, EINVAL);
    assert_int_equal(ota_sphere_net_open(&net, &(struct ota_sphere_net_config){ .ca_file = "ca.pem" }, &fault), OTA_USAGE_CONFIG);
    assert_string_equal(fault.where, "net.ca_file");
}

static void a_restart_is_the_platforms(void **state)
{
    int32_t number = 1;

    (void)state;
    assert_int_equal(ota_sphere_reboot(&number), OTA_OK);
    assert_int_equal(number, 0);
    assert_true(sphere_sim_rebooted());
}

static void the_log_takes_every_event(void **state)
{
    struct ota_sphere_log log;
    const struct ota_fault fault = { .err = OTA_REJECT_HASH, .where = "image" };

    (void)state;
    ota_sphere_log_open(&log);
    log.port.ops->event(&log.port, OTA_EV_BACKOFF, INT64_MIN, INT64_MAX, NULL);
    log.port.ops->event(&log.port, OTA_EV_FAULT, 0, 0, &fault);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_loop_drives_the_agent),
        TEST(events_are_told_one_to_one),
        TEST(a_deferral_holds_both_back_until_it_runs_out),
        TEST(more_than_the_limit_is_cut_and_can_be_given_back),
        TEST(an_application_without_the_capability_is_told),
        TEST(a_loop_needs_a_loop_and_an_agent),
        TEST(there_is_no_time_before_the_network_is_ready),
        TEST(the_network_waits_for_the_certificate),
        TEST(a_restart_is_the_platforms),
        TEST(the_log_takes_every_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
