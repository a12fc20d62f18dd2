/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest whole agent: one component with two slot files, one repository, one check-in. Run it as
 *     ota-minimal DIR http://server/p/thermostat/
 * where DIR holds slot-a, slot-b, a boot record "boot", and the factory's "root.json". */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ota/ota.h"
#include "ota/posix.h"

int main(int argc, char **argv)
{
    static struct ota_posix_net net;
    static uint8_t root[16384];
    struct ota_posix_slot a, b;
    struct ota_posix_store store;
    struct ota_posix_clock clock;
    struct ota_posix_crypto crypto;
    struct ota_posix_boot boot;
    struct ota_fault why = { .err = OTA_OK };
    char metadata[256], targets[256];

    if (argc != 3 || chdir(argv[1]) != 0)
        return fputs("usage: ota-minimal DIR URL\n", stderr), 2;
    (void)snprintf(metadata, sizeof metadata, "%smetadata/", argv[2]);
    (void)snprintf(targets, sizeof targets, "%stargets/", argv[2]);
    FILE *f = fopen("root.json", "rb");
    size_t root_len = f ? fread(root, 1, sizeof root, f) : 0;

    if (ota_posix_net_open(&net, &(struct ota_posix_net_config){ .connect_ms = 5000 }, &why) ||
        ota_posix_slot_file_open(&a, &(struct ota_posix_slot_file_config){ "slot-a", 0 }, &why) ||
        ota_posix_slot_file_open(&b, &(struct ota_posix_slot_file_config){ "slot-b", 0 }, &why) ||
        ota_posix_store_open(&store, &(struct ota_posix_store_config){ "state" }, &why) ||
        ota_posix_clock_open(&clock, &(struct ota_posix_clock_config){ 0 }, &why) ||
        ota_posix_crypto_open(&crypto, NULL, &why) ||
        ota_posix_boot_open(&boot, &(struct ota_posix_boot_config){ "boot", NULL }, &why))
        return fprintf(stderr, "%s: %s\n", why.where, ota_err_text(why.err)), 1;

    const char *prefixes[] = { "app/", "group/", NULL };
    struct ota_repo repo = { "product", metadata, targets, prefixes, root, root_len };
    struct ota_component app = { .name = "app", .slot = { &a.port, &b.port }, .factory_version = "1.0.0" };
    struct ota_config cfg = { .size = sizeof cfg, .product = "thermostat", .group = "production", .device_id = "demo",
        .net = &net.port, .store = &store.port, .clock = &clock.port, .crypto = &crypto.port, .boot = &boot.port,
        .components = &app, .component_count = 1, .repos = &repo, .repo_count = 1, .plain_http = true };
    size_t len = ota_workspace_len(&cfg);
    void *workspace = malloc(len ? len : 1);
    struct ota *agent;
    ota_err err = ota_init(&agent, &cfg, workspace, len, &why);

    if (err == OTA_OK) {
        err = ota_run(agent); /* OTA_SAME: up to date. OTA_REBOOT: a verified image waits for the restart */
        ota_close(agent);
    }
    free(workspace);
    if (ota_err_class(err) != OTA_CLASS_OUTCOME)
        return fprintf(stderr, "%s%s%s\n", why.where, why.where[0] ? ": " : "", ota_err_text(err)), 1;
    return puts(err == OTA_SAME ? "up to date" : ota_err_text(err)) < 0;
}
