/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated device through thousands of updates and years: random versions, sick images, faults of the network, of
 * storage and of the clock, power cuts, keys that are replaced, metadata that expires. It never breaks a rule, runs what
 * the server wants after each update, tells each outcome once, and wears its flash and grows its process as little at the
 * end as at the beginning.
 *
 *   soak_updates [UPDATES [SEED]]     the same seed does the same again */
#define _GNU_SOURCE
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "journal.h"
#include "report.h"
#include "sim_must.h"
#include "soak.h"

#define START_S 1845000000LL             /* 2028-06-18: ten years from here pass 2032, 2036 and January 2038 */
#define YEARS 10
#define ERA 32u                          /* updates between two bundles of images */
#define BANK 10u                         /* images in a bundle */
#define ROTATION_S (90LL * 86400)        /* new online keys */
#define LIFE_S (30LL * 86400)            /* of metadata */
#define BLOCKS (SIM_SLOT_MAX / 512u)
#define VERSIONS 64u                     /* texts; more than images live at a time */

enum trouble {
    NO_TROUBLE, NET_DROPS, NET_FAILS, NO_ACK, POWER_CUT, TWO_CUTS, CALL_FAILS, CALLS_FAIL, AGENT_DIES, CLOCK_LOST, CLOCK_AHEAD,
    WITHDRAWN, STALE, KINDS_OF_TROUBLE
};

static const char *const trouble_names[] = { "none", "connection drops", "server fails", "report not acknowledged", "power cut",
    "two power cuts", "storage call fails", "storage fails from a call on", "agent dies", "clock not known", "clock ahead",
    "withdrawn midway", "metadata expires" };

static struct sim_cloud cloud;
static struct sim device;
static struct sim *const dev = &device;
static struct soak_crypto crypto;

static struct {
    uint64_t seed, dice;
    uint32_t update;
    enum trouble trouble;
    char version[VERSIONS][24];
    uint32_t versions;
    int64_t rotated_s, refreshed_s;
    uint32_t last_id;                   /* of reports */
    uint32_t confirmed, rolled_back, refused, rotations;
    uint32_t of_trouble[KINDS_OF_TROUBLE];
    uint32_t erases[2][BLOCKS];
    uint32_t updates;                   /* in all */
    size_t heap[3];                     /* the most of each third of them */
} soak;

static uint32_t dice(uint32_t below)
{
    soak.dice ^= soak.dice << 13;
    soak.dice ^= soak.dice >> 7;
    soak.dice ^= soak.dice << 17;
    return (uint32_t)((soak.dice >> 16) % below);
}

static void fail(const char *rule)
{
    struct ota_status s = sim_status(dev);

    (void)printf("seed %" PRIu64 ", update %u, %s: violates \"%s\"\n  state %s, holds %x, last fault %s at %s, last event fault %s at %s\n",
                 soak.seed, soak.update, trouble_names[soak.trouble], rule, ota_state_name(s.state), s.holds,
                 ota_err_name(s.last_fault.err), s.last_fault.where, ota_err_name(dev->log.fault.err), dev->log.fault.where);
    exit(1);
}

static int64_t now_s(void)
{
    return START_S + (int64_t)(dev->clock.ms / 1000);
}

static void count_wear(struct sim *d, const struct sim_op *op, const void *data)
{
    (void)d, (void)data;
    for (uint32_t off = op->off; op->kind == SIM_OP_ERASE && op->object < 2 && off < op->off + op->len; off += 512)
        soak.erases[op->object][off / 512]++;
}

/* ---- publishers ---- */

static void publish_new(bool good)
{
    static const enum sim_nature bad[] = { SIM_SICK, SIM_CRASHING, SIM_SILENT };
    char *version = soak.version[soak.versions++ % VERSIONS];

    (void)snprintf(version, sizeof soak.version[0], "%u.%u.%u", dice(100), dice(100), soak.versions);
    (void)sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = version, .len = 1000 + dice(4000),
        .deflate = dice(2) == 0, .nature = good ? SIM_HEALTHY : bad[dice(3)] });
}

