/* SPDX-License-Identifier: Apache-2.0 */
/* hawkBit as the check-in: the exchanges of lib/checkin over the agent's network port, and where their outcome and the
 * agent's meet. */
#include <string.h>

#include "agent.h"

/* No fixed buffer holds an answer; this only bounds how long a server may keep a device reading. */
#define ANSWER_MAX (4u << 20)

static bool open_action(const struct ota *a)
{
    return a->cfg.hawkbit && a->hb.box.state == OTAI_HB_OPEN;
}

bool otai_hb_on(const struct ota *a)
{
    return a->cfg.hawkbit != NULL;
}

bool otai_hb_open(const struct ota *a)
{
    return open_action(a);
}

const char *otai_hb_bad(const struct ota_config *c)
{
    const char *bad = c->hawkbit ? otai_hb_config_bad(c->hawkbit, c->device_id) : NULL;

    if (!c->hawkbit || bad)
        return bad;
    return otai_url_allowed(c->hawkbit->url, c->plain_http) ? NULL : "hawkbit.url";
}

size_t otai_hb_len(const struct ota_config *c)
{
    return c->hawkbit ? OTAI_ALIGN_UP(sizeof(struct otai_hb)) : 0;
}

/* With a hawkBit the journal's validator is that of the newest poll after which there was nothing to do. What changed the box
 * may see more in the same answer. */
static ota_err save_box(struct ota *a)
{
    a->j.etag[0] = '\0';
    return otai_hb_box_save(a->cfg.store, &a->hb.box, &a->fault);
}

static const char *running(const struct ota *a)
{
    const char *version = otai_running(a, 0);

    return version ? version : "";
}

ota_err otai_hb_start(struct ota *a)
{
    struct ota_fault why = { .err = OTA_OK };

    if (!a->cfg.hawkbit)
        return OTA_OK;
    a->hb.telling = a->hb.exchange = false;
    a->j.etag[0] = '\0'; /* of another configuration, or of another check-in */
    ota_err err = otai_hb_box_load(a->cfg.store, &a->hb.box, &why);
    a->hb.taken_up = a->hb.box.state;
    if (why.err == OTA_OK)
        return OTA_OK;
    (void)otai_fail_port(a, why.err, why.where, why.port_code);
    if (err == OTA_OK)
        otai_note(a, OTA_EV_FAULT, a->state, why.err); /* worth telling: the server offers the action again */
    return err;
}

/* ---- exchanges ---- */

static void begin(struct ota *a, enum otai_hb_task task)
{
    struct otai_arena rest;
    struct otai_hb_facts facts = { .device_id = a->cfg.device_id,
                                   .product = a->cfg.product,
                                   .group = a->cfg.group,
                                   .version = running(a),
                                   .report_last = a->j.report_last,
                                   .taken_up = a->hb.taken_up };
    const struct ota_fault newest = a->fault;

    if (otai_believed_time(a, &facts.utc_s) != OTA_OK) {
        facts.utc_s = 0;
        a->fault = newest; /* to tell without the time is no failure */
    }
    a->hb.h = otai_region(a, sizeof *a->hb.h, &rest);
    a->hb.exchange = false;
    otai_hb_begin(a->hb.h, a->cfg.hawkbit, &a->hb.box, &facts, task);
}

/* The box is stored before the server hears of what it says. */
static ota_err keep_box(struct ota *a)
{
    if (!a->hb.h->save)
        return OTA_OK;
    a->hb.h->save = false;
    return save_box(a);
}

static ota_err request(struct ota *a)
{
    struct otai_hb *h = a->hb.h;
    struct otai_hb_request r = { .body = NULL };
    ota_err end = otai_hb_next(h, &r);
    ota_err err = keep_box(a);

    if (err != OTA_OK || end != OTA_AGAIN)
        return err != OTA_OK ? err : end;
    const struct otai_fetch_job job = { .method = r.method,
                                        .base = a->cfg.hawkbit->url,
                                        .file = r.file,
                                        .max = ANSWER_MAX,
                                        .if_none_match = r.conditional ? a->j.etag : NULL,
                                        .extra = r.head,
                                        .body = r.body,
                                        .body_len = r.body ? strlen(r.body) : 0 };
    a->hb.exchange = true;
    return otai_get(a, &job, "hawkbit");
}

