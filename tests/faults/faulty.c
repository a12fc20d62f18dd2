/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#include <stdio.h>
#include <string.h>

#define PORT_CODE 77   /* the ports' own number for what is planned here */

const char *const faulty_names[FAULTY_CALLS] = { "net.ready", "net.begin", "net.head", "net.read", "store.read", "store.write",
    "store.remove", "slot.geometry", "slot.erase", "slot.write", "slot.read", "slot.sync", "boot.view", "boot.arm",
    "boot.confirm", "boot.revert", "boot.reboot", "clock.utc_s", "crypto.hash_start", "crypto.hash_add", "crypto.hash_end",
    "crypto.verify", "crypto.random", "health.check" };

/* Count the call. true: it goes wrong. */
static bool strikes(struct faulty *f, enum faulty_call call)
{
    uint32_t n = ++f->count[call];
    const struct faulty_plan *p = &f->plan;
    bool now = p->call == call && (p->on ? n >= p->at : n == p->at);

    f->struck += now;
    return now;
}

/* The same for a call about a record. */
static bool strikes_record(struct faulty *f, enum faulty_call call, const char *name)
{
    bool now = strikes(f, call);

    if (now)
        (void)snprintf(f->record, sizeof f->record, "%s", name);
    return now;
}

/* The call's result, unless it has to go wrong. `real` is the call itself. */
#define ANSWER(f, call, code, real) ANSWER_IF(f, strikes(f, call), code, real)

#define ANSWER_IF(f, wrong, code, real)                        \
    do {                                                       \
        struct faulty *f_ = (f);                               \
        if (!(wrong))                                          \
            return (real);                                     \
        if (f_->plan.way == FAULTY_DONE_TOO)                   \
            (void)(real);                                      \
        *(int32_t *)(code) = PORT_CODE;                        \
        return f_->forgives ? OTA_OK : f_->plan.err;           \
    } while (0)

/* ---- network ---- */

static ota_err net_ready(struct ota_net *port)
{
    struct faulty_net *n = (struct faulty_net *)port;
    int32_t code;

    ANSWER(n->owner, FAULTY_NET_READY, &code, n->real->ops->ready ? n->real->ops->ready(n->real) : OTA_OK);
}

static ota_err net_begin(struct ota_net *port, const struct ota_net_request *req)
{
    struct faulty_net *n = (struct faulty_net *)port;

    if (strikes(n->owner, FAULTY_NET_BEGIN))
        return n->owner->plan.err;
    n->owner->exchanges++;
    return n->real->ops->begin(n->real, req);
}

static ota_err net_head(struct ota_net *port, struct ota_net_head *h, int32_t *code)
{
    struct faulty_net *n = (struct faulty_net *)port;

    ANSWER(n->owner, FAULTY_NET_HEAD, code, n->real->ops->head(n->real, h, code));
}

static ota_err net_read(struct ota_net *port, void *buf, size_t len, size_t *got, int32_t *code)
{
    struct faulty_net *n = (struct faulty_net *)port;

    if (!strikes(n->owner, FAULTY_NET_READ))
        return n->real->ops->read(n->real, buf, len, got, code);
    if (n->owner->plan.way == FAULTY_SHORT)
        return n->real->ops->read(n->real, buf, len ? 1 : 0, got, code);
    *got = 0;
    *code = PORT_CODE;
    return n->owner->plan.err;
}

static void net_end(struct ota_net *port)
{
    struct faulty_net *n = (struct faulty_net *)port;

    n->owner->exchanges = 0;
    n->real->ops->end(n->real);
}

static void net_wait(struct ota_net *port, uint32_t ms)
{
    struct faulty_net *n = (struct faulty_net *)port;

    n->real->ops->wait(n->real, ms);
}

static const struct ota_net_ops net_ops = { net_ready, net_begin, net_head, net_read, net_end, net_wait };

/* ---- store ---- */

static ota_err store_read(struct ota_store *port, const char *name, void *buf, size_t cap, size_t *len, int32_t *code)
{
    struct faulty_store *s = (struct faulty_store *)port;

    ANSWER_IF(s->owner, strikes_record(s->owner, FAULTY_STORE_READ, name), code, s->real->ops->read(s->real, name, buf, cap, len, code));
}

