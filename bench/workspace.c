/* SPDX-License-Identifier: Apache-2.0 */
/* Print how much memory ota_workspace_len() asks for in some configurations. Measuring looks whether ports and a
 * root are there, and uses none of them. */
#include <stdio.h>

#include "ota/ota.h"

#define NO_DELTA 1u

static const struct ota_net_ops net_ops;
static const struct ota_store_ops store_ops;
static const struct ota_clock_ops clock_ops;
static const struct ota_crypto_ops crypto_ops;
static const struct ota_boot_ops boot_ops;

static size_t workspace(uint8_t window_bits, uint32_t delta_memory)
{
    static const char *const prefixes[] = { "group/", "os/", NULL };
    static const uint8_t root[] = "{}";
    struct ota_net net = { &net_ops };
    struct ota_store store = { &store_ops };
    struct ota_clock clock = { &clock_ops };
    struct ota_crypto crypto = { &crypto_ops };
    struct ota_boot boot = { &boot_ops };
    struct ota_slot slot[2] = { { NULL }, { NULL } };
    const struct ota_component os = { .name = "os", .slot = { &slot[0], &slot[1] } };
    const struct ota_repo repo = { .name = "os", .metadata_url = "https://updates.example.com/os/metadata/",
        .targets_url = "https://updates.example.com/os/targets/", .prefixes = prefixes,
        .root = root, .root_len = sizeof root - 1 };
    const struct ota_config cfg = { .size = sizeof cfg, .product = "thermostat", .group = "production", .device_id = "0001",
        .net = &net, .store = &store, .clock = &clock, .crypto = &crypto, .boot = &boot, .components = &os,
        .component_count = 1, .repos = &repo, .repo_count = 1, .limits = { .window_bits = window_bits, .delta_memory = delta_memory } };

    return ota_workspace_len(&cfg);
}

int main(void)
{
    size_t window15 = workspace(15, NO_DELTA), window12 = workspace(12, NO_DELTA), plain = workspace(1, NO_DELTA);
    size_t defaults = workspace(0, 0);

    (void)printf("{\"window15\": %zu, \"window12\": %zu, \"plain\": %zu, \"defaults\": %zu}\n", window15, window12, plain,
                 defaults);
    return window15 && window12 && plain && defaults ? 0 : 1;
}
