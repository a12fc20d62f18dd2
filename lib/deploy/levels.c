/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dependencies: two more optional members of the image description.
 *
 *   "provides"    object of at most 4 members, name: level, 1..2^32-1
 *   "requires"    likewise
 *
 * What will run when a deployment is installed is its images, and those components that it leaves alone. Each requirement
 * of each of them has to be met by one of them, itself included: the same name, at the same level or a higher one. Levels
 * are compared, nothing else: a circle is no error. Else the deployment is REJECT_REQUIRES, before any image is fetched.
 */
#include "levels.h"

#include <string.h>

#include "text.h"

struct list {
    struct otai_level *level;
    uint8_t *count;
};

/* A name as otai_take_name() takes it; here it is a member's. That it comes once is the reader's to see to. */
static bool is_name(const char *s)
{
    return s[0] && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

static void take_level(struct otai_json *j, const struct list *l)
{
    struct otai_level *next = &l->level[*l->count];

    if (*l->count == OTAI_LEVELS_MAX) {
        otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
        return;
    }
    if (!otai_json_name(j, next->name, sizeof next->name) || !is_name(next->name))
        otai_json_fail(j, OTA_REJECT_VALUE, NULL);
    next->level = (uint32_t)otai_json_u64(j, 1, UINT32_MAX);
    ++*l->count;
}

static void take_list(struct otai_json *j, struct otai_level *level, uint8_t *count)
{
    const struct list l = { level, count };

    for (otai_json_object(j); otai_json_member(j);)
        take_level(j, &l);
}

static void take_ota(struct otai_json *j, struct otai_levels *out)
{
    for (otai_json_object(j); otai_json_member(j);) {
        if (otai_json_name_is(j, "provides"))
            take_list(j, out->provides, &out->provides_count);
        else if (otai_json_name_is(j, "requires"))
            take_list(j, out->requires, &out->requires_count);
        else
            otai_json_skip(j);
    }
}

ota_err otai_deploy_levels(const struct ota_tuf_target *target, struct otai_levels *out, struct ota_fault *fault)
{
    struct otai_json j;

    memset(out, 0, sizeof *out);
    otai_json_init(&j, target->custom, target->custom_len);
    for (otai_json_object(&j); otai_json_member(&j);) {
        if (otai_json_name_is(&j, "ota"))
            take_ota(&j, out);
        else
            otai_json_skip(&j);
    }
    otai_json_end(&j);
    return otai_json_fault(&j, "custom", fault);
}

bool otai_levels_meet(const struct otai_level *provides, size_t count, const struct otai_level *requirement)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(provides[i].name, requirement->name) == 0 && provides[i].level >= requirement->level)
            return true;
    return false;
}
