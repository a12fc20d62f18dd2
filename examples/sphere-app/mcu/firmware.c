/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

#include <string.h>

struct slot_reader {
    struct ota_package_reader reader;
    struct ota_slot *slot;
};

static ota_err read_slot(struct ota_package_reader *r, uint64_t off, void *to, size_t len, int32_t *port_code)
{
    struct ota_slot *s = ((struct slot_reader *)(void *)r)->slot;

    return s->ops->read(s, off, to, len, port_code);
}

static const struct ota_package_reader_ops reader_ops = { read_slot };

/* May the image in this slot run? Nobody knows how long it is: its own trailer says so, and its signature proves it. */
static ota_err verify(struct mcu *m, uint8_t slot)
{
    struct slot_reader r = { { &reader_ops }, &m->slots[slot].port };
    struct ota_package p;
    ota_err err = ota_package_find(&m->verify, &r.reader, m->cfg.slot[slot].len, m->buffer, sizeof m->buffer, m->cfg.crypto,
                                   &m->cfg.want, &p, &m->why);

    if (err != OTA_OK) {
        m->refused |= (uint8_t)(1u << slot);
        return err;
    }
    m->body_len = p.body_len;
    m->package_len = p.length;
    memcpy(m->version, p.name, sizeof m->version);
    return OTA_OK;
}

static bool is_good(struct mcu *m, uint8_t slot)
{
    return slot <= 1 && !(m->refused & 1u << slot) && verify(m, slot) == OTA_OK;
}

/* An image that a start refuses is not tried again: the record says so before another one runs. */
static uint8_t choose(struct mcu *m, struct ota_boot_record *r, bool *changed)
{
    bool now = false;

    (void)ota_boot_record_start(r, changed);
    if (is_good(m, r->running[0]))
        return r->running[0];
    if (r->state == OTA_BOOT_TRIAL_STARTED) {
        (void)ota_boot_record_revert(r);
        (void)ota_boot_record_start(r, &now);
        *changed = true;
        if (is_good(m, r->running[0]))
            return r->running[0];
    }
    uint8_t other = r->confirmed[0] == 0 ? 1 : 0;
    if (!is_good(m, other))
        return OTA_SLOT_NONE;
    r->confirmed[0] = r->running[0] = other;
    *changed = true;
    return other;
}

static ota_err load(const struct mcu *m, struct ota_boot_record *r, bool *fresh, int32_t *code)
{
    static const uint8_t first[1] = { 0 };
    ota_err err = ota_mcu_boot_load(&m->cfg.boot, r, code);

    *fresh = err != OTA_OK && *code == OTA_MCU_NO_RECORD;
    if (!*fresh)
        return err;
    ota_boot_record_init(r, first, 1); /* from the factory */
    return OTA_OK;
}

ota_err mcu_boot(struct mcu *m, const struct mcu_config *cfg, struct ota_fault *fault)
{
    struct ota_boot_record r;
    bool fresh = false, changed = false;
    int32_t code = 0;
    ota_err err = OTA_OK;

    *m = (struct mcu){ .cfg = *cfg, .slot = OTA_SLOT_NONE };
    for (unsigned i = 0; err == OTA_OK && i < 2; i++)
        err = ota_mcu_slot_open(&m->slots[i], &cfg->slot[i], fault);
    if (err != OTA_OK)
        return err;
    err = load(m, &r, &fresh, &code);
    if (err != OTA_OK)
        return ota_fault_set(fault, err, "boot.load", code);
    m->slot = choose(m, &r, &changed);
    m->trial = r.state == OTA_BOOT_TRIAL_STARTED;
    if (fresh || changed)
        err = ota_mcu_boot_store(&cfg->boot, &r, &code);
    return err == OTA_OK ? OTA_OK : ota_fault_set(fault, err, "boot.store", code);
}

ota_err mcu_serve(struct mcu *m, uint64_t now_ms, struct ota_fault *fault)
{
    const struct ota_remote_end_config cfg = { .pipe = m->cfg.pipe,
                                               .slot = { &m->slots[0].port, &m->slots[1].port },
                                               .boot = &m->boot.port,
                                               .health = m->cfg.health,
                                               .firmware = m->version,
                                               .session = m->cfg.session,
                                               .piece = m->cfg.piece };
    ota_err err = ota_mcu_boot_open(&m->boot, &m->cfg.boot, m->cfg.restart, fault);

    m->begun_ms = now_ms;
    if (err == OTA_OK)
        err = ota_remote_end_open(&m->end, &cfg, fault);
    m->end.refused = m->refused;
    m->end.refused_reason = m->refused ? (int32_t)m->why.err : 0;
    return err;
}

/* Nobody may be there who could confirm or revert the trial, or this image may be the one that cannot hear it. */
static bool overdue(struct mcu *m, uint64_t now_ms)
{
    struct ota_boot_view v;
    int32_t code = 0;

    if (!m->trial || m->cfg.trial_ms == 0 || now_ms - m->begun_ms < m->cfg.trial_ms)
        return false;
    m->trial = m->boot.port.ops->view(&m->boot.port, &v, &code) != OTA_OK || v.trial;
    return m->trial;
}

void mcu_poll(struct mcu *m, uint64_t now_ms)
{
    ota_remote_end_poll(&m->end);
    if (overdue(m, now_ms))
        m->cfg.restart(&m->boot);
}
