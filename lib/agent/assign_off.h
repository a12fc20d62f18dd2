/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_DIRECTOR: the group is the configuration's. Nothing of this is left in the program. */
#ifndef OTAI_ASSIGN_H
#define OTAI_ASSIGN_H

#include "agent.h"

/* The text is one that is there already. */
static inline const char *otai_assign_bad(const struct ota_config *c)
{
    return c->director ? "repos.prefixes" : NULL;
}

static inline ota_err otai_assign_begin(struct ota *a, uint8_t *repo)
{
    (void)a;
    *repo = 0;
    return OTA_OK;
}

static inline bool otai_assign_pending(const struct ota *a)
{
    (void)a;
    return false;
}

static inline void otai_assign_path(const struct ota *a, char out[OTA_PATH_MAX])
{
    (void)a, (void)out;
}

static inline const char *otai_assign_scope(struct ota *a, uint8_t repo)
{
    (void)a, (void)repo;
    return NULL;
}

static inline const char *otai_assign_file(struct ota *a)
{
    return a->m.trust->want.file;
}

static inline ota_err otai_assign_take(struct ota *a, const struct ota_tuf_target *target)
{
    (void)a, (void)target;
    return OTA_REJECT_TARGET;
}

static inline ota_err otai_assign_absent(struct ota *a)
{
    (void)a;
    return OTA_REJECT_TARGET;
}

static inline bool otai_assign_elsewhere(const struct ota *a)
{
    (void)a;
    return false;
}

#endif
