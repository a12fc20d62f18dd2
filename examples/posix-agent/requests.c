/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "requests.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "levels.h"
#include "ota/ota.h"
#include "status.h"

#define NUMBER_MAX INT64_C(999999999999999) /* what a line can hold */

/* An answer while it is made: the exit status, further members, and text for a person who asked for it. */
struct answer {
    int status;
    char more[OTA_POSIX_LINE_MAX - 64];
    FILE *text;
};

static uint64_t now(const struct requests *r)
{
    return r->now_ms(r->clock);
}

static const char *text_of(const struct ota_posix_line *l, const char *name)
{
    const struct ota_posix_member *m = ota_posix_line_find(l, name, OTA_POSIX_TEXT);

    return m ? m->text : "";
}

static bool number_of(const struct ota_posix_line *l, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const struct ota_posix_member *m = ota_posix_line_find(l, name, OTA_POSIX_NUMBER);

    if (!m || m->number < min || m->number > max)
        return false;
    *out = m->number;
    return true;
}

static void say_result(struct answer *a, const char *done, ota_err err)
{
    a->status = err == OTA_OK ? AGENT_OK : AGENT_REFUSED;
    if (err == OTA_OK)
        (void)fprintf(a->text, "%s\n", done);
    else
        (void)fprintf(a->text, "ota-agent: %s\n", ota_err_text(err));
}

/* ---- what can be asked ---- */

static void answer_status(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    struct ota_status s;

    (void)client;
    ota_status(r->agent, &s);
    struct status_watched watched;
    const struct status_watched *w = monitoring_status(r->monitoring, &watched) ? &watched : NULL;
    char *text = strcmp(text_of(l, "form"), "json") == 0 ? status_json(&s, r->config, true, r->held, w)
                                                               : status_text(&s, r->config, true, r->held, w);
    a->status = text ? AGENT_OK : AGENT_DEVICE;
    if (text)
        (void)fputs(text, a->text);
    free(text);
}

/* Nobody's deferral is cut short by a shorter one of somebody else; only its own ends early. */
static bool is_covered(const struct requests *r, int client, uint64_t seconds)
{
    bool lasts = r->deferred_ms > now(r);

    if (seconds == 0)
        return lasts && r->deferred_by != client && !r->control->client[client].own;
    return lasts && now(r) + seconds * 1000u <= r->deferred_ms;
}

static void answer_defer(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    uint32_t granted = 0;
    int64_t seconds;
    ota_err err = OTA_OK;
    char done[64];

    if (!number_of(l, "seconds", 0, UINT32_MAX / 2, &seconds)) {
        a->status = AGENT_USAGE;
        return;
    }
    if (is_covered(r, client, (uint64_t)seconds)) {
        granted = (uint32_t)seconds;
    } else {
        err = ota_defer(r->agent, (uint32_t)seconds, &granted);
        r->deferred_by = client;
        r->deferred_ms = err == OTA_OK ? now(r) + granted * UINT64_C(1000) : 0;
    }
    (void)snprintf(done, sizeof done, "deferred for %" PRIu32 " s", granted);
    (void)snprintf(a->more, sizeof a->more, ",\"granted\":%" PRIu32, err == OTA_OK ? granted : 0);
    say_result(a, done, err);
}

static void answer_confirm(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    (void)client, (void)l;
    say_result(a, "confirmed", ota_confirm(r->agent));
}

static void answer_reject(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    int64_t reason;

    (void)client;
    if (number_of(l, "reason", INT32_MIN, INT32_MAX, &reason))
        say_result(a, "rejected", ota_reject(r->agent, (int32_t)reason));
    else
        a->status = AGENT_USAGE;
}

static void answer_check(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    (void)client, (void)l;
    ota_check_now(r->agent);
    say_result(a, "checking in", OTA_OK);
}

static bool is_coming(const struct ota_status *s)
{
    for (size_t i = 0; i < s->component_count; i++)
        if (s->component[i].length > 0 || s->component[i].removing)
            return true;
    return false;
}

static const char *word(bool yes)
{
    return yes ? "true" : "false";
}

