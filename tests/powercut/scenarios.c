/* SPDX-License-Identifier: Apache-2.0 */
/* The scenarios. site[0] offers version 2.0.0 unless publish() changes that; world() turns to another site, breaks things
 * and mends them, in steps that dev->phase counts. */
#include <string.h>

#include "bytes.h"
#include "powercut.h"
#include "sim_must.h"

/* Where the journal holds progress[0].out_off: behind its head, the main table, and wanted, slot, security, length. */
#define OUT_OFF (12u + 4 + 4 + 4 * 3 + 8 * 5 + 32 * 3 + (4 + 4 + 1 + 1 + 48) + 80 + (1 + 1 + 4 + 8))

#define BLOCKED_OFF (12u + 4 + 4 + 4 * 3 + 8 * 5 + 32 * 2)

/* ---- what is published ---- */

static const struct sim_image *add(struct stage *s, const char *version, uint32_t security, enum sim_nature nature)
{
    return sim_cloud_image(&s->cloud, &(struct sim_image_spec){ .component = "os", .version = version, .nature = nature,
                                          .len = s->image_len, .deflate = s->scenario->deflate, .block = s->geometry.block,
                                          .security = security });
}

static void deploy(struct stage *s, const struct sim_image *os, size_t site)
{
    sim_cloud_deploy(&s->cloud, &(struct sim_deploy){ .image = { os } });
    s->site[site] = s->cloud.web;
}

static void publish_three(struct stage *s)
{
    deploy(s, add(s, "3.0.0", 3, SIM_HEALTHY), 1);
}

/* The deployment is taken back: the group shall run what the factory installed. */
static void publish_withdrawal(struct stage *s)
{
    deploy(s, s->factory[0], 1);
}

static void publish_rotation(struct stage *s)
{
    sim_repo_rotate(&s->cloud.product, "online-2");
    s->site[1] = s->cloud.web;
}

static void publish_older(struct stage *s)
{
    deploy(s, add(s, "1.5.0", 1, SIM_HEALTHY), 1);
}

/* site[1] is what the server held before anything was deployed. */
static void publish_replay(struct stage *s)
{
    s->site[1] = s->site[0];
    deploy(s, s->two[0], 0);
}

/* The same system without the application; then with a newer one; then a newer system without it. */
static void publish_return(struct stage *s)
{
    deploy(s, s->factory[0], 0);
    sim_cloud_deploy(&s->cloud, &(struct sim_deploy){ .image = { s->factory[0], s->two[1] } });
    s->site[1] = s->cloud.web;
    deploy(s, add(s, "3.0.0", 3, SIM_HEALTHY), 2);
}

/* ---- hooks ---- */

static void turn(struct sim *dev, size_t site)
{
    dev->site = &stage_of(dev)->site[site];
    dev->phase++;
    dev->since_ms = dev->clock.ms;
}

static bool downloaded_some(const struct sim *dev)
{
    const struct ota_status s = sim_status(dev);

    return s.state == OTA_ST_DOWNLOAD && s.component[0].done > s.component[0].length / 3;
}

static bool rests_after(const struct sim *dev, enum ota_outcome outcome)
{
    const struct ota_status s = sim_status(dev);

    return s.state == OTA_ST_IDLE && s.last_outcome == outcome && s.reports_kept == 0;
}

/* The download breaks off once, so that the next check-in comes before its end. */
static void change_mid_way(struct sim *dev)
{
    if (dev->phase != 0 || !downloaded_some(dev))
        return;
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = ".img", .arg = 1, .times = 1 });
    turn(dev, 1);
    dev->net.down = true;
}

static void world_change(struct sim *dev)
{
    if (dev->phase == 0)
        change_mid_way(dev);
    else if (dev->net.down && dev->clock.ms > dev->since_ms + 20000)
        dev->net.down = false;
}

static void world_rotate(struct sim *dev)
{
    if (dev->phase == 0 && dev->log.count[OTA_EV_TRUST_FETCH] > 1)
        turn(dev, 1);
}

static void world_then_next(struct sim *dev)
{
    if (dev->phase == 0 && rests_after(dev, OTA_OUTCOME_CONFIRMED) && sim_confirmed(dev, 0) == stage_of(dev)->two[0])
        turn(dev, 1);
}

static void world_then_return(struct sim *dev)
{
    bool rests = rests_after(dev, OTA_OUTCOME_CONFIRMED);

    if (dev->phase == 0 && rests && !sim_confirmed(dev, 1))
        turn(dev, 1);
    else if (dev->phase == 1 && rests && sim_confirmed(dev, 1) == stage_of(dev)->two[1])
        turn(dev, 2);
}

