/* SPDX-License-Identifier: Apache-2.0 */
/* OTA_FLEET=OFF: nothing of it costs a byte. */
#ifndef OTAI_FLEET_OFF_H
#define OTAI_FLEET_OFF_H

#include "agent.h"

static inline void otai_fleet_fill(const struct ota_config *c)
{
    (void)c;
}

static inline const char *otai_fleet_bad(const struct ota_config *c)
{
    (void)c;
    return NULL;
}

static inline bool otai_report_url_ok(const struct ota_config *c)
{
    (void)c;
    return false;
}

static inline void otai_report_query(const struct ota *a, const struct otai_sending *s, const struct otai_fetch_job *job)
{
    (void)a;
    (void)s;
    (void)job;
}

static inline bool otai_report_there(const struct ota *a, ota_err err)
{
    (void)a;
    (void)err;
    return false;
}

static inline ota_err otai_fleet_facts(const struct ota *a, ota_err err, const char *out, size_t cap)
{
    (void)a;
    (void)out;
    (void)cap;
    return err;
}

static inline uint64_t otai_first_due_ms(const struct ota *a, uint64_t now_ms)
{
    (void)a;
    return now_ms;
}

static inline uint64_t otai_rate_pause_ms(const struct ota *a)
{
    (void)a;
    return 0;
}

static inline void otai_rate_spend(const struct ota *a, size_t bytes)
{
    (void)a;
    (void)bytes;
}

static inline ota_err otai_collect_crashes(const struct ota *a, const struct otai_sending *s)
{
    (void)a;
    (void)s;
    return OTA_OK;
}

static inline void otai_report_more(const struct ota *a, const struct ota_report *r)
{
    (void)a;
    (void)r;
}

static inline void otai_report_image(const struct ota_report *r, size_t component, const uint8_t *sha256)
{
    (void)r;
    (void)component;
    (void)sha256;
}

static inline const char *otai_report_component(const struct ota *a, const struct ota_report *r)
{
    (void)a;
    (void)r;
    return NULL;
}

#endif
