/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's configuration and its step. */
#include <string.h>

#include "bytes.h"
#include "monitor_i.h"

#define EVERY_MS 1000u
#define REST_MS 3600000u
#define HEALTH_MS 60000u
#define HEALTH_TIMES 3u
#define PACE_MIN 512u

const char *ota_monitor_kind_name(enum ota_monitor_kind kind)
{
    static const char *const names[] = { "fine", "tampered", "sick", "unread" };

    return (unsigned)kind < sizeof names / sizeof names[0] ? names[kind] : "none";
}

const char *ota_monitor_done_name(enum ota_monitor_done done)
{
    static const char *const names[] = { "pending", "told", "reverted", "refused", "stopped", "failed" };

    return (unsigned)done < sizeof names / sizeof names[0] ? names[done] : "none";
}

static const char *bad_part(const struct ota_monitor_config *c)
{
    if (!c->parts || c->part_count == 0 || c->part_count > OTA_COMPONENTS_MAX)
        return "monitor.parts";
    for (size_t i = 0; i < c->part_count; i++)
        if (!c->parts[i].slot[0] || !c->parts[i].slot[1])
            return "monitor.parts.slot";
    return NULL;
}

static const char *bad_config(const struct ota_monitor_config *c)
{
    if (!c->owner)
        return "monitor.owner";
    if (!c->crypto)
        return "monitor.crypto";
    if (!c->clock)
        return "monitor.clock";
    if (!c->buf)
        return "monitor.buf";
    if (c->pace < PACE_MIN || (c->pace & (c->pace - 1u)) != 0)
        return "monitor.pace";
    if (c->mark_count && !c->marks)
        return "monitor.marks";
    if ((unsigned)c->answer > OTA_MONITOR_STOP)
        return "monitor.answer";
    return bad_part(c);
}

static void set_default(uint32_t *value, uint32_t to)
{
    if (*value == 0)
        *value = to;
}

static void fill(struct ota_monitor_config *c)
{
    set_default(&c->every_ms, EVERY_MS);
    set_default(&c->rest_ms, REST_MS);
    set_default(&c->health_every_ms, HEALTH_MS);
    set_default(&c->health_deadline_ms, HEALTH_MS);
    if (c->health_times == 0)
        c->health_times = HEALTH_TIMES;
}

ota_err ota_monitor_init(struct ota_monitor *m, const struct ota_monitor_config *cfg, struct ota_fault *fault)
{
    if (!m || !cfg)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "ota_monitor_init", 0);
    if (cfg->size != sizeof *cfg)
        return ota_fault_set(fault, OTA_USAGE_ABI, "monitor.size", 0);
    const char *bad = bad_config(cfg);
    if (bad)
        return ota_fault_set(fault, OTA_USAGE_CONFIG, bad, 0);
    memset(m, 0, sizeof *m);
    m->cfg = *cfg;
    fill(&m->cfg);
    uint64_t now = m->cfg.clock->ops->monotonic_ms(m->cfg.clock);
    m->due_ms = now;
    m->health_due_ms = now + m->cfg.health_every_ms;
    return OTA_OK;
}

void otai_mon_note(struct ota_monitor *m, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    if (m->cfg.log)
        m->cfg.log->ops->event(m->cfg.log, ev, a, b, fault);
}

void otai_mon_where(char out[OTA_FAULT_WHERE_MAX], const char *what, uint8_t slot, bool located, uint64_t off)
{
    struct otai_text t;

    otai_text_init(&t, out, OTA_FAULT_WHERE_MAX);
    otai_text_add(&t, what);
    otai_text_u64(&t, slot);
    if (!located)
        return;
    otai_text_add(&t, " at ");
    otai_text_u64(&t, off);
}

ota_err otai_mon_hash_start(struct ota_monitor *m, struct ota_hash *h)
{
    return m->cfg.crypto->ops->hash_start(m->cfg.crypto, h, OTA_SHA256);
}

