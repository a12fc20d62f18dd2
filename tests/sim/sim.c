/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <string.h>

#include "sim_must.h"

#define STARTS_MAX 40       /* of the device, in one run */
#define STEPS_MAX 200000    /* of the agent, in one run */
#define CHECK_INS_MAX 8     /* of the agent, in one run, when they fail */
#define LAUNCHES_MAX 3      /* of a program that ends at once, by what started it */
#define RESTART_MS 2000

static const char *const os_prefixes[] = { "os/", NULL };
static const char *const product_prefixes[] = { "app/", "group/", NULL };

static struct ota_slot *slot_port(struct sim *dev, size_t i, size_t k)
{
    return dev->geometry.slot_files ? &dev->slot_file[i][k].port : &dev->slot[i][k].port;
}

/* Everything in the configuration that points into the device. */
static void point(struct sim *dev)
{
    static const char *const names[SIM_COMPONENTS] = { "os", "app" };
    struct ota_config *cfg = &dev->cfg;

    for (size_t i = 0; i < dev->components; i++)
        dev->component[i] = (struct ota_component){ .name = names[i], .factory_version = "1.0.0",
            .slot = { slot_port(dev, i, 0), slot_port(dev, i, 1) }, .removable = i == 1 && dev->spare_app };
    cfg->net = &dev->net.port;
    cfg->store = dev->geometry.files ? &dev->files.port : &dev->store.port;
    cfg->clock = &dev->clock.port;
    cfg->crypto = &dev->crypto.port;
    cfg->boot = &dev->boot.port;
    cfg->health = &dev->health.port;
    cfg->log = &dev->log.port;
    cfg->components = dev->component;
    cfg->component_count = dev->components;
    cfg->repos = dev->repo;
    cfg->repo_count = 2;
}

static void configure(struct sim *dev)
{
    const struct sim_cloud *c = dev->cloud;
    const struct sim_geometry *g = &dev->geometry;

    dev->repo[0] = (struct ota_repo){ .name = "product", .metadata_url = c->product.metadata_url,
        .targets_url = c->product.targets_url, .prefixes = product_prefixes, .root = c->product.root,
        .root_len = c->product.root_len };
    dev->repo[1] = (struct ota_repo){ .name = "os", .metadata_url = c->os.metadata_url, .targets_url = c->os.targets_url,
        .prefixes = os_prefixes, .root = c->os.root, .root_len = c->os.root_len };
    dev->cfg = (struct ota_config){ .size = sizeof dev->cfg, .product = "thermostat", .group = "production", .device_id = "dev-1",
        .report_url = SIM_REPORT_URL, .limits = { .block = g->block, .io = g->io, .window_bits = (uint8_t)g->window_bits,
                                                  .delta_memory = SIM_DELTA_MEMORY },
        .times = { .health_deadline_s = 30, .retry_cap_s = 600, .defer_cap_s = 3600, .start_s = 1 } };
    point(dev);
}

static struct sim_geometry with_defaults(const struct sim_geometry *in)
{
    struct sim_geometry g = *in;

    g.write_unit = g.write_unit ? g.write_unit : 16;
    for (size_t k = 0; k < 2; k++)
        g.slot_size[k] = g.slot_size[k] ? g.slot_size[k] : SIM_SLOT_MAX;
    g.io = g.io ? g.io : 512;
    g.block = g.block ? g.block : 2048;
    g.window_bits = g.window_bits ? g.window_bits : 10;
    return g;
}

static void install(struct sim *dev, size_t i, const struct sim_image *image)
{
    for (size_t k = 0; k < 2; k++)
        memset(dev->slot[i][k].data, dev->geometry.erased, dev->geometry.slot_size[k]);
    MUST(image->len <= dev->geometry.slot_size[0]);
    memcpy(dev->slot[i][0].data, image->data, image->len);
    for (size_t k = 0; k < 2; k++)
        memcpy(dev->slot[i][k].synced, dev->slot[i][k].data, dev->geometry.slot_size[k]);
}

