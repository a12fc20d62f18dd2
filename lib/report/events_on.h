/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_FLEET: what reports say since version 3 of the ring. Included by ring.c and body.c, behind what they need. */
#ifndef OTAI_EVENTS_H
#define OTAI_EVENTS_H

#define OTAI_RING_VERSION 3
#define OTAI_SINCE_3 5u /* fields that version 2 did not have */
#define OTAI_FIELDS_3                                                                                                            \
    FIELD(event, U8, OTA_REPORT_UNREAD), FIELD(component, U8, UINT8_MAX), FIELD(boot, U32, 0), FIELD(first_s, U64, 0),           \
        FIELD(image, BYTES, OTA_SHA256_LEN),

/* The same again: the last time counts, and the first one stays. */
static inline void otai_event_again(struct ota_report *newest, const struct ota_report *r)
{
    newest->utc_s = r->utc_s;
    newest->boot = r->boot;
}

static inline bool otai_event_gives_way(const struct ota_report *r)
{
    return r->outcome == OTA_OUTCOME_REFUSED || r->event != OTA_REPORT_OUTCOME;
}

/* events.c: what stands between the device and the id in a report's name; gives the last of it. */
const char *otai_event_boot(struct otai_text *t, const struct ota_report *r);
/* The members of version 3. */
void otai_event_members(struct otai_text *t, const struct ota_report *r, const struct otai_report_texts *texts);

#endif
