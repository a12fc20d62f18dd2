/* SPDX-License-Identifier: Apache-2.0 */
/* The step loop and the public calls. */
#include <string.h>

#include "agent.h"
#include OTAI_FLEET_HEADER
#include OTAI_POLICY_HEADER

#include OTAI_RELATIONS_HEADER

uint64_t otai_now_ms(const struct ota *a)
{
    return a->cfg.clock->ops->monotonic_ms(a->cfg.clock);
}

void otai_event(struct ota *a, enum ota_event ev, int64_t x, int64_t y)
{
    struct ota_log *log = a->cfg.log;

    if (log)
        log->ops->event(log, ev, x, y, ev == OTA_EV_FAULT ? &a->fault : NULL);
}

void otai_note(struct ota *a, enum ota_event ev, uint32_t x, uint32_t y)
{
    otai_event(a, ev, x, y);
}

void otai_fault_clear(struct ota_fault *f)
{
    memset(f, 0, sizeof *f);
    f->component = OTA_COMPONENT_NONE;
}

/* Complete a->fault, whose place is known: when, and what it was about. */
static ota_err failed(struct ota *a, ota_err err)
{
    a->fault.err = err;
    a->fault.state = (uint8_t)a->state;
    if (a->state == OTA_ST_DOWNLOAD || a->state == OTA_ST_SEAL)
        a->fault.component = a->plan.component;
    return err;
}

ota_err otai_fail_port(struct ota *a, ota_err err, const char *where, int32_t port_code)
{
    return failed(a, ota_fault_set(&a->fault, err, where, port_code));
}

ota_err otai_fail(struct ota *a, ota_err err, const char *where)
{
    return otai_fail_port(a, err, where, 0);
}

ota_err otai_look(struct ota *a)
{
    return otai_boot_view(a->cfg.boot, a->cfg.component_count, &a->view, &a->fault);
}

/* "what: where": what was being done, and the place that the stage named. */
ota_err otai_fail_in(struct ota *a, ota_err err, const char *what, const struct ota_fault *why)
{
    char place[OTA_PATH_MAX + OTA_FAULT_WHERE_MAX];
    struct otai_text t;

    otai_text_init(&t, place, sizeof place);
    otai_text_add(&t, what);
    otai_text_add(&t, ": ");
    otai_text_add(&t, why->where);
    return otai_fail_port(a, err, place, why->port_code);
}

ota_err otai_fetch_failed(struct ota *a, ota_err err, const char *where)
{
    a->retry_after_s = a->fetch.retry_after_s;
    return otai_fail_in(a, err, where, &a->fetch.fault);
}

ota_err otai_get(struct ota *a, const struct otai_fetch_job *job, const char *where)
{
    ota_err err = otai_fetch_begin(&a->fetch, job);

    return err == OTA_OK ? OTA_AGAIN : otai_fetch_failed(a, err, where);
}

ota_err otai_receive(struct ota *a, void *buf, size_t cap, size_t *got, const char *where)
{
    uint64_t pause_ms = otai_rate_pause_ms(a);

    if (pause_ms) {
        *got = 0;
        return otai_again_in(a, pause_ms);
    }
    ota_err err = otai_fetch_poll(&a->fetch, buf, cap, got);
    otai_rate_spend(a, *got);
    if (err == OTA_AGAIN)
        return otai_wait_net(a);
    return ota_err_class(err) == OTA_CLASS_OUTCOME ? err : otai_fetch_failed(a, err, where);
}

ota_err otai_again_in(struct ota *a, uint64_t ms)
{
    a->wait.ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
    return OTA_AGAIN;
}

ota_err otai_wait_net(struct ota *a)
{
    a->wait.wait_for_net = true;
    return otai_again_in(a, 1000);
}

/* An update was begun and has not ended: a check-in must look at it again whatever the server's validator says. */
bool otai_unfinished(const struct ota *a)
{
    if (a->j.outcome == OTA_OUTCOME_REFUSED)
        return true;
    if (a->j.outcome != OTA_OUTCOME_NONE)
        return false;
    for (size_t i = 0; i < a->cfg.component_count; i++)
        if (a->j.progress[i].wanted)
            return true;
    return false;
}

const struct ota_release_image *otai_image_of(const struct ota *a, size_t component)
{
    for (size_t k = 0; k < a->release.count; k++)
        if (a->release.image[k].component == component)
            return &a->release.image[k];
    return NULL;
}

bool otai_net_ready(const struct ota *a)
{
    struct ota_net *net = a->cfg.net;

    return !net->ops->ready || net->ops->ready(net) == OTA_OK;
}

void otai_digest_copy(uint8_t to[OTA_SHA256_LEN], const uint8_t from[OTA_SHA256_LEN])
{
    memcpy(to, from, OTA_SHA256_LEN);
}

void otai_installed_set(struct otai_installed *now, const uint8_t sha256[OTA_SHA256_LEN], const char *version)
{
    now->known = true;
    otai_digest_copy(now->sha256, sha256);
    (void)otai_copy(now->version, sizeof now->version, version);
}

