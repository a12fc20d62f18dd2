/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64 (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2): calls, jumps and operands that are
 * relative to the instruction's end. Instructions are not decoded one after the other: what looks like one of these and
 * leads into the image is one often enough.
 */
#include <string.h>

#include "delta_i.h"

/* Instructions with a ModRM byte and no immediate. */
static bool has_plain_operand(uint8_t op)
{
    return memchr("\x03\x0b\x23\x2b\x33\x3b\x39\x63\x85\x88\x89\x8a\x8b\x8d\xff\x01\x38\x3a", op, 18) != NULL;
}

/* Where the 32-bit field begins; 0: no such instruction. The instruction ends with it. */
static uint8_t field_at(const uint8_t *p, size_t n)
{
    if (n < OTAI_GROUP_MAX)
        return 0;
    if (p[0] == 0xe8 || p[0] == 0xe9)
        return 1;
    if (p[0] == 0x0f && p[1] >> 4 == 8)
        return 2;
    uint8_t rex = p[0] >> 4 == 4;
    return has_plain_operand(p[rex]) && (p[rex + 1] & 0xc7) == 5 ? (uint8_t)(rex + 2) : 0;
}

void otai_x86_next(struct otai_walk *w, const struct otai_scene *s, const struct otai_sight *at)
{
    struct otai_group *g = &w->group;
    uint8_t field = field_at(at->p, at->n);
    uint32_t off;

    if (!field)
        return;
    uint32_t target = otai_get_le32(at->p + field) + at->old_pc + field + 4;
    if (!otai_addr_to_offset(&s->map.was, target, &off))
        return;
    g->kind = OTAI_K_X_REL;
    g->arg = field;
    g->len = (uint8_t)(field + 4);
    g->target = target;
    g->guess = otai_predict(w, s, target, &g->source);
    otai_put_le32(g->pred + field, g->guess - at->new_pc - g->len);
}

bool otai_x86_took(struct otai_walk *w, const uint8_t *p, uint32_t pc, uint32_t *target)
{
    const struct otai_group *g = &w->group;

    if (memcmp(p, g->pred, g->arg) != 0)
        return false;
    *target = otai_get_le32(p + g->arg) + pc + g->len;
    return true;
}
