/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_RELATIONS: what components require of one another, and removal of those that the deployment does not name.
 * A component that is to be removed is wanted in the journal, with OTA_SLOT_NONE as its slot. */
#ifndef OTAI_RELATIONS_H
#define OTAI_RELATIONS_H

#include "agent.h"

/* relations.c */
const char *otai_relations_bad_config(const struct ota_config *c); /* the field that is wrong, or NULL */
size_t otai_relations_len(void);                                   /* bytes at the end of TRUST's memory */
size_t otai_relations_book_len(void);                              /* ... and at the beginning of what TUF and the pointer leave */
void otai_relations_begin(struct ota *a);                          /* TRUST: nothing is known yet */
/* TRUST: what this component's image provides and requires. */
OTA_MUST_CHECK ota_err otai_relations_learn(struct ota *a, const struct ota_tuf_target *target, uint8_t component);
void otai_relations_forget(struct ota *a, size_t component); /* TRUST: its image does not come after all */
bool otai_relations_removes(const struct ota *a);            /* TRUST, with the pointer: does it take anything out? */
bool otai_relations_remove(struct ota *a); /* end of TRUST: fill release.remove; is there anything? */
/* End of TRUST: OTA_OK when every requirement of what will run is met. REJECT_REQUIRES, or a failure of the store. */
OTA_MUST_CHECK ota_err otai_relations_check(struct ota *a);
struct ota_local;
/* IDLE: would every requirement be met if these images ran? As far as it is known what they provide and require. OTA_OK;
 * REJECT_REQUIRES, or a failure of the store. */
OTA_MUST_CHECK ota_err otai_relations_local(struct ota *a, const struct ota_local *set, size_t count);
/* PLAN: the same of what the outside provides now, before anything is fetched. OTA_OK, REJECT_REQUIRES, or a failure of the store. */
OTA_MUST_CHECK ota_err otai_relations_still(struct ota *a);
/* READY: and before it is armed. OTA_OK; SAME: not any more, time for a check-in; or a failure of the store. */
OTA_MUST_CHECK ota_err otai_relations_ready(struct ota *a);
void otai_relations_want(struct ota *a); /* the journal learns of the removals */
void otai_relations_arm(const struct ota *a, struct ota_trial *trial);
bool otai_relations_gone(struct ota *a, size_t component); /* confirmed: was this a removal? Then nothing is installed */

static inline bool otai_is_removal(const struct otai_progress *p)
{
    return p->wanted && p->slot == OTA_SLOT_NONE;
}

/* The slot that a trial of this names. */
static inline uint8_t otai_trial_slot(const struct otai_progress *p)
{
    return otai_is_removal(p) ? (uint8_t)OTA_SLOT_REMOVE : p->slot;
}

/* Nothing runs, whatever the factory installed once. */
static inline bool otai_is_absent(const struct ota *a, size_t component)
{
    return a->view.running[component] == OTA_SLOT_NONE;
}

static inline void otai_tell_removal(const struct otai_progress *p, struct ota_component_status *out)
{
    out->removing = otai_is_removal(p);
}

/* relations_record.c: what images on this device provide and require, by their digests. */
struct otai_known {
    uint8_t sha256[OTA_SHA256_LEN];
    struct otai_levels levels;
};

#define OTAI_BOOK_MAX (2 * OTA_COMPONENTS_MAX) /* installed, and coming */
#define OTAI_BOOK_BYTES (8 + OTAI_BOOK_MAX * (OTA_SHA256_LEN + 2 * OTAI_LEVELS_MAX * (OTA_NAME_MAX + 4)) + 4)

struct otai_book {
    size_t count;
    struct otai_known known[OTAI_BOOK_MAX];
    size_t len;                     /* of the record as it was read; 0 = there is none, or it is of no use */
    uint8_t bytes[OTAI_BOOK_BYTES]; /* as read, then as written */
    uint8_t fresh[OTAI_BOOK_BYTES];
};

OTA_MUST_CHECK ota_err otai_book_load(struct ota_store *s, struct otai_book *b, struct ota_fault *fault);
const struct otai_levels *otai_book_find(const struct otai_book *b, const uint8_t sha256[OTA_SHA256_LEN]);
/* Write it unless the store says the same already. */
OTA_MUST_CHECK ota_err otai_book_save(struct ota_store *s, struct otai_book *b, struct ota_fault *fault);

#endif
