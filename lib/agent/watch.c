/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent as the owner of a monitor. What lies in the slots is the store record "monitor", integers little-endian:
 *
 *   0   4  magic "OTAW"
 *   4   1  version: 1. Another one is no record
 *   5   3  zero
 *   8   n  5 x { 2 x slot: { known u8 (0 or 1), security u32, came u32, length u64, sha256 32, version text 32 },
 *                ran u8 (0, 1, 255), kind u8, done u8 (enum ota_monitor_kind, ota_monitor_done), sha256 32 }
 *          for components 0..3, and health, which has no slots
 *   8+n 4  CRC-32 of everything before it
 *
 * It says what can be read again, never what may be started. A record that is absent or damaged means: nothing is known.
 *
 * A finding is the record "found.<component>", or "found" for what is said of all of them:
 *
 *   0   4  magic "OTAF"
 *   4   1  version: 1
 *   5   n  kind u8, done u8, component u8, slot u8, err u32, port_code i32, boot u32, utc_s i64, where text 48, sha256 32
 *   5+n 4  CRC-32 of everything before it
 *
 * found.c makes a report of it and removes it.
 */
#include "agent.h"
#include "record.h"

#define NAME "monitor"
#define HEAD_LEN 8u
#define RETRY_MS 60000u
#define HEALTH OTA_COMPONENTS_MAX

#define FIELD(type, member, kind, arg, name)                                                                                     \
    {                                                                                                                            \
        (uint16_t) offsetof(struct type, member), OTAI_F_##kind, arg, name                                                       \
    }
#define TABLE(rows) ((struct otai_table){ rows, sizeof rows / sizeof rows[0] })

static const struct otai_field slot_rows[] = {
    FIELD(ota_watch_slot, known, U8, 1, "known"),
    FIELD(ota_watch_slot, security, U32, 0, NULL),
    FIELD(ota_watch_slot, came, U32, 0, NULL),
    FIELD(ota_watch_slot, length, U64, 0, NULL),
    FIELD(ota_watch_slot, sha256, BYTES, OTA_SHA256_LEN, NULL),
    FIELD(ota_watch_slot, version, TEXT, OTA_VERSION_MAX, "version"),
};
static const struct otai_field part_rows[] = {
    FIELD(ota_watch_part, ran, SLOT, 0, "ran"),
    FIELD(ota_watch_part, kind, U8, OTA_MONITOR_UNREAD, "kind"),
    FIELD(ota_watch_part, done, U8, OTA_MONITOR_FAILED, "done"),
    FIELD(ota_watch_part, sha256, BYTES, OTA_SHA256_LEN, NULL),
};
static const struct otai_field found_rows[] = {
    FIELD(otai_found, kind, U8, OTA_MONITOR_UNREAD, "kind"),
    FIELD(otai_found, done, U8, OTA_MONITOR_FAILED, "done"),
    FIELD(otai_found, component, U8, UINT8_MAX, NULL),
    FIELD(otai_found, slot, SLOT, 0, "slot"),
    FIELD(otai_found, err, ERR, 0, "err"),
    FIELD(otai_found, port_code, U32, 0, NULL),
    FIELD(otai_found, boot, U32, 0, NULL),
    FIELD(otai_found, utc_s, U64, 0, NULL),
    FIELD(otai_found, where, TEXT, OTA_FAULT_WHERE_MAX, "where"),
    FIELD(otai_found, sha256, BYTES, OTA_SHA256_LEN, NULL),
};

static struct ota_watch *self(struct ota_monitor_owner *o)
{
    return (struct ota_watch *)o;
}

/* ---- findings ---- */

void otai_found_name(const struct ota *a, uint8_t component, char out[OTA_STORE_NAME_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTA_STORE_NAME_MAX);
    otai_text_add(&t, "found");
    if (component == OTA_COMPONENT_NONE)
        return;
    otai_text_add(&t, ".");
    otai_text_add(&t, a->cfg.components[component].name); /* at most 31 bytes: it fits */
}

