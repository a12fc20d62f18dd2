/* SPDX-License-Identifier: Apache-2.0 */
/* A boot control: arming, confirming and giving up are done or not done, and a trial that nobody confirms ends. */
#include <string.h>

#include "cuts.h"

#define TRIES 3u

static struct {
    uint8_t confirmed;      /* slot that is confirmed for certain */
    uint8_t candidate;      /* slot that may be confirmed as well, because the power went while it was; or the same */
    bool armed;             /* a trial of the other slot may be there */
} told;

static bool view(struct ota_boot *b, struct ota_boot_view *v)
{
    int32_t code = 0;

    memset(v, 0, sizeof *v);
    return b->ops->view(b, v, &code) == OTA_OK && v->running[0] <= 1 && !(v->trial && v->pending);
}

static ota_err arm(struct ota_boot *b, uint8_t slot)
{
    int32_t code = 0;

    told.armed = true;
    return b->ops->arm(b, &slot, 1, TRIES, &code);
}

static ota_err confirm(struct ota_boot *b)
{
    int32_t code = 0;

    told.candidate = (uint8_t)(1 - told.confirmed);
    ota_err err = b->ops->confirm(b, &code);
    if (err == OTA_OK) {
        told.confirmed = told.candidate;
        told.armed = false;
    }
    return err;
}

static ota_err give_up(struct ota_boot *b)
{
    int32_t code = 0;
    ota_err err = b->ops->revert(b, &code);

    told.armed &= err != OTA_OK;
    return err;
}

#define OR_OFF(rule) (rig->flash->off ? NULL : (rule))

/* A trial that is confirmed, then one that is given up. */
static const char *use(struct ota_cut_rig *rig)
{
    struct ota_boot_view v;
    struct ota_boot *b = rig->boot(rig);

    memset(&told, 0, sizeof told);
    if (!b || !view(b, &v) || v.running[0] != 0 || v.trial)
        return OR_OFF("boot: on an empty flash slot 0 runs and is confirmed");
    for (unsigned round = 0; round < 2; round++) {
        if (arm(b, (uint8_t)(1 - told.confirmed)) != OTA_OK)
            return OR_OFF("boot: a trial can be armed");
        b = rig->boot(rig);
        if (!b || !view(b, &v) || !v.trial || v.running[0] == told.confirmed)
            return OR_OFF("boot: what was armed is started on trial");
        if ((round == 0 ? confirm(b) : give_up(b)) != OTA_OK)
            return OR_OFF("boot: a trial can be confirmed and given up");
        b = rig->boot(rig);
        if (!b || !view(b, &v) || v.trial || v.running[0] != told.confirmed)
            return OR_OFF("boot: what was confirmed is started");
    }
    return NULL;
}

static bool may_be_confirmed(uint8_t slot)
{
    return slot == told.confirmed || slot == told.candidate;
}

static const char *look(struct ota_cut_rig *rig)
{
    struct ota_boot_view v = { .trial = true };
    unsigned starts = 0;

    /* Nobody confirms: after its tries a trial is over, and what is confirmed runs. */
    for (; starts <= TRIES + 2 && v.trial; starts++) {
        struct ota_boot *b = rig->boot(rig);

        if (!b || !view(b, &v))
            return "boot: it comes up after a power cut";
        if (v.trial && !told.armed)
            return "boot: only what was armed is tried";
        if (!v.trial && !may_be_confirmed(v.running[0]))
            return "boot: without a trial the confirmed slot runs";
    }
    if (v.trial)
        return "boot: a trial that nobody confirms ends after its tries";
    told.confirmed = told.candidate = v.running[0];
    told.armed = false;
    struct ota_boot *b = rig->boot(rig);
    if (!b || arm(b, (uint8_t)(1 - told.confirmed)) != OTA_OK)
        return "boot: a trial can be armed after a power cut";
    b = rig->boot(rig);
    if (!b || !view(b, &v) || !v.trial)
        return "boot: what was armed after a power cut is tried";
    return confirm(b) == OTA_OK ? NULL : "boot: a trial can be confirmed after a power cut";
}

unsigned ota_cuts_boot(struct ota_cut_rig *rig)
{
    static const struct cuts_use boot = { use, look };

    return cuts_everywhere(rig, &boot);
}