/* Taken where the publishers hold one image and the metadata of today: all that could be more is what was kept by mistake. */
static void measure_heap(void)
{
    size_t heap = mallinfo2().uordblks, third = soak.update * 3ull / soak.updates;

    if (heap > soak.heap[third])
        soak.heap[third] = heap;
}

/* What runs stays known; everything else makes room for new images. */
static void new_era(void)
{
    const struct sim_image *running = sim_confirmed(dev, 0);
    bool rotate = now_s() - soak.rotated_s > ROTATION_S;
    char seed[32];

    cloud.image[0] = *running;
    cloud.image_count = 1;
    memset(dev->bad_starts, 0, sizeof dev->bad_starts);
    soak_trim(&cloud, now_s() + LIFE_S);
    measure_heap();
    dev->repo[0].root = cloud.product.root;
    dev->repo[1].root = cloud.os.root;
    soak.refreshed_s = now_s();
    for (uint32_t i = 0; i < BANK; i++)
        publish_new(i < BANK - 3);
    if (rotate) {
        (void)snprintf(seed, sizeof seed, "online-%u", ++soak.rotations);
        sim_repo_rotate(&cloud.product, seed);
        soak.rotated_s = now_s();
    }
}

static void deploy(const struct sim_image *i)
{
    if (now_s() - soak.refreshed_s > LIFE_S / 3) {
        sim_cloud_refresh(&cloud, now_s() + LIFE_S);
        soak.refreshed_s = now_s();
    }
    cloud.product.expires_s = now_s() + LIFE_S;
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { i } });
}

/* ---- trouble ---- */

static void cut_power(void)
{
    dev->cut_at = dev->ops + 1 + dice(90);
    dev->shape = (enum sim_shape)dice(SIM_CUT_RANDOM + 1);
    dev->seed = dice(1000);
}

static void fail_calls(bool on)
{
    dev->fail_at = dev->calls + 1 + dice(120);
    dev->fail_on = on;
    dev->fail_with = dice(2) ? OTA_DEVICE_FULL : OTA_DEVICE_STORE;
}

static void begin_trouble(void)
{
    switch (soak.trouble) {
    case NET_DROPS:
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = "/", .arg = 1 + dice(4), .skip = dice(12), .times = 1 + dice(3) });
        break;
    case NET_FAILS:
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_STATUS, .match = "/", .arg = 500 + dice(5), .skip = dice(12), .times = 1 + dice(3) });
        break;
    case NO_ACK:
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_NO_ACK, .match = "/report/", .times = 1 + dice(2) });
        break;
    case POWER_CUT:
    case TWO_CUTS:
        cut_power();
        break;
    case CALL_FAILS:
    case CALLS_FAIL:
        fail_calls(soak.trouble == CALLS_FAIL);
        break;
    case AGENT_DIES:
        dev->kill_at = dev->steps + 1 + dice(200);
        break;
    case CLOCK_LOST:
        dev->clock.utc_s = INT64_MIN;
        break;
    case CLOCK_AHEAD:
    case STALE: /* for the device it is the same: everything looks expired */
        dev->clock.utc_s = START_S + LIFE_S * (2 + dice(100));
        break;
    case WITHDRAWN:
        sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = ".img", .arg = 1 + dice(2) });
        break;
    default:
        break;
    }
}

static void end_trouble(void)
{
    sim_restore_power(dev);
    sim_net_heal(dev);
    dev->fail_at = 0;
    dev->kill_at = 0;
    dev->clock.utc_s = START_S;
}

static void suffer(void)
{
    enum sim_end end;

    begin_trouble();
    end = sim_check_in(dev);
    if (end == SIM_POWER_LOST && soak.trouble == TWO_CUTS) {
        cut_power();
        end = sim_check_in(dev);
    }
    if (end == SIM_STUCK)
        fail("the agent comes to rest");
    end_trouble();
}

/* ---- what must hold after an update ---- */

