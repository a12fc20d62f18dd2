/* SPDX-License-Identifier: Apache-2.0 */
/* A device for the monitor: an owner of the test's, slots in memory, a clock that only the test moves. */
#ifndef TEST_MONITOR_DEVICE_H
#define TEST_MONITOR_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor_i.h"
#include "ota/posix.h"
#include "ota/ram.h"

#define PACE 512u
#define SIZE 8192u
#define LENGTH 7700u /* the last slice is short */
#define PARTS 2u

/* ---- a crypto port that fails when it is told to ---- */

static struct {
    struct ota_crypto port;
    struct ota_posix_crypto real;
    uint32_t calls, fail_at;
    int open;
} crypto;

static inline bool crypto_fails(void)
{
    return ++crypto.calls == crypto.fail_at;
}

static inline ota_err hash_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    (void)c;
    if (crypto_fails())
        return OTA_DEVICE_CRYPTO;
    crypto.open++;
    return crypto.real.port.ops->hash_start(&crypto.real.port, h, alg);
}

static inline ota_err hash_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    (void)c;
    return crypto_fails() ? OTA_DEVICE_CRYPTO : crypto.real.port.ops->hash_add(&crypto.real.port, h, data, len);
}

static inline ota_err hash_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    bool fails = out && crypto_fails();

    (void)c;
    crypto.open--;
    ota_err err = crypto.real.port.ops->hash_end(&crypto.real.port, h, fails ? NULL : out);
    return fails ? OTA_DEVICE_CRYPTO : err;
}

static const struct ota_crypto_ops crypto_ops = { .hash_start = hash_start, .hash_add = hash_add, .hash_end = hash_end };

/* ---- slots whose reads are counted, fail, or slip once ---- */

struct slot {
    struct ota_slot port;
    uint8_t mem[SIZE];
    uint32_t reads, slip_at;
    size_t most;
    uint64_t bytes;
    ota_err fails;
};
static struct slot slots[PARTS][2];

static inline ota_err slot_read(struct ota_slot *s, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct slot *p = (struct slot *)s;

    if (p->fails != OTA_OK) {
        *code = 5;
        return p->fails;
    }
    assert_true(off + len <= SIZE);
    memcpy(buf, p->mem + off, len);
    p->bytes += len;
    if (len > p->most)
        p->most = len;
    if (++p->reads == p->slip_at)
        *(uint8_t *)buf ^= 1;
    return OTA_OK;
}
static const struct ota_slot_ops slot_ops = { .read = slot_read };

/* ---- the owner ---- */

static struct {
    struct ota_monitor_owner port;
    unsigned busy;
    uint8_t runs[PARTS];
    bool known[PARTS][2];
    struct ota_monitor_image image[PARTS][2];
    struct ota_monitor_finding first, last;
    uint32_t pending, told, reverts, stops, found_fails;
    enum ota_monitor_done before;
    ota_err revert_says, stop_says;
    uint32_t not_now;
    size_t count;
    uint8_t component[PARTS];
} owner;

static inline unsigned look(struct ota_monitor_owner *o)
{
    (void)o;
    return owner.busy;
}

static inline ota_err image(struct ota_monitor_owner *o, uint8_t component, bool other, struct ota_monitor_image *out)
{
    uint8_t slot = owner.runs[component];

    (void)o;
    if (slot > 1)
        return OTA_DEVICE_ABSENT;
    slot = other ? (uint8_t)(1 - slot) : slot;
    *out = owner.image[component][slot];
    return owner.known[component][slot] ? OTA_OK : OTA_DEVICE_ABSENT;
}

static inline ota_err found(struct ota_monitor_owner *o, struct ota_monitor_finding *f)
{
    (void)o;
    if (owner.found_fails && owner.found_fails--)
        return OTA_DEVICE_STORE;
    if (f->done == OTA_MONITOR_PENDING) {
        owner.pending++;
        owner.first = *f;
        f->done = owner.before;
        return OTA_OK;
    }
    owner.told++;
    owner.last = *f;
    return OTA_OK;
}

static inline ota_err revert(struct ota_monitor_owner *o, const struct ota_monitor_finding *f, const struct ota_monitor_image *images,
                      const uint8_t *component, size_t count, struct ota_fault *fault)
{
    (void)o, (void)f;
    if (owner.not_now && owner.not_now--)
        return OTA_USAGE_STATE;
    owner.reverts++;
    owner.count = count;
    for (size_t i = 0; i < count; i++) {
        owner.component[i] = component[i];
        assert_int_equal(images[i].slot, 1 - owner.runs[component[i]]);
    }
    return owner.revert_says == OTA_OK ? OTA_OK : ota_fault_set(fault, owner.revert_says, "here", 7);
}