/* What the server knows of the action: of interest beside what the device knows of it. */
static void note_history(struct ota *a)
{
    struct otai_hb_history *history = &a->hb.h->history;

    if (history->said)
        otai_note(a, OTA_EV_HISTORY, history->status, history->entries);
    history->said = false;
}

/* The answer is there, or will not come. */
static ota_err answered(struct ota *a, ota_err end)
{
    struct ota_fault why = { .err = OTA_OK };

    a->hb.exchange = false;
    a->retry_after_s = a->fetch.retry_after_s;
    ota_err err = otai_hb_answered(a->hb.h, end, a->fetch.head.status, &why);
    a->hb.taken_up = a->hb.h->facts.taken_up;
    note_history(a);
    if (err == OTA_OK)
        return OTA_AGAIN;
    ota_err kept = keep_box(a);
    if (kept != OTA_OK)
        return kept;
    return end == OTA_DONE ? otai_fail_port(a, err, why.where, why.port_code) : otai_fetch_failed(a, err, "hawkbit");
}

/* AGAIN, DONE, SAME, or the failure. */
static ota_err go_on(struct ota *a)
{
    uint8_t chunk[512];
    size_t got = 0;

    if (!a->hb.exchange)
        return request(a);
    ota_err err = otai_fetch_poll(&a->fetch, chunk, sizeof chunk, &got);
    if (err == OTA_AGAIN)
        return otai_wait_net(a);
    if (err != OTA_OK)
        return answered(a, err);
    otai_hb_body(a->hb.h, chunk, got);
    return OTA_AGAIN;
}

/* ---- POLL ---- */

/* The server does not want it any more: what lies in the spare slot stays there, and is of no account. */
static void drop_update(struct ota *a)
{
    if (!otai_unfinished(a))
        return;
    memset(a->j.progress, 0, sizeof a->j.progress);
    a->j.outcome = OTA_OUTCOME_NONE;
    otai_fault_clear(&a->j.cause);
    a->dirty = true;
}

static void remember_answer(struct ota *a)
{
    const struct otai_hb *h = a->hb.h;

    if (h->unchanged)
        return;
    a->hb.held = h->held;
    a->hb.held_before |= h->held;
    if (h->quiet)
        (void)otai_copy(a->j.etag, sizeof a->j.etag, a->fetch.head.etag);
}

ota_err otai_hb_poll(struct ota *a)
{
    int64_t now_s;

    if (!a->busy) {
        ota_err err = otai_believed_time(a, &now_s);

        if (err != OTA_OK)
            return err;
        begin(a, OTAI_HB_ALL);
    }
    ota_err err = go_on(a);
    if (err != OTA_DONE && err != OTA_SAME)
        return err;
    if (err == OTA_SAME && a->hb.h->abandon)
        drop_update(a);
    remember_answer(a);
    a->hb.looked_ms = otai_now_ms(a);
    otai_note(a, err == OTA_DONE ? OTA_EV_POLL_CHANGED : OTA_EV_POLL_UNCHANGED, 0, 0);
    return err;
}

/* ---- what TRUST and READY found ---- */

ota_err otai_hb_compare(struct ota *a)
{
    struct ota_fault why = { .err = OTA_OK };

    if (!a->cfg.hawkbit)
        return OTA_OK;
    ota_err err = otai_hb_agrees(&a->hb.box, a->release.seq, a->release.deployment, &why);
    return err == OTA_OK ? OTA_OK : otai_fail(a, err, why.where);
}

/* A deployment that failed here before fails again; why it did may be forgotten. */
static struct ota_fault blocked_cause(const struct ota *a)
{
    struct ota_fault cause = a->j.cause;

    if (cause.err == OTA_OK)
        (void)ota_fault_set(&cause, OTA_REJECT_TRIAL, "failed here before", 0);
    return cause;
}

ota_err otai_hb_settled(struct ota *a, enum ota_outcome outcome)
{
    struct ota_fault cause = blocked_cause(a);

    if (!open_action(a))
        return OTA_SAME;
    if (outcome == OTA_OUTCOME_NONE)
        return otai_fail(a, OTA_REJECT_TARGET, "hawkbit: nothing is deployed");
    bool ok = outcome == OTA_OUTCOME_CONFIRMED;
    (void)otai_hb_result(&a->hb.box, ok ? OTAI_HB_SUCCESS : OTAI_HB_FAILURE, ok ? NULL : &cause, running(a));
    ota_err err = save_box(a);
    return err == OTA_OK ? OTA_SAME : err;
}

