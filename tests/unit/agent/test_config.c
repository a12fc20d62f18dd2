/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of a configuration that can be wrong: refused, by its name. And the workspace: as long as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent.h"

/* Ports that are never called: ota_init() reads none. */
static const struct ota_net_ops net_ops;
static const struct ota_store_ops store_ops;
static const struct ota_clock_ops clock_ops;
static const struct ota_crypto_ops crypto_ops;
static const struct ota_boot_ops boot_ops;
static const struct ota_slot_ops slot_ops;
static struct ota_net net = { &net_ops }, no_net;
static struct ota_store store = { &store_ops }, no_store;
static struct ota_clock ticker = { &clock_ops }, no_clock;
static struct ota_crypto crypto = { &crypto_ops }, no_crypto;
static struct ota_boot boot = { &boot_ops }, no_boot;
static struct ota_slot slots[4] = { { &slot_ops }, { &slot_ops }, { &slot_ops }, { &slot_ops } };
static const char *const prefixes[] = { "group/", NULL }, *const nothing[] = { NULL }, *const elsewhere[] = { "groups/", NULL };
static const uint8_t root[] = "{}";

static struct ota_component components[2];
static struct ota_repo repos[2];
static struct ota_config cfg;

static int good(void **state)
{
    (void)state;
    components[0] = (struct ota_component){ .name = "os", .slot = { &slots[0], &slots[1] }, .factory_version = "1.0.0" };
    components[1] = (struct ota_component){ .name = "app", .slot = { &slots[2], &slots[3] } };
    for (size_t i = 0; i < 2; i++)
        repos[i] = (struct ota_repo){ .name = i ? "os" : "product", .metadata_url = "https://h/m/", .targets_url = "https://h/t/",
                                      .prefixes = prefixes, .root = root, .root_len = sizeof root };
    cfg = (struct ota_config){ .size = sizeof cfg, .product = "thermostat", .group = "production", .device_id = "Dev-1_a.b",
        .net = &net, .store = &store, .clock = &ticker, .crypto = &crypto, .boot = &boot, .components = components,
        .component_count = 2, .repos = repos, .repo_count = 2, .report_url = "https://h/r/" };
    return 0;
}

static ota_err check(struct ota_fault *fault)
{
    struct ota_config full;

    memset(fault, 0, sizeof *fault);
    return otai_config_check(&cfg, &full, fault);
}

static uint32_t cases;

/* The configuration with one change is refused, and the fault names the field. Then the change is taken back. */
static void refused(ota_err want, const char *where)
{
    struct ota_fault fault;
    static uint64_t mem[1024];
    struct ota *a = NULL;

    assert_int_equal(check(&fault), want);
    assert_string_equal(fault.where, where);
    assert_int_equal(ota_workspace_len(&cfg), 0);
    assert_int_equal(ota_init(&a, &cfg, mem, sizeof mem, &fault), want);
    assert_null(a);
    cases++;
    (void)good(NULL);
}

#define REFUSED(change, where)              \
    do {                                    \
        change;                             \
        refused(OTA_USAGE_CONFIG, where);   \
    } while (0)

static const char name_of_31[] = "abcdefghijklmnopqrstuvwxyz-0123";
static const char name_of_32[] = "abcdefghijklmnopqrstuvwxyz-01234";

static void a_good_one_is_taken(void **state)
{
    struct ota_fault fault;

    (void)state;
    assert_int_equal(check(&fault), OTA_OK);
    cfg.product = cfg.group = components[0].name = name_of_31;
    assert_int_equal(check(&fault), OTA_OK);
    cfg.report_url = NULL;
    assert_int_equal(check(&fault), OTA_OK);
}

