/* SPDX-License-Identifier: Apache-2.0 */
/* The reader: structure, duplicate members, scalars, errors and their place. */
#include "json_text.h"

#include <string.h>

void otai_json_init(struct otai_json *j, const void *text, size_t len)
{
    j->p = text;
    j->len = (uint32_t)len;
    j->pos = 0;
    j->err = OTA_OK;
    j->at = NULL;
    j->depth = 0;
    if (len >= UINT32_MAX)
        otai_json_fail(j, OTA_REJECT_LIMIT, NULL);
}

void otai_json_fail(struct otai_json *j, ota_err err, const char *at)
{
    if (j->err != OTA_OK)
        return;
    j->err = err;
    j->at = at;
}

void otai_json_need(struct otai_json *j, bool present, const char *name)
{
    if (!present)
        otai_json_fail(j, OTA_REJECT_MISSING, name);
}

static bool wrong(struct otai_json *j, ota_err err)
{
    otai_json_fail(j, err, NULL);
    return false;
}

/* The next byte that is not white space; 0 at the end of the text. */
static uint8_t next_byte(struct otai_json *j)
{
    for (; j->pos < j->len; j->pos++) {
        uint8_t c = j->p[j->pos];

        if (c > ' ' || !(c == ' ' || 0x2600u >> c & 1)) /* bits of tab, line feed, carriage return */
            return c;
    }
    return 0;
}

enum otai_json_kind otai_json_peek(struct otai_json *j)
{
    uint8_t c = j->err == OTA_OK ? next_byte(j) : 0;

    switch (c) {
    case '{':
        return OTAI_JSON_OBJECT;
    case '[':
        return OTAI_JSON_ARRAY;
    case '"':
        return OTAI_JSON_STRING;
    case 't':
    case 'f':
        return OTAI_JSON_BOOL;
    case 'n':
        return OTAI_JSON_NULL;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? OTAI_JSON_NUMBER : OTAI_JSON_NONE;
    }
}

/* Stand before a value of this kind, or latch why not. */
static bool want(struct otai_json *j, enum otai_json_kind kind)
{
    enum otai_json_kind found = otai_json_peek(j);

    if (found == kind)
        return true;
    return wrong(j, found == OTAI_JSON_NONE ? OTA_REJECT_SYNTAX : OTA_REJECT_TYPE);
}

static void open_level(struct otai_json *j, enum otai_json_kind kind)
{
    if (!want(j, kind))
        return;
    if (j->depth == OTAI_JSON_DEPTH) {
        wrong(j, OTA_REJECT_LIMIT);
        return;
    }
    struct otai_json_level *l = &j->level[j->depth++];
    memset(l, 0, sizeof *l);
    l->first = ++j->pos;
    l->object = kind == OTAI_JSON_OBJECT;
}

void otai_json_object(struct otai_json *j)
{
    open_level(j, OTAI_JSON_OBJECT);
}

void otai_json_array(struct otai_json *j)
{
    open_level(j, OTAI_JSON_ARRAY);
}

/* Pass the comma before the next item; false when the level closed. */
static bool next_item(struct otai_json *j, uint8_t closer)
{
    if (j->err != OTA_OK)
        return false;
    if (j->depth == 0)
        return wrong(j, OTA_REJECT_SYNTAX);
    struct otai_json_level *l = &j->level[j->depth - 1];
    uint8_t c = next_byte(j);
    if (c == closer) {
        j->pos++;
        j->depth--;
        return false;
    }
    if (l->count > 0) {
        if (c != ',')
            return wrong(j, OTA_REJECT_SYNTAX);
        j->pos++;
    }
    if (l->count < UINT16_MAX)
        l->count++;
    return true;
}

/* Take a string, checking every character. */
struct otai_span otai_json_string_raw(struct otai_json *j)
{
    const struct otai_span nothing = { NULL, 0 };

