/* SPDX-License-Identifier: Apache-2.0 */
/* `ota-agent doctor`: which of the seven properties of a device that stays secure this one has, each with what was found. Nothing is taken from
 * the configuration's word where it can be measured; what cannot be read counts as not found. */
#ifndef AGENT_DOCTOR_H
#define AGENT_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "ota/attest.h"

#define DOCTOR_EVIDENCE_MAX 10u

enum doctor_property {
    DOCTOR_ROOT_OF_TRUST,
    DOCTOR_DEPTH,
    DOCTOR_TRUSTED_BASE,
    DOCTOR_COMPARTMENTS,
    DOCTOR_CERTIFICATES,
    DOCTOR_REPORTING,
    DOCTOR_RENEWABLE,
    DOCTOR_PROPERTIES
};

enum doctor_verdict { DOCTOR_MISSING, DOCTOR_PARTIAL, DOCTOR_PRESENT };

struct doctor_evidence {
    const char *what;             /* what was looked at */
    bool holds;
    bool needed;                  /* without it the property is not whole */
    char found[160];              /* what was found, or why nothing was */
};

struct doctor_finding {
    struct doctor_evidence evidence[DOCTOR_EVIDENCE_MAX];
    size_t count;
    enum ota_strength strength;   /* of what upholds it: what breaks it for who can write the storage */
};

struct doctor {
    const char *root;             /* before /proc, /sys and /dev; "" = this device */
    const struct agent_config *config;
    int64_t now_s;
    struct cJSON *status;         /* of the agent that runs; NULL = none does */
    long pid;                     /* its own; 0 = none */
    struct doctor_finding finding[DOCTOR_PROPERTIES];
};

/** Look at everything. root: see there. The caller ends with doctor_free(). */
void doctor_examine(struct doctor *d, const struct agent_config *c, const char *root);
void doctor_free(struct doctor *d);

enum doctor_verdict doctor_verdict(const struct doctor_finding *f);
bool doctor_all_present(const struct doctor *d);

/* Parts of the examination. */
void doctor_look_at_device(struct doctor *d);      /* doctor_device.c: firmware, root file system, processes */
void doctor_look_at_updates(struct doctor *d);     /* doctor_updates.c: certificates, metadata, reports, components */

/** "hw", "tpm", "soft", "none". */
const char *doctor_strength_name(enum ota_strength s);

/** Note one piece of evidence. A format as for printf. */
void doctor_note(struct doctor *d, enum doctor_property p, const char *what, bool needed, bool holds, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/** Read a small file below root. @return its length, or -1 with errno; text is NUL-terminated */
long doctor_read(const struct doctor *d, const char *path, char *text, size_t cap);

/** Days from 1970-01-01 to this day; y from 1970, m 1..12. */
int64_t doctor_days(int y, int m, int d);

/** End of validity of the first certificate in a PEM file, and how long it is valid in all. @return false with errno, EBADMSG: none in it */
bool doctor_certificate_end(const char *path, int64_t *end_s, int64_t *life_s);

#endif
