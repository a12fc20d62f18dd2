/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report says since version 3 of the ring, behind the older members:
 *
 *   "boot" starts of the agent, "event" "update-confirmed" | "update-rolled_back" | "update-refused" | "crash" | "tampered" |
 *   "sick" | "unread",
 *   "type" "planned" | "unplanned", "class" "os" | "application", "category" text, "first" Unix seconds, "component" text,
 *   "image" 64 hex digits
 *
 * The type is "planned" for an update that was confirmed. The class is "os" for the component of that name and when no
 * component is known. The category is "update" for planned events, "exit" or "signal" for a crash, else the cause's name.
 */
#include <string.h>

#include "bytes.h"
#include "report.h"
#include OTAI_EVENTS_HEADER

static void add(struct otai_text *t, const char *key, const char *value)
{
    otai_text_add(t, key);
    otai_text_json(t, value);
}

const char *otai_event_boot(struct otai_text *t, const struct ota_report *r)
{
    otai_text_add(t, "/");
    otai_text_u64(t, r->boot);
    return "-";
}

static const char *category(const struct ota_report *r)
{
    if (r->event == OTA_REPORT_EXIT || r->event == OTA_REPORT_SIGNAL)
        return r->event == OTA_REPORT_EXIT ? "exit" : "signal";
    return r->outcome == OTA_OUTCOME_CONFIRMED ? "update" : ota_err_name(r->cause.err);
}

static const char *name_of(const struct ota_report *r)
{
    static const char *const names[] = { "update-", "crash", "crash", "tampered", "sick", "unread" };

    return names[r->event]; /* the ring holds no other */
}

void otai_event_members(struct otai_text *t, const struct ota_report *r, const struct otai_report_texts *texts)
{
    bool application = texts->component[0] && strcmp(texts->component, "os") != 0;
    bool planned = r->event == OTA_REPORT_OUTCOME && r->outcome == OTA_OUTCOME_CONFIRMED;

    otai_text_add(t, ",\"boot\":");
    otai_text_u64(t, r->boot);
    otai_text_add(t, ",\"event\":\"");
    otai_text_add(t, name_of(r));
    if (r->event == OTA_REPORT_OUTCOME)
        otai_text_add(t, ota_outcome_name(r->outcome));
    add(t, "\",\"type\":", planned ? "planned" : "unplanned");
    add(t, ",\"class\":", application ? "application" : "os");
    add(t, ",\"category\":", category(r));
    otai_text_add(t, ",\"first\":");
    otai_text_i64(t, r->first_s ? r->first_s : r->utc_s);
    add(t, ",\"component\":", texts->component);
    otai_text_add(t, ",\"image\":\"");
    otai_text_hex(t, r->image, sizeof r->image);
    otai_text_add(t, "\"");
}
