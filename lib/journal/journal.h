/* SPDX-License-Identifier: Apache-2.0 */
/* The only durable progress. Two records, "journal.0" and "journal.1", written in turn; the valid one with the higher
 * generation counts, so a write that fails in any way leaves the other. Layout and version rules: SPEC.md, "Journal". */
#ifndef OTAI_JOURNAL_H
#define OTAI_JOURNAL_H

#include "ota/port_store.h"
#include "ota/records.h"

/* Layout version. A reader takes any minor of its own major: fields that it does not know are ignored, fields that the
 * writer did not know are zero. */
#define OTAI_JOURNAL_MAJOR 1
#define OTAI_JOURNAL_MINOR 3
#define OTAI_JOURNAL_MAX 2048 /* bytes of one encoded record, all minors */

/* Where the update of one component stands. */
struct otai_progress {
    bool wanted;                      /* this deployment changes the component */
    uint8_t slot;                     /* slot that is written */
    uint32_t security;
    uint64_t length;                  /* bytes when complete */
    uint64_t out_off;                 /* slot bytes known durable: may lag the slot, never leads it */
    uint64_t src_off;                 /* source bytes that they came from */
    uint8_t sha256[OTA_SHA256_LEN];   /* digest when complete */
    uint8_t src_sha256[OTA_SHA256_LEN];
    char version[OTA_VERSION_MAX];
    char etag[OTA_ETAG_MAX];          /* validator of the source, for If-Range */
    uint8_t codec, why;               /* enum ota_codec and ota_why of the source */
    uint8_t failed;                   /* a bit per codec that failed for this image here: it is not tried again */
};

/* What a component runs since its last confirmed update. */
struct otai_installed {
    bool known;
    uint32_t security_floor;
    uint8_t sha256[OTA_SHA256_LEN];
    char version[OTA_VERSION_MAX];
};

struct otai_journal {
    uint32_t generation;              /* of the record it was loaded from; 0 = fresh */
    uint32_t starts;                  /* how often an agent started on this store */
    uint8_t state;                    /* enum ota_state, as last journaled */
    uint8_t trial_starts;             /* how often an agent started in the trial under way */
    uint8_t arms;                     /* how often this deployment was about to be armed */
    uint8_t outcome;                  /* enum ota_outcome of `deployment`; NONE while it is under way */
    uint32_t report_id;               /* id of the report that `outcome` and `cause` still have to become; 0 = none */
    uint32_t report_last;             /* last id given out */
    uint32_t deferred_s;              /* seconds of deferral already granted to `deployment` */
    int64_t full_utc_s;               /* Unix time of the last full refresh */
    int64_t fresh_until_s;            /* expiry of the trusted timestamps: no conditional poll beyond it */
    uint64_t fetched;                 /* image bytes taken from the network for `deployment` */
    uint64_t seq;                     /* of `deployment` */
    uint64_t seq_floor;               /* highest confirmed */
    uint8_t deployment[OTA_SHA256_LEN];   /* under way or last ended; zero = none yet */
    uint8_t confirmed[OTA_SHA256_LEN];    /* what runs; zero = factory */
    uint8_t blocked[OTA_SHA256_LEN];      /* rolled back here; zero = none */
    struct ota_fault cause;           /* why `outcome` is not CONFIRMED */
    char etag[OTA_ETAG_MAX];          /* validator of repos[0]'s timestamp at the last completed check-in; "" = none.
                                      With hawkBit as the check-in: see lib/agent/hawkbit.c */
    struct otai_progress progress[OTA_COMPONENTS_MAX];
    struct otai_installed installed[OTA_COMPONENTS_MAX];
    int64_t time_floor_s;             /* this Unix time has passed: signed metadata says so. 0 = none yet. Since 1.1 */
    /* Since 1.3, all zero in builds without OTA_POLICY: */
    bool ruled;                       /* a pointer was read, and what follows is its word */
    uint32_t poll_s;                  /* seconds between two check-ins; 0 = it does not say */
    uint32_t defer_system_min;        /* most minutes of deferral of a deployment with the component "os", ... */
    uint32_t defer_application_min;   /* ... and of one without */
    uint32_t kept_from;               /* enum ota_hold: why the newest deployment, or a part of it, is not for this device */
    uint32_t held_by;                 /* enum ota_hold: all that held `deployment` back so far */
};

/* Read the newer valid copy. scratch holds OTAI_JOURNAL_MAX bytes.
 * OTA_OK; OTA_SAME when there is none at all (j is zero: a factory-fresh device);
 * DEVICE_JOURNAL when copies exist and none is valid (j is zero; where = the reason), also for another major;
 * DEVICE_STORE. */
OTA_MUST_CHECK ota_err otai_journal_load(struct ota_store *store, struct otai_journal *j, uint8_t *scratch, struct ota_fault *fault);

/* Write j over the older copy with generation + 1; j->generation advances only on success.
 * OTA_OK, DEVICE_STORE, DEVICE_FULL. */
OTA_MUST_CHECK ota_err otai_journal_save(struct ota_store *store, struct otai_journal *j, uint8_t *scratch, struct ota_fault *fault);

/* One record's bytes, for tests, fuzzing and tools. */
size_t otai_journal_encode(const struct otai_journal *j, uint8_t out[OTAI_JOURNAL_MAX]);
OTA_MUST_CHECK ota_err otai_journal_decode(const uint8_t *p, size_t len, struct otai_journal *j, const char **why);

#endif