    if (!want(j, OTAI_JSON_STRING))
        return nothing;
    size_t pos = ++j->pos;
    while (pos < j->len && j->p[pos] != '"') {
        uint32_t cp;

        /* Nearly all characters are one byte that stands for itself. */
        if (j->p[pos] >= ' ' && j->p[pos] < 0x80 && j->p[pos] != '\\') {
            pos++;
            continue;
        }
        if (!otai_json_char(j->p, j->len, &pos, &cp)) {
            wrong(j, OTA_REJECT_SYNTAX);
            return nothing;
        }
    }
    struct otai_span s = { j->p + j->pos, pos - j->pos };
    if (pos == j->len) {
        wrong(j, OTA_REJECT_SYNTAX);
        return nothing;
    }
    j->pos = (uint32_t)pos + 1;
    return s;
}

/* Is the name one that an earlier member of the open object has? Names in order need one comparison each; only when
 * they are not are all earlier ones looked at, which is why their number is bounded. */
static ota_err check_name(struct otai_json *j, struct otai_json_level *l, struct otai_span name)
{
    if (l->count == 1)
        return OTA_OK;
    int order = otai_json_order(otai_json_inside(j, l->name), name);
    if (order == 0)
        return OTA_REJECT_DUPLICATE;
    l->unsorted |= order > 0;
    if (!l->unsorted)
        return OTA_OK;
    if (l->count > OTAI_JSON_UNSORTED)
        return OTA_REJECT_LIMIT;
    for (uint32_t at = otai_json_gap(j, l->first); j->p + at + 1 < name.p; at = otai_json_gap(j, at)) {
        struct otai_span earlier = otai_json_inside(j, at + 1);

        if (otai_json_order(earlier, name) == 0)
            return OTA_REJECT_DUPLICATE;
        at = otai_json_after(j, otai_json_gap(j, at + (uint32_t)earlier.len + 2));
    }
    return OTA_OK;
}

bool otai_json_member(struct otai_json *j)
{
    if (!next_item(j, '}'))
        return false;
    struct otai_json_level *l = &j->level[j->depth - 1];
    if (next_byte(j) != '"')
        return wrong(j, OTA_REJECT_SYNTAX);
    struct otai_span name = otai_json_string_raw(j);
    if (j->err != OTA_OK)
        return false;
    ota_err err = check_name(j, l, name);
    l->name = (uint32_t)(name.p - j->p);
    if (err != OTA_OK)
        return wrong(j, err);
    if (next_byte(j) != ':')
        return wrong(j, OTA_REJECT_SYNTAX);
    j->pos++;
    return true;
}

bool otai_json_element(struct otai_json *j)
{
    return next_item(j, ']');
}

struct otai_span otai_json_name_raw(const struct otai_json *j)
{
    if (j->err != OTA_OK || j->depth == 0 || !j->level[j->depth - 1].object)
        return (struct otai_span){ NULL, 0 };
    return otai_json_inside(j, j->level[j->depth - 1].name);
}

bool otai_json_name_is(const struct otai_json *j, const char *name)
{
    return otai_json_raw_is(otai_json_name_raw(j), name);
}

bool otai_json_name(const struct otai_json *j, char *out, size_t cap)
{
    return otai_json_raw_copy(otai_json_name_raw(j), out, cap);
}

/* An integer without leading zeros. What follows it is judged by who reads on. */
static struct otai_span take_number(struct otai_json *j)
{
    uint32_t start = j->pos, digit = start + (j->p[start] == '-');

    j->pos = digit;
    while (j->pos < j->len && j->p[j->pos] >= '0' && j->p[j->pos] <= '9')
        j->pos++;
    if (j->pos == digit || (j->p[digit] == '0' && j->pos > start + 1) ||
        (j->pos < j->len && strchr(".eE", j->p[j->pos]) && j->p[j->pos]))
        wrong(j, OTA_REJECT_SYNTAX);
    return (struct otai_span){ j->p + start, j->pos - start };
}

static bool take_word(struct otai_json *j, const char *word)
{
    size_t len = strlen(word);

    if (j->len - j->pos < len || memcmp(j->p + j->pos, word, len) != 0)
        return wrong(j, OTA_REJECT_SYNTAX);
    j->pos += (uint32_t)len;
    return true;
}

