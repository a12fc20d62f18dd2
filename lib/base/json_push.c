/* SPDX-License-Identifier: Apache-2.0 */
#include "json_push.h"

#include <string.h>

#include "json_text.h"

/* What may come next. */
enum { VALUE, FIRST_ELEMENT, NAME, FIRST_NAME, COLON, AFTER, END };
/* What is under way. */
enum { NOTHING, STRING, NUMBER, WORD };

struct flow {
    struct otai_push *p;
    otai_push_take *take;
    void *to;
};

void otai_push_init(struct otai_push *p)
{
    memset(p, 0, sizeof *p);
}

static void fail(struct otai_push *p, ota_err err)
{
    if (p->err == OTA_OK)
        p->err = err;
}

static void emit(const struct flow *f, enum otai_push_event ev)
{
    if (f->p->err == OTA_OK)
        fail(f->p, f->take(f->to, f->p, ev));
}

static bool in_object(const struct otai_push *p)
{
    return p->objects >> (p->depth - 1u) & 1u;
}

/* A value ended. */
static void after_value(struct otai_push *p)
{
    p->expect = p->depth ? AFTER : END;
}

static void open(const struct flow *f, bool object)
{
    struct otai_push *p = f->p;

    if (p->depth == OTAI_JSON_DEPTH) {
        fail(p, OTA_REJECT_LIMIT);
        return;
    }
    p->objects = object ? p->objects | 1u << p->depth : p->objects & ~(1u << p->depth);
    p->depth++;
    p->expect = object ? FIRST_NAME : FIRST_ELEMENT;
    emit(f, object ? OTAI_PUSH_OBJECT : OTAI_PUSH_ARRAY);
}

static void close(const struct flow *f, bool object)
{
    struct otai_push *p = f->p;

    if (p->depth == 0 || in_object(p) != object) {
        fail(p, OTA_REJECT_SYNTAX);
        return;
    }
    p->depth--;
    after_value(p);
    emit(f, object ? OTAI_PUSH_OBJECT_END : OTAI_PUSH_ARRAY_END);
}

static void begin_token(struct otai_push *p, uint8_t token)
{
    p->token = token;
    p->len = 0;
    p->seq_len = 0;
    p->cut = false;
    p->text[0] = '\0';
}

static void keep(struct otai_push *p, const uint8_t *bytes, size_t len)
{
    if (p->cut || p->len + len >= sizeof p->text) {
        p->cut = true;
        return;
    }
    memcpy(p->text + p->len, bytes, len);
    p->len = (uint16_t)(p->len + len);
    p->text[p->len] = '\0';
}

/* ---- strings ---- */

static void end_string(const struct flow *f)
{
    struct otai_push *p = f->p;

    p->token = NOTHING;
    if (p->name)
        p->expect = COLON;
    else
        after_value(p);
    emit(f, p->name ? OTAI_PUSH_NAME : OTAI_PUSH_STRING);
}

/* How many bytes has the character that begins so? It grows when an escape turns out longer. */
static uint8_t needs(const struct otai_push *p)
{
    uint8_t c = p->seq[0];

    if (c != '\\')
        return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (p->seq_len < 2 || p->seq[1] != 'u')
        return 2;
    if (p->seq_len < 6)
        return 6;
    bool high = (p->seq[2] | 0x20) == 'd' && strchr("89abAB", p->seq[3]) && p->seq[3];
    return high ? 12 : 6;
}

static void string_byte(const struct flow *f, uint8_t c)
{
    struct otai_push *p = f->p;
    uint8_t utf8[4];
    uint32_t cp;
    size_t pos = 0;

    if (c == '"' && p->seq_len == 0) {
        end_string(f);
        return;
    }
    p->seq[p->seq_len++] = c;
    if (p->seq_len < needs(p))
        return;
    if (otai_json_char(p->seq, p->seq_len, &pos, &cp) && pos == p->seq_len)
        keep(p, utf8, otai_json_utf8(cp, utf8));
    else
        fail(p, OTA_REJECT_SYNTAX);
    p->seq_len = 0;
}

/* ---- numbers and words ---- */

