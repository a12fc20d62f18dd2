/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies are a superset of what the versions of hawkBit and goosebit want: "time" as text for hawkBit up to 0.6 and for
 * goosebit, "timestamp" as a number since 0.7, the id in the body too. "progress" is left out: hawkBit ignores it, and
 * goosebit refuses it where it is not whole.
 */
#include "hawkbit_text.h"

#include <string.h>

#include "bytes.h"
#include "ota/ota.h"

#define ATTRIBUTE_MAX 128u
#define DETAIL_MAX 256u

/* RFC 3986 section 2.3: what stands for itself in a path. */
static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

static void add_encoded(struct otai_text *t, const char *s)
{
    for (; *s; s++) {
        const uint8_t byte = (uint8_t)*s;

        if (unreserved(*s)) {
            otai_text_bytes(t, s, 1);
            continue;
        }
        otai_text_add(t, "%");
        otai_text_hex(t, &byte, 1);
    }
}

void otai_hb_file(struct otai_hb *h, const char *step, const struct otai_hb_link *link, const char *tail)
{
    const struct ota_hawkbit *c = h->cfg;
    struct otai_text t;

    otai_text_init(&t, h->file, sizeof h->file);
    add_encoded(&t, c->tenant ? c->tenant : "DEFAULT");
    otai_text_add(&t, "/controller/v1/");
    add_encoded(&t, c->controller_id ? c->controller_id : h->facts.device_id);
    if (step) {
        otai_text_add(&t, "/");
        otai_text_add(&t, step);
    }
    if (link) {
        otai_text_add(&t, "/");
        otai_text_add(&t, link->id);
    }
    if (tail) {
        otai_text_add(&t, tail);
        return;
    }
    if (!link)
        return;
    if (link->mark[0]) {
        otai_text_add(&t, "?c=");
        otai_text_add(&t, link->mark);
    }
    /* The longest configuration has no room for it: that server is not asked. */
    if (strlen(c->url) + t.len + sizeof "?" OTAI_HB_HISTORY <= OTA_URL_MAX) {
        otai_text_add(&t, link->mark[0] ? "&" : "?");
        otai_text_add(&t, OTAI_HB_HISTORY);
    }
}

void otai_hb_head(struct otai_hb *h)
{
    const struct ota_hawkbit *c = h->cfg;
    struct otai_text t;

    otai_text_init(&t, h->head, sizeof h->head);
    otai_text_add(&t, "Accept: application/json");
    if (!c->target_token && !c->gateway_token)
        return;
    otai_text_add(&t, c->target_token ? "\nAuthorization: TargetToken " : "\nAuthorization: GatewayToken ");
    otai_text_add(&t, c->target_token ? c->target_token : c->gateway_token);
}

/* ---- feedback ---- */

static void two_digits(struct otai_text *t, int64_t v)
{
    otai_text_add(t, v < 10 ? "0" : "");
    otai_text_i64(t, v);
}

/* Days since 1970 as a date of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March. */
static void add_date(struct otai_text *t, int64_t days)
{
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;

    otai_text_i64(t, yoe + era * 400 + (month <= 2));
    two_digits(t, month);
    two_digits(t, doy - (153 * mp + 2) / 5 + 1);
}

static void add_time(struct otai_text *t, int64_t utc_s)
{
    if (utc_s <= 0)
        return;
    otai_text_add(t, ",\"timestamp\":");
    otai_text_i64(t, utc_s * 1000);
    otai_text_add(t, ",\"time\":\"");
    add_date(t, utc_s / 86400);
    otai_text_add(t, "T");
    two_digits(t, utc_s % 86400 / 3600);
    two_digits(t, utc_s % 3600 / 60);
    two_digits(t, utc_s % 60);
    otai_text_add(t, "\"");
}