static void describe(const struct requests *r, char *out, size_t cap)
{
    struct ota_status s;

    ota_status(r->agent, &s);
    bool trial = s.holds & OTA_HOLD_TRIAL;
    bool forced = s.state == OTA_ST_ARM || (s.state == OTA_ST_REBOOT && !trial);
    uint64_t seq = s.seq < (uint64_t)NUMBER_MAX ? s.seq : (uint64_t)NUMBER_MAX;
    (void)snprintf(out, cap,
                   "\"state\":\"%s\",\"version\":\"%s\",\"deployment\":%" PRIu64 ",\"pending\":%s,\"deferred\":%s,\"forced\":%s,\"trial\":%s",
                   ota_state_name(s.state), s.component[0].running, seq, word(is_coming(&s)), word(s.holds & OTA_HOLD_DEFERRED),
                   word(forced), word(trial));
}

static void answer_watch(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    (void)l;
    r->watching[client] = r->control->client[client].stays = true;
    describe(r, r->news, sizeof r->news);
    (void)snprintf(a->more, sizeof a->more, ",%s", r->news);
}

static void tell_turn(struct requests *r, int client, struct answer *a)
{
    r->has_turn[client] = arbiter_look(&r->arbiter, now(r)) == client;
    (void)snprintf(a->more, sizeof a->more, ",\"turn\":%s", word(r->has_turn[client]));
}

static void answer_turn(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    (void)l;
    r->control->client[client].stays = true;
    arbiter_ask(&r->arbiter, client);
    tell_turn(r, client, a);
}

static void answer_done(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    (void)l;
    r->control->client[client].stays = r->watching[client];
    arbiter_leave(&r->arbiter, client);
    tell_turn(r, client, a);
}

/* A page of "name=level", as many as a line holds of the longest. */
static void answer_provides(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    struct ota_level level[LEVELS_MAX];
    int64_t from = 0;
    int total = levels_of(r->agent, r->config, level), len;
    struct ota_status s;

    (void)client;
    if (total < 0 || !number_of(l, "from", 0, LEVELS_MAX, &from)) {
        a->status = total < 0 ? AGENT_DEVICE : AGENT_USAGE;
        return;
    }
    ota_status(r->agent, &s);
    len = snprintf(a->more, sizeof a->more, ",\"total\":%d,\"deployment\":%" PRIu64, total, s.seq < (uint64_t)NUMBER_MAX ? s.seq : (uint64_t)NUMBER_MAX);
    for (int i = (int)from, k = 0; i < total && k < (int)OTA_POSIX_PAGE; i++, k++)
        len += snprintf(a->more + len, sizeof a->more - (size_t)len, ",\"%c\":\"%s=%" PRIu32 "\"", 'a' + k, level[i].name, level[i].level);
}

static const struct {
    const char *name;
    void (*answer)(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a);
    bool own;   /* not for other users */
} known[] = {
    { "status", answer_status, false }, { "defer", answer_defer, false },   { "confirm", answer_confirm, true }, { "reject", answer_reject, true },
    { "check", answer_check, false },   { "watch", answer_watch, false },   { "turn", answer_turn, false },      { "done", answer_done, false },
    { "provides", answer_provides, false },
};

static void dispatch(struct requests *r, int client, const struct ota_posix_line *l, struct answer *a)
{
    const char *name = text_of(l, "do");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        if (known[i].own && !r->control->client[client].own)
            a->status = AGENT_NOT_RUNNING;
        else
            known[i].answer(r, client, l, a);
        return;
    }
    a->status = AGENT_USAGE;
}

