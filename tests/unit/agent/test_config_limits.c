/* SPDX-License-Identifier: Apache-2.0 */
/* Every character that a name may or may not hold, and the bounds of what decoders of deltas may use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent.h"

static const struct ota_net_ops net_ops;
static const struct ota_store_ops store_ops;
static const struct ota_clock_ops clock_ops;
static const struct ota_crypto_ops crypto_ops;
static const struct ota_boot_ops boot_ops;
static const struct ota_slot_ops slot_ops;
static struct ota_net net = { &net_ops };
static struct ota_store store = { &store_ops };
static struct ota_clock ticker = { &clock_ops };
static struct ota_crypto crypto = { &crypto_ops };
static struct ota_boot boot = { &boot_ops };
static struct ota_slot slots[2] = { { &slot_ops }, { &slot_ops } };
static const char *const prefixes[] = { "group/", NULL };
static const uint8_t root[] = "{}";
static const struct ota_component component = { .name = "os", .slot = { &slots[0], &slots[1] } };
static const struct ota_repo repo = { .name = "product", .metadata_url = "https://h/m/", .targets_url = "https://h/t/",
    .prefixes = prefixes, .root = root, .root_len = sizeof root };

static struct ota_config good(void)
{
    return (struct ota_config){ .size = sizeof(struct ota_config), .product = "thermostat", .group = "production",
        .device_id = "d", .net = &net, .store = &store, .clock = &ticker, .crypto = &crypto, .boot = &boot,
        .components = &component, .component_count = 1, .repos = &repo, .repo_count = 1 };
}

static bool accepted(const struct ota_config *cfg, const char *where)
{
    struct ota_config full;
    struct ota_fault fault = { .err = OTA_OK };
    ota_err err = otai_config_check(cfg, &full, &fault);

    if (err == OTA_OK)
        return true;
    assert_int_equal(err, OTA_USAGE_CONFIG);
    assert_string_equal(fault.where, where);
    return false;
}

static void every_character_of_a_name(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const char name[] = { 'a', (char)c, '\0' };
        struct ota_config cfg = good();
        bool plain = strchr("abcdefghijklmnopqrstuvwxyz0123456789-", c) != NULL;
        bool id = plain || strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_.", c) != NULL;

        cfg.product = name;
        assert_int_equal(accepted(&cfg, "product"), plain);
        cfg = good();
        cfg.device_id = name;
        assert_int_equal(accepted(&cfg, "device_id"), id);
    }
}

static void memory_for_deltas(void **state)
{
    static const struct {
        uint32_t memory;
        bool good;
    } all[] = { { 0, true }, { 1, true }, { 2, false }, { OTA_DELTA_MEMORY_MIN - 1, false }, { OTA_DELTA_MEMORY_MIN, true },
                { 1u << 30, true }, { (1u << 30) + 1, false }, { UINT32_MAX, false } };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct ota_config cfg = good();

        cfg.limits.delta_memory = all[i].memory;
        assert_int_equal(accepted(&cfg, "limits.delta_memory"), all[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_character_of_a_name), cmocka_unit_test(memory_for_deltas) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