/* Files and the agent's memory are large, and cleared when they come into use. */
static void clear(struct sim *dev)
{
    size_t chip = offsetof(struct sim, medium.chip), files = offsetof(struct sim, medium.file);

    memset(dev, 0, chip);
    dev->medium.chip.size = 0;
    for (size_t i = 0; i < SIM_FILES_MAX; i++)
        dev->medium.file[i].len = dev->medium.file[i].safe_len = dev->medium.file[i].dirty = 0;
    memset((char *)dev + files + sizeof dev->medium.file, 0, offsetof(struct sim, workspace) - files - sizeof dev->medium.file);
}

void sim_open_as(struct sim *dev, const struct sim_cloud *cloud, const struct sim_image *const *image, size_t components,
                 const struct sim_geometry *geometry)
{
    uint8_t first[SIM_COMPONENTS] = { 0 };

    clear(dev);
    dev->cloud = cloud;
    dev->web = cloud->web;
    dev->components = components;
    dev->geometry = with_defaults(geometry);
    dev->tell = getenv("SIM_LOG") != NULL;
    sim_ports_open(dev);
    sim_net_open(dev);
    sim_crypto_open(dev);
    sim_rig_open(dev);
    memset(dev->medium.chip.now, 0xff, dev->medium.chip.size);
    memset(dev->medium.chip.safe, 0xff, dev->medium.chip.size);
    ota_boot_record_init(&dev->boot.record, first, components);
    if (dev->geometry.files)
        sim_fs_make_boot(dev, &dev->boot.record);
    for (size_t i = 0; i < components; i++)
        install(dev, i, image[i]);
    configure(dev);
}

void sim_open(struct sim *dev, const struct sim_cloud *cloud, const struct sim_image *const *image, size_t components)
{
    sim_open_as(dev, cloud, image, components, &(struct sim_geometry){ .erase_unit = 512, .erased = 0xff });
}

const struct sim_web *sim_site(const struct sim *dev)
{
    return dev->site ? dev->site : &dev->web;
}

/* ---- a copy ---- */

static void copy_slots(struct sim *to, const struct sim *from)
{
    for (size_t c = 0; c < from->components; c++) {
        for (size_t k = 0; k < 2; k++) {
            const struct sim_slot *s = &from->slot[c][k];

            memcpy(to->slot[c][k].erases, s->erases, sizeof s->erases);
            memcpy(to->slot[c][k].data, s->data, s->geometry.size);
            memcpy(to->slot[c][k].synced, s->synced, s->geometry.size);
        }
    }
}

static void copy_records(struct sim_store *to, const struct sim_store *from)
{
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        memcpy(to->record[i].name, from->record[i].name, sizeof from->record[i].name);
        to->record[i].len = from->record[i].len;
        memcpy(to->record[i].data, from->record[i].data, from->record[i].len);
    }
}

/* The ports point to their device. */
static void copy_world(struct sim *to, const struct sim *from)
{
    to->boot.record = from->boot.record;
    to->clock = from->clock;
    to->clock.dev = to;
    to->log = from->log;
    to->log.dev = to;
    to->crypto.random = from->crypto.random;
    to->net = from->net;
    to->net.dev = to;
    to->net.open = false;
    to->net.bad = NULL;
}

static void copy_history(struct sim *to, const struct sim *from)
{
    to->report_count = from->report_count;
    for (size_t i = 0; i < from->report_count; i++) {
        to->report[i].id = from->report[i].id;
        to->report[i].puts = from->report[i].puts;
        to->report[i].len = from->report[i].len;
        memcpy(to->report[i].body, from->report[i].body, from->report[i].len + 1);
    }
    to->broken = from->broken;
    to->starts = from->starts;
    memcpy(to->bad_starts, from->bad_starts, sizeof to->bad_starts);
    to->slot_writes = from->slot_writes;
    to->store_writes = from->store_writes;
    to->steps = from->steps;
    to->ops = from->ops;
    to->calls = from->calls;
    to->off = from->off;
}

