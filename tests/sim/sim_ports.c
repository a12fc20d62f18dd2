/* SPDX-License-Identifier: Apache-2.0 */
/* Store, slots, boot control, clock, health and log of the simulated device. */
#include <string.h>

#include "sim.h"
#include "sim_must.h"

#define PORT_CODE 5   /* the ports' own number for a failure that was asked for */

void sim_break(struct sim *dev, const char *rule)
{
    if (!dev->broken)
        dev->broken = rule;
}

/* A record, of the store or the boot control, is about to change as a whole. */
static enum sim_does change_record(struct sim *dev)
{
    const struct sim_op op = { .kind = SIM_OP_RECORD, .object = SIM_OBJ_NONE };

    return sim_op(dev, &op, NULL);
}

static bool is_done(enum sim_does does)
{
    return does == SIM_DOES || does == SIM_DOES_FAILS;
}

bool sim_call_ok(struct sim *dev)
{
    if (dev->off)
        return false;
    dev->calls++;
    if (dev->fail_at == 0 || !(dev->fail_on ? dev->calls >= dev->fail_at : dev->calls == dev->fail_at))
        return true;
    dev->failed++;
    return false;
}

/* ---- store ---- */

static struct sim_record *find_record(struct sim_store *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->record[i].name, name) == 0)
            return &s->record[i];
    return NULL;
}

static ota_err store_failed(const struct sim *dev, int32_t *code)
{
    *code = PORT_CODE;
    return dev->fail_with ? dev->fail_with : OTA_DEVICE_STORE;
}

static ota_err store_read(struct ota_store *port, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    struct sim_store *s = (struct sim_store *)port;
    const struct sim_record *r = find_record(s, name);

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    if (!sim_call_ok(s->dev)) {
        *code = PORT_CODE;
        return OTA_DEVICE_STORE;
    }
    if (!r)
        return OTA_DEVICE_ABSENT;
    *len = r->len;
    memcpy(buf, r->data, r->len < cap ? r->len : cap);
    return OTA_OK;
}

static ota_err store_write(struct ota_store *port, const char *name, const void *buf, size_t len, int32_t *code)
{
    struct sim_store *s = (struct sim_store *)port;

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    enum sim_does does = sim_call_ok(s->dev) ? change_record(s->dev) : SIM_FAILS;
    if (s->dev->disk_full && does == SIM_DOES) {
        *code = PORT_CODE;
        return OTA_DEVICE_FULL;
    }
    if (!is_done(does))
        return store_failed(s->dev, code);
    struct sim_record *r = find_record(s, name);
    if (!r) {
        MUST(s->count < SIM_RECORDS_MAX);
        r = &s->record[s->count++];
        memcpy(r->name, name, strlen(name) + 1);
    }
    MUST(len <= sizeof r->data);
    memcpy(r->data, buf, len);
    r->len = len;
    s->dev->store_writes++;
    return does == SIM_DOES ? OTA_OK : store_failed(s->dev, code);
}

static ota_err store_remove(struct ota_store *port, const char *name, int32_t *code)
{
    struct sim_store *s = (struct sim_store *)port;
    struct sim_record *r = find_record(s, name);

    if (!ota_store_name_ok(name))
        return OTA_USAGE_ARGUMENT;
    enum sim_does does = sim_call_ok(s->dev) ? change_record(s->dev) : SIM_FAILS;
    *code = PORT_CODE;
    if (!is_done(does))
        return OTA_DEVICE_STORE;
    if (r)
        *r = s->record[--s->count];
    s->dev->store_writes++;
    return does == SIM_DOES ? OTA_OK : OTA_DEVICE_STORE;
}

static const struct ota_store_ops store_ops = { store_read, store_write, store_remove };

/* ---- slots ---- */

static ota_err slot_result(struct sim_slot *s, bool ok, int32_t *code)
{
    if (ok)
        return OTA_OK;
    *code = PORT_CODE;
    (void)s;
    return OTA_DEVICE_SLOT;
}

static ota_err slot_geometry(struct ota_slot *port, struct ota_slot_geometry *out, int32_t *code)
{
    struct sim_slot *s = (struct sim_slot *)port;

    *out = s->geometry;
    return slot_result(s, sim_call_ok(s->dev), code);
}

static uint64_t size_of(const struct sim_slot *s)
{
    return s->dev->rigged.slot && s == &s->dev->slot[0][1] ? s->dev->rigged.geometry.size : s->geometry.size;
}

void sim_check_change(struct sim_slot *s, uint64_t off, uint64_t len, uint32_t unit)
{
    if (s->dev->boot.record.running[s->component] == s->index)
        sim_break(s->dev, "the running slot is never written");
    if (unit == 0 || off % unit || len % unit || len == 0 || off + len > size_of(s) || off + len < off)
        sim_break(s->dev, "slot operations are aligned and inside the slot");
}

/* The change itself, or what a cut lets through of it. p NULL: an erase. */
static bool change(struct sim_slot *s, uint64_t off, const uint8_t *p, size_t len)
{
    const struct sim_op op = { .kind = p ? SIM_OP_WRITE : SIM_OP_ERASE, .object = (uint8_t)(s->component * 2 + s->index),
        .off = (uint32_t)off, .len = (uint32_t)len };

    if (s->dev->broken)
        return false;
    s->dev->slot_writes++;
    return sim_op_ok(s->dev, &op, p);
}

