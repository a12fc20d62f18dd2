/* SPDX-License-Identifier: Apache-2.0 */
/* status: how far a deployment is, and with --wait an answer for CI: it reached the group, it fails, or time is up. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "status.h"
#include "text.h"

#define TIMEOUT_S 3600u
#define TIMEOUT_MAX_S 2592000u
#define INTERVAL_S 10u
#define COUNT_MAX 1000000000u

enum verdict { PENDING, SUCCEEDED, FAILING };
static const char *const verdict_names[] = { "pending", "succeeded", "failing" };

static const struct option status_options[] = {
    { "product", "P", "the product", OPTION_ONE, true },
    { "group", "G", "the device group, by slug or name", OPTION_ONE, true },
    { "devices", "N", "how many devices shall have it; needed where the registry does not list them", OPTION_ONE, false },
    { "at-least", "N|N%", "success: so many devices confirmed it [100%]", OPTION_ONE, false },
    { "fail-over", "N|N%", "failure: more than so many devices rolled it back or refused it [0]", OPTION_ONE, false },
    { "wait", NULL, "look again until it succeeded, it fails, or time is up", OPTION_FLAG, false },
    { "timeout", "SECONDS", "longest time to wait, 1..2592000 [3600]", OPTION_ONE, false },
    { "interval", "SECONDS", "time between two looks, 1..3600 [10]", OPTION_ONE, false },
    { NULL, NULL, NULL, OPTION_FLAG, false },
};

struct question {
    struct tool *t;
    const char *dir;
    struct status_share enough, too_many;
    unsigned timeout_s, interval_s;
    bool wait;
};

/* "5", "80%". */
static int take_share(struct tool *t, const struct args *a, const char *name, unsigned long min, struct status_share *out)
{
    const char *text = args_get(a, name);
    char digits[16];
    unsigned long n;

    if (text == NULL)
        return TOOL_OK;
    size_t len = strlen(text);
    out->per_cent = len > 0 && text[len - 1] == '%';
    len -= out->per_cent;
    (void)snprintf(digits, sizeof digits, "%.*s", (int)(len < sizeof digits ? len : sizeof digits - 1), text);
    if (!number_parse(digits, min, out->per_cent ? 100 : COUNT_MAX, &n))
        return tool_usage(t, "--%s: \"%s\" is not a whole number from %lu on, nor %lu%%..100%%", name, text, min, min);
    out->n = (unsigned)n;
    return TOOL_OK;
}

static int take_question(struct tool *t, const struct args *a, struct question *q, unsigned *devices)
{
    int rc = args_number(t, a, "devices", 1, COUNT_MAX, devices);

    *q = (struct question){ t, a->operand, { 100, true }, { 0, false }, TIMEOUT_S, INTERVAL_S, args_has(a, "wait") };
    if (rc == TOOL_OK && !q->wait && (args_has(a, "timeout") || args_has(a, "interval")))
        rc = tool_usage(t, "--%s: is of use with --wait only", args_has(a, "timeout") ? "timeout" : "interval");
    if (rc == TOOL_OK)
        rc = take_share(t, a, "at-least", 1, &q->enough);
    if (rc == TOOL_OK)
        rc = take_share(t, a, "fail-over", 0, &q->too_many);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "timeout", 1, TIMEOUT_MAX_S, &q->timeout_s);
    if (rc == TOOL_OK)
        rc = args_number(t, a, "interval", 1, 3600, &q->interval_s);
    return rc;
}

/* A part of what nobody knows the whole of means nothing: the first device to report would be all of them. */
static int need_total(const struct question *q, const struct status_wanted *w)
{
    if ((!q->enough.per_cent && !q->too_many.per_cent) || w->listed > 0 || w->devices > 0)
        return TOOL_OK;
    return tool_usage(q->t, "--devices: is missing: the registry lists no device of group %s that shall have it", w->slug);
}