static void identity(void **state)
{
    static char id[129];

    (void)state;
    memset(id, 'x', 128);
    REFUSED(cfg.product = NULL, "product");
    REFUSED(cfg.product = "", "product");
    REFUSED(cfg.product = "Thermostat", "product");
    REFUSED(cfg.product = name_of_32, "product");
    REFUSED(cfg.group = NULL, "group");
    REFUSED(cfg.group = "a/b", "group");
    REFUSED(cfg.group = name_of_32, "group");
    REFUSED(cfg.device_id = NULL, "device_id");
    REFUSED(cfg.device_id = "", "device_id");
    REFUSED(cfg.device_id = "..", "device_id");
    REFUSED(cfg.device_id = "a b", "device_id");
    REFUSED(cfg.device_id = "a/b", "device_id");
    REFUSED(cfg.device_id = id, "device_id");
    REFUSED(cfg.report_url = "https://h/r", "report_url");
    REFUSED(cfg.report_url = "http://h/r/", "report_url");
    REFUSED(cfg.report_url = "", "report_url");
}

static void ports(void **state)
{
    (void)state;
    REFUSED(cfg.net = NULL, "net");
    REFUSED(cfg.net = &no_net, "net");
    REFUSED(cfg.store = NULL, "store");
    REFUSED(cfg.store = &no_store, "store");
    REFUSED(cfg.clock = NULL, "clock");
    REFUSED(cfg.clock = &no_clock, "clock");
    REFUSED(cfg.crypto = NULL, "crypto");
    REFUSED(cfg.crypto = &no_crypto, "crypto");
    REFUSED(cfg.boot = NULL, "boot");
    REFUSED(cfg.boot = &no_boot, "boot");
}

static void parts(void **state)
{
    (void)state;
    REFUSED(cfg.components = NULL, "components");
    REFUSED(cfg.component_count = 0, "components");
    REFUSED(cfg.component_count = OTA_COMPONENTS_MAX + 1, "components");
    REFUSED(components[1].name = NULL, "components.name");
    REFUSED(components[1].name = "os", "components.name");
    REFUSED(components[1].name = "App", "components.name");
    REFUSED(components[0].slot[0] = NULL, "components.slot");
    REFUSED(components[0].slot[1] = NULL, "components.slot");
    REFUSED(components[0].slot[1] = components[0].slot[0], "components.slot");
    REFUSED(components[1].slot[0] = components[0].slot[1], "components.slot");
    REFUSED(components[0].factory_version = "12345678901234567890123456789012", "components.factory_version");
}

static void repositories(void **state)
{
    static char url[OTA_URL_MAX];

    (void)state;
    memset(url, 'x', sizeof url - 1);
    memcpy(url, "https://", 8);
    url[sizeof url - 2] = '/';
    REFUSED(cfg.repos = NULL, "repos");
    REFUSED(cfg.repo_count = 0, "repos");
    REFUSED(cfg.repo_count = OTA_REPOS_MAX + 1, "repos");
    REFUSED(repos[0].name = NULL, "repos.name");
    REFUSED(repos[0].name = "abcdefghijklmnop", "repos.name");
    REFUSED(repos[1].name = "product", "repos.name");
    REFUSED(repos[1].metadata_url = NULL, "repos.metadata_url");
    REFUSED(repos[1].metadata_url = "https://h/m", "repos.metadata_url");
    REFUSED(repos[1].metadata_url = "ftp://h/m/", "repos.metadata_url");
    REFUSED(repos[1].metadata_url = url, "repos.metadata_url");
    REFUSED(repos[0].targets_url = NULL, "repos.targets_url");
    REFUSED(repos[0].targets_url = "http://h/t/", "repos.targets_url");
    REFUSED(repos[0].prefixes = NULL, "repos.prefixes");
    REFUSED(repos[0].prefixes = nothing, "repos.prefixes");
    REFUSED(repos[0].prefixes = elsewhere, "repos.prefixes"); /* the group's pointer would belong to nobody */
    repos[1].root = NULL;
    refused(OTA_DEVICE_ROOT, "repos.root");
    repos[0].root_len = 0;
    refused(OTA_DEVICE_ROOT, "repos.root");
}