static const char *digits(const char *s)
{
    while (*s >= '0' && *s <= '9')
        s++;
    return s;
}

/* RFC 8259 section 6. */
static bool is_number(const char *s)
{
    s += *s == '-';
    const char *end = digits(s);
    if (end == s || (*s == '0' && end > s + 1))
        return false;
    if (*end == '.') {
        s = end + 1;
        end = digits(s);
        if (end == s)
            return false;
    }
    if (*end == 'e' || *end == 'E') {
        s = end + 1;
        s += *s == '+' || *s == '-';
        end = digits(s);
        if (end == s)
            return false;
    }
    return *end == '\0';
}

static void end_plain(const struct flow *f)
{
    struct otai_push *p = f->p;
    bool number = p->token == NUMBER, null = strcmp(p->text, "null") == 0;

    p->token = NOTHING;
    after_value(p);
    if (p->cut)
        fail(p, number ? OTA_REJECT_LIMIT : OTA_REJECT_SYNTAX);
    else if (number ? !is_number(p->text) : !null && strcmp(p->text, "true") != 0 && strcmp(p->text, "false") != 0)
        fail(p, OTA_REJECT_SYNTAX);
    emit(f, number ? OTAI_PUSH_NUMBER : null ? OTAI_PUSH_NULL : OTAI_PUSH_BOOL);
}

static bool goes_on(const struct otai_push *p, uint8_t c)
{
    if (p->token == WORD)
        return c >= 'a' && c <= 'z';
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* ---- structure ---- */

static void begin_value(const struct flow *f, uint8_t c)
{
    struct otai_push *p = f->p;

    if (c == '{' || c == '[') {
        open(f, c == '{');
        return;
    }
    p->name = false;
    if (c == '"') {
        begin_token(p, STRING);
        return;
    }
    begin_token(p, c == '-' || (c >= '0' && c <= '9') ? NUMBER : WORD);
    if (goes_on(p, c))
        keep(p, &c, 1);
    else
        fail(p, OTA_REJECT_SYNTAX);
}

static void begin_name(struct otai_push *p, uint8_t c)
{
    if (c != '"') {
        fail(p, OTA_REJECT_SYNTAX);
        return;
    }
    p->name = true;
    begin_token(p, STRING);
}

static void after(const struct flow *f, uint8_t c)
{
    struct otai_push *p = f->p;

    if (c == ',')
        p->expect = in_object(p) ? NAME : VALUE;
    else if (c == '}' || c == ']')
        close(f, c == '}');
    else
        fail(p, OTA_REJECT_SYNTAX);
}

/* A byte outside strings, numbers and words that is not white space. */
static void structure(const struct flow *f, uint8_t c)
{
    struct otai_push *p = f->p;
    uint8_t expect = p->expect;

    if ((expect == FIRST_NAME && c == '}') || (expect == FIRST_ELEMENT && c == ']'))
        close(f, c == '}');
    else if (expect == NAME || expect == FIRST_NAME)
        begin_name(p, c);
    else if (expect == AFTER)
        after(f, c);
    else if (expect == VALUE || expect == FIRST_ELEMENT)
        begin_value(f, c);
    else if (expect == COLON && c == ':')
        p->expect = VALUE;
    else
        fail(p, OTA_REJECT_SYNTAX);
}

static void byte(const struct flow *f, uint8_t c)
{
    struct otai_push *p = f->p;

    if (p->token == STRING) {
        string_byte(f, c);
        return;
    }
    if (p->token != NOTHING) {
        if (goes_on(p, c)) {
            keep(p, &c, 1);
            return;
        }
        end_plain(f);
    }
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
        structure(f, c);
}

ota_err otai_push_bytes(struct otai_push *p, const uint8_t *bytes, size_t len, otai_push_take *take, void *to)
{
    const struct flow f = { p, take, to };

    for (size_t i = 0; i < len && p->err == OTA_OK; i++)
        byte(&f, bytes[i]);
    return p->err;
}

ota_err otai_push_end(struct otai_push *p)
{
    if (p->expect != END || p->token != NOTHING)
        fail(p, OTA_REJECT_SYNTAX);
    return p->err;
}
