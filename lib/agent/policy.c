/* SPDX-License-Identifier: Apache-2.0 */
/* The rules by which an update waits. Pure. */
#include "policy.h"

#include <string.h>

#define DAY_MIN 1440u
#define WEEK_MIN (7u * DAY_MIN)
#define WEEK_S ((int64_t)WEEK_MIN * 60)
#define THURSDAY_S (4 * 86400)   /* 1970 began on one; weeks are counted from Sunday */

static uint32_t window_len_min(const struct ota_window *w)
{
    return w->to_min > w->from_min ? (uint32_t)w->to_min - w->from_min : DAY_MIN - w->from_min + w->to_min;
}

/* Seconds from this second of the week until the window that begins on this day is open. */
static uint32_t until_s(const struct ota_window *w, uint32_t day, uint32_t week_s)
{
    uint32_t begins_s = (day * DAY_MIN + w->from_min) * 60u;
    uint32_t since_s = (week_s + WEEK_MIN * 60u - begins_s) % (WEEK_MIN * 60u);

    return since_s < window_len_min(w) * 60u ? 0 : WEEK_MIN * 60u - since_s;
}

uint32_t otai_policy_opens_in_s(const struct ota_policy *settings, int64_t local_s)
{
    int64_t in_week = (local_s + THURSDAY_S) % WEEK_S;
    uint32_t week_s = (uint32_t)(in_week < 0 ? in_week + WEEK_S : in_week);
    uint32_t best = settings->window_count ? UINT32_MAX : 0;

    for (size_t i = 0; i < settings->window_count; i++)
        for (uint32_t day = 0; day < 7; day++) {
            uint32_t s = settings->windows[i].days >> day & 1u ? until_s(&settings->windows[i], day, week_s) : UINT32_MAX;

            if (s < best)
                best = s;
        }
    return best;
}

static void hold(struct otai_policy_word *w, enum otai_policy_step step, uint32_t why)
{
    w->against[step] |= why;
}

static void look_in(struct otai_policy_word *w, uint32_t s)
{
    if (s < w->look_s)
        w->look_s = s;
}

static void judge_window(const struct ota_policy *p, const struct otai_policy_facts *f, struct otai_policy_word *w)
{
    int32_t offset_s = f->device.offset_known ? f->device.utc_offset_s : (int32_t)p->utc_offset_min * 60;
    uint32_t why = f->clock_known ? OTA_HOLD_WINDOW : OTA_HOLD_CLOCK;
    uint32_t s = f->clock_known ? otai_policy_opens_in_s(p, f->now_s + offset_s) : OTAI_POLICY_LOOK_S;

    if (p->window_count == 0 || s == 0)
        return;
    hold(w, OTAI_INSTALL, why);
    hold(w, OTAI_RESTART, why);
    if (p->fetch_in_window)
        hold(w, OTAI_FETCH, why);
    look_in(w, s < OTAI_POLICY_DOZE_S ? s : OTAI_POLICY_DOZE_S);
}

static void judge_deferral(const struct otai_policy_facts *f, struct otai_policy_word *w)
{
    if (f->deferred_s == 0)
        return;
    hold(w, OTAI_INSTALL, OTA_HOLD_DEFERRED);
    hold(w, OTAI_RESTART, OTA_HOLD_DEFERRED);
    look_in(w, f->deferred_s);
}

/* Whoever agreed to the installation agreed to its restart. */
static void judge_consent(const struct ota_policy *p, const struct otai_policy_facts *f, struct otai_policy_word *w)
{
    if (p->consent == OTA_CONSENT_NONE || f->consent)
        return;
    hold(w, OTAI_INSTALL, OTA_HOLD_CONSENT);
    if (p->consent == OTA_CONSENT_FETCH)
        hold(w, OTAI_FETCH, OTA_HOLD_CONSENT);
    look_in(w, OTAI_POLICY_LOOK_S);
}

/* A battery that nobody can read holds nothing back: a broken gauge must not keep a device without updates for ever, and a
 * power cut does an update no harm. */
