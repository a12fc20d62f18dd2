/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table says what every member of every answer is. What it does not name is skipped, whatever it holds; what it
 * names must have the right kind and come once. A link's host is never looked at: only the action's id and its change
 * mark are taken out of it, and the next request goes to the configured server.
 */
#include "hawkbit_answer.h"

#include <string.h>

#include "encode.h"

/* What a value is. The order of NONE and ROOT matters: a zeroed level is one that is skipped. */
enum node {
    NONE,
    ROOT,
    CONFIG,
    POLLING,
    SLEEP,
    LINKS,
    DEPLOYMENT_LINK,
    CONFIRMATION_LINK,
    CANCEL_LINK,
    INSTALLED_LINK,
    ATTRIBUTES_LINK,
    DEPLOYMENT_HREF,
    CONFIRMATION_HREF,
    CANCEL_HREF,
    INSTALLED_HREF,
    ID,
    DEPLOYMENT,
    DOWNLOAD,
    UPDATE,
    WINDOW,
    CHUNK,
    ARTEFACT,
    FILENAME,
    META,
    KEY,
    META_VALUE,
    CANCEL,
    STOP_ID,
    HISTORY,
    STATUS,
    MESSAGE
};

enum { OBJECT = 1, ARRAY = 2, TEXT = 4, NUMBER = 8 };

struct row {
    uint8_t parent, node, kinds;
    const char *name;
};

static const struct row rows[] = {
    { ROOT, CONFIG, OBJECT, "config" },
    { CONFIG, POLLING, OBJECT, "polling" },
    { POLLING, SLEEP, TEXT, "sleep" },
    { ROOT, LINKS, OBJECT, "_links" },
    { LINKS, DEPLOYMENT_LINK, OBJECT, "deploymentBase" },
    { LINKS, CONFIRMATION_LINK, OBJECT, "confirmationBase" },
    { LINKS, CANCEL_LINK, OBJECT, "cancelAction" },
    { LINKS, INSTALLED_LINK, OBJECT, "installedBase" },
    { LINKS, ATTRIBUTES_LINK, OBJECT, "configData" },
    { DEPLOYMENT_LINK, DEPLOYMENT_HREF, TEXT, "href" },
    { CONFIRMATION_LINK, CONFIRMATION_HREF, TEXT, "href" },
    { CANCEL_LINK, CANCEL_HREF, TEXT, "href" },
    { INSTALLED_LINK, INSTALLED_HREF, TEXT, "href" },
    { ROOT, ID, TEXT | NUMBER, "id" },
    { ROOT, DEPLOYMENT, OBJECT, "deployment" },
    { ROOT, DEPLOYMENT, OBJECT, "confirmation" },
    { DEPLOYMENT, DOWNLOAD, TEXT, "download" },
    { DEPLOYMENT, UPDATE, TEXT, "update" },
    { DEPLOYMENT, WINDOW, TEXT, "maintenanceWindow" },
    { DEPLOYMENT, CHUNK, ARRAY, "chunks" },
    { CHUNK, ARTEFACT, ARRAY, "artifacts" },
    { ARTEFACT, FILENAME, TEXT, "filename" },
    { CHUNK, META, ARRAY, "metadata" },
    { META, KEY, TEXT, "key" },
    { META, META_VALUE, TEXT, "value" },
    { ROOT, CANCEL, OBJECT, "cancelAction" },
    { CANCEL, STOP_ID, TEXT | NUMBER, "stopId" },
    { ROOT, HISTORY, OBJECT, "actionHistory" },
    { HISTORY, STATUS, TEXT, "status" },
    { HISTORY, MESSAGE, ARRAY, "messages" },
};
#define ROWS (sizeof rows / sizeof rows[0])
#define NO_ROW UINT8_MAX

/* Metadata that mean something here. */
enum { OTHER_KEY, SEQ_KEY, DIGEST_KEY };

static const char seq_file[] = "ota-seq-";

/* ---- texts ---- */