static void world_then_next_after_rollback(struct sim *dev)
{
    if (dev->phase == 0 && rests_after(dev, OTA_OUTCOME_ROLLED_BACK))
        turn(dev, 1);
}

/* One byte of the new image changes after it was sealed. */
static void world_rot(struct sim *dev)
{
    enum ota_state state = sim_status(dev).state;

    if (dev->phase == 0 && (state == OTA_ST_ARM || state == OTA_ST_REBOOT)) {
        struct sim_slot *spare = &dev->slot[0][1 - dev->boot.record.running[0]];

        spare->data[stage_of(dev)->image_len / 2] ^= 0x10u;
        spare->synced[stage_of(dev)->image_len / 2] ^= 0x10u;
        dev->rotten = true;
        dev->phase = 1;
    } else if (dev->phase == 1 && (rests_after(dev, OTA_OUTCOME_ROLLED_BACK) || rests_after(dev, OTA_OUTCOME_CONFIRMED))) {
        turn(dev, 1);
    }
}

/* Time that was granted is noted before it is granted: however often the power fails in between, all of it together stays
 * below the cap. */
static void world_defer(struct sim *dev)
{
    const uint32_t ask_s = 1500, cap_s = dev->cfg.times.defer_cap_s;
    uint32_t granted = 0;

    if (dev->phase == 1 || sim_status(dev).state != OTA_ST_READY || (sim_status(dev).holds & OTA_HOLD_DEFERRED))
        return;
    if (ota_defer(dev->agent, ask_s, &granted) != OTA_OK)
        return;   /* not noted, not granted */
    dev->own[SIM_OWN_MAX - 1] += granted;
    if (dev->own[SIM_OWN_MAX - 1] > cap_s)
        sim_break(dev, "a deployment is never deferred beyond its cap");
    if (granted < ask_s)
        dev->phase = 1;
}

/* The store is full from the first block on, and has room again ten minutes later. */
static void world_full(struct sim *dev)
{
    if (dev->phase == 0 && downloaded_some(dev)) {
        dev->disk_full = true;
        dev->phase = 1;
        dev->since_ms = dev->clock.ms;
    } else if (dev->phase == 1 && dev->clock.ms > dev->since_ms + 600000) {
        dev->disk_full = false;
        dev->phase = 2;
    }
}

static void prepare_no_clock(struct sim *dev)
{
    dev->clock.utc_s = INT64_MIN;
}

/* Not known, then right, then far ahead during the trial, then right again. */
static void world_clock(struct sim *dev)
{
    enum ota_state state = sim_status(dev).state;

    if (dev->phase == 0 && dev->clock.ms > 8000) {
        dev->clock.utc_s = SIM_NOW_S;
        dev->phase = 1;
    } else if (dev->phase == 1 && state == OTA_ST_TRIAL) {
        dev->clock.utc_s = SIM_NOW_S + 4000LL * 86400;
        dev->phase = 2;
        dev->since_ms = dev->clock.ms;
    } else if (dev->phase == 2 && dev->clock.ms > dev->since_ms + 3000000) {
        dev->clock.utc_s = SIM_NOW_S;
        dev->phase = 3;
    }
}

static void prepare_drops(struct sim *dev)
{
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_DROP, .match = ".img", .arg = 2, .times = 2 });
}

static void prepare_lost_ack(struct sim *dev)
{
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_UNREACHABLE, .match = "/report/", .times = 1 });
    sim_net_fault(dev, (struct sim_fault){ .kind = SIM_NET_NO_ACK, .match = "/report/", .skip = 1, .times = 1 });
}

static void prepare_app(struct sim *dev)
{
    dev->judged_by_app = true;
}

static void world_app(struct sim *dev)
{
    if (sim_status(dev).state == OTA_ST_TRIAL && dev->clock.ms > dev->clock.boot_ms + 1000)
        MUST(ota_confirm(dev->agent) == OTA_OK);
}

static void prepare_trickle(struct sim *dev)
{
    dev->crypto.random = 77;
    dev->net.chunk = 97;
}

/* ---- journals of other versions ---- */

static uint8_t *journal_bytes(struct sim *dev, const char *name, uint32_t **file_len, size_t **record_len)
{
    struct sim_file_body *f = sim_file_named(dev, name);

    if (f) {
        *file_len = &f->len;
        return f->now;
    }
    for (size_t i = 0; i < dev->store.count; i++) {
        if (strcmp(dev->store.record[i].name, name) != 0)
            continue;
        *record_len = &dev->store.record[i].len;
        return dev->store.record[i].data;
    }
    return NULL;
}

