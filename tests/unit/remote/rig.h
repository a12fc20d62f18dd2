/* SPDX-License-Identifier: Apache-2.0 */
/* A host and a microcontroller on one line, in memory: time is the test's own, and nothing runs beside it. */
#ifndef REMOTE_RIG_H
#define REMOTE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ota/ram.h"
#include "ota/remote.h"
#include "ota_contract.h"
#include "ota_cuts.h"

#define UNIT 512u
#define SLOT_UNITS 8u
#define BOOT_UNITS 3u
#define SIZE ((2u * SLOT_UNITS + BOOT_UNITS) * UNIT)
#define SLOT_LEN (SLOT_UNITS * UNIT)

/* ---- the wire ---- */

struct wire {
    uint8_t bytes[8192];
    size_t at, len;
};

static struct {
    struct wire to_mcu, to_host;
    uint32_t bad_each; /* one byte of so many is lost or damaged; 0 = none */
    uint32_t random;
    unsigned drop; /* answers that get lost, whole */
    bool mute;     /* nobody is there */
} line;

static inline uint32_t any(void)
{
    line.random ^= line.random << 13;
    line.random ^= line.random >> 17;
    line.random ^= line.random << 5;
    return line.random;
}

static inline void carry(struct wire *w, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = p[i];

        if (line.bad_each && any() % line.bad_each == 0) {
            if (any() % 2)
                continue;
            byte ^= (uint8_t)(1u << any() % 8u);
        }
        assert_true(w->len < sizeof w->bytes);
        w->bytes[w->len++] = byte;
    }
}

static inline size_t take(struct wire *w, void *buf, size_t cap)
{
    size_t n = w->len - w->at < cap ? w->len - w->at : cap;

    memcpy(buf, w->bytes + w->at, n);
    w->at += n;
    if (w->at == w->len)
        w->at = w->len = 0;
    return n;
}

/* ---- the microcontroller ---- */

static struct {
    struct ota_mcu_flash port;
    struct ota_cut_flash flash;
    struct ota_mcu_slot slot[2];
    struct ota_mcu_boot boot;
    struct ota_health health;
    struct ota_remote_end end;
    uint32_t session;
    bool restart;
    ota_err verdict;
    int32_t reason;
    const uint8_t *say; /* instead of any answer; NULL = what it has to say */
    size_t say_len;
} mcu;

static uint8_t now[SIZE], safe[SIZE];

static inline void geometry(struct ota_mcu_flash *f, struct ota_mcu_geometry *out)
{
    (void)f;
    *out = (struct ota_mcu_geometry){ SIZE, mcu.flash.write_unit, UNIT };
}

static inline int32_t chip_read(struct ota_mcu_flash *f, uint32_t off, void *buf, uint32_t len)
{
    (void)f;
    return ota_cut_flash_read(&mcu.flash, off, buf, len);
}

static inline int32_t chip_program(struct ota_mcu_flash *f, uint32_t off, const void *buf, uint32_t len)
{
    (void)f;
    return ota_cut_flash_write(&mcu.flash, off, buf, len);
}

static inline int32_t chip_erase(struct ota_mcu_flash *f, uint32_t off, uint32_t len)
{
    (void)f;
    return ota_cut_flash_erase(&mcu.flash, off, len);
}

static inline int32_t chip_sync(struct ota_mcu_flash *f)
{
    (void)f;
    return ota_cut_flash_sync(&mcu.flash);
}

static const struct ota_mcu_flash_ops chip_ops = { geometry, chip_read, chip_program, chip_erase, chip_sync };

static inline size_t mcu_hears(struct ota_mcu_pipe *p, void *buf, size_t cap)
{
    (void)p;
    return take(&line.to_mcu, buf, cap);
}

static inline void mcu_says(struct ota_mcu_pipe *p, const void *buf, size_t len)
{
    (void)p;
    if (line.drop)
        return;
    carry(&line.to_host, buf, len);
}

static const struct ota_mcu_pipe_ops mcu_pipe_ops = { mcu_hears, mcu_says };
static struct ota_mcu_pipe mcu_pipe = { &mcu_pipe_ops };

static inline ota_err self_test(struct ota_health *h, int32_t *port_code)
{
    (void)h;
    *port_code = mcu.reason;
    return mcu.verdict;
}

static const struct ota_health_ops health_ops = { self_test };

static inline void on_restart(struct ota_mcu_boot *b)
{
    (void)b;
    mcu.restart = true;
}

static const struct ota_mcu_area boot_area = { &mcu.port, 2u * SLOT_LEN, BOOT_UNITS *UNIT };

