/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a check-in: what is owed, the poll, attributes, then the one link to an action that the server shows:
 * a cancellation, a question for consent, or a deployment. What changes the action leads back to the poll.
 *
 * Rules that make the server's history true: an action's id is stored before a byte of it is fetched; its result is stored
 * before it is sent and never changes; it is sent until it is acknowledged, and again if the server offers the action as
 * though it had not heard; a cancellation is accepted or refused, never answered in another way.
 *
 * What a start finds in the box may have ended on the server meanwhile, or have been heard by it: it is asked once, by
 * installedBase for what is owed, because a look at deploymentBase makes hawkBit call a finished action "retrieved". That
 * question is a favour: no answer to it stops the check-in.
 */
#include "hawkbit.h"

#include <string.h>

#include "bytes.h"
#include "hawkbit_action.h"
#include "hawkbit_text.h"

/* Polls in one check-in: each further one follows an answer that changed something on the server. */
#define ROUNDS_MAX 6
/* How often an owed result may be refused before it is given up, and a told failure be asked for before the action counts
 * as offered anew. */
#define REFUSALS_MAX 16
#define REPEATS_MAX 2

enum {
    HISTORY,
    FINAL,
    POLL,
    DECLARATION,
    ATTRIBUTES,
    CANCEL,
    CANCEL_ANSWER,
    CONSENT,
    CONSENT_ANSWER,
    DEPLOYMENT,
    PROCEEDING,
    DOWNLOADED,
    WORK,
    NOTHING
};

/* ---- the box ---- */

static void set_state(struct otai_hb *h, enum otai_hb_state state)
{
    h->box->state = (uint8_t)state;
    h->save = true;
}

/* Nothing is worked on any more; what the server knows of attributes and what was denied stays. */
static void forget(struct otai_hb *h)
{
    struct otai_hb_box *b = h->box;

    h->abandon |= b->state == OTAI_HB_OPEN;
    b->state = OTAI_HB_NONE;
    b->result = b->said = b->again = b->download = b->update = b->window = 0;
    b->has_digest = false;
    b->code = OTA_OK;
    b->seq = 0;
    memset(b->digest, 0, sizeof b->digest);
    b->action[0] = b->mark[0] = b->where[0] = b->version[0] = '\0';
    h->save = true;
}

static void accept(struct otai_hb *h, const struct otai_hb_answer *a)
{
    struct otai_hb_box *b = h->box;

    if (!(b->state == OTAI_HB_OPEN && otai_hb_about(b, a->id))) {
        bool was_open = b->state == OTAI_HB_OPEN && b->seq == a->seq;

        forget(h);
        h->abandon &= !was_open;
        b->report_base = h->facts.report_last;
        (void)otai_copy(b->action, sizeof b->action, a->id);
    }
    b->state = OTAI_HB_OPEN;
    b->download = a->download;
    b->update = a->update;
    b->window = a->window;
    b->seq = a->seq;
    b->has_digest = a->has_digest;
    memcpy(b->digest, a->digest, sizeof b->digest);
    (void)otai_copy(b->mark, sizeof b->mark, h->link.mark);
    h->save = true;
}

/* ---- what comes next ---- */

void otai_hb_begin(struct otai_hb *h, const struct ota_hawkbit *cfg, struct otai_hb_box *box, const struct otai_hb_facts *facts,
                   enum otai_hb_task task)
{
    memset(h, 0, sizeof *h);
    h->cfg = cfg;
    h->box = box;
    h->facts = *facts;
    h->task = (uint8_t)task;
    if (box->state == OTAI_HB_OWED)
        h->phase = facts->taken_up == OTAI_HB_OWED ? HISTORY : FINAL;
    else
        h->phase = task == OTAI_HB_ALL ? POLL : NOTHING;
    otai_hb_head(h);
}

/* Back to the server's view of things. */
static void poll_again(struct otai_hb *h)
{
    h->phase = h->task == OTAI_HB_ALL ? POLL : NOTHING;
}

static void link_to_action(struct otai_hb *h)
{
    (void)otai_copy(h->link.id, sizeof h->link.id, h->box->action);
    h->link.mark[0] = '\0';
}