static void rewrite_journal(struct sim *dev, const char *name, int extra)
{
    uint32_t *file_len = NULL;
    size_t *record_len = NULL;
    uint8_t *p = journal_bytes(dev, name, &file_len, &record_len);

    if (!p)
        return;
    size_t len = file_len ? *file_len : *record_len, now = (size_t)((int)len + extra);
    if (extra > 0)
        memset(p + len - 4, 0x5a, (size_t)extra);
    p[5] = extra > 0 ? 1 : 0;
    p[6] = (uint8_t)(now - 16);
    p[7] = (uint8_t)((now - 16) >> 8);
    otai_put_le32(p + now - 4, otai_crc32(0, p, now - 4));
    if (record_len)
        *record_len = now;
    if (file_len) {
        struct sim_file_body *f = sim_file_named(dev, name);

        f->len = f->safe_len = (uint32_t)now;
        memcpy(f->safe, f->now, now);
    }
}

/* The device was in use before, under a library whose journal is longer or shorter than ours. */
static void with_journal(struct sim *dev, int extra)
{
    const struct sim_web *offer = dev->site;

    dev->site = &stage_of(dev)->site[2];
    MUST(sim_run(dev) == SIM_IDLE);
    sim_power_cycle(dev);
    rewrite_journal(dev, "journal.0", extra);
    rewrite_journal(dev, "journal.1", extra);
    dev->site = offer;
}

static void prepare_next_journal(struct sim *dev)
{
    with_journal(dev, 40);
}

/* Without its last table: what is installed has to be found out again. */
static void prepare_previous_journal(struct sim *dev)
{
    with_journal(dev, -4 * (1 + 4 + 32 + 32));
}

/* ---- journals that are damaged or lost ---- */

static bool copy_of(struct sim *dev, const char *name, uint32_t *generation, uint8_t **bytes)
{
    uint32_t *file_len = NULL;
    size_t *record_len = NULL;

    *bytes = journal_bytes(dev, name, &file_len, &record_len);
    *generation = *bytes ? otai_get_le32(*bytes + 8) : 0;
    return *bytes != NULL;
}

static void change_byte(struct sim *dev, uint8_t *p, size_t off, uint8_t bits)
{
    p[off] ^= bits;
    for (uint8_t i = 0; i < SIM_FILES_MAX; i++)
        if (dev->medium.file[i].now == p)
            dev->medium.file[i].safe[off] ^= bits;
}

/* The newest copy claims that more of the image is in the slot than is. */
static void rot_journal(struct sim *dev)
{
    uint32_t generation[2];
    uint8_t *p[2];

    (void)copy_of(dev, "journal.0", &generation[0], &p[0]);
    (void)copy_of(dev, "journal.1", &generation[1], &p[1]);
    unsigned newest = generation[1] > generation[0];
    if (!p[newest])
        return;
    change_byte(dev, p[newest], OUT_OFF + 1, 0x06);
    change_byte(dev, p[newest], OUT_OFF + 8 + 1, 0x06);
    change_byte(dev, p[newest], BLOCKED_OFF, 0x01);
}

static void lose_journals(struct sim *dev)
{
    static const char *const names[] = { "journal.0", "journal.1" };
    uint32_t generation;
    uint8_t *p;

    for (size_t i = 0; i < 2; i++) {
        if (!copy_of(dev, names[i], &generation, &p))
            continue;
        change_byte(dev, p, 4, 0xff);
    }
}

/* Half of the download is there, the newest copy of the journal rots, and the agent starts again; and once more when the
 * image was rolled back. */
static void world_journal_rot(struct sim *dev)
{
    if ((dev->phase == 0 && downloaded_some(dev)) || (dev->phase == 1 && rests_after(dev, OTA_OUTCOME_ROLLED_BACK))) {
        rot_journal(dev);
        dev->phase++;
        dev->kill_at = dev->steps + 1;
    }
}

/* The newest copy of the boot record, where it is a file: more tries than were given. */
static void world_boot_rot(struct sim *dev)
{
    struct sim_file_body *f = sim_file_named(dev, &SIM_FS_BOOT[1]);

    if (dev->phase != 0 || !f || sim_status(dev).state != OTA_ST_REBOOT || dev->boot.record.state != OTA_BOOT_TRIAL_ARMED)
        return;
    uint8_t *other = f->now + OTA_BOOT_RECORD_COPY_OFF;
    uint8_t *newest = otai_get_le64(other + 8) > otai_get_le64(f->now + 8) ? other : f->now;
    change_byte(dev, f->now, (size_t)(newest - f->now) + 6, 0x08);
    sim_boot_refresh(dev);
    dev->phase = 1;
}