void otai_hb_feedback(struct otai_hb *h, const char *execution, const char *finished, uint32_t code, const char *detail)
{
    struct otai_text t;

    otai_text_init(&t, h->body, sizeof h->body);
    otai_text_add(&t, "{\"id\":");
    otai_text_json(&t, h->link.id);
    add_time(&t, h->facts.utc_s);
    otai_text_add(&t, ",\"status\":{\"execution\":\"");
    otai_text_add(&t, execution);
    otai_text_add(&t, "\",\"code\":");
    otai_text_u64(&t, code);
    otai_text_add(&t, ",\"result\":{\"finished\":\"");
    otai_text_add(&t, finished);
    otai_text_add(&t, "\"},\"details\":[");
    otai_text_json(&t, detail);
    otai_text_add(&t, "]}}");
}

void otai_hb_final(struct otai_hb *h)
{
    const struct otai_hb_box *b = h->box;
    char detail[DETAIL_MAX];
    struct otai_text t;

    otai_text_init(&t, detail, sizeof detail);
    if (b->result == OTAI_HB_SUCCESS)
        otai_text_add(&t, "healthy and confirmed: ");
    if (b->result == OTAI_HB_FAILURE) {
        otai_text_add(&t, ota_err_name(b->code));
        otai_text_add(&t, " (");
        otai_text_add(&t, b->where);
        otai_text_add(&t, "); still runs ");
    }
    if (b->result == OTAI_HB_STORED)
        otai_text_add(&t, "stored and verified; still runs ");
    otai_text_add(&t, b->version[0] ? b->version : "an unknown version");
    otai_text_add(&t, ", deployment ");
    otai_text_u64(&t, b->seq);
    if (b->result == OTAI_HB_STORED)
        otai_hb_feedback(h, "downloaded", "none", 0, detail);
    else
        otai_hb_feedback(h, "closed", b->result == OTAI_HB_SUCCESS ? "success" : "failure", (uint32_t)b->code, detail);
}

void otai_hb_consent(struct otai_hb *h, bool yes)
{
    struct otai_text t;

    otai_text_init(&t, h->body, sizeof h->body);
    otai_text_add(&t, yes ? "{\"confirmation\":\"confirmed\",\"code\":0,\"details\":[\"the device agrees\"]}"
                          : "{\"confirmation\":\"denied\",\"code\":0,\"details\":[\"the device does not agree\"]}");
}

void otai_hb_declaration(struct otai_hb *h)
{
    struct otai_text t;

    otai_text_init(&t, h->body, sizeof h->body);
    otai_text_add(&t, "{\"name\":");
    otai_text_json(&t, h->cfg->installed_set);
    otai_text_add(&t, ",\"version\":");
    otai_text_json(&t, h->facts.version);
    otai_text_add(&t, "}");
}

/* ---- attributes ---- */

/* hawkBit since 0.9 refuses the whole set for one character that it does not know. */
bool otai_hb_attribute_char(char c)
{
    return c >= 0x20 && c <= 0x7d && c != '`';
}

static void add_attribute(struct otai_text *t, const char *key, const char *value)
{
    char clean[ATTRIBUTE_MAX + 1];
    size_t n = 0;

    for (; value && value[n] && n < ATTRIBUTE_MAX; n++)
        clean[n] = otai_hb_attribute_char(value[n]) ? value[n] : '-';
    clean[n] = '\0';
    otai_text_add(t, t->p[t->len - 1] == '{' ? "" : ",");
    otai_text_json(t, key);
    otai_text_add(t, ":");
    otai_text_json(t, clean);
}

bool otai_hb_attributes(struct otai_hb *h)
{
    const struct ota_hawkbit *c = h->cfg;
    struct otai_text t;

    otai_text_init(&t, h->body, sizeof h->body);
    otai_text_add(&t, c->replace_attributes ? "{\"mode\":\"replace\",\"data\":{" : "{\"mode\":\"merge\",\"data\":{");
    add_attribute(&t, "product", h->facts.product);
    add_attribute(&t, "device_group", h->facts.group);
    add_attribute(&t, "os_version", h->facts.version);
    add_attribute(&t, "sw_version", h->facts.version); /* as goosebit and swupdate call it */
    add_attribute(&t, "client_version", "libota/" OTA_VERSION_STRING);
    for (size_t i = 0; i < c->attribute_count; i++)
        add_attribute(&t, c->attributes[i].key, c->attributes[i].value);
    otai_text_add(&t, "}}");
    return !t.full;
}
