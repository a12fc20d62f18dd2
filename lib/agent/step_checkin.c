/* SPDX-License-Identifier: Apache-2.0 */
/* START, IDLE, POLL, REFUSE, REPORT, FAULT: everything around an update. */
#include <string.h>

#include "agent.h"
#include OTAI_POLICY_HEADER
#include "checkin.h"
#include OTAI_FLEET_HEADER

/* How often a trial may be announced without ever being seen to start, before it counts as one that does not start. Each
 * time costs a power cut between the journal and the boot control: more than will ever come in a row, for a good image
 * must not be blamed for them. */
#define ARMS_MAX 16

/* What the boot control says of a trial beats the journal: one that the journal does not know of (the journal was lost)
 * is judged like any other, and one that the journal only announced was never tried, unless its starts are spent: power
 * failed between arming and noting it, and the image must not get its tries again. */
static void reconcile(struct ota *a)
{
    bool trial = a->view.trial || a->view.pending;

    if (trial && otai_rows[a->j.state].resume == OTA_ST_IDLE)
        a->j.state = OTA_ST_REBOOT;
    if (!trial && !a->view.spent && a->j.state == OTA_ST_ARM && a->j.arms < ARMS_MAX)
        a->j.state = OTA_ST_IDLE;
}

/* Boot loaders count the starts of a confirmed slot too, and power cuts can use them up: then the old slot runs again. Who runs
 * is found out anew and the deployment tried again; its bytes are still where they were. */
static void notice_fallback(struct ota *a)
{
    struct otai_journal *j = &a->j;

    for (size_t i = 0; i < a->cfg.component_count && j->outcome == OTA_OUTCOME_CONFIRMED; i++)
        if (j->progress[i].wanted && a->view.running[i] + j->progress[i].slot == 1) {
            j->installed[i].known = false;
            j->etag[0] = '\0';
        }
}

/* A report's number is never used twice, also when the journal that counted them is lost: the ring remembers the last. */
static ota_err recount_reports(struct ota *a)
{
    struct otai_arena rest;
    struct otai_sending *s = otai_region(a, sizeof *s, &rest);
    ota_err err = otai_ring_load(a->cfg.store, &s->ring, s->scratch, &a->fault);

    if (err == OTA_OK)
        a->j.report_last = s->ring.last_id;
    return err;
}

/* A journal of which no copy is valid is a fault worth telling, not a reason to stop: trust starts over from the factory
 * roots and the stored metadata. */
static ota_err read_journal(struct ota *a)
{
    ota_err err = otai_journal_load(a->cfg.store, &a->j, a->scratch, &a->fault);

    if (err == OTA_DEVICE_JOURNAL)
        otai_note(a, OTA_EV_FAULT, a->state, err);
    return err == OTA_SAME || err == OTA_DEVICE_JOURNAL ? recount_reports(a) : err;
}

/* START: the journal says where we were, the boot control says what runs. */
ota_err otai_step_start(struct ota *a)
{
    a->restart_asked = false;
    a->dirty = false;
    ota_err err = read_journal(a);
    if (err == OTA_OK)
        err = otai_look(a);
    if (err == OTA_OK)
        err = otai_hb_start(a);
    if (err != OTA_OK)
        return err;
    a->j.starts++;
    otai_note(a, OTA_EV_START, a->j.generation, a->j.starts);
    reconcile(a);
    notice_fallback(a);
    a->floor_ms = otai_now_ms(a);
    a->due_ms = otai_first_due_ms(a, a->floor_ms);
    a->cycle = OTA_AGAIN; /* no check-in has ended yet: the first one is due */
    return OTA_DONE;
}

/* Wait until the time has come or somebody asked, which is good for one try. */
static ota_err await(struct ota *a)
{
    uint64_t now = otai_now_ms(a);

    if (!a->asked && now < a->due_ms)
        return otai_again_in(a, a->due_ms - now);
    a->asked = false;
    return OTA_DONE;
}

/* IDLE: nothing but the clock. */
ota_err otai_step_idle(struct ota *a)
{
    ota_err err = otai_policy_idle(a, await(a));

    if (err != OTA_DONE)
        return err;
    if (!otai_net_ready(a)) {
        a->due_ms = otai_now_ms(a) + 1000u;
        return otai_again_in(a, 1000);
    }
    a->cycle = OTA_SAME;
    otai_fault_clear(&a->fault);
    return OTA_DONE;
}

/* No time before this one is believed: what the configuration says; what signed metadata said, and the monotonic clock
 * counted since. The clocks of signer and device may differ a little. */
static int64_t time_floor(const struct ota *a)
{
    int64_t passed = a->j.time_floor_s + (int64_t)((otai_now_ms(a) - a->floor_ms) / 1000u) - OTAI_CLOCK_SLACK_S;

    return passed > a->cfg.times.utc_floor_s ? passed : a->cfg.times.utc_floor_s;
}

