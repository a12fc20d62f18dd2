/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: badnet_device DIR URL CA CONNECT-MS HEAD-MS LOW-SPEED-S [PLANT]
 *
 * A device below DIR (slot-a, slot-b, boot, state/, root.json) whose server is at URL. CA is a PEM file or "-". Reads
 * commands, one a line, and answers each with one line of name=value pairs:
 *
 *   run    one check-in with all that follows from it: ota_run()
 *   boot   what a restart does: the boot record chooses the slots, and a new agent starts
 *
 * The process lives through good and bad answers of its server, so what a bad one leaves behind in the connection, in the
 * port or in the agent meets the next.
 */
#define _POSIX_C_SOURCE 200809L
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKSPACE_BYTES (96u * 1024)
#define ROOT_BYTES 16384u

static struct device dev;
static char path[6][512];

__attribute__((noreturn)) static void give_up(const char *what, ota_err err)
{
    (void)fprintf(stderr, "badnet_device: %s: %s\n", what, ota_err_name(err));
    exit(1);
}

static void must(ota_err err, const char *what)
{
    if (err != OTA_OK)
        give_up(what, err);
}

static const char *below(const char *dir, const char *name, size_t i)
{
    if (snprintf(path[i], sizeof path[i], "%s/%s", dir, name) >= (int)sizeof path[i])
        give_up(name, OTA_USAGE_ARGUMENT);
    return path[i];
}

static size_t read_root(const char *file, uint8_t *out)
{
    FILE *f = fopen(file, "rb");
    size_t len = f ? fread(out, 1, ROOT_BYTES, f) : 0;

    if (f)
        (void)fclose(f);
    if (len == 0)
        give_up(file, OTA_DEVICE_ROOT);
    return len;
}

/* First of all: a helper has to be forked while nothing is open. */
static void open_net(const struct ota_posix_net_config *net)
{
    const struct ota_posix_helper_config helper = { .net = net };
    const struct ota_posix_fetcher_config fetcher = { .helper = &dev.helper, .net = net, .answer_ms = 60000 };

    dev.helper.fd = dev.fetcher.fd = -1;
    dev.net_port = &dev.net.port;
    if (!getenv("BADNET_FETCHER")) {
        must(ota_posix_net_open(&dev.net, net, NULL), "net");
        return;
    }
    must(ota_posix_helper_start(&dev.helper, &helper, NULL), "helper");
    must(ota_posix_fetcher_open(&dev.fetcher, &fetcher, NULL), "fetcher");
    dev.net_port = &dev.fetcher.port;
}

static void open_ports(const char *dir, const char *ca)
{
    const struct ota_posix_slot_file_config a = { below(dir, "slot-a", 0), 0 }, b = { below(dir, "slot-b", 1), 0 };
    const struct ota_posix_store_config store = { below(dir, "state", 2) };
    const struct ota_posix_boot_config boot = { .path = below(dir, "boot", 3) };
    static struct ota_posix_net_config net;

    net.ca_file = ca;
    open_net(&net);
    must(ota_posix_slot_file_open(&dev.slot[0], &a, NULL), "slot-a");
    must(ota_posix_slot_file_open(&dev.slot[1], &b, NULL), "slot-b");
    must(ota_posix_store_open(&dev.store, &store, NULL), "state");
    must(ota_posix_clock_open(&dev.clock, &(struct ota_posix_clock_config){ 0 }, NULL), "clock");
    must(ota_posix_crypto_open(&dev.crypto, NULL, NULL), "crypto");
    must(ota_posix_boot_open(&dev.boot, &boot, NULL), "boot");
    must(ota_posix_health_none_open(&dev.health, NULL), "health");
}

static void configure(const char *dir, const char *url, const struct ota_limits *limits)
{
    static const char *const prefixes[] = { "group/", "app/", NULL };
    static uint8_t root[ROOT_BYTES];
    static char base[3][256];
    static const char *const parts[] = { "p/thermostat/metadata/", "p/thermostat/targets/", "reports/" };

    for (size_t i = 0; i < 3; i++)
        if (snprintf(base[i], sizeof base[i], "%s%s", url, parts[i]) >= (int)sizeof base[i])
            give_up("URL", OTA_USAGE_ARGUMENT);
    dev.component = (struct ota_component){ .name = "app", .slot = { &dev.slot[0].port, &dev.slot[1].port }, .factory_version = "1.0.0" };
    dev.repo = (struct ota_repo){ "product", base[0], base[1], prefixes, root, read_root(below(dir, "root.json", 4), root) };
    dev.cfg = (struct ota_config){
        .size = sizeof dev.cfg, .product = "thermostat", .group = "production", .device_id = "device-1",
        .net = dev.net_port, .store = &dev.store.port, .clock = &dev.clock.port, .crypto = &dev.crypto.port,
        .boot = &dev.boot.port, .health = &dev.health.port, .components = &dev.component, .component_count = 1,
        .repos = &dev.repo, .repo_count = 1, .report_url = base[2], .plain_http = true,
        .limits = *limits,
        .times = { .retry_base_s = 1, .retry_cap_s = 900 },
    };
}

