/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd URL ROOT TOTAL AT-ONCE SECONDS: so many real agents in one process, AT-ONCE of them alive at a time, each with a
 * libcurl port, a crypto port of Mbed TLS and slots, store and boot control in memory. Each checks in, takes the update that
 * is deployed, starts again, confirms it and reports; then the next one takes its place. Prints what it came to, and exits
 * with 1 when one fails or the time is over.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "ota/ota.h"
#include "ota/posix.h"
#include "ota/ram.h"

#define SLOT_BYTES 32768u
#define STORE_BYTES 49152u
#define ROOT_BYTES 16384u
#define AT_ONCE_MAX 500ul

struct member {
    bool alive;
    char id[32];
    struct ota_posix_net net;
    struct ota_ram_slot slot[2];
    struct ota_ram_store store;
    struct ota_ram_boot boot;
    struct ota_ram_health health;
    struct ota_component component;
    struct ota *agent;
    void *workspace;
    uint8_t store_mem[STORE_BYTES], slot_mem[2][SLOT_BYTES];
};

static struct {
    struct ota_posix_clock clock;
    struct ota_posix_crypto crypto;
    struct ota_repo repo;
    char url[3][256];
    uint8_t root[ROOT_BYTES];
    struct member *member;
    unsigned long started, confirmed, failed;
} crowd;

static void must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "crowd: %s\n", what);
    exit(2);
}

static struct ota_config config_of(struct member *m)
{
    return (struct ota_config){ .size = sizeof(struct ota_config), .product = "thermostat", .group = "production", .device_id = m->id,
        .net = &m->net.port, .store = &m->store.port, .clock = &crowd.clock.port, .crypto = &crowd.crypto.port,
        .boot = &m->boot.port, .health = &m->health.port, .components = &m->component, .component_count = 1,
        .repos = &crowd.repo, .repo_count = 1, .report_url = crowd.url[2], .plain_http = true,
        .limits = { .window_bits = 1, .delta_memory = 1, .block = 4096 }, .times = { .start_s = 1, .retry_base_s = 1 } };
}

static void start_agent(struct member *m)
{
    const struct ota_config cfg = config_of(m);
    size_t len = ota_workspace_len(&cfg);

    if (!m->workspace)
        m->workspace = malloc(len);
    must(m->workspace && ota_init(&m->agent, &cfg, m->workspace, len, NULL) == OTA_OK, "an agent cannot be made");
}

static void join(struct member *m)
{
    static const struct ota_slot_geometry geometry = { .size = SLOT_BYTES, .write_unit = 1 };
    static const uint8_t slot_a = 0;

    (void)snprintf(m->id, sizeof m->id, "crowd-%05lu", crowd.started++);
    must(ota_posix_net_open(&m->net, &(struct ota_posix_net_config){ 0 }, NULL) == OTA_OK, "no network port");
    for (size_t i = 0; i < 2; i++)
        ota_ram_slot_init(&m->slot[i], m->slot_mem[i], &geometry);
    ota_ram_store_init(&m->store, m->store_mem, sizeof m->store_mem);
    ota_ram_boot_init(&m->boot, &slot_a, 1);
    ota_ram_health_init(&m->health, NULL, 0);
    m->component = (struct ota_component){ .name = "app", .slot = { &m->slot[0].port, &m->slot[1].port }, .factory_version = "1.0.0" };
    start_agent(m);
    m->alive = true;
}

static void leave(struct member *m, bool good)
{
    ota_close(m->agent);
    ota_posix_net_close(&m->net);
    m->alive = false;
    crowd.confirmed += good;
    crowd.failed += !good;
}

/* @return milliseconds that this one can wait */
static uint32_t step(struct member *m)
{
    struct ota_wait wait = { 0 };
    struct ota_status s;

    if (ota_step(m->agent, &wait) == OTA_REBOOT) { /* the same process goes on as the device that starts again */
        ota_close(m->agent);
        (void)ota_ram_boot_start(&m->boot);
        start_agent(m);
        return 0;
    }
    ota_status(m->agent, &s);
    if (s.state != OTA_ST_IDLE || s.next_check_s == 0)
        return wait.ms;
    bool good = s.last_outcome == OTA_OUTCOME_CONFIRMED && s.reports_kept == 0 && strcmp(s.component[0].running, "2.0.0") == 0;
    if (!good)
        (void)fprintf(stderr, "%s: %s at %s\n", m->id, ota_err_name(s.last_fault.err), s.last_fault.where);
    leave(m, good);
    return 0;
}

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run(unsigned long total, unsigned long at_once, double seconds)
{
    const struct timespec nap = { 0, 1000000L };
    double end = now_s() + seconds;

    while (crowd.confirmed + crowd.failed < total && now_s() < end) {
        bool busy = false;

        for (size_t i = 0; i < at_once; i++) {
            struct member *m = &crowd.member[i];

            if (!m->alive && crowd.started < total)
                join(m);
            if (m->alive)
                busy |= step(m) == 0;
        }
        if (!busy)
            (void)nanosleep(&nap, NULL);
    }
    return crowd.confirmed == total;
}

static void read_root(const char *path)
{
    FILE *f = fopen(path, "rb");

    must(f != NULL, "ROOT cannot be read");
    crowd.repo.root_len = fread(crowd.root, 1, sizeof crowd.root, f);
    crowd.repo.root = crowd.root;
    (void)fclose(f);
}

int main(int argc, char **argv)
{
    static const char *const parts[] = { "p/thermostat/metadata/", "p/thermostat/targets/", "reports/" };
    static const char *const prefixes[] = { "group/", "app/", NULL };
    struct rusage used;

    must(argc == 6, "usage: crowd URL ROOT TOTAL AT-ONCE SECONDS");
    unsigned long total = strtoul(argv[3], NULL, 10), at_once = strtoul(argv[4], NULL, 10);
    must(total > 0 && at_once > 0 && at_once <= AT_ONCE_MAX, "TOTAL is 1.., AT-ONCE 1..500");
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(crowd.url[i], sizeof crowd.url[i], "%s%s", argv[1], parts[i]);
    crowd.repo = (struct ota_repo){ .name = "product", .metadata_url = crowd.url[0], .targets_url = crowd.url[1], .prefixes = prefixes };
    read_root(argv[2]);
    must(ota_posix_clock_open(&crowd.clock, &(struct ota_posix_clock_config){ 0 }, NULL) == OTA_OK, "no clock");
    must(ota_posix_crypto_open(&crowd.crypto, NULL, NULL) == OTA_OK, "no crypto");
    crowd.member = calloc(at_once, sizeof *crowd.member);
    must(crowd.member != NULL, "no memory");
    double began = now_s();
    bool good = run(total, at_once, strtod(argv[5], NULL));
    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("agents=%lu confirmed=%lu failed=%lu seconds=%.1f cpu=%.1f peak_kib=%ld\n", crowd.started, crowd.confirmed, crowd.failed,
                 now_s() - began, (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec, used.ru_maxrss);
    for (size_t i = 0; i < at_once; i++)
        free(crowd.member[i].workspace);
    free(crowd.member);
    return good ? 0 : 1;
}
