/* SPDX-License-Identifier: Apache-2.0 */
#include "delta_i.h"

void otai_x86_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    (void)w;
    (void)s;
    (void)at;
}

bool otai_x86_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    (void)w;
    (void)p;
    (void)pc;
    (void)target;
    return false;
}