/* The decimal number at *text, moved behind it; false: none, or larger than max. */
static bool number(const char **text, uint64_t max, uint64_t *out)
{
    const char *s = *text;
    uint64_t v = 0;

    for (; *s >= '0' && *s <= '9'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');

        if (v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    bool any = s > *text;
    *text = s;
    *out = v;
    return any;
}

/* Two digits below `limit`. */
static bool two(const char *s, uint32_t limit, uint32_t *out)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *out = (uint32_t)(s[0] - '0') * 10u + (uint32_t)(s[1] - '0');
    return *out < limit;
}

static bool clock_form(const char *t, uint32_t *out)
{
    uint32_t h, m, s;

    if (strlen(t) != 8 || t[2] != ':' || t[5] != ':' || !two(t, 100, &h) || !two(t + 3, 60, &m) || !two(t + 6, 60, &s))
        return false;
    *out = h * 3600u + m * 60u + s;
    return true;
}

/* Fraction digits behind the seconds, of which none counts. */
static const char *skip_fraction(const char *t)
{
    uint64_t none;

    if (*t != '.')
        return t;
    t++;
    return number(&t, UINT64_MAX, &none) ? t : "?";
}

/* P[nD][T[nH][nM][n[.f]S]], at least one of them, in this order. */
static bool iso_form(const char *t, uint32_t *out)
{
    static const struct {
        char letter;
        uint32_t seconds;
    } units[] = { { 'D', 86400 }, { 'H', 3600 }, { 'M', 60 }, { 'S', 1 } };
    uint64_t sum = 0, n;
    bool any = false, time = false;

    if (*t++ != 'P')
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (i == 1 && *t == 'T') {
            time = true;
            t++;
        }
        const char *at = t;
        if ((i > 0 && !time) || !number(&t, 1000000000u, &n))
            continue;
        t = i == 3 ? skip_fraction(t) : t;
        if (*t != units[i].letter) {
            t = at;
            continue;
        }
        t++;
        sum += n * units[i].seconds;
        any = true;
    }
    *out = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
    return any && *t == '\0' && !(time && t[-1] == 'T');
}

bool otai_hb_seconds(const char *text, uint32_t *out)
{
    return clock_form(text, out) || iso_form(text, out);
}