static void count_erases(struct sim_slot *s, uint64_t off, uint64_t len)
{
    uint32_t unit = s->geometry.erase_unit;

    for (uint64_t at = off; unit && at < off + len && at / unit < SIM_BLOCKS_MAX; at += unit)
        s->erases[at / unit]++;
}

static ota_err slot_erase(struct ota_slot *port, uint64_t off, uint64_t len, int32_t *code)
{
    struct sim_slot *s = (struct sim_slot *)port;

    sim_check_change(s, off, len, s->geometry.erase_unit);
    count_erases(s, off, len);
    return slot_result(s, sim_call_ok(s->dev) && change(s, off, NULL, (size_t)len), code);
}

static bool is_erased(const struct sim_slot *s, uint64_t off, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s->data[off + i] != s->dev->geometry.erased)
            return false;
    return true;
}

static ota_err slot_write(struct ota_slot *port, uint64_t off, const void *buf, size_t len, int32_t *code)
{
    struct sim_slot *s = (struct sim_slot *)port;

    sim_check_change(s, off, len, s->geometry.write_unit);
    if (!s->dev->broken && s->geometry.erase_unit && !is_erased(s, off, len))
        sim_break(s->dev, "only erased bytes are written");
    return slot_result(s, sim_call_ok(s->dev) && change(s, off, buf, len), code);
}

static ota_err slot_read(struct ota_slot *port, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct sim_slot *s = (struct sim_slot *)port;

    if (off + len > s->geometry.size || off + len < off)
        sim_break(s->dev, "slot reads stay inside the slot");
    if (!sim_call_ok(s->dev) || s->dev->broken)
        return slot_result(s, false, code);
    memcpy(buf, s->data + off, len);
    return OTA_OK;
}

static ota_err slot_sync(struct ota_slot *port, int32_t *code)
{
    struct sim_slot *s = (struct sim_slot *)port;
    const struct sim_op op = { .kind = SIM_OP_SYNC, .object = (uint8_t)(s->component * 2 + s->index) };

    return slot_result(s, sim_call_ok(s->dev) && sim_op_ok(s->dev, &op, NULL), code);
}

static const struct ota_slot_ops slot_ops = { slot_geometry, slot_erase, slot_write, slot_read, slot_sync };

/* ---- clock, health, log ---- */

static uint64_t clock_monotonic(struct ota_clock *port)
{
    const struct sim_clock *c = (const struct sim_clock *)port;

    return c->ms - c->boot_ms;
}

static ota_err clock_utc(struct ota_clock *port, int64_t *out)
{
    const struct sim_clock *c = (const struct sim_clock *)port;

    if (c->utc_s == INT64_MIN)
        return OTA_RETRY_CLOCK;
    *out = c->utc_s + (int64_t)(c->ms / 1000);
    return OTA_OK;
}

static void clock_sleep(struct ota_clock *port, uint32_t ms)
{
    ((struct sim_clock *)port)->ms += ms;
}

static const struct ota_clock_ops clock_ops = { clock_monotonic, clock_utc, clock_sleep };

/* As sick as the sickest image that runs. */
static ota_err health_check(struct ota_health *port, int32_t *code)
{
    struct sim *dev = ((struct sim_health *)port)->dev;
    ota_err err = OTA_OK;

    for (size_t c = 0; c < dev->components; c++) {
        const struct sim_image *i = sim_running(dev, c);

        if (c > 0 && dev->boot.record.running[c] == OTA_SLOT_NONE)
            continue;   /* taken out */
        if (i && i->nature == SIM_SICK) {
            *code = 42;
            return OTA_REJECT_HEALTH;
        }
        if (!i || i->nature == SIM_SILENT)
            err = OTA_AGAIN;
    }
    return err;
}

static const struct ota_health_ops health_ops = { health_check };

static void log_event(struct ota_log *port, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault)
{
    struct sim_log *l = (struct sim_log *)port;

    MUST((unsigned)ev < sizeof l->count / sizeof l->count[0]);
    l->count[ev]++;
    l->last_a[ev] = a;
    l->last_b[ev] = b;
    if (fault)
        l->fault = *fault;
    if (l->dev->tell)
        (void)fprintf(stderr, "  %8llu ms op %-4u %-48s a=%lld b=%lld%s%s %s\n", (unsigned long long)l->dev->clock.ms,
                      (unsigned)l->dev->ops, ota_event_text(ev), (long long)a, (long long)b, fault ? " " : "",
                      fault ? ota_err_name(fault->err) : "", fault ? fault->where : "");
}

static const struct ota_log_ops log_ops = { log_event };

void sim_ports_open(struct sim *dev)
{
    dev->store.port.ops = &store_ops;
    dev->store.dev = dev;
    sim_boot_open(dev);
    dev->clock.port.ops = &clock_ops;
    dev->clock.dev = dev;
    dev->clock.utc_s = SIM_NOW_S;
    dev->health.port.ops = &health_ops;
    dev->health.dev = dev;
    dev->log.port.ops = &log_ops;
    dev->log.dev = dev;
    for (uint8_t c = 0; c < SIM_COMPONENTS; c++) {
        for (uint8_t k = 0; k < 2; k++) {
            struct sim_slot *s = &dev->slot[c][k];

            s->port.ops = &slot_ops;
            s->dev = dev;
            s->component = c;
            s->index = k;
            s->geometry = (struct ota_slot_geometry){ .size = dev->geometry.slot_size[k], .write_unit = dev->geometry.write_unit,
                .erase_unit = dev->geometry.erase_unit };
        }
    }
}
