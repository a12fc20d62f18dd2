/* SPDX-License-Identifier: Apache-2.0 */
/* libota's boot and slot ports on a platform's psa_fwu_*(). The API knows an active and a second image; which of them the agent
 * calls slot 0 is a record of our own, and so is what was armed, because READY after a restart may mean accepted as well as
 * taken back. The versions of the active image tell the two apart. */
#include <string.h>

#include "ota/psa_fwu.h"
#include <psa/update.h>

#define RECORD "psa-fwu"
#define WRITTEN "psa-fwu-at" /* how far the image was synced, LE64: for platforms that stay in WRITING over a restart */
#define WRITTEN_LEN 8

enum phase { PHASE_NONE, PHASE_ARMED, PHASE_ACCEPTING };

/* { active slot, phase, version of the active image when it was armed: major, minor, patch LE16, build LE32 } */
#define RECORD_LEN 10

struct memory {
    uint8_t active, phase;
    uint8_t version[8];
};

struct now {
    struct memory m;
    psa_fwu_component_info_t info;
    uint8_t running;
    bool trial, pending, given_up, spent;
};

static struct ota_psa_port *of_boot(struct ota_boot *b)
{
    return (struct ota_psa_port *)b;
}

static void pack(const psa_fwu_image_version_t *v, uint8_t out[8])
{
    out[0] = v->major;
    out[1] = v->minor;
    out[2] = (uint8_t)v->patch;
    out[3] = (uint8_t)(v->patch >> 8);
    for (int i = 0; i < 4; i++)
        out[4 + i] = (uint8_t)(v->build >> (8 * i));
}

static psa_status_t load(struct ota_psa_port *p, struct memory *m)
{
    uint8_t raw[RECORD_LEN];
    size_t len = 0;
    int32_t code = 0;
    ota_err err = p->cfg.store->ops->read(p->cfg.store, RECORD, raw, sizeof raw, &len, &code);

    memset(m, 0, sizeof *m);
    if (err == OTA_DEVICE_ABSENT)
        return PSA_SUCCESS;
    if (err != OTA_OK || len != sizeof raw || raw[0] > 1 || raw[1] > PHASE_ACCEPTING)
        return PSA_ERROR_STORAGE_FAILURE;
    m->active = raw[0];
    m->phase = raw[1];
    memcpy(m->version, raw + 2, sizeof m->version);
    return PSA_SUCCESS;
}

/* 0 when nothing was noted, or nothing that is one. */
static uint64_t noted(struct ota_psa_port *p)
{
    uint8_t raw[WRITTEN_LEN];
    size_t len = 0;
    int32_t code = 0;
    uint64_t at = 0;

    if (p->cfg.store->ops->read(p->cfg.store, WRITTEN, raw, sizeof raw, &len, &code) != OTA_OK || len != sizeof raw)
        return 0;
    for (int i = 0; i < WRITTEN_LEN; i++)
        at |= (uint64_t)raw[i] << (8 * i);
    return at;
}

static psa_status_t note(struct ota_psa_port *p, uint64_t at)
{
    uint8_t raw[WRITTEN_LEN];
    int32_t code = 0;

    if (noted(p) == at)
        return PSA_SUCCESS;
    for (int i = 0; i < WRITTEN_LEN; i++)
        raw[i] = (uint8_t)(at >> (8 * i));
    return p->cfg.store->ops->write(p->cfg.store, WRITTEN, raw, sizeof raw, &code) == OTA_OK ? PSA_SUCCESS : PSA_ERROR_STORAGE_FAILURE;
}

static psa_status_t store(struct ota_psa_port *p, const struct memory *m)
{
    uint8_t raw[RECORD_LEN] = { m->active, m->phase };
    int32_t code = 0;

    memcpy(raw + 2, m->version, sizeof m->version);
    return p->cfg.store->ops->write(p->cfg.store, RECORD, raw, sizeof raw, &code) == OTA_OK ? PSA_SUCCESS : PSA_ERROR_STORAGE_FAILURE;
}