static bool total_known(const struct status_wanted *w)
{
    return w->listed > 0 || w->devices > 0;
}

static enum verdict judge(const struct question *q, const struct status_wanted *w, const struct status_tally *s)
{
    if (status_exceeds(q->too_many, s->failed, s->total))
        return FAILING;
    if (status_reaches(q->enough, s->done, s->total))
        return SUCCEEDED;
    /* Too few are left? */
    return total_known(w) && !status_reaches(q->enough, s->total - s->failed, s->total) ? FAILING : PENDING;
}

/* "app 2.0.0, os from feed retail" */
static const char *describe(const struct question *q, const struct status_wanted *w)
{
    const char *text = "", *feed = member_text(w->pointer, "os_feed");
    const cJSON *image;
    cJSON *list = cJSON_AddArrayToObject(q->t->result, "images");

    cJSON_ArrayForEach(image, member(w->pointer, "images")) {
        const char *component = member_text(image, "component"), *version;
        cJSON *row = cJSON_CreateObject();
        version = image_version(q->t, w->place, image);
        cJSON_AddStringToObject(row, "component", component);
        cJSON_AddStringToObject(row, "version", version);
        cJSON_AddItemToArray(list, row);
        text = tool_format(q->t, "%s%s%s %s", text, text[0] ? ", " : "", component, version);
    }
    return feed[0] ? tool_format(q->t, "%s%sos from feed %s", text, text[0] ? ", " : "", feed) : text;
}

static void show_wanted(const struct question *q, const struct status_wanted *w)
{
    cJSON *o = q->t->result;

    cJSON_AddStringToObject(o, "product", w->place->product);
    cJSON_AddStringToObject(o, "group", w->slug);
    cJSON_AddStringToObject(o, "deployment", w->sha256);
    cJSON_AddNumberToObject(o, "seq", (double)member_number(w->pointer, "seq"));
    if (member(w->pointer, "rollout") != NULL)
        cJSON_AddNumberToObject(o, "per_mille", (double)member_number(member(w->pointer, "rollout"), "per_mille"));
    tool_say(q->t, "%s/%s: deployment %" PRIu64 ": %s", w->place->product, w->slug, member_number(w->pointer, "seq"), describe(q, w));
}

static uint64_t pending_of(const struct status_tally *s)
{
    return s->total - s->done - s->failed;
}

static void say_counts(const struct question *q, const struct status_tally *s)
{
    tool_say(q->t, "%" PRIu64 " devices: %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64 " pending", s->total, s->done, s->failed,
             pending_of(s));
    if (!q->t->json)
        (void)fflush(stdout);
}

static void show_failures(const struct question *q, const struct status_tally *s)
{
    cJSON *list = cJSON_AddArrayToObject(q->t->result, "failures");

    for (size_t i = 0; i < s->failed && i < STATUS_NAMED_MAX; i++) {
        const struct status_failure *f = &s->failure[i];
        cJSON *row = cJSON_CreateObject();

        cJSON_AddItemToArray(list, row);
        cJSON_AddStringToObject(row, "device", f->device);
        cJSON_AddStringToObject(row, "outcome", f->outcome);
        cJSON_AddStringToObject(row, "cause", f->cause);
        cJSON_AddStringToObject(row, "where", f->where);
        cJSON_AddNumberToObject(row, "port", (double)f->port);
        cJSON_AddStringToObject(row, "version", f->version);
        cJSON_AddStringToObject(row, "running", f->running);
        tool_say(q->t, "failed: %s: %s %s at %s, port %" PRId64, f->device, f->outcome, f->cause, f->where, f->port);
    }
}