const char *otai_running(const struct ota *a, size_t component)
{
    const struct otai_installed *now = &a->j.installed[component];

    if (otai_is_absent(a, component))
        return NULL;
    return now->known ? now->version : a->cfg.components[component].factory_version;
}

void otai_deployment_confirmed(struct ota *a)
{
    struct otai_journal *j = &a->j;

    otai_digest_copy(j->confirmed, j->deployment);
    if (j->seq > j->seq_floor)
        j->seq_floor = j->seq;
    j->outcome = OTA_OUTCOME_CONFIRMED;
    otai_fault_clear(&j->cause);
}

ota_err otai_save(struct ota *a)
{
    a->j.state = (uint8_t)a->state;
    ota_err err = otai_journal_save(a->cfg.store, &a->j, a->scratch, &a->fault);
    if (err == OTA_OK)
        a->dirty = false;
    return err;
}

void *otai_region(struct ota *a, size_t len, struct otai_arena *rest)
{
    otai_arena_init(rest, a->region, a->region_len);
    a->busy = true;
    return memset(otai_arena_take(rest, len), 0, len);
}

size_t otai_power_of_two_below(size_t n)
{
    size_t p = 1;

    while (p <= n / 2u)
        p *= 2u;
    return p;
}

/* Whatever the state left open: the exchange, a hash, TUF's own. */
void otai_release_region(struct ota *a)
{
    otai_fetch_end(&a->fetch);
    if (!a->busy)
        return;
    if (a->state == OTA_ST_SEAL) {
        otai_seal_end(a->m.seal);
        otai_package_end(a);
    }
    if (a->state == OTA_ST_DOWNLOAD)
        otai_seal_end(&a->m.download->base);
    if (a->state == OTA_ST_TRUST) {
        otai_seal_end(&a->m.trust->seal);
        if (a->m.trust->tuf)
            ota_tuf_abandon(a->m.trust->tuf);
    }
    a->busy = false;
}

/* Change the state: journal first, and stay where we are when that fails. */
ota_err otai_enter(struct ota *a, uint8_t next)
{
    enum ota_state from = a->state;

    otai_release_region(a);
    a->state = (enum ota_state)next;
    if (otai_rows[next].journal || a->dirty) {
        ota_err err = otai_save(a);

        if (err != OTA_OK) {
            a->state = from;
            return err;
        }
    }
    if (next == OTA_ST_IDLE && a->cycle != OTA_AGAIN)
        otai_schedule(a, a->cycle);
    otai_note(a, OTA_EV_STATE, from, next);
    return OTA_OK;
}

/* Which edge a result takes. OTA_ST_COUNT: none, stay. */
static uint8_t edge(const struct otai_row *row, ota_err err)
{
    switch (ota_err_class(err)) {
    case OTA_CLASS_OUTCOME:
        return err == OTA_DONE ? row->done : err == OTA_SAME ? row->same : OTA_ST_COUNT;
    case OTA_CLASS_RETRY:
        return row->retry;
    case OTA_CLASS_REJECT:
        return row->reject;
    default:
        return row->device;
    }
}

/* The journal could not be written, or a step met what its row does not provide for: the device is at fault. */
static void fall(struct ota *a)
{
    otai_note(a, OTA_EV_STATE, a->state, OTA_ST_FAULT);
    otai_release_region(a);
    a->dirty = false;
    a->state = OTA_ST_FAULT;
    otai_schedule(a, a->fault.err);
}

/* A report that cannot be delivered yet does not undo a confirmed update: the first failure counts, and only if nothing was done. */
static void tell(struct ota *a, ota_err err)
{
    (void)failed(a, err);
    if (ota_err_class(a->cycle) == OTA_CLASS_OUTCOME && a->cycle != OTA_DONE)
        a->cycle = err;
    otai_note(a, OTA_EV_FAULT, a->state, err);
}

static void follow(struct ota *a, ota_err err)
{
    const struct otai_row *row = &otai_rows[a->state];
    bool outcome = ota_err_class(err) == OTA_CLASS_OUTCOME;

    if (!outcome)
        tell(a, err);
    uint8_t next = edge(row, err);
    if (next == OTAI_ST_RESUME)
        next = otai_rows[a->j.state].resume;
    if (outcome && next >= OTA_ST_COUNT)
        return;
    if (next >= OTA_ST_FAULT) {
        fall(a);
        return;
    }
    err = otai_enter(a, next);
    if (err == OTA_OK)
        return;
    tell(a, err);
    fall(a);
}

/* ota_cancel(): leave what is under way as if the network had gone; trials are not touched. */
static bool cancelled(struct ota *a)
{
    if (!a->cancel)
        return false;
    a->cancel = false;
    return otai_rows[a->state].retry != OTA_ST_COUNT;
}

/* Leave the step as if the network had gone? Why: the caller asked, or hawkBit is to be asked whether the action still stands. */
static const char *interrupted(struct ota *a)
{
    return cancelled(a) ? "ota_cancel" : otai_hb_interrupts(a) ? "hawkbit: ask whether it still stands" : NULL;
}