/* After arming, in a state that is neither STAGED nor of a trial: what runs is the old image or the new one. */
static void conclude(struct now *n)
{
    uint8_t version[8];
    bool old;

    pack(&n->info.version, version);
    old = n->info.state != PSA_FWU_UPDATED && memcmp(version, n->m.version, sizeof version) == 0;
    n->spent = n->m.phase == PHASE_ARMED && old;
    if (!old)
        n->running = (uint8_t)(1 - n->m.active);
}

static psa_status_t look(struct ota_psa_port *p, struct now *n)
{
    psa_status_t status = load(p, &n->m);

    if (status == PSA_SUCCESS)
        status = psa_fwu_query(p->cfg.component, &n->info);
    if (status != PSA_SUCCESS)
        return status;
    n->running = n->m.active;
    n->spent = n->info.state == PSA_FWU_FAILED;
    n->trial = n->info.state == PSA_FWU_TRIAL || n->info.state == PSA_FWU_REJECTED;
    n->given_up = n->info.state == PSA_FWU_REJECTED;
    n->pending = n->info.state == PSA_FWU_STAGED;
    if (n->trial)
        n->running = (uint8_t)(1 - n->m.active);
    else if (n->m.phase != PHASE_NONE && !n->pending)
        conclude(n);
    return PSA_SUCCESS;
}

static ota_err done(psa_status_t status, ota_err err, int32_t *port_code)
{
    if (status == PSA_SUCCESS)
        return OTA_OK;
    *port_code = status;
    return err;
}

static ota_err boot_view(struct ota_boot *b, struct ota_boot_view *out, int32_t *port_code)
{
    struct now n;
    psa_status_t status = look(of_boot(b), &n);

    if (status != PSA_SUCCESS)
        return done(status, OTA_DEVICE_BOOT, port_code);
    memset(out, 0, sizeof *out);
    memset(out->running, OTA_SLOT_NONE, sizeof out->running);
    memset(out->armed, OTA_SLOT_NONE, sizeof out->armed);
    out->running[0] = n.running;
    out->trial = n.trial;
    out->pending = n.pending;
    out->spent = n.spent;
    out->tries_left = n.pending;
    if (n.pending || (n.trial && !n.given_up))
        out->armed[0] = (uint8_t)(1 - n.m.active);
    return OTA_OK;
}

static psa_status_t install(struct ota_psa_port *p, struct now *n)
{
    psa_status_t status = n->info.state == PSA_FWU_WRITING ? psa_fwu_finish(p->cfg.component) : PSA_SUCCESS;

    if (status != PSA_SUCCESS)
        return status;
    pack(&n->info.version, n->m.version);
    n->m.active = n->running;
    n->m.phase = PHASE_NONE;
    status = store(p, &n->m);
    if (status == PSA_SUCCESS)
        status = psa_fwu_install();
    if (status != PSA_SUCCESS && status != PSA_SUCCESS_REBOOT && status != PSA_SUCCESS_RESTART)
        return status;
    n->m.phase = PHASE_ARMED;
    return store(p, &n->m);
}

static ota_err boot_arm(struct ota_boot *b, const uint8_t *slot, size_t count, uint8_t tries, int32_t *port_code)
{
    struct now n;
    psa_status_t status = look(of_boot(b), &n);

    if (status == PSA_SUCCESS && (count == 0 || tries == 0 || slot[0] != 1 - n.running))
        status = PSA_ERROR_INVALID_ARGUMENT;
    for (size_t i = 1; status == PSA_SUCCESS && i < count; i++)
        status = slot[i] == OTA_SLOT_NONE ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT;
    if (status == PSA_SUCCESS && !n.pending) /* else it is armed already: there is one place, and one try */
        status = n.trial ? PSA_ERROR_BAD_STATE : install(of_boot(b), &n);
    return done(status, OTA_DEVICE_BOOT, port_code);
}

static psa_status_t accept(struct ota_psa_port *p, struct now *n)
{
    psa_status_t status;

    n->m.phase = PHASE_ACCEPTING;
    status = store(p, &n->m);
    if (status == PSA_SUCCESS)
        status = psa_fwu_accept();
    if (status != PSA_SUCCESS)
        return status;
    n->m.active = n->running;
    n->m.phase = PHASE_NONE;
    return store(p, &n->m);
}

