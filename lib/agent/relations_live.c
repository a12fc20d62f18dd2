/* SPDX-License-Identifier: Apache-2.0 */
/* What the components of this agent provide, for whoever asks: applications that another agent updates. */
#include "agent.h"

#include OTAI_RELATIONS_HEADER

_Static_assert(sizeof(struct otai_book) <= OTA_LEVELS_MEMORY, "ota_levels() reads the record in its caller's memory");
_Static_assert(OTA_LEVELS_MAX == OTA_COMPONENTS_MAX * OTAI_LEVELS_MAX, "all levels of all components fit");

static void add(struct ota_levels *out, const struct otai_levels *l)
{
    for (size_t i = 0; i < l->provides_count; i++) {
        struct ota_level *next = &out->level[out->count++];

        (void)otai_copy(next->name, sizeof next->name, l->provides[i].name);
        next->level = l->provides[i].level;
    }
}

ota_err ota_levels(struct ota *a, struct ota_levels *out)
{
    struct otai_book *b = (struct otai_book *)(void *)out->memory;
    struct ota_fault fault;

    out->count = 0;
    ota_err err = otai_book_load(a->cfg.store, b, &fault);
    for (size_t i = 0; i < a->cfg.component_count && err == OTA_OK; i++) {
        const struct otai_installed *now = &a->j.installed[i];
        const struct otai_levels *known = now->known && !otai_is_absent(a, i) ? otai_book_find(b, now->sha256) : NULL;

        if (known)
            add(out, known);
    }
    return err;
}