static void lose_and_restart(struct sim *dev)
{
    lose_journals(dev);
    dev->phase++;
    dev->since_ms = dev->clock.ms;
    dev->kill_at = dev->steps + 1;
}

/* No copy is left when the trial runs; and again when all is done, before the next deployment comes; and once more. */
static void world_journal_lost(struct sim *dev)
{
    const struct stage *s = stage_of(dev);
    bool idle = sim_status(dev).state == OTA_ST_IDLE, later = dev->clock.ms > dev->since_ms + 1000;

    if (dev->phase == 0 && sim_status(dev).state == OTA_ST_TRIAL)
        lose_and_restart(dev);
    else if (dev->phase == 1 && idle && sim_confirmed(dev, 0) == s->two[0])
        lose_and_restart(dev);
    else if (dev->phase == 2 && idle && later)
        turn(dev, 1);
    else if (dev->phase == 3 && idle && sim_status(dev).reports_kept == 0 && sim_confirmed(dev, 0) == stage_image(s, "os", "3.0.0"))
        lose_and_restart(dev);
    else if (dev->phase == 4 && idle && later)
        turn(dev, 2);
}

/* The update is ready, and is called off for a newer one. */
static void world_cancel(struct sim *dev)
{
    if (dev->phase == 0 && sim_status(dev).state == OTA_ST_READY) {
        ota_cancel(dev->agent);
        turn(dev, 1);
    }
}

static void publish_three_and_four(struct stage *s)
{
    deploy(s, add(s, "3.0.0", 3, SIM_HEALTHY), 1);
    deploy(s, add(s, "4.0.0", 4, SIM_HEALTHY), 2);
}

static void publish_factory_first(struct stage *s)
{
    sim_cloud_deploy(&s->cloud, &(struct sim_deploy){ .image = { s->factory[0] } });
    s->site[2] = s->cloud.web;
    deploy(s, s->two[0], 0);
}

/* ---- the table ---- */

#define TOLD(outcome_, version_) { .outcome = outcome_, .version = version_, .must = true }
#define MAY(outcome_, version_) { .outcome = outcome_, .version = version_ }

