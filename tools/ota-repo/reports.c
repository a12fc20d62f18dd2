/* SPDX-License-Identifier: Apache-2.0 */
#include "reports.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NUMBER_MAX 9007199254740992.0 /* 2^53: what a JSON number holds exactly */

const char *report_type_name(enum report_type type)
{
    return type == REPORT_PLANNED ? "planned" : "unplanned";
}

const char *report_class_name(enum report_class class)
{
    return class == REPORT_OS ? "os" : "application";
}

/* Where a complaint goes. */
struct complaint {
    char *text;
    size_t cap;
};

static bool wrong(const struct complaint *c, const char *name, const char *reason)
{
    (void)snprintf(c->text, c->cap, "%s: %s", name, reason);
    return false;
}

/* A text of printable ASCII: it goes into tables, CSV and messages. */
static bool take_text(const struct complaint *c, const cJSON *obj, const char *name, bool needed, char *out, size_t cap)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
    const char *text = cJSON_GetStringValue(item);

    out[0] = '\0';
    if (item == NULL)
        return needed ? wrong(c, name, "is missing") : true;
    if (text == NULL)
        return wrong(c, name, "is not a string");
    if (strlen(text) >= cap)
        return wrong(c, name, "is too long");
    for (const char *p = text; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            return wrong(c, name, "holds a character that is not printable ASCII");
    (void)snprintf(out, cap, "%s", text);
    return true;
}

static bool take_number(const struct complaint *c, const cJSON *obj, const char *name, double min, int64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
    double d;

    if (item == NULL)
        return wrong(c, name, "is missing");
    if (!cJSON_IsNumber(item))
        return wrong(c, name, "is not a number");
    d = cJSON_GetNumberValue(item);
    if (!(d >= min && d <= NUMBER_MAX) || (double)(int64_t)d != d)
        return wrong(c, name, "is out of range");
    *out = (int64_t)d;
    return true;
}

static bool take_count(const struct complaint *c, const cJSON *obj, const char *name, uint64_t min, uint64_t *out)
{
    int64_t n = 0;
    bool ok = take_number(c, obj, name, (double)min, &n);

    *out = (uint64_t)n;
    return ok;
}

static bool take_digest(const struct complaint *c, const cJSON *obj, const char *name, bool needed, char out[DIGEST_HEX])
{
    if (!take_text(c, obj, name, needed, out, DIGEST_HEX))
        return false;
    return out[0] == '\0' || digest_ok(out) ? true : wrong(c, name, "is not 64 lower-case hex digits");
}

/* One of a few words; the index of the one that it is. */
static bool take_word(const struct complaint *c, const cJSON *obj, const char *name, const char *const *words, size_t count,
                      size_t *out)
{
    char text[REPORT_TEXT_MAX];

    if (!take_text(c, obj, name, true, text, sizeof text))
        return false;
    for (*out = 0; *out < count; ++*out)
        if (strcmp(text, words[*out]) == 0)
            return true;
    return wrong(c, name, "has a value that is not known");
}

static bool take_cause(const struct complaint *c, const cJSON *doc, struct report *r)
{
    const cJSON *cause = cJSON_GetObjectItemCaseSensitive(doc, "cause");

    if (!cJSON_IsObject(cause))
        return wrong(c, "cause", cause == NULL ? "is missing" : "is not an object");
    return take_number(c, cause, "code", 0, &r->code) && take_text(c, cause, "name", true, r->cause, sizeof r->cause) &&
           take_text(c, cause, "where", true, r->where, sizeof r->where) && take_number(c, cause, "port", INT32_MIN, &r->port);
}