void sim_copy(struct sim *to, const struct sim *from)
{
    to->cloud = from->cloud;
    to->site = from->site;
    if (!from->site)
        to->web = from->web;
    to->components = from->components;
    to->geometry = from->geometry;
    sim_ports_open(to);
    sim_net_open(to);
    sim_crypto_open(to);
    sim_rig_open(to);
    copy_records(&to->store, &from->store);
    copy_slots(to, from);
    sim_medium_copy(to, from);
    copy_world(to, from);
    copy_history(to, from);
    memset(to->fd, 0, sizeof to->fd);
    memcpy(to->repo, from->repo, sizeof to->repo);
    to->cfg = from->cfg;
    to->spare_app = from->spare_app;
    point(to);
    to->agent = NULL;
    to->judged_by_app = from->judged_by_app;
    to->on_step = from->on_step;
    to->context = from->context;
    to->phase = from->phase;
    to->since_ms = from->since_ms;
    to->on_op = from->on_op;
    to->depth = from->depth;
    to->cut_at = to->kill_at = to->fail_at = to->failed = 0;
    to->restart_drops = from->restart_drops;
    to->disk_full = from->disk_full;
    to->rotten = from->rotten;
    to->tell = false;
    to->on_start = from->on_start;
    memcpy(to->own, from->own, sizeof to->own);
}