ota_err ota_step(struct ota *a, struct ota_wait *wait)
{
    if (!a || !wait)
        return OTA_USAGE_ARGUMENT;
    a->wait = (struct ota_wait){ 0 };
    const char *why = interrupted(a);
    ota_err err = why ? otai_fail(a, OTA_RETRY_CANCELLED, why) : otai_rows[a->state].step(a);
    follow(a, err);
    *wait = a->wait;
    return err == OTA_REBOOT ? OTA_REBOOT : OTA_OK;
}

static void nap(struct ota *a, const struct ota_wait *wait)
{
    if (wait->ms == 0)
        return;
    if (wait->wait_for_net)
        a->cfg.net->ops->wait(a->cfg.net, wait->ms);
    else
        a->cfg.clock->ops->sleep_ms(a->cfg.clock, wait->ms);
}

/* Only somebody else can move it on: the application's word, or the end of a deferral. */
static bool held(const struct ota *a)
{
    if (a->state == OTA_ST_READY || otai_policy_waits(a))
        return true;
    return a->state == OTA_ST_TRIAL && !a->cfg.health;
}

/* Nothing to do before the next check-in. */
static bool rests(const struct ota *a)
{
    return a->state == OTA_ST_IDLE && !a->asked && a->due_ms > otai_now_ms(a);
}

ota_err ota_run(struct ota *a)
{
    struct ota_wait wait;

    if (!a)
        return OTA_USAGE_ARGUMENT;
    ota_check_now(a);
    for (;;) {
        ota_err err = ota_step(a, &wait);

        if (err != OTA_OK)
            return err;
        if (a->state == OTA_ST_FAULT)
            return a->fault.err;
        if (rests(a))
            return a->result;
        if (wait.ms && held(a))
            return OTA_SAME;
        nap(a, &wait);
    }
}

void ota_check_now(struct ota *a)
{
    a->asked = true;
}

void ota_cancel(struct ota *a)
{
    a->cancel = true;
}

ota_err ota_defer(struct ota *a, uint32_t seconds, uint32_t *granted_s)
{
    uint32_t left = otai_policy_defer_left(a);

    if (a->state >= OTA_ST_ARM && a->state <= OTA_ST_REVERT)
        return OTA_USAGE_STATE;
    if (otai_hb_forces(a))
        left = 0;
    if (seconds > left)
        seconds = left;
    a->defer_until_ms = otai_now_ms(a) + (uint64_t)seconds * 1000u;
    if (granted_s)
        *granted_s = seconds;
    if (seconds == 0)
        return OTA_OK;
    otai_note(a, OTA_EV_DEFERRED, seconds, 0);
    a->j.deferred_s += seconds;
    a->dirty = true; /* written with the next state change: at the latest before the trial is armed */
    return otai_policy_deferred(a, seconds);
}

static ota_err app_says(struct ota *a, enum otai_app_word word, int32_t reason)
{
    if (a->state != OTA_ST_TRIAL)
        return OTA_USAGE_STATE;
    a->app_word = word;
    a->app_reason = reason;
    return OTA_OK;
}

ota_err ota_confirm(struct ota *a)
{
    return app_says(a, OTAI_APP_CONFIRMS, 0);
}

ota_err ota_reject(struct ota *a, int32_t reason)
{
    return app_says(a, OTAI_APP_REJECTS, reason);
}

void ota_close(struct ota *a)
{
    if (a)
        otai_release_region(a);
}

ota_err ota_init(struct ota **out, const struct ota_config *cfg, void *workspace, size_t len, struct ota_fault *fault)
{
    struct ota_config full;
    struct otai_arena arena;

    if (!out || !cfg || !workspace)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "ota_init", 0);
    *out = NULL;
    ota_err err = otai_config_check(cfg, &full, fault);
    if (err != OTA_OK)
        return err;
    otai_arena_init(&arena, workspace, len);
    struct ota *a = otai_arena_take(&arena, sizeof *a);
    uint8_t *scratch = a ? otai_arena_take(&arena, OTAI_JOURNAL_MAX) : NULL;
    uint8_t *region = scratch ? otai_arena_take(&arena, otai_region_len(&full)) : NULL;
    if (!region)
        return ota_fault_set(fault, OTA_USAGE_MEMORY, "workspace", 0);
    memset(a, 0, sizeof *a);
    a->cfg = full;
    a->scratch = scratch;
    a->region = region;
    a->region_len = otai_region_len(&full);
    a->retry_after_s = -1;
    a->cycle = OTA_SAME;
    a->result = OTA_SAME;
    otai_fault_clear(&a->fault);
    const struct ota_limits *l = &a->cfg.limits;
    const struct otai_fetch_limits net_limits = { .connect_ms = l->connect_ms, .head_ms = l->head_ms,
        .low_speed_bps = l->low_speed_bps, .low_speed_s = l->low_speed_s, .redirects = l->redirects,
        .plain_http = a->cfg.plain_http };
    otai_fetch_init(&a->fetch, a->cfg.net, a->cfg.clock, &net_limits);
    *out = a;
    return OTA_OK;
}
