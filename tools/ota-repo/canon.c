/* SPDX-License-Identifier: Apache-2.0 */
#include "canon.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32

struct writer {
    struct tool *t;
    enum json_form form;
    char *text;
    size_t len, cap;
};

static void put(struct writer *w, const char *p, size_t len)
{
    if (w->len + len + 1 > w->cap) {
        size_t cap = 2 * (w->cap + len) + 64;
        char *bigger = tool_alloc(w->t, cap);
        if (w->len > 0)
            memcpy(bigger, w->text, w->len);
        w->text = bigger;
        w->cap = cap;
    }
    memcpy(w->text + w->len, p, len);
    w->len += len;
    w->text[w->len] = '\0';
}

static void put_char(struct writer *w, char c)
{
    char escaped[8];

    if (c == '"' || c == '\\') {
        (void)snprintf(escaped, sizeof escaped, "\\%c", c);
    } else if ((unsigned char)c < 0x20 && w->form == JSON_FILE) {
        if (c == '\n')
            (void)snprintf(escaped, sizeof escaped, "\\n");
        else
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)c);
    } else {
        escaped[0] = c;
        escaped[1] = '\0';
    }
    put(w, escaped, strlen(escaped));
}

static void put_string(struct writer *w, const char *s)
{
    put(w, "\"", 1);
    for (; *s != '\0'; s++)
        put_char(w, *s);
    put(w, "\"", 1);
}

static int by_name(const void *a, const void *b)
{
    const cJSON *const *left = a, *const *right = b;

    return strcmp((*left)->string, (*right)->string);
}

static const cJSON **sorted_members(struct tool *t, const cJSON *obj, size_t *count)
{
    const cJSON *item;

    *count = (size_t)cJSON_GetArraySize(obj);
    const cJSON **list = tool_alloc(t, (*count + 1) * sizeof *list);
    size_t i = 0;
    cJSON_ArrayForEach(item, obj)
        list[i++] = item;
    qsort(list, *count, sizeof *list, by_name);
    return list;
}

static void put_value(struct writer *w, const cJSON *value);

static void put_object(struct writer *w, const cJSON *obj)
{
    size_t count;
    const cJSON **list = sorted_members(w->t, obj, &count);

    put(w, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(w, ",", 1);
        put_string(w, list[i]->string);
        put(w, ":", 1);
        put_value(w, list[i]);
    }
    put(w, "}", 1);
}

static void put_array(struct writer *w, const cJSON *array)
{
    const cJSON *item;

    put(w, "[", 1);
    cJSON_ArrayForEach(item, array) {
        if (item->prev != NULL && item != array->child)
            put(w, ",", 1);
        put_value(w, item);
    }
    put(w, "]", 1);
}

static void put_number(struct writer *w, double value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)value); /* at most 2^53 either way */
    put(w, text, strlen(text));
}

static void put_value(struct writer *w, const cJSON *value)
{
    if (cJSON_IsObject(value))
        put_object(w, value);
    else if (cJSON_IsArray(value))
        put_array(w, value);
    else if (cJSON_IsString(value))
        put_string(w, value->valuestring);
    else if (cJSON_IsNumber(value))
        put_number(w, value->valuedouble);
    else if (cJSON_IsBool(value))
        put(w, cJSON_IsTrue(value) ? "true" : "false", cJSON_IsTrue(value) ? 4 : 5);
    else
        put(w, "null", 4);
}

char *json_print(struct tool *t, const cJSON *tree, enum json_form form, size_t *len)
{
    struct writer w = { .t = t, .form = form };

    put_value(&w, tree);
    if (len != NULL)
        *len = w.len;
    return w.text;
}

