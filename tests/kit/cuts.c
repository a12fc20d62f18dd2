/* SPDX-License-Identifier: Apache-2.0 */
#include "cuts.h"

#include <string.h>

#define SECOND_MAX 40u   /* operations after the start that a second cut is tried at */

static void new_flash(struct ota_cut_flash *f)
{
    memset(f->now, 0xff, f->size);
    memset(f->safe, 0xff, f->size);
    cuts_power_on(f);
    f->ops = 0;
}

static void violated(struct ota_cut_rig *rig, const char *rule, uint32_t op, enum ota_cut_shape shape, uint32_t second)
{
    rig->violations++;
    if (rig->found)
        rig->found(rig, rule, op, shape, second);
}

/* One life: a cut at `op`, perhaps another `second` operations after the start. false: a cut did not come. */
static bool life(struct ota_cut_rig *rig, const struct cuts_use *use, uint32_t op, enum ota_cut_shape shape, uint32_t second)
{
    struct ota_cut_flash *f = rig->flash;

    new_flash(f);
    f->shape = shape;
    f->cut_at = op;
    const char *rule = use->use(rig);
    bool came = f->off;
    if (came && second) {
        cuts_power_on(f);
        f->cut_at = f->ops + second;
        rule = use->look(rig);
        came = f->off;
        rule = came ? NULL : rule; /* what it says with the power off says nothing */
    }
    if (!came && op)
        return false;
    rig->cuts += came;
    cuts_power_on(f);
    if (!rule || came)
        rule = use->look(rig);
    rule = f->misuse ? f->misuse : rule;
    f->misuse = NULL;
    if (rule)
        violated(rig, rule, op, shape, second);
    return true;
}

unsigned cuts_everywhere(struct ota_cut_rig *rig, const struct cuts_use *use)
{
    unsigned before = rig->violations, cuts = rig->cuts;

    (void)life(rig, use, 0, OTA_CUT_LOST, 0); /* and without any */
    for (enum ota_cut_shape shape = OTA_CUT_LOST; shape < OTA_CUT_SHAPES; shape++) {
        uint32_t op = 1;

        for (; life(rig, use, op, shape, 0); op++) {
            uint32_t second = 1;

            while (second <= SECOND_MAX && life(rig, use, op, shape, second))
                second++;
        }
    }
    new_flash(rig->flash);
    if (rig->cuts == cuts)
        violated(rig, "kit: no operation reached the flash", 0, OTA_CUT_LOST, 0);
    return rig->violations - before;
}
