/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check.h"

struct suite {
    struct ota_contract_device *d;
    struct ota_contract_report *r;
    uint8_t home[OTA_COMPONENTS_MAX];    /* slots confirmed at the beginning */
    uint8_t other[OTA_COMPONENTS_MAX];   /* the spare ones */
};

static struct ota_boot_view look(const struct suite *t)
{
    struct ota_boot_view v;
    int32_t code = 0;

    memset(&v, 0x7f, sizeof v); /* a port that fails to fill it in fails the comparison */
    v.trial = v.pending = v.spent = false;
    (void)t->d->boot->ops->view(t->d->boot, &v, &code);
    return v;
}

static bool same(const struct suite *t, const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, t->d->components) == 0;
}

static bool none(const struct suite *t, const uint8_t *slot)
{
    return contract_is_all(slot, t->d->components, OTA_SLOT_NONE);
}

static bool arm(const struct suite *t, const uint8_t *slot, uint8_t tries)
{
    int32_t code = 0;

    return t->d->boot->ops->arm(t->d->boot, slot, t->d->components, tries, &code) == OTA_OK;
}

/* What the loader gives of what was asked for. */
static uint8_t given(const struct suite *t, uint8_t tries)
{
    return t->d->tries_max > 0 && tries > t->d->tries_max ? t->d->tries_max : tries;
}

static bool confirm(const struct suite *t)
{
    int32_t code = 0;

    return t->d->boot->ops->confirm(t->d->boot, &code) == OTA_OK;
}

static bool revert(const struct suite *t)
{
    int32_t code = 0;

    return t->d->boot->ops->revert(t->d->boot, &code) == OTA_OK;
}

/* Confirmed slots run, nothing is armed. */
static bool settled(const struct suite *t, const uint8_t *running)
{
    struct ota_boot_view v = look(t);

    return same(t, v.running, running) && none(t, v.armed) && !v.trial && !v.pending && v.tries_left == 0;
}

static bool waits(const struct suite *t, const uint8_t *running, const uint8_t *armed, uint8_t tries)
{
    struct ota_boot_view v = look(t);

    return same(t, v.running, running) && same(t, v.armed, armed) && !v.trial && v.pending && !v.spent &&
           v.tries_left == given(t, tries);
}

/* A trial that was armed with `tries` has been started `starts` times. */
static bool on_trial(const struct suite *t, const uint8_t *running, const uint8_t *armed, uint8_t tries, uint8_t starts)
{
    struct ota_boot_view v = look(t);

    return same(t, v.running, running) && same(t, v.armed, armed) && v.trial && !v.pending && !v.spent &&
           v.tries_left == given(t, tries) - starts;
}

static bool restart(const struct suite *t)
{
    return t->d->restart(t->d);
}

static bool check_start(struct suite *t)
{
    struct ota_boot_view v = look(t);
    bool ok = true;

    memset(t->home, OTA_SLOT_NONE, sizeof t->home);
    memset(t->other, OTA_SLOT_NONE, sizeof t->other);
    for (size_t i = 0; i < t->d->components; i++) {
        t->home[i] = v.running[i];
        t->other[i] = (uint8_t)(1 - v.running[i]);
        ok = ok && v.running[i] <= 1;
    }
    contract_check(t->r, "boot: each component runs slot 0 or 1", ok);
    return contract_check(t->r, "boot: no trial is known at the beginning", settled(t, t->home)) && ok;
}

static void check_arm(const struct suite *t)
{
    contract_check(t->r, "boot: looking changes nothing", settled(t, t->home) && settled(t, t->home));
    contract_check(t->r, "boot: an armed trial is pending and nothing else runs",
                   arm(t, t->other, 3) && waits(t, t->home, t->other, 3));
    contract_check(t->r, "boot: arming again replaces it", arm(t, t->other, 2) && waits(t, t->home, t->other, 2));
    contract_check(t->r, "boot: a trial that was not started is not made permanent",
                   confirm(t) && !same(t, look(t).running, t->other));
    contract_check(t->r, "boot: an armed trial can be given up", arm(t, t->other, 2) && revert(t) && settled(t, t->home));
    contract_check(t->r, "boot: giving up can be repeated", revert(t) && settled(t, t->home));
    contract_check(t->r, "boot: after that a restart runs what ran before", restart(t) && settled(t, t->home));
    contract_check(t->r, "boot: confirming without a trial is ok and changes nothing", confirm(t) && settled(t, t->home));
}