/* Is there something to do for the action now? */
static void work(struct otai_hb *h)
{
    struct otai_hb_box *b = h->box;
    bool waits = b->update == OTAI_HB_SKIP && b->said & OTAI_HB_IS_STORED;

    if (waits)
        h->phase = b->said & OTAI_HB_SAID_DOWNLOADED ? NOTHING : DOWNLOADED;
    else
        h->phase = b->said & OTAI_HB_SAID_PROCEEDING ? WORK : PROCEEDING;
}

/* The action of before, offered as though its result had not arrived: it hears it again. A failure that it has heard, and an
 * image that was only to be stored, may be meant anew; goosebit, which knows no change marks, gives such an action the id
 * that it had. */
static void offered_again(struct otai_hb *h)
{
    struct otai_hb_box *b = h->box;
    bool stored = b->result == OTAI_HB_STORED && strcmp(b->mark, h->link.mark) != 0;
    bool anew = b->result == OTAI_HB_FAILURE && b->state == OTAI_HB_TOLD && (!b->mark[0] || b->again >= REPEATS_MAX);

    h->phase = NOTHING;
    if (h->told)
        return;
    if (stored || anew) {
        h->phase = DEPLOYMENT;
        return;
    }
    b->again++;
    set_state(h, OTAI_HB_OWED);
    h->phase = FINAL;
}

/* The action under way, with nothing new about it. */
static bool known(const struct otai_hb *h)
{
    const struct otai_hb_box *b = h->box;

    return otai_hb_about(b, h->link.id) && b->state == OTAI_HB_OPEN && strcmp(b->mark, h->link.mark) == 0 && b->mark[0];
}

static void follow_deployment(struct otai_hb *h, const struct otai_hb_answer *a)
{
    const struct otai_hb_box *b = h->box;

    h->link = a->deployment;
    if (otai_hb_about(b, h->link.id) && otai_hb_has_result(b))
        offered_again(h);
    else if (known(h) && h->facts.taken_up != OTAI_HB_OPEN)
        work(h);
    else
        h->phase = DEPLOYMENT;
}

static void follow_confirmation(struct otai_hb *h, const struct otai_hb_answer *a)
{
    const struct otai_hb_box *b = h->box;
    bool denied = strcmp(b->denied, a->confirmation.id) == 0 && strcmp(b->denied_mark, a->confirmation.mark) == 0;

    h->link = a->confirmation;
    h->held = OTAI_HB_HELD_CONSENT;
    h->phase = h->cfg->consent == OTA_HAWKBIT_WAIT || denied ? NOTHING : CONSENT;
}

/* The one link to an action. None: what was worked on has been ended on the server. */
static void follow(struct otai_hb *h, const struct otai_hb_answer *a)
{
    h->held = 0;
    if (a->cancel.id[0]) {
        h->link = a->cancel;
        h->phase = CANCEL;
        return;
    }
    if (a->confirmation.id[0]) {
        follow_confirmation(h, a);
        return;
    }
    if (a->deployment.id[0]) {
        follow_deployment(h, a);
        return;
    }
    h->phase = NOTHING;
    if (h->box->state == OTAI_HB_OPEN || h->box->state == OTAI_HB_CANCELLED)
        forget(h);
}

/* The server has the attributes, or has said that it does not want them: they are not sent again before they change. */
static void attributes_settled(struct otai_hb *h)
{
    h->save |= h->crc != h->box->attributes_crc;
    h->box->attributes_crc = h->crc;
    follow(h, &h->reader.answer);
}

/* The attributes go into the body. false: they do not fit, and are never sent. */
static bool lay_attributes(struct otai_hb *h)
{
    bool fits = otai_hb_attributes(h);

    h->crc = otai_crc32(0, h->body, strlen(h->body));
    if (h->cfg->installed_set)
        h->crc = otai_crc32(h->crc, h->cfg->installed_set, strlen(h->cfg->installed_set));
    return fits;
}

/* What runs is news to the server wherever the attributes are, which name the version: told before them, so that what could
 * not be told comes again with them. Not while an action is shown, which is to change it. */
static bool declares(const struct otai_hb *h, const struct otai_hb_answer *a)
{
    return h->cfg->installed_set && h->facts.version[0] && !a->cancel.id[0] && !a->confirmation.id[0] && !a->deployment.id[0];
}