bool otai_json_bool(struct otai_json *j)
{
    if (!want(j, OTAI_JSON_BOOL))
        return false;
    bool yes = j->p[j->pos] == 't';
    return take_word(j, yes ? "true" : "false") && yes;
}

void otai_json_null(struct otai_json *j)
{
    if (want(j, OTAI_JSON_NULL))
        (void)take_word(j, "null");
}

uint64_t otai_json_u64(struct otai_json *j, uint64_t min, uint64_t max)
{
    uint64_t v = 0;

    if (!want(j, OTAI_JSON_NUMBER))
        return 0;
    struct otai_span s = take_number(j);
    bool fits = s.p[0] != '-';
    for (size_t i = 0; i < s.len && fits; i++) {
        uint64_t digit = (uint64_t)(s.p[i] - '0');

        fits = v <= (UINT64_MAX - digit) / 10;
        v = v * 10 + digit;
    }
    if (!fits || v < min || v > max)
        wrong(j, OTA_REJECT_VALUE);
    return j->err == OTA_OK ? v : 0;
}

/* Take one scalar, or enter one object or array. */
static void step_into(struct otai_json *j)
{
    switch (otai_json_peek(j)) {
    case OTAI_JSON_OBJECT:
        otai_json_object(j);
        break;
    case OTAI_JSON_ARRAY:
        otai_json_array(j);
        break;
    case OTAI_JSON_STRING:
        (void)otai_json_string_raw(j);
        break;
    case OTAI_JSON_NUMBER:
        (void)take_number(j);
        break;
    case OTAI_JSON_BOOL:
        (void)otai_json_bool(j);
        break;
    case OTAI_JSON_NULL:
        otai_json_null(j);
        break;
    default:
        wrong(j, OTA_REJECT_SYNTAX);
    }
}

void otai_json_skip(struct otai_json *j)
{
    uint8_t depth = j->depth;

    do {
        step_into(j);
        while (j->err == OTA_OK && j->depth > depth &&
               !(j->level[j->depth - 1].object ? otai_json_member(j) : otai_json_element(j)))
            continue;
    } while (j->err == OTA_OK && j->depth > depth);
}

struct otai_span otai_json_value(struct otai_json *j)
{
    (void)next_byte(j);
    uint32_t start = j->pos;
    otai_json_skip(j);
    if (j->err != OTA_OK)
        return (struct otai_span){ NULL, 0 };
    return (struct otai_span){ j->p + start, j->pos - start };
}

void otai_json_end(struct otai_json *j)
{
    (void)next_byte(j);
    if (j->pos != j->len || j->depth != 0)
        wrong(j, OTA_REJECT_SYNTAX);
}

/* The next part of a place. What does not fit is left out, together with all that follows. */
static void place_add(struct otai_text *t, const void *part, size_t len)
{
    bool dot = t->len && t->p[t->len - 1] != ' ';

    if (dot && len + 1 < t->cap - t->len)
        otai_text_add(t, ".");
    otai_text_bytes(t, part, len);
}

/* ".member" or "[index]"; nothing before the first one. */
static void place_add_level(struct otai_text *t, const struct otai_json *j, const struct otai_json_level *l)
{
    if (l->object && l->name) {
        struct otai_span name = otai_json_inside(j, l->name);
        place_add(t, name.p, name.len);
    }
    if (!l->object && l->count) {
        otai_text_add(t, "[");
        otai_text_u64(t, l->count - 1u);
        otai_text_add(t, "]");
    }
}

ota_err otai_json_fault(const struct otai_json *j, const char *document, struct ota_fault *fault)
{
    char place[OTA_FAULT_WHERE_MAX];
    struct otai_text t;

    if (j->err == OTA_OK)
        return OTA_OK;
    otai_text_init(&t, place, sizeof place);
    otai_text_add(&t, document);
    for (uint8_t i = 0; i < j->depth; i++)
        place_add_level(&t, j, &j->level[i]);
    if (j->at)
        place_add(&t, j->at, strlen(j->at));
    return ota_fault_set(fault, j->err, place, 0);
}