/* Why a tree is refused, or NULL. Sorting makes duplicates neighbours. */
static const char *tree_fault(struct tool *t, const cJSON *value, unsigned depth)
{
    const cJSON *item;

    if (depth > DEPTH_MAX)
        return "nested too deeply";
    if (cJSON_IsNumber(value) && !(value->valuedouble >= 0 && value->valuedouble <= JSON_INT_MAX &&
                                   value->valuedouble <= (double)(uint64_t)value->valuedouble))
        return "number is not a whole number in 0..2^53";
    if (cJSON_IsObject(value)) {
        size_t count;
        const cJSON **list = sorted_members(t, value, &count);
        for (size_t i = 1; i < count; i++)
            if (strcmp(list[i - 1]->string, list[i]->string) == 0)
                return tool_format(t, "\"%s\" appears twice", list[i]->string);
    }
    cJSON_ArrayForEach(item, value) {
        const char *fault = tree_fault(t, item, depth + 1);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

int json_parse(struct tool *t, const char *what, const char *text, size_t len, cJSON **out)
{
    const char *end = NULL;

    *out = NULL;
    if (memchr(text, '\0', len) != NULL || strstr(text, "\\u0000") != NULL)
        return tool_failed(t, "%s: has a NUL character", what);
    cJSON *tree = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (tree == NULL)
        return tool_failed(t, "%s: not JSON near byte %zu", what, end == NULL ? (size_t)0 : (size_t)(end - text));
    (void)tool_keep(t, tree);
    if (strspn(end, " \t\r\n") != (size_t)(text + len - end))
        return tool_failed(t, "%s: text after the document at byte %zu", what, (size_t)(end - text));
    const char *fault = tree_fault(t, tree, 0);
    if (fault != NULL)
        return tool_failed(t, "%s: %s", what, fault);
    *out = tree;
    return TOOL_OK;
}

int json_parse_own(struct tool *t, const char *what, const char *text, size_t len, cJSON **out)
{
    size_t printed_len;
    int rc = json_parse(t, what, text, len, out);

    if (rc != TOOL_OK)
        return rc;
    const char *printed = json_print(t, *out, JSON_FILE, &printed_len);
    if (printed_len == len && memcmp(printed, text, len) == 0)
        return TOOL_OK;
    *out = NULL;
    return tool_failed(t, "%s: not in the form that ota-repo writes (changed by another program?)", what);
}

int at_bad(struct at a, const char *name, const char *format, ...)
{
    char why[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    const char *dot = a.prefix[0] != '\0' && name[0] != '\0' ? "." : "";
    return tool_failed(a.t, "%s: %s%s%s: %s", a.file, a.prefix, dot, name, why);
}

cJSON *member(const cJSON *obj, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(obj, name);
}

const char *member_text(const cJSON *obj, const char *name)
{
    const cJSON *item = member(obj, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

uint64_t member_number(const cJSON *obj, const char *name)
{
    const cJSON *item = member(obj, name);

    return cJSON_IsNumber(item) ? (uint64_t)item->valuedouble : 0;
}

bool has_text(const cJSON *array, const char *text)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, array)
        if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
            return true;
    return false;
}

void put_item(cJSON *obj, const char *name, cJSON *value)
{
    if (member(obj, name) != NULL)
        cJSON_ReplaceItemInObjectCaseSensitive(obj, name, value);
    else
        cJSON_AddItemToObject(obj, name, value);
}

int at_string(struct at a, const char *name, const char **out)
{
    const cJSON *item = member(a.obj, name);

    if (!cJSON_IsString(item))
        return at_bad(a, name, item == NULL ? "is missing" : "must be a string");
    *out = item->valuestring;
    return TOOL_OK;
}

int at_number(struct at a, const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
    const cJSON *item = member(a.obj, name);

    if (!cJSON_IsNumber(item))
        return at_bad(a, name, item == NULL ? "is missing" : "must be a number");
    *out = (uint64_t)item->valuedouble;
    if (*out < min || *out > max)
        return at_bad(a, name, "is %" PRIu64 ", must be %" PRIu64 "..%" PRIu64, *out, min, max);
    return TOOL_OK;
}

int at_bool(struct at a, const char *name, bool *out)
{
    const cJSON *item = member(a.obj, name);

    if (!cJSON_IsBool(item))
        return at_bad(a, name, item == NULL ? "is missing" : "must be true or false");
    *out = cJSON_IsTrue(item);
    return TOOL_OK;
}

int at_array(struct at a, const char *name, cJSON **out)
{
    *out = member(a.obj, name);
    if (!cJSON_IsArray(*out))
        return at_bad(a, name, *out == NULL ? "is missing" : "must be a list");
    return TOOL_OK;
}

int at_object(struct at a, const char *name, struct at *out)
{
    cJSON *item = member(a.obj, name);

    if (!cJSON_IsObject(item))
        return at_bad(a, name, item == NULL ? "is missing" : "must be an object");
    const char *prefix = a.prefix[0] == '\0' ? name : tool_format(a.t, "%s.%s", a.prefix, name);
    *out = (struct at){ a.t, a.file, prefix, item };
    return TOOL_OK;
}