static void took_poll(struct otai_hb *h)
{
    const struct otai_hb_answer *a = &h->reader.answer;

    if (a->sleep_s && a->sleep_s != h->box->sleep_s) {
        h->box->sleep_s = a->sleep_s;
        h->save = true;
    }
    if (lay_attributes(h) && !h->sent_attributes && (a->wants_attributes || h->crc != h->box->attributes_crc)) {
        h->sent_attributes = true;
        h->phase = declares(h, a) ? DECLARATION : ATTRIBUTES;
        return;
    }
    follow(h, a);
    h->quiet = h->phase == NOTHING && !h->told;
}

/* Accepted unless it came too late: what is installed stays installed, and the server hears so. */
static void took_cancel(struct otai_hb *h)
{
    const char *stop = h->reader.answer.stop_id[0] ? h->reader.answer.stop_id : h->link.id;
    struct otai_hb_box *b = h->box;

    h->refusing = otai_hb_about(b, stop) && otai_hb_has_result(b) && b->result == OTAI_HB_SUCCESS;
    if (otai_hb_about(b, stop) && b->state == OTAI_HB_OPEN) {
        h->abandon = true;
        set_state(h, OTAI_HB_CANCELLED);
    }
    h->phase = CANCEL_ANSWER;
}

static void settled_already(struct otai_hb *h)
{
    h->told = true;
    set_state(h, OTAI_HB_TOLD);
    poll_again(h);
}

/* The server has what is owed, or has ended the action in another way: it hears nothing more of it, which could only be
 * the same again, or contradict what it has. */
static void took_history(struct otai_hb *h)
{
    const struct otai_hb_answer *a = &h->reader.answer;
    uint8_t status = a->history.said ? a->history.status : OTAI_HB_OTHER_STATUS;

    if (otai_hb_ended_there(status) || status == OTAI_HB_DOWNLOADED)
        settled_already(h);
    else
        h->phase = FINAL;
}

static void took_deployment(struct otai_hb *h)
{
    const struct otai_hb_answer *a = &h->reader.answer;

    if (a->history.said && otai_hb_ended_there(a->history.status)) {
        if (otai_hb_about(h->box, h->link.id))
            forget(h);
        h->phase = NOTHING;
        return;
    }
    if (a->download == OTAI_HB_SKIP) {
        h->held = OTAI_HB_HELD_SKIP;
        h->phase = NOTHING;
        return;
    }
    accept(h, a);
    if (!a->has_seq) {
        const struct ota_fault cause = { .err = OTA_REJECT_MISSING, .where = "hawkbit.ota.seq" };

        (void)otai_hb_result(h->box, OTAI_HB_FAILURE, &cause, h->facts.version);
        h->abandon = true;
        h->phase = FINAL;
        return;
    }
    work(h);
}

/* The question was not answered: on without it. false: the phase is no such question. */
static bool goes_on_unanswered(struct otai_hb *h)
{
    if (h->phase == HISTORY)
        h->phase = FINAL;
    else if (h->phase == DEPLOYMENT && known(h))
        work(h);
    else
        return false;
    return true;
}

/* An answer that is wrong: where, and how. */
static ota_err made_no_sense(struct otai_hb *h, const char *where, ota_err why, struct ota_fault *fault)
{
    if (!goes_on_unanswered(h))
        return ota_fault_set(fault, OTA_RETRY_PROTOCOL, where, (int32_t)why);
    h->history = (struct otai_hb_history){ .said = true, .status = OTAI_HB_UNREAD };
    return OTA_OK;
}

static ota_err took(struct otai_hb *h, struct ota_fault *fault)
{
    const char *bad = NULL;

    if (h->reader.answer.history.said)
        h->history = h->reader.answer.history;
    switch (h->phase) {
    case POLL:
        took_poll(h);
        break;
    case CANCEL:
        took_cancel(h);
        break;
    case CONSENT:
        h->phase = CONSENT_ANSWER;
        break;
    case HISTORY:
        bad = strcmp(h->reader.answer.id, h->link.id) != 0 ? "hawkbit.id" : NULL;
        if (!bad)
            took_history(h);
        break;
    default:
        bad = otai_hb_lacking(&h->reader.answer, h->link.id);
        if (!bad)
            took_deployment(h);
    }
    return bad ? made_no_sense(h, bad, OTA_OK, fault) : OTA_OK;
}