static void count_reports(uint32_t count[3])
{
    for (size_t i = 0; i < dev->report_count; i++) {
        const struct sim_report *r = &dev->report[i];

        if (r->id <= soak.last_id)
            fail("report ids only grow");
        soak.last_id = r->id;
        count[0] += sim_report_has(r, "outcome", "\"confirmed\"");
        count[1] += sim_report_has(r, "outcome", "\"rolled_back\"");
        count[2] += sim_report_has(r, "outcome", "\"refused\"");
    }
    dev->report_count = 0;
}

static void judge(const struct sim_image *before, const struct sim_image *wanted)
{
    bool good = wanted->nature == SIM_HEALTHY, changes = wanted != before;
    uint32_t count[3] = { 0 };

    if (dev->broken)
        fail(dev->broken);
    if (sim_confirmed(dev, 0) != (good ? wanted : before) || sim_running(dev, 0) != sim_confirmed(dev, 0))
        fail("the device runs what it must");
    if (sim_status(dev).reports_kept)
        fail("every report is delivered");
    count_reports(count);
    if (count[0] != (uint32_t)(changes && good) || count[1] != (uint32_t)(changes && !good))
        fail("the outcome is told once");
    soak.confirmed += count[0];
    soak.rolled_back += count[1];
    soak.refused += count[2];
}

static void settle(void)
{
    enum sim_end end = SIM_STUCK;

    for (int i = 0; i < 6 && end != SIM_IDLE; i++) {
        end = sim_run(dev);
        if (dev->broken)
            fail(dev->broken);
    }
    if (end != SIM_IDLE)
        fail("the device comes to rest without trouble");
}

static void update(uint64_t mean_ms)
{
    const struct sim_image *before, *wanted;
    uint32_t armed = sim_events(dev, OTA_EV_ARMED);

    if (getenv("SOAK_TELL") && soak.update == strtoul(getenv("SOAK_TELL"), NULL, 10))
        dev->tell = true;
    if (soak.update % ERA == 0)
        new_era();
    before = sim_confirmed(dev, 0);
    wanted = &cloud.image[dice((uint32_t)cloud.image_count)];
    soak.trouble = dice(100) < 60 ? NO_TROUBLE : (enum trouble)dice(KINDS_OF_TROUBLE);
    soak.of_trouble[soak.trouble]++;
    dev->clock.ms += mean_ms / 2 + dice((uint32_t)(mean_ms < UINT32_MAX ? mean_ms : UINT32_MAX));
    deploy(wanted);
    if (soak.trouble != NO_TROUBLE)
        suffer();
    if (soak.trouble == WITHDRAWN && sim_events(dev, OTA_EV_ARMED) == armed) {
        wanted = &cloud.image[dice((uint32_t)cloud.image_count)];
        deploy(wanted);
    }
    settle();
    judge(before, wanted);
    soak.update++;
}

/* ---- counters that are nearly used up ---- */

static void store(const char *name, const void *data, size_t len)
{
    int32_t code = 0;

    MUST(dev->store.port.ops->write(&dev->store.port, name, data, len, &code) == OTA_OK);
}

/* What a journal looks like after four thousand million writes, starts and reports. */
static void age_counters(uint32_t ids_left)
{
    static struct otai_journal j;
    static struct otai_ring ring;
    static uint8_t raw[OTAI_JOURNAL_MAX > OTAI_REPORTS_BYTES ? OTAI_JOURNAL_MAX : OTAI_REPORTS_BYTES];
    struct ota_fault fault;

    sim_kill(dev);
    MUST(otai_journal_load(&dev->store.port, &j, raw, &fault) == OTA_OK);
    MUST(otai_ring_load(&dev->store.port, &ring, raw, &fault) == OTA_OK);
    j.starts = UINT32_MAX - 3;
    j.report_last = ring.last_id = UINT32_MAX - ids_left;
    j.report_id = j.report_last;
    for (uint32_t generation = UINT32_MAX - 6; generation < UINT32_MAX - 4; generation++) {
        j.generation = generation;
        store(generation & 1 ? "journal.1" : "journal.0", raw, otai_journal_encode(&j, raw));
    }
    store("reports", raw, otai_ring_encode(&ring, raw));
    soak.last_id = j.report_last;
}