static bool id_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* An id goes into URLs and records as it is. */
static bool take_id(const char *text, size_t len, char out[OTAI_HB_ID_MAX])
{
    if (len == 0 || len >= OTAI_HB_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!id_char(text[i]))
            return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* ".../deploymentBase/8?c=-2127183556&actionHistory=3": the last such step of the path counts, a tenant may have its name. */
static bool take_link(const char *href, const char *step, struct otai_hb_link *out)
{
    const char *id = NULL, *query = strchr(href, '?');
    size_t path = query ? (size_t)(query - href) : strlen(href), n = strlen(step);

    for (size_t i = 0; i + n <= path; i++)
        if (memcmp(href + i, step, n) == 0)
            id = href + i + n;
    if (!id || !take_id(id, path - (size_t)(id - href), out->id))
        return false;
    while (query) {
        const char *param = query + 1;
        size_t len = strcspn(param, "&");

        if (len > 2 && param[0] == 'c' && param[1] == '=')
            return take_id(param + 2, len - 2, out->mark);
        query = strchr(param, '&');
    }
    return true;
}

/* ---- values ---- */

static ota_err take_mode(const char *text, uint8_t *out)
{
    static const char *const modes[] = { "skip", "attempt", "forced" };

    for (uint8_t i = 0; i < 3; i++)
        if (strcmp(text, modes[i]) == 0) {
            *out = i;
            return OTA_OK;
        }
    return OTA_REJECT_VALUE;
}

static ota_err take_window(const char *text, uint8_t *out)
{
    bool open = strcmp(text, "available") == 0;

    if (!open && strcmp(text, "unavailable") != 0)
        return OTA_REJECT_VALUE;
    *out = open ? OTAI_HB_WINDOW_OPEN : OTAI_HB_WINDOW_CLOSED;
    return OTA_OK;
}

/* A set of several modules may say it several times, but not differently. */
static ota_err take_seq(struct otai_hb_answer *a, const char *text, bool whole)
{
    uint64_t seq;

    if (!number(&text, UINT64_MAX, &seq) || seq == 0 || (whole && *text) || (a->has_seq && a->seq != seq))
        return OTA_REJECT_VALUE;
    a->seq = seq;
    a->has_seq = true;
    return OTA_OK;
}

static ota_err take_digest(struct otai_hb_answer *a, const char *text)
{
    uint8_t digest[OTA_SHA256_LEN];
    const struct otai_span span = { (const uint8_t *)text, strlen(text) };

    if (span.len != 2 * sizeof digest || !otai_hex_decode(span, digest, OTAI_HEX_LOWER) ||
        (a->has_digest && memcmp(a->digest, digest, sizeof digest) != 0))
        return OTA_REJECT_VALUE;
    memcpy(a->digest, digest, sizeof digest);
    a->has_digest = true;
    return OTA_OK;
}

static ota_err take_metadata(struct otai_hb_reader *r)
{
    r->at = r->key == SEQ_KEY ? "ota.seq" : "ota.deployment";
    if (r->key == OTHER_KEY)
        return OTA_OK;
    if (r->value_cut)
        return OTA_REJECT_LIMIT;
    return r->key == SEQ_KEY ? take_seq(&r->answer, r->value, true) : take_digest(&r->answer, r->value);
}

static uint8_t key_of(const char *text)
{
    return strcmp(text, "ota.seq") == 0 ? SEQ_KEY : strcmp(text, "ota.deployment") == 0 ? DIGEST_KEY : OTHER_KEY;
}

static uint8_t status_of(const char *text)
{
    static const char *const words[] = {
        [OTAI_HB_FINISHED] = "FINISHED",     [OTAI_HB_ERROR] = "ERROR",
        [OTAI_HB_WARNING] = "WARNING",       [OTAI_HB_RUNNING] = "RUNNING",
        [OTAI_HB_CANCELED] = "CANCELED",     [OTAI_HB_CANCELING] = "CANCELING",
        [OTAI_HB_RETRIEVED] = "RETRIEVED",   [OTAI_HB_DOWNLOAD] = "DOWNLOAD",
        [OTAI_HB_SCHEDULED] = "SCHEDULED",   [OTAI_HB_CANCEL_REJECTED] = "CANCEL_REJECTED",
        [OTAI_HB_DOWNLOADED] = "DOWNLOADED", [OTAI_HB_WAIT_FOR_CONFIRMATION] = "WAIT_FOR_CONFIRMATION",
    };

    for (size_t i = OTAI_HB_FINISHED; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0)
            return (uint8_t)i;
    return OTAI_HB_OTHER_STATUS;
}

/* Servers may have more words, and whatever messages: what is not known is no reason to refuse a deployment. */
static ota_err take_history(struct otai_hb_history *history, const struct otai_push *p, enum node node)
{
    if (node == MESSAGE)
        history->entries++;
    else
        history->status = p->cut ? OTAI_HB_OTHER_STATUS : status_of(p->text);
    return OTA_OK;
}

/* Entries of metadata and names of artefacts are free text, of any length. */
static ota_err take_free(struct otai_hb_reader *r, const struct otai_push *p, enum node node)
{
    if (node == KEY)
        r->key = p->cut ? OTHER_KEY : key_of(p->text);
    else if (node == META_VALUE)
        r->value_cut = p->cut || !otai_copy(r->value, sizeof r->value, p->text);
    else if (strncmp(p->text, seq_file, sizeof seq_file - 1) == 0)
        return take_seq(&r->answer, p->text + sizeof seq_file - 1, false);
    return OTA_OK;
}

static ota_err take_href(struct otai_hb_answer *a, const char *href, enum node node)
{
    bool ok = false;

    if (node == DEPLOYMENT_HREF)
        ok = take_link(href, "/deploymentBase/", &a->deployment);
    if (node == CONFIRMATION_HREF)
        ok = take_link(href, "/confirmationBase/", &a->confirmation);
    if (node == CANCEL_HREF)
        ok = take_link(href, "/cancelAction/", &a->cancel);
    if (node == INSTALLED_HREF)
        ok = take_link(href, "/installedBase/", &a->installed);
    return ok ? OTA_OK : OTA_REJECT_VALUE;
}

static ota_err take_scalar(struct otai_hb_reader *r, const struct otai_push *p, enum node node)
{
    struct otai_hb_answer *a = &r->answer;

    if (node == KEY || node == META_VALUE || node == FILENAME)
        return take_free(r, p, node);
    if (node == STATUS || node == MESSAGE)
        return take_history(&a->history, p, node);
    if (p->cut)
        return OTA_REJECT_LIMIT;
    switch (node) {
    case SLEEP:
        return otai_hb_seconds(p->text, &a->sleep_s) ? OTA_OK : OTA_REJECT_VALUE;
    case ID:
        return take_id(p->text, p->len, a->id) ? OTA_OK : OTA_REJECT_VALUE;
    case STOP_ID:
        return take_id(p->text, p->len, a->stop_id) ? OTA_OK : OTA_REJECT_VALUE;
    case DOWNLOAD:
        a->has_download = true;
        return take_mode(p->text, &a->download);
    case UPDATE:
        a->has_update = true;
        return take_mode(p->text, &a->update);
    case WINDOW:
        return take_window(p->text, &a->window);
    default:
        return take_href(a, p->text, node);
    }
}

/* ---- the walk ---- */

static uint8_t find(uint8_t parent, const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].parent == parent && strcmp(rows[i].name, name) == 0)
            return (uint8_t)i;
    return NO_ROW;
}

