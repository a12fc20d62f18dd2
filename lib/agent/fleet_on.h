/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_FLEET=ON: see fleet.c and wait_fleet.c. */
#ifndef OTAI_FLEET_ON_H
#define OTAI_FLEET_ON_H

#include "agent.h"

void otai_fleet_fill(struct ota_config *c);                 /* defaults */
const char *otai_fleet_bad(const struct ota_config *c);     /* name of a setting that is wrong, or NULL */
bool otai_report_url_ok(const struct ota_config *c);        /* report_url with a query */
uint64_t otai_first_due_ms(struct ota *a, uint64_t now_ms); /* of the first check-in after a start */
uint64_t otai_rate_pause_ms(struct ota *a);                 /* until the next read is allowed */
void otai_rate_spend(struct ota *a, size_t bytes);          /* so many were read */

/* A report's place below a report_url with a query: "<url>/<name>?<query>". s: its memory is used until the request is sent. */
void otai_report_query(const struct ota *a, struct otai_sending *s, struct otai_fetch_job *job);
/* err came of a PUT: does it say that the report is there already? 412 of storage that never overwrites; its name is its own. */
bool otai_report_there(struct ota *a, ota_err err);
/* What else check-ins tell; err is what the facts before it came to. */
OTA_MUST_CHECK ota_err otai_fleet_facts(const struct ota *a, ota_err err, char *out, size_t cap);

/* crash.c: what supervisors noted becomes reports; what a report says beside its outcome; its component's name, or "". */
OTA_MUST_CHECK ota_err otai_collect_crashes(struct ota *a, struct otai_sending *s);
/* A record of a supervisor or a monitor cannot be read or understood: said, and nothing is held up by it. */
void otai_tell_unread(struct ota *a, const char *record, int32_t code);
void otai_report_more(const struct ota *a, struct ota_report *r);
void otai_report_image(struct ota_report *r, size_t component, const uint8_t sha256[OTA_SHA256_LEN]);
const char *otai_report_component(const struct ota *a, const struct ota_report *r);

#endif
