/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <string.h>

#include "sim_must.h"

#define STARTS_MAX 40       /* of the device, in one run */
#define STEPS_MAX 200000    /* of the agent, in one run */
#define CHECK_INS_MAX 8     /* of the agent, in one run, when they fail */
#define RESTART_MS 2000

static const char *const os_prefixes[] = { "os/", NULL };
static const char *const product_prefixes[] = { "app/", "group/", NULL };

static void configure(struct sim *dev)
{
    const struct sim_cloud *c = dev->cloud;
    static const char *const names[SIM_COMPONENTS] = { "os", "app" };

    for (size_t i = 0; i < dev->components; i++)
        dev->component[i] = (struct ota_component){ .name = names[i], .factory_version = "1.0.0",
            .slot = { &dev->slot[i][0].port, &dev->slot[i][1].port } };
    dev->repo[0] = (struct ota_repo){ .name = "product", .metadata_url = c->product.metadata_url,
        .targets_url = c->product.targets_url, .prefixes = product_prefixes, .root = c->product.root,
        .root_len = c->product.root_len };
    dev->repo[1] = (struct ota_repo){ .name = "os", .metadata_url = c->os.metadata_url, .targets_url = c->os.targets_url,
        .prefixes = os_prefixes, .root = c->os.root, .root_len = c->os.root_len };
    dev->cfg = (struct ota_config){ .size = sizeof dev->cfg, .product = "thermostat", .group = "production", .device_id = "dev-1",
        .net = &dev->net.port, .store = &dev->store.port, .clock = &dev->clock.port, .crypto = &dev->crypto.port,
        .boot = &dev->boot.port, .health = &dev->health.port, .log = &dev->log.port, .components = dev->component,
        .component_count = dev->components, .repos = dev->repo, .repo_count = 2, .report_url = SIM_REPORT_URL,
        .limits = { .block = 2048, .io = 512, .window_bits = 10 },
        .times = { .health_deadline_s = 30, .retry_cap_s = 600, .defer_cap_s = 3600 } };
}

void sim_open(struct sim *dev, const struct sim_cloud *cloud, const struct sim_image *const *image, size_t components)
{
    uint8_t first[SIM_COMPONENTS] = { 0 };

    memset(dev, 0, sizeof *dev);
    dev->cloud = cloud;
    dev->web = cloud->web;
    dev->components = components;
    sim_ports_open(dev);
    sim_net_open(dev);
    sim_crypto_open(dev);
    ota_boot_record_init(&dev->boot.record, first, components);
    for (size_t i = 0; i < components; i++) {
        MUST(image[i]->len <= SIM_SLOT_MAX);
        memcpy(dev->slot[i][0].data, image[i]->data, image[i]->len);
        memcpy(dev->slot[i][0].synced, dev->slot[i][0].data, SIM_SLOT_MAX);
    }
    configure(dev);
}

/* ---- the boot ROM ---- */

static const struct sim_image *in_slot(const struct sim *dev, size_t component, uint8_t slot)
{
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

/* Choose the slots. The record is stored before they are started; if that is lost, the device starts anew. */
static bool choose_slots(struct sim *dev)
{
    struct ota_boot_record next = dev->boot.record;
    bool changed = false;

    (void)ota_boot_record_start(&next, &changed);
    if (changed && !sim_durable(dev))
        return false;
    dev->boot.record = next;
    return true;
}

/* Every component runs one published image, as a whole. */
static bool images_stay_up(struct sim *dev)
{
    bool up = true;

    for (size_t c = 0; c < dev->components; c++) {
        const struct sim_image *i = sim_running(dev, c);

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
    return choose_slots(dev) && images_stay_up(dev);
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

/* What is not synced is gone, where the shape of the cut says so. */
static void lose_unsynced(struct sim *dev)
{
    for (size_t c = 0; c < dev->components; c++) {
        for (size_t k = 0; k < 2; k++) {
            struct sim_slot *s = &dev->slot[c][k];

            if (s->unsynced && dev->shape == SIM_CUT_DROP)
                memcpy(s->data, s->synced, sizeof s->data);
            memcpy(s->synced, s->data, sizeof s->synced);
            s->unsynced = false;
        }
    }
}

static bool launch(struct sim *dev)
{
    if (dev->judged_by_app)
        dev->cfg.health = NULL;
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
        lose_unsynced(dev);
        dev->off = false;
    }
    while (first && !start_device(dev))
        if (dev->off || dev->broken || ++*starts > STARTS_MAX)
            return false;
    return launch(dev);
}

bool sim_start(struct sim *dev)
{
    uint32_t starts = 0;

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

enum sim_end sim_check_in(struct sim *dev)
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