const struct scenario powercut_scenarios[] = {
    { .name = "full", .what = "a plain image", .components = 1, .core = true, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "deflate", .what = "a deflated image", .components = 1, .core = true, .deflate = true,
      .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "delta", .what = "a delta from what runs", .components = 1, .core = true, .delta = true,
      .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "delta-bad", .what = "a delta that makes other bytes, then the deflated image", .components = 1, .deflate = true,
      .delta = true, .damage = SIM_DELTA_OTHER_BASE, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "index", .what = "the blocks that the device lacks", .components = 1, .index = true,
      .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "crash", .what = "the new image crashes at once", .tomorrow = true, .components = 1, .core = true, .os = SIM_CRASHING, .bad = true,
      .os_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "silent", .what = "the new image never confirms", .components = 1, .core = true, .os = SIM_SILENT, .bad = true,
      .os_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "sick", .what = "the health check condemns the new image", .two_repos = true, .components = 1, .os = SIM_SICK, .bad = true,
      .os_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "next", .what = "two updates, one after the other", .phases = 1, .components = 1, .publish = publish_three,
      .world = world_then_next, .os_end = "3.0.0", .expect = { TOLD("confirmed", "2.0.0"), TOLD("confirmed", "3.0.0") } },
    { .name = "recover", .what = "a crashing image, then a good one", .phases = 1, .components = 1, .os = SIM_CRASHING, .bad = true,
      .publish = publish_three, .world = world_then_next_after_rollback, .os_end = "3.0.0",
      .expect = { TOLD("rolled_back", "2.0.0"), TOLD("confirmed", "3.0.0") } },
    { .name = "rot", .what = "the slot changes after it was sealed", .phases = 2, .components = 1, .bad = true, .publish = publish_three,
      .world = world_rot, .refusals = true, .os_end = "3.0.0",
      .expect = { MAY("rolled_back", "2.0.0"), MAY("confirmed", "2.0.0"), TOLD("confirmed", "3.0.0") } },
    { .name = "withdrawn", .what = "the server takes the update back mid-way", .phases = 1, .components = 1, .publish = publish_withdrawal,
      .world = world_change, .os_end = "1.0.0", .expect = { MAY("confirmed", "2.0.0"), MAY("confirmed", "1.0.0") } },
    { .name = "newer", .what = "a newer version appears mid-way", .phases = 1, .components = 1, .publish = publish_three,
      .world = world_change, .os_end = "3.0.0", .expect = { MAY("confirmed", "2.0.0"), TOLD("confirmed", "3.0.0") } },
    { .name = "rotation", .what = "the root is rotated while metadata is fetched", .phases = 1, .two_repos = true, .components = 1, .publish = publish_rotation,
      .world = world_rotate, .refusals = true, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "defer", .what = "the application asks for time", .phases = 1, .components = 1, .world = world_defer,
      .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "app", .what = "the application judges the trial", .components = 1, .prepare = prepare_app, .world = world_app,
      .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "two", .what = "two components, deflated", .two_repos = true, .components = 2, .deflate = true,
      .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "two-sick", .what = "two components, the second is sick", .components = 2, .app = SIM_SICK, .bad = true,
      .os_end = "1.0.0", .app_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "two-os-sick", .what = "two components, the first is sick: the second goes back with it", .components = 2, .os = SIM_SICK,
      .bad = true, .os_end = "1.0.0", .app_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "remove", .what = "an update of the system that takes the application out", .components = 2, .remove = true,
      .app_end = "", .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "remove-sick", .what = "the same, and the system is sick: the application comes back", .components = 2, .remove = true,
      .os = SIM_SICK, .bad = true, .os_end = "1.0.0", .app_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "remove-return", .what = "the application is taken out, comes again, and goes", .phases = 2, .more_starts = 1, .components = 2, .remove = true,
      .publish = publish_return, .world = world_then_return, .os_end = "3.0.0", .app_end = "",
      .expect = { TOLD("confirmed", ""), TOLD("confirmed", "2.0.0"), TOLD("confirmed", "3.0.0") } },
    { .name = "disk-full", .what = "the store has no space for ten minutes", .phases = 2, .components = 1, .world = world_full,
      .refusals = true, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "clock", .what = "the clock is unknown, then right, then ten years ahead, then right", .phases = 3, .components = 1,
      .prepare = prepare_no_clock, .world = world_clock, .refusals = true, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "resume", .what = "the network drops twice in the download", .components = 1, .prepare = prepare_drops,
      .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "downgrade", .what = "then the server offers a lower security version", .phases = 1, .components = 1, .publish = publish_older,
      .world = world_then_next, .backs_off = true, .refusals = true, .expect = { TOLD("confirmed", "2.0.0"), TOLD("refused", NULL) } },
    { .name = "replay", .what = "then the server offers its old metadata", .phases = 1, .components = 1, .publish = publish_replay,
      .world = world_then_next, .backs_off = true, .refusals = true, .expect = { TOLD("confirmed", "2.0.0"), TOLD("refused", NULL) } },
    { .name = "lost-ack", .what = "a report does not get through, then its acknowledgement does not", .components = 1, .core = true,
      .prepare = prepare_lost_ack, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "next-journal", .what = "the journal is of a later minor version", .components = 1,
      .publish = publish_factory_first, .prepare = prepare_next_journal, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "old-journal", .what = "the journal is of an earlier version", .components = 1,
      .publish = publish_factory_first, .prepare = prepare_previous_journal, .expect = { TOLD("confirmed", "2.0.0") } },
    { .name = "journal-rot", .what = "the newest journal rots: in the download, and after the rollback", .phases = 2, .components = 1,
      .os = SIM_CRASHING, .bad = true, .world = world_journal_rot, .os_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "boot-rot", .what = "the newest copy of the boot record rots before a crashing image starts", .components = 1,
      .os = SIM_CRASHING, .bad = true, .world = world_boot_rot, .os_end = "1.0.0", .expect = { TOLD("rolled_back", "2.0.0") } },
    { .name = "journal-lost", .what = "no journal is left in the trial, nor after it", .phases = 5, .more_starts = 1, .components = 1,
      .publish = publish_three_and_four, .world = world_journal_lost, .os_end = "4.0.0",
      .expect = { MAY("confirmed", "2.0.0"), TOLD("confirmed", "3.0.0"), TOLD("confirmed", "4.0.0") } },
    { .name = "cancel", .what = "an update that is ready is called off for a newer one", .phases = 1, .components = 1,
      .publish = publish_three, .world = world_cancel, .os_end = "3.0.0",
      .expect = { MAY("confirmed", "2.0.0"), TOLD("confirmed", "3.0.0") } },
    { .name = "trickle", .what = "the network gives few bytes at a time", .components = 1, .deflate = true,
      .prepare = prepare_trickle, .expect = { TOLD("confirmed", "2.0.0") } },
};
const size_t powercut_scenario_count = sizeof powercut_scenarios / sizeof powercut_scenarios[0];
