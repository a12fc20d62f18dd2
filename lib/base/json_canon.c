/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical writer. It works on text that the reader has checked as a whole, so nothing here can be malformed.
 * Objects whose members are in order (nearly all) are copied through. In others the next member is found by looking at
 * all of them for the smallest name after the last one written: slower, but it needs no memory, and the reader has
 * bounded their number.
 */
#include "json_text.h"

#include <string.h>

struct open_value {
    uint32_t start;        /* offset of its bracket */
    struct otai_span last; /* name of the member written last; p == NULL: none yet */
    bool object, sorted;
};

struct writer {
    const struct otai_json *j;
    const struct otai_json_sink *sink;
    ota_err err;
    uint8_t depth, fill;
    uint8_t buf[64]; /* collects small pieces: a sink may be slow to call */
    struct open_value open[OTAI_JSON_DEPTH];
};

static void flush(struct writer *w)
{
    if (w->err == OTA_OK && w->fill)
        w->err = w->sink->put(w->sink->ctx, w->buf, w->fill);
    w->fill = 0;
}

static void put(struct writer *w, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (w->fill == sizeof w->buf)
            flush(w);
        w->buf[w->fill++] = p[i];
    }
}

static void put_byte(struct writer *w, uint8_t c)
{
    put(w, &c, 1);
}

static void put_string(struct writer *w, struct otai_span raw)
{
    size_t pos = 0;
    uint32_t cp;

    put_byte(w, '"');
    while (otai_json_char(raw.p, raw.len, &pos, &cp)) {
        uint8_t utf8[4];

        if (cp == '"' || cp == '\\')
            put_byte(w, '\\');
        put(w, utf8, otai_json_utf8(cp, utf8));
    }
    put_byte(w, '"');
}

/* The member that begins at `at`: its name, and where its value is. */
static struct otai_span member_at(const struct writer *w, uint32_t at, uint32_t *value)
{
    struct otai_span name = otai_json_inside(w->j, at + 1);

    *value = otai_json_gap(w->j, at + (uint32_t)name.len + 2);
    return name;
}

static bool in_order(const struct writer *w, uint32_t start)
{
    struct otai_span last = { NULL, 0 };
    uint32_t value;

    for (uint32_t at = otai_json_gap(w->j, start + 1); w->j->p[at] != '}';) {
        struct otai_span name = member_at(w, at, &value);

        if (last.p && otai_json_order(last, name) > 0)
            return false;
        last = name;
        at = otai_json_gap(w->j, otai_json_after(w->j, value));
    }
    return true;
}

/* The smallest name after the last one written, and its value. */
static struct otai_span smallest(const struct writer *w, const struct open_value *o, uint32_t *best_value)
{
    struct otai_span best = { NULL, 0 };
    uint32_t value;

    for (uint32_t at = otai_json_gap(w->j, o->start + 1); w->j->p[at] != '}';) {
        struct otai_span name = member_at(w, at, &value);

        if ((!o->last.p || otai_json_order(name, o->last) > 0) && (!best.p || otai_json_order(name, best) < 0)) {
            best = name;
            *best_value = value;
        }
        at = otai_json_gap(w->j, otai_json_after(w->j, value));
    }
    return best;
}

static void enter(struct writer *w, uint32_t at)
{
    struct open_value *o = &w->open[w->depth++];

    o->start = at;
    o->last = (struct otai_span){ NULL, 0 };
    o->object = w->j->p[at] == '{';
    o->sorted = !o->object || in_order(w, at);
    put_byte(w, w->j->p[at]);
}

/* Write the name of the next member. false: there is none. *at: from after the last value to the next one. */
static bool next_member(struct writer *w, struct open_value *o, uint32_t *at)
{
    struct otai_span name = { NULL, 0 };

    if (!o->sorted)
        name = smallest(w, o, at);
    else if (w->j->p[*at] != '}')
        name = member_at(w, *at, at);
    if (!name.p)
        return false;
    if (o->last.p)
        put_byte(w, ',');
    o->last = name;
    put_string(w, name);
    put_byte(w, ':');
    return true;
}

static bool next_element(struct writer *w, struct open_value *o, uint32_t at)
{
    if (w->j->p[at] == ']')
        return false;
    if (o->last.p)
        put_byte(w, ',');
    o->last.p = w->j->p; /* an element was written */
    return true;
}

/* From after a value to the next one, closing what ends on the way. *at is where the next value begins. */
static void advance(struct writer *w, uint32_t *at)
{
    while (w->depth) {
        struct open_value *o = &w->open[w->depth - 1];

        *at = otai_json_gap(w->j, *at);
        if (o->object ? next_member(w, o, at) : next_element(w, o, *at))
            return;
        put_byte(w, o->object ? '}' : ']');
        *at = o->sorted ? *at + 1 : otai_json_after(w->j, o->start);
        w->depth--;
    }
}

static void write_value(struct writer *w, uint32_t at)
{
    do {
        uint8_t c = w->j->p[at];

        if (c == '{' || c == '[') {
            enter(w, at++);
        } else if (c == '"') {
            put_string(w, otai_json_inside(w->j, at + 1));
            at = otai_json_after(w->j, at);
        } else {
            uint32_t end = otai_json_after(w->j, at);

            put(w, w->j->p + at, end - at);
            at = end;
        }
        advance(w, &at);
    } while (w->depth && w->err == OTA_OK);
    flush(w);
}

ota_err otai_json_canonical(struct otai_json *j, const struct otai_json_sink *sink)
{
    struct otai_span value = otai_json_value(j);
    struct writer w;

    if (j->err != OTA_OK)
        return j->err;
    w.j = j;
    w.sink = sink;
    w.err = OTA_OK;
    w.depth = 0;
    w.fill = 0;
    write_value(&w, (uint32_t)(value.p - j->p));
    return w.err;
}
