/* SPDX-License-Identifier: Apache-2.0 */
/* Boot control by a boot loader: its variables say what starts next, a boot record of our own says what that means. No
 * loader remembers that a slot is on trial, which one it was before, or why it went back; the record does:
 *
 *     no trial       the slot that runs is the confirmed one
 *     armed, 0 tries the loader is about to be told: what it says counts
 *     armed          the loader was told. Runs the trial's slot: on trial. Runs the other one: pending while the loader still
 *                    means to try it, else it went back
 *     dropped        given up while it runs
 *
 * Order of writes. Arming: record, loader, record. Confirming and giving up: loader, then record, so that a power cut in
 * between leaves a trial that is judged, confirmed or given up once more. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file_io.h"
#include "loader.h"
#include "spawn.h"

#define TIMEOUT_MS 10000u

/* Everything that is known at one moment. */
struct now {
    struct ota_boot_record r;
    struct otap_loader_view loader;
    uint8_t running;
};

static struct ota_posix_loader *self(struct ota_boot *b)
{
    return (struct ota_posix_loader *)b;
}

static const struct otap_loader_ops *table(const struct ota_posix_loader *l)
{
    return l->loader;
}

int otap_blame(struct ota_posix_loader *l, const char *what, int number)
{
    return otap_blame_of(l, "", what, number);
}

int otap_blame_of(struct ota_posix_loader *l, const char *name, const char *what, int number)
{
    (void)snprintf(l->trouble, sizeof l->trouble, "%s%s", name, what);
    return number;
}

static ota_err done(int number, int32_t *port_code)
{
    return otap_result(number, OTA_DEVICE_BOOT, port_code);
}

/* A device fresh from the factory has no record: nothing is on trial. Bytes that are no record are EBADMSG. */
static int load(struct ota_posix_loader *l, struct ota_boot_record *r)
{
    int32_t code = 0;
    ota_err err = ota_boot_record_load(l->cfg.record, r, &code);

    if (err == OTA_DEVICE_ABSENT)
        ota_boot_record_init(r, NULL, 0);
    if (err == OTA_OK || err == OTA_DEVICE_ABSENT)
        return 0;
    return otap_blame(l, "boot record", code ? code : EBADMSG);
}

static int store(struct ota_posix_loader *l, struct ota_boot_record *r)
{
    struct ota_boot_record old;
    int32_t code = 0;
    ota_err err = ota_boot_record_load(l->cfg.record, &old, &code);

    if (err == OTA_DEVICE_ABSENT)
        err = ota_boot_record_create(l->cfg.record, r, &code);
    else
        err = ota_boot_record_store(l->cfg.record, r, &code);
    return err == OTA_OK ? 0 : otap_blame(l, "boot record", code ? code : EBADMSG);
}

static int look(struct ota_posix_loader *l, struct now *n)
{
    int number;

    l->trouble[0] = '\0';
    number = load(l, &n->r);
    n->loader = (struct otap_loader_view){ .armed = OTA_SLOT_NONE, .current = OTA_SLOT_NONE };
    if (number == 0)
        number = table(l)->read(l, &n->loader);
    if (number == 0)
        number = otap_running_slot(l, n->loader.current, &n->running);
    return number;
}

static uint8_t trial_slot(const struct now *n)
{
    return n->r.state == OTA_BOOT_TRIAL_NONE ? (uint8_t)OTA_SLOT_NONE : n->r.trial[0];
}

/* The trial's slot runs, given up or not. */
static bool on_trial(const struct now *n)
{
    return trial_slot(n) == n->running;
}

static bool is_pending(const struct now *n)
{
    return n->r.state == OTA_BOOT_TRIAL_ARMED && !on_trial(n) && n->loader.armed == n->r.trial[0] && n->loader.tries > 0;
}

/* The loader was told of it, means to try it no more, and the other slot runs. */
static bool went_back(const struct now *n)
{
    return n->r.state == OTA_BOOT_TRIAL_ARMED && n->r.tries > 0 && !on_trial(n) && !is_pending(n);
}