static ota_err boot_confirm(struct ota_boot *b, int32_t *port_code)
{
    struct now n;
    psa_status_t status = look(of_boot(b), &n);

    if (status == PSA_SUCCESS && n.given_up)
        status = PSA_ERROR_BAD_STATE;
    if (status == PSA_SUCCESS && n.trial)
        status = accept(of_boot(b), &n);
    return done(status, OTA_DEVICE_BOOT, port_code);
}

/* Back to READY, with what runs as the active image. */
static psa_status_t tidy(struct ota_psa_port *p, struct now *n)
{
    psa_status_t status = PSA_SUCCESS;

    p->written = 0;
    if (n->m.phase != PHASE_NONE || n->m.active != n->running) {
        n->m.active = n->running;
        n->m.phase = PHASE_NONE;
        status = store(p, &n->m);
    }
    if (status == PSA_SUCCESS && (n->info.state == PSA_FWU_WRITING || n->info.state == PSA_FWU_CANDIDATE)) {
        status = psa_fwu_cancel(p->cfg.component);
        n->info.state = PSA_FWU_FAILED;
    }
    if (status == PSA_SUCCESS && (n->info.state == PSA_FWU_FAILED || n->info.state == PSA_FWU_UPDATED))
        status = psa_fwu_clean(p->cfg.component);
    return status;
}

static psa_status_t take_back(struct ota_psa_port *p, struct now *n)
{
    psa_status_t status = psa_fwu_reject(PSA_ERROR_GENERIC_ERROR);

    if (n->trial)
        return status == PSA_SUCCESS_REBOOT ? PSA_SUCCESS : status;
    if (status != PSA_SUCCESS)
        return status;
    n->info.state = PSA_FWU_FAILED;
    return tidy(p, n);
}

static ota_err boot_revert(struct ota_boot *b, int32_t *port_code)
{
    struct now n;
    psa_status_t status = look(of_boot(b), &n);

    if (status == PSA_SUCCESS && (n.pending || (n.trial && !n.given_up)))
        status = take_back(of_boot(b), &n);
    else if (status == PSA_SUCCESS && n.spent)
        status = tidy(of_boot(b), &n);
    return done(status, OTA_DEVICE_BOOT, port_code);
}

static ota_err boot_reboot(struct ota_boot *b, int32_t *port_code)
{
    (void)b;
    return done(psa_fwu_request_reboot(), OTA_DEVICE_BOOT, port_code);
}

static const struct ota_boot_ops boot_ops = { boot_view, boot_arm, boot_confirm, boot_revert, boot_reboot };

static struct ota_psa_slot *of_slot(struct ota_slot *s)
{
    return (struct ota_psa_slot *)s;
}

static ota_err slot_geometry(struct ota_slot *s, struct ota_slot_geometry *out, int32_t *port_code)
{
    psa_fwu_component_info_t info;
    psa_status_t status = psa_fwu_query(of_slot(s)->owner->cfg.component, &info);

    *out = (struct ota_slot_geometry){ .size = status == PSA_SUCCESS ? info.max_size : 0, .write_unit = 1u << PSA_FWU_LOG2_WRITE_ALIGN };
    return done(status, OTA_DEVICE_SLOT, port_code);
}

static ota_err slot_erase(struct ota_slot *s, uint64_t off, uint64_t len, int32_t *port_code)
{
    (void)s;
    (void)off;
    (void)len;
    return done(PSA_ERROR_NOT_SUPPORTED, OTA_DEVICE_SLOT, port_code);
}

/* The first byte of an image begins it anew, whatever was there before. */
static psa_status_t begin(struct ota_psa_port *p, struct now *n)
{
    psa_status_t status = PSA_SUCCESS;

    if (n->trial)
        return PSA_ERROR_BAD_STATE;
    if (n->pending)
        status = take_back(p, n);
    else
        status = tidy(p, n);
    if (status == PSA_SUCCESS)
        status = note(p, 0);
    return status == PSA_SUCCESS ? psa_fwu_start(p->cfg.component, NULL, 0) : status;
}

