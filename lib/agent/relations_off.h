/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without OTA_RELATIONS: components stand alone, and nothing of this costs a byte. */
#ifndef OTAI_RELATIONS_H
#define OTAI_RELATIONS_H

#include "agent.h"

static inline const char *otai_relations_bad_config(const struct ota_config *c)
{
    (void)c;
    return NULL;
}

static inline size_t otai_relations_len(void)
{
    return 0;
}

static inline size_t otai_relations_book_len(void)
{
    return 0;
}

static inline void otai_relations_begin(struct ota *a)
{
    (void)a;
}

static inline ota_err otai_relations_learn(struct ota *a, const struct ota_tuf_target *target, uint8_t component)
{
    (void)a, (void)target, (void)component;
    return OTA_OK;
}

static inline void otai_relations_forget(struct ota *a, size_t component)
{
    (void)a, (void)component;
}

static inline bool otai_relations_removes(const struct ota *a)
{
    (void)a;
    return false;
}

static inline bool otai_relations_remove(struct ota *a)
{
    (void)a;
    return false;
}

static inline ota_err otai_relations_still(const struct ota *a)
{
    (void)a;
    return OTA_OK;
}

static inline ota_err otai_relations_ready(const struct ota *a)
{
    (void)a;
    return OTA_OK;
}

static inline ota_err otai_relations_check(struct ota *a)
{
    (void)a;
    return OTA_OK;
}

struct ota_local;
static inline ota_err otai_relations_local(struct ota *a, const struct ota_local *set, size_t count)
{
    (void)a, (void)set, (void)count;
    return OTA_OK;
}

static inline void otai_relations_want(struct ota *a)
{
    (void)a;
}

static inline void otai_relations_arm(const struct ota *a, struct ota_trial *trial)
{
    (void)a, (void)trial;
}

static inline bool otai_relations_gone(struct ota *a, size_t component)
{
    (void)a, (void)component;
    return false;
}

static inline uint8_t otai_trial_slot(const struct otai_progress *p)
{
    return p->slot;
}

static inline bool otai_is_absent(const struct ota *a, size_t component)
{
    (void)a, (void)component;
    return false;
}

static inline void otai_tell_removal(const struct otai_progress *p, struct ota_component_status *out)
{
    (void)p, (void)out;
}

#endif