/* Or so the record says, after ota_posix_loader_settle() has tidied up. */
static bool is_spent(const struct now *n)
{
    return went_back(n) || (n->r.state == OTA_BOOT_TRIAL_NONE && n->r.fate == OTA_BOOT_FATE_OUT_OF_TRIES);
}

static void forget(struct ota_boot_record *r, uint8_t confirmed, enum ota_boot_fate fate)
{
    r->confirmed[0] = r->running[0] = confirmed;
    r->trial[0] = OTA_SLOT_NONE;
    r->state = OTA_BOOT_TRIAL_NONE;
    r->tries = 0;
    r->fate = (uint8_t)fate;
}

static ota_err view(struct ota_boot *b, struct ota_boot_view *out, int32_t *port_code)
{
    struct now n;
    int number = look(self(b), &n);

    if (number != 0)
        return done(number, port_code);
    memset(out->running, OTA_SLOT_NONE, sizeof out->running);
    memset(out->armed, OTA_SLOT_NONE, sizeof out->armed);
    out->running[0] = n.running;
    out->trial = on_trial(&n);
    out->pending = is_pending(&n);
    out->spent = is_spent(&n);
    out->tries_left = 0;
    if (n.r.state == OTA_BOOT_TRIAL_ARMED && (out->trial || out->pending)) {
        out->armed[0] = n.r.trial[0];
        out->tries_left = n.loader.tries_of[n.r.trial[0]];
    }
    return OTA_OK;
}

/* These loaders switch one component. */
static const char *not_armed(const uint8_t *slot, size_t count, uint8_t tries)
{
    for (size_t i = 1; i < count; i++)
        if (slot[i] != OTA_SLOT_NONE)
            return "more than one component";
    return count == 0 || slot[0] > 1 || tries == 0 ? "slot" : NULL;
}

static int announce(struct ota_posix_loader *l, struct now *n, uint8_t slot)
{
    forget(&n->r, n->running, OTA_BOOT_FATE_NONE);
    n->r.trial[0] = slot;
    n->r.state = OTA_BOOT_TRIAL_ARMED;
    return store(l, &n->r);
}

static int arm_slot(struct ota_posix_loader *l, uint8_t slot, uint8_t tries)
{
    struct now n;
    int number = look(l, &n);

    if (number != 0)
        return number;
    if (on_trial(&n))
        return otap_blame(l, "trial", EBUSY);
    if (slot == n.running)
        return otap_blame(l, "slot", EINVAL);
    number = announce(l, &n, slot);
    if (number == 0)
        number = table(l)->arm(l, slot, tries);
    if (number != 0)
        return number;
    n.r.tries = tries;
    return store(l, &n.r);
}

static ota_err arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code)
{
    struct ota_posix_loader *l = self(b);
    const char *wrong = not_armed(slot, count, tries);

    if (wrong)
        return done(otap_blame(l, wrong, EINVAL), port_code);
    return done(arm_slot(l, slot[0], tries < l->tries_max ? tries : l->tries_max), port_code);
}

static int confirm_slot(struct ota_posix_loader *l)
{
    struct now n;
    int number = look(l, &n);

    if (number != 0 || !on_trial(&n))
        return number;
    if (n.r.state == OTA_BOOT_TRIAL_DROPPED)
        return otap_blame(l, "trial", ECANCELED); /* "ok" would be believed and reported */
    number = table(l)->keep(l, n.running);
    if (number != 0)
        return number;
    forget(&n.r, n.running, OTA_BOOT_FATE_CONFIRMED);
    return store(l, &n.r);
}

static ota_err confirm(struct ota_boot *b, int32_t *port_code)
{
    return done(confirm_slot(self(b)), port_code);
}

static int give_up(struct ota_posix_loader *l, struct now *n, enum ota_boot_fate fate)
{
    int number = table(l)->drop(l, n->r.trial[0]);

    if (number != 0)
        return number;
    if (on_trial(n)) {
        n->r.state = OTA_BOOT_TRIAL_DROPPED;
        n->r.tries = 0;
        n->r.fate = (uint8_t)fate;
    } else {
        forget(&n->r, n->running, fate);
    }
    return store(l, &n->r);
}