static ota_err store_write(struct ota_store *port, const char *name, const void *buf, size_t len, int32_t *code)
{
    struct faulty_store *s = (struct faulty_store *)port;

    ANSWER_IF(s->owner, strikes_record(s->owner, FAULTY_STORE_WRITE, name), code, s->real->ops->write(s->real, name, buf, len, code));
}

static ota_err store_remove(struct ota_store *port, const char *name, int32_t *code)
{
    struct faulty_store *s = (struct faulty_store *)port;

    ANSWER_IF(s->owner, strikes_record(s->owner, FAULTY_STORE_REMOVE, name), code, s->real->ops->remove(s->real, name, code));
}

static const struct ota_store_ops store_ops = { store_read, store_write, store_remove };

/* ---- slots ---- */

static ota_err slot_geometry(struct ota_slot *port, struct ota_slot_geometry *out, int32_t *code)
{
    struct faulty_slot *s = (struct faulty_slot *)port;

    ANSWER(s->owner, FAULTY_SLOT_GEOMETRY, code, s->real->ops->geometry(s->real, out, code));
}

static ota_err slot_erase(struct ota_slot *port, uint64_t off, uint64_t len, int32_t *code)
{
    struct faulty_slot *s = (struct faulty_slot *)port;

    ANSWER(s->owner, FAULTY_SLOT_ERASE, code, s->real->ops->erase(s->real, off, len, code));
}

static ota_err slot_write(struct ota_slot *port, uint64_t off, const void *buf, size_t len, int32_t *code)
{
    struct faulty_slot *s = (struct faulty_slot *)port;

    ANSWER(s->owner, FAULTY_SLOT_WRITE, code, s->real->ops->write(s->real, off, buf, len, code));
}

static ota_err slot_read(struct ota_slot *port, uint64_t off, void *buf, size_t len, int32_t *code)
{
    struct faulty_slot *s = (struct faulty_slot *)port;

    ANSWER(s->owner, FAULTY_SLOT_READ, code, s->real->ops->read(s->real, off, buf, len, code));
}

static ota_err slot_sync(struct ota_slot *port, int32_t *code)
{
    struct faulty_slot *s = (struct faulty_slot *)port;

    ANSWER(s->owner, FAULTY_SLOT_SYNC, code, s->real->ops->sync(s->real, code));
}

static const struct ota_slot_ops slot_ops = { slot_geometry, slot_erase, slot_write, slot_read, slot_sync };

/* ---- boot control ---- */

static ota_err boot_view(struct ota_boot *port, struct ota_boot_view *out, int32_t *code)
{
    struct faulty_boot *b = (struct faulty_boot *)port;

    ANSWER(b->owner, FAULTY_BOOT_VIEW, code, b->real->ops->view(b->real, out, code));
}

static ota_err boot_arm(struct ota_boot *port, const uint8_t *slot, size_t count, uint8_t tries, int32_t *code)
{
    struct faulty_boot *b = (struct faulty_boot *)port;

    ANSWER(b->owner, FAULTY_BOOT_ARM, code, b->real->ops->arm(b->real, slot, count, tries, code));
}

static ota_err boot_confirm(struct ota_boot *port, int32_t *code)
{
    struct faulty_boot *b = (struct faulty_boot *)port;

    ANSWER(b->owner, FAULTY_BOOT_CONFIRM, code, b->real->ops->confirm(b->real, code));
}

static ota_err boot_revert(struct ota_boot *port, int32_t *code)
{
    struct faulty_boot *b = (struct faulty_boot *)port;

    ANSWER(b->owner, FAULTY_BOOT_REVERT, code, b->real->ops->revert(b->real, code));
}

static ota_err boot_reboot(struct ota_boot *port, int32_t *code)
{
    struct faulty_boot *b = (struct faulty_boot *)port;

    ANSWER(b->owner, FAULTY_BOOT_REBOOT, code, b->real->ops->reboot(b->real, code));
}

static const struct ota_boot_ops boot_ops = { boot_view, boot_arm, boot_confirm, boot_revert, boot_reboot };

/* ---- clock ---- */

static uint64_t clock_monotonic(struct ota_clock *port)
{
    struct faulty_clock *c = (struct faulty_clock *)port;

    return c->real->ops->monotonic_ms(c->real);
}

