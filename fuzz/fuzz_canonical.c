/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader and the canonical form, against a second implementation that has nothing in common with them: it
 * makes a tree, and sorts and prints that. Both must accept the same texts and print the same bytes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEEP 64u /* where the tree gives up; the reader does so before */

struct bytes {
    uint8_t *p;
    size_t len, cap;
};

static void add(struct bytes *b, const void *p, size_t len)
{
    if (len > b->cap - b->len) {
        b->cap = 2 * (b->len + len) + 16;
        b->p = realloc(b->p, b->cap);
        if (!b->p)
            abort();
    }
    if (len)
        memcpy(b->p + b->len, p, len);
    b->len += len;
}

struct node {
    char kind;         /* { [ " or 1 for a number or word, which is kept as it stands */
    struct bytes name; /* of a member, decoded */
    struct bytes text; /* of a string, decoded; of a number or word */
    struct node *children;
    size_t count;
};

struct tree {
    const uint8_t *p, *end;
    bool bad, too_deep;
};

static void drop(struct node *n)
{
    for (size_t i = 0; i < n->count; i++)
        drop(&n->children[i]);
    free(n->children);
    free(n->name.p);
    free(n->text.p);
}

static void space(struct tree *t)
{
    while (t->p < t->end && (*t->p == ' ' || *t->p == '\t' || *t->p == '\n' || *t->p == '\r'))
        t->p++;
}

static bool eat(struct tree *t, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(t->end - t->p) < len || memcmp(t->p, word, len) != 0)
        return false;
    t->p += len;
    return true;
}