/* ---- */

static void open_all(uint64_t seed)
{
    const struct sim_image *factory;

    memset(&soak, 0, sizeof soak);
    soak.seed = seed;
    soak.dice = seed * 0x9e3779b97f4a7c15u + 1;
    soak.rotated_s = soak.refreshed_s = START_S;
    sim_cloud_open(&cloud);
    cloud.one_repo = true;
    factory = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "1.0.0", .len = 2000 });
    sim_cloud_refresh(&cloud, START_S + LIFE_S);
    sim_open(dev, &cloud, &factory, 1);
    dev->site = &cloud.web;
    dev->clock.utc_s = START_S;
    dev->on_op = count_wear;
    soak_crypto_open(&crypto, dev->cfg.crypto);
    dev->cfg.crypto = &crypto.port;
}

static uint32_t most_erased(void)
{
    uint32_t most = 0;

    for (size_t s = 0; s < 2; s++)
        for (size_t b = 0; b < BLOCKS; b++)
            most = soak.erases[s][b] > most ? soak.erases[s][b] : most;
    return most;
}

static void soak_for(uint32_t updates, uint64_t seed)
{
    uint64_t mean_ms = YEARS * 365250ull * 86400 / updates;
    char date[32];

    open_all(seed);
    soak.updates = updates;
    while (soak.update < updates)
        update(mean_ms);
    time_t end = (time_t)now_s();
    (void)strftime(date, sizeof date, "%Y-%m-%d", gmtime(&end));
    (void)printf("soak: seed %" PRIu64 ": %u updates until %s: %u confirmed, %u rolled back, %u refusals told, %u key rotations\n",
                 seed, updates, date, soak.confirmed, soak.rolled_back, soak.refused, soak.rotations);
    for (size_t i = 0; i < KINDS_OF_TROUBLE; i++) {
        (void)printf("  %-28s %u\n", trouble_names[i], soak.of_trouble[i]);
        if (updates >= 1000 && soak.of_trouble[i] == 0)
            fail("every trouble comes");
    }
    (void)printf("  wear: the most worn block was erased %u times, %.2f per update; %.1f record writes per update\n", most_erased(),
                 (double)most_erased() / updates, (double)dev->store_writes / updates);
    (void)printf("  generation of the journal: %lld; last report id: %u; heap: at most %zu, %zu, %zu bytes\n",
                 (long long)dev->log.last_a[OTA_EV_START], soak.last_id, soak.heap[0], soak.heap[1], soak.heap[2]);
    /* Updates go to the two slots in turn, and a sick one is tried in the same slot again. */
    if (most_erased() > updates)
        fail("a block is erased at most once per update");
    if (dev->store_writes > 60ull * updates)
        fail("records are written a bounded number of times");
    /* Blocks that the C library caches count as taken: there are more of them in time, up to a limit. */
    if (updates >= 1000 && soak.heap[2] > soak.heap[0] + 65536)
        fail("the process does not grow");
    if (end > START_S && updates >= 1000 && end < 2148000000LL)
        fail("the years pass January 2038");
    sim_cloud_close(&cloud);
}

/* The seconds of 2106 that do not fit 32 bits, and every counter of the journal on its way across its end. */
static void nearly_used_up(uint64_t seed)
{
    open_all(seed);
    soak.updates = 40;
    dev->clock.ms = (uint64_t)(4294967296LL - 20 * 86400 - START_S) * 1000u;
    while (soak.update < soak.updates) {
        if (soak.update == 10)
            age_counters(1000);
        update(86400000);
    }
    if (now_s() < 4294967296LL || dev->log.last_a[OTA_EV_START] > 100000)
        fail("time and counters pass their 32 bits");
    sim_cloud_close(&cloud);
}

int main(int argc, char **argv)
{
    uint32_t updates = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

    soak_for(updates, seed);
    nearly_used_up(seed);
    (void)printf("2 passed, 0 failed\n");
    return 0;
}
