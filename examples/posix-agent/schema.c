/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Largest integer that a JSON number (a double) holds exactly. */
#define INTEGER_MAX 9007199254740992.0

/* Where the reader is, and where it tells its complaint. */
struct reader {
    struct schema_fault *fault;
    char path[sizeof((struct schema_fault *)0)->where];
};

static bool read_object(struct reader *r, const struct schema *s, const cJSON *object, void *out);

bool schema_fail(struct schema_fault *fault, const char *where, const char *what)
{
    (void)snprintf(fault->where, sizeof fault->where, "%s", where);
    (void)snprintf(fault->what, sizeof fault->what, "%s", what);
    return false;
}

static bool fail(struct reader *r, const char *what)
{
    return schema_fail(r->fault, r->path, what);
}

static bool fail_range(struct reader *r, const char *what, const struct schema_field *f)
{
    char text[sizeof r->fault->what];

    (void)snprintf(text, sizeof text, "must be %s %" PRIu64 " to %" PRIu64, what, f->min, f->max);
    return fail(r, text);
}

/* The path is a stack kept in one text: push appends, pop cuts back to the length that push gave. */
static size_t push_key(struct reader *r, const char *key)
{
    size_t mark = strlen(r->path);

    (void)snprintf(r->path + mark, sizeof r->path - mark, "%s%.64s", mark ? "." : "", key);
    return mark;
}

static size_t push_index(struct reader *r, size_t index)
{
    size_t mark = strlen(r->path);

    (void)snprintf(r->path + mark, sizeof r->path - mark, "[%zu]", index);
    return mark;
}

static void pop(struct reader *r, size_t mark)
{
    r->path[mark] = '\0';
}

static bool read_text(struct reader *r, const struct schema_field *f, const cJSON *item, char *out)
{
    const char *text = cJSON_GetStringValue(item);
    size_t len;

    if (!text)
        return fail(r, "must be a string");
    len = strlen(text);
    if (len < f->min || len > f->max)
        return fail_range(r, "a string of length", f);
    memcpy(out + f->at, &text, sizeof text);
    return true;
}

static void put_uint(char *out, size_t size, uint64_t v)
{
    uint8_t v8 = (uint8_t)v;
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;

    switch (size) {
    case 1: memcpy(out, &v8, size); break;
    case 2: memcpy(out, &v16, size); break;
    case 4: memcpy(out, &v32, size); break;
    default: memcpy(out, &v, size); break;
    }
}

static bool read_uint(struct reader *r, const struct schema_field *f, const cJSON *item, char *out)
{
    double d = cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : -1;

    if (!(d >= 0 && d <= INTEGER_MAX) || (double)(uint64_t)d != d || (uint64_t)d < f->min || (uint64_t)d > f->max)
        return fail_range(r, "an integer of", f);
    put_uint(out + f->at, f->size, (uint64_t)d);
    return true;
}

static bool read_bool(struct reader *r, const struct schema_field *f, const cJSON *item, char *out)
{
    bool v = cJSON_IsTrue(item);

    if (!cJSON_IsBool(item))
        return fail(r, "must be true or false");
    memcpy(out + f->at, &v, sizeof v);
    return true;
}

static bool is_array(struct reader *r, const struct schema_field *f, const cJSON *item)
{
    int n;

    if (!cJSON_IsArray(item))
        return fail(r, "must be an array");
    n = cJSON_GetArraySize(item);
    return (uint64_t)n >= f->min && (uint64_t)n <= f->max ? true : fail_range(r, "an array of", f);
}

static bool read_texts(struct reader *r, const struct schema_field *f, const cJSON *item, char *out)
{
    struct schema_field element = { .min = 1, .max = 4095, .at = f->at };
    const cJSON *child;
    size_t i = 0;

    if (!is_array(r, f, item))
        return false;
    cJSON_ArrayForEach(child, item) {
        size_t mark = push_index(r, i++);

        if (!read_text(r, &element, child, out))
            return false;
        element.at += sizeof(const char *);
        pop(r, mark);
    }
    return true;
}

static bool read_objects(struct reader *r, const struct schema_field *f, const cJSON *item, char *out)
{
    const cJSON *child;
    size_t i = 0;

    if (!is_array(r, f, item))
        return false;
    cJSON_ArrayForEach(child, item) {
        size_t mark = push_index(r, i);

        if (!read_object(r, f->of, child, out + f->at + i * f->size))
            return false;
        i++;
        pop(r, mark);
    }
    memcpy(out + f->count_at, &i, sizeof i);
    return true;
}

static bool read_member(struct reader *r, const struct schema_field *f, const cJSON *item, char *out)
{
    switch (f->kind) {
    case SCHEMA_TEXT: return read_text(r, f, item, out);
    case SCHEMA_UINT: return read_uint(r, f, item, out);
    case SCHEMA_BOOL: return read_bool(r, f, item, out);
    case SCHEMA_TEXTS: return read_texts(r, f, item, out);
    case SCHEMA_OBJECTS: return read_objects(r, f, item, out);
    case SCHEMA_OBJECT: break;
    }
    return read_object(r, f->of, item, out + f->at);
}

static const struct schema_field *find(const struct schema *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->field[i].key, key) == 0)
            return &s->field[i];
    return NULL;
}

static bool all_there(struct reader *r, const struct schema *s, uint32_t seen)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->field[i].required && !(seen & (1u << i))) {
            (void)push_key(r, s->field[i].key);
            return fail(r, "is missing");
        }
    }
    return true;
}

/* The depth of this recursion is that of the tables, whatever the document looks like. */
static bool read_object(struct reader *r, const struct schema *s, const cJSON *object, void *out)
{
    uint32_t seen = 0;
    const cJSON *child;

    if (!cJSON_IsObject(object))
        return fail(r, "must be an object");
    cJSON_ArrayForEach(child, object) {
        size_t mark = push_key(r, child->string);
        const struct schema_field *f = find(s, child->string);
        uint32_t bit = f ? 1u << (f - s->field) : 0;

        if (!f)
            return fail(r, "is not a known key");
        if (seen & bit)
            return fail(r, "appears twice");
        if (!read_member(r, f, child, out))
            return false;
        seen |= bit;
        pop(r, mark);
    }
    return all_there(r, s, seen);
}

bool schema_read(const struct schema *s, const cJSON *object, void *out, struct schema_fault *fault)
{
    struct reader r = { .fault = fault };

    return read_object(&r, s, object, out);
}
