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