/* ---- requests ---- */

static void ask(struct otai_hb *h, struct otai_hb_request *out)
{
    otai_hb_reader_init(&h->reader);
    out->method = OTA_NET_GET;
    out->body = NULL;
    if (h->phase == POLL) {
        /* An answer that does not come cannot ask for attributes: those that changed want one. */
        out->conditional = h->rounds == 0 && !h->told && lay_attributes(h) && h->crc == h->box->attributes_crc;
        h->rounds++;
        otai_hb_file(h, NULL, NULL, NULL);
    }
    if (h->phase == HISTORY) {
        link_to_action(h);
        otai_hb_file(h, "installedBase", &h->link, NULL);
    }
    if (h->phase == CANCEL)
        otai_hb_file(h, "cancelAction", &h->link, "");
    if (h->phase == CONSENT)
        otai_hb_file(h, "confirmationBase", &h->link, NULL);
    if (h->phase == DEPLOYMENT)
        otai_hb_file(h, "deploymentBase", &h->link, NULL);
}

static void tell_deployment(struct otai_hb *h)
{
    const char *begun = "begun: the signed deployment decides what is installed";

    link_to_action(h);
    if (h->phase == FINAL)
        otai_hb_final(h);
    else if (h->phase == PROCEEDING)
        otai_hb_feedback(h, "proceeding", "none", 0, begun);
    else
        otai_hb_feedback(h, "downloaded", "none", 0, "stored and verified");
    otai_hb_file(h, "deploymentBase", &h->link, "/feedback");
}

static void tell(struct otai_hb *h, struct otai_hb_request *out)
{
    out->method = OTA_NET_POST;
    out->body = h->body;
    switch (h->phase) {
    case DECLARATION:
        out->method = OTA_NET_PUT;
        otai_hb_declaration(h);
        otai_hb_file(h, "installedBase", NULL, NULL);
        break;
    case ATTRIBUTES:
        out->method = OTA_NET_PUT;
        (void)lay_attributes(h);
        otai_hb_file(h, "configData", NULL, NULL);
        break;
    case CANCEL_ANSWER:
        otai_hb_feedback(h, h->refusing ? "rejected" : "closed", h->refusing ? "none" : "success", 0,
                         h->refusing ? "too late: it is installed and confirmed" : "given up");
        otai_hb_file(h, "cancelAction", &h->link, "/feedback");
        break;
    case CONSENT_ANSWER:
        otai_hb_consent(h, h->cfg->consent == OTA_HAWKBIT_CONFIRM);
        otai_hb_file(h, "confirmationBase", &h->link, "/feedback");
        break;
    default:
        tell_deployment(h);
    }
}

static bool reads(const struct otai_hb *h)
{
    return h->phase == HISTORY || h->phase == POLL || h->phase == CANCEL || h->phase == CONSENT || h->phase == DEPLOYMENT;
}

ota_err otai_hb_next(struct otai_hb *h, struct otai_hb_request *out)
{
    if (h->phase == POLL && h->rounds == ROUNDS_MAX)
        h->phase = NOTHING;
    if (h->phase == WORK || h->phase == NOTHING)
        return h->phase == WORK ? OTA_DONE : OTA_SAME;
    out->conditional = false;
    if (reads(h))
        ask(h, out);
    else
        tell(h, out);
    out->file = h->file;
    out->head = h->head;
    return OTA_AGAIN;
}

/* ---- answers ---- */

void otai_hb_body(struct otai_hb *h, const uint8_t *bytes, size_t len)
{
    if (reads(h) && otai_hb_reader_bytes(&h->reader, bytes, len) != OTA_OK)
        return; /* latched: otai_hb_reader_end() tells */
}

static ota_err judge_document(struct otai_hb *h, struct ota_fault *fault)
{
    ota_err err = otai_hb_reader_end(&h->reader);
    char where[OTA_FAULT_WHERE_MAX];
    struct otai_text t;

    if (err == OTA_OK)
        return took(h, fault);
    otai_text_init(&t, where, sizeof where);
    otai_text_add(&t, "hawkbit.");
    otai_text_add(&t, err == OTA_REJECT_SYNTAX || !h->reader.at ? "json" : h->reader.at);
    return made_no_sense(h, where, err, fault);
}