static void add_code(struct bytes *b, uint32_t c)
{
    uint8_t u[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        u[i] = (uint8_t)(0x80 | (c & 0x3f));
    u[0] = (uint8_t)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
    add(b, u, n);
}

/* Four hexadecimal digits; more than 0xffff: they are not there. */
static uint32_t four(struct tree *t)
{
    char text[5] = { 0 };
    char *end;

    if (t->end - t->p < 4)
        return UINT32_MAX;
    memcpy(text, t->p, 4);
    if (strspn(text, "0123456789abcdefABCDEF") != 4)
        return UINT32_MAX;
    t->p += 4;
    return (uint32_t)strtoul(text, &end, 16);
}

static void read_u(struct tree *t, struct bytes *out)
{
    uint32_t high = four(t), low;

    if (high == 0 || high > 0xffff || (high >= 0xdc00 && high <= 0xdfff)) {
        t->bad = true;
    } else if (high < 0xd800 || high > 0xdfff) {
        add_code(out, high);
    } else {
        low = eat(t, "\\u") ? four(t) : 0;
        if (low < 0xdc00 || low > 0xdfff)
            t->bad = true;
        else
            add_code(out, 0x10000 + (high % 0x400) * 0x400 + low % 0x400);
    }
}

static void read_escape(struct tree *t, struct bytes *out)
{
    static const char pairs[] = "\"\"\\\\//b\bf\fn\nr\rt\t";

    if (t->p == t->end) {
        t->bad = true;
        return;
    }
    uint8_t c = *t->p++;
    if (c == 'u') {
        read_u(t, out);
        return;
    }
    for (size_t i = 0; i + 1 < sizeof pairs; i += 2)
        if ((uint8_t)pairs[i] == c) {
            add(out, &pairs[i + 1], 1);
            return;
        }
    t->bad = true;
}

/* Well-formed UTF-8 by the table of Unicode's section 3.9 (table 3-7): lead byte, range of the second one, length. */
static size_t utf8_len(const uint8_t *p, size_t left)
{
    static const struct {
        uint8_t lead_from, lead_to, second_from, second_to;
        size_t len;
    } rows[] = { { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
                 { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
                 { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 } };

    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (p[0] < rows[i].lead_from || p[0] > rows[i].lead_to || left < rows[i].len)
            continue;
        if (p[1] < rows[i].second_from || p[1] > rows[i].second_to)
            return 0;
        for (size_t k = 2; k < rows[i].len; k++)
            if (p[k] < 0x80 || p[k] > 0xbf)
                return 0;
        return rows[i].len;
    }
    return 0;
}

static void read_string(struct tree *t, struct bytes *out)
{
    if (!eat(t, "\""))
        t->bad = true;
    while (!t->bad && !eat(t, "\"")) {
        size_t n = t->p < t->end && *t->p >= 0x20 ? utf8_len(t->p, (size_t)(t->end - t->p)) : 0;

        if (n == 0) {
            t->bad = true;
        } else if (eat(t, "\\")) {
            read_escape(t, out);
        } else {
            add(out, t->p, n);
            t->p += n;
        }
    }
}

/* An integer in its shortest form. */
static void read_number(struct tree *t, struct bytes *out)
{
    const uint8_t *start = t->p;
    bool minus = eat(t, "-");
    const uint8_t *digits = t->p;

    while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
        t->p++;
    size_t n = (size_t)(t->p - digits);
    t->bad |= n == 0 || (digits[0] == '0' && (n > 1 || minus));
    t->bad |= t->p < t->end && (*t->p == '.' || *t->p == 'e' || *t->p == 'E');
    add(out, start, (size_t)(t->p - start));
}

static void read_value(struct tree *t, struct node *n, unsigned depth);

static struct node *grow(struct node *n)
{
    n->children = realloc(n->children, (n->count + 1) * sizeof *n->children);
    if (!n->children)
        abort();
    memset(&n->children[n->count], 0, sizeof *n->children);
    return &n->children[n->count++];
}

static void read_children(struct tree *t, struct node *n, unsigned depth)
{
    const char *closer = n->kind == '{' ? "}" : "]";

    space(t);
    if (eat(t, closer))
        return;
    do {
        struct node *child = grow(n);

        space(t);
        if (n->kind == '{') {
            read_string(t, &child->name);
            space(t);
            t->bad |= t->bad || !eat(t, ":");
        }
        if (!t->bad)
            read_value(t, child, depth + 1);
        space(t);
    } while (!t->bad && eat(t, ","));
    t->bad |= t->bad || !eat(t, closer);
}

static void read_value(struct tree *t, struct node *n, unsigned depth)
{
    static const char *const words[] = { "true", "false", "null" };

    space(t);
    if (depth == DEEP || t->p == t->end) {
        t->too_deep |= depth == DEEP;
        t->bad = true;
        return;
    }
    n->kind = (char)*t->p;
    if (n->kind == '"') {
        read_string(t, &n->text);
    } else if (n->kind == '{' || n->kind == '[') {
        t->p++;
        read_children(t, n, depth);
    } else {
        n->kind = '1';
        for (size_t i = 0; i < 3; i++)
            if (eat(t, words[i])) {
                add(&n->text, words[i], strlen(words[i]));
                return;
            }
        read_number(t, &n->text);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct bytes *x = &((const struct node *)a)->name, *y = &((const struct node *)b)->name;
    size_t both = x->len < y->len ? x->len : y->len;
    int order = both ? memcmp(x->p, y->p, both) : 0;

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* false: two members have one name. */
static bool sort(struct node *n)
{
    if (n->kind == '{' && n->count)
        qsort(n->children, n->count, sizeof *n->children, by_name);
    for (size_t i = 0; i < n->count; i++)
        if (!sort(&n->children[i]) || (n->kind == '{' && i && by_name(&n->children[i - 1], &n->children[i]) == 0))
            return false;
    return true;
}

static void print_string(const struct bytes *s, struct bytes *out)
{
    add(out, "\"", 1);
    for (size_t i = 0; i < s->len; i++) {
        if (s->p[i] == '"' || s->p[i] == '\\')
            add(out, "\\", 1);
        add(out, s->p + i, 1);
    }
    add(out, "\"", 1);
}

static void print(const struct node *n, struct bytes *out)
{
    if (n->kind == '1')
        add(out, n->text.p, n->text.len);
    else if (n->kind == '"')
        print_string(&n->text, out);
    else
        add(out, &n->kind, 1);
    for (size_t i = 0; i < n->count; i++) {
        if (i)
            add(out, ",", 1);
        if (n->kind == '{') {
            print_string(&n->children[i].name, out);
            add(out, ":", 1);
        }
        print(&n->children[i], out);
    }
    if (n->kind == '{' || n->kind == '[')
        add(out, n->kind == '{' ? "}" : "]", 1);
}

enum verdict { GOOD, BAD, UNKNOWN };

static enum verdict by_tree(const uint8_t *data, size_t size, struct bytes *out)
{
    struct tree t = { data, data + size, false, false };
    struct node root;

    memset(&root, 0, sizeof root);
    read_value(&t, &root, 0);
    space(&t);
    bool good = !t.bad && t.p == t.end && sort(&root);
    if (good)
        print(&root, out);
    drop(&root);
    return t.too_deep ? UNKNOWN : good ? GOOD : BAD;
}

static ota_err put(void *ctx, const uint8_t *p, size_t len)
{
    add(ctx, p, len);
    return OTA_OK;
}

static ota_err by_reader(const uint8_t *data, size_t size, struct bytes *out)
{
    const struct otai_json_sink sink = { put, out };
    struct otai_json j;

    otai_json_init(&j, data, size);
    ota_err err = otai_json_canonical(&j, &sink);
    if (err == OTA_OK) {
        otai_json_end(&j);
        err = j.err;
    }
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes ours = { NULL, 0, 0 }, theirs = { NULL, 0, 0 };
    ota_err err = by_reader(data, size, &ours);
    enum verdict tree = by_tree(data, size, &theirs);

    if (err == OTA_OK && (tree != GOOD || ours.len != theirs.len || memcmp(ours.p, theirs.p, ours.len) != 0))
        abort();
    /* Of what is beyond a limit the reader need not say whether it is well formed. */
    if (err != OTA_OK && err != OTA_REJECT_LIMIT && tree == GOOD)
        abort();
    free(ours.p);
    free(theirs.p);
    return 0;
}