static int forget_spent(struct ota_posix_loader *l, struct now *n)
{
    n->r.fate = OTA_BOOT_FATE_REVERTED;
    return store(l, &n->r);
}

static ota_err revert(struct ota_boot *b, int32_t *port_code)
{
    struct now n;
    int number = look(self(b), &n);

    if (number != 0)
        return done(number, port_code);
    if (n.r.state == OTA_BOOT_TRIAL_ARMED)
        return done(give_up(self(b), &n, OTA_BOOT_FATE_REVERTED), port_code);
    return done(is_spent(&n) ? forget_spent(self(b), &n) : 0, port_code);
}

static ota_err reboot(struct ota_boot *b, int32_t *port_code)
{
    struct ota_posix_loader *l = self(b);
    int number = 0;

    if (l->cfg.reboot) {
        pid_t pid = 0;

        number = otap_spawn(l->cfg.reboot, &pid);
    }
    if (number == 0)
        l->restart_asked = true;
    return done(number == 0 ? 0 : otap_blame(l, "reboot", number), port_code);
}

static const struct ota_boot_ops ops = { view, arm, confirm, revert, reboot };

static int settle(struct ota_posix_loader *l)
{
    struct now n;
    int number = look(l, &n);

    if (number != 0 || on_trial(&n) || is_pending(&n))
        return number;
    if (went_back(&n))
        number = give_up(l, &n, OTA_BOOT_FATE_OUT_OF_TRIES);
    if (number == 0 && table(l)->refill)
        number = table(l)->refill(l, n.running);
    return number;
}

ota_err ota_posix_loader_settle(struct ota_posix_loader *l, struct ota_fault *fault)
{
    int number = settle(l);

    return number == 0 ? OTA_OK : ota_fault_set(fault, OTA_DEVICE_BOOT, "boot.settle", number);
}

/* An armed trial is that of the slot which now gets other bytes: it is over. */
int otap_loader_unfit(struct ota_posix_loader *l, uint8_t slot)
{
    struct now n;
    int number = look(l, &n);

    if (number != 0)
        return number;
    if (slot == n.running || on_trial(&n))
        return otap_blame(l, "slot", EBUSY);
    if (n.r.state == OTA_BOOT_TRIAL_ARMED)
        return give_up(l, &n, OTA_BOOT_FATE_REVERTED);
    return table(l)->drop(l, slot);
}

void ota_posix_loader_guard(struct ota_posix_loader *l, struct ota_posix_slot *a, struct ota_posix_slot *b)
{
    a->loader = b->loader = l;
    a->index = 0;
    b->index = 1;
}

static const char *missing(const struct ota_posix_loader_config *cfg)
{
    if (!cfg->record)
        return "boot.record";
    for (size_t i = 0; i < 2; i++)
        if (!cfg->name[i] || !cfg->name[i][0] || strpbrk(cfg->name[i], " =\n\\/"))
            return "boot.slots";
    return strcmp(cfg->name[0], cfg->name[1]) == 0 ? "boot.slots" : NULL;
}

ota_err otap_loader_open(struct ota_posix_loader *l, const struct otap_loader_ops *loader, const struct ota_posix_loader_config *cfg,
                         struct ota_fault *fault)
{
    struct now n;
    const char *where;
    int number;

    l->port.ops = &ops;
    l->loader = loader;
    l->cfg = *cfg;
    if (l->cfg.timeout_ms == 0)
        l->cfg.timeout_ms = TIMEOUT_MS;
    l->trouble[0] = '\0';
    l->restart_asked = false;
    for (size_t i = 0; i < 2; i++)
        if (!l->cfg.name[i])
            l->cfg.name[i] = i == 0 ? "A" : "B";
    where = missing(&l->cfg);
    if (where)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, where, 0);
    number = look(l, &n);
    return number == 0 ? OTA_OK : ota_fault_set(fault, OTA_DEVICE_BOOT, l->trouble[0] ? l->trouble : "boot", number);
}

const char *ota_posix_loader_trouble(const struct ota_posix_loader *l)
{
    return l->trouble;
}

void ota_posix_loader_close(struct ota_posix_loader *l)
{
    l->restart_asked = false;
}