static ota_err clock_utc(struct ota_clock *port, int64_t *out)
{
    struct faulty_clock *c = (struct faulty_clock *)port;
    int32_t code;

    ANSWER(c->owner, FAULTY_CLOCK_UTC, &code, c->real->ops->utc_s(c->real, out));
}

static void clock_sleep(struct ota_clock *port, uint32_t ms)
{
    struct faulty_clock *c = (struct faulty_clock *)port;

    c->real->ops->sleep_ms(c->real, ms);
}

static const struct ota_clock_ops clock_ops = { clock_monotonic, clock_utc, clock_sleep };

/* ---- crypto ---- */

static ota_err hash_start(struct ota_crypto *port, struct ota_hash *h, enum ota_hash_alg alg)
{
    struct faulty_crypto *c = (struct faulty_crypto *)port;

    if (strikes(c->owner, FAULTY_HASH_START))
        return c->owner->plan.err;
    ota_err err = c->real->ops->hash_start(c->real, h, alg);
    c->owner->hashes += err == OTA_OK;
    return err;
}

static ota_err hash_add(struct ota_crypto *port, struct ota_hash *h, const void *data, size_t len)
{
    struct faulty_crypto *c = (struct faulty_crypto *)port;
    int32_t code;

    ANSWER(c->owner, FAULTY_HASH_ADD, &code, c->real->ops->hash_add(c->real, h, data, len));
}

/* Frees what the hash holds, failing or not. A hash that never started may be ended too. */
static ota_err hash_end(struct ota_crypto *port, struct ota_hash *h, uint8_t *out)
{
    struct faulty_crypto *c = (struct faulty_crypto *)port;
    bool wrong = strikes(c->owner, FAULTY_HASH_END);

    c->owner->hashes -= c->owner->hashes > 0;
    ota_err err = c->real->ops->hash_end(c->real, h, wrong ? NULL : out);
    return wrong ? c->owner->plan.err : err;
}

static ota_err verify(struct ota_crypto *port, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    struct faulty_crypto *c = (struct faulty_crypto *)port;
    int32_t code;

    ANSWER(c->owner, FAULTY_VERIFY, &code, c->real->ops->verify(c->real, alg, kind, key, key_len, hash, hash_len, sig, sig_len));
}

static ota_err draw(struct ota_crypto *port, void *out, size_t len)
{
    struct faulty_crypto *c = (struct faulty_crypto *)port;
    int32_t code;

    ANSWER(c->owner, FAULTY_RANDOM, &code, c->real->ops->random(c->real, out, len));
}

static const struct ota_crypto_ops crypto_ops = { hash_start, hash_add, hash_end, verify, draw };

/* ---- health ---- */

static ota_err health_check(struct ota_health *port, int32_t *code)
{
    struct faulty_health *h = (struct faulty_health *)port;

    ANSWER(h->owner, FAULTY_HEALTH_CHECK, code, h->real->ops->check(h->real, code));
}

static const struct ota_health_ops health_ops = { health_check };

#define IN_FRONT(what)                                                               \
    do {                                                                             \
        f->what = (struct faulty_##what){ { &what##_ops }, cfg->what, f };           \
        cfg->what = &f->what.port;                                                   \
    } while (0)

void faulty_open(struct faulty *f, struct ota_config *cfg, struct ota_component *components)
{
    memset(f, 0, sizeof *f);
    f->plan.call = FAULTY_CALLS;
    IN_FRONT(net);
    IN_FRONT(store);
    IN_FRONT(boot);
    IN_FRONT(clock);
    IN_FRONT(crypto);
    if (cfg->health)
        IN_FRONT(health);
    for (size_t i = 0; i < cfg->component_count; i++) {
        for (size_t k = 0; k < 2; k++) {
            f->slot[i][k] = (struct faulty_slot){ { &slot_ops }, components[i].slot[k], f };
            components[i].slot[k] = &f->slot[i][k].port;
        }
    }
}

void faulty_plan(struct faulty *f, struct faulty_plan plan)
{
    f->plan = plan;
}

void faulty_heal(struct faulty *f)
{
    f->plan.call = FAULTY_CALLS;
}
