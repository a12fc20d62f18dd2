/* SPDX-License-Identifier: Apache-2.0 */
/* What only builds with OTA_FLEET have: defaults and bounds of its settings, and the download's rate limit. */
#include <string.h>

#include "fleet_on.h"

#include "bytes.h"

#define DEFAULT_START_S 300u
#define DEFAULT_POLL_MIN_S 60u
#define DEFAULT_POLL_MAX_S 604800u

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
    return given ? given : otherwise;
}

void otai_fleet_fill(struct ota_config *c)
{
    c->times.start_s = or_default(c->times.start_s, DEFAULT_START_S);
    c->times.poll_min_s = or_default(c->times.poll_min_s, DEFAULT_POLL_MIN_S);
    c->times.poll_max_s = or_default(c->times.poll_max_s, DEFAULT_POLL_MAX_S);
}

const char *otai_fleet_bad(const struct ota_config *c)
{
    if (c->times.poll_min_s > c->times.poll_max_s)
        return "times.poll_min_s";
    /* Else the limit itself would look like a server that is too slow. */
    return c->limits.rate_bps && c->limits.rate_bps / 2u < c->limits.low_speed_bps ? "limits.rate_bps" : NULL;
}

/* What a report's name takes behind the device's: "/", boot, "-", id, ".json". */
#define NAME_REST 27u

bool otai_report_url_ok(const struct ota_config *c)
{
    const char *url = c->report_url, *query = strchr(url, '?');

    return query && query > url && query[-1] == '/' && query[1] && otai_url_allowed(url, c->plain_http) &&
           strlen(url) + strlen(c->device_id) + NAME_REST < OTA_URL_MAX;
}

void otai_report_query(const struct ota *a, struct otai_sending *s, struct otai_fetch_job *job)
{
    const char *query = strchr(a->cfg.report_url, '?');
    char *base = (char *)s->scratch, *file = base + OTA_URL_MAX;
    struct otai_text t;

    if (!query)
        return;
    size_t len = (size_t)(query - a->cfg.report_url);
    memcpy(base, a->cfg.report_url, len);
    base[len] = '\0';
    otai_text_init(&t, file, OTA_URL_MAX);
    otai_text_add(&t, s->name);
    otai_text_add(&t, query);
    job->base = base;
    job->file = file;
}

bool otai_report_there(struct ota *a, ota_err err)
{
    if (err != OTA_RETRY_REFUSED || a->fetch.head.status != 412)
        return false;
    otai_fault_clear(&a->fault);
    return true;
}

ota_err otai_fleet_facts(const struct ota *a, ota_err err, char *out, size_t cap)
{
    struct otai_text t;
    size_t len = err == OTA_OK ? strlen(out) : 0;

    if (err != OTA_OK)
        return err;
    otai_text_init(&t, out + len, cap - len);
    otai_text_add(&t, ", boot=");
    otai_text_u64(&t, a->j.starts);
    return t.full ? OTA_REJECT_LIMIT : OTA_OK;
}

/* Each byte books its time; nothing is read before the time that was booked has passed. No credit is saved up: a burst after
 * a pause is what the limit is there to prevent. */
uint64_t otai_rate_pause_ms(struct ota *a)
{
    uint64_t now_us = otai_now_ms(a) * 1000u;

    return a->rate_free_us > now_us ? (a->rate_free_us - now_us + 999u) / 1000u : 0;
}

void otai_rate_spend(struct ota *a, size_t bytes)
{
    uint64_t now_us = otai_now_ms(a) * 1000u;

    if (a->cfg.limits.rate_bps == 0)
        return;
    if (a->rate_free_us < now_us)
        a->rate_free_us = now_us;
    a->rate_free_us += bytes * UINT64_C(1000000) / a->cfg.limits.rate_bps;
}