static bool clock_known(const struct ota *a, int64_t *now_s)
{
    return a->cfg.clock->ops->utc_s(a->cfg.clock, now_s) == OTA_OK && *now_s >= time_floor(a);
}

ota_err otai_believed_time(struct ota *a, int64_t *now_s)
{
    return clock_known(a, now_s) ? OTA_OK : otai_fail(a, OTA_RETRY_CLOCK, "clock.utc_s");
}

void otai_time_passed(struct ota *a, int64_t utc_s)
{
    if (utc_s <= a->j.time_floor_s)
        return;
    a->j.time_floor_s = utc_s;
    a->floor_ms = otai_now_ms(a);
    a->dirty = true;
}

/* May one conditional request stand for the whole check-in? */
static bool may_ask_briefly(const struct ota *a, int64_t now_s)
{
    const struct otai_journal *j = &a->j;

    return j->etag[0] && !otai_unfinished(a) && now_s < j->fresh_until_s && now_s >= j->full_utc_s &&
           now_s - j->full_utc_s < (int64_t)a->cfg.times.full_s;
}

static ota_err tell_facts(struct ota *a, char *out, size_t cap)
{
    const struct otai_facts facts = {
        .product = a->cfg.product, .group = a->cfg.group, .version = a->j.installed[0].version, .seq = a->j.seq_floor,
        .state = (uint8_t)a->state, .slot = a->view.running[0], .outcome = (enum ota_outcome)a->j.outcome,
        .cause = a->j.cause.err,
    };

    return otai_fleet_facts(a, otai_checkin_facts(&facts, out, cap), out, cap);
}

static ota_err begin_poll(struct ota *a)
{
    struct otai_arena rest;
    char *extra = otai_region(a, 512, &rest);

    const struct otai_fetch_job job = { .base = a->cfg.repos[0].metadata_url, .file = "timestamp.json",
        .max = a->cfg.limits.tuf.timestamp_max, .if_none_match = a->j.etag, .extra = a->cfg.tell_facts && tell_facts(a, extra, 512) == OTA_OK ? extra : NULL };
    return otai_get(a, &job, "check-in");
}

/* POLL: ask whether anything changed. Skipped where an unchanged timestamp would not settle the matter. */
ota_err otai_step_poll(struct ota *a)
{
    uint8_t chunk[64];
    size_t got = 0;
    int64_t now_s;

    if (otai_hb_on(a))
        return otai_hb_poll(a);
    if (!a->busy) {
        ota_err err = otai_believed_time(a, &now_s);

        if (err != OTA_OK)
            return err;
        return may_ask_briefly(a, now_s) ? begin_poll(a) : OTA_DONE;
    }
    ota_err err = otai_fetch_poll(&a->fetch, chunk, sizeof chunk, &got);
    if (err == OTA_OK)
        return OTA_AGAIN;
    if (err == OTA_AGAIN)
        return otai_wait_net(a);
    a->retry_after_s = a->fetch.retry_after_s;
    if (ota_err_class(err) == OTA_CLASS_REJECT)
        return OTA_DONE; /* a body that is too long is TUF's to judge */
    if (ota_err_class(err) != OTA_CLASS_OUTCOME)
        return otai_fetch_failed(a, err, "check-in");
    otai_checkin_offer(err, &a->fetch.head, a->j.etag, &a->offer);
    otai_note(a, a->offer.changed ? OTA_EV_POLL_CHANGED : OTA_EV_POLL_UNCHANGED, 0, 0);
    return a->offer.changed ? OTA_DONE : OTA_SAME;
}

/* The same thing went wrong again: once acknowledged, it is not told anew. One that waits still is counted up. */
static bool told_already(const struct ota *a)
{
    const struct ota_fault *last = &a->j.cause;

    return last->err == a->fault.err && last->state == a->fault.state && last->component == a->fault.component &&
           strcmp(last->where, a->fault.where) == 0;
}

/* REFUSE: the cause is kept, bytes that turned out bad are forgotten, and the next check-in looks again. */
ota_err otai_step_refuse(struct ota *a)
{
    struct otai_journal *j = &a->j;

    if (a->fault.component < a->cfg.component_count &&
        (a->fault.state == OTA_ST_DOWNLOAD || a->fault.state == OTA_ST_SEAL)) {
        struct otai_progress *p = &j->progress[a->fault.component];

        p->out_off = p->src_off = 0;
        p->etag[0] = '\0';
    }
    if (a->reports_kept || !told_already(a) || otai_hb_open(a))
        j->report_id = ++j->report_last;
    j->outcome = OTA_OUTCOME_REFUSED;
    j->cause = a->fault;
    j->etag[0] = '\0';
    a->dirty = true;
    otai_event(a, OTA_EV_REFUSED, (int64_t)j->seq, a->fault.err);
    return OTA_DONE;
}