/* The server acknowledged what it was told. */
static void acknowledged(struct otai_hb *h)
{
    struct otai_hb_box *b = h->box;

    switch (h->phase) {
    case FINAL:
        h->told = true;
        set_state(h, OTAI_HB_TOLD);
        poll_again(h);
        break;
    case PROCEEDING:
        b->said |= OTAI_HB_SAID_PROCEEDING;
        h->save = true;
        h->phase = WORK;
        break;
    case DOWNLOADED:
        b->said |= OTAI_HB_SAID_DOWNLOADED;
        h->save = true;
        h->phase = NOTHING;
        break;
    case CONSENT_ANSWER:
        if (h->cfg->consent == OTA_HAWKBIT_DENY) {
            (void)otai_copy(b->denied, sizeof b->denied, h->link.id);
            (void)otai_copy(b->denied_mark, sizeof b->denied_mark, h->link.mark);
            h->save = true;
            h->phase = NOTHING;
            break;
        }
        poll_again(h);
        break;
    case DECLARATION:
        h->phase = ATTRIBUTES;
        break;
    case ATTRIBUTES:
        attributes_settled(h);
        break;
    default:
        /* A refused cancellation brings the action back: it hears its result again. */
        h->told = false;
        poll_again(h);
    }
}

/* 404 and 410: the server has ended this action, or never had it. */
static void gone(struct otai_hb *h)
{
    if (h->phase == PROCEEDING || h->phase == DOWNLOADED)
        forget(h);
    if (h->phase == FINAL) {
        h->told = true;
        set_state(h, OTAI_HB_TOLD);
    }
    if (h->phase == HISTORY)
        h->phase = FINAL; /* it has not ended there */
    else
        poll_again(h);
}

/* A failure that is no reason to stop: intermediate news, attributes that the server does not like, an answer to a question
 * that is no longer asked. A result is owed until it is acknowledged, but not for ever to a server that refuses it. */
static bool goes_on(struct otai_hb *h, ota_err err)
{
    bool heard = err == OTA_RETRY_REFUSED || err == OTA_RETRY_BUSY || err == OTA_RETRY_SERVER;

    switch (h->phase) {
    case PROCEEDING:
        h->phase = WORK;
        return heard;
    case DOWNLOADED:
        h->phase = NOTHING;
        return heard;
    case DECLARATION:
        /* It has no such set, or is too old for the question. */
        if (err == OTA_RETRY_REFUSED || err == OTA_RETRY_NOT_FOUND) {
            h->phase = ATTRIBUTES;
            return true;
        }
        follow(h, &h->reader.answer);
        return heard;
    case ATTRIBUTES:
        if (heard)
            attributes_settled(h);
        return heard;
    case CANCEL_ANSWER:
    case CONSENT_ANSWER:
        poll_again(h);
        return err == OTA_RETRY_REFUSED;
    case FINAL:
        if (err == OTA_RETRY_REFUSED) {
            h->save = true;
            if (++h->box->again >= REFUSALS_MAX)
                set_state(h, OTAI_HB_TOLD);
        }
        return false;
    default:
        return err != OTA_RETRY_NETWORK && goes_on_unanswered(h);
    }
}

ota_err otai_hb_answered(struct otai_hb *h, ota_err err, uint16_t status, struct ota_fault *fault)
{
    if ((h->phase == HISTORY || h->phase == DEPLOYMENT) && err != OTA_RETRY_NETWORK)
        h->facts.taken_up = OTAI_HB_NONE;
    if (err == OTA_SAME) {
        h->quiet = h->unchanged = true;
        h->phase = NOTHING;
        return OTA_OK;
    }
    if (err == OTA_RETRY_NOT_FOUND && h->phase != POLL && h->phase != DECLARATION && h->phase != ATTRIBUTES) {
        gone(h);
        return OTA_OK;
    }
    if (ota_err_class(err) == OTA_CLASS_REJECT)
        err = OTA_RETRY_PROTOCOL; /* too long to be an answer: nothing is wrong with what is deployed */
    if (err != OTA_DONE)
        return goes_on(h, err) ? OTA_OK : ota_fault_set(fault, err, "hawkbit", status);
    if (reads(h))
        return judge_document(h, fault);
    acknowledged(h);
    return OTA_OK;
}