static int show_end(const struct question *q, const struct status_wanted *w, const struct status_tally *s, enum verdict v)
{
    cJSON *devices = cJSON_AddObjectToObject(q->t->result, "devices");

    cJSON_AddStringToObject(q->t->result, "state", verdict_names[v]);
    cJSON_AddNumberToObject(devices, "total", (double)s->total);
    cJSON_AddNumberToObject(devices, "done", (double)s->done);
    cJSON_AddNumberToObject(devices, "failed", (double)s->failed);
    cJSON_AddNumberToObject(devices, "pending", (double)pending_of(s));
    cJSON_AddNumberToObject(q->t->result, "bad", (double)s->bad);
    show_failures(q, s);
    if (s->bad > 0)
        tool_warn(q->t, "%" PRIu64 " files are no reports; see: reports %s", s->bad, q->dir);
    if (v == SUCCEEDED)
        return TOOL_OK;
    (void)tool_failed(q->t, "group %s: deployment %" PRIu64 " %s: %" PRIu64 " of %" PRIu64 " devices done, %" PRIu64 " failed", w->slug,
                      member_number(w->pointer, "seq"), v == FAILING ? "fails" : q->wait ? "is pending, time is up" : "is pending",
                      s->done, s->total, s->failed);
    return v == FAILING ? STATUS_FAILING : STATUS_PENDING;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Until the next look is due, or the last one. @return false when the last one was taken */
static bool sleep_on(const struct question *q, uint64_t end_ms)
{
    uint64_t now = now_ms(), ms = (uint64_t)q->interval_s * 1000u;

    if (!q->wait || now >= end_ms)
        return false;
    ms = end_ms - now < ms ? end_ms - now : ms;
    struct timespec pause = { (time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000L };
    (void)nanosleep(&pause, NULL);
    return true;
}

static bool same_counts(const struct status_tally *x, const struct status_tally *y)
{
    return x->total == y->total && x->done == y->done && x->failed == y->failed;
}

static int watch(const struct question *q, struct status_wanted *w)
{
    uint64_t end_ms = now_ms() + (uint64_t)q->timeout_s * 1000u;
    struct status_tally now, before = { .total = UINT64_MAX };
    enum verdict v;

    do {
        int rc = status_look(w, q->dir, &now);
        if (rc != TOOL_OK)
            return rc;
        if (!same_counts(&now, &before))
            say_counts(q, &now);
        before = now;
        v = judge(q, w, &now);
    } while (v == PENDING && sleep_on(q, end_ms));
    return show_end(q, w, &now, v);
}

/* Waiting holds nobody up: what is waited for stands in memory. */
static void unlock(struct tool *t)
{
    if (t->lock_fd >= 0)
        (void)close(t->lock_fd);
    t->lock_fd = -1;
}

static int run_status(struct tool *t, const struct args *a)
{
    struct place p = { 0 };
    struct status_wanted w = { 0 };
    struct question q;
    unsigned devices = 0;
    int rc = take_question(t, a, &q, &devices);

    if (rc == TOOL_OK)
        rc = place_open(t, a, &p);
    if (rc == TOOL_OK)
        rc = status_open(t, &p, args_get(a, "group"), &w);
    w.devices = devices;
    if (rc == TOOL_OK)
        rc = need_total(&q, &w);
    unlock(t);
    if (rc == TOOL_OK) {
        show_wanted(&q, &w);
        rc = watch(&q, &w);
    }
    status_close(&w);
    return rc;
}

const struct command command_status = {
    .name = "status",
    .operand = "FOLDER",
    .summary = "Say how far a group's deployment is, from the reports that devices PUT into FOLDER/<device>/; or wait for it.",
    .details =
        "A device is done when the newest outcome that it reported is that this deployment, or one of the same images, was\n"
        "confirmed; failed when it was rolled back or refused. Devices are those that the registry has in the group (of a rollout:\n"
        "those that it chose), and others that report from it. A group's feed is not looked into.\n"
        "Exit codes beside 0, 1, 2: 4 it fails (more devices than --fail-over, or too few are left for --at-least), 5 it is\n"
        "pending (with --wait: when time was up).",
    .options = status_options,
    .run = run_status,
    .reads = true,
};
