/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the tree: the core alone, with ports of its own (empty: nothing is run). */
#include <ota/ota.h>
#include <stdio.h>

static const struct ota_net_ops net_ops;
static const struct ota_store_ops store_ops;
static const struct ota_clock_ops clock_ops;
static const struct ota_crypto_ops crypto_ops;
static const struct ota_boot_ops boot_ops;
static const struct ota_slot_ops slot_ops;

int main(void)
{
    struct ota_net net = { &net_ops };
    struct ota_store store = { &store_ops };
    struct ota_clock clock = { &clock_ops };
    struct ota_crypto crypto = { &crypto_ops };
    struct ota_boot boot = { &boot_ops };
    struct ota_slot slots[2] = { { &slot_ops }, { &slot_ops } };
    const struct ota_component os = { .name = "os", .slot = { &slots[0], &slots[1] } };
    static const char *const everything[] = { "group/", "app/", "os/", NULL };
    static const uint8_t root[] = "{}";
    const struct ota_repo repo = { .name = "product", .metadata_url = "https://ota.example/p/metadata/", .targets_url = "https://ota.example/p/targets/",
                                   .prefixes = everything, .root = root, .root_len = sizeof root - 1 };
    struct ota_config cfg = { .size = sizeof cfg, .product = "thermostat", .group = "production", .device_id = "device-1",
                              .net = &net, .store = &store, .clock = &clock, .crypto = &crypto, .boot = &boot,
                              .components = &os, .component_count = 1, .repos = &repo, .repo_count = 1 };

    printf("libota %s needs %zu bytes\n", OTA_VERSION_STRING, ota_workspace_len(&cfg));
    return ota_workspace_len(&cfg) ? 0 : 1;
}