/* FAULT: wait, then look at everything afresh. */
ota_err otai_step_fault(struct ota *a)
{
    return await(a);
}

/* Judged before any deployment was known? Then the report must not name the one that came before. */
static bool before_release(const struct ota *a)
{
    return a->j.outcome == OTA_OUTCOME_REFUSED && (a->j.cause.state == OTA_ST_POLL || a->j.cause.state == OTA_ST_TRUST);
}

static void describe(struct ota *a, struct ota_report *r)
{
    const struct otai_journal *j = &a->j;

    memset(r, 0, sizeof *r);
    r->id = j->report_id;
    r->outcome = (enum ota_outcome)j->outcome;
    r->cause = j->cause;
    r->count = 1;
    if (!clock_known(a, &r->utc_s))
        r->utc_s = 0;
    (void)otai_copy(r->running, sizeof r->running, otai_running(a, 0));
    otai_report_more(a, r);
    if (before_release(a))
        return;
    r->seq = j->seq;
    r->fetched = j->fetched;
    otai_digest_copy(r->deployment, j->deployment);
    for (size_t i = 0; i < a->cfg.component_count; i++) {
        const struct otai_progress *p = &j->progress[i];

        if (!p->wanted)
            continue;
        (void)otai_copy(r->version, sizeof r->version, p->version);
        (void)otai_copy(r->running, sizeof r->running, otai_running(a, i));
        r->codec = p->codec;
        r->why = p->why;
        otai_report_image(r, i, p->sha256);
        break;
    }
}

/* The outcome that the journal holds becomes a report of the ring, once per id. */
static ota_err collect(struct ota *a, struct otai_sending *s)
{
    ota_err err = otai_ring_load(a->cfg.store, &s->ring, s->scratch, &a->fault);

    if (err != OTA_OK || a->j.report_id == 0 || a->j.report_id <= s->ring.last_id)
        return err;
    struct ota_report r;
    describe(a, &r);
    otai_ring_add(&s->ring, &r);
    return otai_ring_save(a->cfg.store, &s->ring, s->scratch, &a->fault);
}

static ota_err begin_report(struct ota *a, struct otai_sending *s)
{
    const struct ota_report *r = &s->ring.report[0];
    const struct otai_report_texts texts = { a->cfg.device_id, a->cfg.product, a->cfg.group,
        ota_codec_name(r->why ? (enum ota_codec)r->codec : OTA_CODEC_COUNT), ota_why_name((enum ota_why)r->why),
        otai_report_component(a, r) };
    ota_err err = otai_report_body(r, &texts, s->body);

    if (err == OTA_OK)
        err = otai_policy_report(a, r, s->body);
    if (err == OTA_OK)
        err = otai_report_name(r, a->cfg.device_id, s->name);
    if (err != OTA_OK)
        return otai_fail(a, err, "report");
    struct otai_fetch_job job = { .method = OTA_NET_PUT, .base = a->cfg.report_url, .file = s->name,
        .max = 65536, .body = s->body, .body_len = strlen(s->body) };
    otai_report_query(a, s, &job);
    s->open = true;
    return otai_get(a, &job, "report_url");
}

static ota_err acknowledged(struct ota *a, struct otai_sending *s)
{
    uint32_t id = s->ring.report[0].id;

    s->open = false;
    otai_ring_ack(&s->ring, id);
    ota_err err = otai_ring_save(a->cfg.store, &s->ring, s->scratch, &a->fault);
    if (err != OTA_OK)
        return err;
    a->reports_kept = s->ring.count;
    otai_note(a, OTA_EV_REPORT_SENT, id, 0);
    return OTA_AGAIN;
}

/* REPORT: add what the journal holds, then deliver the oldest first. Kept reports wait for the next check-in. */
ota_err otai_step_report(struct ota *a)
{
    struct otai_arena rest;
    uint8_t chunk[64];
    size_t got = 0;

    if (otai_hb_telling(a))
        return otai_hb_tell(a);
    if (!a->busy) {
        a->m.sending = otai_region(a, sizeof *a->m.sending, &rest);
        ota_err err = otai_hb_collect(a);

        if (err == OTA_OK)
            err = collect(a, a->m.sending);
        if (err == OTA_OK)
            err = otai_collect_crashes(a, a->m.sending);
        if (err != OTA_OK)
            return err;
    }
    struct otai_sending *s = a->m.sending;
    a->reports_kept = s->ring.count;
    if (!s->open)
        return s->ring.count && a->cfg.report_url ? begin_report(a, s) : otai_hb_tell(a);
    ota_err err = otai_receive(a, chunk, sizeof chunk, &got, "report");
    if (err == OTA_DONE || otai_report_there(a, err))
        return acknowledged(a, s);
    if (err == OTA_AGAIN)
        return OTA_AGAIN;
    otai_note(a, OTA_EV_REPORT_KEPT, s->ring.report[0].id, err);
    return err;
}