static void check_confirm(const struct suite *t)
{
    contract_check(t->r, "boot: a restart starts the trial and takes a try",
                   arm(t, t->other, 3) && restart(t) && on_trial(t, t->other, t->other, 3, 1));
    if (given(t, 3) == 3)
        contract_check(t->r, "boot: another restart takes another try", restart(t) && on_trial(t, t->other, t->other, 3, 2));
    contract_check(t->r, "boot: a confirmed trial is one no more", confirm(t) && settled(t, t->other));
    contract_check(t->r, "boot: confirming can be repeated", confirm(t) && settled(t, t->other));
    contract_check(t->r, "boot: a confirmed trial stays", restart(t) && restart(t) && settled(t, t->other));
}

static void check_revert(const struct suite *t)
{
    contract_check(t->r, "boot: a trial of the first slots starts", arm(t, t->home, 2) && restart(t) && on_trial(t, t->home, t->home, 2, 1));
    contract_check(t->r, "boot: a running trial is given up: it has no try left and still runs",
                   revert(t) && same(t, look(t).running, t->home) && look(t).trial && look(t).tries_left == 0);
    contract_check(t->r, "boot: giving up a running trial can be repeated", revert(t));
    contract_check(t->r, "boot: after that a restart runs the confirmed slots", restart(t) && settled(t, t->other));
}

/* A boot control need not tell that the tries were spent; one that does must forget it when asked. */
static void check_tries(const struct suite *t)
{
    contract_check(t->r, "boot: a trial with one try starts", arm(t, t->home, 1) && restart(t) && on_trial(t, t->home, t->home, 1, 1));
    contract_check(t->r, "boot: out of tries, a restart falls back", restart(t) && settled(t, t->other));
    bool told = look(t).spent;
    contract_check(t->r, "boot: and stays there", restart(t) && settled(t, t->other) && look(t).spent == told);
    contract_check(t->r, "boot: that the tries were spent is forgotten when it is given up",
                   revert(t) && settled(t, t->other) && !look(t).spent);
    contract_check(t->r, "boot: a new trial makes it forget that the last one was spent",
                   arm(t, t->home, 1) && restart(t) && restart(t) && look(t).spent == told && arm(t, t->home, 1) &&
                       !look(t).spent && revert(t) && settled(t, t->other) && !look(t).spent);
}

/* A set: one component on trial, the rest as it is. */
static void check_part(const struct suite *t)
{
    uint8_t part[OTA_COMPONENTS_MAX], mixed[OTA_COMPONENTS_MAX];

    if (t->d->components < 2)
        return;
    memset(part, OTA_SLOT_NONE, sizeof part);
    memcpy(mixed, t->other, sizeof mixed);
    part[1] = mixed[1] = t->home[1];
    contract_check(t->r, "boot: a trial of one component names no other", arm(t, part, 2) && waits(t, t->other, part, 2));
    contract_check(t->r, "boot: it starts with the others as they were", restart(t) && on_trial(t, mixed, part, 2, 1));
    contract_check(t->r, "boot: confirmed, it keeps the others", confirm(t) && settled(t, mixed));
    part[1] = t->other[1];
    contract_check(t->r, "boot: the one component goes back", arm(t, part, 1) && restart(t) && confirm(t) && settled(t, t->other));
}

static void check_end(const struct suite *t)
{
    int32_t code = 0;

    contract_check(t->r, "boot: a restart can be asked for", t->d->boot->ops->reboot(t->d->boot, &code) == OTA_OK);
    contract_check(t->r, "boot: the first slots are confirmed again",
                   arm(t, t->home, 1) && restart(t) && confirm(t) && settled(t, t->home));
}

unsigned ota_contract_boot(struct ota_contract_device *d, struct ota_contract_report *r)
{
    struct suite t = { .d = d, .r = r };
    unsigned before = r->failures;

    if (check_start(&t)) {
        check_arm(&t);
        check_confirm(&t);
        check_revert(&t);
        check_tries(&t);
        check_part(&t);
        check_end(&t);
    }
    return r->failures - before;
}