static inline ota_err stop(struct ota_monitor_owner *o, const struct ota_monitor_finding *f)
{
    (void)o, (void)f;
    owner.stops++;
    return owner.stop_says;
}

static const struct ota_monitor_owner_ops owner_ops = { look, image, found, revert, stop };

/* ---- the rest of the device ---- */

static struct ota_ram_clock clock_;
static struct ota_ram_log events;
static struct ota_ram_health health;
static struct ota_monitor mon;
static struct ota_monitor_part parts[PARTS];
static struct ota_monitor_config cfg;
static uint8_t buf[PACE];
static uint8_t marks[64][OTA_SHA256_LEN];

static inline void digest_of(const uint8_t *p, size_t len, uint8_t out[OTA_SHA256_LEN])
{
    struct ota_crypto *c = &crypto.real.port;
    struct ota_hash h;

    assert_int_equal(c->ops->hash_start(c, &h, OTA_SHA256), OTA_OK);
    assert_int_equal(c->ops->hash_add(c, &h, p, len), OTA_OK);
    assert_int_equal(c->ops->hash_end(c, &h, out), OTA_OK);
}

static inline void fill_slot(size_t part, uint8_t index, uint64_t length)
{
    struct slot *s = &slots[part][index];

    s->port.ops = &slot_ops;
    for (size_t i = 0; i < SIZE; i++)
        s->mem[i] = (uint8_t)(i * 7 + i / 251 + part * 3 + index);
    owner.known[part][index] = true;
    owner.image[part][index] = (struct ota_monitor_image){ .slot = index, .newest = true, .security = 3, .floor = 2, .length = length };
    digest_of(s->mem, (size_t)length, owner.image[part][index].sha256);
    parts[part].slot[index] = &s->port;
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&owner, 0, sizeof owner);
    memset(slots, 0, sizeof slots);
    memset(&crypto, 0, sizeof crypto);
    assert_int_equal(ota_posix_crypto_open(&crypto.real, NULL, NULL), OTA_OK);
    crypto.port.ops = &crypto_ops;
    owner.port.ops = &owner_ops;
    for (size_t i = 0; i < PARTS; i++)
        for (uint8_t k = 0; k < 2; k++)
            fill_slot(i, k, i == 0 ? LENGTH : 1024);
    ota_ram_clock_init(&clock_, 1000);
    ota_ram_log_init(&events);
    ota_ram_health_init(&health, NULL, 0);
    cfg = (struct ota_monitor_config){ .size = sizeof cfg, .owner = &owner.port, .crypto = &crypto.port, .clock = &clock_.port,
        .log = &events.port, .parts = parts, .part_count = PARTS, .buf = buf, .pace = PACE, .every_ms = 100, .rest_ms = 5000,
        .health_every_ms = 1000, .health_deadline_ms = 2000, .marks = marks, .mark_count = 64 };
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    ota_monitor_close(&mon);
    assert_int_equal(crypto.open, 0); /* every hash that was begun was ended */
    ota_posix_crypto_close(&crypto.real);
    return 0;
}

static uint32_t sleep_ms; /* what the last step said */

static inline void begin(void)
{
    struct ota_fault fault = { 0 };

    sleep_ms = 0;
    assert_int_equal(ota_monitor_init(&mon, &cfg, &fault), OTA_OK);
}

/* Sleep as long as it says, step, n times. */
static inline void run(uint32_t n)
{
    while (n--) {
        struct ota_wait wait = { .ms = UINT32_MAX };

        clock_.now_ms += sleep_ms;
        assert_int_equal(ota_monitor_step(&mon, &wait), OTA_OK);
        sleep_ms = wait.ms;
    }
}

static inline struct ota_monitor_status status(void)
{
    struct ota_monitor_status s;

    ota_monitor_status(&mon, &s);
    return s;
}

static inline void run_until(uint32_t rounds)
{
    for (uint32_t i = 0; i < 10000 && status().part[0].rounds < rounds; i++)
        run(1);
    assert_int_equal(status().part[0].rounds, rounds);
}

static inline void settle(void)
{
    for (uint32_t i = 0; i < 10000 && owner.told == 0; i++)
        run(1);
    assert_int_equal(owner.told, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