static inline bool choose_slot(void)
{
    static const uint8_t first[1] = { 0 };
    struct ota_boot_record record;
    bool changed = false;
    int32_t code = 0;

    if (ota_mcu_boot_load(&boot_area, &record, &code) == OTA_OK) {
        (void)ota_boot_record_start(&record, &changed);
    } else {
        ota_boot_record_init(&record, first, 1);
        changed = true;
    }
    return !changed || ota_mcu_boot_store(&boot_area, &record, &code) == OTA_OK;
}

/* What a start does: choose a slot, and serve. */
static inline bool mcu_start(void)
{
    struct ota_mcu_area a = { &mcu.port, 0, SLOT_LEN }, b = { &mcu.port, SLOT_LEN, SLOT_LEN };

    mcu.restart = false;
    line.to_mcu.at = line.to_mcu.len = 0;
    if (!choose_slot() || ota_mcu_slot_open(&mcu.slot[0], &a, NULL) != OTA_OK ||
        ota_mcu_slot_open(&mcu.slot[1], &b, NULL) != OTA_OK ||
        ota_mcu_boot_open(&mcu.boot, &boot_area, on_restart, NULL) != OTA_OK)
        return false;
    const struct ota_remote_end_config cfg = { .pipe = &mcu_pipe,
                                               .slot = { &mcu.slot[0].port, &mcu.slot[1].port },
                                               .boot = &mcu.boot.port,
                                               .health = &mcu.health,
                                               .firmware = "1.0.0",
                                               .session = ++mcu.session };
    return ota_remote_end_open(&mcu.end, &cfg, NULL) == OTA_OK;
}

/* ---- the host ---- */

static struct {
    struct ota_remote remote;
    struct ota_remote_slot slot[2];
    struct ota_remote_boot boot;
    struct ota_remote_health health;
    struct ota_ram_clock clock;
} host;

/* While the host looks for bytes the microcontroller lives. A cut of its power silences it. */
static inline void live(void)
{
    uint8_t gone[256];

    if (line.mute || mcu.flash.off) {
        line.to_mcu.at = line.to_mcu.len = 0;
        return;
    }
    if (mcu.say && line.to_mcu.len) {
        line.to_mcu.at = line.to_mcu.len = 0;
        carry(&line.to_host, mcu.say, mcu.say_len);
        return;
    }
    bool asked = line.to_mcu.len > 0;

    ota_remote_end_poll(&mcu.end);
    if (asked && line.drop) {
        line.drop--;
        while (take(&line.to_host, gone, sizeof gone) > 0) {
        }
    }
    if (mcu.restart)
        assert_true(mcu_start());
}

static inline size_t host_hears(struct ota_mcu_pipe *p, void *buf, size_t cap)
{
    (void)p;
    if (line.to_host.len == 0)
        live();
    return take(&line.to_host, buf, cap);
}

static inline void host_says(struct ota_mcu_pipe *p, const void *buf, size_t len)
{
    (void)p;
    carry(&line.to_mcu, buf, len);
}

static const struct ota_mcu_pipe_ops host_pipe_ops = { host_hears, host_says };
static struct ota_mcu_pipe host_pipe = { &host_pipe_ops };

static inline void host_start(void)
{
    line.to_host.at = line.to_host.len = 0;
    ota_remote_open(&host.remote, &host_pipe, &host.clock.port);
    for (uint8_t i = 0; i < 2; i++)
        ota_remote_slot_open(&host.slot[i], &host.remote, i);
    ota_remote_boot_open(&host.boot, &host.remote);
    ota_remote_health_open(&host.health, &host.remote);
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&line, 0, sizeof line);
    line.random = 2463534242u;
    memset(now, 0xff, sizeof now);
    memset(safe, 0xff, sizeof safe);
    memset(&mcu, 0, sizeof mcu);
    mcu.port.ops = &chip_ops;
    mcu.health.ops = &health_ops;
    mcu.flash = (struct ota_cut_flash){ .now = now, .safe = safe, .size = SIZE, .write_unit = 8, .erase_unit = UNIT };
    ota_ram_clock_init(&host.clock, 0);
    assert_true(mcu_start());
    host_start();
    return 0;
}

static const uint8_t some[UNIT] = { 1, 2, 3 };

static inline ota_err write_some(int32_t *code)
{
    struct ota_slot *s = &host.slot[1].port;
    ota_err err = s->ops->erase(s, 0, UNIT, code);

    return err == OTA_OK ? s->ops->write(s, 0, some, sizeof some, code) : err;
}

static inline ota_err sync_slot(int32_t *code)
{
    return host.slot[1].port.ops->sync(&host.slot[1].port, code);
}

#endif
