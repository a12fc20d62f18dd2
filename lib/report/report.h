/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: a bounded ring in the store record "reports", kept until acknowledged. Layout: SPEC.md, "Report ring". */
#ifndef OTAI_REPORT_H
#define OTAI_REPORT_H

#include "ota/port_store.h"
#include "ota/records.h"

#define OTAI_REPORTS_MAX 8
#define OTAI_REPORTS_BYTES 4096   /* scratch for one encoded ring */
#define OTAI_REPORT_BODY_MAX 1280 /* one report as JSON, with NUL */
#define OTAI_REPORT_NAME_MAX 192  /* "<device>/<boot>-<id>.json", with NUL */

struct otai_ring {
    uint32_t last_id;   /* highest id that was ever added: adding it again changes nothing */
    uint8_t count;
    struct ota_report report[OTAI_REPORTS_MAX];   /* oldest first */
};

/* OTA_OK (empty when absent or unreadable: a damaged ring is dropped and said in fault); DEVICE_STORE. */
OTA_MUST_CHECK ota_err otai_ring_load(struct ota_store *store, struct otai_ring *ring, uint8_t *scratch, struct ota_fault *fault);
OTA_MUST_CHECK ota_err otai_ring_save(struct ota_store *store, const struct otai_ring *ring, uint8_t *scratch, struct ota_fault *fault);

/* Add once per id. A refusal equal to the newest report (outcome, cause, deployment) only raises its count and takes
 * the new id. A full ring drops its oldest refusal, or, with none, its oldest report. */
void otai_ring_add(struct otai_ring *ring, const struct ota_report *report);
/* Remove the report with this id. */
void otai_ring_ack(struct otai_ring *ring, uint32_t id);

/* What a report says beside what the ring keeps. */
struct otai_report_texts {
    const char *device, *product, *group;
    const char *encoding, *why;   /* names of the report's numbers */
    const char *component;        /* name of the component, or ""; with OTA_FLEET */
};

/* What reports say with OTA_FLEET, or that they do not: a header of this folder. */
#ifndef OTAI_EVENTS_HEADER
#define OTAI_EVENTS_HEADER "events_on.h"
#endif

/* One report as JSON, and its name below the report URL. REJECT_LIMIT when it does not fit. */
OTA_MUST_CHECK ota_err otai_report_body(const struct ota_report *r, const struct otai_report_texts *texts,
                                        char out[OTAI_REPORT_BODY_MAX]);
OTA_MUST_CHECK ota_err otai_report_name(const struct ota_report *r, const char *device, char out[OTAI_REPORT_NAME_MAX]);

/* Bytes of an encoded ring, for tests and fuzzing. */
size_t otai_ring_encode(const struct otai_ring *ring, uint8_t out[OTAI_REPORTS_BYTES]);
OTA_MUST_CHECK ota_err otai_ring_decode(const uint8_t *p, size_t len, struct otai_ring *ring);

#endif
