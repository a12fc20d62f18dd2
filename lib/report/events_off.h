/* SPDX-License-Identifier: Apache-2.0 */
/* Without OTA_FLEET: the ring stays at version 2, and reports say no more than they did then. */
#ifndef OTAI_EVENTS_H
#define OTAI_EVENTS_H

#define OTAI_RING_VERSION 2
#define OTAI_SINCE_3 0u
#define OTAI_FIELDS_3

static inline void otai_event_again(const struct ota_report *newest, const struct ota_report *r)
{
    (void)newest;
    (void)r;
}

static inline bool otai_event_gives_way(const struct ota_report *r)
{
    return r->outcome == OTA_OUTCOME_REFUSED;
}

static inline const char *otai_event_boot(const struct otai_text *t, const struct ota_report *r)
{
    (void)t;
    (void)r;
    return "/0-";
}

static inline void otai_event_members(const struct otai_text *t, const struct ota_report *r,
                                      const struct otai_report_texts *texts)
{
    (void)t;
    (void)r;
    (void)texts;
}

#endif
