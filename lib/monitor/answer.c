/* SPDX-License-Identifier: Apache-2.0 */
/* What a finding asks for: it is kept first, then answered as the configuration says, then told with what was done. */
#include <string.h>

#include "bytes.h"
#include "monitor_i.h"

void otai_mon_found(struct ota_monitor *m, uint64_t now)
{
    m->status.last = m->finding;
    m->phase = OTAI_MON_KEEP;
    m->due_ms = now;
}

static size_t place_of(const struct ota_monitor_finding *f)
{
    return f->component == OTA_COMPONENT_NONE ? OTAI_MON_HEALTH : f->component;
}

/* The same finding was answered in an earlier life. Only stopping what runs does not outlast a restart. */
static bool settled(const struct ota_monitor *m)
{
    enum ota_monitor_done done = m->finding.done;

    if (done == OTA_MONITOR_PENDING || m->cfg.answer == OTA_MONITOR_STOP)
        return false;
    return m->cfg.answer == OTA_MONITOR_REPORT || done == OTA_MONITOR_REVERTED || done == OTA_MONITOR_REFUSED;
}

static void over(struct ota_monitor *m, uint64_t now)
{
    size_t place = place_of(&m->finding);

    m->held[place] = (uint8_t)m->finding.kind;
    memcpy(m->told[place], m->finding.sha256, OTA_SHA256_LEN);
    m->status.last = m->finding;
    if (place != OTAI_MON_HEALTH) {
        otai_mon_next(m, now);
        return;
    }
    m->phase = OTAI_MON_REST; /* the round that was left begins anew */
    m->due_ms = now + m->cfg.every_ms;
}

/* A store that fails must not keep what runs from being stopped: it is tried again with what was done. */
static void keep(struct ota_monitor *m, uint64_t now)
{
    struct ota_monitor_owner *o = m->cfg.owner;

    m->finding.done = OTA_MONITOR_PENDING;
    if (o->ops->found(o, &m->finding) != OTA_OK)
        m->finding.done = OTA_MONITOR_PENDING;
    if (settled(m)) {
        over(m, now);
        return;
    }
    m->finding.done = OTA_MONITOR_PENDING;
    m->phase = OTAI_MON_ACT;
}

static void tell(struct ota_monitor *m, uint64_t now)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    enum ota_monitor_done done = m->finding.done;

    if (o->ops->found(o, &m->finding) != OTA_OK)
        return; /* again, later */
    m->finding.done = done;
    otai_mon_note(m, OTA_EV_MONITOR_DONE, m->finding.component, done, &m->finding.cause);
    over(m, now);
}

static void done(struct ota_monitor *m, enum ota_monitor_done what)
{
    m->finding.done = what;
    m->phase = OTAI_MON_TELL;
}

/* No way back, and why: the finding keeps its kind, and its cause becomes this one. */
static void refuse(struct ota_monitor *m, ota_err err, const char *where, int32_t code)
{
    otai_mon_end_hashes(m);
    (void)ota_fault_set(&m->finding.cause, err, where, code);
    done(m, OTA_MONITOR_REFUSED);
}

static void refuse_slot(struct ota_monitor *m, ota_err err, uint8_t slot, int32_t code)
{
    char where[OTA_FAULT_WHERE_MAX];

    otai_mon_where(where, "other slot ", slot, false, 0);
    refuse(m, err, where, code);
}

/* Goes this component back? It is the one that was found, or came with it. */
static bool goes_back(const struct ota_monitor *m, const struct ota_monitor_image *image, uint8_t component, bool together)
{
    return component == m->finding.component || (together && image->newest);
}

/* What came with one update goes back with it: only such a set has run together before. */
static bool found_with_newest(const struct ota_monitor *m)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    struct ota_monitor_image image;

    return m->finding.component == OTA_COMPONENT_NONE ||
           (o->ops->image(o, m->finding.component, false, &image) == OTA_OK && image.newest);
}

/* false: refused */
static bool enlist(struct ota_monitor *m, uint8_t component, const struct ota_monitor_image *now)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    struct ota_monitor_image *back = &m->back[m->count];

    if (o->ops->image(o, component, true, back) != OTA_OK || back->slot + now->slot != 1 || back->length == 0) {
        refuse_slot(m, OTA_REJECT_MISSING, (uint8_t)(1 - now->slot), 0);
        return false;
    }
    if (back->security < now->floor || back->security < back->floor) {
        refuse_slot(m, OTA_REJECT_SECURITY, back->slot, 0);
        return false;
    }
    m->component[m->count++] = component;
    return true;
}