uint64_t sim_mix(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t v;

    for (; len >= sizeof v; len -= sizeof v, p += sizeof v) {
        memcpy(&v, p, sizeof v);
        h = (h ^ v) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    v = len;
    memcpy(&v, p, len);
    h = (h ^ v ^ ((uint64_t)len << 56)) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint64_t mix_names(uint64_t h, const struct sim *dev)
{
    const struct sim_dir *d = &dev->medium.dir;

    for (uint8_t i = 0; i < d->names; i++) {
        if (!d->safe[i])
            continue;
        const struct sim_file_body *f = &dev->medium.file[d->safe[i] - 1];

        h = sim_mix(h, d->name[i], strlen(d->name[i]));
        h = sim_mix(h, f->safe, f->safe_len);
    }
    return h;
}

uint64_t sim_state_hash(const struct sim *dev)
{
    uint64_t h = sim_mix(14695981039346656037u, &dev->site, sizeof dev->site);

    for (size_t c = 0; c < dev->components; c++)
        for (size_t k = 0; k < 2; k++)
            h = sim_mix(h, dev->slot[c][k].synced, dev->slot[c][k].geometry.size);
    for (size_t i = 0; i < dev->store.count; i++)
        h = sim_mix(sim_mix(h, dev->store.record[i].name, strlen(dev->store.record[i].name)), dev->store.record[i].data, dev->store.record[i].len);
    h = sim_mix(h, dev->medium.chip.safe, dev->medium.chip.size);
    if (dev->geometry.files)
        h = mix_names(h, dev);
    else
        h = sim_mix(h, &dev->boot.record, sizeof dev->boot.record);
    for (size_t i = 0; i < dev->report_count; i++)
        h = sim_mix(h, dev->report[i].body, dev->report[i].len);
    h = sim_mix(h, dev->bad_starts, sizeof dev->bad_starts);
    h = sim_mix(h, &dev->clock.ms, sizeof dev->clock.ms);
    h = sim_mix(h, &dev->phase, sizeof dev->phase);
    h = sim_mix(h, &dev->since_ms, sizeof dev->since_ms);
    h = sim_mix(h, dev->own, sizeof dev->own);
    h = sim_mix(h, &dev->clock.utc_s, sizeof dev->clock.utc_s);
    const uint8_t flags[] = { dev->disk_full, dev->rotten, dev->net.down };
    h = sim_mix(h, flags, sizeof flags);
    for (size_t i = 0; i < SIM_FAULTS_MAX; i++)
        h = sim_mix(h, &dev->net.fault[i].seen, sizeof dev->net.fault[i].seen);
    return h;
}

/* ---- the boot ROM ---- */

static const struct sim_image *in_slot(const struct sim *dev, size_t component, uint8_t slot)
{
    static uint8_t bytes[SIM_SLOT_MAX];

    if (dev->rigged.slot && component == 0 && slot == 1) {
        sim_rig_look(dev, bytes);
        return sim_cloud_recognise(dev->cloud, bytes, sizeof bytes);
    }
    return slot > 1 ? NULL : sim_cloud_recognise(dev->cloud, dev->slot[component][slot].data, SIM_SLOT_MAX);
}

const struct sim_image *sim_confirmed(const struct sim *dev, size_t component)
{
    return in_slot(dev, component, dev->boot.record.confirmed[component]);
}

const struct sim_image *sim_running(const struct sim *dev, size_t component)
{
    return in_slot(dev, component, dev->boot.record.running[component]);
}

/* Every component runs one published image, as a whole. */
static bool images_stay_up(struct sim *dev)
{
    bool up = true;

    for (size_t c = 0; c < dev->components; c++) {
        const struct sim_image *i = sim_running(dev, c);

        if (c > 0 && dev->boot.record.running[c] == OTA_SLOT_NONE)
            continue;   /* taken out */
        if (!i && dev->rotten && dev->boot.record.state == OTA_BOOT_TRIAL_STARTED) {
            up = false;
            continue;
        }
        if (!i) {
            sim_break(dev, "a slot that is started holds one whole image");
            return false;
        }
        size_t k = (size_t)(i - dev->cloud->image);
        if (i->nature == SIM_HEALTHY)
            continue;
        dev->bad_starts[k]++;
        up &= i->nature != SIM_CRASHING;
    }
    return up;
}

/* One start of the device. true: the agent can run. */
static bool start_device(struct sim *dev)
{
    dev->starts++;
    dev->clock.ms += RESTART_MS;
    dev->clock.boot_ms = dev->clock.ms;
    dev->net.open = false;
    if ((dev->geometry.rig && !sim_rig_start(dev)) || !sim_boot_rom(dev))
        return false;
    if (dev->on_start)
        dev->on_start(dev);
    return images_stay_up(dev);
}

/* ---- the agent ---- */

void sim_kill(struct sim *dev)
{
    dev->agent = NULL;
    dev->net.open = false;
}

void sim_power_cycle(struct sim *dev)
{
    sim_kill(dev);
    dev->off = true;
}

void sim_restore_power(struct sim *dev)
{
    dev->cut_at = 0;
}

/* Is what is not synced lost when the device restarts? After a cut nothing waits any more. */
static void restart_media(struct sim *dev)
{
    sim_fs_close_all(dev);
    sim_rig_open(dev);
    sim_crash(dev, NULL, NULL, dev->restart_drops || dev->shape == SIM_CUT_DROP ? SIM_CUT_DROP : SIM_CUT_KEEP, 0);
    sim_boot_refresh(dev);
}

static ota_err open_slots(struct sim *dev)
{
    static const char *const path[SIM_COMPONENTS][2] = { { "/slot-0-0", "/slot-0-1" }, { "/slot-1-0", "/slot-1-1" } };
    ota_err err = OTA_OK;

    for (size_t i = 0; i < dev->components && err == OTA_OK; i++)
        for (size_t k = 0; k < 2 && err == OTA_OK; k++)
            err = sim_posix_slot_file_open(&dev->slot_file[i][k], &(struct ota_posix_slot_file_config){ .path = path[i][k] }, NULL);
    return err;
}

/* What a program does before it makes its agent. */
static ota_err open_files(struct sim *dev)
{
    sim_fs_close_all(dev);
    ota_err err = sim_posix_store_open(&dev->files, &(struct ota_posix_store_config){ .dir = SIM_FS_STATE }, &dev->log.fault);

    if (err == OTA_OK)
        err = sim_posix_boot_open(&dev->boot_file, &(struct ota_posix_boot_config){ .path = SIM_FS_BOOT }, &dev->log.fault);
    return err == OTA_OK && dev->geometry.slot_files ? open_slots(dev) : err;
}

static bool launch(struct sim *dev)
{
    if (dev->judged_by_app)
        dev->cfg.health = NULL;
    dev->component[SIM_COMPONENTS - 1].removable = dev->spare_app;
    if (dev->geometry.files && (dev->init_err = open_files(dev)) != OTA_OK)
        return false;
    size_t len = ota_workspace_len(&dev->cfg);
    MUST(len <= sizeof dev->workspace);
    memset(dev->workspace, 0xa5, len);
    dev->init_err = ota_init(&dev->agent, &dev->cfg, dev->workspace, len, &dev->log.fault);
    return dev->init_err == OTA_OK;
}

/* Bring the device up and the agent onto it. */
static bool bring_up(struct sim *dev, uint32_t *starts)
{
    if (dev->agent)
        return true;
    bool first = dev->starts == 0 || dev->off;
    if (dev->off) {
        dev->off = false;
        restart_media(dev);
    }
    while (first && !start_device(dev)) {
        if (dev->off || dev->broken || ++*starts > STARTS_MAX)
            return false;
        restart_media(dev);
    }
    for (int tries = 0; tries < LAUNCHES_MAX && !dev->off; tries++)
        if (launch(dev))
            return true;
    return false;
}

bool sim_start(struct sim *dev)
{
    uint32_t starts = 0;

    (void)sim_fs_use(dev);
    return bring_up(dev, &starts);
}

struct ota_status sim_status(const struct sim *dev)
{
    struct ota_status s = { 0 };

    if (dev->agent)
        ota_status(dev->agent, &s);
    return s;
}

static bool kill_is_due(struct sim *dev)
{
    return ++dev->steps == dev->kill_at;
}

/* Nobody but a person or the application can move it on. */
static bool is_held(const struct sim *dev, const struct ota_status *s)
{
    return s->state == OTA_ST_TRIAL && dev->judged_by_app && dev->clock.ms - dev->clock.boot_ms > 60000;
}

/* One step. SIM_STUCK: not at an end yet. */
static enum sim_end step(struct sim *dev)
{
    struct ota_wait wait = { 0 };
    struct ota_status s;

    if (dev->on_step)
        dev->on_step(dev);
    if (kill_is_due(dev)) {
        sim_kill(dev);
        return SIM_STUCK;
    }
    ota_err err = ota_step(dev->agent, &wait);
    if (dev->off)
        return SIM_POWER_LOST;
    if (err == OTA_REBOOT) {
        sim_power_cycle(dev);
        return SIM_STUCK;
    }
    MUST(err == OTA_OK);
    s = sim_status(dev);
    if ((s.state == OTA_ST_IDLE && s.next_check_s > 0) || (s.state == OTA_ST_FAULT && wait.ms))
        return s.holds & OTA_HOLD_BACKOFF || s.state == OTA_ST_FAULT ? SIM_BACKING_OFF : SIM_IDLE;
    if (is_held(dev, &s))
        return SIM_HELD;
    dev->clock.ms += wait.ms;
    return SIM_STUCK;
}

static enum sim_end check_in(struct sim *dev)
{
    uint32_t starts = 0;

    if (dev->agent)
        ota_check_now(dev->agent);
    for (uint32_t n = 0; n < STEPS_MAX && starts < STARTS_MAX; n++) {
        if (!bring_up(dev, &starts))
            return dev->off ? SIM_POWER_LOST : SIM_STUCK;
        enum sim_end end = step(dev);

        if (end == SIM_POWER_LOST)
            sim_kill(dev);
        if (end != SIM_STUCK)
            return end;
        starts += dev->off;
    }
    return SIM_STUCK;
}

/* A device may run while another one waits in the middle of an op. */
enum sim_end sim_check_in(struct sim *dev)
{
    struct sim *before = sim_fs_use(dev);
    enum sim_end end = check_in(dev);

    (void)sim_fs_use(before);
    return end;
}

enum sim_end sim_run(struct sim *dev)
{
    enum sim_end end = sim_check_in(dev);

    for (int n = 1; n < CHECK_INS_MAX && end == SIM_BACKING_OFF; n++) {
        dev->clock.ms += (uint64_t)dev->cfg.times.retry_cap_s * 1000u;
        end = sim_check_in(dev);
    }
    return end;
}

/* ---- looking ---- */

const struct sim_report *sim_last_report(const struct sim *dev)
{
    return dev->report_count ? &dev->report[dev->report_count - 1] : NULL;
}

bool sim_report_has(const struct sim_report *r, const char *member, const char *value)
{
    char want[160];

    MUST(snprintf(want, sizeof want, "\"%s\":%s", member, value) < (int)sizeof want);
    return r && strstr(r->body, want);
}

uint32_t sim_events(const struct sim *dev, enum ota_event ev)
{
    return dev->log.count[ev];
}
