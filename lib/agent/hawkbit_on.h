/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps ask of the hawkBit check-in. Without one in the configuration all of it is as in hawkbit_off.h. */
#ifndef OTAI_AGENT_HAWKBIT_H
#define OTAI_AGENT_HAWKBIT_H

#include "hawkbit.h"

struct otai_hb_agent {
    struct otai_hb_box box; /* as stored */
    struct otai_hb *h;      /* the check-in under way, in the region */
    bool exchange;          /* an answer is awaited */
    bool telling;           /* in REPORT: the server is told */
    uint8_t held;           /* enum otai_hb_held of the newest answer to a poll */
    uint8_t held_before;    /* of all since the last update began: its report names them */
    uint8_t taken_up;       /* enum otai_hb_state: see struct otai_hb_facts */
    uint64_t looked_ms;     /* when the server was last asked */
    uint64_t seen_off;      /* checkpoint of the download when last looked */
};

/* Names of the bits behind those of policy. */
#define OTAI_HB_HOLD_NAMES , [14] = "hawkbit-window", "hawkbit-consent", "hawkbit-skip"

#define OTAI_HB_MEMBER struct otai_hb_agent hb; /* of struct ota */

/* Configuration: the field that is bad, or NULL; bytes that a check-in takes of the region. */
const char *otai_hb_bad(const struct ota_config *c);
size_t otai_hb_len(const struct ota_config *c);

OTA_MUST_CHECK ota_err otai_hb_start(struct ota *a);
bool otai_hb_on(const struct ota *a);
/* POLL in place of the static repository's: DONE, SAME, AGAIN or the failure. */
OTA_MUST_CHECK ota_err otai_hb_poll(struct ota *a);
/* TRUST, with the verified release: OTA_OK, or why the action is about another one. */
OTA_MUST_CHECK ota_err otai_hb_compare(struct ota *a);
/* TRUST ends with nothing to do: SAME, or REJECT_TARGET where an action wants what is not deployed (outcome NONE). */
OTA_MUST_CHECK ota_err otai_hb_settled(struct ota *a, enum ota_outcome outcome);
/* READY: OTA_OK, or RETRY_CANCELLED: the server has not given leave yet. */
OTA_MUST_CHECK ota_err otai_hb_ready(struct ota *a);
bool otai_hb_open(const struct ota *a);
/* REPORT: what became of the action goes into the box; then the server is told. */
OTA_MUST_CHECK ota_err otai_hb_collect(struct ota *a);
bool otai_hb_telling(const struct ota *a);
OTA_MUST_CHECK ota_err otai_hb_tell(struct ota *a);
/* DOWNLOAD: time to ask whether the action still stands? Only where nothing is lost by it. */
bool otai_hb_interrupts(struct ota *a);
/* What the server holds back, as enum ota_hold. */
uint32_t otai_hb_holds(const struct ota *a);
/* The action is one to be done at once: whoever uses the device does not put it off. */
bool otai_hb_forces(const struct ota *a);
/* A new update begins: what held it back so far. */
void otai_hb_begun(struct ota *a);
bool otai_hb_owes(const struct ota *a);
uint32_t otai_hb_poll_every(const struct ota *a, uint32_t otherwise);

#endif