static ota_err name(struct otai_hb_reader *r, const struct otai_push *p)
{
    uint8_t row = p->cut ? NO_ROW : find(r->node[p->depth], p->text);

    r->next = NONE;
    r->row = row;
    if (row == NO_ROW)
        return OTA_OK;
    r->at = rows[row].name;
    if (r->seen[p->depth] >> row & 1u)
        return OTA_REJECT_DUPLICATE;
    r->seen[p->depth] |= 1u << row;
    r->next = rows[row].node;
    return OTA_OK;
}

/* What is the value that begins now, inside level `depth`? */
static enum node value_node(const struct otai_hb_reader *r, const struct otai_push *p, uint8_t depth)
{
    bool element = depth > 0 && !(p->objects >> (depth - 1u) & 1u);

    if (depth == 0)
        return ROOT;
    return element ? (enum node)r->node[depth] : (enum node)r->next;
}

/* The elements of a known array are objects, but for messages; other known values have the kinds of their row. */
static bool kind_ok(const struct otai_hb_reader *r, const struct otai_push *p, uint8_t depth, uint8_t kind)
{
    if (depth == 0 || !(p->objects >> (depth - 1u) & 1u))
        return kind == (r->node[depth] == MESSAGE ? TEXT : OBJECT);
    return (rows[r->row].kinds & kind) != 0;
}

static ota_err enter(struct otai_hb_reader *r, const struct otai_push *p, uint8_t kind)
{
    uint8_t outside = (uint8_t)(p->depth - 1);
    enum node node = value_node(r, p, outside);

    if (node != NONE && !kind_ok(r, p, outside, kind))
        return OTA_REJECT_TYPE;
    r->node[p->depth] = (uint8_t)node;
    r->seen[p->depth] = 0;
    if (node == ATTRIBUTES_LINK)
        r->answer.wants_attributes = true;
    if (node == HISTORY)
        r->answer.history.said = true;
    if (node == META && kind == OBJECT) {
        r->key = OTHER_KEY;
        r->value[0] = '\0';
        r->value_cut = false;
    }
    return OTA_OK;
}

static ota_err scalar(struct otai_hb_reader *r, const struct otai_push *p, uint8_t kind)
{
    enum node node = value_node(r, p, p->depth);

    if (node == NONE)
        return OTA_OK;
    if (!kind_ok(r, p, p->depth, kind))
        return OTA_REJECT_TYPE;
    return take_scalar(r, p, node);
}

static ota_err take_event(void *to, const struct otai_push *p, enum otai_push_event ev)
{
    struct otai_hb_reader *r = to;

    switch (ev) {
    case OTAI_PUSH_OBJECT:
        return enter(r, p, OBJECT);
    case OTAI_PUSH_ARRAY:
        return enter(r, p, ARRAY);
    case OTAI_PUSH_NAME:
        return name(r, p);
    case OTAI_PUSH_STRING:
        return scalar(r, p, TEXT);
    case OTAI_PUSH_NUMBER:
        return scalar(r, p, NUMBER);
    case OTAI_PUSH_BOOL:
        return scalar(r, p, 0);
    case OTAI_PUSH_NULL:
        return p->depth && (p->objects >> (p->depth - 1u) & 1u) ? OTA_OK : scalar(r, p, 0); /* a member that is null is absent */
    case OTAI_PUSH_OBJECT_END:
        return r->node[p->depth + 1] == META ? take_metadata(r) : OTA_OK;
    case OTAI_PUSH_ARRAY_END:
        break;
    }
    return OTA_OK;
}

void otai_hb_reader_init(struct otai_hb_reader *r)
{
    memset(r, 0, sizeof *r);
    otai_push_init(&r->push);
}

ota_err otai_hb_reader_bytes(struct otai_hb_reader *r, const uint8_t *bytes, size_t len)
{
    return otai_push_bytes(&r->push, bytes, len, take_event, r);
}

ota_err otai_hb_reader_end(struct otai_hb_reader *r)
{
    return otai_push_end(&r->push);
}