static void end_hash(struct ota_monitor *m, struct ota_hash *h, bool *open)
{
    if (*open)
        (void)m->cfg.crypto->ops->hash_end(m->cfg.crypto, h, NULL);
    *open = false;
}

void otai_mon_end_hashes(struct ota_monitor *m)
{
    end_hash(m, &m->hash, &m->hashing);
    end_hash(m, &m->mark, &m->marking);
}

void otai_mon_next(struct ota_monitor *m, uint64_t now)
{
    otai_mon_end_hashes(m);
    m->status.part[m->part].off = m->status.part[m->part].length = 0;
    m->phase = OTAI_MON_REST;
    m->part = (uint8_t)(m->part + 1u < m->cfg.part_count ? m->part + 1u : 0);
    m->due_ms = now + (m->part == 0 ? m->cfg.rest_ms : m->cfg.every_ms);
}

static void work(struct ota_monitor *m, uint64_t now)
{
    if (m->phase == OTAI_MON_REST)
        otai_mon_begin(m, now);
    else if (m->phase == OTAI_MON_READ)
        otai_mon_read(m, now);
    else
        otai_mon_answer(m, now);
}

/* A sick device is answered as soon as nothing else is: the round under way can wait. */
static void take_sickness(struct ota_monitor *m, uint64_t now)
{
    if (!m->pending_sick || m->phase > OTAI_MON_READ)
        return;
    m->pending_sick = false;
    otai_mon_end_hashes(m);
    m->status.part[m->part].off = m->status.part[m->part].length = 0;
    m->finding = (struct ota_monitor_finding){ .kind = OTA_MONITOR_SICK, .component = OTA_COMPONENT_NONE,
        .slot = OTA_SLOT_NONE, .cause = m->sick_cause };
    struct ota_monitor_image image;
    if (m->cfg.owner->ops->image(m->cfg.owner, 0, false, &image) == OTA_OK)
        memcpy(m->finding.sha256, image.sha256, sizeof m->finding.sha256);
    otai_mon_found(m, now);
}

static void shorten(struct ota_wait *wait, uint64_t ms)
{
    if (ms < wait->ms)
        wait->ms = (uint32_t)ms;
}

/* Keeping, telling and stopping touch no slot. */
static bool reads(const struct ota_monitor *m)
{
    return m->phase <= OTAI_MON_READ || m->phase == OTAI_MON_BACK ||
           (m->phase == OTAI_MON_ACT && m->cfg.answer == OTA_MONITOR_REVERT);
}

ota_err ota_monitor_step(struct ota_monitor *m, struct ota_wait *wait)
{
    if (!m || !wait)
        return OTA_USAGE_ARGUMENT;
    struct ota_monitor_owner *o = m->cfg.owner;
    unsigned busy = o->ops->look(o);
    uint64_t now = m->cfg.clock->ops->monotonic_ms(m->cfg.clock);

    otai_mon_health(m, now, busy & OTA_MONITOR_BUSY_HEALTH);
    m->paused = busy & OTA_MONITOR_BUSY_SLOTS;
    if (m->paused && reads(m)) {
        /* Another slot may be written meanwhile: what was read of it for a way back says nothing any more. */
        if (m->phase == OTAI_MON_BACK)
            m->phase = OTAI_MON_ACT;
        if (m->due_ms < now + m->cfg.every_ms)
            m->due_ms = now + m->cfg.every_ms;
    } else {
        if (!m->paused)
            take_sickness(m, now);
        if (now >= m->due_ms)
            work(m, now);
    }
    shorten(wait, m->due_ms > now ? m->due_ms - now : 0);
    shorten(wait, otai_mon_health_due(m, now));
    return OTA_OK;
}

void ota_monitor_status(const struct ota_monitor *m, struct ota_monitor_status *out)
{
    *out = m->status;
    out->paused = m->paused;
}

void ota_monitor_close(struct ota_monitor *m)
{
    otai_mon_end_hashes(m);
    m->phase = OTAI_MON_REST;
}