static void judge_battery(const struct ota_policy *p, const struct otai_policy_facts *f, struct otai_policy_word *w)
{
    if (f->device.battery_percent < 0 || f->device.battery_percent >= p->battery_min || f->device.on_mains > 0)
        return;
    for (unsigned step = 0; step < OTAI_POLICY_STEPS; step++)
        hold(w, (enum otai_policy_step)step, OTA_HOLD_BATTERY);
    look_in(w, OTAI_POLICY_LOOK_S);
}

static void judge_link(const struct ota_policy *p, const struct otai_policy_facts *f, struct otai_policy_word *w)
{
    bool too_much = p->metered_bytes_max && f->bytes > p->metered_bytes_max;
    bool barred = p->metered == OTA_METERED_NOTHING || (p->metered == OTA_METERED_DIFFERENCES && f->whole);

    if (f->device.metered <= 0 || !(too_much || barred))
        return;
    hold(w, OTAI_FETCH, OTA_HOLD_METERED);
    look_in(w, OTAI_POLICY_LOOK_S);
}

void otai_policy_judge(const struct ota_policy *settings, const struct otai_policy_facts *facts, struct otai_policy_word *out)
{
    static const struct ota_policy none = { .windows = NULL };
    const struct ota_policy *p = settings ? settings : &none;

    *out = (struct otai_policy_word){ .look_s = UINT32_MAX };
    judge_deferral(facts, out);
    judge_window(p, facts, out);
    judge_consent(p, facts, out);
    judge_battery(p, facts, out);
    judge_link(p, facts, out);
}

bool otai_policy_in_rollout(const uint8_t digest[OTA_SHA256_LEN], uint16_t per_mille)
{
    uint64_t number = 0;

    for (size_t i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    return number % 1000u < per_mille;
}

uint32_t otai_policy_defer_cap_s(uint32_t system_min, uint32_t application_min, bool changes_os, uint32_t local_s)
{
    uint32_t cap_s = 60u * (changes_os ? system_min : application_min);

    return local_s && local_s < cap_s ? local_s : cap_s;
}

/* ---- settings ---- */

static bool windows_ok(const struct ota_policy *p)
{
    if (p->window_count > OTA_WINDOWS_MAX || (p->window_count && !p->windows))
        return false;
    for (size_t i = 0; i < p->window_count; i++) {
        const struct ota_window *w = &p->windows[i];

        if (w->days == 0 || w->days > OTA_EVERY_DAY || w->from_min >= DAY_MIN || w->to_min == 0 || w->to_min > DAY_MIN ||
            w->to_min == w->from_min)
            return false;
    }
    return true;
}

static bool pins_ok(const struct ota_policy *p, size_t components)
{
    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)
        if (p->pin[i] && (i >= components || !p->pin[i][0] || strlen(p->pin[i]) >= OTA_VERSION_MAX))
            return false;
    return true;
}

/* Settings that nobody could ever see met, or that nobody would heed. */
static const char *unheeded(const struct ota_policy *p, const struct ota_conditions *c)
{
    if (p->consent != OTA_CONSENT_NONE && (!c || !c->ops->consent))
        return "policy.consent";
    if (p->battery_min && !c)
        return "policy.battery_min";
    if (p->metered != OTA_METERED_ANY && !c)
        return "policy.metered";
    return p->metered_bytes_max && !c ? "policy.metered_bytes_max" : NULL;
}

const char *otai_policy_bad(const struct ota_config *cfg)
{
    const struct ota_policy *p = cfg->policy;

    if (cfg->conditions && (!cfg->conditions->ops || !cfg->conditions->ops->read))
        return "conditions";
    if (!p)
        return NULL;
    if (p->size != sizeof *p)
        return "policy.size";
    if (!windows_ok(p))
        return "policy.windows";
    if (p->utc_offset_min < -720 || p->utc_offset_min > 840)
        return "policy.utc_offset_min";
    if ((unsigned)p->consent > OTA_CONSENT_FETCH)
        return "policy.consent";
    if (p->battery_min > 100)
        return "policy.battery_min";
    if ((unsigned)p->metered > OTA_METERED_NOTHING)
        return "policy.metered";
    if (!pins_ok(p, cfg->component_count))
        return "policy.pin";
    return unheeded(p, cfg->conditions);
}
