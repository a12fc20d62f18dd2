/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the local socket: a flat JSON object, read strictly and without allocation. */
#include <string.h>

#include "ota/posix_peer.h"

#define DIGITS_MAX 15u

/* Where the reader is; the first error latches. */
struct reader {
    const char *p, *end;
    ota_err err;
};

static void fail(struct reader *r, ota_err err)
{
    if (r->err == OTA_OK)
        r->err = err;
    r->p = r->end;
}

static bool at(const struct reader *r, char c)
{
    return r->p < r->end && *r->p == c;
}

static void skip_spaces(struct reader *r)
{
    while (at(r, ' '))
        r->p++;
}

/* Spaces, then this character, which stands for itself. */
static void want(struct reader *r, char c)
{
    skip_spaces(r);
    if (at(r, c))
        r->p++;
    else
        fail(r, OTA_REJECT_SYNTAX);
}

/* A text without escapes, between quotes. */
static void take_text(struct reader *r, char *out, size_t cap)
{
    size_t n = 0;

    want(r, '"');
    for (; r->p < r->end && *r->p != '"'; r->p++) {
        if (*r->p < 0x20 || *r->p > 0x7e || *r->p == '\\') {
            fail(r, OTA_REJECT_SYNTAX);
            return;
        }
        if (n + 1 == cap) {
            fail(r, OTA_REJECT_LIMIT);
            return;
        }
        out[n++] = *r->p;
    }
    if (r->err == OTA_OK && !at(r, '"'))
        fail(r, OTA_REJECT_SYNTAX);
    else if (r->err == OTA_OK)
        r->p++;
}

static bool is_name(const char *s)
{
    return s[0] && strspn(s, "abcdefghijklmnopqrstuvwxyz_") == strlen(s);
}

static int64_t take_number(struct reader *r)
{
    bool negative = at(r, '-');
    const char *first = r->p += negative;
    int64_t v = 0;

    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        if (r->p - first == DIGITS_MAX) {
            fail(r, OTA_REJECT_LIMIT);
            return 0;
        }
        v = v * 10 + (*r->p - '0');
    }
    if (r->p == first || (*first == '0' && (r->p - first > 1 || negative)))
        fail(r, OTA_REJECT_SYNTAX);
    return negative ? -v : v;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return false;
    r->p += len;
    return true;
}

static void take_value(struct reader *r, struct ota_posix_member *m)
{
    skip_spaces(r);
    if (at(r, '"')) {
        m->kind = OTA_POSIX_TEXT;
        take_text(r, m->text, sizeof m->text);
        return;
    }
    m->kind = OTA_POSIX_BOOL;
    if (take_word(r, "true"))
        m->number = 1;
    else if (!take_word(r, "false")) {
        m->kind = OTA_POSIX_NUMBER;
        m->number = take_number(r);
    }
}

static void take_member(struct reader *r, struct ota_posix_line *out)
{
    struct ota_posix_member *m = &out->member[out->count];

    if (out->count == OTA_POSIX_MEMBERS_MAX) {
        fail(r, OTA_REJECT_LIMIT);
        return;
    }
    take_text(r, m->name, sizeof m->name);
    if (r->err == OTA_OK && !is_name(m->name))
        fail(r, OTA_REJECT_SYNTAX);
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->member[i].name, m->name) == 0)
            fail(r, OTA_REJECT_DUPLICATE);
    want(r, ':');
    take_value(r, m);
    out->count++;
}

static void take_object(struct reader *r, struct ota_posix_line *out)
{
    want(r, '{');
    skip_spaces(r);
    for (bool more = !at(r, '}'); more && r->err == OTA_OK;) {
        take_member(r, out);
        skip_spaces(r);
        more = at(r, ',');
        r->p += more;
    }
    want(r, '}');
    skip_spaces(r);
    if (r->p < r->end)
        fail(r, OTA_REJECT_SYNTAX);
}

ota_err ota_posix_line_parse(struct ota_posix_line *out, const char *text, size_t len)
{
    struct reader r = { text, text + len, OTA_OK };

    memset(out, 0, sizeof *out);
    if (len > OTA_POSIX_LINE_MAX)
        return OTA_REJECT_LIMIT;
    take_object(&r, out);
    if (r.err != OTA_OK)
        memset(out, 0, sizeof *out);
    return r.err;
}

const struct ota_posix_member *ota_posix_line_find(const struct ota_posix_line *l, const char *name, enum ota_posix_kind kind)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->member[i].kind == kind && strcmp(l->member[i].name, name) == 0)
            return &l->member[i];
    return NULL;
}