size_t otai_found_encode(const struct otai_found *f, uint8_t out[OTAI_FOUND_MAX])
{
    memcpy(out, "OTAF\x01", 5);
    uint8_t *p = otai_record_put(out + 5, TABLE(found_rows), f);
    size_t len = (size_t)(p - out);

    otai_put_le32(p, otai_crc32(0, out, len));
    return len + 4u;
}

bool otai_found_decode(const uint8_t *p, size_t len, struct otai_found *f)
{
    memset(f, 0, sizeof *f);
    if (len != 5u + otai_record_len(TABLE(found_rows)) + 4u || memcmp(p, "OTAF\x01", 5) != 0 ||
        otai_get_le32(p + len - 4) != otai_crc32(0, p, len - 4))
        return false;
    struct otai_record_in in = { p + 5, len - 9u, NULL };
    otai_record_get(&in, TABLE(found_rows), f);
    return !in.why && f->kind != OTA_MONITOR_FINE;
}

/* ---- what lies in the slots ---- */

static size_t record_len(void)
{
    return HEAD_LEN + (HEALTH + 1u) * (2u * otai_record_len(TABLE(slot_rows)) + otai_record_len(TABLE(part_rows))) + 4u;
}

static void encode(struct ota_watch *w)
{
    uint8_t *p = w->record + HEAD_LEN;

    memcpy(w->record, "OTAW\x01\0\0", HEAD_LEN);
    for (size_t i = 0; i <= HEALTH; i++) {
        p = otai_record_put(p, TABLE(slot_rows), &w->part[i].slot[0]);
        p = otai_record_put(p, TABLE(slot_rows), &w->part[i].slot[1]);
        p = otai_record_put(p, TABLE(part_rows), &w->part[i]);
    }
    otai_put_le32(p, otai_crc32(0, w->record, (size_t)(p - w->record)));
}

static void forget(struct ota_watch *w)
{
    memset(w->part, 0, sizeof w->part);
    for (size_t i = 0; i <= HEALTH; i++)
        w->part[i].ran = OTA_SLOT_NONE;
}

static void decode(struct ota_watch *w, size_t len)
{
    const uint8_t *r = w->record;

    forget(w);
    if (len != record_len() || memcmp(r, "OTAW\x01", 5) != 0 || otai_get_le32(r + len - 4) != otai_crc32(0, r, len - 4))
        return;
    struct otai_record_in in = { r + HEAD_LEN, len - HEAD_LEN - 4u, NULL };
    for (size_t i = 0; i <= HEALTH; i++) {
        otai_record_get(&in, TABLE(slot_rows), &w->part[i].slot[0]);
        otai_record_get(&in, TABLE(slot_rows), &w->part[i].slot[1]);
        otai_record_get(&in, TABLE(part_rows), &w->part[i]);
    }
    if (in.why)
        forget(w);
}

/* Once it fails it is left in peace for a while: look() comes often. */
static void load(struct ota_watch *w, uint64_t now)
{
    size_t len = 0;
    int32_t code = 0;
    ota_err err = w->store->ops->read(w->store, NAME, w->record, sizeof w->record, &len, &code);

    w->loaded = err == OTA_OK || err == OTA_DEVICE_ABSENT;
    if (w->loaded)
        decode(w, err == OTA_OK ? len : 0);
    else
        w->retry_ms = now + RETRY_MS;
}

static ota_err save(struct ota_watch *w)
{
    int32_t code = 0;

    encode(w);
    ota_err err = w->store->ops->write(w->store, NAME, w->record, record_len(), &code);
    if (err == OTA_OK)
        w->dirty = false;
    return err;
}

/* What the journal or the last release says of the image that runs; length 0: neither knows. */
static struct ota_watch_slot told(const struct ota *a, size_t i)
{
    const struct otai_progress *p = &a->j.progress[i];
    const struct otai_installed *now = &a->j.installed[i];
    const struct otai_seen *seen = &a->seen[i];
    struct ota_watch_slot s = { .known = true, .came = a->j.starts };

