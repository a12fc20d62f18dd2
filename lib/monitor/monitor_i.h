/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's parts: monitor.c steps, round.c reads the slot that runs, answer.c does what a finding asks for, look.c asks
 * for health. */
#ifndef OTAI_MONITOR_I_H
#define OTAI_MONITOR_I_H

#include "ota/monitor.h"

enum otai_monitor_phase {
    OTAI_MON_REST,  /* until the next component's round is due */
    OTAI_MON_READ,  /* the slot that runs */
    OTAI_MON_KEEP,  /* the finding, before anything is done */
    OTAI_MON_ACT,   /* choose what is done */
    OTAI_MON_BACK,  /* read the other slots */
    OTAI_MON_TELL   /* the finding, with what was done */
};

#define OTAI_MON_HEALTH OTA_COMPONENTS_MAX /* health's place beside the components' */

void otai_mon_note(struct ota_monitor *m, enum ota_event ev, int64_t a, int64_t b, const struct ota_fault *fault);
/* Nothing more is to be done about this round: the next component, or the rest between two rounds. */
void otai_mon_next(struct ota_monitor *m, uint64_t now);
void otai_mon_end_hashes(struct ota_monitor *m);
OTA_MUST_CHECK ota_err otai_mon_hash_start(struct ota_monitor *m, struct ota_hash *h);
/* "slot <n>" with what follows, as a place. */
void otai_mon_where(char out[OTA_FAULT_WHERE_MAX], const char *what, uint8_t slot, bool located, uint64_t off);

/* round.c */
void otai_mon_begin(struct ota_monitor *m, uint64_t now);
void otai_mon_read(struct ota_monitor *m, uint64_t now);

/* answer.c */
void otai_mon_found(struct ota_monitor *m, uint64_t now);
void otai_mon_answer(struct ota_monitor *m, uint64_t now);

/* look.c: ask for health if it is time; how long until it is again. */
void otai_mon_health(struct ota_monitor *m, uint64_t now, bool busy);
uint64_t otai_mon_health_due(const struct ota_monitor *m, uint64_t now);

#endif
