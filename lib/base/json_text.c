/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"
#include "encode.h"

#include <string.h>

static bool hex4(const uint8_t *p, size_t len, size_t *pos, uint32_t *out)
{
    uint8_t two[2];

    if (len - *pos < 4 || !otai_hex_decode((struct otai_span){ p + *pos, 4 }, two, OTAI_HEX_ANY))
        return false;
    *pos += 4;
    *out = (uint32_t)two[0] << 8 | two[1];
    return true;
}

/* After "\u". A high surrogate counts only together with the low one behind it. */
static bool unicode_escape(const uint8_t *p, size_t len, size_t *pos, uint32_t *cp)
{
    uint32_t low;

    if (!hex4(p, len, pos, cp) || *cp == 0)
        return false;
    if (*cp < 0xd800 || *cp > 0xdfff)
        return true;
    if (*cp > 0xdbff || len - *pos < 2 || p[*pos] != '\\' || p[*pos + 1] != 'u')
        return false;
    *pos += 2;
    if (!hex4(p, len, pos, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    *cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static bool escape(const uint8_t *p, size_t len, size_t *pos, uint32_t *cp)
{
    static const char letters[] = "\"\\/bfnrt";
    static const uint8_t meaning[] = "\"\\/\b\f\n\r\t";

    if (*pos >= len)
        return false;
    uint8_t c = p[(*pos)++];
    if (c == 'u')
        return unicode_escape(p, len, pos, cp);
    const char *found = memchr(letters, c, sizeof letters - 1);
    if (!found)
        return false;
    *cp = meaning[found - letters];
    return true;
}

/* The bytes that follow a lead byte. Overlong forms, surrogates and values beyond U+10FFFF are malformed. */
static bool utf8_rest(const uint8_t *p, size_t len, size_t *pos, uint8_t lead, uint32_t *cp)
{
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    uint32_t v = lead & (0x3fu >> more);

    if (lead < 0xc0 || lead >= 0xf8 || len - *pos < more)
        return false;
    for (size_t i = 0; i < more; i++) {
        uint8_t c = p[(*pos)++];

        if ((c & 0xc0) != 0x80)
            return false;
        v = v << 6 | (c & 0x3fu);
    }
    *cp = v;
    return v >= least[more] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

bool otai_json_char(const uint8_t *p, size_t len, size_t *pos, uint32_t *cp)
{
    if (*pos >= len)
        return false;
    uint8_t c = p[(*pos)++];
    if (c < 0x20)
        return false;
    if (c == '\\')
        return escape(p, len, pos, cp);
    *cp = c;
    return c < 0x80 || utf8_rest(p, len, pos, c, cp);
}

size_t otai_json_utf8(uint32_t cp, uint8_t out[4])
{
    size_t more = cp < 0x80 ? 0 : cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;

    for (size_t i = more; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    out[0] = (uint8_t)(more ? (0xffu << (7 - more) & 0xffu) | cp : cp);
    return more + 1;
}

int otai_json_order(struct otai_span a, struct otai_span b)
{
    size_t ia = 0, ib = 0;
    uint32_t ca, cb;

    for (;;) {
        bool more_a = otai_json_char(a.p, a.len, &ia, &ca);
        bool more_b = otai_json_char(b.p, b.len, &ib, &cb);

        if (!more_a || !more_b)
            return (int)more_a - (int)more_b;
        if (ca != cb)
            return ca < cb ? -1 : 1;
    }
}

struct otai_span otai_json_inside(const struct otai_json *j, uint32_t at)
{
    uint32_t end = at;

    while (end < j->len && j->p[end] != '"')
        end += j->p[end] == '\\' ? 2 : 1;
    return (struct otai_span){ j->p + at, end - at };
}

uint32_t otai_json_gap(const struct otai_json *j, uint32_t at)
{
    while (at < j->len && strchr(" \t\r\n,:", j->p[at]))
        at++;
    return at;
}

uint32_t otai_json_after(const struct otai_json *j, uint32_t at)
{
    uint32_t depth = 0;

    if (!strchr("\"{[", j->p[at])) {
        while (at < j->len && !strchr(" \t\r\n,]}", j->p[at]))
            at++;
        return at;
    }
    do {
        uint8_t c = j->p[at];

        if (c == '"')
            at += (uint32_t)otai_json_inside(j, at + 1).len + 1;
        else if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        at++;
    } while (depth && at < j->len);
    return at;
}