static void numbers(void **state)
{
    (void)state;
    REFUSED(cfg.tries = 16, "tries");
    REFUSED(cfg.limits.block = 65535, "limits.block");
    REFUSED(cfg.limits.io = 256, "limits.io");
    REFUSED(cfg.limits.io = 3000, "limits.io");
    REFUSED(cfg.limits.io = 131072, "limits.io");
    REFUSED(cfg.limits.window_bits = 16, "limits.window_bits");
    REFUSED(cfg.limits.window_bits = 8, "limits.window_bits");
    REFUSED(cfg.times.health_grace_s = 301, "times.health_grace_s");
    REFUSED(cfg.times.retry_base_s = 3601, "times.retry_base_s");
    static const struct ota_conditions no_conditions;
    static const struct ota_policy no_size;
    REFUSED(cfg.conditions = (struct ota_conditions *)(uintptr_t)&no_conditions, "conditions");
    REFUSED(cfg.policy = &no_size, "policy.size");
    cfg.size--;
    refused(OTA_USAGE_ABI, "config.size");
    assert_true(cases >= 60);
}

static void plain_http_must_be_allowed(void **state)
{
    struct ota_fault fault;

    (void)state;
    repos[0].metadata_url = repos[0].targets_url = cfg.report_url = "http://h/x/";
    cfg.plain_http = true;
    assert_int_equal(check(&fault), OTA_OK);
}

static void defaults_are_filled_in(void **state)
{
    struct ota_config full;

    (void)state;
    assert_int_equal(otai_config_check(&cfg, &full, NULL), OTA_OK);
    assert_int_equal(full.tries, 3);
    assert_int_equal(full.limits.pointer_max, 4096);
    assert_int_equal(full.limits.block, 65536);
    assert_int_equal(full.limits.io, 4096);
    assert_int_equal(full.limits.window_bits, 15);
    assert_int_equal(full.limits.redirects, 3);
    assert_int_equal(full.limits.low_speed_bps, 64);
    assert_int_equal(full.limits.low_speed_s, 60);
    assert_int_equal(full.limits.connect_ms, 30000);
    assert_int_equal(full.limits.head_ms, 60000);
    assert_int_equal(full.times.poll_s, 3600);
    assert_int_equal(full.times.full_s, 86400);
    assert_int_equal(full.times.retry_base_s, 10);
    assert_int_equal(full.times.retry_cap_s, 3600);
    assert_int_equal(full.times.health_deadline_s, 300);
    assert_int_equal(full.times.defer_cap_s, 0); /* what the group's pointer says */
}

static void the_workspace_is_exactly_long_enough(void **state)
{
    struct ota_fault fault;
    struct ota *a = NULL;
    size_t len = ota_workspace_len(&cfg);
    void *mem = malloc(len);

    (void)state;
    assert_non_null(mem);
    assert_true(len > 0);
    assert_int_equal(ota_init(&a, &cfg, mem, len, &fault), OTA_OK);
    assert_ptr_equal(a, mem);
    ota_close(a);
    assert_int_equal(ota_init(&a, &cfg, mem, len - OTAI_ALIGN, &fault), OTA_USAGE_MEMORY);
    assert_string_equal(fault.where, "workspace");
    assert_null(a);
    assert_int_equal(ota_init(NULL, &cfg, mem, len, &fault), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_init(&a, NULL, mem, len, NULL), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_init(&a, &cfg, NULL, len, NULL), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_workspace_len(NULL), 0);
    free(mem);
}

static void less_is_needed_without_deflate(void **state)
{
    (void)state;
    cfg.limits.tuf = (struct ota_tuf_limits){ .root_max = 4096, .timestamp_max = 512, .snapshot_max = 1024, .targets_max = 2048 };
    cfg.limits.delta_memory = 1;
    size_t with = ota_workspace_len(&cfg);
    cfg.limits.window_bits = 1;
    size_t without = ota_workspace_len(&cfg);
    assert_true(without > 0 && without < with);
    cfg.limits.delta_memory = 32768;
    assert_true(ota_workspace_len(&cfg) > 2 * 32768 && ota_workspace_len(&cfg) > with);

}