    otai_digest_copy(s.sha256, now->sha256);
    (void)otai_copy(s.version, sizeof s.version, now->version);
    if (otai_equal(p->sha256, now->sha256, OTA_SHA256_LEN)) { /* whatever became of it, that image is so long */
        s.length = p->length;
        s.security = p->security;
    } else if (seen->tag == otai_get_le32(now->sha256)) {
        s.length = seen->length;
        s.security = seen->security;
    }
    return s;
}

static void learn_one(struct ota_watch *w, size_t i)
{
    const struct ota *a = w->agent;
    struct ota_watch_part *part = &w->part[i];
    uint8_t r = a->view.running[i];

    if (r > 1 || !a->j.installed[i].known)
        return;
    struct ota_watch_slot *s = &part->slot[r];
    bool same = s->known && otai_equal(s->sha256, a->j.installed[i].sha256, OTA_SHA256_LEN);
    if (same && part->ran == r)
        return;
    struct ota_watch_slot fresh = told(a, i);
    if (same) { /* it came back: what is known of it stays */
        fresh.length = s->length;
        fresh.security = s->security;
    }
    if (fresh.length == 0)
        return;
    *s = fresh;
    part->ran = r;
    part->kind = part->done = 0;
    w->part[HEALTH].kind = w->part[HEALTH].done = 0;
    w->dirty = true;
}

static bool on_trial(const struct ota *a)
{
    return a->view.trial || a->view.pending;
}

static void learn(struct ota_watch *w)
{
    const struct ota *a = w->agent;
    uint64_t now = otai_now_ms(a);

    if (!w->loaded && now >= w->retry_ms)
        load(w, now);
    if (!w->loaded || on_trial(a))
        return;
    for (size_t i = 0; i < a->cfg.component_count; i++)
        learn_one(w, i);
    if (!w->dirty || now < w->retry_ms)
        return;
    if (save(w) != OTA_OK)
        w->retry_ms = now + RETRY_MS;
}

static unsigned look(struct ota_monitor_owner *o)
{
    struct ota_watch *w = self(o);
    const struct ota *a = w->agent;

    if (a->state == OTA_ST_START)
        return OTA_MONITOR_BUSY_SLOTS | OTA_MONITOR_BUSY_HEALTH;
    learn(w);
    if (on_trial(a) || a->restart_asked || (a->state >= OTA_ST_ARM && a->state <= OTA_ST_REVERT))
        return OTA_MONITOR_BUSY_SLOTS | OTA_MONITOR_BUSY_HEALTH;
    return a->state == OTA_ST_IDLE || a->state == OTA_ST_READY || a->state == OTA_ST_FAULT ? 0 : OTA_MONITOR_BUSY_SLOTS;
}

/* It came with the last update: nothing that runs was first seen later. */
static bool is_newest(const struct ota_watch *w, size_t component)
{
    const struct ota *a = w->agent;
    uint32_t came = w->part[component].slot[a->view.running[component]].came;

    for (size_t i = 0; i < a->cfg.component_count; i++) {
        uint8_t r = a->view.running[i];

        if (r <= 1 && w->part[i].slot[r].known && w->part[i].slot[r].came > came)
            return false;
    }
    return true;
}

static ota_err image(struct ota_monitor_owner *o, uint8_t component, bool other, struct ota_monitor_image *out)
{
    const struct ota_watch *w = self(o);
    const struct ota *a = w->agent;
    uint8_t r = a->view.running[component];

    if (!w->loaded || on_trial(a) || r > 1)
        return OTA_DEVICE_ABSENT;
    const struct otai_installed *now = &a->j.installed[component];
    uint8_t index = other ? (uint8_t)(1 - r) : r;
    const struct ota_watch_slot *s = &w->part[component].slot[index];
    if (!s->known || (!other && (!now->known || !otai_equal(s->sha256, now->sha256, OTA_SHA256_LEN))))
        return OTA_DEVICE_ABSENT;
    *out = (struct ota_monitor_image){ .slot = index, .security = s->security, .floor = now->security_floor, .length = s->length,
        .newest = !other && is_newest(w, component) };
    otai_digest_copy(out->sha256, s->sha256);
    (void)otai_copy(out->version, sizeof out->version, s->version);
    return OTA_OK;
}