/* A restart lies between: the platform is still in WRITING, and has at least what was noted. It may have more than the agent
 * knows of; those bytes are written again. */
static void go_on(struct ota_psa_port *p, const struct now *n, uint64_t off)
{
    if (p->written == 0 && n->info.state == PSA_FWU_WRITING && off <= noted(p))
        p->written = off;
}

static psa_status_t write_all(struct ota_psa_port *p, const uint8_t *buf, size_t len)
{
    psa_status_t status = PSA_SUCCESS;

    while (len > 0 && status == PSA_SUCCESS) {
        size_t n = len < PSA_FWU_MAX_WRITE_SIZE ? len : PSA_FWU_MAX_WRITE_SIZE;

        status = psa_fwu_write(p->cfg.component, (size_t)p->written, buf, n);
        if (status == PSA_SUCCESS)
            p->written += n;
        buf += n;
        len -= n;
    }
    return status;
}

static ota_err slot_write(struct ota_slot *s, uint64_t off, const void *buf, size_t len, int32_t *port_code)
{
    struct ota_psa_port *p = of_slot(s)->owner;
    struct now n;
    psa_status_t status = look(p, &n);

    if (status == PSA_SUCCESS && of_slot(s)->index == n.running)
        status = PSA_ERROR_NOT_PERMITTED;
    if (status == PSA_SUCCESS && off == 0)
        status = begin(p, &n);
    else if (status == PSA_SUCCESS)
        go_on(p, &n, off);
    if (status == PSA_SUCCESS && off != p->written)
        status = PSA_ERROR_BAD_STATE; /* a restart has lost what was written, or somebody jumps about */
    return done(status == PSA_SUCCESS ? write_all(p, buf, len) : status, OTA_DEVICE_SLOT, port_code);
}

/* In the other states the platform has no second image, whatever bytes it may find: an image that it has forgotten is not to be
 * sealed, because it could not be installed. */
static bool is_held(const struct now *n)
{
    return n->info.state == PSA_FWU_WRITING || n->info.state == PSA_FWU_CANDIDATE || n->pending || n->trial;
}

static ota_err slot_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *port_code)
{
    struct ota_psa_port *p = of_slot(s)->owner;
    struct now n;
    psa_status_t status = look(p, &n);

    if (status == PSA_SUCCESS && of_slot(s)->index != n.running && !is_held(&n))
        status = PSA_ERROR_BAD_STATE;
    if (status == PSA_SUCCESS && !p->cfg.read(p->cfg.of, of_slot(s)->index == n.running, off, buf, len))
        status = PSA_ERROR_STORAGE_FAILURE;
    return done(status, OTA_DEVICE_SLOT, port_code);
}

/* Every psa_fwu_write() is complete when it returns, and psa_fwu_finish() seals the image before it is armed. */
static ota_err slot_sync(struct ota_slot *s, int32_t *port_code)
{
    struct ota_psa_port *p = of_slot(s)->owner;

    return done(p->written > 0 ? note(p, p->written) : PSA_SUCCESS, OTA_DEVICE_SLOT, port_code);
}

static const struct ota_slot_ops slot_ops = { slot_geometry, slot_erase, slot_write, slot_read, slot_sync };

ota_err ota_psa_port_open(struct ota_psa_port *p, const struct ota_psa_port_config *cfg, int32_t *port_code)
{
    struct now n;
    int32_t none = 0;

    if (!p || !cfg || !cfg->store || !cfg->read)
        return OTA_USAGE_ARGUMENT;
    *p = (struct ota_psa_port){ .boot = { &boot_ops }, .cfg = *cfg };
    for (uint8_t i = 0; i < 2; i++)
        p->slot[i] = (struct ota_psa_slot){ { &slot_ops }, p, i };
    return done(look(p, &n), OTA_DEVICE_BOOT, port_code ? port_code : &none);
}