static bool choose(struct ota_monitor *m)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    struct ota_monitor_image now;
    bool together = found_with_newest(m);
    uint8_t count = (uint8_t)m->cfg.part_count;

    m->count = 0;
    for (uint8_t i = 0; i < count; i++)
        if (o->ops->image(o, i, false, &now) == OTA_OK && goes_back(m, &now, i, together) && !enlist(m, i, &now))
            return false;
    if (m->count == 0)
        refuse(m, OTA_REJECT_MISSING, "other slot", 0);
    return m->count > 0;
}

static void begin_back(struct ota_monitor *m)
{
    if (!choose(m))
        return;
    m->at = 0;
    m->off = 0;
    m->phase = OTAI_MON_BACK;
}

static void stop(struct ota_monitor *m)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    ota_err err = o->ops->stop(o, &m->finding);

    if (err == OTA_OK) {
        done(m, OTA_MONITOR_STOPPED);
        return;
    }
    (void)ota_fault_set(&m->finding.cause, err, "stop", 0);
    done(m, OTA_MONITOR_FAILED);
}

static void act(struct ota_monitor *m)
{
    /* What cannot be read says nothing of what runs: it is no reason to take it away. */
    if (m->cfg.answer == OTA_MONITOR_REPORT || m->finding.kind == OTA_MONITOR_UNREAD)
        done(m, OTA_MONITOR_TOLD);
    else if (m->cfg.answer == OTA_MONITOR_STOP)
        stop(m);
    else
        begin_back(m);
}

static void revert(struct ota_monitor *m)
{
    struct ota_monitor_owner *o = m->cfg.owner;
    struct ota_fault why = { .component = OTA_COMPONENT_NONE };
    ota_err err = o->ops->revert(o, &m->finding, m->back, m->component, m->count, &why);

    if (err == OTA_OK)
        done(m, OTA_MONITOR_REVERTED);
    else if (err == OTA_USAGE_STATE)
        m->phase = OTAI_MON_ACT; /* and all of it is read again */
    else
        refuse(m, err, why.where, why.port_code);
}

static ota_err add_back(struct ota_monitor *m, const struct ota_monitor_image *b, int32_t *code)
{
    struct ota_slot *s = m->cfg.parts[m->component[m->at]].slot[b->slot];
    uint64_t left = b->length - m->off;
    size_t len = left < m->cfg.pace ? (size_t)left : m->cfg.pace;

    if (!m->hashing) {
        if (otai_mon_hash_start(m, &m->hash) != OTA_OK)
            return OTA_DEVICE_CRYPTO;
        m->hashing = true;
    }
    ota_err err = s->ops->read(s, m->off, m->cfg.buf, len, code);
    if (err != OTA_OK)
        return ota_err_class(err) == OTA_CLASS_DEVICE ? err : OTA_DEVICE_SLOT;
    m->off += len;
    return m->cfg.crypto->ops->hash_add(m->cfg.crypto, &m->hash, m->cfg.buf, len) == OTA_OK ? OTA_OK : OTA_DEVICE_CRYPTO;
}

static ota_err judge_back(struct ota_monitor *m, const struct ota_monitor_image *b)
{
    uint8_t digest[OTA_SHA256_LEN];

    m->hashing = false;
    if (m->cfg.crypto->ops->hash_end(m->cfg.crypto, &m->hash, digest) != OTA_OK)
        return OTA_DEVICE_CRYPTO;
    return otai_equal(digest, b->sha256, sizeof digest) ? OTA_OK : OTA_REJECT_HASH;
}

static void back(struct ota_monitor *m)
{
    const struct ota_monitor_image *b = &m->back[m->at];
    int32_t code = 0;
    ota_err err = add_back(m, b, &code);

    if (err == OTA_OK && m->off < b->length)
        return;
    if (err == OTA_OK)
        err = judge_back(m, b);
    if (err != OTA_OK) {
        refuse_slot(m, err, b->slot, code);
        return;
    }
    m->off = 0;
    if (++m->at == m->count)
        revert(m);
}

void otai_mon_answer(struct ota_monitor *m, uint64_t now)
{
    m->due_ms = now + m->cfg.every_ms;
    switch (m->phase) {
    case OTAI_MON_KEEP: keep(m, now); break;
    case OTAI_MON_ACT: otai_mon_end_hashes(m); act(m); break;
    case OTAI_MON_BACK: back(m); break;
    default: break;
    }
    /* At once, where it can be: behind a way back comes a restart. */
    if (m->phase == OTAI_MON_TELL)
        tell(m, now);
}