static uint32_t bits(uint8_t held)
{
    return held * (uint32_t)OTA_HOLD_HAWKBIT_WINDOW;
}

static bool window_closed(const struct ota *a)
{
    const struct otai_hb_box *b = &a->hb.box;

    return open_action(a) && b->update == OTAI_HB_SKIP && b->window == OTAI_HB_WINDOW_CLOSED;
}

uint32_t otai_hb_holds(const struct ota *a)
{
    return bits(a->hb.held) | (window_closed(a) ? OTA_HOLD_HAWKBIT_WINDOW : 0);
}

bool otai_hb_forces(const struct ota *a)
{
    return open_action(a) && a->hb.box.update == OTAI_HB_FORCED;
}

/* For the report, as policy notes its own. */
static void note_held(struct ota *a, uint32_t why)
{
    if ((a->j.held_by | why) == a->j.held_by)
        return;
    a->j.held_by |= why;
    a->dirty = true;
    otai_note(a, OTA_EV_HELD, why, 0);
}

void otai_hb_begun(struct ota *a)
{
    note_held(a, bits(a->hb.held_before));
    a->hb.held_before = 0;
}

ota_err otai_hb_ready(struct ota *a)
{
    if (!a->cfg.hawkbit || otai_hb_may_install(&a->hb.box, running(a)))
        return OTA_OK;
    if (window_closed(a))
        note_held(a, OTA_HOLD_HAWKBIT_WINDOW);
    ota_err err = save_box(a);
    if (err != OTA_OK)
        return err;
    a->asked = true; /* tell the server at once, then wait for its leave */
    return otai_fail(a, OTA_RETRY_CANCELLED, "hawkbit: not yet to be installed");
}

/* ---- REPORT ---- */

/* Is the newest outcome one of the open action? */
static bool is_about_action(const struct ota *a)
{
    const struct otai_journal *j = &a->j;

    return open_action(a) && j->report_id > a->hb.box.report_base &&
           (j->outcome == OTA_OUTCOME_REFUSED || j->seq == a->hb.box.seq);
}

ota_err otai_hb_collect(struct ota *a)
{
    bool ok = a->j.outcome == OTA_OUTCOME_CONFIRMED;

    if (!is_about_action(a))
        return OTA_OK;
    (void)otai_hb_result(&a->hb.box, ok ? OTAI_HB_SUCCESS : OTAI_HB_FAILURE, ok ? NULL : &a->j.cause, running(a));
    return save_box(a);
}

bool otai_hb_owes(const struct ota *a)
{
    return a->cfg.hawkbit && a->hb.box.state == OTAI_HB_OWED;
}

bool otai_hb_telling(const struct ota *a)
{
    return a->busy && a->hb.telling;
}

/* Takes over the region of the reports, which are done with. */
ota_err otai_hb_tell(struct ota *a)
{
    if (!otai_hb_telling(a)) {
        if (!otai_hb_owes(a))
            return OTA_DONE;
        begin(a, OTAI_HB_TELL_RESULT);
        a->hb.telling = true;
    }
    ota_err err = go_on(a);
    if (err == OTA_AGAIN)
        return OTA_AGAIN;
    a->hb.telling = false;
    return ota_err_class(err) == OTA_CLASS_OUTCOME ? OTA_DONE : err;
}

/* ---- between the steps ---- */

bool otai_hb_interrupts(struct ota *a)
{
    uint64_t off = a->j.progress[a->plan.component].out_off, now = otai_now_ms(a);
    bool moved = off != a->hb.seen_off;

    if (!open_action(a))
        return false;
    uint32_t look_s = a->cfg.hawkbit->look_s ? a->cfg.hawkbit->look_s : 60;
    a->hb.seen_off = off;
    if (!moved || a->state != OTA_ST_DOWNLOAD || now - a->hb.looked_ms < (uint64_t)look_s * 1000u)
        return false;
    a->asked = true;
    return true;
}

uint32_t otai_hb_poll_every(const struct ota *a, uint32_t otherwise)
{
    return a->cfg.hawkbit ? otai_hb_sleep(a->cfg.hawkbit, &a->hb.box, otherwise) : otherwise;
}