/* "workspace for full images <= 64 KiB" */
static void a_workspace_for_full_images_fits_into_64_kib(void **state)
{
    (void)state;
    cfg.limits.window_bits = 1;
    cfg.limits.delta_memory = 1;
    cfg.limits.tuf = (struct ota_tuf_limits){ .root_max = 8192, .snapshot_max = 8192, .targets_max = 16384 };
    assert_in_range(ota_workspace_len(&cfg), 1, 65536);
}

static void every_hold_has_its_name(void **state)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } rows[] = { { OTA_HOLD_NETWORK, "network" }, { OTA_HOLD_CLOCK, "clock" }, { OTA_HOLD_BACKOFF, "backoff" },
                 { OTA_HOLD_DEFERRED, "deferred" }, { OTA_HOLD_TRIAL, "trial" }, { OTA_HOLD_BLOCKED, "blocked" },
                 { OTA_HOLD_RESTART, "restart" }, { OTA_HOLD_WINDOW, "window" }, { OTA_HOLD_CONSENT, "consent" },
                 { OTA_HOLD_BATTERY, "battery" }, { OTA_HOLD_METERED, "metered" }, { OTA_HOLD_ROLLOUT, "rollout" },
                 { OTA_HOLD_PINNED, "pinned" }, { OTA_HOLD_OS_ONLY, "os-only" },
                 { OTA_HOLD_HAWKBIT_WINDOW, "hawkbit-window" }, { OTA_HOLD_HAWKBIT_CONSENT, "hawkbit-consent" },
                 { OTA_HOLD_HAWKBIT_SKIP, "hawkbit-skip" } };
    uint32_t all = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(ota_hold_name(rows[i].bit), rows[i].name);
        all |= rows[i].bit;
    }
    for (uint32_t bit = 1; bit; bit <<= 1)
        assert_int_equal(ota_hold_name(bit) != NULL, (all & bit) != 0);
    assert_null(ota_hold_name(0));
    assert_null(ota_hold_name(3));
}

static void what_is_given_is_kept(void **state)
{
    struct ota_fault fault;
    struct ota_config full;

    (void)state;
    cfg.limits.pointer_max = 5001;
    cfg.limits.redirects = 2;
    cfg.limits.low_speed_bps = 33;
    cfg.limits.low_speed_s = 34;
    cfg.limits.connect_ms = 35;
    cfg.limits.head_ms = 36;
    cfg.times.poll_s = 37;
    cfg.times.full_s = 38;
    assert_int_equal(otai_config_check(&cfg, &full, &fault), OTA_OK);
    assert_int_equal(full.limits.pointer_max, 5001);
    assert_int_equal(full.limits.redirects, 2);
    assert_int_equal(full.limits.low_speed_bps, 33);
    assert_int_equal(full.limits.low_speed_s, 34);
    assert_int_equal(full.limits.connect_ms, 35);
    assert_int_equal(full.limits.head_ms, 36);
    assert_int_equal(full.times.poll_s, 37);
    assert_int_equal(full.times.full_s, 38);
}

/* A slot of two components would be written by one while the other runs it. */
static void a_slot_shared_in_any_way_is_refused(void **state)
{
    struct ota_fault fault;

    (void)state;
    for (size_t theirs = 0; theirs < 2; theirs++) {
        for (size_t ours = 0; ours < 2; ours++) {
            (void)good(NULL);
            components[1].slot[ours] = components[0].slot[theirs];
            assert_int_equal(check(&fault), OTA_USAGE_CONFIG);
            assert_string_equal(fault.where, "components.slot");
        }
    }
}

#define T(name) cmocka_unit_test_setup(name, good)

int main(void)
{
    const struct CMUnitTest tests[] = { T(what_is_given_is_kept), T(a_slot_shared_in_any_way_is_refused),
        T(a_good_one_is_taken), T(identity), T(ports), T(parts), T(repositories), T(numbers),
        T(plain_http_must_be_allowed), T(defaults_are_filled_in), T(the_workspace_is_exactly_long_enough),
        T(less_is_needed_without_deflate), T(a_workspace_for_full_images_fits_into_64_kib), T(every_hold_has_its_name) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