static void start_agent(void)
{
    static _Alignas(16) unsigned char workspace[WORKSPACE_BYTES];

    must(ota_init(&dev.agent, &dev.cfg, workspace, sizeof workspace, NULL), "agent");
}

/* Peak memory of this process in KiB, as the system counts it. */
static unsigned long peak_kib(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long kib = 0;

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoul(line + 6, NULL, 10);
    if (f)
        (void)fclose(f);
    return kib;
}

/* `where` comes last: it may hold spaces. */
static void run(void)
{
    ota_err err = ota_run(dev.agent);
    struct ota_status s;

    ota_status(dev.agent, &s);
    (void)printf("result=%s fault=%s code=%d state=%s kept=%u next=%u fetched=%llu outcome=%u running=%s slot=%c peak=%lu where=%s\n",
                 ota_err_name(err), ota_err_name(s.last_fault.err), (int)s.last_fault.port_code, ota_state_name(s.state),
                 (unsigned)s.reports_kept, (unsigned)s.next_check_s, (unsigned long long)s.fetched, (unsigned)s.last_outcome,
                 s.component[0].running, 'a' + s.component[0].slot, peak_kib(), s.last_fault.where);
}

static void boot(void)
{
    struct ota_boot_record r;
    int32_t code = 0;
    bool changed;

    ota_close(dev.agent);
    must(ota_boot_record_load(path[3], &r, &code), "boot record");
    (void)ota_boot_record_start(&r, &changed);
    if (changed)
        must(ota_boot_record_store(path[3], &r, &code), "boot record");
    start_agent();
    (void)printf("slot=%c\n", 'a' + r.running[0]);
}

static bool obey(const char *command)
{
    if (strcmp(command, "run\n") == 0)
        run();
    else if (strcmp(command, "boot\n") == 0)
        boot();
    else
        return false;
    return fflush(stdout) == 0;
}

static void close_ports(void)
{
    ota_close(dev.agent);
    ota_posix_health_close(&dev.health);
    ota_posix_boot_close(&dev.boot);
    ota_posix_crypto_close(&dev.crypto);
    ota_posix_clock_close(&dev.clock);
    if (dev.fetcher.port.ops)
        ota_posix_fetcher_close(&dev.fetcher);
    else
        ota_posix_net_close(&dev.net);
    ota_posix_store_close(&dev.store);
    ota_posix_slot_close(&dev.slot[0]);
    ota_posix_slot_close(&dev.slot[1]);
    ota_posix_helper_stop(&dev.helper);
}

/* "--record FILE": the factory's boot record, slot a. */
static int make_record(const char *file)
{
    struct ota_boot_record r;
    int32_t code = 0;

    ota_boot_record_init(&r, (const uint8_t[]){ 0 }, 1);
    must(ota_boot_record_create(file, &r, &code), file);
    return 0;
}

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    char command[16];

    if (argc == 3 && strcmp(argv[1], "--record") == 0)
        return make_record(argv[2]);
    if (argc < 7 || argc > 8)
        give_up("usage", OTA_USAGE_ARGUMENT);
    const struct ota_limits limits = { .block = 8192, .connect_ms = number(argv[4]), .head_ms = number(argv[5]),
                                       .low_speed_s = number(argv[6]) };
    open_ports(argv[1], strcmp(argv[3], "-") == 0 ? NULL : argv[3]);
    configure(argv[1], argv[2], &limits);
    if (argc == 8 && !plant(&dev, argv[7]))
        give_up(argv[7], OTA_USAGE_ARGUMENT);
    start_agent();
    while (fgets(command, sizeof command, stdin))
        if (!obey(command))
            give_up(command, OTA_USAGE_ARGUMENT);
    close_ports();
    return 0;
}