void requests_answer(void *self, int client, const struct ota_posix_line *l, FILE *to)
{
    const struct ota_posix_member *wants_text = ota_posix_line_find(l, "text", OTA_POSIX_BOOL);
    struct answer a = { .status = AGENT_OK };
    char *text = NULL;
    size_t len = 0;

    a.text = open_memstream(&text, &len);
    if (!a.text) {
        (void)fprintf(to, "{\"exit\":%d}\n", AGENT_DEVICE);
        return;
    }
    dispatch(self, client, l, &a);
    if (fclose(a.text) != 0 || !text || len >= CONTROL_ANSWER_MAX)
        a.status = AGENT_DEVICE;
    else if (wants_text && wants_text->number)
        (void)fprintf(to, "{\"exit\":%d%s,\"bytes\":%zu}\n%s", a.status, a.more, len, text);
    if (!(wants_text && wants_text->number) || a.status == AGENT_DEVICE)
        (void)fprintf(to, "{\"exit\":%d%s}\n", a.status, a.more);
    free(text);
}

void requests_left(void *self, int client)
{
    struct requests *r = self;

    arbiter_leave(&r->arbiter, client);
    r->watching[client] = r->has_turn[client] = false;
    if (r->deferred_by == client)
        r->deferred_by = -1;   /* what was granted stays granted */
}

/* ---- what is told without being asked ---- */

static void tell_turns(struct requests *r)
{
    int holder = arbiter_look(&r->arbiter, now(r));

    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        bool has = holder == i;

        if (has == r->has_turn[i])
            continue;
        r->has_turn[i] = has;
        control_tell(r->control, i, has ? "{\"event\":\"turn\",\"turn\":true}\n" : "{\"event\":\"turn\",\"turn\":false}\n");
    }
}

static void tell_news(struct requests *r)
{
    char fresh[sizeof r->news], line[sizeof r->news + 32];

    describe(r, fresh, sizeof fresh);
    if (strcmp(fresh, r->news) == 0)
        return;
    memcpy(r->news, fresh, sizeof r->news);
    (void)snprintf(line, sizeof line, "{\"event\":\"state\",%s}\n", fresh);
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (r->watching[i])
            control_tell(r->control, i, line);
}

void requests_look(struct requests *r)
{
    tell_turns(r);
    tell_news(r);
}

/* ---- the system's own turn ---- */

/* Whoever has the kernel's lock was not given the turn by this agent: it asked an earlier one, or none. It gets as long as
 * anybody, then the system goes on without the lock. */
static bool has_lock(struct requests *r)
{
    bool held = ota_posix_turn_lock_try(&r->lock);

    if (held || r->busy_ms == 0)
        r->busy_ms = held ? 0 : now(r);
    r->without = !held && (r->arbiter.overstayed || now(r) - r->busy_ms >= r->arbiter.app_turn_ms);
    return held || r->without;
}

static void let_others(struct requests *r)
{
    ota_posix_turn_lock_release(&r->lock);
    r->busy_ms = 0;
}

bool requests_may_step(struct requests *r, enum ota_state state, bool rests)
{
    if (state == OTA_ST_READY && !rests)
        return true;
    if (!ota_posix_keeps_turn(state)) {
        let_others(r);
        arbiter_leave(&r->arbiter, ARBITER_SYSTEM);
        return true;
    }
    if (state != OTA_ST_ARM && ota_posix_needs_turn(state) && arbiter_is_long(&r->arbiter, now(r))) {
        let_others(r);
        arbiter_yield(&r->arbiter);
    }
    arbiter_ask(&r->arbiter, ARBITER_SYSTEM);
    bool ours = arbiter_look(&r->arbiter, now(r)) == ARBITER_SYSTEM && has_lock(r);
    return ours || !ota_posix_needs_turn(state);
}

bool requests_open(struct requests *r, struct control *control, const struct agent_config *c, struct schema_fault *fault)
{
    struct ota_fault why = { .err = OTA_OK };

    memset(r, 0, sizeof *r);
    r->control = control;
    r->config = c;
    r->deferred_by = -1;
    r->lock.fd = -1;
    arbiter_init(&r->arbiter, c->system_turn_s * UINT64_C(1000), c->app_turn_s * UINT64_C(1000));
    if (ota_posix_turn_lock_open(&r->lock, c->runtime_dir, &why) == OTA_OK)
        return true;
    return schema_fail(fault, "runtime_dir", strerror(why.port_code));
}

void requests_close(struct requests *r)
{
    ota_posix_turn_lock_close(&r->lock);
}