/* "where: what was done" */
static void place(const struct ota_monitor_finding *f, char out[OTA_FAULT_WHERE_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTA_FAULT_WHERE_MAX);
    otai_text_add(&t, f->cause.where);
    otai_text_add(&t, ": ");
    otai_text_add(&t, ota_monitor_done_name(f->done));
}

static ota_err note(struct ota_watch *w, const struct ota_monitor_finding *f)
{
    const struct ota *a = w->agent;
    struct otai_found n = { .kind = (uint8_t)f->kind, .done = (uint8_t)f->done, .component = f->component, .slot = f->slot,
        .err = f->cause.err, .port_code = (uint32_t)f->cause.port_code, .boot = a->j.starts };
    uint8_t bytes[OTAI_FOUND_MAX];
    char name[OTA_STORE_NAME_MAX];
    int32_t code = 0;

    place(f, n.where);
    otai_digest_copy(n.sha256, f->sha256);
    if (a->cfg.clock->ops->utc_s(a->cfg.clock, &n.utc_s) != OTA_OK)
        n.utc_s = 0;
    otai_found_name(a, f->component, name);
    return w->store->ops->write(w->store, name, bytes, otai_found_encode(&n, bytes), &code);
}

static ota_err found(struct ota_monitor_owner *o, struct ota_monitor_finding *f)
{
    struct ota_watch *w = self(o);
    struct ota_watch_part *part = &w->part[f->component == OTA_COMPONENT_NONE ? HEALTH : f->component];
    bool known = part->kind == f->kind && otai_equal(part->sha256, f->sha256, OTA_SHA256_LEN);

    if (f->done == OTA_MONITOR_PENDING && known) {
        f->done = (enum ota_monitor_done)part->done;
        return OTA_OK; /* it was told */
    }
    ota_err err = note(w, f);
    if (err != OTA_OK || f->done == OTA_MONITOR_PENDING)
        return err;
    part->kind = (uint8_t)f->kind;
    part->done = (uint8_t)f->done;
    otai_digest_copy(part->sha256, f->sha256);
    w->dirty = true;
    err = save(w);
    if (err == OTA_OK && f->done != OTA_MONITOR_REVERTED) /* a restart comes: then it is told */
        ota_check_now(w->agent);
    return err;
}

static ota_err revert(struct ota_monitor_owner *o, const struct ota_monitor_finding *f, const struct ota_monitor_image *images,
                      const uint8_t *component, size_t count, struct ota_fault *fault)
{
    struct ota_watch *w = self(o);
    struct ota_local set[OTA_COMPONENTS_MAX];

    for (size_t k = 0; k < count; k++) {
        set[k] = (struct ota_local){ .image = { .component = component[k], .slot = images[k].slot, .length = images[k].length },
            .security = images[k].security };
        otai_digest_copy(set[k].image.sha256, images[k].sha256);
        (void)otai_copy(set[k].version, sizeof set[k].version, images[k].version);
    }
    return ota_try_local(w->agent, set, count, f->kind == OTA_MONITOR_SICK, fault);
}

static ota_err stop(struct ota_monitor_owner *o, const struct ota_monitor_finding *f)
{
    struct ota_watch_stop *s = self(o)->stop;

    return s ? s->ops->stop(s, f) : OTA_USAGE_CONFIG;
}

static const struct ota_monitor_owner_ops ops = { look, image, found, revert, stop };

ota_err ota_watch_init(struct ota_watch *w, struct ota *a, struct ota_watch_stop *stops)
{
    if (!w || !a)
        return OTA_USAGE_ARGUMENT;
    memset(w, 0, sizeof *w);
    w->owner.ops = &ops;
    w->agent = a;
    w->stop = stops;
    w->store = a->cfg.store;
    return OTA_OK;
}
