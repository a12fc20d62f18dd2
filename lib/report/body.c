/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as it is sent: PUT <report_url><device>/<boot>-<id>.json with this JSON object (no spaces, members in this order):
 *
 *   "id" number, "outcome" "confirmed" | "rolled_back" | "refused", "cause" { "code" number, "name" text, "where" text,
 *   "port" number }, "seq" number, "deployment" 64 hex digits, "time" Unix seconds (0 = clock unknown), "count" number,
 *   "fetched" bytes, "version" text, "running" text, "encoding" text, "why" text, "device" text, "product" text,
 *   "group" text, "holds" array of names
 *
 * "holds" is what held the deployment back until then ("window", "deferred", ...), as far as the device still knows: nothing of
 * deployments that newer ones have followed. The agent adds it; builds without OTA_POLICY do not.
 * "encoding" is how the image came ("plain", "deflate", "delta"; "none": nothing was chosen), "why" why not cheaper
 * ("cheapest", "no-base", "memory", "failed", "resumed", "none"). A cause with code 0 and name "OK" means none. Sending the same id again must change nothing.
 * With OTA_FLEET the members of events.c follow; without, boot is 0 in the name.
 */
#include "bytes.h"
#include "report.h"
#include OTAI_EVENTS_HEADER

static void add_u64(struct otai_text *t, const char *key, uint64_t v)
{
    otai_text_add(t, key);
    otai_text_u64(t, v);
}

static void add_i64(struct otai_text *t, const char *key, int64_t v)
{
    otai_text_add(t, key);
    otai_text_i64(t, v);
}

static void add_text(struct otai_text *t, const char *key, const char *v)
{
    otai_text_add(t, key);
    otai_text_json(t, v);
}

ota_err otai_report_body(const struct ota_report *r, const struct otai_report_texts *texts, char out[OTAI_REPORT_BODY_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTAI_REPORT_BODY_MAX);
    add_u64(&t, "{\"id\":", r->id);
    add_text(&t, ",\"outcome\":", ota_outcome_name(r->outcome));
    add_u64(&t, ",\"cause\":{\"code\":", (uint64_t)r->cause.err);
    add_text(&t, ",\"name\":", ota_err_name(r->cause.err));
    add_text(&t, ",\"where\":", r->cause.where);
    add_i64(&t, ",\"port\":", r->cause.port_code);
    add_u64(&t, "},\"seq\":", r->seq);
    otai_text_add(&t, ",\"deployment\":\"");
    otai_text_hex(&t, r->deployment, sizeof r->deployment);
    add_i64(&t, "\",\"time\":", r->utc_s);
    add_u64(&t, ",\"count\":", r->count);
    add_u64(&t, ",\"fetched\":", r->fetched);
    add_text(&t, ",\"version\":", r->version);
    add_text(&t, ",\"running\":", r->running);
    add_text(&t, ",\"encoding\":", texts->encoding);
    add_text(&t, ",\"why\":", texts->why);
    add_text(&t, ",\"device\":", texts->device);
    add_text(&t, ",\"product\":", texts->product);
    add_text(&t, ",\"group\":", texts->group);
    otai_event_members(&t, r, texts);
    otai_text_add(&t, "}");
    return t.full ? OTA_REJECT_LIMIT : OTA_OK;
}

ota_err otai_report_name(const struct ota_report *r, const char *device, char out[OTAI_REPORT_NAME_MAX])
{
    struct otai_text t;

    otai_text_init(&t, out, OTAI_REPORT_NAME_MAX);
    otai_text_add(&t, device);
    add_u64(&t, otai_event_boot(&t, r), r->id);
    otai_text_add(&t, ".json");
    return t.full ? OTA_REJECT_LIMIT : OTA_OK;
}