/* What every report has had since the first version. */
static bool take_basics(const struct complaint *c, const cJSON *doc, struct report *r)
{
    static const char *const outcomes[] = { "none", "confirmed", "rolled_back", "refused" };
    size_t outcome;

    if (!take_count(c, doc, "id", 1, &r->id) || !take_word(c, doc, "outcome", outcomes, COUNT(outcomes), &outcome) ||
        !take_cause(c, doc, r))
        return false;
    (void)snprintf(r->outcome, sizeof r->outcome, "%s", outcomes[outcome]);
    return take_count(c, doc, "seq", 0, &r->seq) && take_digest(c, doc, "deployment", true, r->deployment) &&
           take_number(c, doc, "time", -NUMBER_MAX, &r->last_s) && take_count(c, doc, "count", 1, &r->count) &&
           take_text(c, doc, "version", true, r->version, sizeof r->version) &&
           take_text(c, doc, "running", true, r->running, sizeof r->running) &&
           take_text(c, doc, "device", true, r->device, sizeof r->device) &&
           take_text(c, doc, "product", true, r->product, sizeof r->product) &&
           take_text(c, doc, "group", true, r->group, sizeof r->group);
}

/* A report without "event" is one of a device that does not tell more than its outcome: it was planned when it went well. */
static bool guess_event(struct report *r)
{
    bool good = strcmp(r->outcome, "confirmed") == 0;

    (void)snprintf(r->event, sizeof r->event, "update-%.100s", r->outcome);
    (void)snprintf(r->category, sizeof r->category, "%s", good ? "update" : r->cause);
    r->type = good ? REPORT_PLANNED : REPORT_UNPLANNED;
    r->first_s = r->last_s;
    return true;
}

static bool take_event(const struct complaint *c, const cJSON *doc, struct report *r)
{
    static const char *const types[] = { "planned", "unplanned" }, *const classes[] = { "os", "application" };
    size_t type = 0, class = 0;

    if (!cJSON_HasObjectItem(doc, "event"))
        return guess_event(r);
    if (!take_text(c, doc, "event", true, r->event, sizeof r->event) || !take_word(c, doc, "type", types, COUNT(types), &type) ||
        !take_word(c, doc, "class", classes, COUNT(classes), &class) ||
        !take_text(c, doc, "category", true, r->category, sizeof r->category) ||
        !take_number(c, doc, "first", -NUMBER_MAX, &r->first_s) || !take_count(c, doc, "boot", 0, &r->boot))
        return false;
    r->type = (enum report_type)type;
    r->class = (enum report_class) class;
    return take_text(c, doc, "component", true, r->component, sizeof r->component) &&
           take_digest(c, doc, "image", false, r->image);
}

/* A member that is there twice means two things to two readers. Reports are two levels deep. */
static bool no_twins(const struct complaint *c, const cJSON *obj)
{
    const cJSON *x, *y;

    cJSON_ArrayForEach(x, obj)
    {
        for (y = x->next; y != NULL; y = y->next)
            if (strcmp(x->string, y->string) == 0)
                return wrong(c, x->string, "appears twice");
    }
    return true;
}

static bool take(const struct complaint *c, const cJSON *doc, struct report *r)
{
    if (!cJSON_IsObject(doc))
        return wrong(c, "file", "is not a JSON object");
    const cJSON *cause = cJSON_GetObjectItemCaseSensitive(doc, "cause");
    return no_twins(c, doc) && (!cJSON_IsObject(cause) || no_twins(c, cause)) && take_basics(c, doc, r) && take_event(c, doc, r);
}

bool report_parse(const char *text, size_t len, struct report *out, char *why, size_t why_cap)
{
    const struct complaint c = { why, why_cap };
    const char *end = NULL;

    memset(out, 0, sizeof *out);
    if (memchr(text, '\0', len) != NULL)
        return wrong(&c, "file", "holds a NUL");
    cJSON *doc = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    bool ok = doc != NULL;
    for (; ok && end < text + len; end++)
        ok = strchr(" \t\r\n", *end) != NULL;
    ok = ok ? take(&c, doc, out) : wrong(&c, "file", len == 0 ? "is empty" : "is not JSON");
    cJSON_Delete(doc);
    return ok;
}
