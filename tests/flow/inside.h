/* SPDX-License-Identifier: Apache-2.0 */
/* Flows in which something inside the agent, or around it, is changed at a moment that no outside event can hit. */
#ifndef INSIDE_H
#define INSIDE_H

#include "flow.h"

#include "agent.h"

/* Changes something, and says whether this was the moment. */
typedef bool inside_act(struct ota *a);

static struct {
    enum ota_state state;
    inside_act *act;
    uint32_t done;
} inside;

static inline void inside_hook(struct sim *d)
{
    if (!inside.done && d->agent->state == inside.state && inside.act(d->agent))
        inside.done++;
}

/* One check-in; at a step of this state the act is done, once. */
static inline enum sim_end inside_at(enum ota_state state, inside_act *act)
{
    inside.state = state;
    inside.act = act;
    inside.done = 0;
    dev->on_step = inside_hook;
    enum sim_end end = sim_check_in(dev);
    dev->on_step = NULL;
    assert_int_equal(inside.done, 1);
    return end;
}

#define INSIDE_X10 "xxxxxxxxxx"
#define INSIDE_X100 INSIDE_X10 INSIDE_X10 INSIDE_X10 INSIDE_X10 INSIDE_X10 INSIDE_X10 INSIDE_X10 INSIDE_X10 INSIDE_X10 INSIDE_X10
static const char *const inside_long = INSIDE_X100 INSIDE_X100 INSIDE_X100 INSIDE_X100 INSIDE_X100 INSIDE_X100;

/* ---- a crypto port that fails once ---- */

static struct {
    struct ota_crypto port;
    uint32_t calls, fail_at;
    bool no_dice;
} inside_crypto;

static inline bool inside_fails(void)
{
    return ++inside_crypto.calls == inside_crypto.fail_at;
}

static inline ota_err inside_start(struct ota_crypto *c, struct ota_hash *h, enum ota_hash_alg alg)
{
    struct ota_crypto *real = &dev->crypto.port;

    (void)c;
    return inside_fails() ? OTA_DEVICE_CRYPTO : real->ops->hash_start(real, h, alg);
}

static inline ota_err inside_add(struct ota_crypto *c, struct ota_hash *h, const void *data, size_t len)
{
    struct ota_crypto *real = &dev->crypto.port;

    (void)c;
    return inside_fails() ? OTA_DEVICE_CRYPTO : real->ops->hash_add(real, h, data, len);
}

static inline ota_err inside_end(struct ota_crypto *c, struct ota_hash *h, uint8_t *out)
{
    struct ota_crypto *real = &dev->crypto.port;
    ota_err err = real->ops->hash_end(real, h, out);

    (void)c;
    return out && inside_fails() ? OTA_DEVICE_CRYPTO : err;
}

static inline ota_err inside_verify(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key,
                                    size_t key_len, const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    struct ota_crypto *real = &dev->crypto.port;

    (void)c;
    return real->ops->verify(real, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
}

static inline ota_err inside_draw(struct ota_crypto *c, void *out, size_t len)
{
    struct ota_crypto *real = &dev->crypto.port;

    (void)c;
    return inside_crypto.no_dice ? OTA_DEVICE_CRYPTO : real->ops->random(real, out, len);
}

/* The device's crypto from now on; before its first run. fail_at 0: none fails. */
static inline void inside_crypto_use(uint32_t fail_at, bool no_dice)
{
    static const struct ota_crypto_ops ops = { inside_start, inside_add, inside_end, inside_verify, inside_draw };

    inside_crypto.port.ops = &ops;
    inside_crypto.calls = 0;
    inside_crypto.fail_at = fail_at;
    inside_crypto.no_dice = no_dice;
    dev->cfg.crypto = &inside_crypto.port;
}

#endif
